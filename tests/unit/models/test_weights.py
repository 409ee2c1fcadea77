"""Weights of checkpoint folders: of every class that transformers saves, wrapped by trainers, beside adapters."""

from __future__ import annotations

import importlib
import inspect
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import MODEL_MAPPING, AutoConfig, PreTrainedModel

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.models.anatomy import ModelError
from layerwise.models.architectures import anatomy_of
from layerwise.models.loading import load_folder
from layerwise.models.model_types import MODEL_TYPES
from layerwise.models.originals.family import OriginalError
from layerwise.models.speech_model import SpeechModel
from layerwise.models.weights import AdapterError, WeightsError, plain_name
from tiny_architectures import ARCHITECTURES, make_architecture
from tiny_models import make, speech, with_config, with_weights
from tiny_originals import settings, weights, write

pytestmark = pytest.mark.usefixtures("one_thread")

HEADS = {"tdnn_dim": [8] * 5, "xvector_output_dim": 8, "classifier_proj_size": 8, "vocab_size": 50}  # kept small
VALUES = dict(ARCHITECTURES.values())
WITHOUT_ENCODER = ["WhisperDecoder", "WhisperForCausalLM"]


def classes_of(model_type: str) -> list[type[PreTrainedModel]]:
    """Every class of transformers that saves a checkpoint of this type."""
    config_class = type(AutoConfig.for_model(model_type))
    module = importlib.import_module(MODEL_MAPPING[config_class].__module__)
    return [
        found
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, PreTrainedModel)
        and found.__module__ == module.__name__
        and ("For" in found.__name__ or found.__name__.endswith(("Model", "Encoder", "Decoder")))
        and not found.__name__.endswith("PreTrainedModel")
        and found.config_class is config_class
    ]


CLASSES = [(model_type, found) for model_type in MODEL_TYPES for found in classes_of(model_type)]


def same_layers(model: SpeechModel, expected: dict[str, np.ndarray]) -> None:
    layers = model.layers(speech(0.1))
    assert list(layers) == list(expected)
    for name, rows in layers.items():
        np.testing.assert_allclose(rows, expected[name], atol=1e-6, rtol=0, err_msg=name)


# Classes


def test_classes_are_found():
    names = {found.__name__ for _, found in CLASSES}
    assert len(names) >= 40
    tasks = ["XVector", "SequenceClassification", "CTC", "PreTraining", "AudioFrameClassification"]
    assert {f"Wav2Vec2For{task}" for task in tasks} | {"WhisperForAudioClassification", "WhisperEncoder"} <= names


def saved(whole: PreTrainedModel, root: Path) -> list[Path]:
    """Its checkpoint in every form: one file of safetensors, several with an index, and the same of pickles."""
    whole.save_pretrained(root / "one")
    whole.save_pretrained(root / "several", max_shard_size="30KB")
    assert (root / "several/model.safetensors.index.json").is_file()
    state = list(whole.state_dict().items())
    for parts, folder in (([state], root / "pickle"), ([state[::2], state[1::2]], root / "pickles")):
        folder.mkdir()
        shutil.copy(root / "one/config.json", folder)
        names = [f"pytorch_model-{number}-of-{len(parts)}.bin" for number, _ in enumerate(parts, start=1)]
        names = names if len(parts) > 1 else ["pytorch_model.bin"]
        for name, part in zip(names, parts, strict=True):
            torch.save(dict(part), folder / name)
        if len(parts) > 1:
            places = {key: name for name, part in zip(names, parts, strict=True) for key, _ in part}
            (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    return [root / "one", root / "several", root / "pickle", root / "pickles"]


@pytest.mark.parametrize(("model_type", "model_class"), CLASSES, ids=lambda value: getattr(value, "__name__", ""))
def test_layers_are_those_of_the_inner_model_whatever_stands_on_it(model_type, model_class, tmp_path):
    torch.manual_seed(1)
    whole = model_class(AutoConfig.for_model(model_type, **(VALUES[model_type] | HEADS))).eval()
    folders = saved(whole, tmp_path)
    if model_class.__name__ in WITHOUT_ENCODER:
        for folder in folders:
            with pytest.raises(ModelError, match=r"\d+ weights are missing: conv1\.bias"):
                load_folder(folder)
        return
    inner = getattr(whole, whole.base_model_prefix, whole)
    inner = inner.encoder if model_type == "whisper" and hasattr(inner, "encoder") else inner
    models = [load_folder(folder) for folder in folders]
    same_layers(models[0], SpeechModel(anatomy_of(inner, None, None, "memory")).layers(speech(0.1)))
    for model in models:
        state = model.module.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in inner.state_dict().items())


