"""Checkpoint folders of tiny models, whole ones and damaged ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml
from safetensors.torch import load_file, save_file

from layerwise.files.shipped import ROOT
from layerwise.models.random_weights import make_random_checkpoint

CATALOGUE = yaml.safe_load((ROOT / "resources/models.yaml").read_text())
RATE = 16_000

# Of the catalogue: norms of both kinds in the conv encoder, and before or after the blocks.
NAMES = ["random-wav2vec2-tiny", "random-hubert-tiny", "random-wavlm-tiny"]
POST_NORM = ["random-wav2vec2-tiny", "random-wavlm-tiny"]
PRE_NORM = "random-hubert-tiny"


def make(name: str, folder: Path, **changes) -> Path:
    """The checkpoint of a model of the catalogue, or of one that differs from it."""
    entry = CATALOGUE[name]
    make_random_checkpoint(entry["architecture"] | changes, entry["seed"], folder)
    return folder


def with_weights(source: Path, folder: Path, change: Callable[[dict], dict]) -> Path:
    """A copy whose tensors are changed."""
    shutil.copytree(source, folder)
    tensors = change(load_file(source / "model.safetensors"))
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(whole, folder / "model.safetensors", {"format": "pt"})
    return folder


def with_config(source: Path, folder: Path, **changes) -> Path:
    """A copy whose config.json says something else."""
    shutil.copytree(source, folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def speech(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    """A buzz with a slow melody and some noise, off centre: (samples,) float32 at 16 kHz."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 30 * np.sin(2 * np.pi * (1 + seed) * time)
    voice = sum(np.sin(k * 2 * np.pi * np.cumsum(pitch) / RATE) / k for k in range(1, 8))
    return (0.05 + 0.1 * voice + 0.02 * generator.standard_normal(time.size)).astype(np.float32)
