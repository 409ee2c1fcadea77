"""How a score and its interval are written: `0.566 ± 0.017`, or with both ends where these are not alike."""

from __future__ import annotations

import math

DECIMALS = 3


def rounded(score: float) -> str:
    """A score with three decimals, and no minus before a zero."""
    return f"{round(score, DECIMALS) + 0:.{DECIMALS}f}"


def half_width(score: float, low: float, high: float) -> float | None:
    """Half of an even interval; None of a lopsided one, as those over items are, and where there is none (NaN)."""
    below, above = score - low, high - score
    # Two such halves are the same in print, or next to it.
    return (above + below) / 2 if not math.isnan(below) and abs(above - below) < 0.001 else None
