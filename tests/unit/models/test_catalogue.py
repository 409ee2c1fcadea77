"""What names mean: entries of models, and the layers that they have."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

from layerwise.files import catalogues
from layerwise.files.catalogues import CatalogueError
from layerwise.files.shipped import ROOT
from layerwise.layers import layer_names
from layerwise.models.catalogue import ModelEntry, facts, model_entry, with_outline
from layerwise.models.names import Models
from tiny_originals import settings, weights, write

SHAPE = {"conv_layers": 7, "blocks": 12, "stride_seconds": 0.02}
MODELS = yaml.safe_load((ROOT / "resources/models.yaml").read_text())


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("random-init", "random"),
        ("facebook/hubert-base-ls960", "hub"),
        ("some/where/deep", "folder"),
        ("./here/there", "folder"),
        ("../there", "folder"),
        ("/absolute/path", "folder"),
        ("resources/demo", "folder"),  # could be an id, but lies here
        ("resources/models.yaml", "folder"),
        ("checkpoints/mine.pt", "folder"),  # nothing is there, but no id ends so
        ("checkpoints/best_bundle.pth", "folder"),
        ("checkpoints/model.safetensors", "folder"),
        ("owner/name@refs/pr/1", "hub"),
        ("owner--name/x", "folder"),  # the hub allows neither this nor the next
        ("owner/na..me", "folder"),
    ],
)
def test_kinds_of_source(source, kind):
    assert ModelEntry("m", "m", source, **SHAPE).kind == kind


def test_entry_of_a_folder_reads_its_config(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"conv_stride": [10, 4], "num_hidden_layers": 2}))
    entry = model_entry("mine", {"source": str(tmp_path)})
    assert entry.layers == ["C1", "C2", "T0", "T1", "T2"]
    assert entry.stride_seconds == 40 / 16000
    assert entry.folder == tmp_path
    assert entry.title == "mine"
    assert model_entry("mine", {"source": str(tmp_path), "title": "Mine"}).title == "Mine"


def test_entry_of_random_weights_takes_its_architecture():
    entry = model_entry("random-hubert-tiny", MODELS["random-hubert-tiny"])
    assert entry.kind == "random"
    assert entry.layers == layer_names(7, 6)
    assert entry.stride_seconds == 0.02
    assert entry.seed == 2
    assert entry.architecture["model_type"] == "hubert"


@pytest.mark.parametrize("missing", SHAPE)
def test_entry_of_the_hub_need_not_say_its_layers(missing):
    description = {"source": "owner/name"} | {key: value for key, value in SHAPE.items() if key != missing}
    entry = model_entry("mine", description)
    assert not entry.is_planned
    with pytest.raises(CatalogueError, match=r"models\.mine: its layers are not known before"):
        _ = entry.layers
    assert with_outline(entry, SHAPE | {"width": 48}).layers == layer_names(7, 12)
    known = model_entry("mine", {"source": "owner/name"} | SHAPE)
    assert known.is_planned
    assert known.layers == layer_names(7, 12)


@pytest.mark.parametrize("source", ["https://example.org/a/model.pt", "http://localhost/model"])
def test_address_of_a_file(source):
    entry = model_entry("mine", {"source": source, "sha256": "0" * 64})
    assert (entry.kind, entry.is_planned, entry.sha256) == ("url", False, "0" * 64)


def test_folder_whose_config_does_not_tell_the_layers(tmp_path):
    """What it leaves to transformers' defaults, its checkpoint is asked for."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2", "num_hidden_layers": 4}))
    entry = model_entry("mine", {"source": str(tmp_path)})
    assert (entry.kind, entry.is_planned) == ("folder", False)


# Files that are fetched by hand


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working directory of one's own: the checkout's models are left alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalogues, "ROOT", tmp_path / "checkout")
    return tmp_path


