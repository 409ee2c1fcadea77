"""What the checkpoint folder of a transformers model says of itself: its configuration, and its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from layerwise.errors import LayerwiseError, shown
from layerwise.files.json_files import read_json
from layerwise.files.links import opened_itself
from layerwise.models.sizes import require_possible

if TYPE_CHECKING:
    from transformers import PretrainedConfig

# In a checkpoint folder: where its weights come from, in a line; of one that was trained here, its losses and on what.
ORIGIN, LOSSES, TRAINING = "origin.txt", "losses.csv", "training.json"
_ORIGIN_BYTES = 2000  # of a line, with an address

# What may follow the blocks, and so belongs to no layer.
_AFTER_THE_BLOCKS = {"add_adapter": False, "use_intermediate_ffn_before_adapter": False}


class CheckpointError(LayerwiseError):
    """A checkpoint cannot be made, or does not say what it is."""


def read_config(folder: Path) -> dict:
    """The configuration of a checkpoint folder of transformers.

    Raises:
        CheckpointError: there is no config.json, or it is none.
    """
    path = folder / "config.json"
    config = read_object(path, CheckpointError, "configuration")
    if config is None:
        raise CheckpointError(
            f"{path} does not exist; a checkpoint folder holds config.json and the weights, as transformers' "
            "save_pretrained writes them, or a model's original .pt file"
        )
    return config


def read_object(path: Path, error: type[LayerwiseError], what: str) -> dict | None:
    """The JSON object in a file of a checkpoint folder; None where there is no such file.

    Args:
        what: it should hold, in words.

    Raises:
        error: it holds something else.
    """
    try:
        content = read_json(path, error)
    except FileNotFoundError:
        return None
    if not isinstance(content, dict):
        raise error(f"{path} holds no {what}, but {type(content).__name__}")
    return content


def origin_of(folder: Path) -> str:
    """Where the weights of a checkpoint folder come from, as its origin.txt says; empty if it has no such text."""
    try:
        with open(folder / ORIGIN, "rb", opener=opened_itself) as stream:
            said = stream.read(_ORIGIN_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):  # there is none, it is a link or a folder, or no text
        return ""
    return shown(said.strip(), _ORIGIN_BYTES)


def transformers_config(values: Mapping, layers_only: bool = False) -> PretrainedConfig:
    """The configuration of a model of transformers, reduced to what describes its layers.

    A config.json can also choose how a model is loaded: fetch code for attention from a repository, name other weight
    files, quantise, override methods of the configuration itself. Only keys that the model type defines are kept, and
    how attention is computed is chosen here.

    Args:
        values: `model_type`, one of `model_types.MODEL_TYPES`, and values of its configuration.
        layers_only: leave out what may follow the blocks.

    Raises:
        CheckpointError: it declares more layers or dimensions than any model has.
        Exception: whatever transformers raises for values that are impossible.
    """
    from transformers import CONFIG_MAPPING, MODEL_MAPPING, PretrainedConfig

    config_class = CONFIG_MAPPING[values["model_type"]]
    # What every class has is not of the layers.
    own = {field.name for field in fields(config_class)} - {field.name for field in fields(PretrainedConfig)}
    kept = {key: value for key, value in values.items() if key in own or key in config_class.attribute_map}
    if layers_only:
        kept |= {key: value for key, value in _AFTER_THE_BLOCKS.items() if key in own}
    attention = "sdpa" if MODEL_MAPPING[config_class]._supports_sdpa else "eager"
    config = config_class(**kept, attn_implementation=attention)
    require_possible({key: getattr(config, key) for key in own}, CheckpointError, f"{config.model_type}: ")
    return config


def uses_layer_norm(config: PretrainedConfig) -> bool:
    """Whether the conv blocks of a transformers configuration use LayerNorm; data2vec-audio's always do."""
    return getattr(config, "feat_extract_norm", "layer") == "layer"
