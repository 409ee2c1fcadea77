"""One pass over the rows of two views, which adds up their moments; rows are never held all at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from layerwise.scoring.measures.moments import Moments, Rounding, ViewMoments
from layerwise.scoring.refusals import NonFiniteViewError, ViewLengthError
from layerwise.workers import Workers

# Rows that one float32 product may sum before the result is added up in float64: the rounding error of a float32 sum
# grows with its length.
PRODUCT_ROWS = 2048
# Bytes of rows, as they are stored, that are read at a time.
BLOCK_BYTES = 16 * 2**20
# Bytes that may be in work at a time, in the type of the products.
SLOT_BYTES = 104 * 2**20


def fold_moments(
    view_x: Any,
    view_y: Any,
    fold: Any,
    product_dtype: Any = None,
    folds: int | None = None,
    known_x: ViewMoments | None = None,
    known_y: ViewMoments | None = None,
) -> Moments:
    """Moments of the rows of two views, apart for each fold.

    The rows are read once, in blocks. Products are taken in `product_dtype` about the mean of the first 2,048 rows,
    over at most as many rows of a fold, and added up in float64. As many products are in work as the linear algebra
    library has threads and memory allows; each one is computed by one thread and they are added up in order, so that no
    digit depends on how many there are. Meanwhile the library is limited to one thread in the whole process.

    Args:
        view_x: n × dx, an array, an HDF5 dataset, or what else has `shape`, `dtype` and slices of rows.
        view_y: n × dy, likewise; row i belongs to row i of `view_x`.
        fold: n integers from 0, the fold of each row.
        product_dtype: `float32` or `float64`; None takes float32 where a view is float16 and the other float16 or
            whole numbers of one byte (one-hot labels), and float64 everywhere else.
        folds: the number of folds, where it is more than `fold` shows (a shard that misses the last one).
        known_x, known_y: what earlier moments hold of the same view in the same folds; its own products, the larger
            part of the work beside a small target, are then not computed again. At most one of them.

    Raises:
        ViewLengthError: the views and `fold` differ in length, or what is known is of other folds or dimensions.
        NonFiniteViewError: a view holds NaN or infinity, or values whose squares overflow.
        ValueError: a fold number is negative, or not below `folds`; both views are said to be known.
    """
    fold = np.asarray(fold)
    if not view_x.shape[0] == view_y.shape[0] == fold.size:
        raise ViewLengthError(
            f"views of {view_x.shape[0]} and {view_y.shape[0]} rows with {fold.size} fold numbers: all must be equal"
        )
    dtype = np.dtype(product_dtype or _product_dtype(view_x.dtype, view_y.dtype))
    largest = int(fold.max(initial=-1))
    folds = folds or largest + 1
    if largest >= folds or fold.min(initial=0) < 0:
        raise ValueError(f"fold numbers run from {fold.min()} to {largest}; with {folds} folds from 0 to {folds - 1}")
    count = np.bincount(fold, minlength=folds).astype(np.int64)
    if known_x and known_y:
        raise ValueError("known_x and known_y: at most one of the views can be known, or there is nothing to pair")
    for known, view in ((known_x, view_x), (known_y, view_y)):
        if known and (known.dimensions != view.shape[1] or not np.array_equal(known.count, count)):
            raise ViewLengthError(
                f"what is known is of {known.dimensions} dimensions and {known.count.tolist()} rows per fold, "
                f"the view of {view.shape[1]} and {count.tolist()}"
            )
    block_rows = max(PRODUCT_ROWS, BLOCK_BYTES // sum(v.shape[1] * v.dtype.itemsize for v in (view_x, view_y)))
    x = known_x or _nothing_yet(view_x, dtype, count)
    y = known_y or _nothing_yet(view_y, dtype, count)
    dx = x.dimensions
    xy = np.zeros((folds, dx, y.dimensions))
    origin = np.concatenate([x.origin, y.origin]).astype(dtype)
    # Columns whose products with all others are wanted. A product of all of them with themselves is symmetric: half
    # the work.
    wanted = slice(dx, None) if known_x else slice(dx) if known_y else slice(None)

    def product_of(slot: _Slot, block_x: np.ndarray, block_y: np.ndarray, rows: np.ndarray) -> _Slot:
        part = slot.rows[: rows.size]
        part[:, :dx] = block_x[rows]
        part[:, dx:] = block_y[rows]
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused once all sums are known
            part -= origin
            np.matmul(np.ones(rows.size, dtype), part, out=slot.sums)
            np.matmul(part[:, wanted].T, part, out=slot.product)
        return slot

    slots = _slots(origin.size, origin[wanted].size, dtype)
    for number, slot in _in_order(product_of, _parts(view_x, view_y, fold, block_rows), slots):
        sums, product = slot.sums, slot.product
        if known_x is None:
            x.sums[number] += sums[:dx]
            x.products[number] += product[:dx, :dx]
        if known_y is None:
            y.sums[number] += sums[dx:]
            y.products[number] += product[-y.dimensions :, dx:]
        xy[number] += product[:, :dx].T if known_x else product[:dx, dx:]
    new = [view for view, known in ((x, known_x), (y, known_y)) if known is None]
    finite = (np.isfinite(v.sums).all() and np.isfinite(np.einsum("fii->fi", v.products)).all() for v in new)
    if not all(finite):
        raise NonFiniteViewError(_where_not_finite(view_x, view_y, block_rows))
    rounding = Rounding(_roundoff(_stored_dtype(view_x)), _roundoff(_stored_dtype(view_y)), _roundoff(dtype))
    return Moments(x, y, xy, rounding)


def _nothing_yet(view: Any, dtype: np.dtype, count: np.ndarray) -> ViewMoments:
    """Empty sums about the mean of the first rows, rounded to what is subtracted from all.

    Whole numbers are moved by whole numbers, labels by none: sums of their products stay exact.
    """
    d, folds = view.shape[1], count.size
    origin = np.zeros(d)
    if view.shape[0] and not _is_label(view.dtype):
        with np.errstate(invalid="ignore", over="ignore"):
            origin = view[:PRODUCT_ROWS].mean(axis=0, dtype=np.float64)
            origin = (origin if view.dtype.kind == "f" else np.rint(origin)).astype(dtype).astype(np.float64)
    return ViewMoments(count, origin, np.zeros((folds, d)), np.zeros((folds, d, d)))


def _parts(view_x: Any, view_y: Any, fold: np.ndarray, block_rows: int) -> Iterator[tuple]:
    """Blocks of rows, and which of them one product takes: (fold number, block of x, block of y, rows)."""
    for start in range(0, fold.size, block_rows):
        stop = min(start + block_rows, fold.size)
        block_x, block_y = view_x[start:stop], view_y[start:stop]
        order = np.argsort(fold[start:stop], kind="stable")
        ends = np.cumsum(np.bincount(fold[start:stop]))
        for number, end in enumerate(ends):
            for begin in range(ends[number - 1] if number else 0, end, PRODUCT_ROWS):
                yield number, block_x, block_y, order[begin : min(begin + PRODUCT_ROWS, end)]


@dataclass(frozen=True)
class _Slot:
    """Room for the rows of one product and for what comes of it, used again and again: new pages cost as much time as
    the conversion of the rows.
    """

    rows: np.ndarray  # (PRODUCT_ROWS, d)
    sums: np.ndarray  # (d,)
    product: np.ndarray  # (wanted, d)


def _slots(d: int, wanted: int, dtype: np.dtype) -> list[_Slot]:
    """One more than the linear algebra library has threads, as far as SLOT_BYTES allow; at least two."""
    threads = max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)
    affordable = SLOT_BYTES // ((PRODUCT_ROWS + wanted) * d * dtype.itemsize)
    shapes = ((PRODUCT_ROWS, d), d, (wanted, d))
    return [_Slot(*(np.empty(shape, dtype) for shape in shapes)) for _ in range(max(2, min(threads + 1, affordable)))]


def _in_order(function: Callable, parts: Iterable[tuple], slots: list[_Slot]) -> Iterator[tuple[int, _Slot]]:
    """(fold number, filled slot) of each part in order; all slots but the one that was yielded are in work."""
    with Workers(len(slots) - 1) as pool:
        ahead: deque[tuple[int, Future]] = deque()
        for (number, *part), slot in zip(parts, cycle(slots)):
            ahead.append((number, pool.submit(function, slot, *part)))
            if len(ahead) == len(slots):
                number, done = ahead.popleft()
                yield number, done.result()
        for number, done in ahead:
            yield number, done.result()


def _stored_dtype(view: Any) -> np.dtype:
    """The coarsest type that the rows of a view went through; a dataset says so where that is not its own."""
    return np.dtype(getattr(view, "attrs", {}).get("rounded", view.dtype))


def _roundoff(dtype: np.dtype) -> float:
    """Half a unit in the last place, relative to a value."""
    return float(np.finfo(dtype).eps) / 2 if dtype.kind == "f" else 0.0


def _is_label(dtype: np.dtype) -> bool:
    return dtype.kind in "bui" and dtype.itemsize == 1


def _product_dtype(dtype_x: np.dtype, dtype_y: np.dtype) -> type:
    """float32 holds float16 values and labels exactly; views with more digits deserve float64."""
    short = [dtype == np.float16 or _is_label(dtype) for dtype in (dtype_x, dtype_y)]
    return np.float32 if all(short) and np.float16 in (dtype_x, dtype_y) else np.float64


def _where_not_finite(view_x: Any, view_y: Any, block_rows: int) -> str:
    for name, view in (("x", view_x), ("y", view_y)):
        for start in range(0, view.shape[0], block_rows):
            bad = ~np.isfinite(np.asarray(view[start : start + block_rows], np.float64)).all(axis=1)
            if bad.any():
                return f"view {name} holds NaN or infinity, first in row {start + int(bad.argmax())} of {view.shape[0]}"
    return "the squares of a view's values overflow the type of the products"
