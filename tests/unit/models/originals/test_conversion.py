"""Original checkpoints computed: every layer is what the textbook says, or the checkpoint is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from transformers import HubertConfig, HubertModel

from layerwise.layers import layer_names
from layerwise.models import families
from layerwise.models.anatomy import ModelError, WaveformError
from layerwise.models.by_name import load
from layerwise.models.loading import load_folder
from layerwise.models.originals import avhubert, conversion
from layerwise.models.originals.family import OriginalError
from layerwise.models.originals.reading import read_original
from textbook_encoder import filterbanks, textbook_layers
from tiny_models import speech
from tiny_originals import FAMILIES, FORMS, settings, weights, write

WAVEFORM = ["wav2vec2", "hubert", "wavlm"]
LARGE = {"extractor_mode": "layer_norm", "layer_norm_first": True, "conv_bias": True, "normalize": True}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def seconds(values: dict, at_least: int = 30) -> float:
    """Of a waveform with some thirty frames: past the exact buckets of WavLM's distances."""
    stride = np.prod([stride for _, _, stride in values["conv_stack"]]) / 16_000
    return at_least * stride + 0.05


def check(family: str, folder, values: dict, **options):
    """Writes, loads and compares with the textbook; gives the model."""
    state = weights(family, values)
    model = load(write(family, folder, values, state, **options))
    waveform = speech(1.3 if family == "av_hubert" else seconds(values))
    expected = textbook_layers(family, values, state, waveform)
    layers = model.layers(waveform)
    assert list(layers) == list(model.definitions)
    assert set(layers) == set(expected)
    for name, rows in layers.items():
        np.testing.assert_allclose(rows, expected[name], atol=1e-4, rtol=0, err_msg=name)
    return model


def settings_of(family: str, **changes) -> dict:
    """FaST-VGS with as many blocks as layer_use names."""
    blocks = changes.get("encoder_layers", 2)
    return settings(
        **changes | {"encoder_layers": blocks, "layer_use": blocks - 1} if family == "fast_vgs" else changes
    )


# Layers


@pytest.mark.parametrize("norms", [{}, LARGE], ids=["base", "large"])
@pytest.mark.parametrize("family", FAMILIES)
def test_layers_are_those_of_the_textbook(family, norms, tmp_path):
    values = settings_of(family, **norms)
    model = check(family, tmp_path, values)
    conv = 0 if family == "av_hubert" else 7
    assert model.layer_names == layer_names(conv, values["encoder_layers"])
    assert model.stride_seconds == (0.04 if family == "av_hubert" else 0.02)
    assert model.normalise == (family == "fast_vgs" or values["normalize"])


@pytest.mark.parametrize(
    "changes",
    [
        {"extractor_mode": "layer_norm"},
        {"layer_norm_first": True},
        {"conv_bias": True},
        {"normalize": True},
        {"activation_fn": "relu"},
        {"activation_fn": "swish"},
        {"activation_fn": "gelu_accurate"},
        {"conv_pos": 7},
        {"conv_pos": 1, "conv_pos_groups": 24},
        {"encoder_attention_heads": 8, "encoder_layers": 1},
        {"encoder_embed_dim": 16, "encoder_attention_heads": 2},  # as wide as the conv encoder: nothing to project
        {"conv_stack": [(8, 12, 4), (16, 4, 5), (12, 3, 4)]},
    ],
    ids=lambda changes: ", ".join(f"{name}={value}" for name, value in changes.items())[:40],
)
@pytest.mark.parametrize("family", [*WAVEFORM, "fast_vgs"])
def test_every_setting_of_a_waveform_model_counts(family, changes, tmp_path):
    check(family, tmp_path, settings_of(family, **changes))


def test_far_distances_of_wavlm(tmp_path):
    """Past its largest distance, in every one of its buckets."""
    check("wavlm", tmp_path, settings(num_buckets=12, max_distance=9, conv_stack=[(16, 400, 320)]))


@pytest.mark.parametrize(
    "changes",
    [
        {"normalize": True},
        {"layer_norm_first": True, "normalize": True},
        {"modality_fuse": "add"},
        {"stack_order_audio": 1},
        {"stack_order_audio": 3, "layer_norm_first": True},
    ],
    ids=str,
)
def test_every_setting_of_av_hubert_counts(changes, tmp_path):
    model = check("av_hubert", tmp_path, settings(**changes))
    assert model.stride_seconds == pytest.approx(changes.get("stack_order_audio", 4) * 0.01)


