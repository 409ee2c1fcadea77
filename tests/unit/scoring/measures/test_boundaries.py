"""Boundaries are counted as their definition says, published or not, whatever lies at the tolerance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from layerwise.scoring.measures.boundaries import (
    BoundariesError,
    CountingError,
    boundary_counts,
    boundary_scores,
)
from layerwise.scoring.metrics import OF_OTHERS

TIMES = st.lists(st.integers(-50, 400), unique=True, max_size=25)
UTTERANCES = st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=5).filter(lambda pairs: any(r for _, r in pairs))


def arrays(pairs):
    return [np.array(p, int) for p, _ in pairs], [np.array(r, int) for _, r in pairs]


def most_pairs(predicted, reference, tolerance):
    near = np.abs(predicted[:, None] - reference) <= tolerance
    if not near.any():
        return 0
    return int((maximum_bipartite_matching(csr_array(near), perm_type="column") >= 0).sum())


@given(UTTERANCES, st.integers(0, 60))
def test_no_matching_has_more_pairs(pairs, tolerance):
    predicted, reference = arrays(pairs)
    expected = [most_pairs(p, r, tolerance) for p, r in zip(predicted, reference, strict=True)]
    assert boundary_counts(predicted, reference, tolerance).matched.tolist() == expected


@given(UTTERANCES, st.integers(0, 60))
def test_the_published_count_is_what_loops_say(pairs, tolerance):
    predicted, reference = arrays(pairs)
    near = missed = 0
    for found, true in zip(predicted, reference, strict=True):
        near += sum(any(abs(p - r) <= tolerance for r in true) for p in found)
        missed += sum(not any(abs(p - r) <= tolerance for p in found) for r in true)
    scores = boundary_scores(predicted, reference, tolerance, "published")
    total = sum(each.size for each in predicted)
    assert (scores.hits, scores.predicted) == (near, total)
    assert scores.precision == pytest.approx(near / total if near else 0)
    assert scores.recall == pytest.approx(near / (near + missed) if near else 0)
    assert (scores.os is None) == (scores.r_value is None) == (near == 0)


@given(UTTERANCES, st.integers(0, 60), st.integers(-1000, 1000), st.randoms(use_true_random=False))
def test_neither_the_start_of_time_nor_an_order_matters(pairs, tolerance, later, random):
    scores = boundary_scores(*arrays(pairs), tolerance)
    moved = [(random.sample(p, len(p)), random.sample(r, len(r))) for p, r in random.sample(pairs, len(pairs))]
    predicted, reference = arrays(moved)
    again = boundary_scores([p + later for p in predicted], [r + later for r in reference], tolerance)
    assert again == scores


@given(UTTERANCES, st.integers(0, 60))
def test_more_tolerance_loses_no_hit_and_one_use_gains_none(pairs, tolerance):
    predicted, reference = arrays(pairs)
    narrow, wide = (boundary_counts(predicted, reference, limit) for limit in (tolerance, tolerance + 7))
    assert (wide.matched >= narrow.matched).all()
    assert (narrow.matched <= narrow.near).all()
    assert (narrow.matched <= narrow.reference - narrow.missed).all()


@given(UTTERANCES)
def test_the_reference_itself_is_perfect(pairs):
    _, reference = arrays(pairs)
    for count in ("once", "published"):
        scores = boundary_scores(reference, reference, 0, count)
        assert (scores.precision, scores.recall, scores.f1, scores.os, scores.r_value) == (1, 1, 1, 0, 1)


def test_a_distance_of_the_tolerance_is_a_hit_and_a_millisecond_more_is_none():
    scores = boundary_scores([[120, 321]], [[100, 300]], 20)
    assert scores.hits == 1


def test_the_nearest_reference_is_left_to_who_can_reach_no_other():
    assert boundary_scores([[16, 45]], [[0, 30]], 20).hits == 2


def test_a_reference_is_hit_once_or_as_published_by_all_around():
    once, published = (boundary_scores([[90, 100, 110]], [[100, 500]], 20, count) for count in ("once", "published"))
    assert (once.precision, once.recall, once.os) == (1 / 3, 1 / 2, 0.5)
    assert (published.precision, published.recall) == (1, 3 / 4)


def test_no_prediction_scores_zero():
    once, published = (boundary_scores([[]], [[100]], 20, count) for count in ("once", "published"))
    assert (once.f1, once.os, once.r_value) == (0, -1, pytest.approx(1 - np.sqrt(0.5)))
    assert (published.f1, published.os, published.r_value) == (0, None, None)


def test_what_the_r_value_is_made_for():
    """Twice as many boundaries as there are find all, and are no better than F1 says (Räsänen et al. 2009)."""
    reference = [np.arange(0, 10_000, 100)]
    doubled = boundary_scores([np.arange(0, 10_000, 50)], reference, 20)
    assert doubled.recall == 1
    assert doubled.f1 == pytest.approx(2 / 3)
    assert doubled.r_value == pytest.approx(1 - (1 + np.sqrt(0.5)) / 2)


@pytest.mark.parametrize(
    ("predicted", "reference", "message"),
    [
        ([[1]], [[1], [2]], "1 utterances with predicted boundaries and 2 with reference ones"),
        ([[1]], [[]], "no reference boundary in 1 utterances"),
        ([], [], "no reference boundary in 0 utterances"),
        ([[1.5]], [[1]], "predicted boundaries of utterance 0: 1.5 is no whole number"),
        ([[1]], [[float("nan")]], "reference boundaries of utterance 0: nan is no whole number"),
        ([[1]], [[1e300]], "1e\\+300 is no whole number"),
        ([["1"]], [[1]], "instead of whole milliseconds"),
        ([[[1]]], [[1]], r"shape \(1, 1\)"),
        ([[1]], [[7, 3, 7]], "reference boundaries of utterance 0: 7 ms stands there twice"),
        ([[1]], [[2**62]], "too large"),
    ],
)
def test_what_allows_no_score_is_refused(predicted, reference, message):
    with pytest.raises(BoundariesError, match=message):
        boundary_scores(predicted, reference, 20)


@pytest.mark.parametrize("tolerance", [-1, float("nan"), float("inf")])
def test_a_tolerance_is_a_number_from_0_on(tolerance):
    with pytest.raises(CountingError, match="0 or more"):
        boundary_scores([[1]], [[1]], tolerance)


def test_a_count_has_a_name():
    with pytest.raises(CountingError, match=r"'publishd' \(did you mean published\?\); there are once, published"):
        boundary_scores([[1]], [[1]], 20, "publishd")


def test_too_many_boundaries_take_the_r_value_below_any_limit():
    """Records are read with the range of each metric: ten times as many as there are is no malformed score."""
    crowded = boundary_scores([np.arange(0, 10_000, 10)], [np.arange(0, 10_000, 100)], 2)
    assert crowded.os == pytest.approx(9)
    assert crowded.r_value < -1
    assert all(
        OF_OTHERS[name].can_be(getattr(crowded, name)) for name in ("f1", "precision", "recall", "os", "r_value")
    )
