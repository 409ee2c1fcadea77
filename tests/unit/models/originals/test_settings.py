"""Which model an original file holds, and what its settings mean."""

from __future__ import annotations

import argparse
import pickle
import shutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from layerwise.models.originals.fairseq import parse_conv_layers
from layerwise.models.originals.family import OriginalError
from layerwise.models.originals.pickled_values import PickleError, UnsafePickleError
from layerwise.models.originals.reading import is_original, read_original
from tiny_originals import FAMILIES, FORMS, settings, weights, write


def file(tmp_path, content) -> object:
    path = tmp_path / "checkpoint.pt"
    torch.save(content, path)
    return path


def original(tmp_path, family: str = "wav2vec2", **changes):
    values = settings(**changes)
    held = {"encoder_layers": changes.get("layer_use", 1) + 1} if family == "fast_vgs" else {}
    return read_original(write(family, tmp_path, values, weights(family, settings(**(changes | held)))))


# Families


@pytest.mark.parametrize("family", FAMILIES)
def test_family_is_told_from_the_file(family, tmp_path):
    read = original(tmp_path, family)
    assert read.family == family
    assert read.blocks == (2 if family == "fast_vgs" else 3)
    assert read.conv_layers == (0 if family == "av_hubert" else 7)
    assert read.stride_seconds == (0.04 if family == "av_hubert" else 0.02)
    assert read.normalise is (family == "fast_vgs")
    assert read.path.parent == tmp_path


@pytest.mark.parametrize("form", FORMS)
def test_settings_are_the_same_in_every_form(form, tmp_path):
    values = settings(extractor_mode="layer_norm", conv_bias=True, layer_norm_first=True, normalize=True, conv_pos=6)
    read = read_original(write("hubert", tmp_path, values, weights("hubert", values), form=form))
    assert read.normalise is True
    assert read.config == {
        "hidden_size": 24,
        "num_hidden_layers": 3,
        "num_attention_heads": 3,
        "intermediate_size": 40,
        "hidden_act": "gelu",
        "do_stable_layer_norm": True,
        "num_conv_pos_embeddings": 6,
        "num_conv_pos_embedding_groups": 4,
        "feat_extract_norm": "layer",
        "conv_bias": True,
        "conv_dim": [16] * 7,
        "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    }


def test_wavlm_fills_in_what_its_file_leaves_out(tmp_path):
    """As its authors' code does: the defaults are those of a Base model without relative positions."""
    values = {name: value for name, value in settings(encoder_embed_dim=48).items() if name != "conv_stack"}
    state = weights("wavlm", settings())
    for name in ("conv_pos", "conv_pos_groups", "conv_feature_layers", "max_distance", "normalize"):
        del values[name]
    read = read_original(file(tmp_path, {"cfg": values, "model": state}))
    assert (read.config["num_conv_pos_embeddings"], read.config["num_conv_pos_embedding_groups"]) == (128, 16)
    assert read.config["conv_dim"] == [512] * 7
    assert read.config["conv_stride"] == [5, 2, 2, 2, 2, 2, 2]
    assert read.config["max_bucket_distance"] == 1280
    assert read.normalise is False
    for name in ("gru_rel_pos", "relative_position_embedding"):
        without = {key: value for key, value in values.items() if key != name}
        with pytest.raises(OriginalError, match=rf"{name} is False in its configuration; only True can be read"):
            read_original(file(tmp_path, {"cfg": without, "model": state}))


# Files and folders


def test_original_files_are_told_from_folders_of_transformers(tmp_path):
    values = settings()
    path = write("hubert", tmp_path / "original", values, weights("hubert", values))
    assert is_original(path)
    assert is_original(path.parent)
    assert not is_original(tmp_path)
    assert not is_original(tmp_path / "absent")
    (path.parent / "config.json").touch()
    assert not is_original(path.parent)


def test_file_in_a_folder(tmp_path):
    values = settings()
    path = write("hubert", tmp_path / "one", values, weights("hubert", values))
    (path.parent / "origin.txt").write_text("from somewhere")
    shutil.copy(path, path.with_name("base_vox_iter5.pt"))
    assert read_original(path.parent).path == path  # fairseq's own name
    path.rename(path.with_name("checkpoint_best.pt"))
    with pytest.raises(OriginalError, match=r"base_vox_iter5\.pt, checkpoint_best\.pt: name the one that is meant"):
        read_original(path.parent)
    path.with_name("checkpoint_best.pt").unlink()
    assert read_original(path.parent).path.name == "base_vox_iter5.pt"
    path.with_name("base_vox_iter5.pt").unlink()
    with pytest.raises(OriginalError, match=r"no \.pt file"):
        read_original(path.parent)


@pytest.mark.parametrize(
    "name", ["args.pkl", "best_bundle.pth", "config.json", "model.safetensors", "pytorch_model.bin"]
)
def test_parts_of_a_checkpoint(name, tmp_path):
    (tmp_path / name).touch()
    with pytest.raises(OriginalError, match=rf"{name} is one part of a checkpoint: name its folder"):
        read_original(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"dual_encoder": {}}, "holds no checkpoint of fairseq .* but dual_encoder"),
        ({"epoch": 1, "state_dict": {}}, "but epoch, state_dict"),
        ([torch.ones(2)], "but list"),
        ({"model": {"w": torch.ones(1)}}, "weights without a configuration"),
        ({"model": {"w": torch.ones(1)}, "cfg": None, "args": None}, "weights without a configuration"),
        ({"model": {}, "cfg": {"encoder_layers": 1}}, "no dict of weights"),
        ({"model": {"w": [1.0], "v": torch.ones(1)}, "cfg": {"encoder_layers": 1}}, "w in its model should be tensors"),
        ({"model": {"w": torch.ones(1)}, "cfg": {"model": {"_name": "data2vec_audio"}}}, "of 'data2vec_audio'"),
        (
            {"model": {"w": torch.ones(1)}, "args": argparse.Namespace(arch="wav2vec_ctc")},
            "of 'wav2vec_ctc'.*fine-tuned",
        ),
        (
            {"model": {"w": torch.ones(1)}, "cfg": {"model": None}},
            "of None: wav2vec2, hubert and av_hubert can be read",
        ),
    ],
)
def test_other_contents(content, words, tmp_path):
    with pytest.raises(OriginalError, match=rf"(?s)checkpoint\.pt.*{words}"):
        read_original(file(tmp_path, content))


