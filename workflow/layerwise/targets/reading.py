"""Target files, read again: for each row the type that it has, and what stands for that type.

Score jobs import this, so nothing here needs more than numpy and h5py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from layerwise.representations import store

ROW, UTTERANCE, SPEAKER = UNITS = ("row", "utterance", "speaker")  # from the finest to the coarsest
TYPE, NAMES, VALUES, COLUMNS = "type", "names", "values", "columns"  # datasets
UNIT, MISSING = "unit", "missing"  # attributes


@dataclass(frozen=True)
class TargetTable:
    """The target of each row of a table.

    Attributes:
        type: index into names for each row (int64), -1 where there is no target and the row is left out.
        names: of the types.
        values: a row for each type, (types, d) float64; None: the types are labels, and nothing but different.
        columns: names of the d columns, where they have any.
        unit: what a target is given for: `row`, `utterance` or `speaker`; all rows of one have the same.
        missing: rows without a target.
    """

    type: np.ndarray
    names: np.ndarray
    values: np.ndarray | None
    columns: tuple[str, ...] | None
    unit: str
    missing: int


def read_targets(path: Path) -> TargetTable:
    """What `layerwise.targets.writing.write_targets` wrote.

    Raises:
        RepresentationError: it is another file.
    """
    with store.reading([Path(path)]) as (file,):
        types = store.numbers(store.dataset(file, TYPE)).astype(np.int64)
        names = store.strings(store.dataset(file, NAMES))
        values = _matrix(file, VALUES) if VALUES in file else None
        columns = tuple(store.strings(store.dataset(file, COLUMNS)).tolist()) if COLUMNS in file else None
        unit, missing = store.fact(file, UNIT), store.fact(file, MISSING)
        problem = _problem(types, names, values, columns)
        if unit not in UNITS:
            problem = f"its targets are given for each {unit!r}; expected {', '.join(UNITS)}"
        if missing != np.count_nonzero(types < 0):
            problem = f"it says that {missing} rows have no target; it has {np.count_nonzero(types < 0)}"
        if problem:
            raise store.RepresentationError(f"{path}: {problem}: delete it and look the targets up again")
    return TargetTable(types, names, values, columns, str(unit), int(str(missing)))


def _matrix(file: h5py.File, name: str) -> np.ndarray:
    return store.Rows([store.dataset(file, name)])[:].astype(np.float64)


def _problem(
    types: np.ndarray, names: np.ndarray, values: np.ndarray | None, columns: tuple[str, ...] | None
) -> str | None:
    if len(types) and not -1 <= types.min() <= types.max() < len(names):
        return f"a row is of type {types.max() if types.min() >= -1 else types.min()}; there are {len(names)} types"
    if values is not None and len(values) != len(names):
        return f"it has {len(names)} types and values of {len(values)}"
    if values is not None and not np.isfinite(values).all():
        return "a value is no finite number"
    if columns is not None and (values is None or values.shape[1] != len(columns)):
        return f"it names {len(columns)} columns, and its values have {0 if values is None else values.shape[1]}"
    return None
