"""Every key of the schema, wrong in every way that the schema knows, and configurations of any content at all."""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.errors import listed_names
from layerwise.experiment.configuration import layering, schema
from layerwise.experiment.configuration.experiment import Experiment, read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.experiment.configuration.schema import SCHEMAS, check_schema
from layerwise.files.shipped import ROOT

read_once = functools.cache(schema.read_yaml)
SCHEMA_FILES = {path.name: yaml.safe_load(path.read_text()) for path in SCHEMAS.glob("*.yaml")}
SCHEMA = SCHEMA_FILES["config.schema.yaml"]

# Of each type of JSON; the text is none that a number could be read from.
VALUES = {"null": None, "boolean": True, "integer": 7, "number": 99.5, "string": "some text", "array": [], "object": {}}
# One of these fits each pattern, and one does not.
TEXTS = ["mine", "T1", ".txt", "a" * 64, "https://a", "two words", "auto", "kaldi"]


@pytest.fixture(autouse=True)
def _read_once(monkeypatch):
    """Schemas and catalogues don't change while these tests run, and reading them is most of the time."""
    for module in (layering, schema):
        monkeypatch.setattr(module, "read_yaml", read_once)


# Making values from a schema


def resolved(schema: dict) -> dict:
    """The schema with what it refers to in another file."""
    if "$ref" not in schema:
        return schema
    part = SCHEMA_FILES
    file, _, inside = schema["$ref"].partition("#/")
    for key in (file, *inside.split("/")):
        part = part[key]
    return resolved(part) | {key: value for key, value in schema.items() if key != "$ref"}


def types_of(schema: dict) -> set[str]:
    kinds = schema.get("type", [])
    return {kinds} if isinstance(kinds, str) else set(kinds)


