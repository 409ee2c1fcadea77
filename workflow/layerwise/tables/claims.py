"""What a finding claims of one model, pair of models or task, and the verdict that the numbers allow.

A claim is *supported* if it holds for all that the 95 % intervals allow, *contradicted* if it holds for none of it, and
*not testable* otherwise: intervals overlap, or data are missing. In particular:

- Two layers differ if the higher one lies more than `margin` · s above the other; s is the distance from its level to
  the low end of its interval. The maximum of a curve may be any layer that does not differ from the highest one
  (`layerwise.tables.ties`, with that margin), and a claim about the maximum has to hold for each of them.
- A correlation, or the difference of two, is above a threshold if its interval is (`layerwise.tables.curves`).
- A claim about the shape of a trend needs all of T1…TL: with one of them missing or flagged it is not testable.
- Layers may be missing where heads were trained (the paper itself probes every second layer of large models), but a
  claim about the best single layer needs the last one, and `curves.FEWEST` in all.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from layerwise.layers import block_names, layer_index, layer_ranges
from layerwise.probes.metrics import METRICS
from layerwise.scoring.confidence import IN_WORDS
from layerwise.tables import curves
from layerwise.tables.comparison import Outcome
from layerwise.tables.curves import Curve, Number

SUPPORTED, CONTRADICTED, NOT_TESTABLE = "supported", "contradicted", "not testable"
PEAKS = ("phone", "word")  # the properties whose maxima findings 2 and 4 speak of


@dataclass(frozen=True)
class Verdict:
    """What a claim came to, why, and the numbers behind it."""

    verdict: str
    reason: str = ""
    numbers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """A model and what was measured of it: the trend of each property, and what it reached on tasks."""

    name: str
    objective: str
    size: str
    blocks: int
    trends: Mapping[str, Curve]
    outcomes: Sequence[Outcome]

    @property
    def layers(self) -> list[str]:
        """T1…TL."""
        return block_names(self.blocks)

    def trend(self, property_name: str) -> Curve:
        """Empty, with the reason, where the property was not scored."""
        return self.trends.get(property_name, curves.empty(f"{property_name} {curves.NOT_SCORED}"))


def valley(curve: Curve, layers: Sequence[str], margin: float) -> Verdict:
    """Whether T1 and TL lie more than `margin` · s above the lowest layer between them."""
    missing = _missing(curve, layers)
    if not missing and len(layers) < 3:
        missing = f"{len(layers)} blocks have no layer between the first and the last"
    if missing:
        return Verdict(NOT_TESTABLE, missing)
    inside = curve.at(layers[1:-1])
    lowest = inside.layers[int(inside.levels.argmin())]
    first, last = (_apart(curve, end, lowest, margin) for end in (layers[0], layers[-1]))
    numbers = {
        "first": curve.value(layers[0]),
        "lowest": curve.value(lowest),
        "lowest_layer": lowest,
        "last": curve.value(layers[-1]),
        "s_first": _s(curve, layers[0], lowest),
        "s_last": _s(curve, layers[-1], lowest),
    }
    if -1 in (first, last):
        ends = [end for end, side in ((layers[0], first), (layers[-1], last)) if side == -1]
        return Verdict(CONTRADICTED, f"{' and '.join(ends)} below every layer between the ends", numbers)
    ends = [end for end, side in ((layers[0], first), (layers[-1], last)) if side == 0]
    if ends:
        return Verdict(NOT_TESTABLE, f"overlapping intervals of {' and '.join(ends)} and {lowest}", numbers)
    return Verdict(SUPPORTED, "", numbers)


def flat(curve: Curve, layers: Sequence[str], limit: float) -> Verdict:
    """Whether the highest and the lowest layer differ by less than `limit`."""
    missing = _missing(curve, layers)
    if missing:
        return Verdict(NOT_TESTABLE, missing)
    chosen = curve.at(layers)
    high, low = int(chosen.levels.argmax()), int(chosen.levels.argmin())
    size = curves.apart(chosen.number(layers[high]), chosen.number(layers[low]))
    numbers = _numbers("range", size) | {"highest": layers[high], "lowest": layers[low]}
    return _against(size, limit, numbers, below=True)


def middle_peak(curve: Curve, layers: Sequence[str], shallowest: float, deepest: float, margin: float) -> Verdict:
    """Whether the maximum lies between two depths, and the last layer more than `margin` · s below it.

    A last layer that is no lower may be the maximum, at depth 1.
    """
    missing = _missing(curve, layers)
    if missing:
        return Verdict(NOT_TESTABLE, missing)
    candidates = curve.at(layers).contenders(margin)
    numbers = _peak(curve.at(layers), candidates, len(layers)) | {
        "fall": curve.value(curve.at(layers).best) - curve.value(layers[-1]),
        "s": _s(curve, curve.at(layers).best, layers[-1]),
    }
    return _decided([shallowest <= depth <= deepest for depth in _depths(candidates, len(layers))], candidates, numbers)


def deeper_peak(model: tuple[Curve, Sequence[str]], other: tuple[Curve, Sequence[str]], margin: float) -> Verdict:
    """Whether the maximum of one curve lies deeper (index / L) than that of another."""
    found = []
    numbers: dict[str, object] = {}
    for name, (curve, layers) in (("", model), ("other_", other)):
        missing = _missing(curve, layers)
        if missing:
            return Verdict(NOT_TESTABLE, f"of the other model, {missing}" if name else missing)
        candidates = curve.at(layers).contenders(margin)
        found.append((candidates, _depths(candidates, len(layers))))
        numbers |= {name + key: value for key, value in _peak(curve.at(layers), candidates, len(layers)).items()}
    (candidates, depths), (others, other_depths) = found
    possible = [depth > other for depth, other in itertools.product(depths, other_depths)]
    return _decided(possible, [*candidates, *others], numbers)


def word_leads(phone: Number, word: Number, difference: float) -> Verdict:
    """Whether a task correlates with CCA-word more than with CCA-phone, by more than `difference`."""
    lead = word.minus(phone)
    return _against(lead, difference, {"word": word.value, "phone": phone.value} | _numbers("difference", lead))


def both_correlate(phone: Number, word: Number, least: float) -> Verdict:
    """Whether a task correlates with CCA-phone and with CCA-word above `least`."""
    numbers = _numbers("phone", phone) | _numbers("word", word)
    verdicts = [_against(one, least, numbers) for one in (phone, word)]
    for verdict in (CONTRADICTED, NOT_TESTABLE):
        for name, one in zip(PEAKS, verdicts, strict=True):
            if one.verdict == verdict:
                return Verdict(verdict, f"{name}: {one.reason}", numbers)
    return Verdict(SUPPORTED, "", numbers)


def best_layer(model: Model, outcome: Outcome, below_top: float, near: float, margin: float) -> Verdict:
    """Whether the best single layer is `below_top` below the last one, and within `near` of a maximum of CCA."""
    single = outcome.single.blocks()
    missing = _missing(single, [*single.layers, model.layers[-1]])
    if not missing and len(single.layers) < curves.FEWEST:
        missing = f"{len(single.layers)} layers were measured, {curves.FEWEST} are needed"
    if missing:
        return Verdict(NOT_TESTABLE, missing)
    candidates = single.contenders(margin)
    numbers: dict[str, object] = {"best": single.best, "candidates": _listed(candidates), "blocks": model.blocks}
    maxima = []
    for name in PEAKS:
        curve = model.trend(name)
        missing = _missing(curve, model.layers)
        if missing:
            return Verdict(NOT_TESTABLE, missing, numbers)
        maxima.append(curve.at(model.layers).contenders(margin))
        numbers |= {f"{name}_peak": curve.at(model.layers).best, f"{name}_candidates": _listed(maxima[-1])}
    possible = []
    for best, *highest in itertools.product(candidates, *maxima):
        index = layer_index(best)
        close = any(abs(index - layer_index(layer)) <= near for layer in highest)
        possible.append(index <= model.blocks - below_top and close)
    return _decided(possible, [*candidates, *itertools.chain(*maxima)], numbers)


def equals_sum(outcome: Outcome, relative: float) -> Verdict:
    """Whether the best single layer and the weighted sum differ by at most `relative` of the weighted sum's metric."""
    single = outcome.single.blocks()
    if not single.layers or not outcome.weighted.is_known:
        return Verdict(NOT_TESTABLE, "no weighted sum" if single.layers else single.reason)
    best, weighted = single.number(single.best), outcome.weighted
    metric = METRICS[outcome.metric]
    base = metric.performance(weighted.value)  # performance() twice gives back the metric
    numbers = {"best": single.best, "best_value": metric.performance(best.value), "weighted_value": base}
    if base <= 0:
        return Verdict(NOT_TESTABLE, f"no share of a weighted sum whose {metric.title} is 0", numbers)
    higher, lower = (best, weighted) if best.value >= weighted.value else (weighted, best)
    size = curves.apart(higher, lower)
    share = Number(size.value / base, size.low / base, size.high / base)
    return _against(share, relative, numbers | _numbers("difference", share), below=True, equal=True)


