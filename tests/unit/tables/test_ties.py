"""The one rule of ties, wherever it is used, and how far layers share their luck."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.tables import curves
from layerwise.tables.best_layers import best_layers, read_best_layers
from layerwise.tables.comparison import compare, outcomes, read_comparison
from layerwise.tables.probes import collect_probes, read_probes
from layerwise.tables.recommendations import read_recommendations, recommend
from layerwise.tables.scores import collect_scores, read_scores
from layerwise.tables.ties import contenders, shared_luck, tied
from layerwise.tables.trends import summarise_trends
from shipped_properties import PROPERTIES as SHIPPED
from synthetic_probes import write_probe
from synthetic_scores import record, write_score

# Whole numbers, of which sums and products are exact.
LEVELS = st.lists(st.integers(-1000, 1000), min_size=1, max_size=24)


def intervals(data, levels):
    """Levels as an array, with a low end for each."""
    distances = data.draw(st.lists(st.integers(0, 800), min_size=len(levels), max_size=len(levels)))
    return np.array(levels, float), np.array(levels, float) - distances


@given(st.data(), LEVELS)
def test_the_best_layer_ties_and_so_does_what_is_not_below_its_low_end(data, levels):
    levels, lows = intervals(data, levels)
    found = tied(levels, lows)
    best = int(np.argmax(levels))
    assert found[best]
    assert found.tolist() == (levels >= lows[best]).tolist()


@given(st.data(), LEVELS, st.floats(0, 4), st.floats(0, 4))
def test_a_wider_margin_loses_no_layer(data, levels, one, other):
    levels, lows = intervals(data, levels)
    narrow, wide = (contenders(levels, lows, margin) for margin in sorted((one, other)))
    assert (wide | ~narrow).all()


@given(st.data(), LEVELS, st.integers(-1000, 1000), st.sampled_from([0.25, 0.5, 2, 8]), st.sampled_from([0.5, 1, 2]))
def test_neither_shift_nor_scale_matters(data, levels, shift, scale, margin):
    levels, lows = intervals(data, levels)
    assert (contenders(levels * scale + shift, lows * scale + shift, margin) == contenders(levels, lows, margin)).all()


@given(st.data(), LEVELS, st.sampled_from([1, 2]))
def test_only_the_interval_of_the_best_layer_counts(data, levels, margin):
    levels, lows = intervals(data, levels)
    others = np.arange(len(levels)) != np.argmax(levels)
    assert (contenders(levels, np.where(others, -np.inf, lows), margin) == contenders(levels, lows, margin)).all()


@pytest.mark.parametrize("low", [0.1, 0.7 - 0.0291291, 1 / 3, 0.3 - 2e-17])
def test_a_layer_exactly_at_the_low_end_ties(low):
    """Of any float, whatever a difference of such floats is rounded to."""
    levels = np.array([0.7, low, low - 1e-12])
    assert tied(levels, np.array([low, 0, 0])).tolist() == [True, True, False]


def test_the_margin_multiplies_the_distance_to_the_low_end():
    levels, lows = np.array([0.25, 0.5, 0.75, 0.0]), np.array([0.25, 0.5, 0.5, 0.0])
    assert contenders(levels, lows, 2).tolist() == [True, True, True, False]
    assert contenders(levels, lows, 1.75).tolist() == [False, True, True, False]
    assert contenders(levels, lows, 0).tolist() == [False, False, True, False]


def test_of_equal_levels_the_interval_of_the_first_counts():
    assert tied(np.array([0.5, 0.5, 0.4]), np.array([0.5, 0.3, 0.4])).tolist() == [True, True, False]


def test_without_an_interval_the_best_layer_stands_alone():
    assert tied(np.array([0.5, 0.7, 0.7]), np.full(3, math.nan)).tolist() == [False, True, False]


# Shared luck


def test_shared_luck_is_that_of_shrout_and_fleiss():
    """Their table 2: six targets rated by four judges; ICC(3,1) is .71."""
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    assert shared_luck(np.array(ratings, float).T) == pytest.approx(0.7148407, abs=1e-6)


def test_shared_luck_by_hand():
    # Mean squares: between draws 2 * (1 + 0 + 1) / 2 = 2, of the rest 0; then B = 0, and E = 1.
    assert shared_luck(np.array([[1.0, 2, 3], [11, 12, 13]])) == pytest.approx(1)
    assert shared_luck(np.array([[1.0, 2, 3], [13, 12, 11]])) == pytest.approx(-1)
    # Draws of (1, 2, 3) and (1, 3, 2): B = 1.5, E = 0.5.
    assert shared_luck(np.array([[1.0, 2, 3], [1, 3, 2]])) == pytest.approx(0.5)


@given(st.integers(2, 12), st.integers(2, 9), st.integers(0, 1000))
def test_shared_luck_does_not_depend_on_levels_order_or_unit(layers, draws, seed):
    random = np.random.default_rng(seed)
    scores = random.standard_normal((layers, draws)) + random.standard_normal(draws)
    found = shared_luck(scores)
    assert -1 / (layers - 1) - 1e-9 <= found <= 1 + 1e-9
    moved = 3 * scores[random.permutation(layers)][:, random.permutation(draws)] + random.standard_normal((layers, 1))
    assert shared_luck(moved) == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_shared_luck_estimates_the_share(share):
    random = np.random.default_rng(1)
    common, own = random.standard_normal(4000), random.standard_normal((12, 4000))
    assert shared_luck(np.sqrt(share) * common + np.sqrt(1 - share) * own) == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("scores", [np.ones((1, 9)), np.ones((12, 1)), np.ones((0, 0)), np.full((3, 4), 0.1)])
def test_where_nothing_varies_no_luck_is_known(scores):
    assert math.isnan(shared_luck(scores))


# The same in every table


@pytest.fixture
def tables(tmp_path):
    """A property and a task with the same curve over T0…T4, in all tables."""
    layers = [f"T{i}" for i in range(5)]

    def run(levels, half, metric="accuracy"):
        # Three scores whose corrected resampled t interval has this half width.
        spread = half / (4.302652729749464 * math.sqrt(1 / 3 + 1 / 8))
        files = [
            write_score(
                tmp_path / "s", record("phone", "m", layer, 1, [{"pwcca": level + e * spread} for e in (-1, 0, 1)])
            )
            for layer, level in zip(layers, levels, strict=True)
        ]
        paths = {name: tmp_path / f"{name}.csv" for name in ("scores", "trends", "best", "probes", "comparison", "out")}
        collect_scores(files, dict.fromkeys(["phone"], ("pwcca",)), ["phone"], ["m"], {"m": 4}, paths["scores"])
        summarise_trends(paths["scores"], 10, paths["trends"])
        best_layers(paths["trends"], paths["scores"], SHIPPED, paths["best"])
        values = levels if metric == "accuracy" else [1 - level for level in levels]
        heads = dict(zip(layers, values, strict=True)) | {"weighted": 0.5}
        probes = dict([write_probe(tmp_path, "intent", "m", heads, 4, metric, half)])
        collect_probes(probes, None, ["intent"], ["m"], {"m": layers}, paths["probes"])
        compare(paths["scores"], paths["probes"], SHIPPED, 10, 1, paths["comparison"])
        named = [paths[name] for name in ("trends", "best", "probes", "comparison")]
        recommend(*named, SHIPPED, ["m"], [], dict.fromkeys(SHIPPED, "pwcca"), "speaker", 1, paths["out"])
        return paths

    return run


@pytest.mark.parametrize("metric", ["accuracy", "wer"])
@pytest.mark.parametrize(
    ("levels", "half", "expected"),
    [
        ([0.9, 0.5, 0.7, 0.68, 0.69], 0.015, "T2 T4"),
        ([0.9, 0.5, 0.7, 0.68, 0.69], 0.025, "T2 T3 T4"),
        ([0.9, 0.5, 0.7, 0.68, 0.69], 0.005, "T2"),
        ([0.1, 0.6, 0.6, 0.6, 0.59], 0.005, "T1 T2 T3"),
    ],
)
def test_every_table_has_the_same_ties(tables, levels, half, expected, metric):
    paths = tables(levels, half, metric)
    expected = expected.split()
    best = read_best_layers(paths["best"]).iloc[0]
    assert sorted([best["layer"], *best["tied"].split()]) == expected
    advice = read_recommendations(paths["out"], SHIPPED)
    assert len(advice) == 2
    for row in advice.itertuples():
        assert sorted([row.layer, *row.tied.split()]) == expected
    compared = read_comparison(paths["comparison"]).set_index("property").loc["phone"]
    assert (compared["recommended"], compared["within_interval"]) == (best["layer"], "yes")
    scored = read_scores(paths["scores"])
    (curve,) = curves.trends(scored, 10, 1).values()
    (outcome,) = outcomes(read_probes(paths["probes"]), 1)
    assert curve.blocks().tied() == outcome.single.blocks().tied() == expected


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "scores",
    [
        [[0.1], [0.2]],  # one draw
        [[0.1, 0.3, 0.2]],  # one layer
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
        [[0.0, 0.0, 0.0], [0.3, 0.3, 0.1 + 0.2]],  # they differ in the last digit
    ],
)
def test_no_luck_is_known_and_nothing_is_divided_by_0(scores):
    assert np.isnan(shared_luck(np.array(scores)))


def test_scores_that_vary_little_have_luck():
    draws = np.array([-1e-14, 0, 1e-14])
    assert shared_luck(np.array([0.001, 0.002])[:, None] + draws) == pytest.approx(1, abs=0.01)
