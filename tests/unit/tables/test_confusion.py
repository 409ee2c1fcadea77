"""Which labels are taken for which others, in a table and in charts."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from charts import encodings_of, views, words_of
from layerwise.figures.confusion import MOST, WRITTEN, confusions
from layerwise.files.own_files import RereadError
from layerwise.probes.predictions import join_predictions, read_predictions, write_predictions
from layerwise.tables.confusion import read_confusions, tabulate_confusions
from layerwise.tables.probes import collect_probes
from synthetic_probes import write_probe

SAID = [("on", "lamp"), ("on", "fan"), ("off", "lamp"), ("off", "lamp")]
HEADS = {
    "T0": [("on", "lamp")] * 4,
    "T1": SAID,
    "T2": [("on", "fan"), ("on", "fan"), ("off", "lamp"), ("on", "lamp")],
    "weighted": SAID,
}
COLUMNS = {"intent": ["action", "object"]}


def write(path, said=SAID, heads=HEADS):
    items = pd.DataFrame({"item_id": [f"u{i}" for i in range(len(said))], "target": list(map(list, said))})
    items = items.assign(speaker_id="s", part="test")
    errors = {name: [int(a != b) for a, b in zip(said, found, strict=True)] for name, found in heads.items()}
    write_predictions(items, {name: (heads[name], errors[name], [1] * len(said)) for name in heads}, path)
    return path


def test_predictions_come_back_as_they_were_and_join_in_order(tmp_path):
    parts = [
        write(tmp_path / f"{name}.parquet", heads={head: HEADS[head] for head in heads})
        for name, heads in (("one", ["T0", "T1"]), ("two", ["T2", "weighted"]))
    ]
    join_predictions(parts, tmp_path / "joined.parquet")
    write(tmp_path / "whole.parquet")
    assert (tmp_path / "joined.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    found = read_predictions(tmp_path / "whole.parquet")
    assert list(found["layer"].unique()) == list(HEADS)
    mine = found[found["layer"] == "T2"]
    assert [tuple(answer) for answer in mine["answered"]] == HEADS["T2"]
    assert list(mine["errors"]) == [1, 0, 0, 1]


def test_pairs_are_counted_for_each_column(tmp_path):
    tabulate_confusions({("intent", "a"): write(tmp_path / "a.parquet")}, COLUMNS, tmp_path / "confusion.csv")
    table = read_confusions(tmp_path / "confusion.csv")
    assert list(dict.fromkeys(table["layer"])) == list(HEADS)
    for layer, answers in HEADS.items():
        for place, column in enumerate(COLUMNS["intent"]):
            expected = Counter((said[place], answer[place]) for said, answer in zip(SAID, answers, strict=True))
            mine = table[(table["layer"] == layer) & (table["column"] == column)]
            assert dict(zip(zip(mine["said"], mine["answered"], strict=True), mine["n"], strict=True)) == expected


def test_without_labels_the_table_has_no_rows(tmp_path):
    tabulate_confusions({}, {}, tmp_path / "confusion.csv")
    assert read_confusions(tmp_path / "confusion.csv").empty


def test_predictions_of_another_task_are_refused(tmp_path):
    path = write(tmp_path / "a.parquet")
    with pytest.raises(RereadError, match="other than 1 labels in column said"):
        tabulate_confusions({("intent", "a"): path}, {"intent": ["action"]}, tmp_path / "confusion.csv")


@pytest.fixture
def chart_of(tmp_path):
    """The chart of what models answered, the best block of `a` being T2."""

    def run(files, columns=COLUMNS, values=None):
        tabulate_confusions(files, columns, tmp_path / "confusion.csv")
        values = values or {"a": {"T0": 0.9, "T1": 0.4, "T2": 0.5, "weighted": 0.8}}
        probes = dict(write_probe(tmp_path, "intent", model, found, 2) for model, found in values.items())
        layers = {model: ["T0", "T1", "T2"] for model in values}
        collect_probes(probes, None, ["intent"], list(values), layers, tmp_path / "probes.csv")
        tables = tmp_path / "confusion.csv", tmp_path / "probes.csv"
        return confusions(*tables, "intent", list(values), {"a": "Model A"})

    return run


def shares_of(chart):
    """Shares and counts of what is drawn, by panel."""
    rows = pd.concat(pd.DataFrame(rows) for rows in chart.to_dict()["datasets"].values())
    return {
        panel.replace("\n", " "): {(row.said, row.answered): (row.share, row.n) for row in group.itertuples()}
        for panel, group in rows.groupby("panel", sort=False)
    }


def has_text(chart):
    return any(isinstance(mark := view.get("mark"), dict) and mark["type"] == "text" for view in views(chart.to_dict()))


def test_the_best_block_is_drawn_as_shares_of_what_was_said(chart_of, tmp_path):
    chart = chart_of({("intent", "a"): write(tmp_path / "a.parquet")})
    assert shares_of(chart) == {
        "Model A, T2: action": {("off", "off"): (0.5, 1), ("off", "on"): (0.5, 1), ("on", "on"): (1, 2)},
        "Model A, T2: object": {
            **{("fan", "fan"): (1, 1), ("lamp", "fan"): (pytest.approx(1 / 3, rel=1e-5), 1)},
            ("lamp", "lamp"): (pytest.approx(2 / 3, rel=1e-5), 2),
        },
    }
    words = words_of(chart)
    for expected in ("intent: said and answered", "fan", "lamp", "share of what was said"):
        assert expected in words
    assert has_text(chart)
    assert {each["scale"]["domain"][1] for each in encodings_of(chart, "color") if "scale" in each} == {1}


def test_of_very_many_labels_those_are_drawn_that_are_confused_most(chart_of, tmp_path):
    names = [f"label {number:03}" for number in range(90)]
    said = [(name,) for name in names for _ in range(2)]
    wrong = {f"label {number:03}": f"label {(number + 1) % 50:03}" for number in range(50)}
    answers = [(wrong.get(name, name),) if i % 2 else (name,) for i, (name,) in enumerate(said)]
    heads = dict.fromkeys(HEADS, answers)
    chart = chart_of({("intent", "a"): write(tmp_path / "a.parquet", said, heads)}, {"intent": ["word"]})
    (shares,) = shares_of(chart).values()
    (across, *_) = encodings_of(chart, "x")
    assert len(across["scale"]["domain"]) == MOST
    assert [shares[label, label][0] for label in across["scale"]["domain"]] == [0.5] * MOST
    words = words_of(chart)
    assert f"word: of more labels, the {MOST} that are confused most" in words
    assert "label 055" not in words
    assert not has_text(chart)


@pytest.mark.parametrize("labels", [WRITTEN, WRITTEN + 1])
def test_numbers_are_written_while_there_is_room(chart_of, tmp_path, labels):
    said = [(f"label {number}",) for number in range(labels)]
    heads = dict.fromkeys(HEADS, said)
    chart = chart_of({("intent", "a"): write(tmp_path / "a.parquet", said, heads)}, {"intent": ["word"]})
    assert has_text(chart) == (labels == WRITTEN)


def test_models_without_a_result_are_left_out(chart_of, tmp_path):
    files = {("intent", model): write(tmp_path / f"{model}.parquet") for model in "ab"}
    nothing = dict.fromkeys(HEADS)
    chart = chart_of(files, values={"a": {"T1": 0.4}, "b": nothing})
    assert list(shares_of(chart)) == ["Model A, T1: action", "Model A, T1: object"]
    chart = chart_of(files, values={"a": nothing, "b": nothing})
    assert "No head of intent has a result." in words_of(chart)


def test_models_that_a_reader_does_not_choose_have_no_panel(chart_of, tmp_path):
    files = {("intent", model): write(tmp_path / f"{model}.parquet") for model in "ab"}
    chart = chart_of(files, values={"a": {"T1": 0.4}, "b": {"T1": 0.3}})
    words = words_of(chart, chosen=["b"])
    assert "b, T1: action" in words
    assert "Model A" not in words
