"""The questions that are asked of a layer, and the job that scores them.

A score job reads representations and writes one record a layer. It imports neither pandas nor torch: a start costs more
than most scores.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from layerwise import folds as folding
from layerwise import store
from layerwise.cca import Trial, cross_validate, fold_moments
from layerwise.errors import LayerwiseError
from layerwise.files import replaced
from layerwise.moments import Moments, RefusedScoreError

log = logging.getLogger(__name__)

# A score of fewer dimensions than this share is a score of something else than the layer.
FLAG_BELOW = 0.9


class PropertyError(LayerwiseError):
    """A property cannot be asked of a layer."""


@dataclass(frozen=True)
class Property:
    """A named question.

    Attributes:
        title: what it asks for, as in plots.
        span: `frame`, `phone` or `word`: what a row stands for.
        target: what the layer is compared with: `mel`, `label` (one-hot) or `T0` (layer 0 of the same model).
        conv: whether it is asked of C layers too.
    """

    name: str
    title: str
    span: str
    target: str
    conv: bool = False

    def layers(self, names: Sequence[str]) -> list[str]:
        """Those of a model's layers that the question is asked of, in order of depth."""
        return [name for name in names if self.conv or name.startswith("T")]


PROPERTIES = {
    entry.name: entry
    for entry in (
        Property("intra", "similarity to layer 0", "frame", "T0"),
        Property("mel", "acoustic content", "frame", "mel", conv=True),
        Property("phone", "phonetic content", "phone", "label"),
        Property("word", "word identity", "word", "label"),
    )
}


@dataclass(frozen=True)
class ScoreSettings:
    """How scores are measured: the keys of `cca` in the configuration, and the seed of the folds."""

    folds: int
    trials: int
    folds_by: str
    standardise: bool
    epsilons: Sequence[Sequence[float]]
    seed: int


