"""Mean, spread and interval of every metric at every layer, tables/trends.csv, and one property by layer and model."""

from __future__ import annotations

from collections.abc import Mapping

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


def read_trends(path: AnyPath) -> pd.DataFrame:
    """tables/trends.csv, as `summarise_trends` writes it."""
    return read_table(path, COLUMNS, ["property", "model", "layer", "metric"])


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
    rows = []
    # The scores are sorted, so that the order of first appearance is the order wanted.
    keys = ["property", "model", "layer", "metric"]
    for names, group in read_scores(scores).groupby(keys, sort=False):
        values = group["score"].dropna()
        n = len(values)
        row = dict(zip(keys, names, strict=True)) | {
            "layer_index": group["layer_index"].iloc[0],
            "depth": group["depth"].iloc[0],
            "n": n,
            **group[COUNTS].min(),
            MISSING: group[MISSING].max(),
            "alignments": group["alignments"].iloc[0],
            "status": SKIPPED if n == 0 else FLAGGED if (group["status"] == FLAGGED).any() else OK,
            "reason": joined_reasons(group["reason"]),
        }
        if n:
            row["mean"] = values.mean()
            row["rows_per_dimension"] = group["rows_per_dimension"].mean()
            row |= group[KEPT].min()
        if n > 1:
            row["std"] = values.std(ddof=1)
        again = over_speakers.get((row["model"], row["property"], row["metric"]))
        if n and again is not None:
            found = jackknife_at(again, [row["layer"]])
            freedom, error = found.degrees_of_freedom.item(), found.error.item()
            if freedom:
                row |= _ends(row["mean"], t_quantile(freedom) * error) | {"interval": SPEAKERS}
            else:
                row["reason"] = joined_reasons((row["reason"], "no interval: one group of speakers was tested"))
        elif n and group["low"].notna().any():
            # About the mean of all: where a sample set has no interval, its score still counts.
            row |= {end: row["mean"] + (group[end] - group["score"]).mean() for end in ("low", "high")}
            row["interval"] = ITEMS
        elif n > 1:
            row |= _ends(row["mean"], corrected_half(row["std"], n, overlap)) | {"interval": CORPUS}
        row |= _by_chance(group["chance"].dropna(), overlap, row.get("interval") != ITEMS)
        rows.append(row)
    write_table(table_of(rows, COLUMNS, [*COUNTS, MISSING, *KEPT]), out)


def _by_chance(values: pd.Series, overlap: float, with_interval: bool) -> dict:
    """Mean of the chance level, and its interval, which is always about the corpus."""
    n = len(values)
    row = {"chance": values.mean()} if n else {}
    if n > 1 and with_interval:
        ends = _ends(row["chance"], corrected_half(values.std(ddof=1), n, overlap))
        row |= {f"chance_{end}": value for end, value in ends.items()}
    return row


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
