"""What a layer would score on a target that has nothing to do with it: the yardstick of every score.

The target keeps what it is (its values, their order in time, how often a label occurs) and loses only its place: a
score above its chance level is about the pairing of rows, not about the number of rows and dimensions. One draw serves
all layers of a property and sample.
"""

from __future__ import annotations

import numpy as np

CHANCE = "_chance"  # a metric of this suffix is the chance level of that metric: a yardstick, never ranked
SHARE = (0.1, 0.9)  # of the rows, that a target is rolled by at least and at most


def roll_offset(rows: int, property_name: str, seed: int, sample: int) -> int:
    """By how many of its rows a frame target is rolled, 10 to 90 % of them.

    Shuffled frames would hide that neighbours in time are alike; rolled ones keep it, as the layer does. The share
    depends on (property, seed, sample), the same at every frame rate.
    """
    share = _generator(property_name, seed, sample).uniform(*SHARE)
    return int(np.clip(round(share * rows), np.ceil(SHARE[0] * rows), np.floor(SHARE[1] * rows)))


def permutation(rows: np.ndarray, fold: np.ndarray, property_name: str, seed: int, sample: int) -> np.ndarray:
    """Whose label each segment gets, (segments,): labels change places within each fold, so every fold keeps its own.

    Args:
        rows, fold: (segments,) row in the sample table, and fold of each segment.
    """
    taken_from = np.empty(fold.size, np.int64)
    random = _generator(property_name, seed, sample)
    for number in np.unique(fold):
        mine = np.flatnonzero(fold == number)
        mine = mine[np.argsort(rows[mine])]  # the order of shards does not matter
        taken_from[mine] = random.permutation(mine)
    return taken_from


def _generator(property_name: str, seed: int, sample: int) -> np.random.Generator:
    return np.random.default_rng([seed, sample, *property_name.encode()])
