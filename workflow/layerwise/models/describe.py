"""Ask a checkpoint for what the catalogue does not say: number and width of its layers, and its stride."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from layerwise.constants import SAMPLE_RATE
from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced
from layerwise.layers import is_conv, layer_names
from layerwise.models.loading import load_folder


class DescriptionError(LayerwiseError):
    """The layers of a model do not have the names that the workflow plans with."""


def write_outline(checkpoint: Path, out: Path) -> None:
    """Load a checkpoint, and write conv_layers, blocks, stride_seconds and width as JSON.

    Raises:
        ModelError, OriginalError, PickleError: the checkpoint cannot be read.
        DescriptionError: its layers are not C1…, T0….
    """
    model = load_folder(checkpoint)
    conv_layers = sum(map(is_conv, model.layer_names))
    blocks = len(model.layer_names) - conv_layers - 1
    if model.layer_names != layer_names(conv_layers, blocks):
        raise DescriptionError(f"{checkpoint} has the layers {', '.join(model.layer_names)}; C1… and T0… are expected")
    second = np.random.default_rng(0).standard_normal(SAMPLE_RATE).astype(np.float32) / 10
    outline = {
        "conv_layers": conv_layers,
        "blocks": blocks,
        "stride_seconds": model.stride_seconds,
        "width": model.layers(second)[model.layer_names[-1]].shape[1],
    }
    with replaced(out) as temporary:
        temporary.write_text(json.dumps(outline, indent=2) + "\n", encoding="utf-8")
