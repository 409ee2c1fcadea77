"""Kinds of target that are looked up: what a property's `target` may be, and what it makes of a table of rows."""

from __future__ import annotations

import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from layerwise.errors import did_you_mean, shown
from layerwise.files.atomic import PARQUET, ZIP, begins_with
from layerwise.targets.array_vectors import NPZ, read_npz_vectors, read_parquet_vectors
from layerwise.targets.errors import LookUpError
from layerwise.targets.names import ATTRIBUTES, CASES, COLUMNS, EXACT, LABEL, LOWER, OF, VECTORS
from layerwise.targets.oracles import read_oracle
from layerwise.targets.reading import TargetTable
from layerwise.targets.tables import Column, RowTable, finest
from layerwise.targets.text_vectors import read_text_vectors
from layerwise.targets.wanted import Wanted

Reader = Callable[[Path, Wanted, str | None], None]
_OF_ARRAYS = (read_parquet_vectors, read_npz_vectors)
Found = tuple[TargetTable, Counter[str]]  # and what has no target, by name


class Kind(ABC):
    """A kind of target.

    Attributes:
        key: what names it in `target`.
    """

    key: str

    @abstractmethod
    def look_up(self, target: Mapping, table: RowTable, file: Path | None, member: str | None) -> Found:
        """The target of each row, and what has none."""


class Labels(Kind):
    """A column whose values are names: one type for each."""

    key = LABEL

    def look_up(self, target: Mapping, table: RowTable, file: Path | None, member: str | None) -> Found:
        column = table.column(target[self.key])
        texts = column.texts()
        unit = table.unit_of_names(column.unit, texts)
        return _typed(texts, replace(column, unit=unit), values=None, columns=None)


class Numbers(Kind):
    """Columns that hold numbers: a row's own vector."""

    key = COLUMNS

    def look_up(self, target: Mapping, table: RowTable, file: Path | None, member: str | None) -> Found:
        columns = [table.column(name) for name in target[self.key]]
        numbers = np.column_stack([column.numbers() for column in columns])
        absent = np.isnan(numbers)
        there = ~absent.any(axis=1)
        values, types = np.unique(numbers[there], axis=0, return_inverse=True)
        found = np.full(len(numbers), -1, np.int64)
        found[there] = types.reshape(-1)
        names = np.array([" ".join(map(repr, row)) for row in values.tolist()], dtype=str)
        missing = Counter({column.name: int(absent[:, number].sum()) for number, column in enumerate(columns)})
        unit = finest(column.unit for column in columns)
        named = tuple(column.name for column in columns)
        return TargetTable(found, names, values, named, unit, int((~there).sum())), +missing


@dataclass(frozen=True)
class Words(Kind):
    """A column whose values are words, and a file that has a vector for each."""

    key: str
    reader_of: Callable[[Path], Reader]

    def look_up(self, target: Mapping, table: RowTable, file: Path | None, member: str | None) -> Found:
        case = target.get("case", EXACT)
        if case not in CASES:
            raise LookUpError(
                f"case is {shown(case)}; {' or '.join(CASES)} is expected{did_you_mean(CASES, str(case))}"
            )
        if file is None:
            raise LookUpError(f"{self.key}: no file is given to look words up in")
        reader, member = self.reader_of(file), target.get("member", member)
        if member is not None and (reader in _OF_ARRAYS or not begins_with(file, ZIP)):
            raise LookUpError(f"member: found {shown(member)}, but {file} is no zip of texts: leave it out")
        column = table.column(target.get("of", OF))
        texts = column.texts()
        wanted = Wanted.of(file, (text for text in texts if text is not None), case)
        reader(file, wanted, member)
        vectors = {label: wanted.vector(label) for label in sorted(wanted.labels)}
        there = {label: vector for label, vector in vectors.items() if vector is not None}
        if wanted.labels and not there:
            lower = "" if case == LOWER else "; upper and lower case count, unless `case: lower` says otherwise"
            raise LookUpError(
                f"{file} has none of the {len(wanted.labels)} labels, such as {_some(sorted(wanted.labels))}; it has "
                f"words such as {_some(wanted.seen)}{lower}"
            )
        found = np.array([text if text in there else None for text in texts], dtype=object)
        values = np.stack([there[label] for label in sorted(there)]) if there else None
        return _typed(found, column, values, wanted.columns, texts)


def _typed(
    found: np.ndarray,
    column: Column,
    values: np.ndarray | None,
    columns: tuple[str, ...] | None,
    texts: np.ndarray | None = None,
) -> Found:
    """A type for each distinct name; what lacks one is called by its text, or else by what should have had a value."""
    there = np.array([name is not None for name in found], dtype=bool)
    names, types = np.unique(found[there].astype(str), return_inverse=True)
    numbers = np.full(len(found), -1, np.int64)
    numbers[there] = types
    texts = found if texts is None else texts
    missing = Counter(str(column.owners[row] if texts[row] is None else texts[row]) for row in np.flatnonzero(~there))
    return TargetTable(numbers, names, values, columns, column.unit, int((~there).sum())), missing


def _some(words: Sequence[str]) -> str:
    return ", ".join(map(shown, words[:3])) or "none"


def _reader_of_vectors(path: Path) -> Reader:
    """By what a file holds, whatever its name: Parquet, npz, or text as it is or packed."""
    if begins_with(path, PARQUET):
        return read_parquet_vectors
    if begins_with(path, ZIP) and _holds_arrays(path):
        return read_npz_vectors
    return read_text_vectors


def _holds_arrays(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return any(f"{name}.npy" in names for name in NPZ) or all(name.endswith(".npy") for name in names)


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Labels(),
        Words(VECTORS, _reader_of_vectors),
        Words(ATTRIBUTES, lambda path: read_oracle),
        Numbers(),
    )
}
