"""The types of transformers' models that can be read, and what config.json says about their layers, without torch.

To support another type, add a line to `MODEL_TYPES`: how many layers it has and at which rate, and the function in
`architectures` that says where they lie in its module.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from layerwise.constants import SAMPLE_RATE
from layerwise.errors import LayerwiseError
from layerwise.models.inputs import BERT, MEL_HOP, WAVEFORM, WHISPER, Input, stacked_frames
from layerwise.models.sizes import BLOCK_COUNTS, require_possible

_COUNTS = (
    "d_model", "encoder_layers", "feature_projection_input_dim", "hidden_size", "max_source_positions",
    "num_hidden_layers", "num_mel_bins", "squeeze_factor",
)  # fmt: skip
_LISTS = ("conv_dim", "conv_kernel", "conv_stride")


@dataclass(frozen=True)
class ModelType:
    """A type of model in transformers.

    Attributes:
        outline: its configuration to `conv_layers`, `blocks`, `stride_seconds` and `width`, as far as it says them.
        anatomy: dotted name of the function that says where its layers lie; it imports torch, so it is only named.
        input: what it takes.
    """

    outline: Callable[[dict], dict]
    anatomy: str
    input: Input = WAVEFORM


class OutlineError(LayerwiseError):
    """Layers of this type of model cannot be read."""


def outline_of(config: dict) -> dict:
    """`conv_layers`, `blocks`, `stride_seconds` and `width` of a transformers configuration, as far as it says them.

    Raises:
        OutlineError: the model type is none of `MODEL_TYPES`, or a number of layers, dimensions or samples is none.
    """
    model_type = config.get("model_type", "wav2vec2")  # some early files do not say it
    if not isinstance(model_type, str) or model_type not in MODEL_TYPES:
        encoder = config.get("encoder")
        if isinstance(encoder, dict) and encoder.get("model_type") in MODEL_TYPES:
            raise OutlineError(
                f"model_type {model_type!r} joins an encoder of type {encoder['model_type']!r} with another model: "
                "save the encoder alone (`model.encoder.save_pretrained(FOLDER)`) and name that folder"
            )
        raise OutlineError(f"layers of model_type {model_type!r} cannot be read; of {supported()} they can")
    for key in _COUNTS:
        if config.get(key) is not None and not _is_count(config[key]):
            raise OutlineError(f"{key} is {config[key]!r}; a whole number from 1 is expected")
    strides = config.get("conv_stride")
    if strides is not None and not (isinstance(strides, list | tuple) and strides and all(map(_is_count, strides))):
        raise OutlineError(f"conv_stride is {strides!r}; a list of whole numbers from 1 is expected")
    require_possible({key: config[key] for key in (*_COUNTS, *BLOCK_COUNTS, *_LISTS) if key in config}, OutlineError)
    said = {key: value for key, value in config.items() if value is not None}  # null is what is not said
    return {key: value for key, value in MODEL_TYPES[model_type].outline(said).items() if value is not None}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def supported() -> str:
    """The types, in words."""
    return ", ".join(sorted(MODEL_TYPES))


def _waveform(config: dict) -> dict:
    strides = config.get("conv_stride")
    samples = math.prod(strides) * config.get("squeeze_factor", 1) if strides else None
    return {
        "conv_layers": strides and len(strides),
        "blocks": config.get("num_hidden_layers"),
        "stride_seconds": samples and samples / SAMPLE_RATE,
        "width": config.get("hidden_size"),
    }


def _squeezing(config: dict) -> dict:
    # transformers' own default, where a configuration was written without it
    return _waveform({"squeeze_factor": 2} | config)


def _whisper(config: dict) -> dict:
    """Of the encoder: two convolutions, of which the second halves the rate."""
    return {
        "conv_layers": 2,
        "blocks": config.get("encoder_layers"),
        "stride_seconds": 2 * MEL_HOP / SAMPLE_RATE,
        "width": config.get("d_model"),
    }


def _bert(config: dict) -> dict:
    """Blocks on neighbouring log-mel frames that are stacked."""
    return {
        "conv_layers": 0,
        "blocks": config.get("num_hidden_layers"),
        "stride_seconds": stacked_frames(config) * MEL_HOP / SAMPLE_RATE,
        "width": config.get("hidden_size"),
    }


_ANATOMIES = "layerwise.models.architectures"

MODEL_TYPES = {
    "data2vec-audio": ModelType(_waveform, f"{_ANATOMIES}.waveform_model"),
    "hubert": ModelType(_waveform, f"{_ANATOMIES}.waveform_model"),
    "sew": ModelType(_squeezing, f"{_ANATOMIES}.squeezing_model"),
    "unispeech": ModelType(_waveform, f"{_ANATOMIES}.waveform_model"),
    "unispeech-sat": ModelType(_waveform, f"{_ANATOMIES}.waveform_model"),
    "wav2vec2": ModelType(_waveform, f"{_ANATOMIES}.waveform_model"),
    "wav2vec2-bert": ModelType(_bert, f"{_ANATOMIES}.bert", BERT),
    "wav2vec2-conformer": ModelType(_waveform, f"{_ANATOMIES}.conformer"),
    "wavlm": ModelType(_waveform, f"{_ANATOMIES}.waveform_model"),
    "whisper": ModelType(_whisper, f"{_ANATOMIES}.whisper", WHISPER),
}


def input_of(config: dict) -> Input:
    """What the model of a configuration takes."""
    known = MODEL_TYPES.get(config.get("model_type", ""))
    return known.input if known else WAVEFORM
