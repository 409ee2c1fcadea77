"""What a configuration may say, and what is said about a wrong one."""

from __future__ import annotations

import copy
import difflib
import functools
import gzip
import json
import re

import jsonschema
import pytest
import yaml

from layerwise.experiment.configuration import layering, schema
from layerwise.experiment.configuration.experiment import Experiment, read_experiment
from layerwise.experiment.configuration.layering import merged
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.experiment.configuration.schema import SCHEMAS, check_schema
from layerwise.experiment.configuration.sources import Source
from layerwise.experiment.samples.sizes import KEYS
from layerwise.files import catalogues
from layerwise.files.shipped import ROOT
from layerwise.models.catalogue import with_outline

DEMO = yaml.safe_load((ROOT / "config.yaml").read_text())
SCHEMA = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text())
read_once = functools.cache(schema.read_yaml)
BASE_CONV = {"conv_stride": [5, 2, 2, 2, 2, 2, 2], "num_hidden_layers": 3}


def refusal(config: dict) -> str:
    """What is said about a wrong configuration."""
    with pytest.raises(ConfigurationError) as caught:
        read_experiment(config)
    return str(caught.value)


def lines(config: dict) -> list[str]:
    return re.findall(r"^  - (.+)$", refusal(config), re.MULTILINE)


def parts(schema: dict, path: tuple[str, ...] = ()):
    """(path, schema) of every key that the schema names, sections before their keys."""
    for key, part in schema.get("properties", {}).items():
        yield (*path, key), part
        yield from parts(part, (*path, key))


def nested(path: tuple[str, ...], value) -> dict:
    for key in reversed(path):
        value = {key: value}
    return value


@pytest.fixture(autouse=True)
def _read_once(monkeypatch):
    """Schemas and catalogues don't change while these tests run, and reading them is most of the time."""
    for module in (layering, schema):
        monkeypatch.setattr(module, "read_yaml", read_once)


PARTS = dict(parts(SCHEMA))
SECTIONS = [path for path, part in PARTS.items() if "properties" in part]
LEAVES = [path for path, part in PARTS.items() if "properties" not in part]


def ids(paths):
    return [".".join(path) for path in paths]


# The schema itself


def test_schema_has_keys_at_two_levels():
    assert ("corpus", "name") in LEAVES
    assert ("samples",) in SECTIONS
    assert len(LEAVES) > 20


@pytest.mark.parametrize("path", PARTS, ids=ids(PARTS))
def test_every_key_has_a_description_and_a_valid_default(path):
    part = PARTS[path]
    assert len(part["description"]) > 10
    assert "default" in part
    assert read_experiment(nested(path, part["default"])).config == read_experiment({}).config


@pytest.mark.parametrize("path", [(), *SECTIONS], ids=[".", *ids(SECTIONS)])
def test_no_level_takes_other_keys(path):
    part = PARTS[path] if path else SCHEMA
    assert part["additionalProperties"] is False


@pytest.mark.parametrize("schema", sorted(path.name for path in SCHEMAS.glob("*.yaml")))
def test_schemas_are_schemas(schema):
    jsonschema.Draft202012Validator.check_schema(yaml.safe_load((SCHEMAS / schema).read_text()))


def test_every_field_of_a_model_is_described():
    model = yaml.safe_load((SCHEMAS / "models.schema.yaml").read_text())["$defs"]["model"]
    assert model["additionalProperties"] is False
    assert all(part["description"] for part in model["properties"].values())


# config.yaml and the catalogues


def test_config_yaml_is_valid_and_names_every_key():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert read_experiment(config).config == config

    def keys(content, path=()):
        for key, value in content.items():
            yield (*path, key)
            if isinstance(value, dict):
                yield from keys(value, (*path, key))

    assert set(keys(config)) == set(PARTS)


@pytest.mark.parametrize("preset", sorted(path.name for path in (ROOT / "resources/experiments").glob("*.yaml")))
def test_presets_are_valid_and_named_after_their_file(preset):
    config = yaml.safe_load((ROOT / "resources/experiments" / preset).read_text())
    assert read_experiment(config).config["experiment"] == preset.removesuffix(".yaml")


@pytest.mark.parametrize(
    "name", ["models", "corpora", "layouts", "phones", "marks", "tasks", "pretraining", "vectors", "ratings"]
)
def test_catalogues_are_valid(name):
    content = yaml.safe_load((ROOT / f"resources/{name}.yaml").read_text())
    assert content
    check_schema(content, f"{name}.schema.yaml")


CATALOGUE = yaml.safe_load((ROOT / "resources/models.yaml").read_text())
BY_HAND = [name for name, entry in CATALOGUE.items() if entry["source"] == "by-hand"]


@pytest.mark.parametrize("model", sorted(set(CATALOGUE) - set(BY_HAND)))
def test_every_model_of_the_catalogue_can_be_chosen(model):
    entry = read_experiment({"models": [model]}).models[model]
    assert entry.is_planned
    assert entry.blocks >= 1
    heard_as_filterbanks = model.startswith("avhubert")
    assert entry.conv_layers == (0 if heard_as_filterbanks else 7)
    assert entry.stride_seconds == pytest.approx(0.04 if heard_as_filterbanks else 0.02)


