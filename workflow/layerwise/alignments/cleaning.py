"""Cleaning alignments: from tiers as an aligner wrote them to the phones and words of the analysis.

Hundreds of utterances are cleaned at once, as columns. Only faulty ones are cleaned interval by interval.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from layerwise.alignments.columns import (
    NO_LABEL,
    PHONE,
    SILENT,
    TIERS,
    WORD,
    RowFault,
    Rows,
    Utterance,
    columns_of,
    problem_of,
)
from layerwise.alignments.interval_faults import faults_of, in_time
from layerwise.alignments.marks import NO_MARKS, Marks
from layerwise.alignments.phones import PhoneSet, UnknownPhoneError
from layerwise.alignments.tiers import AlignmentError
from layerwise.corpus.problems import Problem
from layerwise.corpus.recording_checks import doubt
from layerwise.corpus.times import MAX_OVERRUN_SECONDS, comparable
from layerwise.errors import shown
from layerwise.files.texts import folded

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
        tier_names: what tiers of phones (`phone`) and words (`word`) are called; a kind that is not there has none.
        marks: labels that are no speech.
        lower_case: whether words become lower case; they are counted.

    Raises:
        AlignmentError: a phone outside of the set.
    """
    rows, problems = columns_of(utterances, tier_names)
    durations = np.array([utterance.duration for utterance in utterances])
    last = _last_ends(rows, len(utterances))
    problems += [
        problem_of(utterances[index], *doubt("shorter than the recording", _ends(last[index], durations[index])))
        for index in np.flatnonzero((last > 0) & (comparable(last) < comparable(MIN_COVERAGE * durations)))
    ]
    tally = Tally()
    rows = _with_clean_labels(rows, utterances, phones, marks, lower_case, tally)

    unlabelled = rows.label == NO_LABEL
    problems += rows.problems(((row, RowFault("no label")) for row in np.flatnonzero(unlabelled)), utterances)
    rows = rows.where(~unlabelled)

    last = _last_ends(rows, len(utterances))
    too_long = comparable(last) > comparable(durations + MAX_OVERRUN_SECONDS)
    problems += [
        problem_of(utterances[index], "longer than the recording", _ends(last[index], durations[index]))
        for index in np.flatnonzero(too_long)
    ]
    rows = rows.where(~too_long[rows.utterance])

    rows = in_time(rows)
    faults = faults_of(rows, durations)
    problems += rows.problems(faults.items(), utterances)
    rows = rows.where(~np.isin(np.arange(len(rows)), list(faults)))

    ends = np.minimum(rows.end, durations[rows.utterance])
    tally.clipped = int((comparable(ends) < comparable(rows.end)).sum())
    for label, number in enumerate(np.bincount(rows.label[rows.tier == 0])):
        tally.kept["phone", rows.labels[label]] += int(number)
    if words := int((rows.tier == WORD).sum()):
        tally.kept["word", ""] += words
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


def _last_ends(rows: Rows, utterances: int) -> np.ndarray:
    """Seconds at which the last interval of each utterance ends; 0 where it has none."""
    last = np.zeros(utterances)
    np.fmax.at(last, rows.utterance, rows.end)
    return last


def _ends(last: float, duration: float) -> str:
    return f"its last interval ends at {last:g} s, the recording at {duration:g} s"


def _decoded(places: np.ndarray, names: Sequence[str]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(places))


def count_words(
    utterances: Sequence[Utterance], tier_names: Mapping[str, Sequence[str]], marks: Marks, *, lower_case: bool
) -> Counter[str]:
    """How often each word is in the alignments of some utterances, whatever their times are; marks are left out."""
    rows, _ = columns_of(utterances, tier_names)
    rows = _with_clean_labels(rows, utterances, PhoneSet(None), marks, lower_case, Tally())
    numbers = np.bincount(rows.label[(rows.tier == WORD) & (rows.label != NO_LABEL)], minlength=len(rows.labels))
    return Counter({rows.labels[label]: int(numbers[label]) for label in np.flatnonzero(numbers)})


def _with_clean_labels(
    rows: Rows, utterances: Sequence[Utterance], phones: PhoneSet, marks: Marks, lower_case: bool, tally: Tally
) -> Rows:
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
            codes[pair] = NO_LABEL
        elif rows.tier[row] == WORD:
            word = folded(label, lower_case) if marks.is_word(label) else None
            codes[pair] = SILENT if word is None else code_of[word]
            doubtful[pair], lowered[pair] = marks.needs_phones(label), word not in (None, label)
        else:
            try:
                phone = phones.clean(label, marks)
            except UnknownPhoneError as error:
                utterance = utterances[rows.utterance[row]]
                raise AlignmentError(
                    f"utterance {shown(utterance.utterance_id)} has {error}. It stands in {shown(utterance.file)}. "
                    "corpus.phones: keep takes labels as they are, such as IPA; resources/phones.yaml has other sets"
                ) from error
            codes[pair] = SILENT if phone is None else code_of[phone]
    clean_rows = replace(rows, label=codes[pair_of], labels=list(code_of))
    words = np.flatnonzero(doubtful[pair_of])
    clean_rows.label[words[~_are_spoken(words, clean_rows)]] = SILENT
    dropped = clean_rows.label == SILENT
    for counter, which in ((tally.dropped, dropped), (tally.lowered, lowered[pair_of] & ~dropped)):
        for pair, number in enumerate(np.bincount(pair_of[which], minlength=len(pairs))):
            if number:
                counter[TIERS[rows.tier[first[pair]]], as_found[rows.label[first[pair]]]] += int(number)
    return clean_rows.where(~dropped)


def _are_spoken(words: np.ndarray, rows: Rows) -> np.ndarray:
    """Whether the same speaker speaks a phone in the time of each word, or has no phones that could say so.

    The middle of a phone counts, as borders may be rounded.
    """
    speaker = rows.utterance * (rows.speaker.max(initial=0) + 1) + rows.speaker
    phones = rows.tier == PHONE
    with np.errstate(invalid="ignore"):  # times may be infinite still
        middle = (rows.start + rows.end) / 2
    spoken = np.flatnonzero(phones & (rows.label != SILENT) & ~np.isnan(middle))
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