def example(schema: dict) -> object:
    """A value that the schema takes: the smallest mapping or list."""
    schema = resolved(schema)
    types = types_of(schema)
    if "oneOf" in schema:
        return schema["oneOf"][0].get("const") or example(schema["oneOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if types == {"null"}:
        return None
    if "object" in types:
        least = {}
        if "minProperties" in schema:
            named = schema.get("properties") or {"mine": schema["additionalProperties"]}
            least = {key: example(part) for key, part in list(named.items())[: schema["minProperties"]]}
        return least | {key: example(schema["properties"][key]) for key in schema.get("required", [])}
    if "array" in types:
        return [example(schema["items"])] * schema.get("minItems", 1)
    if "string" in types:
        return next(text for text in TEXTS if re.search(schema.get("pattern", ""), text))
    return True if "boolean" in types else least_number(schema)


def least_number(schema: dict) -> float:
    """A number that the schema takes, about the smallest."""
    return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 0.5)


Path = tuple[str, ...]


def keys(schema: dict, path: Path = ()) -> Iterator[tuple[Path, dict]]:
    """(path, schema) of everything that the schema describes: keys, values of mappings, items of lists."""
    schema = resolved(schema)
    yield path, schema
    for key, part in schema.get("properties", {}).items():
        yield from keys(part, (*path, key))
    if isinstance(schema.get("additionalProperties"), dict):
        name = example(schema.get("propertyNames", {}) | {"type": "string"})
        yield from keys(schema["additionalProperties"], (*path, name))
    if "items" in schema:
        yield from keys(schema["items"], (*path, "0"))


def placed(path: Path, value: object, schema: dict = SCHEMA) -> object:
    """A configuration that is right but for the value at `path`."""
    if not path:
        return value
    schema, (key, *rest) = resolved(schema), path
    if key == "0":
        whole = list(example(schema))
        return [placed(rest, value, schema["items"]), *whole[1:]]
    inner = schema.get("properties", {}).get(key) or schema["additionalProperties"]
    around = example(schema | {"type": "object"})
    return around | {key: placed(rest, value, inner)}


def wrong(schema: dict) -> Iterator[tuple[Path, object, str]]:
    """(path below, value, what is said of it): each value breaks one rule of the schema."""
    types = types_of(schema)
    allowed = types | ({"integer"} if "number" in types else set())
    for kind, value in VALUES.items():
        if types and kind not in allowed:
            yield (), value, f"must be {' or '.join(schema['type'] if len(types) > 1 else types)}"
    if "integer" in types:
        yield (), 7.0, "must be integer"
    if "number" in types:
        for value in (float("nan"), float("inf"), -float("inf")):
            yield (), value, "must be a finite number"
    if "minimum" in schema:
        yield (), schema["minimum"] - 1, f"must be at least {schema['minimum']}"
    if "exclusiveMinimum" in schema:
        yield (), schema["exclusiveMinimum"], f"must be above {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema:
        yield (), schema["exclusiveMaximum"], f"must be below {schema['exclusiveMaximum']}"
    if "maximum" in schema:
        yield (), schema["maximum"] + 1, f"must be at most {schema['maximum']}"
    if "pattern" in schema:
        word = schema["pattern"][1:-1]  # where but one is allowed
        for text in ("", " ", "two words", "../up", example({**schema, "type": "string"}) + "\n"):
            if not re.search(schema["pattern"].replace("$", r"\Z"), text):
                yield (), text, f" or {word}" if word.isalpha() else f"must match {schema['pattern']}"
    elif "minLength" in schema:
        yield (), "", "must not be empty"
    if "minItems" in schema:
        yield (), [], f"must have at least {schema['minItems']} item"
    if "minProperties" in schema:
        yield (), {}, f"must have at least {schema['minProperties']} key"
    if "maxItems" in schema:
        yield (), example(schema) * 2, f"must have at most {schema['maxItems']} items"
    if "enum" in schema:
        for value in VALUES.values():
            yield (), value, f"allowed: {', '.join(schema['enum'])}"
        yield (), schema["enum"][0] + "s", f"(did you mean {schema['enum'][0]}?)"
    if "oneOf" in schema:
        for value in (None, True, 7, "some text", [], {}, [7]):
            if value is not None or {"type": "null"} not in schema["oneOf"]:
                yield (), value, schema["description"]
    if "object" in types:
        yield from wrong_mappings(schema)


def wrong_mappings(schema: dict) -> Iterator[tuple[Path, object, str]]:
    right = example(schema)
    for key in schema.get("required", []):
        yield (key,), {other: value for other, value in right.items() if other != key}, "is missing"
    if schema.get("additionalProperties") is False:
        for key in schema["properties"]:
            allowed = listed_names(sorted(schema["properties"]), f"{key}q")
            words = f"there is no such key (did you mean {key}?); allowed: {allowed}"
            yield (f"{key}q",), right | {f"{key}q": 1}, words
    for number in (7, True, None):
        yield (str(number),), right | {number: 1}, "a key must be text: put it in quotes"
    if "propertyNames" in schema:
        yield ("?",), {"?": example(schema["additionalProperties"])}, "the key must match ^"


KEYS = {".".join(path): (path, schema) for path, schema in keys(SCHEMA)}


def refused(config: object) -> list[str]:
    """The lines that say what is wrong with a configuration."""
    with pytest.raises(ConfigurationError) as caught:
        read_experiment(config)
    return re.findall(r"^  - (.+)$", str(caught.value), re.MULTILINE)


# Tests


def test_every_part_of_the_schema_is_reached():
    assert {"experiment", "corpus.name", "corpus.layout.tiers.phone.0", "cca.epsilons.0.0", "layers"} < set(KEYS)
    assert {"extra_models.mine.files.0", "extra_tasks.mine.held_out.dev", "probes.overrides.patience"} < set(KEYS)
    assert {"mirrors.https://a", "corpus.phones.mine", "extra_tasks.mine.recipes.mine.steps"} < set(KEYS)
    assert len(KEYS) > 120


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key or ".")
def test_every_wrong_value_is_refused_by_the_path_of_its_key(key):
    path, schema = KEYS[key]
    told = 0
    for below, value, words in wrong(schema):
        (line,) = refused(placed(path, value))
        where = ".".join((*path, *below)) or "the configuration"
        found = "" if below else f"found {json.dumps(value)}; ".replace("NaN", "nan").replace("Infinity", "inf")
        assert line.startswith(f"{where}: {found}")
        assert words in line
        told += 1
    assert told or "oneOf" in schema


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key or ".")
def test_the_value_that_was_right_is_no_part_of_the_error(key):
    """The configurations above are wrong in one place only: with an example there, the schema has nothing to say."""
    path, schema = KEYS[key]
    check_schema(placed(path, example(schema)), "config.schema.yaml")


