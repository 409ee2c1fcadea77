"""The confidence level of every interval, and the interval of scores whose trials share training rows.

Score jobs do not import this module: scipy's statistics take longer to import than most scores take.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
LOW, HIGH = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2  # the quantiles at the ends of an interval
IN_WORDS = f"{100 * CONFIDENCE:g} %"


def normal_quantile() -> float:
    """Half an interval of a normal distribution, in standard deviations."""
    return float(stats.norm.ppf(HIGH))


def t_quantile(freedom: float | np.ndarray) -> float | np.ndarray:
    """Half an interval of Student's t, in standard errors; NaN for no degrees of freedom."""
    return stats.t.ppf(HIGH, freedom)


def overlap_of(folds: int) -> float:
    """Test rows per training row of a cross-validation in which one fold tests, one tunes and the rest train."""
    return 1 / (folds - 2)


def corrected_half(deviation: float | np.ndarray, n: int | np.ndarray, overlap: float) -> float | np.ndarray:
    """Half the corrected resampled t interval of the mean of n scores: t(n - 1) · deviation · √(1/n + overlap).

    Nadeau and Bengio, Inference for the Generalization Error, Machine Learning 52, 2003. The trials of a sample share
    most of their training rows, so their scores are correlated; the plain t interval (1/n alone) takes them for
    independent, and is far too narrow. Scores of different sample sets overlap less, so for them it errs on the wide
    side.

    Args:
        deviation: of the scores, with n - 1.
        overlap: test rows per training row; 0: the scores are independent.
    """
    return t_quantile(n - 1) * (deviation * np.sqrt(1 / n + overlap))
