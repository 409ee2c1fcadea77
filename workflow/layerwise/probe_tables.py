"""What heads of one model can do, as a table: from the jobs that trained them side by side."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from layerwise.files import replaced

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
    "n_train",
    "n_dev",
    "n_test",
    "step",
    "dev_value",
    "status",
    "reason",
)


def collect_probes(parts: Sequence[Path], table: Path, details: Path) -> None:
    """Join what `layerwise.probes.train_probes` wrote for groups of heads of one model and task.

    Args:
        parts: JSON files, in order of the heads.
        table: CSV with `COLUMNS`, a row per head; a fact that a head does not have is an empty cell.
        details: JSON with settings, classes, softmax weights, curves on dev, seconds and dimensions.
    """
    contents = [json.loads(Path(path).read_text(encoding="utf-8")) for path in parts]
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