# What the schema cannot say


def layout(**fields: str) -> dict:
    return {"corpus": {"layout": {"recordings": "**/{speaker}/{utterance}"} | fields}}


def task(**fields: object) -> dict:
    return {"probes": {"tasks": ["mine"]}, "extra_tasks": {"mine": fields}}


def model(**fields: object) -> dict:
    return {"models": ["mine"], "extra_models": {"mine": fields}}


def question(**fields: object) -> dict:
    return {"properties": ["mine"], "extra_properties": {"mine": fields}}


def weights_like(**architecture: object) -> dict:
    return model(source="random-init", seed=1, architecture={"model_type": "wav2vec2"} | architecture)


PLACES = {
    "corpus.audio": lambda place: {"corpus": {"audio": place}},
    "corpus.alignments": lambda place: {"corpus": {"alignments": place}},
    "corpus.word_list": lambda place: {"corpus": {"word_list": place}},
    "corpus.pronunciations": lambda place: {"corpus": {"alignments": "automatic", "pronunciations": place}},
    "corpus.metadata": lambda place: {"corpus": {"metadata": place}},
    "extra_properties.mine": lambda place: question(rows={"segments": place}, target={"label": "speaker_id"}),
    "probes.external": lambda place: {"probes": {"external": place}},
    "extra_tasks.mine": lambda place: task(kind="labels", table=place, columns=["word"]),
    "extra_models.mine": lambda place: model(source=place),
}


# Of a list of names the messages hold at most ten.
@pytest.mark.parametrize(
    "config",
    [
        {"models": ["wavlm-bse"]},
        {"modells": []},
        {"probes": {"overrides": {"stepp": 3}}},
        {"probes": {"sources": {"fluent/audio": "x"}}},
        {"extra_models": {"mine": {"source": "a/b", "titel": "x"}}},
        {"extra_models": {f"model-{i}": {"source": "a/b"} for i in range(40)}, "models": ["modle-3"]},
        {"extra_tasks": {f"task-{i}": {"kind": "labels"} for i in range(40)}, "probes": {"tasks": ["taks-3"]}},
        {"layers": ["T99"]},
    ],
    ids=str,
)
def test_long_lists_of_names_are_shortened_to_the_nearest(config):
    (line,) = refused(config)
    assert len(line.split(", ")) <= 11
    if "allowed: " in line and "did you mean " in line:
        _, _, nearest = line.partition("did you mean ")
        assert line.split("the nearest are ")[1].startswith(nearest.split("?")[0])


NO_PLACES = ["no/such/place/", "~nobody-of-this-name/a", "a\0b", "a" * 5000, "/dev/null/a"]


@pytest.mark.parametrize("place", NO_PLACES, ids=lambda place: repr(place[:12]))
@pytest.mark.parametrize("key", PLACES)
def test_a_place_that_cannot_be_is_refused_by_its_key(key, place):
    (line,) = refused(PLACES[key](place))
    assert line.startswith((f"{key}: ", f"{key}.rows.segments: "))


