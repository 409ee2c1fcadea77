"""What is known of the models of an experiment, in a table: for grouping by objective, modality or size."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from layerwise.files.atomic import replaced


def write_models(models: Sequence[Mapping[str, object]], out: Path) -> None:
    """A row per model, in order; a fact that nobody knows is an empty cell.

    Args:
        models: facts by name, the same names in each (`layerwise.models.catalogue.facts`).
    """
    with replaced(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(models[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(models)
