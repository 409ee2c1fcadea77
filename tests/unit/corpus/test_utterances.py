"""The table of utterances, from corpora in several layouts; what can be wrong with audio is in test_bad_audio."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from layerwise.alignments.sources import find_alignments
from layerwise.corpus import utterances as utterance_index
from layerwise.corpus.archives import CorpusError
from layerwise.corpus.layouts import Layout, layout_of
from layerwise.corpus.problems import Problem, summarise_problems
from layerwise.corpus.unpacking import unpack_audio
from layerwise.files.digests import verify
from tiny_corpus import (
    LAYOUTS,
    SPLIT,
    chapter_folder,
    noise,
    write_audio,
    write_files,
    write_utterance,
)

REPOSITORY = Path(__file__).parents[3]
REAL_SPEECH = REPOSITORY.parent / "shared" / "real_speech"
CATALOGUE = REPOSITORY / "resources" / "corpora.yaml"
LIBRISPEECH = LAYOUTS["librispeech"]
SCHEMA = REPOSITORY / "workflow" / "schemas" / "corpora.schema.yaml"


def test_split_folder_is_found_from_all_three_roots(tmp_path):
    folder = tmp_path / "LibriSpeech" / SPLIT
    folder.mkdir(parents=True)
    for root in (tmp_path, folder.parent, folder):
        assert utterance_index.split_folder(root, SPLIT) == folder


def test_split_folder_prefers_the_inner_folder_of_that_name(tmp_path):
    folder = tmp_path / SPLIT / "LibriSpeech" / SPLIT
    folder.mkdir(parents=True)
    assert utterance_index.split_folder(tmp_path / SPLIT, SPLIT) == folder


def test_split_folder_names_what_is_there(tmp_path):
    for name in ("dev-other", "test-clean"):
        (tmp_path / "LibriSpeech" / name).mkdir(parents=True)
    with pytest.raises(CorpusError, match="'dev-clean'; it has dev-other, test-clean; name the layout: "):
        utterance_index.split_folder(tmp_path, SPLIT)
    with pytest.raises(CorpusError, match="no such folder"):
        utterance_index.split_folder(tmp_path / "nowhere", SPLIT)


def index(root: Path, threads: int = 2, layout: Layout = LIBRISPEECH) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Utterances and problems; outputs lie outside of the corpus."""
    out = root.parent / f"{root.name}-out"
    utterance_index.index_utterances(
        root, SPLIT, out / "utterances.parquet", out / "audio_problems.csv", layout=layout, threads=threads
    )
    problems = pd.read_csv(out / "audio_problems.csv", keep_default_na=False)
    return pd.read_parquet(out / "utterances.parquet"), problems


@pytest.fixture
def root(tmp_path) -> Path:
    """A corpus with one good utterance, 1-2-0000, of half a second."""
    write_utterance(tmp_path / "corpus", "1-2-0000", "HELLO  IT'S ME")
    return tmp_path / "corpus"


def test_index_gives_the_columns_of_the_contract(root):
    write_utterance(root, "10-1-0001", suffix=".wav", samples=noise(0.25))
    utterances, problems = index(root)
    assert utterances.to_dict("records") == [
        {
            "utterance_id": "1-2-0000",
            "speaker_id": "1",
            "chapter_id": "2",
            "audio_path": f"LibriSpeech/{SPLIT}/1/2/1-2-0000.flac",
            "sample_rate": 16000,
            "num_samples": 8000,
            "duration": 0.5,
            "text": "HELLO  IT'S ME",
            "start": 0.0,
        },
        {
            "utterance_id": "10-1-0001",
            "speaker_id": "10",
            "chapter_id": "1",
            "audio_path": f"LibriSpeech/{SPLIT}/10/1/10-1-0001.wav",
            "sample_rate": 16000,
            "num_samples": 4000,
            "duration": 0.25,
            "text": "A WORD",
            "start": 0.0,
        },
    ]
    assert list(problems.columns) == ["utterance_id", "audio_path", "problem", "detail"]
    assert problems.empty