MEANINGLESS = {
    "an id with a format of numbers": (layout(utterance_id="{utterance:d}"), "corpus.layout.utterance_id", "'d'"),
    "an id with brackets left open": (layout(utterance_id="{utterance"), "corpus.layout.utterance_id", "no template"),
    "an id by attribute": (layout(speaker_id="{speaker.name}"), "corpus.layout.speaker_id", "no template"),
    "a pattern with a number": (layout(alignments="{1}/{utterance}"), "corpus.layout.alignments", "'{1}'"),
    "a pattern left open": (layout(recordings="{speaker}/{utterance}{"), "corpus.layout.recordings", "'{'"),
    "a task of two places": (task(kind="labels", data="slurp", table="a.csv"), "extra_tasks.mine", "exactly one of"),
    "a task of no split": (
        task(kind="phones", corpus="demo", split="dev", held_out={"dev": 0.1, "test": 0.1}),
        "extra_tasks.mine",
        "'dev' is not a split of demo",
    ),
    "values of no recipe": (
        task(kind="labels", table="resources/tasks.yaml", columns=["word"], recipes={"smal": {}}),
        "extra_tasks.mine.recipes.smal",
        "allowed: superb, small",
    ),
    "another kind of model": (
        weights_like(model_type="bert"), "extra_models.mine.architecture", "'bert' cannot be read; of data2vec-audio"
    ),
    "blocks in words": (
        weights_like(num_hidden_layers="two"), "extra_models.mine.architecture", "num_hidden_layers is 'two'; a whole"
    ),
    "no blocks": (weights_like(num_hidden_layers=0), "extra_models.mine.architecture", "num_hidden_layers is 0"),
    "one stride": (weights_like(conv_stride=5), "extra_models.mine.architecture", "conv_stride is 5; a list"),
    "strides of nothing": (weights_like(conv_stride=[5, 0]), "extra_models.mine.architecture", "conv_stride is [5, 0]"),
    "trained weights like others": (model(source="a/b", like="hubert-base"), "extra_models.mine.like", "only random"),
}  # fmt: skip


@pytest.mark.parametrize(("config", "key", "words"), MEANINGLESS.values(), ids=MEANINGLESS)
def test_what_means_nothing_is_refused_by_its_key(config, key, words):
    (line,) = refused(config)
    assert line.startswith(f"{key}: ")
    assert words in line


@pytest.mark.parametrize("content", ["null", "[]", '"wav2vec2"', "{", "", "\x00", '{"conv_stride": "5"}', "\ud800"])
def test_a_config_json_that_is_none_is_named(content, tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    (line,) = refused(model(source=str(tmp_path)))
    assert line.startswith(f"extra_models.mine: {path}")


# Strangers' configurations

SAVED = yaml.safe_dump(read_experiment({}).config, sort_keys=False)


def read_from(file, content: str, **changes) -> Experiment:
    file.write_text(content)
    return read_experiment(yaml.safe_load((ROOT / "config.yaml").read_text()), changes | {"from": str(file)})


def test_another_configuration_comes_below_the_one_that_names_it(tmp_path):
    theirs = yaml.safe_load(SAVED) | {"experiment": "theirs", "layers": ["T0"], "from": None}
    content = yaml.safe_dump(theirs | {"samples": {"count": 7, "seed": 8}})
    config = read_from(tmp_path / "configuration.yaml", content, samples={"seed": 9}, metric="cka").config
    assert config["experiment"] == "theirs"
    assert config["layers"] == ["T0"]
    assert config["samples"] | {"count": 7, "seed": 9} == config["samples"]
    assert config["metric"] == "cka"
    assert config["from"] is None  # so that what is saved again needs no other file
    assert read_from(tmp_path / "saved.yaml", SAVED).config == read_experiment({}).config


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("__use_yte__: true", "has __use_yte__, as it holds expressions of YTE, which --configfile would run"),
        ("__definitions__: [import os]", "has __definitions__, as it holds expressions"),
        ("from: /etc/passwd", "has from, and what it names would be read too"),
        ("x: &x [*x]", "or one that holds itself"),
        ("x: !!python/object/apply:os.system [id]", "could not determine a constructor"),
    ],
)
def test_a_saved_configuration_that_wants_more_is_refused(tmp_path, more, words):
    file = tmp_path / "configuration.yaml"
    with pytest.raises(ConfigurationError, match=f"- from: {re.escape(str(file))}.*{words}"):
        read_from(file, f"{more}\n{SAVED}".replace("from: null\n", "" if more.startswith("from") else "from: null\n"))