@pytest.mark.parametrize(
    ("named", "held", "layer_use", "loss"),
    [(2, 2, 1, None), (5, 2, 1, None), (5, 2, 1, 0.0), (4, 4, 1, 1.0), (3, 3, 2, 1.0), (4, 4, 1, None)],
    ids=["all used", "fast-vgs", "fast-vgs, weight 0", "fast-vgs-plus", "plus, all used", "no loss named"],
)
def test_blocks_of_fast_vgs(named, held, layer_use, loss, tmp_path, caplog):
    state = weights("fast_vgs", settings(encoder_layers=held))
    values = settings(encoder_layers=named, layer_use=layer_use, libri_w2v2_weight=loss)
    model = load(write("fast_vgs", tmp_path, values, state))
    assert model.layer_names == layer_names(7, held)
    expected = textbook_layers("fast_vgs", values, state, speech(0.5))
    for name, rows in model.layers(speech(0.5)).items():
        np.testing.assert_allclose(rows, expected[name], atol=1e-4, rtol=0, err_msg=name)
    assert ("no loss" in caplog.text) == (held > layer_use + 1 and not loss)


@pytest.mark.parametrize("archive", [True, False], ids=["archive", "before 1.6"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "av_hubert"])
def test_every_form_of_a_configuration(family, form, archive, tmp_path):
    check(family, tmp_path, settings(**LARGE), form=form, archive=archive)


@pytest.mark.parametrize("family", ["wavlm", "fast_vgs"])
def test_files_before_torch_made_archives(family, tmp_path):
    check(family, tmp_path, settings_of(family), archive=False)


@pytest.mark.parametrize("family", FAMILIES)
def test_half_precision_is_computed_in_single(family, tmp_path):
    values = settings_of(family)
    state = {name: value.half() for name, value in weights(family, values).items()}
    model = load(write(family, tmp_path, values, state))
    assert {value.dtype for value in model.module.state_dict().values()} == {torch.float32}
    waveform = speech(0.7)
    expected = textbook_layers(family, values, state, waveform)
    for name, rows in model.layers(waveform).items():
        np.testing.assert_allclose(rows, expected[name], atol=1e-4, rtol=0, err_msg=name)


def test_weight_norm_by_its_newer_names(tmp_path):
    values = settings()
    state = weights("hubert", values)
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        state[f"encoder.pos_conv.0.parametrizations.weight.{new}"] = state.pop(f"encoder.pos_conv.0.{old}")
    newer = load(write("hubert", tmp_path / "newer", values, state)).layers(speech(0.4))
    older = load(write("hubert", tmp_path / "older", values, weights("hubert", values))).layers(speech(0.4))
    assert all(np.array_equal(newer[name], older[name]) for name in older)
    state["encoder.pos_conv.0.weight_g"] = state["encoder.pos_conv.0.parametrizations.weight.original0"]
    with pytest.raises(OriginalError, match="twice"):
        load(write("hubert", tmp_path / "both", values, state))


def test_weights_that_are_views_of_one_block(tmp_path):
    values = settings()
    state = weights("hubert", values)
    block = torch.cat([value.flatten() for value in state.values()])
    views, start = {}, 0
    for name, value in state.items():
        views[name] = block[start : start + value.numel()].view(value.shape)
        start += value.numel()
    views["encoder.layers.0.fc1.weight"] = state["encoder.layers.0.fc1.weight"].T.contiguous().T
    one = load(write("hubert", tmp_path / "views", values, views)).layers(speech(0.4))
    other = load(write("hubert", tmp_path / "apart", values, state)).layers(speech(0.4))
    assert all(np.array_equal(one[name], other[name]) for name in other)


def test_definitions_say_where_layer_0_and_the_last_are(tmp_path):
    for family, words in (("av_hubert", "audio projection of 4 stacked"), ("fast_vgs", "before the CLS frame")):
        values = settings_of(family, layer_norm_first=True)
        model = load(write(family, tmp_path / family, values, weights(family, values)))
        assert words in model.definitions["T0"]
        assert "without a final LayerNorm" in model.definitions[f"T{values['encoder_layers']}"]
        assert "final" not in model.definitions["T1"]
        assert len(set(model.definitions.values())) == len(model.layer_names)
    assert "without the CLS frame" in model.definitions["T1"]


@pytest.mark.parametrize("norms", [{}, LARGE], ids=["base", "large"])
@pytest.mark.parametrize("family", WAVEFORM)
def test_transformers_reads_what_was_converted(family, norms, tmp_path):
    """The same weights through either way of loading."""
    values = settings(**norms)
    converted = load(write(family, tmp_path / "original", values, weights(family, values)))
    converted.module.save_pretrained(tmp_path / "folder")
    folder = load(tmp_path / "folder")
    assert folder.layer_names == converted.layer_names
    assert folder.definitions == converted.definitions
    assert folder.normalise == converted.normalise
    expected = converted.layers(speech(0.6))
    for name, rows in folder.layers(speech(0.6)).items():
        np.testing.assert_allclose(rows, expected[name], atol=1e-5, rtol=0, err_msg=name)


