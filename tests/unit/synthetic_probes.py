"""Probe files as probe jobs write them, with planted performance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

COLUMNS = [
    *("task", "model", "layer", "layer_index", "depth", "metric", "value", "low", "high"),
    *("balanced_accuracy", "macro_f1", "majority", "majority_label", "chance"),
    *("n_train", "n_dev", "n_test", "n_types", "test_speakers", "step", "dev_value", "status", "reason"),
]


def write_probe(
    folder: Path,
    task: str,
    model: str,
    values: Mapping[str, float | None],
    blocks: int,
    metric: str = "accuracy",
    half: float = 0.01,
    weights: Mapping[str, float] | None = None,
    **facts,
) -> tuple[Path, Path]:
    """CSV and JSON of one task and model; the head of a layer whose value is None could not be trained.

    Args:
        values: layer, or `weighted` → value.
        half: half the interval of every value.
        weights: of the weighted sum; None: the same for all layers.
        facts: of every head, by column, in place of those below.
    """
    path = folder / "probes" / task / f"{model}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(COLUMNS)]
    for layer, value in values.items():
        index = "" if layer == "weighted" else int(layer[1:])
        row = {
            **{"task": task, "model": model, "layer": layer, "metric": metric},
            **{"layer_index": index, "depth": "" if index == "" else index / blocks},
            **{"n_train": 400, "n_dev": 50, "n_test": 100, "step": 300, "status": "ok", "reason": ""},
            **{"n_types": 4, "test_speakers": 10, "majority": 1.0, "majority_label": "", "chance": ""},
            **{"balanced_accuracy": "", "macro_f1": ""},
        }
        if metric == "accuracy":
            row |= {"majority": 0.3, "majority_label": "go", "chance": 0.25}
        if value is None:
            row |= {"value": "", "low": "", "high": "", "dev_value": "", "status": "skipped", "reason": "it diverged"}
        else:
            row |= {"value": value, "low": value - half, "high": value + half, "dev_value": value}
        row |= facts
        lines.append(",".join(str(row[column]) for column in COLUMNS))
    path.write_text("\n".join(lines) + "\n")
    single = [layer for layer in values if layer != "weighted"]
    given = weights or dict.fromkeys(single, 1 / len(single))
    path.with_suffix(".json").write_text(json.dumps({"weights": dict(given)}))
    return path, path.with_suffix(".json")
