"""What every head reached, tables/probes.csv: the probes of this experiment, and results from elsewhere beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from layerwise.cells import OK
from layerwise.errors import LayerwiseError
from layerwise.files.own_files import RereadError, read_own_json
from layerwise.layers import MOST_LAYERS, WEIGHTED, layer_index, layer_key
from layerwise.probes.join import COLUMNS as WRITTEN
from layerwise.probes.metrics import METRICS
from layerwise.tables.external import Result, read_external
from layerwise.tables.files import AnyPath, read_table, write_table

PROBES, EXTERNAL = "probes", "external"  # sources of a result

# What probe jobs write, with two columns more, each after one of theirs.
_AFTER = {"task": "source", "high": "weight"}
COLUMNS = [name for written in WRITTEN for name in (written, _AFTER.get(written)) if name]
WHOLE = ["layer_index", "n_train", "n_dev", "n_test", "n_types", "test_speakers", "step"]
HEAD = ["task", "source", "model", "layer", "metric"]
_TEXT = ["task", "source", "majority_label"]


class MalformedProbeError(LayerwiseError):
    """A probe's file lacks something, or belongs to another experiment; the message names the file."""


def collect_probes(
    files: Mapping[AnyPath, AnyPath],
    external: AnyPath | None,
    tasks: Sequence[str],
    models: Sequence[str],
    layers: Mapping[str, Sequence[str]],
    out: AnyPath,
    names: Mapping[str, str] | None = None,
) -> None:
    """Gather what all heads reached in one table, tables/probes.csv: a row per task, source, model, head and metric.

    Sorted by the given order of tasks and models, then by depth, the weighted sum last. Values are fractions. `weight`
    is the share that the weighted sum gives to a layer: its softmax weights, which add up to 1 over the layers. A head
    that could not be trained keeps its row, without a value and with the reason.

    Of labels, `balanced_accuracy` and `macro_f1` stand beside the accuracy; labels of several columns count as one,
    which is right when all of them are. `majority` is what one answer to everything reaches, by the metric of the row:
    the most frequent label of training, `majority_label`, or of an error rate an empty answer. `chance` is what
    guessing each label of training equally often reaches. `n_types` counts labels (phones, characters) of training,
    `test_speakers` who speaks on test; it is empty where that is not known. Results from elsewhere have none of these.

    Args:
        files: the CSV of each task and model → its JSON, which holds the weights.
        external: a CSV of results from elsewhere (`layerwise.tables.external.read_external`).
        tasks: in order; those of `external` alone follow.
        layers: names of the layers of each model.
        names: how models may be called in `external`, and their names.

    Raises:
        MalformedProbeError: a file is not what a probe job writes, or two rows are of the same head.
        ExternalResultError: as `read_external`.
    """
    found = [_probe(Path(table), Path(weights), layers) for table, weights in files.items()]
    results = read_external(Path(external), layers, names or {}) if external else []
    found.append(_external(results, layers))
    order = list(dict.fromkeys([*tasks, *(result.task for result in results)]))
    table = pd.concat([part for part in found if not part.empty]) if any(map(len, found)) else found[-1]
    for column, known in (("task", order), ("model", models)):
        unknown = sorted(set(table[column]) - set(known))
        if unknown:
            raise MalformedProbeError(f"{column} {', '.join(unknown)} in a probe's file is not part of this experiment")
    twice = table[table.duplicated(HEAD)]
    if not twice.empty:
        raise MalformedProbeError(f"two rows of {', '.join(twice[HEAD].iloc[0])}: a head has one row for each metric")
    places = {"task": order, "source": [PROBES, EXTERNAL], "model": list(models)}
    table = table.reset_index(drop=True)
    keys = table.assign(**{column: table[column].map(names.index) for column, names in places.items()})
    # The weighted sum has no index, and so stands last.
    table = table.loc[keys.sort_values([*places, "metric", "layer_index"]).index]
    write_table(table[COLUMNS].astype(dict.fromkeys(WHOLE, "Int64")), out)


def read_probes(path: AnyPath) -> pd.DataFrame:
    """tables/probes.csv, as `collect_probes` writes it."""
    table = read_table(path, COLUMNS, HEAD, _TEXT)
    if wrong := sorted(set(table["metric"]) - set(METRICS)):
        raise RereadError(path, f"the metric {wrong[0]!r}")
    index, depth = (table.loc[table["depth"].notna(), column] for column in ("layer_index", "depth"))
    if not (((index == 0) & (depth == 0)) | ((index > 0) & depth.between(1 / MOST_LAYERS, 1))).all():
        raise RereadError(path, "a depth that no layer has")
    return table


def _probe(path: Path, weights_path: Path, layers: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    again = "delete it to train the probe again"
    try:
        table = read_table(path, WRITTEN, text=_TEXT)
        content = read_own_json(weights_path)
    except RereadError as error:
        raise MalformedProbeError(
            f"{path} and {weights_path.name}: not what a probe job writes ({error.found}); {again}"
        ) from error
    weights = content.get("weights", {}) or {}
    if "weights" not in content or not (isinstance(weights, dict) and all(map(_is_share, weights.values()))):
        raise MalformedProbeError(f"{weights_path}: not what a probe job writes (weights are no numbers); {again}")
    for row in table.itertuples():
        where = f"{path}, {row.layer}"
        if row.layer not in {WEIGHTED, *layers.get(row.model, ())}:
            raise MalformedProbeError(f"{where}: {row.model} has no such layer in this experiment; {again}")
        if row.metric not in METRICS:
            raise MalformedProbeError(f"{where}: metric {row.metric!r} is none of {', '.join(METRICS)}; {again}")
        if row.status == OK and pd.isna(row.value):
            raise MalformedProbeError(f"{where}: is ok but has no value; {again}")
    return table[list(WRITTEN)].assign(source=PROBES, weight=table["layer"].map(weights).astype(float))


def _is_share(weight: object) -> bool:
    return isinstance(weight, float | int) and 0 <= weight <= 1 + 1e-6  # rounded


def _external(results: Sequence[Result], layers: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    rows = []
    for result in results:
        row = vars(result) | {"source": EXTERNAL, "status": OK, "reason": ""}
        if result.layer != WEIGHTED:
            index = layer_index(result.layer)
            row |= {"layer_index": index, "depth": index / layer_index(max(layers[result.model], key=layer_key))}
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)