# Waveforms


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (400, 1), (401, 1), (880, 1), (881, 2), (16_000, 25)])
def test_frames_of_av_hubert(samples, frames, tmp_path):
    """A filterbank frame for the first 400 samples and for every 160 begun after them; four of these are a frame."""
    values = settings(normalize=True)
    model = load(write("av_hubert", tmp_path, values, weights("av_hubert", values)))
    layers = model.layers(speech(1.0)[:samples])
    assert {len(rows) for rows in layers.values()} == {frames}
    assert all(np.isfinite(rows).all() for rows in layers.values())
    with pytest.raises(WaveformError, match="0 samples"):
        model.layers(np.zeros(0, np.float32))


@given(
    samples=st.integers(1, 1300),
    seed=st.integers(0, 9),
    loudness=st.sampled_from([0.0, 1e-6, 0.1, 1.0]),
)
@hypothesis_settings(deadline=None, max_examples=25)
def test_filterbanks_are_those_of_their_definition(samples, seed, loudness):
    waveform = (np.random.default_rng(seed).uniform(-1, 1, samples) * loudness).astype(np.float32)
    np.testing.assert_allclose(avhubert.log_filterbanks(waveform), filterbanks(waveform.astype(np.float64)), atol=1e-8)


def test_silence(tmp_path):
    for family in FAMILIES:
        values = settings_of(family, normalize=True)
        model = load(write(family, tmp_path / family, values, weights(family, values)))
        if family == "fast_vgs":  # the original divides by zero
            with pytest.raises(WaveformError, match="silent"):
                model.layers(np.full(8000, 0.1, np.float32))
        else:
            assert all(np.isfinite(rows).all() for rows in model.layers(np.zeros(8000, np.float32)).values())


def test_normalisation_can_be_chosen(tmp_path):
    for family in ("hubert", "av_hubert"):
        values = settings_of(family)
        path = write(family, tmp_path / family, values, weights(family, values))
        assert not load_folder(path).normalise
        chosen = load_folder(path, normalise=True)
        expected = textbook_layers(family, values | {"normalize": True}, weights(family, values), speech(0.5))
        np.testing.assert_allclose(chosen.layers(speech(0.5))["T1"], expected["T1"], atol=1e-4, rtol=0)
    values = settings_of("fast_vgs")
    folder = write("fast_vgs", tmp_path / "fast_vgs", values, weights("fast_vgs", values))
    with pytest.raises(ModelError, match="always takes normalised waveforms"):
        load_folder(folder, normalise=False)


def test_a_choice_against_the_file_is_logged(tmp_path, caplog):
    caplog.set_level("INFO")
    path = write("hubert", tmp_path, settings(), weights("hubert", settings()))
    assert not load_folder(path, normalise=False).normalise
    assert "normalise is" not in caplog.text
    assert load_folder(path, normalise=True).normalise
    assert f"normalise is True, as the configuration or the catalogue says; {path}: normalize is False" in caplog.text


def test_normalisation_that_a_file_does_not_tell(tmp_path):
    values = settings(normalize=None)
    path = write("wav2vec2", tmp_path, values, weights("wav2vec2", values))
    with pytest.raises(ModelError, match="say it with normalise"):
        load(path)
    assert load_folder(path, normalise=True).normalise


# Weights that are refused: none of these may end in a layer


def damage(state: dict, name: str, change: str) -> dict:
    """A copy in which one weight is missing, misshapen, there twice, not a number, or counted in whole numbers."""
    state = dict(state)
    if change == "missing":
        del state[name]
    elif change == "misshapen":
        state[name] = state[name][..., :-1].contiguous()
    elif change == "surplus":
        state[f"{name}.more"] = state[name]
    elif change == "NaN":
        state[name] = state[name].clone()
        state[name].flatten()[0] = float("nan")
    else:
        state[name] = state[name].to(torch.int8)
    return state


@pytest.mark.parametrize("family", FAMILIES)
def test_every_weight_of_a_layer_is_needed(family, tmp_path):
    """Each in turn: what may be missing are the parts that only pre-training or the other modality uses."""
    values = settings_of(family)
    state = weights(family, values)
    for number, name in enumerate(state):
        local = name.removeprefix("conv1_trm1_trm3.")
        unused = families.family(family).unused | {"visual_cls_token", "trm2"}
        path = write(family, tmp_path / str(number), values, damage(state, name, "missing"))
        if local.split(".")[0] in unused:
            load(path)
        else:
            with pytest.raises((ModelError, OriginalError), match=rf"1 missing: {local}$"):
                load(path)


