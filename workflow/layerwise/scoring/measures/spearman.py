"""Spearman's correlation, how it hangs on each pair, and an interval that knows which pairs share a member.

Ratings come in pairs, and a word or sentence stands in several of them: 3,500 pairs of simverb-3500 have 827 verbs.
Pairs that share one are not independent, so an interval that takes them for it is too narrow. Here the correlation is
linearised (its influence function), and the products of what two pairs contribute are summed over all pairs that share
a member. Nothing is drawn at random.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from layerwise.scoring.confidence import t_quantile

FEWEST = 4  # pairs: three orders can only agree by 1, ½, -½ or -1


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation of mid-ranks (ties get their average rank), in [-1, 1].

    Args:
        x, y: (n,) finite, neither constant.
    """
    return of_ranks(centred_ranks(x), centred_ranks(y))


def centred_ranks(values: np.ndarray) -> np.ndarray:
    """(rank - ½) / n - ½ of each value, (n,); ties get their average rank."""
    return (rankdata(values) - (values.size + 1) / 2) / values.size


def of_ranks(u: np.ndarray, v: np.ndarray) -> float:
    """The correlation of centred ranks."""
    return float(np.clip((u * v).sum() / np.sqrt((u * u).sum() * (v * v).sum()), -1, 1))


def influence(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What each pair contributes to Spearman's correlation, (n,): its derivative by the pair's weight, times n.

    With mid-distribution functions F and G, u = F(x) - ½ and v = G(y) - ½, it is C / √(A B) with C = mean(u v),
    A = mean(u²), B = mean(v²). A pair counts in C itself, and moves the ranks of all pairs above it. The values sum
    to 0 (Croux and Dehon, Influence functions of the Spearman and Kendall correlation measures, 2010, without ties).
    """
    u, v = centred_ranks(x), centred_ranks(y)
    c, a, b = (u * v).mean(), (u * u).mean(), (v * v).mean()
    of_c = u * v + _above(x, v) + _above(y, u) - 3 * c
    of_a = u * u + 2 * _above(x, u) - 3 * a
    of_b = v * v + 2 * _above(y, v) - 3 * b
    return of_c / np.sqrt(a * b) - c / np.sqrt(a * b) / 2 * (of_a / a + of_b / b)


def variance_of_sum(parts: np.ndarray, members: np.ndarray | None = None) -> float:
    """Variance of the sum of parts of mean 0 that are correlated where they share a member.

    The sum of the products of all two parts that share one (Aronow, Samii and Assenova, Cluster-robust variance
    estimation for dyadic data, 2015). That can be negative in small samples, so it is never less than if all were
    independent.

    Args:
        parts: (n,) of the sum.
        members: (n, 1) or (n, 2) integers: the groups, or the two words, that a part belongs to; None: independent.
    """
    alone = float((parts * parts).sum())
    if members is None:
        return alone
    first = members[:, 0]
    shared = float((np.bincount(first, parts) ** 2).sum())
    if members.shape[1] == 2:
        second = members[:, 1]
        two = first != second
        number = int(members.max()) + 1
        of_member = np.bincount(first, parts, number) + np.bincount(second[two], parts[two], number)
        # Parts that share both members have been counted for each of them.
        _, same = np.unique(np.sort(members[two], axis=1), axis=0, return_inverse=True)
        both = np.bincount(same.reshape(-1), parts[two]) if two.any() else np.zeros(1)
        shared = float((of_member**2).sum() - (both**2).sum())
    return max(shared, alone)


def interval(correlation: float, variance: float, n: int, units: int | None = None) -> tuple[float, float]:
    """The interval of a rank correlation of n pairs: symmetric in Fisher's z, by Student's t with n - 2.

    A perfect order says nothing about its spread. It gets the interval of the next best one, in which two neighbours
    are exchanged, with the variance (1 + r²/2) / (n - 3) of z (Bonett and Wright, Sample size requirements for
    estimating Pearson, Kendall and Spearman correlations, 2000).

    Args:
        variance: of the correlation.
        units: independent groups of the pairs, which then count as n does; None: each pair is one.
    """
    units = n if units is None else units
    best = 1 - 12 / (n * (n * n - 1))
    if abs(correlation) > best:
        z, error = np.sign(correlation) * np.arctanh(best), np.sqrt((1 + best**2 / 2) / (units - 3))
    else:
        z, error = np.arctanh(correlation), np.sqrt(variance) / (1 - correlation**2)
    half = t_quantile(units - 2) * error
    return float(min(np.tanh(z - half), correlation)), float(max(np.tanh(z + half), correlation))


def _above(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For each value, the mean over all n of the weights of what is above it, and half of those that are equal."""
    _, group = np.unique(values, return_inverse=True)
    of_group = np.bincount(group, weights)
    return (of_group.sum() - np.cumsum(of_group) + of_group / 2)[group] / values.size
