"""The columns of a table that a user made, by its beginning alone: a plan looks at it each time it is made.

A table is a CSV or TSV file (`layerwise.files.csv_files`), or a Parquet file. Libraries that take long to import are
imported where they are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from layerwise.errors import LayerwiseError, shown
from layerwise.files.atomic import PARQUET, begins_with
from layerwise.files.csv_files import read_header, require_columns
from layerwise.files.plain_files import require_plain
from layerwise.files.texts import composed

if TYPE_CHECKING:
    import pyarrow as pa


class TableError(LayerwiseError):
    """A table of the user's cannot be used; the message says which, and what would be right."""


def is_parquet(path: Path) -> bool:
    """Whether a file is a Parquet table, by what it begins with.

    Raises:
        TableError: there is no such file.
    """
    try:
        require_plain(path, lambda found: TableError(f"{path}: {found}"))
        return begins_with(path, PARQUET)
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}; a CSV, TSV or Parquet file is expected") from error


def header_of(path: Path, required: Sequence[str] = ()) -> list[str]:
    """The columns that hold text or numbers, in order; those of a Parquet file that hold anything else are no columns.

    Args:
        required: columns that must be there; by them the delimiter of a CSV is known.

    Raises:
        TableError, CSVError: it is no such table, lacks a column, or has one twice.
    """
    if not is_parquet(path):
        return read_header(path, required)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TableError(f"{path} cannot be read as a Parquet table: {shown(error)}") from error
    columns = [composed(field.name) for field in schema if is_cell(field.type)]
    require_columns(path, columns, required)
    return columns


def is_cell(kind: pa.DataType) -> bool:
    """Whether a column of a Parquet table holds text or numbers, or what can be written as text."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    nested = (pa.types.is_nested, pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return not any(test(kind) for test in nested)
