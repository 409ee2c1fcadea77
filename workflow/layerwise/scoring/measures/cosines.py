"""Cosines of chosen pairs of vectors, the same on any number of threads.

They are computed in float64 without a BLAS, pair by pair, and rounded to 12 decimals: so a rank depends on no thread
and not on which vector of a pair comes first, and equal vectors are tied.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layerwise.scoring.refusals import RefusedScoreError, ViewLengthError

DECIMALS = 12
_PAIRS = 2048  # at once: 3 arrays of 13 MB of 768 dimensions


class ZeroVectorError(RefusedScoreError):
    """A vector is 0, and has no direction."""


def unit(vectors: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Vectors of length 1, (n × dimensions) float64.

    Args:
        names: (n,) what each is, for messages.

    Raises:
        ZeroVectorError: one is 0.
    """
    # First by the largest number, so that no square is too large or too small.
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    if (largest == 0).any():
        zero = np.flatnonzero(largest == 0)
        raise ZeroVectorError(f"{zero.size} of {len(vectors)} vectors are 0 and have no cosine: {names[zero[0]]}")
    scaled = vectors / largest[:, None]
    return scaled / np.sqrt((scaled * scaled).sum(axis=1))[:, None]


def cosines(directions: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines of pairs of rows, (pairs,), rounded to 12 decimals.

    Args:
        directions: (n × dimensions) of length 1.
        first, second: (pairs,) rows.
    """
    found = np.empty(first.size)
    for start in range(0, first.size, _PAIRS):
        block = slice(start, start + _PAIRS)
        found[block] = (directions[first[block]] * directions[second[block]]).sum(axis=1)
    return np.round(found, DECIMALS)


def require_rows(vectors: np.ndarray, rows: int | None = None) -> None:
    """Refuse what is no table of vectors, or has another number of rows.

    Raises:
        ViewLengthError: with the shapes.
    """
    if len(vectors.shape) != 2 or vectors.shape[1] == 0 or rows not in (None, vectors.shape[0]):
        expected = "rows" if rows is None else rows
        raise ViewLengthError(f"vectors have the shape {tuple(vectors.shape)}; ({expected} × dimensions) is expected")
