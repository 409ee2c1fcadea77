"""Dynamic time warping: known distances, a plain reference, and what no alignment may depend on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from layerwise.scoring.measures import dtw
from layerwise.scoring.measures.cosines import ZeroVectorError
from layerwise.scoring.measures.dtw import (
    distances_between,
    frame_distances,
    pair_distances,
    path_mean_distances,
    path_sum_distances,
)
from layerwise.scoring.refusals import NonFiniteViewError
from synthetic_views import SHARED

GOLDENS = SHARED / "analyses/acoustic_word_discrimination"

# Few different values, so that many paths have equal sums.
COSTS = st.tuples(st.integers(1, 7), st.integers(1, 7)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(0, 3).map(float))
)


def reference(cost: np.ndarray) -> tuple[float, int]:
    """The least sum, and the steps of the path found backwards: diagonal, then along columns, then along rows."""
    n, m = cost.shape
    total = np.full((n + 1, m + 1), np.inf)
    total[0, 0] = 0
    for i in range(n):
        for j in range(m):
            total[i + 1, j + 1] = cost[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    i, j, steps = n, m, 1
    while (i, j) != (1, 1):
        before = [(i - 1, j - 1), (i, j - 1), (i - 1, j)]
        i, j = min(before, key=lambda cell: total[cell])  # the first of equals
        steps += 1
    return total[n, m], steps


def sequences(count: int, seed: int = 0, dimensions: int = 5) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(size=(length, dimensions)) for length in random.integers(1, 12, count)]


@given(COSTS)
@settings(deadline=None)
def test_paths_are_those_of_a_plain_table(cost):
    total, steps = reference(cost)
    assert path_sum_distances([cost]) == [total]
    assert path_mean_distances([cost]) == [total / steps]


def test_of_equal_sums_the_diagonal_counts_and_then_the_step_along_columns():
    diagonal = np.array([[1.0, 0.0], [0.0, 0.0]])  # two steps with a sum of 1, or three
    assert path_mean_distances([diagonal]) == [1 / 2]
    columns_first = np.array([[0, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0]], float)  # four steps; rows first: five
    assert path_mean_distances([columns_first, columns_first.T]).tolist() == [1 / 4, 1 / 5]


@given(COSTS, st.floats(0.5, 8))
@settings(deadline=None)
def test_a_scale_of_costs_is_the_scale_of_sums(cost, scale):
    np.testing.assert_allclose(path_sum_distances([cost * scale]), path_sum_distances([cost]) * scale, rtol=1e-12)


@given(COSTS)
@settings(deadline=None)
def test_sums_are_the_same_either_way_round_and_backwards(cost):
    [found] = path_sum_distances([cost])
    assert path_sum_distances([cost.T, cost[::-1, ::-1]]).tolist() == [found, found]


@pytest.mark.parametrize("distance", ["cosine", "angular", "euclidean"])
@pytest.mark.parametrize("reduction", ["path mean", "sum", "sum over frames"])
def test_pairs_are_those_of_single_matrices_whatever_the_blocks(monkeypatch, distance, reduction):
    monkeypatch.setattr(dtw, "BLOCK_FRAMES", 13)
    some = sequences(9)
    first, second = np.triu_indices(9, 1)
    costs = [frame_distances(some[i], some[j], distance) for i, j in zip(first, second, strict=True)]
    expected = path_mean_distances(costs) if reduction == "path mean" else path_sum_distances(costs)
    if reduction == "sum over frames":
        expected = expected / [sum(cost.shape) for cost in costs]
    np.testing.assert_allclose(pair_distances(some, distance, reduction), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        distances_between(some, some, distance, reduction)[first, second], expected, rtol=0, atol=1e-12
    )


def test_distances_of_frames_are_as_defined():
    first, second = sequences(2, seed=3)
    cosines = np.array([[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in second] for a in first])
    np.testing.assert_allclose(frame_distances(first, second, "cosine"), 1 - cosines, atol=1e-13)
    np.testing.assert_allclose(frame_distances(first, second, "angular"), np.arccos(cosines) / np.pi, atol=1e-12)
    euclidean = np.linalg.norm(first[:, None] - second[None], axis=2)
    np.testing.assert_allclose(frame_distances(first, second, "euclidean"), euclidean, atol=1e-12)


@pytest.mark.parametrize("distance", ["cosine", "angular", "euclidean"])
def test_a_sequence_is_at_0_from_itself_however_scaled_or_stretched(distance):
    some = sequences(6, seed=1, dimensions=768)
    scale = 1 if distance == "euclidean" else 1e-3
    stretched = [scale * np.repeat(sequence, 2, axis=0) for sequence in some]
    assert np.diagonal(distances_between(some, stretched, distance)).tolist() == [0] * 6


def test_cosine_sums_do_not_depend_on_which_sequence_comes_first():
    some = sequences(12, seed=2, dimensions=300)
    found = distances_between(some, some, "cosine", "sum")
    np.testing.assert_allclose(found, found.T, rtol=0, atol=1e-11)


@pytest.mark.skipif(not GOLDENS.is_dir(), reason="the golden cases of analyses are not in this repository")
@pytest.mark.parametrize(
    ("name", "distance", "reduction"),
    [
        ("dtw_cosine_sum", "cosine", "sum"),
        ("dtw_cosine_sum_over_n_plus_m", "cosine", "sum over frames"),
        ("dtw_euclidean_sum_over_n_plus_m", "euclidean", "sum over frames"),
    ],
)
def test_distances_are_those_of_other_implementations(name, distance, reduction):
    stored = np.load(GOLDENS / "segments.npz")
    expected = json.loads((GOLDENS / "expected.json").read_text())["first_200_distances_in_pdist_order"][name]
    frames = np.split(stored["frames"].astype(np.float64), np.cumsum(stored["lengths"])[:-1])
    np.testing.assert_allclose(pair_distances(frames, distance, reduction)[:200], expected, rtol=0, atol=1e-6)


def test_refused_sequences():
    whole = np.ones((2, 3))
    with pytest.raises(dtw.SequenceError, match=r"sequence 1 has the shape \(0, 3\)"):
        pair_distances([whole, np.ones((0, 3))])
    with pytest.raises(dtw.SequenceError, match="sequence 1 has 4 dimensions, and sequence 0 has 3"):
        pair_distances([whole, np.ones((2, 4))])
    with pytest.raises(dtw.SequenceError, match="type <U1"):
        pair_distances([whole, np.array([["a"]])])
    with pytest.raises(NonFiniteViewError, match="sequence 0 has 6 values"):
        pair_distances([whole * np.nan, whole])
    with pytest.raises(ZeroVectorError, match="2 of 4 vectors are zeros, the first is row 2"):
        pair_distances([whole, whole * 0])


def test_refused_matrices():
    with pytest.raises(dtw.SequenceError, match=r"\(0, 2\)"):
        path_mean_distances([np.ones((0, 2))])
    with pytest.raises(NonFiniteViewError, match="1 of 4 distances"):
        path_sum_distances([np.array([[0, np.inf], [1, 1]])])


def test_unknown_names():
    with pytest.raises(dtw.UnknownDistanceError, match="did you mean cosine"):
        pair_distances(sequences(2), "cosin")
    with pytest.raises(dtw.UnknownReductionError, match="sum over frames"):
        pair_distances(sequences(2), reduction="mean")
