"""Kaldi's data folders: wav.scp, segments, utt2spk, text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from layerwise.corpus.archives import CorpusError
from layerwise.corpus.kaldi import data_folder, read_data_folder
from layerwise.corpus.parts import Part
from layerwise.corpus.utterances import index_utterances
from layerwise.corpus.waveforms import read_waveform
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.files.folders import Folder
from tiny_corpus import LAYOUTS, noise, write_audio, write_files

KALDI = LAYOUTS["kaldi"]
# As speechocean762 has them: tabs, and paths that start where the folders of the splits lie.
FILES = {
    "train/wav.scp": "0001\tWAVE/S1/0001.WAV\n0002\tWAVE/S2/0002.WAV\n",
    "train/utt2spk": "0001\tS1\n0002\tS2\n",
    "train/text": "0001\tMARK IS GOING\n0002  TO  SEE \u00c9LEPHANT\n",
    "train/spk2utt": "S1\t0001\nS2\t0002\n",
}


def write_corpus(root: Path, files: dict[str, str] = FILES, seconds: float = 1.0) -> Path:
    for number, name in enumerate(("S1/0001", "S2/0002")):
        write_audio(root / f"WAVE/{name}.WAV", noise(seconds, seed=number))
    return write_files(root, files)


def index(root: Path, split: str = "train", **options) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of utterances, and the problems."""
    out = root.parent
    index_utterances(root, split, out / "u.parquet", out / "p.csv", layout=KALDI, threads=1, **options)
    problems = pd.read_csv(out / "p.csv", keep_default_na=False, dtype=str)
    return pd.read_parquet(out / "u.parquet").set_index("utterance_id"), problems


def test_recordings_speakers_and_texts_are_those_of_the_files(tmp_path):
    utterances, problems = index(write_corpus(tmp_path / "corpus"))
    assert problems.empty
    assert utterances["speaker_id"].to_dict() == {"0001": "S1", "0002": "S2"}
    assert utterances["text"].to_dict() == {"0001": "MARK IS GOING", "0002": "TO  SEE \u00c9LEPHANT"}
    assert utterances["audio_path"].to_dict() == {"0001": "WAVE/S1/0001.WAV", "0002": "WAVE/S2/0002.WAV"}
    assert list(utterances["duration"]) == [1.0, 1.0]


@pytest.mark.parametrize(
    "place", ["{root}/WAVE/S1/0001.WAV", "WAVE/S1/0001.WAV", "../WAVE/S1/0001.WAV", "beside.wav", "between.wav"]
)
def test_where_a_path_starts(place, tmp_path):
    root = write_corpus(tmp_path / "corpus", {})
    write_audio(root / "data/train/beside.wav", noise(1.0, seed=5))
    write_audio(root / "data/between.wav", noise(1.0, seed=6))
    write_audio(root / "data/WAVE/S1/0001.WAV", noise(1.0, seed=0))
    write_files(root, {"data/train/wav.scp": f"a {place.format(root=root)}\n"})
    utterances, problems = index(root)
    assert list(utterances.index) == ["a"]
    assert problems.empty
    assert (root / utterances["audio_path"]["a"]).exists()


def test_segments_are_utterances_of_longer_recordings(tmp_path):
    segments = "u1 0001 0.25 0.75\nu2 0001 0.5 -1\nu3 0002 0 1.02\nu4 0002 0.5 1.5\nu5 0002 0.5 0.55\nu6 0002 2 3\n"
    root = write_corpus(tmp_path / "corpus", FILES | {
        "train/segments": segments,
        "train/utt2spk": "".join(f"u{number} S\n" for number in range(1, 7)),
        "train/text": "".join(f"u{number} TEXT\n" for number in range(1, 7)),
    })  # fmt: skip
    utterances, problems = index(root)
    columns = utterances[["audio_path", "start", "num_samples", "duration"]]
    assert list(columns.itertuples(name=None)) == [
        ("u1", "WAVE/S1/0001.WAV", 0.25, 8000, 0.5),
        ("u2", "WAVE/S1/0001.WAV", 0.5, 8000, 0.5),
        ("u3", "WAVE/S2/0002.WAV", 0.0, 16000, 1.0),
    ]
    assert list(problems[["utterance_id", "problem"]].itertuples(index=False, name=None)) == [
        ("u4", "outside of the recording"), ("u5", "too short"), ("u6", "outside of the recording"),
    ]  # fmt: skip
    whole = read_waveform(root / "WAVE/S1/0001.WAV")
    part = read_waveform(root / columns["audio_path"]["u1"], 0.25, 0.5)
    assert np.array_equal(part, whole[4000:12000])


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("a WAVE/S1/0001.WAV", "WAVE/S1/0001.WAV"),
        ("a my recordings/a b.wav", "my recordings/a b.wav"),
        ("a flac -c -d -s x/a.flac |", "x/a.flac"),
        ("a /tools/sph2pipe -f wav -p -c 1 x/a.sph |", "x/a.sph"),
        ("a cat x/a.wav|", "x/a.wav"),
        ("a sox x/a.wav -r 16k -t wav - |", None),
        ("a rm -rf x.wav |", None),
        ("a flac -c -d x/a.flac | sox - -t wav - speed 2 |", None),
        ("a flac -c -d |", None),
        ("a |", None),
        ("a exp/raw.ark:12", None),
    ],
)
def test_commands_are_not_run_and_those_that_only_decode_are_the_file(line, file, tmp_path):
    folder = write_files(tmp_path, {"wav.scp": line + "\n"})
    assert read_data_folder(folder, Folder(folder)).files == {"a": file}