def test_index_is_relative_to_the_given_root_and_sorted_by_id(root):
    for name in ("2-1-0000", "10-1-0000"):
        write_utterance(root, name)
    utterances, _ = index(root / "LibriSpeech")
    assert list(utterances["utterance_id"]) == ["1-2-0000", "10-1-0000", "2-1-0000"]
    assert utterances["audio_path"][0] == f"{SPLIT}/1/2/1-2-0000.flac"


def test_index_writes_the_same_bytes_again(root, tmp_path):
    for number in range(1, 9):
        write_utterance(root, f"1-2-{number:04d}", samples=noise(0.1 * number))
    chapter_folder(root, "1-2").joinpath("1-2-0100.flac").write_bytes(b"")
    chapter_folder(root, "1-2").joinpath("1-2-0099.flac").write_bytes(b"")
    written = []
    for threads in (1, 4):
        index(root, threads)
        written.append({path.name: path.read_bytes() for path in (tmp_path / "corpus-out").iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"utterances.parquet", "audio_problems.csv"}


def test_index_sorts_by_utterance_id_whatever_the_folder(root):
    moved = chapter_folder(root, "0-0")
    moved.mkdir(parents=True)
    write_utterance(root, "9-9-0000").rename(moved / "9-9-0000.flac")
    utterances, _ = index(root)
    assert list(utterances["utterance_id"]) == ["1-2-0000", "9-9-0000"]


def test_problems_are_sorted(root):
    names = [f"1-2-{number:04d}" for number in range(1, 30)]
    for name in reversed(names):
        write_utterance(root, name).unlink()
    write_utterance(root, "1-2-0015", text=None).write_bytes(b"")
    _, problems = index(root)
    assert list(problems["utterance_id"]) == names


def test_the_first_problem_of_a_kind_is_the_first_by_name():
    problems = [
        Problem("2-1-0009", "b.flac", "empty", "no samples"),
        Problem("1-1-0003", "c.flac", "empty", "no samples"),
        Problem("1-1-0001", "a.flac", "corrupt", "lost sync"),
        Problem("1-1-0005", "d.flac", "empty", "no samples"),
    ]
    for given in (problems, problems[::-1]):
        assert summarise_problems(given) == "3 empty (first: 1-1-0003), 1 corrupt (first: 1-1-0001)"
    assert summarise_problems([Problem("", "x.flac", "empty", "")]) == "1 empty (first: x.flac)"
    assert summarise_problems([]) == "no problem found"


def test_index_ignores_hidden_files(root):
    (chapter_folder(root, "1-2") / "._1-2-0000.flac").write_bytes(b"a Mac's")
    utterances, problems = index(root)
    assert len(utterances) == 1
    assert problems.empty


def test_the_log_names_20_of_a_kind_and_counts_the_rest(root, caplog):
    for number in range(1, 26):
        (chapter_folder(root, "1-2") / f"1-2-{number:04d}.flac").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        _, problems = index(root)
    assert len(problems) == 25
    assert sum("1-2-00" in message for message in caplog.messages) == 20
    assert any("5 more" in message for message in caplog.messages)


def test_two_recordings_of_one_utterance_are_an_error(root):
    write_utterance(root, "1-2-0000", text=None, suffix=".wav")
    with pytest.raises(CorpusError, match=r"1-2-0000 has two recordings: .*1-2-0000\.flac and .*1-2-0000\.wav"):
        index(root)


def test_two_transcripts_of_one_utterance_are_an_error(root):
    (chapter_folder(root, "1-2") / "other.trans.txt").write_text("1-2-0000 OTHER\n")
    with pytest.raises(CorpusError, match=r"1-2-0000 has two transcripts: in .*1-2\.trans\.txt and in .*other\.trans"):
        index(root)


def test_no_usable_utterance_is_an_error_that_counts(tmp_path):
    root = tmp_path / "corpus"
    for name in ("1-2-0003", "1-2-0001"):
        write_utterance(root, name, samples=np.stack([noise(), noise()], axis=1))
    write_utterance(root, "1-2-0002").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"2 not mono \(first: 1-2-0001\), 1 empty \(first: 1-2-0002\)"):
        index(root)
    assert not (tmp_path / "corpus-out" / "utterances.parquet").exists()


