"""What stands beside the rows of a layer: target, folds, speakers, and the shuffled target that gives chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from layerwise.constants import MEL_SECONDS
from layerwise.corpus.times import comparable
from layerwise.layers import is_conv
from layerwise.representations import layout, store
from layerwise.scoring import chance
from layerwise.scoring import folds as folding
from layerwise.scoring.properties import Property
from layerwise.scoring.refusals import EmptyFoldError, RefusedScoreError
from layerwise.scoring.settings import ScoreSettings
from layerwise.scoring.target import Matched
from layerwise.targets.located import LocatedIntervals, read_located
from layerwise.targets.reading import SPEAKER, UTTERANCE, TargetTable, read_targets


@dataclass(frozen=True)
class ReadFile:
    """A file that a measure reads as it is.

    Attributes:
        name: what the property calls it.
        pairs: how many it has, where that is known. suffixes: ends of words that are no part of them.
    """

    path: Path
    name: str
    pairs: int | None = None
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Beside:
    """What a question needs beside the representations of the model.

    Attributes:
        acoustics: file of the acoustic measure. targets: file of what was looked up.
        other: shards of the other model.
        intervals: file of where phones and words lie.
        files: what the measure reads as it is, by the names that the property gives them.
    """

    acoustics: Path | None = None
    targets: Path | None = None
    other: Sequence[h5py.File] = ()
    intervals: Path | None = None
    files: Sequence[ReadFile] = ()


@dataclass(frozen=True)
class SpeakerGroups:
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


@dataclass(frozen=True)
class LayerRows:
    """The rows of one layer, for one question and sample set, in the shards of a model."""

    shards: Sequence[h5py.File]
    question: Property
    sample: int
    layer: str
    beside: Beside = field(default_factory=Beside)

    @property
    def is_of_frames(self) -> bool:
        return not self.question.of_segments

    @cached_property
    def matched(self) -> Matched:
        """What the layer is compared with."""
        return self.question.target.match(self)

    @property
    def labels(self) -> np.ndarray:
        """(kept rows,) of a target of labels."""
        labels = self.matched.labels
        return self.of_kept("label") if labels is None else labels

    def matrix(self) -> Any:
        """The rows that have a target, (kept rows × dimensions)."""
        rows, kept = self.all_rows(), self.matched.kept
        return rows if kept is None else store.Rearranged(rows, kept)

    def all_rows(self) -> store.Rows:
        """(rows × dimensions)."""
        return store.rows(self.shards, self.place(self.layer))

    def located(self) -> LocatedIntervals:
        """Where the phones or words lie in the utterances of the sample that frames are of."""
        if self.beside.intervals is None:
            raise store.RepresentationError(f"{self.question.name} needs a file of intervals, and none was given")
        return read_located(self.beside.intervals, self.question.target.tier)  # type: ignore[attr-defined]

    def looked_up(self) -> TargetTable:
        """The table of the target, with a type for each row of the layer."""
        if self.beside.targets is None:
            raise store.RepresentationError(f"{self.question.name} needs a file of targets, and none was given")
        table = read_targets(self.beside.targets)
        if self.is_of_frames:  # its rows are the utterances of the sample, in the order of their names
            utterances = self.texts("utterance_id")
            self.require_length(len(utterances), len(table.type), "utterances")
            types = np.empty(len(utterances), np.int64)
            types[np.argsort(utterances, kind="stable")] = table.type
            return replace(table, type=np.repeat(types, self.frames()))
        places = store.joined(self.shards, self.place("row"))
        if places.max(initial=-1) >= len(table.type):
            raise store.RepresentationError(
                f"{self.where()}: row {places.max()} of a table that has {len(table.type)} rows: extract again"
            )
        return replace(table, type=table.type[places])

    def own_layer(self, layer: str) -> store.Rows:
        """Another layer of the same model, over the same rows.

        Raises:
            RefusedScoreError: its frames are not as far apart; the message has the numbers.
        """
        self._require_grid(replace(self, layer=layer), layer)
        return store.rows(self.shards, self.place(layer))

    def matched_layer(self, layer: str) -> store.Rows:
        """A layer of the other model, over the same rows.

        Raises:
            RefusedScoreError: its rows are not the same; the message has the numbers.
        """
        theirs = LayerRows(self.beside.other, self.question, self.sample, layer)
        rows = store.rows(theirs.shards, theirs.place(layer))
        self._require_grid(theirs, self.question.target.name)
        keys = ("utterance_id",) if self.is_of_frames else ("utterance_id", "label")
        same = all(np.array_equal(self.texts(key), theirs.texts(key)) for key in keys) and (
            np.array_equal(self.frames(), theirs.frames())
            if self.is_of_frames
            else np.array_equal(*(store.joined(each.shards, each.place("row")) for each in (self, theirs)))
        )
        if not same:
            raise RefusedScoreError(
                f"{self.all_rows().shape[0]} rows cannot be compared with {rows.shape[0]} of "
                f"{self.question.target.name}: both models must give a frame at the same times"
            )
        return rows

    def unrelated(self, target: Any, fold: np.ndarray, seed: int) -> Any:
        """The target, shuffled: `layerwise.scoring.chance` says how.

        Args:
            target: as `matched` has it.
            fold: (kept rows,).
        """
        key = (self.question.name, seed, self.sample)
        unit = self.matched.unit
        # A whole utterance is a row: there, what has a value for each is shuffled as rows are.
        if unit == SPEAKER or (unit == UTTERANCE and self.question.rows.of != UTTERANCE):
            return target[chance.of_units(self.of_rows(f"{unit}_id"), *key)]
        if self.question.of_segments:
            places = self._kept(store.joined(self.shards, self.place("row")))
            return target[chance.permutation(places, fold, *key)]
        names = [self.texts(name) for name in layout.NAMES]
        lengths = self._lengths(layout.borders(self.sample))  # those of the T layers, for layers of every grid
        frames = self.frames()
        for part, what in ((names[1], "speakers"), (lengths, "utterances"), (frames, "utterances")):
            self.require_length(len(part), len(names[0]), what)
        if self.matched.kept is not None:
            frames = np.bincount(self._kept(np.repeat(np.arange(frames.size), frames)), minlength=frames.size)
            lengths = np.where(frames > 0, lengths, 0)
        places = chance.frame_rows(*names, lengths, frames, *key)
        return target[places] if isinstance(target, np.ndarray) else store.Rearranged(target, places)

    def speakers(self) -> int:
        """Of how many speakers the rows are."""
        speakers = self.texts("speaker_id")
        if self.is_of_frames:
            frames = self._lengths(layout.borders(self.sample))
            self.require_length(len(speakers), len(frames), "speakers")
            return len(np.unique(speakers[frames > 0]))
        self.require_length(len(speakers), self.all_rows().shape[0], "speakers")
        return len(np.unique(speakers))

    def folds(self, settings: ScoreSettings) -> tuple[np.ndarray, SpeakerGroups | None]:
        """The fold of each row that has a target, (kept rows,), and the groups of a jackknife, where there is one.

        Rows of one utterance are in one shard, so the order of shards does not matter.
        """
        rows, utterances = self.all_rows().shape[0], self.texts("utterance_id")
        by = settings.folds_by
        groups = None if by == "row" else self.texts(f"{by}_id")
        if groups is not None:
            self.require_length(len(groups), len(utterances), f"{by}s")
        names: list[str] = []
        if settings.over_speakers:
            everybody = store.all_strings(self.shards, "speaker_id")
            group_of = folding.speaker_groups(everybody, settings.folds, settings.seed)
            names = sorted(set(group_of.values()))
            groups = np.array([group_of[speaker] for speaker in groups.tolist()], dtype=str)
        how = (settings.folds, settings.seed, self.sample)
        if self.is_of_frames:
            frames = self.frames()
            self.require_length(len(utterances), len(frames), "utterances")
            self.require_length(int(frames.sum()), rows, "frames")
            fold = self._kept(folding.frame_folds(utterances, frames, groups, *how))
            return fold, SpeakerGroups(
                names, self._kept(np.repeat(np.searchsorted(names, groups), frames))
            ) if names else None
        labels, places = self.texts("label"), store.joined(self.shards, self.place("row"))
        for part, what in ((utterances, "utterances"), (labels, "labels"), (places, "places")):
            self.require_length(len(part), rows, what)
        balanced = self._kept(labels) if self.matched.labels is None else self.matched.labels
        groups = None if groups is None else self._kept(groups)
        fold = folding.segment_folds(balanced, self._kept(utterances), self._kept(places), groups, *how)
        return fold, SpeakerGroups(names, np.searchsorted(names, groups)) if names else None

    def require_length(self, found: int, expected: int, what: str) -> None:
        """Refuse files whose parts do not belong together."""
        if found != expected:
            names = ", ".join(file.filename for file in self.shards)
            raise store.RepresentationError(f"{names}: {found} {what} where {expected} are expected: extract again")

    def where(self) -> str:
        """The place of the rows, for messages."""
        return f"{self.shards[0].filename}: {self.place('label')}"

    def place(self, name: str) -> str:
        return layout.rows_path(self.sample, self.question.rows, name)

    def texts(self, name: str) -> np.ndarray:
        """What a row, or the utterance of frames, is called: utterance_id, speaker_id or label."""
        return store.joined_strings(self.shards, self.place(name))

    def grid(self) -> str:
        """Which mel rows and borders go with a frame layer."""
        return str(store.fact(store.dataset(self.shards[0], self.place(self.layer)), "grid"))

    def seconds_per_row(self) -> float:
        """Of a frame layer."""
        if is_conv(self.layer) and self.grid() == layout.EVERY_10MS:
            return MEL_SECONDS
        return float(store.fact(self.shards[0], "stride_seconds"))  # type: ignore[arg-type]

    def frames(self) -> np.ndarray:
        """Frames of each utterance in the layer."""
        return self._lengths(layout.borders(self.sample, self.grid()))

    def borders(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Utterance, start and end in seconds of each segment."""
        times = (
            np.concatenate([store.seconds(store.dataset(file, self.place(name))) for file in self.shards])
            for name in ("start", "end")
        )
        return self.texts("utterance_id"), *times

    def _require_grid(self, theirs: LayerRows, called: str) -> None:
        if not self.is_of_frames:
            return
        ours, other = self.seconds_per_row(), theirs.seconds_per_row()
        if comparable(ours) != comparable(other):
            raise RefusedScoreError(f"frames of {ours:g} s cannot be compared with those of {other:g} s of {called}")

    def places(self) -> np.ndarray:
        """The row of the table that each kept row of segments is."""
        return self._kept(store.joined(self.shards, self.place("row")))

    def of_kept(self, name: str) -> np.ndarray:
        """The texts of the kept rows of segments: utterance_id, speaker_id or label."""
        return self._kept(self.texts(name))

    def of_rows(self, name: str) -> np.ndarray:
        """The utterance or speaker of each kept row: utterance_id or speaker_id."""
        texts = self.texts(name)
        return self._kept(np.repeat(texts, self.frames()) if self.is_of_frames else texts)

    def _kept(self, values: np.ndarray) -> np.ndarray:
        return values if self.matched.kept is None else values[self.matched.kept]

    def _lengths(self, path: str) -> np.ndarray:
        """Frames of each utterance of all shards, in order; where each ends and begins lies at `path`."""
        lengths = []
        for file in self.shards:
            borders = store.numbers(store.dataset(file, path))
            if not len(borders) or borders[0] != 0 or (borders[1:] < borders[:-1]).any() or borders[-1] >= 1 << 48:
                raise store.RepresentationError(f"{file.filename}: {path} has no borders of utterances: extract again")
            lengths.append(np.diff(borders.astype(np.int64)))
        return np.concatenate(lengths)