@pytest.mark.parametrize("model", BY_HAND)
def test_models_fetched_by_hand_are_asked_for(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalogues, "ROOT", tmp_path / "nowhere")
    (line,) = [line for line in lines({"models": [model]}) if not line.startswith(("corpus.", "tasks."))]
    assert line.startswith(f"models.{model}: args.pkl and best_bundle.pth must be fetched by hand, from https://")
    assert f"resources/models/{model}/" in line
    assert "extra_models" in line


def test_wrong_catalogue_is_named(monkeypatch, tmp_path):
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/models.yaml").write_text("mine: {source: a/b, colour: red}\n")
    monkeypatch.setattr(schema, "ROOT", tmp_path)
    message = refusal({})
    assert "resources/models.yaml" in message
    assert "mine.colour" in message


# Defaults


def test_defaults_fill_every_level():
    filled = read_experiment({}).config
    for path, part in PARTS.items():
        value = filled
        for key in path:
            value = value[key]
        if path in LEAVES:
            assert value == part["default"], path


def test_given_values_stay_beside_defaults():
    config = read_experiment({"samples": {"count": 7}, "cca": {"folds": 5, "trials": 2}}).config
    assert config["samples"]["count"] == 7
    assert config["samples"]["seed"] == PARTS["samples", "seed"]["default"]
    assert config["cca"]["folds"] == 5
    assert config["cca"]["standardise"] is True


def test_what_was_given_is_not_changed():
    given = {"samples": {"count": 2}}
    before = copy.deepcopy(given)
    read_experiment(given)
    assert given == before


# Values from the command line: Snakemake hands those of a nested mapping over as text


@pytest.mark.parametrize(
    ("given", "section", "key", "value"),
    [
        ({"samples": {"count": "4"}}, "samples", "count", 4),
        ({"cca": {"standardise": "false"}}, "cca", "standardise", False),
        ({"cca": {"epsilons": [["1e-4", "1.0e-3"]]}}, "cca", "epsilons", [[1e-4, 1e-3]]),
        ({"corpus": {"audio": "null"}}, "corpus", "audio", None),
        ({"corpus": {"name": "demo"}}, "corpus", "name", "demo"),
    ],
)
def test_text_of_the_command_line_is_read(given, section, key, value):
    read = read_experiment(given).config[section][key]
    assert read == value
    assert type(read) is type(value)


def test_numbers_of_options_are_read_and_their_words_stay():
    clusters = {"rows": "word", "target": {"label": "label"}, "measure": {"mutual_information": {"clusters": "8"}}}
    phones = {"rows": "frame", "target": {"intervals": "phone"}, "measure": {"abx": {"pooling": "dtw"}}}
    found = read_experiment(
        {"extra_properties": {"clusters": clusters, "phones": phones}, "properties": ["clusters", "phones"]}
    )
    assert found.properties["clusters"].measure.options["clusters"] == 8
    assert found.properties["phones"].measure.options["pooling"] == "dtw"


@pytest.mark.parametrize(
    ("text", "section", "key", "value"),
    [
        (".5", "probes", "cache_gb", 0.5),
        ("1_000", "samples", "utterances", 1000),
        ("+1", "samples", "seed", 1),
        ("False", "representations", "keep", False),
        ("yes", "corpus", "keep", True),
        ("None", "probes", "heads_per_job", None),
    ],
)
def test_any_spelling_of_a_number_or_a_truth_value_is_read(text, section, key, value):
    read = read_experiment({section: {key: text}}).config[section][key]
    assert (read, type(read)) == (value, type(value))


def test_numbers_of_an_architecture_are_read():
    small = {"hidden_size": "48", "num_attention_heads": "2", "num_hidden_layers": "2", "intermediate_size": "64"}
    conv = {"conv_dim": ["32", "32"], "conv_kernel": ["10", "3"], "conv_stride": ["5", "2"]}
    architecture = {"model_type": "wav2vec2", "num_feat_extract_layers": "2"} | small | conv
    own = {"mine": {"source": "random-init", "architecture": architecture}}
    entry = read_experiment({"models": ["mine"], "extra_models": own}).models["mine"]
    assert entry.layers == ["C1", "C2", "T0", "T1", "T2"]
    assert entry.architecture["conv_dim"] == [32, 32]


def test_text_in_place_of_keys_is_told_how_they_are_written():
    (line,) = lines({"samples": "count:2"})
    assert line == 'samples: found "count:2"; must be object, such as {key: value} or auto'
    (line,) = lines({"corpus": {"tiers": "MAU"}})
    assert line == 'corpus.tiers: found "MAU"; must be object or null, such as {phone: MAU}'
    assert lines({"samples": {"word_types": "all"}}) == ['samples.word_types: found "all"; must be integer or auto']


