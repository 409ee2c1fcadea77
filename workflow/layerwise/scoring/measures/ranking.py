"""Where same-word pairs stand among all pairs in order of distance: what average precision and its kin are made of.

Only same-word pairs are kept, as thresholds; of all others it suffices to count how many lie between two of them. So
memory grows with the same-word pairs, 1 in 1000 of LibriSpeech's, and pairs pass by once for each of three purposes:
to collect the thresholds, to count the rest, and to see what each group of segments contributes. All is exact: nothing
is binned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

# Yields each segment's number, and its distances from all later ones.
Rows = Callable[[], Iterator[tuple[int, np.ndarray]]]


@dataclass(frozen=True)
class Ranking:
    """How many pairs lie at each distinct distance of same-word pairs, and right below it.

    Attributes:
        thresholds: (k,) distances of same-word pairs, rising, each once.
        same_speaker, other_speaker: (k,) same-word pairs at each, by one speaker and by two; all count as by one
            where speakers are not known.
        below, at: (k,) pairs of different words between the threshold before and this one, and at this one.
    """

    thresholds: np.ndarray
    same_speaker: np.ndarray
    other_speaker: np.ndarray
    below: np.ndarray
    at: np.ndarray

    @property
    def same(self) -> np.ndarray:
        return self.same_speaker + self.other_speaker

    @property
    def hits(self) -> np.ndarray:
        """(k,) same-word pairs up to each threshold."""
        return self.same.cumsum()

    @property
    def misses(self) -> np.ndarray:
        """(k,) pairs of different words up to each threshold."""
        return (self.below + self.at).cumsum()

    @property
    def precision(self) -> np.ndarray:
        """(k,) the share of same-word pairs among all up to each threshold."""
        return self.hits / (self.hits + self.misses)


@dataclass(frozen=True)
class Recall:
    """Whether same-word pairs by one speaker, and by two, are what should be found."""

    same_speaker: bool
    other_speaker: bool

    def counted(self, ranking: Ranking) -> np.ndarray:
        """(k,) how many of them are at each threshold."""
        return self.same_speaker * ranking.same_speaker + self.other_speaker * ranking.other_speaker


def rank(rows: Rows, word: np.ndarray, speaker: np.ndarray | None) -> Ranking:
    """Rank the pairs of segments.

    Args:
        rows: distances, from each segment to all later ones.
        word, speaker: (segments,) numbers of words and speakers.
    """
    by_one, by_two = [], []
    for row, distances in rows():
        place = np.flatnonzero(word[row + 1 :] == word[row])
        found = distances[place]
        other = np.zeros(place.size, bool) if speaker is None else speaker[row + 1 + place] != speaker[row]
        by_one.append(found[~other])
        by_two.append(found[other])
    one, two = np.concatenate(by_one), np.concatenate(by_two)
    thresholds = np.unique(np.concatenate([one, two]))
    one, two = (np.bincount(np.searchsorted(thresholds, found), minlength=thresholds.size) for found in (one, two))
    counts = np.zeros(2 * thresholds.size + 1, np.int64)
    for row, distances in rows():
        np.add.at(counts, places(thresholds, distances[word[row + 1 :] != word[row]]), 1)
    return Ranking(thresholds, one, two, counts[:-1:2], counts[1::2])


def places(thresholds: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """2k + 1 for a distance equal to threshold k, 2k for one between it and the threshold before; 2·len above all."""
    place = np.searchsorted(thresholds, distances)
    equal = thresholds[np.minimum(place, thresholds.size - 1)] == distances
    return 2 * place + equal


def average_precision(ranking: Ranking, counted: np.ndarray) -> float:
    """Σ (R_k − R_{k−1}) P_k: the precision at each step of recall, ties taken together (as scikit-learn's).

    Args:
        counted: (k,) the same-word pairs at each threshold that make up recall; precision is that of all pairs.
    """
    return float(counted @ ranking.precision / counted.sum())


def trapezium_area(ranking: Ranking, counted: np.ndarray) -> float:
    """The area under the lines between neighbouring points of the curve of precision over recall, from (0, 1).

    Lines across a step of recall claim precisions that no threshold has (Davis and Goadrich 2006).
    """
    hits, misses = np.append(0, ranking.hits[:-1]), np.append(0, ranking.misses[:-1]) + ranking.below
    before = np.divide(hits, hits + misses, out=np.ones(hits.size), where=hits + misses > 0)
    return float(counted @ (before + ranking.precision) / counted.sum() / 2)


def breakeven(ranking: Ranking, counted: np.ndarray) -> float:
    """Where recall meets interpolated precision (the highest at this recall or a greater one), their mean there.

    As kamperh/speech_dtw: of all lengths of the list of nearest pairs, the one where both are nearest, the first of
    equals. Between two thresholds the precision falls with each further pair, so the nearest is found by division.
    """
    hits, misses, recall = ranking.hits, ranking.misses, counted.cumsum() / counted.sum()
    last = misses + np.append(ranking.below[1:], 0)  # of the pairs before the next threshold
    ahead = np.append(np.maximum.accumulate(ranking.precision[::-1])[::-1], 0)
    equal = np.divide(hits, recall, out=np.full(hits.size, np.inf), where=recall > 0) - hits
    tried = np.stack([misses, np.floor(equal), np.ceil(equal), last], axis=1).clip(misses[:, None], last[:, None])
    precision = np.maximum(hits[:, None] / (hits[:, None] + tried), ahead[1:, None]).ravel()
    recall = np.repeat(recall, 4)
    if ranking.below[0]:  # lists without a same-word pair
        precision, recall = np.append(ahead[0], precision), np.append(0, recall)
    nearest = np.abs(recall - precision).argmin()
    return float((recall[nearest] + precision[nearest]) / 2)


def influences(
    rows: Rows,
    ranking: Ranking,
    recall: Recall,
    word: np.ndarray,
    speaker: np.ndarray | None,
    group: np.ndarray,
) -> np.ndarray:
    """How fast average precision changes with the weight of each group of segments, (groups,), where all weigh 1.

    A pair of two groups weighs the product of their weights. A pair within a group weighs what the group does: a group
    that is drawn twice is two groups, whose segments have nothing to do with each other. (Infinitesimal jackknife:
    Jaeckel 1972; Efron 1982, chapter 6.)

    Args:
        group: (segments,) numbers of the groups.
    """
    counted, hits, misses = recall.counted(ranking), ranking.hits, ranking.misses
    total = counted.sum()
    slope = counted / (hits + misses) ** 2 / total
    own = np.append((ranking.precision - average_precision(ranking, counted)) / total, 0)
    raised, lowered = (np.append(np.cumsum((slope * n)[::-1])[::-1], 0) for n in (misses, -hits))
    found = np.zeros(group.max() + 1)
    for row, distances in rows():
        place = np.searchsorted(ranking.thresholds, distances)
        same = word[row + 1 :] == word[row]
        change = np.where(same, raised[place], lowered[place])
        later = np.flatnonzero(same)
        other = np.zeros(later.size, bool) if speaker is None else speaker[row + 1 + later] != speaker[row]
        later = later[np.where(other, recall.other_speaker, recall.same_speaker)]
        change[later] += own[place[later]]
        groups = group[row + 1 :]
        found += np.bincount(groups, change, minlength=found.size)
        found[group[row]] += change[groups != group[row]].sum()
    return found