def test_a_split_without_audio_is_an_error(tmp_path):
    (tmp_path / "corpus" / SPLIT).mkdir(parents=True)
    with pytest.raises(CorpusError, match=r"no audio file \(\.flac, \.wav"):
        index(tmp_path / "corpus")


# Other layouts


def index_like(root: Path, **fields: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    return index(root, layout=layout_of(fields))


def test_where_nothing_lies_as_the_layout_says_one_is_to_be_named(tmp_path):
    write_audio(tmp_path / SPLIT / "anna" / "one.wav", noise())
    with pytest.raises(CorpusError) as error:
        index(tmp_path)
    assert "dev-clean/anna/one.wav: expected **/dev-clean/**/{speaker}-{chapter}-{utterance}; name the" in str(
        error.value
    )
    assert "resources/layouts.yaml (flat: …/SPEAKER/UTTERANCE.wav" in str(error.value)


def test_where_no_transcript_is_found_its_name_is_said(tmp_path):
    write_audio(tmp_path / "anna" / "one.wav", noise())
    with pytest.raises(CorpusError) as error:
        index(tmp_path, layout=layout_of({"recordings": "**/{speaker}/{utterance}", "transcripts": ".lab"}))
    assert "anna/one.wav: looked for one.lab beside the recording (corpus.layout, field transcripts: " in str(
        error.value
    )


def index_at(root: Path, **fields: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    """TIMIT's training split."""
    out = root.parent / "out"
    utterance_index.index_utterances(root, "TRAIN", out / "u", out / "p", layout=replace(LAYOUTS["timit"], **fields))
    return pd.read_parquet(out / "u"), pd.read_csv(out / "p", keep_default_na=False)


def test_other_rates_stay_as_they_are_and_are_counted(root, caplog):
    write_utterance(root, "1-2-0001", samples=noise(0.5, rate=8000), rate=8000)
    write_utterance(root, "1-2-0002", samples=noise(0.5, rate=44100), rate=44100)
    with caplog.at_level(logging.INFO):
        utterances, problems = index(root)
    assert utterances["sample_rate"].tolist() == [16000, 8000, 44100]
    assert utterances["duration"].tolist() == [0.5, 0.5, 0.5]
    assert problems.empty
    assert "1 recordings at 8000 Hz will be resampled to 16000 Hz" in caplog.messages


def test_a_folder_for_each_speaker(tmp_path):
    root = tmp_path / "corpus"
    for name in ("anna/one.wav", "anna/two.WAV", "ben/three.ogg"):
        write_audio(root / name)
    utterances, problems = index(root, layout=LAYOUTS["flat"])
    assert utterances[["utterance_id", "speaker_id", "chapter_id", "audio_path", "text"]].to_numpy().tolist() == [
        ["one", "anna", "", "anna/one.wav", ""],
        ["three", "ben", "", "ben/three.ogg", ""],
        ["two", "anna", "", "anna/two.WAV", ""],
    ]
    assert problems.empty


def test_one_speaker_in_a_folder_of_the_speakers_name(tmp_path):
    write_audio(tmp_path / "anna" / "one.wav")
    utterances, _ = index_like(tmp_path / "anna", recordings="{speaker}/{utterance}")
    assert utterances["speaker_id"].tolist() == ["anna"]


@pytest.mark.parametrize("split", ["TRAIN", "train"])
def test_timit(tmp_path, split):
    root = tmp_path / "TIMIT"
    for region, speaker in (("DR1", "FCJF0"), ("DR2", "MABC0")):
        write_audio(root / "data" / split / region / speaker / "SA1.WAV")
    write_audio(root / "data" / "TEST" / "DR1" / "FAKS0" / "SA1.WAV")
    utterance_index.index_utterances(root, split, tmp_path / "u", tmp_path / "p", layout=LAYOUTS["timit"])
    utterances = pd.read_parquet(tmp_path / "u")
    assert utterances[["utterance_id", "speaker_id", "chapter_id"]].to_numpy().tolist() == [
        ["FCJF0-SA1", "FCJF0", "DR1"],
        ["MABC0-SA1", "MABC0", "DR2"],
    ]


def test_files_elsewhere_than_the_layout_says_are_named(tmp_path):
    root = tmp_path / "corpus"
    write_audio(root / "anna" / "one.wav")
    write_audio(root / "two.wav")
    utterances, problems = index_like(root, recordings="corpus/{speaker}/{utterance}")
    assert utterances["utterance_id"].tolist() == ["one"]
    assert problems.to_numpy().tolist() == [["two", "two.wav", "bad name", "expected corpus/{speaker}/{utterance}"]]


def test_ids_that_are_not_unique_are_an_error_that_names_the_key(tmp_path):
    root = tmp_path / "corpus"
    for speaker in ("anna", "ben"):
        write_audio(root / speaker / "one.wav")
    with pytest.raises(CorpusError, match=r"one has two recordings: .*'\{utterance\}' \(corpus\.layout\)"):
        index_like(root, recordings="**/{speaker}/{utterance}")
    utterances, _ = index_like(root, recordings="**/{speaker}/{utterance}", utterance_id="{speaker}-{utterance}")
    assert utterances["utterance_id"].tolist() == ["anna-one", "ben-one"]


# Recordings that lie there twice: as they were, and converted (`SA1.WAV.wav`, as TIMIT is offered on Kaggle)


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        ("SA1.WAV", "SA1.WAV.wav"),
        ("SA1.wav", "SA1.WAV.wav"),
        ("SA1.flac", "SA1.flac.wav"),
        ("SA1.sph", "SA1.sph.WAV"),
        ("SA1.aiff", "SA1.aiff.flac"),
        ("SA1.WAV", "SA1.WAV.flac.wav"),
    ],
)
def test_a_copy_beside_a_recording_is_no_second_one(tmp_path, original, copy):
    folder = tmp_path / "TIMIT" / "TRAIN" / "DR1" / "FCJF0"
    folder.mkdir(parents=True)
    soundfile.write(folder / original, noise(), 16000, format={".WAV": "NIST", ".sph": "NIST"}.get(original[3:]))
    dither = np.random.default_rng(1).integers(-2, 3, 8000) * 2.0**-15
    soundfile.write(folder / copy, soundfile.read(folder / original)[0] + dither, 16000)
    utterances, problems = index_at(tmp_path / "TIMIT")
    assert utterances[["utterance_id", "audio_path", "num_samples"]].to_numpy().tolist() == [
        ["FCJF0-SA1", f"TRAIN/DR1/FCJF0/{original}", 8000]
    ]
    assert problems.to_numpy().tolist() == [
        ["FCJF0-SA1", f"TRAIN/DR1/FCJF0/{copy}", "twice", f"kept; {original} has the same sound and is used"]
    ]


