"""The record of a layer: what every measure writes of it, and what one writes that has no canonical directions."""

from __future__ import annotations

from collections.abc import Mapping

from layerwise.cells import OF_VIEWS, OK, SKIPPED
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.scoring.rows import LayerRows


def counts_of(asked: LayerRows, **counts: int) -> dict:
    """How much a score rests on: rows, rows without a target, types of labels, speakers.

    Args:
        counts: those of them that are known to be others than all rows and no types.
    """
    known = {"n_rows": asked.all_rows().shape[0], "n_missing": 0, "n_types": 0, "n_speakers": asked.speakers()}
    return known | counts


def skipped(asked: LayerRows, counts: Mapping, error: RefusedScoreError, known: str = "") -> dict:
    """The record of a layer whose rows allow no score.

    Args:
        known: what else is known of the rows, after their number.
    """
    reason = f"{asked.question.name}, sample {asked.sample}: {error} ({counts['n_rows']} rows{known})"
    return {**counts, "status": SKIPPED, "reason": reason, "trials": []}


def scored(counts: Mapping, trials: list[dict]) -> dict:
    """The record of a layer that was scored by a measure without canonical directions, from `trial_of`."""
    return {**counts, "status": OK, "reason": "", "trials": [{"trial": n, **each} for n, each in enumerate(trials, 1)]}


def trial_of(
    metrics: Mapping[str, float],
    chance: Mapping[str, float],
    *,
    n_train: int,
    n_test: int,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    classes: int = 0,
    classes_unseen: int = 0,
    **facts: object,
) -> dict:
    """One trial of a measure without canonical directions: its dimensions and ranks are empty in tables/scores.csv.

    Args:
        metrics, chance: by the names of the registry.
        n_train: rows that something was fitted on, 0 where nothing is. n_test: rows, items or pairs that were scored.
        intervals: metric → low and high end of its 95 % interval over items, where the measure knows them.
        classes, classes_unseen: labels, and those that training lacks.
        facts: more numbers that the record keeps, such as what was chosen.
    """
    return {
        "metrics": dict(metrics),
        "chance": dict(chance),
        "intervals": {name: list(ends) for name, ends in (intervals or {}).items()},
        "n_train": n_train,
        "n_test": n_test,
        **dict.fromkeys(OF_VIEWS),
        "kept": {},
        "classes": classes,
        "classes_unseen": classes_unseen,
        **facts,
    }
