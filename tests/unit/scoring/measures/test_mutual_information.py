"""Mutual information, its level by chance and its errors: by definition, by scikit-learn, and as published."""

from __future__ import annotations

import json
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score
from sklearn.metrics.cluster import contingency_matrix
from sklearn.metrics.cluster import expected_mutual_information as expected_by_sklearn

from layerwise.measures import jackknifed_information, mutual_information
from layerwise.scoring.confidence import t_quantile
from layerwise.scoring.measures import mutual_information as module
from layerwise.scoring.measures.mutual_information import NoLabelError, OneClassError, TooFewGroupsError
from layerwise.scoring.refusals import ViewLengthError
from synthetic_views import SHARED

GOLDENS = SHARED / "analyses/mutual_information"


def by_definition(clusters, labels):
    """Mutual information and the labels' entropy, in nats, from the table of probabilities."""
    joint = contingency_matrix(clusters, labels) / len(labels)
    p, q = joint.sum(axis=1), joint.sum(axis=0)
    mi = sum(
        joint[i, j] * np.log(joint[i, j] / (p[i] * q[j])) for i in range(p.size) for j in range(q.size) if joint[i, j]
    )
    return mi, -(q * np.log(q)).sum()


def drawn(rows, clusters, classes, seed=0, noise=0.5):
    """Clusters and labels of rows that have to do with each other where there is no noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    told = labels * (clusters // classes) + rng.integers(0, clusters // classes, rows)
    return np.where(rng.random(rows) < noise, rng.integers(0, clusters, rows), told), labels


@st.composite
def labelled_rows(draw):
    """Clusters, labels of at least two kinds."""
    rows = draw(st.integers(2, 60))
    clusters = draw(st.lists(st.integers(-3, 12), min_size=rows, max_size=rows))
    labels = draw(st.lists(st.integers(0, 6), min_size=rows, max_size=rows).filter(lambda found: len(set(found)) > 1))
    return np.array(clusters), np.array(labels)


# The published numbers


@pytest.mark.skipif(not GOLDENS.is_dir(), reason="the golden cases of analyses are not in this repository")
@pytest.mark.parametrize("case", ["phone", "word"])
@pytest.mark.parametrize(("mode", "rows"), [("dev", "eval"), ("train", "train")])
def test_scores_are_the_published_ones(case, mode, rows):
    arrays = np.load(GOLDENS / f"{case}.npz")
    published = json.loads((GOLDENS / f"{case}.json").read_text())[mode]
    found = mutual_information(arrays[f"assignment_{rows}"], arrays[f"{rows}_labels"])
    assert found.mi == pytest.approx(published["mutual_information_nats"], abs=1e-9)
    assert found.entropy == pytest.approx(published["entropy_of_labels_nats"], abs=1e-9)
    assert found.score == pytest.approx(published["score"], abs=1e-9)
    assert found.clusters == published["clusters_used"]


# By definition


@given(labelled_rows())
def test_it_is_what_the_definition_says(case):
    found = mutual_information(*case)
    mi, entropy = by_definition(*case)
    assert (found.mi, found.entropy) == (pytest.approx(mi, abs=1e-12), pytest.approx(entropy, abs=1e-12))
    assert found.mi == pytest.approx(mutual_info_score(*case), abs=1e-12)
    assert found.score == found.mi / found.entropy
    assert (found.rows, found.clusters, found.classes) == (len(case[0]), len(set(case[0])), len(set(case[1])))


def test_a_noisy_channel_has_the_information_of_the_textbook():
    """A binary symmetric channel that errs in a tenth of the rows: 1 − H(0.1) bits."""
    labels = np.repeat([0, 1], 500)
    clusters = np.concatenate([np.repeat([7, 8], [450, 50]), np.repeat([7, 8], [50, 450])])
    found = mutual_information(clusters, labels)
    assert found.entropy == pytest.approx(np.log(2), abs=1e-12)
    assert found.score == pytest.approx(1 + 0.1 * np.log2(0.1) + 0.9 * np.log2(0.9), abs=1e-12)


def test_clusters_that_are_the_labels_tell_all():
    labels = np.array(["ah", "s", "t"])[np.random.default_rng(0).integers(0, 3, 200)]
    found = mutual_information(np.unique(labels, return_inverse=True)[1], labels)
    assert found.score == pytest.approx(1, abs=1e-12)
    assert found.adjusted == pytest.approx(1, abs=1e-12)
    assert found.score <= 1


def test_one_cluster_tells_nothing():
    found = mutual_information(np.zeros(90, int), np.arange(90) % 7)
    assert (found.score, found.chance, found.adjusted) == pytest.approx((0, 0, 0), abs=1e-12)
    assert found.score >= 0


def test_a_cluster_for_each_row_tells_all_and_no_more_than_any_other_order():
    found = mutual_information(np.arange(50), np.arange(50) % 7)
    assert (found.score, found.chance, found.adjusted) == (pytest.approx(1, abs=1e-12), 1, 0)


# What must not matter


@given(labelled_rows(), st.randoms(use_true_random=False))
def test_names_of_clusters_and_labels_and_order_of_rows_do_not_matter(case, random):
    clusters, labels = case
    names = random.sample(range(-50, 50), 16)
    order = np.array(random.sample(range(len(labels)), len(labels)))
    other = mutual_information(np.array(names)[clusters + 3][order], [f"label {7 - label}" for label in labels[order]])
    for name, value in vars(mutual_information(clusters, labels)).items():
        assert getattr(other, name) == pytest.approx(value, abs=1e-10)


@given(labelled_rows())
def test_rows_that_all_occur_three_times_keep_mi_and_score(case):
    found, three = mutual_information(*case), mutual_information(*(np.tile(part, 3) for part in case))
    assert (three.mi, three.score) == (pytest.approx(found.mi, abs=1e-12), pytest.approx(found.score, abs=1e-12))


@given(labelled_rows(), st.integers(-3, 12))
def test_a_cluster_that_is_divided_tells_no_less(case, divided):
    clusters, labels = case
    finer = np.where((clusters == divided) & (np.arange(clusters.size) % 2 == 0), 99, clusters)
    assert mutual_information(finer, labels).mi >= mutual_information(clusters, labels).mi - 1e-12


# Chance


@pytest.mark.parametrize(
    ("clusters", "labels"),
    [([0, 0, 1, 1, 2], [0, 1, 1, 0, 1]), ([0, 1, 2, 3, 3, 3], [0, 0, 1, 1, 2, 2]), ([5, 5, 5, 6], [0, 1, 2, 3])],
    ids=["two labels", "three labels", "a label for each row"],
)
def test_chance_is_the_mean_over_all_orders_of_labels(clusters, labels):
    every = [by_definition(clusters, order)[0] for order in permutations(labels)]
    assert mutual_information(clusters, labels).expected == pytest.approx(np.mean(every), abs=1e-12)


@settings(deadline=None)
@given(labelled_rows())
def test_chance_is_that_of_scikit_learn(case):
    table = contingency_matrix(*case, sparse=True)
    found = mutual_information(*case)
    assert found.expected == pytest.approx(expected_by_sklearn(table, len(case[0])), abs=1e-10)
    assert found.chance == found.expected / found.entropy


def test_adjusted_is_that_of_scikit_learn_where_labels_have_the_smaller_entropy():
    clusters, labels = drawn(2000, 200, 20)
    found = mutual_information(clusters, labels)
    assert found.adjusted == pytest.approx(adjusted_mutual_info_score(labels, clusters, average_method="min"), abs=1e-9)
    assert found.adjusted < found.score - 0.1  # and it makes a difference


@pytest.mark.parametrize("clusters", [20, 1000])
def test_unrelated_clusters_score_at_chance_however_many_there_are(clusters):
    found = [mutual_information(*drawn(1500, clusters, 20, seed, noise=1)) for seed in range(20)]
    assert np.mean([each.score for each in found]) == pytest.approx(np.mean([each.chance for each in found]), abs=3e-3)
    assert np.mean([each.adjusted for each in found]) == pytest.approx(0, abs=5e-3)
    assert (found[0].score > 0.5) == (clusters == 1000)


def test_sizes_of_the_paper_are_adjusted_without_a_table_of_clusters_and_labels():
    """5,000 clusters × 500 words of 15 rows: unrelated, and the score is 0.87 all the same."""
    rng = np.random.default_rng(0)
    found = mutual_information(rng.integers(0, 5000, 7500), np.arange(7500) % 500)
    assert found.score == pytest.approx(0.87, abs=0.01)
    assert found.adjusted == pytest.approx(0, abs=0.01)


# Errors


def told_by_utterance(seed, utterances=60):
    """Rows whose clusters are right or wrong for whole utterances, of unequal lengths."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(5, 25, utterances)
    utterance = np.repeat(np.arange(utterances), lengths)
    labels = rng.integers(0, 8, utterance.size)
    noise = rng.random(utterances)[utterance]
    return np.where(rng.random(utterance.size) < noise, rng.integers(0, 8, utterance.size), labels), labels, utterance