@pytest.mark.parametrize(
    "other",
    [noise(seed=1), noise()[:-1], noise() + 0.001, np.stack([noise(), noise()], axis=1)],
    ids=["another", "shorter", "shifted", "stereo"],
)
def test_a_copy_with_other_sound_is_an_error(tmp_path, other):
    folder = tmp_path / "TIMIT" / "TRAIN" / "DR1" / "FCJF0"
    write_audio(folder / "SA1.WAV")
    write_audio(folder / "SA1.WAV.wav", other)
    with pytest.raises(
        CorpusError, match=r"FCJF0-SA1 has two recordings, with different sound: .*SA1\.WAV and .*\.wav"
    ):
        index_at(tmp_path / "TIMIT")


def test_a_copy_of_what_cannot_be_used_is_left_out_with_it(tmp_path):
    folder = tmp_path / "TIMIT" / "TRAIN" / "DR1" / "FCJF0"
    write_audio(folder / "SA1.WAV", np.zeros(8000))
    write_audio(folder / "SA1.WAV.wav", np.zeros(8000))
    write_audio(folder / "SA2.WAV")
    utterances, problems = index_at(tmp_path / "TIMIT")
    assert utterances["utterance_id"].tolist() == ["FCJF0-SA2"]
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == 2 * [["FCJF0-SA1", "silent"]]


