"""Training of all heads of a model side by side, on the same batches.

A sweep over layers costs one forward pass for each batch, not one for each layer: that is nearly all of a training, as
heads are small. What a head becomes depends on (seed, task, its name) and the batches, not on which others are trained.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from layerwise.constants import SAMPLE_RATE
from layerwise.layers import WEIGHTED
from layerwise.probes.answers import Answers, Utterances
from layerwise.probes.batches import Batches
from layerwise.probes.errors import ProbeError
from layerwise.probes.head_shapes import Heads, Shape
from layerwise.probes.heads import make_heads
from layerwise.probes.kinds.kind import KINDS
from layerwise.probes.layers import Layers
from layerwise.probes.losses import Batch
from layerwise.probes.rates import rate
from layerwise.probes.resuming import TrainingState
from layerwise.progress import ProgressLine

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How heads are trained; resources/tasks.yaml explains the values of a recipe.

    Attributes:
        task, model: names, for seeds and messages.
        kind: name of the kind of task.
        seed: of first weights, batches and dropout.
    """

    task: str
    model: str
    kind: str
    seed: int
    steps: int
    batch: int
    learning_rate: float
    clip: float
    projection: int
    evaluate_every: int
    patience: int | None
    checkpoint_every: int
    standardise: bool
    hidden: int = 0
    dropout: float = 0.0

    @property
    def metric(self) -> str:
        """Name of the metric."""
        return KINDS[self.kind].metric


class Tested(NamedTuple):
    """What heads did on the test part, utterances in the order of the table.

    Attributes:
        counts: head → errors (or hits) and lengths, (utterances, 2).
        answers: head → what it answered to each utterance.
        weights: softmax weights of the layers, if `weighted` is one of the heads.
    """

    counts: dict[str, np.ndarray]
    answers: dict[str, list[tuple[str, ...]]]
    weights: list[float] | None


@dataclass
class Progress:
    """Where a training stands.

    Attributes:
        step: updates that were made.
        best: head → its weights when dev was best, with `step`, `value` and `loss` there.
        curves: head → (step, dev value, dev loss) of every look.
        waited: head → looks since its best.
        too_short: training utterances with fewer frames than CTC needs for their target.
        seconds: of training so far.
    """

    step: int = 0
    best: dict[str, dict] = field(default_factory=dict)
    curves: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    waited: dict[str, int] = field(default_factory=dict)
    too_short: list[int] = field(default_factory=list)
    seconds: float = 0.0


