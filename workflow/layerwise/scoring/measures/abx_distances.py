"""Distances between items of ABX: of their mean frames, or along the best path through all of them.

No rounding decides which of two is nearer. Cosines are products by BLAS, whose last digits depend on what else is
multiplied; they are rounded far above those digits, so that vectors alike are at 0. Distances of frames are whole
multiples of a power of two: sums along a path are then exact, and equal ones are ties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial.distance import cdist

from layerwise.errors import first_names, shown
from layerwise.scoring.measures.abx_items import Items, NoItemsError
from layerwise.scoring.measures.cosines import on_grid, unit_rows
from layerwise.scoring.refusals import NonFiniteViewError, RefusedScoreError, ViewLengthError

_GRID_BITS = 40  # distances are multiples of 2⁻⁴⁰ of the largest possible one; 2¹² of them then sum up exactly
_LEAST_SPREAD = 2.0**-8
_BLOCK_FRAMES = 2048  # of each side: 32 MB of distances
# A convolutional front end gives a frame or two less than the recording lasts, and aligners round up.
_MISSING_SECONDS = 0.1


class MissingFeaturesError(RefusedScoreError):
    """A file of the items has no features, or too few for its items."""


@dataclass(frozen=True)
class Located:
    """Which frames each item has in the features of its file.

    Attributes:
        items: those that have a frame.
        first, last: (items,) frames; last exclusive.
        left_out: items that have no frame: none's middle lies within it.
        shortened: items that lose frames as the features end before the recording does.
    """

    items: Items
    first: np.ndarray
    last: np.ndarray
    left_out: int
    shortened: int

    def where(self, chosen: np.ndarray) -> Located:
        return Located(self.items.where(chosen), self.first[chosen], self.last[chosen], self.left_out, self.shortened)


def locate(features: Mapping[str, np.ndarray], items: Items, stride_seconds: float) -> Located:
    """The frames of each item; of the features only the shapes are looked at.

    Raises:
        MissingFeaturesError: a file has no features, or they end more than 0.1 s before its last item.
        NoItemsError: no item has a frame.
    """
    files, file_of = np.unique(items.file, return_inverse=True)
    if missing := [str(name) for name in files if name not in features]:
        raise MissingFeaturesError(f"{len(missing)} of {len(files)} files have no features: {first_names(missing)}")
    shapes = [np.shape(features[str(name)]) for name in files]
    wrong = [place for place, shape in enumerate(shapes) if len(shape) != 2 or 0 in shape or shape[1] != shapes[0][-1]]
    if wrong:
        raise ViewLengthError(
            f"features are (frames × dimensions), of as many dimensions in all files; of {shown(files[0])} they are "
            f"{shapes[0]}, of {shown(files[wrong[0]])} {shapes[wrong[0]]}"
        )
    lengths = np.array([shape[0] for shape in shapes])[file_of]
    first, last = items.frames(stride_seconds)
    beyond = last - lengths
    worst = int(np.argmax(beyond))
    if beyond[worst] * stride_seconds > _MISSING_SECONDS:
        raise MissingFeaturesError(
            f"{shown(items.file[worst])} has {lengths[worst]} frames, one every {stride_seconds:g} s, and an item up "
            f"to frame {last[worst]}, at {items.offset[worst]:g} s; is it another stride?"
        )
    last = np.minimum(last, lengths)
    kept = last > first
    if not kept.any():
        raise NoItemsError(f"none of {len(items)} items has a frame, one every {stride_seconds:g} s")
    shortened = int(np.sum(beyond[kept] > 0))
    return Located(items.where(kept), first[kept], last[kept], int(np.sum(~kept)), shortened)


@dataclass(frozen=True)
class Distance:
    """A distance between vectors.

    Attributes:
        prepared: from vectors, (n × dimensions) float64, what `between` takes.
        between: distances of each of some from each of others, (ones, others) float64.
    """

    prepared: Callable[[np.ndarray], np.ndarray]
    between: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _angular(_: np.ndarray) -> Distance:
    """Angles as a share of π."""

    def between(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
        return _rounded(np.arccos(on_grid(ones @ others.T)) / np.pi, 2.0**-_GRID_BITS)

    return Distance(unit_rows, between)


def _euclidean(extremes: np.ndarray) -> Distance:
    """Euclidean distances; no two vectors are farther apart than the corners of the box that holds all of them."""
    low, high = extremes.min(axis=0), extremes.max(axis=0)
    diagonal = np.sqrt(np.sum((high - low) ** 2))
    farthest = np.sqrt(np.sum(np.maximum(np.abs(low), np.abs(high)) ** 2))
    # Far from the origin, rounding of the vectors themselves must not decide either.
    largest = float(2 ** np.ceil(np.log2(max(diagonal, farthest * _LEAST_SPREAD)))) if farthest else 1.0

    def between(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
        # Differences, not products: of vectors with a few very large values, products lose the digits of the others.
        return _rounded(cdist(ones, others), largest * 2.0**-_GRID_BITS)

    return Distance(np.asarray, between)


# What each is called → it, from vectors that span all values.
DISTANCES: dict[str, Callable[[np.ndarray], Distance]] = {"angular": _angular, "euclidean": _euclidean}


def mean_tokens(features: Mapping[str, np.ndarray], located: Located, distance: str) -> Tokens:
    """Items by the mean of their frames, (items, dimensions) float64: 1 GB for 170,000 items of 768 dimensions."""
    rows = np.empty((len(located.items), np.shape(features[str(located.items.file[0])])[1]))
    for _, matrix, members in _by_file(features, located):
        for item in members:
            rows[item] = matrix[located.first[item] : located.last[item]].mean(axis=0, dtype=np.float64)
    measure = DISTANCES[distance](rows)
    for start in range(0, len(rows), _BLOCK_FRAMES):  # in place: there is no room for a second gigabyte
        block = slice(start, start + _BLOCK_FRAMES)
        rows[block] = measure.prepared(rows[block])
    return Tokens(rows, measure)


def frame_tokens(features: Mapping[str, np.ndarray], located: Located, distance: str) -> FrameTokens:
    """Items by all of their frames: the features of their files are kept in memory, as they are."""
    matrices = {name: matrix for name, matrix, _ in _by_file(features, located)}
    low = np.min([matrix.min(axis=0) for matrix in matrices.values()], axis=0)
    high = np.max([matrix.max(axis=0) for matrix in matrices.values()], axis=0)
    return FrameTokens(matrices, located, DISTANCES[distance](np.stack([low, high]).astype(np.float64)))


@dataclass(frozen=True)
class Tokens:
    """Items that are a vector each.

    Attributes:
        rows: (items, dimensions) float64, prepared for the distance.
    """

    rows: np.ndarray
    distance: Distance

    def between(self, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Distances between items, (ones, others)."""
        return self.distance.between(self.rows[ones], self.rows[others])


