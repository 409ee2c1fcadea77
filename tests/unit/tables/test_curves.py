"""Curves over layers, and how two of them correlate."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from layerwise.tables import curves
from layerwise.tables.curves import Curve, Number
from layerwise.tables.jackknife import COLUMNS, MissingReplicatesError, jackknife_at

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
    table = pd.DataFrame(rows).assign(metric="pwcca", low=math.nan, high=math.nan, status="ok", reason="")
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
    return Curve([f"T{i}" for i in range(len(values))], values, values - half, values + half, draws)


def test_a_trend_has_the_means_and_intervals_of_the_trends_table():
    table = scores({"T2": 0.5, "T10": 0.7, "T1": 0.3, "C1": 0.9})
    found = curves.trend(table, FOLDS, 1)
    assert found.layers == ["T1", "T2", "T10"]
    assert found.levels == pytest.approx([0.3, 0.5, 0.7])
    values = table.loc[table["layer"] == "T1", "score"]
    error = values.std(ddof=1) * math.sqrt(1 / 9 + 1 / 8)
    half = stats.t.ppf(0.975, 8) * error
    assert found.levels - found.low == pytest.approx(np.full(3, half))
    assert found.high - found.levels == pytest.approx(np.full(3, half))
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
    assert np.isnan([found.low, found.high]).all()
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


def test_layers_with_opposite_luck_move_apart_though_one_lacks_a_sample():
    table = scores({"T0": 0.1, "T1": 0.2})
    second = table["layer"] == "T1"
    table.loc[second, "score"] = 0.4 - table.loc[second, "score"]
    table.loc[second & (table["sample"] == 3), "score"] = math.nan
    found = curves.trend(table, FOLDS, 1)
    assert np.corrcoef(found.draws.T)[0, 1] == pytest.approx(-1)


def test_draws_are_lopsided_as_the_scores_are():
    table = scores({"T0": 0.1})
    table.loc[0, "score"] = 0.9
    assert stats.skew(curves.trend(table, FOLDS, 1).draws[:, 0]) > 0.3


def test_two_scores_are_enough_for_draws():
    """They have the standard error of the trend's interval, of few folds too."""
    found = curves.trend(scores({"T0": 0.1, "T1": 0.2}, n=2), 4, 1)
    error = (found.high - found.levels) / stats.t.ppf(0.975, 1)
    assert found.draws.std(axis=0) == pytest.approx(error, rel=0.05)


def test_the_reasons_of_a_trend_stand_once_each_and_only_where_there_are_any():
    status = {"T1": ("flagged", "40 of 48 dimensions kept"), "T2": ("flagged", "40 of 48 dimensions kept")}
    levels = {"T0": 0.1, "T1": 0.2, "T2": 0.3}
    assert curves.trend(scores(levels, status=status), FOLDS, 1).reason == "40 of 48 dimensions kept"
    assert curves.trend(scores(levels), FOLDS, 1).reason == ""
    assert curves.trend(scores({"C1": 0.2}), FOLDS, 1).reason == "not scored"
    assert curves.trend(scores({"T1": 0.2}, status={"T1": ("skipped", "")}), FOLDS, 1).reason == "not scored"


def test_one_flagged_score_takes_the_whole_layer_out():
    table = scores({"T0": 0.1, "T1": 0.2})
    table.loc[(table["layer"] == "T1") & (table["sample"] == 2), "status"] = "flagged"
    assert curves.trend(table, FOLDS, 1).layers == ["T0"]


def test_trends_are_those_of_every_question():
    one, other = scores({"T0": 0.1, "T1": 0.2}, model="b"), scores({"T0": 0.3, "T1": 0.5}, model="a")
    table = pd.concat(
        [
            one.assign(property="word", metric="pwcca"),
            other.assign(property="word", metric="pwcca"),
            other.assign(property="mel", metric="cka"),
        ]
    )
    found = curves.trends(table, FOLDS, 1)
    assert list(found) == [("b", "word", "pwcca"), ("a", "word", "pwcca"), ("a", "mel", "cka")]
    alone = curves.trend(other, FOLDS, 1)
    assert found["a", "mel", "cka"].levels == pytest.approx([0.3, 0.5])
    assert found["a", "mel", "cka"].low == pytest.approx(alone.low)
    assert found["a", "mel", "cka"].draws == pytest.approx(alone.draws)


def test_models_do_not_share_their_draws_of_the_corpus():
    one, other = (curves.trend(scores({"T0": 0.1}, model=name), FOLDS, 1) for name in ("a", "b"))
    assert not np.allclose(one.draws, other.draws)


