"""Tiers as a corpus has them: of phones only, of words only, under any name."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pytest

from layerwise.alignments.index import index_alignments
from layerwise.alignments.sources import find_alignments
from layerwise.alignments.tiers import AlignmentError
from layerwise.alignments.word_ranking import rank_words
from layerwise.corpus.layouts import layout_of
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from tiny_corpus import MARKS, PHONE_SETS, label_file_timit, textgrid_long, write_files, write_utterances_table

# As WebMAUS names them.
WEBMAUS = textgrid_long(
    [
        ("ORT-MAU", [(0.0, 0.25, "<p:>"), (0.25, 1.0, "Öl")]),
        ("KAN-MAU", [(0.0, 0.25, "<p:>"), (0.25, 1.0, "2:l")]),
        ("MAU", [(0.0, 0.25, "<p:>"), (0.25, 0.5, "2:"), (0.5, 1.0, "l")]),
    ]
)
PHONES = [("2:", 0.25), ("l", 0.5)]


def index(folder: Path, files: dict[str, str], tiers: object, phones: str = "keep") -> list[tuple[str, str, float]]:
    """(tier, label, start) of the intervals of a corpus whose layout names these tiers."""
    folder.mkdir(exist_ok=True)
    source = write_files(folder / "grids", files)
    utterances = write_utterances_table(folder / "utterances.parquet", {Path(name).stem: 1.0 for name in files})
    entry = {"recordings": "**/{utterance}"} | ({} if tiers is None else {"tiers": tiers})
    index_alignments(
        source, "all", utterances, folder / "i.parquet", folder / "p.csv",
        layout=layout_of(entry), phones=PHONE_SETS[phones], marks=MARKS,
    )  # fmt: skip
    table = pd.read_parquet(folder / "i.parquet")
    return list(table[["tier", "label", "start"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("names", ["MAU", ["MAU"], "mau", "M*", ["phones", "MAU"], "MAU*"])
def test_a_tier_of_phones_alone_is_a_corpus_without_words(names, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        found = index(tmp_path, {"a.TextGrid": WEBMAUS}, {"phone": names})
    assert found == [("phone", *phone) for phone in PHONES]
    assert pd.read_csv(tmp_path / "p.csv").empty
    assert not any(message.startswith("words:") for message in caplog.messages)


def test_a_tier_of_words_alone_is_a_corpus_without_phones(tmp_path):
    assert index(tmp_path, {"a.TextGrid": WEBMAUS}, {"word": "ORT-MAU"}) == [("word", "öl", 0.25)]
    assert pd.read_csv(tmp_path / "p.csv").empty


def test_label_files_of_phones_need_none_of_words(tmp_path):
    found = index(tmp_path, {"a.phn": label_file_timit([(0.25, 0.5, "2:"), (0.5, 1.0, "l")])}, {"phone": "phones"})
    assert found == [("phone", *phone) for phone in PHONES]
    assert pd.read_csv(tmp_path / "p.csv").empty


def test_lab_files_are_phones_or_what_the_layout_has(tmp_path):
    lab = {"lab/a.lab": "0 2500000 sil\n2500000 5000000 2:\n5000000 10000000 l\n"}
    assert index(tmp_path / "both", lab, None) == [("phone", *phone) for phone in PHONES]
    assert pd.read_csv(tmp_path / "both" / "p.csv").empty
    assert index(tmp_path / "words", lab, {"word": "anything"}) == [("word", *phone) for phone in PHONES]


@pytest.mark.parametrize("transcripts", [".lab", ".LAB", None])
def test_lab_files_beside_textgrids_are_transcripts(transcripts, tmp_path):
    files = {"a.TextGrid": WEBMAUS, "a.lab": "Öl"}
    layout = layout_of({"recordings": "**/{utterance}", "tiers": {"phone": "MAU"}, "transcripts": transcripts})
    found = find_alignments(write_files(tmp_path / "grids", files), ["all"], layout)["all"]
    assert [aligned.name for aligned in found.utterances.values()] == ["grids/a.TextGrid"]


def test_lab_files_that_are_transcripts_are_no_alignments(tmp_path):
    layout = layout_of({"recordings": "**/{utterance}", "transcripts": ".lab"})
    with pytest.raises(AlignmentError, match="has no alignment"):
        find_alignments(write_files(tmp_path / "grids", {"a.lab": "Öl"}), ["all"], layout)


def test_tiers_of_other_names_are_an_error_that_names_them_and_the_key(tmp_path):
    with pytest.raises(AlignmentError, match=r"no phones .*tiers with intervals: KAN-MAU, MAU, ORT-MAU; corpus\.tiers"):
        index(tmp_path, {"a.TextGrid": WEBMAUS}, None)


def test_a_corpus_without_words_has_none_to_rank(tmp_path):
    source = write_files(tmp_path / "grids", {"a.TextGrid": WEBMAUS})
    layout = layout_of({"recordings": "**/{utterance}", "tiers": {"phone": "MAU"}})
    with pytest.raises(AlignmentError, match="there is no word in all"):
        rank_words(source, ["all"], tmp_path / "w.csv", layout=layout, marks=MARKS)


# In a configuration


def corpus(tmp_path: Path, **keys: object) -> dict:
    audio = write_files(tmp_path / "mine", {"s/a.TextGrid": WEBMAUS})
    return {"corpus": {"name": "mine", "split": "all", "audio": str(audio), "layout": "flat"} | keys}


def test_the_corpus_names_tiers_beside_a_layout_of_the_catalogue(tmp_path):
    experiment = read_experiment(corpus(tmp_path, tiers={"phone": "MAU"}) | {"properties": ["phone"]})
    assert layout_of(experiment.layout).tiers == {"phone": ["MAU"]}
    assert layout_of(experiment.layout).recordings.text == "**/{speaker}/{utterance}"


def test_questions_about_a_tier_that_is_not_there_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"properties: word is about words, and corpus\.tiers names no tier"):
        read_experiment(corpus(tmp_path, tiers={"phone": "MAU"}) | {"properties": ["phone", "word"]})


@pytest.mark.parametrize("tiers", [{}, {"phones": "MAU"}, {"phone": []}, {"phone": ""}, {"phone": 1}, "MAU"])
def test_other_tiers_are_refused(tiers, tmp_path):
    with pytest.raises(ConfigurationError, match=r"corpus\.tiers"):
        read_experiment(corpus(tmp_path, tiers=tiers) | {"properties": ["phone"]})


def test_words_are_ranked_for_questions_about_words_only():
    librispeech = {"corpus": {"name": "librispeech", "split": "dev-clean"}}
    assert read_experiment(librispeech | {"properties": ["phone", "mel"]}).word_splits is None
    assert read_experiment(librispeech | {"properties": ["word"]}).word_splits


def test_a_corpus_of_one_speaker_needs_no_field_of_speakers():
    assert layout_of({"recordings": "**/{utterance}"}).speaker_id == "one"
    assert layout_of({"recordings": "**/{speaker}/{utterance}"}).speaker_id == "{speaker}"


def test_alignments_of_recordings_that_were_not_taken_are_one_line(tmp_path):
    source = write_files(tmp_path / "grids", {f"{name}.TextGrid": WEBMAUS for name in "abc"})
    utterances = write_utterances_table(tmp_path / "utterances.parquet", {"b": 1.0})
    index_alignments(
        source, "all", utterances, tmp_path / "i.parquet", tmp_path / "p.csv",
        layout=layout_of({"recordings": "**/{utterance}", "tiers": {"phone": "MAU"}}),
        phones=PHONE_SETS["sampa"], marks=MARKS, is_part=True,
    )  # fmt: skip
    (problem,) = pd.read_csv(tmp_path / "p.csv").itertuples()
    assert (problem.problem, problem.detail) == ("no utterance", "2 alignments without an utterance: a, c")