@pytest.mark.parametrize("name", ["wav2vec2-base", "bert", "whisper"])
def test_a_weight_of_the_encoder_is_needed_under_a_head_too(name, tmp_path):
    model_type, values = ARCHITECTURES[name]
    heads = [found for found in classes_of(model_type) if found.__name__.endswith("Classification")]
    whole = heads[0](AutoConfig.for_model(model_type, **(values | HEADS)))
    whole.save_pretrained(tmp_path / "whole")

    def without(tensors: dict) -> dict:
        (lost,) = [key for key in tensors if key.endswith("layers.1.final_layer_norm.bias")]
        del tensors[lost]
        return tensors

    with pytest.raises(ModelError, match=r"1 weights are missing: .*layers\.1\.final_layer_norm\.bias .*first are"):
        load_folder(with_weights(tmp_path / "whole", tmp_path / "lost", without))


def test_parts_after_the_blocks_are_no_layers(tmp_path):
    """The adapter that shortens the output for a decoder."""
    folder = make_architecture("wav2vec2-base", tmp_path / "model", add_adapter=True)
    expected = load_folder(folder).layers(speech(0.1))

    def without(tensors: dict) -> dict:
        return {name: value for name, value in tensors.items() if not name.startswith("adapter.")}

    same_layers(load_folder(with_weights(folder, tmp_path / "without", without)), expected)


def test_an_encoder_that_is_joined_with_a_decoder_is_named(tmp_path):
    config = {"model_type": "speech-encoder-decoder", "encoder": {"model_type": "wav2vec2"}, "decoder": {}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        ConfigurationError, match=r"'speech-encoder-decoder' joins an encoder of type 'wav2vec2'.*alone"
    ):
        read_experiment({"models": ["mine"], "extra_models": {"mine": {"source": str(tmp_path)}}})


# Wrapped


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    return make("random-wav2vec2-tiny", tmp_path_factory.mktemp("good") / "model", num_hidden_layers=2)


@pytest.fixture(scope="module")
def expected(good) -> dict[str, np.ndarray]:
    return load_folder(good).layers(speech(0.1))


def renamed(rename: Callable[[str], str]) -> Callable[[dict], dict]:
    return lambda tensors: {rename(name): value for name, value in tensors.items()}


WRAPPED = {
    "torch.compile": lambda name: f"_orig_mod.{name}",
    "data parallel": lambda name: f"module.{name}",
    "both": lambda name: f"_orig_mod.module.{name}",
    "the other way round": lambda name: f"module._orig_mod.{name}",
    "Lightning": lambda name: f"model.{name}",
    "Lightning, compiled, under a head": lambda name: f"model._orig_mod.wav2vec2.{name}",
    "a part compiled": lambda name: name.replace("encoder.layers.1.", "encoder.layers.1._orig_mod."),
    "FSDP": lambda name: f"_fsdp_wrapped_module.wav2vec2._fsdp_wrapped_module.{name}",
    "recomputed": lambda name: name.replace("layers.0.", "layers.0._checkpoint_wrapped_module."),
}


