"""The table of all heads of one model and task, joined from the jobs that trained groups of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from layerwise.files.atomic import replaced
from layerwise.files.own_files import RereadError, read_own_json
from layerwise.probes.predictions import join_predictions

COLUMNS = (
    "task",
    "model",
    "layer",
    "layer_index",
    "depth",
    "metric",
    "value",
    "low",
    "high",
    "balanced_accuracy",
    "macro_f1",
    "majority",
    "majority_label",
    "chance",
    "n_train",
    "n_dev",
    "n_test",
    "n_types",
    "test_speakers",
    "step",
    "dev_value",
    "status",
    "reason",
)


def join_probes(
    parts: Sequence[Path], predicted: Sequence[Path], table: Path, details: Path, predictions: Path
) -> None:
    """Join what `layerwise.probes.train.train_probes` wrote for groups of heads of one model and task.

    Args:
        parts, predicted: JSON files, and Parquet files of their answers, in order of the heads.
        table: CSV with `COLUMNS`, a row per head; a fact that a head does not have is an empty cell.
        details: JSON with settings, classes, softmax weights, curves on dev, seconds and dimensions.
        predictions: Parquet with what every head answered.
    """
    contents = [_content(Path(path)) for path in parts]
    join_predictions(predicted, predictions)
    records = [record for content in contents for record in content["records"]]
    with replaced(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        rows.writeheader()
        rows.writerows(records)
    joined = {key: contents[0][key] for key in ("settings", "dimensions", "classes", "unseen", "too_short", "device")}
    joined["weights"] = next((content["weights"] for content in contents if content["weights"]), None)
    joined["curves"] = {name: curve for content in contents for name, curve in content["curves"].items()}
    joined["steps"] = max(content["steps"] for content in contents)
    joined["seconds"] = {key: sum(content["seconds"][key] for content in contents) for key in contents[0]["seconds"]}
    joined["records"] = records
    with replaced(details) as temporary:
        temporary.write_text(json.dumps(joined, indent=1) + "\n", encoding="utf-8")


def _content(path: Path) -> dict:
    """What one job wrote."""
    content = read_own_json(path)
    kinds = dict.fromkeys(("settings", "dimensions", "classes", "unseen", "too_short", "device", "weights"), object)
    kinds |= {"records": list, "curves": dict, "steps": int, "seconds": dict}
    for key, kind in kinds.items():
        if not isinstance(content.get(key, ...), kind) or key not in content:
            raise RereadError(path, f"its {key} is missing, or of another kind")
    for record in content["records"]:
        if not isinstance(record, dict) or not set(record) <= set(COLUMNS):
            raise RereadError(path, f"a record has other keys than {', '.join(COLUMNS)}")
    if not all(isinstance(number, int | float) for number in content["seconds"].values()):
        raise RereadError(path, "its seconds are no numbers")
    return content
