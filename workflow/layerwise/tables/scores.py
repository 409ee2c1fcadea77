"""Tables of an experiment: every score, its trend over the layers, the best layers, and what the samples held."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from scipy import stats

from layerwise.alignments.arpabet import PHONES
from layerwise.errors import LayerwiseError, shown
from layerwise.files.atomic import replaced
from layerwise.files.own_files import MOST_LAYERS, RereadError, is_count, is_layer, read_json
from layerwise.files.own_tables import SEGMENTS, read_csv_table, read_parquet
from layerwise.sampling import SampleSizes
from layerwise.scoring.chance import CHANCE
from layerwise.spans import BY_TABLE, SPANS
from layerwise.tables import ties
from layerwise.tables.intervals import CORPUS, SPEAKERS
from layerwise.tables.jackknife import read_jackknife, replicate_rows, replicates, write_jackknife

AnyPath = str | os.PathLike[str]

CONFIDENCE = 0.95

SCORE_COLUMNS = [
    *("property", "model", "layer", "layer_index", "depth", "sample", "trial", "metric", "score"),
    *("n_train", "n_test", "dx", "dy", "rows_per_dimension", "kept_x", "kept_y"),
    *("rank_x", "rank_y", "classes_unseen", "n_rows", "n_types", "n_speakers"),
    *("alignments", "status", "reason"),
]
TREND_COLUMNS = [
    *("property", "model", "layer", "layer_index", "depth", "metric"),
    *("mean", "std", "n", "low", "high", "interval", "rows_per_dimension", "n_rows", "n_types", "n_speakers"),
    *("alignments", "status", "reason"),
]
BEST_COLUMNS = [
    *("property", "model", "metric", "layer", "depth", "mean", "low", "high", "chance", "rows_per_dimension"),
    *("n_rows", "n_types", "n_speakers", "runner_up", "tied", "nearly_tied", "shared_luck"),
    *("kept_x", "kept_y", "classes_unseen"),
    *("alignments", "reason"),
]
SAMPLE_COLUMNS = ["sample", "span", "asked", "drawn", "types", "utterances", "hours", "alignments"]

_COUNTS = ["n_rows", "n_types", "n_speakers"]  # of a sample: how much a score rests on
_TRIAL_COUNTS = ["n_train", "n_test", "dx", "dy", "kept_x", "kept_y", "rank_x", "rank_y", "classes_unseen"]
_BEST_COUNTS = ["kept_x", "kept_y", "classes_unseen"]
_TEXT_COLUMNS = [
    *("property", "model", "layer", "metric", "span", "alignments"),
    *("status", "reason", "runner_up", "tied", "nearly_tied", "interval"),
]
_MOST_ROWS = 10**12
# Means of correlations on held-out rows, which may be negative; linear CKA is a share of what is most.
_LEAST_SCORE, _LARGEST_SCORE = {"cka": 0}, 1
_ROUNDING = 1e-6  # of sums in float32


class MalformedScoreError(LayerwiseError):
    """A score file is truncated, lacks a field, or belongs to another experiment; the message names the file."""


class SkippedScoreError(LayerwiseError):
    """Scores were skipped although the experiment is strict; the message lists every reason."""

    is_list = True


def layer_key(layer: str) -> tuple[str, int]:
    """Sorts layer names by depth: C1, C2, …, T0, T1, …"""
    if not is_layer(layer):
        raise ValueError(f"{layer!r} is not a layer's name; expected C1, C2, … or T0, T1, …")
    return layer[0], int(layer[1:])


def layer_ranges(layers: Iterable[str]) -> str:
    """Names of layers in short: T0, T1, T2, T5 give `T0-T2, T5`."""
    runs: list[list[tuple[str, int]]] = []
    for kind, index in sorted({layer_key(layer) for layer in layers}):
        if runs and runs[-1][-1] == (kind, index - 1):
            runs[-1].append((kind, index))
        else:
            runs.append([(kind, index)])
    names = [[f"{kind}{index}" for kind, index in run] for run in runs]
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in names)


def read_table(
    path: AnyPath, columns: Sequence[str] = (), key: Sequence[str] = (), text: Sequence[str] = ()
) -> pd.DataFrame:
    """A table of an experiment, as `layerwise.files.own_tables.read_csv_table` reads it.

    Args:
        text: columns of text that the tables of this module do not have.
    """
    return read_csv_table(path, columns, [*_TEXT_COLUMNS, *text], key)


def read_scores(path: AnyPath) -> pd.DataFrame:
    """tables/scores.csv, as `collect_scores` writes it."""
    return read_table(path, SCORE_COLUMNS, ["property", "model", "layer", "sample", "trial", "metric"])


def read_trends(path: AnyPath) -> pd.DataFrame:
    """tables/trends.csv, as `summarise_trends` writes it."""
    return read_table(path, TREND_COLUMNS, ["property", "model", "layer", "metric"])


def read_best_layers(path: AnyPath) -> pd.DataFrame:
    """tables/best_layers.csv, as `best_layers` writes it."""
    return read_table(path, BEST_COLUMNS, ["property", "model", "metric"])


def read_models(path: AnyPath, facts: Sequence[str] = ()) -> pd.DataFrame:
    """tables/models.csv, as `layerwise.tables.models` writes it.

    Args:
        facts: columns of any kind that it must have too.
    """
    table = read_table(path, ["model", "objective", "size", "blocks"], ["model"], ["objective", "size"])
    if missing := [fact for fact in facts if fact not in table]:
        raise RereadError(path, f"it lacks the column {', '.join(missing)}")
    if not table["blocks"].between(1, MOST_LAYERS).all():
        raise RereadError(path, f"a model whose number of blocks is not from 1 to {MOST_LAYERS}")
    return table


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

    One row per property, model, layer, sample, trial and metric, sorted by the given order of `properties` and
    `models`, then by depth, sample, trial and metric: neither the order nor the batching of `files` shows. The metrics
    of a scored record are those in its file; a skipped record gets one row for each of `metrics`, without trial or
    score, so that what is missing is seen in the table.

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
            if record["status"] == "skipped":
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
    table = pd.DataFrame(rows, columns=SCORE_COLUMNS)
    write_table(table.astype(dict.fromkeys(["layer_index", "sample", "trial", *_TRIAL_COUNTS, *_COUNTS], "Int64")), out)


def _records(file: AnyPath) -> list[dict]:
    try:
        records = read_json(Path(file)).get("records")
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
    common |= _counts(record, _COUNTS, record["layer"])
    if record["status"] == "skipped":
        return [{**common, "trial": None, "metric": metric, "score": None} for metric in metrics]
    if record["status"] not in ("ok", "flagged"):
        raise ValueError(f"status {record['status']!r} is none of ok, flagged, skipped")
    if not record["trials"]:
        raise ValueError(f"{record['property']} of {record['layer']} is {record['status']} but has no trials")
    rows = []
    for trial in record["trials"]:
        counts = _counts(trial, ("trial", *_TRIAL_COUNTS), record["layer"])
        counts["rows_per_dimension"] = trial["n_train"] / (trial["dx"] + trial["dy"])
        for metric, score in trial["metrics"].items():
            if type(score) not in (float, int) or not math.isfinite(score):
                raise ValueError(f"{metric} of {record['layer']}, trial {trial['trial']}, is {score}, not a number")
            least = _LEAST_SCORE.get(metric.removesuffix(CHANCE), -1)
            if not least - _ROUNDING <= score <= _LARGEST_SCORE + _ROUNDING:
                raise ValueError(
                    f"{metric} of {record['layer']}, trial {trial['trial']}, is {score}; "
                    f"a number from {least} to {_LARGEST_SCORE} is expected"
                )
            kept_x, kept_y = trial["kept"][metric]
            if not (is_count(kept_x, 0, _MOST_ROWS) and is_count(kept_y, 0, _MOST_ROWS)):
                raise ValueError(f"kept of {metric} is {trial['kept'][metric]!r}, two whole numbers are expected")
            rows.append({**common, **counts, "kept_x": kept_x, "kept_y": kept_y, "metric": metric, "score": score})
    return rows


def _counts(facts: Mapping, names: Iterable[str], layer: str) -> dict:
    for name in names:
        if not is_count(facts[name], 0, _MOST_ROWS):
            raise ValueError(f"{name} of {layer} is {facts[name]!r}, no whole number from 0")
    return {name: facts[name] for name in names}


def summarise_trends(scores: AnyPath, folds: int, out: AnyPath, jackknife: AnyPath | None = None) -> None:
    """Mean, spread and interval of every metric at every layer, tables/trends.csv, from tables/scores.csv.

    `low` and `high` are the 95 % corrected resampled t interval (Nadeau & Bengio, Inference for the Generalization
    Error, Machine Learning 52, 2003): mean ± t(n - 1) · std · sqrt(1/n + n_test/n_train), with n_test/n_train =
    1/(folds - 2), as one fold tests, one tunes and the rest train. The trials of a sample share most of their
    training rows, so their scores are correlated; the plain t interval (1/n alone) takes them for independent and is
    far too narrow. Scores of different sample sets overlap less, so for them the interval errs on the wide side.
    `interval` is then `corpus`. Where tables/jackknife.csv has the metric it is `speakers`, and the interval mean ±
    t(degrees of freedom) · standard error of `layerwise.tables.jackknife`. It is empty where there is no interval.

    A layer is `flagged` if one of its scores is, and `skipped` if none was scored: n = 0 and no mean. A layer of which
    only some samples were scored keeps its status, and `reason` says why the others are missing. A single score has a
    mean and no std, low or high. `n_rows`, `n_types` and `n_speakers` are those of the smallest sample set: sets differ
    a little in what they drew.

    Args:
        folds: number of folds of the cross-validation, at least 3.
        jackknife: tables/jackknife.csv; None: intervals are all of the corpus.

    Raises:
        RereadError: a table is not as this workflow writes it.
    """
    overlap = 1 / (folds - 2)
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
            **group[_COUNTS].min(),
            "alignments": group["alignments"].iloc[0],
            "status": "skipped" if n == 0 else "flagged" if (group["status"] == "flagged").any() else "ok",
            "reason": "; ".join(reason for reason in group["reason"].unique() if reason),
        }
        if n:
            row["mean"] = values.mean()
            row["rows_per_dimension"] = group["rows_per_dimension"].mean()
        if n > 1:
            row["std"] = values.std(ddof=1)
        again = over_speakers.get((row["model"], row["property"], row["metric"]))
        if n and again is not None:
            found = replicates(again, [row["layer"]])
            freedom, error = found.degrees_of_freedom.item(), found.error.item()
            row |= _interval(row["mean"], freedom, error, SPEAKERS) if freedom else {}
            if not freedom:
                row["reason"] = "; ".join(
                    filter(None, (row["reason"], "no interval: one group of speakers was tested"))
                )
        elif n > 1:
            row |= _interval(row["mean"], n - 1, row["std"] * math.sqrt(1 / n + overlap), CORPUS)
        rows.append(row)
    write_table(_with_counts(rows, TREND_COLUMNS), out)


def _interval(mean: float, freedom: float, error: float, interval: str) -> dict:
    half = stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * error
    return {"low": mean - half, "high": mean + half, "interval": interval}


def best_layers(trends: AnyPath, scores: AnyPath, out: AnyPath) -> None:
    """The best block of each model, tables/best_layers.csv: a row per property, model and metric.

    Ranked are T1…TL: T0 and the C layers are what the blocks work from. `intra` is not ranked, as a layer is most like
    itself, nor is a metric's chance level; flagged and skipped layers are left out. `tied` lists the other layers that
    tie with the best one (`layerwise.tables.ties`), in order of depth; without an interval (a single score) it stays
    empty. At equal means the lower layer is best. `nearly_tied` lists those that would tie if the low end of the best
    one's interval were twice as far away. `shared_luck` is the share of the variance of a layer's scores that all
    ranked
    layers have in common: the less it is, the more often one of the nearly tied is as good. `chance` is the metric's
    chance level at the best layer, `kept_x`, `kept_y` and `classes_unseen` are the most of any of its scores. A model
    without a layer to rank has an empty layer and the reason.

    Args:
        trends, scores: tables/trends.csv and the tables/scores.csv that it was made from.
    """
    table = read_trends(trends)
    chance = table.set_index(["property", "model", "metric", "layer"])["mean"]
    table = table[(table["property"] != "intra") & ~table["metric"].str.endswith(CHANCE)]
    rows = []
    keys = ["property", "model", "metric"]
    scored = read_scores(scores)
    by_question, none = dict(list(scored.groupby(keys, sort=False))), scored.iloc[:0]
    for names, group in table.groupby(keys, sort=False):
        row = dict(zip(keys, names, strict=True)) | {"alignments": group["alignments"].iloc[0]}
        blocks = group[group["layer"].str.startswith("T") & (group["layer_index"] > 0)]
        ranked = blocks[blocks["status"] == "ok"].sort_values("layer_index")
        if ranked.empty:
            reasons = "; ".join(reason for reason in blocks["reason"].unique() if reason)
            row["reason"] = reasons or "no transformer block was scored"
        else:
            best = ranked.loc[ranked["mean"].idxmax()]
            others = ranked.drop(best.name)
            levels = ranked["mean"].to_numpy(), ranked["low"].to_numpy()
            tied, near = ties.tied(*levels), ties.tied(*levels, margin=ties.NEAR)
            row |= best[["layer", "depth", "mean", "low", "high", "rows_per_dimension", *_COUNTS]].to_dict()
            row["chance"] = chance.get((row["property"], row["model"], row["metric"] + CHANCE, best["layer"]))
            row["runner_up"] = "" if others.empty else others.loc[others["mean"].idxmax(), "layer"]
            row["tied"] = " ".join(ranked["layer"][tied & (ranked["layer"] != best["layer"])])
            row["nearly_tied"] = " ".join(ranked["layer"][near & ~tied])
            behind = by_question.get(names, none)
            behind = behind[behind["layer"].isin(ranked["layer"])]
            row["shared_luck"] = ties.shared_luck(score_matrix(behind).dropna(axis="columns").to_numpy())
            row |= behind.loc[behind["layer"] == best["layer"], _BEST_COUNTS].max().to_dict()
        rows.append(row)
    write_table(_with_counts(rows, BEST_COLUMNS).astype(dict.fromkeys(_BEST_COUNTS, "Int64")), out)


def score_matrix(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores of one property, model and metric: layers (in order of depth) x (sample, trial), from scores.csv."""
    known = scores[scores["score"].notna()]
    table = known.pivot(index="layer", columns=["sample", "trial"], values="score")  # noqa: PD010 (a cell has one value)
    return table.reindex(sorted(table.index, key=layer_key)).sort_index(axis="columns")


