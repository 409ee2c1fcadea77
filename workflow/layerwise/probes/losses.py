"""Losses: what heads learn by on a batch, one number for each head and utterance, and how their outputs are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import torch
from torch.nn import functional as F

BLANK = 0  # of CTC


class Batch(NamedTuple):
    """Some utterances.

    Attributes:
        frames: (layers, utterances, frames, width), zeros after the end of an utterance; of pooled layers
            (layers, utterances, width).
        lengths: (utterances,) number of frames, on the CPU.
        targets: (utterances, columns) classes; with CTC (utterances, longest) symbols, padded.
        target_lengths: (utterances,) symbols of each, on the CPU; of labels not used.
    """

    frames: torch.Tensor
    lengths: torch.Tensor
    targets: torch.Tensor
    target_lengths: torch.Tensor


def ctc_losses(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """CTC loss of each head and utterance, per symbol of the target: (heads, utterances).

    An utterance with fewer frames than its target needs has no path, and counts as 0, without gradient.

    Args:
        logits: (heads, utterances, frames, classes).
    """
    heads, utterances, frames, classes = logits.shape
    log_probabilities = logits.log_softmax(-1).reshape(heads * utterances, frames, classes).transpose(0, 1)
    losses = F.ctc_loss(
        log_probabilities,
        batch.targets.repeat(heads, 1),
        batch.lengths.repeat(heads),
        batch.target_lengths.repeat(heads),
        blank=BLANK,
        reduction="none",
        zero_infinity=True,
    )
    return losses.reshape(heads, utterances) / batch.target_lengths.to(losses.device).clamp(min=1)


def label_losses(logits: torch.Tensor, batch: Batch, classes: Sequence[int]) -> torch.Tensor:
    """Cross-entropy of each head and utterance, summed over the columns: (heads, utterances).

    Utterances whose label is unknown (-1) have none.

    Args:
        logits: (heads, utterances, all classes of all columns).
    """
    heads, utterances, _ = logits.shape
    total = logits.new_zeros(heads, utterances)
    for column, scores in enumerate(logits.split(list(classes), dim=-1)):
        wanted = batch.targets[:, column].repeat(heads)
        losses = F.cross_entropy(scores.reshape(heads * utterances, -1), wanted, reduction="none", ignore_index=-1)
        total = total + losses.reshape(heads, utterances)
    return total


class Loss(ABC):
    """A loss, and how the outputs that were trained by it are read."""

    @abstractmethod
    def of(self, logits: torch.Tensor, batch: Batch, outputs: Sequence[int]) -> torch.Tensor:
        """The loss of each head and utterance: (heads, utterances).

        Args:
            logits: (heads, utterances[, frames], outputs of all columns).
            outputs: of each column.
        """

    @abstractmethod
    def read(self, logits: torch.Tensor, lengths: torch.Tensor, outputs: Sequence[int]) -> list[list[list[int]]]:
        """What each head answers to each utterance, in numbers.

        Args:
            logits, outputs: as for `of`.
            lengths: (utterances,) frames of each.
        """


class CTC(Loss):
    """Symbols in order, read by the most likely path: repetitions are one symbol, and blanks none."""

    def of(self, logits: torch.Tensor, batch: Batch, outputs: Sequence[int]) -> torch.Tensor:
        return ctc_losses(logits, batch)

    def read(self, logits: torch.Tensor, lengths: torch.Tensor, outputs: Sequence[int]) -> list[list[list[int]]]:
        paths = logits.argmax(-1).cpu().numpy()  # (heads, utterances, frames)
        return [
            [
                [number for number, _ in groupby(path[:frames].tolist()) if number != BLANK]
                for path, frames in zip(head, lengths.tolist(), strict=True)
            ]
            for head in paths
        ]


class CrossEntropy(Loss):
    """One class for each column; the most likely one is read."""

    def of(self, logits: torch.Tensor, batch: Batch, outputs: Sequence[int]) -> torch.Tensor:
        return label_losses(logits, batch, outputs)

    def read(self, logits: torch.Tensor, lengths: torch.Tensor, outputs: Sequence[int]) -> list[list[list[int]]]:
        best = [scores.argmax(-1) for scores in logits.split(list(outputs), dim=-1)]
        return torch.stack(best, -1).tolist()


LOSSES: dict[str, Loss] = {"ctc": CTC(), "cross_entropy": CrossEntropy()}  # as kinds name them
