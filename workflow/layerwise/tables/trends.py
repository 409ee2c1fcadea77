"""Mean, spread and interval of every metric at every layer, tables/trends.csv, and one property by layer and model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from layerwise.cells import CORPUS, FLAGGED, ITEMS, OK, SKIPPED, SPEAKERS
from layerwise.layers import layer_key
from layerwise.scoring.confidence import corrected_half, overlap_of, t_quantile
from layerwise.tables.files import AnyPath, joined_reasons, read_table, table_of, write_table
from layerwise.tables.jackknife import jackknife_at, read_jackknife
from layerwise.tables.scores import COUNTS, MISSING, read_scores

KEPT = ["kept_x", "kept_y"]  # dimensions of both views that fits kept, the fewest of any; empty without views
COLUMNS = [
    *("property", "model", "layer", "layer_index", "depth", "metric"),
    *(
        "mean",
        "chance",
        "chance_low",
        "chance_high",
        "std",
        "n",
        "low",
        "high",
        "interval",
        "rows_per_dimension",
        *KEPT,
        "n_rows",
        "n_missing",
        "n_types",
        "n_speakers",
    ),
    *("alignments", "status", "reason"),
]
_KEYS = ["property", "model", "layer", "metric"]
_VALUES = ("score", "chance", "low", "high", "rows_per_dimension", "status", "reason")


def read_trends(path: AnyPath) -> pd.DataFrame:
    """tables/trends.csv, as `summarise_trends` writes it."""
    return read_table(path, COLUMNS, _KEYS)


def summarise_trends(scores: AnyPath, folds: int, out: AnyPath, jackknife: AnyPath | None = None) -> None:
    """Mean, spread and interval of every metric at every layer, tables/trends.csv, from tables/scores.csv.

    `low` and `high` are the 95 % corrected resampled t interval of `layerwise.scoring.confidence`, and `interval` is
    `corpus`. Where tables/jackknife.csv has the metric, `interval` is `speakers`, and the interval mean ± t(degrees of
    freedom) · standard error of `layerwise.tables.jackknife`. Where scores come with intervals over other items,
    `interval` is `items`, and the interval their mean: sample sets share most of their items, so that more sets make it
    no narrower. It is empty where there is no interval. `chance` is the mean chance level, from `chance_low` to
    `chance_high`, an interval about the corpus. Beside an interval over items the chance level has none: there is one
    score to a sample set, and what moves both with the set is in the score's own interval.

    A layer is `flagged` if one of its scores is, and `skipped` if none was scored: n = 0 and no mean. A layer of which
    only some samples were scored keeps its status, and `reason` says why the others are missing. A single score has a
    mean and no std, low or high. `n_rows`, `n_types` and `n_speakers` are those of the smallest sample set: sets differ
    a little in what they drew. `n_missing`, rows without a target, are the most of any. `kept_x` and
    `kept_y` are the fewest dimensions that a fit kept; measures that fit no views have none.

    Args:
        folds: number of folds of the cross-validation, at least 3.
        jackknife: tables/jackknife.csv; None: intervals are all of the corpus.

    Raises:
        RereadError: a table is not as this workflow writes it.
    """
    overlap = overlap_of(folds)
    over_speakers = {} if jackknife is None else read_jackknife(jackknife)
    table = read_scores(scores)
    # The scores are sorted, so that the order of first appearance is the order wanted.
    grouped = table.groupby(_KEYS, sort=False)
    rows = table.loc[~table.duplicated(_KEYS), [*_KEYS, "layer_index", "depth", "alignments"]].to_dict("records")
    least = grouped[[*COUNTS, *KEPT]].min().to_dict("records")
    most = grouped[MISSING].max()
    # A group is a handful of scores: what pandas takes for one of them is a hundred times what numpy takes.
    values = {name: _parted(table[name], grouped.ngroup()) for name in _VALUES}
    scored, chances = (_Scores.of(values[name], overlap) for name in ("score", "chance"))
    for place, (row, few, many) in enumerate(zip(rows, least, most, strict=True)):
        here = {name: parts[place] for name, parts in values.items()}
        n, mean = scored.number[place], scored.mean[place]
        row |= {name: few[name] for name in COUNTS} | {MISSING: many, "n": n, "reason": joined_reasons(here["reason"])}
        row["status"] = SKIPPED if n == 0 else FLAGGED if (here["status"] == FLAGGED).any() else OK
        if n:
            row |= {"mean": mean, "rows_per_dimension": _mean(here["rows_per_dimension"])}
            row |= {name: few[name] for name in KEPT}
        if n > 1:
            row["std"] = scored.deviation[place]
        again = over_speakers.get((row["model"], row["property"], row["metric"]))
        if n and again is not None:
            found = jackknife_at(again, [row["layer"]])
            freedom, error = found.degrees_of_freedom.item(), found.error.item()
            if freedom:
                row |= _ends(mean, t_quantile(freedom) * error) | {"interval": SPEAKERS}
            else:
                row["reason"] = joined_reasons((row["reason"], "no interval: one group of speakers was tested"))
        elif n and not np.isnan(here["low"]).all():
            # About the mean of all: where a sample set has no interval, its score still counts.
            row |= {end: mean + _mean(here[end] - here["score"]) for end in ("low", "high")} | {"interval": ITEMS}
        elif n > 1:
            row |= _ends(mean, scored.half[place]) | {"interval": CORPUS}
        if chances.number[place]:
            row["chance"] = chances.mean[place]
        if chances.number[place] > 1 and row.get("interval") != ITEMS:  # always about the corpus
            ends = _ends(row["chance"], chances.half[place])
            row |= {f"chance_{end}": value for end, value in ends.items()}
    write_table(table_of(rows, COLUMNS, [*COUNTS, MISSING, *KEPT]), out)


@dataclass(frozen=True)
class _Scores:
    """What there is to say of groups of scores, each a number for each group; NaN where there is none.

    Attributes:
        number: how many scores there are.
        half: half the interval about the corpus.
    """

    number: list[int]
    mean: list[float]
    deviation: list[float]
    half: np.ndarray

    @classmethod
    def of(cls, groups: Sequence[np.ndarray], overlap: float) -> _Scores:
        known = [values[~np.isnan(values)] for values in groups]
        number = [len(values) for values in known]
        deviation = [float(values.std(ddof=1)) if len(values) > 1 else math.nan for values in known]
        with np.errstate(divide="ignore", invalid="ignore"):
            half = corrected_half(np.array(deviation), np.array(number), overlap)
        return cls(number, [_mean(values) for values in known], deviation, half)


def _parted(column: pd.Series, number: pd.Series) -> list[np.ndarray]:
    """The values of each group, in order, by the number of the group that each row is in."""
    order = np.argsort(number, kind="stable")
    return np.split(column.to_numpy()[order], np.cumsum(np.bincount(number))[:-1]) if len(column) else []


def _mean(values: np.ndarray) -> float:
    """Of the values that are known; NaN where none is."""
    known = ~np.isnan(values)
    return float(np.where(known, values, 0).sum() / known.sum()) if known.any() else math.nan


def _ends(mean: float, half: float) -> dict:
    return {"low": mean - half, "high": mean + half}


def of_shown(table: pd.DataFrame, shown: Mapping[str, str]) -> pd.DataFrame:
    """The rows of a table that are of the metric which is shown of their property.

    Args:
        shown: property → metric.
    """
    return table[table["metric"] == table["property"].map(shown)]


def wide_tables(trends: AnyPath, out: Mapping[str, AnyPath], shown: Mapping[str, str]) -> None:
    """Each property as a table of layers (rows, in order of depth) x models (columns): the mean of one metric.

    A cell is empty where a model has no such layer and where its score was skipped; a model that was skipped
    altogether keeps its column. Before the models stands how the alignments were made.

    Args:
        out: property → its table.
        shown: property → metric.
    """
    means = read_trends(trends)
    means = of_shown(means, shown)
    for name, path in out.items():
        table = means[means["property"] == name]
        layers = sorted(table["layer"].unique(), key=layer_key)
        wide = table.pivot(index="layer", columns="model", values="mean")  # noqa: PD010 (a cell has one value)
        wide = wide.reindex(index=layers, columns=table["model"].unique())
        wide.insert(0, "alignments", table.groupby("layer")["alignments"].first())
        write_table(wide.reset_index(), path)
