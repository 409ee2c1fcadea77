"""The frames of a layer, utterance by utterance: for measures that see recordings, not rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from layerwise.representations import store
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.scoring.rows import LayerRows
from layerwise.scoring.settings import ScoreSettings


class UtteranceFrames(Mapping[str, np.ndarray]):
    """Utterance → its frames, (frames × dimensions) as they are stored, read when they are asked for.

    Utterances are in the order of their names, so that nothing depends on the order of shards; those without frames are
    left out.

    Attributes:
        names, speakers: (utterances,). lengths: (utterances,) frames of each.
        rows: (frames × dimensions) of all utterances, one after the other.
        stride_seconds: from frame to frame.
    """

    def __init__(self, asked: LayerRows) -> None:
        names, speakers, lengths = asked.texts("utterance_id"), asked.texts("speaker_id"), asked.frames()
        for found in (speakers, lengths):
            asked.require_length(len(found), len(names), "utterances")
        view = asked.all_rows()
        asked.require_length(int(lengths.sum()), view.shape[0], "frames")
        first = np.cumsum(lengths) - lengths
        order = np.argsort(names, kind="stable")
        order = order[lengths[order] > 0]
        if not order.size:
            raise RefusedScoreError("there are no frames")
        places = np.concatenate([np.arange(first[one], first[one] + lengths[one]) for one in order])
        self.names, self.speakers, self.lengths = names[order], speakers[order], lengths[order]
        self.rows = store.Rearranged(view, places)
        self.stride_seconds = asked.seconds_per_row()
        self._places = places

    def __getitem__(self, name: str) -> np.ndarray:
        first, length = self._stretches[name]
        return self.rows[first : first + length]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stretches)

    def __len__(self) -> int:
        return len(self.names)

    def folds(self, asked: LayerRows, settings: ScoreSettings) -> np.ndarray:
        """The fold of each utterance, (utterances,), where folds keep utterances together."""
        fold, _ = asked.folds(settings)
        return fold[self._places][np.cumsum(self.lengths) - self.lengths]

    @cached_property
    def _stretches(self) -> dict[str, tuple[int, int]]:
        first = np.cumsum(self.lengths) - self.lengths
        return dict(zip(self.names.tolist(), zip(first.tolist(), self.lengths.tolist(), strict=True), strict=True))
