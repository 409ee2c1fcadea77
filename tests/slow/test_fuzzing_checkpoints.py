"""Readers of checkpoints get files with changed bytes."""

from __future__ import annotations

import argparse
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzzing import fuzz
from safetensors.torch import save

from layerwise.models.catalogue import model_entry
from layerwise.models.families import family
from layerwise.models.loading import load_folder
from layerwise.models.originals import pickles
from layerwise.models.originals.pickled_values import StoredTensor
from layerwise.models.originals.reading import read_original
from layerwise.models.preprocessors import FILES, read_preprocessor
from layerwise.models.weights import stored_weights
from tiny_architectures import BLOCKS, CONV, GROUP, make_architecture
from tiny_originals import settings, weights, write

pytestmark = pytest.mark.usefixtures("one_thread")  # a forked process has none of its parent's threads

CONTENT = {
    "args": argparse.Namespace(layers=3, rate=0.5, name="base", seeds=(1, 2**40), ratio=np.float32(0.5)),
    "cfg": {"model": {"_name": "hubert", "sizes": [[512, 10, 5], [512, 3, 2]], "flag": True, "none": None}},
    "array": np.arange(6, dtype=">i4").reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "words": np.array(["a", "bcd"]),
    "bytes": [b"abc", bytearray(b"defg"), {1, 2}, frozenset("ab"), 1j],
}
SMALL = {"encoder_layers": 1, "encoder_embed_dim": 8, "encoder_ffn_embed_dim": 8, "encoder_attention_heads": 2}
TINY = settings(**SMALL, conv_stack=[(4, 10, 5), (4, 3, 2)], conv_pos=4, conv_pos_groups=2)


def of_torch(content: object, archive: bool) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=archive)
    return file.getvalue()


def values_of(path: Path) -> None:
    """All that a pickle holds, the numbers of its tensors too."""
    read = pickles.read(path)
    content = read.content if isinstance(read.content, dict) else {}
    model = content.get("model")
    stored = {str(key): value for key, value in model.items()} if isinstance(model, dict) else {}
    for value in read.tensors(
        {key: value for key, value in stored.items() if isinstance(value, StoredTensor)}
    ).values():
        value.double().sum()
    for value in content.values():
        if isinstance(value, np.ndarray):
            repr(value), value.tolist()


def with_pickle(whole: bytes, path: Path) -> Path:
    """An archive of torch whose pickle is another, with the checksum of that."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path.with_suffix(".pt"), "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, path.read_bytes() if name.endswith("/data.pkl") else part)
    return path.with_suffix(".pt")


def pickle_in(whole: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))


def in_whole(path: Path) -> None:
    """A folder as a plan reads it, and then a job."""
    model_entry("mine", {"source": str(path.parent)})
    load_folder(path.parent)


def planned(path: Path) -> None:
    """What a plan and then a job make of an original."""
    model_entry("mine", {"source": str(path)})
    original = read_original(path)
    family(original.family).anatomy(original, normalise=True)


def config_of(path: Path) -> None:
    model_entry("mine", {"source": str(path.parent)})
    read_preprocessor(path.parent, {"model_type": "whisper"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A checkpoint folder that is small enough to be loaded thousands of times."""
    values = BLOCKS | CONV | GROUP | {"hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 8}
    sizes = {key: values[key][:2] for key in ("conv_kernel", "conv_stride")}
    changes = values | sizes | {"conv_dim": [4, 4], "num_conv_pos_embeddings": 4, "num_feat_extract_layers": 2}
    made = make_architecture("wav2vec2-base", tmp_path_factory.mktemp("model") / "model", **changes)
    (made / FILES[0]).write_text(json.dumps({"feature_size": 1, "sampling_rate": 16_000, "do_normalize": True}))
    return made


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol, tmp_path):
    assert fuzz(values_of, [pickle.dumps(CONTENT, protocol)], tmp_path, "a.pkl")


@pytest.mark.parametrize("archive", [True, False])
def test_files_of_torch(archive, tmp_path):
    block = torch.arange(24.0).view(4, 6)
    model = {"whole": block, "columns": block.T, "part": block[1:3, ::2], "half": torch.ones(3).half()}
    samples = [of_torch(CONTENT | {"model": model}, archive), of_torch({"model": model}, archive)]
    assert fuzz(values_of, samples, tmp_path, "a.pt")


def test_pickles_in_archives(tmp_path):
    block = torch.arange(24.0).view(4, 6)
    sample = of_torch({"model": {"whole": block, "columns": block.T, "half": torch.ones(3).half()}}, archive=True)
    assert fuzz(lambda path: values_of(with_pickle(sample, path)), [pickle_in(sample)], tmp_path, "a.pkl")


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("family", ["wav2vec2", "wavlm"])
def test_originals(family, archive, tmp_path):
    form = "omegaconf" if archive else "namespace"
    path = write(family, tmp_path / "whole", TINY, weights(family, TINY), form, archive)
    (tmp_path / "changed").mkdir()
    assert fuzz(planned, [path.read_bytes()], tmp_path / "changed", "a.pt")


@pytest.mark.parametrize(("family", "form"), [("hubert", "dict"), ("av_hubert", "omegaconf"), ("wavlm", "dict")])
def test_pickles_of_originals(family, form, tmp_path):
    path = write(family, tmp_path / "whole", TINY, weights(family, TINY), form)
    sample = path.read_bytes()
    (tmp_path / "changed").mkdir()
    assert fuzz(lambda path: planned(with_pickle(sample, path)), [pickle_in(sample)], tmp_path / "changed", "a.pkl")


@pytest.mark.parametrize("name", ["config.json", FILES[0], "model.safetensors"])
def test_folders(name, folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert fuzz(in_whole, [(folder / name).read_bytes()], tmp_path, name)


@pytest.mark.parametrize("name", ["model.safetensors.index.json", "pytorch_model.bin.index.json"])
def test_indexes(name, tmp_path):
    part = name.replace(".index.json", "").replace(".", "-1.", 1)
    (tmp_path / part).write_bytes(
        save({"a": torch.ones(2)}) if "safe" in name else of_torch({"a": torch.ones(2)}, True)
    )
    index = json.dumps({"metadata": {"total_size": 8}, "weight_map": {"a": part}}).encode()
    assert fuzz(lambda path: stored_weights(path.parent).read(["a"]), [index], tmp_path, name)


def test_safetensors(tmp_path):
    sample = save({"a.b": torch.arange(6.0).view(2, 3), "c": torch.ones(3, dtype=torch.int8)}, {"format": "pt"})

    def read(path: Path) -> None:
        weights = stored_weights(path.parent)
        for value in weights.read(weights.places).values():
            value.double().sum()

    assert fuzz(read, [sample], tmp_path, "model.safetensors")


def test_configurations_of_every_kind(folder, tmp_path):
    samples = [(folder / "config.json").read_bytes()]
    samples += [json.dumps({"model_type": "whisper", "encoder_layers": 2, "d_model": 8, "n_fft": 400}).encode()]
    samples += [json.dumps({"model_type": "sew", "conv_stride": [5, 2], "squeeze_factor": 2}).encode()]
    assert fuzz(config_of, samples, tmp_path, "config.json")


@pytest.mark.parametrize("model_type", ["whisper", "wav2vec2"])
def test_settings_of_the_input(model_type, tmp_path):
    said = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80, "n_fft": 400, "dither": 0.0}
    samples = [json.dumps(said if model_type == "whisper" else {"do_normalize": True, "feature_size": 1}).encode()]
    assert fuzz(lambda path: read_preprocessor(path.parent, {"model_type": model_type}), samples, tmp_path, FILES[0])
