"""Results of tasks that were measured elsewhere.

Read when the workflow is planned, so nothing here imports pandas.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from layerwise.errors import LayerwiseError, listed_names
from layerwise.files.csv_files import CSVError, read_csv
from layerwise.layers import TRANSFORMER_LAYER, WEIGHTED, is_transformer
from layerwise.probes.metrics import METRICS

PROPERTY, TASK = "property", "task"  # kinds of question, in tables that have both
REQUIRED, INTERVAL = ("task", "model", "layer", "metric", "value"), ("low", "high")
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
NUMBER = r"[+-]?[0-9.]{1,50}(?:[eE][+-]?[0-9]{1,3})?"


class ExternalResultError(LayerwiseError):
    """A file of results from elsewhere is wrong; the message names file, line and column."""


@dataclass(frozen=True)
class Result:
    """What a head on one layer of a model reached on a task, as a fraction, with its 95 % interval if there is one."""

    task: str
    model: str
    layer: str
    metric: str
    value: float
    low: float | None = None
    high: float | None = None


def read_external(
    path: Path, layers: Mapping[str, Sequence[str] | None], names: Mapping[str, str] | None = None
) -> list[Result]:
    """Results from elsewhere: a CSV file with the columns task, model, layer, metric, value and, if known, low, high.

    Other columns are let be. A task may have the name of one that is probed here; the two stay apart in every table.

    Args:
        path: the file (`layerwise.files.csv_files`).
        layers: the layers of each model of the experiment, of which the T layers count; None: not known yet, then any
            T layer may stand there.
        names: what else a model may be called, as in the configuration, and its name.

    Raises:
        ExternalResultError: the file or a column is missing, or a cell is not what it must be: an unknown model, layer
            or metric, no number, a percentage, an interval without the value, or two results for the same head.
    """
    try:
        rows = read_csv(path, REQUIRED).rows
    except CSVError as error:
        raise ExternalResultError(
            f"{error}. Expected are {', '.join(REQUIRED)}, and {', '.join(INTERVAL)} if known"
        ) from None
    results: list[Result] = []
    first: dict[tuple[str, ...], int] = {}
    for line, row in rows.items():
        row["model"] = (names or {}).get(row["model"], row["model"])
        result = _result(f"{path}, line {line}", row, layers)
        head = (result.task, result.model, result.layer, result.metric)
        if head in first:
            raise ExternalResultError(
                f"{path}, line {line}, column task: {result.metric} of {result.task} on {result.layer} of "
                f"{result.model} stands in line {first[head]} already; one row for each is expected"
            )
        first[head] = line
        results.append(result)
    return results


def _result(where: str, row: Mapping[str, str], layers: Mapping[str, Sequence[str] | None]) -> Result:
    def refuse(column: str, expected: str) -> ExternalResultError:
        return ExternalResultError(f"{where}, column {column}: found {row.get(column)!r}; {expected}")

    if not re.fullmatch(NAME, row["task"]):
        raise refuse("task", "a name is expected: a letter or digit, then letters, digits, '.', '_' and '-'")
    if row["model"] not in layers:
        raise refuse("model", f"the models of this experiment are {listed_names(layers, row['model'])}")
    known = layers[row["model"]]
    allowed = None if known is None else [name for name in known if is_transformer(name)]
    if row["layer"] != WEIGHTED and not (
        re.fullmatch(TRANSFORMER_LAYER, row["layer"]) if allowed is None else row["layer"] in allowed
    ):
        names = "T0, T1, …" if allowed is None else f"{allowed[0]} to {allowed[-1]}"
        raise refuse("layer", f"{row['model']} has {names}; {WEIGHTED} is the learned sum of all")
    if row["metric"] not in METRICS:
        raise refuse("metric", f"one of {', '.join(METRICS)} is expected")

    def number(column: str) -> float:
        try:  # of what Python reads, `1_0` and digits of other scripts are mistakes
            found = float(row[column]) if re.fullmatch(NUMBER, row[column]) else math.nan
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise refuse(column, "a number is expected")
        return found

    value = number("value")
    if not METRICS[row["metric"]].can_be(value):
        raise refuse("value", "a fraction is expected, such as 0.0574 for 5.74 %")
    low, high = (number(column) if row.get(column) else None for column in INTERVAL)
    if (low is None) != (high is None):
        raise refuse("low" if low is None else "high", "low and high are expected together, or neither")
    if low is not None and high is not None and not low <= value <= high:
        raise refuse("low", f"low <= value <= high is expected; value is {value}, high is {high}")
    return Result(row["task"], row["model"], row["layer"], row["metric"], value, low, high)
