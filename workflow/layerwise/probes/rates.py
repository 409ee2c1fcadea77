"""Rates over test utterances, of right answers or of errors, and intervals that hold for other speakers too.

Counts are those of `layerwise.probes.metrics`: right answers, or errors, and how many there could be, for each
utterance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layerwise.scoring.confidence import normal_quantile, t_quantile


def rate(counts: np.ndarray) -> float:
    """Sum of the first column over that of the second: accuracy, or an error rate as a fraction (it can exceed 1)."""
    return float(counts[:, 0].sum() / counts[:, 1].sum())


def interval(
    counts: np.ndarray, speakers: Sequence[str] | None = None, can_exceed: bool = False
) -> tuple[float, float]:
    """95 % interval of a rate that holds for other speakers too.

    Answers to one speaker's utterances are alike, so the variance of the rate A / B is estimated from the speakers g,
    by linearisation: G / (G - 1) · Σ (A_g - rate · B_g)² / B². Its ratio to the variance of B independent answers, at
    least 1, divides their number, and so does (t(G - 1) / t(B - 1))², as few speakers tell little of a variance. On
    what is left, the effective number of answers, stands Wilson's interval (Korn and Graubard 1998; Wilson 1927). It
    is Wilson's own where each speaker gave one answer, never narrower, and has a width even where every answer is
    right.

    An error rate can exceed 1, where a share cannot, and Wilson's interval near 1 is far too narrow for it. Above 1/2
    it gets rate ± t(G - 1) · deviation, from 0 upwards, with a variance of at least 1 / (4 B), the largest that B
    independent answers have.

    Chosen by simulation (tests/benchmarks/honesty.py, figures in docs/believing.md). Of few speakers it pays with its
    width for their few degrees of freedom. Percentiles of resampled utterances cover less than half where all of a
    small test may be right.

    Args:
        counts: (utterances, 2), as above.
        speakers: who speaks in each utterance; None, or one speaker alone: each utterance counts as a speaker.
        can_exceed: whether it is an error rate, to which insertions add.
    """
    value, total = rate(counts), int(counts[:, 1].sum())
    clusters = _by_speaker(counts, speakers)
    groups = len(clusters)
    if groups < 2:
        variance, stretch, t = 0.0, 1.0, normal_quantile()
    else:
        residuals = clusters[:, 0] - value * clusters[:, 1]
        variance = groups / (groups - 1) * float(residuals @ residuals) / total**2
        t = _student(groups - 1)
        stretch = (t / _student(total - 1)) ** 2
    if can_exceed and value > 0.5:
        half = t * math.sqrt(max(variance, 1 / (4 * total)))
        return max(value - half, 0.0), value + half
    independent = value * (1 - value) / max(total - 1, 1)
    effect = max(variance / independent, 1.0) if independent else 1.0
    return wilson(value, total / (effect * stretch))


def paired_interval(
    counts: np.ndarray, others: np.ndarray, speakers: Sequence[str] | None = None
) -> tuple[float, float]:
    """95 % interval of the difference of two rates over the same utterances, which holds for other speakers too.

    difference ± t(G - 1) · sqrt(variance), with the variance over speakers of `interval` for the differences of counts.
    It is never less than that of independent utterances, to whose sum of squares 1 is added: two rates without a single
    difference have a width too (as Agresti and Min 2005 add to the pairs that differ).

    Args:
        counts, others: (utterances, 2), as above; the second columns are the same.
        speakers: as `interval`.
    """
    differences = np.column_stack([counts[:, 0] - others[:, 0], counts[:, 1]])
    value, total = rate(differences), int(counts[:, 1].sum())
    alone = differences[:, 0] - value * differences[:, 1]
    clusters = _by_speaker(differences, speakers)
    together, groups = clusters[:, 0] - value * clusters[:, 1], len(clusters)
    squares = max(float(alone @ alone) + 1, groups / max(groups - 1, 1) * float(together @ together))
    half = (_student(groups - 1) if groups > 1 else normal_quantile()) * math.sqrt(squares) / total
    return value - half, value + half


def wilson(value: float, n: float) -> tuple[float, float]:
    """95 % interval of a share of n independent answers (Wilson 1927); n need not be whole."""
    z = normal_quantile()
    centre, room = value + z * z / (2 * n), z * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    low, high = ((centre + side * room) / (1 + z * z / n) for side in (-1, 1))
    return max(min(low, value), 0.0), min(max(high, value), 1.0)  # rounding aside, it is so already


def _by_speaker(counts: np.ndarray, speakers: Sequence[str] | None) -> np.ndarray:
    """Counts of each speaker, (speakers, 2); of each utterance where there are not two."""
    names, place = np.unique(list(speakers) if speakers is not None else [], return_inverse=True)
    if len(names) < 2:
        return counts.astype(float)
    return np.stack([np.bincount(place, column) for column in counts.T], axis=1)


def _student(freedom: int) -> float:
    return float(t_quantile(max(freedom, 1)))
