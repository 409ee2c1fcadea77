"""Word discrimination: are two segments of one word nearer to each other than segments of two words?

The same-different task (Carlin et al., Interspeech 2011): all pairs of segments in order of distance, and the average
precision with which pairs of the same word come first. Chance is the share of such pairs; labels permuted among all
segments (`layerwise.scoring.chance.permutation`) come to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from layerwise.scoring.measures import ranking as ranked
from layerwise.scoring.measures.cosines import on_grid, unit_rows
from layerwise.scoring.refusals import NonFiniteViewError, RefusedScoreError, ViewLengthError

BLOCK_ROWS = 512  # of vectors whose distances from all later ones are held: 60 MB for 14,000 vectors
MOST_SAME = 2**23  # same-word pairs; each takes 190 bytes, so all of them 1.6 GB

_ALL = ranked.Recall(same_speaker=True, other_speaker=True)
_BY_ONE = ranked.Recall(same_speaker=True, other_speaker=False)
_BY_TWO = ranked.Recall(same_speaker=False, other_speaker=True)


class NoSuchPairsError(RefusedScoreError):
    """There are no pairs of the same word, or none of different words."""


class TooManyPairsError(RefusedScoreError):
    """There are more same-word pairs than memory holds."""


class TooFewGroupsError(RefusedScoreError):
    """All segments are one group: nothing says how much the score would change with others."""


class NotNumbersError(RefusedScoreError):
    """Distances or vectors are not real numbers, or have the wrong number of dimensions."""


@dataclass(frozen=True)
class Uncertainty:
    """How much an average precision changes with the groups of segments that happened to be drawn.

    Attributes:
        standard_error: by the infinitesimal jackknife.
        low, high: ends of the 95 % interval.
        groups: the number of groups.
    """

    standard_error: float
    low: float
    high: float
    groups: int


@dataclass(frozen=True)
class SameDifferent:
    """How well same-word pairs are told from the rest. Shares are in [0, 1], higher is better.

    What regards speakers is None where they are not known, or where no same-word pair is of that kind.

    Attributes:
        ap: average precision, step-wise, ties taken together.
        prb: where recall meets interpolated precision (precision-recall breakeven).
        ap_trapezium: the area under the lines between the curve's points, as librispeech-samediff computes it.
        swdp_ap, swdp_prb: the precision of all same-word pairs over the recall of those by two different speakers.
        swsp_ap: likewise over the recall of those by one speaker.
        segments, pairs, same_word, same_word_other_speaker: how many there are.
        chance: the share of same-word pairs: the average precision of a random order.
        uncertainty, swdp_uncertainty: of `ap` and of `swdp_ap`; None if not asked for.
    """

    ap: float
    prb: float
    ap_trapezium: float
    swdp_ap: float | None
    swdp_prb: float | None
    swsp_ap: float | None
    segments: int
    pairs: int
    same_word: int
    same_word_other_speaker: int | None
    chance: float
    uncertainty: Uncertainty | None
    swdp_uncertainty: Uncertainty | None


def same_different(
    distances: np.ndarray,
    labels: np.ndarray | Sequence,
    speakers: np.ndarray | Sequence | None = None,
    groups: np.ndarray | Sequence | None = None,
    interval: bool = True,
) -> SameDifferent:
    """Same-different scores of segments, from the distance of each pair, or from a vector of each segment.

    The interval is about words: another corpus has other words, and the pairs of one word succeed or fail together. As
    if words were drawn anew with replacement (a bootstrap over word types), a word drawn twice counting as two; its
    standard error is computed in the limit of small changes of each word's weight, which takes one pass and no random
    numbers. The interval is normal on the scale log(ap / (1 − ap)), so within (0, 1), with Student's t of groups − 1
    degrees. It says nothing about other speakers: for that, give speakers as `groups`.

    Args:
        distances: (n(n − 1)/2,) in the order of scipy's pdist; or (n × dimensions) vectors, compared by 1 − cosine.
        labels: (n,) the word of each segment.
        speakers: (n,) the speaker of each.
        groups: (n,) what the interval draws anew; None: the words.
        interval: whether to compute uncertainties, which takes half of the time.

    Raises:
        NotNumbersError, NonFiniteViewError: by what distances or vectors hold.
        ViewLengthError: numbers of distances, labels, speakers or groups do not fit together.
        ZeroVectorError: a vector is 0.
        NoSuchPairsError: no pair is of the same word, or every pair is.
        TooManyPairsError: more than 2²³ pairs are of the same word.
        TooFewGroupsError: an interval needs two groups.
    """
    distances = np.asarray(distances)
    if distances.ndim == 2:
        return same_different_of_vectors(distances, labels, speakers, groups, interval)
    word = _numbers(labels, "labels")
    _check_numbers(distances, 1)
    pairs = word.size * (word.size - 1) // 2
    if distances.size != pairs:
        raise ViewLengthError(
            f"{distances.size} distances and {word.size} labels; {word.size} segments have {pairs} pairs"
        )

    def rows() -> Iterator[tuple[int, np.ndarray]]:
        end = 0
        for row in range(word.size - 1):
            start, end = end, end + word.size - 1 - row
            yield row, distances[start:end].astype(np.float64, copy=False)

    return _scores(rows, word, speakers, groups, interval)


def same_different_of_vectors(
    vectors: np.ndarray,
    labels: np.ndarray | Sequence,
    speakers: np.ndarray | Sequence | None = None,
    groups: np.ndarray | Sequence | None = None,
    interval: bool = True,
) -> SameDifferent:
    """`same_different` by 1 − cosine of vectors, (n × dimensions), without ever holding all distances.

    Distances are computed three times over, in float64 by blocks of rows, and rounded to multiples of 2⁻⁴⁴, so that no
    rounding decides a rank. Memory: the vectors in float64, two blocks of 512 × n distances, and 190 bytes a same-word
    pair: 0.2 GB for 10⁸ pairs of 768 dimensions and 25,000 of the same word.
    """
    vectors = np.asarray(vectors)
    word = _numbers(labels, "labels")
    _check_numbers(vectors, 2)
    if len(vectors) != word.size:
        raise ViewLengthError(f"{len(vectors)} vectors and {word.size} labels")
    units = unit_rows(vectors)

    def rows() -> Iterator[tuple[int, np.ndarray]]:
        for start in range(0, word.size - 1, BLOCK_ROWS):
            with threadpool_limits(1, "blas"):
                distances = 1 - on_grid(units[start : start + BLOCK_ROWS] @ units[start + 1 :].T)
            for row in range(start, min(start + BLOCK_ROWS, word.size - 1)):
                yield row, distances[row - start, row - start :]

    return _scores(rows, word, speakers, groups, interval)


def same_different_of_frames(
    sequences: Sequence[np.ndarray],
    labels: np.ndarray | Sequence,
    speakers: np.ndarray | Sequence | None = None,
    groups: np.ndarray | Sequence | None = None,
    interval: bool = True,
    distance: str = "cosine",
    reduction: str = "sum over frames",
) -> SameDifferent:
    """`same_different` by dynamic time warping of frames, (frames × dimensions) of each segment.

    Memory: 8 bytes a pair, and 100 MB for blocks of frames. Time: some 80 µs a pair of words of 37 frames with 768
    dimensions, nearly all of it for the distances of frames: 12 minutes for LibriSpeech's dev-clean set on one core.

    Args:
        distance, reduction: as `dtw.pair_distances`. The sum over the number of frames of both segments is far better
            than the plain sum, in which long words are far from everything.
    """
    from layerwise.scoring.measures.dtw import pair_distances  # loads a compiler

    if len(sequences) != len(labels):
        raise ViewLengthError(f"{len(sequences)} sequences of frames and {len(labels)} labels")
    return same_different(pair_distances(sequences, distance, reduction), labels, speakers, groups, interval)


def _scores(
    rows: ranked.Rows,
    word: np.ndarray,
    speakers: np.ndarray | Sequence | None,
    groups: np.ndarray | Sequence | None,
    interval: bool,
) -> SameDifferent:
    speaker = None if speakers is None else _numbers(speakers, "speakers", word.size)
    group = word if groups is None else _numbers(groups, "groups", word.size)
    _check_pairs(word)
    if interval and group.max() == 0:
        raise TooFewGroupsError(f"all {word.size} segments are of one group; an interval needs two groups or more")
    ranking = ranked.rank(rows, word, speaker)

    def recall_of(recall: ranked.Recall) -> np.ndarray | None:
        counted = recall.counted(ranking)
        return counted if speaker is not None and counted.any() else None

    every, by_one, by_two = ranking.same, recall_of(_BY_ONE), recall_of(_BY_TWO)
    ap = ranked.average_precision(ranking, every)
    swdp_ap = None if by_two is None else ranked.average_precision(ranking, by_two)
    recalls = [_ALL] if swdp_ap is None else [_ALL, _BY_TWO]
    found = ranked.influences(rows, ranking, recalls, word, speaker, group) if interval else []
    values = [ap] if swdp_ap is None else [ap, swdp_ap]
    uncertainties = [_uncertainty(value, influence) for value, influence in zip(values, found, strict=False)]
    pairs = word.size * (word.size - 1) // 2
    return SameDifferent(
        ap=ap,
        prb=ranked.breakeven(ranking, every),
        ap_trapezium=ranked.trapezium_area(ranking, every),
        swdp_ap=swdp_ap,
        swdp_prb=None if by_two is None else ranked.breakeven(ranking, by_two),
        swsp_ap=None if by_one is None else ranked.average_precision(ranking, by_one),
        segments=word.size,
        pairs=pairs,
        same_word=int(every.sum()),
        same_word_other_speaker=None if speaker is None else int(ranking.other_speaker.sum()),
        chance=float(every.sum() / pairs),
        uncertainty=uncertainties[0] if found else None,
        swdp_uncertainty=uncertainties[1] if len(found) == 2 else None,
    )


def _uncertainty(value: float, influence: np.ndarray) -> Uncertainty:
    """From how fast `value` changes with the weight of each group, of which a fixed number is drawn."""
    from layerwise.scoring.confidence import t_quantile  # scipy's statistics take long to import

    groups = influence.size
    error = math.sqrt(float(((influence - influence.mean()) ** 2).sum()) * groups / (groups - 1))
    if value >= 1 or error == 0:  # a perfect score has no slope
        return Uncertainty(error, value, value, groups)
    half = float(t_quantile(groups - 1)) * error / (value * (1 - value))
    centre = math.log(value / (1 - value))
    low, high = ((1 + math.tanh((centre + side * half) / 2)) / 2 for side in (-1, 1))
    return Uncertainty(error, low, high, groups)


def _numbers(names: np.ndarray | Sequence, what: str, wanted: int | None = None) -> np.ndarray:
    """The number of each segment's word, speaker or group, (segments,) from 0 on."""
    names = np.asarray(names)
    if names.ndim != 1 or (wanted is not None and names.size != wanted):
        expected = "one a segment is" if wanted is None else f"{wanted} are"
        raise ViewLengthError(f"{what} have the shape {names.shape}; {expected} needed")
    if names.dtype.kind == "f" and not np.isfinite(names).all():
        raise NonFiniteViewError(f"{np.count_nonzero(~np.isfinite(names))} of {names.size} {what} are not finite")
    return np.unique(names, return_inverse=True)[1]


def _check_numbers(values: np.ndarray, dimensions: int) -> None:
    if values.ndim != dimensions or values.dtype.kind not in "fiu":
        raise NotNumbersError(
            f"an array of shape {values.shape} and type {values.dtype} is given; real numbers in {dimensions} "
            f"dimension{'s' if dimensions > 1 else ''} are needed"
        )
    bad = sum(
        int(np.count_nonzero(~np.isfinite(values[start : start + 2**16]))) for start in range(0, len(values), 2**16)
    )
    if bad:
        raise NonFiniteViewError(f"{bad} of {values.size} values are NaN or infinite")


def _check_pairs(word: np.ndarray) -> None:
    counts = np.bincount(word)
    same, pairs = int((counts * (counts - 1) // 2).sum()), word.size * (word.size - 1) // 2
    if same in (0, pairs):
        kind = "the same word" if same == 0 else "different words"
        raise NoSuchPairsError(f"no pair of {word.size} segments of {counts.size} words is of {kind}")
    if same > MOST_SAME:
        raise TooManyPairsError(
            f"{same} of {pairs} pairs are of the same word, and at most {MOST_SAME} can be held: sample fewer segments"
        )