def test_layers_that_were_not_measured_are_left_out_with_their_reasons():
    table = heads({"T0": 0.5, "T1": 0.6, "T2": 0.7, "T3": math.nan, "weighted": math.nan})
    table.loc[[1, 2], ["status", "reason"]] = ["failed", "loss is NaN"]
    table.loc[4, ["status", "reason"]] = ["failed", "of the sum"]
    found = curves.performance(table, 1)
    assert found.layers == ["T0"]
    assert found.reason == "loss is NaN"
    assert curves.performance(heads({"T0": 0.5}), 1).reason == ""
    for values in ({"T0": math.nan}, {"weighted": 0.5}):
        nothing = curves.performance(heads(values), 1)
        assert (nothing.layers, nothing.reason) == ([], "not measured")


@pytest.mark.parametrize("column", ["task", "source", "model", "metric"])
def test_performances_do_not_share_their_draws(column):
    table = heads({"T0": 0.5, "T1": 0.6})
    other = table.assign(**{column: "per" if column == "metric" else "other"})
    one, another = (curves.performance(each, 1) for each in (table, other))
    assert not np.allclose(one.draws - one.levels, another.draws - another.levels)
    assert not np.allclose(one.draws, curves.performance(table, 2).draws)
    assert abs(np.corrcoef(one.draws.T)[0, 1]) < 0.1  # each layer by itself


def test_performance_of_an_error_rate_is_one_minus_it():
    values = {"T1": 0.2, "T0": 0.5, "weighted": 0.1}
    assert curves.performance(heads(values, metric="wer"), 1).levels == pytest.approx([0.5, 0.8])
    found = curves.performance(heads(values), 1)
    assert found.layers == ["T0", "T1"]
    assert found.levels == pytest.approx([0.5, 0.2])
    assert found.draws.std(axis=0) == pytest.approx([0.01 / 1.96] * 2, rel=0.05)


@pytest.mark.parametrize("metric", ["accuracy", "wer"])
def test_draws_of_a_performance_have_the_sides_of_its_interval(metric):
    table = heads({"T0": 0.5, "T1": 1.0}, metric=metric)
    table["low"], table["high"] = [0.4, 0.9], [0.53, 1.0]
    found = curves.performance(table, 1)
    low, high = np.quantile(found.draws, [0.025, 0.975], axis=0)
    expected = ([0.4, 0.9], [0.53, 1.0]) if metric == "accuracy" else ([0.47, 0.0], [0.6, 0.1])
    assert low == pytest.approx(expected[0], abs=0.01)
    assert high == pytest.approx(expected[1], abs=0.01)
    assert np.median(found.draws, axis=0) == pytest.approx(found.levels, abs=0.005)


def test_a_performance_without_intervals_has_none():
    found = curves.performance(heads({"T0": 0.5, "T1": 0.6}, half=math.nan), 1)
    assert found.draws is None
    assert found.best == "T1"


@pytest.mark.parametrize("lost", ["low", "high"])
def test_a_performance_of_which_one_layer_lacks_its_interval_has_no_draws(lost):
    table = heads({"T0": 0.5, "T1": 0.6})
    table.loc[0, lost] = math.nan
    found = curves.performance(table, 1)
    assert np.isfinite(found.low).tolist() == [False, True]
    assert found.draws is None


def test_weights_are_those_of_the_layers():
    found = curves.weights(heads({"weighted": 0.5, "T10": 0.2, "T9": 0.3}, weights={"T9": 0.75, "T10": 0.25}))
    assert found.layers == ["T9", "T10"]
    assert found.levels.tolist() == [0.75, 0.25]
    assert found.low.tolist() == found.high.tolist() == found.levels.tolist()
    assert found.draws.shape == (curves.DRAWS, 2)
    assert (found.draws == found.levels).all()
    assert found.reason == ""
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


def test_a_difference_where_only_one_side_has_draws_has_no_interval():
    known = curves.from_draws(0.75, np.linspace(0.5, 1, 100))
    for one, other in ((known, Number(0.25, 0, 0.5)), (Number(0.25, 0, 0.5), known)):
        found = one.minus(other)
        assert abs(found.value) == 0.5
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert found.draws is None


def test_independent_numbers_differ_by_their_lopsided_intervals():
    found = curves.apart(Number(0.75, 0.72, 0.90), Number(0.5, 0.38, 0.54))
    assert found.value == 0.25
    # 3 below the first and 4 above the second lead to the low end, 15 above and 12 below to the high one.
    assert found.low == pytest.approx(0.25 - 0.05)
    assert found.high == pytest.approx(0.25 + math.hypot(0.15, 0.12))
    assert math.isnan(curves.apart(Number(0.75), Number(0.5, 0.4, 0.6)).low)


