import subprocess
import sys
from importlib import import_module
from inspect import signature

import pytest

from layerwise.experiment.code_digests import code_behind
from layerwise.figures.registry import EXPERIMENT, FIGURES, LABELS, MATRIX, PROPERTY, TASK, TASKS, Figure, figures_of
from layerwise.figures.rendering import MalformedChartsError, draw_all, read_charts
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends
from package_imports import ROOT
from shipped_properties import ENTRIES
from synthetic_scores import METRICS, write_experiment

MEL = {"mel": ENTRIES["mel"]}
CHOICES = {
    **{"metrics": {"mel": "pwcca"}, "metrics_of": {"mel": list(METRICS)}},
    **{"properties": MEL, "names": ["mel"], "questions": MEL},
    **{"models": ["a"], "titles": {"a": "A"}, "groups": None},
}
NAMES = {PROPERTY: "mel", MATRIX: "mel", TASK: "ic", LABELS: "ic", EXPERIMENT: "", TASKS: ""}


@pytest.fixture
def trends(tmp_path):
    files = write_experiment(tmp_path / "scores", {"a": 2}, ["mel"])
    collect_scores(files, dict.fromkeys(["mel"], METRICS), ["mel"], ["a"], {"a": 2}, tmp_path / "scores.csv")
    summarise_trends(tmp_path / "scores.csv", 10, tmp_path / "trends.csv")
    return tmp_path / "trends.csv"


def drawn(figure, trends, folder, subject="mel"):
    """The charts of a figure, and its pictures."""
    files = {f"{figure.name}_{kind}": folder / f"out.{kind}" for kind in ("svg", "png", "json")}
    draw_all({figure.name: figure.plan(CHOICES, subject)}, {"trends": trends}, files)
    return (
        read_charts(files[f"{figure.name}_json"]),
        (folder / "out.svg").read_text(),
        (folder / "out.png").read_bytes(),
    )


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_every_figure_can_be_drawn_with_what_it_names(figure):
    plan = figure.plan(CHOICES, NAMES[figure.of])
    module, function = figure.chart.split(":")
    for arguments in plan["arguments"].values():
        signature(getattr(import_module(module), function)).bind(**dict.fromkeys({*figure.tables, *arguments}))
    assert plan["shown"] in plan["arguments"]


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_of_figures_only_its_own_module_is_behind_one(figure):
    modules = {other.module for other in FIGURES.values()}
    behind = set(code_behind("plot_figures", [figure.module]))
    assert modules & behind == {figure.module}
    assert "layerwise.figures.registry" not in behind


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_captions_are_sentences_and_words_that_stand_in_name_the_subject(figure):
    assert figure.caption.endswith(".")
    assert "  " not in figure.caption
    assert not set("{}") & set(figure.caption)
    assert ("{}" in figure.alt) == bool(figure.of.wildcard)
    about = figure.plan(CHOICES, NAMES[figure.of])["about"]
    assert about["caption"] == figure.caption
    assert about["subject"] == NAMES[figure.of]


def test_captions_give_both_reasons_for_flags_as_legends_do():
    explained = [figure.caption for figure in FIGURES.values() if "flagged scores, which rest on" in figure.caption]
    assert explained
    assert not [figure.name for figure in FIGURES.values() if "kept less than" in figure.caption]
    assert all("too few rows or too few dimensions" in caption for caption in explained)


def test_figures_have_files_of_their_own():
    names = [figure.stem_of("x") for figure in FIGURES.values()]
    assert len(set(names)) == len(names)


def test_files_by_what_there_is_one_for():
    found = {of.name: [figure.stem_of(name) for figure in figures_of(of)] for of, name in NAMES.items()}
    assert found["property"][:3] == ["mel_depth", "mel_layer", "mel_heatmap"]
    assert found["experiment"][0] == "overview"
    assert found["matrix"] == ["mel_matrix"]
    assert found["task"][0] == "probe_ic"
    assert found["labels"] == ["confusion_ic"]
    assert "correlations" in found["tasks"]
    assert sum(map(len, found.values())) == len(FIGURES)


@pytest.mark.parametrize("name", ["depth", "layer", "heatmap", "overview"])
def test_a_figure_is_drawn_with_its_arguments(trends, tmp_path, name):
    figure = FIGURES[name]
    charts, svg, png = drawn(figure, trends, tmp_path, NAMES[figure.of])
    assert "CCA-mel" in svg
    assert len(png) > 1000
    assert charts.about["figure"] == name
    assert list(charts.charts) == (list(METRICS) if "metric" in figure.takes else [""])


def test_a_figure_has_a_chart_for_each_metric_and_its_picture_shows_the_property_s_own(trends, tmp_path):
    charts, svg, _ = drawn(FIGURES["depth"], trends, tmp_path)
    assert "projection-weighted CCA" in svg
    levels = {
        metric: {row["mean"] for row in charts.data[chart["data"]["name"]] if "mean" in row}
        for metric, chart in charts.charts.items()
    }
    assert levels["pwcca"]
    assert not levels["pwcca"] & levels["mean_cca"]


def test_a_file_of_charts_that_is_cut_is_refused_by_name(trends, tmp_path):
    drawn(FIGURES["depth"], trends, tmp_path)
    path = tmp_path / "out.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(MalformedChartsError, match=r"out\.json"):
        read_charts(path)


def test_a_line_is_enough_for_a_figure_of_trends():
    mine = Figure("count", "my.figure:count", "{} counted", "How many.")
    assert (mine.module, mine.stem_of("mel")) == ("my.figure", "mel_count")
    expected = {"models": ["a"], "titles": {"a": "A"}, "question": MEL}
    plan = mine.plan(CHOICES, "mel")
    assert plan["arguments"] == {metric: {"metric": metric, **expected} for metric in METRICS}
    assert (plan["shown"], plan["tables"]) == ("pwcca", ("trends",))


def test_the_registry_is_read_without_plotting():
    program = "import sys, layerwise.figures.registry; print({'altair', 'vl_convert', 'pandas'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