def test_the_demo_has_its_task_and_a_corpus_of_ones_own_has_none(tmp_path):
    def tasks(**config):
        return read_experiment(DEMO, {"models": ["random-demo"]} | config).tasks

    assert list(tasks()) == ["demo-intent"]
    assert list(tasks(probes={"tasks": ["demo-phones"]})) == ["demo-phones"]
    assert tasks(corpus={"name": "mine", "audio": str(tmp_path)}) == {}
    assert tasks(corpus={"audio": str(tmp_path)}) == {}
    assert tasks(corpus={"name": "librispeech"}) == {}


# A corpus of one's own on top of config.yaml, which is the demo's


def asked_with(**config) -> Experiment:
    return read_experiment(DEMO, {"models": ["random-demo"]} | config)


@pytest.mark.parametrize("corpus", [{"split": "dev-clean"}, {"audio": "."}, {"name": "demo", "keep": True}])
def test_the_demo_from_elsewhere_has_what_config_yaml_says(corpus):
    config = read_experiment(DEMO, {"corpus": corpus}).config
    assert {**config, "corpus": None} == {**read_experiment(DEMO).config, "corpus": None}


def test_a_corpus_of_ones_own_has_nothing_of_the_demo(tmp_path):
    config = asked_with(corpus={"name": "mine", "audio": str(tmp_path)}).config
    assert config["experiment"] == "mine"
    assert config["properties"] == SCHEMA["properties"]["properties"]["default"] == ["intra", "mel", "phone", "word"]
    assert config["samples"] == {"count": 3, "seed": 1} | dict.fromkeys(KEYS, "auto")


def test_what_is_said_of_it_counts(tmp_path):
    own = {"corpus": {"name": "mine", "audio": str(tmp_path)}, "experiment": "first"}
    config = asked_with(**own, properties=["f0", "word"], samples={"utterances": 7, "seed": 3}).config
    assert (config["experiment"], config["properties"]) == ("first", ["f0", "word"])
    assert config["samples"] == {"count": 3, "seed": 3} | dict.fromkeys(KEYS, "auto") | {"utterances": 7}


def test_a_corpus_without_words_is_not_asked_for_words(tmp_path):
    own = {"name": "mine", "audio": str(tmp_path)}
    assert asked_with(corpus=own | {"tiers": {"phone": "MAU"}}).config["properties"] == ["intra", "mel", "phone"]
    assert asked_with(corpus=own | {"tiers": {"word": "ORT"}}).config["properties"] == ["intra", "mel", "word"]


def test_models_for_a_corpus_of_ones_own_are_named(tmp_path):
    own = {"corpus": {"name": "mine", "audio": str(tmp_path)}}
    with pytest.raises(ConfigurationError, match="models: none is named, and those of config"):
        read_experiment(DEMO, own)
    with pytest.raises(ConfigurationError, match="models: none is named"):
        read_experiment(DEMO, {"corpus": {"name": "librispeech"}})
    assert list(read_experiment(DEMO, own, {"models": ["random-demo"]}).models) == ["random-demo"]


def test_text_that_is_no_number_stays_wrong():
    assert lines({"samples": {"count": "4x"}}) == ['samples.count: found "4x"; must be integer']


# Alignments that are made here


def test_automatic_alignments_have_no_source():
    experiment = read_experiment({"corpus": {"alignments": "automatic"}})
    assert experiment.alignments is None
    assert experiment.alignments_are == "automatic"
    assert experiment.audio.path.is_file()
    assert experiment.pronunciations is None
    assert read_experiment({}).alignments_are == "given"


def test_a_folder_named_automatic_has_to_be_written_as_a_path(tmp_path, monkeypatch):
    (tmp_path / "automatic").mkdir()
    monkeypatch.chdir(tmp_path)
    assert read_experiment({"corpus": {"alignments": "automatic"}}).alignments is None
    assert read_experiment({"corpus": {"alignments": "./automatic"}}).alignments.is_folder


def test_misspelt_automatic_is_told_what_is_allowed():
    (line,) = lines({"corpus": {"alignments": "automatc"}})
    expected = "automatc does not exist; a URL, an archive or a folder is expected, or automatic or absent"
    assert line == f"corpus.alignments: {expected}"
    (line,) = lines({"corpus": {"audio": "automatic"}})
    assert line.endswith("automatic does not exist; a URL, an archive or a folder is expected")


def test_pronunciations_are_read(tmp_path):
    path = tmp_path / "words.dict"
    path.write_text("HELLO  HH AH0 L OW1\n")
    corpus = {"alignments": "automatic", "pronunciations": str(path)}
    assert read_experiment({"corpus": corpus}).pronunciations == path
    (line,) = lines({"corpus": {"pronunciations": str(path)}})
    assert line == (f"corpus.pronunciations: found {path}; it is used only where corpus.alignments is automatic")
    path.write_text("HELLO  HH AH0 L OW1\nWORLD  W ER1 LL D\n")
    (line,) = lines({"corpus": corpus})
    assert line.startswith(f"corpus.pronunciations: {path}, line 2: 'LL' of 'WORLD' is no phone; allowed are AA AE")
    (line,) = lines({"corpus": corpus | {"pronunciations": str(tmp_path / "none.dict")}})
    assert line == f"corpus.pronunciations: {tmp_path / 'none.dict'} does not exist; a file is expected"


