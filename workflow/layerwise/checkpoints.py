"""Checkpoint folders whose weights are drawn from a seed."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from layerwise.errors import LayerwiseError
from layerwise.files import replaced_folder
from layerwise.locks import held
from layerwise.preprocessors import PREPROCESSOR, expected_settings, takes_waveform

log = logging.getLogger(__name__)

# In a checkpoint folder: where its weights come from, in a line; of one that was trained here, its losses and on what.
ORIGIN, LOSSES, TRAINING = "origin.txt", "losses.csv", "training.json"


class CheckpointError(LayerwiseError):
    """A checkpoint cannot be made."""


def make_random_checkpoint(architecture: dict, seed: int, out: Path) -> None:
    """A checkpoint folder of transformers' format whose weights are the initial ones of this seed.

    The control of the paper: what an architecture shows before any training. The same seed gives the same bytes.

    Args:
        architecture: `model_type` and the other values of the model's transformers configuration.

    Raises:
        CheckpointError: transformers knows no such architecture.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    values = dict(architecture)
    try:
        config = AutoConfig.for_model(values.pop("model_type"), **values)
        torch.manual_seed(seed)
        model = AutoModel.from_config(config)
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"no model can be made from the architecture {architecture}: {error}") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    with held(out.with_name(f".{out.name}.lock"), f"another run has made {out}"), replaced_folder(out) as folder:
        model.save_pretrained(folder)
        settings = expected_settings(config.to_dict())
        if takes_waveform(config.to_dict()):
            settings["do_normalize"] = uses_layer_norm(config)  # the originals normalise for layer-norm encoders only
        (folder / PREPROCESSOR).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        (folder / ORIGIN).write_text(f"random weights, seed {seed}\n", encoding="utf-8")
    log.info("%s: %.2f million random weights, seed %d", out, model.num_parameters() / 1e6, seed)


def uses_layer_norm(config) -> bool:
    """Whether the conv blocks of a transformers configuration use LayerNorm; data2vec-audio's always do."""
    return getattr(config, "feat_extract_norm", "layer") == "layer"