def test_other_contents_of_fast_vgs(tmp_path):
    values = settings(encoder_layers=2)
    folder = write("fast_vgs", tmp_path, values, weights("fast_vgs", values))
    torch.save({"audio_encoder": {}}, folder / "best_bundle.pth")
    with pytest.raises(OriginalError, match=r"best_bundle\.pth holds no dual_encoder"):
        read_original(folder)
    folder = write("fast_vgs", tmp_path / "other", values, weights("fast_vgs", values))
    (folder / "args.pkl").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(OriginalError, match=r"args\.pkl: its configuration lacks"):
        read_original(folder)


class Evil:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize("name", ["args.pkl", "best_bundle.pth"])
def test_each_file_of_fast_vgs_may_be_evil(name, tmp_path, capsys):
    values = settings(encoder_layers=2)
    folder = write("fast_vgs", tmp_path, values, weights("fast_vgs", values))
    if name == "args.pkl":
        (folder / name).write_bytes(pickle.dumps(argparse.Namespace(evil=Evil())))
    else:
        torch.save({"dual_encoder": {}, "evil": Evil()}, folder / name)
    with pytest.raises(UnsafePickleError, match=rf"{name} is refused: .* builtins\.print"):
        read_original(folder)
    assert capsys.readouterr().out == ""


def test_truncated_file(tmp_path):
    values = settings()
    path = write("wavlm", tmp_path, values, weights("wavlm", values))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PickleError, match=r"checkpoint\.pt is cut short"):
        read_original(path)


