"""Speech whose word boundaries are known: planted, and those of the golden case."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from layerwise.scoring.measures.word_intervals import is_usable, reference_boundaries
from synthetic_views import SHARED

GOLDENS = SHARED / "analyses/word_segmentation"
STRIDE = 0.02


@dataclass(frozen=True)
class Planted:
    """Utterances in which each word is a point of its own, and frames lie around it."""

    features: np.ndarray  # (frames × dimensions), one utterance behind the other
    frames: np.ndarray  # (utterances,)
    first_frames: list[np.ndarray]  # of every word but the first, for each utterance

    @property
    def reference(self) -> list[np.ndarray]:
        """Milliseconds at which published boundaries of window 1 would be, a frame early."""
        return [20 * (first - 1) for first in self.first_frames]


def planted(utterances: int, noise: float, seed: int = 0, words: int = 8, dimensions: int = 6) -> Planted:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 12, (utterances, words))
    centres = rng.normal(size=(utterances, words, dimensions))
    rows = [np.repeat(centre, length, axis=0) for centre, length in zip(centres, lengths, strict=True)]
    features = np.concatenate(rows) + noise * rng.normal(size=(lengths.sum(), dimensions))
    return Planted(features, lengths.sum(axis=1), [np.cumsum(length)[:-1] for length in lengths])


class Golden:
    """The golden case of word segmentation."""

    def __init__(self, folder: Path) -> None:
        arrays = np.load(folder / "features.npz")
        names = arrays["utterances"].tolist()
        ends = np.cumsum(arrays["n_frames"])[:-1]
        self.rows = dict(zip(names, np.split(arrays["features"], ends), strict=True))
        self.expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        self.buckeye = json.loads((folder / "buckeye_style.json").read_text(encoding="utf-8"))
        self.tiers: dict[str, dict[str, list[dict[str, str]]]] = {name: {"words": [], "phones": []} for name in names}
        with (folder / "alignments.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                self.tiers[row["utterance"]][row["tier"]].append(row)

    @cached_property
    def used(self) -> list[str]:
        return [
            name
            for name, tiers in self.tiers.items()
            if is_usable(*([row["label"] for row in tiers[tier]] for tier in ("words", "phones")))
        ]

    @cached_property
    def reference(self) -> list[np.ndarray]:
        words = [self.tiers[name]["words"] for name in self.used]
        return [
            reference_boundaries(
                np.array([float(row["start"]) for row in rows]),
                np.array([float(row["end"]) for row in rows]),
                [row["label"] for row in rows],
            )
            for rows in words
        ]

    def features(self, which: str = "good20") -> np.ndarray:
        names = self.rows if which == "all22" else self.used
        return np.concatenate([self.rows[name] for name in names])

    @cached_property
    def frames(self) -> list[int]:
        return [len(self.rows[name]) for name in self.used]


def golden() -> Golden | None:
    """None where the golden case is not beside this repository."""
    return Golden(GOLDENS) if (GOLDENS / "expected.json").exists() else None