@dataclass(frozen=True)
class FrameTokens:
    """Items that are a series of frames each.

    Attributes:
        matrices: file → (frames × dimensions), as they were given.
        located: file and frames of each item.
        distance: of two frames.
    """

    matrices: dict[str, np.ndarray]
    located: Located
    distance: Distance

    def between(self, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Distances between items, (ones, others): the mean along the best path, whose rows are frames of `ones`."""
        from layerwise.scoring.measures.dtw import path_mean_distances  # compiled: who pools does not wait for it

        found = np.empty((len(ones), len(others)))
        for rows, row_frames, row_borders in self._blocks(ones):
            for columns, column_frames, column_borders in self._blocks(others):
                costs = self.distance.between(row_frames, column_frames)
                pairs = [
                    costs[top:bottom, left:right]
                    for top, bottom in pairwise(row_borders)
                    for left, right in pairwise(column_borders)
                ]
                means = path_mean_distances(pairs)
                found[rows, columns] = means.reshape(rows.stop - rows.start, columns.stop - columns.start)
        return found

    def _blocks(self, tokens: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Stretches of tokens of few frames, with their frames in float64, and where each token's begin and end."""
        ends = np.cumsum(self.located.last[tokens] - self.located.first[tokens])
        start = 0
        while start < len(tokens):
            before = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, before + _BLOCK_FRAMES, "right")))
            frames = np.concatenate([self._frames(token) for token in tokens[start:stop]], dtype=np.float64)
            yield slice(start, stop), self.distance.prepared(frames), np.concatenate([[0], ends[start:stop] - before])
            start = stop

    def _frames(self, token: int) -> np.ndarray:
        located = self.located
        return self.matrices[str(located.items.file[token])][located.first[token] : located.last[token]]


def _by_file(features: Mapping[str, np.ndarray], located: Located) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each file's features, read once, and which items are of it."""
    order = np.argsort(located.items.file, kind="stable")
    names, starts = np.unique(located.items.file[order], return_index=True)
    for name, members in zip(map(str, names), np.split(order, starts[1:]), strict=True):
        matrix = np.asarray(features[name][:])
        if matrix.dtype.kind not in "fiu":
            raise NonFiniteViewError(f"the features of {shown(name)} are no numbers but of the type {matrix.dtype}")
        if not np.isfinite(matrix).all():
            raise NonFiniteViewError(
                f"the features of {shown(name)} hold {np.sum(~np.isfinite(matrix))} values that are NaN or infinite"
            )
        yield name, matrix, members


def _rounded(values: np.ndarray, step: float) -> np.ndarray:
    """The nearest multiples of a power of two; `values` are overwritten."""
    values /= step
    np.rint(values, out=values)
    values *= step
    return values
