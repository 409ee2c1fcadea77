"""Which layers tie with the best one: the one rule of tables, recommendations, comparisons and the report.

A layer ties with the best one if it is not below the low end of the best one's interval. The interval is about one
layer, and most of what makes it wide (which utterances were drawn, which fold tests) moves all layers of a model
together. So the rule leaves out an equal layer less often than an interval promises, as long as the layers share their
luck. `shared_luck` says how far they do, over draws and folds; of few draws it says little. The paper's findings ask
for more: a layer may be the maximum if it lies within a multiple of that distance (`contenders`).
"""

from __future__ import annotations

import math

import numpy as np

# Layers that lie below the low end, but within this many times its distance from the best one, are nearly tied.
NEAR = 2.0


def tied(levels: np.ndarray, lows: np.ndarray) -> np.ndarray:
    """Which layers tie with the best one, (layers,) of booleans; the best one always does.

    These are the layers that lie no further below the best one than the low end of its interval does. Of equal levels
    the first is the best. Where the best one has no interval (NaN), it stands alone.

    Args:
        levels: (layers,) the number of each layer, oriented so that more is better: of an error rate, 1 minus it.
        lows: (layers,) the low end of each layer's interval.
    """
    return contenders(levels, lows, margin=1.0)


def contenders(levels: np.ndarray, lows: np.ndarray, margin: float) -> np.ndarray:
    """Which layers may be the maximum, (layers,) of booleans, if more is asked for than a tie.

    These are the layers that lie at most `margin` times as far below the best one as the low end of its interval does.

    Args:
        levels, lows: as `tied`.
    """
    best = int(np.argmax(levels))
    # Written so that with a margin of 1 a layer exactly at the low end ties, whatever rounding does.
    within = levels[best] - levels <= margin * (levels[best] - lows[best])
    within[best] = True
    return within


def shared_luck(scores: np.ndarray) -> float:
    """The share of the variance within layers that all layers have in common.

    The intraclass correlation of consistency, ICC(3,1) of Shrout and Fleiss (Intraclass correlations: uses in assessing
    rater reliability, Psychological Bulletin 86, 1979), with draws as targets and layers as judges: (B - E) /
    (B + (L - 1) E), where B is the mean square between draws and E that of what neither layer nor draw explains. 1: a
    draw moves all L layers alike. 0: each layer has luck of its own. Below 0: what lifts some lowers others.

    Args:
        scores: (layers, draws) without NaN.

    Returns:
        NaN for fewer than two layers or draws, and where no score varies within its layer.
    """
    layers, draws = scores.shape
    if layers < 2 or draws < 2:
        return math.nan
    within = scores - scores.mean(axis=1, keepdims=True)
    by_draw = within.mean(axis=0)
    between = layers * (by_draw**2).sum() / (draws - 1)
    error = ((within - by_draw) ** 2).sum() / ((draws - 1) * (layers - 1))
    total = between + (layers - 1) * error
    # Scores that are constant but for rounding have no luck to share.
    if total <= layers * (8 * np.finfo(float).eps * np.abs(scores).max()) ** 2:
        return math.nan
    return float((between - error) / total)
