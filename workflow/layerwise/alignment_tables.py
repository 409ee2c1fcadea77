"""Alignments in Parquet tables with a row for each utterance.

The columns are those of LibriSpeech's alignments on Hugging Face (gilkeyio/librispeech-alignments): an id, `words`, a
list of (word, start, end), and `phonemes`, a list of (phoneme, start, end), in seconds; `subset` may name the split.
Recordings, which those tables hold too, are not read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from layerwise.corpus import listed
from layerwise.tiers import AlignmentError, Tier

_ID_COLUMNS = ("utterance_id", "id", "utt_id", "identifier")
_SPLIT_COLUMNS = ("split", "subset")
# Of each tier, the columns that may hold it, and the fields that may hold labels in it.
_TIER_COLUMNS = {"phones": ("phonemes", "phones"), "words": ("words",)}
_LABEL_FIELDS = {"phones": ("phoneme", "phone", "label"), "words": ("word", "label")}


class Row(NamedTuple):
    """A row of a table, by its number in a group of rows."""

    table: str
    group: int
    row: int


def find_rows(source: Path, tables: Sequence[str], split: str) -> dict[str, Row]:
    """The rows of a split in some tables below `source`, by utterance id.

    A row belongs to the split that its table's name, or a folder above, begins with (`dev_clean-00000-of-00001`); where
    no table has the split's name, to the one that a column names; and without such a column to any.

    Raises:
        AlignmentError: a table cannot be read, or lacks a column; two rows of an utterance; no row of the split.
    """
    named = [table for table in tables if _is_named_after(Path(table).relative_to(source.parent), split)]
    rows: dict[str, Row] = {}
    others: set[str] = set()
    for table in named or tables:
        for utterance_id, row_split, row in _rows(table):
            if not named and row_split and _plain(row_split) != _plain(split):
                others.add(row_split)
            elif utterance_id in rows:
                raise AlignmentError(
                    f"{source} has two alignments of {utterance_id}: in {rows[utterance_id].table} and in {table}"
                )
            else:
                rows[utterance_id] = row
    if not rows:
        raise AlignmentError(f"{source} has no row of split {split!r}; it has {listed(others)}")
    return rows


def read_rows(rows: Sequence[Row], tiers: Collection[str]) -> list[list[Tier]]:
    """Tiers (`phones`, `words` or both) of some rows; each group of rows that they are in is read once.

    Raises:
        AlignmentError: a table cannot be read, or its intervals lack a field.
    """
    read: dict[Row, list[Tier]] = {}
    for (table, group), of_group in groupby(sorted(rows), key=lambda row: row[:2]):
        wanted = list(of_group)
        with _opened(table) as file:
            names = file.schema_arrow.names
            columns = {tier: _one_of(_TIER_COLUMNS[tier], names, f"{table} has no column of {tier}") for tier in tiers}
            content = file.read_row_group(group, columns=list(columns.values()), use_threads=False)
            by_tier = [
                _intervals(content[column].combine_chunks().take(pa.array([row.row for row in wanted])), tier, table)
                for tier, column in columns.items()
            ]
        read |= {row: list(of_row) for row, *of_row in zip(wanted, *by_tier, strict=True)}
    return [read[row] for row in rows]


def _intervals(lists: pa.ListArray, tier: str, table: str) -> list[Tier]:
    """A tier of each list of intervals."""
    kind = getattr(lists.type, "value_type", None)
    there = [field.name for field in kind] if pa.types.is_struct(kind) else []
    names = [
        _one_of(wanted, there, f"{table}: intervals of {tier} have no field")
        for wanted in (_LABEL_FIELDS[tier], ["start"], ["end"])
    ]
    every = lists.flatten()
    labels, starts, ends = (
        every.field(name).cast(kind).to_pylist()
        for name, kind in zip(names, (pa.string(), pa.float64(), pa.float64()), strict=True)
    )
    stops = [0, *np.cumsum(lists.value_lengths().fill_null(0)).tolist()]
    return [Tier(tier, labels[first:last], starts[first:last], ends[first:last]) for first, last in pairwise(stops)]


def _rows(table: str) -> Iterator[tuple[str, str, Row]]:
    """The id of every row, its split where a column names it, and where it is."""
    with _opened(table) as file:
        names = file.schema_arrow.names
        for tier, wanted in _TIER_COLUMNS.items():
            _one_of(wanted, names, f"{table} has no column of {tier}")
        columns = [_one_of(_ID_COLUMNS, names, f"{table} has no column of ids")]
        columns += [name for name in _SPLIT_COLUMNS if name in names][:1]
        for group in range(file.num_row_groups):
            read = file.read_row_group(group, columns=columns, use_threads=False)
            ids, *splits = (read[column].cast(pa.string()).to_pylist() for column in columns)
            for number, utterance_id in enumerate(ids):
                yield utterance_id, splits[0][number] or "" if splits else "", Row(table, group, number)


@contextmanager
def _opened(table: str) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(table) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise AlignmentError(f"{table} cannot be read as a Parquet table: {error}") from error


def _one_of(wanted: Sequence[str], there: Collection[str], lack: str) -> str:
    """The one of `wanted` that is there."""
    found = next((name for name in wanted if name in there), None)
    if found is None:
        raise AlignmentError(f"{lack} ({' or '.join(wanted)}); found are {', '.join(there) or 'none'}")
    return found


def _is_named_after(table: PurePosixPath, split: str) -> bool:
    return any(f"{_plain(part)}-".startswith(f"{_plain(split)}-") for part in table.with_suffix("").parts)


def _plain(split: str) -> str:
    return split.lower().replace("_", "-").replace(".", "-")
