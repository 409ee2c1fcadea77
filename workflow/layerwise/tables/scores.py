"""Every score of an experiment in one long table, tables/scores.csv."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from layerwise.cells import FLAGGED, OK, SKIPPED
from layerwise.errors import LayerwiseError, shown
from layerwise.files.own_files import RereadError, is_count, read_own_json
from layerwise.layers import layer_key, layer_ranges
from layerwise.metrics import metric_of
from layerwise.tables.files import AnyPath, read_table, table_of, write_table
from layerwise.tables.jackknife import replicate_rows, write_jackknife

COLUMNS = [
    *("property", "model", "layer", "layer_index", "depth", "sample", "trial", "metric", "score", "chance"),
    *("n_train", "n_test", "dx", "dy", "rows_per_dimension", "kept_x", "kept_y"),
    *("rank_x", "rank_y", "classes_unseen", "n_rows", "n_types", "n_speakers"),
    *("alignments", "status", "reason"),
]

COUNTS = ["n_rows", "n_types", "n_speakers"]  # of a sample: how much a score rests on
_TRIAL_COUNTS = ["n_train", "n_test", "dx", "dy", "kept_x", "kept_y", "rank_x", "rank_y", "classes_unseen"]
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
    metrics: Sequence[str],
    properties: Sequence[str],
    models: Sequence[str],
    blocks: Mapping[str, int],
    out: AnyPath,
    strict: bool = False,
    jackknife: AnyPath | None = None,
) -> None:
    """Gather the records of all score files in one long table, tables/scores.csv.

    One row per property, model, layer, sample, trial and metric, with the chance level beside the score. They are
    sorted by the given order of `properties` and `models`, then by depth, sample, trial and metric: neither the order
    nor the batching of `files` shows. The metrics of a scored record are those in its file; a skipped record gets one
    row for each of `metrics`, without trial or score, so that what is missing is seen in the table.

    Args:
        metrics: names of the rows that stand for a skipped record.
        blocks: transformer blocks L of each model; depth = index / L for T layers, empty for C layers.
        strict: refuse skipped records.
        jackknife: where tables/jackknife.csv goes, which every scored record then has a part of; None: there is none.

    Raises:
        MalformedScoreError: a file is not what a score job writes, or two files hold the same record.
        SkippedScoreError: `strict`, and a record was skipped; nothing is written.
    """
    rows: list[dict] = []
    again: list[dict] = []
    skipped: dict[tuple[str, str, str], list[str]] = {}
    source: dict[tuple, AnyPath] = {}
    for file in files:
        for record in _records(file):
            try:
                key = (record["property"], record["model"], record["layer"], record["sample"])
                if not is_count(key[3]):
                    raise ValueError(f"sample {key[3]!r} is no whole number")
                if key[0] not in properties or key[1] not in models:
                    raise ValueError(f"{key[0]} of {key[1]} is not part of this experiment")
                order = (properties.index(key[0]), models.index(key[1]), layer_key(key[2]), key[3])
                new = _rows(record, metrics, blocks[record["model"]])
                new_again = [] if jackknife is None else replicate_rows(record)
            except KeyError as missing:
                raise MalformedScoreError(f"{file}: a record lacks {missing}; delete the file to score again") from None
            except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
                raise MalformedScoreError(f"{file}: {error}; delete the file to score again") from None
            if key in source:
                raise MalformedScoreError(f"{file}: holds {key}, and so does {source[key]}")
            source[key] = file
            rows += [{**row, "order": order} for row in new]
            again += [{**row, "order": order} for row in new_again]
            if record["status"] == SKIPPED:
                skipped.setdefault((key[0], key[1], record["reason"]), []).append(key[2])
    if strict and skipped:
        raise SkippedScoreError(
            "scores were skipped, and the configuration says `strict: true`:\n"
            + "\n".join(
                f"  {name}, {model}, {layer_ranges(at)}: {shown(why)}" for (name, model, why), at in skipped.items()
            )
        )
    if jackknife is not None:
        write_jackknife(sorted(again, key=lambda row: (*row["order"], row["metric"], row["group"])), jackknife)
    rows.sort(key=lambda row: (*row["order"], row["trial"] or 0, row["metric"]))
    whole = ["layer_index", "sample", "trial", *_TRIAL_COUNTS, *COUNTS]
    write_table(table_of(rows, COLUMNS, whole), out)


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
    common |= _counts(record, COUNTS, record["layer"])
    if record["status"] == SKIPPED:
        return [{**common, "trial": None, "metric": metric} for metric in metrics]
    if record["status"] not in (OK, FLAGGED):
        raise ValueError(f"status {record['status']!r} is none of {OK}, {FLAGGED}, {SKIPPED}")
    if not record["trials"]:
        raise ValueError(f"{record['property']} of {record['layer']} is {record['status']} but has no trials")
    rows = []
    for trial in record["trials"]:
        counts = _counts(trial, ("trial", *_TRIAL_COUNTS), record["layer"])
        counts["rows_per_dimension"] = trial["n_train"] / (trial["dx"] + trial["dy"])
        for metric, score in trial["metrics"].items():
            where = f"of {record['layer']}, trial {trial['trial']},"
            _require_score(metric, score, where)
            chance = trial["chance"].get(metric)
            if chance is not None:
                _require_score(metric, chance, f"{where} by chance")
            kept_x, kept_y = trial["kept"][metric]
            if not (is_count(kept_x, 0, _MOST_ROWS) and is_count(kept_y, 0, _MOST_ROWS)):
                raise ValueError(f"kept of {metric} is {trial['kept'][metric]!r}, two whole numbers are expected")
            rows.append(
                {
                    **common,
                    **counts,
                    "kept_x": kept_x,
                    "kept_y": kept_y,
                    "metric": metric,
                    "score": score,
                    "chance": chance,
                }
            )
    return rows


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
