"""What every head reached, in one table."""

from __future__ import annotations

import json

import numpy as np
import pytest

from layerwise.files.own_files import RereadError
from layerwise.tables.probes import MalformedProbeError, collect_probes, read_probes
from synthetic_probes import write_probe

LAYERS = {"b": ["T0", "T1", "T2"], "a": ["T0", "T1"]}


@pytest.fixture
def collect(tmp_path):
    def run(*files, external=None, tasks=("pr", "ic")):
        out = tmp_path / "probes.csv"
        collect_probes(dict(files), external, list(tasks), list(LAYERS), LAYERS, out)
        return read_probes(out)

    return run


def test_rows_stand_in_the_order_of_tasks_models_and_depth(tmp_path, collect):
    values = {"weighted": 0.3, "T1": 0.2, "T0": 0.1}
    files = [
        write_probe(tmp_path, "ic", "a", values, 1),
        write_probe(tmp_path, "pr", "a", values, 1, "per"),
        write_probe(tmp_path, "pr", "b", values | {"T2": 0.4}, 2, "per", weights={"T0": 0.5, "T1": 0.3, "T2": 0.2}),
    ]
    external = tmp_path / "external.csv"
    external.write_text("task,model,layer,metric,value\nother,b,T2,wer,0.25\nic,a,T1,accuracy,0.75\n")
    table = collect(*files, external=external)
    heads = list(zip(table["task"], table["source"], table["model"], table["layer"], strict=True))
    assert heads == [
        *(("pr", "probes", "b", layer) for layer in ("T0", "T1", "T2", "weighted")),
        *(("pr", "probes", "a", layer) for layer in ("T0", "T1", "weighted")),
        *(("ic", "probes", "a", layer) for layer in ("T0", "T1", "weighted")),
        ("ic", "external", "a", "T1"),
        ("other", "external", "b", "T2"),
    ]
    assert table["value"].tolist()[:4] == [0.1, 0.2, 0.4, 0.3]
    assert table["weight"].tolist()[:3] == [0.5, 0.3, 0.2]
    assert np.isnan(table["weight"][3])
    assert table["depth"].tolist()[:3] == [0, 0.5, 1]
    last = table.iloc[-1]
    assert (last["value"], last["layer_index"], last["depth"], last["status"]) == (0.25, 2, 1, "ok")
    assert np.isnan(last["low"])


def test_no_probes_make_an_empty_table(collect):
    table = collect(tasks=())
    assert len(table) == 0
    assert list(table.columns)[:4] == ["task", "source", "model", "layer"]


def test_a_head_without_a_result_keeps_its_reason(tmp_path, collect):
    table = collect(write_probe(tmp_path, "ic", "a", {"T0": 0.5, "T1": None}, 1))
    assert table["status"].tolist() == ["ok", "skipped"]
    assert table["reason"].tolist() == ["", "it diverged"]
    assert np.isnan(table["value"][1])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("task,model", "tusk,model", "lacks the column task"),
        (",accuracy,", ",f1,", "metric 'f1' is none of accuracy, per, wer"),
        (",T1,", ",T7,", "T7: a has no such layer"),
        (",T1,1,", ",T0,0,", "two rows of ic, probes, a, T0, accuracy"),
        ("ic,a,", "intent,a,", "task intent in a probe's file is not part of this experiment"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path, collect, old, new, message):
    table, weights = write_probe(tmp_path, "ic", "a", {"T0": 0.5, "T1": 0.6}, 1)
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(MalformedProbeError, match=message):
        collect((table, weights))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",T1,1,1.0,", ",T1,1,0.0,", "a depth that no layer has"),
        (",T1,1,1.0,", ",T1,1,1e-300,", "a depth that no layer has"),
        (",10,300,", ",10.5,300,", "no whole number from 0 in column test_speakers"),
        (",T1,1,", ",T1,-1,", "no whole number from 0 in column layer_index"),
    ],
)
def test_a_table_with_impossible_numbers_is_refused(tmp_path, collect, old, new, message):
    collect(write_probe(tmp_path, "ic", "a", {"T0": 0.5, "T1": 0.6}, 1))
    path = tmp_path / "probes.csv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(RereadError, match=message):
        read_probes(path)


def test_weights_that_are_no_json_are_refused(tmp_path, collect):
    table, weights = write_probe(tmp_path, "ic", "a", {"T0": 0.5, "T1": 0.6}, 1)
    for text in ("{", json.dumps({"softmax": {}})):
        weights.write_text(text)
        with pytest.raises(MalformedProbeError, match="not what a probe job writes"):
            collect((table, weights))


def test_a_value_that_is_missing_without_a_reason_is_refused(tmp_path, collect):
    table, weights = write_probe(tmp_path, "ic", "a", {"T0": 0.5, "T1": None}, 1)
    table.write_text(table.read_text().replace("skipped", "ok"))
    with pytest.raises(MalformedProbeError, match="T1: is ok but has no value"):
        collect((table, weights))