def test_a_copy_of_what_cannot_be_read_is_used(tmp_path):
    """As of SPHERE files that are packed by shorten."""
    folder = tmp_path / "TIMIT" / "TRAIN" / "DR1" / "FCJF0"
    write_audio(folder / "SA1.sph.wav")
    (folder / "SA1.sph").write_bytes(
        b"NIST_1A\n   1024\nsample_count -i 8000\nsample_coding -s26 pcm,embedded-shorten-v2.00\n"
    )
    utterances, problems = index_at(tmp_path / "TIMIT")
    assert utterances["audio_path"].tolist() == ["TRAIN/DR1/FCJF0/SA1.sph.wav"]
    assert problems[["utterance_id", "audio_path", "problem"]].to_numpy().tolist() == [
        ["FCJF0-SA1", "TRAIN/DR1/FCJF0/SA1.sph", "unreadable"]
    ]


def test_a_copy_alone_has_the_id_of_its_original(tmp_path):
    folder = tmp_path / "TIMIT" / "TRAIN" / "DR1" / "FCJF0"
    write_audio(folder / "SA1.WAV.wav")
    write_files(folder, {"SA1.PHN": "0 8000 aa\n", "SA1.TXT": "a word", "SA2.WAV.PHN": "0 8000 aa\n"})
    utterances, problems = index_at(tmp_path / "TIMIT", transcripts=".txt")
    assert utterances[["utterance_id", "text"]].to_numpy().tolist() == [["FCJF0-SA1", "a word"]]
    assert problems.empty
    found = find_alignments(tmp_path / "TIMIT", ["TRAIN"], LAYOUTS["timit"])["TRAIN"]
    assert sorted(found.utterances) == ["FCJF0-SA1", "FCJF0-SA2"]


def test_a_pattern_may_ask_for_the_inner_suffix(tmp_path):
    root = tmp_path / "corpus"
    write_audio(root / "anna" / "one.raw.wav")
    write_audio(root / "anna" / "two.WAV.wav")
    utterances, _ = index_like(root, recordings="**/{speaker}/{utterance}.WAV")
    assert utterances["utterance_id"].tolist() == ["two"]


def test_transcripts_beside_the_recordings(tmp_path):
    root = tmp_path / "corpus"
    for name in ("one", "two", "three"):
        write_audio(root / "anna" / f"{name}.wav")
    (root / "anna" / "one.txt").write_text("hello\n there\n")
    (root / "anna" / "two.TXT").write_text("two")
    utterances, problems = index_like(root, recordings="**/{speaker}/{utterance}", transcripts=".txt")
    assert utterances.set_index("utterance_id")["text"].to_dict() == {"one": "hello there", "two": "two"}
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [["three", "no transcript"]]


