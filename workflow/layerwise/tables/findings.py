"""The paper's six findings, asked of every model, tables/findings.csv.

Pasad, Shi and Livescu, Comparative layer-wise analysis of self-supervised speech models (ICASSP 2023). The criteria are
those of `layerwise.tables.criteria`, and `layerwise.tables.claims` says how a verdict is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from layerwise.tables import curves
from layerwise.tables.claims import (
    NOT_TESTABLE,
    PEAKS,
    Model,
    Verdict,
    best_layer,
    both_correlate,
    deeper_peak,
    equals_sum,
    flat,
    middle_peak,
    named,
    negated,
    valley,
    weights_rank_worse,
    word_leads,
)
from layerwise.tables.comparison import Outcome, outcomes
from layerwise.tables.criteria import CONTRASTIVE, CRITERIA, UNDERSTANDING, UNIT_PREDICTORS, Criteria, read_criteria
from layerwise.tables.curves import Curve
from layerwise.tables.files import AnyPath, alignments_of, read_table, write_table
from layerwise.tables.models import read_models
from layerwise.tables.probes import read_probes
from layerwise.tables.scores import read_scores

COLUMNS = [
    *("finding", "claim", "model", "other", "property", "task", "source", "task_metric"),
    *("verdict", "alignments", "reason", "numbers"),
]
_UNSPOKEN, _NO_TASK, _NO_OTHER = "the finding does not speak of", "no task", "no contrastive model of size"
_NOT_ASKED = rf"^(?:{_UNSPOKEN}|{_NO_TASK}|{_NO_OTHER}) |\b{curves.NOT_SCORED}$"  # reasons
TEXT = ["claim", "other", "task", "source", "task_metric", "verdict", "numbers"]


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


def spoken_of(findings: pd.DataFrame) -> list[int]:
    """The findings that the experiment has something to say of: one row of them at least is about what it measured.

    The others speak of models, tasks or properties that were not asked for.
    """
    about = ~findings["reason"].str.contains(_NOT_ASKED)
    return sorted(set(findings.loc[about, "finding"]))


def valleys(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 1, of CCA-intra."""
    thresholds = criteria.thresholds[1]
    for model in models:
        curve, kind = model.trend("intra"), criteria.kind_of(model.objective)
        if kind == "random":
            yield _row(1, "flat", model, flat(curve, model.layers, thresholds["flat"]), property="intra")
        elif kind:
            verdict = valley(curve, model.layers, thresholds["margin"])
            if kind == UNIT_PREDICTORS:
                verdict = negated(verdict)
            claim = "valley" if kind == CONTRASTIVE else "no valley"
            yield _row(1, claim, model, verdict, property="intra")
        else:
            yield _unspoken(1, "valley", model)


def peaks(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 2, of CCA-phone and CCA-word."""
    thresholds = criteria.thresholds[2]
    by_kind = {kind: [m for m in models if criteria.kind_of(m.objective) == kind] for kind in criteria.models}
    for model in models:
        kind = criteria.kind_of(model.objective)
        for name in PEAKS:
            if kind == CONTRASTIVE:
                yield _row(
                    2, "middle peak", model, middle_peak(model.trend(name), model.layers, **thresholds), property=name
                )
            elif kind == UNIT_PREDICTORS:
                equals = [other for other in by_kind[CONTRASTIVE] if other.size == model.size and model.size]
                for other in equals:
                    verdict = deeper_peak(
                        (model.trend(name), model.layers), (other.trend(name), other.layers), thresholds["margin"]
                    )
                    yield _row(2, "deeper peak", model, verdict, property=name, other=other.name)
                if not equals:
                    reason = f"{_NO_OTHER} {model.size or 'unknown'} beside it"
                    yield _row(2, "deeper peak", model, Verdict(NOT_TESTABLE, reason), property=name)
        if kind not in (CONTRASTIVE, UNIT_PREDICTORS):
            yield _unspoken(2, "middle peak", model)


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
                    named(name, curves.spearman(model.trend(name), outcome.single)) for name in ("phone", "word")
                )
                if kind == UNDERSTANDING:
                    verdict = word_leads(phone, word, thresholds["difference"])
                else:
                    verdict = both_correlate(phone, word, thresholds["both"])
                yield _row(3, kind, model, verdict, outcome)
            if not chosen:
                yield _row(3, kind, model, Verdict(NOT_TESTABLE, f"{_NO_TASK} of {', '.join(names)} was measured"))


def single_layers(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 4."""
    yield from _of_outcomes(
        4, "best layer", models, criteria, lambda model, outcome: best_layer(model, outcome, **criteria.thresholds[4])
    )


def sums(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 5."""
    yield from _of_outcomes(
        5, "equals the sum", models, criteria, lambda model, outcome: equals_sum(outcome, **criteria.thresholds[5])
    )


def learned_weights(models: Sequence[Model], criteria: Criteria) -> Iterator[dict]:
    """Finding 6."""
    yield from _of_outcomes(
        6,
        "weights",
        models,
        criteria,
        lambda model, outcome: weights_rank_worse(model, outcome, **criteria.thresholds[6]),
    )


CHECKS = (valleys, peaks, task_correlations, single_layers, sums, learned_weights)


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
            yield _row(number, claim, model, Verdict(NOT_TESTABLE, f"{_NO_TASK} was measured"))


def _unspoken(number: int, claim: str, model: Model) -> dict:
    what = f"models with the objective {model.objective!r}" if model.objective else "models of unknown objective"
    return _row(number, claim, model, Verdict(NOT_TESTABLE, f"{_UNSPOKEN} {what}"))


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
