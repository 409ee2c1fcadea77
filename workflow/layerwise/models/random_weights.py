"""Controls: checkpoint folders whose weights are drawn from a seed."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced_folder
from layerwise.files.limits import Limit
from layerwise.files.locks import held
from layerwise.models.checkpoints import ORIGIN, CheckpointError, read_config, transformers_config, uses_layer_norm
from layerwise.models.families import families, family
from layerwise.models.model_types import MODEL_TYPES, supported
from layerwise.models.originals.reading import is_original, read_original
from layerwise.models.preprocessors import FILES as INPUT_FILES
from layerwise.models.preprocessors import PREPROCESSOR, expected_settings, takes_waveform

log = logging.getLogger(__name__)

# Of random weights, which are made from a few words: the largest published speech models have two billion.
PARAMETERS = Limit("LAYERWISE_MAX_PARAMETERS", 10_000_000_000, "parameters")

_NOT_OF_LAYERS = {"_name_or_path", "architectures", "auto_map", "dtype", "quantization_config", "torch_dtype",
                  "transformers_version"}  # fmt: skip


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


def make_random_model(architecture: dict, like: Path | None, seed: int, out: Path) -> None:
    """Random weights of an architecture that the catalogue says, or else of that of another model's checkpoint.

    Raises:
        CheckpointError, OriginalError, PickleError: as `architecture_of` and `make_random_checkpoint`.
    """
    if like is None:
        make_random_checkpoint(architecture, seed, out)
    else:
        make_random_checkpoint_like(like, seed, out)


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

    if not isinstance(kind := architecture.get("model_type"), str) or kind not in MODEL_TYPES:
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
