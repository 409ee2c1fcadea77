"""Scores of measures that come with intervals over items, of which less may be better, or which rank nothing."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from layerwise.layers import WEIGHTED
from layerwise.scoring.properties import Property, property_of
from layerwise.scoring.records import trial_of
from layerwise.tables import curves
from layerwise.tables.advice import sentences
from layerwise.tables.best_layers import best_layers, read_best_layers
from layerwise.tables.comparison import compare, read_comparison
from layerwise.tables.intervals import about_all, about_property, folds_of
from layerwise.tables.probes import collect_probes
from layerwise.tables.recommendations import AT_CHANCE, BY_ROW, NO_INTERVAL, read_recommendations, recommend
from layerwise.tables.scores import MalformedScoreError, collect_scores, read_scores
from layerwise.tables.trends import read_trends, summarise_trends, wide_tables
from synthetic_probes import write_probe
from synthetic_scores import record, write_score

ABX = property_of(
    "abx", {"rows": "frame", "target": {"intervals": "phone"}, "measure": "abx", "called": "phones by distance"}
)
WORDS = property_of("words", {"rows": "word", "target": {"label": "label"}, "measure": "word_discrimination"})
BORDERS = property_of("borders", {"rows": "frame", "target": {"intervals": "word"}, "measure": "word_segmentation"})
CLUSTERS = property_of("clusters", {"rows": "phone", "target": {"label": "label"}, "measure": "mutual_information"})
PHONE = property_of("phone", {"rows": "phone", "target": {"label": "label"}})
QUESTIONS = {each.name: each for each in (ABX, WORDS, BORDERS, CLUSTERS, PHONE)}
HALF = 0.02
CHANCE = {"abx_error": 0.5, "ap": 0.05, "f1": 0.2, "os": 0.3, "mi": 0.1, "ami": 0.0, "prb": 0.05}


def item_record(question: Property, layer: str, sample: int, values, half=(HALF, HALF), chance=CHANCE, **more) -> dict:
    """A record whose one trial has intervals over items, `half` below and above; None: it has none."""
    ends = {} if half is None else {name: (value - half[0], value + half[1]) for name, value in values.items()}
    trial = trial_of(values, {name: chance[name] for name in values}, n_train=0, n_test=90, intervals=ends)
    made = record(question.name, "m", layer, sample, [{"pwcca": 0.5}])
    return json.loads(json.dumps({**made, "trials": [{"trial": 1, **trial}], **more}))


@pytest.fixture
def tables(tmp_path):
    """All tables of one model, from records; returns them by name."""

    def run(records, probes=None, folds_by="row"):
        asked = {name: QUESTIONS[name] for name in dict.fromkeys(each["property"] for each in records)}
        files = [write_score(tmp_path / str(number), each) for number, each in enumerate(records)]
        names = ("scores", "trends", "best", "probes", "comparison", "advice")
        path = {name: tmp_path / f"{name}.csv" for name in names}
        metrics = {name: question.measure.metrics for name, question in asked.items()}
        shown = {name: question.shown("pwcca") for name, question in asked.items()}
        collect_scores(files, metrics, list(asked), ["m"], {"m": 4}, path["scores"])
        summarise_trends(path["scores"], 10, path["trends"])
        best_layers(path["trends"], path["scores"], asked, path["best"])
        heads = dict([write_probe(tmp_path, "ic", "m", probes, 4)]) if probes else {}
        collect_probes(heads, None, ["ic"], ["m"], {"m": [f"T{i}" for i in range(5)]}, path["probes"])
        compare(path["scores"], path["probes"], asked, 10, 1, path["comparison"])
        recommend(
            *(path[name] for name in ("trends", "best", "probes", "comparison")),
            *(asked, ["m"], [], shown, folds_by, 1, path["advice"]),
        )
        advice = read_recommendations(path["advice"], asked)
        key = ["property", "metric"]
        return {
            "scores": read_scores(path["scores"]),
            "trends": read_trends(path["trends"]).set_index([*key, "layer"]),
            "best": read_best_layers(path["best"]).set_index(key),
            "comparison": read_comparison(path["comparison"]).set_index(key),
            "advice": advice.set_index("question"),
            "words": sentences(advice, "m", asked),
            "path": path,
        }

    return run


def layers(question, metric, levels, samples=2, **more):
    """A record for each layer and sample set; the second set is a little higher."""
    return [
        item_record(question, layer, sample, {metric: level + 0.002 * (sample - 1)}, **more)
        for layer, level in levels.items()
        for sample in range(1, samples + 1)
    ]


ERRORS = {"T0": 0.05, "T1": 0.3, "T2": 0.21, "T3": 0.2, "T4": 0.235}


# Intervals over items


def test_intervals_over_items_are_the_mean_of_those_of_the_scores(tables):
    made = tables(layers(WORDS, "ap", {"T1": 0.4, "T2": 0.6}, half=(0.01, 0.05)))
    scores = made["scores"].set_index(["layer", "sample"])
    assert scores.loc[("T1", 1), ["low", "high"]].tolist() == pytest.approx([0.39, 0.45])
    row = made["trends"].loc[("words", "ap", "T1")]
    assert row["interval"] == "items"
    assert row[["mean", "low", "high"]].tolist() == pytest.approx([0.401, 0.391, 0.451])
    assert row["chance"] == 0.05
    assert math.isnan(row["chance_low"])
    assert math.isnan(row["chance_high"])
    assert row["n"] == 2


def test_more_sample_sets_make_an_interval_over_items_no_narrower(tables):
    one, many = (tables(layers(WORDS, "ap", {"T1": 0.4}, samples=samples))["trends"].iloc[0] for samples in (1, 4))
    assert one["high"] - one["low"] == pytest.approx(many["high"] - many["low"])
    assert one["interval"] == many["interval"] == "items"


def test_an_interval_over_items_is_about_the_mean_though_a_sample_set_has_none(tables):
    known = item_record(ABX, "T1", 1, {"abx_error": 0.1}, half=(0.02, 0.04))
    unknown = item_record(ABX, "T1", 2, {"abx_error": 0.5}, half=None)  # as of a sample with one speaker
    made = tables([known, unknown])
    row = made["trends"].loc[("abx", "abx_error", "T1")]
    assert row[["mean", "low", "high"]].tolist() == pytest.approx([0.3, 0.28, 0.34])
    curve = curves.trend(made["scores"], 10, 1)
    assert (curve.low[0], curve.levels[0], curve.high[0]) == pytest.approx((0.66, 0.7, 0.72))


def test_a_score_without_an_interval_over_items_has_one_over_sample_sets(tables):
    row = tables(layers(WORDS, "prb", {"T1": 0.4}, half=None))["trends"].iloc[0]
    assert row["interval"] == "corpus"
    assert row["low"] < row["mean"] < row["high"]


def test_views_are_empty_where_a_measure_has_none(tables):
    scores = tables(layers(WORDS, "ap", {"T1": 0.4}))["scores"]
    columns = ["dx", "dy", "kept_x", "kept_y", "rank_x", "rank_y", "rows_per_dimension"]
    assert scores[columns].isna().all(axis=None)
    assert scores["n_test"].tolist() == [90, 90]


def test_draws_of_a_trend_over_items_have_its_intervals(tables):
    scores = tables(layers(WORDS, "ap", {"T1": 0.4, "T2": 0.6, "T3": 0.5, "T4": 0.3}, half=(0.01, 0.05)))["scores"]
    curve = curves.trend(scores, 10, 1)
    assert curve.low.tolist() == pytest.approx([0.391, 0.591, 0.491, 0.291])
    ends = pd.DataFrame(curve.draws).quantile([0.025, 0.975]).to_numpy()
    assert ends[0] == pytest.approx(curve.low, abs=0.003)
    assert ends[1] == pytest.approx(curve.high, abs=0.006)
    assert (curves.trend(scores, 10, 1).draws == curve.draws).all()


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ([0.6, 0.5], "its low end comes first"),
        ([0.5, 1.2], "at an end of its interval is 1.2; a number from 0 to 1 is expected"),
        ([0.5, None], "is None, not a number"),
        ([0.5], "not enough values"),
    ],
)
def test_an_interval_that_is_none_is_refused(tmp_path, interval, said):
    made = item_record(WORDS, "T1", 1, {"ap": 0.55})
    made["trials"][0]["intervals"]["ap"] = interval
    file = write_score(tmp_path, made)
    with pytest.raises(MalformedScoreError, match=said):
        collect_scores([file], {"words": ["ap"]}, ["words"], ["m"], {"m": 4}, tmp_path / "scores.csv")


def test_a_skipped_record_has_a_row_for_each_metric_of_its_measure(tables):
    skipped = {"status": "skipped", "reason": "words, sample 1: no word is said twice (9 rows)", "trials": []}
    made = tables([item_record(WORDS, layer, 1, {"ap": 0.5}) | skipped for layer in ("T1", "T2")])
    assert set(made["scores"]["metric"]) == {"ap", "swdp_ap", "prb"}
    assert set(made["trends"]["status"]) == {"skipped"}
    assert made["advice"].loc["words", "reason"] == skipped["reason"]
    assert "no layer can be recommended: words, sample 1: no word is said twice" in made["words"]


# Less is better


def test_the_layer_with_the_least_error_is_best_and_ties_are_by_the_high_end(tables):
    best = tables(layers(ABX, "abx_error", ERRORS))["best"].loc[("abx", "abx_error")]
    assert (best["layer"], best["runner_up"]) == ("T3", "T2")
    assert (best["tied"], best["nearly_tied"]) == ("T2", "T4")
    assert best["mean"] == pytest.approx(0.201)


def test_ties_of_errors_are_by_the_end_that_is_worse(tables):
    """Its interval reaches far down, where nothing is better, and a little up: only what lies there ties."""
    best = tables(layers(ABX, "abx_error", ERRORS, half=(0.04, 0.012)))["best"].loc[("abx", "abx_error")]
    assert (best["layer"], best["tied"]) == ("T3", "T2")
    assert best["nearly_tied"] == ""


def test_a_trend_of_errors_is_that_of_what_is_right(tables):
    scores = tables(layers(ABX, "abx_error", ERRORS, half=(0.01, 0.05)))["scores"]
    curve = curves.trend(scores, 10, 1)
    assert curve.levels.tolist() == pytest.approx([1 - error - 0.001 for error in ERRORS.values()])
    assert curve.low.tolist() == pytest.approx([1 - error - 0.051 for error in ERRORS.values()])
    assert curve.high.tolist() == pytest.approx([1 - error + 0.009 for error in ERRORS.values()])
    assert curve.blocks().best == "T3"


def test_errors_that_fall_where_accuracy_rises_correlate_with_it(tables):
    accuracy = {layer: 1 - error for layer, error in ERRORS.items()} | {WEIGHTED: 0.9}
    row = tables(layers(ABX, "abx_error", ERRORS), accuracy)["comparison"].loc[("abx", "abx_error")]
    assert row["spearman"] == pytest.approx(1)
    assert (row["recommended"], row["best"], row["regret"]) == ("T3", "T3", 0)


@pytest.mark.parametrize(
    ("error", "half", "is_clear"),
    [
        (0.4, (0.02, 0.02), True),
        (0.49, (0.2, 0.005), True),
        (0.49, (0.005, 0.02), False),
        (0.6, (0.02, 0.02), False),
    ],
)
def test_an_error_is_clear_of_chance_where_its_high_end_is_below(tables, error, half, is_clear):
    made = tables(layers(ABX, "abx_error", {"T1": error, "T2": 0.7}, half=half))
    row = made["advice"].loc["abx"]
    assert row["layer"] == "T1"
    assert (AT_CHANCE not in row["caution"]) == is_clear
    assert NO_INTERVAL not in row["caution"]
    assert ("no layer is clearly above chance; T1 is lowest" in made["words"]) == (not is_clear)


def test_sample_sets_whose_chance_differs_do_not_hide_a_clear_score(tables):
    """An interval of chance from two sets would be some ten times as wide as the sets are apart."""
    records = [
        item_record(ABX, "T1", sample, {"abx_error": 0.1}, chance={"abx_error": chance})
        for sample, chance in ((1, 0.42), (2, 0.52))
    ]
    assert tables(records)["advice"].loc["abx", "caution"] == ""


def test_the_advice_says_that_less_is_better_and_writes_lopsided_intervals_out(tables):
    words = tables(layers(ABX, "abx_error", {"T1": 0.2, "T2": 0.4}, half=(0.05, 0.01)))["words"]
    assert words.startswith("For phones by distance use T1 (0.201, 0.151 to 0.211, lower is better; chance 0.500; from")


# Several metrics beside each other, and one that ranks nothing


def test_a_metric_that_ranks_nothing_recommends_nothing(tables):
    accuracy = {f"T{i}": 0.5 + 0.1 * i for i in range(5)} | {WEIGHTED: 0.9}
    records = [item_record(BORDERS, f"T{i}", 1, {"f1": 0.3 + 0.1 * i, "os": 2 - 0.3 * i}) for i in range(5)]
    made = tables(records, accuracy)
    assert ("borders", "os") not in made["best"].index
    assert made["best"].loc[("borders", "f1"), "layer"] == "T4"
    comparison = made["comparison"]
    assert comparison.loc[("borders", "f1"), "recommended"] == "T4"
    assert comparison.loc[("borders", "os"), "recommended"] == ""
    assert math.isnan(comparison.loc[("borders", "os"), "regret"])
    assert comparison.loc[("borders", "os"), "spearman"] == pytest.approx(-1)
    assert ("borders", "os", "T2") in made["trends"].index


def test_each_property_is_advised_by_its_own_metric_which_is_named(tables):
    records = layers(ABX, "abx_error", ERRORS) + layers(CLUSTERS, "ami", {"T1": 0.4, "T2": 0.6})
    phone = [record("phone", "m", layer, 1, [{"pwcca": level}]) for layer, level in (("T1", 0.7), ("T2", 0.3))]
    made = tables([*records, *phone])
    assert made["advice"]["metric"].to_dict() == {"abx": "abx_error", "clusters": "ami", "phone": "pwcca"}
    assert made["advice"]["layer"].to_dict() == {"abx": "T3", "clusters": "T2", "phone": "T1"}
    for said in ("use T3 (ABX 0.201", "use T2 (AMI 0.601", "PWCCA 0.700"):
        assert said in made["words"]


def test_wide_tables_have_the_metric_of_each_property(tables, tmp_path):
    records = layers(ABX, "abx_error", {"T1": 0.2}) + layers(CLUSTERS, "mi", {"T1": 0.4})
    path = tables(records)["path"]["trends"]
    out = {name: tmp_path / f"wide_{name}.csv" for name in ("abx", "clusters")}
    wide_tables(path, out, {"abx": "abx_error", "clusters": "mi"})
    assert [pd.read_csv(each)["m"].tolist() for each in out.values()] == [[0.201], [0.401]]


# Words about intervals and folds


@pytest.mark.parametrize("question", [ABX, WORDS], ids=lambda question: question.name)
def test_what_fits_nothing_has_no_folds_to_caution_of(tables, question):
    assert folds_of(question, "row") == ""
    assert about_property(question, "speakers", "speaker").endswith("of this corpus; nothing is fitted.")
    made = tables(layers(question, question.measure.metrics[0], {"T1": 0.2, "T2": 0.3}))
    assert BY_ROW not in made["advice"].loc[question.name, "caution"]


def test_an_interval_over_few_speakers_is_cautioned_of(tables):
    records = layers(ABX, "abx_error", {"T1": 0.2}, n_speakers=3)
    assert "few speakers (3)" in tables(records)["advice"].loc["abx", "caution"]
    assert (
        "few speakers" not in tables(layers(WORDS, "ap", {"T1": 0.2}, n_speakers=3))["advice"].loc["words", "caution"]
    )


def test_what_is_chosen_on_others_has_folds():
    assert folds_of(BORDERS, "row") == "utterance"
    assert about_property(BORDERS, "corpus", "row").endswith(
        "other utterances of this corpus; what is chosen is chosen on others."
    )


def test_the_sentence_for_all_names_those_that_are_about_items():
    both = about_all([PHONE, ABX, WORDS], "corpus", "row")
    assert both.startswith(about_all([PHONE, CLUSTERS], "corpus", "row"))
    assert both.endswith(
        "Intervals of scores of abx are about other speakers of this corpus. "
        "Intervals of scores of words are about other words of this corpus."
    )
    assert about_all([WORDS], "corpus", "row") == "Intervals of scores of words are about other words of this corpus."
    assert about_all([], "corpus", "row")
