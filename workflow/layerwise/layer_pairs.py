"""Is one layer better than another that was named beforehand? A paired test of each pair, tables/layer_pairs.csv.

Layers of a model are scored on the same draws and folds, so the differences of their scores vary far less than the
scores do, and a test of the differences sees what the intervals of two layers cannot (`layerwise.ties`). It is meant
for layers that were named before the scores were seen: of many pairs, one in twenty differs by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from layerwise.chance import CHANCE
from layerwise.curves import Estimate
from layerwise.summary import CONFIDENCE, AnyPath, alignments_of, read_scores, read_table, score_matrix, write_table

HIGHER, LOWER, NOT_TOLD_APART = "higher", "lower", "not told apart"

COLUMNS = [
    *("property", "model", "metric", "layer", "other_layer", "mean", "other_mean"),
    *("difference", "low", "high", "n", "verdict", "alignments", "reason"),
]
TEXT = ["other_layer", "verdict"]


def paired(differences: np.ndarray, overlap: float) -> Estimate:
    """The mean of paired differences with its 95 % corrected resampled t interval.

    mean ± t(n - 1) · std · sqrt(1/n + overlap) (Nadeau and Bengio, Inference for the Generalization Error, Machine
    Learning 52, 2003): differences whose scores share training rows are no independent ones.

    Args:
        differences: (n,) of the scores of two layers on the same draw and fold.
        overlap: test rows per training row; 0: the differences are independent.

    Returns:
        No interval for a single difference, and nothing known for none.
    """
    n = len(differences)
    if n == 0:
        return Estimate(reason="no draw and fold on which both were scored")
    mean = float(np.mean(differences))
    if n == 1:
        return Estimate(mean, reason="a single score: no interval")
    error = float(np.std(differences, ddof=1)) * math.sqrt(1 / n + overlap)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * error
    return Estimate(mean, mean - half, mean + half)


def verdict(difference: Estimate) -> str:
    """Whether the first of two is higher or lower by all that the interval of their difference allows."""
    return HIGHER if difference.low > 0 else LOWER if difference.high < 0 else NOT_TOLD_APART


def compare_layers(scores: AnyPath, pairs: Sequence[Sequence[str]], folds: int, out: AnyPath) -> None:
    """A row per property, model, metric and pair of layers: tables/layer_pairs.csv.

    `difference` is the mean over the `n` samples and trials on which both layers were scored of the first layer's score
    minus the other's, with its interval (`paired`), which is about other draws and folds of this corpus. The first
    layer is `higher` or `lower` where the interval is above or below 0, and `not told apart` otherwise. Means are those
    of the same scores. A property has no row for a layer that it is not asked of; a pair with a flagged layer has a row
    without numbers, and the reason.

    Args:
        scores: tables/scores.csv.
        pairs: two names of layers each.
        folds: of the cross-validation.
    """
    scored = read_scores(scores)
    table = scored[~scored["metric"].str.endswith(CHANCE)]
    keys = ["property", "model", "metric"]
    rows = [
        dict(zip(keys, names, strict=True)) | {"layer": one, "other_layer": other} | _row(group, one, other, folds)
        for names, group in table.groupby(keys, sort=False)
        for one, other in pairs
        if {one, other} <= set(group["layer"])
    ]
    made = pd.DataFrame(rows, columns=COLUMNS).astype({"n": "Int64"})
    write_table(made.assign(alignments=alignments_of(scored)), out)


def read_layer_pairs(path: AnyPath) -> pd.DataFrame:
    """tables/layer_pairs.csv, as `compare_layers` writes it."""
    return read_table(path, COLUMNS, ["property", "model", "metric", "layer", "other_layer"], TEXT)


def _row(scores: pd.DataFrame, one: str, other: str, folds: int) -> dict:
    scores = scores[scores["layer"].isin([one, other])]
    reasons = scores.loc[scores["status"] != "ok", ["layer", "reason"]].drop_duplicates()
    reason = "; ".join(f"{row.layer}: {row.reason}" for row in reasons.itertuples())
    if (scores["status"] == "flagged").any():
        return {"n": 0, "verdict": NOT_TOLD_APART, "reason": reason}
    both = score_matrix(scores).reindex([one, other]).dropna(axis="columns").to_numpy()
    difference = paired(both[0] - both[1], overlap=1 / (folds - 2))
    means = both.mean(axis=1) if both.size else (math.nan, math.nan)
    return {
        **{"mean": means[0], "other_mean": means[1], "n": both.shape[1]},
        **{"difference": difference.value, "low": difference.low, "high": difference.high},
        "verdict": verdict(difference),
        "reason": reason or difference.reason,
    }
