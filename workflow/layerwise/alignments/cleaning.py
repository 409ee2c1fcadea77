"""Cleaning alignments: from tiers as an aligner wrote them to the phones and words of the analysis.

Hundreds of utterances are cleaned at once, as columns; only where something is wrong, one interval after the other.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count, pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from layerwise.alignments.marks import NO_MARKS, Marks
from layerwise.alignments.phones import PhoneSet, UnknownPhoneError
from layerwise.alignments.tiers import AlignmentError, Tier
from layerwise.corpus.problems import Problem
from layerwise.corpus.recording_checks import doubt
from layerwise.corpus.times import comparable
from layerwise.errors import shown
from layerwise.files.texts import folded, wildcard

TIERS = ("phone", "word")
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
_PROBLEMS_OF_A_KIND = 100  # that are named of one utterance; a file may have millions
_PHONE, _WORD = range(len(TIERS))


class Utterance(NamedTuple):
    """What an alignment file says of an utterance, and how many seconds its recording has."""

    utterance_id: str
    file: str
    duration: float
    tiers: Sequence[Tier]


@dataclass
class Tally:
    """What happened to intervals.

    Attributes:
        dropped: (tier, label) of those that are no speech.
        lowered: (tier, label) of words that were put into lower case.
        kept: (tier, label), of words under "".
        clipped: ends.
    """

    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    lowered: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    clipped: int = 0

    def add(self, other: Tally) -> None:
        self.dropped.update(other.dropped)
        self.lowered.update(other.lowered)
        self.kept.update(other.kept)
        self.clipped += other.clipped


class Cleaned(NamedTuple):
    """Intervals (`INTERVAL_SCHEMA`), what was wrong, and what was dropped."""

    intervals: pa.Table
    problems: list[Problem]
    tally: Tally


def named(tiers: Sequence[Tier], names: Sequence[str]) -> list[Tier]:
    """The tiers that have one of these names, in any case of letters; `*` stands for anything."""
    pattern = _names(tuple(names))
    return [tier for tier in tiers if pattern.fullmatch(tier.name.strip())]


@cache
def _names(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(wildcard(name, any_case=True) for name in names))


def clean(
    utterances: Sequence[Utterance],
    tier_names: Mapping[str, Sequence[str]],
    phones: PhoneSet,
    marks: Marks = NO_MARKS,
    *,
    lower_case: bool = True,
) -> Cleaned:
    """The intervals of speech in some utterances, in order of utterance, tier (phones first), and time.

    Dropped are marks of silence and noise, which are counted, and, which is a problem each: intervals without label or
    length, overlapping the one before, or outside of the recording; both of two that overlap in two tiers of a kind,
    which are two speakers'; all of an utterance that reaches more than `MAX_OVERRUN_SECONDS` past its recording. Up to
    there ends are clipped to the recording's. What ends before `MIN_COVERAGE` of the recording is kept, and named.

    Args:
        tier_names: what tiers of phones (`phone`) and words (`word`) are called.
        marks: labels that are no speech.
        lower_case: whether words become lower case; they are counted.

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
    rows = _with_clean_labels(rows, utterances, phones, marks, lower_case, tally)

    unlabelled = rows.label == _NO_LABEL
    problems += rows.problems(((row, _Fault("no label")) for row in np.flatnonzero(unlabelled)), utterances)
    rows = rows.where(~unlabelled)

    last = _last_ends(rows, len(utterances))
    too_long = comparable(last) > comparable(durations + MAX_OVERRUN_SECONDS)
    problems += [
        _problem(utterances[index], "longer than the recording", _ends(last[index], durations[index]))
        for index in np.flatnonzero(too_long)
    ]
    rows = rows.where(~too_long[rows.utterance])

    rows = _in_time(rows)
    faults = _faults(rows, durations)
    problems += rows.problems(faults.items(), utterances)
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
        speaker: the number of the file's tier, among those of its kind.
        start, end: seconds.
        labels: every label, once.
    """

    utterance: np.ndarray
    tier: np.ndarray
    speaker: np.ndarray
    label: np.ndarray
    start: np.ndarray
    end: np.ndarray
    labels: list[str | None]

    def __len__(self) -> int:
        return len(self.utterance)

    def where(self, chosen: np.ndarray) -> _Rows:
        """The rows of a mask, or of places."""
        columns = (self.utterance, self.tier, self.speaker, self.label, self.start, self.end)
        return _Rows(*(column[chosen] for column in columns), self.labels)

    def problems(self, faults: Iterable[tuple[int, _Fault]], utterances: Sequence[Utterance]) -> list[Problem]:
        """What is wrong with which rows: of one kind, the first ones of an utterance, and how many more there are."""
        numbers: Counter[tuple[int, str]] = Counter()
        problems = []
        for row, (kind, other) in faults:
            index = int(self.utterance[row])
            numbers[index, kind] += 1
            if numbers[index, kind] <= _PROBLEMS_OF_A_KIND:
                detail = self._named(row) + ("" if other is None else f", and {self._named(other)}")
                problems.append(_problem(utterances[index], kind, detail))
        return problems + [
            _problem(utterances[index], kind, f"{number - _PROBLEMS_OF_A_KIND} more intervals")
            for (index, kind), number in numbers.items()
            if number > _PROBLEMS_OF_A_KIND
        ]

    def _named(self, row: int) -> str:
        label = "" if self.label[row] == _NO_LABEL else f" {shown(repr(self.labels[self.label[row]]))}"
        return f"{TIERS[self.tier[row]]}{label} from {self.start[row]:g} to {self.end[row]:g} s"


def _columns(utterances: Sequence[Utterance], tier_names: Mapping[str, Sequence[str]]) -> tuple[_Rows, list[Problem]]:
    """The intervals of all tiers that count, as they are in the files, and what tiers are missing."""
    code_of: dict[str | None, int] = defaultdict(count().__next__)
    label, start, end = [], [], []
    owner, kind, speaker, size = [], [], [], []  # of each tier
    problems = []
    for index, utterance in enumerate(utterances):
        for tier, names in enumerate(tier_names[tier] for tier in TIERS):
            found = named(utterance.tiers, names)
            if not any(part.labels for part in found):
                there = ", ".join(sorted({tier.name for tier in utterance.tiers if tier.labels})) or "none"
                detail = f"tiers with intervals: {there}"
                problems.append(_problem(utterance, f"no {names[0]}", detail))
            for number, part in enumerate(found):
                label += map(code_of.__getitem__, part.labels)
                start += part.starts
                end += part.ends
                owner.append(index)
                kind.append(tier)
                speaker.append(number)
                size.append(len(part.labels))
    rows = _Rows(
        *(np.repeat(np.array(column, np.int64), size) for column in (owner, kind, speaker)),
        np.array(label, np.int64),
        np.array(start, np.float64),
        np.array(end, np.float64),
        list(code_of),
    )
    return rows, problems


def count_words(
    utterances: Sequence[Utterance], tier_names: Mapping[str, Sequence[str]], marks: Marks, *, lower_case: bool
) -> Counter[str]:
    """How often each word is in the alignments of some utterances, whatever their times are; marks are left out."""
    rows, _ = _columns(utterances, tier_names)
    rows = _with_clean_labels(rows, utterances, PhoneSet(None), marks, lower_case, Tally())
    numbers = np.bincount(rows.label[(rows.tier == _WORD) & (rows.label != _NO_LABEL)], minlength=len(rows.labels))
    return Counter({rows.labels[label]: int(numbers[label]) for label in np.flatnonzero(numbers)})


def _with_clean_labels(
    rows: _Rows, utterances: Sequence[Utterance], phones: PhoneSet, marks: Marks, lower_case: bool, tally: Tally
) -> _Rows:
    """Rows with phones and words of the analysis for labels, without those that are dropped."""
    kinds = rows.tier * len(rows.labels) + rows.label
    pairs, first, pair_of = np.unique(kinds, return_index=True, return_inverse=True)
    code_of: dict[str, int] = defaultdict(count().__next__)
    codes = np.empty(len(pairs), np.int64)
    doubtful, lowered = np.zeros((2, len(pairs)), bool)  # words that may be marks; words with capitals that go
    as_found = [None if label is None else label.strip() for label in rows.labels]
    for pair, row in enumerate(first):
        label = as_found[rows.label[row]]
        if label is None:
            codes[pair] = _NO_LABEL
        elif rows.tier[row] == _WORD:
            word = folded(label, lower_case) if marks.is_word(label) else None
            codes[pair] = _SILENT if word is None else code_of[word]
            doubtful[pair], lowered[pair] = marks.needs_phones(label), word not in (None, label)
        else:
            try:
                phone = phones.clean(label, marks)
            except UnknownPhoneError as error:
                raise AlignmentError(
                    f"utterance {shown(utterances[rows.utterance[row]].utterance_id)} has {error}"
                ) from error
            codes[pair] = _SILENT if phone is None else code_of[phone]
    clean_rows = replace(rows, label=codes[pair_of], labels=list(code_of))
    words = np.flatnonzero(doubtful[pair_of])
    clean_rows.label[words[~_are_spoken(words, clean_rows)]] = _SILENT
    dropped = clean_rows.label == _SILENT
    for counter, which in ((tally.dropped, dropped), (tally.lowered, lowered[pair_of] & ~dropped)):
        for pair, number in enumerate(np.bincount(pair_of[which], minlength=len(pairs))):
            if number:
                counter[TIERS[rows.tier[first[pair]]], as_found[rows.label[first[pair]]]] += int(number)
    return clean_rows.where(~dropped)


def _are_spoken(words: np.ndarray, rows: _Rows) -> np.ndarray:
    """Whether the same speaker speaks a phone in the time of each word, or has no phones that could say so.

    The middle of a phone counts, as borders may be rounded.
    """
    speaker = rows.utterance * (rows.speaker.max(initial=0) + 1) + rows.speaker
    phones = rows.tier == _PHONE
    with np.errstate(invalid="ignore"):  # times may be infinite still
        middle = (rows.start + rows.end) / 2
    spoken = np.flatnonzero(phones & (rows.label != _SILENT) & ~np.isnan(middle))
    spoken = spoken[np.lexsort((middle[spoken], speaker[spoken]))]
    found = ~np.isin(speaker[words], speaker[phones])
    for one in np.unique(speaker[words]):
        of_one = np.flatnonzero(speaker[words] == one)
        first, last = np.searchsorted(speaker[spoken], [one, one + 1])
        start, end = rows.start[words[of_one]], rows.end[words[of_one]]
        middles = middle[spoken[first:last]]
        within = np.searchsorted(middles, start, "right") < np.searchsorted(middles, end, "left")
        found[of_one] |= within & ~np.isnan(start) & ~np.isnan(end)
    return found


# Faults


def _in_time(rows: _Rows) -> _Rows:
    """Rows in order of utterance, tier and start; intervals that start together, as they are in the file."""
    step = np.diff(rows.utterance * len(TIERS) + rows.tier)
    if ((step > 0) | ((step == 0) & (rows.start[1:] >= rows.start[:-1]))).all():
        return rows
    return rows.where(np.lexsort((rows.start, rows.tier, rows.utterance)))


class _Fault(NamedTuple):
    """What is wrong with a row, and the row of another speaker that it overlaps."""

    kind: str
    other: int | None = None


def _faults(rows: _Rows, durations: np.ndarray) -> dict[int, _Fault]:
    """What is wrong with which row; rows are in order of time.

    In an utterance where every interval stands the comparison with the very one before, whoever spoke it, all are kept,
    and nothing needs a second look.
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
    faults: dict[int, _Fault] = {}
    of_one = rows.utterance * len(TIERS) + rows.tier
    for index in np.unique(rows.utterance[suspect]):
        for first, last in pairwise(np.searchsorted(of_one, len(TIERS) * index + np.arange(len(TIERS) + 1))):
            faults |= _faults_of_one(starts, ends, rows.speaker, range(first, last), durations[index])
    return faults