def refuse_empty(fold: np.ndarray, folds: int) -> None:
    """Refuse folds of which one has no rows.

    Raises:
        RefusedScoreError: there are no rows at all.
        EmptyFoldError: a fold has none.
    """
    count = np.bincount(fold, minlength=folds)
    if not fold.size:
        raise RefusedScoreError("there are no rows")
    if not count.all():
        raise EmptyFoldError(f"fold {count.argmin()} of {folds} has no rows (rows per fold: {count.tolist()})")


def refuse_single(one_hot: np.ndarray) -> None:
    """Refuse labels of which fewer than two occur in more than one row: nothing learned could be tested.

    Args:
        one_hot: (rows, labels).

    Raises:
        RefusedScoreError: the message has the numbers.
    """
    repeated = int((one_hot.sum(axis=0) > 1).sum())
    if repeated < 2:
        raise RefusedScoreError(
            f"{repeated} of {one_hot.shape[1]} labels occur in more than one row: a label has to be in training and in "
            "the rows that are scored"
        )


def refuse_alike(one_hot: np.ndarray, fold: np.ndarray, held_out: Iterable[int], folds_by: str) -> None:
    """Refuse folds of which a held-out one has rows of one label only: there is nothing to tell apart in it.

    Args:
        one_hot: (rows, labels). fold: (rows,). held_out: numbers of folds. folds_by: what stays together in a fold.

    Raises:
        RefusedScoreError: the message says what would help.
    """
    for number in sorted(set(held_out)):
        if np.count_nonzero(one_hot[fold == number].any(axis=0)) > 1:
            continue
        together = "" if folds_by == "row" else f", as all rows of one {folds_by} are in one fold"
        raise RefusedScoreError(
            f"a held-out fold has only one of the {one_hot.shape[1]} labels{together}: fewer folds (cca.folds) or more "
            "recordings are needed"
        )