def test_expressions_of_yte_stay_text(tmp_path):
    """A label of phones may begin with a question mark; without __use_yte__ nothing is an expression anywhere."""
    config = read_from(tmp_path / "c.yaml", SAVED, corpus={"phones": {"?": "q", "?x": None}}).config
    assert config["corpus"]["phones"] == {"?": "q", "?x": None}


def holding_itself() -> dict:
    config: dict = {"samples": {}}
    config["samples"]["x"] = config
    return config


def nested(levels: int) -> dict:
    return {"samples": nested(levels - 1)} if levels else {}


ENDLESS = {
    "holds itself": (holding_itself(), "the configuration has more than 50 mappings and lists in one another"),
    "deep": (nested(200), "the configuration has more than 50 mappings and lists in one another"),
    "a million models": ({"models": ["x"] * 1_000_000}, "export LAYERWISE_MAX_YAML_VALUES="),
    "many models": ({"models": ["x"] * 100_000}, "models: found 100000 values; at most 10000 are read"),
    "a long name": ({"models": ["x" * 1_000_000]}, "models.0: found a text of 1000000 characters; at most 10000"),
    "a long key": ({"mirrors": {"http://" + "x" * 100_000: "http://x"}}, "the key has 100007 characters"),
    "a large number": ({"samples": {"seed": 10**5000}}, "samples.seed: found a number of 16610 bits"),
    "a date": ({"experiment": datetime.date(2001, 1, 1)}, "experiment: found 2001-01-01, which YAML takes for a date"),
    "bytes": ({"experiment": b"x"}, "experiment: found b'x', which YAML takes for a bytes: put it in quotes"),
    "a set": ({"models": {"x"}}, "models: found {'x'}, which YAML takes for a set"),
    "no Unicode": ({"corpus": {"audio": "a\udce9"}}, r"corpus.audio: found a\udce9; it is not UTF-8"),
    "no Unicode in a key": ({"mirrors": {"http://\udce9": "http://x"}}, r"mirrors.http://\udce9: the key is not UTF-8"),
    "a billion sample sets": ({"samples": {"count": 10**9}}, "samples.count: found 1000000000; must be at most 1000"),
    "a billion shards": ({"representations": {"shards": 10**9}}, "must be at most 10000"),
    "a billion folds": ({"cca": {"folds": 10**9}}, "must be at most 1000"),
    "a billion blocks": (
        {"extra_models": {"x": {"source": "a/b", "blocks": 10**9}}},
        "extra_models.x.blocks: found 1000000000; must be at most 1000",
    ),
    "a million jobs": (
        {
            "models": ["x"],
            "extra_models": {"x": {"source": "a/b", "blocks": 999, "conv_layers": 7, "stride_seconds": 0.02}},
            "samples": {"count": 1000},
            "cca": {"layers_per_job": 1},
        },
        "export LAYERWISE_MAX_JOBS=",
    ),
    "a long name of an experiment": ({"experiment": "x" * 300}, "must have at most 100 characters"),
    "a long name of a model": (
        {"extra_models": {"x" * 300: {"source": "a/b"}}}, "the key must have at most 100 characters"
    ),
    "a path that steers terminals": ({"models": ["./a\x1b[2Jb"]}, r"models.0: found ./a\x1b[2Jb; control characters"),
    "a name that ends a line": ({"models": ["./a\n\n.. raw:: html"]}, r"models.0: found ./a\n\n.. raw:: html; control"),
}  # fmt: skip


