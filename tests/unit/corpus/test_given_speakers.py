"""Who speaks, by a table: as Common Voice, Kaldi and people write it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from layerwise.corpus.given_speakers import given_speakers
from layerwise.corpus.layouts import layout_of
from layerwise.corpus.metadata_headers import metadata_columns
from layerwise.corpus.parts import Part
from layerwise.corpus.utterances import index_utterances
from layerwise.errors import LayerwiseError
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from tiny_corpus import write_audio

PATHS = {"a": "clips/a.mp3", "b": "clips/b.mp3"}


@pytest.fixture
def table(tmp_path):
    def write(content: str, name: str = "table.csv") -> Path:
        (tmp_path / name).write_text(content)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("client_id\tpath\tgender\nx1\ta.mp3\tF\n007\tb.mp3\tM\n", "validated.tsv"),  # as in Common Voice
        ("path,speaker\nclips/a,x1\nclips/b,007\n", "t.csv"),
        ("utterance_id,spk,noise\na,x1,1\nb,007,2\n", "t.csv"),
        ("a x1\nb 007\n", "utt2spk"),
    ],
)
def test_a_table_says_who_speaks(table, content, name):
    assert given_speakers(table(content, name), PATHS) == ({"a": "x1", "b": "007"}, [])


def test_a_column_of_speakers_is_no_fact_of_utterances(table):
    columns = metadata_columns([table("utterance_id,spk,noise\na,x1,1\n")])
    assert (columns["noise"], "spk" in columns) == ("utterance", False)


def test_recordings_of_nobody_are_named(table):
    found, problems = given_speakers(table("path,speaker\na,\nc,y\n"), PATHS)
    assert found == {}
    assert [(problem.utterance_id, problem.problem, problem.detail) for problem in problems] == [
        ("a", "no speaker", "its speaker in table.csv is empty"),
        ("b", "no speaker", "table.csv does not say who speaks"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,speaker\nx/y.wav,1\n", r"none of its recordings is in the corpus, which has clips/a\.mp3; .* x/y\.wav"),
        ("utterance_id,speaker\nA,1\n", "none of its utterances is in the corpus, which has a; the table has A"),
        ("utterance_id,speaker\na,1\na,2\n", "has two rows of a; each utterance has one"),
    ],
)
def test_other_tables_are_refused(table, content, message):
    with pytest.raises(LayerwiseError, match=message):
        given_speakers(table(content), PATHS)


def test_the_utterances_are_those_of_the_table(table, tmp_path, caplog):
    for name in "abc":
        write_audio(tmp_path / f"mine/clips/{name}.wav")
    index_utterances(
        tmp_path / "mine", "all", tmp_path / "u.parquet", tmp_path / "p.csv",
        layout=layout_of({"recordings": "**/{utterance}"}),
        part=Part(speakers=["x1"]),
        speakers=table("path,speaker\na.mp3,x1\nb.mp3,x2\n"),
    )  # fmt: skip
    found = pd.read_parquet(tmp_path / "u.parquet")
    assert list(found[["utterance_id", "speaker_id"]].itertuples(index=False, name=None)) == [("a", "x1")]
    (problem,) = pd.read_csv(tmp_path / "p.csv").itertuples()
    assert (problem.utterance_id, problem.problem) == ("c", "no speaker")
    assert not any("count as one speaker" in message for message in caplog.messages)


# In a configuration


def experiment(tmp_path: Path, layout: str, *tables: Path):
    (tmp_path / "mine").mkdir(exist_ok=True)
    corpus = {"name": "mine", "split": "all", "audio": str(tmp_path / "mine"), "layout": {"recordings": layout}}
    return read_experiment({"corpus": corpus | {"metadata": [str(path) for path in tables]}, "properties": ["mel"]})


def test_the_layout_comes_first(table, tmp_path):
    said = table("utterance_id,speaker\na,1\n")
    assert experiment(tmp_path, "**/{utterance}", said).metadata.of_speakers == [said]
    assert experiment(tmp_path, "**/{speaker}/{utterance}", said).metadata.of_speakers == []


def test_two_tables_that_say_it_are_refused(table, tmp_path):
    tables = table("utterance_id,speaker\na,1\n"), table("path,client_id\na,1\n", "other.csv")
    with pytest.raises(ConfigurationError, match=r"table\.csv and .*other\.csv both say who speaks; keep one"):
        experiment(tmp_path, "**/{utterance}", *tables)
