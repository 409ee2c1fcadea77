"""Which layer to use, in a table and in words."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from layerwise.files.own_files import RereadError
from layerwise.scoring.properties import read_properties
from layerwise.tables.advice import cautions, sentences
from layerwise.tables.best_layers import best_layers
from layerwise.tables.comparison import compare
from layerwise.tables.probes import collect_probes
from layerwise.tables.recommendations import (
    AT_CHANCE,
    AT_MAJORITY,
    BY_ROW,
    CONTROL,
    LEAST_SHARED_LUCK,
    MORE_DIMENSIONS,
    MORE_TYPES,
    NO_INTERVAL,
    OWN_LUCK,
    UNSEEN,
    read_recommendations,
    recommend,
)
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends
from shipped_properties import PROPERTIES as SHIPPED
from synthetic_probes import write_probe
from synthetic_scores import record, write_score

LAYERS = [f"T{i}" for i in range(7)]
PHONE = [0.3, 0.4, 0.6, 0.61, 0.5, 0.4, 0.3]  # best at T3, with T2 near
ACCURACY = [0.4, 0.5, 0.55, 0.7, 0.8, 0.79, 0.6]  # best at T4, with T5 near


@pytest.fixture
def advise(tmp_path):
    """Writes scores and probes of one model, and returns its recommendations by question, and the paragraph."""

    def run(
        phone=PHONE,
        spread=0.01,
        trials=3,
        values=None,
        metric="accuracy",
        controls=(),
        external=None,
        folds_by="speaker",
        **facts,
    ):
        noise = spread * np.linspace(-1, 1, trials) if trials > 1 else [0.0]
        files = [
            write_score(
                tmp_path / "scores",
                record(name, "m", layer, 1, [], "skipped", "too few rows")
                if level is None
                else record(
                    name,
                    "m",
                    layer,
                    1,
                    [{"pwcca": level + e} for e in noise],
                    chance=[{"pwcca": 0.05 + e} for e in noise],
                ),
            )
            for name, levels in (("intra", [1.0] * 7), ("phone", phone))
            for layer, level in zip(LAYERS, levels, strict=True)
        ]
        collect_scores(
            files,
            dict.fromkeys(["intra", "phone"], ("pwcca",)),
            ["intra", "phone"],
            ["m"],
            {"m": 6},
            tmp_path / "scores.csv",
        )
        summarise_trends(tmp_path / "scores.csv", 10, tmp_path / "trends.csv")
        best_layers(tmp_path / "trends.csv", tmp_path / "scores.csv", SHIPPED, tmp_path / "best.csv")
        probes = dict([write_probe(tmp_path, "intent", "m", values, 6, metric, 0.02, **facts)] if values else [])
        path = None
        if external:
            path = tmp_path / "external.csv"
            path.write_text("task,model,layer,metric,value\n" + "".join(f"{line}\n" for line in external))
        collect_probes(probes, path, ["intent"], ["m"], {"m": LAYERS}, tmp_path / "probes.csv")
        compare(tmp_path / "scores.csv", tmp_path / "probes.csv", SHIPPED, 10, 1, tmp_path / "comparison.csv")
        names = ("trends", "best", "probes", "comparison")
        out = tmp_path / "recommendations.csv"
        recommend(
            *(tmp_path / f"{name}.csv" for name in names),
            SHIPPED,
            ["m"],
            controls,
            dict.fromkeys(SHIPPED, "pwcca"),
            folds_by,
            1,
            out,
        )
        table = read_recommendations(out, SHIPPED)
        return table.set_index("question"), sentences(table, "m", SHIPPED)

    return run


def heads(values=ACCURACY, weighted=0.82):
    return dict(zip(LAYERS, values, strict=True)) | {"weighted": weighted}


def test_a_property_and_a_task_each_have_their_layer(advise):
    table, words = advise(values=heads())
    assert list(table.index) == ["phone", "intent"]
    phone, intent = table.loc["phone"], table.loc["intent"]
    assert (phone["layer"], phone["tied"], phone["kind"], phone["caution"]) == ("T3", "T2", "property", "")
    assert phone["score"] == pytest.approx(0.61)
    assert phone["low"] < 0.6 < 0.61 < phone["high"]
    assert phone["chance"] == pytest.approx(0.05)
    assert phone["costs"] == "intent=0.1"
    assert (intent["layer"], intent["tied"], intent["metric"], intent["source"]) == ("T4", "T5", "accuracy", "probes")
    assert (intent["score"], intent["low"], intent["high"], intent["depth"]) == (0.8, 0.78, 0.8200000000000001, 4 / 6)
    assert intent["against_weighted"] == pytest.approx(-0.02)
    assert words == (
        "For phones use T3 (0.610 ± 0.029; chance 0.050; T2 ties; points lost against the best layer: 10.0 on intent; "
        "from 1,000 rows, 39 types, 18 speakers). "
        "For intent use T4 (accuracy 80.0 %, 78.0 to 82.0; always answering 'go' (30.0 %); T5 ties; "
        "-2.0 points against the learned sum of all layers; from 100 test utterances, 4 labels, 10 speakers)."
    )


def test_no_zero_has_a_minus(advise):
    _, words = advise(values=heads(weighted=0.8 + 1e-5), metric="accuracy")
    assert "+0.0 points against the learned sum" in words
    assert "-0.0" not in words


def test_of_an_error_rate_the_lowest_is_best(advise):
    table, words = advise(values=heads([1 - value for value in ACCURACY], 0.18), metric="wer")
    assert (table.loc["intent", "layer"], table.loc["intent", "tied"]) == ("T4", "T5")
    assert table.loc["intent", "score"] == pytest.approx(0.2)
    assert table.loc["intent", "against_weighted"] == pytest.approx(-0.02)
    assert "For intent use T4 (word error rate 20.0 %, 18.0 to 22.0, lower is better; T5 ties; -2.0 points" in words


def test_a_layer_that_may_be_at_chance_is_not_advised(advise):
    table, words = advise(phone=[level / 10 for level in PHONE])
    assert table.loc["phone", "caution"] == AT_CHANCE
    assert words.startswith("For phones, no layer is clearly above chance; T3 is highest (0.061 ± 0.029; chance 0.050;")


def test_random_weights_are_not_advised(advise):
    table, words = advise(values=heads(), controls=["m"])
    assert set(table["caution"]) == {CONTROL}
    assert words.startswith("Its weights are random: a control, of which no layer is to be used. For phones, T3 is")
    assert " use T" not in words


def test_a_layer_that_is_no_better_than_one_answer_to_all_is_not_advised(advise):
    table, words = advise(values=heads(), majority=0.785, majority_label="male", chance=0.5, n_types=2)
    intent = table.loc["intent"]
    assert intent["caution"] == AT_MAJORITY
    assert (intent["majority"], intent["majority_label"], intent["chance"]) == (0.785, "male", 0.5)
    assert (intent["n_rows"], intent["n_types"], intent["n_speakers"]) == (100, 2, 10)
    assert "For intent, T4 is best (accuracy 80.0 %" in words
    assert "speakers), but not clearly better than always answering 'male' (78.5 %)." in words
    assert "For intent use" not in words
    table, words = advise(values=heads(), majority=0.775)
    assert table.loc["intent", "caution"] == ""
    assert "For intent use T4" in words


def test_a_layer_that_is_no_better_than_a_guess_is_not_advised(advise):
    """The most frequent label of training may be rare in the test; a guess is right more often then."""
    table, words = advise(values=heads(), majority=0.0, majority_label="rare", chance=0.785, n_types=2)
    assert table.loc["intent", "caution"] == AT_MAJORITY
    assert "but not clearly better than guessing (78.5 %)." in words
    table, words = advise(values=heads(), majority=0.0, majority_label="rare", chance=0.775)
    assert table.loc["intent", "caution"] == ""
    assert "For intent use T4 (accuracy 80.0 %, 78.0 to 82.0; guessing (77.5 %);" in words


def test_the_layer_that_is_advised_is_the_one_that_has_to_be_better(advise, tmp_path):
    """Another one, with a narrower interval, may lie above the most frequent label."""
    advise(values=heads(), majority=0.7)
    probes = pd.read_csv(tmp_path / "probes.csv", keep_default_na=False)
    probes.loc[probes["layer"] == "T4", ["low", "high"]] = 0.6, 0.92
    probes.to_csv(tmp_path / "probes.csv", index=False)
    names = ("trends", "best", "probes", "comparison")
    recommend(
        *(tmp_path / f"{name}.csv" for name in names),
        SHIPPED,
        ["m"],
        [],
        dict.fromkeys(SHIPPED, "pwcca"),
        "speaker",
        1,
        tmp_path / "out.csv",
    )
    table = read_recommendations(tmp_path / "out.csv", SHIPPED).set_index("question")
    assert (table.loc["intent", "layer"], table.loc["intent", "caution"]) == ("T4", AT_MAJORITY)


def test_an_error_rate_near_that_of_an_empty_answer_is_not_advised(advise):
    table, words = advise(values=heads([1.2, 1.1, 1.0, 0.99, 0.985, 0.99, 1.1], 1.0), metric="wer")
    assert table.loc["intent", "caution"] == AT_MAJORITY
    assert "For intent, T4 is best (word error rate 98.5 %" in words
    assert "), but not clearly better than an empty answer (100.0 %)." in words
    table, _ = advise(values=heads([1.2, 1.1, 1.0, 0.99, 0.97, 0.99, 1.1], 1.0), metric="wer")
    assert table.loc["intent", "caution"] == ""


def test_few_speakers_and_what_was_remarked_of_the_head_are_said(advise):
    remark = "3 test utterances have a label that training lacks"
    table, _ = advise(values=heads(), test_speakers=4, reason=remark)
    assert table.loc["intent", "caution"] == f"few test speakers (4); {remark}"
    assert cautions(table.reset_index(), "m", SHIPPED) == ["intent: few test speakers (4)", f"intent: {remark}"]
    table, _ = advise(values=heads(), test_speakers="")
    assert table.loc["intent", "caution"] == ""


def test_without_intervals_neighbours_may_be_as_good(advise):
    table, words = advise(trials=1, external=["asr,m,T2,wer,0.5", "asr,m,T3,wer,0.4"])
    assert set(table["caution"]) == {NO_INTERVAL}
    assert math.isnan(table.loc["phone", "low"])
    assert "For phones use T3 (0.610; chance 0.050; no interval, so neighbours may be as good; points lost" in words
    assert "For asr (measured elsewhere) use T3 (word error rate 40.0 %, lower is better; no interval" in words
    assert table.loc["phone", "costs"] == "external:asr=0"


def test_without_a_layer_there_is_a_reason(advise):
    table, words = advise(phone=[None] * 7, values=dict.fromkeys(LAYERS))
    assert (table.loc["phone", "layer"], table.loc["phone", "reason"]) == ("", "too few rows")
    assert (table.loc["intent", "layer"], table.loc["intent", "reason"]) == ("", "it diverged")
    assert words == (
        "For phones, no layer can be recommended: too few rows. For intent, no layer can be recommended: it diverged."
    )


def test_a_layer_that_carries_the_label_is_found(advise):
    """One layer knows, the others do not: the property, the task and the cost all say so."""
    table, _ = advise(phone=[0.06, 0.05, 0.06, 0.05, 0.07, 0.9, 0.06], values=heads([0.1] * 5 + [0.95, 0.1], 0.94))
    assert table["layer"].tolist() == ["T5", "T5"]
    assert table["tied"].tolist() == ["", ""]
    assert table.loc["phone", "costs"] == "intent=0"


# Counts and cautions, from tables/best_layers.csv


@pytest.fixture
def advise_again(advise, tmp_path):
    """The recommendations where cells of tables/best_layers.csv are other ones."""
    advise(values=heads())

    def run(metric="pwcca", folds_by="speaker", properties=SHIPPED, **cells):
        best = pd.read_csv(tmp_path / "best.csv", keep_default_na=False).assign(metric=metric, **cells)
        best.to_csv(tmp_path / "changed.csv", index=False)
        named = {"metric": metric} | {key: cells[key] for key in cells if key == "property"}
        kept = pd.read_csv(tmp_path / "trends.csv", keep_default_na=False)
        kept = kept[kept["property"] == "phone"].assign(**named)
        kept.to_csv(tmp_path / "changed_trends.csv", index=False)
        names = ("changed_trends", "changed", "probes", "comparison")
        recommend(
            *(tmp_path / f"{name}.csv" for name in names),
            properties,
            ["m"],
            [],
            dict.fromkeys(properties, metric),
            folds_by,
            1,
            tmp_path / "out.csv",
        )
        return read_recommendations(tmp_path / "out.csv", properties)

    return run


def test_counts_stand_beside_the_layer(advise_again):
    table = advise_again(n_rows=2340, n_types=39, n_speakers=18)
    assert table[["n_rows", "n_types", "n_speakers"]].iloc[0].tolist() == [2340, 39, 18]
    assert "; from 2,340 rows, 39 types, 18 speakers)." in sentences(table, "m", SHIPPED)
    frames = advise_again(n_rows=9000, n_types="", n_speakers=18)
    assert "; from 9,000 rows, 18 speakers)." in sentences(frames, "m", SHIPPED)
    assert "; from 1 row, 1 speaker)." in sentences(advise_again(n_rows=1, n_types=0, n_speakers=1), "m", SHIPPED)
    assert " rows" not in sentences(advise_again(n_rows="", n_types="", n_speakers=""), "m", SHIPPED)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, []),
        ({"folds_by": "row"}, [BY_ROW]),
        ({"folds_by": "utterance", "n_speakers": 2}, []),
        ({"folds_by": "speaker", "n_speakers": 4}, ["few speakers (4)"]),
        ({"folds_by": "speaker", "n_speakers": 5}, []),
        ({"classes_unseen": 1}, [UNSEEN]),
        ({"kept_x": 39, "kept_y": 39}, []),  # the labels are the second view, which counts where both are equal
        ({"kept_x": 38, "kept_y": 39}, [MORE_TYPES]),
        ({"kept_x": 38, "kept_y": 39, "metric": "pwcca_published"}, [MORE_TYPES]),
        ({"kept_x": 38, "kept_y": 39, "metric": "mean_cca"}, []),
        ({"kept_x": 38, "kept_y": 39, "property": "mel"}, []),
        ({"shared_luck": LEAST_SHARED_LUCK - 0.001, "nearly_tied": "T1"}, [OWN_LUCK]),
        ({"shared_luck": LEAST_SHARED_LUCK - 0.001, "nearly_tied": ""}, []),  # no other layer could be as good
        ({"shared_luck": LEAST_SHARED_LUCK, "nearly_tied": "T1"}, []),
        ({"shared_luck": "", "nearly_tied": "T1"}, []),
        (
            {"shared_luck": 0, "nearly_tied": "T1 T2", "classes_unseen": 2, "folds_by": "row"},
            [OWN_LUCK, UNSEEN, BY_ROW],
        ),
    ],
)
def test_cautions(advise_again, cells, expected):
    table = advise_again(**cells)
    (caution,) = table.loc[table["kind"] == "property", "caution"]
    assert caution.split("; ") == (expected or [""])
    name = "acoustics" if "property" in cells else "phones"
    assert cautions(table, "m", SHIPPED) == [f"{name}: {text}" for text in expected]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"property": "phonem"}, "'phonem' in column property"),
        ({"kept_x": 47.5}, "no whole number from 0 in column kept_x"),
        ({"classes_unseen": -1}, "no whole number from 0 in column classes_unseen"),
        ({"layer": "T9"}, "no row of phone, m, T9"),
        ({"tied": "T1 T8"}, "no row of phone, m, T8"),
    ],
)
def test_a_table_that_is_none_of_ours_is_refused(advise_again, cells, message):
    with pytest.raises(RereadError, match=message):
        advise_again(**cells)


def test_a_caution_stands_once_after_all_that_it_concerns(advise_again):
    table = advise_again(folds_by="row")
    (phone,) = table[table["kind"] == "property"].to_dict("records")
    both = pd.DataFrame([phone, phone | {"question": "word", "caution": f"{AT_CHANCE}; {UNSEEN}; {BY_ROW}"}])
    assert cautions(both, "m", SHIPPED) == [f"phones, words: {BY_ROW}", f"words: {UNSEEN}"]
    assert cautions(both, "other", SHIPPED) == []


def test_no_caution_looks_like_two():
    texts = [CONTROL, AT_CHANCE, NO_INTERVAL, OWN_LUCK, MORE_TYPES, MORE_DIMENSIONS, UNSEEN, BY_ROW]
    assert not any("; " in text for text in texts)


def test_layers_with_luck_of_their_own_carry_a_caution(advise, tmp_path):
    """From scores on: every layer has noise of its own, so that best_layers.csv has little shared luck."""
    advise()
    scores = pd.read_csv(tmp_path / "scores.csv", keep_default_na=False)
    scores["score"] += np.random.default_rng(1).normal(scale=0.05, size=len(scores))
    scores.to_csv(tmp_path / "scores.csv", index=False)
    summarise_trends(tmp_path / "scores.csv", 10, tmp_path / "trends.csv")
    best_layers(tmp_path / "trends.csv", tmp_path / "scores.csv", SHIPPED, tmp_path / "best.csv")
    names = ("trends", "best", "probes", "comparison")
    recommend(
        *(tmp_path / f"{name}.csv" for name in names),
        SHIPPED,
        ["m"],
        [],
        dict.fromkeys(SHIPPED, "pwcca"),
        "utterance",
        1,
        tmp_path / "out.csv",
    )
    assert OWN_LUCK in read_recommendations(tmp_path / "out.csv", SHIPPED)["caution"].iloc[0]


# Properties that anybody may ask


def asked(**entry):
    return SHIPPED | read_properties({"phone": {"rows": "word"} | entry})


@pytest.mark.parametrize(
    ("entry", "cells", "expected"),
    [
        ({"target": {"label": "stress"}}, {"kept_x": 38, "kept_y": 39}, MORE_TYPES),
        ({"target": {"vectors": "glove.txt"}}, {"kept_x": 38, "kept_y": 300}, MORE_DIMENSIONS),
        ({"target": {"vectors": "glove.txt"}}, {"kept_x": 300, "kept_y": 300}, ""),
        ({"target": {"attributes": "tags"}}, {"kept_x": 38, "kept_y": 45, "metric": "mean_cca"}, ""),
        ({"target": {"acoustics": "f0"}}, {"kept_x": 38, "kept_y": 39}, ""),  # the layer is the second view
        ({"target": {"label": "stress"}, "folds_by": "row"}, {}, BY_ROW),
        ({"target": {"label": "stress"}, "folds_by": "row"}, {"folds_by": "utterance"}, BY_ROW),
        ({"target": {"label": "stress"}, "folds_by": "utterance"}, {"folds_by": "row"}, ""),
        (
            {"target": {"label": "stress"}, "folds_by": "speaker"},
            {"folds_by": "row", "n_speakers": 4},
            "few speakers (4)",
        ),
        ({"target": {"label": "stress"}, "folds_by": "utterance"}, {"n_speakers": 4}, ""),
        ({"rows": "utterance", "target": {"label": "speaker_id"}, "folds_by": "row"}, {}, ""),
    ],
)
def test_cautions_are_about_the_question(advise_again, entry, cells, expected):
    table = advise_again(properties=asked(**entry), **cells)
    assert table.loc[table["kind"] == "property", "caution"].item() == expected


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ({}, "phone"),
        ({"title": "word stress"}, "word stress"),
        ({"title": "CCA of stress", "called": "where the stress lies"}, "where the stress lies"),
        ({"title": "Tonhöhe"}, "Tonhöhe"),
        ({"called": "a\nb"}, r"a\nb"),
    ],
)
def test_advice_speaks_of_a_property_as_it_is_called(advise_again, words, called):
    properties = asked(target={"label": "stress"}, **words)
    table = advise_again(properties=properties, n_speakers=4)
    assert sentences(table, "m", properties).startswith(f"For {called} use T3 (")
    assert cautions(table, "m", properties) == [f"{called}: few speakers (4)"]


def test_a_property_that_layers_are_not_ranked_by_has_no_advice(advise, tmp_path):
    advise()
    properties = asked(target={"label": "stress"}, ranked=False)
    best_layers(tmp_path / "trends.csv", tmp_path / "scores.csv", properties, tmp_path / "best.csv")
    names = ("trends", "best", "probes", "comparison")
    recommend(
        *(tmp_path / f"{name}.csv" for name in names),
        *(properties, ["m"], [], dict.fromkeys(properties, "pwcca"), "speaker", 1, tmp_path / "out.csv"),
    )
    table = read_recommendations(tmp_path / "out.csv", properties)
    assert table.empty
    assert sentences(table, "m", properties) == "Nothing was ranked."
