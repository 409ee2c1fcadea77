"""Each layer of a model beside each layer of another one, tables/layer_matrices.csv."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from layerwise.cells import CORPUS, FLAGGED, OK, SKIPPED, SPEAKERS
from layerwise.files.own_files import RereadError
from layerwise.layers import is_layer
from layerwise.scoring.confidence import corrected_half, overlap_of, t_quantile
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, joined_reasons, read_table, table_of, write_table
from layerwise.tables.intervals import has_jackknife
from layerwise.tables.jackknife import Jackknife, mean_replicates, replicate_rows
from layerwise.tables.scores import COUNTS, MISSING, gather

COLUMNS = [
    *("property", "model", "other_model", "layer", "other_layer", "metric"),
    *("mean", "std", "n", "low", "high", "interval", "chance", *COUNTS, MISSING),
    *("alignments", "status", "reason"),
]
KEY = ["property", "model", "layer", "other_layer", "metric"]


def read_matrices(path: AnyPath) -> pd.DataFrame:
    """tables/layer_matrices.csv, as `summarise_matrices` writes it."""
    table = read_table(path, COLUMNS, KEY, ["other_model", "other_layer"])
    if wrong := sorted(name for name in table["layer"].unique() if not is_layer(name)):
        raise RereadError(path, f"{wrong[0]!r} in column layer")
    return table


def summarise_matrices(
    files: Iterable[AnyPath],
    metrics: Mapping[str, Sequence[str]],
    properties: Mapping[str, Property],
    models: Sequence[str],
    blocks: Mapping[str, int],
    folds: int,
    folds_by: str,
    intervals: str,
    out: AnyPath,
    strict: bool = False,
) -> None:
    """A row for each property, model, layer, layer of the other model, and metric: tables/layer_matrices.csv.

    Rows are sorted as those of tables/scores.csv, then by the other layer. Their numbers are as in tables/trends.csv:
    means over samples and trials, with an interval about the corpus or, where `intervals` says so, about speakers; an
    empty `interval` is none.

    Args:
        files: the score files of these properties.
        properties: those that compare each layer with every layer of another model.
        folds: of the cross-validation.
        folds_by, intervals: as `cca` of the configuration has them.
        metrics, models, blocks, strict: as `layerwise.tables.scores.collect_scores`.

    Raises:
        MalformedScoreError, SkippedScoreError: as `collect_scores`.
    """
    again: list[dict] = []

    def add_replicates(record: dict, order: tuple) -> None:
        if intervals == SPEAKERS and has_jackknife(properties[record["property"]], folds_by):
            again.extend({**row, "other_layer": record["other_layer"]} for row in replicate_rows(record))

    rows = gather(files, metrics, list(properties), models, blocks, strict, add_replicates, of_pairs=True)
    wanted = [*KEY, "score", "chance", *COUNTS, MISSING, "alignments", "status", "reason"]
    cells = pd.DataFrame(rows, columns=wanted).astype({"score": float, "chance": float})
    by_cell = cells.groupby(KEY, sort=False)
    table = by_cell["score"].agg(mean="mean", std="std", n="count")
    table["chance"] = by_cell["chance"].mean()
    table[[*COUNTS, "alignments"]] = by_cell[[*COUNTS, "alignments"]].min()
    table[MISSING] = by_cell[MISSING].max()
    is_flagged = (cells["status"] == FLAGGED).groupby([cells[name] for name in KEY], sort=False).any()
    table["status"] = np.where(table["n"] == 0, SKIPPED, np.where(is_flagged, FLAGGED, OK))
    table["reason"] = by_cell["reason"].agg(joined_reasons)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = corrected_half(table["std"].to_numpy(float), table["n"].to_numpy(), overlap_of(folds))
    table["half"], table["interval"] = half, np.where(np.isfinite(half), CORPUS, "")
    for names, replicates in mean_replicates(again, KEY).groupby(["property", "model", "metric"], sort=False):
        _put_over_speakers(table, names, replicates)
    table["low"], table["high"] = table["mean"] - table["half"], table["mean"] + table["half"]
    table = table.reset_index()
    table["other_model"] = [properties[name].target.other_model for name in table["property"]]
    write_table(table_of(table, COLUMNS, [*COUNTS, MISSING]), out)


def _put_over_speakers(table: pd.DataFrame, names: tuple[str, str, str], replicates: pd.DataFrame) -> None:
    """Put intervals of the jackknife into the cells of one property, model and metric."""
    pairs = ["layer", "other_layer"]
    share, mean = (replicates.pivot(index="group", columns=pairs, values=name) for name in ("share", "mean"))  # noqa: PD010
    found = Jackknife(list(mean.index), share.to_numpy(), mean.to_numpy(), replicates["weight"].iloc[0])
    freedom = found.degrees_of_freedom
    with np.errstate(invalid="ignore"):
        half = np.where(freedom > 0, t_quantile(freedom) * found.error, np.nan)
    property_name, model, metric = names
    cells = pd.MultiIndex.from_tuples([(property_name, model, *pair, metric) for pair in mean.columns], names=KEY)
    table.loc[cells, "half"], table.loc[cells, "interval"] = half, np.where(freedom > 0, SPEAKERS, "")
    alone = cells[freedom <= 0]
    why = "no interval: one group of speakers was tested"
    table.loc[alone, "reason"] = [joined_reasons((reason, why)) for reason in table.loc[alone, "reason"]]
