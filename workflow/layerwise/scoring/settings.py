"""How scores are measured: what the configuration says under `cca`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from layerwise.cells import CORPUS, SPEAKERS

if TYPE_CHECKING:
    from layerwise.scoring.properties import Property

# A score of a smaller share of a view's dimensions is one of something else than the view.
FLAG_BELOW = 0.9


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

    def of(self, question: Property) -> ScoreSettings:
        """As they are for a question, which may have folds of its own: then there is no jackknife over speakers."""
        by = question.folds(self.folds_by)
        return self if by == self.folds_by else replace(self, folds_by=by, intervals=CORPUS)
