"""Numbers over the layers of one model, with what they might have been as well, and how two of them correlate.

The layers of a model are all there are, no sample of layers, and neighbours are alike: an interval that takes them for
independent draws (Fisher's, or a bootstrap over layers) answers another question, and so does a p value; there is none.
What is uncertain is each layer's number. So the interval of a correlation is that of its values when both curves are
redrawn `DRAWS` times within their uncertainty:

- a trend by a bootstrap of its scores (Efron 1979). The same samples and trials are drawn for every layer and every
  property, as their scores rise and fall together. As trials share training rows, deviations from the mean are
  stretched until their variance is that of the trend's own interval (Nadeau and Bengio 2003);
- a trend whose intervals are of speakers normally, with the covariance over layers that the jackknife gives: each D(g),
  how much the score leans on speaker group g (`layerwise.tables.jackknife`), times a normal number of its own. The
  numbers are the same for all layers, properties and models, as speakers are; a bootstrap of some 20 D(g) would have
  the same covariance and be coarser;
- a performance by its interval over test speakers: each side of the value is half a normal distribution, with 2.5 % of
  the draws beyond the interval's end; independently at each layer. As all heads see the same test items, this errs on
  the wide side;
- learned weights not at all: a head has just these.

Noise that is added to a curve lowers its correlations, so the interval can end below a value near 1; it is widened to
hold the value.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from layerwise.cells import FLAGGED, OK
from layerwise.layers import FIRST, WEIGHTED, layer_key, layer_ranges
from layerwise.metrics import Metric, metric_of
from layerwise.probes.metrics import METRICS
from layerwise.scoring.confidence import HIGH, LOW, corrected_half, normal_quantile, overlap_of, t_quantile
from layerwise.seeds import generator
from layerwise.tables import ties
from layerwise.tables.files import AnyPath, joined_reasons, transformer_rows
from layerwise.tables.jackknife import jackknife_at, read_jackknife
from layerwise.tables.scores import score_matrix

DRAWS = 2000
FEWEST = 4  # layers that a correlation needs
_DEVIATIONS = normal_quantile()  # half a normal interval, in standard deviations


@dataclass(frozen=True)
class Curve:
    """A number at each of some layers, in order of depth.

    Attributes:
        layers: their names.
        levels: (layers,) the numbers, oriented so that more is better.
        low, high: (layers,) the ends of the 95 % interval of each; NaN where there is none.
        draws: (DRAWS, layers) what the levels might have been as well; None where that is not known.
        reason: why there are no more layers.
    """

    layers: list[str]
    levels: np.ndarray
    low: np.ndarray
    high: np.ndarray
    draws: np.ndarray | None
    reason: str = ""

    def at(self, layers: Sequence[str]) -> Curve:
        """The same curve at some of its layers, in the given order."""
        place = [self.layers.index(layer) for layer in layers]
        draws = None if self.draws is None else self.draws[:, place]
        return Curve(list(layers), self.levels[place], self.low[place], self.high[place], draws, self.reason)

    def blocks(self) -> Curve:
        """T1…TL, without T0, the input of the first block."""
        return self.at([layer for layer in self.layers if layer != FIRST])

    def value(self, layer: str) -> float:
        """NaN at a layer that the curve lacks."""
        return float(self.levels[self.layers.index(layer)]) if layer in self.layers else math.nan

    def number(self, layer: str) -> Number:
        """The number of one layer, with its interval."""
        place = self.layers.index(layer)
        return Number(float(self.levels[place]), float(self.low[place]), float(self.high[place]))

    @property
    def best(self) -> str:
        """The layer with the highest value; of equal ones the lowest layer."""
        return self.layers[int(np.argmax(self.levels))]

    def tied(self) -> list[str]:
        """The best layer and those that tie with it (`layerwise.tables.ties`), in order of depth."""
        return list(itertools.compress(self.layers, ties.tied(self.levels, self.low)))

    def contenders(self, margin: float) -> list[str]:
        """The layers that may be the maximum (`layerwise.tables.ties`), in order of depth."""
        return list(itertools.compress(self.layers, ties.contenders(self.levels, self.low, margin)))


@dataclass(frozen=True)
class Number:
    """A number with its 95 % interval; `draws` as in `Curve`. Without a number, `reason` says why."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    draws: np.ndarray | None = None
    reason: str = ""

    @property
    def is_known(self) -> bool:
        return not math.isnan(self.value)

    def minus(self, other: Number) -> Number:
        """The difference, draw by draw: what two correlations with one performance have in common cancels."""
        for side in (self, other):
            if not side.is_known:
                return Number(reason=side.reason)
        if self.draws is None or other.draws is None:
            return Number(self.value - other.value)
        return from_draws(self.value - other.value, self.draws - other.draws)