def test_each_layer_keeps_its_own_interval():
    given = Curve(["T0", "T1", "T2"], *np.array([[0.5, 0.75, 0.625], [0.25, 0.5, 0.625], [0.5, 1, 0.875]]), None)
    found = given.at(["T2", "T0"])
    assert (found.low.tolist(), found.high.tolist()) == ([0.625, 0.25], [0.875, 0.5])
    assert given.number("T1") == Number(0.75, 0.5, 1)
    assert given.tied() == ["T0", "T1", "T2"]
    assert given.contenders(0.5) == ["T1", "T2"]
    assert given.at(["T2", "T0"]).tied() == ["T2"]


def test_a_curve_has_no_value_at_a_layer_that_it_lacks():
    assert curve([0.25, 0.5]).value("T1") == 0.5
    assert math.isnan(curve([0.25, 0.5]).value("T2"))


def test_a_curve_without_layers_is_empty_throughout():
    found = curves.empty("not measured")
    assert (found.layers, found.draws, found.reason) == ([], None, "not measured")
    assert found.levels.size == found.low.size == found.high.size == 0


def test_layers_below_the_best_ones_interval_do_not_tie_with_it():
    levels = np.array([0.7, 0.5, 0.61, 0.55])
    given = Curve(["T0", "T1", "T2", "T3"], levels, levels - 0.1, levels + 0.1, None)
    assert given.tied() == ["T0", "T2"]


@pytest.mark.parametrize("metric", ["accuracy", "wer"])
def test_an_interval_that_reaches_further_to_one_side_is_drawn_so(metric):
    table = heads({"T0": 0.25, "T1": 0.5}, metric=metric).assign(low=[0.15, 0.49], high=[0.26, 0.6])
    found = curves.performance(table, 1)
    expected = {"accuracy": ([0.15, 0.49], [0.26, 0.6]), "wer": ([0.74, 0.4], [0.85, 0.51])}[metric]
    assert (found.low, found.high) == (pytest.approx(expected[0]), pytest.approx(expected[1]))
    ends = np.quantile(found.draws, [0.025, 0.975], axis=0)
    assert ends == pytest.approx(np.array(expected), abs=0.01)


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


# Intervals of speakers


def again(slopes, model="m"):
    """Rows of tables/jackknife.csv of layers T0, T1, …: `slopes` (groups, layers) around 0.5."""
    return pd.DataFrame(
        {"property": "phone", "model": model, "metric": "pwcca", "layer": f"T{layer}", "group": f"s{group:02d}"}
        | {"weight": 0.5, "share": 1 / len(slopes), "mean": 0.5 + slopes[group, layer]}
        for group in range(len(slopes))
        for layer in range(slopes.shape[1])
    )


def test_draws_have_the_jackknifes_covariance_over_layers():
    slopes = np.random.default_rng(0).normal(size=(15, 4)) @ np.array([[1, 0.9, 0, 0], [0, 0.1, 1, 0]] * 2) / 1000
    found = curves.trend(scores({f"T{i}": 0.5 for i in range(4)}), FOLDS, 1, again(slopes))
    replicated = jackknife_at(again(slopes), found.layers)
    expected = replicated.deviations.T @ replicated.deviations
    assert np.cov(found.draws.T) == pytest.approx(expected, abs=0.1 * expected.max())
    half = stats.t.ppf(0.975, 14) * np.sqrt(np.diag(expected))
    assert found.high - found.levels == pytest.approx(half)
    assert found.levels - found.low == pytest.approx(half)


def test_models_share_the_luck_of_their_speakers():
    slopes = np.random.default_rng(0).normal(size=(15, 2)) / 100
    one, other = (
        curves.trend(scores({"T0": level, "T1": 0.6}, model=name), FOLDS, 1, again(slopes, name))
        for name, level in (("a", 0.2), ("b", 0.3))
    )
    assert one.draws - one.levels == pytest.approx(other.draws - other.levels)
    assert not np.allclose(one.draws, curves.trend(scores({"T0": 0.2, "T1": 0.6}), FOLDS, 2, again(slopes)).draws)


def test_a_layer_without_its_jackknife_is_refused():
    slopes = np.random.default_rng(0).normal(size=(5, 2)) / 100
    with pytest.raises(MissingReplicatesError, match="lacks some of m phone pwcca, T0, T1, T2"):
        curves.trend(scores({"T0": 0.2, "T1": 0.6, "T2": 0.1}), FOLDS, 1, again(slopes))


