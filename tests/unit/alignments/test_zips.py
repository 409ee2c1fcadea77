"""Zips that strangers made."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from layerwise.alignments import zips
from layerwise.alignments.sources import find_alignments, read_alignments
from layerwise.alignments.tiers import AlignmentError
from layerwise.alignments.zips import ZipError, members, read_member
from tiny_corpus import LAYOUTS, TIERS, textgrid_long, write_zip

TEXT = textgrid_long(TIERS)


def read(path: Path) -> dict[str, bytes]:
    with path.open("rb") as stream:
        return {name: read_member(stream.fileno(), member) for name, member in members(path)}


def forged(path: Path, **fields: int) -> Path:
    """A zip of one file whose directory says something else of it."""
    write_zip(path, {"a.TextGrid": TEXT})
    with zipfile.ZipFile(path) as archive:
        (entry,) = archive.infolist()
        start = archive.start_dir
    values = {"compress_size": entry.compress_size, "file_size": entry.file_size, "header_offset": 0} | fields
    data = bytearray(path.read_bytes())
    struct.pack_into("<II", data, start + 20, values["compress_size"], values["file_size"])
    struct.pack_into("<I", data, start + 42, values["header_offset"])
    path.write_bytes(data)
    return path


def test_a_file_of_gigabytes_is_not_unpacked(tmp_path):
    """3.5 GB of zeros in 3.5 MB, for a TextGrid."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(10**7)) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packed * 350 + packer.flush()
    crc = 0
    path = tmp_path / "a.zip"
    name = b"c/s/a.TextGrid"
    size = 350 * 10**7
    header = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, crc, len(zeros), size, len(name), 0)
    entry = b"PK\1\2\x14\0" + header + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    start = b"PK\3\4" + header + name + zeros
    path.write_bytes(start + entry + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(start), 0))
    with pytest.raises(ZipError, match=r"unpacked, has \d+ bytes for each of its own, .*LAYERWISE_MAX_UNZIPPED_RATIO"):
        members(path)
    with path.open("rb") as stream, pytest.raises(ZipError, match=r"it has 3500000000 bytes, .*MAX_ALIGNMENT_BYTES"):
        read_member(stream.fileno(), zips.Member(0, len(zeros), size, 8, crc, False))
    with path.open("rb") as stream, pytest.raises(ZipError, match="more bytes than the 1000 that the directory says"):
        read_member(stream.fileno(), zips.Member(0, len(zeros), 1000, 8, crc, False))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"file_size": len(TEXT) - 1}, "it has more bytes than the 1"),
        ({"file_size": len(TEXT) + 1}, "it has fewer bytes than the 1"),
        ({"file_size": 3 * 10**9}, "bytes for each of its own"),
        ({"compress_size": 3 * 10**9}, "it has 3000000000 bytes"),
        ({"compress_size": 3}, "the zip is damaged"),
        ({"header_offset": 4}, "a file does not begin where it should"),
        ({"header_offset": 10**9}, "a file begins where there is nothing"),
    ],
)
def test_what_the_directory_says_is_compared_with_what_is_there(tmp_path, fields, reason):
    with pytest.raises(ZipError, match=reason):
        read(forged(tmp_path / "a.zip", **fields))


def test_files_that_lie_over_each_other_are_refused(tmp_path):
    """A bomb that unpacks the same bytes again for each of its files."""
    path = write_zip(tmp_path / "a.zip", {"a.TextGrid": TEXT, "b.TextGrid": TEXT})
    with zipfile.ZipFile(path) as archive:
        second = archive.start_dir + 46 + len("a.TextGrid")
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, second + 42, 0)
    path.write_bytes(data)
    with pytest.raises(ZipError, match=r"b\.TextGrid' begins within the file before it"):
        members(path)


def test_a_directory_beyond_its_limit_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_MAX_ZIP_DIRECTORY_BYTES", "5000")
    path = write_zip(tmp_path / "a.zip", {f"{number}.TextGrid": "" for number in range(200)})
    with pytest.raises(ZipError, match=r"its directory has \d+ bytes, and no more than 5000 are read"):
        members(path)


@pytest.mark.parametrize("name", ["a" * 300 + ".TextGrid", "d/" * 1000 + "a.TextGrid", "a/" * 3000])
def test_a_name_that_no_disk_takes_is_refused(tmp_path, name):
    with pytest.raises(ZipError, match=r"has a name of|folders deep"):
        members(write_zip(tmp_path / "a.zip", {name: TEXT}))


def test_names_choose_no_path(tmp_path):
    """They are read in place, whatever they are called."""
    names = ["../../a.TextGrid", "/etc/b.TextGrid", "c/\x1b[2J.TextGrid"]
    path = write_zip(tmp_path / "a.zip", dict.fromkeys(names, TEXT))
    assert {name: data.decode() for name, data in read(path).items()} == dict.fromkeys(names, TEXT)
    assert os.listdir(tmp_path) == ["a.zip"]


@pytest.mark.parametrize("damage", ["zip64", "utf8", "version", "pipe"])
def test_what_zipfile_cannot_read_is_one_line(tmp_path, damage):
    path = write_zip(tmp_path / "a.zip", {"ü.TextGrid": TEXT})
    with zipfile.ZipFile(path) as archive:
        start = archive.start_dir
    data = bytearray(path.read_bytes())
    if damage == "zip64":
        data[start + 20 : start + 28] = b"\xff" * 8
    elif damage == "utf8":
        data[start + 46] = 0xFF
    elif damage == "version":
        data[start + 6 : start + 8] = b"\xff\xff"
    path.write_bytes(data)
    if damage == "pipe":
        path.unlink()
        os.mkfifo(path)
    with pytest.raises(AlignmentError, match=r"a\.zip(, unpacked, has| is no) ") as error:
        find_alignments(path, ["all"], LAYOUTS["flat"])
    assert "\n" not in str(error.value)


def test_one_bad_file_spoils_no_other(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"c/s/a.TextGrid": TEXT, "c/s/b.TextGrid": TEXT})
    data = bytearray(path.read_bytes())
    data[60:64] = bytes(4)
    path.write_bytes(data)
    found = find_alignments(path, ["all"], LAYOUTS["flat"])["all"].utterances
    first, second = read_alignments(path, [found["a"], found["b"]])
    assert isinstance(first, AlignmentError)
    assert len(second) == 2
