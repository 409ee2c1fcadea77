"""Where the layers lie in the models of transformers, by model type."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from transformers import SeamlessM4TFeatureExtractor, WhisperFeatureExtractor

from layerwise import SAMPLE_RATE
from layerwise.anatomy import Anatomy, ModelError, Tap, block_taps, conv_geometry, conv_taps, whole_waveform
from layerwise.checkpoints import uses_layer_norm
from layerwise.shapes import BERT_BANDS, MEL_HOP, shape_of, supported

MEL_WINDOW = 400  # samples that a log-mel frame of wav2vec2-BERT sees


def anatomy_of(module: torch.nn.Module, normalise: bool | None, source: str) -> Anatomy:
    """The anatomy of a model of transformers.

    Args:
        normalise: whether the waveform is normalised first; None: as the architecture asks.
        source: where it comes from, for messages.

    Raises:
        ModelError: its type is not supported, or its front end cannot do what was asked.
    """
    model_type = module.config.model_type
    if model_type not in _ANATOMIES:
        raise ModelError(
            f"{source} is a {type(module).__name__}: only models with transformer blocks and a front end of wav2vec "
            f"2.0's design or of log-mel frames can be read, of the types {supported()}"
        )
    if normalise and model_type in _LOG_MEL:
        raise ModelError(
            f"{source} is a {type(module).__name__}, which takes log-mel frames of the waveform as it is: leave out "
            "normalise: true"
        )
    return _ANATOMIES[model_type](module, normalise)


def waveform_model(module: torch.nn.Module, normalise: bool | None) -> Anatomy:
    """Models of the wav2vec 2.0 design: conv blocks on the waveform, then blocks."""
    config = module.config
    pre_norm = getattr(config, "do_stable_layer_norm", False)
    norm = "before any LayerNorm" if pre_norm else "after the encoder's LayerNorm"
    first = f"input of transformer block 1: projected features with positional convolution, {norm}"
    return _waveform_anatomy(module, normalise, first, pre_norm)


def conformer(module: torch.nn.Module, normalise: bool | None) -> Anatomy:
    """wav2vec2-conformer: its blocks know positions by themselves, and the encoder has a norm after them."""
    return _waveform_anatomy(module, normalise, "input of transformer block 1: projected features", final_norm=True)


def squeezing_model(module: torch.nn.Module, normalise: bool | None) -> Anatomy:
    """SEW: neighbouring frames are averaged before the blocks, and the result is stretched again after them.

    Layers are read where there are fewer frames.
    """
    first = "input of transformer block 1: averages of neighbouring projected features with positional convolution, "
    return _waveform_anatomy(module, normalise, f"{first}after the encoder's LayerNorm", False)


def _waveform_anatomy(module: torch.nn.Module, normalise: bool | None, first: str, final_norm: bool) -> Anatomy:
    config, squeeze = module.config, getattr(module.config, "squeeze_factor", 1)
    normalise = uses_layer_norm(config) if normalise is None else normalise
    return Anatomy(
        module=module,
        front_end=partial(whole_waveform, normalise=normalise),
        embed=partial(_projected, module),
        encode=lambda features, mask: module.encoder(features, attention_mask=mask),
        taps={
            **conv_taps(module.feature_extractor.conv_layers),
            "T0": Tap(module.encoder.layers[0], first, at_input=True),
            **block_taps(module.encoder.layers, final_norm),
        },
        stride_seconds=shape_of(config.to_dict())["stride_seconds"],
        normalise=normalise,
        pads=squeeze == 1,  # an average would mix the last frame with padding
        **conv_geometry(config.conv_kernel, config.conv_stride, squeeze),
    )


def _projected(module: torch.nn.Module, waveform: torch.Tensor) -> torch.Tensor:
    """(1, samples) to (1, frames, width)."""
    features = module.feature_extractor(waveform).transpose(1, 2)
    if hasattr(module, "layer_norm"):  # SEW keeps this norm apart, and projects only what needs it
        features = module.layer_norm(features)
    projected = module.feature_projection(features) if hasattr(module, "feature_projection") else features
    return projected[0] if isinstance(projected, tuple) else projected


def whisper(module: torch.nn.Module, _normalise: bool | None) -> Anatomy:
    """Whisper's encoder. It always computes 30 s, of which the frames wholly inside the audio are kept."""
    encoder, config = module.encoder, module.config
    frame = 2 * MEL_HOP
    longest = config.max_source_positions * frame
    extractor = WhisperFeatureExtractor(feature_size=config.num_mel_bins, hop_length=MEL_HOP)
    gelu = torch.nn.functional.gelu  # which the encoder applies between its convolutions
    said = "output of convolution {} on the log-mel frames, after GELU"
    return Anatomy(
        module=encoder,
        front_end=lambda waveform: _log_mel(extractor, waveform, max_length=longest).transpose(1, 2),
        embed=lambda features: features,
        encode=lambda features, _: encoder(features.transpose(1, 2)),
        taps={
            "C1": Tap(encoder.conv1, said.format(1), channels_first=True, then=gelu, samples_per_frame=MEL_HOP),
            "C2": Tap(encoder.conv2, said.format(2), channels_first=True, then=gelu, samples_per_frame=frame),
            "T0": Tap(
                encoder.layers[0],
                "input of transformer block 1: output of the convolutions plus positions",
                at_input=True,
                samples_per_frame=frame,
            ),
            **block_taps(encoder.layers, final_norm=True, samples_per_frame=frame),
        },
        stride_seconds=frame / SAMPLE_RATE,
        normalise=False,
        min_samples=frame,
        max_samples=longest,
        windows_10ms={"C1": (1, 1)},
    )


