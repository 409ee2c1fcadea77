"""Heat maps of layers by layers of another model."""

from __future__ import annotations

import pytest

from charts import encodings_of, rows_of, views, words_of
from layerwise.figures.matrices import matrices
from layerwise.figures.panels import ROOM
from layerwise.figures.rendering import draw
from layerwise.scoring.properties import property_of
from layerwise.tables.matrices import read_matrices, summarise_matrices
from synthetic_scores import always_ok, write_matrix

TITLES = {"hubert": "HuBERT", "other": "Other 2.0"}


def pairs_of(title="likeness to every layer"):
    entry = {"rows": "frame", "target": {"model": "other", "layer": "all"}, "title": title}
    return property_of("pairs", entry)


@pytest.fixture
def make(tmp_path):
    """Makes the chart of the pairs of models with so many blocks; returns it and the table."""

    def run(blocks, other_blocks=4, status=always_ok, title="likeness to every layer", metric="pwcca"):
        question = pairs_of(title)
        files = write_matrix(tmp_path / "scores", "pairs", blocks, other_blocks, 1, 2, status)
        table = tmp_path / "layer_matrices.csv"
        summarise_matrices(
            files, {"pairs": ["pwcca"]}, {"pairs": question}, list(blocks), blocks, 10, "utterance", "corpus", table
        )
        return matrices(table, question, metric, list(blocks), TITLES), read_matrices(table)

    return run


def panels_of(chart):
    return chart.to_dict()["facet"]["sort"]


def size_of(chart):
    (inner,) = (view for view in views(chart.to_dict()) if "layer" in view)
    return inner["layer"][0].get("width", inner.get("width"))


def test_each_model_has_a_panel_on_one_scale(make):
    chart, table = make({"hubert": 2, "wav2vec2": 4})
    assert panels_of(chart) == ["HuBERT", "wav2vec2"]
    rows, keys = rows_of(chart), ["model", "layer", "other_layer"]
    found, expected = rows.set_index(keys)["mean"], table.set_index(keys)["mean"]
    assert len(rows[rows["model"] == "hubert"]) == 3 * 5
    assert found.to_dict() == pytest.approx(expected.to_dict(), rel=1e-5)
    (colour,) = (each["scale"] for each in _conditions(chart) if "scale" in each)
    assert colour["domain"] == [rows["mean"].min(), rows["mean"].max()]
    words = words_of(chart)
    for expected in ("CCA-pairs: likeness to every layer", "layer of Other 2.0", "HuBERT"):
        assert expected in words
    assert "projection-weighted" in words  # beside the bar of colours


def _conditions(chart):
    return [each for found in encodings_of(chart, "color") for each in [found, *_listed(found.get("condition"))]]


def _listed(condition):
    return condition if isinstance(condition, list) else [condition] if condition else []


def test_layers_go_upwards_from_the_input(make):
    chart, _ = make({"hubert": 2})
    (across, *_), (up, *_) = (encodings_of(chart, channel) for channel in "xy")
    assert across["sort"] == ["T0", "T1", "T2", "T3", "T4"]
    assert up["sort"] == ["T2", "T1", "T0"]


@pytest.mark.parametrize(("blocks", "named", "written"), [(12, 13, True), (24, 13, False), (48, 13, False)])
def test_layers_are_named_as_far_as_there_is_room(make, blocks, named, written):
    chart, _ = make({"hubert": blocks}, blocks)
    expected = [f"T{i}" for i in range(0, blocks + 1, -(-(blocks + 1) // 16))]
    assert len(expected) == named
    words = words_of(chart).split()
    assert [words.count(f"T{i}") for i in range(blocks + 1)] == [2 * (f"T{i}" in expected) for i in range(blocks + 1)]
    assert ("0.88" in words) == written
    assert size_of(chart) < ROOM


@pytest.mark.parametrize("models", [1, 3, 4, 12])
def test_many_models_have_panels_in_rows(make, models):
    chart, _ = make({f"model-{number}": 2 for number in range(models)})
    assert len(panels_of(chart)) == models
    assert chart.to_dict()["columns"] == min(models, 7)  # of 125 pixels each
    words = words_of(chart)
    assert all(f"model-{number}" in words for number in range(models))


def test_models_that_a_reader_does_not_choose_have_no_panel(make):
    words = words_of(make({"hubert": 2, "wav2vec2": 2})[0], chosen=["wav2vec2"])
    assert "wav2vec2" in words
    assert "HuBERT" not in words


def test_skipped_and_flagged_pairs_are_marked(make):
    def status(property_name, model, layers):
        return {"T1 T1": ("flagged", "kept 3 of 48"), "T2 T0": ("skipped", "too few")}.get(layers, ("ok", ""))

    chart, _ = make({"hubert": 2}, status=status)
    rows = rows_of(chart)
    missing = rows[rows["mean"].isna()]
    assert missing[["layer", "other_layer"]].to_numpy().tolist() == [["T2", "T0"]]
    words = words_of(chart)
    assert "× skipped" in words
    assert "* flagged" in words
    (flagged,) = rows.loc[rows["status"] == "flagged", "mean"]
    assert {"×", f"{flagged:.2f}*"} <= set(words.split())


def test_of_large_matrices_only_marks_are_written(make):
    def status(property_name, model, layers):
        return ("flagged", "kept 3 of 48") if layers == "T1 T1" else ("ok", "")

    words = words_of(make({"hubert": 20}, 20, status)[0]).split()
    assert words.count("*") == 2  # in the cell and where it is explained


def test_where_all_was_skipped_the_reason_stands_instead(make):
    words = words_of(make({"hubert": 2, "wav2vec2": 2}, status=lambda *_: ("skipped", "nobody speaks twice"))[0])
    assert "HuBERT, wav2vec2 skipped: nobody speaks twice" in words
    assert "CCA-pairs" in words


def test_a_model_that_was_skipped_has_no_panel_and_a_note(make):
    def status(property_name, model, layers):
        return ("skipped", "too few") if model == "wav2vec2" else ("ok", "")

    chart, _ = make({"hubert": 2, "wav2vec2": 2}, status=status)
    assert panels_of(chart) == ["HuBERT"]
    assert "wav2vec2 skipped: too few" in words_of(chart)


def test_a_metric_that_nothing_has_says_so(make):
    assert "No layer has a score of svcca." in words_of(make({"hubert": 2}, metric="svcca")[0])


def test_one_layer_beside_one_layer(make):
    assert len(rows_of(make({"hubert": 1}, 1)[0])) == 4


def test_long_titles_are_broken_into_lines(make):
    chart, _ = make({"hubert": 2}, title="every layer of another model, " * 6)
    lines = chart.to_dict()["title"]["text"]
    assert len(lines) > 2
    assert max(map(len, lines)) < 60


def test_pictures_have_the_same_bytes_each_time(make, tmp_path):
    written = []
    for _ in range(2):
        files = [tmp_path / "plot.svg", tmp_path / "plot.png"]
        draw(make({"hubert": 3})[0].to_dict(), *files)
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
    assert written[0][1].startswith(b"\x89PNG")
