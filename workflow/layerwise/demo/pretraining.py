"""Training of small models without labels, which a kill only interrupts.

What a step does depends on (seed, step) alone: crops, masks, negatives and noise are drawn from them. So a training
that goes on from its last state makes the same model as one that was never stopped.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import Wav2Vec2FeatureExtractor

from layerwise.constants import SAMPLE_RATE
from layerwise.demo.objectives import Crops, Objective, make_objective, masks_of
from layerwise.demo.practice_speech import HOP, WINDOW, Speech, as_waveform
from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced_folder
from layerwise.files.own_arrays import read_array
from layerwise.files.own_files import RereadError, is_count
from layerwise.models.checkpoints import LOSSES, ORIGIN, TRAINING, uses_layer_norm
from layerwise.probes.resuming import TrainingState
from layerwise.progress import ProgressLine
from layerwise.seeds import generator

log = logging.getLogger(__name__)

HELD_OUT_BATCHES = 8


class PretrainingError(LayerwiseError):
    """A model cannot be trained; the message names it and the step."""


@dataclass(frozen=True)
class Recipe:
    """How long and how fast; resources/pretraining.yaml explains the values.

    Attributes:
        steps: batches in all.
        batch: crops in a batch.
        crop_seconds: length of each; a multiple of 0.02.
        learning_rate: its peak, reached after `warmup` (a share of the steps) and followed by a straight fall to 0.
        clip: largest norm of a gradient.
        evaluate_every: steps between two looks at the held-out loss, and between two states.
    """

    steps: int
    batch: int
    crop_seconds: float
    learning_rate: float
    warmup: float
    clip: float
    evaluate_every: int


class Drawn:
    """Batches of crops from one part of the speech; a crop may reach from one utterance into the next."""

    def __init__(
        self, speech: Speech, units: np.ndarray | None, recipe: Recipe, objective: Objective, seed: int
    ) -> None:
        self._samples, self._units, self._objective, self._seed = speech.samples, units, objective, seed
        self._batch, self._length = recipe.batch, round(recipe.crop_seconds * SAMPLE_RATE / HOP) * HOP
        self._normalise = uses_layer_norm(objective.backbone.config)

    def batch(self, number: int) -> Crops:
        """Batch `number`, always the same."""
        draw = generator(self._seed, number)
        firsts = draw.integers((len(self._samples) - self._length) // HOP + 1, size=self._batch)
        waveforms = np.stack([as_waveform(self._samples[first * HOP :][: self._length]) for first in firsts])
        if self._normalise:
            waveforms -= waveforms.mean(axis=1, keepdims=True)
            waveforms /= waveforms.std(axis=1, keepdims=True) + 1e-5
        frames = (self._length - WINDOW) // HOP + 1
        mask, negatives = masks_of(self._objective, self._batch, frames, int(draw.integers(2**32)))
        units = None
        if self._units is not None:
            units = torch.from_numpy(np.stack([self._units[first:][:frames] for first in firsts]).astype(np.int64))
        return Crops(torch.from_numpy(waveforms), mask, negatives, units)


def pretrain(
    name: str,
    objective: str,
    architecture: dict,
    recipe: Recipe,
    seed: int,
    speech: tuple[Path, Path],
    units: tuple[Path, Path] | None,
    out: Path,
    state: Path,
    code: str,
    device: str = "cpu",
    threads: int = 1,
) -> None:
    """Train one model and write its checkpoint folder: transformers' files in float16, `losses.csv`, `training.json`.

    Args:
        objective: name of one, in `layerwise.demo.objectives.OBJECTIVES`.
        architecture: `model_type` and other values of the model's transformers configuration.
        speech: to train on, and held out.
        units: of both; None for the contrastive objective.
        state: what a killed training goes on with; removed at the end.
        code: changes with the code; a state of other code is not used.

    Raises:
        PretrainingError: the loss is not finite.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    known = [None, None] if units is None else [_units(path) for path in units]
    model = make_objective(objective, architecture, 0 if units is None else int(known[0].max()) + 1).to(device)
    parts = [Speech.read(path) for path in speech]
    # Held-out batches are numbered alike, and drawn from other speech.
    train, held_out = (Drawn(part, own, recipe, model, seed) for part, own in zip(parts, known, strict=True))
    asked = [
        name,
        objective,
        architecture,
        asdict(recipe),
        seed,
        code,
        *(_digest(path) for path in (*speech, *(units or ()))),
    ]
    kept = TrainingState(state, json.dumps(asked))
    training = _Training(name, model, recipe, train, held_out, seed, device, kept)
    training.run()

    with replaced_folder(out) as folder:
        model.backbone.half().save_pretrained(folder)
        Wav2Vec2FeatureExtractor(do_normalize=uses_layer_norm(model.backbone.config)).save_pretrained(folder)
        (folder / ORIGIN).write_text(f"trained by snakemake pretrain, seed {seed}\n", encoding="utf-8")
        pd.DataFrame(training.losses).to_csv(folder / LOSSES, index=False)
        about = {"hardware": _described(device, threads), "train_minutes": parts[0].seconds / 60}
        about |= {"held_out_minutes": parts[1].seconds / 60, "parameters": model.backbone.num_parameters()}
        (folder / TRAINING).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    state.unlink(missing_ok=True)


