"""Names of weights: those of an original checkpoint, and what transformers calls the same parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from layerwise.models.originals.family import Family, Original, OriginalError
from layerwise.models.originals.pickled_values import StoredTensor
from layerwise.models.originals.settings import shown_value
from layerwise.models.weights import WeightsError, plain_names

# Names of parameters in transformers and what the originals call them; the first that matches counts,
# and those of the family come before.
_NAMES = [
    (r"feature_projection\.layer_norm\.", r"layer_norm."),
    (r"feature_projection\.projection\.", r"post_extract_proj."),
    (r"encoder\.pos_conv_embed\.conv\.parametrizations\.weight\.original0", r"encoder.pos_conv.0.weight_g"),
    (r"encoder\.pos_conv_embed\.conv\.parametrizations\.weight\.original1", r"encoder.pos_conv.0.weight_v"),
    (r"encoder\.pos_conv_embed\.conv\.bias", r"encoder.pos_conv.0.bias"),
    (r"encoder\.layers\.(\d+)\.attention\.", r"encoder.layers.\1.self_attn."),
    (r"encoder\.layers\.(\d+)\.layer_norm\.", r"encoder.layers.\1.self_attn_layer_norm."),
    (r"encoder\.layers\.(\d+)\.feed_forward\.intermediate_dense\.", r"encoder.layers.\1.fc1."),
    (r"encoder\.layers\.(\d+)\.feed_forward\.output_dense\.", r"encoder.layers.\1.fc2."),
    (r"feature_extractor\.conv_layers\.(\d+)\.conv\.", r"feature_extractor.conv_layers.\1.0."),
]
# The norm of a conv block stands alone where it is a GroupNorm, and between two transpositions where it is a LayerNorm.
_CONV_NORMS = {
    "group": (r"feature_extractor\.conv_layers\.(\d+)\.layer_norm\.", r"feature_extractor.conv_layers.\1.2."),
    "layer": (r"feature_extractor\.conv_layers\.(\d+)\.layer_norm\.", r"feature_extractor.conv_layers.\1.2.1."),
}


def weights_by_name(path: Path, state: object) -> dict[str, StoredTensor]:
    """The weights of a model by their names in it, without what wrappers put into them."""
    if not isinstance(state, dict) or not state:
        raise OriginalError(f"{path}: its model is no dict of weights")
    if others := [shown_value(name) for name in state if not isinstance(name, str)]:
        raise OriginalError(f"{path}: {', '.join(others[:5])} in its model should be names")
    others = [str(name) for name, value in state.items() if not isinstance(value, StoredTensor)]
    if others:
        raise OriginalError(f"{path}: {', '.join(others[:5])} in its model should be tensors")
    try:
        plain = plain_names(map(str, state), path)
    except WeightsError as error:
        raise OriginalError(str(error)) from error
    weights = {_before_parametrizations(name): state[written] for name, written in plain.items()}
    if len(weights) < len(state):
        raise OriginalError(
            f"{path}: its model has the weights of a weight norm twice, by their old and by their new names"
        )
    return weights


def _before_parametrizations(name: str) -> str:
    """The name of a weight norm's part in versions of torch below 2.0, which all published checkpoints have."""
    for new, old in (("original0", "weight_g"), ("original1", "weight_v")):
        name = name.replace(f".parametrizations.weight.{new}", f".{old}")
    return name


def held_blocks(weights: Mapping[str, StoredTensor]) -> list[int]:
    """Numbers of the transformer blocks that weights belong to."""
    found = (re.match(r"encoder\.layers\.([0-9]{1,6})\.", name) for name in weights)
    return sorted({int(match[1]) for match in found if match})


def original_name(name: str, original: Original, family: Family) -> str:
    """What the original calls a parameter of transformers' module."""
    conv_norm = _CONV_NORMS[original.config.get("feat_extract_norm", "group")]
    for pattern, replacement in [conv_norm, *family.renamed, *_NAMES]:
        renamed, times = re.subn(f"^{pattern}", replacement, name)
        if times:
            return renamed
    return name
