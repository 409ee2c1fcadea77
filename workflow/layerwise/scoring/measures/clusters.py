"""Clusters of the rows of a layer, by mini-batch k-means (Sculley 2010) as scikit-learn has it.

Everything is computed by one thread, whatever the machine offers: sums whose rounding depended on the number of threads
would decide when the fit stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.errors import LayerwiseError
from layerwise.scoring.refusals import NonFiniteViewError, RefusedScoreError, ViewLengthError
from layerwise.seeds import generator
from layerwise.workers import Workers

BLOCK_BYTES = 4 * 2**20  # of rows, as they are stored, that are read at a time
DISTANCE_BYTES = 64 * 2**20  # of rows and their distances, in float64, that are computed at a time
# Bytes of training rows in float32, all of which k-means holds: 569,000 rows of 768 dimensions. What it needs beside
# them, with 5,000 clusters, is some 200 MB.
FITTED_BYTES = 1_750_000_000


class ClusterSettingError(LayerwiseError):
    """k-means has no such setting."""


class TooManyClustersError(RefusedScoreError):
    """There are fewer training rows than clusters."""


@dataclass(frozen=True)
class ClusterSettings:
    """Settings of mini-batch k-means; all others are scikit-learn's own.

    Published (Pasad, Chou and Livescu 2021): 500 clusters and batches of 1,500 rows for phones, 5,000 and 4,000 for
    words. A fit ends by itself after 10 batches without improvement, long before `max_iter`.

    Attributes:
        clusters: their number, k.
        batch_size: rows of a batch. The first centroids are chosen (k-means++) from 3 batches of rows; where these are
            fewer than the clusters, from 3 times as many rows as clusters.
        max_iter: how often all rows may be gone through.
        n_init: how many first choices are tried. Releases of scikit-learn of the time tried 3, those since 1.4 one.
        standardise: divide each dimension by its standard deviation over the training rows. As published, it is not,
            and the few dimensions of a layer that are much larger than the rest decide alone.
    """

    clusters: int = 500
    batch_size: int = 1500
    max_iter: int = 500
    n_init: int = 1
    standardise: bool = False

    def __post_init__(self) -> None:
        for name, least in (("clusters", 2), ("batch_size", 1), ("max_iter", 1), ("n_init", 1)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
                raise ClusterSettingError(f"{name} is {value!r}; a whole number from {least} is needed")


PUBLISHED = {"phone": ClusterSettings(500, 1500), "word": ClusterSettings(5000, 4000)}


@dataclass(frozen=True)
class Clusters:
    """Fitted clusters.

    Attributes:
        centroids: (k, d) float32, of rows divided by `scale`.
        scale: (d,) float32; ones unless standardised.
        rows: rows that they were fitted to.
        batches: batches that the fit took.
    """

    centroids: np.ndarray
    scale: np.ndarray
    rows: int
    batches: int


def fit_clusters(
    rows: Any, settings: ClusterSettings, seed: int, chosen: np.ndarray | None = None, most_bytes: int = FITTED_BYTES
) -> Clusters:
    """Clusters of rows; the same for the same seed, rows and order of rows, however many threads there are.

    Rows are read once, in blocks, and held in float32; with what the fit needs beside them that is at most 2 GB. Of
    more rows than `most_bytes` hold a seeded draw is fitted to: a fit looks at some hundred batches only.

    Args:
        rows: n × d; an array, an HDF5 dataset, or what else has `shape`, `dtype` and slices of rows.
        seed: in [0, 2³²).
        chosen: (n,) bool, the rows to fit to; None: all.

    Raises:
        TooManyClustersError: fewer rows than clusters.
        NonFiniteViewError: a row that is used holds NaN, or what is infinite in float32.
        ViewLengthError: rows are no matrix of numbers, or `chosen` is of another length.
        ClusterSettingError: the seed is out of its range.
    """
    if not 0 <= seed < 2**32:
        raise ClusterSettingError(f"seed is {seed}; a whole number from 0 to 2³² − 1 is needed")
    places = np.flatnonzero(_mask(rows, chosen))
    if places.size < settings.clusters:
        raise TooManyClustersError(
            f"{settings.clusters} clusters of {places.size} training rows: no more clusters than rows can be fitted"
        )
    d = rows.shape[1]
    most = max(settings.clusters, most_bytes // (4 * d))
    if places.size > most:
        places = np.sort(generator(seed, "rows of clusters").choice(places, most, replace=False))
    held, used = np.empty((places.size, d), np.float32), 0
    wanted = np.zeros(rows.shape[0], bool)
    wanted[places] = True
    for block in _blocks(rows, wanted):
        held[used : used + len(block)] = block
        used += len(block)
    scale = np.ones(d, np.float32)
    if settings.standardise:
        scale = _deviations(held)
        held /= scale
    return _alone(_fit, held, scale, settings, seed)


def nearest_clusters(rows: Any, clusters: Clusters, chosen: np.ndarray | None = None) -> np.ndarray:
    """The cluster whose centroid is nearest to each row, (n,) int64; of equally near ones the first.

    Distances are of float64, so that rounding does not choose; rows are read and compared in blocks.

    Args:
        rows: n × d, as `fit_clusters` takes them.
        chosen: (n,) bool, the rows that are wanted; None: all.

    Raises:
        NonFiniteViewError, ViewLengthError: as `fit_clusters`; also where rows and centroids differ in dimensions.
    """
    mask = _mask(rows, chosen)
    if rows.shape[1] != clusters.centroids.shape[1]:
        raise ViewLengthError(f"rows of {rows.shape[1]} and centroids of {clusters.centroids.shape[1]} dimensions")
    return _alone(_nearest, rows, mask, clusters)


def _alone(function: Callable, *arguments: Any) -> Any:
    """What a function gives in a thread whose libraries have one thread."""
    import sklearn.cluster  # noqa: F401 (before threads are limited, so that its library of threads is among them)

    with Workers(1) as worker:
        return worker.submit(function, *arguments).result()


def _fit(held: np.ndarray, scale: np.ndarray, settings: ClusterSettings, seed: int) -> Clusters:
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(
        n_clusters=settings.clusters,
        batch_size=settings.batch_size,
        max_iter=settings.max_iter,
        n_init=settings.n_init,
        compute_labels=False,
        random_state=seed,
    )
    model.fit(held)
    return Clusters(model.cluster_centers_.astype(np.float32), scale, held.shape[0], int(model.n_steps_))


def _nearest(rows: Any, mask: np.ndarray, clusters: Clusters) -> np.ndarray:
    # Of centroids that are the same the first is taken: what products of equal numbers round to may differ.
    different = np.sort(np.unique(clusters.centroids, axis=0, return_index=True)[1])
    centroids = clusters.centroids[different].astype(np.float64)
    middle = np.rint(centroids.mean(axis=0))  # from here, distances have more digits, and numbers keep theirs
    centroids -= middle
    half_squares = (centroids**2).sum(axis=1) / 2
    step = max(1, DISTANCE_BYTES // (8 * sum(centroids.shape)))
    found, done = np.empty(int(mask.sum()), np.int64), 0
    for block in _blocks(rows, mask):
        for start in range(0, len(block), step):
            part = block[start : start + step].astype(np.float64)
            part /= clusters.scale
            part -= middle
            nearness = part @ centroids.T
            nearness -= half_squares  # minus half the squared distance, without the row's own square: the same for all
            found[done : done + len(part)] = different[nearness.argmax(axis=1)]
            done += len(part)
    return found


def _blocks(rows: Any, mask: np.ndarray) -> Iterator[np.ndarray]:
    """The rows that a mask chooses, in float32 and in order, some at a time."""
    step = max(1, BLOCK_BYTES // max(1, rows.shape[1] * rows.dtype.itemsize))
    for start in range(0, rows.shape[0], step):
        here = mask[start : start + step]
        if not here.any():
            continue
        with np.errstate(over="ignore"):
            block = np.asarray(rows[start : start + step])[here].astype(np.float32)
        if not (finite := np.isfinite(block).all(axis=1)).all():
            place = start + int(np.flatnonzero(here)[finite.argmin()])
            raise NonFiniteViewError(f"row {place} of {rows.shape[0]} holds NaN or what is infinite in float32")
        yield block


def _mask(rows: Any, chosen: np.ndarray | None) -> np.ndarray:
    if len(rows.shape) != 2 or not rows.shape[1] or rows.dtype.kind not in "fiu":
        raise ViewLengthError(f"rows of shape {tuple(rows.shape)} and type {rows.dtype}: a matrix of numbers is needed")
    mask = np.ones(rows.shape[0], bool) if chosen is None else np.asarray(chosen)
    if mask.shape != (rows.shape[0],) or mask.dtype != bool:
        raise ViewLengthError(
            f"{rows.shape[0]} rows, and a choice of shape {mask.shape} and type {mask.dtype}: one bool a row is needed"
        )
    return mask


def _deviations(held: np.ndarray) -> np.ndarray:
    """Standard deviation of each dimension, float32; 1 where it is constant."""
    mean = held.mean(axis=0, dtype=np.float64)
    step = max(1, BLOCK_BYTES // (8 * held.shape[1]))
    squares = sum(((held[start : start + step] - mean) ** 2).sum(axis=0) for start in range(0, len(held), step))
    # A dimension that varies by less than float32 can tell is constant.
    deviation = np.sqrt(squares / len(held))
    constant = deviation <= np.finfo(np.float32).eps * np.abs(mean)
    return np.where(constant, 1, deviation).astype(np.float32)
