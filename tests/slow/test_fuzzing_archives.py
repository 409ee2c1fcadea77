"""Readers of archives get ones with changed bytes."""

import gzip
import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from fuzzing import fuzz

from layerwise.alignments.cleaning import clean
from layerwise.alignments.columns import Utterance
from layerwise.alignments.sources import find_alignments, read_alignments
from layerwise.alignments.tiers import AlignmentError
from layerwise.corpus.archives import unpack
from tiny_corpus import LAYOUTS, MARKS, PHONE_SETS, TIERS, textgrid_long, textgrid_short, write_aligned_table

FLAT = LAYOUTS["flat"]


def tar(kind: int, **pax: str) -> bytes:
    """A tar with folders, files, a long name, and records of an extended header."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=kind) as made:
        folder = tarfile.TarInfo("c/dev")
        folder.type = tarfile.DIRTYPE
        made.addfile(folder)
        for name in (
            "c/dev/a.wav",
            "c/LICENSE",
            "c/dev/" + "long" * (40 if kind != tarfile.USTAR_FORMAT else 9) + ".wav",
        ):
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = 5, pax
            made.addfile(member, io.BytesIO(b"audio"))
    return stream.getvalue().rstrip(b"\0") + bytes(1024)


TARS = [tar(tarfile.USTAR_FORMAT), tar(tarfile.GNU_FORMAT), tar(tarfile.PAX_FORMAT, mtime="1.5", comment="ü", size="5")]


def unpack_here(archive: Path) -> None:
    """Unpack, and see to it that nothing lies outside, and that all are plain files and folders."""
    folder = archive.parent / "outer" / "folder"
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        unpack(archive, folder, lambda path, is_file: True)
    finally:
        assert os.listdir(folder.parent) == ["folder"]
        for where, folders, names in os.walk(folder):
            for name in folders + names:
                path = Path(where, name)
                assert not path.is_symlink()
                assert path.is_file() or path.is_dir()


def unpack_tar(path: Path) -> None:
    """The file is what gzip gives: changes of a .tar.gz itself end in gzip's checksum."""
    archive = path.with_name("a.tar.gz")
    archive.write_bytes(gzip.compress(path.read_bytes(), 1))
    unpack_here(archive)


def read_all(source: Path) -> None:
    """All alignments of a zip or table, cleaned."""
    found = find_alignments(source, ["all"], FLAT)["all"]
    for name, tiers in zip(found.utterances, read_alignments(source, list(found.utterances.values())), strict=True):
        if not isinstance(tiers, AlignmentError):
            clean([Utterance(name, name, 1.0, tiers)], found.tiers, PHONE_SETS["keep"], MARKS)


def zipped(method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as made:
        made.writestr(zipfile.ZipInfo("c/s/a.TextGrid"), textgrid_long(TIERS), method)
        made.writestr(zipfile.ZipInfo("c/s/ü.TextGrid"), textgrid_short(TIERS), method)
        with made.open(zipfile.ZipInfo("c/s/b.TextGrid"), "w", force_zip64=True) as stream64:
            stream64.write(textgrid_short(TIERS).encode())
    return stream.getvalue()


def table(folder: Path) -> list[bytes]:
    path = write_aligned_table(folder / "made.parquet", {"a": TIERS, "b": TIERS}, subset=["all", "all"])
    return [path.read_bytes()]


READERS = {
    "tar": (unpack_tar, lambda folder: TARS, "a.tar"),
    "tar.gz": (unpack_here, lambda folder: [gzip.compress(data) for data in TARS], "a.tar.gz"),
    "zip": (read_all, lambda folder: [zipped(zipfile.ZIP_DEFLATED), zipped(zipfile.ZIP_STORED)], "a.zip"),
    "parquet": (read_all, table, "a.parquet"),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_changed_archive_is_read_or_refused(reader, tmp_path, tmp_path_factory):
    read, samples, name = READERS[reader]
    assert fuzz(read, samples(tmp_path_factory.mktemp("samples")), tmp_path, name)
