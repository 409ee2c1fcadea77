"""Files in a zip, read one by one without a look at its directory each time.

A zip has its directory at its end. That of LibriSpeech's alignments (292,367 entries) takes seconds and hundreds of
megabytes to read: one process does it, and any other finds members by what it says.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from layerwise.errors import LayerwiseError

_UTF8 = 0x800  # the flag of a name in UTF-8
_HEADER = struct.Struct("<4s22xHH")  # ends with the lengths of a name and an extra field that follow


class ZipError(LayerwiseError):
    """A zip, or a file in it, cannot be read."""


class Member(NamedTuple):
    """Where a file in a zip begins, and what the zip's directory says of it."""

    offset: int
    packed_bytes: int
    method: int
    crc: int
    encrypted: bool


def members(path: Path) -> list[tuple[str, Member]]:
    """The names and places of all files in a zip.

    Raises:
        ZipError: it is no zip, or a truncated one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [
                (
                    _name(entry),
                    Member(
                        entry.header_offset,
                        entry.compress_size,
                        entry.compress_type,
                        entry.CRC,
                        bool(entry.flag_bits & 1),
                    ),
                )
                for entry in archive.infolist()
            ]
    except zipfile.BadZipFile as error:
        raise ZipError(f"{path} is no zip, or a truncated one ({error})") from error


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
        data = zlib.decompress(packed, -zlib.MAX_WBITS) if member.method == zipfile.ZIP_DEFLATED else packed
    except zlib.error as error:
        raise ZipError(f"the zip is damaged: {error}") from error
    if zlib.crc32(data) != member.crc:
        raise ZipError("the zip is damaged: a checksum differs")
    return data
