"""Where same-word pairs stand among all pairs in order of distance: what average precision and its kin are made of.

Only same-word pairs are kept, as thresholds; of all others it suffices to count how many lie between two of them. So
memory grows with the same-word pairs, 1 in 1000 of LibriSpeech's, and pairs pass by once for each of three purposes:
to collect the thresholds, to count the rest, and to see what each group of segments contributes. All is exact: nothing
is binned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
        # Sorted, as neighbours then need the same few thresholds: three times faster.
        np.add.at(counts, places(thresholds, np.sort(distances[word[row + 1 :] != word[row]])), 1)
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
    best = np.zeros(hits.size)
    apart = np.full(hits.size, np.inf)
    for tried in (misses, np.floor(equal), np.ceil(equal), last):
        precision = np.maximum(hits / (hits + tried.clip(misses, last)), ahead[1:])
        difference = np.abs(recall - precision)
        nearer = difference < apart
        best[nearer], apart[nearer] = precision[nearer], difference[nearer]
    nearest = apart.argmin()
    if ranking.below[0] and ahead[0] <= apart[nearest]:  # the list of one pair, of different words: no recall
        return float(ahead[0] / 2)
    return float((recall[nearest] + best[nearest]) / 2)


def influences(
    rows: Rows,
    ranking: Ranking,
    recalls: Sequence[Recall],
    word: np.ndarray,
    speaker: np.ndarray | None,
    group: np.ndarray,
) -> list[np.ndarray]:
    """How fast each average precision changes with the weight of each group, (groups,), where all weigh 1.

    A pair of two groups weighs the product of their weights. A pair within a group weighs what the group does: a group
    that is drawn twice is two groups, whose segments have nothing to do with each other. (Infinitesimal jackknife:
    Jaeckel 1972; Efron 1982, chapter 6.)

    Args:
        recalls: what the average precisions should find.
        group: (segments,) numbers of the groups.
    """
    slopes = [_Slopes(ranking, recall) for recall in recalls]
    found = np.zeros((len(slopes), group.max() + 1))
    for row, distances in rows():
        order = np.argsort(distances)
        place = np.searchsorted(ranking.thresholds, distances[order])
        same = word[row + 1 + order] == word[row]
        other = np.zeros(order.size, bool) if speaker is None else speaker[row + 1 + order] != speaker[row]
        groups = group[row + 1 + order]
        for total, slope in zip(found, slopes, strict=True):
            change = slope.of_pairs(place, same, other)
            total += np.bincount(groups, change, minlength=total.size)
            total[group[row]] += change[groups != group[row]].sum()
    return list(found)


class _Slopes:
    """How fast an average precision changes with the weight of a pair, by where the pair stands.

    Attributes:
        raised, lowered: (k + 1,) by a pair of the same word, or of different words, at a threshold or between it and
            the one before: it changes the precision there and at all greater distances. The last: above all.
        own: (k + 1,) by a pair that recall counts, on top of that: it takes a greater share.
    """

    def __init__(self, ranking: Ranking, recall: Recall):
        self.recall = recall
        counted, hits, misses = recall.counted(ranking), ranking.hits, ranking.misses
        total = counted.sum()
        slope = counted / (hits + misses) ** 2 / total
        self.raised, self.lowered = (np.append(np.cumsum((slope * n)[::-1])[::-1], 0) for n in (misses, -hits))
        self.own = np.append((ranking.precision - average_precision(ranking, counted)) / total, 0)

    def of_pairs(self, place: np.ndarray, same: np.ndarray, other: np.ndarray) -> np.ndarray:
        """(pairs,) of pairs at these places, of the same word or not, by other speakers or not."""
        change = np.where(same, self.raised[place], self.lowered[place])
        counted = np.flatnonzero(same & np.where(other, self.recall.other_speaker, self.recall.same_speaker))
        change[counted] += self.own[place[counted]]
        return change
