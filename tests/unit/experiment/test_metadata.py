"""`corpus.metadata` in a configuration: what it means, and what is refused before any job."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from layerwise.corpus.metadata_headers import OF_CORPUS
from layerwise.experiment.configuration import layering, schema
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.files.shipped import ROOT

read_once = functools.cache(schema.read_yaml)


@pytest.fixture(autouse=True)
def _read_once(monkeypatch):
    for module in (layering, schema):
        monkeypatch.setattr(module, "read_yaml", read_once)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The working directory, with tables."""
    (tmp_path / "speakers.csv").write_text("speaker_id,age\n9001,30\n")
    (tmp_path / "noise.tsv").write_text("utterance_id\tnoise\nu\t0.5\n")
    (tmp_path / "twice.csv").write_text("speaker_id,age\n9001,30\n9001,31\n")
    (tmp_path / "segments.csv").write_text("utterance_id,start,end,stress\nu,0,1,A\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(metadata: object) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_experiment({"corpus": {"metadata": metadata}})
    return re.findall(r"^  - (.+)$", str(caught.value), re.MULTILINE)


def test_the_demo_knows_its_speakers():
    experiment = read_experiment({})
    assert experiment.metadata.paths == [ROOT / "resources/demo/speakers.csv"]
    assert experiment.metadata.columns == OF_CORPUS | dict.fromkeys(("gender", "voice", "warp"), "speaker")


@pytest.mark.parametrize(
    ("given", "files", "columns"),
    [
        ("speakers.csv", ["speakers.csv"], {"age": "speaker"}),
        (["speakers.csv", "noise.tsv"], ["speakers.csv", "noise.tsv"], {"age": "speaker", "noise": "utterance"}),
        ([], [], {}),
    ],
)
def test_what_the_configuration_says_replaces_the_catalogue(given, files, columns):
    experiment = read_experiment({"corpus": {"metadata": given}})
    assert experiment.metadata.paths == [Path(file) for file in files]
    assert experiment.metadata.columns == OF_CORPUS | columns


def test_librispeech_has_its_table_in_the_audio(folder):
    librispeech = {"name": "librispeech"}
    experiment = read_experiment({"corpus": librispeech, "properties": ["phone", "gender", "speaker"]})
    assert (experiment.metadata.paths, experiment.metadata.in_audio) == ([], "SPEAKERS.TXT")
    assert experiment.metadata.joined == dict.fromkeys(("gender", "subset", "minutes", "name"), "speaker")
    assert [name for name in experiment.properties if experiment.needs_metadata(name)] == ["gender"]
    named = read_experiment({"corpus": librispeech | {"metadata": "speakers.csv"}})
    assert (named.metadata.paths, named.metadata.in_audio) == ([Path("speakers.csv")], None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.csv", "corpus.metadata: nowhere.csv does not exist; a file is expected"),
        (".", "corpus.metadata: . is a folder; a file is expected"),
        ("https://a/b.csv", "corpus.metadata: https://a/b.csv is an address; a file on this machine is expected"),
        (["noise.tsv", "noise.tsv"], "corpus.metadata: 'noise.tsv' stands there 2 times"),
        ("segments.csv", "corpus.metadata: segments.csv: column start is one of the corpus itself too"),
        (["speakers.csv", "twice.csv"], "corpus.metadata: twice.csv: column age is one of speakers.csv too"),
        ("twice.csv", "corpus.metadata: twice.csv has two rows of 9001"),
        (7, "corpus.metadata: found 7; must be string or array or null"),
        ([7], "corpus.metadata.0: found 7; must be string"),
        ("{a}.csv", "corpus.metadata.0: found {a}.csv; Snakemake takes curly brackets"),
    ],
)
def test_wrong_tables_are_refused(given, message):
    assert message in lines(given)[0]


@pytest.mark.parametrize(("metadata", "columns"), [(None, {"gender", "age"}), ([], set())])
def test_kaldis_folder_says_what_is_known_of_speakers(metadata, columns, folder):
    for name, value in (("spk2gender", "m"), ("spk2age", "30"), ("spk2utt", "u"), ("wav.scp", "a.wav")):
        (folder / "train").mkdir(exist_ok=True)
        (folder / "train" / name).write_text(f"s {value}\n")
    corpus = {"name": "mine", "split": "train", "audio": str(folder), "layout": "kaldi", "metadata": metadata}
    experiment = read_experiment({"corpus": corpus, "properties": ["mel"]})
    assert set(experiment.metadata.joined) == columns