class Sweep:
    """Heads of one model for one task, and their training.

    Args:
        source: gives the layers of utterances.
        utterances: what is to be learned; at least one in each part.
        names: of the heads: layers of the source, then `weighted`, or some of these.
        state: file that keeps what has been learned, for a run that is killed; None: nothing is kept.
        fingerprint: what the state depends on; a state with another one is not used.
        threads: on a CPU, LSTM heads in work at a time.

    Raises:
        ProbeError: training lacks everything that dev or test asks for.
    """

    def __init__(
        self,
        source: Layers,
        utterances: Utterances,
        names: Sequence[str],
        settings: Settings,
        state: Path | None = None,
        fingerprint: str = "",
        threads: int = 1,
    ) -> None:
        self.source, self.utterances, self.names, self.settings = source, utterances, list(names), settings
        self._kind = KINDS[settings.kind]
        self.answers = Answers(self._kind, utterances)
        for part in ("dev", "test"):
            rows = utterances.rows(part)
            if len(rows) and not self.answers.can_be_right(rows):
                raise ProbeError(
                    f"{self._where}: nothing that {part} asks for ({settings.kind}) is in training, so no answer could "
                    "be right: divide the utterances otherwise (part, held_out)"
                )
        self.shape = Shape(
            settings.kind,
            tuple(source.layers),
            source.width,
            self.answers.outputs,
            settings.projection,
            settings.hidden,
            settings.dropout,
        )
        self._state, self._threads = TrainingState(state, fingerprint), threads
        self._train = utterances.rows("train")
        self.batches = Batches(
            source,
            self._train,
            utterances.num_samples,
            self.answers.encoded,
            settings.batch,
            settings.seed,
            settings.standardise,
        )
        self.progress = Progress()
        self._heads = self._new_heads(self.names)

    # Training

    def train(self) -> None:
        """Train until every head has stopped, or the steps are done; continues from a kept state.

        Raises:
            ProbeError: a loss is NaN or infinite, or the device has too little memory.
        """
        self._resume()
        settings, progress = self.settings, self.progress
        started, before = time.monotonic(), progress.seconds
        at_most = settings.patience is not None
        line = ProgressLine("training", settings.steps, "steps", done=progress.step, at_most=at_most)
        line.note = self._best_on_dev()
        while self._heads.names and progress.step < settings.steps:
            self._update(self.batches.rows(progress.step))
            progress.step += 1
            progress.seconds = before + time.monotonic() - started
            if progress.step % settings.evaluate_every == 0 or progress.step == settings.steps:
                self._look()
                line.note = self._best_on_dev()
            line.reach(progress.step)
            if progress.step % settings.checkpoint_every == 0:
                self._save()
        self._save()

    def _update(self, rows: np.ndarray) -> None:
        losses = 0
        try:
            for number, piece in enumerate(self.batches.pieces(rows)):
                batch = self.batches.batch(piece)
                self._count_too_short(piece, batch)
                share = len(piece) / len(rows)
                losses = losses + self._heads.add_gradients(batch, share, (self.progress.step, number))
            self._heads.update(self.settings.clip)
        except torch.cuda.OutOfMemoryError as error:
            longest = self.utterances.num_samples[list(rows)].max() / SAMPLE_RATE
            raise ProbeError(
                f"{self._where}: too little memory on the device for {len(self._heads.names)} heads and utterances of "
                f"up to {longest:.0f} s: make probes.heads_per_job smaller, or max_seconds (probes.overrides)"
            ) from error
        wrong = [name for name, loss in zip(self._heads.names, losses.tolist(), strict=True) if not np.isfinite(loss)]
        if wrong:
            raise ProbeError(
                f"{self._where}: the loss of head {', '.join(wrong)} is not finite at step {self.progress.step + 1}; "
                f"make learning_rate smaller than {self.settings.learning_rate:g} (probes.overrides)"
            )

    def _look(self) -> None:
        """Compare all heads on dev; keep the best state of each, and stop heads that no longer improve."""
        higher = self._kind.measured.higher_is_better
        counts, _, losses = self._measured("dev")
        progress, stopped = self.progress, []
        for name in self._heads.names:
            value, loss = rate(counts[name]), losses[name]
            progress.curves.setdefault(name, []).append((progress.step, value, loss))
            # Of equal values the lower loss is better: a head whose answers are still empty may be learning.
            rank = (value if higher else -value, -loss)
            best = progress.best.get(name)
            if best is None or rank > (best["value"] if higher else -best["value"], -best["loss"]):
                state = self._heads.state_of(name)
                progress.best[name] = {"state": state, "step": progress.step, "value": value, "loss": loss}
                progress.waited[name] = 0
            else:
                progress.waited[name] += 1
                if self.settings.patience is not None and progress.waited[name] >= self.settings.patience:
                    stopped.append(name)
        values = "  ".join(f"{name} {progress.curves[name][-1][1]:.3f}" for name in self._heads.names)
        log.info("step %d of %d, dev %s: %s", progress.step, self.settings.steps, self.settings.metric, values)
        if stopped:
            log.info("no longer better, stopped: %s", ", ".join(stopped))
            self._heads.keep([name for name in self._heads.names if name not in stopped])

    def _best_on_dev(self) -> str:
        """The best value of any head so far, and that of `weighted`; "" before the first look."""
        best = {name: found["value"] for name, found in self.progress.best.items()}
        if not best:
            return ""
        order = max if self._kind.measured.higher_is_better else min
        shown = dict.fromkeys((order(best, key=best.__getitem__), *({WEIGHTED} & best.keys())))
        return f"dev {self.settings.metric} {', '.join(f'{name} {best[name]:.3f}' for name in shown)}"

    def test(self) -> Tested:
        """What the best state of each head does on the test part."""
        self._heads = self._new_heads(self.names)
        self._heads.set_state({name: self.progress.best[name]["state"] for name in self.names})
        counts, answers, _ = self._measured("test")
        return Tested(counts, answers, self._heads.layer_weights() if WEIGHTED in self.names else None)

    def _measured(self, part: str) -> tuple[dict[str, np.ndarray], dict[str, list[tuple[str, ...]]], dict[str, float]]:
        """Of each head: counts and answers for each utterance, in the order of the table, and the mean loss."""
        rows = self.utterances.rows(part)
        position = {row: i for i, row in enumerate(rows)}
        answers = {name: [()] * len(rows) for name in self._heads.names}
        losses = torch.zeros(len(self._heads.names), dtype=torch.float64)
        line = ProgressLine(f"measuring {part}", len(rows), "utterances")
        for piece in self.batches.pieces(rows):
            batch = self.batches.batch(piece)
            loss, logits = self._heads.evaluate(batch)
            losses += loss.double().sum(1).cpu()
            for name, decoded in zip(self._heads.names, self.answers.decoded(logits, batch.lengths), strict=True):
                for row, answer in zip(piece, decoded, strict=True):
                    answers[name][position[row]] = answer
            line.add(len(piece))
        counts = {name: self.answers.counts(rows, found) for name, found in answers.items()}
        return counts, answers, dict(zip(self._heads.names, (losses / len(rows)).tolist(), strict=True))

    def _count_too_short(self, rows: Sequence[int], batch: Batch) -> None:
        if self.progress.step >= len(self._train):  # an epoch has been seen
            return
        for row, frames in zip(rows, batch.lengths.tolist(), strict=True):
            needed = self._kind.frames_needed(self.answers.encoded(row))
            if frames < needed and int(row) not in self.progress.too_short:
                self.progress.too_short.append(int(row))

    # Going on after a kill

    def _save(self) -> None:
        self._state.write({"progress": dict(vars(self.progress)), "heads": self._heads.state()})

    def _resume(self) -> None:
        content = self._state.read(self.source.device)
        if content is None:
            return
        with self._state.restoring():
            self.progress = Progress(**content["progress"])
            self._heads.restore(content["heads"])
        log.info("going on at step %d, %d heads still learn", self.progress.step, len(self._heads.names))

    def _new_heads(self, names: Sequence[str]) -> Heads:
        settings, device = self.settings, str(self.source.device)
        return make_heads(
            self.shape, names, settings.task, settings.seed, settings.learning_rate, device, self._threads
        )

    @property
    def _where(self) -> str:
        return f"{self.settings.task}, {self.settings.model}"
