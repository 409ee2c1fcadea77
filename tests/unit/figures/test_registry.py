import subprocess
import sys
from importlib import import_module
from inspect import signature

import pytest

from layerwise.figures.registry import (
    EXPERIMENT,
    FIGURES,
    LABELS,
    PROPERTY,
    TASK,
    Choices,
    Figure,
    draw,
    figures_of,
    register,
    stems,
)
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends
from package_imports import ROOT
from synthetic_scores import METRICS, write_experiment


@pytest.fixture
def trends(tmp_path):
    files = write_experiment(tmp_path / "scores", {"a": 2}, ["mel"])
    collect_scores(files, METRICS, ["mel"], ["a"], {"a": 2}, tmp_path / "scores.csv")
    summarise_trends(tmp_path / "scores.csv", 10, tmp_path / "trends.csv")
    return tmp_path / "trends.csv"


def test_every_figure_can_be_drawn_with_what_it_names():
    for figure in FIGURES.values():
        module, function = figure.draw.split(":")
        arguments = {*figure.tables, *figure.takes, *figure.options, "out_svg", "out_png"}
        arguments |= {figure.argument} if figure.argument else set()
        signature(getattr(import_module(module), function)).bind(**dict.fromkeys(arguments))


def test_every_figure_has_a_caption_and_files_of_its_own():
    for figure in FIGURES.values():
        assert (ROOT / f"workflow/report/{figure.caption}.rst").is_file()
    names = [figure.stem_of("x") for figure in FIGURES.values()]
    assert len(set(names)) == len(names)


def test_files_by_what_there_is_one_for():
    assert stems(PROPERTY, ["mel"]) == {"mel": ["mel_depth", "mel_layer", "mel_heatmap"]}
    assert stems(TASK, ["ic"]) == {"ic": ["probe_ic"]}
    assert stems(LABELS, ["ic"]) == {"ic": ["confusion_ic"]}
    assert stems(EXPERIMENT) == {"": ["overview", "correlations"]}
    assert sum(len(figures_of(kind)) for kind in (PROPERTY, TASK, LABELS, EXPERIMENT)) == len(FIGURES)


@pytest.mark.parametrize(("name", "subject"), [("depth", "mel"), ("heatmap", "mel"), ("overview", "")])
def test_a_figure_is_drawn_by_its_name(trends, tmp_path, name, subject):
    choices = Choices("pwcca", ["mel"], ["a"], {"a": "A"})
    draw(name, {"trends": trends}, choices, tmp_path / "out.svg", tmp_path / "out.png", subject)
    assert "CCA-mel" in (tmp_path / "out.svg").read_text()
    assert (tmp_path / "out.png").stat().st_size > 1000


def test_another_figure_is_a_module_and_an_entry(tmp_path, monkeypatch):
    (tmp_path / "my_figure.py").write_text(
        "def count(trends, property_name, out_svg, out_png):\n"
        "    open(out_svg, 'w').write(f'{property_name} {len(open(trends).readlines())}')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    mine = Figure("count", "my_figure:count", ("trends",), PROPERTY, "{}_count", "rows of {}", "trends", takes=())
    try:
        register(mine)
        (tmp_path / "trends.csv").write_text("a\n1\n")
        choices = Choices("pwcca", ["mel"], ["a"], {})
        draw("count", {"trends": tmp_path / "trends.csv"}, choices, tmp_path / "mel_count.svg", "", "mel")
        assert (tmp_path / "mel_count.svg").read_text() == "mel 2"
        assert "mel_count" in stems(PROPERTY, ["mel"])["mel"]
        with pytest.raises(ValueError, match="there is a figure count already"):
            register(mine)
    finally:
        FIGURES.pop("count", None)


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
