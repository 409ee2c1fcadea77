"""Unpacking a corpus, or one split of it."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from layerwise.corpus.archives import CorpusError
from layerwise.corpus.unpacking import unpack_audio
from tiny_corpus import (
    SPLIT,
    flip_bytes,
    noise,
    write_archive,
)

# Unpacking

FILES = {
    "LibriSpeech/README.TXT": b"about",
    f"LibriSpeech/{SPLIT}/1/2/1-2-0000.flac": noise().tobytes(),
    f"LibriSpeech/{SPLIT}/1/2/1-2.trans.txt": b"1-2-0000 A\n",
    "LibriSpeech/test-other/3/4/3-4-0000.flac": b"another split",
}


def test_unpack_keeps_the_split_and_the_files_at_the_top(tmp_path):
    archive = write_archive(tmp_path / "a.tar.gz", FILES)
    unpack_audio(archive, SPLIT, tmp_path / "corpora" / SPLIT)
    unpacked = {
        path.relative_to(tmp_path / "corpora" / SPLIT).as_posix(): path.read_bytes()
        for path in (tmp_path / "corpora" / SPLIT).rglob("*")
        if path.is_file()
    }
    assert unpacked == {name: data for name, data in FILES.items() if "test-other" not in name}
    assert [path.name for path in (tmp_path / "corpora").iterdir()] == [SPLIT]


def test_unpack_removes_what_a_killed_job_left(tmp_path):
    archive = write_archive(tmp_path / "a.tar.gz", FILES)
    left = tmp_path / ".out.tmp" / "LibriSpeech" / SPLIT / "9"
    left.mkdir(parents=True)
    unpack_audio(archive, SPLIT, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out" / "LibriSpeech" / SPLIT).iterdir()} == {"1"}
    assert not (tmp_path / ".out.tmp").exists()


def test_unpack_does_not_overwrite(tmp_path):
    archive = write_archive(tmp_path / "a.tar.gz", FILES)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(CorpusError, match="not empty"):
        unpack_audio(archive, SPLIT, tmp_path / "out")
    assert (tmp_path / "out" / "mine").read_text() == "mine"


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (special("/tmp/layerwise-absolute", tarfile.REGTYPE), "absolute path"),
        (special(f"LibriSpeech/{SPLIT}/../../../escaped", tarfile.REGTYPE), "'..'"),
        (special("../escaped", tarfile.DIRTYPE), "'..'"),
        (special(f"LibriSpeech/{SPLIT}/inside", tarfile.SYMTYPE, "1/2/1-2-0000.flac"), "is a link"),
        (special(f"LibriSpeech/{SPLIT}/outside", tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
        (special(f"LibriSpeech/{SPLIT}/hard", tarfile.LNKTYPE, f"LibriSpeech/{SPLIT}/1/2/1-2.trans.txt"), "is a link"),
        (special(f"LibriSpeech/{SPLIT}/device", tarfile.CHRTYPE), "device"),
        (special(f"LibriSpeech/{SPLIT}/pipe", tarfile.FIFOTYPE), "special file"),
        (special("LibriSpeech/test-other/link", tarfile.SYMTYPE, "/etc"), "is a link"),
    ],
)
def test_unpack_refuses_what_no_corpus_has(tmp_path, member, reason):
    archive = write_archive(tmp_path / "a.tar.gz", FILES, [member])
    with pytest.raises(CorpusError, match=rf"not safe to unpack: '{re.escape(member.name)}' .*{re.escape(reason)}"):
        unpack_audio(archive, SPLIT, tmp_path / "x" / "y" / "out")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.tar.gz"]
    assert not Path("/tmp/layerwise-absolute").exists()


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999, -8])
def test_unpack_refuses_a_truncated_archive(tmp_path, kept):
    archive = write_archive(tmp_path / "a.tar.gz", FILES)
    data = archive.read_bytes()
    archive.write_bytes(data[: round(kept * len(data)) if kept > 0 else kept])
    with pytest.raises(CorpusError, match=r"a\.tar\.gz is truncated or damaged"):
        unpack_audio(archive, SPLIT, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


def test_unpack_refuses_a_damaged_archive(tmp_path):
    archive = write_archive(tmp_path / "a.tar.gz", FILES)
    flip_bytes(archive)
    with pytest.raises(CorpusError, match="truncated or damaged"):
        unpack_audio(archive, SPLIT, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"<!DOCTYPE html><html>", "a web page"), (b"", "no .tar.gz archive"), (b"PK\x03\x04zip", "no .tar.gz archive")],
)
def test_unpack_refuses_another_format(tmp_path, content, message):
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        unpack_audio(tmp_path / "a.tar.gz", SPLIT, tmp_path / "out")


def test_unpack_names_the_splits_that_are_there(tmp_path):
    archive = write_archive(tmp_path / "a.tar.gz", FILES)
    with pytest.raises(CorpusError, match="'dev-other'; it has dev-clean, test-other"):
        unpack_audio(archive, "dev-other", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unpacking_says_how_far_it_is(tmp_path, progress):
    large = {f"LibriSpeech/{SPLIT}/1/2/1-2-{number:04}.flac": noise(seed=number).tobytes() for number in range(20)}
    unpack_audio(write_archive(tmp_path / "a.tar.gz", large), SPLIT, tmp_path / "out")
    assert progress()
    for line in progress():
        assert re.fullmatch(r"unpacking a.tar.gz: [\d.]+ [kM]B of [\d.]+ [kM]B \(\d+ %\)", line)