def test_a_recording_that_a_command_makes_is_named(tmp_path):
    scp = "0001 WAVE/S1/0001.WAV\n0002 sox WAVE/S2/0002.WAV -t wav - |\n"
    utterances, problems = index(write_corpus(tmp_path / "corpus", FILES | {"train/wav.scp": scp}))
    assert list(utterances.index) == ["0001"]
    (problem,) = problems.itertuples()
    assert (problem.utterance_id, problem.problem) == ("0002", "no file")
    assert "write 0002 to a file" in problem.detail


def test_a_recording_that_is_not_there_or_elsewhere_is_named(tmp_path):
    outside = write_audio(tmp_path / "outside.wav", noise(1.0))
    scp = f"0001 WAVE/S1/0001.WAV\n0002 wave/0002.wav\n0003 {outside}\n"
    speakers = "0001 S1\n0002 S2\n0003 S3\n"
    root = write_corpus(tmp_path / "corpus", FILES | {"train/wav.scp": scp, "train/utt2spk": speakers})
    utterances, problems = index(root)
    assert list(utterances.index) == ["0001"]
    assert list(problems["problem"]) == ["no audio", "no file of the folder"]
    assert f"paths of wav.scp start in {root}, in {root / 'train'} or between them" in problems["detail"][0]


def test_files_elsewhere_are_read_where_the_environment_allows_it(tmp_path, monkeypatch):
    outside = write_audio(tmp_path / "elsewhere" / "a.wav", noise(1.0))
    monkeypatch.setenv("LAYERWISE_LINKS_TO", str(outside.parent))
    root = write_corpus(tmp_path / "corpus", {"train/wav.scp": f"a {outside}\n"})
    utterances, problems = index(root)
    assert problems.empty
    assert root / utterances["audio_path"]["a"] == outside


def test_without_utt2spk_each_utterance_is_its_own_speakers_and_without_text_it_has_none(tmp_path):
    utterances, problems = index(write_corpus(tmp_path / "corpus", {"train/wav.scp": FILES["train/wav.scp"]}))
    assert problems.empty
    assert list(utterances["speaker_id"]) == ["0001", "0002"]
    assert set(utterances["text"]) == {""}


def test_a_part_of_it(tmp_path):
    utterances, problems = index(write_corpus(tmp_path / "corpus"), part=Part(speakers=["S2"]))
    assert list(utterances.index) == ["0002"]
    assert problems.empty


@pytest.mark.parametrize("inside", ["", "data/", "deep/er/"])
def test_the_folder_of_a_split(inside, tmp_path):
    write_files(tmp_path, {f"{inside}train/wav.scp": "a b\n", f"{inside}test/wav.scp": "a b\n"})
    assert data_folder(tmp_path, "test") == tmp_path / inside / "test"
    assert data_folder(tmp_path / inside / "test", "test") == tmp_path / inside / "test"
    with pytest.raises(CorpusError, match=r"has no wav\.scp of split 'dev'; it has test, train"):
        data_folder(tmp_path, "dev")


def test_a_folder_without_any(tmp_path):
    with pytest.raises(CorpusError, match=r"no wav\.scp of split 'dev'; it has no folder with one"):
        data_folder(tmp_path, "dev")
    with pytest.raises(CorpusError, match="there is no such folder"):
        data_folder(tmp_path / "nowhere", "dev")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"wav.scp": "a\n"}, r"wav\.scp, line 1: found a; expected a recording's id and its file"),
        ({"wav.scp": "a x.wav\n\na y.wav\n"}, r"wav\.scp, line 3: a stands there twice"),
        ({"wav.scp": "\n"}, r"wav\.scp names no recording"),
        (
            {"segments": "u a 0\n"},
            r"segments, line 1: found u a 0; expected an utterance, its recording, start and end",
        ),
        ({"segments": "u a 0 nan\n"}, r"segments, line 1"),
        ({"segments": "u a -1 2\n"}, r"segments, line 1"),
        ({"segments": "u b 0 1\n"}, r"segments has a part of b, which is not in wav\.scp"),
        ({"utt2spk": "b s\n"}, r"utt2spk says of 1 utterances not who speaks: a"),
        ({"utt2spk": "a\n"}, r"utt2spk says of 1 utterances not who speaks: a"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(changed, message, tmp_path):
    folder = write_files(tmp_path / "train", {"wav.scp": "a x.wav\n"} | changed)
    with pytest.raises(CorpusError, match=message):
        read_data_folder(folder, Folder(tmp_path))


def test_text_that_is_no_utf8_and_links_to_elsewhere_are_refused(tmp_path):
    folder = write_files(tmp_path / "train", {"wav.scp": "a x.wav\n"})
    (folder / "text").write_bytes(b"a caf\xe9\n")
    with pytest.raises(CorpusError, match="text is not UTF-8"):
        read_data_folder(folder, Folder(tmp_path))
    (folder / "text").unlink()
    (folder / "text").symlink_to("/etc/hostname")
    with pytest.raises(CorpusError, match="it lies outside of"):
        read_data_folder(folder, Folder(folder))


def test_its_texts_serve_automatic_alignments(tmp_path):
    corpus = {"name": "mine", "split": "train", "audio": str(write_corpus(tmp_path / "corpus")), "layout": "kaldi"}
    experiment = read_experiment({"corpus": corpus | {"alignments": "automatic"}, "properties": ["phone"]})
    assert experiment.layout["lists"] == "kaldi"
