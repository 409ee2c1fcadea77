"""Curves over layers, and how two of them correlate."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from layerwise import curves
from layerwise.curves import Curve

FOLDS = 10


def scores(levels, spread=0.01, model="m", n=9, status=None):
    """Rows of tables/scores.csv: `n` scores of each layer, three a sample, around its level."""
    random = np.random.default_rng(7)
    noise = spread * random.standard_normal(n)
    rows = [
        {
            "model": model,
            "layer": layer,
            "sample": 1 + i // 3,
            "trial": 1 + i % 3,
            "score": level + noise[i] - noise.mean(),
        }
        for layer, level in levels.items()
        for i in range(n)
    ]
    table = pd.DataFrame(rows).assign(status="ok", reason="")
    for layer, (name, reason) in (status or {}).items():
        table.loc[table["layer"] == layer, ["status", "reason"]] = [name, reason]
        if name == "skipped":
            table.loc[table["layer"] == layer, "score"] = math.nan
    return table


def heads(values, half=0.01, metric="accuracy", weights=None):
    """Rows of tables/probes.csv."""
    rows = [
        {"layer": layer, "layer_index": math.nan if layer == "weighted" else int(layer[1:]), "value": value}
        for layer, value in values.items()
    ]
    table = pd.DataFrame(rows).assign(task="t", source="probes", model="m", metric=metric, status="ok", reason="")
    table["low"], table["high"] = table["value"] - half, table["value"] + half
    return table.assign(weight=table["layer"].map(weights or {}).astype(float))


def curve(levels, half=0.0, seed=1):
    values = np.asarray(levels, dtype=float)
    draws = values + half * np.random.default_rng(seed).standard_normal((curves.DRAWS, len(values)))
    return Curve([f"T{i}" for i in range(len(values))], values, np.full(len(values), half), draws)


def test_a_trend_has_the_means_and_intervals_of_the_trends_table():
    table = scores({"T2": 0.5, "T10": 0.7, "T1": 0.3, "C1": 0.9})
    found = curves.trend(table, FOLDS, 1)
    assert found.layers == ["T1", "T2", "T10"]
    assert found.levels == pytest.approx([0.3, 0.5, 0.7])
    values = table.loc[table["layer"] == "T1", "score"]
    error = values.std(ddof=1) * math.sqrt(1 / 9 + 1 / 8)
    assert found.half == pytest.approx(np.full(3, stats.t.ppf(0.975, 8) * error))
    assert found.draws.std(axis=0) == pytest.approx(np.full(3, error), rel=0.05)
    assert found.draws.mean(axis=0) == pytest.approx(found.levels, abs=0.1 * error)


def test_layers_that_share_their_luck_move_together():
    """Every layer has the same noise here, so the order of layers never changes."""
    found = curves.trend(scores({f"T{i}": 0.5 + 1e-6 * i for i in range(6)}), FOLDS, 1)
    assert (np.diff(found.draws, axis=1) > 0).all()


def test_properties_of_one_model_share_their_draws():
    one, other = (curves.trend(scores({"T0": level, "T1": 0.6}), FOLDS, 1) for level in (0.1, 0.5))
    assert one.draws[:, 1] == pytest.approx(other.draws[:, 1])
    assert not np.allclose(one.draws, curves.trend(scores({"T0": 0.1, "T1": 0.6}), FOLDS, 2).draws)


def test_flagged_and_skipped_layers_are_left_out_with_their_reasons():
    status = {"T1": ("flagged", "40 of 48 dimensions kept"), "T2": ("skipped", "too few rows")}
    found = curves.trend(scores({"T0": 0.1, "T1": 0.2, "T2": 0.3}, status=status), FOLDS, 1)
    assert found.layers == ["T0"]
    assert found.reason == "40 of 48 dimensions kept; too few rows"
    assert curves.trend(scores({"T2": 0.3}, status=status), FOLDS, 1).layers == []


def test_one_score_has_no_interval():
    found = curves.trend(scores({f"T{i}": i / 10 for i in range(5)}, n=1), FOLDS, 1)
    assert np.isnan(found.half).all()
    assert found.draws is None
    correlation = curves.spearman(found, curve(range(5)))
    assert (correlation.value, correlation.draws, correlation.reason) == (pytest.approx(1), None, "")
    assert np.isnan([correlation.low, correlation.high]).all()


def test_a_sample_that_a_layer_lacks_is_not_drawn():
    table = scores({"T0": 0.1, "T1": 0.2})
    table.loc[(table["layer"] == "T1") & (table["sample"] == 3), ["score", "reason"]] = [math.nan, "NaN"]
    found = curves.trend(table, FOLDS, 1)
    assert found.layers == ["T0", "T1"]
    assert np.isfinite(found.draws).all()


def test_performance_of_an_error_rate_is_one_minus_it():
    values = {"T1": 0.2, "T0": 0.5, "weighted": 0.1}
    assert curves.performance(heads(values, metric="wer"), 1).levels == pytest.approx([0.5, 0.8])
    found = curves.performance(heads(values), 1)
    assert found.layers == ["T0", "T1"]
    assert found.levels == pytest.approx([0.5, 0.2])
    assert found.draws.std(axis=0) == pytest.approx([0.01 / 1.96] * 2, rel=0.05)


@pytest.mark.parametrize("metric", ["accuracy", "wer"])
def test_an_interval_of_a_performance_is_as_wide_as_that_of_its_metric(metric):
    """Turned round, its ends change places: half of it is still above the value."""
    table = heads({"T0": 0.5, "T1": 0.2, "T2": 0.3})
    table["low"], table["high"] = table["value"] - [0.02, 0.04, 0.06], table["value"] + [0.02, 0.04, 0.06]
    assert curves.performance(table, 1).half == pytest.approx([0.02, 0.04, 0.06])


def test_a_performance_without_intervals_has_none():
    found = curves.performance(heads({"T0": 0.5, "T1": 0.6}, half=math.nan), 1)
    assert found.draws is None
    assert found.best == "T1"


def test_weights_are_those_of_the_layers():
    found = curves.weights(heads({"weighted": 0.5, "T10": 0.2, "T9": 0.3}, weights={"T9": 0.75, "T10": 0.25}))
    assert found.layers == ["T9", "T10"]
    assert found.levels.tolist() == [0.75, 0.25]
    assert curves.weights(heads({"T0": 0.5})).reason == "no learned weights"


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=4, max_size=25))
def test_correlations_are_scipys(pairs):
    x, y = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    rank, linear = curves.spearman(curve(x), curve(y)), curves.pearson(curve(x), curve(y))
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert not rank.is_known
        assert "nothing to correlate" in rank.reason
    else:
        assert rank.value == pytest.approx(stats.spearmanr(x, y).statistic)
        assert linear.value == pytest.approx(stats.pearsonr(x, y).statistic)
        # Without uncertainty, the interval is the number.
        assert (rank.low, rank.high) == pytest.approx((rank.value, rank.value))
        assert (linear.low, linear.high) == pytest.approx((linear.value, linear.value))


@given(st.floats(0.001, 0.5), st.integers(4, 24))
def test_the_interval_holds_the_value_and_grows_with_noise(half, layers):
    x, y = np.linspace(0, 1, layers), np.linspace(0, 1, layers)
    narrow = curves.spearman(curve(x, half), curve(y))
    wide = curves.spearman(curve(x, 4 * half), curve(y))
    assert wide.low <= narrow.low <= narrow.value == pytest.approx(1)
    assert wide.high == pytest.approx(1)


def test_what_two_correlations_share_cancels_in_their_difference():
    task = curve(np.linspace(0, 1, 12), 0.1, seed=1)
    one, other = curve(np.linspace(0, 2, 12), 0.05, seed=2), curve(np.linspace(1, 0, 12), 0.05, seed=3)
    same = curves.spearman(one, task).minus(curves.spearman(one, task))
    assert (same.value, same.low, same.high) == (0, 0, 0)
    lead = curves.spearman(one, task).minus(curves.spearman(other, task))
    assert lead.value == pytest.approx(2)
    assert 1.5 < lead.low <= lead.value <= lead.high == pytest.approx(2)


def test_a_difference_has_an_interval_where_both_sides_have_one():
    task = curve(np.linspace(0, 1, 12), 0.1, seed=1)
    known = curves.spearman(curve(np.linspace(0, 2, 12), 0.05, seed=2), task)
    bare = curves.Estimate(0.25)  # a correlation of single scores
    for difference, expected in ((known.minus(bare), known.value - 0.25), (bare.minus(known), 0.25 - known.value)):
        assert difference.value == pytest.approx(expected)
        assert difference.draws is None
        assert np.isnan([difference.low, difference.high]).all()


def test_only_common_layers_are_correlated_and_four_are_needed():
    x, y = curve([1, 2, 3, 4, 9, 9]), curve([1, 2, 3, 4])
    assert curves.spearman(x, y).value == pytest.approx(1)
    found = curves.spearman(x, y.at(["T0", "T1", "T2"]))
    assert found.reason == "3 layers (T0-T2) with both numbers, 4 are needed"
    assert curves.spearman(x, curves.empty("not measured")).reason == (
        "no layer with both numbers, 4 are needed (not measured)"
    )
    assert not found.minus(curves.spearman(x, y)).is_known
    assert curves.spearman(x, y).minus(found).reason == found.reason


def test_a_constant_curve_has_no_correlation():
    found = curves.pearson(curve([0.5] * 5), curve(range(5)))
    assert math.isnan(found.value)
    assert found.reason == "the same number at T0-T4: nothing to correlate"


def test_of_equal_layers_the_lowest_is_best():
    assert curve([0.1, 0.7, 0.7]).best == "T1"
    assert curve([0.9, 0.7, 0.8]).blocks().best == "T2"
