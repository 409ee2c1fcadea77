"""Clusters of rows: the published assignments, planted clusters, and what must not matter to them."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_info, threadpool_limits

from layerwise.measures import ClusterSettings, fit_clusters, mutual_information, nearest_clusters
from layerwise.representations.store import Rearranged, Rows
from layerwise.scoring.measures import clusters as module
from layerwise.scoring.measures.clusters import PUBLISHED, Clusters, ClusterSettingError, TooManyClustersError
from layerwise.scoring.refusals import NonFiniteViewError, ViewLengthError
from synthetic_views import SHARED, rotation

GOLDENS = SHARED / "analyses/mutual_information"
FEW = ClusterSettings(clusters=6, batch_size=200, max_iter=50)

golden = pytest.mark.skipif(not GOLDENS.is_dir(), reason="the golden cases of analyses are not in this repository")


def planted(rows=900, groups=6, d=5, seed=0, noise=0.2):
    """Rows in groups that lie far apart, and the group of each."""
    rng = np.random.default_rng(seed)
    member = rng.integers(0, groups, rows)
    middles = 10 * np.linalg.qr(rng.normal(size=(max(groups, d),) * 2))[0][:groups, :d]
    return (middles[member] + noise * rng.normal(size=(rows, d))).astype(np.float32), member


def of(centroids):
    centroids = np.asarray(centroids, np.float32)
    return Clusters(centroids, np.ones(centroids.shape[1], np.float32), 0, 0)


# The published numbers


@golden
@pytest.mark.parametrize("case", ["phone", "word"])
@pytest.mark.parametrize(("mode", "rows"), [("dev", "eval"), ("train", "train")])
def test_assignments_are_the_published_ones(case, mode, rows):
    arrays = np.load(GOLDENS / f"{case}.npz")
    found = nearest_clusters(arrays[rows], of(arrays[f"centroids_{mode}"]))
    np.testing.assert_array_equal(found, arrays[f"assignment_{rows}"])


@golden
@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize("case", ["phone", "word"])
def test_scores_of_own_clusters_are_like_the_published_ones(case, seed):
    arrays = np.load(GOLDENS / f"{case}.npz")
    published = json.loads((GOLDENS / f"{case}.json").read_text())
    asked = ClusterSettings(published["clusters"], published["batch_size"], published["max_iter"])
    assigned = nearest_clusters(arrays["eval"], fit_clusters(arrays["train"], asked, seed))
    spread = published["dev_twenty_seeds"]
    score = mutual_information(assigned, arrays["eval_labels"]).score
    assert score == pytest.approx(spread["mean"], abs=4 * spread["sd"])


def test_settings_of_the_paper():
    phone, word = PUBLISHED["phone"], PUBLISHED["word"]
    assert (phone.clusters, phone.batch_size, phone.max_iter, phone.standardise) == (500, 1500, 500, False)
    assert (word.clusters, word.batch_size, word.max_iter, word.standardise) == (5000, 4000, 500, False)
    assert ClusterSettings() == phone


# The right clusters


def test_planted_clusters_are_found():
    rows, member = planted()
    found = fit_clusters(rows, ClusterSettings(6, 200, 50, n_init=5), 3)
    assert mutual_information(nearest_clusters(rows, found), member).score == pytest.approx(1)
    assert (found.centroids.shape, found.rows) == ((6, 5), 900)
    assert 0 < found.batches < 50 * 900 / 200


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_nearest_is_what_all_distances_say(seed):
    rng = np.random.default_rng(seed)
    rows, centroids = rng.normal(size=(40, 3)).astype("f4"), rng.normal(size=(7, 3)).astype("f4")
    distances = ((rows[:, None].astype(float) - centroids) ** 2).sum(axis=2)
    np.testing.assert_array_equal(nearest_clusters(rows, of(centroids)), distances.argmin(axis=1))


def test_rounding_does_not_choose():
    """Far from the origin, squares of float32 are coarser than the distances."""
    far = np.float32(2**14)
    rows = np.array([[far, 1], [far, 2], [far, 3]], "f4")
    centroids = rows + np.float32(2**-10)
    np.testing.assert_array_equal(nearest_clusters(rows, of(centroids)), [0, 1, 2])
    products = (centroids**2).sum(axis=1) - 2 * rows @ centroids.T
    assert (products.argmin(axis=1) != [0, 1, 2]).any()


def test_of_equally_near_centroids_the_first_is_taken():
    assert nearest_clusters(np.zeros((2, 1), "f4"), of([[1], [-1], [1]])).tolist() == [0, 0]
    rows, _ = planted(noise=4)
    centroids = fit_clusters(rows, FEW, 1).centroids
    expected = nearest_clusters(rows, of(centroids))
    np.testing.assert_array_equal(nearest_clusters(rows, of(np.tile(centroids, (5, 1)))), expected)


def test_a_rotation_of_rows_and_centroids_does_not_matter():
    rows, _ = planted(noise=4)
    turn = rotation(5, np.random.default_rng(1))
    clusters = fit_clusters(rows, FEW, 1)
    turned = of(clusters.centroids @ turn)
    assert (nearest_clusters(rows, clusters) == nearest_clusters(rows @ turn, turned)).mean() > 0.999


# What must not matter


def test_views_of_files_and_parts_of_rows_are_clustered_alike(tmp_path, monkeypatch):
    rows, _ = planted(noise=4)
    clusters = fit_clusters(rows, FEW, 1)
    order = np.random.default_rng(2).permutation(900)
    assigned = nearest_clusters(rows, clusters)
    monkeypatch.setattr(module, "BLOCK_BYTES", 700)
    monkeypatch.setattr(module, "DISTANCE_BYTES", 500)
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["all"], file["shuffled"] = rows, rows[order]
        back = Rearranged(Rows([file["shuffled"]]), np.argsort(order))
        for view in (file["all"], back, rows.astype(np.float64)):
            np.testing.assert_array_equal(fit_clusters(view, FEW, 1).centroids, clusters.centroids)
            np.testing.assert_array_equal(nearest_clusters(view, clusters), assigned)


def test_rows_that_are_not_chosen_do_not_count():
    rows, _ = planted(noise=4)
    chosen = np.random.default_rng(3).random(900) < 0.5
    clusters = fit_clusters(rows[chosen], FEW, 1)
    spoilt = np.where(chosen[:, None], rows, np.nan)
    np.testing.assert_array_equal(fit_clusters(spoilt, FEW, 1, chosen).centroids, clusters.centroids)
    np.testing.assert_array_equal(nearest_clusters(spoilt, clusters, chosen), nearest_clusters(rows, clusters)[chosen])


def test_a_seed_decides():
    rows, _ = planted(noise=4)
    first, again, other = (fit_clusters(rows, FEW, seed).centroids for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_one_thread_computes_whatever_there_are(monkeypatch):
    rows, _ = planted(noise=4)
    seen = []

    def threads():
        return [pool["num_threads"] for pool in threadpool_info()]

    class Watched:
        shape, dtype = rows.shape, rows.dtype

        def __getitem__(self, part):
            seen.extend(threads())
            return rows[part]

    fit = MiniBatchKMeans.fit
    monkeypatch.setattr(MiniBatchKMeans, "fit", lambda self, rows: (seen.extend(threads()), fit(self, rows))[1])
    alone = fit_clusters(rows, FEW, 1)
    with threadpool_limits(3):
        assert max(threads()) > 1
        seen.clear()
        clusters = fit_clusters(rows, FEW, 1)
        nearest_clusters(Watched(), clusters)
        assert max(threads()) > 1  # and the caller has his own again
    assert set(seen) == {1}
    np.testing.assert_array_equal(clusters.centroids, alone.centroids)


# Many rows, large dimensions


def test_of_more_rows_than_memory_allows_a_draw_is_fitted_to():
    rows, _ = planted(noise=4)
    found = fit_clusters(rows, FEW, 1, most_bytes=300 * 5 * 4)
    assert found.rows == 300
    np.testing.assert_array_equal(found.centroids, fit_clusters(rows, FEW, 1, most_bytes=300 * 5 * 4).centroids)
    assert not np.array_equal(found.centroids, fit_clusters(rows[:300], FEW, 1).centroids)


def test_standardised_rows_are_not_ruled_by_one_dimension():
    rows, member = planted()
    rogue = np.column_stack([rows, 1000 * np.random.default_rng(4).normal(size=900), np.full(900, 3)]).astype("f4")
    scores = {}
    for standardise in (False, True):
        clusters = fit_clusters(rogue, ClusterSettings(6, 200, 50, 3, standardise), 1)
        scores[standardise] = mutual_information(nearest_clusters(rogue, clusters), member).adjusted
    assert scores[True] > 0.5
    assert scores[False] < 0.1


def test_standardised_rows_may_have_any_units():
    rows, _ = planted(noise=4)
    asked = ClusterSettings(6, 200, 50, standardise=True)
    units = np.float32([1, 2, 2**-8, 2**10, 4])
    found, other = (fit_clusters(view, asked, 1) for view in (rows, rows * units))
    np.testing.assert_allclose(other.scale, found.scale * units, rtol=1e-6)
    np.testing.assert_array_equal(nearest_clusters(rows * units, other), nearest_clusters(rows, found))


# What is refused


def test_more_clusters_than_rows():
    with pytest.raises(TooManyClustersError, match="6 clusters of 5 training rows"):
        fit_clusters(planted()[0], FEW, 1, np.arange(900) < 5)


def test_rows_that_are_not_finite(monkeypatch):
    rows, _ = planted()
    monkeypatch.setattr(module, "BLOCK_BYTES", 700)
    clusters = fit_clusters(rows, FEW, 1)
    for wrong in (np.nan, np.inf, 1e39):
        spoilt = rows.astype(np.float64)
        spoilt[101, 2] = wrong
        for action in (lambda rows: fit_clusters(rows, FEW, 1), lambda rows: nearest_clusters(rows, clusters)):
            with pytest.raises(NonFiniteViewError, match="row 101 of 900"):
                action(spoilt)


@pytest.mark.parametrize(
    ("rows", "chosen", "message"),
    [
        (np.zeros(8), None, r"rows of shape \(8,\)"),
        (np.full((3, 2), "a"), None, "type <U1"),
        (np.zeros((8, 2)), np.ones(7, bool), r"8 rows, and a choice of shape \(7,\)"),
        (np.zeros((8, 2)), np.zeros(8, int), "type int64"),
    ],
    ids=["no matrix", "no numbers", "lengths", "no choice"],
)
def test_what_is_no_matrix_of_rows(rows, chosen, message):
    with pytest.raises(ViewLengthError, match=message):
        fit_clusters(rows, FEW, 1, chosen)


def test_centroids_of_other_dimensions():
    with pytest.raises(ViewLengthError, match="rows of 3 and centroids of 2 dimensions"):
        nearest_clusters(np.zeros((4, 3)), of([[1, 2]]))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"clusters": 1}, "clusters is 1; a whole number from 2"),
        ({"batch_size": 0}, "batch_size is 0; a whole number from 1"),
        ({"max_iter": 2.5}, "max_iter is 2.5"),
        ({"n_init": True}, "n_init is True"),
    ],
)
def test_senseless_settings(setting, message):
    with pytest.raises(ClusterSettingError, match=message):
        ClusterSettings(**setting)


def test_a_seed_that_scikit_learn_does_not_take():
    with pytest.raises(ClusterSettingError, match="seed is -1"):
        fit_clusters(planted()[0], FEW, -1)
