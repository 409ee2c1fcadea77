"""WavLM in the files of its authors; layer T0 is that of `architectures.waveform_model`."""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING

from layerwise.models.originals.fairseq import (
    blocks,
    conv_encoder,
    require_sample_rate,
    says_normalised,
    stride_seconds,
)
from layerwise.models.originals.family import Family, Opened, Original, OriginalError
from layerwise.models.originals.settings import Settings
from layerwise.models.sizes import require_possible

if TYPE_CHECKING:
    from layerwise.models.anatomy import Anatomy

# What the original fills in where its file does not say it.
DEFAULTS = {
    "extractor_mode": "default",
    "encoder_layers": 12,
    "encoder_embed_dim": 768,
    "encoder_ffn_embed_dim": 3072,
    "encoder_attention_heads": 12,
    "activation_fn": "gelu",
    "layer_norm_first": False,
    "conv_feature_layers": "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2",
    "conv_bias": False,
    "normalize": False,
    "conv_pos": 128,
    "conv_pos_groups": 16,
    "relative_position_embedding": False,
    "num_buckets": 320,
    "max_distance": 1280,
    "gru_rel_pos": False,
}


def claims(opened: Opened) -> bool:
    """A configuration without sections and without fairseq's names of models."""
    said = opened.model.values
    is_flat = opened.task.values is said
    return is_flat and "encoder_layers" in said and "_name" not in said and "arch" not in said


def read(opened: Opened) -> Original:
    path = opened.path
    settings = Settings(path, ChainMap(opened.model.values, DEFAULTS))
    settings.only("relative_position_embedding", True)
    settings.only("gru_rel_pos", True)
    positions = {
        "num_buckets": settings.number("num_buckets"),
        "max_bucket_distance": settings.number("max_distance"),
    }
    config = blocks(settings) | conv_encoder(settings) | positions
    require_possible(config, OriginalError, f"{path}: ")
    require_sample_rate(settings)
    normalise = says_normalised(settings)
    return Original(path, FAMILY.name, config, normalise, opened.pickled, opened.weights, stride_seconds(config))


def anatomy(original: Original, normalise: bool) -> Anatomy:
    from layerwise.models.originals.conversion import transformers_model

    return transformers_model(original, normalise, FAMILY)


FAMILY = Family(
    name="wavlm",
    title="WavLM",
    read=read,
    anatomy=anatomy,
    unused=frozenset({"mask_emb", "label_embs_concat", "target_glu", "final_proj"}),
    claims=claims,
    model_type="wavlm",
    renamed=(
        (r"encoder\.layers\.(\d+)\.attention\.gru_rel_pos_const", r"encoder.layers.\1.self_attn.grep_a"),
        (r"encoder\.layers\.(\d+)\.attention\.gru_rel_pos_linear\.", r"encoder.layers.\1.self_attn.grep_linear."),
        (
            r"encoder\.layers\.(\d+)\.attention\.rel_attn_embed\.",
            r"encoder.layers.\1.self_attn.relative_attention_bias.",
        ),
    ),
)