@pytest.mark.parametrize("change", ["misshapen", "surplus", "NaN", "whole"])
@pytest.mark.parametrize("family", FAMILIES)
def test_damaged_weights_are_named(family, change, tmp_path):
    values = settings_of(family)
    state = weights(family, values)
    prefix = "conv1_trm1_trm3." if family == "fast_vgs" else ""
    for number, local in enumerate(("encoder.layers.1.fc2.weight", "layer_norm.bias", "encoder.pos_conv.0.weight_v")):
        path = write(family, tmp_path / str(number), values, damage(state, prefix + local, change))
        words = {"misshapen": rf"1 misshapen: {local} is \(.*\), not \(", "surplus": rf"1 surplus: {local}\.more"}
        with pytest.raises(
            ModelError, match=words.get(change, rf"1 weights are no finite floating-point numbers: {local}")
        ):
            load(path)


@pytest.mark.parametrize("family", FAMILIES)
def test_missing_block_is_named(family, tmp_path):
    values = settings_of(family)
    state = {name: value for name, value in weights(family, values).items() if "layers.1." not in name}
    with pytest.raises((ModelError, OriginalError), match=r"encoder\.layers\.1\.|should hold 0 to 1") as error:
        load(write(family, tmp_path, values, state))
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"encoder_layers": 4},
        {"encoder_layers": 2},
        {"encoder_embed_dim": 48},
        {"encoder_ffn_embed_dim": 44},
        {"conv_pos": 10},
        {"conv_pos_groups": 2},
        {"extractor_mode": "layer_norm"},
        {"conv_bias": True},
        {"conv_stack": [(16, 10, 5), (16, 3, 2)]},
        {"conv_stack": [(16, 10, 5)] + [(16, 3, 2)] * 6},
    ],
    ids=lambda changes: ", ".join(changes),
)
@pytest.mark.parametrize("family", WAVEFORM)
def test_configuration_that_disagrees_with_the_weights(family, changes, tmp_path):
    path = write(family, tmp_path, settings(**changes), weights(family, settings()))
    with pytest.raises(ModelError, match=r"checkpoint\.pt: the weights are not those of its configuration") as error:
        load(path)
    assert any(word in str(error.value) for word in ("missing", "surplus", "misshapen"))


def test_heads_of_wavlm_are_compared_too(tmp_path):
    path = write("wavlm", tmp_path, settings(encoder_attention_heads=2), weights("wavlm", settings()))
    with pytest.raises(ModelError, match=r"self_attn\.grep_a is \(1, 3, 1, 1\), not \(1, 2, 1, 1\)"):
        load(path)


@pytest.mark.parametrize(
    ("held", "named", "layer_use", "loss"),
    [([0], 3, 1, None), ([0, 2], 3, 1, None), ([0, 1], 4, 1, 1.0), ([0, 1, 2], 4, 1, None), ([], 3, 1, None)],
)
def test_blocks_that_fast_vgs_cannot_have(held, named, layer_use, loss, tmp_path):
    values = settings(encoder_layers=named, layer_use=layer_use, libri_w2v2_weight=loss)
    state = weights("fast_vgs", settings(encoder_layers=5))
    state = {n: v for n, v in state.items() if "layers." not in n or "conv_layers" in n or int(n.split(".")[3]) in held}
    with pytest.raises(OriginalError, match=r"best_bundle\.pth holds the blocks .* it should hold 0 to"):
        load(write("fast_vgs", tmp_path, values, state))


def test_name_of_another_family_does_not_hide_a_surplus(tmp_path):
    """The video branch of AV-HuBERT is known there, and nowhere else."""
    values = settings()
    state = weights("hubert", values) | {"feature_extractor_video.proj.weight": torch.ones(2, 2)}
    with pytest.raises(ModelError, match=r"surplus: feature_extractor_video\.proj\.weight"):
        load(write("hubert", tmp_path, values, state))


def test_what_the_file_does_not_fill_is_no_number(tmp_path, monkeypatch):
    """As if a later transformers computed a table of its own beside the parameters."""
    values = settings()
    original = read_original(write("hubert", tmp_path, values, weights("hubert", values)))
    hubert = families.family("hubert")

    class Later(HubertModel):
        def __init__(self, config) -> None:
            super().__init__(config)
            self.register_buffer("table", torch.rand(3), persistent=False)

    monkeypatch.setattr(conversion, "MODEL_MAPPING", {HubertConfig: Later})
    with pytest.raises(ModelError, match="lacks table, which this version of transformers computes with"):
        hubert.anatomy(original, False)


def test_loading_draws_no_random_numbers(tmp_path):
    """A parameter at its initial value would be one."""
    values = settings()
    path = write("wavlm", tmp_path, values, weights("wavlm", values))
    before = torch.get_rng_state()
    load(path)
    assert torch.equal(torch.get_rng_state(), before)