# Shape: every wrong value of every key is in test_wrong_configurations


def test_key_like_no_other_has_no_guess():
    (line,) = lines({"zzzzzzzz": 1})
    assert "did you mean" not in line


@pytest.mark.parametrize("layers", ["some", ["T1", "X3"], ["T01"], ["C0"], [], [1]])
def test_layers_are_all_or_names(layers):
    (line,) = lines({"layers": layers})
    assert line.startswith(f"layers: found {json.dumps(layers)}; ")
    assert "all" in line
    assert "T0" in line


def test_extra_model_without_a_source():
    (line,) = lines({"extra_models": {"mine": {"title": "Mine"}}})
    assert line.startswith("extra_models.mine.source: is missing; A checkpoint folder")


def test_random_extra_model_without_architecture():
    message = lines({"extra_models": {"mine": {"source": "random-init", "seed": 1}}})
    assert [line.split(":")[0] for line in message] == ["extra_models.mine.architecture"]


def test_random_extra_model_like_another():
    config = {
        "models": ["mine"],
        "extra_models": {"mine": {"source": "random-init", "like": "hubert-large", "seed": 4}},
    }
    entry = read_experiment(config).models["mine"]
    assert (entry.title, entry.blocks) == ("HuBERT Large (random weights)", 24)
    del config["extra_models"]["mine"]["seed"]
    assert read_experiment(config).models["mine"].seed == 1
    config["extra_models"]["mine"] |= {"like": "hubert-lrge"}
    (line,) = lines(config)
    assert line.startswith(
        "extra_models.mine.like: 'hubert-lrge' is not a name in resources/models.yaml or extra_models"
    )
    assert "did you mean hubert-large?" in line


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({"source": "by-hand"}, ["extra_models.mine.page", "extra_models.mine.files"]),
        ({"source": "by-hand", "page": "here", "files": ["a/b"]}, ["extra_models.mine.files.0"]),
        ({"source": "https://example.org/a.pt", "sha256": "abc"}, ["extra_models.mine.sha256"]),
        ({"source": ""}, ["extra_models.mine.source"]),
        ({"source": "a/b", "revision": 3}, ["extra_models.mine.revision"]),
        ({"source": "a/b", "hours": -1}, ["extra_models.mine.hours"]),
        ({"source": "a/b", "licence": "MIT", "licens": "MIT"}, ["extra_models.mine.licens"]),
    ],
    ids=str,
)
def test_wrong_extra_models(entry, where):
    assert sorted(line.split(":")[0] for line in lines({"extra_models": {"mine": entry}})) == sorted(where)


def test_layers_that_only_a_checkpoint_knows():
    config = {"models": ["mine", "random-hubert-tiny"], "extra_models": {"mine": {"source": "owner/name"}}}
    experiment = read_experiment(config | {"layers": ["T1", "T99"]})  # mine may have a T99
    entry = experiment.models["mine"]
    assert not entry.is_planned
    assert experiment.layers("mel", "random-hubert-tiny") == ["T1"]
    shape = {"conv_layers": 7, "blocks": 2, "stride_seconds": 0.02, "width": 48}
    assert experiment.layers_of("mel", with_outline(entry, shape)) == ["T1"]


def test_name_of_an_extra_model():
    (line,) = lines({"extra_models": {"two words": {"source": "a/b"}}})
    assert line.startswith("extra_models")
    assert "two words" in line


def test_all_wrong_keys_are_reported_at_once():
    found = lines({"metrik": 1, "samples": {"count": 0, "sede": 1}, "cca": {"folds": "ten"}})
    assert sorted(line.split(":")[0] for line in found) == ["cca.folds", "metrik", "samples.count", "samples.sede"]


# Meaning


@pytest.mark.parametrize(
    ("config", "key", "nearest"),
    [
        ({"models": ["random-wav2vec-tiny"]}, "models", "random-wav2vec2-tiny"),
        ({"properties": ["phones"]}, "properties", "phone"),
        ({"metric": "pwca"}, "metric", "pwcca"),
        ({"corpus": {"name": "librispeach"}}, "corpus.name", "librispeech"),
        ({"corpus": {"split": "dev-cleen"}}, "corpus.split", "dev-clean"),
    ],
)
def test_unknown_name_has_a_nearest_match(config, key, nearest):
    for line in lines(config):
        assert line.startswith(f"{key}: ")
        assert f"(did you mean {nearest}?)" in line
        assert nearest in line.split("allowed: ")[1]


def test_extra_models_are_suggested_too():
    (line,) = lines({"models": ["my-hubrt"], "extra_models": {"my-hubert": {"source": "a/b"}}})
    assert "did you mean my-hubert?" in line


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"models": ["random-wavlm-tiny"] * 2}, "models: 'random-wavlm-tiny' stands there 2 times"),
        ({"properties": ["mel", "phone", "mel", "mel"]}, "properties: 'mel' stands there 3 times"),
        ({"layers": ["T1", "T2", "T1"]}, "layers: 'T1' stands there 2 times"),
    ],
)
def test_repeated_names(config, line):
    assert lines(config) == [line]


