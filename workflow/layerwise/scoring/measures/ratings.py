"""How well similarities follow ratings: Spearman's correlation, its interval, and its level by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from layerwise.errors import LayerwiseError
from layerwise.scoring.confidence import HIGH, LOW
from layerwise.scoring.measures.cosines import on_grid
from layerwise.scoring.measures.spearman import (
    FEWEST,
    centred_ranks,
    influence,
    interval,
    of_ranks,
    spearman,
    variance_of_sum,
)
from layerwise.scoring.refusals import NonFiniteViewError, RefusedScoreError, TooFewRowsError, ViewLengthError
from layerwise.seeds import generator

DRAWS = 200  # shuffles that a chance level is made of


class ConstantError(RefusedScoreError):
    """All similarities, or all ratings, are equal: they have no order."""


class TooFewPairsError(TooFewRowsError):
    """So few pairs have no correlation that means anything."""


class RatingChoiceError(LayerwiseError):
    """An argument has a value that means nothing."""


@dataclass(frozen=True)
class RatingCorrelation:
    """Spearman's correlation of n pairs, in [-1, 1], and its interval (of the level `confidence.CONFIDENCE`)."""

    correlation: float
    n: int
    low: float
    high: float


@dataclass(frozen=True)
class ChanceLevel:
    """Spearman's correlations after shuffling: their mean, and the quantiles at the ends of an interval."""

    mean: float
    low: float
    high: float
    draws: int


def rating_correlation(
    similarities: np.ndarray, ratings: np.ndarray, members: np.ndarray | None = None
) -> RatingCorrelation:
    """Spearman's correlation of similarities with ratings; ties get their average rank.

    The interval is symmetric in Fisher's z, with the standard error of the linearised correlation (the infinitesimal
    jackknife). It is about other pairs, and with members about other words or sentences too; not about other speakers.

    Args:
        similarities, ratings: (n,) of pairs, n at least 4.
        members: (n, 1) or (n, 2) integers, not negative: what each pair is of. Pairs that share one are not
            independent, and the interval allows for it. None: all pairs are independent.

    Raises:
        ViewLengthError, TooFewRowsError, NonFiniteViewError, ConstantError: these numbers have no correlation.
    """
    x, y = numbers(similarities, ratings)
    members = _members(members, x.size)
    units = x.size if members is None or members.shape[1] == 2 else np.unique(members).size
    if units < FEWEST:
        raise TooFewPairsError(f"{x.size} similarities of {units} pairs; a rank correlation needs at least {FEWEST}")
    correlation = spearman(x, y)
    variance = variance_of_sum(parts(x, y), members)
    return RatingCorrelation(correlation, x.size, *interval(correlation, variance, x.size, units))


def chance_level(
    similarities: np.ndarray,
    ratings: np.ndarray,
    seed: int,
    name: str,
    *,
    pairs: np.ndarray | None = None,
    draws: int = DRAWS,
) -> ChanceLevel:
    """Correlations where the ratings are shuffled among the pairs; one draw by (seed, name) serves all layers.

    Args:
        similarities, ratings: as of `rating_correlation`.
        name: of the set.
        pairs: (n,) the pair that each similarity is of, where there are several of one: they keep a common rating.

    Raises:
        as `rating_correlation`.
    """
    x, y = numbers(similarities, ratings)
    random, ranks = generator(seed, "ratings", name), centred_ranks(x)
    if pairs is None:
        shuffled = centred_ranks(y)
        return _level([of_ranks(ranks, random.permutation(shuffled)) for _ in range(_at_least_one(draws))])
    # Pairs may have different numbers of similarities, so ranks of ratings change with every shuffle.
    _, first, member = np.unique(pairs, return_index=True, return_inverse=True)
    ratings_of_draws = (random.permutation(y[first])[member] for _ in range(_at_least_one(draws)))
    return _level([of_ranks(ranks, centred_ranks(of_draw)) for of_draw in ratings_of_draws])


def chance_level_of_members(
    directions: np.ndarray, members: np.ndarray, ratings: np.ndarray, seed: int, name: str, *, draws: int = DRAWS
) -> ChanceLevel:
    """Correlations where words exchange their vectors (Mantel 1967); one draw by (seed, name) serves all layers.

    Shuffled ratings would take pairs for independent. Here pairs that share a word still do, so that a layer's chance
    holds what a word that is like, or unlike, all others does to all of its pairs. Memory: the cosines of all words of
    the set, in float64 (70 MB of the 2,951 words of rw).

    Args:
        directions: (words × dimensions) of length 1.
        members: (pairs, 2) rows of `directions`.
        ratings: (pairs,) not all equal.
    """
    used, place = np.unique(members, return_inverse=True)
    first, second = place.reshape(-1, 2).T
    # One thread: a sum of a BLAS depends on their number.
    with threadpool_limits(1):
        similarities = on_grid(directions[used] @ directions[used].T)
    random, ranks = generator(seed, "ratings", name), centred_ranks(np.asarray(ratings, dtype=np.float64))
    found = []
    for _ in range(_at_least_one(draws)):
        word = random.permutation(used.size)
        drawn = similarities[word[first], word[second]]
        # Without any order there is no correlation to be had by chance.
        found.append(0.0 if (drawn == drawn[0]).all() else of_ranks(centred_ranks(drawn), ranks))
    return _level(found)


def _level(correlations: list[float]) -> ChanceLevel:
    """The level of some draws."""
    low, high = np.quantile(correlations, (LOW, HIGH)).tolist()
    return ChanceLevel(float(np.mean(correlations)), low, high, len(correlations))


def _at_least_one(draws: int) -> int:
    if draws < 1:
        raise RatingChoiceError(f"draws is {draws}; at least 1 is expected")
    return draws


def numbers(similarities: np.ndarray, ratings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64, if they have a correlation.

    Raises:
        as `rating_correlation`.
    """
    x, y = (np.asarray(values, dtype=np.float64) for values in (similarities, ratings))
    if x.ndim != 1 or x.shape != y.shape:
        raise ViewLengthError(f"similarities have the shape {x.shape}, ratings {y.shape}; one of each pair is expected")
    if x.size < FEWEST:
        raise TooFewPairsError(f"{x.size} pairs; a rank correlation needs at least {FEWEST}")
    for what, values in (("similarities", x), ("ratings", y)):
        if bad := int(np.count_nonzero(~np.isfinite(values))):
            raise NonFiniteViewError(f"{bad} of {x.size} {what} are NaN or infinite")
        if (values == values[0]).all():
            raise ConstantError(f"all {x.size} {what} are {values[0]:g}: they have no order")
    return x, y


def parts(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What each pair adds to the error of the correlation, (n,), with n - 1 for n as in any variance."""
    return influence(x, y) / np.sqrt(x.size * (x.size - 1))


def _members(members: np.ndarray | None, pairs: int) -> np.ndarray | None:
    if members is None:
        return None
    members = np.asarray(members)
    if members.ndim != 2 or members.shape[0] != pairs or members.shape[1] not in (1, 2):
        raise ViewLengthError(f"members have the shape {members.shape}; ({pairs}, 1) or ({pairs}, 2) is expected")
    if not np.issubdtype(members.dtype, np.integer) or members.min() < 0:
        raise RatingChoiceError(
            f"members are {members.dtype}, the least {members.min()}; integers from 0 on are expected"
        )
    return members