def test_where_one_layer_has_no_interval_of_speakers_the_others_have_theirs():
    """Two groups of equal share leave one degree of freedom; of one group alone nothing is known."""
    table = again(np.array([[0.01, 0.02], [0.0, 0.01]]))
    table.loc[table["layer"] == "T0", "share"] = (table["group"] == "s00").astype(float)
    found = curves.trend(scores({"T0": 0.2, "T1": 0.6}), FOLDS, 1, table)
    assert np.isfinite(found.low).tolist() == np.isfinite(found.high).tolist() == [False, True]
    assert found.draws is None
    even = curves.trend(scores({"T0": 0.2, "T1": 0.6}), FOLDS, 1, again(np.array([[0.01, 0.02], [0.0, 0.01]])))
    assert np.isfinite(even.low).all()
    assert even.draws is not None


def test_of_one_tested_group_no_draws_are_known():
    table = again(np.array([[0.01, 0.02], [0.0, 0.01]]))
    table["share"] = (table["group"] == "s00").astype(float)
    found = curves.trend(scores({"T0": 0.2, "T1": 0.6}), FOLDS, 1, table)
    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()
    assert found.draws is None


def test_trends_of_a_jackknife_have_its_intervals(tmp_path):
    slopes = np.random.default_rng(0).normal(size=(6, 2)) / 100
    table = scores({"T0": 0.2, "T1": 0.6}).assign(property="phone", metric="pwcca")
    again(slopes)[COLUMNS].to_csv(tmp_path / "jackknife.csv", index=False)
    found = curves.trends(table, FOLDS, 1, tmp_path / "jackknife.csv")["m", "phone", "pwcca"]
    expected = curves.trend(table, FOLDS, 1, again(slopes))
    assert found.low == pytest.approx(expected.low)
    assert found.draws == pytest.approx(expected.draws)


# Correlations


def test_a_correlation_without_reasons_adds_none():
    assert curves.pearson(curve([1, 2, 3]), curve([1, 2, 4])).reason == (
        "3 layers (T0-T2) with both numbers, 4 are needed"
    )
    twice = curves.pearson(curves.empty("not scored"), curves.empty("not scored"))
    assert twice.reason == "no layer with both numbers, 4 are needed (not scored)"


def test_four_layers_are_enough():
    assert curves.pearson(curve([1, 2, 3, 4]), curve([1, 2, 3, 4])).value == pytest.approx(1)


@pytest.mark.parametrize("correlate", [curves.spearman, curves.pearson])
def test_the_draws_of_a_correlation_are_those_of_the_drawn_curves(correlate):
    one, other = curve([0.1, 0.5, 0.2, 0.9, 0.6], 0.2, seed=1), curve([0.3, 0.2, 0.7, 0.6, 0.4], 0.2, seed=2)
    found = correlate(one, other)
    function = stats.spearmanr if correlate is curves.spearman else stats.pearsonr
    expected = [function(one.draws[i], other.draws[i]).statistic for i in range(20)]
    assert found.draws[:20] == pytest.approx(expected)
    low, high = np.quantile(found.draws, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize("first", [True, False])
def test_a_correlation_with_a_curve_without_draws_has_no_interval(first):
    known, bare = curve(range(5), 0.1), Curve([f"T{i}" for i in range(5)], *[np.arange(5.0)] * 3, None)
    found = curves.spearman(*((known, bare) if first else (bare, known)))
    assert (found.value, found.draws) == (pytest.approx(1), None)
    assert math.isnan(found.low)


@pytest.mark.filterwarnings("error")
def test_constant_draws_are_left_out_of_an_interval():
    levels = np.arange(5.0)
    draws = np.tile(levels, (curves.DRAWS, 1))
    draws[0] = 1
    found = curves.pearson(Curve([f"T{i}" for i in range(5)], levels, levels, levels, draws), curve(levels))
    assert (found.low, found.high) == (pytest.approx(1), pytest.approx(1))


@pytest.mark.filterwarnings("error")
def test_draws_without_a_number_have_no_interval():
    found = curves.from_draws(0.5, np.full(10, math.nan))
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("correlate", [curves.spearman, curves.pearson])
def test_what_either_curve_lacks_stands_in_its_order(correlate):
    found = correlate(curves.empty("not scored"), curves.empty("not measured"))
    assert found.reason == "no layer with both numbers, 4 are needed (not scored; not measured)"


def test_an_interval_is_widened_to_hold_its_number():
    draws = np.linspace(0, 1, 101)
    assert (curves.from_draws(-2.0, draws).low, curves.from_draws(-2.0, draws).high) == (-2.0, pytest.approx(0.975))
    assert (curves.from_draws(2.0, draws).low, curves.from_draws(2.0, draws).high) == (pytest.approx(0.025), 2.0)