def test_files_by_hand_are_asked_for_by_name(elsewhere):
    entry = model_entry("fast-vgs", MODELS["fast-vgs"])
    assert entry.kind == "folder"
    assert entry.layers == layer_names(7, 8)
    words = "args.pkl and best_bundle.pth must be fetched by hand, from https://github.com/jasonppy/FaST-VGS-Family"
    with pytest.raises(CatalogueError, match=rf"models\.fast-vgs: {words}.*resources/models/fast-vgs/.*source: FOLDER"):
        entry.require_files()
    (elsewhere / "resources/models/fast-vgs").mkdir(parents=True)
    (elsewhere / "resources/models/fast-vgs/args.pkl").touch()
    with pytest.raises(CatalogueError, match=r"models\.fast-vgs: best_bundle\.pth must be"):
        _ = entry.folder


def test_files_by_hand_say_more_than_the_catalogue(elsewhere):
    folder = elsewhere / "resources/models/fast-vgs"
    folder.mkdir(parents=True)
    write("fast_vgs", folder, settings(), weights("fast_vgs", settings(encoder_layers=2)))
    entry = model_entry("fast-vgs", MODELS["fast-vgs"])
    assert entry.folder.resolve() == folder
    assert entry.blocks == 2
    assert entry.title == "FaST-VGS"


def test_folder_without_config(tmp_path):
    with pytest.raises(CatalogueError, match=r"mine: .*config\.json does not exist.*original \.pt file"):
        model_entry("mine", {"source": str(tmp_path)})


@pytest.mark.parametrize(
    ("family", "layers", "stride_seconds"),
    [
        ("wav2vec2", layer_names(7, 3), 0.02),
        ("hubert", layer_names(7, 3), 0.02),
        ("wavlm", layer_names(7, 3), 0.02),
        ("av_hubert", layer_names(0, 3), 0.04),
        ("fast_vgs", layer_names(7, 2), 0.02),
    ],
)
def test_entry_of_an_original_file_reads_it(tmp_path, family, layers, stride_seconds):
    values = settings()
    held = settings(encoder_layers=2) if family == "fast_vgs" else values
    source = write(family, tmp_path, values, weights(family, held))
    for given in {source, source if source.is_dir() else source.parent}:
        entry = model_entry("mine", {"source": str(given)})
        assert entry.kind == "folder"
        assert entry.folder == given
        assert (entry.layers, entry.stride_seconds) == (layers, stride_seconds)


