"""Pictures and the report of several measures beside each other, of which less is better of one."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import vl_convert

from charts import rows_of, views, words_of
from layerwise.figures.correlations import correlations
from layerwise.figures.heatmap import heatmap
from layerwise.figures.overview import overview
from layerwise.figures.report import write_report
from layerwise.figures.tasks import task_chart
from layerwise.figures.trends import trends_chart
from layerwise.layers import WEIGHTED
from layerwise.scoring.properties import property_of
from layerwise.scoring.records import trial_of
from layerwise.tables.best_layers import best_layers
from layerwise.tables.comparison import compare
from layerwise.tables.findings import check_findings
from layerwise.tables.model_pairs import compare_models
from layerwise.tables.models import write_models
from layerwise.tables.probes import collect_probes
from layerwise.tables.recommendations import recommend
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends
from synthetic_probes import write_probe
from synthetic_scores import record, write_score

ABX = property_of("abx-within", {"rows": "frame", "target": {"intervals": "phone"}, "measure": "abx"})
WORDS = property_of(
    "word-discrimination", {"rows": "word", "target": {"label": "label"}, "measure": "word_discrimination"}
)
PHONE = property_of("phone", {"rows": "phone", "target": {"label": "label"}})
QUESTIONS = {each.name: each for each in (ABX, WORDS, PHONE)}
SHOWN = {"abx-within": "abx_error", "word-discrimination": "ap", "phone": "pwcca"}
LEVELS = {"T0": 0.5, "T1": 0.6, "T2": 0.8}
REASON = "word-discrimination, sample 1: no word is said twice (9 rows)"


def item_record(name, layer, metric, value, **more):
    trial = trial_of(
        {metric: value}, {metric: 0.4}, n_train=0, n_test=9, intervals={metric: (value - 0.02, value + 0.05)}
    )
    return record(name, "m", layer, 1, [{"pwcca": 0.5}]) | {"trials": [{"trial": 1, **trial}]} | more


@pytest.fixture
def path(tmp_path):
    """The tables of one model and task."""
    skipped = {"status": "skipped", "reason": REASON, "trials": []}
    records = [item_record("abx-within", layer, "abx_error", 1 - level) for layer, level in LEVELS.items()]
    records += [
        item_record("word-discrimination", layer, "ap", level, **(skipped if layer == "T1" else {}))
        for layer, level in LEVELS.items()
    ]
    records += [record("phone", "m", layer, 1, [{"pwcca": level}]) for layer, level in LEVELS.items()]
    files = [write_score(tmp_path / str(number), each) for number, each in enumerate(records)]
    names = ("scores", "trends", "best_layers", "probes", "models", "comparison", "findings")
    names += ("model_pairs", "recommendations")
    found = {name: tmp_path / f"{name}.csv" for name in (*names, "samples")}
    metrics = {name: question.measure.metrics for name, question in QUESTIONS.items()}
    collect_scores(files, metrics, list(QUESTIONS), ["m"], {"m": 2}, found["scores"])
    summarise_trends(found["scores"], 10, found["trends"])
    best_layers(found["trends"], found["scores"], QUESTIONS, found["best_layers"])
    heads = dict([write_probe(tmp_path, "ic", "m", {**LEVELS, WEIGHTED: 0.7}, 2)])
    collect_probes(heads, None, ["ic"], ["m"], {"m": list(LEVELS)}, found["probes"])
    facts = dict.fromkeys(("objective", "size", "iteration", "modality", "training_data", "width", "normalise"), "")
    write_models([facts | {"model": "m", "blocks": 2}], found["models"])
    compare(found["scores"], found["probes"], QUESTIONS, 10, 1, found["comparison"])
    check_findings(found["scores"], found["probes"], found["models"], "pwcca", 10, 1, found["findings"])
    compare_models(found["scores"], found["models"], 10, 1, found["model_pairs"])
    four = (found[name] for name in ("trends", "best_layers", "probes", "comparison"))
    recommend(*four, QUESTIONS, ["m"], [], SHOWN, "row", 1, found["recommendations"])
    found["samples"].write_text("sample,span,asked,drawn,types,utterances,hours,alignments\n")
    return found


def picture(chart):
    return vl_convert.vegalite_to_svg(chart.to_dict())


def is_reversed(panel):
    return {
        y["scale"]["reverse"]
        for view in views(panel)
        if (y := view.get("encoding", {}).get("y", {})).get("field") == "mean" and "scale" in y
    }


def titles_of(panel):
    """Of the axis of scores."""
    return next(
        y["title"] for view in views(panel) if (y := view.get("encoding", {}).get("y", {})).get("field") == "mean"
    )


def test_the_overview_names_the_metric_of_each_panel_and_reverses_errors(path):
    chart = overview(path["trends"], QUESTIONS, SHOWN, ["m"], {})
    panels = chart.to_dict()["vconcat"][0]["concat"]
    assert [titles_of(panel) for panel in panels] == ["ABX (reversed)", "AP", "PWCCA"]
    assert [is_reversed(panel) for panel in panels] == [{True}, {False}, {False}]
    assert "skipped: m (T1)" in words_of(chart)


@pytest.mark.parametrize("axis", ["depth", "layer"])
def test_the_axis_of_an_error_rate_is_reversed_and_says_so(path, axis):
    chart = trends_chart(path["trends"], ABX, "abx_error", ["m"], {}, axis=axis)
    assert is_reversed(chart.to_dict()) == {True}
    assert titles_of(chart.to_dict()) == ["ABX error rate", "(reversed: lower is better)"]
    found = re.findall(r"layer: (T\d)[^>]*translate\([\d.]+,([\d.]+)\)", picture(chart))
    heights = {layer: float(height) for layer, height in found}
    assert heights["T2"] < heights["T1"] < heights["T0"]  # upwards is better
    chart = trends_chart(path["trends"], WORDS, "ap", ["m"], {}, axis=axis)
    assert is_reversed(chart.to_dict()) == {False}
    assert titles_of(chart.to_dict()) == ["average precision, same against different"]
    assert REASON in words_of(chart)


def test_the_darkest_cell_of_a_heat_map_is_the_best(path):
    for question, metric in ((ABX, "abx_error"), (PHONE, "pwcca")):
        svg = picture(heatmap(path["trends"], question, metric, ["m"], {}))
        shades = {
            layer: sum(map(int, colour.split(",")))
            for layer, colour in re.findall(r'layer: (T\d)[^>]*fill="rgb\(([\d, ]+)\)"', svg)
        }
        assert shades["T2"] < shades["T1"] < shades["T0"]  # each better than the one below


def test_words_of_a_heat_map_stay_within_it(path):
    long = property_of("word-discrimination", {"rows": "word", "target": {"label": "label"}, "title": "one word " * 20})
    svg = picture(heatmap(path["trends"], long, "ap", ["m"], {"m": "a model"}))
    assert float(re.search(r'width="([\d.]+)"', svg)[1]) < 560


def test_names_below_a_heat_map_are_whole(path):
    name = "wav2vec 2.0 demo, pre-norm (random weights)"
    assert name in words_of(heatmap(path["trends"], PHONE, "pwcca", ["m"], {"m": name}))


def test_a_task_has_trends_of_which_more_is_better(path):
    chart = task_chart(path["probes"], path["trends"], "ic", list(QUESTIONS), SHOWN, ["m"], {})
    rows = rows_of(chart, "mean")
    errors = rows[rows["series"] == "1 - ABX-within"]
    assert errors["mean"].tolist() == pytest.approx(list(LEVELS.values()))
    words = words_of(chart)
    assert "1 - ABX-within" in words
    assert "AP-word-discrimination" in words


def test_correlations_name_trends_as_they_were_correlated(path):
    words = words_of(correlations(path["comparison"], list(QUESTIONS), SHOWN, ["m"], {}))
    for expected in ("1 - ABX-within", "AP-word-discrimination", "CCA-phone"):
        assert expected in words


def test_rows_of_correlations_are_as_high_with_marks_as_with_words(path):
    spec = correlations(path["comparison"], list(QUESTIONS), SHOWN, ["m"], {}).to_dict()
    assert spec["spec"]["height"]["for"] == "position"


def test_the_report_explains_each_metric_and_what_its_intervals_are_about(path, tmp_path):
    pd.DataFrame({"speaker_id": ["84", "174"]}).to_parquet(tmp_path / "utterances.parquet")
    write_report(
        experiment="several",
        configuration={"cca": {"folds": 10, "folds_by": "row", "intervals": "corpus"}},
        metrics=SHOWN,
        properties=QUESTIONS,
        titles={},
        groups=None,
        charts=[],
        **{
            name: path[name]
            for name in ("models", "scores", "best_layers", "samples", "comparison", "findings", "model_pairs")
        },
        recommendations=path["recommendations"],
        utterances=tmp_path / "utterances.parquet",
        layer_pairs=None,
        matrices=None,
        problems={},
        labels=None,
        provenance={},
        journal=tmp_path / "versions.yaml",
        out=tmp_path / "report.html",
    )
    page = " ".join((tmp_path / "report.html").read_text().split())
    for said in (
        "<b>ABX error rate</b> (ABX).",
        "<b>average precision, same against different</b> (AP).",
        "<b>projection-weighted CCA</b> (PWCCA).",
        "of ABX-within, AP-word-discrimination it is that of scores on other draws of what is scored",
        "Axes of error rates are reversed",
        "are about other speakers of this corpus.",
        "use T2 (ABX 0.200, 0.180 to 0.250, lower is better; chance 0.400;",
        "where phones are in the utterances, and which",
        REASON,
    ):
        assert said in page
