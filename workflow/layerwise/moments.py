"""Second moments of two views, fold by fold, from one pass over their rows.

Everything that a cross-validated CCA score needs is in (n, Σx, Σy, Σxxᵀ, Σxyᵀ, Σyyᵀ) of each fold: a training set is a
sum of folds, and every trial, regulariser and metric then works on d × d matrices. Rows are never held all at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from layerwise.errors import LayerwiseError

# Rows that one float32 product may sum before the result is added up in float64: the rounding error of a float32 sum
# grows with its length.
PRODUCT_ROWS = 4096
# Bytes of rows that are held at a time, in the type of the products.
BLOCK_BYTES = 32 * 2**20


class RefusedScoreError(LayerwiseError):
    """These rows allow no score; the message holds the numbers that say why."""


class ViewLengthError(RefusedScoreError):
    """Two views, or a view and its folds, differ in their number of rows."""


class NonFiniteViewError(RefusedScoreError):
    """A view holds NaN or infinity."""


class EmptyFoldError(RefusedScoreError):
    """A fold that a score needs has no rows."""


@dataclass(frozen=True)
class Rounding:
    """How coarsely the numbers behind moments are rounded; 0 where that is beyond what float64 sums could show.

    Attributes:
        x, y: half a unit in the last place of the stored rows, relative to a value: 2⁻¹¹ for float16.
        products: the same of the products: 2⁻²⁴ for float32.
    """

    x: float = 0.0
    y: float = 0.0
    products: float = 0.0

    def __or__(self, other: Rounding) -> Rounding:
        """The coarser of both, for moments that are added up."""
        return Rounding(max(self.x, other.x), max(self.y, other.y), max(self.products, other.products))


@dataclass(frozen=True)
class Covariance:
    """Sample covariances (divided by n − 1) and means of two views over one set of rows.

    Shapes: mean_x (dx,), mean_y (dy,), xx (dx, dx), xy (dx, dy), yy (dy, dy); float64, in the units of the views.
    `offset_x` and `offset_y` are the means about the origins of the sums: what they amount to, squared, was subtracted
    from the sums of squares.
    """

    n: int
    mean_x: np.ndarray
    mean_y: np.ndarray
    offset_x: np.ndarray
    offset_y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray
    rounding: Rounding


@dataclass(frozen=True)
class Moments:
    """Sums over the rows of each fold, about one origin per view so that a large mean costs no digits.

    Shapes: count (folds,), origin_x (dx,), origin_y (dy,), x (folds, dx), y (folds, dy), xx (folds, dx, dx),
    xy (folds, dx, dy), yy (folds, dy, dy). `x[f]` is Σ (row − origin_x) over fold f, `xx[f]` the sum of outer products
    of the same, and so on. Moments of disjoint rows add up with `+`.
    """

    count: np.ndarray
    origin_x: np.ndarray
    origin_y: np.ndarray
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray
    rounding: Rounding = field(default_factory=Rounding)

    @property
    def dx(self) -> int:
        return self.origin_x.size

    @property
    def dy(self) -> int:
        return self.origin_y.size

    @property
    def folds(self) -> int:
        return self.count.size

    def about(self, origin_x: np.ndarray, origin_y: np.ndarray) -> Moments:
        """The same moments about another origin: Σ(z+δ)(w+ε)ᵀ = Σzwᵀ + (Σz)εᵀ + δ(Σw)ᵀ + nδεᵀ."""
        delta_x, delta_y = self.origin_x - origin_x, self.origin_y - origin_y
        if not (delta_x.any() or delta_y.any()):
            return self

        def moved(product, left, right, delta_left, delta_right):
            cross = left[:, :, None] * delta_right + delta_left[:, None] * right[:, None, :]
            return product + cross + self.count[:, None, None] * np.outer(delta_left, delta_right)

        return replace(
            self,
            origin_x=origin_x,
            origin_y=origin_y,
            x=self.x + self.count[:, None] * delta_x,
            y=self.y + self.count[:, None] * delta_y,
            xx=moved(self.xx, self.x, self.x, delta_x, delta_x),
            xy=moved(self.xy, self.x, self.y, delta_x, delta_y),
            yy=moved(self.yy, self.y, self.y, delta_y, delta_y),
        )

    def __add__(self, other: Moments) -> Moments:
        if (self.dx, self.dy, self.folds) != (other.dx, other.dy, other.folds):
            raise ViewLengthError(
                f"moments of {self.dx} × {self.dy} dimensions in {self.folds} folds cannot be added to moments of "
                f"{other.dx} × {other.dy} dimensions in {other.folds} folds"
            )
        other = other.about(self.origin_x, self.origin_y)
        sums = {name: getattr(self, name) + getattr(other, name) for name in ("count", "x", "y", "xx", "xy", "yy")}
        return replace(self, rounding=self.rounding | other.rounding, **sums)

    def covariance(self, folds: Iterable[int]) -> Covariance:
        """Means and covariances over the rows of `folds`.

        Raises:
            EmptyFoldError: one of the folds does not exist or has no rows.
        """
        folds = list(folds)
        for fold in folds:
            if not 0 <= fold < self.folds or self.count[fold] == 0:
                raise EmptyFoldError(f"fold {fold} of {self.folds} has no rows (rows per fold: {self.count.tolist()})")
        if not folds or self.count[folds].sum() < 2:
            raise EmptyFoldError(f"folds {folds} hold fewer than two rows (rows per fold: {self.count.tolist()})")
        n = int(self.count[folds].sum())
        sum_x, sum_y = (sum(side[fold] for fold in folds) for side in (self.x, self.y))

        def central(products, left, right):
            total = np.outer(left, right / -n)  # starts as the correction, so that no second d × d array is needed
            for fold in folds:
                total += products[fold]
            total /= n - 1
            return total

        return Covariance(
            n=n,
            mean_x=self.origin_x + sum_x / n,
            mean_y=self.origin_y + sum_y / n,
            offset_x=sum_x / n,
            offset_y=sum_y / n,
            xx=central(self.xx, sum_x, sum_x),
            xy=central(self.xy, sum_x, sum_y),
            yy=central(self.yy, sum_y, sum_y),
            rounding=self.rounding,
        )


def fold_moments(view_x, view_y, fold, product_dtype=None, folds: int | None = None) -> Moments:
    """Moments of the rows of two views, apart for each fold.

    The rows are read once, in blocks. Products are taken in `product_dtype` about the mean of the first block, over at
    most 4,096 rows, and added up in float64.

    Args:
        view_x: n × dx, an array or an HDF5 dataset.
        view_y: n × dy, likewise; row i belongs to row i of `view_x`.
        fold: n integers from 0, the fold of each row.
        product_dtype: `float32` or `float64`; None takes float32 where a view is float16 and the other float16 or
            whole numbers (one-hot labels), and float64 everywhere else.
        folds: the number of folds, where it is more than `fold` shows (a shard that misses the last one).

    Raises:
        ViewLengthError: the views and `fold` differ in length.
        NonFiniteViewError: a view holds NaN or infinity, or values whose squares overflow.
        ValueError: a fold number is negative, or not below `folds`.
    """
    fold = np.asarray(fold)
    if not view_x.shape[0] == view_y.shape[0] == fold.size:
        raise ViewLengthError(
            f"views of {view_x.shape[0]} and {view_y.shape[0]} rows with {fold.size} fold numbers: all must be equal"
        )
    dtype = np.dtype(product_dtype or _product_dtype(view_x.dtype, view_y.dtype))
    dx, dy = view_x.shape[1], view_y.shape[1]
    largest = int(fold.max(initial=-1))
    folds = folds or largest + 1
    if largest >= folds or fold.min(initial=0) < 0:
        raise ValueError(f"fold numbers run from {fold.min()} to {largest}; with {folds} folds from 0 to {folds - 1}")
    block_rows = max(PRODUCT_ROWS, BLOCK_BYTES // ((dx + dy) * dtype.itemsize))

    count = np.bincount(fold, minlength=folds).astype(np.int64)
    sums = np.zeros((folds, dx + dy))
    xx, xy, yy = np.zeros((folds, dx, dx)), np.zeros((folds, dx, dy)), np.zeros((folds, dy, dy))
    origin = np.zeros(dx + dy)
    rows = np.empty((min(block_rows, fold.size), dx + dy), dtype)
    for start in range(0, fold.size, block_rows):
        stop = min(start + block_rows, fold.size)
        # Rows of one fold side by side: long products are fast ones.
        order = np.argsort(fold[start:stop], kind="stable")
        block = rows[: stop - start]
        block[:, :dx] = view_x[start:stop][order]
        block[:, dx:] = view_y[start:stop][order]
        if start == 0:
            # Rounded to what is subtracted below. Whole numbers stay as they are: their products are exact.
            for view, side in ((view_x, slice(dx)), (view_y, slice(dx, None))):
                if view.dtype.kind == "f":
                    origin[side] = block[:, side].mean(axis=0, dtype=np.float64).astype(dtype)
        block -= origin.astype(dtype)
        ends = np.cumsum(np.bincount(fold[start:stop], minlength=folds))
        for number, end in enumerate(ends):
            for first in range(ends[number - 1] if number else 0, end, PRODUCT_ROWS):
                part = block[first : min(first + PRODUCT_ROWS, end)]
                sums[number] += part.sum(axis=0, dtype=np.float64)
                product = part.T @ part  # (dx + dy, dx + dy): a symmetric product costs half of three general ones
                xx[number] += product[:dx, :dx]
                xy[number] += product[:dx, dx:]
                yy[number] += product[dx:, dx:]
    if not (np.isfinite(sums).all() and all(np.isfinite(np.einsum("fii", part)).all() for part in (xx, yy))):
        raise NonFiniteViewError(_where_not_finite(view_x, view_y, block_rows))
    rounding = Rounding(
        x=_roundoff(_stored_dtype(view_x), np.float16),
        y=_roundoff(_stored_dtype(view_y), np.float16),
        products=_roundoff(dtype, np.float32),
    )
    return Moments(count, origin[:dx], origin[dx:], sums[:, :dx], sums[:, dx:], xx, xy, yy, rounding)


def _stored_dtype(view) -> np.dtype:
    """The coarsest type that the rows of a view went through; a dataset says so where that is not its own."""
    return np.dtype(getattr(view, "attrs", {}).get("rounded", view.dtype))


def _roundoff(dtype: np.dtype, coarse: type) -> float:
    """Half a unit in the last place for a type that is as coarse as `coarse`."""
    return float(np.finfo(dtype).eps) / 2 if dtype == coarse else 0.0


def _product_dtype(dtype_x: np.dtype, dtype_y: np.dtype) -> type:
    """float32 holds float16 values and whole numbers exactly; views with more digits deserve float64."""
    short = [dtype == np.float16 or dtype.kind in "bui" for dtype in (dtype_x, dtype_y)]
    return np.float32 if all(short) and np.float16 in (dtype_x, dtype_y) else np.float64


def _where_not_finite(view_x, view_y, block_rows: int) -> str:
    for name, view in (("x", view_x), ("y", view_y)):
        for start in range(0, view.shape[0], block_rows):
            bad = ~np.isfinite(np.asarray(view[start : start + block_rows], np.float64)).all(axis=1)
            if bad.any():
                return f"view {name} holds NaN or infinity, first in row {start + int(bad.argmax())} of {view.shape[0]}"
    return "the squares of a view's values overflow the type of the products"
