"""Unpacking a .tar.gz from a stranger: what it may hold, and how much, before any of it takes memory or disk.

tarfile would read an extended header of any declared length, and create sparse files of terabytes. So headers are
checked before tarfile sees them.
"""

from __future__ import annotations

import gzip
import os
import re
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from layerwise.errors import LayerwiseError
from layerwise.files.atomic import GZIP, impostor
from layerwise.files.disk_space import DISK_FULL, readable, require_space
from layerwise.files.limits import Limit
from layerwise.files.plain_files import open_plain
from layerwise.progress import ProgressLine

# LibriSpeech's largest archive has 30 GB, all of Libri-Light 3.5 TB in five of them.
MAX_BYTES = Limit("LAYERWISE_MAX_UNPACKED_BYTES", 4 * 10**12, "bytes")
# gzip does not shrink FLAC; it takes a fifth off speech of 16 bits, and makes transcripts in small files 20 times
# smaller. A bomb needs deflate's most, 1,032.
MAX_RATIO = Limit("LAYERWISE_MAX_UNPACKED_RATIO", 100, "bytes for each of its own")
_UNQUESTIONED_BYTES = 10**9  # harmless at any ratio
# The English part of Common Voice has 2.5 million recordings.
MAX_FILES = Limit("LAYERWISE_MAX_ARCHIVE_FILES", 10**7, "files and folders")
# For a path as long as Linux allows, and a dozen attributes of 64 kB, the most that a file system has.
MAX_HEADER_BYTES = Limit("LAYERWISE_MAX_TAR_HEADER_BYTES", 1 << 20, "bytes")
# Of headers that hold for all members that follow: tarfile copies them for each. `git archive` writes one.
MAX_KEYWORDS = Limit("LAYERWISE_MAX_TAR_KEYWORDS", 100, "keywords")
# Linux takes no longer ones; LibriSpeech's folders are five deep.
MAX_NAME_BYTES, MAX_PART_BYTES, MAX_DEPTH = 4096, 255, 100

_BLOCK_BYTES = 1 << 20
# Beside its own, tarfile raises what its arithmetic does, and a chain of headers is a recursion to it.
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError, RecursionError)
_EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_MANY_DIGITS = re.compile(rb"[0-9]{40}")  # tarfile's own patterns take the square of their number, before 3.11.10
_LATEST = 2**32  # a time of 2106: what no file system keeps is left out


class CorpusError(LayerwiseError):
    """The corpus cannot be unpacked or read."""


def unpack(archive: Path, folder: Path, wanted: Callable[[PurePosixPath, bool], bool]) -> None:
    """Unpack the wanted members of a .tar.gz, and check that the archive is whole.

    Args:
        folder: an empty one.
        wanted: whether a member is unpacked, told from its path and from whether it is a file.

    Raises:
        CorpusError: the file is no such archive, or damaged, or holds anything but plain files and folders inside of
            it, or a file twice, or more than a limit.
        DiskSpaceError: the disk lacks the room for what comes next.
    """
    _refuse_other_formats(archive)
    progress = ProgressLine(f"unpacking {archive.name}", archive.stat().st_size, shown=readable)
    with open_plain(archive) as raw, gzip.GzipFile(fileobj=raw) as unzipped:
        stream = _Stream(unzipped, archive)
        try:
            with tarfile.open(fileobj=stream, mode="r:", tarinfo=_Member) as tar:
                number = 0
                while (member := tar.next()) is not None:
                    tar.members = []  # tarfile keeps all of them, a kilobyte each
                    number += 1
                    MAX_FILES.require(number, str(archive), CorpusError)
                    stream.require(member.offset_data + member.size)
                    path = _safe_path(member, archive)
                    if wanted(path, member.isfile()):
                        _extract(tar, member, folder, archive)
                    progress.reach(raw.tell())
            while stream.read(_BLOCK_BYTES):  # to the end, where gzip checks that all of it was there
                pass
        except _DAMAGED as error:
            raise CorpusError(f"{archive} is truncated or damaged: {error}. Download it again") from error
        except OSError as error:
            if error.errno in DISK_FULL:
                raise
            raise CorpusError(f"{archive} cannot be unpacked: {error}") from error


def _refuse_other_formats(archive: Path) -> None:
    try:
        stream = open_plain(archive)
    except OSError as error:
        raise CorpusError(f"{archive} cannot be read: {error.strerror}") from error
    with stream:
        start = stream.read(40)
    if not start.startswith(GZIP):
        raise CorpusError(f"{archive} is no .tar.gz archive: it begins with {start!r}{impostor(start)}")


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, archive: Path) -> None:
    if member.isfile():
        if os.path.lexists(folder / member.name):
            raise _unsafe(archive, member, "stands there twice, or as a folder too")
        require_space(folder, member.size, f"unpacking {member.name} from {archive}", "make room and run again")
    tar.extract(member, folder, filter=_plain)


