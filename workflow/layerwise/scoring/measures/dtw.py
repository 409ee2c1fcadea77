"""Dynamic time warping of sequences of frames: the cost of their best alignment, summed or averaged along its path.

A path leads from the first pair of frames to the last by steps (1, 1), (1, 0) and (0, 1) of equal weight (Sakoe and
Chiba 1978, without slope constraint). Two reductions are in use:

sum        the least sum of the frames' distances; for word discrimination divided by the number of frames of both
           (kamperh/speech_dtw), as longer words would be further from everything.
path mean  that sum divided by the number of steps of the path (ABX: fastabx, Libri-light). Of paths with equal sums
           the one that is found backwards from the end counts: diagonal where it is no worse, then the step along the
           second sequence, then the one along the first.

Compiled by numba, which librosa brings along: for words of 37 frames, 2 to 3 µs a pair for sums and 5 µs for path means
on one core, where anti-diagonals of many pairs in numpy take 300 µs. Compiled code is cached beside this file.

All is float64, and products are computed by one thread in the same blocks always. Cosines are rounded to multiples of
2⁻⁴⁴, far above the rounding of a product and far below any difference that matters: identical frames are at 0, and sums
up to 512 are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numba import njit
from threadpoolctl import threadpool_limits

from layerwise.errors import LayerwiseError, did_you_mean, listed_names, shown
from layerwise.scoring.measures.cosines import on_grid, unit_rows
from layerwise.scoring.refusals import NonFiniteViewError, RefusedScoreError

# Frames of a block of sequences: the distances between two blocks take 34 MB, and 768 dimensions of both 25 MB.
BLOCK_FRAMES = 2048


class SequenceError(RefusedScoreError):
    """A sequence has no frames, or its frames have other dimensions than those of the rest."""


class UnknownDistanceError(LayerwiseError):
    """There is no such distance between frames."""


class UnknownReductionError(LayerwiseError):
    """A path is not reduced in this way."""


def path_mean_distances(costs: Sequence[np.ndarray]) -> np.ndarray:
    """The mean cost along the best path of each matrix of frame distances, (pairs,) float64.

    Args:
        costs: (n_i × m_i) distances of the frames of two sequences.

    Raises:
        SequenceError: a matrix is empty, or not two-dimensional.
        NonFiniteViewError: a matrix holds NaN or infinity.
    """
    return np.array([_of_matrix(cost, "path mean") for cost in costs], np.float64)


def path_sum_distances(costs: Sequence[np.ndarray]) -> np.ndarray:
    """The least sum of costs along a path through each matrix of frame distances, (pairs,) float64.

    Args and errors as `path_mean_distances`.
    """
    return np.array([_of_matrix(cost, "sum") for cost in costs], np.float64)


def frame_distances(first: np.ndarray, second: np.ndarray, distance: str) -> np.ndarray:
    """Distances between the frames of two sequences, (n × m) float64.

    Args:
        first, second: (n × dimensions) and (m × dimensions).
        distance: `cosine` 1 − cos in [0, 2], `angular` arccos(cos)/π in [0, 1], or `euclidean`.

    Raises:
        UnknownDistanceError: of another name.
        ZeroVectorError: a frame has no direction.
    """
    prepare, measure = _distance(distance)
    with threadpool_limits(1, "blas"):
        return measure(prepare(first), prepare(second))


def distances_between(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], distance: str = "angular", reduction: str = "path mean"
) -> np.ndarray:
    """The distance of each sequence of one list from each of another, (len(first) × len(second)) float64.

    Args:
        first, second: sequences of frames, (frames × dimensions) each.
        distance: as `frame_distances`.
        reduction: `path mean`, `sum`, or `sum over frames`: the sum divided by the frames of both sequences.

    Raises:
        UnknownDistanceError, UnknownReductionError: of another name.
        SequenceError: a sequence has no frames, or other dimensions than the rest.
        NonFiniteViewError: a frame holds NaN or infinity.
        ZeroVectorError: a frame has no direction.
    """
    _check(reduction)
    frames_of([*first, *second])
    found = np.empty((len(first), len(second)))
    columns = list(_blocks(second))
    for rows in _blocks(first):
        for block in columns:
            found[rows, block] = _between(first[rows], second[block], distance, reduction)
    return found


def pair_distances(
    sequences: Sequence[np.ndarray], distance: str = "cosine", reduction: str = "sum over frames"
) -> np.ndarray:
    """The distance of each pair of sequences, (n(n − 1)/2,) float64 in the order of scipy's pdist.

    Memory: 8 bytes a pair, and 100 MB for blocks of frames. Args and errors as `distances_between`.
    """
    _check(reduction)
    frames_of(sequences)
    n = len(sequences)
    found = np.empty(n * (n - 1) // 2)
    blocks = list(_blocks(sequences))
    for place, rows in enumerate(blocks):
        for block in blocks[place:]:
            distances = _between(sequences[rows], sequences[block], distance, reduction, above=block == rows)
            for row, values in zip(range(rows.start, rows.stop), distances, strict=True):
                first = max(block.start, row + 1)
                start = row * (2 * n - row - 1) // 2 - row - 1  # where column 0 would stand
                found[start + first : start + block.stop] = values[first - block.start :]
    return found


def frames_of(sequences: Sequence[np.ndarray]) -> np.ndarray:
    """The number of frames of each sequence, (sequences,), of which each has some, of equal dimensions and finite.

    Raises:
        SequenceError, NonFiniteViewError.
    """
    for number, sequence in enumerate(sequences):
        if sequence.ndim != 2 or 0 in sequence.shape or sequence.dtype.kind not in "fiu":
            raise SequenceError(
                f"sequence {number} has the shape {sequence.shape} and the type {sequence.dtype}; numbers of at least "
                "one frame and one dimension (frames × dimensions) are needed"
            )
        if sequence.shape[1] != sequences[0].shape[1]:
            raise SequenceError(
                f"sequence {number} has {sequence.shape[1]} dimensions, and sequence 0 has {sequences[0].shape[1]}"
            )
        if not np.isfinite(sequence).all():
            bad = np.count_nonzero(~np.isfinite(sequence))
            raise NonFiniteViewError(f"sequence {number} has {bad} values that are NaN or infinite")
    return np.array([len(sequence) for sequence in sequences], np.int64)


def _blocks(sequences: Sequence[np.ndarray]) -> Iterator[slice]:
    """Consecutive sequences of at most `BLOCK_FRAMES` frames together, or one longer one."""
    start = frames = 0
    for number, sequence in enumerate(sequences):
        if number > start and frames + len(sequence) > BLOCK_FRAMES:
            yield slice(start, number)
            start, frames = number, 0
        frames += len(sequence)
    if len(sequences):
        yield slice(start, len(sequences))


def _between(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], distance: str, reduction: str, above: bool = False
) -> np.ndarray:
    """(len(first) × len(second)); with `above`, what stands on the diagonal and below it is not computed, and is 0."""
    costs = frame_distances(np.concatenate(first), np.concatenate(second), distance)
    n, m = (np.array([len(sequence) for sequence in sequences]) for sequences in (first, second))
    found = np.zeros((n.size, m.size))
    _REDUCTIONS[reduction](costs, np.append(0, n.cumsum()), np.append(0, m.cumsum()), above, found)
    return found / (n[:, None] + m) if reduction == "sum over frames" else found


def _of_matrix(cost: np.ndarray, reduction: str) -> float:
    if cost.ndim != 2 or not cost.size:
        raise SequenceError(f"distances of two sequences have the shape {cost.shape}; at least (1, 1) is needed")
    if not np.isfinite(cost).all():
        raise NonFiniteViewError(f"{np.count_nonzero(~np.isfinite(cost))} of {cost.size} distances are NaN or infinite")
    found, (n, m) = np.zeros((1, 1)), cost.shape
    costs = np.ascontiguousarray(cost, np.float64)
    _REDUCTIONS[reduction](costs, np.array([0, n]), np.array([0, m]), False, found)
    return float(found[0, 0])


def _cosine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return 1 - on_grid(first @ second.T)


def _angular(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.arccos(on_grid(first @ second.T)) / np.pi


def _euclidean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import cdist  # differences, not products: near frames keep their digits

    return cdist(first, second)


_DISTANCES: dict[str, tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]] = {
    "cosine": (unit_rows, _cosine),
    "angular": (unit_rows, _angular),
    "euclidean": (lambda rows: np.asarray(rows, np.float64), _euclidean),
}


def _distance(name: str) -> tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]:
    if name not in _DISTANCES:
        raise UnknownDistanceError(
            f"{shown(name)} is no distance between frames{did_you_mean(_DISTANCES, name)}; there are "
            f"{listed_names(_DISTANCES, name)}"
        )
    return _DISTANCES[name]


def _check(reduction: str) -> None:
    if reduction not in _REDUCTIONS:
        raise UnknownReductionError(
            f"{shown(reduction)} is no reduction of a path{did_you_mean(_REDUCTIONS, reduction)}; there are "
            f"{listed_names(_REDUCTIONS, reduction)}"
        )


def _compiled(function: Callable) -> Callable:
    """Compiled when it is first called, and kept beside this file, else in the user's folder for caches.

    Where neither can be written to, as on a node that sees both read-only, each process compiles anew, in seconds.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


