"""Alignments in Parquet tables with a row for each utterance.

The columns are those of LibriSpeech's alignments on Hugging Face (gilkeyio/librispeech-alignments): an id, `words`, a
list of (word, start, end), and `phonemes`, a list of (phoneme, start, end), in seconds; `subset` may name the split.
A list of intervals can also be a struct of lists, as `datasets` writes a sequence, a map of lists, or JSON of either.
Recordings, which those tables hold too, are not read.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby, pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from layerwise.alignments.tiers import MAX_INTERVALS, AlignmentError, Tier
from layerwise.errors import first_names, shown
from layerwise.files.limits import Limit
from layerwise.files.texts import composed

# The table of all LibriSpeech has 292,367 rows, Common Voice 2.5 million recordings in English.
MAX_ROWS = Limit("LAYERWISE_MAX_TABLE_ROWS", 10**7, "rows")
# Of one group of rows, which is read at once: 1000 rows of hours each have 10^8 values; unpacked, 2 GB.
MAX_VALUES = Limit("LAYERWISE_MAX_TABLE_VALUES", 10**8, "values in a group of rows")
MAX_GROUP_BYTES = Limit("LAYERWISE_MAX_TABLE_BYTES", 4 * 10**9, "bytes in a group of rows, unpacked")

_ID_COLUMNS = ("utterance_id", "id", "utt_id", "identifier")
_SPLIT_COLUMNS = ("split", "subset")
# Of each tier, the columns that may hold it, and the fields that may hold labels in it.
_TIER_COLUMNS = {"phones": ("phonemes", "phones"), "words": ("words",)}
_LABEL_FIELDS = {"phones": ("phoneme", "phone", "label"), "words": ("word", "label")}
_FIELDS = {"start", "end", *(name for names in _LABEL_FIELDS.values() for name in names)}
# What Arrow raises where bytes are not what they should be, beside its own: text that is no UTF-8, columns of one name.
_UNREADABLE = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError)
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_string, pa.types.is_null)


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
                    f"{source} has two alignments of {shown(utterance_id)}: "
                    f"in {shown(rows[utterance_id].table)} and in {shown(table)}"
                )
            else:
                rows[utterance_id] = row
    if not rows:
        raise AlignmentError(f"{source} has no row of split {split!r}; it has {first_names(others)}")
    return rows


def read_rows(rows: Sequence[Row]) -> list[list[Tier]]:
    """Tiers (`phones` and `words`) of some rows; each group of rows that they are in is read once.

    Raises:
        AlignmentError: a table cannot be read, or a column does not hold intervals.
    """
    read: dict[Row, list[Tier]] = {}
    for (table, group), of_group in groupby(sorted(rows), key=lambda row: row[:2]):
        wanted = list(of_group)
        with _opened(table) as file:
            names = file.schema_arrow.names
            columns = {
                tier: _one_of(wanted, names, f"{table} has no column of {tier}")
                for tier, wanted in _TIER_COLUMNS.items()
            }
            content = file.read_row_group(group, columns=list(columns.values()), use_threads=False)
            by_tier = [
                _intervals(
                    _plain_array(content[column]).take(pa.array([row.row for row in wanted])),
                    tier,
                    f"{table}, column {column}",
                    _class_names(file.schema_arrow, column),
                )
                for tier, column in columns.items()
            ]
        read |= {row: list(of_row) for row, *of_row in zip(wanted, *by_tier, strict=True)}
    return [read[row] for row in rows]


def _intervals(column: pa.Array, tier: str, where: str, class_names: Mapping[str, Sequence[str]]) -> list[Tier]:
    """A tier of each row: its list of intervals, in whatever shape."""
    lengths, fields = _columns(column, where)
    MAX_INTERVALS.require(max(lengths, default=0), f"{where}: a row", AlignmentError)
    if not any(lengths):
        return [Tier(tier, [], [], []) for _ in lengths]
    label, start, end = (
        _one_of(wanted, fields, f"{where}: intervals of {tier} have no field")
        for wanted in (_LABEL_FIELDS[tier], ["start"], ["end"])
    )
    labels = _labels(fields[label], f"{where}.{shown(label)}", class_names.get(label))
    starts, ends = (_seconds(fields[name], f"{where}.{name}") for name in (start, end))
    stops = [0, *np.cumsum(lengths).tolist()]
    return [Tier(tier, labels[first:last], starts[first:last], ends[first:last]) for first, last in pairwise(stops)]


def _columns(column: pa.Array, where: str) -> tuple[list[int], dict[str, pa.Array]]:
    """How many intervals there are in each row, and the fields of all of them, one row after the other."""
    kind = column.type
    if _is_list(kind):
        lengths = pc.list_value_length(column).fill_null(0).to_pylist()
        every = _plain_array(pc.list_flatten(column))
        if pa.types.is_struct(every.type):
            return lengths, {field.name: pc.struct_field(every, field.name) for field in every.type}
        if not len(every):
            return lengths, {}
    elif pa.types.is_struct(kind):
        lists = {field.name: _plain_array(pc.struct_field(column, field.name)) for field in kind}
        lists = {name: values for name, values in lists.items() if _is_list(values.type)}
        lists = {name: values for name, values in lists.items() if name in _FIELDS} or lists
        lengths = [pc.list_value_length(values).fill_null(0).to_pylist() for values in lists.values()]
        for of_row in zip(*lengths, strict=True):
            if len(set(of_row)) > 1:
                found = ", ".join(f"{number} of {shown(name)}" for name, number in zip(lists, of_row, strict=True))
                raise AlignmentError(f"{where}: the lists of a row have different lengths: {found}")
        if lists:
            return lengths[0], {name: pc.list_flatten(values) for name, values in lists.items()}
    elif pa.types.is_map(kind):
        return _columns(_inferred([None if row is None else dict(row) for row in column.to_pylist()], where), where)
    elif pa.types.is_string(kind):
        return _columns(_inferred([row and _parsed(row, where) for row in column.to_pylist()], where), where)
    elif pa.types.is_null(kind):
        return [0] * len(column), {}
    raise AlignmentError(
        f"{where} holds {shown(kind)}; expected is a list of intervals, each with a label, start and end, "
        "or a struct of lists"
    )


def _plain_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """An array without what changes no meaning: chunks, dictionaries, runs, extensions, other kinds of text."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ExtensionArray):
        return _plain_array(array.storage)
    if pa.types.is_dictionary(array.type):
        return _plain_array(array.dictionary_decode())
    if pa.types.is_run_end_encoded(array.type):
        return _plain_array(pc.run_end_decode(array))
    return array.cast(pa.string()) if _is_text(array.type) else array


