"""Charts of tasks beside properties."""

from __future__ import annotations

import pandas as pd
import pytest

from charts import encodings_of, rows_of, views, words_of
from layerwise.figures.correlations import LEARNED, correlations
from layerwise.figures.rendering import draw
from layerwise.figures.tasks import BEST, GUESSING, MAJORITY, SINGLE, SUM, task_chart
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
def chart_of(folder):
    """The chart of a task, or of how all of them correlate."""

    def run(task=None, properties=PROPERTIES, probes=None):
        rest = (properties, dict.fromkeys(properties, "pwcca"), list(BLOCKS), TITLES)
        if task:
            return task_chart(probes or folder / "probes.csv", folder / "trends.csv", task, *rest)
        return correlations(folder / "comparison.csv", *rest)

    return run


def marks_of(chart, panel="HuBERT"):
    """Values in per cent by series, of one panel of performance."""
    rows = pd.concat(
        pd.DataFrame(rows) for rows in chart.to_dict()["datasets"].values() if "value" in rows[0]
    ).drop_duplicates(["panel", "series", "layer"])
    rows = rows[rows["panel"].str.replace("\n", " ") == panel]
    return {series: list(group["value"]) for series, group in rows.groupby("series")}


def panels_of(chart):
    return [[name.replace("\n", " ") for name in part["facet"]["sort"]] for part in chart.to_dict()["vconcat"]]


def scales_of(chart, channel):
    """The scale of each part of a chart, from the top."""
    found = []
    for part in chart.to_dict()["vconcat"]:
        scales = [view.get("encoding", {}).get(channel, {}).get("scale") for view in views(part)]
        found.append(next(scale for scale in scales if scale))
    return found


def test_a_task_stands_above_the_trends_of_each_model(chart_of):
    chart = chart_of("pr")
    found = marks_of(chart)
    assert found[SINGLE] == pytest.approx([50, 40, 20, 30, 35])
    assert found[BEST] == pytest.approx([20])
    assert found[SUM] == pytest.approx([22])
    assert set(found) == {SINGLE, BEST, SUM}  # of an error rate, no lines for guesses
    assert panels_of(chart) == [["HuBERT", "random"]] * 2 + [["HuBERT (measured elsewhere)"]] * 2
    trends = rows_of(chart, "mean")
    assert set(trends["series"]) == {"CCA-intra", "CCA-phone", "CCA-word"}
    above, below, *_ = scales_of(chart, "x")
    assert above == below
    assert above["domain"][0] < 0 < 4 < above["domain"][1]
    words = words_of(chart)
    for expected in ("HuBERT", "random", BEST, SUM, "CCA-phone", "CCA-word", "projection-weighted"):
        assert expected in words
    assert {"T0", "T1", "T2", "T3", "T4"} <= set(words.split())


def test_an_interval_is_that_of_the_table(chart_of, folder):
    table = read_table(folder / "probes.csv", text=["task", "source"])
    expected = table[(table["task"] == "pr") & (table["source"] == "probes") & (table["model"] == "hubert")]
    rows = rows_of(chart_of("pr"), "value")
    rows = rows[(rows["model"] == "hubert") & rows["series"].isin([SINGLE, SUM])]
    assert list(rows["low"]) == pytest.approx(list(100 * expected["low"]), rel=1e-5)
    assert list(rows["high"]) == pytest.approx(list(100 * expected["high"]), rel=1e-5)


def test_guesses_have_lines_where_labels_are_asked_for(folder, chart_of, tmp_path):
    assert MAJORITY not in words_of(chart_of("pr"))
    table = pd.read_csv(folder / "probes.csv")
    table.loc[table["task"] == "ic", "value"] = 0.5
    table.loc[table["task"] == "ic", ["majority", "chance"]] = [0.75, 0.5]
    table.to_csv(tmp_path / "probes.csv", index=False)
    chart = chart_of("ic", ["phone"], tmp_path / "probes.csv")
    found = marks_of(chart, "random")
    assert (found[MAJORITY], found[GUESSING]) == ([75], [50])
    assert MAJORITY in words_of(chart)


def test_up_is_better_and_says_so(chart_of):
    chart = chart_of("pr")
    errors, trends, elsewhere, _ = scales_of(chart, "y")
    assert errors["reverse"]
    assert not elsewhere["reverse"]
    assert "reverse" not in trends
    assert errors["domain"][0] < 20 < 50 < errors["domain"][1]  # all models have this scale
    assert "phone error rate, % (reversed: lower is better)" in words_of(chart)


