"""The paper's six findings as checks: supported, contradicted or not testable, by criteria fixed beforehand.

Pasad, Shi and Livescu, Comparative layer-wise analysis of self-supervised speech models (ICASSP 2023). The criteria are
those of resources/findings.yaml. One rule gives every verdict: a claim is *supported* if it holds for all that the 95 %
intervals allow, *contradicted* if it holds for none of it, and *not testable* otherwise: intervals overlap, or data are
missing. In particular:

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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from layerwise.errors import LayerwiseError
from layerwise.layers import block_names, layer_index, layer_ranges
from layerwise.tables import curves
from layerwise.tables.comparison import Outcome, outcomes
from layerwise.tables.curves import Curve, Estimate
from layerwise.tables.external import METRICS
from layerwise.tables.probes import read_probes
from layerwise.tables.scores import AnyPath, alignments_of, read_models, read_scores, read_table, write_table

CRITERIA = Path(__file__).resolve().parents[3] / "resources/findings.yaml"
SUPPORTED, CONTRADICTED, NOT_TESTABLE = "supported", "contradicted", "not testable"
PEAKS = ("phone", "word")  # the properties whose maxima findings 2 and 4 speak of

COLUMNS = [
    *("finding", "claim", "model", "other", "property", "task", "source", "task_metric"),
    *("verdict", "alignments", "reason", "numbers"),
]
TEXT = ["claim", "other", "task", "source", "task_metric", "verdict", "numbers"]

_MODELS, _TASKS = {"contrastive", "unit_predictors", "random"}, {"recognition", "understanding"}
_THRESHOLDS = {
    1: {"margin", "flat"},
    2: {"shallowest", "deepest", "margin"},
    3: {"both", "difference"},
    4: {"below_top", "near", "margin"},
    5: {"relative"},
    6: {"difference"},
}


class CriteriaError(LayerwiseError):
    """resources/findings.yaml lacks a criterion, or has one that no finding uses."""


@dataclass(frozen=True)
class Criteria:
    """resources/findings.yaml.

    Attributes:
        models: kind of model (contrastive, unit_predictors, random) → objectives.
        tasks: kind of task (recognition, understanding) → names.
        says: finding → its sentence.
        thresholds: finding → name → number.
        means: finding → name of a threshold → its sentence.
    """

    models: Mapping[str, Sequence[str]]
    tasks: Mapping[str, Sequence[str]]
    says: Mapping[int, str]
    thresholds: Mapping[int, Mapping[str, float]]
    means: Mapping[int, Mapping[str, str]]

    def kind_of(self, objective: str) -> str:
        """The kind of model with an objective; "" if no finding names it."""
        return next((kind for kind, objectives in self.models.items() if objective in objectives), "")


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
        return self.trends.get(property_name, curves.empty(f"{property_name} was not scored"))


def read_criteria(path: AnyPath) -> Criteria:
    """The criteria in a file such as resources/findings.yaml.

    Raises:
        CriteriaError: the file lacks a key, or has one of no use; the message names it.
    """
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    _expect(path, "", content, {"models", "tasks", "findings"})
    _expect(path, "models", content["models"], _MODELS)
    _expect(path, "tasks", content["tasks"], _TASKS)
    found = content["findings"]
    _expect(path, "findings", found, set(_THRESHOLDS))
    for number, names in _THRESHOLDS.items():
        _expect(path, f"findings.{number}", found[number], {"says", "thresholds"})
        _expect(path, f"findings.{number}.thresholds", found[number]["thresholds"], names)
        for name, entry in found[number]["thresholds"].items():
            _expect(path, f"findings.{number}.thresholds.{name}", entry, {"value", "means"})
    thresholds = {number: entry["thresholds"] for number, entry in found.items()}
    return Criteria(
        models=content["models"],
        tasks=content["tasks"],
        says={number: entry["says"] for number, entry in found.items()},
        thresholds={n: {name: float(one["value"]) for name, one in named.items()} for n, named in thresholds.items()},
        means={n: {name: one["means"] for name, one in named.items()} for n, named in thresholds.items()},
    )


def _expect(path: AnyPath, where: str, content: object, keys: set) -> None:
    found = set(content) if isinstance(content, Mapping) else set()
    if found != keys:
        wrong = [f"{key} is missing" for key in sorted(keys - found, key=str)]
        wrong += [f"{key} is of no use" for key in sorted(found - keys, key=str)]
        raise CriteriaError(f"{path}: {where or 'the file'}: {', '.join(wrong)}")


def check_findings(
    scores: AnyPath,
    probes: AnyPath,
    models: AnyPath,
    metric: str,
    folds: int,
    seed: int,
    out: AnyPath,
    criteria: AnyPath = CRITERIA,
    jackknife: AnyPath | None = None,
) -> None:
    """A row per finding, claim and model, pair of models or task: tables/findings.csv.

    `numbers` holds what the verdict was made from, as `name=value` parted by blanks. A finding that does not speak of a
    model is not testable with it, and the row says so.

    Args:
        scores, probes, models: tables of the experiment.
        metric: of the scores.
        folds, seed: as `layerwise.tables.comparison.compare`, so that correlations are the same.
        criteria: a file such as resources/findings.yaml.
        jackknife: tables/jackknife.csv, where intervals are of speakers.

    Raises:
        CriteriaError: as `read_criteria`.
    """
    rules = read_criteria(criteria)
    found: dict[str, dict[str, Curve]] = {}
    scored = read_scores(scores)
    for (model, name, of), curve in curves.trends(scored, folds, seed, jackknife).items():
        if of == metric:
            found.setdefault(model, {})[name] = curve
    reached: dict[str, list[Outcome]] = {}
    for outcome in outcomes(read_probes(probes), seed):
        reached.setdefault(outcome.model, []).append(outcome)
    known = [
        Model(row.model, row.objective, row.size, int(row.blocks), found.get(row.model, {}), reached.get(row.model, []))
        for row in read_models(models).itertuples()
    ]
    rows = [row for check in CHECKS for row in check(known, rules)]
    write_table(pd.DataFrame(rows, columns=COLUMNS).assign(alignments=alignments_of(scored)), out)


def read_findings(path: AnyPath) -> pd.DataFrame:
    """tables/findings.csv, as `check_findings` writes it."""
    return read_table(path, COLUMNS, text=TEXT)


# 1 and 2: shapes of trends


def shapes(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 1, of CCA-intra."""
    thresholds = criteria.thresholds[1]
    for model in models:
        curve, kind = model.trend("intra"), criteria.kind_of(model.objective)
        if kind == "random":
            yield _row(1, "flat", model, flat(curve, model.layers, thresholds["flat"]), property="intra")
        elif kind:
            verdict = valley(curve, model.layers, thresholds["margin"])
            if kind == "unit_predictors":
                verdict = _negated(verdict)
            claim = "valley" if kind == "contrastive" else "no valley"
            yield _row(1, claim, model, verdict, property="intra")
        else:
            yield _unspoken(1, "valley", model)


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
    size = curves.apart(chosen.estimate(layers[high]), chosen.estimate(layers[low]))
    numbers = _numbers("range", size) | {"highest": layers[high], "lowest": layers[low]}
    return _against(size, limit, numbers, below=True)