def test_errors_are_what_other_utterances_would_change():
    draws = [told_by_utterance(seed) for seed in range(60)]
    scores = [mutual_information(clusters, labels) for clusters, labels, _ in draws]
    errors = [jackknifed_information(*draw) for draw in draws]
    for name in ("score", "adjusted"):
        spread = np.std([getattr(score, name) for score in scores], ddof=1)
        stated = np.sqrt(np.mean([getattr(error, name) ** 2 for error in errors]))
        assert stated == pytest.approx(spread, rel=0.3)


def test_rows_taken_for_utterances_err_less_than_they_do():
    """Else it would not matter that whole utterances are left out."""
    clusters, labels, utterance = told_by_utterance(1)
    rows = jackknifed_information(clusters, labels, np.arange(utterance.size))
    assert jackknifed_information(clusters, labels, utterance).score > 1.3 * rows.score


def test_groups_of_one_size_have_the_ordinary_jackknife():
    clusters, labels = drawn(400, 24, 8)
    group = np.arange(400) // 20
    left = np.array([mutual_information(clusters[group != out], labels[group != out]).score for out in range(20)])
    expected = np.sqrt(19 / 20 * ((left - left.mean()) ** 2).sum())
    found = jackknifed_information(clusters, labels, group)
    assert (found.score, found.groups) == (pytest.approx(expected, rel=1e-9), 20)


