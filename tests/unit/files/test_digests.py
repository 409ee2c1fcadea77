"""Sizes and digests of files, and the note of a digest that was not known before."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest

from layerwise.files.digests import DownloadError, note_digest, verify
from layerwise.files.links import LinkError

CONTENT = b"some audio"


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "a.tar.gz"


def digests(data: bytes) -> dict[str, str | int]:
    return {"md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def test_verify_accepts_the_right_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"some audio")
    verify(path)
    verify(path, **{**digests(b"some audio"), "md5": digests(b"some audio")["md5"].upper()})


@pytest.mark.parametrize("check", ["md5", "sha256", "size"])
def test_verify_says_what_was_found_and_what_was_expected(tmp_path, check):
    path = tmp_path / "a"
    path.write_bytes(b"some audio")
    found, expected = digests(b"some audio")[check], digests(b"other audio")[check]
    with pytest.raises(DownloadError, match=rf"{re.escape(str(path))}: found .*{found}.* expected {expected}"):
        verify(path, **{check: expected})


def test_verify_names_a_missing_file(tmp_path):
    with pytest.raises(DownloadError, match="there is no such file"):
        verify(tmp_path / "a", size=3)


def test_folder_where_a_digest_is_noted_is_named(out):
    out.write_bytes(CONTENT)
    out.with_name(f"{out.name}.sha256").mkdir()
    with pytest.raises(LinkError, match="sha256 is a folder, where a file of this workflow belongs: remove it"):
        note_digest(out, "http://h/a")


def test_digest_that_is_noted_already_is_not_written_again(out):
    out.write_bytes(CONTENT)
    note = note_digest(out, "http://h/a")
    number = note.stat().st_ino
    os.link(note, note.with_name("same"))  # else the number might be given again
    assert note_digest(out, "http://h/a").stat().st_ino == number


def test_a_large_file_says_how_far_it_is_checked(out, progress):
    out.write_bytes(bytes(5 << 19))
    verify(out, **digests(bytes(5 << 19)))
    assert progress() == [
        f"checking a.tar.gz: {done} MB of 2.62 MB ({part} %)" for done, part in (("1.05", 40), ("2.1", 80))
    ]
