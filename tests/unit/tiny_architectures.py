"""Tiny checkpoints of every supported model type of transformers, with no parameter at a value that hides a mistake."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel

BLOCKS = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48}
CONV = {
    "conv_dim": [16] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "num_feat_extract_layers": 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
GROUP = {"feat_extract_norm": "group", "do_stable_layer_norm": False}
LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}

# Name → model type and the values of its configuration.
ARCHITECTURES = {
    "wav2vec2-base": ("wav2vec2", BLOCKS | CONV | GROUP),
    "wav2vec2-large": ("wav2vec2", BLOCKS | CONV | LAYER),
    "hubert-base": ("hubert", BLOCKS | CONV | GROUP),
    "hubert-batch-norm": ("hubert", BLOCKS | CONV | GROUP | {"conv_pos_batch_norm": True}),
    "hubert-large": ("hubert", BLOCKS | CONV | LAYER),
    "wavlm-base": ("wavlm", BLOCKS | CONV | GROUP),
    "wavlm-large": ("wavlm", BLOCKS | CONV | LAYER),
    "data2vec": ("data2vec-audio", BLOCKS | CONV | {"num_conv_pos_embeddings": 3, "conv_pos_kernel_size": 5}),
    "unispeech": ("unispeech", BLOCKS | CONV | LAYER),
    "unispeech-sat": ("unispeech-sat", BLOCKS | CONV | GROUP),
    "conformer": ("wav2vec2-conformer", BLOCKS | CONV | LAYER | {"conv_depthwise_kernel_size": 5}),
    "conformer-rotary": (
        "wav2vec2-conformer",
        BLOCKS | CONV | GROUP | {"conv_depthwise_kernel_size": 5, "position_embeddings_type": "rotary"},
    ),
    "sew": ("sew", BLOCKS | CONV | {"feat_extract_norm": "group", "squeeze_factor": 2}),
    "bert": ("wav2vec2-bert", BLOCKS | {"conv_depthwise_kernel_size": 5}),
    "whisper": (
        "whisper",
        {
            "d_model": 32,
            "encoder_layers": 3,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 48,
            "decoder_layers": 1,
            "decoder_attention_heads": 2,
            "decoder_ffn_dim": 48,
            "num_mel_bins": 20,
            "max_source_positions": 100,
            "vocab_size": 50,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "decoder_start_token_id": 1,
        },
    ),
}


def make_architecture(name: str, folder: Path, **changes) -> Path:
    """A checkpoint folder with random weights."""
    model_type, values = ARCHITECTURES[name]
    torch.manual_seed(len(name))
    module = AutoModel.from_config(AutoConfig.for_model(model_type, **(values | changes)))
    with torch.no_grad():
        for parameter in module.parameters():  # biases begin at 0 and norms at 1, where padding would leak unseen
            parameter.add_(0.1 * torch.randn_like(parameter))
        for key, buffer in module.named_buffers():
            if key.endswith("running_mean"):
                buffer.normal_()
    module.save_pretrained(folder)
    return folder
