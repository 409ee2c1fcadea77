"""Word boundaries without training: peaks of the distance between neighbouring frames.

Pasad, Chien, Settle and Livescu, What Do Self-Supervised Speech Models Know About Words?, TACL 2024.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import find_peaks

from layerwise.errors import LayerwiseError, did_you_mean
from layerwise.scoring.measures.ridge import CONSTANT_TOLERANCE
from layerwise.scoring.refusals import DegenerateViewError, NonFiniteViewError, TooFewRowsError, ViewLengthError

EUCLIDEAN, COSINE = "euclidean", "cosine"
DISTANCES = (EUCLIDEAN, COSINE)
START, MEETING = "start", "meeting"
PLACES = (START, MEETING)
_BLOCK = 1024  # rows that are held as float64: 6 MB of 768 dimensions
_HUGE = 1e150  # whose square is no float any more


class SegmentationSettingError(LayerwiseError):
    """A setting of the segmentation has no meaning."""


@dataclass(frozen=True)
class Scaling:
    """What z-scores are made with.

    Attributes:
        mean: (dimensions,).
        scale: (dimensions,) what a centred dimension is multiplied by: 1 / its standard deviation; 0 where it is
            constant, which then adds to no distance (the published script has NaN there, and no peak anywhere).
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Scaling:
        """Of the frames of all utterances together, with the standard deviation of a population.

        Args:
            features: (frames × dimensions) array or HDF5 dataset, read once, in blocks of 1024 rows.

        Raises:
            NonFiniteViewError, ViewLengthError: as `segment`.
            TooFewRowsError: fewer than two frames.
            DegenerateViewError: no dimension varies.
        """
        frames, dimensions = _shape(features)
        if frames < 2:
            raise TooFewRowsError(f"{frames} frames have no standard deviation: two or more are needed")
        count, mean, squares = 0, np.zeros(dimensions), np.zeros(dimensions)
        for block in _blocks(features, 0, frames):
            # Chan, Golub and LeVeque 1983: squares are about the mean of all rows so far, and cancel nowhere.
            own = block.mean(axis=0)
            offset, total = own - mean, count + len(block)
            squares += ((block - own) ** 2).sum(axis=0) + offset**2 * (count * len(block) / total)
            mean += offset * (len(block) / total)
            count = total
        deviation = np.sqrt(squares / frames)
        varies = np.asarray(deviation > CONSTANT_TOLERANCE * np.hypot(deviation, mean))
        if not varies.any():
            raise DegenerateViewError(f"all {dimensions} dimensions are constant over {frames} frames")
        return cls(mean, np.divide(1, deviation, out=np.zeros(dimensions), where=varies))

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Z-scores, (rows × dimensions) float64."""
        return (np.asarray(rows, np.float64) - self.mean) * self.scale


def z_scored(features: np.ndarray) -> np.ndarray:
    """Each dimension with mean 0 and standard deviation 1 (of a population) over all frames, float64.

    The published script scales the frames of all utterances together; so should the caller, and split them afterwards.
    Constant dimensions become 0. The result has 8 bytes a number: 180,000 frames of 768 dimensions are 1.1 GB.
    `Scaling.of` does without it.

    Args:
        features: (frames × dimensions).

    Raises:
        as `Scaling.of`.
    """
    scaling = Scaling.of(features)
    scaled = np.empty(_shape(features))
    for first in range(0, len(scaled), _BLOCK):
        scaled[first : first + _BLOCK] = scaling(features[first : first + _BLOCK])
    return scaled


def segment(features: np.ndarray, distance: str, window: int, prominence: float) -> np.ndarray:
    """Frames of word boundaries in one utterance, (boundaries,) int64, rising.

    The distances between frames i and i + 1 are averaged over `window` of them, without padding: value p covers the
    distances p … p + window − 1. A local maximum at p of at least this prominence (scipy's `find_peaks`) is a boundary
    at frame p + window // 2; `boundary_milliseconds` says what time that is. Where an utterance has no peak, or fewer
    than window + 3 frames, it has no boundary.

    Args:
        features: (frames × dimensions), z-scored already (`z_scored`); array or HDF5 dataset.
        distance: `euclidean`, or `cosine` (1 − cosine). A frame of zeros has no direction: its cosine with any other
            counts as 0, and that of two such frames as 1.
        window: distances that are averaged, 1 or more.
        prominence: in units of the distance, 0 or more; at 0 every local maximum is a boundary.

    Raises:
        NonFiniteViewError: NaN or infinity among the features.
        ViewLengthError: an array that is not (frames × dimensions) of real numbers.
        SegmentationSettingError: no such distance, window or prominence.
    """
    check_setting(distance, window, prominence)
    frames, prominences = candidates(neighbour_distances(features, [distance])[distance], window)
    return frames[prominences >= prominence]


def check_setting(distance: str, window: int, prominence: float) -> None:
    """Raises:
    SegmentationSettingError: no such distance, window or prominence.
    """
    _check_distance(distance)
    if isinstance(window, bool) or not isinstance(window, int | np.integer) or window < 1:
        raise SegmentationSettingError(f"a window of {window!r} distances; expected a whole number, 1 or more")
    if not (prominence >= 0 and math.isfinite(prominence)):
        raise SegmentationSettingError(f"a prominence of {prominence!r}; expected a number, 0 or more")


def neighbour_distances(
    features: np.ndarray,
    distances: Sequence[str],
    scaling: Scaling | None = None,
    first: int = 0,
    last: int | None = None,
) -> dict[str, np.ndarray]:
    """The distance of each frame from the next, (frames − 1,) float64, by its name; none for fewer than two frames.

    Equal frames have distance 0 exactly, also in `cosine` (half the squared distance of the two unit vectors): in what
    stands still, rounding makes no peaks.

    Args:
        features: (frames × dimensions); read once, in blocks of 1024 rows.
        distances: names, as `segment` takes them.
        scaling: makes z-scores of rows that have none yet.
        first, last: only these rows, last exclusive.

    Raises:
        as `segment`.
    """
    for distance in distances:
        _check_distance(distance)
    last = _shape(features)[0] if last is None else last
    found = {distance: np.empty(max(last - first - 1, 0)) for distance in distances}
    done, before = 0, np.empty((0, features.shape[1]))
    for block in _blocks(features, first, last):
        rows = np.concatenate([before, block if scaling is None else scaling(block)])
        for distance, values in found.items():
            values[done : done + len(rows) - 1] = _MEASURES[distance](rows)
        done += len(rows) - 1
        before = rows[-1:]
    return found


def candidates(distances: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Every local maximum of the averaged distances: its frame (int64), and its prominence.

    The boundaries at any prominence are those of at least as much, so that a grid of them needs one pass.

    Args:
        distances: (frames − 1,), one of `neighbour_distances`.
    """
    if distances.size < window + 2:  # fewer than three averages have no local maximum
        return np.empty(0, np.int64), np.empty(0)
    # Each average is summed on its own: differences of running sums would ripple where the distances are level.
    peaks, found = find_peaks(sliding_window_view(distances, window).mean(axis=1), prominence=0)
    return peaks.astype(np.int64) + window // 2, found["prominences"]


def boundary_milliseconds(
    frames: np.ndarray, stride_seconds: float, window: int | np.ndarray, place: str = START
) -> np.ndarray:
    """Times of boundaries that `segment` found, (boundaries,) int64 milliseconds, halves rounded up.

    `start`, as published for LibriSpeech: boundary frame × stride. That is early: with a window of 1, frame i stands
    for a peak between frames i and i + 1, which meet a stride later. `meeting`: the middle of the averaged distances,
    where distance i lies at (i + 1) × stride: later by a stride for odd windows, by half a stride for even ones.

    Args:
        frames: (boundaries,) as `segment` gives them.
        window: that they were found with; one, or one for each.

    Raises:
        SegmentationSettingError: no such place, or a stride that is not above 0.
    """
    if place not in PLACES:
        raise SegmentationSettingError(
            f"there is no place {place!r}{did_you_mean(PLACES, str(place))}; there are {', '.join(PLACES)}"
        )
    if not (stride_seconds > 0 and math.isfinite(stride_seconds)):
        raise SegmentationSettingError(f"a stride of {stride_seconds!r} s; expected a number above 0")
    later = (np.asarray(window) + 1) / 2 - np.asarray(window) // 2 if place == MEETING else 0.0
    return whole_milliseconds((np.asarray(frames) + later) * stride_seconds)


def whole_milliseconds(seconds: np.ndarray) -> np.ndarray:
    """Times to the nearest millisecond, int64; halves are rounded up.

    Seconds are taken to the millionth of a millisecond first: 0.5005 s are 500.49999999999994 ms in floats.
    """
    return np.floor(np.round(np.asarray(seconds, np.float64) * 1000, 6) + 0.5).astype(np.int64)


def _euclidean(rows: np.ndarray) -> np.ndarray:
    return np.sqrt(_squares(np.diff(rows, axis=0)))


def _cosine(rows: np.ndarray) -> np.ndarray:
    length = np.sqrt(_squares(rows))
    unit = np.divide(rows, length[:, None], out=np.zeros(rows.shape), where=length[:, None] > 0)
    # Beside a frame of zeros, a cosine of 0 is half a squared distance of 1, and not the ½ that it would be.
    return _squares(np.diff(unit, axis=0)) / 2 + ((length[1:] > 0) != (length[:-1] > 0)) / 2


def _squares(rows: np.ndarray) -> np.ndarray:
    """The sum of squares of each row."""
    return np.einsum("ij,ij->i", rows, rows)


_MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {EUCLIDEAN: _euclidean, COSINE: _cosine}


def _shape(features: np.ndarray) -> tuple[int, int]:
    if len(features.shape) != 2 or features.shape[1] == 0 or np.dtype(features.dtype).kind not in "fiu":
        raise ViewLengthError(
            f"features of shape {tuple(features.shape)} and type {features.dtype}; expected real numbers, "
            "(frames × dimensions)"
        )
    return int(features.shape[0]), int(features.shape[1])


def _blocks(features: np.ndarray, first: int, last: int) -> Iterator[np.ndarray]:
    """Rows as float64, some thousands at a time.

    Raises:
        NonFiniteViewError: NaN or infinity.
    """
    _shape(features)
    for start in range(first, last, _BLOCK):
        block = np.asarray(features[start : min(start + _BLOCK, last)], np.float64)
        if not (block.max() < _HUGE and block.min() > -_HUGE):
            broken = start - first + np.flatnonzero(~(np.abs(block) < _HUGE).all(axis=1))
            raise NonFiniteViewError(
                f"frame {broken[0]} of {last - first} holds NaN, infinity or a number above {_HUGE:g}"
            )
        yield block


def _check_distance(distance: str) -> None:
    if distance not in DISTANCES:
        raise SegmentationSettingError(
            f"there is no distance {distance!r}{did_you_mean(DISTANCES, str(distance))}; there are "
            f"{', '.join(DISTANCES)}"
        )
