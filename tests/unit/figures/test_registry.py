import subprocess
import sys
from importlib import import_module
from inspect import signature

import pytest

from layerwise.experiment.code_digests import code_behind
from layerwise.figures.drawing import draw
from layerwise.figures.registry import EXPERIMENT, FIGURES, LABELS, MATRIX, PROPERTY, TASK, TASKS, Figure, figures_of
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends
from package_imports import ROOT
from shipped_properties import ENTRIES
from synthetic_scores import METRICS, write_experiment

MEL = {"mel": ENTRIES["mel"]}
CHOICES = {
    **{"metrics": {"mel": "pwcca"}, "properties": MEL, "names": ["mel"], "questions": MEL},
    **{"models": ["a"], "titles": {"a": "A"}, "groups": None},
}
NAMES = {PROPERTY: "mel", MATRIX: "mel", TASK: "ic", LABELS: "ic", EXPERIMENT: "", TASKS: ""}


@pytest.fixture
def trends(tmp_path):
    files = write_experiment(tmp_path / "scores", {"a": 2}, ["mel"])
    collect_scores(files, dict.fromkeys(["mel"], METRICS), ["mel"], ["a"], {"a": 2}, tmp_path / "scores.csv")
    summarise_trends(tmp_path / "scores.csv", 10, tmp_path / "trends.csv")
    return tmp_path / "trends.csv"


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_every_figure_can_be_drawn_with_what_it_names(figure):
    arguments = {*figure.tables, *figure.arguments(CHOICES, NAMES[figure.of]), "out_svg", "out_png"}
    module, function = figure.draw.split(":")
    signature(getattr(import_module(module), function)).bind(**dict.fromkeys(arguments))


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_of_figures_only_its_own_module_is_behind_one(figure):
    modules = {other.module for other in FIGURES.values()}
    assert modules & set(code_behind("plot_figures", [figure.module])) == {figure.module}
    assert "layerwise.figures.registry" not in code_behind("plot_figures", [figure.module])


def test_every_figure_has_a_caption_and_files_of_its_own():
    for figure in FIGURES.values():
        caption = (ROOT / f"workflow/report/{figure.caption}.rst").read_text()
        assert figure.has_intervals or "params.about" not in caption
    names = [figure.stem_of("x") for figure in FIGURES.values()]
    assert len(set(names)) == len(names)


def test_files_by_what_there_is_one_for():
    found = {of.name: [figure.stem_of(name) for figure in figures_of(of)] for of, name in NAMES.items()}
    assert found == {
        "property": ["mel_depth", "mel_layer", "mel_heatmap"],
        "matrix": ["mel_matrix"],
        "task": ["probe_ic"],
        "labels": ["confusion_ic"],
        "experiment": ["overview"],
        "tasks": ["correlations"],
    }
    assert sum(map(len, found.values())) == len(FIGURES)


@pytest.mark.parametrize("name", ["depth", "heatmap", "overview"])
def test_a_figure_is_drawn_with_its_arguments(trends, tmp_path, name):
    figure = FIGURES[name]
    arguments = figure.arguments(CHOICES, NAMES[figure.of])
    draw(figure.draw, {"trends": trends}, arguments, tmp_path / "out.svg", tmp_path / "out.png")
    assert "CCA-mel" in (tmp_path / "out.svg").read_text()
    assert (tmp_path / "out.png").stat().st_size > 1000


def test_a_line_is_enough_for_a_figure_of_trends():
    mine = Figure("count", "my.figure:count", "{} counted")
    assert (mine.module, mine.stem_of("mel"), mine.alt_of("Mel")) == ("my.figure", "mel_count", "Mel counted")
    expected = {"metric": "pwcca", "models": ["a"], "titles": {"a": "A"}, "question": MEL}
    assert mine.arguments(CHOICES, "mel") == expected


def test_the_registry_is_read_without_plotting():
    program = "import sys, layerwise.figures.registry; print({'matplotlib', 'pandas'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
