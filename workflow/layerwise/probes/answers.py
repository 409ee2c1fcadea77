"""What is to be learned of each utterance, and targets as numbers and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from layerwise.probes.kinds.kind import Baselines, Kind, Target
from layerwise.probes.losses import LOSSES


@dataclass(frozen=True)
class Utterances:
    """What is to be learned: for each utterance its part, its target (items.parquet) and its length in samples.

    Attributes:
        speakers: who speaks in each; None: not known, and so is one of whom some are "".
    """

    parts: np.ndarray
    targets: Sequence[tuple[str, ...]]
    num_samples: np.ndarray
    speakers: Sequence[str] | None = None

    def rows(self, part: str) -> np.ndarray:
        return np.flatnonzero(self.parts == part)

    def targets_of(self, part: str) -> list[tuple[str, ...]]:
        return [self.targets[row] for row in self.rows(part)]

    def speakers_of(self, part: str) -> list[str] | None:
        """Who speaks in each utterance of a part; None where that is not known of all of them."""
        names = [self.speakers[row] for row in self.rows(part)] if self.speakers is not None else []
        return names if names and all(names) else None


class Answers:
    """Targets of a task as numbers for training, and outputs of heads as answers.

    Attributes:
        classes: for each column the classes that the training part has, in the order of the outputs.
        outputs: outputs of a head, for each column.
    """

    def __init__(self, kind: Kind, utterances: Utterances) -> None:
        self._kind, self._targets = kind, utterances.targets
        self._numbers = kind.classes(utterances.targets_of("train"))
        self.classes = [list(numbers) for numbers in self._numbers]
        self.outputs = kind.outputs(self._numbers)

    def encoded(self, row: int) -> list[int]:
        """The target of an utterance in numbers."""
        return self._kind.encoded(self._targets[row], self._numbers)

    def unseen(self, rows: Iterable[int]) -> int:
        """Utterances with a label (phone, character) that training lacks."""
        return sum(not self._kind.is_known(self._targets[row], self._numbers) for row in rows)

    def can_be_right(self, rows: Sequence[int]) -> bool:
        """Whether training has all labels, or a phone or character, of one of these utterances."""
        return any(self._kind.can_be_right(self._targets[row], self._numbers) for row in rows)

    def counts(self, rows: Sequence[int], answers: Sequence[Target]) -> np.ndarray:
        """Errors (or hits) and lengths of utterances: (utterances, 2)."""
        return self._kind.counts([self._targets[row] for row in rows], answers)

    def decoded(self, logits: torch.Tensor, lengths: torch.Tensor) -> list[list[Target]]:
        """The answers of each head to each utterance."""
        heads = LOSSES[self._kind.loss].read(logits, lengths, self.outputs)
        return [[self._kind.decoded(answer, self._numbers) for answer in head] for head in heads]

    def baselines(self, train: Sequence[Target], test: Sequence[Target]) -> Baselines:
        """What answers that do not listen reach on test."""
        return self._kind.baselines(train, test, self._numbers)
