"""Noise is at its chance level, planted words are above it, and an interval is as wide as scores vary."""

from __future__ import annotations

import numpy as np
import pytest

from layerwise.scoring.measures.boundaries import BoundariesError, CountingError, boundary_scores
from layerwise.scoring.measures.segmentation import SegmentationSettingError
from layerwise.scoring.measures.segmentation_chance import METRICS, segmentation_chance, segmentation_interval
from layerwise.scoring.measures.segmentation_grid import Setting, cross_fitted_segmentation, segmentation_counts
from layerwise.scoring.refusals import ViewLengthError
from planted_words import STRIDE, planted

SETTINGS = (Setting(0, "euclidean", 1), Setting(0.5, "euclidean", 2), Setting(0.1, "cosine", 4))


def fitted(words):
    grid = segmentation_counts(words.features, words.frames, words.reference, STRIDE, settings=SETTINGS)
    return grid, cross_fitted_segmentation(grid, np.arange(words.frames.size) % 5)


@pytest.mark.parametrize("metric", ["f1", "r_value"])
def test_noise_is_at_the_chance_level(metric):
    differences = []
    for seed in range(8):
        grid, layer = fitted(planted(40, noise=1000, seed=seed))
        differences.append(getattr(layer.scores, metric) - segmentation_chance(grid, layer.chosen, seed).level(metric))
    error = np.std(differences, ddof=1) / np.sqrt(len(differences))
    assert abs(np.mean(differences)) < max(4 * error, 0.01)
    assert error < 0.01


def test_planted_words_are_far_above_it():
    grid, layer = fitted(planted(10, noise=0.05))
    assert layer.scores.f1 > segmentation_chance(grid, layer.chosen, 1).level("f1") + 0.3


def test_it_has_as_many_boundaries_and_depends_on_the_seed_alone():
    grid, layer = fitted(planted(10, noise=0.5))
    level = segmentation_chance(grid, layer.chosen, 1, draws=3)
    assert {scores.predicted for scores in level.draws} == {layer.scores.predicted}
    assert level == segmentation_chance(grid, layer.chosen, 1, draws=3)
    assert level != segmentation_chance(grid, layer.chosen, 2, draws=3)
    assert level != segmentation_chance(grid, layer.chosen, 1, sample=2, draws=3)
    assert level.level("recall") == pytest.approx(np.mean([scores.recall for scores in level.draws]))


def test_boundaries_stay_where_a_peak_can_be():
    """All at once, an utterance of one inner place has it again; the reference is there."""
    grid = segmentation_counts(np.array([[0.0], [0], [1], [1], [0.5]])[:4], [4], [[20]], STRIDE, settings=SETTINGS[:1])
    assert grid.predicted(np.zeros(1, int))[0].tolist() == [1]
    assert {scores.hits for scores in segmentation_chance(grid, np.zeros(1, int), 1).draws} == {1}


@pytest.mark.parametrize("count", ["once", "published"])
def test_every_draw_moves_all_boundaries_of_an_utterance_alike(count):
    words = planted(1, noise=0.5)
    (frames,), first = words.frames, 2  # the first frame that a peak of window 2 can make a boundary
    setting = np.ones(1, int)
    grid = segmentation_counts(words.features, words.frames, words.reference, STRIDE, settings=SETTINGS)
    found, places = grid.predicted(setting)[0], frames - 4
    moved = [
        boundary_scores([20 * ((found - first + by) % places + first)], words.reference, 20, count)
        for by in range(int(0.1 * places), int(0.9 * places) + 2)
    ]
    draws = segmentation_chance(grid, setting, 1, count=count, draws=100).draws
    assert set(draws) <= set(moved)
    assert len(set(draws)) > 1


def test_an_undefined_level_is_none():
    grid = segmentation_counts(np.random.default_rng(0).normal(size=(60, 2)), [60], [[9000]], STRIDE, settings=SETTINGS)
    assert segmentation_chance(grid, np.zeros(1, int), 1, count="published").level("r_value") is None
    assert segmentation_chance(grid, np.zeros(1, int), 1).level("r_value") is not None


@pytest.mark.parametrize("metric", METRICS)
def test_an_interval_holds_the_score_and_narrows_with_more_utterances(metric):
    few, many = (fitted(planted(count, noise=0.6))[1] for count in (10, 160))
    widths = []
    for layer in (few, many):
        low, high = segmentation_interval(layer.counts, 1, metric=metric)
        assert low < getattr(layer.scores, metric) < high
        widths.append(high - low)
    assert 2 < widths[0] / widths[1] < 8  # 4 is the square root of 16


def test_an_interval_holds_the_score_of_new_utterances():
    def counts(utterances, seed):
        words = planted(utterances, noise=0.6, seed=seed)
        return segmentation_counts(
            words.features, words.frames, words.reference, STRIDE, settings=SETTINGS[1:2]
        ).counts[0]

    truth = counts(2000, 99).scores().f1
    intervals = [segmentation_interval(counts(40, seed), seed, draws=200) for seed in range(60)]
    inside = sum(low < truth < high for low, high in intervals)
    assert 50 <= inside <= 60  # of 60, 57 are expected; percentiles of 40 utterances are somewhat narrow


def test_groups_that_stay_together_widen_it():
    """Ten speakers of ten utterances that are the same: no more is known than from ten utterances."""
    _, layer = fitted(planted(10, noise=0.6))
    speakers = np.tile(np.arange(10), 10)
    repeated = layer.counts[speakers]
    low, high = segmentation_interval(repeated, 1, groups=speakers)
    assert (low, high) == pytest.approx(segmentation_interval(layer.counts, 1), abs=1e-12)
    narrow = segmentation_interval(repeated, 1)
    assert high - low > 2 * (narrow[1] - narrow[0])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"groups": np.zeros(3)}, ViewLengthError, r"groups of shape \(3,\) for 10 utterances"),
        ({"groups": np.zeros(10)}, BoundariesError, "1 utterance or group: an interval needs two or more"),
        ({"metric": "f2"}, SegmentationSettingError, r"'f2' \(did you mean f1\?\); there are f1, precision"),
        ({"count": "all"}, CountingError, "there are once, published"),
        ({"draws": 0}, SegmentationSettingError, "0 random draws; expected 1 or more"),
    ],
)
def test_an_interval_that_cannot_be_is_refused(change, error, message):
    _, layer = fitted(planted(10, noise=0.6))
    with pytest.raises(error, match=message):
        segmentation_interval(layer.counts, 1, **change)


def test_an_interval_of_what_is_not_defined_is_refused():
    grid = segmentation_counts(
        np.zeros((20, 1)) + np.arange(20)[:, None], [10, 10], [[20], [20]], STRIDE, settings=SETTINGS
    )
    with pytest.raises(BoundariesError, match="os is not defined in 5 of 5 draws of 2 groups: no hit"):
        segmentation_interval(grid.counts[1], 1, count="published", metric="os", draws=5)


def test_chance_that_cannot_be_is_refused():
    grid, layer = fitted(planted(10, noise=0.6))
    with pytest.raises(ViewLengthError, match=r"settings of shape \(3,\) for 10 utterances"):
        segmentation_chance(grid, layer.chosen[:3], 1)
    with pytest.raises(SegmentationSettingError, match="0 random draws"):
        segmentation_chance(grid, layer.chosen, 1, draws=0)
    with pytest.raises(CountingError, match="there are once, published"):
        segmentation_chance(grid, layer.chosen, 1, count="all")
    with pytest.raises(SegmentationSettingError, match="there is no score 'f2'"):
        segmentation_chance(grid, layer.chosen, 1, draws=1).level("f2")
