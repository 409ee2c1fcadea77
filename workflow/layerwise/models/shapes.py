"""What config.json says about the layers of a transformers model, read without torch.

`SHAPES` names every supported model type. To support another one, say here how many layers it has and at which rate,
and in `architectures` where they lie in its module.
"""

from __future__ import annotations

import math

from layerwise.constants import SAMPLE_RATE
from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit

MEL_HOP = 160  # samples between the log-mel frames of Whisper and wav2vec2-BERT
BERT_BANDS = 80  # of wav2vec2-BERT's log-mel frames

# What is declared in a few bytes, and costs memory, jobs and files. The largest published models have 48 blocks and 7
# conv blocks, widths below 20,000 and vocabularies below 300,000; their frames are up to 80 ms apart.
LAYERS = Limit("LAYERWISE_MAX_LAYERS", 1000, "layers")
SIZE = Limit("LAYERWISE_MAX_MODEL_SIZE", 1_000_000, "dimensions")
STRIDE = Limit("LAYERWISE_MAX_STRIDE", 10 * SAMPLE_RATE, "samples from frame to frame")

_COUNTS = (
    "d_model", "encoder_layers", "feature_projection_input_dim", "hidden_size", "max_source_positions",
    "num_hidden_layers", "num_mel_bins", "squeeze_factor",
)  # fmt: skip
_BLOCKS = ("num_hidden_layers", "encoder_layers", "decoder_layers", "num_adapter_layers")
_LISTS = ("conv_dim", "conv_kernel", "conv_stride")


class ShapeError(LayerwiseError):
    """Layers of this type of model cannot be read."""


def shape_of(config: dict) -> dict:
    """`conv_layers`, `blocks`, `stride_seconds` and `width` of a transformers configuration, as far as it says them.

    Raises:
        ShapeError: the model type is none of `SHAPES`, or a number of layers, dimensions or samples is none.
    """
    model_type = config.get("model_type", "wav2vec2")  # some early files do not say it
    if not isinstance(model_type, str) or model_type not in SHAPES:
        encoder = config.get("encoder")
        if isinstance(encoder, dict) and encoder.get("model_type") in SHAPES:
            raise ShapeError(
                f"model_type {model_type!r} joins an encoder of type {encoder['model_type']!r} with another model: "
                "save the encoder alone (`model.encoder.save_pretrained(FOLDER)`) and name that folder"
            )
        raise ShapeError(f"layers of model_type {model_type!r} cannot be read; of {supported()} they can")
    for key in _COUNTS:
        if config.get(key) is not None and not _is_count(config[key]):
            raise ShapeError(f"{key} is {config[key]!r}; a whole number from 1 is expected")
    strides = config.get("conv_stride")
    if strides is not None and not (isinstance(strides, list | tuple) and strides and all(map(_is_count, strides))):
        raise ShapeError(f"conv_stride is {strides!r}; a list of whole numbers from 1 is expected")
    require_possible({key: config[key] for key in (*_COUNTS, *_BLOCKS, *_LISTS) if key in config}, ShapeError)
    said = {key: value for key, value in config.items() if value is not None}  # null is what is not said
    return {key: value for key, value in SHAPES[model_type](said).items() if value is not None}


def require_possible(config: dict, error: type[LayerwiseError], where: str = "") -> None:
    """Compare what a configuration declares with what models have, before anything is made of it.

    Args:
        where: begins the message.

    Raises:
        error: it declares more than `LAYERS`, `SIZE` or `STRIDE`.
    """
    layers, sizes = LAYERS.value, SIZE.value
    for key, value in config.items():
        numbers = value if isinstance(value, list | tuple) else (value,)
        if len(numbers) > layers:
            LAYERS.require(len(numbers), f"{where}{key}", error)
        for number in numbers:
            if isinstance(number, int) and number > (layers if key in _BLOCKS else sizes):
                (LAYERS if key in _BLOCKS else SIZE).require(number, f"{where}{key}", error)
    if strides := config.get("conv_stride"):
        STRIDE.require(math.prod(strides) * (config.get("squeeze_factor") or 1), f"{where}conv_stride", error)
    if "max_bucket_distance" in config:  # WavLM counts half of half of its buckets one by one, the others by logarithms
        singly, farthest = config["num_buckets"] // 4, config["max_bucket_distance"]
        if not 0 < singly < farthest:
            raise error(
                f"{where}num_buckets is {config['num_buckets']}, max_bucket_distance {farthest}: 4 or more, and a "
                "distance beyond a quarter of them, are expected"
            )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def supported() -> str:
    return ", ".join(sorted(SHAPES))


def _waveform_shape(config: dict) -> dict:
    strides = config.get("conv_stride")
    samples = math.prod(strides) * config.get("squeeze_factor", 1) if strides else None
    return {
        "conv_layers": strides and len(strides),
        "blocks": config.get("num_hidden_layers"),
        "stride_seconds": samples and samples / SAMPLE_RATE,
        "width": config.get("hidden_size"),
    }


def _squeezing_shape(config: dict) -> dict:
    # transformers' own default, where a configuration was written without it
    return _waveform_shape({"squeeze_factor": 2} | config)


def _whisper_shape(config: dict) -> dict:
    """Of the encoder: two convolutions, of which the second halves the rate."""
    return {
        "conv_layers": 2,
        "blocks": config.get("encoder_layers"),
        "stride_seconds": 2 * MEL_HOP / SAMPLE_RATE,
        "width": config.get("d_model"),
    }


def _bert_shape(config: dict) -> dict:
    """Blocks on neighbouring log-mel frames that are stacked."""
    return {
        "conv_layers": 0,
        "blocks": config.get("num_hidden_layers"),
        "stride_seconds": stacked_frames(config) * MEL_HOP / SAMPLE_RATE,
        "width": config.get("hidden_size"),
    }


def stacked_frames(config: dict) -> int:
    """Log-mel frames in a frame of wav2vec2-BERT."""
    return config.get("feature_projection_input_dim", 2 * BERT_BANDS) // BERT_BANDS


SHAPES = {
    "data2vec-audio": _waveform_shape,
    "hubert": _waveform_shape,
    "sew": _squeezing_shape,
    "unispeech": _waveform_shape,
    "unispeech-sat": _waveform_shape,
    "wav2vec2": _waveform_shape,
    "wav2vec2-bert": _bert_shape,
    "wav2vec2-conformer": _waveform_shape,
    "wavlm": _waveform_shape,
    "whisper": _whisper_shape,
}