@pytest.mark.parametrize(("config", "words"), ENDLESS.values(), ids=ENDLESS)
def test_what_would_take_all_memory_or_means_nothing_is_one_line(config, words):
    with pytest.raises(ConfigurationError) as caught:
        read_experiment(config)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 3000


@pytest.mark.parametrize(
    "name", ["..", "/", "~", "a/b", "a\0b", "a\nb", "a\n", ".a", "-a", "", " ", "a b", "a\x1b", "é"]
)
def test_names_that_become_paths_are_plain(name):
    for config in ({"experiment": name}, {"corpus": {"name": name}}, {"corpus": {"split": name}}):
        (line,) = refused(config)
        assert "must match ^[A-Za-z0-9]" in line


# Anything at all

# What means something to one key or another, most of it in the wrong place.
WORDS = ["demo", "dev-clean", "librispeech", "automatic", "all", "T1", "C3", "flat", "keep", "null", "1e999"]
WORDS += ["random-wavlm-tiny", "hubert-base", "fast-vgs", "random-init", "by-hand", "phones", "labels", "demo-intent"]
WORDS += [
    "https://a",
    "https://[",
    "~nobody/here",
    "a\0b",
    "a" * 5000,
    "/",
    ".",
    "{utterance}",
    "**/{1}",
    "{a!r:>{b}}",
    "**/" * 9,
    "{a}-" * 9,
    "*-" * 99,
]
WORDS += ["\udce9", "\x1b[2J", "$\\frac{1}$", "../..", "x" * 100_000]
SCALARS = st.sampled_from(WORDS) | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
NAMES = st.sampled_from(WORDS) | st.text(max_size=5) | st.integers() | st.none()
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=5
)


def fitting(schema: dict) -> st.SearchStrategy:
    """Values of the form that the schema asks for, whatever they mean."""
    schema = resolved(schema)
    types = types_of(schema)
    forms = [st.just(example(schema)), *map(fitting, schema.get("oneOf", []))]
    if "enum" in schema:
        forms.append(st.sampled_from(schema["enum"]))
    if "null" in types:
        forms.append(st.none())
    if "object" in types and isinstance(schema.get("additionalProperties"), dict):
        names = fitting(schema.get("propertyNames", {}) | {"type": "string"})
        forms.append(st.dictionaries(names, fitting(schema["additionalProperties"]), max_size=2))
    elif "object" in types and "properties" not in schema:
        forms.append(st.dictionaries(NAMES, ANYTHING, max_size=2))
    elif "object" in types:
        given = {key: fitting(part) for key, part in schema["properties"].items()}
        required = {key: given.pop(key) for key in schema.get("required", [])}
        forms.append(st.fixed_dictionaries(required, optional=given))
    if "array" in types:
        least = schema.get("minItems", 0)
        forms.append(st.lists(fitting(schema["items"]), min_size=least, max_size=schema.get("maxItems", least + 2)))
    if "integer" in types:
        forms.append(st.integers(schema.get("minimum"), schema.get("maximum")))
    if "number" in types:
        forms.append(st.floats(least_number(schema), schema.get("maximum", 1), exclude_max="maximum" not in schema))
    if "string" in types:
        forms.append(st.sampled_from([word for word in WORDS + TEXTS if re.search(schema.get("pattern", ""), word)]))
    if "boolean" in types:
        forms.append(st.booleans())
    return st.one_of(*forms)


@given(config=fitting(SCHEMA) | fitting(SCHEMA) | ANYTHING)
@settings(max_examples=400, deadline=None)
def test_any_configuration_is_an_experiment_or_a_configuration_error(config):
    try:
        experiment = read_experiment(config)
    except ConfigurationError:
        return
    assert isinstance(experiment, Experiment)
