"""Acoustic measures beside the rows of a layer: what score jobs read of the files that `acoustics` writes."""

from __future__ import annotations

from collections.abc import Sequence

import h5py
import numpy as np

from layerwise.constants import MEL_SECONDS
from layerwise.corpus.times import comparable, steps
from layerwise.errors import did_you_mean
from layerwise.representations.acoustic_measures import MEASURES, AcousticsError
from layerwise.representations.store import RepresentationError, dataset, numbers, rows, strings
from layerwise.spans import Pooling

_READ_CELLS = 1 << 18  # that are read together: utterances are short, and each reading has its cost


def acoustic_frames(
    file: h5py.File, measure: str, utterance_ids: Sequence[str], frames: Sequence[int], stride_seconds: float
) -> np.ndarray:
    """The rows of a measure that stand beside frames: of each utterance every (stride / 10 ms)-th, as many as it has.

    Frame i has the row of its own time, i · stride, as with mel rows. NaN stays where the measure is not
    defined.

    Args:
        file: as `store.reading` opens it.
        utterance_ids, frames: the utterances, and how many frames of the layer each of them has.
        stride_seconds: from one frame to the next.

    Returns:
        (sum of frames, dimension) float32.

    Raises:
        AcousticsError: there is no such measure; the stride is no multiple of 10 ms; an utterance was not measured, or
            ends before the layer does.
        RepresentationError: the file is damaged.
    """
    step = round(stride_seconds / MEL_SECONDS)
    if step < 1 or comparable(step * MEL_SECONDS) != comparable(stride_seconds):
        raise AcousticsError(
            f"a stride of {stride_seconds} s is no multiple of {MEL_SECONDS} s, the hop of acoustic measures"
        )
    stored = _Measured(file, measure)
    found = np.empty((int(sum(frames)), stored.dimensions), np.float32)
    done = 0
    for name, count in zip(map(str, utterance_ids), map(int, frames), strict=True):
        first, stop = stored.borders(name)
        there = -(-(stop - first) // step)
        if there < count:
            raise AcousticsError(
                f"{file.filename}: {measure} of {name} has {there} rows of {stride_seconds} s, "
                f"the layer has {count} frames"
            )
        if count:
            found[done : done + count] = stored.read(first, first + (count - 1) * step + 1)[::step]
        done += count
    return found


def acoustic_segments(
    file: h5py.File,
    measure: str,
    utterance_ids: Sequence[str],
    starts: np.ndarray,
    ends: np.ndarray,
    pooling: Pooling,
) -> np.ndarray:
    """The mean of a measure over each segment, of those of its rows that `pooling` takes and that have a value.

    Rows are pooled as the frames of a layer are, on the grid of 10 ms: of f0, a vowel has the mean of its voiced rows.

    Args:
        utterance_ids, starts, ends: of the segments, in seconds from the start of the utterance.

    Returns:
        (segments × dimensions) float32, NaN where no row has a value.

    Raises:
        AcousticsError: there is no such measure; an utterance was not measured.
        RepresentationError: the file is damaged.
    """
    stored = _Measured(file, measure)
    found = np.full((len(starts), stored.dimensions), np.nan, np.float32)
    touched = np.floor(steps(starts, MEL_SECONDS)).astype(int), np.ceil(steps(ends, MEL_SECONDS)).astype(int)
    for place, (name, *borders) in enumerate(
        zip(map(str, utterance_ids), *map(np.ndarray.tolist, touched), strict=True)
    ):
        begin, end = stored.borders(name)
        first, last = pooling.frames(*borders)
        first = min(first, end - begin - 1)
        last = max(first + 1, min(last, end - begin))
        values = stored.read(begin + first, begin + last)
        values = values[np.isfinite(values).all(axis=1)]
        if len(values):
            found[place] = values.mean(axis=0, dtype=np.float64)
    return found


class _Measured:
    """A measure of all utterances of a file, read ahead."""

    def __init__(self, file: h5py.File, measure: str) -> None:
        if measure not in MEASURES:
            raise AcousticsError(f"there is no acoustic measure {measure!r}{did_you_mean(MEASURES, measure)}")
        self._file = file
        self._stored = rows([file], measure)
        self._borders = _borders(file, self._stored.shape[0])
        self._first, self._held = 0, self._stored[0:0]
        self.dimensions = self._stored.shape[1]

    def borders(self, utterance_id: str) -> tuple[int, int]:
        """First and last row (exclusive) of an utterance."""
        if utterance_id not in self._borders:
            raise AcousticsError(
                f"{self._file.filename} has no utterance {utterance_id}, only the {len(self._borders)} that were "
                f"sampled when it was measured{did_you_mean(self._borders, utterance_id)}"
            )
        return self._borders[utterance_id]

    def read(self, first: int, stop: int) -> np.ndarray:
        if not self._first <= first <= stop <= self._first + len(self._held):
            ahead = first + _READ_CELLS // self.dimensions
            self._first, self._held = first, self._stored[first : max(stop, ahead)]
        return self._held[first - self._first : stop - self._first]


def _borders(file: h5py.File, total: int) -> dict[str, tuple[int, int]]:
    """First and last row (exclusive) of each utterance, of `total` rows."""
    names, offsets = strings(dataset(file, "utterance_id")), numbers(dataset(file, "offsets"))
    if len(offsets) != len(names) + 1 or offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 1).any():
        raise RepresentationError(
            f"{file.filename}: /offsets does not divide {total} rows among {len(names)} utterances: delete it and "
            "measure again"
        )
    return dict(zip(names.tolist(), zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True), strict=True))
