"""Which other numbers in `samples` and `cca` would let a question be scored on a corpus: each was tried.

A number is changed alone, then several together. A change is only given if the rows that it draws pass the check of
`layerwise.scoring.enough` in every sample set.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from layerwise.cells import FLAGGED, OK, SKIPPED
from layerwise.experiment.samples.asked import AskedLayers
from layerwise.experiment.samples.speech import Speech
from layerwise.sampling import SamplingError
from layerwise.sampling import log as log_of_draws
from layerwise.scoring.enough import Verdict, enough
from layerwise.scoring.properties import Property
from layerwise.scoring.settings import ScoreSettings
from layerwise.spans import SampleSizes, Span

FOLDS = (3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 40)
_WORST = (OK, FLAGGED, SKIPPED)


@dataclass(frozen=True)
class Plan:
    """The numbers of a configuration that say how many rows there are, and how they are divided."""

    sizes: SampleSizes
    settings: ScoreSettings
    samples: int

    def number(self, key: str) -> int:
        section, _, name = key.partition(".")
        return getattr(self.sizes if section == "samples" else self.settings, name)

    def changed(self, changes: Mapping[str, int]) -> Plan:
        """With other numbers, by their keys in the configuration: samples.words_per_type, cca.folds, …"""
        of: dict[str, dict[str, Any]] = {"samples": {}, "cca": {}}
        for key, value in changes.items():
            section, _, name = key.partition(".")
            of[section][name] = value
        return replace(self, sizes=replace(self.sizes, **of["samples"]), settings=replace(self.settings, **of["cca"]))


@dataclass(frozen=True)
class Case:
    """A question to layers of one size, of rows that are drawn from a corpus."""

    asked: AskedLayers
    question: Property
    speech: Speech

    def verdict(self, plan: Plan, sample: int) -> Verdict | None:
        """As one sample set of a plan allows; None: nobody knows before the score."""
        with _silent():
            try:
                drawn = self.speech.drawn(self.question.rows, plan.sizes, sample, self.asked.seconds_per_row)
            except SamplingError as error:
                return Verdict(SKIPPED, str(error), 0, 0, 0)
        return enough(self.question, drawn, self.asked.layer, self.asked.other, plan.settings, sample)

    def status(self, plan: Plan) -> str:
        """The worst of all sample sets."""
        worst = OK
        for sample in range(1, plan.samples + 1):
            verdict = self.verdict(plan, sample)
            status = OK if verdict is None else verdict.status
            worst = max(worst, status, key=_WORST.index)
            if worst == SKIPPED:
                break
        return worst


def too_few_groups(case: Case, plan: Plan) -> str:
    """Why no number helps: the corpus has fewer speakers or utterances than any number of folds; "": it has enough."""
    by = plan.settings.of(case.question).folds_by
    if case.question.measure.resampled or by not in ("speaker", "utterance"):
        return ""
    there, fewest = case.speech.utterances[f"{by}_id"].nunique(), _fewest_folds(plan)
    if there >= fewest:
        return ""
    plural = "" if there == 1 else "s"
    return f"The corpus has {there} {by}{plural}, and folds by {by} need {fewest}: another folds_by would do (row)"


def suggestions(case: Case, plan: Plan) -> list[dict[str, int]]:
    """Changes of a plan, by keys of the configuration, each of which lets the question be scored in all sample sets.

    First those of one number, then, if there are none, one of several numbers together. What leaves the score flagged
    is given only if nothing better is found. Empty: the corpus has not enough.
    """
    if too_few_groups(case, plan):
        return []
    before = case.status(plan)
    for wanted in (OK, FLAGGED):
        works = partial(_works, case, plan, wanted)
        found = [change for key in _keys(case) if (change := _one(case, plan, key, works)) is not None]
        if not found:
            found = [changes for changes in [_several(case, plan, works)] if changes]
        if found or before == FLAGGED:
            return found
    return []


def _works(case: Case, plan: Plan, wanted: str, changes: Mapping[str, int]) -> bool:
    """Whether changes give a status that is at least as good as what is wanted."""
    return _WORST.index(case.status(plan.changed(changes))) <= _WORST.index(wanted)


def most(case: Case, key: str) -> int:
    """The largest value of a number that changes anything in this corpus."""
    span, name = case.question.rows.span, key.partition(".")[2]
    if span is None or key.startswith("cca"):
        return max(FOLDS)
    if not span.is_segment:
        return len(case.speech.utterances)
    counts = case.speech.segments[span]["label"].value_counts()
    if counts.empty:
        return 1
    return int(len(counts) if name == span.types_key else counts.max())


def _fewest_folds(plan: Plan) -> int:
    """A dev and a test fold for each trial, and one to train on."""
    return max(3, 2 * plan.settings.trials)


def _keys(case: Case) -> list[str]:
    """The numbers that may help a question."""
    span = case.question.rows.span
    return [f"samples.{name}" for name in _names(span)] + ["cca.folds"]


def _names(span: Span | None) -> list[str]:
    if span is None:
        return []
    names = [span.rows_key, *([span.types_key] if span.types_key else [])]
    return names + (["min_per_type"] if span.name in ("phone", "word") else [])


def _one(case: Case, plan: Plan, key: str, works: Callable[[Mapping[str, int]], bool]) -> dict[str, int] | None:
    """The nearest value of one number that works, more or, of types and folds, fewer."""
    now = plan.number(key)
    if key == "cca.folds":
        values = sorted(
            (value for value in FOLDS if value >= _fewest_folds(plan) and value != now), key=lambda v: (abs(v - now), v)
        )
        return next(({key: value} for value in values if works({key: value})), None)
    more = _more(now, most(case, key), lambda value: works({key: value}))
    if more is not None:
        return {key: more}
    span = case.question.rows.span
    if span is not None and key == f"samples.{span.types_key}":
        return next(({key: value} for value in _fewer(now) if works({key: value})), None)
    return None


def _more(now: int, largest: int, works: Callable[[int], bool]) -> int | None:
    """About the least value above `now` that works, rounded up to two digits where that works too."""
    low, high = now, now
    while high < largest:
        low, high = high, min(largest, 2 * high)
        if works(high):
            break
    else:
        return None
    while high - low > max(1, low // 20):
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    step = 10 ** max(0, int(math.log10(high)) - 1)
    rounded = min(largest, -(-high // step) * step)
    return rounded if rounded != high and works(rounded) else high


def _fewer(now: int) -> Iterator[int]:
    """Values below `now`, the next ones first, down to 2."""
    value = now
    while (value := value * 4 // 5) >= 2:
        yield value


def _several(case: Case, plan: Plan, works: Callable[[Mapping[str, int]], bool]) -> dict[str, int] | None:
    """More of everything, as little as works: rows and types of the span rise together, with folds as they are or not.

    None: all that the corpus has is not enough.
    """
    span = case.question.rows.span
    keys = [key for key in _keys(case) if key not in ("cca.folds", "samples.min_per_type")] if span else []
    if not keys:
        return None
    fewest = _fewest_folds(plan)
    for folds in dict.fromkeys((plan.settings.folds, fewest, max(20, fewest))):
        for least in dict.fromkeys((plan.sizes.min_per_type, 3, 10)):
            changes = _grown(plan, keys, case, folds, least, works)
            if changes is not None:
                return changes
    return None


def _grown(
    plan: Plan,
    keys: Sequence[str],
    case: Case,
    folds: int,
    least: int,
    works: Callable[[Mapping[str, int]], bool],
) -> dict[str, int] | None:
    """Numbers doubled until they work; without those that are as they were."""
    now = {key: plan.number(key) for key in keys}
    largest = {key: max(now[key], most(case, key)) for key in keys}

    def changes(values: Mapping[str, int]) -> dict[str, int]:
        all_of_them = {**values, "cca.folds": folds, "samples.min_per_type": least}
        return {key: value for key, value in all_of_them.items() if value != plan.number(key)}

    if not works(changes(largest)):
        return None
    while now != largest and not works(changes(now)):
        now = {key: min(largest[key], 2 * value) for key, value in now.items()}
    return changes(now)


@contextmanager
def _silent() -> Iterator[None]:
    """Draws that are only tried say nothing."""
    before = log_of_draws.level
    log_of_draws.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log_of_draws.setLevel(before)
