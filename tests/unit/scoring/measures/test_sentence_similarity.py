"""Spoken sentence similarity: published numbers, planted layers, readings, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.scoring.measures.cosines import ZeroVectorError
from layerwise.scoring.measures.rating_sets import NoPairsError
from layerwise.scoring.measures.ratings import ConstantError, RatingChoiceError, TooFewPairsError
from layerwise.scoring.measures.sentence_similarity import sentence_similarity
from layerwise.scoring.refusals import NonFiniteViewError, ViewLengthError
from synthetic_views import SHARED, rotation

GOLDENS = SHARED / "analyses/spoken_sts"
SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.skipif(not GOLDENS.is_dir(), reason="the golden cases of analyses are not in this repository")
@pytest.mark.parametrize("layer", ["0", "1", "2"])
@pytest.mark.parametrize(("combined", "published"), [("mean", "mean_of_16"), ("each", "each_of_16")])
def test_correlations_are_the_published_ones(layer, combined, published):
    arrays, expected = np.load(GOLDENS / "utterances.npz"), json.loads((GOLDENS / "expected.json").read_text())
    ratings = expected["ratings"]
    first, second = (
        [np.flatnonzero((arrays["pair"] == pair) & (arrays["side"] == side)) for pair in ratings] for side in "ab"
    )
    found = sentence_similarity(
        arrays[f"layer_{layer}"], first, second, list(ratings.values()), combined=combined, seed=1
    )
    assert found.correlation.correlation == pytest.approx(expected["spearman"][published][layer], abs=1e-9)
    assert (found.pairs, found.correlation.n) == (40, {"mean": 40, "each": 640}[combined])
    assert found.chance.low < 0 < found.chance.high
    if (layer, combined) == ("1", "mean"):
        cosines = [expected["mean_cosine_layer_1"][pair] for pair in ratings]
        np.testing.assert_allclose(found.similarities, cosines, atol=1e-6)


def read_aloud(seed: int, noise: float, pairs: int = 60, readers: int = 4, dimensions: int = 16):
    """Readings of two sentences a pair, row by row, whose meanings are as alike as the pair's rating says."""
    rng = np.random.default_rng(seed)
    ratings = np.round(rng.uniform(0, 1, pairs), 1)
    one, other = rng.normal(size=(2, pairs, dimensions))
    meanings = np.stack([one, ratings[:, None] * one + (1 - ratings[:, None]) * other], axis=1)
    vectors = np.repeat(meanings, readers, axis=1) + noise * rng.normal(size=(pairs, 2 * readers, dimensions))
    rows = np.arange(pairs * 2 * readers).reshape(pairs, 2 * readers)
    return vectors.reshape(-1, dimensions), rows[:, :readers].tolist(), rows[:, readers:].tolist(), ratings


def test_the_layer_that_means_what_is_rated_is_found_and_noise_is_at_chance():
    found = [sentence_similarity(*read_aloud(1, noise)) for noise in (0.1, 2, 100)]
    values = [one.correlation.correlation for one in found]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.9
    assert values[1] > found[1].chance.high
    assert found[2].chance.low < values[2] < found[2].chance.high


def test_a_pairs_similarity_is_the_mean_over_all_readings_of_both():
    vectors, first, second, ratings = read_aloud(2, 1.0)
    first[0], second[0] = [0], [4, 5, 6]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = sentence_similarity(vectors, first, second, ratings)
    expected = [(unit[a] @ unit[b].T).mean() for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(found.similarities, expected, atol=1e-11)
    each = sentence_similarity(vectors, first, second, ratings, combined="each")
    np.testing.assert_allclose(each.similarities[:3], (unit[[0]] @ unit[[4, 5, 6]].T)[0], atol=1e-11)
    assert each.correlation.n == 3 + 59 * 16


def test_readings_of_one_pair_are_not_taken_for_independent():
    case = read_aloud(3, 0.3)
    mean, each = (sentence_similarity(*case, combined=combined).correlation for combined in ("mean", "each"))
    assert each.high - each.low > 0.5 * (mean.high - mean.low)


@given(SEEDS)
@settings(max_examples=30)
def test_rotations_scale_and_sides_change_nothing(seed):
    vectors, first, second, ratings = read_aloud(seed, 1.0, pairs=20)
    before = sentence_similarity(vectors, first, second, ratings)
    turned = vectors @ rotation(16, np.random.default_rng(seed)) * 1e-3
    for after in (
        sentence_similarity(turned, first, second, ratings),
        sentence_similarity(vectors, second, first, ratings),
    ):
        np.testing.assert_allclose(after.similarities, before.similarities, atol=1e-11)
        assert after.correlation.correlation == pytest.approx(before.correlation.correlation, abs=1e-2)


FIRST, SECOND, RATINGS = [[0], [1], [2], [3]], [[4], [5], [6], [7]], [1, 2, 3, 4]
ROWS = np.random.default_rng(1).normal(size=(8, 3))


def changed(row: int, value: float) -> np.ndarray:
    rows = ROWS.copy()
    rows[row] = value
    return rows


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((ROWS, FIRST, SECOND, RATINGS[1:]), ViewLengthError, "4 and 4 sentences of pairs, but 3 ratings"),
        ((ROWS[0], FIRST, SECOND, RATINGS), ViewLengthError, r"\(3,\)"),
        ((ROWS, [[0], [], [2], []], SECOND, RATINGS), NoPairsError, "2 of 4 pairs .* the first is 1"),
        ((ROWS, [[0], [1], [2], [8]], SECOND, RATINGS), RatingChoiceError, "rows 0 … 8 are named; there are 0 … 7"),
        ((ROWS, [[0], [1], [2], [-1]], SECOND, RATINGS), RatingChoiceError, "rows -1 … 7"),
        ((ROWS, [[0.0], [1], [2], [3]], SECOND, RATINGS), RatingChoiceError, "float64; integers"),
        ((changed(2, np.nan), FIRST, SECOND, RATINGS), NonFiniteViewError, "1 of 8 recordings"),
        ((changed(2, 0), FIRST, SECOND, RATINGS), ZeroVectorError, "1 of 8 vectors are zeros, the first is row 2"),
        ((ROWS, FIRST[1:], SECOND[1:], RATINGS[1:]), TooFewPairsError, "3 pairs"),
        ((ROWS, [], [], []), TooFewPairsError, "0 pairs"),
        ((ROWS, FIRST, SECOND, [2, 2, 2, 2]), ConstantError, "all 4 ratings are 2"),
        ((np.ones((8, 3)), FIRST, SECOND, RATINGS), ConstantError, "all 4 similarities are 1"),
    ],
)
def test_what_has_no_score_is_refused(arguments, error, said):
    with pytest.raises(error, match=said):
        sentence_similarity(*arguments)


def test_a_way_that_does_not_exist_is_refused():
    with pytest.raises(RatingChoiceError, match=r"combined is eech; mean or each is expected \(did you mean each\?\)"):
        sentence_similarity(ROWS, FIRST, SECOND, RATINGS, combined="eech")


def test_a_row_that_no_pair_names_may_hold_anything():
    more = np.vstack([ROWS, np.full((1, 3), np.nan)])
    assert (
        sentence_similarity(more, FIRST, SECOND, RATINGS).correlation
        == sentence_similarity(ROWS, FIRST, SECOND, RATINGS).correlation
    )
