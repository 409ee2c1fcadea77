"""Boundaries are where frames change: in planted words, in the golden case, and whatever the axes are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.signal import find_peaks

from layerwise.scoring.measures.segmentation import (
    Scaling,
    SegmentationSettingError,
    boundary_milliseconds,
    neighbour_distances,
    segment,
    whole_milliseconds,
    z_scored,
)
from layerwise.scoring.refusals import (
    DegenerateViewError,
    NonFiniteViewError,
    TooFewRowsError,
    ViewLengthError,
)
from planted_words import golden, planted
from synthetic_views import rotation

GOLDEN = golden()
NAMES = {"eucli": "euclidean", "cosine": "cosine"}
ROWS = hnp.arrays(np.float64, st.tuples(st.integers(0, 40), st.just(3)), elements=st.integers(-4, 4).map(float))


@pytest.mark.skipif(GOLDEN is None, reason="the golden case is not part of this repository")
@pytest.mark.parametrize("number", range(6))
def test_the_golden_boundaries(number):
    expected = GOLDEN.expected["peaks"][number]
    rows = np.split(z_scored(GOLDEN.features()), np.cumsum(GOLDEN.frames)[:-1])
    setting = NAMES[expected["distance"]], expected["window"], expected["prominence"]
    found = {name: segment(each, *setting).tolist() for name, each in zip(GOLDEN.used, rows, strict=True)}
    assert {name: frames for name, frames in found.items() if name in expected["peaks"]} == expected["peaks"]
    assert set(expected["peaks"]) <= set(found)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_planted_words_are_found(distance):
    words = planted(1, noise=0.01)
    found = segment(z_scored(words.features), distance, 1, 0.1)
    assert found.tolist() == (words.first_frames[0] - 1).tolist()


def test_a_peak_of_just_the_prominence_is_a_boundary():
    step = np.array([[0.0], [0], [1], [1]])
    assert segment(step, "euclidean", 1, 1).tolist() == [1]
    assert segment(step, "euclidean", 1, 1 + 1e-12).tolist() == []


def test_a_stretch_that_stands_still_has_no_boundary():
    still = np.repeat(np.random.default_rng(0).normal(size=(1, 5)), 60, axis=0)
    for distance in ("euclidean", "cosine"):
        for window in (1, 4):
            assert segment(still, distance, window, 0).size == 0


@given(ROWS, st.integers(1, 7), st.sampled_from([0, 0.1, 1.0]))
def test_it_is_what_the_definition_says(rows, window, prominence):
    distances = np.array([np.sqrt(((b - a) ** 2).sum()) for a, b in pairwise(rows)])
    averages = np.array([distances[p : p + window].mean() for p in range(max(distances.size - window + 1, 0))])
    expected = find_peaks(averages, prominence=prominence)[0] + window // 2 if averages.size else []
    assert segment(rows, "euclidean", window, prominence).tolist() == list(expected)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.floats(0.1, 10))
def test_axes_and_for_the_cosine_lengths_do_not_matter(seed, window, scale):
    rng = np.random.default_rng(seed)
    rows, turn = rng.normal(size=(50, 4)), rotation(4, rng)
    euclidean = segment(rows, "euclidean", window, 0.2)
    assert segment(rows @ turn + 3, "euclidean", window, 0.2).tolist() == euclidean.tolist()
    assert segment(scale * rows, "euclidean", window, 0.2 * scale).tolist() == euclidean.tolist()
    cosine = segment(rows, "cosine", window, 0.2)
    assert segment(rng.uniform(0.5, 2, (50, 1)) * rows @ turn, "cosine", window, 0.2).tolist() == cosine.tolist()


def test_the_cosine_of_frames_and_of_frames_of_zeros():
    rows = np.array([[1, 0], [0, 2], [0, 3], [0, 0], [0, 0], [-1, 0], [1, 0]], float)
    assert neighbour_distances(rows, ["cosine"])["cosine"] == pytest.approx([1, 0, 1, 0, 1, 2], abs=1e-15)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_blocks_change_nothing(distance):
    rows = np.random.default_rng(3).normal(size=(9000, 3)).astype(np.float16)
    whole = rows.astype(float)
    if distance == "cosine":
        whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    expected = np.linalg.norm(np.diff(whole, axis=0), axis=1)
    found = neighbour_distances(rows, [distance])[distance]
    assert found == pytest.approx(expected**2 / 2 if distance == "cosine" else expected, abs=1e-12)
    assert (neighbour_distances(rows, [distance], None, 4000, 8500)[distance] == found[4000:8499]).all()


def test_z_scores_are_those_of_all_frames():
    rows = np.random.default_rng(1).normal(3, 5, (5000, 4)).astype(np.float32)
    scaled = z_scored(rows)
    assert scaled.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert scaled.std(axis=0) == pytest.approx(1, abs=1e-12)
    scaling = Scaling.of(rows)
    for name, found in neighbour_distances(rows, ["cosine", "euclidean"], scaling).items():
        assert (found == neighbour_distances(scaled, [name])[name]).all()


def test_a_constant_dimension_changes_nothing():
    words = planted(1, noise=0.1)
    constant = np.column_stack([words.features, np.full(len(words.features), 0.1)])
    assert (z_scored(constant)[:, -1] == 0).all()
    assert segment(z_scored(constant), "euclidean", 2, 0).tolist() == (
        segment(z_scored(words.features), "euclidean", 2, 0).tolist()
    )


@pytest.mark.parametrize("frames", range(5))
def test_a_very_short_utterance_has_no_boundary(frames):
    assert segment(np.arange(frames * 2.0).reshape(frames, 2), "euclidean", 2, 0).tolist() == []


def test_times_of_boundaries():
    assert boundary_milliseconds(np.array([0, 7]), 0.02, 1).tolist() == [0, 140]
    assert boundary_milliseconds(np.array([7]), 0.02, 1, "meeting").tolist() == [160]
    assert boundary_milliseconds(np.array([7]), 0.02, 4, "meeting").tolist() == [150]
    assert boundary_milliseconds(np.array([7, 7]), 0.02, np.array([1, 4]), "meeting").tolist() == [160, 150]
    assert whole_milliseconds(np.array([0.5005, 0.0155, 0.29, 1.005])).tolist() == [501, 16, 290, 1005]


def test_the_meeting_place_is_where_a_planted_word_begins():
    """On average: frame i holds the speech from i to i + 1 strides."""
    words = planted(1, noise=0.01)
    for window in (1, 2, 3, 4):
        found = segment(z_scored(words.features), "euclidean", window, 0.3)
        late = boundary_milliseconds(found, 0.02, window, "meeting")[:, None] - 20 * words.first_frames[0]
        nearest = late[np.arange(len(late)), np.abs(late).argmin(axis=1)]
        assert abs(nearest.mean()) <= 10  # half a frame: the middle of a level top of even width is rounded down


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (("euclid", 1, 0), r"no distance 'euclid' \(did you mean euclidean\?\); there are euclidean, cosine"),
        (("cosine", 0, 0), "a window of 0 distances; expected a whole number, 1 or more"),
        (("cosine", 1.5, 0), "a window of 1.5"),
        (("cosine", True, 0), "a window of True"),
        (("cosine", 1, -0.1), "a prominence of -0.1; expected a number, 0 or more"),
        (("cosine", 1, float("nan")), "a prominence of nan"),
    ],
)
def test_a_setting_without_meaning_is_an_error(setting, message):
    with pytest.raises(SegmentationSettingError, match=message):
        segment(np.ones((9, 2)), *setting)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0.02, 1, "strat"), "did you mean start"), ((0, 1), "a stride of 0 s"), ((float("nan"), 1), "a stride of nan")],
)
def test_a_place_without_meaning_is_an_error(arguments, message):
    with pytest.raises(SegmentationSettingError, match=message):
        boundary_milliseconds(np.array([1]), *arguments)


@pytest.mark.parametrize("broken", [np.nan, np.inf, 1e200])
def test_what_is_no_number_is_refused(broken):
    rows = np.ones((5000, 2))
    rows[4321, 1] = broken
    for function in (lambda: segment(rows, "cosine", 1, 0), lambda: z_scored(rows)):
        with pytest.raises(NonFiniteViewError, match="frame 4321 of 5000 holds NaN, infinity or a number above"):
            function()


@pytest.mark.parametrize("rows", [np.ones(5), np.ones((5, 0)), np.ones((5, 2), complex), np.full((5, 2), "a")])
def test_features_are_numbers_of_frames_and_dimensions(rows):
    with pytest.raises(ViewLengthError, match="expected real numbers"):
        segment(rows, "cosine", 1, 0)


def test_what_does_not_vary_has_no_z_scores():
    with pytest.raises(DegenerateViewError, match="all 2 dimensions are constant over 7 frames"):
        z_scored(np.full((7, 2), 0.1))
    with pytest.raises(TooFewRowsError, match="1 frames have no standard deviation"):
        z_scored(np.ones((1, 2)))
