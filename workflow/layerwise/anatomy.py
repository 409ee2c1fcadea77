"""Where the layers of a speech model lie in the module that computes it, and what that module takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from layerwise import SAMPLE_RATE
from layerwise.errors import LayerwiseError


class ModelError(LayerwiseError):
    """A model cannot be loaded, or is not what it was said to be."""


class WaveformError(LayerwiseError):
    """A waveform that a model cannot take."""


@dataclass(frozen=True)
class Tap:
    """Where one layer is read.

    Attributes:
        part: the part of the module whose output it is, (1, frames, dimensions), or the first of several outputs.
        definition: what the values are, in words.
        at_input: it is what goes into the part instead.
        channels_first: it is (1, dimensions, frames), as convolutions have it.
        skipped: leading frames that stand for no stretch of time, such as a CLS frame.
    """

    part: torch.nn.Module
    definition: str
    at_input: bool = False
    channels_first: bool = False
    skipped: int = 0


@dataclass(frozen=True)
class Anatomy:
    """A module and its layers.

    Attributes:
        module: takes what `front_end` makes.
        front_end: (samples,) float32 to (1, …), what the module takes.
        taps: layer → where it is read, in order of depth.
        stride_seconds: seconds per frame of the transformer.
        normalise: whether the front end brings the input to zero mean and unit variance.
        kernels, strides: of the conv layers, where there are any.
    """

    module: torch.nn.Module
    front_end: Callable[[np.ndarray], torch.Tensor]
    taps: Mapping[str, Tap]
    stride_seconds: float
    normalise: bool
    kernels: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()


def waveform_model(module: torch.nn.Module, normalise: bool) -> Anatomy:
    """The anatomy of transformers' models of the wav2vec 2.0 design: conv blocks on the waveform, then blocks."""
    config = module.config
    pre_norm = getattr(config, "do_stable_layer_norm", False)
    norm = "before any LayerNorm" if pre_norm else "after the encoder's LayerNorm"
    first = Tap(
        module.encoder.layers[0],
        f"input of transformer block 1: projected features with positional convolution, {norm}",
        at_input=True,
    )
    return Anatomy(
        module=module,
        front_end=partial(whole_waveform, normalise=normalise),
        taps={
            **conv_taps(module.feature_extractor.conv_layers),
            "T0": first,
            **block_taps(module.encoder.layers, pre_norm),
        },
        stride_seconds=float(np.prod(config.conv_stride)) / SAMPLE_RATE,
        normalise=normalise,
        kernels=tuple(config.conv_kernel),
        strides=tuple(config.conv_stride),
    )


def conv_taps(blocks: Iterable[torch.nn.Module]) -> dict[str, Tap]:
    """C1…, of conv blocks."""
    return {
        f"C{number}": Tap(block, f"output of conv block {number}, after its norm and GELU", channels_first=True)
        for number, block in enumerate(blocks, start=1)
    }


def block_taps(blocks: Iterable[torch.nn.Module], pre_norm: bool, skipped: int = 0) -> dict[str, Tap]:
    """T1…, of transformer blocks. An encoder has a final norm after blocks that begin with theirs; it is left out."""
    frames = ", without the CLS frame" if skipped else ""
    taps = {
        f"T{number}": Tap(block, f"output of transformer block {number}{frames}", skipped=skipped)
        for number, block in enumerate(blocks, start=1)
    }
    if pre_norm:
        name, last = taps.popitem()
        taps[name] = replace(last, definition=f"{last.definition}, without a final LayerNorm")
    return taps


def whole_waveform(waveform: np.ndarray, normalise: bool) -> torch.Tensor:
    """(samples,) to (1, samples), normalised over the whole utterance or as it is.

    As the originals do; the feature extractor of transformers adds 1e-7 instead of 1e-5 to the variance.
    """
    values = torch.from_numpy(waveform)[None]
    return torch.nn.functional.layer_norm(values, values.shape[1:]) if normalise else values