def _plain(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """A member without owner and special bits; an impossible time is dropped."""
    member = tarfile.data_filter(member, folder)
    return member if 0 <= member.mtime < _LATEST else member.replace(mtime=None, deep=False)


def _safe_path(member: tarfile.TarInfo, archive: Path) -> PurePosixPath:
    """A member's path; names that no corpus has are refused, even if tarfile's filter would mend them."""
    path = PurePosixPath(member.name)
    if path.is_absolute():
        reason = "has an absolute path"
    elif ".." in path.parts:
        reason = "has a path with '..'"
    elif member.issym() or member.islnk():
        reason = "is a link"
    elif not (member.isfile() or member.isdir()):
        reason = "is a device or another special file"
    elif member.issparse():
        reason = "is a sparse file"
    elif not path.parts and member.isfile():
        reason = "has no name"
    elif wrong := unusable_name(member.name):
        reason = wrong
    else:
        return path
    raise _unsafe(archive, member, reason)


def unusable_name(name: str) -> str | None:
    """Why no disk can have a file of this path; None: it can."""
    if len(name) <= MAX_DEPTH and name.isascii() and "\0" not in name:  # as in every zip of LibriSpeech's size
        return None
    try:
        data = os.fsencode(name)
    except UnicodeEncodeError:
        return "has a name that is no text"
    if b"\0" in data:
        return "has a name with a character of value 0"
    parts = data.split(b"/")
    if len(data) > MAX_NAME_BYTES or len(max(parts, key=len)) > MAX_PART_BYTES:
        return f"has a name of {len(data)} bytes ({MAX_NAME_BYTES} at most, {MAX_PART_BYTES} for each part)"
    if len(parts) > MAX_DEPTH:
        return f"lies {len(parts)} folders deep ({MAX_DEPTH} at most)"
    return None


def _unsafe(archive: Path, member: tarfile.TarInfo, reason: str) -> CorpusError:
    return CorpusError(
        f"{archive} is not safe to unpack: {member.name!r} {reason}; only plain files and folders are allowed"
    )


class _Stream:
    """The bytes of a tar as they come out of gzip, no more of them than the limits allow."""

    def __init__(self, stream: BinaryIO, archive: Path) -> None:
        self.archive = archive
        self.lasting_bytes = self.lasting_keywords = 0  # of headers that hold for all members that follow
        self._stream = stream
        self._packed = archive.stat().st_size
        self._again = b""  # bytes that were peeked at, to be read again

    def require(self, total: int) -> None:
        """Refuse an archive that has so many bytes."""
        if total > _UNQUESTIONED_BYTES:
            what = f"{self.archive}, unpacked,"
            MAX_BYTES.require(total, what, CorpusError)
            MAX_RATIO.require(-(-total // max(1, self._packed)), what, CorpusError)

    def tell(self) -> int:
        return self._stream.tell() - len(self._again)

    def seek(self, place: int) -> None:
        """Forward alone: gzip would begin anew for each step back."""
        if place < self.tell():
            raise tarfile.ReadError("a member lies before the one before it")
        self.require(place)
        self._again = b""
        self._stream.seek(place)

    def read(self, size: int) -> bytes:
        again, self._again = self._again[:size], self._again[size:]
        data = again + self._stream.read(size - len(again))
        self.require(self.tell())
        return data

    def peek(self, size: int) -> bytes:
        """What `read` will give."""
        self._again = self.read(size) + self._again
        return self._again[:size]


class _Member(tarfile.TarInfo):
    """A member whose header is checked before tarfile reads it."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size < 0:
            raise tarfile.ReadError(f"a size of {self.size} bytes")
        if self.type == tarfile.GNUTYPE_SPARSE:
            raise CorpusError(f"{tar.fileobj.archive} is not safe to unpack: {self.name!r} is a sparse file")
        if self.type == tarfile.XGLTYPE:
            tar.fileobj.lasting_bytes += self.size
        if self.type in _EXTENDED + _LONG:
            size = max(self.size, tar.fileobj.lasting_bytes)
            MAX_HEADER_BYTES.require(size, f"{tar.fileobj.archive}: the header of a file", CorpusError)
        if self.type == tarfile.XGLTYPE:
            tar.fileobj.lasting_keywords += tar.fileobj.peek(self.size).count(
                b"="
            )  # one follows each, or is in a value
            MAX_KEYWORDS.require(
                tar.fileobj.lasting_keywords, f"{tar.fileobj.archive}: the header of all files", CorpusError
            )
        if self.type in _EXTENDED and _MANY_DIGITS.search(tar.fileobj.peek(self.size)):
            raise tarfile.ReadError("a number of more than 40 digits in the header of a file")
        member = super()._proc_member(tar)
        if member.size < 0:  # as an extended header says
            raise tarfile.ReadError(f"a size of {member.size} bytes")
        return member

    def _refuse_sparse(self, member: tarfile.TarInfo, *_: object) -> None:
        raise tarfile.ReadError(f"{member.name!r} is a sparse file, which no corpus has")

    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_sparse
