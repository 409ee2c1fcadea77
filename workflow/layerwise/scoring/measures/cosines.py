"""Cosines from products of rows of length 1: those of equal directions are exactly 1, none is greater."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layerwise.scoring.refusals import RefusedScoreError, ViewLengthError

# A product of float64 rows of length 1 errs by some 10⁻¹⁶, of which arccos would make an angle of 10⁻⁸ between equal
# rows. Half a step of this grid is 3·10⁻¹⁴.
_STEPS = 2.0**44
_PAIRS = 2048  # at once: 3 arrays of 13 MB of 768 dimensions


class ZeroVectorError(RefusedScoreError):
    """A vector of zeros has no direction, so no cosine."""


def unit_rows(rows: np.ndarray, names: Sequence[str] | None = None) -> np.ndarray:
    """The rows scaled to length 1, float64.

    Args:
        names: (n,) what each row is, for messages; None: its number.

    Raises:
        ZeroVectorError: a row is 0.
    """
    rows = np.asarray(rows, np.float64)
    largest = np.abs(rows).max(axis=1, initial=0.0, keepdims=True)  # so that no square overflows or vanishes
    zeros = np.flatnonzero(largest == 0)
    if zeros.size:
        first = f"row {zeros[0]}" if names is None else names[zeros[0]]
        raise ZeroVectorError(
            f"{zeros.size} of {len(rows)} vectors are zeros, the first is {first}: they have no cosine"
        )
    rows = rows / largest
    return rows / np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]


def on_grid(cosines: np.ndarray) -> np.ndarray:
    """Products of unit rows, in place, within [−1, 1] and rounded to multiples of 2⁻⁴⁴."""
    cosines *= _STEPS
    np.rint(cosines, out=cosines)
    cosines /= _STEPS
    return np.clip(cosines, -1, 1, out=cosines)


def cosines_of_pairs(directions: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines of chosen pairs of rows, (pairs,), on the grid of `on_grid`.

    They are summed pair by pair without a BLAS, so a rank depends on no thread and not on which row comes first.

    Args:
        directions: (n × dimensions) of length 1.
        first, second: (pairs,) rows.
    """
    found = np.empty(first.size)
    for start in range(0, first.size, _PAIRS):
        block = slice(start, start + _PAIRS)
        found[block] = (directions[first[block]] * directions[second[block]]).sum(axis=1)
    return on_grid(found)


def require_rows(vectors: np.ndarray, rows: int | None = None) -> None:
    """Refuse what is no table of vectors, or has another number of rows.

    Raises:
        ViewLengthError: with the shapes.
    """
    if len(vectors.shape) != 2 or vectors.shape[1] == 0 or rows not in (None, vectors.shape[0]):
        expected = "rows" if rows is None else rows
        raise ViewLengthError(f"vectors have the shape {tuple(vectors.shape)}; ({expected} × dimensions) is expected")
