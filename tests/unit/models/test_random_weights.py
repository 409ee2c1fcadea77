"""Checkpoint folders whose weights are drawn from a seed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoFeatureExtractor

from layerwise.models.by_name import load
from layerwise.models.checkpoints import CheckpointError
from layerwise.models.random_weights import make_random_checkpoint
from tiny_models import CATALOGUE, NAMES, make


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# Random weights


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_the_same_bytes(tmp_path, name):
    first = contents(make(name, tmp_path / "first"))
    torch.rand(7)  # whatever was drawn before
    assert contents(make(name, tmp_path / "second")) == first
    assert {"config.json", "model.safetensors", "preprocessor_config.json"} <= set(first)


def test_other_seed_gives_other_weights(tmp_path):
    architecture = CATALOGUE["random-wavlm-tiny"]["architecture"]
    for seed in (3, 4):
        make_random_checkpoint(architecture, seed, tmp_path / str(seed))
    assert (tmp_path / "3/model.safetensors").read_bytes() != (tmp_path / "4/model.safetensors").read_bytes()
    assert (tmp_path / "3/config.json").read_bytes() == (tmp_path / "4/config.json").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_preprocessor_says_whether_the_waveform_is_normalised(tmp_path, name):
    folder = make(name, tmp_path / "model")
    assert AutoFeatureExtractor.from_pretrained(folder).do_normalize == load(folder).normalise


def test_architecture_is_not_changed_by_making_it(tmp_path):
    architecture = dict(CATALOGUE["random-wav2vec2-tiny"]["architecture"])
    make_random_checkpoint(architecture, 1, tmp_path / "model")
    assert architecture == CATALOGUE["random-wav2vec2-tiny"]["architecture"]


def test_what_was_there_is_replaced_as_a_whole(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/pytorch_model.bin").write_text("of an older version")
    make("random-wav2vec2-tiny", tmp_path / "model")
    assert "pytorch_model.bin" not in contents(tmp_path / "model")


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ({"model_type": "wav2vec99"}, "wav2vec99"),
        ({"hidden_size": 48}, "model_type"),
        (CATALOGUE["random-wav2vec2-tiny"]["architecture"] | {"num_attention_heads": 5}, "no model can be made"),
    ],
)
def test_architecture_that_does_not_exist(tmp_path, architecture, words):
    with pytest.raises(CheckpointError, match=words):
        make_random_checkpoint(architecture, 1, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