def bert(module: torch.nn.Module, _normalise: bool | None) -> Anatomy:
    """wav2vec2-BERT: conformer blocks on stacked log-mel frames, each band normalised over the utterance."""
    config = module.config
    stack, rest = divmod(config.feature_projection_input_dim, BERT_BANDS)
    if rest or not stack:
        raise ModelError(f"{config.feature_projection_input_dim} inputs are no stack of {BERT_BANDS} log-mel bands")
    extractor = SeamlessM4TFeatureExtractor(feature_size=BERT_BANDS, num_mel_bins=BERT_BANDS, stride=stack)
    return Anatomy(
        module=module,
        front_end=partial(_log_mel, extractor, pad_to_multiple_of=None),  # frames without a whole stack are left out
        embed=lambda features: module.feature_projection(features)[0],
        encode=lambda features, mask: module.encoder(features, attention_mask=mask),
        taps={
            "T0": Tap(
                module.encoder.layers[0],
                f"input of transformer block 1: projection of {stack} stacked frames of {BERT_BANDS} log-mel bands",
                at_input=True,
            ),
            **block_taps(module.encoder.layers, final_norm=False),
        },
        stride_seconds=shape_of(config.to_dict())["stride_seconds"],
        normalise=False,
        min_samples=MEL_WINDOW + (max(stack, 2) - 1) * MEL_HOP,  # one frame has no variance to divide by
    )


def _log_mel(extractor, waveform: np.ndarray, **options) -> torch.Tensor:
    """What a feature extractor of transformers makes: (1, …) float32."""
    made = extractor(waveform, sampling_rate=SAMPLE_RATE, return_tensors="pt", **options)
    return made["input_features"].to(torch.float32)


_ANATOMIES = {
    "data2vec-audio": waveform_model,
    "hubert": waveform_model,
    "sew": squeezing_model,
    "unispeech": waveform_model,
    "unispeech-sat": waveform_model,
    "wav2vec2": waveform_model,
    "wav2vec2-bert": bert,
    "wav2vec2-conformer": conformer,
    "wavlm": waveform_model,
    "whisper": whisper,
}
_LOG_MEL = {"wav2vec2-bert", "whisper"}
