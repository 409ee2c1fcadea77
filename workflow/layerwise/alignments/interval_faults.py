"""Intervals that cannot be used: without length, outside of their recording, or over one another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from layerwise.alignments.columns import TIERS, RowFault, Rows
from layerwise.corpus.times import comparable

# Less than a sample: boundaries that only a writer's rounding makes overlap.
_SAME_TIME_SECONDS = 1e-5


def in_time(rows: Rows) -> Rows:
    """Rows in order of utterance, tier and start; intervals that start together, as they are in the file."""
    step = np.diff(rows.utterance * len(TIERS) + rows.tier)
    if ((step > 0) | ((step == 0) & (rows.start[1:] >= rows.start[:-1]))).all():
        return rows
    return rows.where(np.lexsort((rows.start, rows.tier, rows.utterance)))


def faults_of(rows: Rows, durations: np.ndarray) -> dict[int, RowFault]:
    """What is wrong with which row; rows are in order of time.

    If every interval of an utterance passes the comparison with the one before, whoever spoke it, all are kept. Only
    the other utterances are looked at interval by interval.
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
    faults: dict[int, RowFault] = {}
    of_one = rows.utterance * len(TIERS) + rows.tier
    for index in np.unique(rows.utterance[suspect]):
        for first, last in pairwise(np.searchsorted(of_one, len(TIERS) * index + np.arange(len(TIERS) + 1))):
            faults |= _faults_of_one(starts, ends, rows.speaker, range(first, last), durations[index])
    return faults


def _faults_of_one(
    starts: np.ndarray, ends: np.ndarray, speakers: np.ndarray, places: range, duration: float
) -> dict[int, RowFault]:
    """What is wrong with which row of an utterance's phones, or of its words; times are comparable.

    An interval is compared with the last one of its own speaker that is kept, and with that of each other speaker:
    where two speak at once, neither interval can be used.
    """
    faults: dict[int, RowFault] = {}
    crossed: dict[int, RowFault] = {}
    last_of: dict[int, int] = {}  # speaker → row
    shortened = comparable(ends - _SAME_TIME_SECONDS)
    for row in places:
        start, speaker = starts[row], speakers[row]
        overlapped = {other for other, last in last_of.items() if start < shortened[last]}
        if not ends[row] > start:  # nor where one of them is not a number
            faults[row] = RowFault("no length")
        elif start >= duration:
            faults[row] = RowFault("after the recording")
        elif start < -_SAME_TIME_SECONDS:
            faults[row] = RowFault("before the recording")
        elif speaker in overlapped:
            faults[row] = RowFault("overlaps the one before")
        else:
            for other in overlapped:
                crossed.setdefault(row, RowFault("overlaps another tier", last_of[other]))
                crossed.setdefault(last_of[other], RowFault("overlaps another tier", row))
            last_of[speaker] = row
    return faults | crossed
