"""Where the layers of a speech model lie in the module that computes it, and what that module takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from operator import mul

import numpy as np
import torch

from layerwise.constants import MEL_SECONDS, SAMPLE_RATE
from layerwise.errors import LayerwiseError

Windows = Mapping[str, tuple[int, int]]  # layer → (window, hop) in frames of that layer


class ModelError(LayerwiseError):
    """A model cannot be loaded, or is not what it was said to be."""


class WaveformError(LayerwiseError):
    """A waveform that a model cannot take."""


@dataclass(frozen=True)
class Tap:
    """Where one layer is read.

    Attributes:
        part: the part of the module whose output it is, (batch, frames, dimensions), or the first of several outputs.
        definition: what the values are, in words.
        at_input: it is what goes into the part instead.
        channels_first: it is (batch, dimensions, frames), as convolutions have it.
        skipped: leading frames that stand for no stretch of time, such as a CLS frame.
        then: what is done to the values that is no part of its own, such as an activation.
        samples_per_frame: of a part that always computes the frames of a longest utterance; those beyond the end of the
            audio are cut. 0: the part has the frames of the utterance.
    """

    part: torch.nn.Module
    definition: str
    at_input: bool = False
    channels_first: bool = False
    skipped: int = 0
    then: Callable[[torch.Tensor], torch.Tensor] | None = None
    samples_per_frame: int = 0


@dataclass(frozen=True)
class Anatomy:
    """A module and its layers.

    An utterance passes through `embed` alone, since a GroupNorm over time would see the padding of a batch. Several may
    then go through `encode` at once.

    Attributes:
        module: holds the parts; evaluation mode and device are set on it.
        front_end: (samples,) float32 to (1, …), what `embed` takes.
        embed: that to (1, frames, width), what `encode` takes.
        encode: (batch, frames, width) through the blocks, with a mask (batch, frames) that is true on the frames of an
            utterance and false on padding after them, or with None where there is no padding.
        taps: layer → where it is read, in order of depth.
        stride_seconds: seconds per frame of the transformer.
        normalise: whether the front end brings the input to zero mean and unit variance.
        pads: whether `encode` can keep padding out; else only utterances of as many frames share a batch.
        min_samples: of the shortest waveform that has a frame.
        max_samples: of the longest one, in whole frames: longer ones are cut in parts, the front end completes shorter
            ones. None: no limit.
        windows_10ms: conv layer → windows whose means are 10 ms apart and see as much as a frame of the last layer.
        windows_squeezed: conv layer → windows whose means stand beside the transformer's frames, where it has fewer.
    """

    module: torch.nn.Module
    front_end: Callable[[np.ndarray], torch.Tensor]
    embed: Callable[[torch.Tensor], torch.Tensor]
    encode: Callable[[torch.Tensor, torch.Tensor | None], object]
    taps: Mapping[str, Tap]
    stride_seconds: float
    normalise: bool
    pads: bool = True
    min_samples: int = 1
    max_samples: int | None = None
    windows_10ms: Windows = field(default_factory=dict)
    windows_squeezed: Windows = field(default_factory=dict)


def conv_geometry(kernels: Sequence[int], strides: Sequence[int], squeeze: int = 1) -> dict:
    """What kernels and strides of the conv blocks decide: `min_samples`, `windows_10ms`, `windows_squeezed`.

    Args:
        squeeze: frames of the last conv block in a frame of the transformer.
    """
    steps = list(accumulate(strides, mul))  # samples between the frames of each block
    before = [1, *steps[:-1]]
    fields = [1 + grown for grown in accumulate((k - 1) * step for k, step in zip(kernels, before, strict=True))]
    hop = round(MEL_SECONDS * SAMPLE_RATE)
    rates = {f"C{number}": values for number, values in enumerate(zip(steps, fields, strict=True), start=1)}
    return {
        "min_samples": fields[-1] + (squeeze - 1) * steps[-1],
        "windows_10ms": {
            name: ((fields[-1] - seen) // step + 1, hop // step)
            for name, (step, seen) in list(rates.items())[:-1]
            if hop % step == 0
        },
        "windows_squeezed": {
            name: (squeeze, squeeze) for name, (step, _) in rates.items() if squeeze > 1 and step == steps[-1]
        },
    }


def conv_taps(blocks: Iterable[torch.nn.Module]) -> dict[str, Tap]:
    """C1…, of conv blocks."""
    return {
        f"C{number}": Tap(block, f"output of conv block {number}, after its norm and GELU", channels_first=True)
        for number, block in enumerate(blocks, start=1)
    }


def block_taps(
    blocks: Iterable[torch.nn.Module], final_norm: bool, skipped: int = 0, samples_per_frame: int = 0
) -> dict[str, Tap]:
    """T1…, of transformer blocks. The norm that an encoder may have after the last of them is left out."""
    frames = ", without the CLS frame" if skipped else ""
    taps = {
        f"T{number}": Tap(
            block,
            f"output of transformer block {number}{frames}",
            skipped=skipped,
            samples_per_frame=samples_per_frame,
        )
        for number, block in enumerate(blocks, start=1)
    }
    if final_norm:
        name, last = taps.popitem()
        taps[name] = replace(last, definition=f"{last.definition}, without a final LayerNorm")
    return taps


def whole_waveform(waveform: np.ndarray, normalise: bool) -> torch.Tensor:
    """(samples,) to (1, samples), normalised over the whole utterance or as it is.

    As the originals do; the feature extractor of transformers adds 1e-7 instead of 1e-5 to the variance.
    """
    values = torch.from_numpy(waveform)[None]
    return torch.nn.functional.layer_norm(values, values.shape[1:]) if normalise else values
