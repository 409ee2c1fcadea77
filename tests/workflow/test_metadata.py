"""Tables of speakers: LibriSpeech's lies in its audio, and is taken from there when a question needs it."""

from __future__ import annotations

import pytest
import yaml

from tiny_corpus import write_archive

SPEAKERS = b"; ID: of LibriVox\n;ID  |SEX| SUBSET |MINUTES| NAME\n14   | F | dev-clean | 8.02 | Somebody\n"
TABLE = "results/own/corpus/SPEAKERS.TXT"


@pytest.fixture
def configuration(tmp_path) -> str:
    files = {"LibriSpeech/SPEAKERS.TXT": SPEAKERS, "LibriSpeech/dev-clean/14/1/14-1-0000.flac": b"fLaC"}
    audio = write_archive(tmp_path / "audio.tar.gz", files)
    corpus = {"name": "librispeech", "audio": str(audio), "alignments": str(tmp_path), "word_list": ["dev-clean"]}
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump({"experiment": "own", "models": ["random-wav2vec2-tiny"], "corpus": corpus}))
    return str(path)


def test_it_is_taken_from_the_audio(fresh, configuration):
    run = fresh.snakemake("--cores", "1", TABLE, configfile=configuration)
    assert run.returncode == 0, run.output
    assert (fresh / TABLE).read_bytes() == SPEAKERS
    assert not list((fresh / "resources/corpora").rglob("*.flac"))
    assert fresh.plan(TABLE, configfile=configuration).jobs == {}


def test_nothing_else_is_made_for_it(checkout, configuration):
    assert checkout.plan(TABLE, configfile=configuration).jobs == {"lend_audio": 1, "take_speakers": 1}
    assert "take_speakers" not in checkout.plan("extract", configfile=configuration).jobs


def test_a_corpus_that_knows_nothing_of_its_speakers_has_no_gender(checkout, configuration):
    run = checkout.snakemake("-n", "--config", "corpus={metadata: []}", "properties=[gender]", configfile=configuration)
    assert run.returncode != 0
    assert (
        "properties.gender.target.label: 'gender' is not a column of utterance rows or of corpus.metadata" in run.output
    )
