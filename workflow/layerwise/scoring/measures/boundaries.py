"""How well predicted boundaries meet reference ones: precision, recall, F1, over-segmentation, R-value.

Times are whole milliseconds. A prediction at a distance of exactly the tolerance is the commonest case there is (frames
are 20 ms apart, and so is the tolerance), and in floats of seconds it is a matter of rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.errors import LayerwiseError, did_you_mean
from layerwise.scoring.refusals import RefusedScoreError

ONCE, PUBLISHED = "once", "published"
COUNTS = (ONCE, PUBLISHED)
TOLERANCE_MS = 20  # of the LibriSpeech evaluation: one frame
_LARGEST = 2**62  # a place on the common line of all utterances


class BoundariesError(RefusedScoreError):
    """These lists of boundaries allow no score."""


class CountingError(LayerwiseError):
    """There is no such way to count, or no such tolerance."""


@dataclass(frozen=True)
class BoundaryScores:
    """Scores of boundaries, or of tokens, summed over utterances.

    Attributes:
        precision, recall, f1: in [0, 1]; all 0 where nothing is hit or nothing was predicted.
        os: over-segmentation, in [−1, ∞): 0.5 is half as many again as there are.
        r_value: in (−∞, 1]. `os` and `r_value` are None where they are not defined: in the published count, where
            nothing is hit.
        predicted, reference: how many there are.
        hits: predictions that count as right.
    """

    precision: float
    recall: float
    f1: float
    os: float | None
    r_value: float | None
    predicted: int
    reference: int
    hits: int


@dataclass(frozen=True)
class BoundaryCounts:
    """What the scores are made of, an array of integers each; the last axis is utterances.

    Attributes:
        predicted, reference: boundaries.
        matched: the most pairs of a prediction and a reference within the tolerance, none in two pairs.
        near: predictions within the tolerance of any reference.
        missed: references without a prediction within the tolerance.
    """

    predicted: np.ndarray
    reference: np.ndarray
    matched: np.ndarray
    near: np.ndarray
    missed: np.ndarray

    def __getitem__(self, index: Any) -> BoundaryCounts:
        """The counts of some settings or utterances, as numpy indexes arrays."""
        return BoundaryCounts(*(values[index] for values in self.arrays()))

    def arrays(self) -> tuple[np.ndarray, ...]:
        return self.predicted, self.reference, self.matched, self.near, self.missed

    def summed(self) -> BoundaryCounts:
        """Over utterances."""
        return BoundaryCounts(*(values.sum(axis=-1) for values in self.arrays()))

    def f1(self, count: str = ONCE) -> np.ndarray:
        """F1 of all utterances together; 0 where nothing is hit.

        One quotient of whole numbers: counts that are worth the same have the same F1 to the last digit, so that of
        several settings the first of the best is always the same one.
        """
        hits, false, missed = self.summed()._hits_false_missed(count)
        return np.divide(2 * hits, 2 * hits + false + missed, out=np.zeros(hits.shape), where=hits > 0)

    def scores(self, count: str = ONCE) -> BoundaryScores:
        """The scores of all utterances together.

        Raises:
            BoundariesError: there is no reference boundary.
        """
        total = self.summed()
        if not total.reference > 0:
            raise BoundariesError(f"no reference boundary in {self.reference.shape[-1]} utterances")
        hits, false, missed = map(int, total._hits_false_missed(count))
        precision, recall = (hits / (hits + other) if hits else 0.0 for other in (false, missed))
        over: float | None
        if count == ONCE:
            over = int(total.predicted) / int(total.reference) - 1
        else:
            over = recall / precision - 1 if hits else None
        return BoundaryScores(
            precision=precision,
            recall=recall,
            f1=2 * hits / (2 * hits + false + missed) if hits else 0.0,
            os=over,
            r_value=None if over is None else r_value(recall, over),
            predicted=int(total.predicted),
            reference=int(total.reference),
            hits=hits,
        )

    def _hits_false_missed(self, count: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if count == ONCE:
            return self.matched, self.predicted - self.matched, self.reference - self.matched
        return self.near, self.predicted - self.near, self.missed


def boundary_scores(
    predicted: Sequence[np.ndarray],
    reference: Sequence[np.ndarray],
    tolerance: float = TOLERANCE_MS,
    count: str = ONCE,
) -> BoundaryScores:
    """Scores of predicted boundaries, summed over utterances.

    `once`: a prediction is a hit if it is paired with a reference within the tolerance, and each reference is in one
    pair only; P = hits / predicted, R = hits / references, OS = predicted / references − 1. With OS = R/P − 1, which
    that equals wherever there is a hit, the R-value is 1 − (√((1 − R)² + OS²) + |(R − 1 − OS) / √2|) / 2 (Räsänen,
    Laine and Altosaar, Interspeech 2009).

    `published` (Pasad, Chien, Settle and Livescu, TACL 2024): every prediction within the tolerance of any reference is
    a hit, so several hit the same one; false negatives are references without a prediction, and recall is hits / (hits
    + false negatives), whose two terms count different things. It favours many boundaries.

    Args:
        predicted, reference: one array of whole milliseconds an utterance, in any order.
        tolerance: milliseconds, inclusive.
        count: `once` or `published`.

    Raises:
        BoundariesError: lists of different lengths, times that are not whole or stand there twice, no reference.
        CountingError: another `count`, or a tolerance below 0.
    """
    check_count(count)
    return boundary_counts(predicted, reference, tolerance).scores(count)


def boundary_counts(
    predicted: Sequence[np.ndarray], reference: Sequence[np.ndarray], tolerance: float = TOLERANCE_MS
) -> BoundaryCounts:
    """What `boundary_scores` sums, per utterance. Arguments and errors as there."""
    if len(predicted) != len(reference):
        raise BoundariesError(
            f"{len(predicted)} utterances with predicted boundaries and {len(reference)} with reference ones"
        )
    return counted(concatenated(predicted, "predicted"), concatenated(reference, "reference"), tolerance)


@dataclass(frozen=True)
class Boundaries:
    """The boundaries of all utterances in one array.

    Attributes:
        times: (boundaries,) int64 milliseconds, rising within each utterance.
        utterance: (boundaries,) number of the utterance of each, rising.
        utterances: how many there are.
    """

    times: np.ndarray
    utterance: np.ndarray
    utterances: int


def concatenated(lists: Sequence[np.ndarray], what: str) -> Boundaries:
    """The boundaries of utterances, sorted and checked.

    Raises:
        BoundariesError: times that are not whole, or stand there twice.
    """
    times = [np.sort(_whole(each, f"{what} boundaries of utterance {number}")) for number, each in enumerate(lists)]
    for number, each in enumerate(times):
        twice = each[1:][each[1:] == each[:-1]]
        if twice.size:
            raise BoundariesError(f"{what} boundaries of utterance {number}: {twice[0]} ms stands there twice")
    sizes = [each.size for each in times]
    joined = np.concatenate(times) if times else np.empty(0, np.int64)
    return Boundaries(joined, np.repeat(np.arange(len(times)), sizes), len(times))


def counted(predicted: Boundaries, reference: Boundaries, tolerance: float) -> BoundaryCounts:
    """The counts of each utterance.

    Raises:
        CountingError: a tolerance below 0.
        BoundariesError: times so large that they cannot be compared.
    """
    within = whole_tolerance(tolerance)
    # All utterances on one line, too far apart for a boundary to reach those of its neighbours.
    every = np.concatenate([predicted.times, reference.times])
    low, high = (int(every.min()), int(every.max())) if every.size else (0, 0)
    length = high - low + within + 1
    if length * (reference.utterances + 1) > _LARGEST:
        raise BoundariesError(f"boundaries from {low} to {high} ms in {reference.utterances} utterances are too large")
    found = predicted.times - low + predicted.utterance * length
    true = reference.times - low + reference.utterance * length
    first, last = np.searchsorted(true, found - within), np.searchsorted(true, found + within, "right")
    reached = np.searchsorted(found, true + within, "right") > np.searchsorted(found, true - within)

    def per_utterance(of: Boundaries, which: np.ndarray | slice = slice(None)) -> np.ndarray:
        return np.bincount(of.utterance[which], minlength=reference.utterances)

    return BoundaryCounts(
        predicted=per_utterance(predicted),
        reference=per_utterance(reference),
        matched=per_utterance(predicted, matched(first, last)),
        near=per_utterance(predicted, last > first),
        missed=per_utterance(reference, ~reached),
    )


def matched(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Which predictions are in a pair, (predictions,) bool, where no reference is in two and there are most pairs.

    Each prediction in turn takes the first reference within its reach that is free. No other choice has more pairs:
    both ends of the reach rise from prediction to prediction, so whatever a later one could take instead of the first
    free reference, it can also take if this one has that. (Taking the *nearest* one loses pairs: of references at 0 and
    30 ms, a first prediction at 16 takes the second, which is all that one at 45 can reach.)

    Args:
        first, last: (predictions,) which references are in reach, last exclusive; neither ever falls.
    """
    found = last > first
    # Predictions that share no reference with a neighbour need no turn; nearly all are of this kind.
    alone = np.ones(first.size, bool)
    overlap = found[1:] & (first[1:] < last[:-1])
    alone[1:] &= ~overlap
    alone[:-1] &= ~overlap
    shared = np.flatnonzero(found & ~alone)
    free = 0
    for number, low, high in zip(shared.tolist(), first[shared].tolist(), last[shared].tolist(), strict=True):
        place = max(low, free)
        found[number] = place < high
        if place < high:
            free = place + 1
    return found


