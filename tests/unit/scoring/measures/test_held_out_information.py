"""What clusters tell of labels on other utterances: planted layers, chance, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from layerwise.measures import (
    ClusterSettings,
    fit_clusters,
    held_out_information,
    information_of_clusters,
    jackknifed_information,
    mutual_information,
    nearest_clusters,
)
from layerwise.scoring.refusals import EmptyFoldError, FoldError, ViewLengthError

ASKED = ClusterSettings(clusters=30, batch_size=300, max_iter=50)


def layer(signal, seed=0, rows=1500, utterances=50, classes=10, d=12):
    """Rows that tell their label by so much, beside noise; labels and utterances are those of all layers."""
    rng = np.random.default_rng(99)
    labels = np.array([f"w{label}" for label in rng.integers(0, classes, rows)])
    utterance = np.array([f"u{number}" for number in np.arange(rows) % utterances])
    middles = rng.normal(size=(classes, d))
    noise = np.random.default_rng(seed).normal(size=(rows, d))
    return (signal * middles[np.unique(labels, return_inverse=True)[1]] + noise).astype("f4"), labels, utterance


def test_the_planted_layer_is_found():
    found = [held_out_information(*layer(signal, seed), ASKED) for seed, signal in enumerate([0, 0.5, 1, 4, 1])]
    assert np.argmax([each.information.score for each in found]) == 3
    assert np.argmax([each.information.adjusted for each in found]) == 3
    assert found[3].information.adjusted > 0.8
    low, _ = found[3].errors.interval("adjusted", found[3].information.adjusted)
    assert low > max(found[2].information.adjusted, found[4].information.adjusted)


def test_a_layer_that_tells_nothing_is_at_chance():
    found = [held_out_information(*layer(0, seed), ASKED).information for seed in range(12)]
    assert np.mean([each.adjusted for each in found]) == pytest.approx(0, abs=0.01)
    assert min(each.score for each in found) > 0.15  # as few rows do by accident


def test_clusters_do_not_know_the_rows_that_they_are_scored_on():
    rows, labels, utterances = layer(1)
    fold = np.unique(utterances, return_inverse=True)[1] % 5
    found = held_out_information(rows, labels, utterances, ASKED, fold, test_fold=2)
    changed = np.where((fold == 2)[:, None], rows[::-1], rows)
    other = held_out_information(changed, labels, utterances, ASKED, fold, test_fold=2)
    np.testing.assert_array_equal(other.clusters.centroids, found.clusters.centroids)
    assert other.information != found.information
    assert (found.clusters.rows, found.information.rows) == ((fold != 2).sum(), (fold == 2).sum())


def test_it_is_what_its_parts_give():
    rows, labels, utterances = layer(1)
    fold = np.unique(utterances, return_inverse=True)[1] % 5
    found = held_out_information(rows, labels, utterances, ASKED, fold, test_fold=2)
    tested = fold == 2
    assigned = nearest_clusters(rows[tested], found.clusters)
    assert found.information == mutual_information(assigned, labels[tested])
    assert found.errors == jackknifed_information(assigned, labels[tested], utterances[tested])
    assert found.errors.groups == 10


def test_without_folds_whole_utterances_are_held_out():
    rows, labels, utterances = layer(1)
    first, second = (held_out_information(rows, labels, utterances, ASKED, test_fold=fold) for fold in (0, 1))
    assert first.information.rows % 30 == second.information.rows % 30 == 0  # each utterance has 30
    assert first.information != second.information


def test_seed_and_sample_draw_other_clusters():
    rows, labels, utterances = layer(1)
    fold = np.unique(utterances, return_inverse=True)[1] % 5
    found = {
        held_out_information(rows, labels, utterances, ASKED, fold, 0, seed, sample).information.score
        for seed, sample in ((1, 1), (1, 1), (2, 1), (1, 2))
    }
    assert len(found) == 3


def test_the_published_way_scores_clusters_of_another_corpus():
    train, _, _ = layer(2, seed=1)
    rows, labels, utterances = layer(2, seed=2)
    clusters = fit_clusters(train, ASKED, 1)
    found = information_of_clusters(clusters, rows, labels, utterances)
    assert (found.information.rows, found.errors.groups) == (1500, 50)
    assert found.information.adjusted > 0.4


def test_one_utterance_has_a_score_and_no_error():
    rows, labels, utterances = layer(2)
    found = information_of_clusters(fit_clusters(rows, ASKED, 1), rows, labels, utterances, utterances == "u7")
    assert found.errors is None
    assert found.information.rows == 30


# What is refused


def test_an_utterance_on_both_sides():
    rows, labels, utterances = layer(1)
    with pytest.raises(FoldError, match="1 of 50 utterances have rows in fold 0 and outside"):
        held_out_information(rows, labels, utterances, ASKED, np.where(np.arange(1500) == 7, 0, 1))


@pytest.mark.parametrize("fold", [0, 1], ids=["all rows", "no rows"])
def test_a_fold_of_all_or_no_rows(fold):
    with pytest.raises(EmptyFoldError, match=rf"fold 0 has {1500 * (1 - fold)} of 1500 rows"):
        held_out_information(*layer(1), ASKED, np.full(1500, fold))


def test_too_few_utterances():
    rows, labels, utterances = layer(1, utterances=4)
    with pytest.raises(FoldError, match="4 utterances cannot fill 5 folds"):
        held_out_information(rows, labels, utterances, ASKED)


def test_other_lengths():
    rows, labels, utterances = layer(1)
    with pytest.raises(ViewLengthError, match=r"1500 rows with labels of the shape \(1499,\)"):
        held_out_information(rows, labels[1:], utterances, ASKED)
    with pytest.raises(ViewLengthError, match=r"1500 labels, and fold numbers of the shape \(3,\)"):
        held_out_information(rows, labels, utterances, ASKED, [0, 1, 2])
