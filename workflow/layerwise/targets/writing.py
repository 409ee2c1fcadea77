"""Write target files, and beside them what had no target."""

from __future__ import annotations

from collections import Counter
from operator import itemgetter
from pathlib import Path

import numpy as np

from layerwise.files.own_tables import write_rows
from layerwise.representations.writer import writing
from layerwise.targets.reading import COLUMNS, MISSING, NAMES, TYPE, UNIT, VALUES, TargetTable


def write_targets(path: Path, table: TargetTable) -> None:
    """Write the targets of a table of rows, as `layerwise.targets.reading.read_targets` reads them."""
    with writing(path, "float64", {"shard": 0, UNIT: table.unit, MISSING: table.missing}) as writer:
        writer.append(TYPE, table.type)
        writer.append(NAMES, table.names)
        if table.values is not None:
            writer.append(VALUES, table.values)
        if table.columns is not None:
            writer.append(COLUMNS, np.array(table.columns, dtype=str))


def write_missing(path: Path, counts: Counter[str]) -> None:
    """Write what had no target, the most frequent first."""
    write_rows(path, ("label", "count"), sorted(sorted(counts.items()), key=itemgetter(1), reverse=True))
