"""Trends beside tasks: correlations, recommended layers, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from layerwise.tables.comparison import compare, outcomes, read_comparison
from layerwise.tables.probes import collect_probes, read_probes
from layerwise.tables.scores import collect_scores
from shipped_properties import PROPERTIES as SHIPPED
from synthetic_probes import write_probe
from synthetic_scores import record, write_score

BLOCKS = 8
LAYERS = [f"T{i}" for i in range(BLOCKS + 1)]
WORD = [0.1, 0.2, 0.3, 0.5, 0.6, 0.8, 0.7, 0.4, 0.35]  # best at T5
PHONE = [0.3, 0.4, 0.6, 0.7, 0.65, 0.5, 0.4, 0.3, 0.2]  # best at T3
ACCURACY = [0.50, 0.55, 0.60, 0.70, 0.80, 0.90, 0.85, 0.75, 0.65]  # best at T5


@pytest.fixture
def run(tmp_path):
    """Writes scores and probes, and returns tables/comparison.csv by property and metric."""

    def compared(trends, values=None, external=None, weights=None, metric="accuracy", status=None):
        files = [
            write_score(
                tmp_path / "scores",
                record(
                    name,
                    "m",
                    layer,
                    sample,
                    [{"pwcca": level + 0.001 * (trial - 2), "cka": level / 2} for trial in (1, 2, 3)],
                    *(status or {}).get((name, layer), ("ok", "")),
                    chance=[{"pwcca": 0.01}] * 3,
                ),
            )
            for name, levels in trends.items()
            for layer, level in zip(LAYERS, levels, strict=True)
            for sample in (1, 2)
        ]
        collect_scores(
            files, dict.fromkeys(list(trends), ("pwcca",)), list(trends), ["m"], {"m": BLOCKS}, tmp_path / "scores.csv"
        )
        probes = {}
        if values is not None:
            table, learned = write_probe(tmp_path, "ic", "m", values, BLOCKS, metric, weights=weights)
            probes[table] = learned
        path = None
        if external is not None:
            path = tmp_path / "external.csv"
            path.write_text("task,model,layer,metric,value\n" + "".join(f"{line}\n" for line in external))
        collect_probes(probes, path, ["ic"], ["m"], {"m": LAYERS}, tmp_path / "probes.csv")
        compare(tmp_path / "scores.csv", tmp_path / "probes.csv", SHIPPED, 10, 1, tmp_path / "comparison.csv")
        return read_comparison(tmp_path / "comparison.csv").set_index(["property", "metric"]).sort_index()

    return compared


def heads(values, weighted=0.88):
    return dict(zip(LAYERS, values, strict=True)) | {"weighted": weighted}


def test_a_property_recommends_its_best_layer_and_pays_for_it(run):
    table = run({"phone": PHONE, "word": WORD}, heads(ACCURACY))
    word, phone = table.loc[("word", "pwcca")], table.loc[("phone", "pwcca")]
    assert word["spearman"] == pytest.approx(stats.spearmanr(WORD, ACCURACY).statistic)
    assert phone["pearson"] == pytest.approx(stats.pearsonr(PHONE, ACCURACY).statistic)
    assert word["spearman_low"] <= word["spearman"] <= word["spearman_high"]
    assert (word["n_layers"], word["layers"]) == (9, "T0-T8")
    assert (word["recommended"], word["best"], word["regret"], word["within_interval"]) == ("T5", "T5", 0, "yes")
    assert (phone["recommended"], phone["best"], phone["within_interval"]) == ("T3", "T5", "no")
    assert phone["regret"] == pytest.approx(0.2)
    assert phone["against_weighted"] == pytest.approx(0.70 - 0.88)
    assert phone["against_last"] == pytest.approx(0.70 - 0.65)
    assert phone["best_against_weighted"] == pytest.approx(0.90 - 0.88)
    assert word["reason"] == ""
    assert ("word", "cka") in table.index


def test_error_rates_are_compared_as_one_minus_them(run):
    rates = [1 - value for value in ACCURACY]
    word = run({"word": WORD}, heads(rates, weighted=0.12), metric="wer").loc[("word", "pwcca")]
    assert word["spearman"] == pytest.approx(stats.spearmanr(WORD, ACCURACY).statistic)
    assert (word["task_metric"], word["best"]) == ("wer", "T5")
    assert word["best_performance"] == pytest.approx(0.9)
    assert word["best_against_weighted"] == pytest.approx(0.02)


@pytest.mark.parametrize(("metric", "turn"), [("accuracy", 1), ("wer", -1)])
def test_outcomes_have_the_intervals_of_the_rates(tmp_path, metric, turn):
    values = {layer: 0.5 + turn * (value - 0.5) for layer, value in heads(ACCURACY).items()}
    probes = dict([write_probe(tmp_path, "t", "m", values, 8, metric, half=0.03)])
    collect_probes(probes, None, ["t"], ["m"], {"m": LAYERS}, tmp_path / "probes.csv")
    (found,) = outcomes(read_probes(tmp_path / "probes.csv"), 1)
    assert (found.single.best, found.last) == ("T5", "T8")
    assert found.single.levels == pytest.approx(ACCURACY)
    summed = found.weighted
    assert (summed.value, summed.low, summed.high) == pytest.approx((0.88, 0.85, 0.91))


def test_learned_weights_stand_beside_the_properties(run):
    weights = dict(zip(LAYERS, np.arange(9, 0, -1) / 45, strict=True))
    table = run({"word": WORD}, heads(ACCURACY), weights=weights)
    row = table.loc[("weights", "softmax")]
    assert row["spearman"] == pytest.approx(stats.spearmanr(range(9, 0, -1), ACCURACY).statistic)
    assert row["recommended"] == "T1"
    assert row["regret"] == pytest.approx(0.35)


def test_equal_weights_are_nothing_to_correlate(run):
    row = run({"word": WORD}, heads(ACCURACY)).loc[("weights", "softmax")]
    assert np.isnan(row["spearman"])
    assert "nothing to correlate" in row["reason"]


def test_intra_is_compared_without_layer_zero_and_recommends_nothing(run):
    row = run({"intra": [1.0, *WORD[1:]]}, heads(ACCURACY)).loc[("intra", "pwcca")]
    assert (row["layers"], row["recommended"], row["best"]) == ("T1-T8", "", "T5")
    assert row["spearman"] == pytest.approx(stats.spearmanr(WORD[1:], ACCURACY[1:]).statistic)
    assert np.isnan(row["regret"])


def test_every_second_layer_is_enough_but_says_what_was_not_measured(run):
    lines = [f"asr,m,{layer},wer,{1 - value:.2f}" for layer, value in zip(LAYERS[::2], ACCURACY[::2], strict=True)]
    row = run({"word": WORD}, external=lines).loc[("word", "pwcca")]
    assert (row["source"], row["layers"], row["best"], row["recommended"]) == (
        "external",
        "T0, T2, T4, T6, T8",
        "T6",
        "T5",
    )
    assert row["spearman"] == pytest.approx(stats.spearmanr(WORD[::2], ACCURACY[::2]).statistic)
    assert np.isnan(row["spearman_low"])
    assert np.isnan(row["regret"])
    assert row["reason"] == "no weighted sum; T5 was not measured"


@pytest.mark.parametrize(
    ("trend", "values", "reason"),
    [
        (WORD, [0.7] * 9, "the same number at T0-T8: nothing to correlate"),
        (WORD, [0.7, 0.8, 0.9, *[None] * 6], "3 layers (T0-T2) with both numbers, 4 are needed (it diverged)"),
    ],
)
def test_without_a_number_there_is_a_reason(run, trend, values, reason):
    row = run({"word": trend}, heads(values)).loc[("word", "pwcca")]
    assert np.isnan(row["spearman"])
    assert np.isnan(row["pearson"])
    assert reason in row["reason"]


def test_skipped_and_flagged_scores_are_not_compared(run):
    flagged = {("word", "T5"): ("flagged", "40 of 48 dimensions kept")}
    row = run({"word": WORD}, heads(ACCURACY), status=flagged).loc[("word", "pwcca")]
    assert (row["layers"], row["recommended"]) == ("T0-T4, T6-T8", "T6")
    skipped = {("word", layer): ("skipped", "too few rows") for layer in LAYERS}
    table = run({"word": WORD, "phone": PHONE}, heads(ACCURACY), status=skipped)
    row = table.loc[("word", "pwcca")]
    assert (row["n_layers"], row["recommended"]) == (0, "")
    assert "too few rows" in row["reason"]
    assert table.loc[("phone", "pwcca"), "recommended"] == "T3"


def test_without_tasks_the_table_is_empty(run):
    assert len(run({"word": WORD})) == 0


def test_the_same_tables_give_the_same_bytes(run, tmp_path):
    run({"word": WORD, "phone": PHONE}, heads(ACCURACY))
    first = (tmp_path / "comparison.csv").read_bytes()
    compare(tmp_path / "scores.csv", tmp_path / "probes.csv", SHIPPED, 10, 1, tmp_path / "comparison.csv")
    assert (tmp_path / "comparison.csv").read_bytes() == first
