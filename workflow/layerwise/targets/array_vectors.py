"""Word vectors in files of arrays: Parquet (a column of words and numbers) and npz (`words` and `vectors`)."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib.format import read_array_header_1_0, read_array_header_2_0, read_magic

from layerwise.errors import did_you_mean, first_names, shown
from layerwise.files.own_tables import MAX_TABLE_BYTES
from layerwise.files.plain_files import require_plain
from layerwise.targets.errors import LookUpError
from layerwise.targets.text_vectors import require_finite
from layerwise.targets.wanted import Entry, Wanted

WORD_COLUMNS = ("word", "label")
WORDS, VECTORS = NPZ = ("words", "vectors")
_ROWS = 4096  # that are in memory at a time


# Parquet


def read_parquet_vectors(path: Path, wanted: Wanted, member: str | None = None) -> None:
    """Find words in a table with a column `word` (or `label`), and numbers in all others or a list in one.

    Raises:
        LookUpError: it is no such table, lists differ in length, or a value is missing or no finite number.
    """
    try:
        require_plain(path, LookUpError)
        with pq.ParquetFile(path) as file:
            facts = file.metadata
            size = sum(facts.row_group(number).total_byte_size for number in range(facts.num_row_groups))
            MAX_TABLE_BYTES.require(size, str(path), LookUpError)
            word, numbers, lists = _columns(path, file.schema_arrow)
            wanted.columns = None if lists else tuple(numbers)
            row, width = 0, 0
            for batch in file.iter_batches(_ROWS, columns=[word, *numbers]):
                width = _read_batch(path, batch, row, width, wanted, lists)
                row += len(batch)
    except (pa.ArrowException, OSError) as error:
        raise LookUpError(f"{path} cannot be read as Parquet: {error}") from error
    if not row:
        raise LookUpError(f"{path} is empty; rows of a word and its numbers are expected")


def _columns(path: Path, schema: pa.Schema) -> tuple[str, list[str], bool]:
    """The column of words, those of numbers, and whether the latter is one of lists."""
    named = [name for name in WORD_COLUMNS if name in schema.names]
    if len(named) != 1 or len(set(schema.names)) != len(schema.names):
        meant = next((f" (did you mean {name.lower()}?)" for name in schema.names if name.lower() in WORD_COLUMNS), "")
        raise LookUpError(
            f"{path}: one column of words is expected, {' or '.join(WORD_COLUMNS)}; it has {first_names(schema.names)}"
            f"{'' if named else meant}"
        )
    kinds = {name: schema.field(name).type for name in schema.names}
    word = kinds.pop(named[0])
    if not _is_text(word.value_type if pa.types.is_dictionary(word) else word):
        raise LookUpError(f"{path}: the column {named[0]} is of type {word}; text is expected")
    lists = [name for name, kind in kinds.items() if _is_list(kind)]
    if len(lists) == 1:
        return named[0], lists, True
    wrong = [name for name, kind in kinds.items() if not _is_number(kind)]
    if wrong or not kinds:
        found = f"the column {shown(wrong[0])} is of type {kinds[wrong[0]]}" if wrong else "it has no other column"
        raise LookUpError(f"{path}: {found}; beside the words, numbers are expected, or one column of lists of them")
    return named[0], list(kinds), False


def _read_batch(path: Path, batch: pa.RecordBatch, before: int, width: int, wanted: Wanted, lists: bool) -> int:
    words, *numbers = batch.columns
    for number, word in enumerate(words.to_pylist()):
        if word is None:
            continue
        wanted.note(word)
        key = wanted.key_of(word.encode())
        if key is None:
            continue
        place = f"row {before + number + 1}"
        values = (numbers[0][number].as_py() or []) if lists else [column[number].as_py() for column in numbers]
        width = width or len(values)
        if not values or len(values) != width:
            raise LookUpError(f"{path}, {place} has {len(values)} numbers, others have {width or 'some'}")
        vector = np.array([math.nan if value is None else value for value in values], np.float64)
        wanted.add(key, Entry(word, require_finite(vector, path, place), place))
    return width


def _is_list(kind: pa.DataType) -> bool:
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(listed and _is_number(kind.value_type))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


# npz


def read_npz_vectors(path: Path, wanted: Wanted, member: str | None = None) -> None:
    """Find words in a file of numpy.savez with `words` (text) and `vectors` (a row for each), some rows at a time.

    Raises:
        LookUpError: it is no such file, is damaged, or a value is no finite number.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            words, texts = _array(path, archive, WORDS, "US", 1)
            vectors, rows = _array(path, archive, VECTORS, "fiu", 2)
            if words[0] != vectors[0]:
                raise LookUpError(f"{path} has {words[0]} words and {vectors[0]} vectors; each word has one")
            if 0 in vectors:
                raise LookUpError(f"{path} is empty: its vectors are of shape {vectors}")
            number = 0
            for some, values in zip(texts, rows, strict=True):
                for word, row in zip(some.tolist(), values, strict=True):
                    number += 1
                    spelled = word.encode() if isinstance(word, str) else word
                    wanted.note(spelled.decode(errors="replace"))
                    if key := wanted.key_of(spelled):
                        place = f"row {number}"
                        vector = require_finite(row.astype(np.float64), path, place)
                        wanted.add(key, Entry(spelled.decode(), vector, place))
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise LookUpError(f"{path} cannot be read as npz: {error}") from error


def _array(
    path: Path, archive: zipfile.ZipFile, name: str, kinds: str, dimensions: int
) -> tuple[tuple[int, ...], Iterator[np.ndarray]]:
    """The shape of an array in a zip, and its rows, a block at a time."""
    if f"{name}.npy" not in archive.namelist():
        names = [found.removesuffix(".npy") for found in archive.namelist()]
        raise LookUpError(f"{path} has no array {name}{did_you_mean(names, name)}; it has {first_names(names)}")
    file = archive.open(f"{name}.npy")
    version = read_magic(file)
    shape, is_fortran, dtype = (read_array_header_1_0 if version == (1, 0) else read_array_header_2_0)(file)
    if len(shape) != dimensions or dtype.kind not in kinds or not dtype.itemsize:
        raise LookUpError(
            f"{path}: {name} is of type {dtype} and shape {shape}; expected are "
            f"{'text: numpy.array(words, dtype=str)' if dimensions == 1 else 'numbers, a row for each word'}"
        )
    if is_fortran and dimensions > 1:
        raise LookUpError(f"{path}: {name} lies column by column; save numpy.ascontiguousarray({name})")

    def blocks() -> Iterator[np.ndarray]:
        row = math.prod(shape[1:]) * dtype.itemsize
        with file:
            for start in range(0, shape[0], _ROWS):
                rows = min(_ROWS, shape[0] - start)
                data = file.read(rows * row)
                if len(data) < rows * row:
                    raise EOFError(f"{name} ends after row {start + len(data) // row}")
                yield np.frombuffer(data, dtype).reshape(rows, *shape[1:])

    return shape, blocks()