NOT_SCORED = "was not scored"  # ends the reason of a property's empty curve


def empty(reason: str) -> Curve:
    """A curve without layers, and why."""
    return Curve([], np.empty(0), np.empty(0), np.empty(0), None, reason)


def trend(scores: pd.DataFrame, folds: int, seed: int, again: pd.DataFrame | None = None) -> Curve:
    """The trend of one property, model and metric over T layers, from its rows of tables/scores.csv.

    Of an error rate it is that of 1 - error, so that more is better, as in the performance of tasks. Flagged and
    skipped layers are left out, as in rankings. Intervals are those of tables/trends.csv.

    Args:
        folds: of the cross-validation.
        seed: of the draws, which depend on (seed, model) and the number of scores alone, or on (seed, groups).
        again: its rows of tables/jackknife.csv, whose intervals and draws it then has.
    """
    scores = transformer_rows(scores)
    left_out = set(scores.loc[scores["status"] == FLAGGED, "layer"])
    usable = scores[scores["score"].notna() & ~scores["layer"].isin(left_out)]
    reasons = scores.loc[scores["score"].isna() | scores["layer"].isin(left_out), "reason"]
    reason = joined_reasons(reasons) or ("" if len(usable) else "not scored")
    if usable.empty:
        return empty(reason)
    metric = metric_of(usable["metric"].iloc[0])
    usable = usable.assign(score=metric.performance(usable["score"]))
    table = score_matrix(usable)
    values = table.mean(axis="columns").to_numpy()
    if again is not None:
        half, draws = _over_speakers(values, again, list(table.index), seed)
        return Curve(list(table.index), values, values - half, values + half, draws, reason)
    if usable["low"].notna().any():
        return _over_items(table.index, values, metric, usable, seed, reason)
    number = table.notna().sum(axis="columns").to_numpy()
    with np.errstate(invalid="ignore"):
        half = corrected_half(table.std(axis="columns", ddof=1).to_numpy(), number, overlap_of(folds))
    complete = table.dropna(axis="columns").to_numpy()  # (layers, scores)
    draws = None
    if complete.shape[1] > 1:
        n = complete.shape[1]
        picked = generator(seed, "trend", scores["model"].iloc[0]).integers(n, size=(DRAWS, n))
        deviation = complete[:, picked].mean(axis=2).T - complete.mean(axis=1)  # (DRAWS, layers)
        # A bootstrap's variance is (n - 1)/n of s²/n, and the wanted one s² (1/n + overlap).
        draws = values + deviation * math.sqrt((1 / n + overlap_of(folds)) * n * n / (n - 1))
    return Curve(list(table.index), values, values - half, values + half, draws, reason)


def _over_items(
    layers: pd.Index, values: np.ndarray, metric: Metric, usable: pd.DataFrame, seed: int, reason: str
) -> Curve:
    """A trend whose scores come with intervals over other items, as tables/trends.csv averages them.

    The draws of its layers are independent. What the layers of a model share by being scored on the same items does not
    cancel in differences, whose intervals are too wide rather than too narrow.
    """
    away = {end: metric.performance(usable[end]) - usable["score"] for end in ("low", "high")}
    means = pd.DataFrame(away).groupby(usable["layer"]).mean().reindex(layers)
    ends = [values + means[end].to_numpy(dtype=float) for end in ("low", "high")]
    low, high = np.minimum(*ends), np.maximum(*ends)
    names = usable[["property", "model", "metric"]].iloc[0]
    return Curve(list(layers), values, low, high, _normal_draws(values, low, high, seed, "items", *names), reason)


def _normal_draws(values: np.ndarray, low: np.ndarray, high: np.ndarray, *key: object) -> np.ndarray | None:
    """Draws whose quantiles are the ends of the intervals, (DRAWS, layers); None: an interval is missing."""
    if not np.isfinite(high - low).all():
        return None
    random = generator(*key).standard_normal((DRAWS, len(values)))
    return values + random / _DEVIATIONS * np.where(random < 0, values - low, high - values)


