"""Archives that strangers made: what is refused before it takes memory, disk or time."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
from pathlib import Path

import pytest

from layerwise.corpus import archives
from layerwise.corpus.archives import CorpusError
from layerwise.corpus.unpacking import unpack_all, unpack_audio
from layerwise.files import disk_space
from layerwise.files.disk_space import DiskSpaceError
from small_disk import small_disk
from tiny_corpus import SPLIT, write_archive

END = bytes(1024)  # of a tar


def header(name: str = "c/a.wav", size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def blocks(data: bytes) -> bytes:
    """Data up to a whole number of blocks."""
    return data + bytes(-len(data) % 512)


def record(key: str, value: bytes) -> bytes:
    """A record of an extended header."""
    rest = b" " + key.encode() + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def extended(*records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    data = b"".join(records)
    return header("x", len(data), kind) + blocks(data)


def packed(path: Path, *parts: bytes) -> Path:
    path.write_bytes(gzip.compress(b"".join(parts)))
    return path


def refused(tmp_path: Path, archive: Path, reason: str) -> None:
    """Both ways to unpack refuse, with the reason, and leave nothing."""
    for unpack in (unpack_all, lambda source, out: unpack_audio(source, None, out)):
        with pytest.raises(CorpusError, match=reason) as error:
            unpack(archive, tmp_path / "out")
        assert "\n" not in str(error.value)
        assert [path.name for path in tmp_path.iterdir()] == [archive.name]


FILE = header(size=5) + blocks(b"audio")


def test_what_the_tests_make_is_a_tar(tmp_path):
    unpack_all(packed(tmp_path / "a.tar.gz", extended(record("comment", b"x")), FILE, END), tmp_path / "out")
    assert (tmp_path / "out/c/a.wav").read_bytes() == b"audio"


@pytest.mark.parametrize(
    "parts",
    [
        [header("c/a.wav", 0, tarfile.GNUTYPE_SPARSE)],
        [extended(record("GNU.sparse.map", b"0,5"), record("GNU.sparse.size", b"9" * 12)), FILE],
        [extended(record("GNU.sparse.size", b"9" * 12)), FILE],
        [extended(record("GNU.sparse.major", b"1"), record("GNU.sparse.minor", b"0")), header(size=512), bytes(512)],
        [
            extended(record("GNU.sparse.major", b"1"), record("GNU.sparse.minor", b"0"), kind=tarfile.XGLTYPE),
            header(size=512),
            blocks(b"1\n0\n999999999999\n"),
        ],
    ],
    ids=["old", "0.1", "0.0", "1.0", "1.0 for all"],
)
def test_sparse_files_are_refused(tmp_path, parts):
    """A few bytes that become terabytes of holes."""
    refused(tmp_path, packed(tmp_path / "a.tar.gz", *parts, END), "a.wav.* is a sparse file")


@pytest.mark.parametrize("kind", [*archives._EXTENDED, *archives._LONG])
def test_an_extended_header_of_any_length_is_not_read(tmp_path, kind):
    archive = packed(tmp_path / "a.tar.gz", header("x", 2 * 10**9, kind), bytes(10**6))
    refused(tmp_path, archive, "header of a file has 2000000000 bytes, and no more than 1048576 are read.*TAR_HEADER")


def test_extended_headers_that_hold_for_all_files_are_counted_together(tmp_path):
    parts = [
        extended(record(f"key{number}", b"x" * 10**5), kind=tarfile.XGLTYPE) + header(f"c/{number}.wav")
        for number in range(20)
    ]
    refused(tmp_path, packed(tmp_path / "a.tar.gz", *parts, END), "header of a file has 1[0-9]{6} bytes")


@pytest.mark.parametrize("headers", [1, 101])
def test_what_holds_for_all_files_is_little(tmp_path, headers):
    """tarfile copies it for each of them: a thousand empty files would take seconds."""
    records = [record(f"k{number}", b"") for number in range(101)]
    each = -(-len(records) // headers)
    lasting = [extended(*records[at : at + each], kind=tarfile.XGLTYPE) for at in range(0, len(records), each)]
    members = [part + header(f"c/{number}.wav") for number, part in enumerate(lasting)]
    archive = packed(tmp_path / "a.tar.gz", *members, FILE, END)
    refused(tmp_path, archive, "the header of all files has 101 keywords, .*LAYERWISE_MAX_TAR_KEYWORDS=101")


def test_a_hundred_keywords_for_all_files_are_read(tmp_path):
    lasting = extended(*(record(f"k{number}", b"") for number in range(100)), kind=tarfile.XGLTYPE)
    unpack_all(packed(tmp_path / "a.tar.gz", lasting, FILE, END), tmp_path / "out")
    assert (tmp_path / "out/c/a.wav").read_bytes() == b"audio"


def test_digits_in_an_extended_header_do_not_take_the_square_of_their_number(tmp_path):
    digits = extended(b"1" * 10**6)
    refused(tmp_path, packed(tmp_path / "a.tar.gz", digits, FILE, END), "more than 40 digits")


@pytest.mark.parametrize("size", [-512, -(2**60)])
def test_a_negative_size_is_damage(tmp_path, size):
    refused(tmp_path, packed(tmp_path / "a.tar.gz", header(size=size), FILE, END), f"damaged: a size of {size} bytes")


def test_a_negative_size_in_an_extended_header_is_damage(tmp_path):
    archive = packed(tmp_path / "a.tar.gz", extended(record("size", b"-1024")), FILE, END)
    refused(tmp_path, archive, "damaged: a size of -1024 bytes")


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_headers_of_headers_are_damage(tmp_path, kind):
    archive = packed(tmp_path / "a.tar.gz", (header("x", 512, kind) + bytes(512)) * 3000, FILE, END)
    refused(tmp_path, archive, "damaged")


def test_more_than_can_be_right_is_refused_before_it_is_unpacked(tmp_path):
    """A bomb: 20 TB in 2 kB."""
    archive = packed(tmp_path / "a.tar.gz", header(size=20 * 10**12), bytes(10**6))
    refused(tmp_path, archive, "unpacked, has 2[0-9]{13} bytes, .*export LAYERWISE_MAX_UNPACKED_BYTES=2[0-9]{13}")


def test_a_small_archive_of_much_is_refused(tmp_path):
    archive = packed(tmp_path / "a.tar.gz", header(size=2 * 10**9), bytes(10**6))
    refused(tmp_path, archive, "bytes for each of its own, .*export LAYERWISE_MAX_UNPACKED_RATIO=")


def test_what_follows_the_end_of_the_tar_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_UNQUESTIONED_BYTES", 10**6)
    archive = packed(tmp_path / "a.tar.gz", FILE, END)
    archive.write_bytes(archive.read_bytes() + gzip.compress(bytes(10**6)) * 100)
    refused(tmp_path, archive, "bytes for each of its own")


def test_a_limit_can_be_raised(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_UNQUESTIONED_BYTES", 10**6)
    archive = packed(tmp_path / "a.tar.gz", header(size=2 * 10**6), blocks(bytes(2 * 10**6)), END)
    with pytest.raises(CorpusError, match="LAYERWISE_MAX_UNPACKED_RATIO"):
        unpack_all(archive, tmp_path / "out")
    monkeypatch.setenv("LAYERWISE_MAX_UNPACKED_RATIO", "2000")
    unpack_all(archive, tmp_path / "out")
    assert (tmp_path / "out/c/a.wav").stat().st_size == 2 * 10**6


def test_the_number_of_files_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_MAX_ARCHIVE_FILES", "2")
    archive = write_archive(tmp_path / "a.tar.gz", {f"c/{number}.wav": b"" for number in range(3)})
    refused(tmp_path, archive, "has 3 files and folders, and no more than 2 are read")


def test_what_does_not_fit_on_the_disk_is_not_begun(tmp_path, monkeypatch):
    archive = write_archive(tmp_path / "a.tar.gz", {"c/a.wav": b"audio", "c/b.wav": bytes(10**6)})
    small_disk(monkeypatch, 10**5)
    monkeypatch.setattr(tarfile.TarFile, "makefile", lambda *_: None)
    with pytest.raises(DiskSpaceError, match=r"unpacking c/b\.wav from .* needs 1 MB, but 100 kB are free"):
        unpack_all(archive, tmp_path / "out")
    assert disk_space.shutil.disk_usage("/").free == 10**5


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("c/" + "a" * 10_000 + ".wav", "has a name of 10006 bytes"),
        ("c/" + "a" * 300 + ".wav", "has a name of 306 bytes"),
        ("c/" + "d/" * 1500 + "a.wav", "lies 1502 folders deep"),
        (".", "has no name"),
    ],
    ids=["long", "long part", "deep", "none"],
)
def test_a_name_that_no_disk_takes_is_refused(tmp_path, name, reason):
    refused(tmp_path, write_archive(tmp_path / "a.tar.gz", {name: b"audio"}), reason)


def test_a_name_with_a_character_of_value_0_is_refused(tmp_path):
    archive = packed(tmp_path / "a.tar.gz", extended(record("path", b"c/a\0b.wav")), FILE, END)
    refused(tmp_path, archive, "a character of value 0")


def test_control_characters_in_a_name_reach_no_terminal(tmp_path):
    archive = write_archive(tmp_path / "a.tar.gz", {"c/../\x1b[2J\n.wav": b"audio"})
    refused(tmp_path, archive, r"\\x1b\[2J\\n")


@pytest.mark.parametrize(
    "names", [["c/a.wav", "c/a.wav"], ["c/a", "c/a/b.wav"], ["c/a/b.wav", "c/a"], ["c/a.wav", "./c//a.wav"]]
)
def test_a_file_that_stands_there_twice_is_refused(tmp_path, names):
    archive = packed(tmp_path / "a.tar.gz", *(header(name, 5) + blocks(b"audio") for name in names), END)
    refused(tmp_path, archive, "twice|exists|Not a directory")


@pytest.mark.parametrize("time", [b"1e300", b"-5", b"nan", b"inf", b"9" * 30])
def test_a_time_that_is_none_does_not_matter(tmp_path, time):
    archive = packed(tmp_path / "a.tar.gz", extended(record("mtime", time)), FILE, END)
    unpack_all(archive, tmp_path / "out")
    assert (tmp_path / "out/c/a.wav").read_bytes() == b"audio"


def test_special_bits_and_owners_are_left_out(tmp_path):
    member = tarfile.TarInfo("c/a.wav")
    member.mode, member.uid = 0o7777, 12345
    unpack_all(write_archive(tmp_path / "a.tar.gz", {}, [member]), tmp_path / "out")
    status = (tmp_path / "out/c/a.wav").stat()
    assert stat.S_IMODE(status.st_mode) & 0o7022 == 0
    assert status.st_uid != 12345


def test_garbage_after_the_archive_is_damage(tmp_path):
    archive = write_archive(tmp_path / "a.tar.gz", {"c/a.wav": b"audio"})
    archive.write_bytes(archive.read_bytes() + b"garbage")
    refused(tmp_path, archive, "damaged")


def test_an_archive_in_several_pieces_of_gzip_is_one(tmp_path):
    whole = io.BytesIO(gzip.compress(FILE[:100]) + gzip.compress(FILE[100:] + END)).getvalue()
    (tmp_path / "a.tar.gz").write_bytes(whole)
    unpack_audio(tmp_path / "a.tar.gz", None, tmp_path / "out")
    assert (tmp_path / "out/c/a.wav").read_bytes() == b"audio"


def test_a_file_beside_the_split_does_not_hide_it(tmp_path):
    archive = write_archive(tmp_path / "a.tar.gz", {f"c/{SPLIT}/1/2/1-2-0.wav": b"audio", "c/LICENSE": b"x"})
    unpack_audio(archive, SPLIT, tmp_path / "out")
    assert (tmp_path / "out/c/LICENSE").read_bytes() == b"x"
