"""Spoken sentence similarity: how well cosines between readings of two sentences follow ratings of the sentences.

Merkx, Frank and Ernestus, Semantic sentence similarity: size does not always matter, 2021; Pasad, Chien, Settle and
Livescu, What do self-supervised speech models know about words?, 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layerwise.errors import did_you_mean, shown
from layerwise.scoring.measures.cosines import cosines_of_pairs, on_grid, require_rows, unit_rows
from layerwise.scoring.measures.rating_sets import NoPairsError
from layerwise.scoring.measures.ratings import (
    ChanceLevel,
    RatingChoiceError,
    RatingCorrelation,
    chance_level,
    rating_correlation,
)
from layerwise.scoring.refusals import NonFiniteViewError, ViewLengthError

MEAN, EACH = COMBINED = ("mean", "each")


@dataclass(frozen=True)
class SentenceSimilarity:
    """Spoken sentences at a layer.

    Attributes:
        similarities: one of each pair (`mean`), or of each two readings of each pair (`each`).
        pairs: of sentences; `correlation.n` is the number of similarities.
    """

    similarities: np.ndarray
    pairs: int
    correlation: RatingCorrelation
    chance: ChanceLevel


def sentence_similarity(
    vectors: np.ndarray,
    first: Sequence[Sequence[int]],
    second: Sequence[Sequence[int]],
    ratings: np.ndarray,
    *,
    combined: str = MEAN,
    seed: int = 0,
    name: str = "sentences",
) -> SentenceSimilarity:
    """Spoken sentence similarity of a layer: cosines of any reading of one sentence with any of the other.

    With four readings of each, a pair has 16 cosines (Merkx, Frank and Ernestus 2021). Memory: the vectors in float64.

    Args:
        vectors: (recordings × dimensions), each the mean of a recording's frames.
        first, second: (pairs,) rows of `vectors` that read the pair's first and second sentence.
        ratings: (pairs,).
        combined: `mean`: a pair's similarity is the mean of its cosines, as published; `each`: every cosine is a
            point of its own, with the pair's rating (the other published way).
        seed: of the shuffles. name: of the table, for the shuffles too.

    Raises:
        RatingChoiceError: a way that does not exist, or a row that does not.
        ViewLengthError: pairs and ratings, or the sides of pairs, differ in number.
        NoPairsError: a pair has no reading of a sentence.
        NonFiniteViewError, ZeroVectorError, TooFewRowsError, ConstantError: these vectors or ratings have no score.
    """
    if combined not in COMBINED:
        meant = did_you_mean(COMBINED, combined)
        raise RatingChoiceError(f"combined is {shown(combined)}; {' or '.join(COMBINED)} is expected{meant}")
    ratings = np.asarray(ratings, dtype=np.float64)
    if not len(first) == len(second) == ratings.size:
        raise ViewLengthError(f"{len(first)} and {len(second)} sentences of pairs, but {ratings.size} ratings")
    empty = [pair for pair, both in enumerate(zip(first, second, strict=True)) if not all(map(len, both))]
    if empty:
        raise NoPairsError(
            f"{len(empty)} of {ratings.size} pairs have no reading of a sentence, the first is {empty[0]}"
        )
    require_rows(vectors)
    readers = list(zip(first, second, strict=True))
    sides = np.array([(left, right) for a, b in readers for left in a for right in b]).reshape(-1, 2)
    used, place = np.unique(sides, return_inverse=True)
    if used.size and used.dtype.kind not in "iu":
        raise RatingChoiceError(f"rows of readings are {used.dtype}; integers are expected")
    if used.size and not 0 <= used[0] <= used[-1] < len(vectors):
        raise RatingChoiceError(f"the rows {used[0]} … {used[-1]} are named; there are 0 … {len(vectors) - 1}")
    rows = np.asarray(vectors, dtype=np.float64)[used.astype(np.int64)]
    if bad := int(np.count_nonzero(~np.isfinite(rows).all(axis=1))):
        raise NonFiniteViewError(f"{bad} of {used.size} recordings' vectors hold NaN or infinity")
    similarities = cosines_of_pairs(unit_rows(rows, [f"row {row}" for row in used.tolist()]), *place.reshape(-1, 2).T)
    pairs = np.repeat(np.arange(ratings.size), [len(a) * len(b) for a, b in readers])
    if combined == MEAN:
        sums = np.bincount(pairs, similarities, ratings.size)
        similarities = on_grid(sums / np.bincount(pairs, minlength=ratings.size))
        correlation = rating_correlation(similarities, ratings)
        return SentenceSimilarity(
            similarities, ratings.size, correlation, chance_level(similarities, ratings, seed, name)
        )
    correlation = rating_correlation(similarities, ratings[pairs], pairs[:, None])
    chance = chance_level(similarities, ratings[pairs], seed, name, pairs=pairs)
    return SentenceSimilarity(similarities, ratings.size, correlation, chance)