def _faults_of_one(
    starts: np.ndarray, ends: np.ndarray, speakers: np.ndarray, places: range, duration: float
) -> dict[int, _Fault]:
    """What is wrong with which row of an utterance's phones, or of its words; times are comparable.

    An interval is compared with the last one of its own speaker that is kept, and with that of each other speaker:
    where two speak at once, neither interval can be used.
    """
    faults: dict[int, _Fault] = {}
    crossed: dict[int, _Fault] = {}
    last_of: dict[int, int] = {}  # speaker → row
    shortened = comparable(ends - _SAME_TIME_SECONDS)
    for row in places:
        start, speaker = starts[row], speakers[row]
        overlapped = {other for other, last in last_of.items() if start < shortened[last]}
        if not ends[row] > start:  # nor where one of them is not a number
            faults[row] = _Fault("no length")
        elif start >= duration:
            faults[row] = _Fault("after the recording")
        elif start < -_SAME_TIME_SECONDS:
            faults[row] = _Fault("before the recording")
        elif speaker in overlapped:
            faults[row] = _Fault("overlaps the one before")
        else:
            for other in overlapped:
                crossed.setdefault(row, _Fault("overlaps another tier", last_of[other]))
                crossed.setdefault(last_of[other], _Fault("overlaps another tier", row))
            last_of[speaker] = row
    return faults | crossed