# Settings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoder_layers": "3"}, "encoder_layers is '3' .* a whole number from 1"),
        ({"encoder_layers": 0}, "a whole number from 1"),
        ({"encoder_layers": True}, "a whole number from 1"),
        ({"encoder_embed_dim": 24.0}, "a whole number from 1"),
        ({"encoder_attention_heads": 5}, "encoder_embed_dim 24 is no multiple of encoder_attention_heads 5"),
        ({"conv_pos_groups": 7}, "no multiple of conv_pos_groups 7"),
        ({"layer_norm_first": "no"}, "true or false"),
        ({"normalize": "${task.normalize}"}, r"normalize is '\$\{task\.normalize\}'"),
        ({"activation_fn": "glu"}, "gelu, .* can be read"),
        ({"extractor_mode": "group_norm_masked"}, "default, layer_norm can be read"),
        ({"layer_type": "conformer"}, "layer_type is 'conformer' .* only 'transformer'"),
        ({"pos_conv_depth": 5}, "only 1 can be read"),
        ({"quantize_input": True}, "only False can be read"),
        ({"encoder_layers": None}, "lacks encoder_layers"),
        ({"encoder_attention_heads": None}, "lacks encoder_attention_heads"),
        ({"layer_norm_first": None}, "lacks layer_norm_first"),
    ],
    ids=str,
)
@pytest.mark.parametrize("form", ["dict", "omegaconf"])
def test_settings_that_cannot_be_meant(changes, words, form, tmp_path):
    path = write("wav2vec2", tmp_path, settings() | changes, weights("wav2vec2", settings()), form=form)
    with pytest.raises(OriginalError, match=rf"checkpoint\.pt: .*{words}"):
        read_original(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sub_encoder_layers": 2}, "sub_encoder_layers is 2 .* only 0"),
        ({"modality_fuse": "mean"}, "concat, add can be read"),
        ({"audio_feat_dim": 80}, "audio_feat_dim is 80, stack_order_audio is 4: 4 frames of 26 filterbanks are 104"),
        ({"stack_order_audio": None}, "lacks stack_order_audio"),
    ],
    ids=str,
)
def test_settings_of_av_hubert(changes, words, tmp_path):
    path = write("av_hubert", tmp_path, settings() | changes, weights("av_hubert", settings()))
    with pytest.raises(OriginalError, match=words):
        read_original(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", ["wav2vec2", "hubert"])
def test_another_sample_rate_is_refused(family, form, tmp_path):
    for rate in (None, 16_000):
        values = settings(sample_rate=rate)
        assert read_original(write(family, tmp_path / str(rate), values, weights(family, values), form=form))
    values = settings(sample_rate=8000)
    with pytest.raises(OriginalError, match=r"sample_rate is 8000 in its configuration; only 16000 can be read"):
        read_original(write(family, tmp_path / "telephone", values, weights(family, values), form=form))


def test_sample_rate_of_other_families(tmp_path):
    """That of AV-HuBERT counts frames, as published."""
    assert original(tmp_path / "av_hubert", "av_hubert", sample_rate=25).family == "av_hubert"
    for family in ("wavlm", "fast_vgs"):
        with pytest.raises(OriginalError, match="sample_rate is 8000"):
            original(tmp_path / family, family, sample_rate=8000)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"model": {"normalize": True}}, "task.normalize is False, model.normalize is True"),
        ({"model": {"sample_rate": 8000}}, "task.sample_rate is 16000, model.sample_rate is 8000"),
        ({"model": {"w2v_args": {"task": {"normalize": True}}}}, "task.normalize is False, w2v_args.task.normalize is"),
        ({"model": {"w2v_args": argparse.Namespace(normalize=True)}}, "w2v_args.normalize is True"),
        ({"args": argparse.Namespace(normalize=True)}, "task.normalize is False, args.normalize is True"),
        ({"model": {"normalize": False}}, None),
        ({"model": {"normalize": "${task.normalize}"}}, None),
    ],
    ids=str,
)
def test_files_that_say_two_things_of_their_input(extra, words, tmp_path):
    task = {"normalize": False, "sample_rate": 16_000}
    model = {"_name": "hubert"} | settings() | {"normalize": None} | extra.get("model", {})
    content = {"cfg": {"model": model, "task": task}, "args": extra.get("args"), "model": weights("hubert", settings())}
    path = file(tmp_path, content)
    if words is None:
        assert read_original(path).normalise is False
        return
    with pytest.raises(OriginalError, match=rf"checkpoint\.pt contradicts itself: .*{words}"):
        read_original(path)


def test_settings_that_are_newer_than_a_file_or_do_not_matter(tmp_path):
    read = original(
        tmp_path, layer_type="transformer", pos_enc_type="abs", attn_type="", quantize_input=False, target_glu=1
    )
    assert read.blocks == 3


# conv_feature_layers

triples = st.tuples(*[st.integers(1, 1000)] * 3)


@given(st.lists(st.tuples(st.lists(triples, min_size=1, max_size=3), st.integers(1, 4)), min_size=1, max_size=4))
def test_conv_layers_are_what_python_makes_of_the_text(parts):
    text = " + ".join(f"{part} * {times}" if times > 1 else f"{part}" for part, times in parts)
    assert parse_conv_layers(text) == eval(text)


def test_conv_layers_may_be_a_list():
    assert parse_conv_layers([[512, 10, 5], (512, 3, 2)]) == [(512, 10, 5), (512, 3, 2)]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch mark')",
        "[(512, 10, 5)] + open('mark', 'w')",
        "[(512, 10, 5)] * len([1, 2])",
        "[(512, 10, (lambda: 5)())]",
        "[x for x in [(512, 10, 5)]]",
        "[(512, 10, 5)] * 1000 * 1000 * 1000 * 1000",
        "[(512, 10, 5)] * -1",
        "(" * 5000,
        "[" * 5000 + "]" * 5000,
        "[(512, 10, 5)] +",
        "[(512, 10)]",
        "[(512, 10, 5, 1)]",
        "[(512, 10, 0)]",
        "[(512, 10, '5')]",
        "[(512, 10, True)]",
        "[512, 10, 5]",
        "[]",
        "",
        "a\0b",
        None,
        7,
        [],
        [None],
    ],
    ids=lambda text: str(text)[:30],
)
def test_other_texts_are_not_run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError):  # noqa: PT011
        parse_conv_layers(text)
    path = write("wav2vec2", tmp_path, settings() | {"conv_feature_layers": text}, weights("wav2vec2", settings()))
    with pytest.raises(
        OriginalError, match=r"checkpoint\.pt: conv_feature_layers is .* a list of \(dimensions, kernel"
    ):
        read_original(path)
    assert not (tmp_path / "mark").exists()
