"""`extra_properties` in a configuration: what is refused before any job, by name."""

from __future__ import annotations

import functools
import gzip
import os
import re

import pytest

from layerwise.experiment.configuration import layering, schema
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError

WORDS = {"rows": "word", "target": {"label": "label"}}
FRAMES_OF_HUBERT = {"rows": "frame", "target": {"model": "random-hubert-tiny"}}
read_once = functools.cache(schema.read_yaml)


@pytest.fixture(autouse=True)
def _read_once(monkeypatch):
    for module in (layering, schema):
        monkeypatch.setattr(module, "read_yaml", read_once)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """The working directory, with a table whose columns have names of the corpus's."""
    (tmp_path / "own.csv").write_text("utterance_id,start,end,label,text\nu,0,1,3,4\n")
    monkeypatch.chdir(tmp_path)


def config(entry: dict, name: str = "mine", **more) -> dict:
    return {"models": ["random-wav2vec2-tiny"], "properties": [name], "extra_properties": {name: entry}} | more


def refusal(given: dict) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_experiment(given)
    return re.findall(r"^  - (.+)$", str(caught.value), re.MULTILINE)


@pytest.mark.parametrize("key", ["title", "called"])
@pytest.mark.parametrize("said", ["two\nlines", " ", "\x1b[31mred", "\u202ebackwards"])
def test_a_title_is_a_line_of_text(key, said):
    assert refusal(config(WORDS | {key: said})) == [
        f"extra_properties.mine.{key}: found {said!r}; a line of text is expected"
    ]
    assert read_experiment(config(WORDS | {key: "Wörter, 单词"})).properties


def test_names_differ_in_more_than_case():
    assert refusal(config(WORDS, "Phone")) == [
        "extra_properties.Phone: it differs from phone in case alone; choose another name"
    ]
    both = {"extra_properties": {"mine": WORDS, "MINE": WORDS}}
    assert refusal(config(WORDS) | both) == [
        "extra_properties.MINE: it differs from mine in case alone; choose another name"
    ]


@pytest.mark.parametrize("layer", ["T99", "C9"])
def test_a_layer_that_no_model_has_is_refused(layer):
    entry = {"rows": "frame", "target": {"layer": layer}}
    (line,) = refusal(config(entry))
    assert line == (
        f"extra_properties.mine.target.layer: no model of this experiment has {layer}: random-wav2vec2-tiny has C1 to "
        "C7 and T0 to T4"
    )


def test_a_model_without_the_layer_is_not_asked():
    entry = {"rows": "frame", "target": {"layer": "T5"}}
    experiment = read_experiment(config(entry, models=["random-wav2vec2-tiny", "demo-hubert-1"]))
    assert experiment.layers("mine", "random-wav2vec2-tiny") == []
    assert experiment.layers("mine", "demo-hubert-1") == [f"T{number}" for number in range(7)]


def test_a_conv_layer_that_the_other_model_lacks_is_refused():
    entry = {"rows": "frame", "target": {"model": "random-hubert-tiny", "layer": "C9"}}
    (line,) = refusal(config(entry, models=["random-wav2vec2-tiny", "random-hubert-tiny"]))
    assert line.startswith("extra_properties.mine.target.layer: random-hubert-tiny has no C9; it has C1 to C")


def test_a_model_alone_is_not_compared_with_itself():
    (line,) = refusal(config(FRAMES_OF_HUBERT, models=["random-hubert-tiny"]))
    assert line == (
        "extra_properties.mine.target.model: random-hubert-tiny would be compared with itself only, which tells "
        "nothing: add another to models, or ask for layer: all"
    )
    every = {"rows": "frame", "target": {"model": "random-hubert-tiny", "layer": "all"}}
    assert read_experiment(config(every, models=["random-hubert-tiny"])).properties


def test_a_column_stands_there_once():
    entry = {"rows": "word", "target": {"columns": ["start", "end", "start"]}}
    assert refusal(config(entry)) == ["extra_properties.mine.target.columns: 'start' stands there 2 times"]


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        ("word", "label"),
        ("utterance", "speaker_id"),
        ("frame", "text"),
        ({"segments": "own.csv"}, "speaker_id"),
        ({"segments": "own.csv"}, "chapter_id"),
    ],
)
def test_names_are_no_numbers(rows, column):
    assert refusal(config({"rows": rows, "target": {"columns": [column]}})) == [
        f"extra_properties.mine.target.columns: {column} holds text, and numbers are expected; {{label: {column}}} "
        "takes its values as names"
    ]


