"""Word discrimination: other implementations' numbers, planted words, and what no score may depend on."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from sklearn.metrics import auc, average_precision_score, precision_recall_curve

from layerwise.scoring.measures import discrimination
from layerwise.scoring.measures.cosines import ZeroVectorError
from layerwise.scoring.measures.discrimination import (
    same_different,
    same_different_of_frames,
    same_different_of_vectors,
)
from layerwise.scoring.refusals import NonFiniteViewError, ViewLengthError
from synthetic_views import SHARED

GOLDENS = SHARED / "analyses/acoustic_word_discrimination"


def same_of(labels: np.ndarray) -> np.ndarray:
    first, second = np.triu_indices(labels.size, 1)
    return labels[first] == labels[second]


def words(types: int = 12, each: int = 5, noise: float = 1.0, seed: int = 0, dimensions: int = 8):
    """Vectors of words that differ in their means, their labels, and speakers that mean nothing."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(types), each)
    vectors = random.normal(size=(types, dimensions))[labels] + noise * random.normal(size=(labels.size, dimensions))
    return vectors, labels, random.integers(0, 4, labels.size)


@pytest.mark.skipif(not GOLDENS.is_dir(), reason="the golden cases of analyses are not in this repository")
@pytest.mark.parametrize(
    "name",
    [
        "mean_cosine",
        "mean_euclidean",
        "mean_cosine_centred",
        "mean_cosine_standardised",
        "dtw_cosine_sum",
        "dtw_cosine_sum_over_n_plus_m",
        "dtw_euclidean_sum_over_n_plus_m",
        "librispeech_samediff_dtw",
    ],
)
def test_scores_are_those_of_other_implementations(name):
    stored, published = np.load(GOLDENS / "segments.npz"), json.loads((GOLDENS / "expected.json").read_text())
    frames = np.split(stored["frames"].astype(np.float64), np.cumsum(stored["lengths"])[:-1])
    means = np.stack([one.mean(axis=0) for one in frames])
    who = stored["words"], stored["speakers"]
    centred = means - means.mean(axis=0)
    found = {
        "mean_cosine": lambda: same_different(means, *who),
        "mean_euclidean": lambda: same_different(pdist(means), *who),
        "mean_cosine_centred": lambda: same_different(centred, *who),
        "mean_cosine_standardised": lambda: same_different(centred / centred.std(axis=0), *who),
        "dtw_cosine_sum": lambda: same_different_of_frames(frames, *who, reduction="sum"),
        "dtw_cosine_sum_over_n_plus_m": lambda: same_different_of_frames(frames, *who),
        "dtw_euclidean_sum_over_n_plus_m": lambda: same_different_of_frames(frames, *who, distance="euclidean"),
        "librispeech_samediff_dtw": lambda: same_different_of_frames(frames, *who, reduction="sum"),
    }[name]()
    for score, expected in published["scores"][name].items():
        assert getattr(found, score) == pytest.approx(expected, abs=1e-9), score
    counts = [published[one] for one in ("segments", "pairs", "same_word", "same_word_other_speaker")]
    assert [found.segments, found.pairs, found.same_word, found.same_word_other_speaker] == counts


# Few distinct distances, so that pairs of both kinds are tied.
CASES = st.integers(3, 14).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
        st.lists(st.integers(0, 2), min_size=n, max_size=n),
        st.lists(st.integers(0, 6), min_size=n * (n - 1) // 2, max_size=n * (n - 1) // 2),
    )
)


@given(CASES)
@settings(deadline=None)
def test_ties_are_taken_as_scikit_learn_takes_them(case):
    labels, speakers, distances = map(np.array, case)
    same = same_of(labels)
    if same.all() or not same.any():
        return
    found = same_different(distances, labels, speakers, interval=False)
    assert found.ap == pytest.approx(average_precision_score(same, -distances), abs=1e-12)
    precision, recall, _ = precision_recall_curve(same, -distances)
    assert found.ap_trapezium == pytest.approx(auc(recall, precision), abs=1e-12)
    apart = same & ~same_of(speakers)
    for found_value, counted in ((found.swdp_ap, apart), (found.swsp_ap, same & ~apart)):
        if not counted.any():
            assert found_value is None
            continue
        expected = np.mean([same[distances <= at].mean() for at in distances[counted]])
        assert found_value == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
