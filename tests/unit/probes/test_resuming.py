"""What a killed training left: of this training and whole, or not used; never half of it."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from layerwise.files.own_files import RereadError
from layerwise.probes.layers import KeptLayers
from layerwise.probes.resuming import TrainingState

STATE = {"step": 3, "weight": torch.ones(3)}


def read(path: Path, training: str = "this") -> dict | None:
    return TrainingState(path, training).read("cpu")


@pytest.fixture
def path(tmp_path):
    TrainingState(tmp_path / "state.pt", "this").write(STATE)
    return tmp_path / "state.pt"


def test_a_state_of_this_training_is_read(path):
    assert read(path)["step"] == 3
    assert read(path, "that") is None
    assert read(path.with_name("absent.pt")) is None


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("it was called",))


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", pickle.dumps({"training": "this"}), pickle.dumps(Trap()), b"\x80\x02" + b"(" * 1000],
)
def test_what_is_no_state_is_not_used_and_said(path, content, caplog):
    path.write_bytes(content)
    assert read(path) is None
    assert "state.pt is cut off or damaged and is not used: the training starts again" in caplog.text


@pytest.mark.parametrize("content", [[1, 2], "this", {"step": 3}, torch.ones(3)])
def test_a_state_of_something_else_is_not_used(path, content):
    torch.save(content, path)
    assert read(path) is None


def test_a_compressed_state_is_not_used(path, caplog):
    """Megabytes could hold terabytes of zeros."""
    with zipfile.ZipFile(path) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    assert read(path) is None
    assert "it is compressed" in caplog.text


def load_another_shape() -> None:
    torch.nn.Linear(3, 4).load_state_dict({"weight": torch.ones(2, 2), "bias": torch.ones(4)})


@pytest.mark.parametrize("restore", [lambda: STATE["heads"], load_another_shape, lambda: int("three")])
def test_half_a_state_is_not_gone_on_with(path, restore):
    with (
        pytest.raises(RereadError, match=r"state\.pt is not as .*Delete it and run the same command again"),
        TrainingState(path, "this").restoring(),
    ):
        restore()


class Source:
    layers, width, pooled, device = ("T0", "T1"), 2, True, torch.device("cpu")

    def __init__(self) -> None:
        self.computed: list[int] = []

    def of(self, rows):
        self.computed += rows
        return [torch.full((2, 2), float(row)) for row in rows]


@pytest.mark.parametrize(
    ("places", "computed"),
    [
        ([[0, 0, 4], [1, 4, 4]], [2]),
        ([[0, 0, 4], [1, 0, 4]], [1, 2]),  # one upon the other
        ([[0, 0, 8]], [0, 1, 2]),
        ([[0, 0, 3]], [0, 1, 2]),  # no whole frame
        ([[0, 4, 4]], [0, 1, 2]),
        ([[0, 0, 4], [1, 4, 400]], [1, 2]),  # beyond the end
        ([[0, 0, -4]], [0, 1, 2]),
        ([["0", 0, 4]], [0, 1, 2]),
        ([[0, 0]], [0, 1, 2]),
        ({"0": [0, 4]}, [0, 1, 2]),
        (3, [0, 1, 2]),
    ],
)
def test_layers_that_are_kept_lie_one_behind_the_other(tmp_path, places, computed):
    kept = np.concatenate([np.full(4, row, np.float32) for row in (0, 1)])
    (tmp_path / "layers.f32").write_bytes(kept.tobytes())
    (tmp_path / "layers.json").write_text(json.dumps(places))
    source = Source()
    layers = KeptLayers(source, [0, 1, 2], tmp_path)
    assert source.computed == computed
    assert [values.tolist() for values in layers.of([0, 1, 2])] == [[[row] * 2] * 2 for row in (0.0, 1.0, 2.0)]


def test_notes_without_end_are_not_read(tmp_path):
    (tmp_path / "layers.f32").write_bytes(bytes(16))
    (tmp_path / "layers.json").write_bytes(b"[" * 100_000)
    assert KeptLayers(Source(), [0], tmp_path).of([0])[0].tolist() == [[0.0, 0.0], [0.0, 0.0]]