def weights_rank_worse(model: Model, outcome: Outcome, difference: float) -> Verdict:
    """Whether CCA-word ranks the layers better than the learned weights do, by more than `difference`."""
    word = named("word", curves.spearman(model.trend("word"), outcome.single))
    weights = named("learned weights", curves.spearman(outcome.weights, outcome.single))
    lead = word.minus(weights)
    return _against(lead, difference, {"word": word.value, "weights": weights.value} | _numbers("difference", lead))


def _missing(curve: Curve, layers: Sequence[str]) -> str:
    """Why a claim about these layers cannot be tested; "" if all of them have a value and an interval."""
    absent = [layer for layer in layers if layer not in curve.layers]
    if absent:
        return f"no number at {layer_ranges(absent)}" + (f": {curve.reason}" if curve.reason else "")
    chosen = curve.at(layers)
    if not np.isfinite(chosen.high - chosen.low).all():
        return "no interval: of a single score or group of speakers, or none was given"
    return ""


def _apart(curve: Curve, one: str, other: str, margin: float) -> int:
    """1 if the first layer is more than `margin` · s above the second, -1 if it is below, 0 if neither."""
    pair = curve.at([one, other])
    if len(pair.contenders(margin)) == 2:
        return 0
    return 1 if pair.best == one else -1