def peaks(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 2, of CCA-phone and CCA-word."""
    thresholds = criteria.thresholds[2]
    by_kind = {kind: [m for m in models if criteria.kind_of(m.objective) == kind] for kind in criteria.models}
    for model in models:
        kind = criteria.kind_of(model.objective)
        for name in PEAKS:
            if kind == "contrastive":
                yield _row(
                    2, "middle peak", model, middle_peak(model.trend(name), model.layers, **thresholds), property=name
                )
            elif kind == "unit_predictors":
                equals = [other for other in by_kind["contrastive"] if other.size == model.size and model.size]
                for other in equals:
                    verdict = deeper_peak(
                        (model.trend(name), model.layers), (other.trend(name), other.layers), thresholds["margin"]
                    )
                    yield _row(2, "deeper peak", model, verdict, property=name, other=other.name)
                if not equals:
                    reason = f"no contrastive model of size {model.size or 'unknown'} beside it"
                    yield _row(2, "deeper peak", model, Verdict(NOT_TESTABLE, reason), property=name)
        if kind not in ("contrastive", "unit_predictors"):
            yield _unspoken(2, "middle peak", model)


def middle_peak(curve: Curve, layers: Sequence[str], shallowest: float, deepest: float, margin: float) -> Verdict:
    """Whether the maximum lies between two depths, and the last layer more than `margin` · s below it.

    A last layer that is no lower is tied with the maximum, at depth 1.
    """
    missing = _missing(curve, layers)
    if missing:
        return Verdict(NOT_TESTABLE, missing)
    tied = curve.at(layers).tied(margin)
    numbers = _peak(curve.at(layers), tied, len(layers)) | {
        "fall": curve.value(curve.at(layers).best) - curve.value(layers[-1]),
        "s": _s(curve, curve.at(layers).best, layers[-1]),
    }
    return _decided([shallowest <= depth <= deepest for depth in _depths(tied, len(layers))], tied, numbers)


def deeper_peak(model: tuple[Curve, Sequence[str]], other: tuple[Curve, Sequence[str]], margin: float) -> Verdict:
    """Whether the maximum of one curve lies deeper (index / L) than that of another."""
    found, numbers = [], {}
    for name, (curve, layers) in (("", model), ("other_", other)):
        missing = _missing(curve, layers)
        if missing:
            return Verdict(NOT_TESTABLE, f"of the other model, {missing}" if name else missing)
        tied = curve.at(layers).tied(margin)
        found.append((tied, _depths(tied, len(layers))))
        numbers |= {name + key: value for key, value in _peak(curve.at(layers), tied, len(layers)).items()}
    (tied, depths), (others, other_depths) = found
    possible = [depth > other for depth, other in itertools.product(depths, other_depths)]
    return _decided(possible, [*tied, *others], numbers)


# 3 to 6: trends and tasks


def task_correlations(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 3."""
    thresholds = criteria.thresholds[3]
    for model in models:
        if criteria.kind_of(model.objective) == "random":
            yield _unspoken(3, "correlation", model)
            continue
        for kind, names in criteria.tasks.items():
            chosen = [outcome for outcome in model.outcomes if outcome.task in names]
            for outcome in chosen:
                phone, word = (
                    _named(name, curves.spearman(model.trend(name), outcome.single)) for name in ("phone", "word")
                )
                if kind == "understanding":
                    verdict = word_leads(phone, word, thresholds["difference"])
                else:
                    verdict = both_correlate(phone, word, thresholds["both"])
                yield _row(3, kind, model, verdict, outcome)
            if not chosen:
                yield _row(3, kind, model, Verdict(NOT_TESTABLE, f"no task of {', '.join(names)} was measured"))


def word_leads(phone: Estimate, word: Estimate, difference: float) -> Verdict:
    """Whether a task correlates with CCA-word more than with CCA-phone, by more than `difference`."""
    lead = word.minus(phone)
    return _against(lead, difference, {"word": word.value, "phone": phone.value} | _numbers("difference", lead))


def both_correlate(phone: Estimate, word: Estimate, least: float) -> Verdict:
    """Whether a task correlates with CCA-phone and with CCA-word above `least`."""
    numbers = _numbers("phone", phone) | _numbers("word", word)
    verdicts = [_against(one, least, numbers) for one in (phone, word)]
    for verdict in (CONTRADICTED, NOT_TESTABLE):
        for name, one in zip(("phone", "word"), verdicts, strict=True):
            if one.verdict == verdict:
                return Verdict(verdict, f"{name}: {one.reason}", numbers)
    return Verdict(SUPPORTED, "", numbers)


def single_layers(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 4."""
    yield from _of_outcomes(
        4, "best layer", models, criteria, lambda model, outcome: best_layer(model, outcome, **criteria.thresholds[4])
    )


def best_layer(model: Model, outcome: Outcome, below_top: float, near: float, margin: float) -> Verdict:
    """Whether the best single layer is `below_top` below the last one, and within `near` of a maximum of CCA."""
    single = outcome.single.blocks()
    missing = _missing(single, [*single.layers, model.layers[-1]])
    if not missing and len(single.layers) < curves.FEWEST:
        missing = f"{len(single.layers)} layers were measured, {curves.FEWEST} are needed"
    if missing:
        return Verdict(NOT_TESTABLE, missing)
    tied = single.tied(margin)
    numbers: dict[str, object] = {"best": single.best, "candidates": _listed(tied), "blocks": model.blocks}
    maxima = []
    for name in PEAKS:
        curve = model.trend(name)
        missing = _missing(curve, model.layers)
        if missing:
            return Verdict(NOT_TESTABLE, missing, numbers)
        maxima.append(curve.at(model.layers).tied(margin))
        numbers |= {f"{name}_peak": curve.at(model.layers).best, f"{name}_candidates": _listed(maxima[-1])}
    possible = []
    for best, *highest in itertools.product(tied, *maxima):
        index = layer_index(best)
        close = any(abs(index - layer_index(layer)) <= near for layer in highest)
        possible.append(index <= model.blocks - below_top and close)
    return _decided(possible, [*tied, *itertools.chain(*maxima)], numbers)


def sums(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 5."""
    yield from _of_outcomes(
        5, "equals the sum", models, criteria, lambda model, outcome: equals_sum(outcome, **criteria.thresholds[5])
    )


def equals_sum(outcome: Outcome, relative: float) -> Verdict:
    """Whether the best single layer and the weighted sum differ by at most `relative` of the weighted sum's metric."""
    single = outcome.single.blocks()
    if not single.layers or not outcome.weighted.is_known:
        return Verdict(NOT_TESTABLE, "no weighted sum" if single.layers else single.reason)
    best, weighted = single.estimate(single.best), outcome.weighted
    metric = METRICS[outcome.metric]
    base = metric.performance(weighted.value)  # its own inverse: the accuracy, or the error rate again
    numbers = {"best": single.best, "best_value": metric.performance(best.value), "weighted_value": base}
    if base <= 0:
        return Verdict(NOT_TESTABLE, f"no share of a weighted sum whose {metric.title} is 0", numbers)
    higher, lower = (best, weighted) if best.value >= weighted.value else (weighted, best)
    size = curves.apart(higher, lower)
    share = Estimate(size.value / base, size.low / base, size.high / base)
    return _against(share, relative, numbers | _numbers("difference", share), below=True, equal=True)


def learned_weights(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 6."""
    yield from _of_outcomes(
        6,
        "weights",
        models,
        criteria,
        lambda model, outcome: weights_rank_worse(model, outcome, **criteria.thresholds[6]),
    )


def weights_rank_worse(model: Model, outcome: Outcome, difference: float) -> Verdict:
    """Whether CCA-word ranks the layers better than the learned weights do, by more than `difference`."""
    word = _named("word", curves.spearman(model.trend("word"), outcome.single))
    weights = _named("learned weights", curves.spearman(outcome.weights, outcome.single))
    lead = word.minus(weights)
    return _against(lead, difference, {"word": word.value, "weights": weights.value} | _numbers("difference", lead))


CHECKS = (shapes, peaks, task_correlations, single_layers, sums, learned_weights)


# What the checks share


def _of_outcomes(
    number: int, claim: str, models: Sequence[Model], criteria: Criteria, check: Callable[[Model, Outcome], Verdict]
) -> Iterator[dict]:
    for model in models:
        if criteria.kind_of(model.objective) == "random":
            yield _unspoken(number, claim, model)
            continue
        for outcome in model.outcomes:
            yield _row(number, claim, model, check(model, outcome), outcome)
        if not model.outcomes:
            yield _row(number, claim, model, Verdict(NOT_TESTABLE, "no task was measured"))


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
    if len(pair.tied(margin)) == 2:
        return 0
    return 1 if pair.best == one else -1


def _s(curve: Curve, one: str, other: str) -> float:
    """The distance from the level of the higher layer to the low end of its interval."""
    higher = curve.estimate(curve.at([one, other]).best)
    return higher.value - higher.low


def _depths(layers: Iterable[str], blocks: int) -> list[float]:
    return [layer_index(layer) / blocks for layer in layers]


def _peak(curve: Curve, tied: Sequence[str], blocks: int) -> dict:
    return {"peak": curve.best, "depth": layer_index(curve.best) / blocks, "candidates": _listed(tied)}


def _decided(possible: Sequence[bool], tied: Sequence[str], numbers: Mapping) -> Verdict:
    """One verdict for all that intervals allow."""
    if all(possible):
        return Verdict(SUPPORTED, "", numbers)
    if not any(possible):
        return Verdict(CONTRADICTED, "", numbers)
    return Verdict(NOT_TESTABLE, f"overlapping intervals: {layer_ranges(tied)} may be a maximum", numbers)


def _against(
    estimate: Estimate, threshold: float, numbers: Mapping, below: bool = False, equal: bool = False
) -> Verdict:
    """Whether a number is above a threshold (or `below` it), by its interval."""
    if not estimate.is_known:
        return Verdict(NOT_TESTABLE, estimate.reason)
    if not math.isfinite(estimate.low + estimate.high):
        return Verdict(NOT_TESTABLE, "no interval: a single score, or none was given", numbers)
    if below:
        holds = estimate.high < threshold or (equal and estimate.high == threshold)
        fails = estimate.low > threshold or (not equal and estimate.low == threshold)
    else:
        holds, fails = estimate.low > threshold, estimate.high <= threshold
    found = f"{estimate.value:.3f} (95 % interval {estimate.low:.3f} to {estimate.high:.3f})"
    if holds or fails:
        return Verdict(SUPPORTED if holds else CONTRADICTED, "" if holds else f"{found} against {threshold:g}", numbers)
    return Verdict(NOT_TESTABLE, f"overlapping intervals: {found} reaches across {threshold:g}", numbers)


def _negated(verdict: Verdict) -> Verdict:
    opposite = {SUPPORTED: CONTRADICTED, CONTRADICTED: SUPPORTED, NOT_TESTABLE: NOT_TESTABLE}
    return Verdict(opposite[verdict.verdict], verdict.reason, verdict.numbers)


def _named(name: str, estimate: Estimate) -> Estimate:
    """With the name in the reason why there is no number."""
    return estimate if estimate.is_known else Estimate(reason=f"{name}: {estimate.reason}")


def _numbers(name: str, estimate: Estimate) -> dict:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _listed(layers: Iterable[str]) -> str:
    return ",".join(layers)


def _unspoken(number: int, claim: str, model: Model) -> dict:
    what = f"models with the objective {model.objective!r}" if model.objective else "models of unknown objective"
    return _row(number, claim, model, Verdict(NOT_TESTABLE, f"the finding does not speak of {what}"))


def _row(
    number: int,
    claim: str,
    model: Model,
    verdict: Verdict,
    outcome: Outcome | None = None,
    property: str = "",
    other: str = "",
) -> dict:
    numbers = {key: value for key, value in verdict.numbers.items() if value == value}  # without NaN
    return {
        "finding": number,
        "claim": claim,
        "model": model.name,
        "other": other,
        "property": property,
        "task": outcome.task if outcome else "",
        "source": outcome.source if outcome else "",
        "task_metric": outcome.metric if outcome else "",
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "numbers": " ".join(
            f"{key}={value:.6g}" if isinstance(value, float) else f"{key}={value}" for key, value in numbers.items()
        ),
    }
