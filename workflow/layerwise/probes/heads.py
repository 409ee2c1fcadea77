"""Many small heads side by side: one for each frozen layer, and one for the learned weighted sum of all of them.

Heads share nothing but the batch. Each has first weights of its own, drawn from a seed and its name alone, its own
optimiser state and its own clipped gradient, so that one trained among others becomes what it would become alone.

Sizes follow SUPERB (Yang et al. 2021, https://arxiv.org/abs/2105.01051): linear, mean over time, linear for labels;
linear, linear for phones (CTC, Graves et al. 2006); linear, two bidirectional LSTMs, linear for characters (CTC).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional as F

from layerwise.probes.tasks import WEIGHTED
from layerwise.seeds import seed_of
from layerwise.workers import Workers

BLANK = 0  # of CTC


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


class Batch(NamedTuple):
    """Some utterances.

    Attributes:
        frames: (layers, utterances, frames, width), zeros after the end of an utterance; of labels, where the mean over
            time has been taken, (layers, utterances, width).
        lengths: (utterances,) number of frames, on the CPU.
        targets: (utterances, columns) classes; with CTC (utterances, longest) symbols, padded.
        target_lengths: (utterances,) symbols of each, on the CPU; of labels not used.
    """

    frames: torch.Tensor
    lengths: torch.Tensor
    targets: torch.Tensor
    target_lengths: torch.Tensor


def make_heads(
    shape: Shape,
    names: Sequence[str],
    task: str,
    seed: int,
    learning_rate: float,
    device: str = "cpu",
    threads: int = 1,
):
    """Heads by name: layers of `shape`, or `weighted`; first weights depend on (seed, task, name) alone."""
    if shape.kind == "characters":
        return RecurrentHeads(shape, list(names), task, seed, learning_rate, device, threads)
    return StackedHeads(shape, list(names), task, seed, learning_rate, device)


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


class _Heads:
    """What all kinds share: the loss, and the softmax weights."""

    def __init__(self, shape: Shape, names: list[str], device: str) -> None:
        self.shape, self.names, self.device = shape, names, device

    def _losses(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        if self.shape.kind == "labels":
            return label_losses(logits, batch, self.shape.classes)
        return ctc_losses(logits, batch)

    def _generator(self, task: str, seed: int, name: str) -> torch.Generator:
        return torch.Generator().manual_seed(seed_of(seed, task, name))


def _uniform(generator: torch.Generator, bound: float, *shape: int) -> torch.Tensor:
    """As torch's linear and recurrent layers draw their first weights, from a generator of one's own."""
    return (torch.rand(*shape, generator=generator) * 2 - 1) * bound


class StackedHeads(_Heads):
    """Linear heads, whose weights lie in one tensor with a row for each: one product computes all of them.

    Adam and the mean over time act on each row for itself; the norm of the gradient is taken for each row.
    """

    def __init__(
        self, shape: Shape, names: list[str], task: str, seed: int, learning_rate: float, device: str = "cpu"
    ) -> None:
        super().__init__(shape, names, device)
        outputs, rows = sum(shape.classes), []
        for name in names:
            generator = self._generator(task, seed, name)
            bounds = 1 / math.sqrt(shape.width), 1 / math.sqrt(shape.projection)
            rows.append(
                {
                    "project": _uniform(generator, bounds[0], shape.width, shape.projection),
                    "project_bias": _uniform(generator, bounds[0], 1, shape.projection),
                    "classify": _uniform(generator, bounds[1], shape.projection, outputs),
                    "classify_bias": _uniform(generator, bounds[1], 1, outputs),
                    "mixture": torch.zeros(len(shape.layers)),  # used by `weighted` alone
                }
            )
        values = {key: torch.stack([row[key] for row in rows]) for key in rows[0]}
        self._adopt(values, learning_rate)

    def _adopt(self, values: dict[str, torch.Tensor], learning_rate: float) -> None:
        self.parameters = {key: value.to(self.device).requires_grad_() for key, value in values.items()}
        self._optimiser = torch.optim.Adam(list(self.parameters.values()), lr=learning_rate, fused=True)

    def logits(self, frames: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
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
        """Add the gradients of the mean loss of a part of a batch, times its share of it; the losses, (heads,)."""
        losses = self._losses(self.logits(batch.frames), batch).mean(1)
        (losses.sum() * share).backward()
        return losses.detach() * share

    def update(self, clip: float) -> None:
        """One step of Adam with what `add_gradients` gathered, each head's gradient of norm `clip` at most."""
        gradients = [value.grad for value in self.parameters.values() if value.grad is not None]
        norms = sum(gradient.flatten(1).square().sum(1) for gradient in gradients).sqrt()  # (heads,)
        scales = (clip / (norms + 1e-6)).clamp(max=1)
        for gradient in gradients:
            gradient *= scales.reshape(-1, *[1] * (gradient.dim() - 1))
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)

    def evaluate(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses (heads, utterances) and logits (heads, utterances[, frames], classes), without gradients."""
        with torch.no_grad():
            logits = self.logits(batch.frames)
            return self._losses(logits, batch), logits

    def state_of(self, name: str) -> dict[str, torch.Tensor]:
        """A copy of the weights of one head."""
        row = self.names.index(name)
        return {key: value[row].detach().clone() for key, value in self.parameters.items()}

    def set_state(self, states: dict[str, dict[str, torch.Tensor]]) -> None:
        """Give heads weights as `state_of` has them."""
        with torch.no_grad():
            for name, state in states.items():
                for key, value in state.items():
                    self.parameters[key][self.names.index(name)] = value.to(self.device)

    def layer_weights(self) -> list[float]:
        """The softmax weights of `weighted`, in order of the layers."""
        return self.parameters["mixture"][-1].detach().double().softmax(0).tolist()

    def keep(self, names: Sequence[str]) -> None:
        """Go on with some of the heads; what the others have learned is dropped."""
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
        """All that the next step depends on."""
        return {
            "names": self.names,
            "parameters": {key: value.detach() for key, value in self.parameters.items()},
            "optimiser": self._optimiser.state_dict(),
        }

    def restore(self, state: dict) -> None:
        """Go on from what `state` gave."""
        self.names = list(state["names"])
        learning_rate = self._optimiser.param_groups[0]["lr"]
        self._adopt(state["parameters"], learning_rate)
        self._optimiser.load_state_dict(state["optimiser"])


class RecurrentHeads(_Heads):
    """Heads with LSTMs: too large to gain from one tensor, so each is computed for itself.

    Args:
        threads: on a CPU, heads in work at a time, each by one thread: no number depends on how many there are.
    """

    def __init__(
        self,
        shape: Shape,
        names: list[str],
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
        generator = self._generator(self._task, self._seed, name)
        module = _Recurrent(self.shape, weighted=name == WEIGHTED)
        with torch.no_grad():
            for part in (module.project, *module.recurrent, module.classify):
                fan = part.hidden_size if isinstance(part, torch.nn.LSTM) else part.in_features
                for parameter in part.parameters():
                    parameter.copy_(_uniform(generator, 1 / math.sqrt(fan), *parameter.shape))
        return module.to(self.device)

    def _logits(self, name: str, batch: Batch, dropout: torch.Generator | None) -> torch.Tensor:
        module = self._modules[name]
        if name == WEIGHTED:
            rows = torch.einsum("l,lbtd->btd", module.mixture.softmax(0), batch.frames)
        else:
            rows = batch.frames[self.shape.layers.index(name)]
        return module(rows, batch.lengths, dropout)[None]

    def add_gradients(self, batch: Batch, share: float, draw: tuple[int, int] = (0, 0)) -> torch.Tensor:
        """As `StackedHeads.add_gradients`; what is dropped depends on `draw` (step, part of the batch) and the head."""

        def one(name: str) -> torch.Tensor:
            generator = torch.Generator(self.device)
            generator.manual_seed(seed_of(self._seed, self._task, name, "dropout", *draw))  # no state to keep
            loss = self._losses(self._logits(name, batch, generator), batch).mean() * share
            loss.backward()
            return loss.detach()

        return torch.stack(list(self._pool.map(one, self.names)))

    def update(self, clip: float) -> None:
        """As `StackedHeads.update`."""

        def one(name: str) -> None:
            torch.nn.utils.clip_grad_norm_(self._modules[name].parameters(), clip)
            self._optimisers[name].step()
            self._optimisers[name].zero_grad(set_to_none=True)

        list(self._pool.map(one, self.names))

    def evaluate(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """As `StackedHeads.evaluate`."""

        def one(name: str) -> tuple[torch.Tensor, torch.Tensor]:
            with torch.no_grad():
                logits = self._logits(name, batch, None)
                return self._losses(logits, batch), logits

        losses, logits = zip(*self._pool.map(one, self.names), strict=True)
        return torch.cat(losses), torch.cat(logits)

    def state_of(self, name: str) -> dict[str, torch.Tensor]:
        """A copy of the weights of one head."""
        return {key: value.detach().clone() for key, value in self._modules[name].state_dict().items()}

    def set_state(self, states: dict[str, dict[str, torch.Tensor]]) -> None:
        """Give heads weights as `state_of` has them."""
        for name, state in states.items():
            self._modules[name].load_state_dict(state)

    def layer_weights(self) -> list[float]:
        """The softmax weights of `weighted`, in order of the layers."""
        return self._modules[WEIGHTED].mixture.detach().double().softmax(0).tolist()

    def keep(self, names: Sequence[str]) -> None:
        """Go on with some of the heads; what the others have learned is dropped."""
        self.names = list(names)
        self._modules = {name: self._modules[name] for name in names}
        self._optimisers = {name: self._optimisers[name] for name in names}

    def state(self) -> dict:
        """All that the next step depends on."""
        return {
            "names": self.names,
            "parameters": {name: self._modules[name].state_dict() for name in self.names},
            "optimiser": {name: self._optimisers[name].state_dict() for name in self.names},
        }

    def restore(self, state: dict) -> None:
        """Go on from what `state` gave."""
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
