"""Reference boundaries and Buckeye's evaluation are those of the published scripts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import measures
from layerwise.scoring.measures.boundaries import BoundariesError, CountingError
from layerwise.scoring.measures.segmentation import segment, z_scored
from layerwise.scoring.measures.word_intervals import (
    buckeye_intervals,
    interval_boundary_counts,
    is_usable,
    reference_boundaries,
    token_counts,
)
from layerwise.scoring.refusals import NonFiniteViewError, ViewLengthError
from planted_words import golden

GOLDEN = golden()
needs_golden = pytest.mark.skipif(GOLDEN is None, reason="the golden case is not part of this repository")
LENGTHS = st.lists(st.integers(1, 12), min_size=1, max_size=12)


def tiled(lengths):
    ends = np.cumsum(lengths)
    return np.stack([ends - lengths, ends], axis=1)


@needs_golden
def test_the_golden_utterances_and_their_boundaries():
    assert GOLDEN.used == GOLDEN.expected["used"]
    found = {name: times.tolist() for name, times in zip(GOLDEN.used, GOLDEN.reference, strict=True)}
    assert found == GOLDEN.expected["boundaries_ms"]


@needs_golden
def test_the_golden_intervals_of_buckeye():
    rows = np.split(z_scored(GOLDEN.features()), np.cumsum(GOLDEN.frames)[:-1])
    for name, each in zip(GOLDEN.used, rows, strict=True):
        found = buckeye_intervals(segment(each, "euclidean", 4, 0.3), len(each))
        assert found.tolist() == GOLDEN.buckeye["predicted"][name]


@needs_golden
@pytest.mark.parametrize("tolerance", range(4))
@pytest.mark.parametrize(("what", "counts"), [("boundary", interval_boundary_counts), ("token", token_counts)])
def test_the_golden_scores_of_buckeye(tolerance, what, counts):
    reference = GOLDEN.buckeye["reference"]
    theirs = [np.array([row[:2] for row in rows]) for rows in reference.values()]
    ours = [np.array(GOLDEN.buckeye["predicted"][name]) for name in reference]
    scores = counts(ours, theirs, tolerance).scores()
    for metric, expected in GOLDEN.buckeye["scores"][str(tolerance)][what].items():
        if np.isfinite(expected):
            assert getattr(scores, metric) == pytest.approx(expected, abs=1e-9), metric
        else:  # where nothing is hit
            assert scores.hits == scores.f1 == 0


def by_loops(predicted, reference, tolerance):
    """Each predicted word in turn takes the first free reference word that has both edges within the tolerance."""
    free = reference.tolist()
    hits = 0
    for start, end in predicted.tolist():
        for word in free:
            if abs(start - word[0]) <= tolerance and abs(end - word[1]) <= tolerance:
                free.remove(word)
                hits += 1
                break
    return hits


@given(LENGTHS, LENGTHS, st.integers(0, 5))
def test_tokens_are_what_loops_say(predicted, reference, tolerance):
    ours, theirs = tiled(predicted), tiled(reference)
    last = ours[-1, 1]
    cut = np.minimum(theirs[theirs[:, 0] < last], last)
    counts = token_counts([ours], [theirs], tolerance)
    assert (counts.matched.item(), counts.predicted.item(), counts.reference.item()) == (
        by_loops(ours, cut, tolerance),
        len(ours),
        len(cut),
    )


@given(LENGTHS)
def test_the_reference_itself_is_perfect(lengths):
    words = [tiled(lengths)]
    assert token_counts(words, words, 0).scores().f1 == 1
    if len(lengths) > 1:
        assert interval_boundary_counts(words, words, 0).scores().f1 == 1


def test_ends_of_an_utterance():
    ours = [tiled([10, 10, 10])]
    longer, shorter = [tiled([10, 10, 20])], [tiled([10, 10, 5])]
    counted = [interval_boundary_counts(ours, theirs, 0) for theirs in (ours, longer, shorter)]
    assert [counts.reference.item() for counts in counted] == [2, 2, 3]
    assert [counts.matched.item() for counts in counted] == [2, 2, 2]


def test_pauses_and_words_that_follow_each_other():
    starts, ends = np.array([0.1, 0.5, 0.6, 0.9]), np.array([0.5, 0.6, 0.9, 1.2])
    assert reference_boundaries(starts, ends, ["a", "", "b", "c"]).tolist() == [100, 500, 600, 900, 1200]
    assert reference_boundaries(starts, ends, ["a", "b", "", ""]).tolist() == [100, 500, 600]
    assert reference_boundaries(starts[:0], ends[:0]).tolist() == []


def test_an_utterance_with_noise_in_its_words_or_phones_is_not_used():
    assert is_usable(["a", "", "sp"], ["AH0", "sil"])
    assert not is_usable(["a", "<unk>"], ["AH0"])
    assert not is_usable(["a"], ["spn"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0.0], [1.0, 2.0]), ViewLengthError, r"shapes \(1,\), \(2,\)"),
        (([0.0], [1.0], ["a", "b"]), ViewLengthError, r"shapes \(1,\), \(1,\), \(2,\)"),
        (([0.0], [np.nan]), NonFiniteViewError, "NaN or infinite"),
        (([0.5], [0.4]), BoundariesError, r"from 0.5 to 0.4 s ends before it starts"),
    ],
)
def test_broken_alignments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        reference_boundaries(*arguments)


@pytest.mark.parametrize("boundaries", [[3, 3], [5, 2], [-1], [9], [1.5], [[1]]])
def test_boundaries_outside_the_utterance_are_refused(boundaries):
    with pytest.raises(BoundariesError, match=r"do not rise within 10 frames|expected integers"):
        buckeye_intervals(np.array(boundaries), 10)


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        ([], "0 utterances with predicted intervals and 1"),
        ([[[0, 3], [4, 6]]], "predicted intervals have holes"),
        ([[[0, 3], [2, 6]]], "have holes, overlap"),
        ([[[1, 3]]], r"\[\[1, 3\]\]"),
        ([[[0, 0]]], "or are empty"),
        ([[]], r"shape \(0,\)"),
        ([[[0.0, 3.0]]], "type float64"),
    ],
)
@pytest.mark.parametrize("counts", [interval_boundary_counts, token_counts])
def test_intervals_with_holes_are_refused(predicted, message, counts):
    with pytest.raises(BoundariesError, match=message):
        counts(predicted, [[[0, 6]]])


@pytest.mark.parametrize("counts", [interval_boundary_counts, token_counts])
def test_a_tolerance_is_a_number_from_0_on(counts):
    with pytest.raises(CountingError, match="0 or more"):
        counts([[[0, 6]]], [[[0, 6]]], -1)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        *((name, "boundaries") for name in ("boundary_counts", "boundary_scores")),
        *((name, "segmentation") for name in ("segment", "z_scored", "boundary_milliseconds")),
        *((name, "word_intervals") for name in ("reference_boundaries", "buckeye_intervals", "token_counts")),
        ("interval_boundary_counts", "word_intervals"),
        *((name, "segmentation_grid") for name in ("segmentation_counts", "cross_fitted_segmentation")),
        *((name, "segmentation_chance") for name in ("segmentation_chance", "segmentation_interval")),
    ],
)
def test_the_public_names(name, module):
    found = getattr(measures, name)
    assert found.__module__ == f"layerwise.scoring.measures.{module}"
    assert name in dir(measures)
