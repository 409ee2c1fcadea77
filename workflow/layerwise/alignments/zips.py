"""Files in a zip, read one by one without reading its directory each time.

A zip has its directory at its end. That of LibriSpeech's alignments (292,367 entries) takes seconds and hundreds of
megabytes to read. One process reads it, and tells the others where members lie.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from layerwise.corpus.archives import unusable_name
from layerwise.errors import LayerwiseError, shown
from layerwise.files.limits import Limit

# An hour of speech has 5 MB as a TextGrid, a day 120 MB.
MAX_FILE_BYTES = Limit("LAYERWISE_MAX_ALIGNMENT_BYTES", 2 * 10**8, "bytes")
# That of LibriSpeech's alignments has 30 MB; zipfile takes some ten times as much memory.
MAX_DIRECTORY_BYTES = Limit("LAYERWISE_MAX_ZIP_DIRECTORY_BYTES", 2 * 10**8, "bytes")
# TextGrids are packed to a tenth. A bomb needs deflate's most, 1,032.
MAX_RATIO = Limit("LAYERWISE_MAX_UNZIPPED_RATIO", 100, "bytes for each of its own")
_UNQUESTIONED_BYTES = 10**7  # alignments of two hours: harmless at any ratio

_UTF8 = 0x800  # the flag of a name in UTF-8
_HEADER = struct.Struct("<4s22xHH")  # ends with the lengths of a name and an extra field that follow


class ZipError(LayerwiseError):
    """A zip, or a file in it, cannot be read."""


class NoZipError(ZipError):
    """A file is no zip at all."""


class Member(NamedTuple):
    """Where a file in a zip begins, and what the zip's directory says of it."""

    offset: int
    packed_bytes: int
    num_bytes: int
    method: int
    crc: int
    encrypted: bool


def members(path: Path) -> list[tuple[str, Member]]:
    """The names and places of all files in a zip.

    Names are names only: nothing is written, whatever they say.

    Raises:
        NoZipError: it is no zip, or a truncated one.
        ZipError: its files lie over each other, or have more bytes than can be right.
    """
    if not path.is_file():
        raise NoZipError(f"{path} is no file")
    try:
        with _Frugal(path) as stream, zipfile.ZipFile(stream) as archive:
            found = [
                (
                    _name(entry),
                    Member(
                        entry.header_offset,
                        entry.compress_size,
                        entry.file_size,
                        entry.compress_type,
                        entry.CRC,
                        bool(entry.flag_bits & 1),
                    ),
                )
                for entry in archive.infolist()
            ]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, OverflowError, struct.error) as error:
        raise NoZipError(f"{path} is no zip, or a truncated one ({error})") from error
    _refuse_impossible(path, found)
    return found


class _Frugal(io.FileIO):
    """A file of which no more is read at once than a zip's directory may have."""

    def read(self, size: int | None = -1) -> bytes:
        wanted = os.fstat(self.fileno()).st_size - self.tell() if size is None or size < 0 else size
        MAX_DIRECTORY_BYTES.require(wanted, f"{self.name}: its directory", ZipError)
        return super().read(size)


def _refuse_impossible(path: Path, found: Sequence[tuple[str, Member]]) -> None:
    """Refuse a zip with names that no disk takes, files that overlap, or far more bytes than it could hold."""
    for name, _ in found:
        if wrong := unusable_name(name):
            raise ZipError(f"{path}: {shown(name)!r} {wrong}")
    end = 0
    for name, member in sorted(found, key=lambda item: item[1].offset):
        if member.offset < end:
            raise ZipError(f"{path} is damaged: {shown(name)!r} begins within the file before it")
        end = member.offset + _HEADER.size + member.packed_bytes
    total, size = sum(member.num_bytes for _, member in found), path.stat().st_size
    if total > _UNQUESTIONED_BYTES:
        MAX_RATIO.require(-(-total // max(1, size)), f"{path}, unpacked,", ZipError)


def _name(entry: zipfile.ZipInfo) -> str:
    """The name of a file. Many programs write UTF-8 without its flag, which Python reads as a code page of 1981."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def read_member(descriptor: int, member: Member) -> bytes:
    """The content of a file in a zip (PKWARE 2022, APPNOTE 6.3.10, section 4.3.7).

    Args:
        descriptor: of the open zip.

    Raises:
        ZipError: it is damaged, encrypted, or packed by another method than deflate.
    """
    for size in (member.num_bytes, member.packed_bytes):
        MAX_FILE_BYTES.require(size, "it", ZipError)
    if not 0 <= member.offset < os.fstat(descriptor).st_size:
        raise ZipError("the zip is damaged: a file begins where there is nothing")
    header = os.pread(descriptor, _HEADER.size, member.offset)
    if len(header) < _HEADER.size or not header.startswith(b"PK\3\4"):
        raise ZipError("the zip is damaged: a file does not begin where it should")
    # The header's own lengths; those in the directory may differ.
    _, *lengths = _HEADER.unpack(header)
    packed = os.pread(descriptor, member.packed_bytes, member.offset + _HEADER.size + sum(lengths))
    if member.encrypted:
        raise ZipError("it is encrypted")
    if member.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ZipError(f"it is packed by method {member.method}; pack the zip again with deflate")
    try:
        # No more than the directory says, and one byte to notice it.
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        deflated = member.method == zipfile.ZIP_DEFLATED
        data = unpacker.decompress(packed, member.num_bytes + 1) if deflated else packed
    except zlib.error as error:
        raise ZipError(f"the zip is damaged: {error}") from error
    if len(data) != member.num_bytes:
        more = "more" if len(data) > member.num_bytes else "fewer"
        raise ZipError(f"the zip is damaged: it has {more} bytes than the {member.num_bytes} that the directory says")
    if zlib.crc32(data) != member.crc:
        raise ZipError("the zip is damaged: a checksum differs")
    return data
