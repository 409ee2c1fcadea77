"""How scores are measured: what the configuration says under `cca`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from layerwise.cells import CORPUS, SPEAKERS


@dataclass(frozen=True)
class ScoreSettings:
    """The keys of `cca` in the configuration, and the seed of the folds."""

    folds: int
    trials: int
    folds_by: str
    standardise: bool
    epsilons: Sequence[Sequence[float]]
    seed: int
    intervals: str = CORPUS

    @property
    def over_speakers(self) -> bool:
        """Whether each score comes with a jackknife over groups of speakers, which then are kept whole in folds."""
        return self.intervals == SPEAKERS
