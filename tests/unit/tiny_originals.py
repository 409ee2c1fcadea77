"""Original checkpoints of tiny models, in every form that fairseq, WavLM and FaST-VGS write."""

from __future__ import annotations

import argparse
import enum
import pickle
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

FAMILIES = ["wav2vec2", "hubert", "wavlm", "av_hubert", "fast_vgs"]
FORMS = ["dict", "namespace", "omegaconf", "enumerations"]

_STACK = [(16, 10, 5), (16, 3, 2), (16, 3, 2), (16, 3, 2), (16, 3, 2), (16, 2, 2), (16, 2, 2)]


def settings(**changes) -> dict:
    """As a Base model has them, made tiny. `conv_stack` is what conv_feature_layers says, for the textbook."""
    values = {
        "extractor_mode": "default",
        "encoder_layers": 3,
        "encoder_embed_dim": 24,
        "encoder_ffn_embed_dim": 40,
        "encoder_attention_heads": 3,
        "activation_fn": "gelu",
        "layer_norm_first": False,
        "conv_stack": _STACK,
        "conv_bias": False,
        "conv_pos": 8,
        "conv_pos_groups": 4,
        "normalize": False,
        "dropout": 0.1,
        "encoder_layerdrop": 0.5,
        "mask_prob": 0.65,
        "final_dim": 12,
        "num_buckets": 16,
        "max_distance": 20,
        "relative_position_embedding": True,
        "gru_rel_pos": True,
        "audio_feat_dim": 26 * changes.get("stack_order_audio", 4),
        "stack_order_audio": 4,
        "modality_fuse": "concat",
        "sub_encoder_layers": 0,
        "layer_use": 1,
    } | changes
    stack = " + ".join(f"[{layer}]" for layer in values["conv_stack"])
    values.setdefault("conv_feature_layers", stack)
    return values


