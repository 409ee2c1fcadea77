"""Whether the rows that were drawn are enough for a question, before any layer of them is computed.

Folds follow from labels, utterances and seeds alone, so that what a score would refuse for want of rows, or flag, is
known as soon as rows are drawn. What a layer's numbers decide, such as dimensions without variance, is not, nor for how
many rows a file that is looked up later has a target: what is refused here is refused then, and more may be.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from layerwise.cells import FLAGGED, OK, SKIPPED
from layerwise.scoring import folds as folding
from layerwise.scoring.measures.abx import require_cells
from layerwise.scoring.measures.abx_items import items_of_located
from layerwise.scoring.measures.usable_segments import usable_segments
from layerwise.scoring.properties import Property
from layerwise.scoring.references import Intervals
from layerwise.scoring.refusals import RefusedScoreError, require_held_out, require_more_rows
from layerwise.scoring.rows import refuse_alike, refuse_empty, refuse_single
from layerwise.scoring.settings import FLAG_BELOW, ScoreSettings
from layerwise.scoring.targets import Attributes, Label, Vectors
from layerwise.targets.located import LocatedIntervals


@dataclass(frozen=True)
class DrawnRows:
    """What a sample set has of the rows of a question.

    Attributes:
        utterances, speakers: of each segment, (rows,), in the order of its table; of frames, (utterances,).
        labels: (rows,) of segments; of frames nothing.
        frames: (utterances,) how many frames each has; None: rows are segments.
        located: tier → where its intervals lie in the utterances; None: rows are segments.
    """

    utterances: np.ndarray
    speakers: np.ndarray
    labels: np.ndarray | None = None
    frames: np.ndarray | None = None
    located: Callable[[str], LocatedIntervals] | None = None

    @property
    def count(self) -> int:
        return len(self.utterances) if self.frames is None else int(self.frames.sum())

    def of_rows(self, column: str) -> np.ndarray:
        """A column that stands beside the rows, (rows,): label, utterance_id or speaker_id."""
        texts = {"label": self.labels, "utterance_id": self.utterances, "speaker_id": self.speakers}[column]
        return texts if self.frames is None else np.repeat(texts, self.frames)  # type: ignore[arg-type,return-value]

    def folds(self, settings: ScoreSettings, sample: int, balanced: np.ndarray | None) -> np.ndarray:
        """The fold of each row, (rows,), as the job that scores deals them.

        Args:
            balanced: (rows,) the labels of which each fold gets its share; None: their own.

        Raises:
            FoldError: fewer groups than folds.
        """
        groups = {"row": None, "utterance": self.utterances, "speaker": self.speakers}[settings.folds_by]
        if settings.over_speakers:
            group_of = folding.speaker_groups(self.speakers.tolist(), settings.folds, settings.seed)
            groups = np.array([group_of[speaker] for speaker in self.speakers.tolist()], dtype=str)
        how = (groups, settings.folds, settings.seed, sample)
        if self.frames is not None:
            return folding.frame_folds(self.utterances, self.frames, *how)
        labels = self.labels if balanced is None else balanced
        return folding.segment_folds(labels, self.utterances, np.arange(self.count), *how)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Verdict:
    """Whether a layer of some size can be scored on some rows.

    Attributes:
        status: ok; flagged: it can, but the score will be marked as doubtful; skipped: it cannot.
        reason: why not ok. note: what is worth knowing of it all the same.
        rows, types, speakers: how many. types: 0 where the target has no labels, or they are not known yet.
        dx, dy: dimensions of the layer and its target, whatever the order of views; None: not known yet, or without
            meaning.
        train, test: rows of the smallest training set and held-out fold; None: nothing is fitted, or no folds.
    """

    status: str
    reason: str
    rows: int
    types: int
    speakers: int
    dx: int | None = None
    dy: int | None = None
    train: int | None = None
    test: int | None = None
    note: str = ""


def enough(
    question: Property, drawn: DrawnRows, layer: int, other: int, settings: ScoreSettings, sample: int
) -> Verdict | None:
    """Whether a layer can be scored on the rows that were drawn; None: of this measure nobody knows before.

    Args:
        layer: dimensions of the layer.
        other: those of the layer that it is compared with, where it is.
        settings: as the configuration has them; the question may have folds of its own.
    """
    check = CHECKS.get(question.measure.name)
    return None if check is None else check(question, drawn, layer, other, settings.of(question), sample)


def _of_moments(
    question: Property, drawn: DrawnRows, layer: int, other: int, settings: ScoreSettings, sample: int
) -> Verdict:
    """As `layerwise.scoring.scores.cca` refuses and flags, in its order."""
    labels = _labels(question, drawn)
    one_hot = types = None
    if labels is not None:
        types, member = np.unique(labels, return_inverse=True)
        one_hot = (member[:, None] == np.arange(len(types))).astype(np.uint8)
    known = 0 if types is None else len(types)
    target = _dimensions(question, other, known)
    train = test = None
    status, reason, note = OK, "", ""
    try:
        fold = drawn.folds(settings, sample, labels)
        if one_hot is not None and fold.size:
            refuse_single(one_hot)
        refuse_empty(fold, settings.folds)
        pairs = folding.trials(settings.folds, settings.trials, settings.seed, sample)
        size = np.bincount(fold, minlength=settings.folds)
        train = int(min(fold.size - size[list(pair)].sum() for pair in pairs))
        test = int(min(size[pair[1]] for pair in pairs))
        if one_hot is not None:
            refuse_alike(one_hot, fold, itertools.chain(*pairs), settings.folds_by)
        require_more_rows(train, *question.target.views(target or 1, layer))
        for number in itertools.chain(*pairs):
            require_held_out(int(size[number]), [number])
        seen = known
        if one_hot is not None:
            seen = min(int(one_hot[~np.isin(fold, pair)].any(axis=0).sum()) for pair in pairs)
        if seen < FLAG_BELOW * known:
            status, reason = FLAGGED, f"training has {seen} of the {known} labels in some trial"
        # The columns of labels that training has add up to 1: one direction less than labels.
        directions = min(layer, seen - 1 if known else target or 1)
        if test <= directions:
            status, reason = FLAGGED, f"{test} held-out rows for {directions} directions"
    except RefusedScoreError as error:
        status, reason = SKIPPED, str(error)
    if known > layer:
        note = f"{known} labels, more than the {layer} dimensions of the layer, whose directions weigh pwcca then"
    return Verdict(status, reason, drawn.count, known, len(np.unique(drawn.speakers)), layer, target, train, test, note)


def _of_clusters(
    question: Property, drawn: DrawnRows, layer: int, other: int, settings: ScoreSettings, sample: int
) -> Verdict:
    """As `layerwise.scoring.scores.mutual_information` refuses."""
    labels, clusters = _labels(question, drawn), question.measure.options["clusters"]
    train = test = None
    status, reason = OK, ""
    try:
        fold = drawn.folds(settings, sample, labels)
        refuse_empty(fold, settings.folds)
        held_out = [pair[1] for pair in folding.trials(settings.folds, settings.trials, settings.seed, sample)]
        size = np.bincount(fold, minlength=settings.folds)
        train, test = int(min(fold.size - size[held_out])), int(min(size[held_out]))
        if train < clusters:
            raise RefusedScoreError(f"{clusters} clusters of {train} training rows: no more clusters than rows")
        alike = [] if labels is None else [n for n in held_out if len(np.unique(labels[fold == n])) < 2]
        if alike:
            raise RefusedScoreError(f"all {size[alike[0]]} rows of a held-out fold have the same label")
    except RefusedScoreError as error:
        status, reason = SKIPPED, str(error)
    types = 0 if labels is None else len(np.unique(labels))
    return Verdict(status, reason, drawn.count, types, len(np.unique(drawn.speakers)), layer, None, train, test)


def _of_pairs(
    question: Property, drawn: DrawnRows, layer: int, other: int, settings: ScoreSettings, sample: int
) -> Verdict | None:
    """As `layerwise.scoring.scores.word_discrimination` refuses segments without two of a label, or two labels."""
    if isinstance(question.target, Intervals):
        return _of_aligned_pairs(question, drawn, layer, settings, sample)
    labels = None if drawn.frames is not None else _labels(question, drawn)
    if labels is None:
        return None
    counts = np.unique(labels, return_counts=True)[1]
    same, pairs = int((counts * (counts - 1) // 2).sum()), labels.size * (labels.size - 1) // 2
    status, reason = OK, ""
    if same in (0, pairs):
        kind = "one label" if same == 0 else "different labels"
        status, reason = SKIPPED, f"no pair of {labels.size} segments of {counts.size} labels is of {kind}"
    return Verdict(status, reason, drawn.count, counts.size, len(np.unique(drawn.speakers)), layer)


def _of_aligned_pairs(
    question: Property, drawn: DrawnRows, layer: int, settings: ScoreSettings, sample: int
) -> Verdict | None:
    """The same of segments that are cut out of frames: too few that are long enough."""
    located = _located(question, drawn)
    if located is None:
        return None
    status, reason, labels = OK, "", np.array([], str)
    try:
        there, key = np.ones(len(located.label), bool), (settings.seed, sample, question.name)
        labels = located.label[usable_segments(located, there, question.target.name, question.measure.options, *key)]
    except RefusedScoreError as error:
        status, reason = SKIPPED, str(error)
    return Verdict(status, reason, len(labels), len(np.unique(labels)), len(np.unique(drawn.speakers)), layer)


def _of_items(
    question: Property, drawn: DrawnRows, layer: int, other: int, settings: ScoreSettings, sample: int
) -> Verdict | None:
    """As `layerwise.scoring.scores.abx` refuses phones of which no two can be compared; nothing is known of files."""
    located, option = _located(question, drawn), question.measure.options
    if located is None:
        return None
    status, reason, rows, types = OK, "", 0, 0
    try:
        items = items_of_located(located, option["span"])
        rows, types = len(items), len(np.unique(items.phone))
        require_cells(items, option["speaker"], option["context"])
    except RefusedScoreError as error:
        status, reason = SKIPPED, str(error)
    return Verdict(status, reason, rows, types, len(np.unique(drawn.speakers)), layer)


def _of_boundaries(
    question: Property, drawn: DrawnRows, layer: int, other: int, settings: ScoreSettings, sample: int
) -> Verdict:
    """As `layerwise.scoring.scores.word_segmentation` refuses folds; how many words there are is not looked at."""
    status, reason = OK, ""
    try:
        refuse_empty(drawn.folds(settings, sample, None), settings.folds)
    except RefusedScoreError as error:
        status, reason = SKIPPED, str(error)
    return Verdict(status, reason, drawn.count, 0, len(np.unique(drawn.speakers)), layer)


# By the name of the measure. The others read ratings from files, whose words and recordings are looked for later.
CHECKS: dict[str, Callable[[Property, DrawnRows, int, int, ScoreSettings, int], Verdict | None]] = {
    "cca": _of_moments,
    "mutual_information": _of_clusters,
    "word_discrimination": _of_pairs,
    "word_segmentation": _of_boundaries,
    "abx": _of_items,
}


def _located(question: Property, drawn: DrawnRows) -> LocatedIntervals | None:
    """Where the intervals lie that a question is about; None: it is about none, or they are not known."""
    target = question.target
    return drawn.located(target.tier) if isinstance(target, Intervals) and drawn.located else None


def _labels(question: Property, drawn: DrawnRows) -> np.ndarray | None:
    """The label of each row, (rows,); None: the target has none, or they are looked up later."""
    target = question.target
    return drawn.of_rows(target.column) if isinstance(target, Label) and not target.looked_up else None


def _dimensions(question: Property, other: int, types: int) -> int | None:
    """Dimensions of the target; None: those of a file that is read later."""
    target = question.target
    if isinstance(target, (Vectors, Attributes)) or (isinstance(target, Label) and target.looked_up):
        return None
    return target.width(lambda _: other, types)
