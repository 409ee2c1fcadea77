"""What phones and characters share: symbols in the order in which they are said, and CTC (Graves et al. 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from layerwise.probes.kinds.kind import Baselines, Classes, Kind, Target

if TYPE_CHECKING:
    import numpy as np


class Sequences(Kind):
    """A target that is a sequence of symbols. Output 0 is CTC's blank; then come the sorted symbols of training.

    Other symbols take no part in the loss, and count as errors.
    """

    places = ("corpus",)
    loss = "ctc"

    def symbols(self, target: Target) -> Sequence[str]:
        """What a head says one after the other."""
        return target

    def spoken(self, symbols: Sequence[str]) -> Target:
        """The answer that consists of these symbols."""
        return tuple(symbols)

    def classes(self, targets: Sequence[Target]) -> list[dict[str, int]]:
        known = sorted({symbol for target in targets for symbol in self.symbols(target)})
        return [{symbol: number for number, symbol in enumerate(known, start=1)}]

    def outputs(self, classes: Classes) -> tuple[int, ...]:
        return tuple(len(numbers) + 1 for numbers in classes)

    def encoded(self, target: Target, classes: Classes) -> list[int]:
        (numbers,) = classes
        return [numbers[symbol] for symbol in self.symbols(target) if symbol in numbers]

    def is_known(self, target: Target, classes: Classes) -> bool:
        return classes[0].keys() >= set(self.symbols(target))

    def can_be_right(self, target: Target, classes: Classes) -> bool:
        return bool(self.encoded(target, classes))

    def frames_needed(self, encoded: Sequence[int]) -> int:
        """One for each symbol, and one for the blank between two equal ones."""
        return len(encoded) + sum(one == other for one, other in pairwise(encoded))

    def decoded(self, numbers: Sequence[int], classes: Classes) -> Target:
        names = ["", *classes[0]]
        return self.spoken([names[number] for number in numbers])

    def counts(self, said: Sequence[Target], answers: Sequence[Target]) -> np.ndarray:
        from layerwise.probes.grading import count_errors

        return count_errors(said, answers)

    def baselines(self, train: Sequence[Target], test: Sequence[Target], classes: Classes) -> Baselines:
        """An empty answer misses everything and adds nothing."""
        return Baselines(1.0, "", None, len(classes[0]))
