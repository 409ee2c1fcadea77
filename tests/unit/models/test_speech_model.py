"""Models laid open: every layer is what transformers computes, at the place that the paper means."""

from __future__ import annotations

import argparse
import os
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel

from layerwise.files import catalogues
from layerwise.files.catalogues import CatalogueError
from layerwise.models import by_name, loading
from layerwise.models.anatomy import ModelError, WaveformError
from layerwise.models.by_name import load
from layerwise.models.originals.pickled_values import PickleError, UnsafePickleError
from layerwise.models.weights import WeightsError
from tiny_models import CATALOGUE, NAMES, POST_NORM, PRE_NORM, make, speech, with_config, with_weights

CLOSE = {"rtol": 1e-4, "atol": 1e-5}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {name: make(name, root / name) for name in NAMES}


@pytest.fixture(scope="module")
def loaded(folders):
    return {name: load(folder) for name, folder in folders.items()}


def prepared(name: str, waveform: np.ndarray) -> torch.Tensor:
    """What the architecture expects: the waveform as it is, or of zero mean and unit variance."""
    if CATALOGUE[name]["architecture"]["feat_extract_norm"] == "layer":
        waveform = (waveform - waveform.mean()) / np.sqrt(waveform.var() + 1e-5)
    return torch.from_numpy(waveform)[None]


@pytest.fixture(scope="module")
def plain(folders):
    """The same models, as transformers gives them."""
    return {name: AutoModel.from_pretrained(folder).eval() for name, folder in folders.items()}


# Shapes and names


@pytest.mark.parametrize("name", NAMES)
def test_layers_have_names_shapes_and_types(loaded, name):
    model = loaded[name]
    blocks = CATALOGUE[name]["architecture"].get("num_hidden_layers", 4)
    layers = model.layers(speech(1.0))
    expected = [f"C{i}" for i in range(1, 8)] + [f"T{i}" for i in range(blocks + 1)]
    assert model.layer_names == list(layers) == expected
    assert model.stride_seconds == 0.02
    # One second: what the strides 5, 2, 2, 2, 2, 2, 2 and kernels 10, 3, 3, 3, 3, 2, 2 leave.
    frames = dict(zip(expected, [3199, 1599, 799, 399, 199, 99, 49] + [49] * (blocks + 1), strict=True))
    for layer, rows in layers.items():
        assert rows.shape == (frames[layer], 32 if layer.startswith("C") else 48)
        assert rows.dtype == np.float32
        assert np.isfinite(rows).all()
    assert set(model.definitions) == set(expected)
    assert len(set(model.definitions.values())) == len(expected)


def test_windows_see_25_ms_every_10_ms(loaded):
    assert loaded["random-wav2vec2-tiny"].windows_10ms == {
        "C1": (79, 32),
        "C2": (39, 16),
        "C3": (19, 8),
        "C4": (9, 4),
        "C5": (4, 2),
        "C6": (2, 1),
    }


def test_same_waveform_gives_the_same_layers(loaded):
    model = loaded["random-wavlm-tiny"]
    first, other, again = (model.layers(speech(seed=seed)) for seed in (1, 2, 1))
    for layer in first:
        assert np.array_equal(first[layer], again[layer])
        assert not np.allclose(first[layer], other[layer], atol=1e-3)


# Values


@pytest.mark.parametrize("name", NAMES)
def test_conv_layers_are_the_conv_blocks_one_by_one(loaded, plain, name):
    waveform = speech(0.7)
    layers = loaded[name].layers(waveform)
    with torch.inference_mode():
        values = prepared(name, waveform)[:, None]
        for number, block in enumerate(plain[name].feature_extractor.conv_layers, start=1):
            values = block(values)
            np.testing.assert_allclose(layers[f"C{number}"], values[0].T.numpy(), **CLOSE)


@pytest.mark.parametrize("name", POST_NORM)
def test_blocks_with_norm_after_are_the_hidden_states(loaded, plain, name):
    waveform = speech(1.3)
    layers = loaded[name].layers(waveform)
    with torch.inference_mode():
        states = plain[name](prepared(name, waveform), output_hidden_states=True).hidden_states
    assert len(states) == 5
    for number, state in enumerate(states):
        np.testing.assert_allclose(layers[f"T{number}"], state[0].numpy(), **CLOSE)


