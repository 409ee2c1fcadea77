"""Word similarity: how well cosines between words' vectors at a layer follow ratings of pairs of words.

Pasad, Chou and Livescu, Layer-wise analysis of a self-supervised speech representation model, 2021. The vector of a
word is the mean of its instances, raw (no centring). Nothing is fitted, so nothing is held out.

Published sets share pairs: mc-30 is a part of rg-65, verb-143 and yp-130 have nearly the same. Averages here count such
a pair once. The published ones, which count it in each set, stand beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from layerwise.errors import did_you_mean, shown
from layerwise.files.texts import composed, folded
from layerwise.scoring.measures.cosines import cosines_of_pairs, require_rows, unit_rows
from layerwise.scoring.measures.rating_sets import NoPairsError, RatedPairs, Retained, retain
from layerwise.scoring.measures.ratings import (
    ChanceLevel,
    RatingChoiceError,
    RatingCorrelation,
    chance_level_of_members,
    numbers,
    parts,
    rating_correlation,
)
from layerwise.scoring.measures.spearman import FEWEST, interval, variance_of_sum
from layerwise.scoring.refusals import NonFiniteViewError, RefusedScoreError

EXACT, LOWER = CASES = ("exact", "lower")
_ROWS = 4096  # that are float64 at once: 25 MB of 768 dimensions


@dataclass(frozen=True)
class SetScore:
    """A set of rated pairs of words at a layer.

    Attributes:
        retained: its pairs that were scored, how many there were, and why the others were lost.
        similarities: (pairs,) cosines.
        own: of its pairs, what part is its own, where a pair of several sets belongs to each in part; in (0, 1].
    """

    retained: Retained
    similarities: np.ndarray
    correlation: RatingCorrelation
    chance: ChanceLevel
    own: float


@dataclass(frozen=True)
class Average:
    """An average of sets' correlations, with the interval of the level `confidence.CONFIDENCE`."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class WordSimilarity:
    """Scores of the sets of rated words, and their averages.

    Attributes:
        sets: by name; skipped: why others have no score.
        macro: sets count by the part of their pairs that is their own: of two sets of the same pairs, each by half.
        micro: sets count by the number of their own pairs: a pair of several sets counts once.
        macro_published, micro_published: the plain mean, and that weighted by pairs; they count shared pairs again.
    """

    sets: dict[str, SetScore]
    skipped: dict[str, str]
    macro: Average
    micro: Average
    macro_published: float
    micro_published: float


def word_similarity(
    vectors: np.ndarray,
    words: Iterable[str | bytes],
    sets: Sequence[RatedPairs],
    *,
    counts: Mapping[str, int] | None = None,
    more_than: int = 0,
    case: str = EXACT,
    seed: int = 0,
) -> WordSimilarity:
    """Word similarity of a layer: the vector of a word is the mean of its instances.

    A set with too few pairs left, or whose similarities are all equal, is skipped; so are words without instances.
    Memory: the means of the words that occur in sets, in float64 (6 kB a word of 768 dimensions), and 4,096 rows.

    Args:
        vectors: (instances × dimensions), an array or an HDF5 dataset.
        words: (instances,) the word of each; bytes are UTF-8.
        sets: of rated pairs, each of another name.
        counts: how often each word occurs where pairs are chosen; None: its instances here.
        more_than: a pair stays if both words occur more often than this; 0 as published.
        case: `exact` as published, or `lower`: `Arafat` is `arafat`.
        seed: of the shuffles.

    Raises:
        RatingChoiceError: a case that does not exist, or two sets of one name.
        ViewLengthError, NonFiniteViewError, ZeroVectorError: the vectors cannot be used.
        NoPairsError: no set has a score.
    """
    if case not in CASES:
        raise RatingChoiceError(f"case is {shown(case)}; {' or '.join(CASES)} is expected{did_you_mean(CASES, case)}")
    names = [pairs.name for pairs in sets]
    if len(set(names)) < len(names):
        raise RatingChoiceError(f"sets have the names {', '.join(map(shown, names))}; each needs one of its own")
    # HDF5 gives bytes; letters with marks are written in several ways, and tables are read as composed.
    spoken = [composed(word.decode() if isinstance(word, bytes) else str(word)) for word in words]
    if case == LOWER:
        sets = [pairs.folded() for pairs in sets]
        spoken = [folded(word, True) for word in spoken]
        counts = None if counts is None else _added(counts)
    instances = Counter(spoken)
    # A word that is counted elsewhere but has no instance here has no vector.
    occurs = instances if counts is None else {word: counts.get(word, 0) for word in instances}
    retained = {pairs.name: retain(pairs, occurs, more_than) for pairs in sets}
    rated = sorted({word for one in retained.values() for word in (*one.pairs.first, *one.pairs.second)})
    place = {word: number for number, word in enumerate(rated)}
    directions = _directions(vectors, spoken, place, instances)
    members = {name: _members(one.pairs, place) for name, one in retained.items()}
    similarities = {name: cosines_of_pairs(directions, *both.T) for name, both in members.items()}
    skipped = _without_order(retained, similarities)
    scored = [name for name in names if name not in skipped]
    if not scored:
        reasons = "; ".join(f"{shown(name)}: {reason}" for name, reason in skipped.items()) or "there is none"
        raise NoPairsError(f"none of {len(names)} sets of ratings has a score: {reasons}")
    own = _own_shares({name: members[name] for name in scored})
    found = {}
    for name in scored:
        numbered = similarities[name], retained[name].pairs.ratings
        correlation = rating_correlation(*numbered, members[name])
        chance = chance_level_of_members(directions, members[name], numbered[1], seed, name)
        found[name] = SetScore(retained[name], similarities[name], correlation, chance, own[name])
    correlations = np.array([one.correlation.correlation for one in found.values()])
    sizes = np.array([one.correlation.n for one in found.values()])
    return WordSimilarity(
        sets=found,
        skipped=skipped,
        macro=_average(found, members, {name: one.own for name, one in found.items()}),
        micro=_average(found, members, {name: one.own * one.correlation.n for name, one in found.items()}),
        macro_published=float(correlations.mean()),
        micro_published=float((correlations * sizes).sum() / sizes.sum()),
    )


