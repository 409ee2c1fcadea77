"""Where the phones and words of a sample's utterances lie: files that score jobs read.

Score jobs import this, so nothing here needs more than numpy and h5py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from layerwise.representations import store

UTTERANCES, SPEAKERS = "utterance_id", "speaker_id"  # datasets, one entry for each utterance
OF, LABEL, START, END = "utterance", "label", "start", "end"  # datasets of a tier, one entry for each interval


@dataclass(frozen=True)
class LocatedIntervals:
    """The intervals of one tier, sorted by utterance and time.

    Attributes:
        utterances, speakers: (utterances,) names, sorted by utterance.
        utterance: (intervals,) the place of the utterance among `utterances`.
        label: (intervals,).
        start, end: (intervals,) seconds.
    """

    utterances: np.ndarray
    speakers: np.ndarray
    utterance: np.ndarray
    label: np.ndarray
    start: np.ndarray
    end: np.ndarray


def read_located(path: Path, tier: str) -> LocatedIntervals:
    """What `layerwise.targets.locating.locate_intervals` wrote, of one tier.

    Raises:
        RepresentationError: it is another file.
    """
    with store.reading([Path(path)]) as (file,):
        found = LocatedIntervals(
            _texts(file, UTTERANCES),
            _texts(file, SPEAKERS),
            store.numbers(store.dataset(file, f"{tier}/{OF}")).astype(np.int64),
            _texts(file, f"{tier}/{LABEL}"),
            store.seconds(store.dataset(file, f"{tier}/{START}")),
            store.seconds(store.dataset(file, f"{tier}/{END}")),
        )
    lengths = {len(each) for each in (found.utterance, found.label, found.start, found.end)}
    if len(lengths) != 1 or len(found.speakers) != len(found.utterances):
        raise store.RepresentationError(f"{path}: its datasets differ in length: delete it and run again")
    if len(found.utterance) and not 0 <= found.utterance.min() <= found.utterance.max() < len(found.utterances):
        raise store.RepresentationError(f"{path}: an interval is of no utterance: delete it and run again")
    return found


def _texts(file: h5py.File, name: str) -> np.ndarray:
    return store.strings(store.dataset(file, name))
