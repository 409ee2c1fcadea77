"""Spearman's correlation, what each pair contributes to it, and how often its interval holds the true one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from layerwise.scoring.measures.spearman import influence, interval, spearman, variance_of_sum

SEEDS = st.integers(0, 2**32 - 1)


def ranked(seed: int, rows: int = 30, values: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Two related columns of whole numbers, with many ties."""
    rng = np.random.default_rng(seed)
    x = rng.integers(values, size=rows)
    x[:2] = 0, 1
    y = x + rng.integers(values, size=rows)
    y[2:4] = 0, values
    return x.astype(float), y.astype(float)


def weighted(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Spearman's correlation where pairs have weights, from its definition by all pairs of pairs."""
    weights = weights / weights.sum()
    u, v = (((z[None] < z[:, None]) + 0.5 * (z[None] == z[:, None])) @ weights for z in (x, y))
    u, v = u - weights @ u, v - weights @ v
    return weights @ (u * v) / np.sqrt((weights @ u**2) * (weights @ v**2))


@given(SEEDS)
def test_ties_have_their_average_rank_as_in_scipy(seed):
    x, y = ranked(seed)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-14)


@given(SEEDS)
def test_influence_is_the_derivative_by_a_pairs_weight(seed):
    x, y = ranked(seed, rows=12)
    found = influence(x, y)
    assert found.sum() == pytest.approx(0, abs=1e-12)
    for pair in range(x.size):
        up, down = (weighted(x, y, np.ones(12) + step * (np.arange(12) == pair)) for step in (1e-5, -1e-5))
        assert found[pair] / 12 == pytest.approx((up - down) / 2e-5, abs=1e-8)


@given(SEEDS, st.integers(1, 2))
def test_parts_that_share_a_member_are_multiplied_with_each_other(seed, columns):
    rng = np.random.default_rng(seed)
    parts, members = rng.normal(size=15), rng.integers(6, size=(15, columns))
    together = [[bool(set(one) & set(other)) for other in members.tolist()] for one in members.tolist()]
    expected = max(parts @ np.array(together, float) @ parts, parts @ parts)
    assert variance_of_sum(parts, members) == pytest.approx(expected)
    assert variance_of_sum(parts, np.arange(15 * columns).reshape(15, columns)) == pytest.approx(parts @ parts)


def coverage(draw, true: float, repeats: int) -> tuple[float, float]:
    """How often an interval holds the true correlation: one that knows shared members, and one that does not."""
    hits = np.zeros(2)
    for _ in range(repeats):
        x, y, members = draw()
        r, parts = spearman(x, y), influence(x, y) / np.sqrt(x.size * (x.size - 1))
        for number, known in enumerate((members, None)):
            low, high = interval(r, variance_of_sum(parts, known), x.size)
            hits[number] += low <= true <= high
    return tuple(hits / repeats)


def test_an_interval_of_independent_pairs_holds_the_true_correlation_nineteen_times_in_twenty():
    rng = np.random.default_rng(5)

    def draw():
        x = rng.normal(size=60)
        return x, 0.6 * x + 0.8 * rng.normal(size=60), None

    true = 6 / np.pi * np.arcsin(0.6 / 2)  # of normal variables whose correlation is 0.6
    assert 0.93 <= coverage(draw, true, 600)[0] <= 0.99


def test_an_interval_of_pairs_that_share_words_does_so_only_if_it_knows_them():
    rng = np.random.default_rng(6)

    def draw(words=60, pairs=300):
        members = np.array([rng.choice(words, 2, replace=False) for _ in range(pairs)])
        of_word = rng.normal(size=words)
        other = 0.6 * of_word + 0.8 * rng.normal(size=words)
        x, y = (values[members].sum(axis=1) + rng.normal(size=pairs) for values in (of_word, other))
        return x, y, members

    known, unknown = coverage(draw, 6 / np.pi * np.arcsin(0.4 / 2), 200)
    assert known >= 0.88
    assert unknown <= 0.85


def test_a_perfect_order_still_has_an_interval():
    low, high = interval(1.0, 0.0, 20)
    assert high == 1
    assert 0.9 < low < 1
    assert interval(-1.0, 0.0, 20) == pytest.approx((-1, -low))
    assert interval(1.0, 0.0, 80, units=20)[0] < interval(1.0, 0.0, 80)[0]
