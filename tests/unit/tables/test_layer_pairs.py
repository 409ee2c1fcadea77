"""Pairs of layers: the paired test, and which rows and words the table has."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from layerwise.probes.predictions import write_predictions
from layerwise.probes.rates import paired_interval
from layerwise.tables.curves import Number
from layerwise.tables.layer_pairs import (
    COLUMNS,
    HIGHER,
    LOWER,
    NOT_TESTED,
    NOT_TOLD_APART,
    compare_layers,
    paired,
    read_layer_pairs,
    verdict,
)
from layerwise.tables.scores import COLUMNS as SCORE_COLUMNS

# Paired differences of nine draws, with a mean of 5 and a variance of 7.5.
NINE = np.arange(1.0, 10)


def test_the_interval_by_hand():
    # t(8) is 2.3060; sqrt(7.5 * (1/9 + 1/8)) is 1.3307.
    found = paired(NINE, 1 / 8)
    assert (found.value, found.low, found.high) == pytest.approx((5, 5 - 3.0686, 5 + 3.0686), abs=1e-3)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=20), st.integers(-5, 5))
def test_without_overlap_it_is_the_paired_t_test(differences, shift):
    differences = np.array(differences, float) + shift
    found = paired(differences, 0)
    if np.ptp(differences) == 0:
        assert found.low == found.value == found.high
        return
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (paired(-differences, 0).low, paired(-differences, 0).high) == pytest.approx((-found.high, -found.low))
    wider = paired(differences, 0.125)
    assert wider.low < found.low < found.value < found.high < wider.high


def test_one_difference_has_no_interval_and_none_no_number():
    assert paired(np.array([0.5]), 0.125).value == 0.5
    assert math.isnan(paired(np.array([0.5]), 0.125).low)
    assert not paired(np.array([]), 0.125).is_known
    assert paired(np.array([]), 0.125).reason


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.01, 0.5, HIGHER),
        (-0.5, -0.01, LOWER),
        (-0.01, 0.5, NOT_TOLD_APART),
        (0.0, 0.5, NOT_TOLD_APART),
        (-0.5, 0.0, NOT_TOLD_APART),
        (0.0, 0.0, NOT_TOLD_APART),
        (math.nan, math.nan, NOT_TESTED),
    ],
)
def test_verdict(low, high, expected):
    assert verdict(Number(0.1, low, high)) == expected


LUCK = np.array([0.04, -0.03, 0.01, -0.05, 0.02, 0.03, -0.01, -0.04, 0.03])  # of nine draws, the same for all layers
OWN = 0.001 * np.array([1, -1, 0, 1, 0, -1, 1, -1, 0])


def rows(name="phone", metric="pwcca", model="m", **layers) -> list[dict]:
    """Rows of tables/scores.csv: three trials of three samples of each layer."""
    return [
        {"property": name, "model": model, "layer": layer, "layer_index": int(layer[1:]), "metric": metric}
        | {
            "sample": 1 + i // 3,
            "trial": 1 + i % 3,
            "score": score,
            "status": "ok",
            "reason": "",
            "alignments": "given",
        }
        for layer, scores in layers.items()
        for i, score in enumerate(scores)
    ]


@pytest.fixture
def compared(tmp_path):
    def run(scores, pairs, **more) -> pd.DataFrame:
        pd.DataFrame(scores).reindex(columns=SCORE_COLUMNS).to_csv(tmp_path / "scores.csv", index=False)
        compare_layers(tmp_path / "scores.csv", pairs, 10, tmp_path / "layer_pairs.csv", **more)
        table = read_layer_pairs(tmp_path / "layer_pairs.csv")
        assert list(table.columns) == COLUMNS
        return table

    return run


def test_a_difference_far_smaller_than_the_intervals_is_seen(compared):
    """0.005 apart, where each layer alone is known to ± 0.04."""
    scores = rows(T3=0.5 + LUCK + OWN, T4=0.505 + LUCK - OWN)
    table = compared(scores, [("T3", "T4"), ("T4", "T3")])
    assert table["verdict"].tolist() == [LOWER, HIGHER]
    first, second = table.to_dict("records")
    assert first["difference"] == pytest.approx(-0.005)
    assert (first["mean"], first["other_mean"], first["n"]) == (pytest.approx(0.5), pytest.approx(0.505), 9)
    expected = paired(2 * OWN - 0.005, 1 / 8)
    assert (first["low"], first["high"]) == pytest.approx((expected.low, expected.high))
    assert (second["low"], second["high"]) == pytest.approx((-first["high"], -first["low"]))


def test_scores_are_paired_by_sample_and_trial_whatever_their_order(compared):
    scores = rows(T3=0.5 + LUCK, T4=0.51 + LUCK)
    (row,) = compared(scores[::-1], [("T3", "T4")]).to_dict("records")
    assert row["high"] - row["low"] < 1e-9
    assert row["verdict"] == LOWER


def test_a_row_per_property_model_metric_and_pair(compared):
    scores = [
        *rows("mel", C2=LUCK, T1=LUCK + OWN, T2=LUCK),
        *rows("phone", T1=LUCK + OWN, T2=LUCK),
        *rows("phone", "cka", T1=LUCK + OWN, T2=LUCK),
        *rows("phone", model="other", T1=LUCK + OWN, T2=LUCK),
    ]
    table = compared(scores, [("T1", "T2"), ("C2", "T1")])
    assert table[["question", "kind", "model", "metric", "layer", "other_layer"]].agg(" ".join, axis=1).tolist() == [
        "mel property m pwcca T1 T2",
        "mel property m pwcca C2 T1",
        "phone property m pwcca T1 T2",
        "phone property m cka T1 T2",
        "phone property other pwcca T1 T2",
    ]


def test_what_was_not_scored_is_not_compared_and_said(compared):
    scores = rows(T1=0.5 + LUCK, T2=0.6 + LUCK, T3=0.7 + LUCK, T4=[math.nan])
    for row in scores:
        if row["layer"] == "T3":
            row |= {"status": "flagged", "reason": "40 of 48 dimensions kept"}
        if row["layer"] == "T4":
            row |= {"status": "skipped", "reason": "too few rows"}
        if row["layer"] == "T2" and row["sample"] == 3:
            row |= {"score": math.nan, "status": "skipped", "reason": "NaN"}
    table = compared(scores, [("T1", "T2"), ("T1", "T3"), ("T4", "T1")])
    assert table["n"].tolist() == [6, 0, 0]
    assert table["reason"].tolist() == ["T2: NaN", "T3: 40 of 48 dimensions kept", "T4: too few rows"]
    assert table["verdict"].tolist() == [LOWER, NOT_TESTED, NOT_TESTED]
    assert table["mean"].iloc[0] == pytest.approx((0.5 + LUCK[:6]).mean())
    assert table["difference"].isna().tolist() == [False, True, True]


def test_over_speakers_the_interval_is_of_the_differences_of_the_jackknife(compared, tmp_path):
    """A speaker who counts less moves both layers alike: their difference is known far better than either."""
    common, own = np.random.default_rng(0).normal(size=(2, 12)) / [[100], [5000]]
    means = {"T3": 0.5 + common, "T4": 0.51 + common + own}
    again = pd.DataFrame(
        {"property": "phone", "model": "m", "metric": "pwcca", "layer": layer, "group": f"s{number:02d}"}
        | {"weight": 0.5, "share": 1 / 12, "mean": mean}
        for layer, values in means.items()
        for number, mean in enumerate(values)
    )
    again.to_csv(tmp_path / "jackknife.csv", index=False)
    scores = rows(T3=0.5 + LUCK, T4=0.51 + LUCK)
    (row,) = compared(scores, [("T4", "T3")], jackknife=tmp_path / "jackknife.csv").to_dict("records")
    # With a weight of a half, the slopes are twice the deviations, and their sum of squares counts 11.5² / (12 · 11).
    error = math.sqrt(11.5**2 / (12 * 11) * ((2 * (own - own.mean())) ** 2).sum())
    assert (row["difference"], row["verdict"]) == (pytest.approx(0.01), HIGHER)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(stats.t.ppf(0.975, 11) * error)


@pytest.mark.parametrize(("metric", "better"), [("accuracy", HIGHER), ("per", LOWER)])
def test_heads_of_a_task_are_compared_on_the_same_utterances(compared, tmp_path, metric, better):
    said = [["a"]] * 40
    items = pd.DataFrame({"item_id": [f"u{i:02d}" for i in range(40)], "target": said, "part": "test"})
    items["speaker_id"] = [f"s{i % 8}" for i in range(40)]
    errors = {"T3": [int(i % 20 == 0) for i in range(40)], "T4": [int(i % 3 == 0) for i in range(40)]}
    write_predictions(
        items, {layer: (said, wrong, [1] * 40) for layer, wrong in errors.items()}, tmp_path / "p.parquet"
    )
    table = compared(
        rows(T3=0.5 + LUCK, T4=0.51 + LUCK),
        [("T3", "T4"), ("T3", "C2")],
        predictions={("intent", "m"): tmp_path / "p.parquet"},
        metrics={"intent": metric},
    )
    (row,) = table[table["kind"] == "task"].to_dict("records")
    assert [row[name] for name in ("question", "model", "metric", "layer", "other_layer")] == [
        "intent",
        "m",
        metric,
        "T3",
        "T4",
    ]
    right = [2 / 40, 14 / 40] if metric == "per" else [38 / 40, 26 / 40]
    assert [row["mean"], row["other_mean"]] == pytest.approx(right)
    assert row["difference"] == pytest.approx(right[0] - right[1])
    assert (row["n"], row["verdict"]) == (40, better)
    counts = [np.column_stack([wrong, [1] * 40]) for wrong in errors.values()]
    low, high = paired_interval(*counts, items["speaker_id"].tolist())
    assert sorted(map(abs, (row["low"], row["high"]))) == pytest.approx(sorted(map(abs, (low, high))))
