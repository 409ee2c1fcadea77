"""Where the layers lie in the models of transformers, by model type."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from transformers import (
    MODEL_MAPPING,
    PretrainedConfig,
    PreTrainedModel,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
)
from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from layerwise.constants import SAMPLE_RATE
from layerwise.layers import FIRST
from layerwise.models.anatomy import Anatomy, ModelError, Tap, block_taps, conv_geometry, conv_taps, whole_waveform
from layerwise.models.checkpoints import uses_layer_norm
from layerwise.models.inputs import BERT_BANDS, MEL_HOP
from layerwise.models.model_types import MODEL_TYPES, outline_of, supported
from layerwise.models.preprocessors import takes_waveform

MEL_WINDOW = 400  # samples that a log-mel frame of wav2vec2-BERT sees


def require_supported(model_type: object, source: str) -> None:
    """Refuse other types of models by what config.json says, before anything of theirs is imported or made.

    Args:
        source: where it comes from, for messages.

    Raises:
        ModelError: the type is not supported.
        ValueError: transformers has no such type.
    """
    if not isinstance(model_type, str) or model_type not in MODEL_MAPPING_NAMES:
        raise ValueError(f"transformers has no model_type {model_type!r}")
    if model_type not in MODEL_TYPES:
        found = MODEL_MAPPING_NAMES[model_type]
        raise ModelError(
            f"{source} is a {found}: only models with transformer blocks and a front end of wav2vec 2.0's design or of "
            f"log-mel frames can be read, of the types {supported()}"
        )


def model_class(config: PretrainedConfig) -> tuple[type[PreTrainedModel], str]:
    """The class of transformers that computes the layers, and what its weights' names begin with in a larger model."""
    if config.model_type == "whisper":
        return WhisperEncoder, "encoder."
    model = MODEL_MAPPING[type(config)]
    return model, f"{model.base_model_prefix}."


def anatomy_of(module: PreTrainedModel, normalise: bool | None, said: dict | None, source: str) -> Anatomy:
    """The anatomy of a module of `model_class`.

    Args:
        normalise: whether the waveform is normalised first; None: as its folder says, or else as the architecture asks.
        said: what its folder says of its input, as `read_preprocessor` gives it; None: nothing.
        source: where it comes from, for messages.

    Raises:
        ModelError: its front end cannot do what was asked.
    """
    if normalise and not takes_waveform(module.config.to_dict()):
        raise ModelError(
            f"{source} is a {type(module).__name__}, which takes log-mel frames of the waveform as it is: leave out "
            "normalise: true"
        )
    where, _, name = MODEL_TYPES[module.config.model_type].anatomy.rpartition(".")
    return getattr(import_module(where), name)(module, normalise, said)


def waveform_model(module: torch.nn.Module, normalise: bool | None, said: dict | None = None) -> Anatomy:
    """Models of the wav2vec 2.0 design: conv blocks on the waveform, then blocks."""
    config = module.config
    pre_norm = getattr(config, "do_stable_layer_norm", False)
    norm = "before any LayerNorm" if pre_norm else "after the encoder's LayerNorm"
    first = f"input of transformer block 1: projected features with positional convolution, {norm}"
    return _waveform_anatomy(module, normalise, said, first, pre_norm)


def conformer(module: torch.nn.Module, normalise: bool | None, said: dict | None) -> Anatomy:
    """wav2vec2-conformer: its blocks know positions by themselves, and the encoder has a norm after them."""
    first = "input of transformer block 1: projected features"
    return _waveform_anatomy(module, normalise, said, first, final_norm=True)


def squeezing_model(module: torch.nn.Module, normalise: bool | None, said: dict | None) -> Anatomy:
    """SEW: neighbouring frames are averaged before the blocks, and the result is stretched again after them.

    Layers are read where there are fewer frames.
    """
    first = "input of transformer block 1: averages of neighbouring projected features with positional convolution, "
    return _waveform_anatomy(module, normalise, said, f"{first}after the encoder's LayerNorm", False)


