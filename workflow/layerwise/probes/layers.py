"""Frozen layers of utterances, as heads are trained on them: all layers of an utterance in one forward pass.

Where heads use only the mean over time of a layer, each layer is averaged at once and kept: one pass over the audio
serves the whole training. Frames are kept between epochs where they fit, and else computed for every batch.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.waveforms import read_waveform
from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced
from layerwise.models.batches import BATCH_SECONDS, computed_together, padded_batches
from layerwise.models.devices import InHalves
from layerwise.models.speech_model import SpeechModel
from layerwise.progress import ProgressLine
from layerwise.workers import Workers

log = logging.getLogger(__name__)

_FLOAT_BYTES = 4
_SAVE_SECONDS = 30


class FrozenError(LayerwiseError):
    """The layers of an utterance cannot be computed; the message names it."""


class Layers(Protocol):
    """Gives the layers of utterances, by their row in the table of the task.

    Attributes:
        layers: names, all of the same width and number of frames.
        width: dimensions of a layer.
        pooled: whether the mean over time is taken.
        device: where the layers are given.
    """

    layers: tuple[str, ...]
    width: int
    pooled: bool
    device: str | torch.device

    def of(self, rows: Sequence[int]) -> list[torch.Tensor]:
        """Of each utterance (layers, frames, width), or (layers, width) where pooled, float32 on the device."""


class FrozenLayers(Layers):
    """Layers of utterances, computed when they are asked for."""

    def __init__(
        self,
        model: SpeechModel,
        layers: Sequence[str],
        paths: Sequence[Path],
        num_samples: Sequence[int],
        starts: Sequence[float] | None = None,
        *,
        pooled: bool,
        threads: int = 1,
    ) -> None:
        self.layers, self.pooled, self.device = tuple(layers), pooled, model.device
        self._model, self._paths, self._num_samples = model, [Path(path) for path in paths], np.asarray(num_samples)
        self._starts = np.zeros(len(self._paths)) if starts is None else np.asarray(starts)
        self._on_gpu = torch.device(model.device).type != "cpu"
        # Each utterance is computed by one thread, so that no number depends on how many there are.
        self._pool = Workers(1 if self._on_gpu else threads)
        self._run = InHalves(self._compute, lambda batch: len(batch) * self._num_samples[batch].max())
        self.width = self._width()

    def of(self, rows: Sequence[int]) -> list[torch.Tensor]:
        """As `Layers.of`.

        Raises:
            FrozenError: audio that cannot be read or is too short, layers that are not finite, too little memory.
        """
        batches = self._batches(rows)
        found: dict[int, torch.Tensor] = {}
        for batch, computed in zip(batches, self._pool.map(self._run, batches), strict=True):
            found |= dict(zip(batch, computed, strict=True))
        return [found[row] for row in rows]

    def estimated_bytes(self, rows: Sequence[int]) -> int:
        """About what the layers of utterances take, 4 bytes a number."""
        frame = self._model.stride_seconds * SAMPLE_RATE
        frames = len(rows) if self.pooled else self._num_samples[list(rows)].sum() / frame
        return round(frames * len(self.layers) * self.width * _FLOAT_BYTES)

    def _batches(self, rows: Sequence[int]) -> list[list[int]]:
        if not self._on_gpu:
            return [[row] for row in rows]
        return padded_batches(sorted(rows), lambda row: self._num_samples[row] / SAMPLE_RATE, BATCH_SECONDS["cuda"])

    def _compute(self, batch: Sequence[int]) -> list[torch.Tensor]:
        def tensors(batch: Sequence[int]) -> list[torch.Tensor]:
            seconds = self._num_samples / SAMPLE_RATE
            waveforms = [read_waveform(self._paths[row], self._starts[row], seconds[row]) for row in batch]
            return self._model.tensors_of(waveforms, self.layers)

        computed = computed_together(
            tensors,
            batch,
            too_large=lambda row: FrozenError(
                f"too little memory on the device for {self._paths[row]} alone, of "
                f"{self._num_samples[row] / SAMPLE_RATE:.0f} s: make max_seconds smaller (probes.overrides)"
            ),
            at_fault=lambda row, error: FrozenError(f"{self._paths[row]}: {error}"),
        )
        for row, values in zip(batch, computed, strict=True):
            if not torch.isfinite(values).all():
                bad = [name for name, part in zip(self.layers, values, strict=True) if not torch.isfinite(part).all()]
                raise FrozenError(f"{self._paths[row]}: layer {bad[0]} holds NaN or infinity")
        return [values.mean(1) for values in computed] if self.pooled else computed

    def _width(self) -> int:
        shortest = int(np.argmin(self._num_samples))
        return self._compute([shortest])[0].shape[-1]


class KeptLayers(Layers):
    """Layers of some utterances, computed once and read from a file after that.

    What a killed job computed is there the next time. The file has one utterance after the other, each (layers, frames,
    width) or (layers, width), float32; beside it lies where each of them begins.
    """

    def __init__(self, source: Layers, rows: Sequence[int], folder: Path) -> None:
        self.layers, self.width, self.pooled = source.layers, source.width, source.pooled
        self.device = source.device
        self._source = source
        self._data, self._index = folder / "layers.f32", folder / "layers.json"
        self._places: dict[int, tuple[int, int]] = {}  # row → first number, number of numbers
        folder.mkdir(parents=True, exist_ok=True)
        self._fill(list(rows))
        self._values = np.memmap(self._data, np.float32, "r") if self._places else np.empty(0, np.float32)

    def of(self, rows: Sequence[int]) -> list[torch.Tensor]:
        """As `FrozenLayers.of`; utterances that are not kept are computed."""
        others = [row for row in rows if row not in self._places]
        found = dict(zip(others, self._source.of(others), strict=True))
        for row in rows:
            if row in self._places:
                first, count = self._places[row]
                shape = (len(self.layers), self.width) if self.pooled else (len(self.layers), -1, self.width)
                values = torch.from_numpy(np.array(self._values[first : first + count]))
                found[row] = values.to(self.device).reshape(shape)
        return [found[row] for row in rows]

    def _noted(self, there: int) -> dict[int, tuple[int, int]]:
        """Where utterances lie in the `there` numbers of an interrupted run, one behind the other."""
        try:
            noted = json.loads(self._index.read_bytes())
        except (ValueError, RecursionError):  # cut off, and the values may be, too
            noted = []
        places: dict[int, tuple[int, int]] = {}
        end, frame = 0, len(self.layers) * self.width
        for entry in noted if isinstance(noted, list) else ():
            if not (isinstance(entry, list) and len(entry) == 3 and all(type(number) is int for number in entry)):
                break
            row, first, count = entry
            wrong = count != frame if self.pooled else count <= 0 or count % frame
            if wrong or row in places or first != end or first + count > there:
                break
            places[row] = first, count
            end += count
        return places

    def _fill(self, rows: list[int]) -> None:
        if self._index.is_file() and self._data.is_file():
            self._places = self._noted(self._data.stat().st_size // _FLOAT_BYTES)
        end = sum(count for _, count in self._places.values())
        missing = [row for row in rows if row not in self._places]
        if self._places:
            log.info("%d of %d utterances are there from an interrupted run", len(self._places), len(rows))
        self._data.touch()
        saved = time.monotonic()
        line = ProgressLine("computing layers", len(rows), "utterances", done=len(self._places))
        with self._data.open("r+b") as stream:
            stream.truncate(end * _FLOAT_BYTES)  # what came after the last note of it is computed again
            stream.seek(0, 2)
            for begin in range(0, len(missing), 64):
                chunk = missing[begin : begin + 64]
                for row, values in zip(chunk, self._source.of(chunk), strict=True):
                    numbers = values.cpu().numpy()
                    stream.write(numbers.tobytes())
                    self._places[row] = (end, numbers.size)
                    end += numbers.size
                if time.monotonic() - saved > _SAVE_SECONDS or begin + 64 >= len(missing):
                    stream.flush()
                    os.fsync(stream.fileno())  # before the note of it
                    with replaced(self._index) as temporary:
                        content = [(row, *place) for row, place in self._places.items()]
                        temporary.write_text(json.dumps(content), encoding="ascii")
                    saved = time.monotonic()
                line.reach(len(self._places))