def r_value(recall: float, os: float) -> float:
    """How near (recall, over-segmentation) is to (1, 0), and to the line that few insertions allow (Räsänen et al.)."""
    return 1 - (math.hypot(1 - recall, os) + abs(recall - 1 - os) / math.sqrt(2)) / 2


def whole_tolerance(tolerance: float) -> int:
    """The largest whole number within a tolerance: times are whole, and so are their differences.

    Raises:
        CountingError: it is below 0 or not finite.
    """
    if not (tolerance >= 0 and math.isfinite(tolerance)):
        raise CountingError(f"a tolerance of {tolerance}; expected a number, 0 or more")
    return math.floor(tolerance)


def check_count(count: str) -> None:
    """Raises:
    CountingError: there is no such way to count.
    """
    if count not in COUNTS:
        raise CountingError(
            f"there is no count {count!r}{did_you_mean(COUNTS, str(count))}; there are {', '.join(COUNTS)}"
        )


def _whole(times: np.ndarray, what: str) -> np.ndarray:
    """Times as int64, (boundaries,)."""
    times = np.asarray(times)
    if times.ndim != 1:
        raise BoundariesError(f"{what}: an array of shape {times.shape} instead of (boundaries,)")
    if times.dtype.kind in "iu" or not times.size:
        return times.astype(np.int64)
    if times.dtype.kind != "f":
        raise BoundariesError(f"{what}: {times.dtype} instead of whole milliseconds")
    broken = times[~(np.abs(times) < _LARGEST) | (times != np.rint(times))]
    if broken.size:
        raise BoundariesError(f"{what}: {broken[0]} is no whole number of milliseconds")
    return times.astype(np.int64)
