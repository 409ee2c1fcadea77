import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import chance
from layerwise.cca import cross_validate, fold_moments
from synthetic_views import one_hot, random_folds

KEYS = {"property_name": st.sampled_from(["mel", "intra"]), "seed": st.integers(0, 99), "sample": st.integers(1, 9)}


@given(rows=st.integers(10, 10**7), **KEYS)
def test_a_target_is_rolled_by_ten_to_ninety_percent(rows, property_name, seed, sample):
    offset = chance.roll_offset(rows, property_name, seed, sample)
    assert 0.1 * rows <= offset <= 0.9 * rows
    assert offset == chance.roll_offset(rows, property_name, seed, sample)
    finer = chance.roll_offset(2 * rows, property_name, seed, sample)
    assert abs(finer - 2 * offset) <= 3  # the same share of another frame rate


def test_property_seed_and_sample_draw_apart():
    draws = {
        chance.roll_offset(10**6, name, seed, sample)
        for name in ("mel", "intra")
        for seed in (1, 2)
        for sample in (1, 2)
    }
    assert len(draws) == 8


@given(segments=st.integers(1, 200), folds=st.integers(1, 7), order=st.integers(0, 999), **KEYS)
def test_labels_change_places_within_their_fold(segments, folds, order, property_name, seed, sample):
    rows, fold = np.arange(segments) * 3, random_folds(segments, folds, seed)
    source = chance.permutation(rows, fold, property_name, seed, sample)
    assert sorted(source) == list(range(segments))
    np.testing.assert_array_equal(fold[source], fold)
    # segments that come in another order get the labels of the same rows
    shuffled = np.random.default_rng(order).permutation(segments)
    again = chance.permutation(rows[shuffled], fold[shuffled], property_name, seed, sample)
    np.testing.assert_array_equal(rows[shuffled][again], rows[source][shuffled])


def test_the_labels_really_move():
    fold = random_folds(1000, 10)
    assert (chance.permutation(np.arange(1000), fold, "phone", 1, 1) == np.arange(1000)).sum() < 30


def smooth(rng, rows, dimensions, length):
    """Independent slow processes, as frames of speech are: each row is a mean of `length` random ones."""
    noise = rng.normal(size=(rows + length - 1, dimensions))
    sums = np.cumsum(np.vstack([np.zeros(dimensions), noise]), axis=0)
    return (sums[length:] - sums[:-length]) / np.sqrt(length)


def test_rolled_frames_show_what_shuffled_ones_hide():
    """Two unrelated slow processes: with neighbours in training and test, their score is far above zero. Rolling the
    target keeps that; shuffling its rows would call it a finding.
    """
    rng = np.random.default_rng(0)
    x, y = smooth(rng, 4000, 8, 200), smooth(rng, 4000, 12, 200)
    fold = random_folds(4000)

    def score(target):
        (trial,) = cross_validate(fold_moments(target, y, fold), [(8, 9)], [(1e-10, 1e-10)])
        return trial.metrics["pwcca"]

    found = score(x)
    rolled = score(np.roll(x, -chance.roll_offset(4000, "mel", 1, 1), axis=0))
    assert found > 0.15
    assert rolled == pytest.approx(found, abs=0.1)
    assert score(rng.permutation(x)) < 0.05


def test_permuted_labels_score_nothing():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, 3000)
    x = rng.normal(size=(6, 10))[labels] + rng.normal(size=(3000, 10))
    fold = random_folds(3000)
    target = one_hot(labels)
    for order, low, high in [
        (np.arange(3000), 0.5, 1),
        (chance.permutation(np.arange(3000), fold, "phone", 1, 1), -0.1, 0.1),
    ]:
        (trial,) = cross_validate(fold_moments(x, target[order], fold), [(8, 9)], [(1e-10, 1e-10)])
        assert low < trial.metrics["pwcca"] < high
