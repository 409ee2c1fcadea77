"""A speech model opened up: a waveform goes in, every layer comes out.

Layers are read by hooks on the blocks themselves: what `hidden_states` holds has changed between versions of
transformers (the last one with or without a final LayerNorm), what a block returns has not.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch

from layerwise.constants import SAMPLE_RATE
from layerwise.models.anatomy import Anatomy, Tap, WaveformError


class SpeechModel:
    """A speech model with its layers laid open.

    Attributes:
        layer_names: C1…, T0…TL, in order of depth.
        stride_seconds: seconds per frame of the transformer.
        definitions: layer → what its values are, in words.
        windows_10ms: conv layer → (window, hop) in frames of that layer whose means are 10 ms apart and see 25 ms each
            (for wav2vec 2.0's encoder 79, 39, 19, 9, 4, 2 and 32, 16, 8, 4, 2, 1), for layers finer than the last.
        windows_squeezed: conv layer → (window, hop) whose means stand beside the transformer's frames, where it has
            fewer than the conv encoder.
        normalise: whether the input is brought to zero mean and unit variance first.
        min_samples: of the shortest waveform that has a frame.
        origin: where the weights come from, as the folder says: repository and commit, or a seed; else empty.
    """

    def __init__(self, anatomy: Anatomy, device: str = "cpu", origin: str = "") -> None:
        self.module = anatomy.module.eval().to(device)
        self.device = device
        self.origin = origin
        self.layer_names = list(anatomy.taps)
        self.definitions = {name: tap.definition for name, tap in anatomy.taps.items()}
        self.stride_seconds = anatomy.stride_seconds
        self.normalise = anatomy.normalise
        self.min_samples = anatomy.min_samples
        self.windows_10ms = dict(anatomy.windows_10ms)
        self.windows_squeezed = dict(anatomy.windows_squeezed)
        self._anatomy = anatomy
        self._pass = _Pass()
        self._device_type = torch.device(device).type
        for name, tap in anatomy.taps.items():
            if tap.at_input:
                tap.part.register_forward_pre_hook(self._capture_input(name, tap), with_kwargs=True)
            else:
                tap.part.register_forward_hook(self._capture_output(name, tap))
        for part in self.module.modules():
            if isinstance(part, torch.nn.Conv1d):
                part.register_forward_pre_hook(self._prepare_convolution)
                # Always in float32: on CPUs, torch 2.13 gives wrong numbers for some grouped convolutions in bfloat16.
                part.forward = torch.autocast(self._device_type, enabled=False)(part.forward)
            elif _may_keep_results(part):
                part.forward = _one_at_a_time(part.forward)

    def layers(self, waveform: np.ndarray) -> dict[str, np.ndarray]:
        """Every layer of one utterance.

        Args:
            waveform: (samples,) mono at 16 kHz, values in [-1, 1], not normalised.

        Returns:
            layer name → (frames × dimensions) float32.

        Raises:
            WaveformError: more than one dimension, NaN or infinity, or too short for one frame.
        """
        return self.layers_of([waveform])[0]

    def layers_of(self, waveforms: Sequence[np.ndarray], compute: str = "float32") -> list[dict[str, np.ndarray]]:
        """Every layer of several utterances, as `layers` gives it for each; their blocks are computed together.

        Before the blocks each utterance is computed alone, because a GroupNorm over time would see padding. In the
        blocks shorter utterances are padded, and padding is masked in attention and convolutions; a model that squeezes
        time gets batches of equal length only. A waveform longer than the model can take is computed in equal parts.

        Args:
            waveforms: as `layers` takes them, best of similar length.
            compute: `float32`, or `bfloat16` for the products in the blocks. What comes before them stays in float32:
                eight bits are too few for the quiet parts of a waveform.

        Raises:
            WaveformError: as `layers`.
        """
        parts = [self._parts(self._checked(waveform)) for waveform in waveforms]
        with torch.inference_mode():
            computed = iter(self._compute([part for utterance in parts for part in utterance], compute))
        return [_joined([next(computed) for _ in utterance], self.layer_names) for utterance in parts]

    def tensors_of(
        self, waveforms: Sequence[np.ndarray], layers: Sequence[str], compute: str = "float32"
    ) -> list[torch.Tensor]:
        """Some layers of several utterances, as `layers_of`, but left on the device and without gradients.

        Args:
            layers: of the same number of frames, such as T layers.

        Returns:
            For each utterance (layers, frames, dimensions) float32.

        Raises:
            WaveformError: as `layers`.
        """
        parts = [self._parts(self._checked(waveform)) for waveform in waveforms]
        with torch.no_grad():
            flat = [part for utterance in parts for part in utterance]
            computed = iter(self._compute(flat, compute, wanted=set(layers), take=_stay))
            joined = [[next(computed) for _ in utterance] for utterance in parts]
            return [torch.stack([torch.cat([part[name] for part in own]) for name in layers]) for own in joined]

    def computed_samples(self, samples: int) -> int:
        """Samples that are computed for a waveform of `samples`: Whisper pads every part to 30 s."""
        longest = self._anatomy.max_samples
        return -(-samples // longest) * longest if longest else samples

    def _checked(self, waveform: np.ndarray) -> np.ndarray:
        waveform = np.asarray(waveform, np.float32)
        if waveform.ndim != 1:
            raise WaveformError(f"a mono waveform has one dimension, not the shape {waveform.shape}")
        if waveform.size < self.min_samples:
            raise WaveformError(
                f"{waveform.size} samples are too short for one frame: this model needs {self.min_samples} "
                f"({self.min_samples / SAMPLE_RATE:g} s)"
            )
        if not np.isfinite(waveform).all():
            raise WaveformError("the waveform holds NaN or infinity")
        return waveform

    def _parts(self, waveform: np.ndarray) -> list[np.ndarray]:
        """The waveform, or as few parts of equal length as the model can take; all but the last are whole frames."""
        longest = self._anatomy.max_samples or waveform.size
        count = -(-waveform.size // longest)
        frame = round(self.stride_seconds * SAMPLE_RATE)
        size = -(-waveform.size // (count * frame)) * frame
        return [waveform[start : start + size] for start in range(0, waveform.size, size)] if count > 1 else [waveform]

    def _compute(
        self,
        waveforms: list[np.ndarray],
        compute: str,
        wanted: set[str] | None = None,
        take: Callable[[torch.Tensor], object] | None = None,
    ) -> list:
        """The layers of each waveform, all or the wanted ones; `take`: what is done with each, (frames, dimensions)."""
        wanted, take = set(self.layer_names) if wanted is None else wanted, take or _on_host
        layers, features = [], []
        for waveform in waveforms:
            features.append(self._anatomy.embed(self._anatomy.front_end(waveform).to(self.device))[0])
            layers.append({name: take(values[0]) for name, values in self._pass.take() if name in wanted})
        for batch in self._batches([len(frames) for frames in features]):
            self._encode([features[i] for i in batch], compute)
            for name, values in self._pass.take():
                tap = self._anatomy.taps[name]
                for i, rows in zip(batch, values, strict=True) if name in wanted else ():
                    known = tap.samples_per_frame
                    frames = waveforms[i].size // known if known else len(features[i]) - tap.skipped
                    layers[i][name] = take(rows[:frames])
        return layers

    def _batches(self, lengths: list[int]) -> list[list[int]]:
        """Which utterances are encoded together: all, or those of as many frames where padding would be seen."""
        keys = [0 if self._anatomy.pads else length for length in lengths]
        return [[i for i, other in enumerate(keys) if other == key] for key in dict.fromkeys(keys)]

    def _encode(self, features: list[torch.Tensor], compute: str) -> None:
        lengths = torch.tensor([len(frames) for frames in features], device=self.device)
        padded = torch.nn.utils.rnn.pad_sequence(features, batch_first=True)  # (batch, frames, width)
        mask = torch.arange(padded.shape[1], device=self.device) < lengths[:, None]  # (batch, frames)
        self._pass.mask = None if mask.all() else mask
        half = torch.autocast(self._device_type, torch.bfloat16, enabled=compute == "bfloat16")
        try:
            with half:
                self._anatomy.encode(padded, self._pass.mask)
        finally:
            self._pass.mask = None

    def _prepare_convolution(self, part: torch.nn.Conv1d, args: tuple) -> tuple:
        """A convolution that pads with zeros must find zeros after a shorter utterance too.

        The encoder's own mask reaches only the first convolution: data2vec stacks several with norms between them, and
        a norm turns padding into other values; so does the batch norm before HuBERT's convolution.
        """
        values, mask = args[0].float(), self._pass.mask
        if mask is not None and part.padding not in ((0,), "valid"):
            values = values.masked_fill(~mask[:, None], 0)
        return (values, *args[1:])

    def _capture_output(self, name: str, tap: Tap) -> Callable:
        def hook(_part: torch.nn.Module, _inputs: tuple, output: torch.Tensor | tuple) -> None:
            values = output[0] if isinstance(output, tuple) else output
            values = tap.then(values) if tap.then else values
            self._pass.layers[name] = values.transpose(1, 2) if tap.channels_first else values[:, tap.skipped :]

        return hook

    def _capture_input(self, name: str, tap: Tap) -> Callable:
        def hook(_part: torch.nn.Module, args: tuple, kwargs: dict) -> None:
            self._pass.layers[name] = (args[0] if args else kwargs["hidden_states"])[:, tap.skipped :]

        return hook


class _Pass(threading.local):
    """What hooks record during the forward pass of one thread; several threads may compute at once."""

    def __init__(self) -> None:
        self.layers: dict[str, torch.Tensor] = {}
        self.mask: torch.Tensor | None = None

    def take(self) -> list[tuple[str, torch.Tensor]]:
        """The layers captured since the last call."""
        taken, self.layers = self.layers, {}
        return list(taken.items())


def _may_keep_results(part: torch.nn.Module) -> bool:
    """Whether a part may answer from what it computed before, as the rotary and relative positions of conformers do.

    Such parts have buffers, and neither weights nor parts of their own.
    """
    has_buffers = any(True for _ in part.buffers(recurse=False))
    return has_buffers and not any(True for _ in part.parameters()) and not any(True for _ in part.children())


def _one_at_a_time(forward: Callable) -> Callable:
    """What is kept for one length must not be replaced by another thread before it is given back."""
    lock = threading.Lock()

    @functools.wraps(forward)
    def locked(*args: object, **kwargs: object) -> object:
        with lock:
            return forward(*args, **kwargs)

    return locked


def _on_host(values: torch.Tensor) -> np.ndarray:
    return values.float().cpu().numpy()


def _stay(values: torch.Tensor) -> torch.Tensor:
    return values.float()


def _joined(parts: list[dict[str, np.ndarray]], names: list[str]) -> dict[str, np.ndarray]:
    """The layers of an utterance from those of its parts, in order of depth."""
    if len(parts) == 1:
        return {name: parts[0][name] for name in names}
    return {name: np.concatenate([part[name] for part in parts]) for name in names}
