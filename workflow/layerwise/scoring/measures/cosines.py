"""Cosines that do not depend on how a product was summed up: rows of length 1, and products on a grid."""

from __future__ import annotations

import numpy as np

from layerwise.scoring.refusals import RefusedScoreError

# A product of float64 rows of length 1 errs by some 10⁻¹⁶; half a step of this grid is 3·10⁻¹⁴.
_STEPS = 2.0**44


class ZeroVectorError(RefusedScoreError):
    """A vector of zeros has no direction, so no cosine."""


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """The rows scaled to length 1, float64.

    Raises:
        ZeroVectorError: a row is 0.
    """
    rows = np.asarray(rows, np.float64)
    largest = np.abs(rows).max(axis=1, keepdims=True)  # so that no square overflows or vanishes
    zeros = np.flatnonzero(largest == 0)
    if zeros.size:
        raise ZeroVectorError(
            f"{zeros.size} of {len(rows)} vectors are zeros, the first in row {zeros[0]}: they have no cosine"
        )
    rows = rows / largest
    return rows / np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]


def on_grid(cosines: np.ndarray) -> np.ndarray:
    """Products of unit rows, in place, within [−1, 1] and rounded to multiples of 2⁻⁴⁴."""
    cosines *= _STEPS
    np.rint(cosines, out=cosines)
    cosines /= _STEPS
    return np.clip(cosines, -1, 1, out=cosines)
