"""Checkpoint folders whose weights are drawn from a seed."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from layerwise.errors import LayerwiseError, shown
from layerwise.files.atomic import replaced_folder
from layerwise.files.json_files import read_json
from layerwise.files.limits import Limit
from layerwise.files.links import opened_itself
from layerwise.files.locks import held
from layerwise.models.families import families, family
from layerwise.models.originals.reading import is_original, read_original
from layerwise.models.preprocessors import FILES as INPUT_FILES
from layerwise.models.preprocessors import PREPROCESSOR, expected_settings, takes_waveform
from layerwise.models.shapes import SHAPES, require_possible, supported

if TYPE_CHECKING:
    from transformers import PretrainedConfig

log = logging.getLogger(__name__)

# In a checkpoint folder: where its weights come from, in a line; of one that was trained here, its losses and on what.
ORIGIN, LOSSES, TRAINING = "origin.txt", "losses.csv", "training.json"
_ORIGIN_BYTES = 2000  # of a line, with an address

# Of random weights, which are made from a few words: the largest published speech models have two billion.
PARAMETERS = Limit("LAYERWISE_MAX_PARAMETERS", 10_000_000_000, "parameters")

_NOT_OF_LAYERS = {"_name_or_path", "architectures", "auto_map", "dtype", "quantization_config", "torch_dtype",
                  "transformers_version"}  # fmt: skip
# What may stand after the blocks, so of no layer.
_AFTER_THE_BLOCKS = {"add_adapter": False, "use_intermediate_ffn_before_adapter": False}


class CheckpointError(LayerwiseError):
    """A checkpoint cannot be made, or does not say what it is."""


def read_config(folder: Path) -> dict:
    """The configuration of a checkpoint folder of transformers.

    Raises:
        CheckpointError: there is no config.json, or it is none.
    """
    path = folder / "config.json"
    try:
        config = read_json(path, CheckpointError)
    except FileNotFoundError:
        raise CheckpointError(
            f"{path} does not exist; a checkpoint folder holds config.json and the weights, as transformers' "
            "save_pretrained writes them, or a model's original .pt file"
        ) from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{path} holds no configuration, but {type(config).__name__}")
    return config


def origin_of(folder: Path) -> str:
    """What the folder of a checkpoint says of where its weights come from; nothing where it says it in another way."""
    try:
        with open(folder / ORIGIN, "rb", opener=opened_itself) as stream:
            said = stream.read(_ORIGIN_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):  # there is none, it is a link or a folder, or no text
        return ""
    return shown(said.strip(), _ORIGIN_BYTES)


def transformers_config(values: Mapping, layers_only: bool = False) -> PretrainedConfig:
    """The configuration of a model of transformers, with what describes its layers and with nothing else.

    A config.json can also choose how a model is loaded: fetch code for its attention from a repository, name other
    files for weights, quantise, replace what the configuration itself can do. Such keys are left out, as all that are
    none of the model's own; how attention is computed is our choice.

    Args:
        values: `model_type`, one of `shapes.SHAPES`, and values of its configuration.
        layers_only: without what may stand after the blocks.

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


def architecture_of(checkpoint: Path) -> dict:
    """What random weights like those of a checkpoint are made from: `model_type` and the values of its configuration.

    Raises:
        CheckpointError: its module is filled from a file only, or its configuration cannot be read.
        OriginalError, PickleError: an original checkpoint cannot be read.
    """
    if not is_original(checkpoint):
        config = {key: value for key, value in read_config(checkpoint).items() if key not in _NOT_OF_LAYERS}
        return {"model_type": "wav2vec2"} | config  # some early files do not say it
    original = read_original(checkpoint)
    model_type = family(original.family).model_type
    if model_type is None:
        raise CheckpointError(f"random weights like {original.path} cannot be drawn: {filled_only()}")
    return {"model_type": model_type, **original.config}


def filled_only() -> str:
    """Why there are no random weights of some families, in words."""
    titles = " and ".join(known.title for known in families() if known.model_type is None)
    return f"the modules of {titles} are filled from files only"


def make_random_checkpoint_like(checkpoint: Path, seed: int, out: Path) -> None:
    """The control of a model whose checkpoint says what it is: its architecture and its input, with random weights.

    Raises:
        CheckpointError, OriginalError, PickleError: as `architecture_of` and `make_random_checkpoint`.
    """
    make_random_checkpoint(architecture_of(checkpoint), seed, out, like=checkpoint)


def make_random_checkpoint(architecture: dict, seed: int, out: Path, like: Path | None = None) -> None:
    """A checkpoint folder of transformers' format whose weights are the initial ones of this seed.

    The control of the paper: what an architecture shows before any training. The same seed gives the same bytes.

    Args:
        architecture: `model_type` and the other values of the model's transformers configuration.
        like: a checkpoint whose input is prepared in the same way; None: as the originals of the architecture do.

    Raises:
        CheckpointError: transformers knows no such architecture.
    """
    import torch
    from transformers import AutoModel

    if not isinstance(kind := architecture.get("model_type"), str) or kind not in SHAPES:
        raise CheckpointError(f"no model can be made of model_type {kind!r}; of {supported()} they can")
    try:
        config = transformers_config(architecture)
        with torch.device("meta"):  # without memory
            PARAMETERS.require(AutoModel.from_config(config).num_parameters(), f"random {kind}", CheckpointError)
        torch.manual_seed(seed)
        model = AutoModel.from_config(config)
    except LayerwiseError:
        raise
    except Exception as error:  # impossible values can make transformers and torch raise almost any kind
        raise CheckpointError(
            f"no model can be made from the architecture {architecture}: {' '.join(str(error).split())}"
        ) from error
    out.parent.mkdir(parents=True, exist_ok=True)
    with held(out.with_name(f".{out.name}.lock"), f"another run has made {out}"), replaced_folder(out) as folder:
        model.save_pretrained(folder)
        if like is not None and not is_original(like):
            for name in INPUT_FILES:
                if (like / name).is_file():
                    shutil.copyfile(like / name, folder / name)
        else:
            settings = expected_settings(config.to_dict())
            if takes_waveform(config.to_dict()):
                # The originals normalise the waveform for layer-norm encoders only, where their file does not say it.
                said = read_original(like).normalise if like else None
                settings["do_normalize"] = uses_layer_norm(config) if said is None else said
            (folder / PREPROCESSOR).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        (folder / ORIGIN).write_text(f"random weights, seed {seed}\n", encoding="utf-8")
    log.info("%s: %.2f million random weights, seed %d", out, model.num_parameters() / 1e6, seed)


def uses_layer_norm(config) -> bool:
    """Whether the conv blocks of a transformers configuration use LayerNorm; data2vec-audio's always do."""
    return getattr(config, "feat_extract_norm", "layer") == "layer"
