"""What a score would be if each group of speakers counted less, tables/jackknife.csv, and what that says of others.

θ is the mean of a metric over samples and trials, θ(g) the same where the rows of group g count
`layerwise.scoring.measures.jackknife.LIGHTER` times, in training and in test; the weight of a trial falls with that of
its test rows. With λ = 1 − LIGHTER, D(g) = (θ(g) −
mean θ(·)) / λ is how much θ leans on group g, and

    standard error² = (G − λ)² / (G (G − 1)) Σ D(g)².

For λ = 1 that is the jackknife that leaves out a group (Tukey 1958; Efron and Stein 1981), and for a mean it is s²/G
whatever λ is. Not every group is tested equally often, so the t interval has one degree of freedom less than the
effective number of groups, 1 / Σ share² (Kish 1965), which is at most G.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from layerwise.cells import SKIPPED
from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced
from layerwise.files.own_files import RereadError
from layerwise.files.own_tables import read_csv_table
from layerwise.metrics import Metric, metric_of

KEY = ["property", "model", "layer", "metric"]
COLUMNS = [*KEY, "group", "weight", "share", "mean"]
_ROUNDING = 1e-6  # of shares that are added up
_SHARE = replace(metric_of("share"), least=0.0)


class MissingReplicatesError(LayerwiseError):
    """tables/jackknife.csv lacks a layer that has scores, or one of its groups."""


@dataclass(frozen=True)
class Jackknife:
    """The jackknife of one metric at one or some layers.

    Attributes:
        groups: names.
        share: (groups, layers) of the test rows of all trials.
        mean: (groups, layers) the metric where a group counts less.
        weight: what its rows then count, below 1.
    """

    groups: list[str]
    share: np.ndarray
    mean: np.ndarray
    weight: float

    @property
    def deviations(self) -> np.ndarray:
        """(groups, layers): whose sums of squares and of products are the variances and covariances of the metric."""
        number, taken = len(self.groups), 1 - self.weight
        slopes = (self.mean - self.mean.mean(axis=0)) / taken
        return slopes * (number - taken) / math.sqrt(number * (number - 1))

    @property
    def error(self) -> np.ndarray:
        """(layers,) standard errors."""
        return np.sqrt((self.deviations**2).sum(axis=0))

    @property
    def degrees_of_freedom(self) -> np.ndarray:
        """(layers,); 0 where a single group was tested, and nothing can be said of others."""
        freedom = 1 / (self.share**2).sum(axis=0) - 1
        return np.where(freedom > _ROUNDING, freedom, 0.0)


def replicate_rows(record: dict) -> list[dict]:
    """The rows of one record of a score file, one for each metric and group; none of a skipped one.

    Raises:
        KeyError, TypeError, ValueError: it is not as a score job writes it.
    """
    if record["status"] == SKIPPED:
        return []
    trials, found = len(record["trials"]), record["jackknife"]
    if not isinstance(found, dict) or len(found) < 2:
        raise ValueError("its jackknife has fewer than two groups")
    metrics = {name for trial in record["trials"] for name in trial["metrics"]}
    rows = []
    for group, again in found.items():
        share = _numbers(again["share"], trials, "share", _SHARE)
        weight = again["weight"]
        if type(weight) is not float or not 0 <= weight < 1:
            raise ValueError(f"weight of its jackknife is {weight!r}; a number from 0 to below 1 is expected")
        left = 1 - (1 - weight) * share
        for metric, values in again["metrics"].items():
            if metric not in metrics:
                raise ValueError(f"its jackknife has the metric {metric!r}, which no trial has")
            value = _numbers(values, trials, metric, metric_of(metric))
            sums = {"share": share.sum(), "left": left.sum(), "value": left @ value, "trials": trials}
            rows.append(
                {name: record[name] for name in KEY[:3]} | {"metric": metric, "group": group, "weight": weight} | sums
            )
    return rows


def _numbers(values: object, count: int, name: str, kind: Metric) -> np.ndarray:
    if not isinstance(values, list) or len(values) != count or any(type(v) not in (int, float) for v in values):
        raise ValueError(f"{name} of its jackknife is no list of {count} numbers")
    numbers = np.array(values, float)
    if not all(kind.can_be(number, _ROUNDING) for number in numbers):
        raise ValueError(f"{name} of its jackknife is {values}; numbers {kind.range} are expected")
    return numbers


def write_jackknife(rows: Iterable[dict], out: str | os.PathLike[str]) -> None:
    """The mean of each metric over samples and trials with each group counting less, in the order of the rows."""
    by, added = [*KEY, "group", "weight"], ["share", "left", "value", "trials"]
    sums = pd.DataFrame(rows, columns=[*by, *added]).groupby(by, sort=False)[added].sum().reset_index()
    sums["mean"], sums["share"] = sums["value"] / sums["left"], sums["share"] / sums["trials"]
    with replaced(out) as temporary:
        sums[COLUMNS].to_csv(temporary, index=False, lineterminator="\n")


def read_jackknife(path: str | os.PathLike[str]) -> dict[tuple[str, str, str], pd.DataFrame]:
    """tables/jackknife.csv by (model, property, metric).

    Raises:
        RereadError: it is another file, or the groups of a layer do not share its test rows.
    """
    table = read_csv_table(path, COLUMNS, [*KEY, "group"], [*KEY, "group"])
    if table[["share", "mean"]].isna().any(axis=None):
        raise RereadError(path, "a row without share or mean")
    if len(set(table["weight"])) > 1 or not table["weight"].between(0, 1, inclusive="left").all():
        raise RereadError(path, "weights that are not one number from 0 to below 1")
    total = table.groupby(KEY, sort=False)["share"].agg(["sum", "min", "size"])
    if not (total["sum"].between(1 - _ROUNDING, 1 + _ROUNDING) & (total["min"] >= 0) & (total["size"] > 1)).all():
        raise RereadError(path, "a layer whose groups do not share its test rows: shares of two or more sum to 1")
    return dict(iter(table.groupby(["model", "property", "metric"], sort=False)))


def jackknife_at(table: pd.DataFrame, layers: list[str]) -> Jackknife:
    """The jackknife at some layers of a table of `read_jackknife`.

    Raises:
        MissingReplicatesError: not every layer has every group.
    """
    names = table[["model", "property", "metric"]].iloc[0]
    table = table[table["layer"].isin(layers)]
    share, mean = (table.pivot(index="group", columns="layer", values=name) for name in ("share", "mean"))  # noqa: PD010
    if set(mean.columns) != set(layers) or mean.isna().any(axis=None):
        raise MissingReplicatesError(
            f"tables/jackknife.csv lacks some of {' '.join(names)}, {', '.join(layers)}: delete it and run the same "
            "command again"
        )
    groups, weight = sorted(mean.index), table["weight"].iloc[0]
    return Jackknife(groups, share.loc[groups, layers].to_numpy(), mean.loc[groups, layers].to_numpy(), weight)
