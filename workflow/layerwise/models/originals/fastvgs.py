"""FaST-VGS and FaST-VGS+: the audio branch of models that match speech with images (Peng & Harwath 2022)."""

from __future__ import annotations

import numpy as np
import torch
from transformers import Wav2Vec2Config
from transformers.models.wav2vec2.modeling_wav2vec2 import (
    Wav2Vec2Encoder,
    Wav2Vec2EncoderStableLayerNorm,
    Wav2Vec2FeatureEncoder,
    Wav2Vec2FeatureProjection,
)

from layerwise.models.originals.conversion import filled
from layerwise.models.originals.settings import Original
from layerwise.models.taps import Anatomy, ModelError, Tap, WaveformError, block_taps, conv_geometry, conv_taps


class AudioBranch(torch.nn.Module):
    """wav2vec 2.0 with a learned CLS frame in front, which takes part in positional convolution and attention."""

    def __init__(self, original: Original) -> None:
        super().__init__()
        config = Wav2Vec2Config(**original.config, attn_implementation="sdpa")
        self.feature_extractor = Wav2Vec2FeatureEncoder(config)
        self.feature_projection = Wav2Vec2FeatureProjection(config)
        self.cls_token = torch.nn.Parameter(torch.empty(1, 1, config.hidden_size))
        self.encoder = (Wav2Vec2EncoderStableLayerNorm if config.do_stable_layer_norm else Wav2Vec2Encoder)(config)

    def embed(self, waveform: torch.Tensor) -> torch.Tensor:
        projected, _ = self.feature_projection(self.feature_extractor(waveform).transpose(1, 2))
        return torch.cat([self.cls_token, projected], dim=1)  # (1, 1 + frames, width)


def convert(original: Original, normalise: bool) -> Anatomy:
    """The audio branch of a FaST-VGS or FaST-VGS+ checkpoint.

    Raises:
        ModelError: the weights are not those of the configuration, or the waveform should stay as it is.
    """
    if not normalise:
        raise ModelError(f"{original.path}: FaST-VGS always takes normalised waveforms: leave out normalise: false")
    branch = filled(lambda: AudioBranch(original), original)
    first = Tap(
        branch.feature_projection.projection,
        "projected features, before the CLS frame, positional convolution and any LayerNorm of the encoder",
    )
    return Anatomy(
        module=branch,
        front_end=standardised,
        embed=branch.embed,
        encode=lambda features, mask: branch.encoder(features, attention_mask=mask),
        taps={
            **conv_taps(branch.feature_extractor.conv_layers),
            "T0": first,
            **block_taps(branch.encoder.layers, original.config["do_stable_layer_norm"], skipped=1),
        },
        stride_seconds=original.stride_seconds,
        normalise=True,
        **conv_geometry(original.config["conv_kernel"], original.config["conv_stride"]),
    )


def standardised(waveform: np.ndarray) -> torch.Tensor:
    """(samples,) to (1, samples) of mean 0 and standard deviation 1, computed in float64.

    Raises:
        WaveformError: all samples are equal, so that there is nothing to divide by.
    """
    values = waveform.astype(np.float64)
    if np.ptp(values) == 0:
        raise WaveformError("the waveform is silent: FaST-VGS divides it by its standard deviation, which is 0")
    return torch.from_numpy(((values - values.mean()) / values.std()).astype(np.float32))[None]