NFC, NFD = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(("audio", "text"), [(NFC, NFD), (NFD, NFC), (NFD, NFD)])
def test_a_recording_and_its_transcript_may_be_named_in_two_forms(tmp_path, audio, text):
    """A disk of macOS gives names decomposed; an archive from elsewhere has them composed."""
    root = tmp_path / "corpus"
    write_audio(root / audio / f"{audio}.wav")
    (root / audio / f"{text}.txt").write_text(f"un {NFD}")
    utterances, problems = index_like(root, recordings="**/{speaker}/{utterance}", transcripts=".txt")
    assert utterances[["utterance_id", "speaker_id", "text"]].to_numpy().tolist() == [[NFC, NFC, f"un {NFC}"]]
    assert (root / utterances["audio_path"].item()).is_file()
    assert problems.empty


def test_two_recordings_whose_names_differ_in_their_form_alone_are_told_apart(tmp_path):
    for name in (NFC, NFD):
        write_audio(tmp_path / "corpus" / "anna" / f"{name}.wav")
    message = rf"{NFC} has two recordings: .*\.wav \(U\+0301\) and .*\.wav \(U\+00E9\); an id"
    with pytest.raises(CorpusError, match=message):
        index_like(tmp_path / "corpus", recordings="**/{speaker}/{utterance}")


def test_a_recording_whose_name_is_no_text_is_named(tmp_path):
    root = tmp_path / "corpus"
    for name in ("one", "two"):
        write_audio(root / "anna" / f"{name}.wav")
    (root / "anna/two.wav").rename(os.fsdecode(os.fsencode(root) + b"/anna/caf\xe9.wav"))
    utterances, problems = index_like(root, recordings="**/{speaker}/{utterance}")
    assert utterances["utterance_id"].tolist() == ["one"]
    assert problems[["audio_path", "problem"]].to_numpy().tolist() == [["'anna/caf\\udce9.wav'", "bad name"]]


@pytest.mark.skipif(not REAL_SPEECH.is_dir(), reason="no real speech beside the checkout")
def test_real_speech_is_unpacked_and_indexed(tmp_path):
    unpack_audio(REAL_SPEECH / "real-mini.tar.gz", "real-mini", tmp_path / "real-mini")
    utterance_index.index_utterances(
        tmp_path / "real-mini", "real-mini", tmp_path / "u.parquet", tmp_path / "p.csv", layout=LIBRISPEECH
    )
    utterances = pd.read_parquet(tmp_path / "u.parquet")
    assert len(utterances) == 11
    assert utterances["speaker_id"].nunique() == 5
    assert utterances["duration"].sum() == pytest.approx(68, abs=1)
    assert len(pd.read_csv(tmp_path / "p.csv")) == 0


# The catalogue


def test_the_catalogue_keeps_to_its_schema():
    validator = jsonschema.Draft202012Validator(yaml.safe_load(SCHEMA.read_text("utf-8")))
    catalogue = yaml.safe_load(CATALOGUE.read_text("utf-8"))
    validator.validate(catalogue)
    assert len(catalogue["librispeech"]["splits"]) == 7
    catalogue["librispeech"]["splits"]["dev-clean"]["audio"]["md5sum"] = "0" * 32
    with pytest.raises(jsonschema.ValidationError, match="md5sum"):
        validator.validate(catalogue)


def test_what_the_catalogue_says_of_files_in_the_repository_is_true():
    entries = [
        entry
        for name in yaml.safe_load(CATALOGUE.read_text("utf-8")).values()
        for split in name["splits"].values()
        for entry in (split["audio"], split["alignments"])
        if not entry["source"].startswith("https://")
    ]
    assert len(entries) == 2
    for entry in entries:
        checks = {"size": entry["bytes"], "md5": entry["md5"], "sha256": entry["sha256"]}
        verify(REPOSITORY / entry["source"], **checks)


def test_reading_says_how_far_it_is(root, progress):
    for number in (1, 2):
        write_utterance(root, f"1-2-000{number}")
    index(root)
    assert progress() == [f"reading {SPLIT}: 1 of 3 files (33 %)", f"reading {SPLIT}: 2 of 3 files (66 %)"]
