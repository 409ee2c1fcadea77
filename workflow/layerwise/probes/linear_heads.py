"""Linear heads on frozen layers: linear, linear, as one product for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from layerwise.layers import WEIGHTED
from layerwise.probes.head_shapes import Heads, Shape, uniform
from layerwise.probes.losses import Batch
from layerwise.seeds import seed_of


class LinearHeads(Heads):
    """Linear heads, whose weights lie in one tensor with a row for each: one product computes all of them.

    Adam and the mean over time act on each row for itself; the norm of the gradient is taken for each row.
    """

    gains_from_threads = True

    def __init__(
        self,
        shape: Shape,
        names: Sequence[str],
        task: str,
        seed: int,
        learning_rate: float,
        device: str = "cpu",
        threads: int = 1,  # not needed: torch divides the one product
    ) -> None:
        super().__init__(shape, names, device)
        outputs, rows = sum(shape.classes), []
        for name in names:
            generator = torch.Generator().manual_seed(seed_of(seed, task, name))
            bounds = 1 / math.sqrt(shape.width), 1 / math.sqrt(shape.projection)
            rows.append(
                {
                    "project": uniform(generator, bounds[0], shape.width, shape.projection),
                    "project_bias": uniform(generator, bounds[0], 1, shape.projection),
                    "classify": uniform(generator, bounds[1], shape.projection, outputs),
                    "classify_bias": uniform(generator, bounds[1], 1, outputs),
                    "mixture": torch.zeros(len(shape.layers)),  # used by `weighted` alone
                }
            )
        values = {key: torch.stack([row[key] for row in rows]) for key in rows[0]}
        self._adopt(values, learning_rate)

    def _adopt(self, values: dict[str, torch.Tensor], learning_rate: float) -> None:
        self.parameters = {key: value.to(self.device).requires_grad_() for key, value in values.items()}
        self._optimiser = torch.optim.Adam(list(self.parameters.values()), lr=learning_rate, fused=True)

    def logits(self, frames: torch.Tensor) -> torch.Tensor:
        """(layers, utterances[, frames], width) to (heads, utterances[, frames], classes)."""
        flat = frames.flatten(1, -2)  # (layers, rows, width)
        chosen = [self.shape.layers.index(name) for name in self.names if name != WEIGHTED]
        parts = []
        if chosen:
            single = flat if chosen == list(range(len(flat))) else flat[chosen]
            parts.append(self._project(single, slice(len(chosen))))
        if WEIGHTED in self.names:  # the last one
            weights = self.parameters["mixture"][-1].softmax(0)
            mixed = torch.einsum("l,lrd->rd", weights, flat)[None]
            parts.append(self._project(mixed, slice(len(chosen), None)))
        hidden = torch.cat(parts)
        outputs = torch.baddbmm(self.parameters["classify_bias"], hidden, self.parameters["classify"])
        return outputs.unflatten(1, frames.shape[1:-1])

    def _project(self, rows: torch.Tensor, heads: slice) -> torch.Tensor:
        return torch.baddbmm(self.parameters["project_bias"][heads], rows, self.parameters["project"][heads])

    def add_gradients(self, batch: Batch, share: float, draw: tuple[int, int] = (0, 0)) -> torch.Tensor:
        losses = self.losses(self.logits(batch.frames), batch).mean(1)
        (losses.sum() * share).backward()
        return losses.detach() * share

    def update(self, clip: float) -> None:
        gradients = [value.grad for value in self.parameters.values() if value.grad is not None]
        norms = sum(gradient.flatten(1).square().sum(1) for gradient in gradients).sqrt()  # (heads,)
        scales = (clip / (norms + 1e-6)).clamp(max=1)
        for gradient in gradients:
            gradient *= scales.reshape(-1, *[1] * (gradient.dim() - 1))
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)

    def evaluate(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            logits = self.logits(batch.frames)
            return self.losses(logits, batch), logits

    def state_of(self, name: str) -> dict[str, torch.Tensor]:
        row = self.names.index(name)
        return {key: value[row].detach().clone() for key, value in self.parameters.items()}

    def set_state(self, states: dict[str, dict[str, torch.Tensor]]) -> None:
        with torch.no_grad():
            for name, state in states.items():
                for key, value in state.items():
                    self.parameters[key][self.names.index(name)] = value.to(self.device)

    def layer_weights(self) -> list[float]:
        return self.parameters["mixture"][-1].detach().double().softmax(0).tolist()

    def keep(self, names: Sequence[str]) -> None:
        rows = [self.names.index(name) for name in names]
        before, state = self.parameters, self._optimiser.state
        moments = [
            {key: part[rows] if part.dim() else part.clone() for key, part in state[value].items()}
            for value in before.values()
            if value in state
        ]
        used = [key for key, value in before.items() if value in state]
        learning_rate = self._optimiser.param_groups[0]["lr"]
        self.names = list(names)
        values = {key: value.detach()[rows].clone() for key, value in before.items()}
        self._adopt(values, learning_rate)
        for key, moment in zip(used, moments, strict=True):
            self._optimiser.state[self.parameters[key]] = moment

    def state(self) -> dict:
        return {
            "names": self.names,
            "parameters": {key: value.detach() for key, value in self.parameters.items()},
            "optimiser": self._optimiser.state_dict(),
        }

    def restore(self, state: dict) -> None:
        self.names = list(state["names"])
        learning_rate = self._optimiser.param_groups[0]["lr"]
        self._adopt(state["parameters"], learning_rate)
        self._optimiser.load_state_dict(state["optimiser"])
