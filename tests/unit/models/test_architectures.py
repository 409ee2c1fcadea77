"""Models of transformers of every supported type: their layers are what transformers computes, and known beforehand."""

from __future__ import annotations

import json
from itertools import pairwise

import h5py
import huggingface_hub
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from transformers import (
    AutoModel,
    SeamlessM4TFeatureExtractor,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from layerwise.files.catalogues import CatalogueError
from layerwise.layers import layer_names
from layerwise.models import architectures
from layerwise.models.anatomy import ModelError
from layerwise.models.by_name import load
from layerwise.models.catalogue import model_entry
from layerwise.models.loading import load_folder
from layerwise.models.model_types import MODEL_TYPES, outline_of
from layerwise.representations.extract import extract
from layerwise.representations.features import log_mel
from layerwise.representations.store import fact
from tiny_architectures import ARCHITECTURES, make_architecture
from tiny_models import speech

CLOSE = {"rtol": 1e-4, "atol": 1e-5}
CONV_LAYERS = dict.fromkeys(ARCHITECTURES, 7) | {"whisper": 2, "bert": 0}
STRIDES = dict.fromkeys(ARCHITECTURES, 0.02) | {"sew": 0.04}
FINAL_NORM = {"wav2vec2-large", "hubert-large", "wavlm-large", "unispeech", "conformer", "conformer-rotary", "whisper"}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=ARCHITECTURES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def folder(name, tmp_path_factory):
    return make_architecture(name, tmp_path_factory.mktemp("model") / name)


@pytest.fixture(scope="module")
def model(folder):
    return load_folder(folder)


def transformers_states(folder, waveform: np.ndarray, normalise: bool) -> tuple[list[np.ndarray], np.ndarray]:
    """What goes into the first block and comes out of each, and the encoder's last output, from transformers alone."""
    module = AutoModel.from_pretrained(folder).eval()
    kind = module.config.model_type
    if kind == "whisper":
        extractor = WhisperFeatureExtractor(feature_size=20, chunk_length=2)
        inputs = extractor(waveform, sampling_rate=16_000, return_tensors="pt")
        module = module.encoder
    elif kind == "wav2vec2-bert":
        inputs = SeamlessM4TFeatureExtractor()(waveform, sampling_rate=16_000, return_tensors="pt")
    else:
        values = (waveform - waveform.mean()) / np.sqrt(waveform.var() + 1e-5) if normalise else waveform
        inputs = {"input_values": torch.from_numpy(values)[None]}
    seen = []
    blocks = module.layers if kind == "whisper" else module.encoder.layers
    blocks[0].register_forward_pre_hook(lambda _part, args: seen.append(args[0]))
    for block in blocks:
        block.register_forward_hook(lambda _part, _args, out: seen.append(out[0] if isinstance(out, tuple) else out))
    encoder, final = (module if kind == "whisper" else module.encoder), []
    encoder.register_forward_hook(lambda _part, _args, out: final.append(out[0]))
    with torch.inference_mode():
        module(**inputs)
    return [values[0].numpy() for values in seen], final[0][0].numpy()


def test_every_type_has_a_shape_and_an_anatomy():
    assert set(MODEL_TYPES) == {model_type for model_type, _ in ARCHITECTURES.values()}
    for known in MODEL_TYPES.values():
        assert callable(getattr(architectures, known.anatomy.removeprefix(f"{architectures.__name__}.")))


def test_layers_and_stride_are_known_before_loading(name, folder, model):
    entry = model_entry("mine", {"source": str(folder)})
    assert entry.layers == model.layer_names == layer_names(CONV_LAYERS[name], 3)
    assert entry.stride_seconds == model.stride_seconds == STRIDES[name]
    assert list(model.layers(speech(0.4))) == model.layer_names
    assert len(set(model.definitions.values())) == len(model.layer_names)


def test_frames_cover_the_audio(name, model):
    """One second has 49 whole windows of 25 ms; Whisper, whose windows are centred, has 50 frames of 20 ms."""
    layers = model.layers(speech(1.0))
    expected = {"whisper": 50, "sew": 24}.get(name, 49)
    assert {len(rows) for layer, rows in layers.items() if layer.startswith("T")} == {expected}
    if name == "whisper":
        assert (len(layers["C1"]), len(layers["C2"])) == (100, 50)


def test_blocks_are_what_transformers_computes(folder, model):
    """Raw: a final norm changes what `hidden_states` holds of the last block in some versions, not what it returns."""
    waveform = speech(1.3)
    layers = model.layers(waveform)
    states, _ = transformers_states(folder, waveform, model.normalise)
    assert len(states) == 4
    for number, state in enumerate(states):
        frames = len(layers[f"T{number}"])
        assert frames >= 30
        np.testing.assert_allclose(layers[f"T{number}"], state[:frames], **CLOSE, err_msg=f"T{number}")


def test_final_norm_is_left_out(name, folder, model):
    """And is known of: the encoder's last output is the norm of T3, or T3 itself (which SEW stretches)."""
    waveform = speech(1.3)
    last = model.layers(waveform)["T3"]
    _, final = transformers_states(folder, waveform, model.normalise)
    if name != "sew":
        assert np.allclose(last, final[: len(last)], atol=1e-4) == (name not in FINAL_NORM)
    assert ("without a final LayerNorm" in model.definitions["T3"]) == (name in FINAL_NORM)
    if name in FINAL_NORM:
        module = AutoModel.from_pretrained(folder).encoder
        with torch.inference_mode():
            normed = module.layer_norm(torch.from_numpy(last)).numpy()
        np.testing.assert_allclose(normed, final[: len(last)], **CLOSE)


def test_extraction(name, folder, model, tmp_path):
    """Frames of every layer beside their mel rows, and means over segments."""
    waveforms = {"1-1-0000": speech(1.0), "1-1-0001": speech(1.7, seed=1), "2-5-0000": speech(0.5, seed=2)}
    rows = []
    for utterance, waveform in waveforms.items():
        soundfile.write(tmp_path / f"{utterance}.wav", waveform, 16_000, subtype="FLOAT")
        rows.append((utterance, utterance[0], f"{utterance}.wav", 0.0, waveform.size / 16_000))
    columns = ["utterance_id", "speaker_id", "audio_path", "start", "duration"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_parquet(tmp_path / "utterances.parquet")
    (tmp_path / "1").mkdir()
    table[["utterance_id"]].to_parquet(tmp_path / "1/utterances.parquet")
    words = pd.DataFrame([("1-1-0001", "THE", 0.4, 0.8)], columns=["utterance_id", "label", "start", "end"])
    for span in ("phones", "words", "whole_utterances"):
        words.to_parquet(tmp_path / f"1/{span}.parquet")
    entry = model_entry("mine", {"source": str(folder)})
    extract(
        folder,
        {1: tmp_path / "1"},
        tmp_path / "utterances.parquet",
        tmp_path,
        tmp_path / "0.h5",
        layers=entry.layers,
        stride_seconds=entry.stride_seconds,
        dtype="float32",
        device="cpu",
        batch_seconds=4,
    )
    alone = {utterance: model.layers(waveform) for utterance, waveform in waveforms.items()}
    with h5py.File(tmp_path / "0.h5") as file:
        frames = file["1/frame"]
        assert list(frames["utterance_id"].asstr()[:]) == list(waveforms)
        for layer in entry.layers:
            offsets = frames["offsets" + fact(frames[layer], "grid")][:]
            mel = file["1/target/mel" + fact(frames[layer], "grid")]
            assert len(frames[layer]) == offsets[-1] == len(mel), layer
        for layer in ("T0", "T3"):
            expected = np.concatenate([layers[layer] for layers in alone.values()])
            np.testing.assert_allclose(frames[layer][:], expected, atol=1e-4, rtol=0)
        step = round(entry.stride_seconds * 100)
        expected = [log_mel(waveforms[u])[::step][: len(alone[u]["T0"])] for u in waveforms]
        np.testing.assert_allclose(file["1/target/mel"][:], np.concatenate(expected), **CLOSE)
        first, last = round(0.4 / entry.stride_seconds), round(0.8 / entry.stride_seconds)
        word = alone["1-1-0001"]["T3"][first:last].mean(axis=0)
        np.testing.assert_allclose(file["1/word/T3"][0], word, atol=1e-4, rtol=0)


# What is particular to one type


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    return make_architecture("whisper", tmp_path_factory.mktemp("model") / "whisper")


def test_audio_longer_than_whisper_takes_is_computed_in_parts_of_equal_length(whisper):
    """This one takes two seconds."""
    model, waveform = load_folder(whisper), speech(5.0)
    cuts = [0, 26_880, 53_760, 80_000]  # a third of 250 frames, in whole frames of 320 samples
    parts = [model.layers(waveform[start:end]) for start, end in pairwise(cuts)]
    layers = model.layers(waveform)
    assert [len(layers[layer]) for layer in ("C1", "C2", "T0", "T3")] == [500, 250, 250, 250]
    for layer, rows in layers.items():
        np.testing.assert_allclose(rows, np.concatenate([part[layer] for part in parts]), atol=1e-4, rtol=0)
    # Of the longest that fits, nothing is cut.
    assert len(model.layers(waveform[:32_000])["T3"]) == 100
    assert len(model.layers(waveform[:32_001])["T3"]) == 100


def test_whisper_computes_as_much_for_a_short_utterance_as_for_a_long_one(whisper):
    model = load_folder(whisper)
    assert [model.computed_samples(samples) for samples in (320, 32_000, 32_001)] == [32_000, 32_000, 64_000]


def test_whisper_is_read_from_a_model_with_heads_too(whisper, tmp_path):
    """As it is published."""
    WhisperForConditionalGeneration.from_pretrained(whisper).save_pretrained(tmp_path / "published")
    expected = load_folder(whisper).layers(speech(0.7))
    for layer, rows in load_folder(tmp_path / "published").layers(speech(0.7)).items():
        np.testing.assert_allclose(rows, expected[layer], **CLOSE)


def test_conv_layers_of_whisper_are_after_gelu(whisper):
    layers = load_folder(whisper).layers(speech(0.5))
    module = AutoModel.from_pretrained(whisper).encoder
    features = WhisperFeatureExtractor(feature_size=20, chunk_length=2)(
        speech(0.5), sampling_rate=16_000, return_tensors="pt"
    )
    with torch.inference_mode():
        first = torch.nn.functional.gelu(module.conv1(features["input_features"]))
        second = torch.nn.functional.gelu(module.conv2(first))
    np.testing.assert_allclose(layers["C1"], first[0].T[:50].numpy(), **CLOSE)
    np.testing.assert_allclose(layers["C2"], second[0].T[:25].numpy(), **CLOSE)


@pytest.mark.parametrize("name", ["whisper", "bert"])
def test_log_mel_models_take_the_waveform_as_it_is(name, tmp_path):
    folder = make_architecture(name, tmp_path / name)
    assert not load_folder(folder, normalise=False).normalise
    with pytest.raises(ModelError, match=rf"{name} is a \w+, which takes log-mel frames .*leave out normalise: true"):
        load_folder(folder, normalise=True)


def test_conv_layers_of_sew_stand_beside_its_fewer_frames(tmp_path):
    """Here the last three conv blocks have 20 ms, and the blocks 40 ms."""
    strides, kernels = [5, 2, 2, 2, 2, 2, 2, 1, 1], [10, 3, 3, 3, 3, 2, 2, 1, 1]
    folder = make_architecture(
        "sew", tmp_path / "sew", conv_stride=strides, conv_kernel=kernels, conv_dim=[16] * 9, num_feat_extract_layers=9
    )
    model = load_folder(folder)
    assert model.windows_squeezed == {"C7": (2, 2), "C8": (2, 2), "C9": (2, 2)}
    assert list(model.windows_10ms) == ["C1", "C2", "C3", "C4", "C5", "C6"]
    assert model.min_samples == 400 + 320


def test_unknown_type_is_refused_by_name(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "num_hidden_layers": 2}))
    with pytest.raises(CatalogueError, match=r"models\.mine: .*'bert' cannot be read; of data2vec-audio, .*whisper"):
        model_entry("mine", {"source": str(tmp_path)})


def test_squeezing_is_part_of_the_stride():
    config = {"model_type": "sew", "conv_stride": [5, 64], "num_hidden_layers": 2}
    assert outline_of(config)["stride_seconds"] == 0.04
    assert outline_of(config | {"squeeze_factor": 4})["stride_seconds"] == 0.08


def test_what_a_configuration_does_not_say_is_left_open():
    assert outline_of({"model_type": "hubert"}) == {}
    assert outline_of({"model_type": "whisper"}) == {"conv_layers": 2, "stride_seconds": 0.02}


def test_id_alone_is_enough(whisper, monkeypatch):
    """Of its repository, the files that its layers depend on."""
    asked = []

    def snapshot_download(repository, revision, allow_patterns):
        asked.append((repository, revision, allow_patterns))
        return str(whisper)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert load("openai/whisper-tiny").layer_names == layer_names(2, 3)
    ((repository, revision, patterns),) = asked
    assert (repository, revision) == ("openai/whisper-tiny", None)
    assert set(patterns) == {
        "config.json", "adapter_config.json", "preprocessor_config.json", "processor_config.json", "model*.safetensors*"
    }  # fmt: skip
