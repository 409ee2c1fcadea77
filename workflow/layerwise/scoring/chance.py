"""Chance levels: the target, shuffled, so that its rows have nothing to do with those of the layer.

A score above its chance level is about the pairing of rows. What the shuffled target keeps is what a score must exceed,
so each kind of row is shuffled in its own way:

frames    `frame_rows`. Speakers swap whole recordings. Kept: the order in time, and how alike neighbours are; how
          recordings begin and end, as the ends of two recordings meet; which rows are one recording and which
          recordings are one speaker, as all of a speaker's rows come from one other speaker. So the chance level holds
          whatever any two slowly changing series share, and whatever two views share that merely tell speakers apart.
          Lost: what was said when, and who said it.
segments  `permutation`. Labels are permuted within each fold. Kept: how often a label occurs, in every fold. Lost:
          which segment has which label, and with it whatever labels share with recordings and speakers.
units     `of_units`. Values that a whole recording or speaker has are exchanged between recordings or speakers. Kept:
          which rows are one recording or speaker, so that the chance level holds what it is worth to recognise them.
          Lost: which value each has.

One draw, by (property, seed, sample), serves all layers of a property and sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layerwise.seeds import generator

BAND = 6  # utterances that swap with each other, at least: few enough to be near in size, enough for many draws
SHARE = (0.1, 0.9)  # of its rows: by how much a single recording is rolled, at least and at most


def frame_rows(
    utterances: np.ndarray,
    speakers: np.ndarray,
    lengths: np.ndarray,
    frames: np.ndarray,
    property_name: str,
    seed: int,
    sample: int,
) -> np.ndarray:
    """Which row of the target stands beside each row of the layer, (frames.sum(),) int64.

    Each utterance gets the rows of another (`exchange`), stretched to its own length by taking the nearest row: the
    first beside the first, the last beside the last. No row of the layer is lost. One utterance alone is rolled: its
    rows move on by 10 to 90 % of them, and the last ones to the front.

    Args:
        utterances, speakers: (utterances,) id, and speaker of each, in the order of their rows.
        lengths: (utterances,) size of each, in the same unit for layers of all frame rates: what decides who gets
            whose rows. The rows are then those of the same utterances at any rate.
        frames: (utterances,) rows of each, in the layer and in the target.
    """
    if np.count_nonzero(lengths) < 2:
        rows = int(frames.sum())
        return (np.arange(rows) + _roll_offset(rows, generator(seed, sample, property_name))) % rows
    source = exchange(utterances, speakers, lengths, property_name, seed, sample)
    starts = np.cumsum(frames) - frames
    pieces = [
        starts[other] + _stretched(frames[other], wanted)
        for other, wanted in zip(np.where(frames[source] > 0, source, np.arange(source.size)), frames, strict=True)
    ]
    return np.concatenate(pieces)


def exchange(
    utterances: np.ndarray, speakers: np.ndarray, lengths: np.ndarray, property_name: str, seed: int, sample: int
) -> np.ndarray:
    """Whose rows each utterance gets, (utterances,): those of one of another speaker, near in length.

    Speakers change places first: each gets another one, that has about as much speech, and nobody else does. Within
    such a pair the utterances nearest in length are matched (the least sum of squared log ratios of lengths), none more
    often than their number demands. Utterances of a single speaker change places as speakers do: near in length, none
    keeps its own. Those of no length keep their place. The order of utterances does not matter.

    Args:
        as `frame_rows`.
    """
    random = generator(seed, sample, property_name)
    order = np.argsort(utterances, kind="stable")
    order = random.permutation(order[lengths[order] > 0])  # so that of equal lengths, none comes first always
    source = np.arange(len(utterances))
    _, speaker, counts = np.unique(speakers[order], return_inverse=True, return_counts=True)
    if len(counts) == 1:
        source[order] = order[_deranged(lengths[order], random)]
        return source
    of_speaker = np.split(order[np.argsort(speaker, kind="stable")], np.cumsum(counts)[:-1])
    speech = [lengths[mine].sum() for mine in of_speaker]
    for mine, other in zip(of_speaker, _deranged(speech, random), strict=True):
        source[mine] = of_speaker[other][_nearest(lengths[mine], lengths[of_speaker[other]])]
    return source


def permutation(rows: np.ndarray, fold: np.ndarray, property_name: str, seed: int, sample: int) -> np.ndarray:
    """Whose label each segment gets, (segments,): labels are permuted within each fold, so every fold keeps its own.

    Args:
        rows, fold: (segments,) row in the sample table, and fold of each segment.
    """
    taken_from = np.empty(fold.size, np.int64)
    random = generator(seed, sample, property_name)
    for number in np.unique(fold):
        mine = np.flatnonzero(fold == number)
        mine = mine[np.argsort(rows[mine])]  # the order of shards does not matter
        taken_from[mine] = random.permutation(mine)
    return taken_from


def of_units(units: np.ndarray, property_name: str, seed: int, sample: int) -> np.ndarray:
    """Whose value each row gets, (rows,): that of a row of another recording or speaker, the same for all of its rows.

    Args:
        units: (rows,) the recording or speaker of each row, all of whose rows have one value.
    """
    _, first, member = np.unique(units, return_index=True, return_inverse=True)
    return first[generator(seed, sample, property_name).permutation(first.size)][member]


def _deranged(sizes: Sequence[int] | np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A permutation, (n,), in which none of two or more keeps its place, and each gets that of one near in size.

    In order of size they form bands of `BAND` or more; each band changes places in a circle of random order.
    """
    order = np.argsort(sizes, kind="stable")
    source = np.empty(order.size, np.int64)
    for band in np.array_split(order, max(1, order.size // BAND)):
        circle = random.permutation(band)
        source[circle] = np.roll(circle, 1)
    return source


def _nearest(wanted: np.ndarray, offered: np.ndarray) -> np.ndarray:
    """Which of the offered lengths serves each wanted one, (wanted,), as `exchange` says.

    In order of length the best match never goes back, so that the place in the longer row is that in the shorter one
    and a shift that only grows: the least sums for each shift follow from those of one place before.
    """
    places = np.argsort(wanted, kind="stable")
    candidates = np.repeat(np.argsort(offered, kind="stable"), -(-wanted.size // offered.size))
    lengths = np.log(offered[candidates])
    shifts = candidates.size - wanted.size + 1
    sums = np.zeros((wanted.size + 1, shifts))
    for place, length in enumerate(np.log(wanted[places])):
        sums[place + 1] = np.minimum.accumulate(sums[place]) + (lengths[place : place + shifts] - length) ** 2
    chosen, shift = np.empty(wanted.size, np.int64), shifts - 1
    for place in reversed(range(wanted.size)):
        shift = int(sums[place + 1, : shift + 1].argmin())
        chosen[places[place]] = candidates[place + shift]
    return chosen


def _stretched(rows: int, wanted: int) -> np.ndarray:
    """The nearest of `rows` rows for each of `wanted`, borders on borders."""
    return np.rint(np.linspace(0, max(rows - 1, 0), wanted)).astype(np.int64)


def _roll_offset(rows: int, random: np.random.Generator) -> int:
    share = random.uniform(*SHARE)  # the same at every frame rate
    return int(np.clip(round(share * rows), np.ceil(SHARE[0] * rows), np.floor(SHARE[1] * rows)))
