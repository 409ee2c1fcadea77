"""Settings of conv encoder and blocks, which every family of original checkpoints has under fairseq's names."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from layerwise.constants import SAMPLE_RATE
from layerwise.models.originals.family import Family, Opened, Original, OriginalError
from layerwise.models.originals.settings import Settings, as_values, shown_value
from layerwise.models.sizes import LAYERS, require_possible

if TYPE_CHECKING:
    from layerwise.models.anatomy import Anatomy

_CONV_TEXT = 2000  # characters of conv_feature_layers: the published ones have 60


def waveform_family(name: str, title: str, unused: Iterable[str]) -> Family:
    """A family whose models of the waveform have one name in fairseq and in transformers.

    Args:
        unused: as `Family` has it.
    """

    def read(opened: Opened) -> Original:
        return read_waveform_model(opened, name)

    def anatomy(original: Original, normalise: bool) -> Anatomy:
        from layerwise.models.originals.conversion import transformers_model  # which imports torch

        return transformers_model(original, normalise, family)

    family = Family(name, title, read, anatomy, frozenset(unused), fairseq_name=name, model_type=name)
    return family


def read_waveform_model(opened: Opened, family: str) -> Original:
    """A model of fairseq with a conv encoder on the waveform."""
    refuse_contradictions(opened)
    config = blocks(opened.model) | conv_encoder(opened.model)
    require_sample_rate(opened.task)
    normalise = says_normalised(opened.task)
    return Original(opened.path, family, config, normalise, opened.pickled, opened.weights, stride_seconds(config))


def stride_seconds(config: Mapping) -> float:
    """Seconds per frame of a conv encoder."""
    return math.prod(config["conv_stride"]) / SAMPLE_RATE


# fairseq's names of activations, and those of transformers
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_fast": "gelu_new",
    "gelu_accurate": "gelu_new",
    "relu": "relu",
    "swish": "silu",
    "tanh": "tanh",
    "linear": "linear",
}


def blocks(settings: Settings) -> dict:
    """Settings of positional convolution and transformer blocks, which every family has."""
    for name, value in (
        ("layer_type", "transformer"),
        ("attn_type", ""),
        ("pos_enc_type", "abs"),
        ("pos_conv_depth", 1),
        ("conv_pos_batch_norm", False),
        ("crop_seq_to_multiple", 1),
    ):
        settings.only(name, value)
    width, heads = settings.number("encoder_embed_dim"), settings.number("encoder_attention_heads")
    groups = settings.number("conv_pos_groups")
    for parts, name in ((heads, "encoder_attention_heads"), (groups, "conv_pos_groups")):
        if width % parts:
            raise OriginalError(f"{settings.path}: encoder_embed_dim {width} is no multiple of {name} {parts}")
    config = {
        "hidden_size": width,
        "num_hidden_layers": settings.number("encoder_layers"),
        "num_attention_heads": heads,
        "intermediate_size": settings.number("encoder_ffn_embed_dim"),
        "hidden_act": settings.choice("activation_fn", _ACTIVATIONS),
        "do_stable_layer_norm": settings.flag("layer_norm_first"),
        "num_conv_pos_embeddings": settings.number("conv_pos"),
        "num_conv_pos_embedding_groups": groups,
    }
    require_possible(config, OriginalError, f"{settings.path}: ")
    return config


def conv_encoder(settings: Settings) -> dict:
    settings.only("quantize_input", False)
    try:
        layers = parse_conv_layers(settings.values.get("conv_feature_layers"))
    except ValueError:
        raise OriginalError(
            f"{settings.path}: conv_feature_layers is {shown_value(settings.values.get('conv_feature_layers'))} in its "
            "configuration; a list of (dimensions, kernel, stride) is expected, or a sum of such lists and multiples"
        ) from None
    config = {
        "feat_extract_norm": settings.choice("extractor_mode", {"default": "group", "layer_norm": "layer"}),
        "conv_bias": settings.flag("conv_bias"),
        "conv_dim": [dim for dim, _kernel, _stride in layers],
        "conv_kernel": [kernel for _dim, kernel, _stride in layers],
        "conv_stride": [stride for _dim, _kernel, stride in layers],
    }
    require_possible(config, OriginalError, f"{settings.path}: ")
    return config


def says_normalised(settings: Settings) -> bool | None:
    return settings.flag("normalize") if settings.values.get("normalize") is not None else None


def require_sample_rate(settings: Settings) -> None:
    """Older files do not say it. (AV-HuBERT's is the rate of its frames, not of the waveform.)"""
    settings.only("sample_rate", SAMPLE_RATE)


def refuse_contradictions(opened: Opened) -> None:
    """fairseq says how its input was prepared in the task; a file may say it again elsewhere."""
    path, content, model, task = opened.path, opened.content, opened.model, opened.task
    start = as_values(model.values.get("w2v_args")) or {}  # of the model that training began with
    said = {"task": task.values, "model": model.values, "args": as_values(content.get("args")) or {}}
    said |= {"w2v_args": start, "w2v_args.task": as_values(start.get("task")) or {}}
    for key in ("normalize", "sample_rate"):
        found = {f"{part}.{key}": values[key] for part, values in said.items() if values.get(key) is not None}
        texts = {name: value if isinstance(value, str) else shown_value(value) for name, value in found.items()}
        texts = {name: text for name, text in texts.items() if not text.startswith("${")}  # as said elsewhere
        if len(set(texts.values())) > 1:
            listed = ", ".join(f"{name} is {shown_value(found[name])}" for name in texts)
            raise OriginalError(f"{path} contradicts itself: {listed} in its configuration")


def parse_conv_layers(given: object) -> list[tuple[int, int, int]]:
    """(dimensions, kernel, stride) of each conv block, from a list or the text `[(512, 10, 5)] + [(512, 3, 2)] * 4`.

    The originals evaluate that text as Python; here lists of numbers, their sums and multiples are all that it may be.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(given, str) and len(given) > _CONV_TEXT:
        raise ValueError(f"{len(given)} characters")
    try:
        layers = _list_of(ast.parse(given, mode="eval").body) if isinstance(given, str) else given
        if len(layers) > LAYERS.value or any(len(layer) != 3 for layer in layers):
            raise ValueError("no list of three numbers each")
        layers = [tuple(layer) for layer in layers]
    except (SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(str(error)) from None
    numbers = [type(number) is int and number > 0 for layer in layers for number in layer]
    if not layers or not all(numbers):
        raise ValueError("no list of three positive numbers each")
    return layers


def _list_of(node: ast.expr) -> list:
    match node:
        case ast.BinOp(left, ast.Add(), right):
            return _list_of(left) + _list_of(right)
        case ast.BinOp(left, ast.Mult(), ast.Constant(int(times))) if 0 < times * len(part := _list_of(left)) <= 1000:
            return part * times
        case ast.List(_):
            return ast.literal_eval(node)
    raise ValueError("neither a list nor a sum or multiple of lists")