@pytest.mark.parametrize("rename", WRAPPED.values(), ids=WRAPPED)
def test_wrappers_that_change_nothing_are_taken_off(good, expected, rename, tmp_path):
    same_layers(load_folder(with_weights(good, tmp_path / "wrapped", renamed(rename))), expected)


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "model.", "model.model."])
def test_wrapped_whisper(prefix, tmp_path):
    """Whose own names may begin with `model.`"""
    folder = make_architecture("whisper", tmp_path / "model")
    wrapped = with_weights(folder, tmp_path / "wrapped", renamed(lambda name: prefix + name))
    same_layers(load_folder(wrapped), load_folder(folder).layers(speech(0.1)))


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "module"])
def test_weights_inside_the_state_of_a_training(good, expected, key, tmp_path):
    shutil.copytree(good, tmp_path / "model")
    (tmp_path / "model/model.safetensors").unlink()
    state = {f"model.{name}": value for name, value in load_file(good / "model.safetensors").items()}
    torch.save({key: state, "epoch": 3, "hyper_parameters": {"lr": 0.1}}, tmp_path / "model/pytorch_model.bin")
    same_layers(load_folder(tmp_path / "model"), expected)


@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "wavlm", "av_hubert", "fast_vgs"])
def test_wrapped_originals(family, tmp_path):
    values = settings(encoder_layers=2)
    state = weights(family, values)
    wrapped = {f"_orig_mod.module.{name}": value for name, value in state.items()}
    one = load_folder(write(family, tmp_path / "plain", values, state))
    same_layers(load_folder(write(family, tmp_path / "wrapped", values, wrapped)), one.layers(speech(0.1)))
    lora = state | {
        f"{'conv1_trm1_trm3.' * (family == 'fast_vgs')}encoder.layers.0.fc1.lora_A.weight": torch.ones(2, 2)
    }
    with pytest.raises((AdapterError, OriginalError), match="holds the weights of an adapter"):
        load_folder(write(family, tmp_path / "lora", values, lora))


def test_a_weight_under_two_names(good, tmp_path):
    def twice(tensors: dict) -> dict:
        return tensors | {"module.encoder.layer_norm.bias": tensors["encoder.layer_norm.bias"].clone()}

    with pytest.raises(WeightsError, match=r"one weight twice: .* are both encoder\.layer_norm\.bias"):
        load_folder(with_weights(good, tmp_path / "twice", twice))


def test_a_wrapper_of_nobody_is_shown(good, tmp_path):
    folder = with_weights(good, tmp_path / "odd", renamed(lambda name: f"backbone.{name}"))
    with pytest.raises(ModelError, match=r"weights are missing: .*the first are backbone\.encoder\.layer_norm\.bias"):
        load_folder(folder)


def test_names_of_models_are_plain(tmp_path):
    for name in ARCHITECTURES:
        folder = make_architecture(name, tmp_path / name)
        assert all(plain_name(weight) == weight for weight in load_file(folder / "model.safetensors"))


# Adapters


def with_file(name: str, content: bytes = b"{}") -> Callable[[Path, Path], Path]:
    def write_file(good: Path, folder: Path) -> Path:
        shutil.copytree(good, folder)
        (folder / name).write_bytes(content)
        return folder

    return write_file


def adapter_alone(_good: Path, folder: Path) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "a/b"}))
    save_file({"base_model.model.encoder.layers.0.attention.q_proj.lora_A.weight": torch.ones(2, 2)},
              folder / "adapter_model.safetensors")  # fmt: skip
    return folder


def injected(*parts: str, prefix: str = "", base: str = "base_layer") -> Callable[[Path, Path], Path]:
    """The weights of a model with adapters in it, as its whole state is saved."""

    def change(tensors: dict) -> dict:
        changed = {}
        for name, value in tensors.items():
            if ".q_proj." in name:
                stem, kind = name.rsplit(".", 1)
                changed |= {f"{prefix}{stem}.{part}": torch.ones(2, 2) for part in parts}
                name = f"{stem}.{base}.{kind}" if base else name
            changed[prefix + name] = value
        return changed

    return lambda good, folder: with_weights(good, folder, change)


