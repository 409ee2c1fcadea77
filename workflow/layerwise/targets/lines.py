"""The lines of a text file of any size, as it is or packed (gzip, zip), one after the other."""

from __future__ import annotations

import codecs
import gzip
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple, cast

from layerwise.errors import did_you_mean, first_names, shown
from layerwise.files.atomic import GZIP, ZIP
from layerwise.files.disk_space import readable
from layerwise.files.limits import Limit
from layerwise.files.plain_files import open_plain
from layerwise.progress import ProgressLine
from layerwise.targets.errors import LookUpError

# A vector of 4,096 numbers with 20 characters each has 86 kB.
MAX_LINE_BYTES = Limit("LAYERWISE_MAX_VECTOR_LINE_BYTES", 1 << 24, "bytes")
_TEXTS = (".txt", ".vec")
_LOOK_BYTES = 1 << 12
_LINES_PER_LOOK = 4096  # between two looks at the clock
_BROKEN = (OSError, EOFError, RuntimeError, NotImplementedError, ValueError, zipfile.BadZipFile, zlib.error)


class Line(NamedTuple):
    """A line that holds something, without blanks at its end.

    Attributes:
        number: from 1.
        text: UTF-8, as far as anybody has looked.
        is_whole: whether the line has its end; the last one of a file may lack it, and the file then be cut off.
    """

    number: int
    text: bytes
    is_whole: bool


def lines_of(path: Path, member: str | None = None) -> Iterator[Line]:
    """The lines of a file, the mark at the beginning and empty lines left out; how far it is read is shown.

    Args:
        member: which file of a zip; None: the only one, or the only text.

    Raises:
        LookUpError: it cannot be read, is no text, or a line has no end.
    """
    most = MAX_LINE_BYTES.value
    with ExitStack() as stack:
        try:
            stream, size = _opened(stack, path, member)
        except _BROKEN as error:
            raise LookUpError(f"{path} cannot be read: {_said(error)}") from error
        progress = ProgressLine(f"reading {path.name}", size, shown=readable)
        number = unseen = 0
        while True:
            try:
                line = stream.readline(most + 1)
            except _BROKEN as error:
                raise LookUpError(f"{path} is damaged after line {number}: {_said(error)}") from error
            if not line:
                break
            number += 1
            unseen += len(line)
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if number % _LINES_PER_LOOK == 0:
                progress.add(unseen)
                unseen = 0
            MAX_LINE_BYTES.require(len(line), f"{path}, line {number}", LookUpError)
            text = line.rstrip()
            if text:
                yield Line(number, text, line.endswith(b"\n"))


def _opened(stack: ExitStack, path: Path, member: str | None) -> tuple[IO[bytes], int | None]:
    """A file's text as a stream, and its bytes, where they are known."""
    file: IO[bytes] = stack.enter_context(open_plain(path))
    start, size = file.read(_LOOK_BYTES), os.fstat(file.fileno()).st_size
    file.seek(0)
    if start.startswith(GZIP):
        unpacked = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=file)))
        return _text(unpacked, unpacked.peek(_LOOK_BYTES), path), None  # type: ignore[attr-defined]
    if start.startswith(ZIP):
        archive = stack.enter_context(zipfile.ZipFile(file))
        chosen = _chosen(archive, path, member)
        inside = stack.enter_context(archive.open(chosen))
        return _text(inside, inside.peek(_LOOK_BYTES), path), chosen.file_size  # type: ignore[attr-defined]
    return _text(file, start, path), size


def _text(stream: IO[bytes], start: bytes, path: Path) -> IO[bytes]:
    if b"\0" in start:
        raise LookUpError(
            f"{path} is no text in UTF-8; expected are lines of a word and its numbers, a table in Parquet, or an npz "
            "with words and vectors. Binary word2vec files are to be saved as text"
        )
    return stream


def _chosen(archive: zipfile.ZipFile, path: Path, member: str | None) -> zipfile.ZipInfo:
    files = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
    if member is not None:
        if member not in files:
            raise LookUpError(
                f"{path} has no file {shown(member)}{did_you_mean(files, member)}; it has {first_names(files)}"
            )
        return files[member]
    texts = [name for name in files if name.endswith(_TEXTS) and not name.startswith("__MACOSX/")]
    for names in (list(files), texts):
        if len(names) == 1:
            return files[names[0]]
    raise LookUpError(f"{path} has {len(files)} files, and `member` does not say which is meant: {first_names(files)}")


def _said(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
