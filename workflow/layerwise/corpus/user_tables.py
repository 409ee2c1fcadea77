"""A table that a user made, read whole: each of its columns is numbers or text.

What makes a column of numbers is the same wherever a table comes from: every cell that is not empty is a number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from layerwise.corpus.headers import TableError, is_cell, is_parquet
from layerwise.errors import shown
from layerwise.files.csv_files import CSVTable, read_csv, require_columns
from layerwise.files.limits import Limit
from layerwise.files.texts import composed

# All phones of 5,000 hours, as of tables that are made here.
MAX_ROWS = Limit("LAYERWISE_MAX_USER_ROWS", 1 << 28, "rows")
MAX_BYTES = Limit("LAYERWISE_MAX_USER_BYTES", 1 << 35, "bytes, unpacked")

_HOLES = ("", "NA", "NaN", "nan")  # what programs write for a number that is missing
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_CODE = re.compile(r"[+-]?0[0-9]")  # 007 is a name: as a number it would lose its zeros


@dataclass(frozen=True)
class UserTable:
    """A table of the user's.

    Attributes:
        frame: its columns: whole numbers, numbers with NaN where one is missing, or text with "" where it is missing.
        places: of each row, the line of the file, or of a Parquet table the number of the row, from 1.
        place: what the places are, `line` or `row`.
        decimal_comma: whether a comma may be the decimal sign: semicolons part the cells.
    """

    path: Path
    frame: pd.DataFrame
    places: np.ndarray
    place: str
    decimal_comma: bool = False

    def numbers(self, column: str) -> np.ndarray:
        """A column as numbers, NaN where a cell is none."""
        values = self.frame[column]
        if values.dtype.kind in "iuf":
            return values.to_numpy(np.float64)
        return np.array([_number(cell, self.decimal_comma) for cell in values], np.float64)

    def where(self, row: int) -> str:
        """A row, for a message."""
        return f"{self.path}, {self.place} {self.places[row]}"


def read_table(path: Path, required: Sequence[str], text: Collection[str] = ()) -> UserTable:
    """A CSV, TSV or Parquet table.

    A column of a CSV is numbers if every cell is one, or is empty, NA or NaN; one with leading zeros (007) is text.

    Args:
        required: columns that must be there; by them the delimiter of a CSV is known.
        text: columns that are text whatever is in them, such as ids.

    Raises:
        TableError, CSVError: it is no such table, too large, lacks a column, has one twice or has no row.
    """
    table = _read_parquet(path, required, text) if is_parquet(path) else of_csv(path, read_csv(path, required), text)
    if table.frame.empty:
        raise TableError(f"{path} has no row")
    return table


def of_csv(path: Path, table: CSVTable, text: Collection[str]) -> UserTable:
    """A table of text, with its columns as numbers where they are."""
    comma = table.delimiter == ";"
    columns = {name: [row[name] for row in table.rows.values()] for name in table.columns}
    typed = {name: _typed(cells, comma) if name not in text else _texts(cells) for name, cells in columns.items()}
    return UserTable(path, pd.DataFrame(typed), np.array(list(table.rows), np.int64), "line", comma)


def _texts(cells: Sequence[str]) -> pd.Series:
    return pd.Series(cells, dtype="str")


def _typed(cells: Sequence[str], decimal_comma: bool) -> pd.Series:
    """Cells as whole numbers, as numbers, or as the text that they are."""
    numbers = {cell: _number(cell, decimal_comma) for cell in set(cells).difference(_HOLES)}
    if not numbers or any(math.isnan(number) or _CODE.match(cell) for cell, number in numbers.items()):
        return _texts(cells)
    if len(numbers) == len(set(cells)) and all(map(_WHOLE.fullmatch, numbers)):
        return pd.Series([int(cell) for cell in cells], dtype=np.int64)
    return pd.Series([numbers.get(cell, math.nan) for cell in cells], dtype=np.float64)


def _number(cell: str, decimal_comma: bool) -> float:
    """A finite number; NaN: the cell is none."""
    cell = cell.replace(",", ".") if decimal_comma else cell
    number = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    return number if math.isfinite(number) else math.nan


def _read_parquet(path: Path, required: Sequence[str], text: Collection[str]) -> UserTable:
    try:
        with pq.ParquetFile(path) as file:
            groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
            MAX_ROWS.require(sum(group.num_rows for group in groups), str(path), TableError)
            MAX_BYTES.require(sum(group.total_byte_size for group in groups), str(path), TableError)
            fields = [field for field in file.schema_arrow if is_cell(field.type)]
            require_columns(path, [composed(field.name) for field in fields], required)
            table = file.read(columns=[field.name for field in fields])
            table.validate(full=True)
        columns = {}
        for field in fields:
            name = composed(field.name)
            columns[name] = _of_array(table[field.name].combine_chunks(), name in text)
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError) as error:
        raise TableError(f"{path} cannot be read as a Parquet table: {shown(error)}") from error
    return UserTable(path, pd.DataFrame(columns), np.arange(1, table.num_rows + 1), "row")


def _of_array(values: pa.Array, as_text: bool) -> pd.Series:
    """A column of a Parquet table: whole numbers, numbers or text."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or (pa.types.is_integer(kind) and values.null_count):
        numbers = pd.Series(values.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
        return _texts([_written(number) for number in numbers]) if as_text else numbers
    if pa.types.is_integer(kind) and not as_text:
        return pd.Series(values.cast(pa.int64()).to_numpy(), dtype=np.int64)
    return _texts(["" if cell is None else composed(str(cell)) for cell in values.to_pylist()])


def _written(number: float) -> str:
    """An id that a program has read as a number, such as 84.0, as it was before."""
    if math.isnan(number):
        return ""
    return str(int(number)) if number.is_integer() else repr(float(number))
