"""The grid has the published numbers, and what is chosen on some utterances is scored on others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.scoring.measures.boundaries import BoundariesError, CountingError, boundary_scores
from layerwise.scoring.measures.segmentation import (
    Scaling,
    SegmentationSettingError,
    boundary_milliseconds,
    segment,
    z_scored,
)
from layerwise.scoring.measures.segmentation_grid import (
    GRID,
    Setting,
    choose,
    cross_fitted_segmentation,
    published_choice,
    segmentation_counts,
)
from layerwise.scoring.refusals import EmptyFoldError, FoldError, ViewLengthError
from planted_words import STRIDE, golden, planted

GOLDEN = golden()
needs_golden = pytest.mark.skipif(GOLDEN is None, reason="the golden case is not part of this repository")
FEW = (Setting(0, "euclidean", 1), Setting(0.5, "euclidean", 1), Setting(0.5, "cosine", 2), Setting(0.1, "cosine", 4))
RIPPLES = 5e-4  # what float32 does at prominence 0


def counted(words, settings=FEW, **others):
    return segmentation_counts(words.features, words.frames, words.reference, STRIDE, settings=settings, **others)


@needs_golden
@pytest.mark.parametrize("which", ["all22", "good20"])
def test_the_golden_grid(which):
    scaling = Scaling.of(GOLDEN.features(which))
    grid = segmentation_counts(GOLDEN.features(), GOLDEN.frames, GOLDEN.reference, STRIDE, scaling=scaling)
    assert len(grid.settings) == len(GOLDEN.expected["grid"]) == 180
    for number, expected in enumerate(GOLDEN.expected["grid"]):
        setting = grid.settings[number]
        assert (setting.prominence, setting.window) == (expected["prominence"], expected["window"])
        assert setting.distance.startswith(expected["distance"][:4])
        scores = grid.counts[number].scores("published")
        tolerance = 1e-9 if setting.prominence else RIPPLES
        for metric in ("precision", "recall", "f1", "os", "r_value"):
            assert getattr(scores, metric) == pytest.approx(expected[which][metric], abs=tolerance), (setting, metric)
        assert scores.predicted == expected[which]["predicted"]


@needs_golden
def test_the_golden_choice():
    grid = segmentation_counts(GOLDEN.features(), GOLDEN.frames, GOLDEN.reference, STRIDE)
    setting, scores = published_choice(grid)
    best = max(GOLDEN.expected["grid"], key=lambda point: point["good20"]["f1"])
    assert (setting.prominence, setting.window) == (best["prominence"], best["window"])
    assert scores.f1 == pytest.approx(best["good20"]["f1"], abs=1e-9)


@pytest.mark.parametrize("place", ["start", "meeting"])
@pytest.mark.parametrize("count", ["once", "published"])
def test_it_is_each_setting_by_itself(place, count):
    words = planted(5, noise=0.5)
    rows = np.split(z_scored(words.features), np.cumsum(words.frames)[:-1])
    grid = counted(words, place=place)
    for number, setting in enumerate(FEW):
        found = [segment(each, setting.distance, setting.window, setting.prominence) for each in rows]
        times = [boundary_milliseconds(frames, STRIDE, setting.window, place) for frames in found]
        assert grid.counts[number].scores(count) == boundary_scores(times, words.reference, 20, count)
        frames, utterance = grid.predicted(np.full(5, number))
        assert frames.tolist() == np.concatenate(found).tolist()
        assert utterance.tolist() == np.repeat(np.arange(5), [each.size for each in found]).tolist()


def test_predictions_are_those_of_each_utterances_own_setting():
    words = planted(4, noise=0.5)
    grid = counted(words)
    chosen = np.array([2, 0, 3, 0])
    frames, utterance = grid.predicted(chosen)
    assert (np.diff(utterance) >= 0).all()
    for number, setting in enumerate(chosen):
        own, of = grid.predicted(np.full(4, setting))
        assert frames[utterance == number].tolist() == own[of == number].tolist()


def test_planted_words_are_found_with_what_other_utterances_chose():
    fitted = cross_fitted_segmentation(counted(planted(8, noise=0.05), GRID), np.arange(8) % 4)
    assert fitted.scores.f1 > 0.95
    assert fitted.scores.r_value > 0.95


def test_the_layer_with_clearer_words_is_better():
    f1 = [
        cross_fitted_segmentation(counted(planted(12, noise)), np.arange(12) % 3).scores.f1 for noise in (0.05, 0.6, 5)
    ]
    assert f1[0] > f1[1] > f1[2]


def test_no_utterance_chooses_for_itself():
    """In fold 1 the best setting is one that is bad on the others: it is not taken, though it is for all of them."""
    grid = counted(planted(4, noise=0.5), FEW[:2])
    ours = np.array([[9, 9, 0, 0], [8, 8, 20, 20]])
    counts = replace(grid.counts, predicted=0 * ours + 20, reference=0 * ours + 20, matched=ours)
    fitted = cross_fitted_segmentation(replace(grid, counts=counts), np.array([0, 0, 1, 1]))
    assert fitted.chosen.tolist() == [1, 1, 0, 0]
    assert fitted.settings == {0: FEW[1], 1: FEW[0]}
    assert fitted.scores.hits == 16
    assert (fitted.same_setting, fitted.same.hits) == (FEW[1], 56)
    assert {fold: scores.hits for fold, scores in fitted.fold_scores.items()} == {0: 16, 1: 0}


def test_what_is_counted_as_published_is_chosen_as_published():
    grid = counted(planted(4, noise=0.5), FEW[:2])
    ours, none = np.array([[9] * 4, [8] * 4]), np.zeros((2, 4), int)
    counts = replace(
        grid.counts, predicted=none + 20, reference=none + 20, matched=ours, near=ours[::-1], missed=none + 9
    )
    grid = replace(grid, counts=counts)
    assert cross_fitted_segmentation(grid, np.array([0, 0, 1, 1]), "once").chosen.tolist() == [0] * 4
    fitted = cross_fitted_segmentation(grid, np.array([0, 0, 1, 1]), "published")
    assert fitted.chosen.tolist() == [1] * 4
    assert fitted.same_setting == FEW[1]
    assert fitted.scores.hits == fitted.same.hits == 36


def test_of_settings_that_are_equally_good_the_first_is_taken():
    twice = (Setting(1e-9, "cosine", 1), Setting(2e-9, "cosine", 1))
    assert choose(counted(planted(3, noise=0.5), twice)) == 0


@given(st.permutations(range(6)), st.sampled_from(["once", "published"]))
def test_the_order_of_utterances_does_not_matter(order, count):
    words = planted(6, noise=0.5)
    rows = np.split(words.features, np.cumsum(words.frames)[:-1])
    shuffled = np.concatenate([rows[place] for place in order])
    reference = [words.reference[place] for place in order]
    scaling = Scaling.of(words.features)  # whose last digits depend on the order
    fold = np.array([0, 0, 1, 1, 2, 2])
    there = cross_fitted_segmentation(counted(words, scaling=scaling), fold, count)
    grid = segmentation_counts(shuffled, words.frames[list(order)], reference, STRIDE, settings=FEW, scaling=scaling)
    again = cross_fitted_segmentation(grid, fold[list(order)], count)
    assert again.scores == there.scores
    assert again.settings == there.settings


def test_utterances_without_peaks_or_words_count_for_what_they_are():
    """They keep their place: the published script scored all that follow against another's words."""
    words = planted(3, noise=0.05)
    rows = np.split(words.features, np.cumsum(words.frames)[:-1])
    still, short = np.repeat(rows[1][:1], 30, axis=0), rows[1][:2]
    features = np.concatenate([rows[0], still, short, short[:0], rows[2]])
    frames = [len(rows[0]), 30, 2, 0, len(rows[2])]
    reference = [words.reference[0], np.array([40, 300]), np.array([], int), np.array([], int), words.reference[2]]
    counts = segmentation_counts(features, frames, reference, STRIDE, settings=(FEW[1],)).counts[0]
    assert counts.predicted[1:4].tolist() == [0, 0, 0]
    assert counts.matched[[0, 4]].tolist() == [words.reference[0].size, words.reference[2].size]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"frames": [3, 3]}, ViewLengthError, "2 utterances of 6 frames, 20 rows, 2 lists"),
        ({"reference": [[20]]}, ViewLengthError, "2 utterances of 20 frames, 20 rows, 1 lists"),
        ({"frames": [-5, 25]}, ViewLengthError, "2 utterances of 20 frames"),
        ({"features": np.empty((0, 2)), "frames": [], "reference": []}, ViewLengthError, "one utterance at least"),
        ({"settings": ()}, SegmentationSettingError, "no setting to try"),
        ({"settings": (Setting(1, "cosin", 1),)}, SegmentationSettingError, "did you mean cosine"),
        ({"place": "end"}, SegmentationSettingError, "there are start, meeting"),
        ({"tolerance": -1}, CountingError, "0 or more"),
        ({"reference": [[20, 20], []]}, BoundariesError, "20 ms stands there twice"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, message):
    features = np.random.default_rng(0).normal(size=(20, 2))
    arguments = {"features": features, "frames": [10, 10], "reference": [[20], []], "stride_seconds": STRIDE} | change
    with pytest.raises(error, match=message):
        segmentation_counts(**arguments)


@pytest.mark.parametrize(
    ("fold", "count", "error", "message"),
    [
        ([0, 0, 0], "once", FoldError, "1 fold: a setting is chosen on some utterances and scored on others"),
        ([0, 1], "once", ViewLengthError, r"folds of shape \(2,\) for 3 utterances"),
        ([0, 0, 1], "once", EmptyFoldError, "no reference boundary in the 1 utterances outside fold 0"),
        ([0, 1, 2], "twice", CountingError, "there are once, published"),
    ],
)
def test_folds_that_cannot_be_are_refused(fold, count, error, message):
    words = planted(3, noise=0.5)
    reference = [*words.reference[:2], np.array([], int)]
    grid = segmentation_counts(words.features, words.frames, reference, STRIDE, settings=FEW)
    with pytest.raises(error, match=message):
        cross_fitted_segmentation(grid, np.array(fold), count)


def test_there_is_nothing_to_choose_on_without_reference():
    words = planted(2, noise=0.5)
    grid = segmentation_counts(words.features, words.frames, [[], []], STRIDE, settings=FEW)
    with pytest.raises(BoundariesError, match="no reference boundary in 2 utterances to choose on"):
        choose(grid)