@settings(deadline=None, max_examples=60)
def test_breakeven_is_where_the_whole_list_has_it(seed, difference):
    random = np.random.default_rng(seed)
    labels, speakers = random.integers(0, 3, 9), random.integers(0, 2, 9)
    same = same_of(labels)
    apart = same & ~same_of(speakers)
    if same.all() or not apart.any():
        return
    distances = random.permutation(same.size) + (0.5 + np.floor(difference * same.size)) * ~same  # no ties
    order = np.argsort(distances)
    precision = same[order].cumsum() / np.arange(1, same.size + 1)
    ahead = np.maximum.accumulate(precision[::-1])[::-1]
    found = same_different(distances, labels, speakers, interval=False)
    for value, counted in ((found.prb, same), (found.swdp_prb, apart)):
        recall = counted[order].cumsum() / counted.sum()
        nearest = np.abs(recall - ahead).argmin()
        expected = (recall[nearest] + ahead[nearest]) / 2
        # Two places of the list may be as near, but for rounding.
        ties = np.abs(recall - ahead) <= np.abs(recall - ahead).min() + 1e-12
        assert np.isclose((recall + ahead)[ties] / 2, value, atol=1e-12).any()
        assert value == pytest.approx(expected, abs=1e-12) or ties.sum() > 1


def test_breakeven_where_the_first_pairs_are_of_different_words():
    """One same-word pair, the last of three: recall 0 is nearer to the precision of 1/3 than recall 1 is."""
    assert same_different(np.array([3, 1, 2]), [0, 0, 1]).prb == pytest.approx(1 / 6)


def test_vectors_score_as_their_distances_whatever_the_blocks(monkeypatch):
    vectors, labels, speakers = words()
    expected = same_different(pdist(vectors, "cosine"), labels, speakers)
    for rows in (1, 7, 512):
        monkeypatch.setattr(discrimination, "BLOCK_ROWS", rows)
        found = same_different_of_vectors(vectors, labels, speakers)
        for name in ("ap", "prb", "ap_trapezium", "swdp_ap", "swdp_prb", "swsp_ap"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-12), name
        assert found.uncertainty.standard_error == pytest.approx(expected.uncertainty.standard_error, abs=1e-12)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_rotation_scale_order_and_names_do_not_matter(seed):
    vectors, labels, speakers = words(types=6, each=4)
    random = np.random.default_rng(seed)
    rotation = np.linalg.qr(random.normal(size=(8, 8)))[0]
    scaled = vectors @ rotation * np.exp(random.normal(size=(len(vectors), 1)))
    order = random.permutation(labels.size)
    names = np.array(list("fedcba"))[labels]
    found = same_different(scaled[order], names[order], speakers[order])
    expected = same_different(vectors, labels, speakers)
    for name in ("ap", "prb", "ap_trapezium", "swdp_ap", "swdp_prb", "swsp_ap"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-12), name
    for name in ("uncertainty", "swdp_uncertainty"):
        assert asdict(getattr(found, name)) == pytest.approx(asdict(getattr(expected, name)), abs=1e-9)


def test_equal_directions_are_tied_for_the_first_place_wherever_they_stand():
    """Copies of a vector are at exactly 0, the nearest there is, so those of another word share precision."""
    vectors = words(types=100, each=2, dimensions=768)[0]
    copies = np.concatenate([vectors, 3 * vectors, vectors / 7])  # several blocks of a product
    names = np.arange(len(copies)) % len(vectors)
    names[-len(vectors) :] += len(vectors)  # a third of the copies are other words
    assert same_different(copies, names, interval=False).ap == pytest.approx(1 / 3, abs=1e-12)


def test_planted_words_are_found_and_noise_is_at_chance():
    scores = [same_different(*words(types=20, noise=noise, seed=3)[:2]) for noise in (1e-3, 0.5, 1.5)]
    assert scores[0].ap == scores[0].prb == 1
    assert (scores[0].uncertainty.low, scores[0].uncertainty.high) == (1, 1)
    assert scores[0].ap > scores[1].ap > scores[2].ap > 2 * scores[2].chance
    random = np.random.default_rng(0)
    noise = [same_different(random.normal(size=(100, 8)), np.repeat(np.arange(10), 10)) for _ in range(20)]
    assert np.mean([one.ap for one in noise]) == pytest.approx(noise[0].chance, rel=0.1)
    covered = [one.uncertainty.low < one.chance < one.uncertainty.high for one in noise]
    assert np.mean(covered) >= 0.8


def test_speakers_that_set_words_apart_lower_the_recall_of_other_speakers():
    vectors, labels, speakers = words(types=10, each=8, noise=0.3)
    voices = 2 * np.random.default_rng(1).normal(size=(4, 8))[speakers]
    plain, voiced = (same_different(rows, labels, speakers) for rows in (vectors, vectors + voices))
    assert voiced.swdp_ap < voiced.ap < voiced.swsp_ap
    assert abs(plain.swdp_ap - plain.swsp_ap) < 0.05


