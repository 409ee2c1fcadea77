"""How well answers meet what was said: counts for each utterance, rates over all of them, and intervals.

Errors are counted by jiwer: the least number of substitutions, deletions and insertions, over the number of phones or
words that were said (as in Levenshtein 1966). Its rate over a set is what `jiwer.wer` gives of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import jiwer
import numpy as np

RESAMPLES = 1000


def count_errors(said: Sequence[Sequence[str]], answers: Sequence[Sequence[str]]) -> np.ndarray:
    """Errors and length of each utterance: (utterances, 2) int64. Units are words, or phones."""
    counts = []
    for reference, answer in zip(said, answers, strict=True):
        found = jiwer.process_words(" ".join(reference), " ".join(answer))
        counts.append((found.substitutions + found.deletions + found.insertions, len(reference)))
    return np.array(counts, np.int64).reshape(-1, 2)


def count_right(said: Sequence[Sequence[str]], answers: Sequence[Sequence[str]]) -> np.ndarray:
    """1 where every label of an utterance is right, else 0, and 1: (utterances, 2) int64."""
    return np.array(
        [(tuple(reference) == tuple(answer), 1) for reference, answer in zip(said, answers, strict=True)], np.int64
    ).reshape(-1, 2)


def rate(counts: np.ndarray) -> float:
    """Sum of the first column over that of the second: accuracy, or an error rate as a fraction (it can exceed 1)."""
    return float(counts[:, 0].sum() / counts[:, 1].sum())


def interval(counts: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % interval of a rate, by 1,000 seeded resamples of the utterances (percentiles, Efron 1979).

    It is about these speakers: utterances of one speaker are not independent, so for others it is too narrow.
    """
    generator = np.random.default_rng(seed)
    rates = []
    for _ in range(RESAMPLES):
        drawn = counts[generator.integers(len(counts), size=len(counts))].sum(0)
        rates.append(drawn[0] / drawn[1])
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)