@pytest.mark.parametrize(("folds", "trials"), [(10, 6), (3, 2), (5, 3)])
def test_too_many_trials_for_the_folds(folds, trials):
    (line,) = lines({"cca": {"folds": folds, "trials": trials}})
    assert line.startswith(f"cca.trials: found {trials}; ")
    assert f"at most {folds // 2}" in line


@pytest.mark.parametrize(("folds", "trials"), [(10, 5), (3, 1), (5, 2)])
def test_as_many_trials_as_the_folds_allow(folds, trials):
    assert read_experiment({"cca": {"folds": folds, "trials": trials}}).config["cca"]["trials"] == trials


def test_fewer_groups_than_folds():
    (line,) = lines({"cca": {"folds": 20, "folds_by": "speaker"}})
    assert line.startswith("cca.folds_by: found speaker; the 18 speakers")
    (line,) = lines({"cca": {"folds": 20, "folds_by": "utterance"}, "samples": {"utterances": 19}})
    assert line.startswith("cca.folds_by: found utterance; the 19 utterances")
    assert read_experiment({"cca": {"folds": 18, "folds_by": "speaker"}}).config["cca"]["folds"] == 18


@pytest.mark.parametrize("folds_by", ["row", "utterance"])
def test_intervals_of_speakers_need_folds_by_speaker(folds_by):
    (line,) = lines({"cca": {"intervals": "speakers", "folds_by": folds_by}})
    assert line.startswith(f"cca.intervals: found speakers, with cca.folds_by: {folds_by};")
    config = read_experiment({"cca": {"intervals": "speakers", "folds_by": "speaker"}}).config
    assert config["cca"]["intervals"] == "speakers"
    assert read_experiment({"cca": {"folds_by": folds_by}}).config["cca"]["intervals"] == "corpus"


def test_layer_that_no_model_has():
    message = lines({"models": ["random-wav2vec2-tiny", "random-hubert-tiny"], "layers": ["T6", "T7"]})
    (line,) = message  # HuBERT has six blocks, so T6 is all right
    assert line == "layers: T7 are in no model of this experiment; there are C1 to C7 and T0 to T6"


@pytest.mark.parametrize(
    ("compare", "pairs"),
    [
        (None, []),
        (["T3", "T4"], [["T3", "T4"]]),
        ([["T3", "T4"]], [["T3", "T4"]]),
        ([["T3", "T4"], ["C2", "T1"]], [["T3", "T4"], ["C2", "T1"]]),
    ],
)
def test_pairs_of_layers(compare, pairs):
    assert read_experiment({"compare": compare}).layer_pairs == pairs


def test_pairs_of_layers_are_no_other_lists():
    for wrong in (
        ["T3"],
        [],
        ["T3", "T4", "T5"],
        [["T3", "T4", "T5"]],
        ["T3", ["T4", "T5"]],
        ["T3", "T04"],
        "T3",
        [[]],
    ):
        found = lines({"compare": wrong})
        assert all(line.startswith("compare: found") for line in found)
        assert found[-1].endswith("two names such as [T3, T4], or a list of such pairs.")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            {"compare": ["T3", "T9"]},
            "no model of this experiment has both T3 and T9: random-wav2vec2-tiny has C1 to C7 and T0 to T4",
        ),
        ({"compare": ["T3", "T3"]}, "found T3 and T3; two layers are expected"),
        ({"compare": [["T3", "T4"], ["T4", "T3"]]}, "'T3 and T4' stands there 2 times"),
        (
            {"compare": ["C2", "T3"], "properties": ["phone", "word"]},
            "no property of this experiment scores both C2 and T3 of a model (properties, layers)",
        ),
        (
            {"compare": ["T3", "T4"], "layers": ["T1", "T3"]},
            "no property of this experiment scores both T3 and T4 of a model (properties, layers)",
        ),
    ],
)
def test_pairs_of_layers_that_are_not_there(config, expected):
    assert lines({"models": ["random-wav2vec2-tiny"]} | config) == [f"compare: {expected}"]


def test_a_pair_needs_one_model_that_has_both_layers():
    models = {"models": ["random-wav2vec2-tiny", "random-hubert-tiny"]}
    assert read_experiment(models | {"compare": ["T3", "T6"]}).layer_pairs == [["T3", "T6"]]
    assert lines(models | {"compare": [["T3", "T6"], ["T1", "T7"]]}) == [
        "compare: no model of this experiment has both T1 and T7: random-wav2vec2-tiny has C1 to C7 and T0 to T4; "
        "random-hubert-tiny has C1 to C7 and T0 to T6"
    ]


def test_property_without_a_layer():
    config = {"models": ["random-wav2vec2-tiny"], "properties": ["mel", "phone"], "layers": ["C1", "C7"]}
    (line,) = lines(config)
    assert line.startswith("layers: none of C1, C7 is a layer of random-wav2vec2-tiny")
    assert "'phone'" in line


