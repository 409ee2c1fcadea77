"""Which labels heads take for which others, tables/confusion.csv, from what they answered on the test part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from layerwise.files.own_files import RereadError
from layerwise.probes.predictions import read_predictions
from layerwise.tables.files import AnyPath, read_table, write_table

COLUMNS = ["task", "model", "layer", "column", "said", "answered", "n"]
_TEXT = ["task", "column", "said", "answered"]


def tabulate_confusions(
    files: Mapping[tuple[str, str], AnyPath], columns: Mapping[str, Sequence[str]], out: AnyPath
) -> None:
    """How often one label was said and another answered, tables/confusion.csv.

    A row per task, model, layer, column of labels and pair (said, answered) that occurred on the test part. Each column
    is counted by itself, whatever the others say.

    Args:
        files: (task, model) → Parquet of predictions (`layerwise.probes.predictions`), in the order wanted.
        columns: task → names of its columns of labels.
    """
    parts = [
        _counted(Path(path), columns[task]).assign(task=task, model=model) for (task, model), path in files.items()
    ]
    write_table(pd.concat(parts)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS), out)


def read_confusions(path: AnyPath) -> pd.DataFrame:
    """tables/confusion.csv, as `tabulate_confusions` writes it."""
    return read_table(path, COLUMNS, COLUMNS[:-1], _TEXT)


def _counted(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    found = read_predictions(path)
    for side in ("said", "answered"):
        if (found[side].map(len) != len(columns)).any():
            raise RereadError(path, f"other than {len(columns)} labels in column {side}")
    counted = [
        pd.DataFrame(
            {
                "layer": found["layer"],
                "column": name,
                "said": [labels[place] for labels in found["said"]],
                "answered": [labels[place] for labels in found["answered"]],
            }
        )
        .groupby(COLUMNS[2:-1])
        .size()
        .reset_index(name="n")
        for place, name in enumerate(columns)
    ]
    order = {layer: number for number, layer in enumerate(found["layer"].unique())}  # by depth, the weighted sum last
    return pd.concat(counted).sort_values("layer", key=lambda layers: layers.map(order), kind="stable")