class _Training:
    """The loop, and what it goes on with after a kill."""

    def __init__(
        self,
        name: str,
        model: Objective,
        recipe: Recipe,
        train: Drawn,
        held_out: Drawn,
        seed: int,
        device: str,
        state: TrainingState,
    ) -> None:
        self._name, self._model, self._recipe, self._seed, self._device = name, model, recipe, seed, device
        self._train, self._held_out, self._state = train, held_out, state
        # As in both papers.
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.01
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, recipe.learning_rate, recipe.steps, pct_start=recipe.warmup, anneal_strategy="linear",
            cycle_momentum=False,
        )  # fmt: skip
        self.losses: list[dict] = []

    def run(self) -> None:
        done, recipe = self._resume(), self._recipe
        began, before = time.monotonic(), self.losses[-1]["seconds"] if self.losses else 0.0
        recent: list[float] = []
        line = ProgressLine("training", recipe.steps, "steps", done=done)
        for step in range(done + 1, recipe.steps + 1):
            recent.append(self._step(step))
            if step % recipe.evaluate_every == 0 or step == recipe.steps:
                losses = {"step": step, "train": float(np.mean(recent)), "held_out": self._held_out_loss()}
                recent.clear()
                self.losses.append(losses | {"seconds": round(before + time.monotonic() - began, 1)})
                self._keep(step)
                shown = (self._name, step, recipe.steps, losses["train"], losses["held_out"])
                log.info("%s: step %d of %d, loss %.4f, held out %.4f", *shown)
                line.note = f"held-out loss {losses['held_out']:.4f}"
            line.reach(step)

    def _step(self, step: int) -> float:
        # The noise of Gumbel's softmax, and whatever else torch draws.
        torch.manual_seed(int(generator(self._seed, step, 1).integers(2**63)))
        self._model.train()
        self._model.advance(step / self._recipe.steps)
        loss = self._model(self._train.batch(step).to(self._device))
        if not torch.isfinite(loss):
            raise PretrainingError(
                f"{self._name}: the loss of step {step} is {loss.item()}: a smaller learning_rate or clip may help"
            )
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._recipe.clip)
        self._optimizer.step()
        self._schedule.step()
        return loss.item()

    @torch.no_grad()
    def _held_out_loss(self) -> float:
        self._model.eval()
        batches = (self._held_out.batch(number).to(self._device) for number in range(HELD_OUT_BATCHES))
        return float(np.mean([self._model(batch).item() for batch in batches]))

    def _keep(self, step: int) -> None:
        self._state.write(
            {
                "step": step,
                "losses": self.losses,
                "model": self._model.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "schedule": self._schedule.state_dict(),
            }
        )

    def _resume(self) -> int:
        content = self._state.read(self._device)
        if content is None:
            return 0
        with self._state.restoring():
            self._model.load_state_dict(content["model"])
            self._optimizer.load_state_dict(content["optimizer"])
            self._schedule.load_state_dict(content["schedule"])
            self.losses = content["losses"]
            if not is_count(content["step"], 0, self._recipe.steps) or not isinstance(self.losses, list):
                raise ValueError(f"step {content['step']!r} of {self._recipe.steps}")
        log.info("%s: goes on after step %d", self._name, content["step"])
        return content["step"]


def _units(path: Path) -> np.ndarray:
    """What `layerwise.demo.units.make_units` wrote."""
    units = read_array(path, "int16")
    if not len(units) or units.min() < 0:
        raise RereadError(path, "it has no units from 0")
    return units


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _described(device: str, threads: int) -> str:
    """What was computed on, in words."""
    if device != "cpu":
        return torch.cuda.get_device_name(device)
    known = Path("/proc/cpuinfo")  # of Linux; elsewhere the platform knows
    lines = known.read_text(encoding="utf-8").splitlines() if known.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{(names or [platform.processor() or 'CPU'])[0]}, threads: {threads}"
