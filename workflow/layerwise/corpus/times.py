"""Times, compared as people write them.

1.2 − 1.0 is 0.19999999999999996 in floats, so a pause of 0.2 s would be missed. Therefore times are rounded to whole
µs before they are compared.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Seconds = TypeVar("Seconds")  # a number, an array or a column of a table

_DIGITS = 6
# How far an alignment, or another's segment, may reach past its recording; aligners round up to whole frames.
MAX_OVERRUN_SECONDS = 0.05


def comparable(seconds: Seconds) -> Seconds:
    """The multiple of 1 µs that is nearest: of sums, differences and products of times, before they are compared."""
    return np.round(seconds, _DIGITS)


def steps(seconds: Seconds, step: float) -> Seconds:
    """How many steps a time is, to the millionth: 0.58 s are 29 of 0.02 s, where a quotient of floats is 28.999…"""
    return np.round(seconds / step, _DIGITS)
