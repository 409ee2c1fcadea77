"""Where words begin and end, by the conventions of LibriSpeech's and Buckeye's evaluations, and scores of whole words.

Buckeye's evaluation is that of Kamper, Word Segmentation on Discovered Phone Units With Dynamic Programming and
Self-Supervised Scoring, 2022 (`vqwordseg`): intervals of frames of 10 ms, one behind the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from layerwise.scoring.measures.boundaries import (
    BoundariesError,
    BoundaryCounts,
    concatenated,
    counted,
    matched,
    whole_tolerance,
)
from layerwise.scoring.measures.segmentation import whole_milliseconds
from layerwise.scoring.refusals import NonFiniteViewError, ViewLengthError

TOLERANCE_FRAMES = 2  # of Buckeye's evaluation: frames of 10 ms
_SPOKEN_NOISE = "spn"


def reference_boundaries(starts: np.ndarray, ends: np.ndarray, labels: Sequence[str] | None = None) -> np.ndarray:
    """The word boundaries of one utterance as in the evaluation on LibriSpeech, whole milliseconds, rising, int64.

    They are all starts and ends of words, each time once: the onset and the end of speech count, and so do both sides
    of a pause, while words that follow each other share one boundary.

    Args:
        starts, ends: (intervals,) seconds.
        labels: (intervals,) of which empty ones are pauses; as published, `sp` and `sil` would be words. None: every
            interval is a word.

    Raises:
        ViewLengthError: different numbers of starts, ends and labels.
        NonFiniteViewError: a time is NaN or infinite.
        BoundariesError: an interval ends before it starts.
    """
    starts, ends = np.asarray(starts, np.float64), np.asarray(ends, np.float64)
    sizes = [starts.shape, ends.shape, *([] if labels is None else [(len(labels),)])]
    if len(set(sizes)) > 1 or starts.ndim != 1:
        raise ViewLengthError(f"starts, ends and labels of shapes {', '.join(map(str, sizes))}; expected (intervals,)")
    if not (np.isfinite(starts).all() and np.isfinite(ends).all()):
        raise NonFiniteViewError("a word's start or end is NaN or infinite")
    broken = np.flatnonzero(ends < starts)
    if broken.size:
        raise BoundariesError(f"a word from {starts[broken[0]]} to {ends[broken[0]]} s ends before it starts")
    words = slice(None) if labels is None else np.array([bool(label.strip()) for label in labels], bool)
    return np.unique(whole_milliseconds(np.concatenate([starts[words], ends[words]])))


def is_usable(words: Iterable[str], phones: Iterable[str] = ()) -> bool:
    """Whether the evaluation on LibriSpeech takes an utterance: no label is spoken noise (`spn`) or holds `<…>`."""
    return not any(label == _SPOKEN_NOISE or ("<" in label and ">" in label) for label in (*words, *phones))


def buckeye_intervals(boundaries: np.ndarray, frames: int) -> np.ndarray:
    """Boundaries of `segment` as the intervals that Buckeye's evaluation takes, (intervals, 2) int64.

    Frame i of 20 ms becomes frame 2i + 1 of 10 ms; the first interval starts at 0, the last one ends at 2 (n − 1) + 1.
    The published script writes the last one twice.

    Args:
        boundaries: (boundaries,) frames of 20 ms, rising.
        frames: n, of the utterance.

    Raises:
        BoundariesError: a boundary outside the utterance, boundaries that do not rise, or no integers.
    """
    boundaries = np.asarray(boundaries)
    if boundaries.ndim != 1 or (boundaries.size and boundaries.dtype.kind not in "iu"):
        raise BoundariesError(
            f"boundaries of shape {boundaries.shape} and type {boundaries.dtype}; expected integers, (boundaries,)"
        )
    edges = np.concatenate([[0], 2 * boundaries.astype(np.int64) + 1, [2 * (frames - 1) + 1]])
    if (np.diff(edges) <= 0).any():
        raise BoundariesError(f"boundaries {boundaries} do not rise within {frames} frames")
    return np.stack([edges[:-1], edges[1:]], axis=1)


def interval_boundary_counts(
    predicted: Sequence[np.ndarray], reference: Sequence[np.ndarray], tolerance: int = TOLERANCE_FRAMES
) -> BoundaryCounts:
    """Boundaries of Buckeye's evaluation: where intervals end; `.scores()` of the result are precision and the rest.

    The end of a prediction's last interval is no prediction, and reference boundaries from there on do not count. A
    reference that is shorter keeps its last end, as in the evaluation. Each reference is used once.

    Args:
        predicted, reference: one (intervals, 2) array of integers an utterance: start and end (exclusive), in frames of
            10 ms, from 0 on without holes.
        tolerance: frames, inclusive.

    Raises:
        BoundariesError: lists of different lengths, or intervals with holes.
        CountingError: a tolerance below 0.
    """
    found, true = _ends(predicted, reference)
    return counted(
        concatenated([ends[:-1] for ends in found], "predicted"),
        concatenated([each[each < ends[-1]] for ends, each in zip(found, true, strict=True)], "reference"),
        tolerance,
    )


def token_counts(
    predicted: Sequence[np.ndarray], reference: Sequence[np.ndarray], tolerance: int = TOLERANCE_FRAMES
) -> BoundaryCounts:
    """Tokens of Buckeye's evaluation: a word is hit where both its edges are within the tolerance, by one word only.

    A reference that is longer than the prediction is cut to its length. Counts have `near` and `missed` as boundaries
    do. The evaluation is `.scores()`; where nothing is hit it has −∞ for F1 and OS, while here F1 is 0, and OS what the
    numbers of words make it. It has no R-value of tokens.

    Args:
        as `interval_boundary_counts`.
    """
    found, true = _ends(predicted, reference)
    cut = [
        np.unique(np.minimum(each, ends[-1])) if each[-1] > ends[-1] else each
        for ends, each in zip(found, true, strict=True)
    ]
    within = whole_tolerance(tolerance)
    # Intervals lie one behind the other, so their starts and their ends rise: of the words whose start is in reach and
    # of those whose end is, the common ones stand together, as `matched` needs it.
    counts = [_tokens(ours, theirs, within) for ours, theirs in zip(found, cut, strict=True)]
    return BoundaryCounts(*(np.array(values, np.int64) for values in zip(*counts, strict=True)))


def _tokens(found: np.ndarray, true: np.ndarray, within: int) -> tuple[int, ...]:
    """Counts of one utterance, from the ends of its predicted and reference words."""
    starts, true_starts = np.append(0, found[:-1]), np.append(0, true[:-1])

    def reach(of: np.ndarray, ends: np.ndarray, their: np.ndarray, their_ends: np.ndarray) -> tuple:
        first = np.maximum(np.searchsorted(their, of - within), np.searchsorted(their_ends, ends - within))
        last = np.minimum(
            np.searchsorted(their, of + within, "right"), np.searchsorted(their_ends, ends + within, "right")
        )
        return first, last

    first, last = reach(starts, found, true_starts, true)
    first_of_true, last_of_true = reach(true_starts, true, starts, found)
    return (
        found.size,
        true.size,
        int(matched(first, last).sum()),
        int((last > first).sum()),
        int((last_of_true <= first_of_true).sum()),
    )


def _ends(
    predicted: Sequence[np.ndarray], reference: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    if len(predicted) != len(reference) or not len(predicted):
        raise BoundariesError(
            f"{len(predicted)} utterances with predicted intervals and {len(reference)} with reference ones; expected "
            "as many, and one at least"
        )
    return [_tiled(each, "predicted") for each in predicted], [_tiled(each, "reference") for each in reference]


def _tiled(intervals: np.ndarray, what: str) -> np.ndarray:
    """The ends of intervals that follow each other from 0 on."""
    intervals = np.asarray(intervals)
    if intervals.ndim != 2 or intervals.shape[1] != 2 or not len(intervals) or intervals.dtype.kind not in "iu":
        raise BoundariesError(
            f"{what} intervals of shape {intervals.shape} and type {intervals.dtype}; expected integers, "
            "(intervals, 2), one interval at least"
        )
    starts, ends = intervals.astype(np.int64).T
    if starts[0] != 0 or (starts[1:] != ends[:-1]).any() or (ends <= starts).any():
        raise BoundariesError(f"{what} intervals have holes, overlap or are empty: {intervals[:3].tolist()} …")
    return ends
