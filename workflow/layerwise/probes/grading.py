"""Word and phone errors (WER, PER), right labels, balanced accuracy and macro F1: the answers of heads are graded.

jiwer counts errors: the least number of substitutions, deletions and insertions (Levenshtein 1966). Divided by the
number of phones or words that were said, they give the error rate of a set (`layerwise.probes.rates`), as `jiwer.wer`
computes it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import jiwer
import numpy as np

ItemLabels = Sequence[Hashable]


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


# Labels, beside the share of right answers


def balanced_accuracy(said: ItemLabels, answers: ItemLabels) -> float:
    """The mean over the labels that were said of the share of right answers: rare labels count as much as others."""
    asked, right = Counter(said), Counter(label for label, answer in zip(said, answers, strict=True) if label == answer)
    return math.fsum(right[label] / count for label, count in asked.items()) / len(asked)


def macro_f1(said: ItemLabels, answers: ItemLabels) -> float:
    """The mean over the labels that were said or answered of F1 = 2 right / (said + answered)."""
    asked, given = Counter(said), Counter(answers)
    right = Counter(label for label, answer in zip(said, answers, strict=True) if label == answer)
    labels = asked.keys() | given.keys()
    return math.fsum(2 * right[label] / (asked[label] + given[label]) for label in labels) / len(labels)


def most_frequent(labels: ItemLabels) -> Hashable:
    """The most frequent label; of equally frequent ones the first in order."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))
