"""Acoustic measures beside the frames of a layer: what score jobs read of the files that `acoustics` writes."""

from __future__ import annotations

from collections.abc import Sequence

import h5py
import numpy as np

from layerwise.constants import MEL_SECONDS
from layerwise.corpus.times import comparable
from layerwise.errors import did_you_mean
from layerwise.representations.acoustic_measures import MEASURES, AcousticsError
from layerwise.representations.store import RepresentationError, Rows, dataset, numbers, rows, strings

_READ_ROWS = 1 << 18  # that are read together: utterances are short, and each reading has its cost


def acoustics_rows(
    file: h5py.File, measure: str, utterance_ids: Sequence[str], frames: Sequence[int], stride_seconds: float
) -> np.ndarray:
    """The rows of a measure that stand beside frames: of each utterance every (stride / 10 ms)-th, as many as it has.

    Frame i of a layer has the row 10 ms · (i · stride / 10 ms), as mel rows have it. NaN stays where the measure is not
    defined. For layers every 10 ms, the rows are taken one by one.

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
    if measure not in MEASURES:
        raise AcousticsError(f"there is no acoustic measure {measure!r}{did_you_mean(MEASURES, measure)}")
    step = round(stride_seconds / MEL_SECONDS)
    if step < 1 or comparable(step * MEL_SECONDS) != comparable(stride_seconds):
        raise AcousticsError(
            f"a stride of {stride_seconds} s is no multiple of {MEL_SECONDS} s, the hop of acoustic measures"
        )
    stored = rows([file], measure)
    borders = _borders(file, stored.shape[0])
    stretch = _Stretch(stored)
    found = np.empty((int(sum(frames)), stored.shape[1]), np.float32)
    done = 0
    for name, count in zip(map(str, utterance_ids), map(int, frames), strict=True):
        if name not in borders:
            raise AcousticsError(
                f"{file.filename} has no utterance {name}, only the {len(borders)} that were sampled when it was "
                f"measured{did_you_mean(borders, name)}"
            )
        first, stop = borders[name]
        there = -(-(stop - first) // step)
        if there < count:
            raise AcousticsError(
                f"{file.filename}: {measure} of {name} has {there} rows of {stride_seconds} s, "
                f"the layer has {count} frames"
            )
        if count:
            found[done : done + count] = stretch.read(first, first + (count - 1) * step + 1)[::step]
        done += count
    return found


def _borders(file: h5py.File, total: int) -> dict[str, tuple[int, int]]:
    """First and last row (exclusive) of each utterance, of `total` rows."""
    names, offsets = strings(dataset(file, "utterance_id")), numbers(dataset(file, "offsets"))
    if len(offsets) != len(names) + 1 or offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
        raise RepresentationError(
            f"{file.filename}: /offsets does not divide {total} rows among {len(names)} utterances: delete it and "
            "measure again"
        )
    return dict(zip(names.tolist(), zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True), strict=True))


class _Stretch:
    """Rows of a matrix, read ahead."""

    def __init__(self, stored: Rows) -> None:
        self._stored = stored
        self._first, self._held = 0, stored[0:0]

    def read(self, first: int, stop: int) -> np.ndarray:
        if not self._first <= first <= stop <= self._first + len(self._held):
            self._first, self._held = first, self._stored[first : max(stop, first + _READ_ROWS)]
        return self._held[first - self._first : stop - self._first]
