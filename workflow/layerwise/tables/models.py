"""What is known of the models of an experiment, in a table: for grouping by objective, modality or size."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from layerwise.files.atomic import replaced
from layerwise.files.own_files import RereadError
from layerwise.layers import MOST_LAYERS
from layerwise.tables.files import AnyPath, read_table


def write_models(models: Sequence[Mapping[str, object]], out: Path) -> None:
    """A row per model, in order; a fact that nobody knows is an empty cell.

    Args:
        models: facts by name, the same names in each (`layerwise.models.catalogue.facts`).
    """
    with replaced(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(models[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(models)


def read_models(path: AnyPath, facts: Sequence[str] = ()) -> pd.DataFrame:
    """tables/models.csv, as `write_models` writes it.

    Args:
        facts: columns of any kind that it must have too.
    """
    table = read_table(path, ["model", "objective", "size", "blocks"], ["model"], ["objective", "size"])
    if missing := [fact for fact in facts if fact not in table]:
        raise RereadError(path, f"it lacks the column {', '.join(missing)}")
    if not table["blocks"].between(1, MOST_LAYERS).all():
        raise RereadError(path, f"a model whose number of blocks is not from 1 to {MOST_LAYERS}")
    return table
