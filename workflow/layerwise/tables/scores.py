"""Every score of an experiment in one long table, tables/scores.csv."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from layerwise.cells import FLAGGED, OF_VIEWS, OK, SKIPPED
from layerwise.errors import LayerwiseError, shown
from layerwise.files.own_files import RereadError, is_count, read_own_json
from layerwise.layers import layer_key, layer_ranges
from layerwise.metrics import metric_of
from layerwise.scoring import metrics as _  # noqa: F401 (whoever reads scores has their metrics in the registry)
from layerwise.tables.files import AnyPath, read_table, table_of, write_table
from layerwise.tables.jackknife import replicate_rows, write_jackknife

COLUMNS = [
    *("property", "model", "layer", "layer_index", "depth", "sample", "trial", "metric", "score", "chance"),
    *("low", "high"),
    *("n_train", "n_test", "dx", "dy", "rows_per_dimension", "kept_x", "kept_y"),
    *("rank_x", "rank_y", "classes_unseen", "n_rows", "n_missing", "n_types", "n_speakers"),
    *("alignments", "status", "reason"),
]

COUNTS = ["n_rows", "n_types", "n_speakers"]  # of a sample: how much a score rests on
MISSING = "n_missing"  # rows of a sample that were left out, as they have no target
_TRIAL_COUNTS = ["n_train", "n_test", "dx", "dy", "kept_x", "kept_y", "rank_x", "rank_y", "classes_unseen"]
_LAYERS = ("layer", "other_layer")  # of a record: the layer, and the one that it is compared with, if it has its own
_MOST_ROWS = 10**12
_ROUNDING = 1e-6  # of sums in float32


class MalformedScoreError(LayerwiseError):
    """A score file is truncated, lacks a field, or belongs to another experiment; the message names the file."""


class SkippedScoreError(LayerwiseError):
    """Scores were skipped although the experiment is strict; the message lists every reason."""

    is_list = True


def read_scores(path: AnyPath) -> pd.DataFrame:
    """tables/scores.csv, as `collect_scores` writes it."""
    return read_table(path, COLUMNS, ["property", "model", "layer", "sample", "trial", "metric"])


def collect_scores(
    files: Iterable[AnyPath],
    metrics: Mapping[str, Sequence[str]],
    properties: Sequence[str],
    models: Sequence[str],
    blocks: Mapping[str, int],
    out: AnyPath,
    strict: bool = False,
    jackknife: AnyPath | None = None,
    own_folds: Collection[str] = (),
) -> None:
    """Gather the records of all score files in one long table, tables/scores.csv.

    One row per property, model, layer, sample, trial and metric, with the chance level beside the score, and from
    `low` to `high` its 95 % interval over other items, where its measure resamples them. They are sorted by the given
    order of `properties` and `models`, then by depth, sample, trial and metric: neither the order nor the batching of
    `files` shows. The metrics of a scored record are those in its file; a skipped record gets one row for each of its
    `metrics`, without trial or score, so that what is missing is seen in the table.

    Args:
        metrics: property → its metrics, which the rows of a skipped record have.
        blocks: transformer blocks L of each model; depth = index / L for T layers, empty for C layers.
        strict: refuse skipped records.
        jackknife: where tables/jackknife.csv goes, which every scored record then has a part of; None: there is none.
        own_folds: properties that have no part of it all the same: their folds do not part speakers.

    Raises:
        MalformedScoreError: a file is not what a score job writes, or two files hold the same record.
        SkippedScoreError: `strict`, and a record was skipped; nothing is written.
    """
    again: list[dict] = []

    def add_replicates(record: dict, order: tuple) -> None:
        if jackknife is not None and record["property"] not in own_folds:
            again.extend({**row, "order": order} for row in replicate_rows(record))

    rows = gather(files, metrics, properties, models, blocks, strict, add_replicates)
    if jackknife is not None:
        write_jackknife(sorted(again, key=lambda row: (*row["order"], row["metric"], row["group"])), jackknife)
    whole = ["layer_index", "sample", "trial", *_TRIAL_COUNTS, *COUNTS, MISSING]
    write_table(table_of(rows, COLUMNS, whole), out)


def gather(
    files: Iterable[AnyPath],
    metrics: Mapping[str, Sequence[str]],
    properties: Sequence[str],
    models: Sequence[str],
    blocks: Mapping[str, int],
    strict: bool,
    also: Callable[[dict, tuple], None],
    of_pairs: bool = False,
) -> list[dict]:
    """A row for each trial and metric of all records, in the order of `collect_scores`, whose arguments these are.

    Args:
        also: called with each record and the place that it has in that order.
        of_pairs: whether records are of a layer and an `other_layer`, and not of a layer alone.

    Raises:
        MalformedScoreError, SkippedScoreError: as `collect_scores`.
    """
    rows: list[dict] = []
    skipped: dict[tuple[str, str, str], list[str]] = {}
    source: dict[tuple, AnyPath] = {}
    for file in files:
        for record in _records(file):
            try:
                names = (record["property"], record["model"])
                layers = [record[name] for name in _LAYERS[: 1 + of_pairs]]
                if not of_pairs and _LAYERS[1] in record:
                    raise ValueError(f"it compares {layers[0]} with {record[_LAYERS[1]]!r}, and one layer is expected")
                key = (*names, *layers, record["sample"])
                if not is_count(record["sample"]):
                    raise ValueError(f"sample {record['sample']!r} is no whole number")
                if key[0] not in properties or key[1] not in models:
                    raise ValueError(f"{key[0]} of {key[1]} is not part of this experiment")
                order = (properties.index(key[0]), models.index(key[1]), *map(layer_key, layers), record["sample"])
                new = _rows(record, metrics[record["property"]], blocks[record["model"]])
                also(record, order)
            except KeyError as missing:
                raise MalformedScoreError(f"{file}: a record lacks {missing}; delete the file to score again") from None
            except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
                raise MalformedScoreError(f"{file}: {error}; delete the file to score again") from None
            if key in source:
                raise MalformedScoreError(f"{file}: holds {key}, and so does {source[key]}")
            source[key] = file
            other = {_LAYERS[1]: layers[1]} if of_pairs else {}
            rows += [{**row, **other, "order": order} for row in new]
            if record["status"] == SKIPPED:
                skipped.setdefault((key[0], key[1], record["reason"]), []).append(key[2])
    if strict and skipped:
        raise SkippedScoreError(
            "scores were skipped, and the configuration says `strict: true`:\n"
            + "\n".join(
                f"  {name}, {model}, {layer_ranges(at)}: {shown(why)}" for (name, model, why), at in skipped.items()
            )
        )
    return sorted(rows, key=lambda row: (*row["order"], row["trial"] or 0, row["metric"]))


def _records(file: AnyPath) -> list[dict]:
    try:
        records = read_own_json(Path(file)).get("records")
    except RereadError as error:
        raise MalformedScoreError(f"{file}: not a score file ({error.found}); delete it to score again") from error
    if not isinstance(records, list):
        raise MalformedScoreError(f"{file}: not a score file (it has no list of records); delete it to score again")
    return records


def _rows(record: dict, metrics: Sequence[str], blocks: int) -> list[dict]:
    kind, index = layer_key(record["layer"])
    common = {name: record[name] for name in ("property", "model", "layer", "sample", "alignments", "status", "reason")}
    if not all(isinstance(common[name], str) for name in ("alignments", "reason")):
        raise ValueError("alignments and reason are no text")
    if kind == "T" and index > blocks:
        raise ValueError(f"it has the layer {record['layer']}, and {record['model']} has {blocks} blocks")
    common |= {"layer_index": index, "depth": index / blocks if kind == "T" else None}
    common |= _counts(record, [*COUNTS, MISSING], record["layer"])
    if record["status"] == SKIPPED:
        return [{**common, "trial": None, "metric": metric} for metric in metrics]
    if record["status"] not in (OK, FLAGGED):
        raise ValueError(f"status {record['status']!r} is none of {OK}, {FLAGGED}, {SKIPPED}")
    if not record["trials"]:
        raise ValueError(f"{record['property']} of {record['layer']} is {record['status']} but has no trials")
    rows = []
    for trial in record["trials"]:
        of_views = {} if trial["dx"] is None else _counts(trial, OF_VIEWS, record["layer"])
        counts = _counts(trial, [name for name in _TRIAL_COUNTS if name not in OF_VIEWS], record["layer"])
        counts |= _counts(trial, ["trial"], record["layer"]) | of_views
        if of_views:
            counts["rows_per_dimension"] = trial["n_train"] / (trial["dx"] + trial["dy"])
        for metric, score in trial["metrics"].items():
            where = f"of {record['layer']}, trial {trial['trial']},"
            _require_score(metric, score, where)
            chance = trial["chance"].get(metric)
            if chance is not None:
                _require_score(metric, chance, f"{where} by chance")
            rows.append({**common, **counts, "metric": metric, "score": score, "chance": chance})
            if of_views:
                rows[-1] |= _kept(trial["kept"][metric], metric)
            if ends := trial.get("intervals", {}).get(metric):
                rows[-1] |= _interval(ends, metric, where)
    return rows


def _kept(found: Any, metric: str) -> dict:
    """Dimensions that the fit of one metric kept of each view."""
    kept_x, kept_y = found
    if not (is_count(kept_x, 0, _MOST_ROWS) and is_count(kept_y, 0, _MOST_ROWS)):
        raise ValueError(f"kept of {metric} is {found!r}, two whole numbers are expected")
    return {"kept_x": kept_x, "kept_y": kept_y}


def _interval(ends: Any, metric: str, where: str) -> dict:
    low, high = ends
    for end in (low, high):
        _require_score(metric, end, f"{where} at an end of its interval")
    if low > high:
        raise ValueError(f"the interval of {metric} {where} is {ends}; its low end comes first")
    return {"low": low, "high": high}


def _require_score(metric: str, score: object, where: str) -> None:
    if type(score) not in (float, int) or not math.isfinite(score):
        raise ValueError(f"{metric} {where} is {score}, not a number")
    known = metric_of(metric)
    if not known.can_be(score, _ROUNDING):
        raise ValueError(f"{metric} {where} is {score}; a number {known.range} is expected")


def _counts(facts: Mapping, names: Iterable[str], layer: str) -> dict:
    for name in names:
        if not is_count(facts[name], 0, _MOST_ROWS):
            raise ValueError(f"{name} of {layer} is {facts[name]!r}, no whole number from 0")
    return {name: facts[name] for name in names}


def score_matrix(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores of one property, model and metric: layers (in order of depth) x (sample, trial), from scores.csv."""
    known = scores[scores["score"].notna()]
    table = known.pivot(index="layer", columns=["sample", "trial"], values="score")  # noqa: PD010 (a cell has one value)
    return table.reindex(sorted(table.index, key=layer_key)).sort_index(axis="columns")
