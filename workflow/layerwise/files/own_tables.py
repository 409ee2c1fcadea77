"""Tables that this workflow made, read again as frames: whole, with the columns and kinds of values that they had."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from layerwise.cells import AUTOMATIC, CORPUS, FLAGGED, GIVEN, OK, SKIPPED, SPEAKERS
from layerwise.cells import ITEMS as OVER_ITEMS
from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced
from layerwise.files.limits import Limit
from layerwise.files.own_files import MAX_BYTES, RereadError, rereading
from layerwise.files.plain_files import require_plain
from layerwise.layers import LAYER, WEIGHTED

# Of a table of intervals: all phones and words of 5,000 hours. A file of some kB can say that it has many more.
MAX_ROWS = Limit("LAYERWISE_MAX_RESULT_ROWS", 1 << 28, "rows")
MAX_TABLE_BYTES = Limit("LAYERWISE_MAX_UNPACKED_RESULT_BYTES", 1 << 35, "bytes")  # of them, without compression
_LARGEST = 1e15  # of a number: squares and sums of many have room

# Columns that tables of these have, at least.
UTTERANCES = ("utterance_id", "speaker_id", "audio_path", "duration", "start")
SEGMENT_COLUMNS = ("utterance_id", "label", "start", "end")
INTERVALS = (*SEGMENT_COLUMNS, "tier")
ITEMS = ("item_id", "speaker_id", "part", "audio_path", "num_samples", "start", "target")
PREDICTIONS = ("item_id", "speaker_id", "part", "layer", "said", "answered", "errors", "length")

_COST = r"[^ =]+=-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?"

# Allowed cells, by column name, in any table.
_KNOWN = {
    "alignments": f"{GIVEN}|{AUTOMATIC}",
    "best": f"(?:{LAYER})?",
    "costs": rf"(?:{_COST}(?: {_COST})*)?",
    "interval": f"(?:{CORPUS}|{SPEAKERS}|{OVER_ITEMS})?",
    "layer": f"(?:{LAYER}|{WEIGHTED})?",
    "layers": r"[CT0-9, -]*",
    "other_layer": LAYER,
    "recommended": f"(?:{LAYER})?",
    "runner_up": f"(?:{LAYER})?",
    "status": f"{OK}|{FLAGGED}|{SKIPPED}|failed",
    "nearly_tied": f"(?:{LAYER}(?: {LAYER})*)?",
    "tied": f"(?:{LAYER}(?: {LAYER})*)?",
}
_COUNTS = ("errors", "length", "num_samples", "sample_rate")
_SECONDS = ("duration", "end", "start")
NUMBERED = (  # columns of CSV tables that count
    *("layer_index", "n", "n_train", "n_dev", "n_test", "n_rows", "n_types", "n_speakers", "test_speakers", "step"),
    *("n_missing", "classes_unseen", "kept_x", "kept_y"),
)
_LISTS = ("answered", "said", "target")


def read_csv_table(
    path: str | os.PathLike[str],
    columns: Sequence[str] = (),
    text: Sequence[str] | None = None,
    key: Sequence[str] = (),
) -> pd.DataFrame:
    """A CSV table, numbers exactly as written; empty text is "", an empty number NaN.

    pandas would read a model called `null` as missing and the last digit of a float wrongly; neither happens here.

    Args:
        columns: those that it must have.
        text: which of all columns hold text; the others of `columns` hold numbers. None: all.
        key: the columns that no two rows have in common.

    Raises:
        RereadError: it is another file.
    """
    path = Path(path)
    with rereading(path):
        require_plain(path, lambda found: RereadError(path, found))
        MAX_BYTES.require(path.stat().st_size, str(path), LayerwiseError)
        kinds = "str" if text is None else dict.fromkeys(text, "str")
        table = pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[""], index_col=False)
    _require_columns(path, columns, list(table.columns))
    text = list(table.columns) if text is None else text
    table = table.fillna({column: "" for column in text if column in table})
    for column in columns:
        if column in text:
            _require_known(path, table, column)
        else:
            _require_numbers(path, table, column)
    if key and (twice := table.duplicated(list(key))).any():
        raise RereadError(path, f"two rows of {', '.join(map(str, table.loc[twice, list(key)].iloc[0]))}")
    return table


def _require_columns(path: Path, columns: Sequence[str], found: Sequence[str]) -> None:
    if missing := [column for column in columns if column not in found]:
        raise RereadError(path, f"it lacks the column {', '.join(missing)}")


def _require_known(path: Path, table: pd.DataFrame, column: str) -> None:
    if column in _KNOWN:
        for value in table[column].unique():
            if not re.fullmatch(_KNOWN[column], value):
                raise RereadError(path, f"{value!r} in column {column}")


def _require_numbers(path: Path, table: pd.DataFrame, column: str) -> None:
    values = table[column]
    if values.isna().all():
        return
    if values.dtype.kind not in "iuf":
        raise RereadError(path, f"no number in column {column}, such as {values.dropna().iloc[0]!r}")
    if not (values.dropna().abs() < _LARGEST).all():
        raise RereadError(path, f"a number beyond {_LARGEST:g} in column {column}")
    if column in NUMBERED and not ((values.dropna() >= 0) & (values.dropna() % 1 == 0)).all():
        raise RereadError(path, f"no whole number from 0 in column {column}")


def read_parquet(path: str | os.PathLike[str], columns: Sequence[str], *, tier: str | None = None) -> pd.DataFrame:
    """A table of utterances, intervals, items or predictions: text is text, times are seconds from 0, counts are whole.

    Args:
        columns: those that it must have; all that it has are read.
        tier: of intervals, the only one wanted.

    Raises:
        RereadError: it is another file.
    """
    path = Path(path)
    try:
        frame = _parquet(path, columns, tier)
    except pa.ArrowException as error:
        raise RereadError(path, error) from error
    for column in columns:
        values = frame[column]
        if values.isna().any():
            raise RereadError(path, f"an empty cell in column {column}")
        if column in (*_COUNTS, *_SECONDS) and not ((values >= 0) & (values < _LARGEST)).all():
            raise RereadError(path, f"a number below 0 or beyond {_LARGEST:g} in column {column}")
    return frame


def _parquet(path: Path, columns: Sequence[str], tier: str | None) -> pd.DataFrame:
    with rereading(path):
        require_plain(path, lambda found: RereadError(path, found))
        with pq.ParquetFile(path) as file:
            facts = file.metadata
            groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
            rows = max(facts.num_rows, sum(group.num_rows for group in groups))
            MAX_ROWS.require(rows, str(path), LayerwiseError)
            MAX_TABLE_BYTES.require(sum(group.total_byte_size for group in groups), str(path), LayerwiseError)
            _require_columns(path, columns, file.schema_arrow.names)
            _require_types(path, file.schema_arrow, columns)
        filters = None if tier is None else [("tier", "==", tier)]
        table = pq.read_table(path, filters=filters, partitioning=None)
        table.validate(full=True)
        return table.to_pandas(ignore_metadata=True)


def _require_types(path: Path, schema: pa.Schema, columns: Sequence[str]) -> None:
    for column in columns:
        kind = schema.field(column).type
        if column in _COUNTS:
            right = pa.types.is_integer(kind)
        elif column in _SECONDS:
            right = pa.types.is_floating(kind) or pa.types.is_integer(kind)
        elif column in _LISTS:
            right = (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _is_text(kind.value_type)
        else:
            right = _is_text(kind)
        if not right:
            raise RereadError(path, f"column {column} is of type {kind}")


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV table, whole or not at all."""
    with replaced(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table; equal tables give equal bytes."""
    with replaced(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)