@pytest.mark.parametrize("unit", ["words", "speakers"])
def test_standard_errors_are_those_of_a_bootstrap(unit):
    vectors, labels, _ = words(types=40, each=5, noise=0.8, seed=1)
    random = np.random.default_rng(2)
    groups = labels if unit == "words" else random.integers(0, 30, labels.size)
    found = same_different(vectors, labels, groups=groups)
    distances, same = pdist(vectors, "cosine"), same_of(labels)
    first, second = (groups[place] for place in np.triu_indices(labels.size, 1))
    replicates = []
    for _ in range(200):
        drawn = np.bincount(random.integers(0, groups.max() + 1, groups.max() + 1), minlength=groups.max() + 1)
        weight = np.where(first == second, drawn[first], drawn[first] * drawn[second])
        kept = weight > 0
        replicates.append(average_precision_score(same[kept], -distances[kept], sample_weight=weight[kept]))
    assert found.uncertainty.standard_error == pytest.approx(np.std(replicates), rel=0.25)
    assert found.uncertainty.groups == groups.max() + 1


def test_uncertainty_is_the_slope_of_the_score():
    """By differences: every segment of one word counted a little more."""
    vectors, labels, _ = words(types=5, each=3)
    distances, same = pdist(vectors, "cosine"), same_of(labels)
    first, second = (labels[place] for place in np.triu_indices(labels.size, 1))
    step, slopes = 1e-6, []
    for word in range(5):
        scores = []
        for side in (1, -1):
            weight = np.where(labels == word, 1 + side * step, 1.0)[np.searchsorted(labels, np.arange(5))]
            pairs = np.where(first == second, weight[first], weight[first] * weight[second])
            scores.append(average_precision_score(same, -distances, sample_weight=pairs))
        slopes.append((scores[0] - scores[1]) / (2 * step))
    expected = np.sqrt(np.sum((slopes - np.mean(slopes)) ** 2) * 5 / 4)
    assert same_different(vectors, labels).uncertainty.standard_error == pytest.approx(expected, rel=1e-5)


def test_warped_words_that_pooling_confuses():
    """A word and its reverse have one mean; warped frames tell them apart."""
    random = np.random.default_rng(0)
    word = random.normal(size=(6, 5))
    frames = [np.repeat(word[::side], random.integers(1, 4, 6), axis=0) for side in (1, -1) for _ in range(6)]
    labels = np.repeat([0, 1], 6)
    assert same_different_of_frames(frames, labels).ap == 1
    assert same_different(np.stack([one.mean(axis=0) for one in frames]), labels).ap < 0.9


VECTORS, LABELS, _ = words(types=3, each=2)


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (ViewLengthError, "14 distances and 6 labels; 6 segments have 15 pairs", (np.ones(14), LABELS)),
        (ViewLengthError, "6 vectors and 5 labels", (VECTORS, LABELS[:5])),
        (ViewLengthError, r"speakers have the shape \(5,\); 6 are needed", (VECTORS, LABELS, LABELS[:5])),
        (ViewLengthError, r"groups have the shape \(5,\); 6 are needed", (VECTORS, LABELS, None, LABELS[:5])),
        (ViewLengthError, r"labels have the shape \(3, 2\)", (VECTORS, LABELS.reshape(3, 2))),
        (NonFiniteViewError, "8 of 48 values", (np.where(np.arange(6)[:, None] == 2, np.nan, VECTORS), LABELS)),
        (NonFiniteViewError, "1 of 15 values", (np.append(np.ones(14), np.inf), LABELS)),
        (NonFiniteViewError, "1 of 6 labels", (VECTORS, np.append(np.ones(5), np.nan))),
        (
            ZeroVectorError,
            "1 of 6 vectors are zeros, the first is row 4",
            (VECTORS * (np.arange(6) != 4)[:, None], LABELS),
        ),
        (discrimination.NotNumbersError, "type <U1", (np.full(15, "a"), LABELS)),
        (discrimination.NotNumbersError, r"shape \(1, 1, 1\)", (np.ones((1, 1, 1)), LABELS)),
        (
            discrimination.NoSuchPairsError,
            "no pair of 6 segments of 6 words is of the same word",
            (VECTORS, np.arange(6)),
        ),
        (discrimination.NoSuchPairsError, "of 1 words is of different words", (VECTORS, np.zeros(6))),
        (discrimination.TooFewGroupsError, "all 6 segments", (VECTORS, LABELS, None, np.zeros(6))),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_refused(error, message, arguments):
    with pytest.raises(error, match=message):
        same_different(*arguments)


def test_too_many_pairs_of_the_same_word(monkeypatch):
    monkeypatch.setattr(discrimination, "MOST_SAME", 2)
    with pytest.raises(discrimination.TooManyPairsError, match="3 of 15 pairs are of the same word, and at most 2"):
        same_different(VECTORS, LABELS)


def test_as_many_sequences_as_labels():
    with pytest.raises(ViewLengthError, match="1 sequences of frames and 6 labels"):
        same_different_of_frames([np.ones((1, 2))], LABELS)
