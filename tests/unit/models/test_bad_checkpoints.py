"""Checkpoints of the wrong kind: an error that names the path and says what would be right, when planned and loaded."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel, ViTConfig, ViTModel

from layerwise.errors import LayerwiseError
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.models.loading import load_folder
from tiny_models import make, with_config, with_weights

SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daa\n"
WHOLE = "Expected are a config.json and weights that belong together, whole, as transformers' save_pretrained writes"
CUT = "model.safetensors cannot be read: "
NO_WEIGHTS = "holds no weights: model.safetensors or pytorch_model.bin is expected"
NO_FOLDER = "config.json"  # each message says that a checkpoint folder holds one, and what else it may hold

Make = Callable[[Path, Path], Path]  # of a good checkpoint folder and a folder to write to, the bad checkpoint


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    return make("random-wav2vec2-tiny", tmp_path_factory.mktemp("good") / "model", num_hidden_layers=1)


def file(name: str, content: bytes) -> Make:
    def write(_good: Path, folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def saved(content: object) -> Make:
    def write(_good: Path, folder: Path) -> Path:
        torch.save(content, folder / "model.pt")
        return folder / "model.pt"

    return write


def zipped(_good: Path, folder: Path) -> Path:
    with zipfile.ZipFile(folder / "model.pt", "w") as archive:
        archive.writestr("README.md", "about")
    return folder / "model.pt"


def bare_weights(good: Path, folder: Path) -> Path:
    return saved(load_file(good / "model.safetensors"))(good, folder)


def copied(change: Callable[[Path], object]) -> Make:
    """A checkpoint folder in which something is changed."""

    def write(good: Path, folder: Path) -> Path:
        shutil.copytree(good, folder / "model")
        change(folder / "model")
        return folder / "model"

    return write


def weights_of(content: bytes, name: str = "model.safetensors") -> Make:
    def change(model: Path) -> None:
        (model / "model.safetensors").unlink()
        (model / name).write_bytes(content)

    return copied(change)


def cut_weights(end: int) -> Make:
    def change(model: Path) -> None:
        path = model / "model.safetensors"
        path.write_bytes(path.read_bytes()[:end])

    return copied(change)


def config(text: str | None = None, **values: object) -> Make:
    def write(good: Path, folder: Path) -> Path:
        model = with_config(good, folder / "model", **values)
        if text is not None:
            (model / "config.json").write_text(text)
        return model

    return write


def of_another(model_class, config_class, **sizes: int) -> Make:
    def write(_good: Path, folder: Path) -> Path:
        model_class(config_class(**SIZES, **sizes)).save_pretrained(folder / "model")
        return folder / "model"

    return write


bert = of_another(BertModel, BertConfig, vocab_size=20)
vision = of_another(ViTModel, ViTConfig, image_size=32, patch_size=16)


def weights_of_bert(good: Path, folder: Path) -> Path:
    model = bert(good, folder)
    shutil.copy(good / "config.json", model)
    return model


def weights_of_wavlm(good: Path, folder: Path) -> Path:
    model = make("random-wavlm-tiny", folder / "model", num_hidden_layers=1)
    shutil.copy(good / "config.json", model)
    return model


def with_nan(good: Path, folder: Path) -> Path:
    def change(tensors: dict) -> dict:
        tensors["encoder.layers.0.attention.q_proj.weight"][0, 0] = float("nan")
        return tensors

    return with_weights(good, folder / "model", change)


def tokenizer_only(_good: Path, folder: Path) -> Path:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.json"):
        (folder / name).write_text("{}")
    return folder


def shards_of_which_none_is_there(model: Path) -> None:
    (model / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))


# Refused when the run is planned, before any job, and by whoever loads it all the same.
PLANNED = {
    "an empty folder": (lambda _good, folder: folder, "config.json", NO_FOLDER),
    "a folder without config.json": (copied(lambda model: (model / "config.json").unlink()), "config.json", NO_FOLDER),
    "a tokenizer only": (tokenizer_only, "config.json", NO_FOLDER),
    "a text model": (bert, "'bert' cannot be read; of data2vec-audio, hubert", "is a BertModel: only models with"),
    "a vision model": (vision, "'vit' cannot be read; of data2vec-audio, hubert", "is a ViTModel: only models with"),
    "a model of nobody": (config(model_type="wav2vec99"), "'wav2vec99' cannot be read; of data2vec-audio", WHOLE),
    "a config.json of null": (config("null"), "config.json holds no configuration, but NoneType", WHOLE),
    "a config.json of a list": (config("[]"), "config.json holds no configuration, but list", WHOLE),
    "an empty config.json": (config(""), "config.json is no JSON", WHOLE),
    "half a config.json": (config('{"model_type": "wav2'), "config.json is no JSON", WHOLE),
    "strides in words": (config(conv_stride="5"), "conv_stride is '5'; a list of whole numbers", WHOLE),
    "blocks in words": (config(num_hidden_layers="1"), "num_hidden_layers is '1'; a whole number", WHOLE),
    "negative dimensions": (config(hidden_size=-3), "hidden_size is -3; a whole number", WHOLE),
    "a web page": (file("model.pt", b"<!DOCTYPE html><html>"), "a web page", "a web page"),
    "a pointer of Git LFS": (file("model.pt", LFS), "`git lfs pull` fetches", "`git lfs pull` fetches"),
    "an empty file": (file("model.pt", b""), "model.pt is empty", "model.pt is empty"),
    "a text": (file("model.pt", b"see README"), "no file of pickle.dump or torch.save", "no file of pickle.dump"),
    "an ONNX file": (file("model.onnx", b"\x08\x07\x12" + 99 * b"a"), "no file of pickle.dump", "no file of pickle"),
    "a recording": (file("model.wav", b"RIFF\x24\0\0\0WAVEfmt "), "no file of pickle.dump", "no file of pickle.dump"),
    "a zip": (zipped, "none of torch.save: it holds README.md", "none of torch.save: it holds README.md"),
    "any pickle": (file("model.pt", pickle.dumps({"a": [1]})), "no checkpoint of fairseq", "no checkpoint of fairseq"),
    "a tensor": (saved(torch.ones(2)), "no checkpoint of fairseq", "no checkpoint of fairseq"),
    "a whole module": (saved(torch.nn.Linear(2, 2)), "no checkpoint of fairseq", "no checkpoint of fairseq"),
    "weights alone": (bare_weights, "no checkpoint of fairseq (args or cfg, and model)", "no checkpoint of fairseq"),
    "another trainer's": (saved({"state_dict": {}}), "but state_dict", "no checkpoint of fairseq"),
    "the weights of a folder": (
        lambda good, folder: shutil.copy(good / "model.safetensors", folder), "name its folder", "name its folder"
    ),
    "two originals": (
        lambda good, folder: [saved({})(good, folder).rename(folder / "a.pt"), saved({})(good, folder), folder][-1],
        "a.pt, model.pt: name the one that is meant",
        "a.pt, model.pt: name the one that is meant",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "planned", "loaded"), PLANNED.values(), ids=PLANNED)
def test_what_is_no_checkpoint_of_speech_is_refused_before_any_job(good, tmp_path, bad, planned, loaded):
    source = bad(good, tmp_path)
    with pytest.raises(ConfigurationError) as error:
        read_experiment({"models": ["mine"], "extra_models": {"mine": {"source": str(source)}}})
    assert f"extra_models.mine: {source}" in str(error.value)
    assert planned in str(error.value)
    with pytest.raises(LayerwiseError) as error:
        load_folder(source)
    assert str(error.value).startswith(str(source))
    assert loaded in str(error.value)


# What only its weights, or transformers, can tell.
LOADED = {
    "no weights": (copied(lambda model: (model / "model.safetensors").unlink()), NO_WEIGHTS),
    "weights of TensorFlow": (weights_of(b"", "tf_model.h5"), NO_WEIGHTS),
    "weights of a text model": (weights_of_bert, "34 weights are missing: encoder.layer_norm.bias"),
    "weights of another speech model": (weights_of_wavlm, "weights are surplus: encoder.layers.0.attention.gru_rel"),
    "weights that are not finite": (with_nan, "1 weights hold NaN or infinity: encoder.layers.0.attention.q_proj"),
    "empty weights": (cut_weights(0), CUT),
    "weights cut in their length": (cut_weights(5), CUT),
    "weights cut in their header": (cut_weights(200), CUT),
    "weights cut at their end": (cut_weights(-100), CUT),
    "weights of a web page": (weights_of(b"<html>404</html>"), "safetensors holds no weights: it begins with b'<html>"),
    "weights that Git LFS has": (weights_of(LFS), "`git lfs pull` fetches the file itself"),
    "a web page as pickle": (weights_of(b"<html>404</html>", "pytorch_model.bin"), "a web page"),
    "weights in shards that are gone": (copied(shards_of_which_none_is_there), "model-00001-of-00002.safetensors"),
    "an index that is none": (weights_of(b"{", "model.safetensors.index.json"), "index.json is no index of weights"),
    "a config.json of nothing": (config("{}"), "its config.json lacks the key `model_type`"),
    "heads that do not fit": (config(num_attention_heads=5), "must be divisible by num_heads"),
    "no heads": (config(num_attention_heads=0), WHOLE),
    "conv blocks that contradict": (config(conv_dim=[32, 32]), WHOLE),
    "an activation of nobody": (config(hidden_act="nope"), WHOLE),
    "more blocks": (config(num_hidden_layers=2), "weights are missing: encoder.layers.1."),
}


@pytest.mark.parametrize(("bad", "words"), LOADED.values(), ids=LOADED)
def test_weights_that_are_none_or_another_s_are_refused_when_loaded(good, tmp_path, bad, words):
    source = bad(good, tmp_path)
    with pytest.raises(LayerwiseError) as error:
        load_folder(source)
    assert str(error.value).startswith(str(source))
    assert words in str(error.value)


def test_the_checkpoint_that_was_spoilt_is_good(good):
    assert load_folder(good).layer_names == [*(f"C{number}" for number in range(1, 8)), "T0", "T1"]