def score_layers(
    representations: Iterable[Path],
    property_name: str,
    model: str,
    sample: int,
    layers: Sequence[str],
    settings: ScoreSettings,
    out: Path,
    alignments: str = "given",
) -> None:
    """Score some layers of one model on one property and sample set, and write a record for each as JSON.

    Args:
        representations: the shards of the model, in any order.
        alignments: `given` or `automatic`, kept with the record.
    """
    question = PROPERTIES[property_name]
    with store.reading(representations) as shards:
        records = []
        for layer in layers:
            record = {
                "property": property_name,
                "model": model,
                "layer": layer,
                "sample": sample,
                "alignments": alignments,
            }
            records.append(record | _score(shards, question, sample, layer, settings))
            log.info("%s: %s %s", layer, records[-1]["status"], records[-1]["reason"] or _summary(records[-1]))
    with replaced(out) as temporary:
        temporary.write_text(json.dumps({"records": records}, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _summary(record: dict) -> str:
    metrics = record["trials"][0]["metrics"]
    return ", ".join(f"{name} {np.mean([t['metrics'][name] for t in record['trials']]):.4f}" for name in metrics)


def _score(shards: list[h5py.File], question: Property, sample: int, layer: str, settings: ScoreSettings) -> dict:
    """Status, reason and trials of one layer."""
    views = _views(shards, question, sample, layer)
    try:
        fold = _folds(shards, question, sample, layer, settings)
        moments = _moments(views, fold, settings.folds)
        pairs = folding.trials(settings.folds, settings.trials, settings.seed, sample)
        trials = cross_validate(moments, pairs, [tuple(pair) for pair in settings.epsilons], settings.standardise)
    except RefusedScoreError as error:
        rows = sum(x.shape[0] for x, _ in views)
        types = f", {views[0][1].shape[1]} types" if question.target == "label" else ""
        dimensions = f"{views[0][0].shape[1]} and {views[0][1].shape[1]} dimensions"
        reason = f"{question.name}, sample {sample}: {error} ({rows} rows of {dimensions}{types})"
        return {"status": "skipped", "reason": reason, "trials": []}
    records = [_trial_record(number, trial) for number, trial in enumerate(trials, start=1)]
    if question.target == "label":
        present = _present(views, fold, settings.folds)
        for record in records:
            seen = present[
                [f for f in range(settings.folds) if f not in (record["dev_fold"], record["test_fold"])]
            ].any(axis=0)
            record |= {"classes": present.shape[1], "classes_unseen": int((~seen).sum())}
    cut = [
        f"{metric}, trial {record['trial']}: kept {kept_x} of {record['dx']} and {kept_y} of {record['dy']} dimensions"
        for record in records
        for metric, (kept_x, kept_y) in record["kept"].items()
        if kept_x < FLAG_BELOW * record["dx"] or kept_y < FLAG_BELOW * record["dy"]
    ]
    reason = cut[0] if cut else ""
    return {"status": "flagged" if cut else "ok", "reason": reason, "trials": records}


def _trial_record(number: int, trial: Trial) -> dict:
    scores = trial.scores["pwcca"]
    sizes = ("n_train", "n_test", "dx", "dy", "kept_x", "kept_y", "rank_x", "rank_y")
    return {
        "trial": number,
        "dev_fold": trial.dev_fold,
        "test_fold": trial.test_fold,
        "regularisers": trial.regularisers,
        "metrics": trial.metrics,
        **{name: getattr(scores, name) for name in sizes},
        # pwcca_published has regularisers of its own, and with them a cut of its own
        "kept": {name: [each.kept_x, each.kept_y] for name, each in trial.scores.items()},
        "classes": 0,
        "classes_unseen": 0,
        "correlations": scores.correlations.tolist(),
    }


def _views(shards: list[h5py.File], question: Property, sample: int, layer: str) -> list[tuple]:
    """(view x, view y) of each shard, in the paper's order: the layer second, but first with labels."""
    path = f"{sample}/{question.span}"
    rows = [store.dataset(file, f"{path}/{layer}") for file in shards]
    if question.target == "T0":
        return [(store.dataset(file, f"{path}/T0"), view) for file, view in zip(shards, rows, strict=True)]
    if question.target == "mel":
        target = f"{sample}/target/mel{rows[0].attrs['grid']}"
        return [(store.dataset(file, target), view) for file, view in zip(shards, rows, strict=True)]
    labels = [store.strings(store.dataset(file, f"{path}/label")) for file in shards]
    classes = np.unique(np.concatenate(labels))
    return [(view, (own[:, None] == classes).astype(np.uint8)) for view, own in zip(rows, labels, strict=True)]


def _moments(views: list[tuple], fold: np.ndarray, folds: int) -> Moments:
    ends = np.cumsum([view.shape[0] for view, _ in views])
    parts = np.split(fold, ends[:-1])
    total = None
    for (x, y), part in zip(views, parts, strict=True):
        if part.size:
            own = fold_moments(x, y, part, folds=folds)
            total = own if total is None else total + own
    if total is None:
        raise RefusedScoreError("there are no rows")
    return total


def _folds(shards: list[h5py.File], question: Property, sample: int, layer: str, settings: ScoreSettings) -> np.ndarray:
    """The folds of all shards' rows, in order. Rows of one utterance are in one shard, so its order does not matter."""
    path = f"{sample}/{question.span}"

    def joined(name: str) -> np.ndarray:
        return np.concatenate([store.strings(store.dataset(file, f"{path}/{name}")) for file in shards])

    utterances = joined("utterance_id")
    groups = None if settings.folds_by == "row" else joined(f"{settings.folds_by}_id")
    how = (groups, settings.folds, settings.seed, sample)
    if question.span == "frame":
        offsets = f"{path}/offsets{store.dataset(shards[0], f'{path}/{layer}').attrs['grid']}"
        frames = np.concatenate([np.diff(store.dataset(file, offsets)[:]) for file in shards])
        return folding.frame_folds(utterances, frames, *how)
    rows = np.concatenate([store.dataset(file, f"{path}/row")[:] for file in shards])
    return folding.segment_folds(joined("label"), utterances, rows, *how)


def _present(views: list[tuple], fold: np.ndarray, folds: int) -> np.ndarray:
    """Which classes occur in which fold, (folds, classes) bool."""
    one_hot = np.concatenate([target for _, target in views])
    return np.array([one_hot[fold == number].any(axis=0) for number in range(folds)])
