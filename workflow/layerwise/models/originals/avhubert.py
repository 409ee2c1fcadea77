"""AV-HuBERT heard only: the audio branch of a model that was trained on speech and lips (Shi et al. 2022)."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from transformers import Wav2Vec2Config
from transformers.models.wav2vec2.modeling_wav2vec2 import (
    Wav2Vec2Encoder,
    Wav2Vec2EncoderStableLayerNorm,
    Wav2Vec2FeatureProjection,
)

from layerwise.constants import SAMPLE_RATE
from layerwise.models.originals.conversion import filled
from layerwise.models.originals.settings import FILTERBANKS, Original
from layerwise.models.taps import Anatomy, Tap, block_taps

WINDOW, HOP, FFT = 400, 160, 512  # samples: 25 ms every 10 ms


class AudioBranch(torch.nn.Module):
    """Stacked filterbanks to transformer blocks, with zeros for the video, as the original has without video."""

    def __init__(self, original: Original) -> None:
        super().__init__()
        width = original.config["hidden_size"]
        self.joined = width * 2 if original.fusion == "concat" else width
        joined = {"conv_dim": [self.joined], "conv_kernel": [1], "conv_stride": [1]}  # in place of conv features
        config = Wav2Vec2Config(**original.config, **joined, attn_implementation="sdpa")
        self.feature_extractor_audio = torch.nn.ModuleDict(
            {"proj": torch.nn.Linear(original.stack * FILTERBANKS, width)}
        )
        self.feature_projection = Wav2Vec2FeatureProjection(config)
        self.encoder = (Wav2Vec2EncoderStableLayerNorm if config.do_stable_layer_norm else Wav2Vec2Encoder)(config)

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        audio = self.feature_extractor_audio["proj"](features)  # (1, frames, width)
        joined = torch.nn.functional.pad(audio, (0, self.joined - audio.shape[-1]))
        return self.feature_projection(joined)[0]


def convert(original: Original, normalise: bool) -> Anatomy:
    """The audio branch of an AV-HuBERT checkpoint.

    Raises:
        ModelError: the weights are not those of the configuration.
    """
    branch = filled(lambda: AudioBranch(original), original)
    first = Tap(
        branch.feature_extractor_audio["proj"],
        f"audio projection of {original.stack} stacked frames of {FILTERBANKS} log filterbanks, before fusion with the "
        "zeros in place of video",
    )
    return Anatomy(
        module=branch,
        front_end=lambda waveform: stacked_filterbanks(waveform, original.stack, normalise),
        embed=branch.embed,
        encode=lambda features, mask: branch.encoder(features, attention_mask=mask),
        taps={"T0": first, **block_taps(branch.encoder.layers, original.config["do_stable_layer_norm"])},
        stride_seconds=original.stride_seconds,
        normalise=normalise,
    )


def stacked_filterbanks(waveform: np.ndarray, stack: int, normalise: bool) -> torch.Tensor:
    """`stack` neighbouring frames of log filterbanks as one, each of zero mean and unit variance if normalised.

    Frames of zeros, added after the logarithm, complete the last stack.

    Shapes: (samples,) to (1, frames, stack × 26).
    """
    frames = log_filterbanks(waveform).astype(np.float32)
    frames = np.pad(frames, ((0, -len(frames) % stack), (0, 0)))
    stacked = torch.from_numpy(frames.reshape(-1, stack * FILTERBANKS))
    if normalise:
        stacked = torch.nn.functional.layer_norm(stacked, stacked.shape[1:])
    return stacked[None]


def log_filterbanks(waveform: np.ndarray) -> np.ndarray:
    """26 log mel filterbank energies every 10 ms, as python_speech_features 0.6 has them by default.

    Pre-emphasis of 0.97; windows of 25 ms without a taper, the last one completed by zeros; power |FFT|² / 512;
    triangular filters between 0 and 8 kHz, their corners rounded down to FFT bins; an energy of zero becomes the
    machine epsilon of float64. (That package had its last release in 2017 and has no wheel; it is not depended on.)

    Shapes: (samples,) to (1 + ⌈(samples − 400) / 160⌉, 26) float64, at least one frame.
    """
    signal = np.asarray(waveform, np.float64)
    emphasised = signal - 0.97 * np.concatenate([[0.0], signal[:-1]])
    later = max(0, -(-(signal.size - WINDOW) // HOP))  # frames after the first
    padded = np.pad(emphasised, (0, WINDOW + later * HOP - signal.size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames, FFT)) ** 2 / FFT  # (frames, 257)
    energies = power @ _filters().T
    return np.log(np.where(energies == 0, np.finfo(float).eps, energies))


@cache
def _filters() -> np.ndarray:
    """(26, 257): triangles that rise from a corner to the next and fall to the one after; corners are even in mel."""
    mel = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), FILTERBANKS + 2)
    corners = np.floor((FFT + 1) * 700 * (10 ** (mel / 2595) - 1) / SAMPLE_RATE)
    low, centre, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    bins = np.arange(FFT // 2 + 1)
    rising = (bins - low) / (centre - low) * ((bins >= low) & (bins < centre))
    falling = (high - bins) / (high - centre) * ((bins >= centre) & (bins < high))
    return rising + falling
