"""The fit: canonical directions of two views from their training covariances, for any number of regularisers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise.scoring.measures.moments import Covariance, ViewCovariance
from layerwise.scoring.refusals import DegenerateViewError, require_more_rows

# Eigenvalues of a training covariance at or below this share of the largest are directions without variance: what is
# left of a one-hot view's redundant dimension, of constant and of repeated columns, is rounding noise.
RANK_TOLERANCE = 1e-12
# A LayerNorm's output has one such direction (its values, unscaled, sum to zero). Stored as float16 its variance is
# that of the stored digits' rounding, 1e-8 of the largest; summed in float32 it is that of the sums' rounding. These
# multiples of the expected rounding variance count as noise; true directions of hidden states lie far above them.
STORAGE_NOISE = 16
PRODUCT_NOISE = 4
CANCELLATION_NOISE = 32
# A standard deviation below the first share of a dimension's root mean square is rounding noise; so is a variance below
# the second share of the squared offset that was subtracted to get it (a column that is constant in training alone).
CONSTANT_TOLERANCE = 1e-12
CANCELLATION_TOLERANCE = 1e-12
# SVCCA keeps the principal directions that hold this share of a view's variance.
SVCCA_VARIANCE = 0.99
# Eigenvalues that agree to this share are one subspace, of which a part would be an arbitrary choice.
EQUAL_EIGENVALUES = 1e-9


@dataclass(frozen=True)
class Directions:
    """One view after the cut: which dimensions are left, and the eigendecomposition of their covariance."""

    kept: np.ndarray  # (d,) bool
    eigenvalues: np.ndarray  # (rank,)
    eigenvectors: np.ndarray  # (kept, rank)


class TrainingView:
    """The training covariance of one view, scaled for the fit; one eigendecomposition for each distinct cut."""

    def __init__(self, name: str, view: ViewCovariance, train: Covariance, standardise: bool) -> None:
        covariance, variance = view.matrix, view.matrix.diagonal()
        varies = varying(name, view, train, "training")
        self.name = name
        # What a raw dimension is multiplied by for the fit; 0 takes a constant one out.
        self.scale = np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1)) if standardise else 1.0, 0.0)
        self.largest = np.abs(covariance * np.outer(self.scale, self.scale)).max()
        # The published fit leaves its variates in units of the scaled covariance; so does this one, standardised or not
        # (`pwcca_published` adds means to them, so their unit matters to it).
        self.unit = np.sqrt(np.abs(covariance[np.ix_(varies, varies)]).max() / self.largest)
        self.covariance, self.mean = covariance, view.mean
        self.noise = _noise_below(view, train.products)
        self._directions: dict[bytes, Directions] = {}

    def directions(self, epsilon: float) -> Directions:
        scaled_variance = self.covariance.diagonal() * self.scale**2 / self.largest
        kept = (scaled_variance >= epsilon) & (self.scale > 0)
        if not kept.any():
            raise DegenerateViewError(f"view {self.name}: no dimension has variance of at least {epsilon:g}")
        key = kept.tobytes()
        if key not in self._directions:
            scale = self.scale[kept]
            values, vectors = np.linalg.eigh(
                self.covariance[np.ix_(kept, kept)] * np.outer(scale, scale) / self.largest
            )
            noise = (self.noise[kept] * scale**2 / self.largest) @ vectors**2
            alive = values > np.maximum(RANK_TOLERANCE * values[-1], noise)
            if not alive.any():
                raise DegenerateViewError(f"view {self.name}: its variance is rounding noise of the stored numbers")
            self._directions[key] = Directions(kept, values[alive], vectors[:, alive])
        return self._directions[key]

    def raw(self, directions: Directions, vectors: np.ndarray) -> np.ndarray:
        """Vectors of the scaled, kept dimensions as weights of the raw ones, (kept, k)."""
        return self.unit * self.scale[directions.kept][:, None] * vectors


def varying(name: str, view: ViewCovariance, rows: Covariance, which: str) -> np.ndarray:
    """Which dimensions of a view vary by more than rounding, (d,) bool.

    A mean costs digits when rows are rounded to their distance from the origin; an offset from it does when its
    square is taken from a sum of squares.

    Raises:
        DegenerateViewError: none does.
    """
    variance = view.matrix.diagonal()
    cancelled = max(CANCELLATION_TOLERANCE, CANCELLATION_NOISE * rows.products) * view.offset**2
    varies = variance > np.maximum(CONSTANT_TOLERANCE**2 * (variance + view.mean**2), cancelled)
    if not varies.any():
        raise DegenerateViewError(
            f"view {name}: all {variance.size} dimensions are constant over {rows.n} {which} rows"
        )
    return varies


def _noise_below(view: ViewCovariance, products: float) -> np.ndarray:
    """The variance of each dimension, (d,), below which a direction is taken for rounding noise.

    Rounding to half a unit in the last place, relative to a power of two, has variance rounding² v² / 6 on average over
    mantissas. The rounding errors of d × d sums form a random symmetric matrix, whose spectral norm grows with √d.
    """
    variance = view.matrix.diagonal()
    by_storage = STORAGE_NOISE * view.rounding**2 / 6 * (variance + view.mean**2)
    return np.maximum(by_storage, PRODUCT_NOISE * products * np.sqrt(variance.size) * variance)


@dataclass(frozen=True)
class Projection:
    """Canonical directions in raw dimensions: variates of centred rows are x[:, kept_x] @ px and y[:, kept_y] @ py."""

    kept_x: np.ndarray
    kept_y: np.ndarray
    px: np.ndarray  # (kept_x, directions)
    py: np.ndarray  # (kept_y, directions)
    rank_x: int
    rank_y: int


class Fit:
    """Ridge CCA on one training covariance, for any number of regularisers."""

    def __init__(self, train: Covariance, standardise: bool):
        require_more_rows(train.n, *train.xy.shape)
        self.n = train.n
        self.xy = train.xy
        self.x = TrainingView("x", train.x, train, standardise)
        self.y = TrainingView("y", train.y, train, standardise)
        self._rotated: tuple = (None, None)

    def project(self, epsilon_x: float, epsilon_y: float) -> Projection:
        x, y = self.x.directions(epsilon_x), self.y.directions(epsilon_y)
        directions = min(x.eigenvalues.size, y.eigenvalues.size)  # the rest of T is null: no correlation is defined
        ridge_x, ridge_y = (1 / np.sqrt(v.eigenvalues + e) for v, e in ((x, epsilon_x), (y, epsilon_y)))
        cross = ridge_x[:, None] * self._cross(x, y) * ridge_y
        # T itself, not its form between eigenvectors: symmetric roots and this SVD return the signs that the published
        # scores depend on.
        left, _, right = np.linalg.svd(x.eigenvectors @ cross @ y.eigenvectors.T, full_matrices=False)
        left, right = left[:, :directions], right[:directions].T
        return Projection(
            kept_x=x.kept,
            kept_y=y.kept,
            px=self.x.raw(x, x.eigenvectors @ (ridge_x[:, None] * (x.eigenvectors.T @ left))),
            py=self.y.raw(y, y.eigenvectors @ (ridge_y[:, None] * (y.eigenvectors.T @ right))),
            rank_x=x.eigenvalues.size,
            rank_y=y.eigenvalues.size,
        )

    def _cross(self, x: Directions, y: Directions) -> np.ndarray:
        """Scaled Σxy between the eigenvectors of both views, (rank_x, rank_y); kept while the cut stays the same."""
        if self._rotated[0] != (id(x), id(y)):
            scale = (
                np.outer(self.x.scale[x.kept], self.y.scale[y.kept]) / np.sqrt(self.x.largest) / np.sqrt(self.y.largest)
            )
            cross = x.eigenvectors.T @ (part(self.xy, x.kept, y.kept) * scale) @ y.eigenvectors
            self._rotated = (id(x), id(y)), cross
        return self._rotated[1]

    def project_principal(self) -> Projection:
        """SVCCA: no ridge, between the principal directions of each view."""
        x, y = self.x.directions(0.0), self.y.directions(0.0)
        main_x, main_y = _main(x.eigenvalues), _main(y.eigenvalues)
        white_x, white_y = (v.eigenvectors[:, m] / np.sqrt(v.eigenvalues[m]) for v, m in ((x, main_x), (y, main_y)))
        roots_x, roots_y = np.sqrt(x.eigenvalues[main_x]), np.sqrt(y.eigenvalues[main_y])
        cross = self._cross(x, y)[np.ix_(main_x, main_y)] / roots_x[:, None] / roots_y
        left, _, right = np.linalg.svd(cross, full_matrices=False)
        return Projection(
            kept_x=x.kept,
            kept_y=y.kept,
            px=self.x.raw(x, white_x @ left),
            py=self.y.raw(y, white_y @ right.T),
            rank_x=int(main_x.sum()),
            rank_y=int(main_y.sum()),
        )


def part(matrix: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Rows and columns of a matrix by boolean masks; no copy where that is all of them."""
    return matrix if rows.all() and columns.all() else matrix[np.ix_(rows, columns)]


def _main(eigenvalues: np.ndarray) -> np.ndarray:
    """Which of ascending eigenvalues SVCCA keeps, bool: the fewest with 99 % of their sum, and their equals."""
    falling = eigenvalues[::-1]
    share = np.cumsum(falling) / falling.sum()
    last = falling[(share < SVCCA_VARIANCE).sum()]
    return eigenvalues >= last * (1 - EQUAL_EIGENVALUES)
