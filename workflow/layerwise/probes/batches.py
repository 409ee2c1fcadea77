"""Batches for heads: which utterances an update sees, and their layers and targets as padded tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from layerwise.constants import SAMPLE_RATE
from layerwise.models.batches import padded_batches
from layerwise.probes.layers import Layers
from layerwise.probes.losses import Batch
from layerwise.seeds import generator

# Seconds of audio whose heads are computed together; a batch with more is divided, and its gradients are added up.
PIECE_SECONDS = {"cpu": 120, "cuda": 480}
PIECE_ROWS = 4096  # utterances, where each is one mean over time
STATISTICS_UTTERANCES = 256  # that tell mean and deviation of a layer's frames


class Batches:
    """The batches of one training.

    Attributes:
        centre, scale: (layers, 1, width) each: what brings the dimensions of a layer to zero mean and unit variance.

    Args:
        source: gives the layers of utterances.
        rows: of the training part.
        num_samples: of all utterances.
        encoded: gives the target of an utterance in numbers.
        size: utterances in a batch.
        seed: of their order.
        standardise: whether dimensions are brought to zero mean and unit variance.
    """

    def __init__(
        self,
        source: Layers,
        rows: np.ndarray,
        num_samples: np.ndarray,
        encoded: Callable[[int], Sequence[int]],
        size: int,
        seed: int,
        standardise: bool,
    ) -> None:
        self._source, self._rows, self._num_samples, self._encoded = source, rows, num_samples, encoded
        self._size, self._seed, self._standardise = size, seed, standardise
        self._piece_seconds = PIECE_SECONDS.get(torch.device(source.device).type, 120)
        self.centre, self.scale = self._statistics()

    def rows(self, step: int) -> np.ndarray:
        """The utterances of an update, in an order that (seed, epoch) decides; an epoch ends with a whole batch."""
        size = min(self._size, len(self._rows))
        per_epoch = len(self._rows) // size
        order = self._order(step // per_epoch)
        return order[(step % per_epoch) * size :][:size]

    def _order(self, epoch: int) -> np.ndarray:
        return generator(self._seed, epoch).permutation(self._rows)

    def pieces(self, rows: Sequence[int]) -> list[list[int]]:
        """Rows divided into parts of limited length when padded, the longest first."""
        if self._source.pooled:
            return [list(rows[start : start + PIECE_ROWS]) for start in range(0, len(rows), PIECE_ROWS)]
        return padded_batches(sorted(rows), lambda row: self._num_samples[row] / SAMPLE_RATE, self._piece_seconds)

    def batch(self, rows: Sequence[int]) -> Batch:
        """Layers and targets of some utterances, padded by zeros."""
        found = self._source.of(rows)
        device = found[0].device
        targets = [self._encoded(row) for row in rows]
        longest = max(map(len, targets))
        filled = [target + [0] * (longest - len(target)) for target in targets]
        padded = torch.tensor(filled, dtype=torch.long, device=device)
        sizes = torch.tensor([len(target) for target in targets])
        if self._source.pooled:
            frames = (torch.stack(found, 1) - self.centre) * self.scale
            return Batch(frames, torch.ones(len(found), dtype=torch.long), padded, sizes)
        lengths = torch.tensor([values.shape[1] for values in found])
        frames = found[0].new_zeros(len(self._source.layers), len(found), int(lengths.max()), self._source.width)
        for i, values in enumerate(found):
            frames[:, i, : values.shape[1]] = (values - self.centre) * self.scale
        return Batch(frames, lengths, padded, sizes)

    def _statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What brings each dimension of each layer to zero mean and unit variance: (layers, 1, width) each."""
        shape = (len(self._source.layers), 1, self._source.width)
        if not self._standardise:
            return torch.zeros(shape, device=self._source.device), torch.ones(shape, device=self._source.device)
        rows = self._rows if self._source.pooled else self._order(0)[:STATISTICS_UTTERANCES]
        count, total, squares = 0, 0.0, 0.0
        for start in range(0, len(rows), 16):
            for values in self._source.of(rows[start : start + 16]):
                values = values.double().reshape(shape[0], -1, shape[2])
                count += values.shape[1]
                total, squares = total + values.sum(1, keepdim=True), squares + values.square().sum(1, keepdim=True)
        mean = total / count
        deviation = (squares / count - mean.square()).clamp(min=0).sqrt()
        # A dimension without variance is left at zero, instead of showing its rounding.
        usable = deviation > 1e-6 * (squares / count).sqrt()
        return mean.float(), torch.where(usable, 1 / deviation, 0).float()