def _without_order(retained: Mapping[str, Retained], similarities: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Which sets have no correlation, and why."""
    reasons = {}
    for name, one in retained.items():
        try:
            numbers(similarities[name], one.pairs.ratings)
        except RefusedScoreError as error:
            reasons[name] = f"{error} ({len(one.pairs)} of {one.of} pairs left)"
    return reasons


def _added(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of words in lower case."""
    added: Counter[str] = Counter()
    for word, count in counts.items():
        added[folded(word, True)] += count
    return added


def _members(pairs: RatedPairs, place: Mapping[str, int]) -> np.ndarray:
    """Places of the words of each pair, (pairs, 2)."""
    sides = [[place[word] for word in side] for side in (pairs.first, pairs.second)]
    return np.array(sides, dtype=np.int64).T


def _directions(
    vectors: np.ndarray, words: list[str], place: Mapping[str, int], instances: Mapping[str, int]
) -> np.ndarray:
    """Unit vectors of the rated words, (words × dimensions): of the means of their instances."""
    require_rows(vectors, len(words))
    place_of_row = np.array([place.get(word, -1) for word in words], dtype=np.int64)
    sums = np.zeros((len(place), vectors.shape[1]))
    for start in range(0, len(words), _ROWS):
        places = place_of_row[start : start + _ROWS]
        order = np.argsort(places, kind="stable")
        order = order[places[order] >= 0]
        if not order.size:
            continue
        rows = np.asarray(vectors[start : start + _ROWS], dtype=np.float64)[order]
        if bad := int(np.count_nonzero(~np.isfinite(rows).all(axis=1))):
            raise NonFiniteViewError(f"{bad} of the {order.size} instances after row {start} hold NaN or infinity")
        there, first = np.unique(places[order], return_index=True)
        sums[there] += np.add.reduceat(rows, first, axis=0)
    counts = np.array([instances[word] for word in place], dtype=np.float64)
    return unit_rows(sums / counts[:, None], [f"the mean of {instances[word]} of {shown(word)}" for word in place])


def _own_shares(members: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Of each set's pairs, what part is its own: a pair, in either order, belongs in equal parts to all its rows."""
    ordered = np.sort(np.concatenate(list(members.values())), axis=1)
    _, pair, times = np.unique(ordered, axis=0, return_inverse=True, return_counts=True)
    share = 1 / times[pair.reshape(-1)]
    ends = np.cumsum([len(rows) for rows in members.values()])[:-1]
    return {name: float(of_set.mean()) for name, of_set in zip(members, np.split(share, ends), strict=True)}


def _average(found: Mapping[str, SetScore], members: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> Average:
    """A weighted mean of sets' correlations. Its interval allows for pairs that share a word, in whichever set."""
    total = sum(weights.values())
    shares = {name: weight / total for name, weight in weights.items()}
    value = sum(share * found[name].correlation.correlation for name, share in shares.items())
    of_pairs = [
        share * parts(found[name].similarities, found[name].retained.pairs.ratings) for name, share in shares.items()
    ]
    of_words = np.concatenate([members[name] for name in shares])
    variance = variance_of_sum(np.concatenate(of_pairs), of_words)
    different = max(FEWEST, len(np.unique(np.sort(of_words, axis=1), axis=0)))
    return Average(float(value), *interval(float(value), variance, len(of_words), different))
