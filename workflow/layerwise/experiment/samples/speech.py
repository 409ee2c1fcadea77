"""What a corpus has, as sample sets of any sizes are drawn from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd

from layerwise.files.own_tables import INTERVALS, SEGMENT_COLUMNS, read_parquet
from layerwise.sampling import draw_segments, draw_utterances, read_word_list, segments_of
from layerwise.scoring.enough import DrawnRows
from layerwise.spans import SEGMENTS, SPANS, Rows, SampleSizes, Span
from layerwise.targets.located import LocatedIntervals

KEPT = 50  # draws, each of some thousand names


@dataclass(frozen=True)
class Speech:
    """The tables of a corpus.

    Attributes:
        utterances, intervals: as utterances.parquet and intervals.parquet have them.
        ranking: words, the most frequent first; None: as they are in `intervals`.
        tables: tables of segments of the user's, by their names: they are taken whole.
        seed: of the draws.
    """

    utterances: pd.DataFrame
    intervals: pd.DataFrame
    seed: int
    ranking: Sequence[str] | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    _kept: dict[tuple, DrawnRows] = field(default_factory=dict, init=False, repr=False, compare=False)

    def drawn(self, rows: Rows, sizes: SampleSizes, sample: int, seconds_per_row: float) -> DrawnRows:
        """The rows of a question in one sample set; the last ones are kept, as several questions have the same.

        Frames are counted by the length of each utterance: a model gives one or two fewer of each.
        """
        key = (rows.of, sizes, sample, seconds_per_row if not rows.of_segments else 0.0)
        if key not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = self._drawn(rows, sizes, sample, seconds_per_row)
        return self._kept[key]

    def _drawn(self, rows: Rows, sizes: SampleSizes, sample: int, seconds_per_row: float) -> DrawnRows:
        if not rows.of_segments:
            table = draw_utterances(self._sorted, sample, self.seed, sizes)
            frames = np.floor(table["duration"].to_numpy(float) / seconds_per_row + 1e-6).astype(np.int64)
            names, speakers = _texts(table["utterance_id"]), _texts(table["speaker_id"])
            return DrawnRows(names, speakers, frames=frames, located=partial(self._located, names, speakers))
        if rows.span is None:
            table = self.tables[rows.of]
        else:
            table = draw_segments(self.segments[rows.span], rows.span, sample, self.seed, sizes, self.ranking)
        speakers = self._speakers.reindex(table["utterance_id"])
        return DrawnRows(_texts(table["utterance_id"]), _texts(speakers), _texts(table["label"]))

    def _located(self, names: np.ndarray, speakers: np.ndarray, tier: str) -> LocatedIntervals:
        """As the workflow's `locate_intervals` finds them."""
        table = self.segments[SPANS[tier]]
        of = pd.Index(names).get_indexer(table["utterance_id"])
        table, of = table[of >= 0], of[of >= 0]
        times = [table[column].to_numpy(np.float64) for column in ("start", "end")]
        return LocatedIntervals(names, speakers, of.astype(np.int64), _texts(table["label"]), *times)

    @cached_property
    def segments(self) -> dict[Span, pd.DataFrame]:
        """All segments of each span."""
        return {span: segments_of(span, self.utterances, self.intervals) for span in SEGMENTS}

    @cached_property
    def _sorted(self) -> pd.DataFrame:
        return self.utterances.sort_values("utterance_id", ignore_index=True)

    @cached_property
    def _speakers(self) -> pd.Series:
        return self.utterances.set_index("utterance_id")["speaker_id"]


def _texts(values: pd.Series) -> np.ndarray:
    return values.to_numpy().astype(str)


def read_speech(
    utterances: Path, intervals: Path, seed: int, word_list: Path | None, lower_case: bool, tables: Iterable[Path]
) -> Speech:
    """From the tables of a corpus, and those of segments of the user's, which are named after their files.

    Args:
        word_list, lower_case: as `layerwise.sampling.read_word_list` takes them.
    """
    return Speech(
        read_parquet(utterances, ("utterance_id", "speaker_id", "duration")),
        read_parquet(intervals, INTERVALS),
        seed,
        None if word_list is None else read_word_list(word_list, lower_case=lower_case),
        {path.stem: read_parquet(path, SEGMENT_COLUMNS) for path in tables},
    )
