"""What a checkpoint says of its layers."""

from __future__ import annotations

import json

import pytest

from layerwise.models.anatomy import ModelError
from layerwise.models.describe import write_outline
from tiny_models import make
from tiny_originals import settings, weights, write


def test_shape_of_a_checkpoint_folder(tmp_path):
    make("random-wav2vec2-tiny", tmp_path / "model", num_hidden_layers=2)
    write_outline(tmp_path / "model", tmp_path / "new/mine.json")
    shape = json.loads((tmp_path / "new/mine.json").read_text())
    assert shape == {"conv_layers": 7, "blocks": 2, "stride_seconds": 0.02, "width": 48}


def test_shape_of_an_original(tmp_path):
    values = settings()
    path = write("av_hubert", tmp_path, values, weights("av_hubert", values))
    write_outline(path, tmp_path / "mine.json")
    shape = json.loads((tmp_path / "mine.json").read_text())
    width = values["encoder_embed_dim"]
    assert shape == {"conv_layers": 0, "blocks": 3, "stride_seconds": 0.04, "width": width}


def test_checkpoint_that_cannot_be_read_leaves_nothing(tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(ModelError, match=r"no config\.json"):
        write_outline(tmp_path / "model", tmp_path / "mine.json")
    assert not (tmp_path / "mine.json").exists()
