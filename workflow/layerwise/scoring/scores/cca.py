"""Canonical correlation, CKA and a linear map of a layer and its target, over the trials of a cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from layerwise.cells import FLAGGED, OK
from layerwise.scoring import folds as folding
from layerwise.scoring.measures.cca import Trial, cross_validate
from layerwise.scoring.measures.jackknife import LIGHTER, TrialReplicates, jackknife
from layerwise.scoring.measures.passes import fold_moments
from layerwise.scoring.metrics import tuned
from layerwise.scoring.properties import Property
from layerwise.scoring.records import counts_of, skipped
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.scoring.rows import LayerRows, SpeakerGroups, refuse_alike, refuse_empty, refuse_single
from layerwise.scoring.settings import FLAG_BELOW, ScoreSettings


def score(asked: LayerRows, settings: ScoreSettings) -> dict:
    """Counts, status, reason and trials of one layer."""
    question, sample = asked.question, asked.sample
    all_rows = asked.all_rows().shape[0]
    counts = counts_of(asked)
    views = ""
    try:
        target, rows = asked.matched.matrix, asked.matrix()
        types = target.shape[1] if question.target.has_labels else 0
        counts |= {"n_rows": rows.shape[0], "n_missing": all_rows - rows.shape[0], "n_types": types}
        known = f", {types} types" if question.target.has_labels else ""
        x, y = question.target.views(target, rows)
        views = f" of {x.shape[1]} and {y.shape[1]} dimensions{known}"
        fold, groups = asked.folds(settings)
        asked.require_length(target.shape[0], rows.shape[0], "rows of the target")
        if question.target.has_labels and fold.size:
            refuse_single(target)  # before folds are looked at: where no label can be learned, no folds would help
        refuse_empty(fold, settings.folds)
        pairs = folding.trials(settings.folds, settings.trials, settings.seed, sample)
        if question.target.has_labels:
            refuse_alike(target, fold, (number for pair in pairs for number in pair), settings.folds_by)
        unrelated = asked.unrelated(target, fold, settings.seed)
        scored, replicates = _trials(question, rows, target, unrelated, fold, groups, pairs, settings)
    except RefusedScoreError as error:
        return skipped(asked, counts, error, views)
    records = [
        {"trial": number, "dev_fold": pair[0], "test_fold": pair[1], **_trial_record(trial, by_chance)}
        for number, (pair, (trial, by_chance)) in enumerate(zip(pairs, scored, strict=True), start=1)
    ]
    if question.target.has_labels:
        present = np.array([target[fold == number].any(axis=0) for number in range(settings.folds)])
        for record, pair in zip(records, pairs, strict=True):
            seen = np.delete(present, pair, axis=0).any(axis=0)
            record |= {"classes": present.shape[1], "classes_unseen": int((~seen).sum())}
    reason = next((reason for record in records for reason in _doubts(record, question)), "")
    again = {"jackknife": replicates} if replicates else {}
    return counts | {"status": FLAGGED if reason else OK, "reason": reason, "trials": records} | again


def _doubts(record: Mapping, question: Property) -> Iterator[str]:
    """Why the score of a trial is one of something else than the layer, or of too few rows."""
    trial, dx, dy = record["trial"], record["dx"], record["dy"]
    for metric in tuned():
        kept_x, kept_y = record["kept"][metric]
        if kept_x < FLAG_BELOW * dx or kept_y < FLAG_BELOW * dy:
            yield f"{metric}, trial {trial}: kept {kept_x} of {dx} and {kept_y} of {dy} dimensions"
    rank, dimensions = (record["rank_y"], dy) if question.target.is_first else (record["rank_x"], dx)
    if rank < FLAG_BELOW * dimensions:
        yield f"trial {trial}: the layer has variance in {rank} directions of {dimensions} dimensions"
    directions = len(record["correlations"])
    if record["n_test"] <= directions:
        yield f"trial {trial}: {record['n_test']} held-out rows for {directions} directions"


def _trials(
    question: Property,
    rows: Any,
    target: Any,
    unrelated: Any,
    fold: np.ndarray,
    groups: SpeakerGroups | None,
    pairs: list[tuple[int, int]],
    settings: ScoreSettings,
) -> tuple[list[tuple[Trial, Trial]], dict]:
    """Each trial on the target and, by chance, on the shuffled target; the former's jackknife."""
    fold, pairs = folding.merged(fold, pairs)
    epsilons = [tuple(pair) for pair in settings.epsilons]
    layer: dict[str, Any] = {}
    results: list = []
    replicates: dict = {}
    fitted: tuple = (pairs, epsilons, settings.standardise, question.target.view)
    for view in (target, unrelated):
        views: Any = question.target.views(view, rows)
        try:
            if groups and view is target:
                of_groups = fold_moments(views[0], views[1], groups.member, folds=len(groups.names))
                fold_of = groups.folds(fold)
                # Groups without rows have fold -1: added to fold 0, they add nothing.
                moments = of_groups.merged(np.maximum(fold_of, 0))
                results.append(cross_validate(moments, *fitted))
                again = jackknife(of_groups, fold_of, results[0], settings.standardise)
                replicates = _replicates(groups.names, again)
                del of_groups  # 20 groups of 1,024 dimensions take 500 MB
            else:
                moments = fold_moments(views[0], views[1], fold, **layer)
                results.append(cross_validate(moments, *fitted))
        except RefusedScoreError as error:
            if view is target:
                raise
            raise type(error)(f"chance level: {error}") from error
        layer = {"known_y": moments.y} if question.target.is_first else {"known_x": moments.x}
        del moments  # before there are others: those of 1,024 dimensions take 176 MB
    return list(zip(*results, strict=True)), replicates


def _replicates(names: list[str], again: list[TrialReplicates]) -> dict:
    """Group → what its rows count, then its share of the test rows and each metric, in each trial."""
    return {
        name: {
            "weight": LIGHTER,
            "share": [trial.share[number].item() for trial in again],
            "metrics": {
                metric: [trial.metrics[metric][number].item() for trial in again] for metric in again[0].metrics
            },
        }
        for number, name in enumerate(names)
    }


def _trial_record(trial: Trial, by_chance: Trial) -> dict:
    scores = trial.scores["pwcca"]
    sizes = ("n_train", "n_test", "dx", "dy", "kept_x", "kept_y", "rank_x", "rank_y")
    return {
        "regularisers": trial.regularisers,
        "metrics": trial.metrics,
        "chance": by_chance.metrics,
        **{name: getattr(scores, name) for name in sizes},
        # each metric has a cut of its own: `pwcca_published` chooses its regularisers, `svcca` keeps main directions
        "kept": {name: list(each.dimensions(name)) for name, each in trial.scores.items()},
        "classes": 0,
        "classes_unseen": 0,
        "correlations": scores.correlations.tolist(),
    }