def _waveform_anatomy(
    module: torch.nn.Module, normalise: bool | None, said: dict | None, first: str, final_norm: bool
) -> Anatomy:
    config, squeeze = module.config, getattr(module.config, "squeeze_factor", 1)
    if normalise is None:
        normalise = uses_layer_norm(config) if said is None else said["do_normalize"]
    front_end = partial(whole_waveform, normalise=normalise)
    if said is not None:  # to the last digit what its own feature extractor gives
        front_end = partial(_extracted, Wav2Vec2FeatureExtractor(do_normalize=normalise), "input_values")
    return Anatomy(
        module=module,
        front_end=front_end,
        embed=partial(_projected, module),
        encode=lambda features, mask: module.encoder(features, attention_mask=mask),
        taps={
            **conv_taps(module.feature_extractor.conv_layers),
            FIRST: Tap(module.encoder.layers[0], first, at_input=True),
            **block_taps(module.encoder.layers, final_norm),
        },
        stride_seconds=outline_of(config.to_dict())["stride_seconds"],
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


def whisper(encoder: torch.nn.Module, _normalise: bool | None, said: dict | None) -> Anatomy:
    """Whisper's encoder. It always computes 30 s, of which the frames wholly inside the audio are kept."""
    config = encoder.config
    frame = 2 * MEL_HOP
    longest = config.max_source_positions * frame
    extractor = WhisperFeatureExtractor(feature_size=config.num_mel_bins, hop_length=MEL_HOP, **(said or {}))
    gelu = torch.nn.functional.gelu  # which the encoder applies between its convolutions
    said = "output of convolution {} on the log-mel frames, after GELU"
    return Anatomy(
        module=encoder,
        front_end=lambda waveform: _extracted(extractor, "input_features", waveform, max_length=longest).transpose(
            1, 2
        ),
        embed=lambda features: features,
        encode=lambda features, _: encoder(features.transpose(1, 2)),
        taps={
            "C1": Tap(encoder.conv1, said.format(1), channels_first=True, then=gelu, samples_per_frame=MEL_HOP),
            "C2": Tap(encoder.conv2, said.format(2), channels_first=True, then=gelu, samples_per_frame=frame),
            FIRST: Tap(
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


def bert(module: torch.nn.Module, _normalise: bool | None, _said: dict | None) -> Anatomy:
    """wav2vec2-BERT: conformer blocks on stacked log-mel frames, each band normalised over the utterance."""
    config = module.config
    stack, rest = divmod(config.feature_projection_input_dim, BERT_BANDS)
    if rest or not stack:
        raise ModelError(f"{config.feature_projection_input_dim} inputs are no stack of {BERT_BANDS} log-mel bands")
    extractor = SeamlessM4TFeatureExtractor(feature_size=BERT_BANDS, num_mel_bins=BERT_BANDS, stride=stack)
    return Anatomy(
        module=module,
        # Frames without a whole stack are left out.
        front_end=partial(_extracted, extractor, "input_features", pad_to_multiple_of=None),
        embed=lambda features: module.feature_projection(features)[0],
        encode=lambda features, mask: module.encoder(features, attention_mask=mask),
        taps={
            FIRST: Tap(
                module.encoder.layers[0],
                f"input of transformer block 1: projection of {stack} stacked frames of {BERT_BANDS} log-mel bands",
                at_input=True,
            ),
            **block_taps(module.encoder.layers, final_norm=False),
        },
        stride_seconds=outline_of(config.to_dict())["stride_seconds"],
        normalise=False,
        min_samples=MEL_WINDOW + (max(stack, 2) - 1) * MEL_HOP,  # one frame has no variance to divide by
    )


def _extracted(extractor: Callable, what: str, waveform: np.ndarray, **options: Any) -> torch.Tensor:
    """What a feature extractor of transformers makes: (1, …) float32."""
    made = extractor(waveform, sampling_rate=SAMPLE_RATE, return_tensors="pt", **options)
    return made[what].to(torch.float32)
