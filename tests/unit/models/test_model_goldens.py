"""Tiny models that were run through the code of their authors: every layer of every file, within 1e-4."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from layerwise.models.by_name import load
from layerwise.models.catalogue import model_entry
from layerwise.models.originals.avhubert import log_filterbanks, stacked_filterbanks
from layerwise.models.originals.fairseq import parse_conv_layers
from layerwise.models.originals.reading import read_original
from synthetic_views import SHARED
from textbook_encoder import textbook_layers

GOLDENS = SHARED / "models"
SOURCES = [
    *(path.relative_to(GOLDENS) for path in sorted(GOLDENS.glob("*/*.pt"))),
    *(path.parent.relative_to(GOLDENS) for path in sorted(GOLDENS.glob("*/args.pkl"))),
] or [Path("none")]

pytestmark = pytest.mark.skipif(not GOLDENS.is_dir(), reason="no golden models beside the checkout")


def expected_layers(folder: Path, suffix: str = "") -> dict[str, np.ndarray]:
    """layer → rows, by this project's names; what else is there are quantities that are no layers."""
    arrays = np.load(folder / f"expected{suffix}.npz")
    kinds = {"layer": "T", "local": "C"}
    parts = {name: name.split("_") for name in arrays.files}
    return {
        kinds[kind] + number[0]: arrays[name]
        for name, (kind, *number) in parts.items()
        if kind in kinds and len(number) == 1
    }


def folder_of(source: Path) -> Path:
    return GOLDENS / source if (GOLDENS / source).is_dir() else (GOLDENS / source).parent


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_layer_is_that_of_the_original(source):
    folder = folder_of(source)
    model = load(GOLDENS / source)
    for waveform in sorted(folder.glob("input*.npy")):
        expected = expected_layers(folder, waveform.stem.removeprefix("input"))
        layers = model.layers(np.load(waveform))
        assert set(expected) <= set(layers)
        assert {name for name in layers if name.startswith("T")} <= set(expected)
        for name, rows in expected.items():
            assert layers[name].dtype == np.float32
            np.testing.assert_allclose(layers[name], rows, atol=1e-4, rtol=0, err_msg=name)
    meta = json.loads((folder / "meta.json").read_text())
    assert model.stride_seconds == pytest.approx(meta["stride_sec"])
    assert len(layers["T0"]) == meta["n_frames"] or len(list(folder.glob("input*.npy"))) > 1
    assert set(layers) == set(expected_layers(folder))


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_last_layer_is_before_the_final_norm(source):
    folder = folder_of(source)
    arrays = np.load(folder / "expected.npz")
    final = [name for name in arrays.files if name.endswith("_final_norm")]
    model = load(GOLDENS / source)
    last = model.layer_names[-1]
    assert ("without a final LayerNorm" in model.definitions[last]) == bool(final)
    for name in final:
        assert not np.allclose(model.layers(np.load(folder / "input.npy"))[last], arrays[name], atol=0.1)


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_catalogue_reads_the_same_layers(source):
    entry = model_entry("golden", {"source": str(GOLDENS / source)})
    model = load(GOLDENS / source)
    assert entry.kind == "folder"
    assert entry.layers == model.layer_names
    assert entry.stride_seconds == model.stride_seconds


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_textbook_agrees_with_the_originals(source):
    """So that what the other tests compare with is right."""
    folder = folder_of(source)
    meta = json.loads((folder / "meta.json").read_text())
    said = {}
    for name in ("model_cfg", "task_cfg", "cfg", "args"):
        said |= meta.get(name, {})
    original = read_original(GOLDENS / source)
    weights = original.pickled.tensors(original.weights)
    if original.family == "fast_vgs":
        weights = {f"conv1_trm1_trm3.{name}": value for name, value in weights.items()}
    said["conv_stack"] = parse_conv_layers(said["conv_feature_layers"])
    for waveform in sorted(folder.glob("input*.npy")):
        layers = textbook_layers(original.family, said, weights, np.load(waveform))
        for name, rows in expected_layers(folder, waveform.stem.removeprefix("input")).items():
            np.testing.assert_allclose(layers[name], rows, atol=1e-4, rtol=0, err_msg=name)


@pytest.mark.skipif(not (GOLDENS / "avhubert-base").is_dir(), reason="no golden AV-HuBERT")
def test_filterbanks_of_av_hubert():
    folder = GOLDENS / "avhubert-base"
    waveform = np.load(folder / "input.npy")
    np.testing.assert_allclose(log_filterbanks(waveform), np.load(folder / "fbank_raw.npy"), atol=1e-5, rtol=0)
    stacked = stacked_filterbanks(waveform, stack=4, normalise=True)[0].numpy()
    np.testing.assert_allclose(stacked, np.load(folder / "fbank.npy"), atol=1e-5, rtol=0)
