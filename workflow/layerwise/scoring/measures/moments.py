"""Second moments of two views, fold by fold, and the covariances of any set of folds.

Everything that a cross-validated CCA score needs is in (n, Σx, Σy, Σxxᵀ, Σxyᵀ, Σyyᵀ) of each fold: a training set is a
sum of folds, and every trial, regulariser and metric then works on d × d matrices. `layerwise.scoring.measures.passes`
adds them up, in one pass over the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from layerwise.scoring.refusals import EmptyFoldError, ViewLengthError


@dataclass(frozen=True)
class Rounding:
    """How coarsely the numbers behind moments are rounded: half a unit in the last place, relative to a value.

    Attributes:
        x, y: of the stored rows: 2⁻¹¹ for float16, 0 for whole numbers.
        products: of their products: 2⁻²⁴ for float32.
    """

    x: float
    y: float
    products: float

    def __or__(self, other: Rounding) -> Rounding:
        """The coarser of both, for moments that are added up."""
        return Rounding(max(self.x, other.x), max(self.y, other.y), max(self.products, other.products))


@dataclass(frozen=True)
class ViewCovariance:
    """One view over one set of rows, float64, in its units.

    Attributes:
        matrix: (d, d) sample covariance (divided by n − 1).
        mean: (d,).
        offset: (d,) mean about the origin of the sums: what it amounts to, squared, was subtracted from the sums of
            squares.
        rounding: of the stored rows, as in `Rounding`.
    """

    matrix: np.ndarray
    mean: np.ndarray
    offset: np.ndarray
    rounding: float


@dataclass(frozen=True)
class Covariance:
    """Both views over one set of n rows, and their cross-covariance `xy`, (dx, dy).

    `mass` is what the rows count together, n where none counts less; `products` is the rounding of the products behind
    all of it.
    """

    n: int
    mass: float
    x: ViewCovariance
    y: ViewCovariance
    xy: np.ndarray
    products: float


@dataclass(frozen=True)
class ViewMoments:
    """Sums over the rows of one view in each fold, about an origin so that a large mean costs no digits.

    Shapes: count (folds,), origin (d,), sums (folds, d), products (folds, d, d): `sums[f]` is Σ (row − origin) over the
    `count[f]` rows of fold f, `products[f]` the sum of outer products of the same.
    """

    count: np.ndarray
    origin: np.ndarray
    sums: np.ndarray
    products: np.ndarray

    @property
    def dimensions(self) -> int:
        return self.origin.size

    def about(self, origin: np.ndarray) -> ViewMoments:
        """The same moments about another origin."""
        delta = self.origin - origin
        moved = _moved(self.products, self.sums, self.sums, delta, delta, self.count)
        return replace(self, origin=origin, sums=self.sums + self.count[:, None] * delta, products=moved)

    def __add__(self, other: ViewMoments) -> ViewMoments:
        """For moments about the same origin."""
        added = {name: getattr(self, name) + getattr(other, name) for name in ("count", "sums", "products")}
        return replace(self, **added)


@dataclass(frozen=True)
class Moments:
    """Second moments of two views over the rows of each fold. Moments of disjoint rows add up with `+`.

    Shapes: xy (folds, dx, dy): `xy[f]` is Σ (row of x − origin)(row of y − origin)ᵀ over fold f.
    """

    x: ViewMoments
    y: ViewMoments
    xy: np.ndarray
    rounding: Rounding

    @property
    def count(self) -> np.ndarray:
        """Rows of each fold, (folds,)."""
        return self.x.count

    @property
    def dx(self) -> int:
        return self.x.dimensions

    @property
    def dy(self) -> int:
        return self.y.dimensions

    @property
    def folds(self) -> int:
        return self.count.size

    def about(self, origin_x: np.ndarray, origin_y: np.ndarray) -> Moments:
        """The same moments about other origins."""
        delta_x, delta_y = self.x.origin - origin_x, self.y.origin - origin_y
        if not (delta_x.any() or delta_y.any()):
            return self
        cross = _moved(self.xy, self.x.sums, self.y.sums, delta_x, delta_y, self.count)
        return replace(self, x=self.x.about(origin_x), y=self.y.about(origin_y), xy=cross)

    def __add__(self, other: Moments) -> Moments:
        if (self.dx, self.dy, self.folds) != (other.dx, other.dy, other.folds):
            raise ViewLengthError(
                f"moments of {self.dx} × {self.dy} dimensions in {self.folds} folds cannot be added to moments of "
                f"{other.dx} × {other.dy} dimensions in {other.folds} folds"
            )
        other = other.about(self.x.origin, self.y.origin)
        return Moments(self.x + other.x, self.y + other.y, self.xy + other.xy, self.rounding | other.rounding)

    def merged(self, new: np.ndarray) -> Moments:
        """Moments of fewer folds: fold f is added to fold `new[f]`, and all numbers from 0 occur in `new`."""
        folds = int(new.max()) + 1

        def added(parts: np.ndarray) -> np.ndarray:
            total = np.zeros((folds, *parts.shape[1:]), parts.dtype)
            for fold, part in zip(new.tolist(), parts, strict=True):
                total[fold] += part
            return total

        def of_view(view: ViewMoments) -> ViewMoments:
            return replace(view, count=added(view.count), sums=added(view.sums), products=added(view.products))

        return replace(self, x=of_view(self.x), y=of_view(self.y), xy=added(self.xy))

    def covariance(self, folds: Iterable[int], weights: Mapping[int, float] | None = None) -> Covariance:
        """Means and covariances over the rows of `folds`.

        Args:
            weights: how much each row of some folds counts; 1 everywhere else. `n` counts rows, whatever their weight.

        Raises:
            EmptyFoldError: one of the folds does not exist or has no rows.
            ValueError: a fold is named twice.
        """
        folds = list(folds)
        for fold in folds:
            if not 0 <= fold < self.folds or self.count[fold] == 0:
                raise EmptyFoldError(f"fold {fold} of {self.folds} has no rows (rows per fold: {self.count.tolist()})")
        if len(set(folds)) < len(folds):
            raise ValueError(f"folds {folds} name one of them twice")
        if not folds or self.count[folds].sum() < 2:
            raise EmptyFoldError(f"folds {folds} hold fewer than two rows (rows per fold: {self.count.tolist()})")
        n = int(self.count[folds].sum())
        weights = weights or {}
        mass = sum(int(self.count[fold]) * weights.get(fold, 1) for fold in folds)  # n, where every row counts once
        sum_x, sum_y = (
            sum(_weighed(view.sums[fold], weights.get(fold)) for fold in folds) for view in (self.x, self.y)
        )

        def central(products: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
            total = np.outer(left, right / -mass)  # starts as the correction, so that no second d × d array is needed
            for fold in folds:
                total += _weighed(products[fold], weights.get(fold))
            total /= mass - 1
            return total

        def of_view(view: ViewMoments, total: np.ndarray, rounding: float) -> ViewCovariance:
            matrix = central(view.products, total, total)
            return ViewCovariance(matrix, view.origin + total / mass, total / mass, rounding)

        return Covariance(
            n=n,
            mass=mass,
            x=of_view(self.x, sum_x, self.rounding.x),
            y=of_view(self.y, sum_y, self.rounding.y),
            xy=central(self.xy, sum_x, sum_y),
            products=self.rounding.products,
        )


def _moved(
    products: np.ndarray, left: np.ndarray, right: np.ndarray, delta_left: Any, delta_right: Any, count: Any
) -> np.ndarray:
    """Products about other origins, (folds, dl, dr): Σ(z+δ)(w+ε)ᵀ = Σzwᵀ + (Σz)εᵀ + δ(Σw)ᵀ + nδεᵀ."""
    cross = left[:, :, None] * delta_right + delta_left[:, None] * right[:, None, :]
    return products + cross + count[:, None, None] * np.outer(delta_left, delta_right)


def _weighed(sums: np.ndarray, weight: float | None) -> np.ndarray:
    return sums if weight is None else weight * sums