def test_layers_are_chosen_in_order_of_depth():
    config = {"models": ["random-hubert-tiny", "random-wav2vec2-tiny"], "properties": ["mel", "phone"]}
    every = read_experiment(config)
    assert every.layers("phone", "random-hubert-tiny") == [f"T{i}" for i in range(7)]
    assert every.layers("mel", "random-wav2vec2-tiny") == [f"C{i}" for i in range(1, 8)] + [f"T{i}" for i in range(5)]
    some = read_experiment(config | {"layers": ["T6", "T0", "C3"]})
    assert some.layers("mel", "random-hubert-tiny") == ["C3", "T0", "T6"]
    assert some.layers("phone", "random-hubert-tiny") == ["T0", "T6"]
    assert some.layers("phone", "random-wav2vec2-tiny") == ["T0"]


@pytest.mark.parametrize("kind", ["audio", "alignments"])
def test_source_that_does_not_exist(kind):
    (line,) = lines({"corpus": {kind: "no/such/place"}})
    assert line.startswith(f"corpus.{kind}: no/such/place does not exist")


@pytest.mark.parametrize("kind", ["audio", "alignments"])
def test_source_without_a_name(kind):
    assert f"corpus.{kind}" in refusal({"corpus": {kind: ""}})


def test_own_corpus_needs_audio():
    (line,) = lines({"corpus": {"name": "mine", "split": "all", "alignments": "https://host/a.zip"}})
    assert line.startswith("corpus.name: 'mine'")
    assert "corpus.audio is not given" in line


def test_alignments_may_lie_beside_the_recordings(tmp_path):
    own = read_experiment({"corpus": {"name": "mine", "split": "all", "audio": str(tmp_path)}})
    assert own.alignments == own.audio


def corpus(**values) -> dict:
    return {"corpus": values}


def test_layout_is_the_catalogues_or_librispeechs_or_a_name_or_a_mapping():
    layouts = yaml.safe_load((ROOT / "resources/layouts.yaml").read_text())
    assert read_experiment({}).layout == layouts["librispeech"]
    assert read_experiment(corpus(layout="timit")).layout == layouts["timit"]
    own = {"recordings": "**/{speaker}_{utterance}", "cut_pauses": "0.5"}  # as --config gives it
    assert read_experiment(corpus(layout=own)).layout == own | {"cut_pauses": 0.5}


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("timid", "corpus.layout: 'timid' is not a layout of resources/layouts.yaml (did you mean timit?)"),
        ({"recordings": "x"}, "corpus.layout.utterance_id: '{utterance}' needs utterance"),
        ({"recordings": "{a"}, "corpus.layout."),
        ({"speaker_id": "x"}, "corpus.layout.recordings: is missing"),
        (
            {"recordings": "{speaker}/{utterance}", "cut_pauses": 0},
            "corpus.layout.cut_pauses: found 0; must be above 0",
        ),
        ({"recordings": "{speaker}/{utterance}", "transcripts": "txt"}, 'corpus.layout.transcripts: found "txt"'),
    ],
)
def test_wrong_layouts_are_refused(layout, message):
    (line,) = lines(corpus(layout=layout))
    assert line.startswith(message)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ({}, {"AH0": "AH", "sil": None}),
        ({"layout": "timit"}, {"ax-h": "AH", "h#": None}),
        ({"layout": "timit", "phones": "keep"}, {"ax-h": "ax-h"}),
        ({"phones": {"a": "AA", "_": None}}, {"a": "AA", "_": None, "": None}),
        (
            {
                "alignments": "automatic",
                "layout": {"recordings": "{speaker}/{utterance}", "transcripts": ".txt", "phones": "timit"},
            },
            {"AH": "AH"},
        ),
    ],
)
def test_phone_set_is_the_configurations_or_the_layouts_or_the_aligners(values, labels):
    phones = read_experiment(corpus(**values)).phones
    assert {label: phones.clean(label) for label in labels} == labels


@pytest.mark.parametrize(
    ("phones", "message"),
    [
        (
            "arpa",
            "corpus.phones: there is no phone set 'arpa'; resources/phones.yaml has arpabet, buckeye, ",
        ),
        ({"a": None}, "corpus.phones: a phone set of 1 labels maps none of them"),
        ({"a": ""}, "corpus.phones.a: found"),
    ],
)
def test_wrong_phone_sets_are_refused(phones, message):
    assert lines(corpus(phones=phones))[0].startswith(message)


def test_words_are_ranked_by_the_training_alignments_of_librispeech():
    training = ["train-clean-100", "train-clean-360", "train-other-500"]
    experiment = read_experiment(corpus(name="librispeech", split="dev-clean"))
    assert (experiment.word_splits, experiment.word_list) == (training, None)
    assert read_experiment(corpus(name="librispeech", word_list=["dev-clean"])).word_splits is None
    assert read_experiment({}).word_splits is None


