"""What heads of every shape share: their sizes, their loss, and first weights from a seed of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from layerwise.probes.kinds.kind import KINDS
from layerwise.probes.losses import LOSSES, Batch


@dataclass(frozen=True)
class Shape:
    """What heads look like.

    Attributes:
        kind: `phones`, `characters` or `labels`.
        layers: names of the layers in a batch, in order.
        width: dimensions of a layer.
        classes: number of outputs; of labels, for each column one number; with CTC, the blank counts.
        projection, hidden, dropout: of the recipe.
    """

    kind: str
    layers: tuple[str, ...]
    width: int
    classes: tuple[int, ...]
    projection: int
    hidden: int = 0
    dropout: float = 0.0


def uniform(generator: torch.Generator, bound: float, *shape: int) -> torch.Tensor:
    """As torch's linear and recurrent layers draw their first weights, from a generator of one's own."""
    return (torch.rand(*shape, generator=generator) * 2 - 1) * bound


class Heads(ABC):
    """Heads that are trained side by side on the same batches.

    Attributes:
        names: those that still learn: layers of the shape, then `weighted`.
        gains_from_threads: whether several threads for one product pay where layers are wide.
    """

    gains_from_threads: ClassVar[bool] = False

    def __init__(self, shape: Shape, names: Sequence[str], device: str) -> None:
        self.shape, self.names, self.device = shape, list(names), device

    def losses(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The loss of each head and utterance, (heads, utterances)."""
        return LOSSES[KINDS[self.shape.kind].loss].of(logits, batch, self.shape.classes)

    @abstractmethod
    def add_gradients(self, batch: Batch, share: float, draw: tuple[int, int] = (0, 0)) -> torch.Tensor:
        """Add the gradients of the mean loss of a part of a batch, times its share of it; the losses, (heads,).

        Args:
            draw: step, and part of the batch: whatever a head draws depends on them and on its name.
        """

    @abstractmethod
    def update(self, clip: float) -> None:
        """One step of Adam with what `add_gradients` gathered, each head's gradient of norm `clip` at most."""

    @abstractmethod
    def evaluate(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses (heads, utterances) and logits (heads, utterances[, frames], classes), without gradients."""

    @abstractmethod
    def state_of(self, name: str) -> dict[str, torch.Tensor]:
        """A copy of the weights of one head."""

    @abstractmethod
    def set_state(self, states: dict[str, dict[str, torch.Tensor]]) -> None:
        """Give heads weights as `state_of` has them."""

    @abstractmethod
    def layer_weights(self) -> list[float]:
        """The softmax weights of `weighted`, in order of the layers."""

    @abstractmethod
    def keep(self, names: Sequence[str]) -> None:
        """Go on with some of the heads; what the others have learned is dropped."""

    @abstractmethod
    def state(self) -> dict:
        """All that the next step depends on."""

    @abstractmethod
    def restore(self, state: dict) -> None:
        """Go on from what `state` gave."""