def _s(curve: Curve, one: str, other: str) -> float:
    """The distance from the level of the higher layer to the low end of its interval."""
    higher = curve.number(curve.at([one, other]).best)
    return higher.value - higher.low


def _depths(layers: Iterable[str], blocks: int) -> list[float]:
    return [layer_index(layer) / blocks for layer in layers]


def _peak(curve: Curve, candidates: Sequence[str], blocks: int) -> dict:
    return {"peak": curve.best, "depth": layer_index(curve.best) / blocks, "candidates": _listed(candidates)}


def _decided(possible: Sequence[bool], candidates: Sequence[str], numbers: Mapping) -> Verdict:
    """One verdict for all that intervals allow."""
    if all(possible):
        return Verdict(SUPPORTED, "", numbers)
    if not any(possible):
        return Verdict(CONTRADICTED, "", numbers)
    return Verdict(NOT_TESTABLE, f"overlapping intervals: {layer_ranges(candidates)} may be a maximum", numbers)


def _against(number: Number, threshold: float, numbers: Mapping, below: bool = False, equal: bool = False) -> Verdict:
    """Whether a number is above a threshold (or `below` it), by its interval."""
    if not number.is_known:
        return Verdict(NOT_TESTABLE, number.reason)
    if not math.isfinite(number.low + number.high):
        return Verdict(NOT_TESTABLE, "no interval: a single score, or none was given", numbers)
    if below:
        holds = number.high < threshold or (equal and number.high == threshold)
        fails = number.low > threshold or (not equal and number.low == threshold)
    else:
        holds, fails = number.low > threshold, number.high <= threshold
    found = f"{number.value:z.3f} ({IN_WORDS} interval {number.low:z.3f} to {number.high:z.3f})"
    if holds or fails:
        return Verdict(SUPPORTED if holds else CONTRADICTED, "" if holds else f"{found} against {threshold:g}", numbers)
    return Verdict(NOT_TESTABLE, f"overlapping intervals: {found} reaches across {threshold:g}", numbers)


def negated(verdict: Verdict) -> Verdict:
    opposite = {SUPPORTED: CONTRADICTED, CONTRADICTED: SUPPORTED, NOT_TESTABLE: NOT_TESTABLE}
    return Verdict(opposite[verdict.verdict], verdict.reason, verdict.numbers)


def named(name: str, number: Number) -> Number:
    """With the name in the reason why there is no number."""
    return number if number.is_known else Number(reason=f"{name}: {number.reason}")


def _numbers(name: str, number: Number) -> dict:
    return {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}


def _listed(layers: Iterable[str]) -> str:
    return ",".join(layers)