def test_planning_with_an_original_file_does_not_import_torch(tmp_path):
    path = write("hubert", tmp_path, settings(), weights("hubert", settings()))
    program = (
        "import sys; from layerwise.models.catalogue import model_entry\n"
        f"assert model_entry('mine', {{'source': {str(path)!r}}}).blocks == 3\n"
        "assert 'torch' not in sys.modules"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_original_file_that_cannot_be_used(tmp_path):
    path = tmp_path / "mine.pt"
    with pytest.raises(CatalogueError, match=r"models\.mine: .*mine\.pt does not exist"):
        model_entry("mine", {"source": str(path)})
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(CatalogueError, match=r"models\.mine: .*mine\.pt is cut short"):
        model_entry("mine", {"source": str(path)})


# The catalogue itself

PAPER = {
    "wav2vec2-base": 12,
    "wav2vec2-large": 24,
    "xlsr-53": 24,
    "hubert-base": 12,
    "hubert-large": 24,
    "wavlm-base": 12,
    "wavlm-large": 24,
    "avhubert-base": 12,
    "avhubert-large": 24,
    "fast-vgs": 8,
    "fast-vgs-plus": 12,
}
EXTRAS = {"xls-r-300m": 24, "wavlm-base-plus": 12, "data2vec-base": 12, "data2vec-large": 24}
TRAINED = PAPER | EXTRAS
DEMO = ["demo-wav2vec2", "demo-wav2vec2-prenorm", "demo-hubert-1", "demo-hubert-2"]
ENTRIES = {name: Models(MODELS, {}).entry(name) for name in MODELS}


def test_titles_of_the_catalogue_differ():
    titles = [entry.title for entry in ENTRIES.values()]
    assert len(titles) == len(set(titles)) >= 10


def test_depths_of_the_models():
    found = {name: entry.blocks for name, entry in ENTRIES.items() if entry.kind != "random"}
    assert found == TRAINED | dict.fromkeys(DEMO, 6)
    assert {name: entry.width for name, entry in ENTRIES.items() if name in TRAINED} == {
        name: 1024 if blocks == 24 else 768 for name, blocks in TRAINED.items()
    }


@pytest.mark.parametrize("name", TRAINED)
def test_trained_models_say_what_tables_and_plots_group_by(name):
    entry = ENTRIES[name]
    known = facts(entry)
    unknown = {key for key, value in known.items() if value is None or value == ""}
    assert unknown <= ({"revision", "normalise"} if "avhubert" in name else {"revision", "iteration"})
    assert entry.modality.startswith("audio")
    assert entry.size == ("Large" if entry.blocks == 24 else "Base")
    if entry.kind == "hub":
        assert "revision" in MODELS[name]


@pytest.mark.parametrize("name", DEMO)
def test_models_of_the_demo_are_small_and_described(name):
    entry = ENTRIES[name]
    assert {key for key, value in facts(entry).items() if value in (None, "")} == {"revision"}
    assert (entry.folder / "model.safetensors").stat().st_size <= 2e6
    card = (entry.folder / "README.md").read_text()
    for word in (entry.title, entry.objective, "MIT", "seed", "minutes", "steps", "loss.png", "losses.csv"):
        assert word in card
    assert {"loss.png", "losses.csv", "config.json"} <= {path.name for path in entry.folder.iterdir()}


@pytest.mark.parametrize("name", [name for name in MODELS if "architecture" in MODELS[name]])
def test_architectures_have_the_layers_of_their_models(name):
    """A random variant is what the trained model was before its training."""
    entry = ENTRIES[name]
    random = Models(MODELS, {"control": {"source": "random-init", "like": name, "seed": 3}}).entry("control")
    for key in ("conv_layers", "blocks", "stride_seconds", "width", "family", "size", "normalise", "architecture"):
        assert getattr(random, key) == getattr(entry, key)
    assert random.title == f"{entry.title.removesuffix(' (random weights)')} (random weights)"
    assert (random.kind, random.seed, random.objective, random.hours) == ("random", 3, "none", None)


@pytest.mark.parametrize("name", ["random-wav2vec2-large", "random-hubert-base", "random-data2vec-large"])
def test_random_variants_are_in_the_catalogue(name):
    assert ENTRIES[name].layers == ENTRIES[name.removeprefix("random-")].layers


def test_published_architectures_differ_from_the_defaults_of_transformers_as_known():
    """Values that decide a layer and are not in the table of shapes."""
    from transformers import AutoConfig

    large = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "num_attention_heads": 16}
    expected = {"wav2vec2-base": {}, "hubert-base": {}, "wavlm-base": {}, "data2vec-base": {}}
    expected |= {"wav2vec2-large": large | {"conv_bias": True}, "wavlm-large": large}
    for name, changes in expected.items():
        values = dict(ENTRIES[name].architecture)
        made = AutoConfig.for_model(values.pop("model_type"), **values)
        plain = AutoConfig.for_model(made.model_type)
        for key in ("feat_extract_norm", "conv_bias", "do_stable_layer_norm", "num_attention_heads", "conv_kernel"):
            wanted = changes.get(key, getattr(plain, key, None))
            found = getattr(made, key, None)
            assert (list(found) if key == "conv_kernel" else found) == (
                list(wanted) if key == "conv_kernel" else wanted
            )


def test_only_random_weights_are_like_another_model():
    with pytest.raises(CatalogueError, match=r"mine\.like: only random weights"):
        model_entry("mine", {"source": "owner/name", "like": "hubert-base"})