def weights(family: str, values: dict, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights by the originals' names, heads of pre-training among them."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int, around: float = 0.0) -> torch.Tensor:
        fan_in = torch.Size(shape[1:]).numel() if len(shape) > 1 else 4
        return around + torch.randn(shape, generator=generator) * (1.5 / fan_in) ** 0.5

    def dense(name: str, to: int, of: int) -> dict:
        return {f"{name}.weight": draw(to, of), f"{name}.bias": draw(to)}

    def norm(name: str, dim: int) -> dict:
        return {f"{name}.weight": draw(dim, around=1.0), f"{name}.bias": draw(dim)}

    width, heads = values["encoder_embed_dim"], values["encoder_attention_heads"]
    state = {"mask_emb": draw(width)}
    if family == "av_hubert":
        joined = width * 2 if values["modality_fuse"] == "concat" else width
        state |= dense("feature_extractor_audio.proj", width, values["audio_feat_dim"])
        state |= dense("feature_extractor_video.proj", width, 4)
        state |= {"feature_extractor_video.resnet.trunk.1.num_batches_tracked": torch.tensor(7)}
    else:
        before = 1
        for i, (dim, kernel, _stride) in enumerate(values["conv_stack"]):
            name = f"feature_extractor.conv_layers.{i}"
            state[f"{name}.0.weight"] = draw(dim, before, kernel)
            if values["conv_bias"]:
                state[f"{name}.0.bias"] = draw(dim)
            if values["extractor_mode"] == "layer_norm":
                state |= norm(f"{name}.2.1", dim)
            elif i == 0:
                state |= norm(f"{name}.2", dim)
            before = dim
        joined = before
    state |= norm("layer_norm", joined)
    if joined != width:
        state |= dense("post_extract_proj", width, joined)
    per_group = width // values["conv_pos_groups"]
    state["encoder.pos_conv.0.weight_v"] = draw(width, per_group, values["conv_pos"])
    state["encoder.pos_conv.0.weight_g"] = draw(1, 1, values["conv_pos"], around=2.0)
    state["encoder.pos_conv.0.bias"] = draw(width)
    for i in range(values["encoder_layers"]):
        name = f"encoder.layers.{i}"
        for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
            state |= dense(f"{name}.self_attn.{part}", width, width)
        if family == "wavlm":
            state[f"{name}.self_attn.grep_a"] = draw(1, heads, 1, 1, around=1.0)
            state |= dense(f"{name}.self_attn.grep_linear", 8, width // heads)
            if i == 0:
                state[f"{name}.self_attn.relative_attention_bias.weight"] = draw(values["num_buckets"], heads) * 2
        state |= norm(f"{name}.self_attn_layer_norm", width)
        state |= dense(f"{name}.fc1", values["encoder_ffn_embed_dim"], width)
        state |= dense(f"{name}.fc2", width, values["encoder_ffn_embed_dim"])
        state |= norm(f"{name}.final_layer_norm", width)
    state |= norm("encoder.layer_norm", width)
    if family in ("wav2vec2", "fast_vgs"):
        state |= {"quantizer.vars": draw(1, 20, 6)} | dense("project_q", 12, 12) | dense("final_proj", 12, width)
    if family in ("hubert", "av_hubert"):
        state |= {"label_embs_concat": draw(14, 12)} | dense("final_proj", 12, width)
    if family == "fast_vgs":
        state["cls_token"] = draw(1, 1, width)
        state = {f"conv1_trm1_trm3.{name}": value for name, value in state.items()}
        state |= {"visual_cls_token": draw(1, 1, width)} | dense("trm2.attention.self.query", width, width)
    return state


def write(family: str, folder: Path, values: dict, state: dict, form: str = "dict", archive: bool = True) -> Path:
    """The checkpoint as its authors' code writes it; gives what to load.

    Args:
        form: how the configuration stands in the file, one of `FORMS` (of fairseq's families).
        archive: torch's format since 1.6, or the one before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = {"_use_new_zipfile_serialization": archive}
    said = {name: value for name, value in values.items() if name != "conv_stack"}
    path = folder / "checkpoint.pt"
    if family == "fast_vgs":
        (folder / "args.pkl").write_bytes(pickle.dumps(argparse.Namespace(**said)))
        optimiser = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
        torch.save(
            {"dual_encoder": state, "cross_encoder": {}, "optimizer": optimiser}, folder / "best_bundle.pth", **options
        )
        return folder
    if family == "wavlm":
        torch.save({"cfg": said, "model": state}, path, **options)
        return path
    model, task = said | {"_name": family}, {"_name": "audio_pretraining", "labels": None}
    task |= {name: model.pop(name) for name in ("normalize", "stack_order_audio", "sample_rate") if name in model}
    rest = {"model": state, "extra_state": {"epoch": 1}, "last_optimizer_state": None}
    with foreign_classes() as classes:
        if form == "namespace":
            flat = {name: value for name, value in (model | task).items() if name != "_name"}
            content = {"args": argparse.Namespace(arch=family, task="audio_pretraining", **flat), **rest}
        else:
            if form == "enumerations":
                model["extractor_mode"] = classes["Choices"](model["extractor_mode"])
            cfg = {"_name": None, "common": {"seed": 1}, "model": model, "task": task}
            cfg = _omegaconf(cfg, classes) if form == "omegaconf" else cfg
            dictionary = classes["Dictionary"]()
            dictionary.__dict__ |= {"symbols": ["<s>", "a"], "indices": {"<s>": 0, "a": 1}, "bos_word": "<s>"}
            content = {"args": None, "cfg": cfg, "task_state": {"dictionaries": [dictionary]}, **rest}
        torch.save(content, path, **options)
    return path


@contextmanager
def foreign_classes() -> Iterator[dict[str, type]]:
    """Classes of packages that are not here, as long as something is pickled."""

    class Choices(enum.Enum):
        default = "default"
        layer_norm = "layer_norm"

    classes = {"fairseq.data.dictionary": type("Dictionary", (), {}), "fairseq.dataclass.constants": Choices}
    classes |= {f"omegaconf.{name.lower()}": type(name, (), {}) for name in ("DictConfig", "ListConfig", "AnyNode")}
    before = dict(sys.modules)
    for module, cls in classes.items():
        cls.__module__, cls.__qualname__ = module, cls.__name__
        parts = module.split(".")
        for i in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:i]), types.ModuleType(".".join(parts[:i])))
        setattr(sys.modules[module], cls.__name__, cls)
    try:
        yield {cls.__name__: cls for cls in classes.values()}
    finally:
        for name in set(sys.modules) - set(before):
            del sys.modules[name]


def _omegaconf(value: object, classes: dict[str, type], parent: object = None) -> object:
    """A configuration as omegaconf keeps it: containers and nodes that know their parents."""
    kinds = {dict: "DictConfig", list: "ListConfig"}
    node = classes[kinds.get(type(value), "AnyNode")]()
    node.__dict__ |= {"_metadata": {"ref_type": dict, "optional": True}, "_parent": parent}
    if isinstance(value, dict):
        node._content = {name: _omegaconf(item, classes, node) for name, item in value.items()}
    elif isinstance(value, list):
        node._content = [_omegaconf(item, classes, node) for item in value]
    else:
        node._val = value
    return node
