"""Models as people name them: what each is called from then on, what is shown, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.files.catalogues import CatalogueError
from layerwise.files.shipped import ROOT
from layerwise.models.by_name import load
from layerwise.models.catalogue import ModelEntry, hub_id, with_outline
from layerwise.models.checkpoints import CheckpointError
from layerwise.models.loading import load_folder
from layerwise.models.names import Models, told_apart
from layerwise.models.random_weights import architecture_of, make_random_checkpoint_like
from tiny_architectures import ARCHITECTURES, make_architecture
from tiny_models import make, speech
from tiny_originals import settings, weights, write

CATALOGUE = yaml.safe_load((ROOT / "resources/models.yaml").read_text())


def entry(said: str, **own: dict) -> ModelEntry:
    return Models(CATALOGUE, own).entry(said)


def refusal(said: str, **own: dict) -> str:
    with pytest.raises(CatalogueError) as error:
        entry(said, **own)
    return str(error.value)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make("random-wav2vec2-tiny", tmp_path_factory.mktemp("tiny") / "checkpoint", num_hidden_layers=2)


@pytest.fixture
def here(tmp_path, tiny, monkeypatch):
    """A working directory with a checkpoint under several paths."""
    for place in ("checkpoint", "a/checkpoint", "b/checkpoint", "owner/name", "home/checkpoint", "of spaces/ähm €"):
        shutil.copytree(tiny, tmp_path / place)
    write("hubert", tmp_path, settings(), weights("hubert", settings())).rename(tmp_path / "hubert.pt")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


# Names


@pytest.mark.parametrize(
    ("said", "name", "source", "revision"),
    [
        ("owner/name", "owner--name@main", "owner/name", None),
        ("owner/name@main", "owner--name@main", "owner/name", "main"),
        ("owner/name@0123abc", "owner--name@0123abc", "owner/name", "0123abc"),
        ("owner/name@v1.0", "owner--name@v1.0", "owner/name", "v1.0"),
        ("Owner_1/na-me.2", "Owner_1--na-me.2@main", "Owner_1/na-me.2", None),
    ],
)
def test_ids_of_the_hub(said, name, source, revision):
    found = entry(said)
    assert (found.name, found.source, found.revision, found.title) == (name, source, revision, said)
    assert (found.kind, found.is_planned) == ("hub", False)


def test_the_revision_of_an_extra_model_may_stand_in_its_source():
    found = entry("mine", mine={"source": "owner/name@abc"})
    assert (found.name, found.source, found.revision) == ("mine", "owner/name", "abc")


def test_an_id_that_the_catalogue_has_is_that_model():
    found, known = entry("facebook/hubert-base-ls960"), entry("hubert-base")
    assert found == replace(known, title="facebook/hubert-base-ls960")
    assert found.layers[-1] == "T12"
    assert entry("facebook/hubert-base-ls960@main") == replace(known, title="facebook/hubert-base-ls960@main")
    other = entry("facebook/wav2vec2-base@0123abc")
    assert other.name == "facebook--wav2vec2-base@0123abc"
    assert (other.revision, other.blocks, other.normalise, other.objective) == (
        "0123abc", 12, False, "masked contrastive",
    )  # fmt: skip


def test_paths(here):
    for said in (
        "checkpoint",
        "./checkpoint",
        "a/checkpoint",
        f"{here}/b/checkpoint",
        "~/checkpoint",
        "of spaces/ähm €",
    ):
        found = entry(said)
        assert (found.title, found.kind, found.blocks) == (said, "folder", 2)
        assert found.folder.is_dir()
        assert re.fullmatch(r"(checkpoint|hm)@[0-9a-f]{8}", found.name)
        assert entry(said).name == found.name
    file = entry("hubert.pt")
    assert (file.kind, file.blocks, file.folder.name) == ("folder", settings()["encoder_layers"], "hubert.pt")
    assert file.name.startswith("hubert.pt@")


def test_paths_that_end_alike_are_told_apart(here):
    names = {entry(said).name for said in ("checkpoint", "a/checkpoint", "b/checkpoint", "~/checkpoint")}
    assert len(names) == 4
    assert len({entry(said).name for said in ("checkpoint", "./checkpoint", "checkpoint/", "a/../checkpoint")}) == 1


def test_the_name_of_a_path_is_the_same_in_every_run(here):
    assert entry("a/checkpoint").name == "checkpoint@11e3d716"


def test_a_folder_that_exists_wins_over_an_id_and_says_so(here):
    found = entry("owner/name")
    assert (found.kind, found.source, found.title) == ("folder", "./owner/name", "owner/name")
    hub = entry("owner/name@main")
    assert (hub.kind, hub.source, hub.revision) == ("hub", "owner/name", "main")


def test_a_name_wins_over_a_folder(here):
    shutil.copytree("checkpoint", "hubert-base")
    assert entry("hubert-base").kind == "hub"
    assert entry("./hubert-base").kind == "folder"
    assert entry("checkpoint", checkpoint={"source": "owner/x"}).kind == "hub"


def test_no_name_is_one_that_a_catalogue_could_have(here):
    pattern = yaml.safe_load((ROOT / "workflow/schemas/models.schema.yaml").read_text())["propertyNames"]["pattern"]
    for said in ("owner/x", "owner/x@y", "checkpoint", "hubert.pt", "https://example.org/a/model.pt"):
        assert not re.search(pattern, entry(said).name)
        assert re.fullmatch(r"[A-Za-z0-9_.@-]+", entry(said).name)


def test_addresses_of_files():
    found = entry("https://example.org/a/model.pt?download=1")
    assert (found.kind, found.source) == ("url", "https://example.org/a/model.pt?download=1")
    assert found.name.startswith("model.pt-download-1@")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("/data/none", "models: /data/none does not exist"),
        ("./owner/none", "models: ./owner/none does not exist"),
        ("~/none", "models: ~/none does not exist"),
        ("checkpoint-2.pt", "models: checkpoint-2.pt does not exist"),
        ("owner/model.safetensors", "models: owner/model.safetensors does not exist"),
        ("a/b/c", "a Hugging Face id: owner/name"),
        ("owner--x/name", "models: owner--x/name does not exist"),
        ("owner/name@", "models: owner/name@ does not exist"),
        ("wavlm-bse", "did you mean wavlm-base?"),
        (" ", "' ' is not a name"),
        ("https://huggingface.co/owner/name/", "is a page, not a file; the model itself is owner/name"),
        ("https://huggingface.co/owner/name/tree/abc", "the model itself is owner/name@abc"),
        ("resources", "config.json does not exist"),
        ("resources/models.yaml", "resources/models.yaml"),
    ],
)
def test_what_names_no_model_is_refused(said, words):
    message = refusal(said)
    assert message.startswith("models: ")
    assert words in message


def test_one_model_by_two_names_is_refused():
    with pytest.raises(ConfigurationError, match="hubert-base and facebook/hubert-base-ls960 are one model"):
        read_experiment({"models": ["hubert-base", "facebook/hubert-base-ls960"]})


def test_experiments_know_both_names(here):
    experiment = read_experiment({"models": ["facebook/hubert-base-ls960", "owner/x@1", "checkpoint", "wavlm-base"]})
    assert list(experiment.models) == ["hubert-base", "owner--x@1", entry("checkpoint").name, "wavlm-base"]
    assert dict(zip(experiment.names.values(), experiment.names, strict=True))["owner--x@1"] == "owner/x@1"
    assert experiment.parents == {}


@pytest.mark.parametrize("name", ["layer", "alignments"])
def test_names_of_columns_are_taken(name):
    with pytest.raises(ConfigurationError, match=rf"extra_models\.{name}: tables have a column of this name"):
        read_experiment({"models": [name], "extra_models": {name: {"source": "owner/x"}}})


# Random weights like any of them


def random(like: str, **fields) -> dict:
    return {"source": "random-init", "like": like} | fields


def test_random_weights_like_a_model_of_the_hub_wait_for_its_checkpoint():
    known = Models(CATALOGUE, {"mine": {"source": "owner/x", "size": "Base"}, "control": random("mine", seed=4)})
    found = known.entry("control")
    assert (found.kind, found.like, found.seed, found.size, found.is_planned) == ("random", "mine", 4, "Base", False)
    assert found.title == "mine (random weights)"
    assert known.parents["mine"].source == "owner/x"


@pytest.mark.parametrize("like", ["owner/x", "owner/x@abc", "https://example.org/model.pt"])
def test_random_weights_like_what_is_not_here_yet(like):
    known = Models(CATALOGUE, {"control": random(like)})
    found = known.entry("control")
    assert (found.like, found.seed, found.title) == (entry(like).name, 1, f"{like} (random weights)")
    assert known.parents == {entry(like).name: entry(like)}


def test_random_weights_like_what_the_catalogue_has_by_another_name():
    found = entry("control", control=random("facebook/hubert-base-ls960"))
    assert (found.like, found.architecture) == (None, CATALOGUE["hubert-base"]["architecture"])


def test_random_weights_like_a_checkpoint_here_are_planned(here):
    for like, blocks in (("checkpoint", 2), ("hubert.pt", settings()["encoder_layers"])):
        found = entry("control", control=random(like))
        assert (found.like, found.blocks) == (entry(like).name, blocks)


def test_an_architecture_of_ones_own_counts_before_that_of_the_model(here):
    found = entry("control", control=random("checkpoint", architecture=CATALOGUE["random-hubert-tiny"]["architecture"]))
    assert (found.like, found.blocks, found.title) == (None, 6, "checkpoint (random weights)")


def test_random_weights_like_random_weights():
    own = {"mine": {"source": "owner/x"}, "one": random("mine"), "two": random("one", seed=2)}
    assert entry("two", **own).like == "mine"
    shown = told_apart({name: entry(name, **own) for name in ("one", "two")})
    assert [found.title for found in shown.values()] == ["mine (random weights) (one)", "mine (random weights) (two)"]


@pytest.mark.parametrize("like", ["fast-vgs", "fast-vgs-plus", "avhubert-base", "avhubert-large"])
def test_models_that_have_no_random_weights_are_refused_by_name(like):
    assert refusal("control", control=random(like)).startswith(f"extra_models.control.like: random weights of {like} ")


def test_originals_that_have_no_random_weights_are_refused_by_name(tmp_path):
    path = write("av_hubert", tmp_path, settings(), weights("av_hubert", settings()))
    message = refusal("control", control=random(str(path)))
    assert message.startswith(f"extra_models.control.like: random weights like {path} cannot be drawn")


def test_circles_are_refused():
    own = {"a": random("b"), "b": random("c"), "c": random("a")}
    assert refusal("a", **own) == "extra_models.a.like: a and b and c are like each other, and like no model"
    assert "like no model" in refusal("a", a=random("a"))


def chain(length: int) -> dict[str, dict]:
    like = [f"m{number}" for number in range(1, length)] + ["hubert-base"]
    return {f"m{number}": {"source": "random-init", "like": name} for number, name in enumerate(like)}


def test_a_long_chain_of_models_that_are_like_one_another_is_refused():
    assert entry("m0", **chain(10)).title == "HuBERT Base (random weights)"
    for length in (11, 3000):
        assert refusal("m0", **chain(length)).startswith("models.m0: more than 10 models are like one another in turn")


@pytest.mark.parametrize("like", ["hubert-bse", "/data/none"])
def test_what_random_weights_cannot_be_like(like):
    assert refusal("control", control=random(like)).startswith("extra_models.control.like: ")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_random_checkpoint_has_the_layers_of_its_model_and_other_weights(name, tmp_path):
    trained = make_architecture(name, tmp_path / "trained")
    make_random_checkpoint_like(trained, 7, tmp_path / "random")
    make_random_checkpoint_like(trained, 7, tmp_path / "again")
    one, other = load_folder(trained), load_folder(tmp_path / "random")
    assert one.layer_names == other.layer_names
    assert (one.stride_seconds, one.normalise) == (other.stride_seconds, other.normalise)
    waveform = speech()
    for layer, values in one.layers(waveform).items():
        assert values.shape == other.layers(waveform)[layer].shape
    assert (tmp_path / "random/model.safetensors").read_bytes() == (tmp_path / "again/model.safetensors").read_bytes()
    found, drawn = load_file(trained / "model.safetensors"), load_file(tmp_path / "random/model.safetensors")
    assert any(not np.array_equal(found[key], drawn[key]) for key in found if key in drawn)


@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "wavlm"])
def test_a_random_checkpoint_like_an_original(family, tmp_path):
    path = write(family, tmp_path, settings(), weights(family, settings()))
    make_random_checkpoint_like(path, 1, tmp_path / "random")
    one, other = load_folder(path), load_folder(tmp_path / "random")
    assert one.layer_names == other.layer_names
    waveform = speech()
    assert {k: v.shape for k, v in one.layers(waveform).items()} == {
        k: v.shape for k, v in other.layers(waveform).items()
    }


def test_the_input_of_a_random_checkpoint_is_that_of_its_model(tiny, tmp_path):
    source = shutil.copytree(tiny, tmp_path / "source")
    said = json.loads((source / "preprocessor_config.json").read_text())
    (source / "preprocessor_config.json").write_text(json.dumps(said | {"do_normalize": not said["do_normalize"]}))
    make_random_checkpoint_like(source, 1, tmp_path / "random")
    assert (
        json.loads((tmp_path / "random/preprocessor_config.json").read_text())["do_normalize"]
        is not said["do_normalize"]
    )


def test_numbers_of_less_precision_are_no_part_of_an_architecture(tiny, tmp_path):
    source = shutil.copytree(tiny, tmp_path / "source")
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | {"torch_dtype": "float16", "dtype": "float16"}))
    make_random_checkpoint_like(source, 1, tmp_path / "random")
    assert {str(t.dtype) for t in load_file(tmp_path / "random/model.safetensors").values()} == {"torch.float32"}


def test_a_checkpoint_without_a_configuration_is_no_model_to_be_like(tmp_path):
    with pytest.raises(CheckpointError, match=r"config\.json does not exist"):
        architecture_of(tmp_path)


def test_models_are_loaded_by_their_names_too():
    assert load("random-demo").layer_names[-1] == "T6"


# Titles


def titled(**titles: str) -> list[str]:
    entries = {name: ModelEntry(name, title, "owner/x") for name, title in titles.items()}
    return [found.title for found in told_apart(entries).values()]


@pytest.mark.parametrize(
    ("titles", "shown"),
    [
        ({"a": "HuBERT", "b": "WavLM"}, ["HuBERT", "WavLM"]),
        ({"a": "HuBERT", "b": "HuBERT"}, ["HuBERT (a)", "HuBERT (b)"]),
        ({"a": "HuBERT", "b": " HuBERT ", "c": "Hu  BERT"}, ["HuBERT (a)", "HuBERT (b)", "Hu BERT"]),
        ({"a": "b", "b": "b"}, ["b (a)", "b"]),
        ({"a": "b", "b": "HuBERT"}, ["b (a)", "HuBERT"]),
        ({"a": "b", "b": "a"}, ["b (a)", "a (b)"]),
        ({"a": "x", "b": "x", "c": "x (a)"}, ["x (a) (a)", "x (b)", "x (a) (c)"]),
        ({"a": "é", "b": "e\u0301"}, ["é (a)", "e\u0301 (b)"]),
        ({"a": "", "b": "\n"}, ["a", "b"]),
    ],
    ids=str,
)
def test_titles_are_told_apart(titles, shown):
    assert titled(**titles) == shown


def test_an_experiment_shows_titles_that_differ():
    own = {name: {"source": f"owner/{name}", "title": "HuBERT"} for name in ("hubert-a", "hubert-b")}
    models = read_experiment({"models": list(own), "extra_models": own}).models
    assert [found.title for found in models.values()] == ["HuBERT (hubert-a)", "HuBERT (hubert-b)"]
    shape = {"conv_layers": 7, "blocks": 2, "stride_seconds": 0.02, "width": 48}
    assert with_outline(models["hubert-a"], shape).title == "HuBERT (hubert-a)"


def test_titles_are_one_line_that_every_picture_and_page_can_hold():
    titles = {"a": "x\x1b]0;title\x07\0", "b": " two\nlines\u3000", "c": "x" * 10_000, "d": "y\u202ez", "e": "ن\u200cا"}
    models = {name: ModelEntry(name, title, "a/b") for name, title in titles.items()}
    shown = [entry.title for entry in told_apart(models).values()]
    assert shown[:2] == [r"x\x1b]0;title\x07\x00", "two lines"]
    assert len(shown[2]) < 210
    assert shown[3:] == [r"y\u202ez", "ن\u200cا"]


def test_names_fit_into_a_path():
    long = "x" * 300
    assert hub_id(f"owner/{long}") == ("", None)  # longer than the hub allows
    name = Models({}, {}).entry(f"owner/name@{long}").name
    assert len(name) < 150
