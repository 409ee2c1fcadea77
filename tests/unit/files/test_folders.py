"""Folders from elsewhere: pipes, devices, and links that lead out of them are not opened, and are named."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from layerwise.alignments.index import index_alignments
from layerwise.alignments.pronunciations import PronunciationError, read_pronunciations
from layerwise.alignments.tiers import AlignmentError
from layerwise.alignments.word_ranking import rank_words
from layerwise.corpus import utterances as utterance_index
from layerwise.corpus.archives import CorpusError
from layerwise.corpus.unpacking import unpack_all
from layerwise.experiment.code_digests import file_digest, folder_digest
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.files.csv_files import CSVError, read_csv
from layerwise.files.digests import DownloadError, verify
from layerwise.files.folders import LINKS_TO, Folder, how_to_allow
from layerwise.probes.errors import ItemError
from layerwise.probes.index import index_task
from layerwise.probes.readers import fluent_items, slurp_items, table_items
from tiny_corpus import (
    LAYOUTS,
    MARKS,
    PHONE_SETS,
    SPLIT,
    TIERS,
    chapter_folder,
    noise,
    textgrid_long,
    write_aligned_table,
    write_audio,
    write_files,
    write_utterance,
    write_utterances_table,
)

pytestmark = pytest.mark.timeout(60)  # of one that waits for a pipe
SECRET = "root:$6$secret:19000:0:99999:7:::\n"
GOOD, BAD = "1-2-0000", "1-2-0001"


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def sock(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's name may be 107 bytes long
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def out(path: Path) -> None:
    secret = Path(str(path).split("corpus")[0]) / "secret"
    secret.write_text(SECRET)
    path.symlink_to(secret)


SPECIAL = {
    "a pipe": pipe,
    "a link to a pipe": link_to_pipe,
    "a socket": sock,
    "a device": device,
    "a link out": out,
}
REASONS = "it is a (?:pipe|socket|device)|it lies outside of"
special = pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL)
Make = Callable[[Path], None]


@pytest.fixture
def root(tmp_path) -> Path:
    write_utterance(tmp_path / "corpus", GOOD)
    return tmp_path / "corpus"


def index(root: Path, layout: str = "librispeech", **changes) -> tuple[list[str], pd.DataFrame]:
    """Ids of what is kept, and the problems."""
    folder = root.parent / "tables"
    utterance_index.index_utterances(
        root, SPLIT, folder / "u.parquet", folder / "p.csv", layout=LAYOUTS[layout], threads=2, **changes
    )
    kept = pd.read_parquet(folder / "u.parquet")["utterance_id"].tolist()
    return kept, pd.read_csv(folder / "p.csv", keep_default_na=False)


def without_secret(text: object) -> None:
    assert "root:" not in str(text)


# Recordings and transcripts


@special
def test_a_recording_that_is_no_file_of_the_corpus_is_left_out_and_named(root, make):
    make(chapter_folder(root, GOOD) / f"{BAD}.flac")
    kept, problems = index(root)
    assert kept == [GOOD]
    (row,) = problems[problems["problem"] == "no file of the folder"].itertuples()
    assert row.utterance_id == BAD
    assert pd.Series([row.detail]).str.contains(REASONS).all()
    without_secret(problems.to_csv())


@special
def test_a_transcript_that_is_no_file_of_the_corpus_is_not_opened(root, make):
    make(chapter_folder(root, GOOD) / "0-0.trans.txt")
    kept, problems = index(root)
    assert kept == [GOOD]
    assert problems["detail"].str.contains(REASONS).all()
    assert problems["audio_path"].tolist() == ["1/2/0-0.trans.txt"]
    without_secret(problems.to_csv())


@special
def test_a_text_beside_a_recording_that_is_no_file_of_the_corpus_is_not_opened(tmp_path, make):
    layout = LAYOUTS["flat"].__class__(LAYOUTS["flat"].recordings, transcripts=".txt")
    for name in ("one", "two"):
        write_audio(tmp_path / f"corpus/s/{name}.wav")
    (tmp_path / "corpus/s/one.txt").write_text("a word")
    make(tmp_path / "corpus/s/two.txt")
    folder = tmp_path / "tables"
    utterance_index.index_utterances(tmp_path / "corpus", "all", folder / "u.parquet", folder / "p.csv", layout=layout)
    assert pd.read_parquet(folder / "u.parquet")["utterance_id"].tolist() == ["one"]
    problems = pd.read_csv(folder / "p.csv")
    assert problems["problem"].tolist() == ["no file of the folder", "no transcript"]
    without_secret(problems.to_csv())


def test_links_within_the_corpus_are_followed(root):
    kept_elsewhere = root / "objects/audio"
    kept_elsewhere.parent.mkdir()
    path = write_utterance(root, BAD)
    path.rename(kept_elsewhere)
    path.symlink_to(os.path.relpath(kept_elsewhere, path.parent))
    assert index(root)[0] == [GOOD, BAD]


def test_the_corpus_itself_may_be_a_link(root):
    (root.parent / "link").symlink_to(root)
    assert index(root.parent / "link")[0] == [GOOD]


def test_links_to_a_folder_that_the_environment_names_are_followed(root, tmp_path, monkeypatch):
    path = write_utterance(root, BAD)
    (tmp_path / "disk").mkdir()
    path.rename(tmp_path / "disk/audio.flac")
    path.symlink_to(tmp_path / "disk/audio.flac")
    kept, problems = index(root)
    assert kept == [GOOD]
    assert problems["detail"].str.endswith(f", at {tmp_path}/disk/audio.flac").any()
    monkeypatch.setenv(LINKS_TO, f"/somewhere{os.pathsep}{tmp_path}/disk")
    assert index(root)[0] == [GOOD, BAD]


def test_what_allows_all_links_is_said_once(root, tmp_path, caplog):
    """Of a farm of links, whose leaf folders are many."""
    elsewhere = [f"{speaker}-9-{number:04d}" for speaker in (3, 4, 5) for number in range(3)]
    for name in elsewhere:
        path = write_utterance(root, name)
        there = tmp_path / "disk/audio" / name.replace("-", "/")
        there.parent.mkdir(parents=True, exist_ok=True)
        path.rename(there)
        path.symlink_to(there)
    assert index(root)[0] == [GOOD]
    assert caplog.text.count("export") == 1
    assert caplog.text.endswith(f"where that is right: export {LINKS_TO}={tmp_path}/disk/audio\n")
    (chapter_folder(root, GOOD) / f"{GOOD}.flac").unlink()
    with pytest.raises(CorpusError, match=rf"9 no file of the folder.*export {LINKS_TO}={tmp_path}/disk/audio$"):
        index(root)


def test_several_folders_allow_links_to_several_disks():
    reasons = [f"it lies outside of /corpus, at {place}" for place in ("/a/b/1", "/a/c/2", "/d/e/f/3")]
    assert how_to_allow(["it is a pipe"]) == ""
    assert how_to_allow(reasons).startswith(f"where that is right: export {LINKS_TO}=/a{os.pathsep}/d/e/f ")


def test_a_name_that_begins_alike_is_another_folder(root, tmp_path, monkeypatch):
    """/data/corpus2 is not in /data/corpus."""
    (tmp_path / "corpus2").mkdir()
    (tmp_path / "corpus2/a").touch()
    (root / "a").symlink_to(tmp_path / "corpus2/a")
    assert Folder(root).refusal(root / "a")


def test_a_split_that_lies_elsewhere_is_refused(tmp_path):
    write_utterance(tmp_path / "other", GOOD)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / SPLIT).symlink_to(tmp_path / "other/LibriSpeech" / SPLIT)
    with pytest.raises(CorpusError, match="it lies outside of"):
        index(tmp_path / "corpus")


def test_links_in_a_circle_end(root):
    folder = chapter_folder(root, GOOD)
    (folder / f"{BAD}.flac").symlink_to(f"{BAD}.flac")
    (folder / "up").symlink_to("..")
    kept, problems = index(root)
    assert kept == [GOOD]
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [[BAD, "unreadable"]]


def test_a_folder_that_is_called_like_a_recording_is_one(root):
    (chapter_folder(root, GOOD) / f"{BAD}.flac").mkdir()
    assert index(root)[0] == [GOOD]


def test_a_folder_that_cannot_be_looked_into_is_named(root, monkeypatch):
    hidden = root / f"LibriSpeech/{SPLIT}/9"
    hidden.mkdir()
    scan = os.scandir

    def refuse(path):
        if str(path) == str(hidden):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    _, problems = index(root)
    assert problems[["problem", "detail"]].to_numpy().tolist() == [["unreadable", "Permission denied"]]
    assert f"LibriSpeech/{SPLIT}/9" in problems["audio_path"][0]


def test_names_with_control_characters_are_one_line_in_table_and_log(root, caplog):
    (chapter_folder(root, GOOD) / "1-2\n\x1b[2J.flac").write_bytes(b"")
    _, problems = index(root)
    assert len(problems) == 1
    assert (root.parent / "tables/p.csv").read_text().count("\n") == 2
    assert "\x1b" not in caplog.text + (root.parent / "tables/p.csv").read_text()
    assert r"\x1b[2J" in caplog.text


# Alignments


def align(folder: Path) -> tuple[list[str], pd.DataFrame]:
    """Ids of utterances with intervals, and the problems."""
    tables = folder.parent / "tables"
    tables.mkdir(exist_ok=True)
    utterances = write_utterances_table(tables / "u.parquet", {"one": 1.0, "two": 1.0})
    index_alignments(
        folder, "all", utterances, tables / "i.parquet", tables / "p.csv",
        layout=LAYOUTS["flat"], phones=PHONE_SETS["arpabet"], marks=MARKS,
    )  # fmt: skip
    intervals = pd.read_parquet(tables / "i.parquet")
    return sorted(set(intervals["utterance_id"])), pd.read_csv(tables / "p.csv", keep_default_na=False)


@special
@pytest.mark.parametrize("suffix", [".TextGrid", ".PHN"])
def test_an_alignment_that_is_no_file_of_the_folder_is_not_opened(tmp_path, make, suffix):
    text = textgrid_long(TIERS) if suffix == ".TextGrid" else "0 16000 aa\n"
    folder = write_files(tmp_path / "corpus", {f"s/one{suffix}": text})
    make(folder / f"s/two{suffix}")
    kept, problems = align(folder)
    assert kept == ["one"]
    (row,) = problems[problems["utterance_id"] == "two"].itertuples()
    assert row.problem == "unreadable"
    assert pd.Series([row.detail]).str.contains(REASONS).all()
    without_secret(problems.to_csv())


@special
def test_words_of_what_is_no_file_of_the_folder_are_not_counted(tmp_path, make, caplog):
    folder = write_files(tmp_path / "corpus", {"s/one.TextGrid": textgrid_long(TIERS)})
    make(folder / "s/two.TextGrid")
    rank_words(folder, ["all"], tmp_path / "words.csv", layout=LAYOUTS["flat"], marks=MARKS)
    assert (tmp_path / "words.csv").read_text() == "word,count\nhello,1\n"
    assert "s/two.TextGrid" in caplog.text
    without_secret(caplog.text)


@special
def test_a_table_of_alignments_that_is_no_file_of_the_folder_stops_the_run(tmp_path, make):
    write_aligned_table(tmp_path / "corpus/a.parquet", {"one": TIERS})
    make(tmp_path / "corpus/b.parquet")
    with pytest.raises(AlignmentError, match=rf"b\.parquet: ({REASONS})"):
        align(tmp_path / "corpus")


# Tasks


def items(candidates) -> list[tuple[str, str]]:
    return [(type(found).__name__, getattr(found, "detail", "")) for found in candidates]


@pytest.mark.parametrize("path", ["../../etc/x.wav", "/etc/passwd", "../secret", "inner/../../secret", "link/secret"])
def test_a_path_of_a_table_stays_below_its_folder(tmp_path, path):
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "corpus/inner").mkdir(parents=True)
    (tmp_path / "corpus/link").symlink_to(tmp_path)
    table = tmp_path / "corpus/t.csv"
    table.write_text(f"path,word\n{path},yes\n")
    (found,) = table_items(table, ["word"])
    if "etc/x" in path:  # there is none
        assert found.path.name == "x.wav"
    else:
        assert (found.problem, found.detail[: len(f"{table}, line 2: ")]) == (
            "no file of the folder",
            f"{table}, line 2: ",
        )
        assert "it lies outside of" in found.detail


@pytest.mark.parametrize("path", ["", ".", "/", "./"])
def test_a_path_that_names_no_file_is_a_problem_of_its_row(tmp_path, path):
    table = tmp_path / "t.csv"
    table.write_text(f'path,word\n"{path}",yes\n')
    (found,) = table_items(table, ["word"])
    assert (found.problem, found.detail) == ("no audio", f"{table}, line 2: the path {path!r} names no file")


@pytest.mark.parametrize("path", ["..", "a/..", "a" * 5000 + ".wav", "ü" * 5000 + ".wav", "folder"])
def test_a_path_of_no_recording_is_a_problem_of_its_row(tmp_path, path):
    (tmp_path / "t/folder").mkdir(parents=True)
    rows = [f"{name}.wav,{word},s,{part}" for name, word, part in ROWS]
    for name, *_ in ROWS:
        write_audio(tmp_path / f"t/{name}.wav", noise(0.2))
    (tmp_path / "t/t.csv").write_text("\n".join(["path,word,speaker,part", f"{path},yes,s,train", *rows]))
    out = tmp_path / "items.parquet"
    index_task(table_items(tmp_path / "t/t.csv", ["word"]), "labels", out, tmp_path / "p.csv")
    assert pd.read_parquet(out)["item_id"].tolist() == [name for name, *_ in ROWS]
    assert pd.read_csv(tmp_path / "p.csv")["problem"].isin(["no audio", "no file of the folder"]).tolist() == [True]


ROWS = [("a", "yes", "train"), ("b", "no", "train"), ("c", "yes", "dev"), ("d", "no", "test")]


@special
def test_a_recording_of_a_table_that_is_no_file_of_its_folder_is_left_out(tmp_path, make):
    (tmp_path / "corpus").mkdir()
    make(tmp_path / "corpus/a.wav")
    (tmp_path / "corpus/t.csv").write_text("path,word\na.wav,yes\n")
    ((kind, detail),) = items(table_items(tmp_path / "corpus/t.csv", ["word"]))
    assert kind == "Problem"
    assert pd.Series([detail]).str.contains(REASONS).all()


@special
def test_tables_of_fluent_commands_are_files_of_the_data(tmp_path, make):
    (tmp_path / "corpus/x/data").mkdir(parents=True)
    make(tmp_path / "corpus/x/data/train_data.csv")
    with pytest.raises(ItemError, match=rf"train_data\.csv: ({REASONS})"):
        items(fluent_items(tmp_path / "corpus", ["action"]))


@special
def test_tables_and_recordings_of_slurp_are_files_of_the_data(tmp_path, make):
    folder = tmp_path / "corpus"
    folder.mkdir()
    tables = dict.fromkeys(("train", "train_synthetic", "devel", "test"), folder)
    for name in tables:
        (folder / f"{name}.jsonl").write_text('{"intent": "x", "recordings": [{"file": "a.flac"}]}\n')
    make(folder / "a.flac")
    assert {kind for kind, _ in items(slurp_items(tables, [folder], ["intent"]))} == {"Problem"}
    (folder / "test.jsonl").unlink()
    if (folder / "pipe").exists():
        (folder / "pipe").unlink()
    make(folder / "test.jsonl")
    with pytest.raises(ItemError, match=rf"test\.jsonl: ({REASONS})"):
        items(slurp_items(tables, [folder], ["intent"]))


# Files that a configuration names


@pytest.mark.parametrize("make", [pipe, device], ids=["a pipe", "a device"])
def test_a_list_or_dictionary_that_is_no_file_is_refused(tmp_path, make):
    make(tmp_path / "corpus")
    with pytest.raises(CSVError, match="a file is expected"):
        read_csv(tmp_path / "corpus", ["word"])
    with pytest.raises(PronunciationError, match="a file is expected"):
        read_pronunciations(tmp_path / "corpus")


def test_what_is_larger_than_its_limit_is_not_read(tmp_path, monkeypatch):
    with (tmp_path / "a.csv").open("wb") as stream:
        stream.truncate(2 * 10**9)
    with pytest.raises(CSVError, match=r"a\.csv has 2000000000 bytes, .*export LAYERWISE_MAX_CSV_BYTES=2000000000"):
        read_csv(tmp_path / "a.csv", ["word"])
    with pytest.raises(PronunciationError, match="export LAYERWISE_MAX_PRONUNCIATIONS_BYTES"):
        read_pronunciations(tmp_path / "a.csv")


def test_a_transcript_that_is_larger_than_its_limit_is_not_read(root):
    with (chapter_folder(root, GOOD) / "0-0.trans.txt").open("wb") as stream:
        stream.truncate(2 * 10**9)
    with pytest.raises(CorpusError, match=r"0-0\.trans\.txt has 2000000000 bytes"):
        index(root)


def test_an_alignment_that_is_larger_than_its_limit_is_not_read(tmp_path):
    folder = write_files(tmp_path / "corpus", {"s/one.TextGrid": textgrid_long(TIERS), "s/two.TextGrid": ""})
    os.truncate(folder / "s/two.TextGrid", 2 * 10**9)
    kept, problems = align(folder)
    assert kept == ["one"]
    assert "has 2000000000 bytes" in problems["detail"][0]


# Archives


@pytest.mark.parametrize("make", [pipe, device, sock])
def test_an_archive_that_is_no_file_is_neither_read_nor_hashed(tmp_path, make):
    archive = tmp_path / "a.tar.gz"
    make(archive)
    with pytest.raises(DownloadError, match=r"a\.tar\.gz: it is a (pipe|device|socket); a file is expected"):
        verify(archive, sha256="0" * 64)
    with pytest.raises(CorpusError, match=r"a\.tar\.gz cannot be read"):
        unpack_all(archive, tmp_path / "out")
    with pytest.raises(OSError, match=r"it is|No such device"):
        file_digest(archive)
    folder_digest(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        read_experiment({"corpus": {"name": "mine", "audio": str(archive)}})
    assert "corpus.audio: " in str(caught.value)
    assert "; an archive or a folder is expected" in str(caught.value)
