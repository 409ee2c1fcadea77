"""Heads with LSTMs on frozen layers: linear, two bidirectional LSTMs, linear."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from layerwise.layers import WEIGHTED
from layerwise.probes.head_shapes import Heads, Shape, uniform
from layerwise.probes.losses import Batch
from layerwise.seeds import seed_of
from layerwise.workers import Workers


class RecurrentHeads(Heads):
    """Heads with LSTMs: too large to gain from one tensor, so each is computed for itself.

    Args:
        threads: on a CPU, heads in work at a time, each by one thread: no number depends on how many there are.
    """

    def __init__(
        self,
        shape: Shape,
        names: Sequence[str],
        task: str,
        seed: int,
        learning_rate: float,
        device: str = "cpu",
        threads: int = 1,
    ) -> None:
        super().__init__(shape, names, device)
        self._pool = Workers(threads if torch.device(device).type == "cpu" else 1)
        self._task, self._seed, self._rate = task, seed, learning_rate
        self._modules = {name: self._module(name) for name in names}
        self._optimisers = {name: self._optimiser(module) for name, module in self._modules.items()}

    def _optimiser(self, module: torch.nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(module.parameters(), lr=self._rate, fused=True)

    def _module(self, name: str) -> _Recurrent:
        generator = torch.Generator().manual_seed(seed_of(self._seed, self._task, name))
        module = _Recurrent(self.shape, weighted=name == WEIGHTED)
        with torch.no_grad():
            for part in (module.project, *module.recurrent, module.classify):
                fan = part.hidden_size if isinstance(part, torch.nn.LSTM) else part.in_features
                for parameter in part.parameters():
                    parameter.copy_(uniform(generator, 1 / math.sqrt(fan), *parameter.shape))
        return module.to(self.device)

    def _logits(self, name: str, batch: Batch, dropout: torch.Generator | None) -> torch.Tensor:
        module = self._modules[name]
        if name == WEIGHTED:
            rows = torch.einsum("l,lbtd->btd", module.mixture.softmax(0), batch.frames)
        else:
            rows = batch.frames[self.shape.layers.index(name)]
        return module(rows, batch.lengths, dropout)[None]

    def add_gradients(self, batch: Batch, share: float, draw: tuple[int, int] = (0, 0)) -> torch.Tensor:
        def one(name: str) -> torch.Tensor:
            generator = torch.Generator(self.device)
            generator.manual_seed(seed_of(self._seed, self._task, name, "dropout", *draw))  # no state to keep
            loss = self.losses(self._logits(name, batch, generator), batch).mean() * share
            loss.backward()
            return loss.detach()

        return torch.stack(list(self._pool.map(one, self.names)))

    def update(self, clip: float) -> None:
        def one(name: str) -> None:
            torch.nn.utils.clip_grad_norm_(self._modules[name].parameters(), clip)
            self._optimisers[name].step()
            self._optimisers[name].zero_grad(set_to_none=True)

        list(self._pool.map(one, self.names))

    def evaluate(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        def one(name: str) -> tuple[torch.Tensor, torch.Tensor]:
            with torch.no_grad():
                logits = self._logits(name, batch, None)
                return self.losses(logits, batch), logits

        losses, logits = zip(*self._pool.map(one, self.names), strict=True)
        return torch.cat(losses), torch.cat(logits)

    def state_of(self, name: str) -> dict[str, torch.Tensor]:
        return {key: value.detach().clone() for key, value in self._modules[name].state_dict().items()}

    def set_state(self, states: dict[str, dict[str, torch.Tensor]]) -> None:
        for name, state in states.items():
            self._modules[name].load_state_dict(state)

    def layer_weights(self) -> list[float]:
        return self._modules[WEIGHTED].mixture.detach().double().softmax(0).tolist()

    def keep(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._modules = {name: self._modules[name] for name in names}
        self._optimisers = {name: self._optimisers[name] for name in names}

    def state(self) -> dict:
        return {
            "names": self.names,
            "parameters": {name: self._modules[name].state_dict() for name in self.names},
            "optimiser": {name: self._optimisers[name].state_dict() for name in self.names},
        }

    def restore(self, state: dict) -> None:
        self.keep(state["names"])
        for name in self.names:
            self._modules[name].load_state_dict(state["parameters"][name])
            self._optimisers[name].load_state_dict(state["optimiser"][name])


class _Recurrent(torch.nn.Module):
    """Linear, two bidirectional LSTMs with dropout after each, linear."""

    def __init__(self, shape: Shape, weighted: bool) -> None:
        super().__init__()
        self.project = torch.nn.Linear(shape.width, shape.projection)
        # Two directions of two layers.
        self.recurrent = torch.nn.ModuleList(
            torch.nn.LSTM(width, shape.hidden, batch_first=True)
            for width in (shape.projection, shape.projection, 2 * shape.hidden, 2 * shape.hidden)
        )
        self.classify = torch.nn.Linear(2 * shape.hidden, sum(shape.classes))
        self.dropout = shape.dropout
        if weighted:
            self.mixture = torch.nn.Parameter(torch.zeros(len(shape.layers)))

    def forward(self, frames: torch.Tensor, lengths: torch.Tensor, dropout: torch.Generator | None) -> torch.Tensor:
        """(utterances, frames, width) to (utterances, frames, classes)."""
        values = self.project(frames)
        # A packed bidirectional LSTM gives the same, but its gradient takes time of frames squared on a CPU. Here each
        # utterance is turned round within its own length; what lies behind its end follows what counts, and is cut.
        steps = torch.arange(frames.shape[1], device=frames.device)
        ends = lengths.to(frames.device)[:, None]
        turned = torch.where(steps < ends, ends - 1 - steps, steps)[..., None]  # (utterances, frames, 1)
        for layer in (0, 2):
            ahead, _ = self.recurrent[layer](values)
            back, _ = self.recurrent[layer + 1](values.gather(1, turned.expand_as(values)))
            values = torch.cat([ahead, back.gather(1, turned.expand_as(back))], -1)
            if dropout is not None and self.dropout:
                kept = torch.rand(values.shape, generator=dropout, device=values.device) >= self.dropout
                values = values * kept / (1 - self.dropout)
        return self.classify(values)