def _is_list(kind: pa.DataType) -> bool:
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in (*tests, pa.types.is_list_view, pa.types.is_large_list_view))


def _is_text(kind: pa.DataType) -> bool:
    tests = (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in (*tests, pa.types.is_binary_view))


def _parsed(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AlignmentError(f"{where} holds text that is no JSON ({error}): {text[:40]!r}") from error


def _inferred(rows: list[object], where: str) -> pa.Array:
    """What Arrow makes of values of Python."""
    try:
        return pa.array(rows)
    except (pa.ArrowException, OverflowError, TypeError, ValueError, RecursionError) as error:
        raise AlignmentError(f"{where}: its intervals are not all of one shape: {shown(error)}") from error


def _labels(values: pa.Array, where: str, names: Sequence[str] | None) -> list[str | None]:
    values = _plain_array(values)
    if names is not None and pa.types.is_integer(values.type):
        numbers = values.to_pylist()
        if wrong := [number for number in numbers if number is not None and not -1 <= number < len(names)]:
            raise AlignmentError(f"{where} holds {wrong[0]}, but its table names {len(names)} labels")
        # -1 is the mark of `datasets` for a label that nobody knows.
        return [None if number in (None, -1) else composed(names[number]) for number in numbers]
    if not (pa.types.is_string(values.type) or pa.types.is_null(values.type)):
        raise AlignmentError(f"{where} holds {shown(values.type)}; expected is text")
    return [label and composed(label) for label in values.to_pylist()]


def _seconds(values: pa.Array, where: str) -> list[float | None]:
    """Times as seconds: numbers are, also as text, and durations say their unit."""
    values = _plain_array(values)
    kind, unit = values.type, 1.0
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        unit = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.unit]
        values = values.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
    elif not any(test(kind) for test in _NUMBERS):
        raise AlignmentError(f"{where} holds {shown(kind)}; expected are seconds, as numbers")
    try:
        numbers = values.cast(pa.float64()).to_pylist()
    except pa.ArrowException as error:
        raise AlignmentError(f"{where} holds what is no number of seconds: {shown(error)}") from error
    return [None if number is None else number / unit for number in numbers]


