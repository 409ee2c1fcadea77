"""Cleaning alignments: from tiers as an aligner wrote them to the phones and words of the analysis.

Hundreds of utterances are cleaned at once, as columns; only where something is wrong, one interval after the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from layerwise.corpus import Problem
from layerwise.examining import doubt
from layerwise.phones import PhoneSet, UnknownPhoneError
from layerwise.tiers import AlignmentError, Tier
from layerwise.times import comparable

TIERS = ("phone", "word")
# Labels of word tiers that are silence; what stands in <angle> or {curly} brackets is no word either.
SILENCE = frozenset({"", "sp", "spn", "sil"})
# How far an alignment may reach past its recording, in seconds; aligners round up to whole frames.
MAX_OVERRUN_SECONDS = 0.05
# Aligners go on to the end, through silence; one that stops in the first half was perhaps made for another recording.
MIN_COVERAGE = 0.5

INTERVAL_SCHEMA = pa.schema(
    [
        ("utterance_id", pa.string()),
        ("tier", pa.string()),
        ("label", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
    ]
)

# Less than a sample: boundaries that only a writer's rounding makes overlap.
_SAME_TIME_SECONDS = 1e-5
_NO_LABEL, _SILENT = -1, -2


class Utterance(NamedTuple):
    """What an alignment file says of an utterance, and how many seconds its recording has."""

    utterance_id: str
    file: str
    duration: float
    tiers: Sequence[Tier]


@dataclass
class Tally:
    """What happened to intervals: (tier, label) dropped, (tier, label) kept (of words: under ""), ends clipped."""

    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    clipped: int = 0

    def add(self, other: Tally) -> None:
        self.dropped.update(other.dropped)
        self.kept.update(other.kept)
        self.clipped += other.clipped


class Cleaned(NamedTuple):
    """Intervals (`INTERVAL_SCHEMA`), what was wrong, and what was dropped."""

    intervals: pa.Table
    problems: list[Problem]
    tally: Tally


def clean_word(label: str) -> str | None:
    """The word that a label stands for, or None for silence, unknown words (`<unk>`) and other markers in brackets."""
    label = label.strip()
    return None if label.lower() in SILENCE or label[0] in "<{" else label


def named(tiers: Sequence[Tier], names: Sequence[str]) -> list[Tier]:
    """The tiers that have one of these names, in any case of letters."""
    lower = {name.lower() for name in names}
    return [tier for tier in tiers if tier.name.strip().lower() in lower]


def clean(utterances: Sequence[Utterance], tier_names: Mapping[str, Sequence[str]], phones: PhoneSet) -> Cleaned:
    """The intervals of speech in some utterances, in order of utterance, tier (phones first), and as in the file.

    Dropped are silence and unknown words, which are counted, and, which is a problem each: intervals without label or
    length, overlapping the one before, or outside of the recording; all of an utterance that reaches more than
    `MAX_OVERRUN_SECONDS` past its recording. Up to there ends are clipped to the recording's. What ends before
    `MIN_COVERAGE` of the recording is kept, and named.

    Args:
        tier_names: what tiers of phones (`phone`) and words (`word`) are called.

    Raises:
        AlignmentError: a phone outside of the set.
    """
    rows, problems = _columns(utterances, tier_names)
    durations = np.array([utterance.duration for utterance in utterances])
    last = _last_ends(rows, len(utterances))
    problems += [
        _problem(utterances[index], *doubt("shorter than the recording", _ends(last[index], durations[index])))
        for index in np.flatnonzero((last > 0) & (comparable(last) < comparable(MIN_COVERAGE * durations)))
    ]
    tally = Tally()
    rows = _with_clean_labels(rows, utterances, phones, tally)

    unlabelled = rows.label == _NO_LABEL
    problems += [rows.problem(row, "no label", utterances) for row in np.flatnonzero(unlabelled)]
    rows = rows.where(~unlabelled)

    last = _last_ends(rows, len(utterances))
    too_long = comparable(last) > comparable(durations + MAX_OVERRUN_SECONDS)
    problems += [
        _problem(utterances[index], "longer than the recording", _ends(last[index], durations[index]))
        for index in np.flatnonzero(too_long)
    ]
    rows = rows.where(~too_long[rows.utterance])

    faults = _faults(rows, durations)
    problems += [rows.problem(row, fault, utterances) for row, fault in faults.items()]
    rows = rows.where(~np.isin(np.arange(len(rows)), list(faults)))

    ends = np.minimum(rows.end, durations[rows.utterance])
    tally.clipped = int((comparable(ends) < comparable(rows.end)).sum())
    for label, number in enumerate(np.bincount(rows.label[rows.tier == 0])):
        tally.kept["phone", rows.labels[label]] += int(number)
    tally.kept["word", ""] += int((rows.tier == 1).sum())
    intervals = pa.table(
        {
            "utterance_id": _decoded(rows.utterance, [utterance.utterance_id for utterance in utterances]),
            "tier": _decoded(rows.tier, TIERS),
            "label": _decoded(rows.label, rows.labels),
            "start": rows.start,
            "end": ends,
        },
        INTERVAL_SCHEMA,
    )
    return Cleaned(intervals, problems, tally)


def _last_ends(rows: _Rows, utterances: int) -> np.ndarray:
    """Seconds at which the last interval of each utterance ends; 0 where it has none."""
    last = np.zeros(utterances)
    np.fmax.at(last, rows.utterance, rows.end)
    return last


def _ends(last: float, duration: float) -> str:
    return f"its last interval ends at {last:g} s, the recording at {duration:g} s"


def _problem(utterance: Utterance, kind: str, detail: str) -> Problem:
    return Problem(utterance.utterance_id, utterance.file, kind, detail)


def _decoded(places: np.ndarray, names: Sequence[str]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(places))


# Columns


@dataclass(frozen=True)
class _Rows:
    """Intervals as columns of equal length.

    Attributes:
        utterance, tier, label: places in the utterances, in `TIERS` and in `labels`; a label may be `_NO_LABEL`.
        start, end: seconds.
        labels: every label, once.
    """

    utterance: np.ndarray
    tier: np.ndarray
    label: np.ndarray
    start: np.ndarray
    end: np.ndarray
    labels: list[str | None]

    def __len__(self) -> int:
        return len(self.utterance)

    def where(self, mask: np.ndarray) -> _Rows:
        columns = (self.utterance, self.tier, self.label, self.start, self.end)
        return _Rows(*(column[mask] for column in columns), self.labels)

    def problem(self, row: int, kind: str, utterances: Sequence[Utterance]) -> Problem:
        label = "" if self.label[row] == _NO_LABEL else f" {self.labels[self.label[row]]!r}"
        detail = f"{TIERS[self.tier[row]]}{label} from {self.start[row]:g} to {self.end[row]:g} s"
        return _problem(utterances[self.utterance[row]], kind, detail)


def _columns(utterances: Sequence[Utterance], tier_names: Mapping[str, Sequence[str]]) -> tuple[_Rows, list[Problem]]:
    """The intervals of all tiers that count, as they are in the files, and what tiers are missing."""
    code_of: dict[str | None, int] = defaultdict(count().__next__)
    label, start, end = [], [], []
    owner, kind, size = [], [], []  # of each tier
    problems = []
    for index, utterance in enumerate(utterances):
        for tier, names in enumerate(tier_names[tier] for tier in TIERS):
            found = [tier for tier in named(utterance.tiers, names) if tier.labels]
            if not found:
                there = ", ".join(sorted({tier.name for tier in utterance.tiers if tier.labels})) or "none"
                detail = f"tiers with intervals: {there}"
                problems.append(_problem(utterance, f"no {names[0]}", detail))
            for part in found:
                label += map(code_of.__getitem__, part.labels)
                start += part.starts
                end += part.ends
                owner.append(index)
                kind.append(tier)
                size.append(len(part.labels))
    rows = _Rows(
        *(np.repeat(np.array(column, np.int64), size) for column in (owner, kind)),
        np.array(label, np.int64),
        np.array(start, np.float64),
        np.array(end, np.float64),
        list(code_of),
    )
    return rows, problems


def _with_clean_labels(rows: _Rows, utterances: Sequence[Utterance], phones: PhoneSet, tally: Tally) -> _Rows:
    """Rows with phones and words of the analysis for labels, without those that are dropped."""
    pairs, first, pair_of, numbers = np.unique(
        rows.tier * len(rows.labels) + rows.label, return_index=True, return_inverse=True, return_counts=True
    )
    code_of: dict[str, int] = defaultdict(count().__next__)
    codes = np.empty(len(pairs), np.int64)
    for pair, row in enumerate(first):
        tier, label = TIERS[rows.tier[row]], rows.labels[rows.label[row]]
        if label is None:
            codes[pair] = _NO_LABEL
            continue
        try:
            clean_label = clean_word(label) if tier == "word" else phones.clean(label)
        except UnknownPhoneError as error:
            raise AlignmentError(f"utterance {utterances[rows.utterance[row]].utterance_id} has {error}") from error
        codes[pair] = _SILENT if clean_label is None else code_of[clean_label]
        if clean_label is None:
            tally.dropped[tier, label.strip().lower()] += int(numbers[pair])
    return replace(rows, label=codes[pair_of], labels=list(code_of)).where(codes[pair_of] != _SILENT)


# Faults


def _faults(rows: _Rows, durations: np.ndarray) -> dict[int, str]:
    """What is wrong with which row.

    An interval is compared with the last one before it that is kept. In an utterance where every interval stands the
    comparison with the very one before, all are kept, and nothing needs a second look.
    """
    starts, ends, durations = comparable(rows.start), comparable(rows.end), comparable(durations)
    same_tier = (rows.utterance[1:] == rows.utterance[:-1]) & (rows.tier[1:] == rows.tier[:-1])
    previous_end = np.zeros(len(rows))
    previous_end[1:][same_tier] = ends[:-1][same_tier]
    suspect = (
        ~(ends > starts)
        | (starts >= durations[rows.utterance])
        | (starts < comparable(previous_end - _SAME_TIME_SECONDS))
    )
    faults: dict[int, str] = {}
    for index in np.unique(rows.utterance[suspect]):
        kept_end = {tier: 0.0 for tier, _ in enumerate(TIERS)}
        for row in range(*np.searchsorted(rows.utterance, [index, index + 1])):
            start, end, tier = starts[row], ends[row], rows.tier[row]
            if fault := _fault(start, end, kept_end[tier], durations[index]):
                faults[row] = fault
            else:
                kept_end[tier] = end
    return faults


def _fault(start: float, end: float, previous_end: float, duration: float) -> str | None:
    if not end > start:  # nor where one of them is not a number
        return "no length"
    if start >= duration:
        return "after the recording"
    if start < comparable(previous_end - _SAME_TIME_SECONDS):
        return "overlaps the one before" if previous_end else "before the recording"
    return None