def _with_counts(rows: list[dict], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(_COUNTS, "Int64"))


def wide_table(trends: AnyPath, property_name: str, metric: str, out: AnyPath) -> None:
    """One property as a table of layers (rows, in order of depth) x models (columns): the mean of one metric.

    A cell is empty where a model has no such layer and where its score was skipped; a model that was skipped
    altogether keeps its column. Before the models stands how the alignments were made.
    """
    table = read_trends(trends)
    table = table[(table["property"] == property_name) & (table["metric"] == metric)]
    layers = sorted(table["layer"].unique(), key=layer_key)
    wide = table.pivot(index="layer", columns="model", values="mean")  # noqa: PD010 (a cell has one value)
    wide = wide.reindex(index=layers, columns=table["model"].unique())
    wide.insert(0, "alignments", table.groupby("layer")["alignments"].first())
    write_table(wide.reset_index(), out)


def alignments_of(table: pd.DataFrame) -> str:
    """`given` or `automatic`: how the alignments of an experiment were made, as any of its tables says."""
    return table["alignments"].iloc[0] if len(table) else "given"


def summarise_samples(
    files: Iterable[AnyPath],
    utterances: int,
    phones_per_type: int,
    word_types: int,
    words_per_type: int,
    out: AnyPath,
    phone_types: int | None = len(PHONES),
    alignments: str = "given",
) -> None:
    """What every sample set asked for and got, tables/samples.csv: a row per sample and span.

    Args:
        files: `<sample>/utterances.parquet`, `<sample>/phones.parquet` and `<sample>/words.parquet`, in any order.
        utterances, phones_per_type, word_types, words_per_type: what the configuration asked for.
        phone_types: how many phones the phone set has; None: it keeps every label, and those that were found count.
        alignments: `given` or `automatic`, kept in every row.

    `drawn` counts utterances for frames and intervals otherwise, `types` distinct labels, `hours` the audio in the
    drawn utterances or inside the drawn intervals.
    """
    sizes = SampleSizes(utterances, phones_per_type, word_types, words_per_type)
    rows = []
    for file in map(Path, files):
        span = BY_TABLE[file.stem]
        drawn = read_parquet(file, SEGMENTS if span.is_segment else ("utterance_id", "duration"))
        types = drawn["label"].nunique() if span.is_segment else None
        seconds = drawn["end"] - drawn["start"] if span.is_segment else drawn["duration"]
        rows.append(
            {
                "sample": int(file.parent.name),
                "span": span.name,
                "asked": sizes.rows(span, phone_types or types),
                "drawn": len(drawn),
                "types": types,
                "utterances": drawn["utterance_id"].nunique(),
                "hours": math.fsum(seconds) / 3600,
                "alignments": alignments,
            }
        )
    rows.sort(key=lambda row: (row["sample"], list(SPANS).index(row["span"])))
    write_table(pd.DataFrame(rows, columns=SAMPLE_COLUMNS).astype({"types": "Int64"}), out)


def write_table(table: pd.DataFrame, out: AnyPath) -> None:
    """As CSV, whole or not at all."""
    with replaced(out) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
