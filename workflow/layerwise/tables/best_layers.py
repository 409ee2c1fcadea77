"""The best block of each model for each property, tables/best_layers.csv."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from layerwise.cells import OK
from layerwise.files.own_files import RereadError
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables import ties
from layerwise.tables.files import AnyPath, joined_reasons, read_table, table_of, transformer_rows, write_table
from layerwise.tables.scores import COUNTS, read_scores, score_matrix
from layerwise.tables.trends import read_trends

COLUMNS = [
    *("property", "model", "metric", "layer", "depth", "mean", "low", "high", "chance", "rows_per_dimension"),
    *("n_rows", "n_types", "n_speakers", "runner_up", "tied", "nearly_tied", "shared_luck"),
    *("kept_x", "kept_y", "classes_unseen"),
    *("alignments", "reason"),
]

_BEST_COUNTS = ["kept_x", "kept_y", "classes_unseen"]


def read_best_layers(path: AnyPath) -> pd.DataFrame:
    """tables/best_layers.csv, as `best_layers` writes it."""
    return read_table(path, COLUMNS, ["property", "model", "metric"])


def require_layers(best: pd.DataFrame, scored: pd.MultiIndex, path: AnyPath, trends: AnyPath) -> None:
    """Refuse best layers, or others that tie with them, of which there is no score: the tables are of different runs.

    Args:
        best: rows of tables/best_layers.csv.
        scored: property, model and layer of those of tables/trends.csv.
        path, trends: of the two tables.

    Raises:
        RereadError: a layer has no score.
    """
    for row in best[best["layer"] != ""].to_dict("records"):
        for layer in [row["layer"], *row["tied"].split()]:
            if (names := (row["property"], row["model"], layer)) not in scored:
                raise RereadError(trends, f"no row of {', '.join(names)}, which {path} names")


def best_layers(trends: AnyPath, scores: AnyPath, properties: Mapping[str, Property], out: AnyPath) -> None:
    """The best block of each model, tables/best_layers.csv: a row per property, model and metric.

    Ranked are T1…TL, not the input of the first block (T0) or the C layers. Properties that say nothing of use
    (`ranked: false`, as `intra`) rank none; flagged and skipped layers are left out. At equal means the lower layer is
    best. Of an error rate less is better; metrics that are no more or less of something good rank none.

    `tied` lists the other layers that tie with the best one (`layerwise.tables.ties`), in order of depth; without an
    interval (a single score) it stays empty. `nearly_tied` lists those that would tie if the low end of the best one's
    interval were twice as far away. `shared_luck` is the share of the variance of a layer's scores that all ranked
    layers have in common: the less it is, the more often one of the nearly tied is as good. `chance` is the chance
    level at the best layer; `kept_x`, `kept_y` and `classes_unseen` are the most of any of its scores. A model without
    a layer to rank has an empty layer and the reason.

    Args:
        trends, scores: tables/trends.csv and the tables/scores.csv that it was made from.
        properties: of the experiment.
    """
    table = read_trends(trends)
    if wrong := set(table["property"]) - set(properties):
        raise RereadError(trends, f"{min(wrong)!r} in column property")
    table = table[table["property"].isin([name for name, question in properties.items() if question.ranked])]
    rows = []
    keys = ["property", "model", "metric"]
    scored = read_scores(scores)
    by_question, none = dict(list(scored.groupby(keys, sort=False))), scored.iloc[:0]
    for names, group in table.groupby(keys, sort=False):
        row = dict(zip(keys, names, strict=True)) | {"alignments": group["alignments"].iloc[0]}
        blocks = transformer_rows(group)
        blocks = blocks[blocks["layer_index"] > 0]
        ranked = blocks[blocks["status"] == OK].sort_values("layer_index")
        metric = metric_of(names[-1])
        if not metric.is_ranked:
            continue
        if ranked.empty:
            row["reason"] = joined_reasons(blocks["reason"]) or "no transformer block was scored"
        else:
            # The end of an interval that is the worse one: of an error rate the high one.
            worst = ranked["low" if metric.higher_is_better else "high"]
            level = metric.performance(ranked["mean"])
            best = ranked.loc[level.idxmax()]
            others = level.drop(best.name)
            levels = level.to_numpy(), metric.performance(worst).to_numpy()
            tied, near = ties.tied(*levels), ties.contenders(*levels, margin=ties.NEAR)
            row |= best[["layer", "depth", "mean", "low", "high", "chance", "rows_per_dimension", *COUNTS]].to_dict()
            row["runner_up"] = "" if others.empty else ranked.loc[others.idxmax(), "layer"]
            row["tied"] = " ".join(ranked["layer"][tied & (ranked["layer"] != best["layer"])])
            row["nearly_tied"] = " ".join(ranked["layer"][near & ~tied])
            behind = by_question.get(names, none)
            behind = behind[behind["layer"].isin(ranked["layer"])]
            row["shared_luck"] = ties.shared_luck(score_matrix(behind).dropna(axis="columns").to_numpy())
            row |= behind.loc[behind["layer"] == best["layer"], _BEST_COUNTS].max().to_dict()
        rows.append(row)
    write_table(table_of(rows, COLUMNS, [*COUNTS, *_BEST_COUNTS]), out)