def pickled(make_folder: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
    def change(good: Path, folder: Path) -> Path:
        make_folder(good, folder)
        torch.save({"state_dict": load_file(folder / "model.safetensors")}, folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
        return folder

    return change


LORA = ("lora_A.default.weight", "lora_B.default.weight")
HELD = {
    "peft beside the weights": (with_file("adapter_config.json"), "holds an adapter (adapter_config.json)"),
    "peft's weights alone beside them": (
        with_file("adapter_model.safetensors"),
        "holds an adapter (adapter_model.safetensors)",
    ),
    "older peft": (with_file("adapter_model.bin"), "holds an adapter (adapter_model.bin)"),
    "the library adapters": (with_file("pytorch_adapter.bin"), "holds an adapter (pytorch_adapter.bin)"),
    "an adapter alone": (adapter_alone, "holds an adapter (adapter_config.json)"),
    "a model of peft": (injected(*LORA, prefix="base_model.model."), "of an adapter (base_model.model."),
    "wrapped again": (injected(*LORA, prefix="_orig_mod.base_model.model."), "of an adapter (_orig_mod.base_model."),
    "filtered": (injected(prefix="base_model.model."), "holds the weights of an adapter (base_model.model."),
    "injected": (injected(*LORA), "layers.0.attention.q_proj."),
    "injected before base_layer": (injected(*LORA, base=""), "q_proj.lora_A.default.weight"),
    "IA3": (injected("ia3_l.default"), "layers.0.attention.q_proj."),
    "LoHa": (injected("hada_w1_a.default"), "layers.0.attention.q_proj."),
    "DoRA": (injected("lora_magnitude_vector.default.weight"), "layers.0.attention.q_proj."),
    "bottlenecks": (injected("adapters.asr.adapter_down.0.weight", base=""), "q_proj.adapters.asr.adapter_down"),
    "pickled": (pickled(injected(*LORA)), "pytorch_model.bin holds the weights of an adapter"),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "words"), HELD.values(), ids=HELD)
def test_adapters_are_refused_by_name_before_any_job(good, bad, words, tmp_path):
    folder = bad(good, tmp_path / "model")
    with pytest.raises(ConfigurationError) as error:
        read_experiment({"models": ["mine"], "extra_models": {"mine": {"source": str(folder)}}})
    for said in (f"extra_models.mine: {folder}", words, "merge_and_unload()"):
        assert said in str(error.value)
    with pytest.raises(AdapterError) as error:
        load_folder(folder)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "file",
    ["adapters/asr/pytorch_adapter.bin", "checkpoint-500/adapter_model.safetensors", "german/adapter_config.json"],
)
def test_adapters_in_subfolders_are_told_of(good, expected, file, tmp_path, caplog):
    """The weights beside them are whole, and may be those of the merged model."""
    shutil.copytree(good, tmp_path / "model")
    path = tmp_path / "model" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    same_layers(load_folder(tmp_path / "model"), expected)
    assert f"the adapters in {Path(file).parent} are not applied" in caplog.text
    assert caplog.records[-1].levelname == "WARNING"


def test_adapters_of_languages_are_told_of(tmp_path, caplog):
    """As MMS has them: one language's stand in the weights, others in files beside them."""
    folder = make_architecture("wav2vec2-large", tmp_path / "model", adapter_attn_dim=4)
    for name in ("adapter.deu.safetensors", "adapter.fra.bin", "adapter.fra.safetensors"):
        (folder / name).write_bytes(b"")
    load_folder(folder)
    assert "they are used as they stand in its weights, and adapter files (deu, fra) are not" in caplog.text

    def without(tensors: dict) -> dict:
        return {name: value for name, value in tensors.items() if "adapter_layer" not in name}

    with pytest.raises(ModelError, match=r"weights are missing: encoder\.layers\.0\.adapter_layer\."):
        load_folder(with_weights(folder, tmp_path / "none", without))
    with pytest.raises(ModelError, match=r"weights are surplus: encoder\.layers\.0\.adapter_layer\."):
        load_folder(with_config(folder, tmp_path / "unsaid", adapter_attn_dim=None))