def _over_speakers(
    values: np.ndarray, again: pd.DataFrame, layers: list[str], seed: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Half widths and draws of a trend, from its jackknife over speakers."""
    found = jackknife_at(again, layers)
    freedom = found.degrees_of_freedom
    with np.errstate(invalid="ignore"):
        half = np.where(freedom > 0, t_quantile(freedom) * found.error, np.nan)
    if not (freedom > 0).all():
        return half, None
    random = generator(seed, "speakers", *found.groups).standard_normal((DRAWS, len(found.groups)))
    return half, values + random @ found.deviations


def trends(
    scores: pd.DataFrame, folds: int, seed: int, jackknife: AnyPath | None = None
) -> dict[tuple[str, str, str], Curve]:
    """The trend of each (model, property, metric) of tables/scores.csv.

    Args:
        jackknife: tables/jackknife.csv, where intervals are of speakers.
    """
    again = {} if jackknife is None else read_jackknife(jackknife)
    groups = scores.groupby(["model", "property", "metric"], sort=False)
    return {names: trend(group, folds, seed, again.get(names)) for names, group in groups}


def performance(heads: pd.DataFrame, seed: int) -> Curve:
    """The performance of one task, source, model and metric over T layers, from its rows of tables/probes.csv.

    Args:
        seed: of the draws, which depend on (seed, task, source, model, metric) alone.
    """
    single = heads[heads["layer"] != WEIGHTED]
    usable = single[(single["status"] == OK) & single["value"].notna()]
    reason = joined_reasons(single["reason"]) or ("" if len(usable) else "not measured")
    if usable.empty:
        return empty(reason)
    usable = usable.sort_values("layer_index")
    metric = METRICS[usable["metric"].iloc[0]]
    values, *ends = (usable[name].map(metric.performance).to_numpy(dtype=float) for name in ("value", "low", "high"))
    low, high = np.minimum(*ends), np.maximum(*ends)  # of an error rate, the low end is the high one of performance
    names = usable[["task", "source", "model", "metric"]].iloc[0]
    draws = _normal_draws(values, low, high, seed, "performance", *names)
    return Curve(list(usable["layer"]), values, low, high, draws, reason)


def weights(heads: pd.DataFrame) -> Curve:
    """The learned weights of the head on the sum of all layers, from the rows that `performance` takes."""
    single = heads[heads["weight"].notna() & (heads["layer"] != WEIGHTED)]
    layers = sorted(single["layer"], key=layer_key)
    values = single.set_index("layer")["weight"].reindex(layers).to_numpy(dtype=float)
    reason = "" if layers else "no learned weights"
    return Curve(layers, values, values, values, np.tile(values, (DRAWS, 1)), reason)


def spearman(one: Curve, other: Curve) -> Number:
    """Rank correlation over the layers that both curves have (Spearman 1904), with the interval of this module."""
    return _correlate(one, other, lambda x, y: stats.spearmanr(x, y).statistic, ranks=True)


def pearson(one: Curve, other: Curve) -> Number:
    """Linear correlation over the layers that both curves have (Pearson 1895), with the interval of this module."""
    return _correlate(one, other, lambda x, y: stats.pearsonr(x, y).statistic, ranks=False)


def common_layers(one: Curve, other: Curve) -> list[str]:
    """Layers that both curves have, in order of depth."""
    return [layer for layer in one.layers if layer in other.layers]


def _correlate(one: Curve, other: Curve, correlation: Callable, ranks: bool) -> Number:
    layers = common_layers(one, other)
    if len(layers) < FEWEST:
        both = f"{len(layers)} layers ({layer_ranges(layers)})" if layers else "no layer"
        why = joined_reasons((one.reason, other.reason))
        return Number(reason=f"{both} with both numbers, {FEWEST} are needed" + (f" ({why})" if why else ""))
    x, y = one.at(layers), other.at(layers)
    for curve in (x, y):
        if np.ptp(curve.levels) == 0:
            return Number(reason=f"the same number at {layer_ranges(layers)}: nothing to correlate")
    value = float(correlation(x.levels, y.levels))
    if x.draws is None or y.draws is None:
        return Number(value)
    drawn = [stats.rankdata(curve.draws, axis=1) if ranks else curve.draws for curve in (x, y)]
    centred = [rows - rows.mean(axis=1, keepdims=True) for rows in drawn]
    with np.errstate(invalid="ignore", divide="ignore"):
        norms = [np.linalg.norm(rows, axis=1) for rows in centred]
        return from_draws(value, (centred[0] * centred[1]).sum(axis=1) / (norms[0] * norms[1]))


def apart(one: Number, other: Number) -> Number:
    """The difference of two independent numbers, by their own intervals, which may be lopsided.

    Each end lies as far from the difference as the root of the sum of squares of the two distances that lead there
    (Zou and Donner, Construction of confidence limits about effect measures, Statistics in Medicine 27, 2008).
    """
    return Number(
        one.value - other.value,
        one.value - other.value - math.hypot(one.value - one.low, other.high - other.value),
        one.value - other.value + math.hypot(one.high - one.value, other.value - other.low),
    )


def from_draws(value: float, draws: np.ndarray) -> Number:
    """A number with the 95 % interval of what it might have been as well, widened to hold it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # constant draws have no correlation
        low, high = np.nanquantile(draws, [LOW, HIGH])
    return Number(value, min(float(low), value), max(float(high), value), draws)
