"""Pictures of tasks beside properties."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest
from matplotlib.image import imread

from layerwise.figures.correlations import plot_correlations
from layerwise.figures.tasks import BEST, MAJORITY, SUM, plot_task
from layerwise.tables.comparison import compare
from layerwise.tables.files import read_table
from layerwise.tables.probes import collect_probes
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends
from shipped_properties import PROPERTIES as SHIPPED
from synthetic_probes import write_probe
from synthetic_scores import write_experiment

BLOCKS = {"hubert": 4, "random": 4}
LAYERS = {model: [f"T{i}" for i in range(5)] for model in BLOCKS}
PROPERTIES = ["intra", "phone", "word"]
TITLES = {"hubert": "HuBERT"}
VALUES = {"T0": 0.5, "T1": 0.4, "T2": 0.2, "T3": 0.3, "T4": 0.35, "weighted": 0.22}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables")
    files = write_experiment(path, BLOCKS, PROPERTIES, metrics=("pwcca",))
    collect_scores(files, dict.fromkeys(PROPERTIES, ("pwcca",)), PROPERTIES, list(BLOCKS), BLOCKS, path / "scores.csv")
    summarise_trends(path / "scores.csv", 10, path / "trends.csv")
    probes = dict(
        [
            write_probe(path, "pr", "hubert", VALUES, 4, "per"),
            write_probe(path, "pr", "random", VALUES | {"T1": None, "weighted": None}, 4, "per"),
            write_probe(path, "ic", "random", dict.fromkeys(VALUES), 4),
        ]
    )
    external = path / "external.csv"
    external.write_text("task,model,layer,metric,value\npr,hubert,T1,accuracy,0.5\npr,hubert,T2,accuracy,0.6\n")
    collect_probes(probes, external, ["pr", "ic"], list(BLOCKS), LAYERS, path / "probes.csv")
    compare(path / "scores.csv", path / "probes.csv", SHIPPED, 10, 1, path / "comparison.csv")
    return path


@pytest.fixture
def draw(folder, tmp_path):
    """Draws a task, or how all of them correlate, and returns the figure and the words in its SVG."""

    def run(task=None, properties=PROPERTIES):
        svg, png = tmp_path / "plot.svg", tmp_path / "plot.png"
        rest = (properties, dict.fromkeys(properties, "pwcca"), list(BLOCKS), TITLES, svg, png)
        if task:
            figure = plot_task(folder / "probes.csv", folder / "trends.csv", task, *rest)
        else:
            figure = plot_correlations(folder / "comparison.csv", *rest)
        assert imread(png).ndim == 3
        texts = [element.text for element in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}text")]
        return figure, " ".join(text for text in texts if text)

    return run


def test_a_task_stands_above_the_trends_of_each_model(draw):
    figure, words = draw("pr")
    above, below, *_ = figure.axes
    line, star, weighted = above.get_lines()  # of an error rate, no lines for guesses
    assert list(line.get_xdata()) == [0, 1, 2, 3, 4]
    assert line.get_ydata() == pytest.approx([50, 40, 20, 30, 35])
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (2, pytest.approx(20))
    assert weighted.get_ydata() == pytest.approx([22, 22])
    assert len(below.get_lines()) == 3
    assert [tick.get_text() for tick in below.get_xticklabels()] == ["T0", "T1", "T2", "T3", "T4"]
    for expected in ("HuBERT", "random", BEST, SUM, "CCA-phone", "CCA-word", "projection-weighted CCA"):
        assert expected in words


def test_guesses_have_lines_where_labels_are_asked_for(folder, draw, tmp_path):
    figure, words = draw("pr")
    assert MAJORITY not in words
    table = pd.read_csv(folder / "probes.csv")
    table.loc[table["task"] == "ic", "value"] = 0.5
    table.loc[table["task"] == "ic", ["majority", "chance"]] = [0.75, 0.5]
    table.to_csv(tmp_path / "probes.csv", index=False)
    out = tmp_path / "plot.svg", tmp_path / "plot.png"
    figure = plot_task(
        tmp_path / "probes.csv", folder / "trends.csv", "ic", ["phone"], {"phone": "pwcca"}, list(BLOCKS), {}, *out
    )
    levels = [line.get_ydata()[0] for line in figure.axes[0].get_lines() if line.get_linestyle() in ("-.", ":")]
    assert levels == [75, 50]
    assert MAJORITY in out[0].read_text()


def test_up_is_better_and_says_so(draw):
    figure, words = draw("pr")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    errors = figure.axes[titles.index("HuBERT")]
    elsewhere = figure.axes[titles.index("HuBERT (measured elsewhere)")]
    assert errors.yaxis_inverted()
    assert not elsewhere.yaxis_inverted()
    assert "phone error rate, % (reversed: lower is better)" in words
    random = figure.axes[titles.index("random")]
    assert random.get_ylim() == errors.get_ylim()


def test_heads_without_a_result_are_named(draw):
    _, words = draw("pr")
    assert "random (T1, the learned sum) without a result: it diverged" in words
    _, words = draw("ic")
    assert "random (T0-T4, the learned sum) without a result: it diverged" in words


def test_a_task_without_any_result_has_no_lines(draw):
    figure, _ = draw("ic")
    assert not figure.axes[0].get_lines()


def test_correlations_have_a_panel_per_task_and_a_mark_per_property(draw):
    figure, words = draw()
    shown = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    assert shown == ["pr\n1 - phone error rate", "pr\naccuracy, measured elsewhere", "ic\naccuracy"]
    marks = {line.get_marker() for line in figure.axes[0].get_lines()} - {"None"}
    assert len(marks) == 3
    assert figure.axes[0].get_xlim() == (-1.05, 1.05)
    assert words.count("no number") == 4  # two layers are too few, and nothing was measured in ic
    for expected in ("HuBERT", "random", "CCA-intra", "learned weights", "Spearman's correlation over layers"):
        assert expected in words


def test_marks_lie_where_the_table_says(draw, folder):
    figure, _ = draw()
    table = read_table(folder / "comparison.csv", text=["task", "source"])
    chosen = table[(table["task"] == "pr") & (table["source"] == "probes") & (table["model"] == "hubert")]
    expected = sorted(chosen.loc[chosen["spearman"].notna(), "spearman"])
    drawn = [line.get_xdata()[0] for line in figure.axes[0].get_lines() if line.get_marker() != "None"]
    assert all(any(value == pytest.approx(x) for x in drawn) for value in expected)


def test_pictures_have_the_same_bytes_each_time(folder, tmp_path):
    written = []
    for name in ("one", "two"):
        files = [tmp_path / f"{name}.svg", tmp_path / f"{name}.png"]
        rest = (PROPERTIES, dict.fromkeys(PROPERTIES, "pwcca"), list(BLOCKS), TITLES, *files)
        plot_task(folder / "probes.csv", folder / "trends.csv", "pr", *rest)
        content = [file.read_bytes() for file in files]
        plot_correlations(folder / "comparison.csv", *rest)
        written.append(content + [file.read_bytes() for file in files])
    assert written[0] == written[1]
