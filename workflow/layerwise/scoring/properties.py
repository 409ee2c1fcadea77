"""The questions that are asked of a layer, and the job that scores them.

A score job reads representations and writes one record a layer. It imports neither pandas nor torch: a start costs more
than most scores.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced
from layerwise.files.limits import Limit
from layerwise.layers import is_transformer
from layerwise.representations import store
from layerwise.scoring import chance
from layerwise.scoring import folds as folding
from layerwise.scoring.chance import CHANCE
from layerwise.scoring.measures.cca import (
    LIGHTER,
    REGULARISED,
    Replicates,
    Trial,
    cross_validate,
    fold_moments,
    jackknife,
)
from layerwise.scoring.measures.moments import EmptyFoldError, RefusedScoreError

log = logging.getLogger(__name__)

# A score of a smaller share of a view's dimensions is one of something else than the view.
FLAG_BELOW = 0.9
# Of a matrix with a row for each word and a column for each type: a million words of 8,000 types.
MAX_CELLS = Limit("LAYERWISE_MAX_LABEL_CELLS", 1 << 33, "rows times types")


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

    @property
    def target_first(self) -> bool:
        """Whether the target is view x and the layer view y, as in the paper; labels are the second view."""
        return self.target != "label"

    def layers(self, names: Sequence[str]) -> list[str]:
        """Those of a model's layers that the question is asked of, in order of depth."""
        return [name for name in names if self.conv or is_transformer(name)]


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
    intervals: str = "corpus"

    @property
    def over_speakers(self) -> bool:
        """Whether each score comes with a jackknife over groups of speakers, which then are kept whole in folds."""
        return self.intervals == "speakers"


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
    """Counts, status, reason and trials of one layer."""
    rows = store.rows(shards, f"{sample}/{question.span}/{layer}")
    target = _target(shards, question, sample, layer)
    counts = {
        "n_rows": rows.shape[0],
        "n_types": target.shape[1] if question.target == "label" else 0,
        "n_speakers": _speakers(shards, question, sample, rows.shape[0]),
    }
    try:
        fold, groups = _folds(shards, question, sample, layer, settings, rows.shape[0])
        _require_length(shards, target.shape[0], rows.shape[0], "rows of the target")
        _refuse_empty(fold, settings.folds)
        pairs = folding.trials(settings.folds, settings.trials, settings.seed, sample)
        unrelated = _unrelated(shards, question, sample, layer, target, fold, settings)
        scored, replicates = _trials(question, rows, target, unrelated, fold, groups, pairs, settings)
    except RefusedScoreError as error:
        x, y = (target, rows) if question.target_first else (rows, target)
        types = f", {target.shape[1]} types" if question.target == "label" else ""
        dimensions = f"{x.shape[1]} and {y.shape[1]} dimensions"
        reason = f"{question.name}, sample {sample}: {error} ({rows.shape[0]} rows of {dimensions}{types})"
        return counts | {"status": "skipped", "reason": reason, "trials": []}
    records = [
        {"trial": number, "dev_fold": pair[0], "test_fold": pair[1], **_trial_record(trial, by_chance)}
        for number, (pair, (trial, by_chance)) in enumerate(zip(pairs, scored, strict=True), start=1)
    ]
    if question.target == "label":
        present = np.array([target[fold == number].any(axis=0) for number in range(settings.folds)])
        for record, pair in zip(records, pairs, strict=True):
            seen = np.delete(present, pair, axis=0).any(axis=0)
            record |= {"classes": present.shape[1], "classes_unseen": int((~seen).sum())}
    reason = next((reason for record in records for reason in _doubts(record, question)), "")
    again = {"jackknife": replicates} if replicates else {}
    return counts | {"status": "flagged" if reason else "ok", "reason": reason, "trials": records} | again


def _doubts(record: dict, question: Property) -> Iterator[str]:
    """Why the score of a trial is one of something else than the layer, or of too few rows."""
    trial, dx, dy = record["trial"], record["dx"], record["dy"]
    for metric in REGULARISED:
        kept_x, kept_y = record["kept"][metric]
        if kept_x < FLAG_BELOW * dx or kept_y < FLAG_BELOW * dy:
            yield f"{metric}, trial {trial}: kept {kept_x} of {dx} and {kept_y} of {dy} dimensions"
    rank, dimensions = (record["rank_y"], dy) if question.target_first else (record["rank_x"], dx)
    if rank < FLAG_BELOW * dimensions:
        yield f"trial {trial}: the layer has variance in {rank} directions of {dimensions} dimensions"
    directions = len(record["correlations"])
    if record["n_test"] <= directions:
        yield f"trial {trial}: {record['n_test']} held-out rows for {directions} directions"


