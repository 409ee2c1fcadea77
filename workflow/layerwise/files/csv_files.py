"""CSV files of users, as spreadsheets write them: read whole, or refused with line and reason."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from layerwise.errors import LayerwiseError, did_you_mean, shown
from layerwise.files.atomic import GZIP, ZIP
from layerwise.files.limits import Limit
from layerwise.files.plain_files import open_plain, read_plain
from layerwise.files.texts import composed

DELIMITERS = (",", ";", "\t")  # spreadsheets write a semicolon where a comma is the decimal sign

# Common Voice's list of 2.5 million recordings has 600 MB.
MAX_BYTES = Limit("LAYERWISE_MAX_CSV_BYTES", 10**9, "bytes")
_HEADER_BYTES = 1 << 20
# What tables are found packed as, by what a file begins with.
_PACKED = {
    GZIP: "packed (gzip); unpack it first",
    b"BZh": "packed (bzip2); unpack it first",
    b"\xfd7zXZ": "packed (xz); unpack it first",
    ZIP: "a zip, as the files of spreadsheets (.xlsx, .ods) are; save the table as CSV",
}


class CSVError(LayerwiseError):
    """A file is no CSV, or lacks a column; the message names file, line and what would be right."""


@dataclass(frozen=True)
class CSVTable:
    """A CSV file as text, without blanks around cells, composed; a `path` is left as it is, for a disk to find.

    Attributes:
        columns: names in order.
        rows: line of the file → cell by column; a row without a single cell is left out, as a blank line is.
        delimiter: what parts the cells.
    """

    columns: list[str]
    rows: dict[int, dict[str, str]]
    delimiter: str = DELIMITERS[0]


def read_csv(path: Path, required: Sequence[str]) -> CSVTable:
    """A table in UTF-8 (or UTF-16 with its mark), its cells parted by commas, semicolons or tabs.

    Cells beyond the header count only if one of them holds something: many programs end each row in a comma.

    Args:
        required: columns that must be there; by them the delimiter is known.

    Raises:
        CSVError: the file cannot be read, is no text of that kind, lacks a column or has one twice; or a row has more
            or fewer cells than the header.
    """
    text = read_text(path)
    delimiter = _likeliest(text, required)
    records = _records(path, text, delimiter)
    columns = _columns(path, records, required)
    rows = {}
    for line, record in records:
        if not any(record):
            continue
        cells = record if len(record) <= len(columns) else _without_empty_end(record, len(columns))
        if len(cells) != len(columns):
            raise CSVError(f"{path}, line {line} has {len(cells)} cells, the header {len(columns)}")
        named = {name: cell for name, cell in zip(columns, cells, strict=True) if name}
        rows[line] = {name: cell if name == "path" else composed(cell) for name, cell in named.items()}
    return CSVTable([name for name in columns if name], rows, delimiter)


def read_header(path: Path, required: Sequence[str]) -> list[str]:
    """The columns of a table that `read_csv` takes; of the file only the beginning is read.

    Raises:
        CSVError: as `read_csv`, of the header.
    """
    text = _text(path, _HEADER_BYTES)
    return [name for name in _columns(path, _records(path, text, _likeliest(text, required)), required) if name]


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 where a mark at its beginning says so.

    Raises:
        CSVError: it cannot be read, or is no such text.
    """
    return _text(path)


def _text(path: Path, most: int | None = None) -> str:
    """The text of a file, or what its first bytes say of it."""
    try:
        if most is None:
            data = read_plain(path, MAX_BYTES, CSVError)
        else:
            with open_plain(path) as file:
                data = file.read(most)
    except OSError as error:
        raise CSVError(f"{path}: cannot be read: {error.strerror}") from error
    if packed := next((said for start, said in _PACKED.items() if data.startswith(start)), None):
        raise CSVError(f"{path} is no text: it is {packed}")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        # A beginning may end within a character.
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=most is None or len(data) < most)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CSVError(
            f"{path}, line {line} cannot be read as UTF-8 ({error.reason}): save the file as UTF-8"
        ) from error
    if "\0" in text:
        raise CSVError(f"{path} holds characters of value 0: it is no text in UTF-8")
    return text


def delimiter_of(text: str, required: Sequence[str]) -> str | None:
    """What parts the cells of a first line that has these columns; None: it has them with no delimiter."""
    return next((mark for mark in DELIMITERS if set(required) <= set(_header(text, mark))), None)


def _records(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Records with the line that each begins on, cells stripped."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 1
    try:
        for record in reader:
            if record:
                yield line, [cell.strip() for cell in record]
            line = reader.line_num + 1
    except csv.Error as error:
        raise CSVError(f"{path}, line {line} is no CSV: {error}") from error


def _likeliest(text: str, required: Sequence[str]) -> str:
    """What parts the cells: by it the first line has the columns that it must have, or at least the most cells."""
    known = delimiter_of(text, required) if required else None
    return known or max(DELIMITERS, key=lambda mark: len(_header(text, mark)))


def _header(text: str, delimiter: str) -> list[str]:
    """The cells of the first line, if it can be read with this delimiter."""
    try:
        return next((cells for _, cells in _records(Path(), text, delimiter)), [])
    except CSVError:
        return []


def _without_empty_end(cells: list[str], least: int = 0) -> list[str]:
    """Cells without the empty ones at the end, but at least so many."""
    end = len(cells)
    while end > least and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _columns(path: Path, records: Iterator[tuple[int, list[str]]], required: Sequence[str]) -> list[str]:
    """The header's cells; those without a name are empty."""
    _, header = next(records, (1, []))
    columns = [composed(name) for name in _without_empty_end(header)]
    require_columns(path, columns, required)
    return columns


def require_columns(path: Path, columns: Sequence[str], required: Sequence[str]) -> None:
    """Refuse a header that lacks a column, or has one twice.

    Raises:
        CSVError: naming it, what is nearest, and what is there.
    """
    missing = [name for name in required if name not in columns]
    if missing:
        meant = did_you_mean(columns, missing[0])
        raise CSVError(
            f"{path} has no column {shown(' and '.join(missing))}{meant}; "
            f"it has {shown(', '.join(filter(None, columns))) or 'none'}"
        )
    twice = [name for name, count in Counter(filter(None, columns)).items() if count > 1]
    if twice:
        raise CSVError(f"{path} has two columns {shown(twice[0])}; each needs a name of its own")