def test_names_and_order_of_groups_do_not_matter():
    clusters, labels, utterance = told_by_utterance(2)
    order = np.random.default_rng(0).permutation(utterance.size)
    found = jackknifed_information(clusters, labels, utterance)
    other = jackknifed_information(
        clusters[order], labels[order], np.array([f"u{99 - name}" for name in utterance])[order]
    )
    assert (other.score, other.adjusted) == (pytest.approx(found.score), pytest.approx(found.adjusted))


def test_many_groups_are_left_out_in_bundles_of_like_size(monkeypatch):
    clusters, labels, utterance = told_by_utterance(3, utterances=400)
    bundled = jackknifed_information(clusters, labels, utterance)
    monkeypatch.setattr(module, "MOST_GROUPS", 400)
    each = jackknifed_information(clusters, labels, utterance)
    assert (bundled.groups, each.groups) == (100, 400)
    assert bundled.score == pytest.approx(each.score, rel=0.25)


def test_an_interval_is_one_of_students():
    clusters, labels, utterance = told_by_utterance(4, utterances=6)
    found = jackknifed_information(clusters, labels, utterance)
    low, high = found.interval("adjusted", 0.5)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert high - low == pytest.approx(2 * t_quantile(5) * found.adjusted)


# What is refused


@pytest.mark.parametrize(
    ("clusters", "labels", "error", "message"),
    [
        ([1, 2, 3], ["a", "b"], ViewLengthError, "3 clusters and 2 labels"),
        ([], [], ViewLengthError, "0 clusters and 0 labels"),
        ([[1, 2]], ["a"], ViewLengthError, r"clusters have the shape \(1, 2\)"),
        ([1.0, np.nan], ["a", "b"], NoLabelError, "clusters are of type float64; integers are needed"),
        ([1, 2], [0.5, np.nan], NoLabelError, "labels are of type float64; integers or texts are needed"),
        ([1, 2], np.array(["a", None]), NoLabelError, "labels: row 1 of 2 has None instead of a text"),
        ([1, 2, 2], ["a", "a", "a"], OneClassError, "all 3 rows have the same label"),
    ],
    ids=["lengths", "nothing", "shape", "clusters of floats", "labels of floats", "no text", "one class"],
)
def test_refused(clusters, labels, error, message):
    with pytest.raises(error, match=message):
        mutual_information(clusters, labels)


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        (["u", "u", "u", "u"], TooFewGroupsError, "all 4 rows are of one utterance or group"),
        (
            ["u", "u", "v", "v"],
            TooFewGroupsError,
            r"without one of 2 groups \(2 rows\), all 2 rows have the same label",
        ),
        (["u", "v"], ViewLengthError, "4 clusters and labels with 2 groups"),
    ],
    ids=["one group", "one class is left", "lengths"],
)
def test_errors_are_refused(groups, error, message):
    with pytest.raises(error, match=message):
        jackknifed_information([0, 1, 1, 2], ["a", "b", "b", "b"], groups)