def test_blocks_with_norm_before_are_raw(loaded, plain):
    waveform = speech(1.3)
    layers = loaded[PRE_NORM].layers(waveform)
    module, seen = plain[PRE_NORM], []
    hooks = [block.register_forward_hook(lambda _module, _in, out: seen.append(out)) for block in module.encoder.layers]
    with torch.inference_mode():
        output = module(prepared(PRE_NORM, waveform), output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    assert len(seen) == 6
    np.testing.assert_allclose(layers["T0"], output.hidden_states[0][0].numpy(), **CLOSE)
    for number, values in enumerate(seen, start=1):
        values = values[0] if isinstance(values, tuple) else values
        np.testing.assert_allclose(layers[f"T{number}"], values[0].numpy(), **CLOSE)


def test_last_layer_has_no_final_norm(loaded, plain):
    waveform = speech(1.3)
    last = torch.from_numpy(loaded[PRE_NORM].layers(waveform)["T6"])
    module = plain[PRE_NORM]
    with torch.inference_mode():
        final = module(prepared(PRE_NORM, waveform)).last_hidden_state[0]
        np.testing.assert_allclose(module.encoder.layer_norm(last).numpy(), final.numpy(), **CLOSE)
    assert not np.allclose(last, final, atol=0.1)
    # A LayerNorm at its initial weights leaves unit variance in every frame.
    assert final.var(dim=1, correction=0).sub(1).abs().max() < 0.01
    assert last.var(dim=1, correction=0).sub(1).abs().min() > 0.01
    assert "without a final LayerNorm" in loaded[PRE_NORM].definitions["T6"]


def test_layer_0_of_norm_before_is_before_it(loaded, plain):
    """T0 is what goes into the first block, whose first step is a LayerNorm."""
    waveform = speech(0.8)
    layers = loaded[PRE_NORM].layers(waveform)
    block = plain[PRE_NORM].encoder.layers[0]
    with torch.inference_mode():
        output = block(torch.from_numpy(layers["T0"])[None])
    output = output[0] if isinstance(output, tuple) else output
    np.testing.assert_allclose(layers["T1"], output.reshape(layers["T1"].shape).numpy(), **CLOSE)


@pytest.mark.parametrize("name", NAMES)
def test_waveform_is_normalised_for_layer_norm_encoders_only(folders, name):
    waveform = speech(0.5)
    normal = ((waveform - waveform.mean()) / waveform.std()).astype(np.float32)
    model = load(folders[name])
    assert model.normalise == (name == PRE_NORM)
    quiet, loud = model.layers(waveform)["C1"], model.layers(normal)["C1"]
    assert np.allclose(quiet, loud, atol=1e-2) == model.normalise


def test_normalisation_can_be_chosen(folders):
    waveform = speech(0.5)
    chosen = loading.load_folder(folders[PRE_NORM], normalise=False)
    assert not chosen.normalise
    assert not np.allclose(chosen.layers(waveform)["C1"], load(folders[PRE_NORM]).layers(waveform)["C1"], atol=1e-2)


def test_dropout_is_off(folders, tmp_path):
    """Also where a checkpoint's own configuration is one of training."""
    rates = dict.fromkeys(
        ["hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout", "layerdrop"], 0.5
    )
    trained = load(
        with_config(folders[POST_NORM[0]], tmp_path / "trained", **rates, mask_time_prob=0.9, apply_spec_augment=True)
    )
    expected = load(folders[POST_NORM[0]]).layers(speech(2.0))
    for layer, rows in trained.layers(speech(2.0)).items():
        np.testing.assert_array_equal(rows, expected[layer])


# Waveforms that are refused


def test_shortest_waveform_has_one_frame(loaded):
    layers = loaded["random-wav2vec2-tiny"].layers(speech(1.0)[:400])
    assert {layer: len(rows) for layer, rows in layers.items() if layer.startswith("T")} == dict.fromkeys(
        ["T0", "T1", "T2", "T3", "T4"], 1
    )


@pytest.mark.parametrize(
    ("waveform", "words"),
    [
        (speech(1.0)[:399], r"399 samples are too short .* needs 400 \(0\.025 s\)"),
        (np.zeros(0, np.float32), "0 samples are too short"),
        (np.full(16_000, np.nan), "NaN or infinity"),
        (np.where(np.arange(16_000) == 8_000, np.inf, 0), "NaN or infinity"),
        (speech(1.0)[None], r"shape \(1, 16000\)"),
        (np.stack([speech(1.0)] * 2, axis=1), r"shape \(16000, 2\)"),
    ],
    ids=["short", "empty", "nan", "infinite", "batch", "stereo"],
)
def test_waveform_that_a_model_cannot_take(loaded, waveform, words):
    with pytest.raises(WaveformError, match=words):
        loaded["random-wav2vec2-tiny"].layers(waveform)


# Loading


def same_layers(one, other) -> None:
    waveform = speech(0.6)
    expected = one.layers(waveform)
    for layer, rows in other.layers(waveform).items():
        np.testing.assert_allclose(rows, expected[layer], **CLOSE)


def test_name_of_the_catalogue_draws_its_random_weights(monkeypatch, tmp_path, loaded):
    """Whatever the workflow may have made of an earlier seed or architecture under this name."""
    (tmp_path / "resources/models/random-wavlm-tiny").mkdir(parents=True)
    shutil.copy(catalogues.ROOT / "resources/models.yaml", tmp_path / "resources")
    for module in (by_name, catalogues):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    same_layers(loaded["random-wavlm-tiny"], load("random-wavlm-tiny"))
    assert list((tmp_path / "resources/models/random-wavlm-tiny").iterdir()) == []


def test_data2vec_is_read_and_normalised(tmp_path):
    """Its configuration has no feat_extract_norm; its conv blocks always use LayerNorm."""
    config = AutoConfig.for_model(
        "data2vec-audio", hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        conv_dim=[16] * 7, num_conv_pos_embedding_groups=2, conv_pos_kernel_size=3,
    )  # fmt: skip
    AutoModel.from_config(config).save_pretrained(tmp_path / "data2vec")
    model = load(tmp_path / "data2vec")
    assert model.normalise
    assert set(model.layers(speech(0.3))) == {*(f"C{i}" for i in range(1, 8)), "T0", "T1", "T2"}


def test_name_of_the_catalogue_takes_its_fetched_folder_and_normalisation(monkeypatch, tmp_path, folders):
    """The entry says that hubert-large is normalised and hubert-base is not, whatever the folder would suggest."""
    (tmp_path / "resources/models").mkdir(parents=True)
    shutil.copy(catalogues.ROOT / "resources/models.yaml", tmp_path / "resources")
    for module in (by_name, catalogues):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    for name, normalise in (("hubert-large", True), ("hubert-base", False)):
        shutil.copytree(folders["random-wav2vec2-tiny"], tmp_path / "resources/models" / name)
        assert load(name).normalise is normalise


def test_models_that_nobody_has_fetched_say_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "resources/models").mkdir(parents=True)
    shutil.copy(catalogues.ROOT / "resources/models.yaml", tmp_path / "resources")
    for module in (catalogues, by_name):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    with pytest.raises(ModelError, match="avhubert-base has not been fetched: run the workflow"):
        load("avhubert-base")
    with pytest.raises(CatalogueError, match=r"args\.pkl and best_bundle\.pth must be fetched by hand"):
        load("fast-vgs")