@dataclass(frozen=True)
class _Groups:
    """Groups of speakers, for a jackknife.

    Attributes:
        names: (groups,), in order of the alphabet.
        member: (rows,) the number of the group of each row.
    """

    names: list[str]
    member: np.ndarray

    def folds(self, fold: np.ndarray) -> np.ndarray:
        """The fold of each group, (groups,), from that of each row; -1 for a group without rows."""
        fold_of = np.full(len(self.names), -1)
        fold_of[self.member] = fold
        return fold_of


def _trials(
    question: Property,
    rows,
    target,
    unrelated,
    fold: np.ndarray,
    groups: _Groups | None,
    pairs: list,
    settings: ScoreSettings,
) -> tuple[list[tuple[Trial, Trial]], dict]:
    """Each trial on the target and, by chance, on the target with its rows in other places; the former's jackknife."""
    fold, pairs = folding.merged(fold, pairs)
    epsilons = [tuple(pair) for pair in settings.epsilons]
    layer, results, replicates = {}, [], {}
    for view in (target, unrelated):
        views = (view, rows) if question.target_first else (rows, view)
        try:
            if groups and view is target:
                of_groups = fold_moments(*views, groups.member, folds=len(groups.names))
                fold_of = groups.folds(fold)
                # A group without rows adds nothing, wherever it is added.
                moments = of_groups.merged(np.maximum(fold_of, 0))
                results.append(cross_validate(moments, pairs, epsilons, settings.standardise))
                again = jackknife(of_groups, fold_of, results[0], settings.standardise)
                replicates = _replicates(groups.names, again)
                del of_groups  # 20 groups of 1,024 dimensions take 500 MB
            else:
                moments = fold_moments(*views, fold, **layer)
                results.append(cross_validate(moments, pairs, epsilons, settings.standardise))
        except RefusedScoreError as error:
            if view is target:
                raise
            raise type(error)(f"chance level: {error}") from error
        layer = {"known_y": moments.y} if question.target_first else {"known_x": moments.x}
        del moments  # before there are others: those of 1,024 dimensions take 176 MB
    return list(zip(*results, strict=True)), replicates


def _replicates(names: list[str], again: list[Replicates]) -> dict:
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

    def named(facts: dict, facts_by_chance: dict) -> dict:
        return facts | {name + CHANCE: fact for name, fact in facts_by_chance.items()}

    # each metric has a cut of its own: `pwcca_published` chooses its regularisers, `svcca` keeps main directions
    kept, kept_by_chance = (
        {name: list(each.dimensions(name)) for name, each in one.scores.items()} for one in (trial, by_chance)
    )
    return {
        "regularisers": named(trial.regularisers, by_chance.regularisers),
        "metrics": named(trial.metrics, by_chance.metrics),
        **{name: getattr(scores, name) for name in sizes},
        "kept": named(kept, kept_by_chance),
        "classes": 0,
        "classes_unseen": 0,
        "correlations": scores.correlations.tolist(),
    }


def _target(shards: list[h5py.File], question: Property, sample: int, layer: str):
    """What the layer is compared with, (rows × dimensions)."""
    path = f"{sample}/{question.span}"
    if question.target == "T0":
        return store.rows(shards, f"{path}/T0")
    if question.target == "mel":
        return store.rows(shards, f"{sample}/target/mel{_grid(shards[0], f'{path}/{layer}')}")
    labels = store.joined_strings(shards, f"{path}/label")
    types = np.unique(labels)
    MAX_CELLS.require(len(labels) * len(types), f"{shards[0].filename}: {path}/label", store.RepresentationError)
    return (labels[:, None] == types).astype(np.uint8)


def _grid(shard: h5py.File, path: str) -> str:
    """Which mel rows and offsets go with a frame layer."""
    return str(store.fact(store.dataset(shard, path), "grid"))


def _require_length(shards: Sequence[h5py.File], found: int, expected: int, what: str) -> None:
    """Refuse files whose parts do not belong together."""
    if found != expected:
        names = ", ".join(file.filename for file in shards)
        raise store.RepresentationError(f"{names}: {found} {what} where {expected} are expected: extract again")