def test_a_word_list_of_ones_own(tmp_path):
    (tmp_path / "words.txt").write_text("the\n")
    listed = corpus(name="librispeech", word_list=str(tmp_path / "words.txt"))
    experiment = read_experiment(listed)
    assert (experiment.word_splits, experiment.word_list) == (None, tmp_path / "words.txt")
    assert read_experiment(listed | {"properties": ["phone", "mel"]}).word_list is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layout": "buckeye"}, "corpus.alignments: automatic needs transcripts"),
        ({"layout": "flat"}, "corpus.alignments: automatic needs transcripts"),
        (
            {"layout": {"recordings": "**/{speaker}/{utterance}", "transcripts": ".txt", "cut_pauses": 1}},
            "corpus.alignments: automatic needs recordings that are utterances",
        ),
        (
            {"word_list": ["dev-other"]},
            "corpus.word_list: found ['dev-other']; alignments of these splits are not made",
        ),
    ],
)
def test_automatic_alignments_need_transcribed_utterances_of_the_split(values, message, tmp_path):
    given = {"name": "mine", "audio": str(tmp_path), "alignments": "automatic"} | values
    assert lines(corpus(**given))[0].startswith(message)


def test_automatic_alignments_rank_their_own_words():
    assert read_experiment(corpus(name="librispeech", alignments="automatic")).word_splits is None


@pytest.mark.parametrize(
    ("word_list", "message"),
    [
        ("nowhere.txt", "corpus.word_list: nowhere.txt does not exist; a file is expected"),
        (["train-clean-10"], "corpus.word_list: 'train-clean-10' is not a split of librispeech (did you mean"),
        (["dev-other", "dev-other"], "corpus.word_list: 'dev-other' stands there 2 times"),
    ],
)
def test_wrong_word_lists_are_refused(word_list, message):
    (line,) = lines(corpus(name="librispeech", word_list=word_list))
    assert line.startswith(message)


def test_sources_of_a_corpus(tmp_path):
    own = read_experiment({"corpus": {"name": "mine", "audio": str(tmp_path), "alignments": "https://host/a.zip"}})
    assert own.audio.is_folder
    assert own.audio.path == tmp_path
    assert own.alignments.is_url
    assert own.alignments.checks == {"size": None, "md5": None, "sha256": None}
    catalogue = read_experiment({"corpus": {"name": "librispeech", "split": "dev-clean"}})
    assert catalogue.audio.location.startswith("https://")
    assert catalogue.audio.checks["size"] == 337926286
    demo = read_experiment({})
    assert not demo.audio.is_url
    assert demo.audio.path.is_file()


def test_url_is_not_looked_up(monkeypatch):
    import socket

    def refuse(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    config = {"corpus": {"name": "librispeech", "split": "test-clean"}, "models": ["hubert-large"]}
    assert isinstance(read_experiment(config), Experiment)


# Models of one's own


def write_model(folder, **config):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(BASE_CONV | config))
    (folder / "model.safetensors").touch()
    return str(folder)


def test_extra_model_takes_its_layers_from_its_folder(tmp_path):
    source = write_model(tmp_path / "mine")
    entry = read_experiment({"models": ["mine"], "extra_models": {"mine": {"source": source}}}).models["mine"]
    assert entry.kind == "folder"
    assert entry.layers == [f"C{i}" for i in range(1, 8)] + ["T0", "T1", "T2", "T3"]
    assert entry.stride_seconds == pytest.approx(0.02)
    assert entry.title == "mine"


@pytest.mark.parametrize("index", [None, {"weight_map": {"a": "model-1.safetensors"}}])
def test_a_folder_without_weights_is_refused_before_any_job(tmp_path, index):
    source = tmp_path / "mine"
    write_model(source)
    (source / "model.safetensors").unlink()
    if index:
        (source / "model.safetensors.index.json").write_text(json.dumps(index))
    (line,) = lines({"models": [str(source)]})
    assert line.startswith(f"models: {source}: {source}")
    assert ("names model-1.safetensors, which" if index else "holds no weights: model.safetensors or") in line


def test_extra_model_with_the_name_of_another(tmp_path):
    config = {"extra_models": {"hubert-base": {"source": write_model(tmp_path / "mine")}}}
    (line,) = lines(config)
    assert line.startswith("extra_models.hubert-base: ")
    assert "choose another" in line


def test_extra_model_whose_folder_has_no_config(tmp_path):
    (tmp_path / "empty").mkdir()
    config = {"models": ["mine"], "extra_models": {"mine": {"source": str(tmp_path / "empty")}}}
    (line,) = lines(config)
    assert "mine: " in line
    assert str(tmp_path / "empty/config.json") in line
    assert "does not exist" in line