def test_torch_checkpoint_is_read_too(folders, tmp_path, plain, loaded):
    name = "random-wav2vec2-tiny"
    shutil.copytree(folders[name], tmp_path / "torch")
    (tmp_path / "torch/model.safetensors").unlink()
    torch.save(plain[name].state_dict(), tmp_path / "torch/pytorch_model.bin")
    same_layers(loaded[name], load(tmp_path / "torch"))


def test_pre_training_checkpoint_is_read_without_its_heads(folders, tmp_path, loaded):
    """As they are published: a prefix before every weight, weight norm by its old names, heads that are not used."""
    name = "random-wav2vec2-tiny"

    def published(tensors):
        old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
        renamed = {}
        for key, tensor in tensors.items():
            for new_name, old_name in old.items():
                key = key.replace(new_name, old_name)
            renamed[f"wav2vec2.{key}"] = tensor
        assert any(key.endswith("weight_g") for key in renamed)
        return renamed | {"project_q.weight": torch.ones(3, 3), "project_q.bias": torch.ones(3)}

    folder = with_weights(folders[name], tmp_path / "pretraining", published)
    same_layers(loaded[name], load(with_config(folder, tmp_path / "named", architectures=["Wav2Vec2ForPreTraining"])))


@pytest.mark.parametrize(
    "missing",
    [
        "encoder.layers.2.attention.q_proj.weight",
        "feature_extractor.conv_layers.0.conv.weight",
        "encoder.pos_conv_embed.conv.bias",
        "encoder.layer_norm.weight",
    ],
)
def test_missing_weight_is_named(folders, tmp_path, missing):
    def without(tensors):
        del tensors[missing]
        return tensors

    folder = with_weights(folders["random-wav2vec2-tiny"], tmp_path / "broken", without)
    with pytest.raises(ModelError, match=rf"1 weights are missing: {missing}"):
        load(folder)


