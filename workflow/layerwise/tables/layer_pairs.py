"""Is one layer better than another that was named beforehand? A paired test of each pair, tables/layer_pairs.csv.

Layers of a model are scored on the same draws and folds, and their heads answer the same test utterances. So the
differences vary far less than the numbers do, and a test of the differences sees what the intervals of two layers
cannot (`layerwise.tables.ties`). It is meant for layers that were named before the numbers were seen: of many pairs,
one in twenty differs by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from layerwise.cells import FLAGGED, OK
from layerwise.probes.metrics import METRICS
from layerwise.probes.predictions import read_predictions
from layerwise.probes.rates import paired_interval, rate
from layerwise.scoring.confidence import corrected_half, overlap_of, t_quantile
from layerwise.tables.curves import Number
from layerwise.tables.external import PROPERTY, TASK
from layerwise.tables.files import AnyPath, alignments_of, read_table, write_table
from layerwise.tables.jackknife import jackknife_at, read_jackknife
from layerwise.tables.scores import read_scores, score_matrix

HIGHER, LOWER, NOT_TOLD_APART, NOT_TESTED = "higher", "lower", "not told apart", "not tested"

COLUMNS = [
    *("question", "kind", "model", "metric", "layer", "other_layer", "mean", "other_mean"),
    *("difference", "low", "high", "n", "verdict", "alignments", "reason"),
]
TEXT = ["question", "kind", "other_layer", "verdict"]


def paired(differences: np.ndarray, overlap: float) -> Number:
    """The mean of paired differences with its corrected resampled t interval (`layerwise.scoring.confidence`).

    Args:
        differences: (n,) of the scores of two layers on the same draw and fold.
        overlap: test rows per training row; 0: the differences are independent.

    Returns:
        No interval for a single difference, and nothing known for none.
    """
    n = len(differences)
    if n == 0:
        return Number(reason="no draw and fold on which both were scored")
    mean = float(np.mean(differences))
    if n == 1:
        return Number(mean, reason="a single score: no interval")
    half = float(corrected_half(float(np.std(differences, ddof=1)), n, overlap))
    return Number(mean, mean - half, mean + half)


def verdict(difference: Number) -> str:
    """Whether the first of two is higher or lower, by all that the interval of their difference allows."""
    if math.isnan(difference.low):
        return NOT_TESTED
    return HIGHER if difference.low > 0 else LOWER if difference.high < 0 else NOT_TOLD_APART


def compare_layers(
    scores: AnyPath,
    pairs: Sequence[Sequence[str]],
    folds: int,
    out: AnyPath,
    jackknife: AnyPath | None = None,
    predictions: Mapping[tuple[str, str], AnyPath] | None = None,
    metrics: Mapping[str, str] | None = None,
) -> None:
    """A row per question, model, metric and pair of layers: tables/layer_pairs.csv.

    `difference` is the first layer's number minus the other's. The first layer is `higher` or `lower` where the
    interval of the difference is above or below 0, `not told apart` where it is neither, and `not tested` where there
    is no interval; of error rates, lower is better.

    Of a property, numbers are means over the `n` samples and trials on which both layers were scored. The interval is
    that of `paired`, about other draws and folds of this corpus, or comes from the jackknife over speakers. A property
    has no row for a layer that it is not asked of; a pair with a flagged layer has a row without numbers, and the
    reason. Of a task, numbers are the metric on its `n` test utterances, and the interval is about other speakers
    (`layerwise.probes.rates.paired_interval`).

    Args:
        scores: tables/scores.csv.
        pairs: two names of layers each.
        folds: of the cross-validation.
        jackknife: tables/jackknife.csv, where intervals are of speakers.
        predictions: (task, model) → Parquet of predictions, in the order wanted.
        metrics: task → metric.
    """
    scored = read_scores(scores)
    rows = [*_of_properties(scored, pairs, folds, jackknife)]
    for (task, model), path in (predictions or {}).items():
        rows += _of_task(task, model, (metrics or {})[task], Path(path), pairs)
    made = pd.DataFrame(rows, columns=COLUMNS).astype({"n": "Int64"})
    write_table(made.assign(alignments=alignments_of(scored)), out)


def read_layer_pairs(path: AnyPath) -> pd.DataFrame:
    """tables/layer_pairs.csv, as `compare_layers` writes it."""
    return read_table(path, COLUMNS, ["question", "kind", "model", "metric", "layer", "other_layer"], TEXT)


def _of_properties(
    scored: pd.DataFrame, pairs: Sequence[Sequence[str]], folds: int, jackknife: AnyPath | None
) -> Iterator[dict]:
    again = {} if jackknife is None else read_jackknife(jackknife)
    for (name, model, metric), group in scored.groupby(["property", "model", "metric"], sort=False):
        known = {"question": name, "kind": PROPERTY, "model": model, "metric": metric}
        for one, other in pairs:
            if {one, other} <= set(group["layer"]):
                row = _of_scores(group, one, other, folds, again.get((model, name, metric)))
                yield known | {"layer": one, "other_layer": other} | row


def _of_scores(scores: pd.DataFrame, one: str, other: str, folds: int, again: pd.DataFrame | None) -> dict:
    scores = scores[scores["layer"].isin([one, other])]
    reasons = scores.loc[scores["status"] != OK, ["layer", "reason"]].drop_duplicates()
    reason = "; ".join(f"{row.layer}: {row.reason}" for row in reasons.itertuples())
    if (scores["status"] == FLAGGED).any():
        return {"n": 0, "verdict": NOT_TESTED, "reason": reason}
    both = score_matrix(scores).reindex([one, other]).dropna(axis="columns").to_numpy()
    difference = paired(both[0] - both[1], overlap=overlap_of(folds))
    if again is not None and difference.is_known:
        difference = _over_speakers(difference.value, again, one, other)
    means = both.mean(axis=1) if both.size else (math.nan, math.nan)
    return _numbers(means, difference) | {"n": both.shape[1], "reason": reason or difference.reason}


def _over_speakers(value: float, again: pd.DataFrame, one: str, other: str) -> Number:
    """The difference of two means with the interval of a jackknife over speakers (`layerwise.tables.jackknife`)."""
    found = jackknife_at(again, [one, other])
    freedom = float(found.degrees_of_freedom.min())
    if not freedom:
        return Number(value, reason="no interval: one group of speakers was tested")
    deviations = found.deviations[:, 0] - found.deviations[:, 1]
    half = float(t_quantile(freedom)) * math.sqrt(float(deviations @ deviations))
    return Number(value, value - half, value + half)


def _of_task(task: str, model: str, metric: str, path: Path, pairs: Sequence[Sequence[str]]) -> Iterator[dict]:
    found = read_predictions(path)
    heads = {layer: head.set_index("item_id") for layer, head in found.groupby("layer", sort=False)}
    higher_is_better = METRICS[metric].higher_is_better
    for one, other in pairs:
        if not {one, other} <= heads.keys():
            continue
        first, second = heads[one], heads[other].reindex(heads[one].index)
        # Of labels, what is counted is errors, and the metric is the share that is right.
        counts = [head[["errors", "length"]].to_numpy(int) for head in (first, second)]
        if higher_is_better:
            counts = [np.column_stack([length - errors, length]) for errors, length in (part.T for part in counts)]
        speakers = first["speaker_id"].tolist()
        low, high = paired_interval(*counts, speakers if all(speakers) else None)
        means = [rate(part) for part in counts]
        known = {"question": task, "kind": TASK, "model": model, "metric": metric, "layer": one, "other_layer": other}
        yield known | _numbers(means, Number(means[0] - means[1], low, high)) | {"n": len(first)}


def _numbers(means: Sequence[float], difference: Number) -> dict:
    return {
        **{"mean": means[0], "other_mean": means[1], "verdict": verdict(difference)},
        **{"difference": difference.value, "low": difference.low, "high": difference.high},
    }
