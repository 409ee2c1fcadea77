"""Which segments of a tier are told apart by their frames: long ones, of labels that occur twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from layerwise.scoring.refusals import RefusedScoreError
from layerwise.seeds import generator
from layerwise.targets.located import LocatedIntervals


def usable_segments(
    located: LocatedIntervals, there: np.ndarray, what: str, option: Mapping[str, Any], *key: int | str
) -> np.ndarray:
    """Places of segments that are long enough, as many whole labels of them as are wanted.

    Args:
        there: (intervals,) which ones have frames.
        what: what they are called.
        option: `least_letters`, `least_seconds` and `segments` of the measure.
        key: seed and names that the draw of labels depends on.

    Raises:
        RefusedScoreError: there are none.
    """
    letters = np.array([len(label) for label in located.label.tolist()], np.int64)
    long_enough = np.round(located.end - located.start, 6) >= option["least_seconds"]
    usable = np.flatnonzero(there & (letters >= option["least_letters"]) & long_enough)
    usable = some_labels(usable, located.label, option["segments"], *key)
    if not usable.size:
        raise RefusedScoreError(
            f"no label has two segments of {option['least_letters']} letters and {option['least_seconds']:g} s, and at "
            f"most {option['segments']} in all, among {len(located.label)} {what} of {len(located.utterances)} "
            "utterances (least_letters, least_seconds, segments)"
        )
    return usable


def some_labels(usable: np.ndarray, labels: np.ndarray, most: int, *key: int | str) -> np.ndarray:
    """The segments of labels drawn at random among those that occur twice, so many that no more than `most` are left.

    Fewer segments of every label would leave few pairs that are the same.
    """
    names, of, number = np.unique(labels[usable], return_inverse=True, return_counts=True)
    kept = np.zeros(len(names), bool)
    left = most
    for name in generator(*key).permutation(len(names)):
        if 2 <= number[name] <= left:
            kept[name] = True
            left -= number[name]
    return usable[kept[of]]