def test_weight_that_only_pre_training_uses_may_be_missing(folders, tmp_path, loaded):
    def without(tensors):
        del tensors["masked_spec_embed"]
        return tensors

    same_layers(
        loaded["random-wav2vec2-tiny"],
        load(with_weights(folders["random-wav2vec2-tiny"], tmp_path / "m", without)),
    )


def test_more_blocks_than_weights(folders, tmp_path):
    folder = with_config(folders["random-wav2vec2-tiny"], tmp_path / "deeper", num_hidden_layers=5)
    with pytest.raises(ModelError, match=r"weights are missing: encoder\.layers\.4\."):
        load(folder)


def test_fewer_blocks_than_weights(folders, tmp_path):
    folder = with_config(folders["random-wav2vec2-tiny"], tmp_path / "shallower", num_hidden_layers=3)
    with pytest.raises(ModelError, match=r"encoder\.layers\.3\."):
        load(folder)


@pytest.mark.parametrize(
    "words",
    [
        "wider",
        r"encoder\.layers\.\d\.feed_forward\.intermediate_dense",
    ],
    ids=["refused", "named"],
)
def test_weights_of_another_shape(folders, tmp_path, words):
    folder = with_config(folders["random-wav2vec2-tiny"], tmp_path / "wider", intermediate_size=112)
    with pytest.raises(ModelError, match=words):
        load(folder)


def test_pickled_weights_that_run_something_are_refused_by_name(folders, tmp_path, plain):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'mark'}",)

    shutil.copytree(folders["random-wav2vec2-tiny"], tmp_path / "evil")
    (tmp_path / "evil/model.safetensors").unlink()
    torch.save({**plain["random-wav2vec2-tiny"].state_dict(), "evil": Evil()}, tmp_path / "evil/pytorch_model.bin")
    with pytest.raises(UnsafePickleError, match=r"pytorch_model\.bin is refused: it asks for a call of os\.system"):
        load(tmp_path / "evil")
    assert not (tmp_path / "mark").exists()


def test_pickled_weights_with_other_objects_are_refused(folders, tmp_path, plain):
    shutil.copytree(folders["random-wav2vec2-tiny"], tmp_path / "odd")
    (tmp_path / "odd/model.safetensors").unlink()
    state = plain["random-wav2vec2-tiny"].state_dict() | {"args": argparse.Namespace(a=1)}
    torch.save(state, tmp_path / "odd/pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin: args in it should be tensors"):
        load(tmp_path / "odd")


@pytest.mark.parametrize("length", [0, 3, 1000, -100])
def test_truncated_pickled_weights(folders, tmp_path, plain, length):
    shutil.copytree(folders["random-wav2vec2-tiny"], tmp_path / "short")
    (tmp_path / "short/model.safetensors").unlink()
    path = tmp_path / "short/pytorch_model.bin"
    torch.save(plain["random-wav2vec2-tiny"].state_dict(), path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(PickleError, match=r"pytorch_model\.bin (is empty|is cut short|cannot be read)"):
        load(tmp_path / "short")


@pytest.mark.parametrize("name", ["no-such-model", "no/such/folder", "/no/such/folder", "checkpoints/absent.pt"])
def test_name_that_means_nothing(name):
    allowed = r"allowed: \d+ names, of which the nearest are [\w-]+, "
    with pytest.raises(ModelError, match=rf"'{name}' is no folder or file.*{allowed}"):
        load(name)