def test_extra_model_whose_config_is_broken(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{not json")
    (line,) = lines({"models": ["mine"], "extra_models": {"mine": {"source": str(folder)}}})
    assert str(folder / "config.json") in line


def test_extra_model_that_is_not_chosen_is_left_alone():
    assert read_experiment({"extra_models": {"mine": {"source": "/no/such/folder"}}})


def test_meanings_are_reported_at_once():
    config = {"models": ["nothing"], "properties": ["colour"], "metric": "guess", "cca": {"trials": 9}}
    found = [line.split(":")[0] for line in lines(config | {"corpus": {"audio": "nowhere"}})]
    assert sorted(found) == ["cca.trials", "corpus.audio", "metric", "models", "properties"]


# What is empty, and paths that are not what they look like


def test_mappings_are_merged_and_all_else_is_replaced():
    config = {"corpus": {"name": "demo", "phones": None, "layout": "flat"}, "models": ["a", "b"]}
    changes = {"corpus": {"phones": {}, "layout": {"recordings": "x"}}, "models": ["c"], "strict": True}
    assert merged(config, changes) == {
        "corpus": {"name": "demo", "phones": {}, "layout": {"recordings": "x"}}, "models": ["c"], "strict": True,
    }  # fmt: skip
    assert config["corpus"]["phones"] is None


def test_empty_is_not_the_default():
    assert lines({"corpus": {"phones": {}}}) == ["corpus.phones: found {}; must have at least 1 key"]
    assert lines({"corpus": {"layout": ""}}) == ['corpus.layout: found ""; must not be empty']
    assert [line.partition(":")[0] for line in lines({"corpus": {"layout": {}}})] == ["corpus.layout.recordings"]
    assert lines({"extra_models": {"mine": {"source": "a/b", "title": ""}}}) == [
        'extra_models.mine.title: found ""; must not be empty'
    ]


def test_lstms_of_no_width_are_refused():
    config = {"probes": {"tasks": ["demo-speech", "demo-phones"], "overrides": {"hidden": 0}}}
    assert lines(config) == [
        "tasks.demo-speech: hidden is 0 in its recipe or in probes.overrides; the LSTMs need at least 1"
    ]


@pytest.mark.parametrize(
    ("key", "config"),
    [
        ("corpus.audio", {"corpus": {"audio": "{}/{{split}}"}}),
        ("extra_models.mine.source", {"models": ["mine"], "extra_models": {"mine": {"source": "https://a/{{x}}.pt"}}}),
        ("probes.external", {"probes": {"external": "{}/{{split}}"}}),
        ("probes.sources.demo-commands/audio", {"probes": {"sources": {"demo-commands/audio": "{}/{{split}}"}}}),
        (
            "extra_tasks.mine.table",
            {"extra_tasks": {"mine": {"kind": "labels", "table": "{}/{{split}}", "columns": ["word"]}}},
        ),
    ],
)
def test_paths_that_snakemake_would_take_for_patterns_are_refused(tmp_path, key, config):
    (tmp_path / "{split}").mkdir()
    config = yaml.safe_load(yaml.safe_dump(config).replace("{}/", f"{tmp_path}/").replace("{{", "{").replace("}}", "}"))
    assert any(line.startswith(f"{key}: found") and "curly brackets" in line for line in lines(config))


@pytest.mark.parametrize(
    ("address", "is_archive"),
    [
        ("https://a.org/audio.tar.gz", True),
        ("https://a.org/audio.tar.gz?download=1", True),
        ("https://a.org/audio.TAR.GZ#top", True),
        ("https://a.org/audio.tgz?token=a.txt", True),
        ("https://a.org/audio%2Etar%2Egz", True),
        ("HTTPS://a.org/audio.tgz", True),
        ("https://a.org/train.jsonl?from=audio.tar.gz", False),
        ("https://a.org/train.jsonl#.tgz", False),
    ],
)
def test_archives_are_told_by_the_path_of_an_address(address, is_archive):
    assert Source(address).is_url
    assert Source(address).is_archive is is_archive


@pytest.mark.parametrize("name", ["audio", "audio.zip", "audio.TGZ"])
def test_archives_are_told_by_their_content_once_they_are_here(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(b"tar"))
    assert Source(str(tmp_path / name)).is_archive
    (tmp_path / name).write_bytes(b"{}")
    assert not Source(str(tmp_path / name)).is_archive
    assert not Source(str(tmp_path)).is_archive


# Many


@pytest.mark.parametrize("key", ["models", "extra_models"])
def test_more_models_than_anybody_compares_are_refused(key, monkeypatch):
    names = [f"owner/{number}" for number in range(1001)]
    many = {"models": names, "extra_models": {name.replace("/", "-"): {"source": name} for name in names}}
    assert f"{key} has 1001 models" in refusal({key: many[key]})
    monkeypatch.setenv("LAYERWISE_MAX_MODELS", "1001")
    assert len(read_experiment({"models": names}).models) == 1001


def test_names_are_compared_for_the_first_errors_only(monkeypatch):
    """Each comparison takes as long as there are names; thousands of both took minutes."""
    compared = []
    monkeypatch.setattr(difflib, "get_close_matches", lambda word, names, **_: compared.append(len(names)) or [])
    own = {f"own-{number}": {"source": "owner/name"} for number in range(900)}
    names = [f"x{number}" for number in range(1000)]
    assert "and 941 more lines" in refusal({"models": names, "extra_models": own})
    refusal({"properties": names})
    refusal({"probes": {"tasks": names, "sources": dict.fromkeys(names, "/")}})
    refusal({f"x{number}": 1 for number in range(1000)})
    refusal({"extra_models": {f"m{number}": {"source": "a/b", "x": 1} for number in range(1000)}})
    assert len(compared) < 150
    assert max(compared) <= 500


@pytest.mark.parametrize("nothing", [None, "null"])
def test_from_null_is_no_file(nothing):
    assert read_experiment({"from": nothing, "experiment": "mine"}).config["from"] is None
