"""Tables of segments in a configuration: what they are called, and which columns their questions may name."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from layerwise.experiment.configuration import layering, schema
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError

read_once = functools.cache(schema.read_yaml)


@pytest.fixture(autouse=True)
def _read_once(monkeypatch):
    for module in (layering, schema):
        monkeypatch.setattr(module, "read_yaml", read_once)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The working directory, with tables."""
    (tmp_path / "stresses.csv").write_text("utterance_id,start,end,stress,f1\nu,0,1,A,2\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/stresses.tsv").write_text("utterance_id\tstart\tend\tlabel\nu\t0\t1\tA\n")
    (tmp_path / "short.csv").write_text("utterance_id,begin,end\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(*entries: dict) -> dict:
    own = {f"my-{number}": entry for number, entry in enumerate(entries)}
    return {"properties": list(own), "extra_properties": own}


def test_tables_are_called_as_their_files():
    entries = [
        {"rows": {"segments": path}, "target": {"label": label}}
        for path, label in [
            ("stresses.csv", "stress"),
            ("other/stresses.tsv", "label"),
            ("./stresses.csv", "gender"),
        ]
    ]
    properties = read_experiment(config(*entries)).properties
    names = [question.rows.of for question in properties.values()]
    assert names[0] == names[2] == "stresses"
    assert re.fullmatch("stresses-[0-9a-f]{6}", names[1])
    assert [question.rows.table for question in properties.values()] == [entry["rows"]["segments"] for entry in entries]


@pytest.mark.parametrize(
    ("rows", "target"),
    [
        ({"segments": "stresses.csv"}, {"label": "stress"}),
        ({"segments": "stresses.csv"}, {"label": "speaker_id"}),
        ({"segments": "stresses.csv"}, {"label": "voice"}),  # of the demo's speakers
        ({"segments": "stresses.csv"}, {"columns": ["f1", "warp", "duration"]}),
        ("word", {"label": "gender"}),
        ("phone", {"label": "label"}),
        ("utterance", {"columns": ["duration"]}),
        ("frame", {"label": "gender"}),
    ],
)
def test_columns_of_the_table_and_of_the_corpus_may_be_named(rows, target):
    assert list(read_experiment(config({"rows": rows, "target": target})).properties) == ["my-0"]


@pytest.mark.parametrize(
    ("rows", "target", "message"),
    [
        ("nowhere.csv", {"label": "x"}, "rows.segments: nowhere.csv does not exist; a file is expected"),
        ("short.csv", {"label": "x"}, "rows.segments: short.csv has no column start"),
        ("{x}.csv", {"label": "x"}, "rows.segments: found {x}.csv; Snakemake takes curly brackets"),
        (
            "stresses.csv",
            {"label": "stres"},
            "target.label: 'stres' is not a column of stresses.csv or of corpus.metad",
        ),
        ("stresses.csv", {"label": "label"}, "target.label: 'label' is not a column of stresses.csv"),
        ("stresses.csv", {"columns": ["f1", "f2"]}, "target.columns: 'f2' is not a column of stresses.csv"),
        (
            None,
            {"label": "gendr"},
            "target.label: 'gendr' is not a column of word rows or of corpus.metadata (did you m",
        ),
    ],
)
def test_what_is_not_there_is_refused(rows, target, message):
    rows = "word" if rows is None else {"segments": rows}
    with pytest.raises(ConfigurationError) as caught:
        read_experiment(config({"rows": rows, "target": target}))
    lines = re.findall(r"^  - extra_properties\.my-0\.(.+)$", str(caught.value), re.MULTILINE)
    assert any(line.startswith(message) for line in lines), lines
