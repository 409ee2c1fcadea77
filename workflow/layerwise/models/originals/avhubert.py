"""AV-HuBERT heard only: the audio branch of a model that was trained on speech and lips (Shi et al. 2022).

Layer T0 is `LAYER_0`, where the published analysis begins to count.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from layerwise.constants import SAMPLE_RATE
from layerwise.layers import FIRST
from layerwise.models.originals.fairseq import blocks, refuse_contradictions, says_normalised
from layerwise.models.originals.family import Family, Opened, Original, OriginalError
from layerwise.models.originals.settings import shown_value
from layerwise.models.sizes import STRIDE

if TYPE_CHECKING:
    import torch

    from layerwise.models.anatomy import Anatomy

FILTERBANKS, FILTERBANK_SECONDS = 26, 0.01  # how many, and the hop of their frames in seconds
WINDOW, HOP, FFT = round(0.025 * SAMPLE_RATE), round(FILTERBANK_SECONDS * SAMPLE_RATE), 512  # samples
LAYER_0 = "audio projection of {} stacked frames of {} log filterbanks, before fusion with the zeros in place of video"


def read(opened: Opened) -> Original:
    """`own`: `stack`, filterbank frames in a frame of the model; `fusion` of audio and video, `concat` or `add`."""
    refuse_contradictions(opened)
    path, model, task = opened.path, opened.model, opened.task
    model.only("sub_encoder_layers", 0)
    stack = task.number("stack_order_audio")
    if model.number("audio_feat_dim") != stack * FILTERBANKS:
        raise OriginalError(
            f"{path}: audio_feat_dim is {shown_value(model.values['audio_feat_dim'])}, stack_order_audio is {stack}: "
            f"{stack} frames of {FILTERBANKS} filterbanks are {stack * FILTERBANKS}"
        )
    STRIDE.require(stack * HOP, f"{path}: stack_order_audio", OriginalError)
    own = {"stack": stack, "fusion": model.choice("modality_fuse", {"concat": "concat", "add": "add"})}
    config, seconds = blocks(model), stack * FILTERBANK_SECONDS
    return Original(path, FAMILY.name, config, says_normalised(task), opened.pickled, opened.weights, seconds, own)


def anatomy(original: Original, normalise: bool) -> Anatomy:
    """Stacked filterbanks to transformer blocks, with zeros for the video, as the original has without video.

    Raises:
        ModelError: the weights are not those of the configuration.
    """
    import torch
    from transformers import Wav2Vec2Config
    from transformers.models.wav2vec2.modeling_wav2vec2 import (
        Wav2Vec2Encoder,
        Wav2Vec2EncoderStableLayerNorm,
        Wav2Vec2FeatureProjection,
    )

    from layerwise.models.anatomy import Anatomy, Tap, block_taps
    from layerwise.models.originals.conversion import filled

    width, stack = original.config["hidden_size"], original.own["stack"]
    joined = width * 2 if original.own["fusion"] == "concat" else width

    def build() -> torch.nn.Module:
        in_place_of_conv_features = {"conv_dim": [joined], "conv_kernel": [1], "conv_stride": [1]}
        config = Wav2Vec2Config(**original.config, **in_place_of_conv_features, attn_implementation="sdpa")
        encoder = Wav2Vec2EncoderStableLayerNorm if config.do_stable_layer_norm else Wav2Vec2Encoder
        return torch.nn.ModuleDict(
            {
                "feature_extractor_audio": torch.nn.ModuleDict({"proj": torch.nn.Linear(stack * FILTERBANKS, width)}),
                "feature_projection": Wav2Vec2FeatureProjection(config),
                "encoder": encoder(config),
            }
        )

    branch = filled(build, original, FAMILY)
    projection = branch.feature_extractor_audio["proj"]

    def embed(features: torch.Tensor) -> torch.Tensor:
        audio = projection(features)  # (1, frames, width)
        return branch.feature_projection(torch.nn.functional.pad(audio, (0, joined - audio.shape[-1])))[0]

    return Anatomy(
        module=branch,
        front_end=lambda waveform: stacked_filterbanks(waveform, stack, normalise),
        embed=embed,
        encode=lambda features, mask: branch.encoder(features, attention_mask=mask),
        taps={
            FIRST: Tap(projection, LAYER_0.format(stack, FILTERBANKS)),
            **block_taps(branch.encoder.layers, original.config["do_stable_layer_norm"]),
        },
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
    import torch

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


FAMILY = Family(
    name="av_hubert",
    title="AV-HuBERT",
    read=read,
    anatomy=anatomy,
    unused=frozenset({"mask_emb", "label_embs_concat", "target_glu", "final_proj", "feature_extractor_video"}),
    fairseq_name="av_hubert",
)
