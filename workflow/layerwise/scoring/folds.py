"""Which rows train, tune and test: seeded folds, and the trials that use them.

Folds are computed by the job that scores, from what stands beside the rows: nothing about them is stored, so a change
of their number or kind repeats no sampling and no extraction.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from layerwise.scoring.refusals import FoldError
from layerwise.seeds import fold_key, generator

MOST_GROUPS = 20  # of speakers, where there are not more folds


def segment_folds(
    labels: np.ndarray,
    utterances: np.ndarray,
    rows: np.ndarray,
    groups: np.ndarray | None,
    folds: int,
    seed: int,
    sample: int,
) -> np.ndarray:
    """The fold of each segment, (segments,) int64.

    By row (`groups` is None): the segments of each label, sorted by hash, are dealt round robin from a start that
    depends on the label: every fold has its share of every label, and rare labels are not all in the first folds.

    Args:
        labels, utterances, rows: (segments,) label, utterance, and row in the sample table of each segment.
        groups: (segments,) utterance or speaker: each goes to one fold as a whole.

    Raises:
        FoldError: fewer groups than folds.
    """
    if groups is not None:
        return _group_folds(groups, folds, seed, sample)
    hashes = np.array([fold_key(seed, sample, *key) for key in zip(utterances, rows, strict=True)], np.uint64)
    fold = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        mine = mine[np.argsort(hashes[mine], kind="stable")]
        fold[mine] = (fold_key(seed, sample, label) + np.arange(mine.size)) % folds
    return fold


def frame_folds(
    utterances: np.ndarray, frames: np.ndarray, groups: np.ndarray | None, folds: int, seed: int, sample: int
) -> np.ndarray:
    """The fold of each frame, (rows,) int64.

    By row (`groups` is None): by a hash of (seed, sample, utterance, frame), as the paper's random frames. Neighbours
    in time, which are nearly the same, then lie in training and test folds; by utterance or speaker they do not.

    Args:
        utterances: (utterances,) ids, in the order of their frames.
        frames: (utterances,) frames of each.
        groups: (utterances,) utterance or speaker.

    Raises:
        FoldError: fewer groups than folds.
    """
    if groups is not None:
        return _group_folds(np.repeat(groups, frames), folds, seed, sample)
    starts = np.array([fold_key(seed, sample, utterance) for utterance in utterances], np.uint64)
    within = (
        np.concatenate([np.arange(count, dtype=np.uint64) for count in frames])
        if len(frames)
        else np.array([], np.uint64)
    )
    return (_mix(np.repeat(starts, frames) + within * np.uint64(0x9E3779B97F4A7C15)) % np.uint64(folds)).astype(
        np.int64
    )


def trials(folds: int, count: int, seed: int, sample: int) -> list[tuple[int, int]]:
    """`count` disjoint (dev fold, test fold) pairs: the first of a permutation seeded by (seed, sample).

    Raises:
        FoldError: the folds do not suffice.
    """
    if 2 * count > folds:
        raise FoldError(f"{count} trials need {2 * count} folds, a dev and a test fold each; there are {folds}")
    order = generator(seed, sample).permutation(folds).tolist()
    return list(zip(order[: 2 * count : 2], order[1 : 2 * count : 2], strict=True))


def speaker_groups(speakers: Iterable[str], folds: int, seed: int) -> dict[str, str]:
    """The group of each speaker, for a jackknife: a speaker, or a bundle where there are more than 20 and than folds.

    Speakers, sorted by a hash of (seed, speaker), are dealt to the bundles, which therefore are alike in number. A
    group depends on who is there at all, and on nothing that differs between samples, layers and models.
    """
    names = sorted(set(speakers), key=lambda name: (fold_key(seed, name), name))
    count = max(MOST_GROUPS, folds)
    if len(names) <= count:
        return {name: name for name in names}
    return {name: f"bundle-{place % count + 1}" for place, name in enumerate(names)}


def merged(fold: np.ndarray, pairs: list[tuple[int, int]]) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Folds and trials renumbered: the folds that some trial holds out first, all others as one behind them.

    What is only ever trained on needs no moments of its own: of ten folds and three trials, seven are left.
    """
    apart = sorted({number for pair in pairs for number in pair})
    new = {number: place for place, number in enumerate(apart)}
    numbers = np.arange(int(fold.max(initial=-1)) + 1)
    place = np.array([new.get(number, len(apart)) for number in numbers.tolist()], np.int64)
    return place[fold], [(new[dev], new[test]) for dev, test in pairs]


def _group_folds(groups: np.ndarray, folds: int, seed: int, sample: int) -> np.ndarray:
    """Groups, sorted by hash, each to the fold that has fewest rows so far."""
    names, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise FoldError(f"{len(names)} groups (cca.folds_by) cannot fill {folds} folds (cca.folds)")
    order = np.argsort([fold_key(seed, sample, name) for name in names], kind="stable")
    fold_of, rows = np.empty(len(names), np.int64), np.zeros(folds, np.int64)
    for group in order:
        fold_of[group] = rows.argmin()
        rows[fold_of[group]] += sizes[group]
    return fold_of[member]


def _mix(values: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014): consecutive numbers become unrelated ones."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
