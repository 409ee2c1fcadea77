"""What stands beside the rows of a layer: their folds, their speakers, and the shuffled target that gives chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from layerwise.representations import layout, store
from layerwise.scoring import chance
from layerwise.scoring import folds as folding
from layerwise.scoring.properties import Property
from layerwise.scoring.refusals import EmptyFoldError, RefusedScoreError
from layerwise.scoring.settings import ScoreSettings
from layerwise.scoring.targets import grid


@dataclass(frozen=True)
class SpeakerGroups:
    """Groups of speakers, for a jackknife.

    Attributes:
        names: (groups,), in order of the alphabet.
        member: (rows,) the number of the group of each row.
    """

    names: list[str]
    member: np.ndarray

    def folds(self, fold: np.ndarray) -> np.ndarray:
        """The fold of each group, (groups,), from that of each row; -1 for a group without rows."""
        fold_of = np.full(len(self.names), -1)
        fold_of[self.member] = fold
        return fold_of


@dataclass(frozen=True)
class LayerRows:
    """The rows of one layer over a span, for one question and sample set, in the shards of a model."""

    shards: list[h5py.File]
    question: Property
    sample: int
    layer: str

    def matrix(self) -> store.Rows:
        """(rows × dimensions)."""
        return store.rows(self.shards, self._place(self.layer))

    def target(self) -> Any:
        """What the layer is compared with, (rows × dimensions)."""
        return self.question.target.rows(self.shards, self.sample, self.question.span, self.layer)

    def unrelated(self, target: Any, fold: np.ndarray, seed: int) -> Any:
        """The target, shuffled: `layerwise.scoring.chance` says how.

        Args:
            target: as `target` gives it.
            fold: (rows,).
        """
        key = (self.question.name, seed, self.sample)
        if self.question.of_segments:
            return target[chance.permutation(store.joined(self.shards, self._place("row")), fold, *key)]
        names = [self._texts(name) for name in layout.NAMES]
        lengths = self._lengths(layout.borders(self.sample))  # those of the T layers, for layers of every grid
        frames = self._frames()
        for part, what in ((names[1], "speakers"), (lengths, "utterances"), (frames, "utterances")):
            self.require_length(len(part), len(names[0]), what)
        return store.Rearranged(target, chance.frame_rows(*names, lengths, frames, *key))

    def speakers(self, rows: int) -> int:
        """Of how many speakers the rows are."""
        speakers = self._texts("speaker_id")
        if not self.question.of_segments:
            frames = self._lengths(layout.borders(self.sample))
            self.require_length(len(speakers), len(frames), "speakers")
            return len(np.unique(speakers[frames > 0]))
        self.require_length(len(speakers), rows, "speakers")
        return len(np.unique(speakers))

    def folds(self, settings: ScoreSettings, rows: int) -> tuple[np.ndarray, SpeakerGroups | None]:
        """The fold of each row, (rows,), and the groups of a jackknife, where there is one.

        Rows of one utterance are in one shard, so the order of shards does not matter.
        """
        utterances = self._texts("utterance_id")
        by = settings.folds_by
        groups = None if by == "row" else self._texts(f"{by}_id")
        if groups is not None:
            self.require_length(len(groups), len(utterances), f"{by}s")
        names: list[str] = []
        if settings.over_speakers:
            everybody = store.all_strings(self.shards, "speaker_id")
            group_of = folding.speaker_groups(everybody, settings.folds, settings.seed)
            names = sorted(set(group_of.values()))
            groups = np.array([group_of[speaker] for speaker in groups.tolist()], dtype=str)
        how = (groups, settings.folds, settings.seed, self.sample)
        if not self.question.of_segments:
            frames = self._frames()
            self.require_length(len(utterances), len(frames), "utterances")
            self.require_length(int(frames.sum()), rows, "frames")
            fold = folding.frame_folds(utterances, frames, *how)
            return fold, SpeakerGroups(names, np.repeat(np.searchsorted(names, groups), frames)) if names else None
        labels, places = self._texts("label"), store.joined(self.shards, self._place("row"))
        for part, what in ((utterances, "utterances"), (labels, "labels"), (places, "places")):
            self.require_length(len(part), rows, what)
        fold = folding.segment_folds(labels, utterances, places, *how)
        return fold, SpeakerGroups(names, np.searchsorted(names, groups)) if names else None

    def require_length(self, found: int, expected: int, what: str) -> None:
        """Refuse files whose parts do not belong together."""
        if found != expected:
            names = ", ".join(file.filename for file in self.shards)
            raise store.RepresentationError(f"{names}: {found} {what} where {expected} are expected: extract again")

    def _place(self, name: str) -> str:
        return layout.rows_path(self.sample, self.question.span, name)

    def _texts(self, name: str) -> np.ndarray:
        return store.joined_strings(self.shards, self._place(name))

    def _frames(self) -> np.ndarray:
        """Frames of each utterance in the layer."""
        return self._lengths(
            layout.borders(self.sample, grid(self.shards[0], self.sample, self.question.span, self.layer))
        )

    def _lengths(self, path: str) -> np.ndarray:
        """Frames of each utterance of all shards, in order; where each ends and begins lies at `path`."""
        lengths = []
        for file in self.shards:
            borders = store.numbers(store.dataset(file, path))
            if not len(borders) or borders[0] != 0 or (borders[1:] < borders[:-1]).any() or borders[-1] >= 1 << 48:
                raise store.RepresentationError(f"{file.filename}: {path} has no borders of utterances: extract again")
            lengths.append(np.diff(borders.astype(np.int64)))
        return np.concatenate(lengths)


def refuse_empty(fold: np.ndarray, folds: int) -> None:
    """Refuse folds of which one has no rows.

    Raises:
        RefusedScoreError: there are no rows at all.
        EmptyFoldError: a fold has none.
    """
    count = np.bincount(fold, minlength=folds)
    if not fold.size:
        raise RefusedScoreError("there are no rows")
    if not count.all():
        raise EmptyFoldError(f"fold {count.argmin()} of {folds} has no rows (rows per fold: {count.tolist()})")