def _unrelated(
    shards: list[h5py.File],
    question: Property,
    sample: int,
    layer: str,
    target,
    fold: np.ndarray,
    settings: ScoreSettings,
):
    """The target with its rows in other places: which ones, `layerwise.scoring.chance` says."""
    path = f"{sample}/{question.span}"
    key = (question.name, settings.seed, sample)
    if question.span != "frame":
        return target[chance.permutation(store.joined(shards, f"{path}/row"), fold, *key)]
    names = [store.joined_strings(shards, f"{path}/{name}_id") for name in ("utterance", "speaker")]
    lengths = _lengths(shards, f"{path}/offsets")  # those of the T layers, for layers of every grid
    frames = _lengths(shards, f"{path}/offsets{_grid(shards[0], f'{path}/{layer}')}")
    for part, what in ((names[1], "speakers"), (lengths, "utterances"), (frames, "utterances")):
        _require_length(shards, len(part), len(names[0]), what)
    return store.Rearranged(target, chance.frame_rows(*names, lengths, frames, *key))


def _speakers(shards: list[h5py.File], question: Property, sample: int, rows: int) -> int:
    """Of how many speakers the rows are."""
    path = f"{sample}/{question.span}"
    speakers = store.joined_strings(shards, f"{path}/speaker_id")
    if question.span == "frame":
        frames = _lengths(shards, f"{path}/offsets")
        _require_length(shards, len(speakers), len(frames), "speakers")
        return len(np.unique(speakers[frames > 0]))
    _require_length(shards, len(speakers), rows, "speakers")
    return len(np.unique(speakers))


def _refuse_empty(fold: np.ndarray, folds: int) -> None:
    count = np.bincount(fold, minlength=folds)
    if not fold.size:
        raise RefusedScoreError("there are no rows")
    if not count.all():
        raise EmptyFoldError(f"fold {count.argmin()} of {folds} has no rows (rows per fold: {count.tolist()})")


def _folds(
    shards: list[h5py.File], question: Property, sample: int, layer: str, settings: ScoreSettings, rows: int
) -> tuple[np.ndarray, _Groups | None]:
    """The folds of all shards' rows, in order, and the groups of a jackknife, where there is one.

    Rows of one utterance are in one shard, so its order does not matter.
    """
    path = f"{sample}/{question.span}"
    utterances = store.joined_strings(shards, f"{path}/utterance_id")
    by = settings.folds_by
    groups = None if by == "row" else store.joined_strings(shards, f"{path}/{by}_id")
    if groups is not None:
        _require_length(shards, len(groups), len(utterances), f"{by}s")
    names: list[str] = []
    if settings.over_speakers:
        group_of = folding.speaker_groups(store.all_strings(shards, "speaker_id"), settings.folds, settings.seed)
        names = sorted(set(group_of.values()))
        groups = np.array([group_of[speaker] for speaker in groups.tolist()], dtype=str)
    how = (groups, settings.folds, settings.seed, sample)
    if question.span == "frame":
        frames = _lengths(shards, f"{path}/offsets{_grid(shards[0], f'{path}/{layer}')}")
        _require_length(shards, len(utterances), len(frames), "utterances")
        _require_length(shards, int(frames.sum()), rows, "frames")
        fold = folding.frame_folds(utterances, frames, *how)
        return fold, _Groups(names, np.repeat(np.searchsorted(names, groups), frames)) if names else None
    labels, places = store.joined_strings(shards, f"{path}/label"), store.joined(shards, f"{path}/row")
    for part, what in ((utterances, "utterances"), (labels, "labels"), (places, "places")):
        _require_length(shards, len(part), rows, what)
    fold = folding.segment_folds(labels, utterances, places, *how)
    return fold, _Groups(names, np.searchsorted(names, groups)) if names else None


def _lengths(shards: list[h5py.File], path: str) -> np.ndarray:
    """Frames of each utterance of all shards, in order; its borders lie at `path`."""
    lengths = []
    for file in shards:
        borders = store.numbers(store.dataset(file, path))
        if not len(borders) or borders[0] != 0 or (borders[1:] < borders[:-1]).any() or borders[-1] >= 1 << 48:
            raise store.RepresentationError(f"{file.filename}: {path} has no borders of utterances: extract again")
        lengths.append(np.diff(borders.astype(np.int64)))
    return np.concatenate(lengths)