@pytest.mark.parametrize("column", ["label", "text"])
def test_own_columns_may_hold_numbers_whatever_they_are_called(column):
    entry = {"rows": {"segments": "own.csv"}, "target": {"columns": [column]}}
    assert read_experiment(config(entry)).properties


def test_own_folds_need_as_many_speakers():
    entry = {"rows": "phone", "target": {"label": "label"}, "folds_by": "speaker"}
    assert refusal(config(entry, cca={"folds": 20})) == [
        "extra_properties.mine.folds_by: found speaker; the 18 speakers of a sample set cannot fill 20 folds: "
        "cca.folds must be at most 18"
    ]
    assert read_experiment(config(entry, cca={"folds": 18})).properties


@pytest.mark.parametrize("of_cca", [True, False])
@pytest.mark.parametrize(
    ("rows", "label", "by", "right"),
    [
        ("utterance", "speaker_id", "speaker", "row or utterance"),
        ("frame", "utterance_id", "utterance", "row"),
        ("phone", "utterance_id", "speaker", "row"),
    ],
)
def test_who_speaks_is_not_asked_where_folds_keep_speakers_together(of_cca, rows, label, by, right):
    entry = {"rows": rows, "target": {"label": label}}
    given = config(entry, cca={"folds_by": by}) if of_cca else config(entry | {"folds_by": by})
    said = ", which cca.folds_by says" if of_cca else ""
    assert refusal(given) == [
        f"extra_properties.mine.folds_by: found {by}{said}; all rows of a {label} are then in one fold, so that none "
        f"of those that are scored was learned: folds_by must be {right}"
    ]
    assert read_experiment(config(entry | {"folds_by": "row"}, cca={"folds_by": by})).properties


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("nowhere.csv", "does not exist; a file is expected"),
        (".", "is a folder; a file is expected"),
        ("pipe", "is a pipe; a file is expected"),
        ("https://a/b.csv", "is an address; a file on this machine is expected: download it first"),
    ],
)
def test_what_is_no_file_is_called_what_it_is(path, found):
    os.mkfifo("pipe")
    entry = {"rows": {"segments": path}, "target": {"label": "label"}}
    assert refusal(config(entry)) == [f"extra_properties.mine.rows.segments: {path} {found}"]
    (line,) = refusal({"corpus": {"metadata": path}})
    assert line == f"corpus.metadata: {path} {found}"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read():
    os.chmod("own.csv", 0)
    (line,) = refusal(config({"rows": {"segments": "own.csv"}, "target": {"label": "label"}}))
    assert line == "extra_properties.mine.rows.segments: own.csv may not be read; change its permissions (chmod u+r)"


def test_accents_of_columns_may_be_written_in_two_ways():
    with open("own.csv", "w") as file:
        file.write("utterance_id,start,end,h\u00f6he\nu,0,1,3\n")
    for target in ({"label": "ho\u0308he"}, {"columns": ["ho\u0308he"]}):
        experiment = read_experiment(config({"rows": {"segments": "own.csv"}, "target": target}))
        assert "h\u00f6he" in str(experiment.entries["mine"]["target"])


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (gzip.compress(b"utterance_id,start,end\n", mtime=0), "it is packed (gzip); unpack it first"),
        (b"PK\x03\x04", "it is a zip, as the files of spreadsheets (.xlsx, .ods) are; save the table as CSV"),
    ],
    ids=["gzip", "zip"],
)
def test_packed_tables_are_called_packed(content, found):
    with open("packed", "wb") as file:
        file.write(content)
    (line,) = refusal(config({"rows": {"segments": "packed"}, "target": {"label": "label"}}))
    assert line == f"extra_properties.mine.rows.segments: packed is no text: {found}"
    assert refusal({"corpus": {"metadata": "packed"}}) == [f"corpus.metadata: packed is no text: {found}"]