def test_trends_of_error_rates_are_drawn_as_performance(folder, tmp_path):
    table = pd.read_csv(folder / "trends.csv")
    table.loc[table["property"] == "phone", "metric"] = "wer"
    table.to_csv(tmp_path / "trends.csv", index=False)
    metrics = {"phone": "wer", "word": "pwcca"}
    chart = task_chart(folder / "probes.csv", tmp_path / "trends.csv", "pr", ["phone", "word"], metrics, ["hubert"], {})
    drawn, table = rows_of(chart, "mean"), table[(table["model"] == "hubert")]
    for name, shown in (("phone", 1 - table["mean"]), ("word", table["mean"])):
        found = drawn.loc[drawn["series"].str.contains(name), "mean"]
        assert list(found) == pytest.approx(list(shown[table["property"] == name]), rel=1e-5)
    assert any(name.startswith("1 - ") for name in drawn["series"])


def test_heads_without_a_result_are_named(chart_of):
    assert "random (T1, the learned sum) without a result: it diverged" in words_of(chart_of("pr"))
    assert "random (T0-T4, the learned sum) without a result: it diverged" in words_of(chart_of("ic"))


def test_a_task_without_any_result_has_no_panels(chart_of):
    assert "vconcat" not in chart_of("ic").to_dict()


def test_panels_of_models_that_a_reader_does_not_choose_vanish(chart_of):
    words = words_of(chart_of("pr"), chosen=["random"])
    assert "random" in words
    assert "HuBERT" not in words


@pytest.mark.parametrize("models", [1, 12])
def test_many_models_have_rows_of_panels(folder, tmp_path, models):
    probes = dict(write_probe(tmp_path, "pr", f"m{number}", VALUES, 4, "per") for number in range(models))
    names = [f"m{number}" for number in range(models)]
    layers = dict.fromkeys(names, LAYERS["hubert"])
    collect_probes(probes, None, ["pr"], names, layers, tmp_path / "probes.csv")
    table = pd.read_csv(folder / "trends.csv")
    table = table[table["model"] == "hubert"]
    pd.concat(table.assign(model=name) for name in names).to_csv(tmp_path / "trends.csv", index=False)
    called = dict.fromkeys(names, "a title of many words that needs more lines than one")
    chart = task_chart(
        tmp_path / "probes.csv", tmp_path / "trends.csv", "pr", ["phone"], {"phone": "pwcca"}, names, called
    )
    rows = panels_of(chart)
    assert [len(row) for row in rows] == {1: [1, 1], 12: [5, 5, 5, 5, 2, 2]}[models]
    assert all("\n" in name for part in chart.to_dict()["vconcat"] for name in part["facet"]["sort"])
    assert len({tuple(scale["domain"]) for scale in scales_of(chart, "y")[::2]}) == 1
    assert len({tuple(scale["domain"]) for scale in scales_of(chart, "y")[1::2]}) == 1
    assert "a title of many" in words_of(chart)


def test_correlations_have_a_panel_per_task_and_a_mark_per_property(chart_of):
    chart = chart_of()
    assert chart.to_dict()["facet"]["sort"] == [
        *("pr\n1 - phone error rate", "pr\naccuracy, measured elsewhere", "ic\naccuracy")
    ]
    (shape, *_) = encodings_of(chart, "shape")
    assert shape["scale"]["domain"] == ["CCA-intra", "CCA-phone", "CCA-word", LEARNED]
    assert len(set(shape["scale"]["range"])) == 4
    domains = [each["scale"]["domain"] for each in encodings_of(chart, "x") if "scale" in each]
    assert domains == [[-1.05, 1.05]]
    words = words_of(chart)
    assert words.count("no number") == 4  # two layers are too few, and nothing was measured in ic
    for expected in ("HuBERT", "random", "CCA-intra", "learned weights", "Spearman's correlation over layers"):
        assert expected in words


def test_marks_lie_where_the_table_says(chart_of, folder):
    table = read_table(folder / "comparison.csv", text=["task", "source"])
    table = table[(table["task"] == "pr") & (table["source"] == "probes") & (table["model"] == "hubert")]
    table = table[table["spearman"].notna()]
    rows = rows_of(chart_of(), "spearman")
    rows = rows[(rows["panel"] == "pr\n1 - phone error rate") & (rows["model"] == "hubert")]
    for name in ("spearman", "spearman_low", "spearman_high"):
        assert sorted(rows[name]) == pytest.approx(sorted(table[name]), rel=1e-5)
    assert len(rows) == 3


def test_without_tasks_correlations_say_so(folder, tmp_path):
    table = (folder / "comparison.csv").read_text().splitlines()[:1]
    (tmp_path / "comparison.csv").write_text("\n".join(table) + "\n")
    chart = correlations(tmp_path / "comparison.csv", ["phone"], {"phone": "pwcca"}, ["hubert"], {})
    assert "No task was measured." in words_of(chart)


def test_pictures_have_the_same_bytes_each_time(chart_of, tmp_path):
    written = []
    for _ in range(2):
        files = [tmp_path / f"{name}.{kind}" for name in ("task", "all") for kind in ("svg", "png")]
        draw(chart_of("pr").to_dict(), *files[:2])
        draw(chart_of().to_dict(), *files[2:])
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
