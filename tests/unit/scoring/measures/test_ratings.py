"""Similarities beside ratings: the correlation, the level by chance, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from layerwise.scoring.measures.ratings import (
    ConstantError,
    RatingChoiceError,
    TooFewPairsError,
    chance_level,
    chance_level_of_members,
    rating_correlation,
)
from layerwise.scoring.refusals import NonFiniteViewError, ViewLengthError

SEEDS = st.integers(0, 2**32 - 1)


def related(seed: int, pairs: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=pairs)
    return x, np.round(x + rng.normal(size=pairs))


@given(SEEDS)
def test_it_is_spearmans_with_an_interval_around_it(seed):
    x, y = related(seed)
    found = rating_correlation(x, y)
    assert found.correlation == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-14)
    assert found.n == 40
    assert -1 <= found.low < found.correlation < found.high <= 1


@given(SEEDS)
def test_only_the_order_counts_and_its_reversal_turns_the_sign(seed):
    x, y = related(seed)
    before, order = rating_correlation(x, y), np.random.default_rng(seed).permutation(x.size)
    assert rating_correlation(np.exp(x), 3 * y - 7) == before
    reversed_ = rating_correlation(-x, y)
    assert (reversed_.correlation, reversed_.low) == pytest.approx((-before.correlation, -before.high))
    shuffled = rating_correlation(x[order], y[order])
    assert (shuffled.correlation, shuffled.low) == pytest.approx((before.correlation, before.low))


def test_pairs_that_stand_there_twice_say_no_more():
    x, y = related(1)
    once = rating_correlation(x, y, np.arange(40)[:, None])
    twice = rating_correlation(np.tile(x, 2), np.tile(y, 2), np.tile(np.arange(40), 2)[:, None])
    naive = rating_correlation(np.tile(x, 2), np.tile(y, 2))
    assert twice.correlation == pytest.approx(once.correlation)
    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=0.03)
    assert naive.high - naive.low < 0.8 * (once.high - once.low)


def test_chance_is_near_zero_whatever_the_correlation_and_the_same_for_every_layer():
    x, y = related(2)
    level = chance_level(x, y, 1, "set", draws=1000)
    assert rating_correlation(x, y).correlation > 0.5
    assert abs(level.mean) < 0.05
    # The standard deviation of a rank correlation of independent values is 1 / √(n - 1).
    assert (level.low, level.high) == pytest.approx((-1.96 / 39**0.5, 1.96 / 39**0.5), abs=0.04)
    level = chance_level(x, y, 1, "set")
    assert chance_level(np.exp(x), y, 1, "set") == level
    assert chance_level(x, y, 1, "other") != level
    assert chance_level(x, y, 2, "set") != level


def test_similarities_of_one_pair_keep_a_common_rating_by_chance_too():
    rng = np.random.default_rng(3)
    pairs = np.repeat(np.arange(30), 16)
    x, y = (rng.normal(size=30)[pairs] for _ in range(2))
    together, apart = chance_level(x, y, 1, "set", pairs=pairs), chance_level(x, y, 1, "set")
    assert together.high - together.low > 2.5 * (apart.high - apart.low)


def test_the_level_of_words_that_exchange_vectors_holds_layers_of_which_some_words_are_unlike_all_others():
    rng = np.random.default_rng(4)
    members = np.array([rng.choice(50, 2, replace=False) for _ in range(400)])
    of_word = rng.normal(size=50)
    ratings = of_word[members].sum(axis=1) + rng.normal(size=400)  # some words are rated high in all of their pairs
    inside = np.zeros(2)
    for layer in range(60):
        rows = rng.normal(size=(50, 8)) + 3 * rng.random(
            (50, 1)
        )  # all words have a direction in common, some more than others
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        similarities = (rows[members[:, 0]] * rows[members[:, 1]]).sum(axis=1)
        found = rating_correlation(similarities, ratings).correlation
        levels = (
            chance_level_of_members(rows, members, ratings, layer, "set", draws=80),
            chance_level(similarities, ratings, layer, "set", draws=80),
        )
        inside += [level.low <= found <= level.high for level in levels]
    assert inside[0] >= 53
    assert inside[1] < inside[0] - 8


NAN = [1, np.nan, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (([1, 2, 3, 4], [1, 2, 3]), ViewLengthError, r"\(4,\), ratings \(3,\)"),
        (([[1, 2, 3, 4]], [[1, 2, 3, 4]]), ViewLengthError, r"\(1, 4\)"),
        (([1, 2, 3], [1, 2, 3]), TooFewPairsError, "3 pairs"),
        ((NAN, [1, 2, 3, 4]), NonFiniteViewError, "1 of 4 similarities"),
        (([1, 2, 3, 4], NAN), NonFiniteViewError, "1 of 4 ratings"),
        (([5, 5, 5, 5], [1, 2, 3, 4]), ConstantError, "all 4 similarities are 5"),
        (([1, 2, 3, 4], [2, 2, 2, 2]), ConstantError, "all 4 ratings are 2"),
        (([1, 2, 3, 4], [1, 2, 3, 4], [0, 1, 2, 3]), ViewLengthError, r"\(4, 1\) or \(4, 2\)"),
        (([1, 2, 3, 4], [1, 2, 3, 4], [[0.0], [1], [2], [3]]), RatingChoiceError, "float64"),
        (([1, 2, 3, 4], [1, 2, 3, 4], [[-1], [1], [2], [3]]), RatingChoiceError, "the least -1"),
        (([1, 2, 3, 4], [1, 2, 3, 4], [[0], [0], [1], [1]]), TooFewPairsError, "4 similarities of 2 pairs"),
    ],
)
def test_what_has_no_correlation_is_refused(arguments, error, said):
    with pytest.raises(error, match=said):
        rating_correlation(*arguments)


def test_a_level_of_no_shuffle_is_refused():
    with pytest.raises(RatingChoiceError, match="draws is 0"):
        chance_level([1, 2, 3, 4], [1, 2, 3, 4], 1, "set", draws=0)
    with pytest.raises(RatingChoiceError, match="draws is -1"):
        chance_level_of_members(np.eye(3), np.array([[0, 1], [1, 2]]), np.array([1, 2]), 1, "set", draws=-1)