def _class_names(schema: pa.Schema, column: str) -> dict[str, list[str]]:
    """The labels that `datasets` wrote as numbers: by field of a column, the label of each number."""
    try:
        features = _of_sequence(json.loads(schema.metadata[b"huggingface"])["info"]["features"][column])
    except (TypeError, KeyError, ValueError, RecursionError):
        return {}
    names = {}
    for field, feature in features.items() if isinstance(features, dict) else ():
        feature = _of_sequence(feature)
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
            labels = feature.get("names")
            if not (isinstance(labels, list) and all(isinstance(label, str) for label in labels)):
                raise AlignmentError(f"column {column}: the names of the labels of {field} are no list of texts")
            names[field] = labels
    return names


def _of_sequence(feature: object) -> object:
    """What a sequence, as `datasets` describes it, is one of."""
    while isinstance(feature, dict) and "feature" in feature:
        feature = feature["feature"]
    return feature[0] if isinstance(feature, list) and feature else feature


def _require_possible(table: str) -> None:
    """Refuse a table that says that it has more than can be right.

    Looked at in a process of its own: where the numbers of a table's end contradict each other, some of pyarrow's
    functions end the whole process.
    """
    receiver, sender = (fork := get_context("fork")).Pipe(duplex=False)
    process = fork.Process(target=_send_sizes, args=(table, sender))
    process.start()
    sender.close()
    try:
        rows, values, size = receiver.recv()
    except EOFError:
        raise AlignmentError(f"{table} cannot be read as a Parquet table: its end contradicts itself") from None
    finally:
        process.join()
        receiver.close()
    MAX_ROWS.require(rows, table, AlignmentError)
    MAX_VALUES.require(values, table, AlignmentError)
    MAX_GROUP_BYTES.require(size, table, AlignmentError)


def _send_sizes(table: str, sender: Connection) -> None:
    """How many rows there are; the most values of a column, and the most bytes, in a group of rows."""
    # What C++ says at its end, and leaves on the disk, is nothing for people.
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    wanted = {name for names in (_ID_COLUMNS, _SPLIT_COLUMNS, *_TIER_COLUMNS.values()) for name in names}
    values, sizes = [0], [0]
    try:
        with pq.ParquetFile(table) as file:
            for group in map(file.metadata.row_group, range(file.num_row_groups)):
                columns = [group.column(number) for number in range(group.num_columns)]
                columns = [column for column in columns if column.path_in_schema.split(".")[0] in wanted]
                values += [column.num_values for column in columns]
                sizes.append(sum(column.total_uncompressed_size for column in columns))
            sender.send((file.metadata.num_rows, max(values), max(sizes)))
    except _UNREADABLE:
        sender.send((0, 0, 0))  # the one who asks finds the same, and says it


def _rows(table: str) -> Iterator[tuple[str, str, Row]]:
    """The id of every row, its split where a column names it, and where it is."""
    _require_possible(table)
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
                if not utterance_id:
                    raise AlignmentError(f"{table}: row {number} of group {group} has no {columns[0]}")
                yield composed(utterance_id), splits[0][number] or "" if splits else "", Row(table, group, number)


@contextmanager
def _opened(table: str) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(table) as file:
            yield file
    except _UNREADABLE as error:
        raise AlignmentError(f"{table} cannot be read as a Parquet table: {shown(error)}") from error


def _one_of(wanted: Sequence[str], there: Collection[str], lack: str) -> str:
    """The one of `wanted` that is there."""
    found = next((name for name in wanted if name in there), None)
    if found is None:
        raise AlignmentError(f"{lack} ({' or '.join(wanted)}); found are {shown(', '.join(there)) or 'none'}")
    return found


def _is_named_after(table: PurePosixPath, split: str) -> bool:
    return any(f"{_plain(part)}-".startswith(f"{_plain(split)}-") for part in table.with_suffix("").parts)


def _plain(split: str) -> str:
    return split.lower().replace("_", "-").replace(".", "-")