@_compiled
def _sums(costs, rows, columns, above, found):  # type: ignore[no-untyped-def]
    """Fills `found` with the least sums; sequence i of the first list has the rows from rows[i] to rows[i + 1]."""
    sums = np.empty(np.diff(columns).max())  # of the best paths to the last row
    for one in range(rows.size - 1):
        for other in range(one + 1 if above else 0, columns.size - 1):
            start, m = columns[other], columns[other + 1] - columns[other]
            left = 0.0
            for j in range(m):
                left += costs[rows[one], start + j]
                sums[j] = left
            for i in range(rows[one] + 1, rows[one + 1]):
                diagonal = sums[0]
                left = diagonal + costs[i, start]
                sums[0] = left
                for j in range(1, m):
                    up = sums[j]
                    left = min(min(diagonal, up), left) + costs[i, start + j]
                    diagonal = up
                    sums[j] = left
            found[one, other] = left


@_compiled
def _path_means(costs, rows, columns, above, found):  # type: ignore[no-untyped-def]
    """As `_sums`, divided by the steps: which step comes last depends on the sums before, so lengths go along."""
    longest = np.diff(columns).max()
    sums, lengths = np.empty(longest), np.empty(longest)
    for one in range(rows.size - 1):
        for other in range(one + 1 if above else 0, columns.size - 1):
            start, m = columns[other], columns[other + 1] - columns[other]
            left, left_steps = 0.0, 0.0
            for j in range(m):
                left += costs[rows[one], start + j]
                left_steps += 1
                sums[j], lengths[j] = left, left_steps
            for i in range(rows[one] + 1, rows[one + 1]):
                diagonal, diagonal_steps = sums[0], lengths[0]
                left, left_steps = diagonal + costs[i, start], diagonal_steps + 1
                sums[0], lengths[0] = left, left_steps
                for j in range(1, m):
                    up, up_steps = sums[j], lengths[j]
                    best, steps = diagonal, diagonal_steps
                    steps = left_steps if left < best else steps
                    best = left if left < best else best
                    steps = up_steps if up < best else steps
                    best = up if up < best else best
                    left, left_steps = best + costs[i, start + j], steps + 1
                    diagonal, diagonal_steps = up, up_steps
                    sums[j], lengths[j] = left, left_steps
            found[one, other] = left / left_steps


_REDUCTIONS: dict[str, Callable[..., None]] = {"path mean": _path_means, "sum": _sums, "sum over frames": _sums}
