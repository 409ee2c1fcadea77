"""What names mean: entries of models, and the layers that they have."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

from layerwise import catalogue
from layerwise.catalogue import ROOT, CatalogueError, layer_names, locate, model_entry, read_yaml
from tiny_originals import settings, weights, write

SHAPE = {"conv_layers": 7, "blocks": 12, "stride_seconds": 0.02}
MODELS = yaml.safe_load((ROOT / "resources/models.yaml").read_text())


def test_layers_are_named_by_depth():
    assert layer_names(2, 3) == ["C1", "C2", "T0", "T1", "T2", "T3"]
    assert layer_names(0, 1) == ["T0", "T1"]


def test_yaml_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "models.yaml"
    path.write_text("a: [1, 2\n")
    with pytest.raises(CatalogueError, match=r"(?s)models\.yaml: .*line 2"):
        read_yaml(path)


@pytest.mark.parametrize(("content", "kind"), [("- a\n- b\n", "list"), ("", "NoneType"), ("text\n", "str")])
def test_yaml_without_names_is_refused(tmp_path, content, kind):
    path = tmp_path / "models.yaml"
    path.write_text(content)
    with pytest.raises(CatalogueError, match=rf"models\.yaml: a mapping of names is expected, not {kind}"):
        read_yaml(path)


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
    ],
)
def test_kinds_of_source(source, kind):
    assert catalogue.ModelEntry("m", "m", source, **SHAPE).kind == kind


def test_paths_are_relative_to_the_working_directory_or_else_the_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert locate("resources/models.yaml") == ROOT / "resources/models.yaml"
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/models.yaml").touch()
    assert locate("resources/models.yaml").resolve() == tmp_path / "resources/models.yaml"
    assert locate("/absolute/path").as_posix() == "/absolute/path"


def test_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate("~/models") == tmp_path / "models"


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
def test_entry_of_the_hub_has_to_say_its_layers(missing):
    description = {"source": "owner/name"} | {key: value for key, value in SHAPE.items() if key != missing}
    with pytest.raises(CatalogueError, match=rf"mine: {missing} must be given"):
        model_entry("mine", description)
    assert model_entry("mine", {"source": "owner/name"} | SHAPE).layers == layer_names(7, 12)


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
        "import sys; from layerwise.catalogue import model_entry\n"
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


def test_titles_of_the_catalogue_differ():
    titles = [model_entry(name, description).title for name, description in MODELS.items()]
    assert len(titles) == len(set(titles)) >= 10


def test_depths_of_the_papers_models():
    blocks = {name: model_entry(name, MODELS[name]).blocks for name in MODELS if not name.startswith("random-")}
    assert blocks == {name: 24 if "large" in name or "xlsr" in name else 12 for name in blocks}
