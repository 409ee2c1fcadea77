"""Original checkpoints as modules of transformers, each parameter filled from the file or the checkpoint refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain

import torch
from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model, WavLMConfig, WavLMModel

from layerwise.models.architectures import waveform_model
from layerwise.models.originals.settings import Original, held_blocks
from layerwise.models.taps import Anatomy, ModelError

# Parts that only pre-training uses, or another modality: no layer depends on them.
UNUSED_PARTS = {
    "wav2vec2": {"mask_emb", "quantizer", "project_q", "target_glu", "final_proj"},
    "hubert": {"mask_emb", "label_embs_concat", "target_glu", "final_proj"},
    "wavlm": {"mask_emb", "label_embs_concat", "target_glu", "final_proj"},
    "av_hubert": {"mask_emb", "label_embs_concat", "target_glu", "final_proj", "feature_extractor_video"},
    "fast_vgs": {"mask_emb", "quantizer", "project_q", "target_glu", "final_proj"},
}

_CLASSES = {
    "wav2vec2": (Wav2Vec2Config, Wav2Vec2Model),
    "hubert": (HubertConfig, HubertModel),
    "wavlm": (WavLMConfig, WavLMModel),
}

# Names of parameters in transformers and what the originals call them; the first that matches counts.
_NAMES = [
    (r"feature_projection\.layer_norm\.", r"layer_norm."),
    (r"feature_projection\.projection\.", r"post_extract_proj."),
    (r"encoder\.pos_conv_embed\.conv\.parametrizations\.weight\.original0", r"encoder.pos_conv.0.weight_g"),
    (r"encoder\.pos_conv_embed\.conv\.parametrizations\.weight\.original1", r"encoder.pos_conv.0.weight_v"),
    (r"encoder\.pos_conv_embed\.conv\.bias", r"encoder.pos_conv.0.bias"),
    (r"encoder\.layers\.(\d+)\.attention\.gru_rel_pos_const", r"encoder.layers.\1.self_attn.grep_a"),
    (r"encoder\.layers\.(\d+)\.attention\.gru_rel_pos_linear\.", r"encoder.layers.\1.self_attn.grep_linear."),
    (r"encoder\.layers\.(\d+)\.attention\.rel_attn_embed\.", r"encoder.layers.\1.self_attn.relative_attention_bias."),
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


def convert(original: Original, normalise: bool) -> Anatomy:
    """An original wav2vec 2.0, HuBERT or WavLM as transformers' model of that name.

    Raises:
        ModelError: the weights are not those of the configuration.
    """
    config_class, model_class = _CLASSES[original.family]
    # No masks, so no embedding of one.
    config = config_class(**original.config, mask_time_prob=0.0, mask_feature_prob=0.0)
    return waveform_model(filled(lambda: model_class(config), original), normalise)


def filled(build: Callable[[], torch.nn.Module], original: Original) -> torch.nn.Module:
    """A module whose every parameter is the weight of that name in the checkpoint, in float32.

    It is built without memory for its parameters: what the file did not fill could not even be random.

    Args:
        build: makes the module, with the names that transformers' Wav2Vec2Model or WavLMModel gives such parameters.

    Raises:
        ModelError: a weight is missing, misshapen, no finite floating-point number, or surplus: of no part of the
            module and none of `UNUSED_PARTS`.
    """
    with torch.device("meta"):
        module = build()
        projection = module.feature_projection.projection
        if projection.in_features == projection.out_features:  # the originals project only what needs it
            module.feature_projection.projection = torch.nn.Identity()
    wanted = {original_name(name, original): (name, tuple(value.shape)) for name, value in module.state_dict().items()}
    if len(wanted) < len(module.state_dict()):
        raise ModelError(f"{type(module).__name__}: two parameters have one name in the original checkpoint")
    _check(original, {name: shape for name, (_, shape) in wanted.items()})
    values = original.pickled.tensors({name: original.weights[name] for name in wanted})
    wrong = [name for name, value in values.items() if not (value.is_floating_point() and value.isfinite().all())]
    if wrong:
        raise ModelError(
            f"{original.path}: {len(wrong)} weights are no finite floating-point numbers: {_listed(wrong)}"
        )
    state = {wanted[name][0]: value.to(torch.float32).contiguous() for name, value in values.items()}
    module.load_state_dict(state, strict=True, assign=True)
    empty = [name for name, value in chain(module.named_parameters(), module.named_buffers()) if value.is_meta]
    if empty:
        raise ModelError(f"{original.path} lacks {_listed(empty)}, which this version of transformers computes with")
    return module.eval()


def original_name(name: str, original: Original) -> str:
    """What the original calls a parameter of transformers' module."""
    conv_norm = _CONV_NORMS[original.config.get("feat_extract_norm", "group")]
    for pattern, replacement in [conv_norm, *_NAMES]:
        renamed, times = re.subn(f"^{pattern}", replacement, name)
        if times:
            return renamed
    return name


def _check(original: Original, wanted: dict[str, tuple[int, ...]]) -> None:
    found, unused = original.weights, UNUSED_PARTS[original.family]
    surplus = [name for name in found if name not in wanted and name.split(".")[0] not in unused]
    misshapen = [
        f"{name} is {found[name].shape}, not {shape}"
        for name, shape in wanted.items()
        if name in found and found[name].shape != shape
    ]
    problems = {"missing": [name for name in wanted if name not in found], "surplus": surplus, "misshapen": misshapen}
    if any(problems.values()):
        listed = "; ".join(f"{len(names)} {problem}: {_listed(names)}" for problem, names in problems.items() if names)
        raise ModelError(
            f"{original.path}: the weights are not those of its configuration ({original.blocks} blocks, the file has "
            f"{len(held_blocks(found))}): {listed}"
        )


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names)[:10]) + (", …" if len(names) > 10 else "")
