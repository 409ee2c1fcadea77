"""What a configuration may say: its shape by the schema, its meaning by code, before any job runs."""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import referencing

from layerwise.addresses import hidden_in, identity_of
from layerwise.alignments.marks import Marks, marks_of
from layerwise.alignments.phones import PhoneSet, PhoneSetError, phone_set
from layerwise.alignments.pronunciations import PronunciationError, read_pronunciations
from layerwise.corpus.layouts import LayoutError, layout_of
from layerwise.errors import LINE, LayerwiseError, did_you_mean, listed_names, shown
from layerwise.experiment.code_digests import folder_digest
from layerwise.files.atomic import GZIP, begins_with
from layerwise.files.catalogues import CatalogueError, locate, read_yaml, require_bounded
from layerwise.files.limits import Limit
from layerwise.files.plain_files import kind_of
from layerwise.files.shipped import ROOT
from layerwise.files.texts import is_utf8
from layerwise.models.catalogue import ModelEntry, is_url
from layerwise.models.names import Models, told_apart
from layerwise.probes.errors import TaskError
from layerwise.probes.head_names import heads_of
from layerwise.probes.tasks import TaskEntry, task_entry
from layerwise.scoring.metrics import METRICS
from layerwise.scoring.properties import PROPERTIES

SCHEMAS = ROOT / "workflow/schemas"
AUTOMATIC = "automatic"  # in place of a source of alignments
COLUMNS = ("layer", "alignments")  # of tables that have a column for each model
_LONGEST = 10_000  # characters of a text, of which a path has 4,096 at most; or items of a list or mapping
_MOST_ERRORS = 1000  # that are collected; a person reads fewer
_HINTED = 10  # errors of a kind that name the nearest of what is allowed, as comparing takes long
_LARGEST = 1 << 63  # of whole numbers, for which numpy and tables have no type

FROM = "from"  # key of a configuration: a file that it changes, which is read as plain data
_EXPRESSIONS = "as it holds expressions of YTE, which --configfile would run; they are not run here, and mean nothing"
_NOT_FROM_A_FILE = {
    **dict.fromkeys(("__use_yte__", "__definitions__", "__variables__"), _EXPRESSIONS),
    FROM: "and what it names would be read too; name one file that has every key",
}

# Models that are chosen or described. The catalogue has fifty; a table of a thousand columns is read by nobody.
_MODELS = Limit("LAYERWISE_MAX_MODELS", 1000, "models")

# Jobs that score or extract: fifty models with 49 layers, four properties and ten sample sets have 98,000 of them, for
# which Snakemake takes minutes and gigabytes.
_JOBS = Limit("LAYERWISE_MAX_JOBS", 500_000, "jobs")

# JSON Schema takes 7.0 for an integer; nothing that counts does.
_TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
)


def _matches(_validator, pattern: str, text: object, _schema: dict) -> Iterator[jsonschema.ValidationError]:
    """As JSON Schema means it: $ is the end, where Python's is also before a last line feed."""
    if isinstance(text, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), text):
        yield jsonschema.ValidationError(f"must match {pattern}")


_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _matches}, type_checker=_TYPES)


class ConfigurationError(LayerwiseError):
    """A key or value of the configuration is wrong; each line names the path of a key."""

    is_list = True


@dataclass(frozen=True)
class Source:
    """Where an archive or folder comes from: a URL, or a path here; with what it must be."""

    location: str
    bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None

    @property
    def is_url(self) -> bool:
        return is_url(self.location)

    @property
    def origin(self) -> str:
        """The location as it may be shown and kept: an address without a secret."""
        return identity_of(self.location) if self.is_url else self.location

    @property
    def is_folder(self) -> bool:
        return not self.is_url and os.path.isdir(self.path)

    @property
    def no_place(self) -> str | None:
        """What lies here in place of a file or folder, such as a pipe, which keeps its reader waiting."""
        if self.is_url or os.path.isfile(self.path) or os.path.isdir(self.path):
            return None
        return kind_of(self.path.stat().st_mode)

    @property
    def is_archive(self) -> bool:
        """Whether it is a tar.gz, by what it begins with; before it has been fetched, by the path in its address."""
        if self.is_url:
            return unquote(urlsplit(self.location).path).lower().endswith((".tar.gz", ".tgz"))
        return not self.is_folder and begins_with(self.path, GZIP)

    @property
    def path(self) -> Path:
        return locate(self.location)

    @property
    def checks(self) -> dict:
        """Arguments of `layerwise.files.digests.verify`."""
        return {"size": self.bytes, "md5": self.md5, "sha256": self.sha256}

    @property
    def identity(self) -> list:
        """What changes when another source is named, or the files of one on this machine do."""
        state = None
        if self.is_folder:
            state = folder_digest(self.path)
        elif not self.is_url:
            status = self.path.stat()
            state = [status.st_size, status.st_mtime_ns]
        return [self.origin, self.bytes, self.md5, self.sha256, state]


@dataclass(frozen=True)
class Experiment:
    """A configuration that makes sense, with what its names mean.

    Attributes:
        config: the configuration with every default filled in.
        models: entries of the chosen models by name, in order, but for those in `absent`; their titles differ.
        parents: entries of models that random weights are like, and whose checkpoints have to be read for that.
        names: what stands under `models` → the model's name.
        audio, alignments: where the corpus comes from; the same where the alignments lie beside the recordings, and
            alignments None where they are made here.
        layout: how it lies, with the fields of resources/layouts.yaml.
        phones: what the labels of its phones mean.
        marks: which of its labels are no speech.
        word_splits: splits by whose alignments words are ranked; None: they are not, or by the analysed split alone.
        absent: of each model whose files nobody but the user may fetch, and that are not here, what has to be done.
        tasks: entries of the chosen tasks, in order.
        task_sources: where their data comes from: `DATA/FILE` or `CORPUS/SPLIT/audio` → source.
        task_corpora: layout, phone set and marks of each corpus that they use, as plain values.
    """

    config: dict
    models: dict[str, ModelEntry]
    parents: dict[str, ModelEntry]
    names: dict[str, str]
    audio: Source
    alignments: Source | None
    layout: dict
    phones: PhoneSet
    marks: Marks
    word_splits: list[str] | None
    absent: list[str]
    tasks: dict[str, TaskEntry]
    task_sources: dict[str, Source]
    task_corpora: dict[str, dict]

    @property
    def word_list(self) -> Path | None:
        """The user's own list of words."""
        given = self.config["corpus"]["word_list"]
        return locate(given) if isinstance(given, str) else None

    @property
    def alignments_are(self) -> str:
        """`given` or `automatic`: the mark of every score and table."""
        return "given" if self.alignments else AUTOMATIC

    @property
    def pronunciations(self) -> Path | None:
        """The file of pronunciations that automatic alignments may use."""
        given = self.config["corpus"]["pronunciations"]
        return None if given is None else locate(given)

    @property
    def choices(self) -> dict:
        """The configuration without what no result depends on: how the same files are had, and what is kept of them.

        Nor has it what is secret of addresses.
        """
        choices = {key: hidden_in(value) for key, value in self.config.items() if key not in ("mirrors", FROM)}
        return choices | {"corpus": {key: value for key, value in choices["corpus"].items() if key != "keep"}}

    @property
    def layer_pairs(self) -> list[list[str]]:
        """The pairs of layers that a paired test compares."""
        return _layer_pairs(self.config["compare"])

    def layers(self, property_name: str, model: str) -> list[str]:
        """The layers of a model that a property is scored on, in order of depth."""
        return self.layers_of(property_name, self.models[model])

    def layers_of(self, property_name: str, entry: ModelEntry) -> list[str]:
        """The same of a model whose layers have become known since."""
        names = PROPERTIES[property_name].layers(entry.layers)
        return names if self.config["layers"] == "all" else [name for name in names if name in self.config["layers"]]


def read_experiment(*configs: dict) -> Experiment:
    """Check a configuration and resolve its names.

    Args:
        configs: each changes those before. `from` in one names a file that comes before it (`with_base`).

    Raises:
        ConfigurationError: all that is wrong with the shape, or else all that is wrong with the meaning.
    """
    schema = _schema("config.schema.yaml")
    config: dict = {}
    for changes in configs:
        require_bounded(changes, "the configuration", ConfigurationError)
        config = merged(config, with_base(changes)) if isinstance(changes, dict) else changes
    config = from_command_line(config, schema)
    check_schema(config, "config.schema.yaml")
    config = with_defaults(config, schema)
    for key in ("models", "extra_models"):
        _MODELS.require(len(config[key]), key, ConfigurationError)
    catalogue = read_catalogue("models.yaml")
    corpora, pretraining = read_catalogue("corpora.yaml"), read_catalogue("pretraining.yaml")["settings"]
    errors = [
        *_unknown("properties", config["properties"], PROPERTIES, "a property"),
        *_unknown("metric", [config["metric"]], METRICS, "a metric"),
        *_unknown("pretrain.setting", [config["pretrain"]["setting"]], pretraining, "a setting of pretraining.yaml"),
        *_repeated("models", config["models"]),
        *_repeated("properties", config["properties"]),
        *_clashing("extra_models", config["extra_models"], catalogue),
        *_impossible_folds(config, corpora),
        *_crooked_mirrors(config["mirrors"]),
        *_paths_with_wildcards(config),
    ]
    models, parents, names, model_errors = _models(config, catalogue)
    errors += model_errors
    absent = []
    for name, entry in list(models.items()):
        try:
            entry.require_files()
        except CatalogueError as error:
            absent.append(str(error))
            del models[name]
    errors += _absent_layers(config, models)
    errors += _impossible_pairs(config, models)
    if not errors:
        _require_plannable(config, models)
    sources, source_errors = _sources(config["corpus"], corpora)
    layout, layout_errors = _layout(config["corpus"], corpora)
    phones, phone_errors = _phones(config["corpus"], layout)
    word_splits, word_errors = _word_splits(config["corpus"], corpora)
    errors += source_errors + layout_errors + phone_errors + word_errors + _wrong_pronunciations(config["corpus"])
    tasks, task_sources, task_errors = _tasks(config, corpora, models)
    errors += task_errors
    if absent and not models:
        errors += absent
    if errors:
        raise ConfigurationError(_listed(errors))
    return Experiment(
        config,
        models,
        parents,
        names,
        **sources,
        layout=layout,
        phones=phones,
        marks=_marks(layout),
        word_splits=word_splits,
        absent=absent,
        tasks=tasks,
        task_sources=task_sources,
        task_corpora={task.corpus: _corpus_facts(task.corpus, corpora) for task in tasks.values() if task.corpus},
    )


def with_base(config: dict) -> dict:
    """A configuration on top of the file that its `from` names, such as one that somebody else's run has saved.

    Snakemake runs expressions that its configuration files may hold (YTE). This file is only read, as plain data.

    Raises:
        ConfigurationError: the file cannot be read, or wants more than to be read.
    """
    changes = {key: value for key, value in config.items() if key != FROM}
    name = base_of(config)
    if name is None:
        return changes
    if not isinstance(name, str) or not name:
        return config  # the schema says what is wrong
    try:
        base = read_yaml(locate(name))
    except CatalogueError as error:
        raise ConfigurationError(_listed([f"{FROM}: {error}"])) from error
    if refused := [
        f"{FROM}: {config[FROM]} has {key}, {why}" for key, why in _NOT_FROM_A_FILE.items() if base.get(key) is not None
    ]:
        raise ConfigurationError(_listed(refused))
    return merged(base, {key: value for key, value in config.items() if key != FROM})


def base_of(config: dict) -> str | None:
    """What its `from` names, if anything: `--config` hands null over as text."""
    return None if config.get(FROM) == "null" else config.get(FROM)


def check_schema(content: dict, schema: str) -> None:
    """Compare a configuration or catalogue with a schema of workflow/schemas.

    Raises:
        ConfigurationError: a line for each wrong key: its path, what was found, what is allowed, the nearest match.
    """
    if strange := list(itertools.islice(_no_json(content, ()), _MOST_ERRORS)):
        raise ConfigurationError(_listed(strange))
    validator = _Validator(_schema(schema), registry=_registry())
    found = itertools.islice(validator.iter_errors(content), _MOST_ERRORS)
    errors = sorted(found, key=lambda error: [str(part) for part in error.absolute_path])
    if errors:
        lines: dict[str, None] = {}
        for error in errors:
            lines |= dict.fromkeys(_explained(error, max(0, _HINTED - len(lines))))
        raise ConfigurationError(_listed(lines))


def from_command_line(value: object, schema: dict) -> object:
    """Numbers, booleans and null where the schema wants no text: `--config` hands nested values over as text."""
    if "$ref" in schema:
        schema = _registry().resolver().lookup(schema["$ref"]).contents
    types = schema.get("type", "string")
    if isinstance(value, dict):
        parts, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        return {key: from_command_line(part, parts.get(key, others)) for key, part in value.items()}
    if isinstance(value, list):
        return [from_command_line(item, schema.get("items", {})) for item in value]
    if isinstance(value, str) and ("string" not in types or ("null" in types and value == "null")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def merged(config: Mapping, changes: Mapping) -> dict:
    """The configuration with changes: mappings are merged key by key, all else is replaced."""
    return {**config} | {
        key: merged(config[key], value)
        if isinstance(value, Mapping) and isinstance(config.get(key), Mapping)
        else value
        for key, value in changes.items()
    }


def with_defaults(config: dict, schema: dict) -> dict:
    """The configuration with the defaults of the schema where a key is missing, and in its order, at every level."""
    parts = schema.get("properties", {})
    filled = {key: part.get("default") for key, part in parts.items() if "default" in part or key in config} | config
    return {
        key: with_defaults(value, parts[key]) if key in parts and isinstance(value, dict) else value
        for key, value in filled.items()
    }


def read_catalogue(name: str) -> dict:
    """A catalogue of resources/, by the name of its file.

    Raises:
        ConfigurationError: it is not as its schema says.
    """
    content = read_yaml(ROOT / "resources" / name)
    try:
        check_schema(content, f"{Path(name).stem}.schema.yaml")
    except ConfigurationError as error:
        raise ConfigurationError(f"in resources/{name}: {error}") from None
    return content


def _schema(name: str) -> dict:
    return read_yaml(SCHEMAS / name)


@functools.cache
def _registry() -> referencing.Registry:
    """So that one schema may refer to another by its file name."""
    resources = [
        (path.name, referencing.Resource.from_contents(read_yaml(path))) for path in SCHEMAS.glob("*.schema.yaml")
    ]
    return referencing.Registry().with_resources(resources)


# What goes wrong, in words


def _listed(errors: Iterable[str]) -> str:
    return "the configuration cannot be used:\n" + "\n".join(f"  - {shown(error, LINE)}" for error in errors)


def _no_json(value: object, path: tuple[str, ...]) -> Iterator[str]:
    """What YAML has and JSON has not, so that no schema speaks of it: keys that are no text, and numbers that are none.

    YAML reads `no`, `1` and `1e400` as a truth value, a number and infinity, and `2001-01-01` as a date.
    """
    where = ".".join(path) or "the configuration"
    if isinstance(value, (dict, list)) and len(value) > _LONGEST:
        yield f"{where}: found {len(value)} values; at most {_LONGEST} are read"
    elif isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                yield f"{'.'.join([*path, str(key)])}: a key must be text: put it in quotes"
            elif not is_utf8(key):
                yield f"{'.'.join([*path, key])}: the key is not UTF-8"
            elif len(key) > _LONGEST:
                yield f"{'.'.join([*path, shown(key)])}: the key has {len(key)} characters; at most {_LONGEST} are read"
            yield from _no_json(part, (*path, str(key)))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _no_json(item, (*path, str(number)))
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: found {value}; must be a finite number"
    elif isinstance(value, int) and abs(value) >= _LARGEST:
        yield f"{where}: found a number of {value.bit_length()} bits; none is as large"
    elif isinstance(value, str) and len(value) > _LONGEST:
        yield f"{where}: found a text of {len(value)} characters; at most {_LONGEST} are read"
    elif isinstance(value, str) and not is_utf8(value):
        yield f"{where}: found {value}; it is not UTF-8, and no table can hold it"
    elif not isinstance(value, (str, int, float, bool, type(None))):
        yield f"{where}: found {value}, which YAML takes for a {type(value).__name__}: put it in quotes"


def _explained(error: jsonschema.ValidationError, hints: int) -> list[str]:
    """Lines that say what is wrong; `hints`: how many may compare what was found with all that is allowed."""
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema.get("properties", {}))
        extra = sorted(map(str, set(error.instance) - set(allowed)))
        return [
            f"{'.'.join([*path, key])}: there is no such key{_hint(allowed, key) if number < hints else ''}"
            for number, key in enumerate(extra)
        ]
    where, found = ".".join(path) or "the configuration", json.dumps(error.instance, default=str)
    if error.validator == "enum" and hints:
        allowed, said = error.validator_value, found.strip('"')
        return [f"{where}: found {found}; allowed: {listed_names(allowed, said)}{did_you_mean(allowed, said)}"]
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return [f"{'.'.join([*path, key])}: is missing; {_purpose(error, key)}" for key in missing]
    if "propertyNames" in error.absolute_schema_path:
        rule = "have at most {} characters" if error.validator == "maxLength" else "match {}"
        return [f"{'.'.join([*path, error.instance])}: the key must {rule.format(error.validator_value)}"]
    rules = {
        "type": lambda value: f"must be {' or '.join([value] if isinstance(value, str) else value)}",
        "minimum": lambda value: f"must be at least {value}",
        "maximum": lambda value: f"must be at most {value}",
        "exclusiveMinimum": lambda value: f"must be above {value}",
        "exclusiveMaximum": lambda value: f"must be below {value}",
        "enum": lambda value: "is not allowed",
        "minLength": lambda value: "must not be empty",
        "minItems": lambda value: f"must have at least {value} item{'s' if value > 1 else ''}",
        "minProperties": lambda value: f"must have at least {value} key{'s' if value > 1 else ''}",
        "maxLength": lambda value: f"must have at most {value} characters",
        "maxProperties": lambda value: f"must have at most {value} keys",
        "maxItems": lambda value: f"must have at most {value} items",
        "pattern": lambda value: f"must match {value}",
        "oneOf": lambda value: error.schema.get("description", ""),
    }
    rule = rules.get(error.validator, lambda value: error.message)(error.validator_value)
    return [f"{where}: found {found}; {rule}"]


def _purpose(error: jsonschema.ValidationError, key: str) -> str:
    return error.schema.get("properties", {}).get(key, {}).get("description", "it must be given")


def _unknown(key: str, names: Sequence[str], allowed: Iterable[str], what: str) -> list[str]:
    known = set(allowed)
    unknown = [name for name in names if name not in known]
    return [
        f"{key}: {name!r} is not {what}{_hint(allowed, name) if number < _HINTED else ''}"
        for number, name in enumerate(unknown)
    ]


def _hint(allowed: Iterable[str], found: str) -> str:
    return f"{did_you_mean(allowed, found)}; allowed: {listed_names(allowed, found)}"


def _repeated(key: str, names: Sequence[str]) -> list[str]:
    return [f"{key}: {name!r} stands there {count} times" for name, count in Counter(names).items() if count > 1]


def _clashing(key: str, names: Iterable[str], catalogue: dict) -> list[str]:
    return [
        f"{key}.{name}: resources/models.yaml has a model of this name; choose another"
        for name in names
        if name in catalogue
    ] + [f"{key}.{name}: tables have a column of this name; choose another" for name in names if name in COLUMNS]


def _models(
    config: dict, catalogue: dict
) -> tuple[dict[str, ModelEntry], dict[str, ModelEntry], dict[str, str], list[str]]:
    """The chosen models, those that random ones are like, the name of each, and what is wrong with them."""
    known = Models(catalogue, config["extra_models"])
    models, names, first, errors = {}, {}, {}, []
    for said in dict.fromkeys(config["models"]):
        try:
            entry = known.entry(said)
        except CatalogueError as error:
            errors.append(str(error))
            continue
        if entry.name in models:
            other = first[entry.name]
            errors.append(f"models: {other} and {said} are one model; name it once")
        names[said] = entry.name
        first.setdefault(entry.name, said)
        models[entry.name] = entry
    return told_apart(models), known.parents, names, errors


def _impossible_folds(config: dict, corpora: dict) -> list[str]:
    """More trials than folds allow; fewer groups than folds, as far as the catalogue knows the corpus."""
    cca, corpus = config["cca"], config["corpus"]
    errors = []
    if 2 * cca["trials"] > cca["folds"]:
        errors.append(
            f"cca.trials: found {cca['trials']}; each trial needs a dev and a test fold of its own, "
            f"so cca.folds {cca['folds']} allow at most {cca['folds'] // 2}"
        )
    if cca["intervals"] == "speakers" and cca["folds_by"] != "speaker":
        errors.append(
            f"cca.intervals: found speakers, with cca.folds_by: {cca['folds_by']}; an interval is about speakers only "
            "where each lies in one fold: cca.folds_by must be speaker, or cca.intervals corpus"
        )
    known = {} if corpus["audio"] else corpora.get(corpus["name"], {}).get("splits", {}).get(corpus["split"], {})
    groups = {"speaker": known.get("speakers"), "utterance": config["samples"]["utterances"]}.get(cca["folds_by"])
    if groups is not None and groups < cca["folds"]:
        errors.append(
            f"cca.folds_by: found {cca['folds_by']}; the {groups} {cca['folds_by']}s of a sample set cannot fill "
            f"{cca['folds']} folds: cca.folds must be at most {groups}"
        )
    return errors


def _paths_with_wildcards(config: dict) -> list[str]:
    """Files of the user's that no rule can have as an input, or that Snakemake would show as they are."""
    paths = {f"corpus.{key}": config["corpus"][key] for key in ("audio", "alignments", "pronunciations", "word_list")}
    paths["probes.external"] = config["probes"]["external"]
    paths |= {f"probes.sources.{name}": path for name, path in config["probes"]["sources"].items()}
    paths |= {f"extra_models.{name}.source": entry["source"] for name, entry in config["extra_models"].items()}
    paths |= {f"extra_tasks.{name}.table": entry.get("table") for name, entry in config["extra_tasks"].items()}
    paths |= {f"models.{number}": path for number, path in enumerate(config["models"])}
    return [
        f"{key}: found {path}; {why}: rename it, or name a link to it"
        for key, path in paths.items()
        if isinstance(path, str)
        for found, why in (
            (set("{}") & set(path), "Snakemake takes curly brackets for those of a wildcard"),
            (re.search("[\x01-\x1f\x7f-\x9f\u2028\u2029]", path), "control characters steer terminals"),
        )
        if found
    ]


def _crooked_mirrors(mirrors: dict[str, str]) -> list[str]:
    return [
        f"mirrors.{prefix}: found {mirror}; both must end with a slash, or neither, as one is put in the other's place"
        for prefix, mirror in mirrors.items()
        if prefix.endswith("/") != mirror.endswith("/")
    ]


def _require_plannable(config: dict, models: dict[str, ModelEntry]) -> None:
    """As far as layers are known before checkpoints have been read."""
    size, shards = config["cca"]["layers_per_job"], config["representations"]["shards"]
    of_a_sample = sum(
        -(-len(PROPERTIES[name].layers(entry.layers)) // size)
        for entry in models.values()
        if entry.is_planned
        for name in config["properties"]
    )
    jobs = config["samples"]["count"] * of_a_sample + shards * len(models)
    _JOBS.require(jobs, "the plan (models, properties, samples.count, representations.shards)", ConfigurationError)


def _absent_layers(config: dict, models: dict[str, ModelEntry]) -> list[str]:
    """A listed layer may be missing in a smaller model, but not in all; and every property needs one of them.

    Nothing is said of models whose layers are not known yet.
    """
    listed = config["layers"]
    if listed == "all" or not models or not all(entry.is_planned for entry in models.values()):
        return []
    everywhere = list(dict.fromkeys(layer for entry in models.values() for layer in entry.layers))
    absent = [name for name in listed if name not in everywhere]
    if absent:
        return [f"layers: {', '.join(absent)} are in no model of this experiment; there are {_ranges(everywhere)}"]
    return _repeated("layers", listed) + [
        f"layers: none of {', '.join(listed)} is a layer of {model} that {name!r} is asked of"
        for name in config["properties"]
        if name in PROPERTIES
        for model, entry in models.items()
        if not set(PROPERTIES[name].layers(entry.layers)) & set(listed)
    ]


def _ranges(layers: Iterable[str]) -> str:
    """C1 to C7 and T0 to T12."""
    numbers = {kind: [int(name[1:]) for name in layers if name[0] == kind] for kind in "CT"}
    return " and ".join(f"{kind}{min(of)} to {kind}{max(of)}" for kind, of in numbers.items() if of)


def _layer_pairs(compare: list | None) -> list[list[str]]:
    """What `compare` says, as a list of pairs."""
    pairs = compare or []
    return [pairs] if pairs and isinstance(pairs[0], str) else pairs


def _impossible_pairs(config: dict, models: dict[str, ModelEntry]) -> list[str]:
    """Pairs of one layer, pairs that stand there twice, and pairs of which no model has both layers, or scores both.

    Nothing is said where the layers of a model are not known yet.
    """
    pairs = _layer_pairs(config["compare"])
    errors = [f"compare: found {one} and {other}; two layers are expected" for one, other in pairs if one == other]
    errors += _repeated("compare", [" and ".join(sorted(pair)) for pair in pairs])
    if not all(entry.is_planned for entry in models.values()):
        return errors
    questions = [PROPERTIES[name] for name in config["properties"] if name in PROPERTIES]
    wanted = None if config["layers"] == "all" else set(config["layers"])
    for one, other in pairs:
        having = [entry.layers for entry in models.values() if {one, other} <= set(entry.layers)]
        if not having:
            have = "; ".join(f"{model} has {_ranges(entry.layers)}" for model, entry in models.items())
            errors.append(f"compare: no model of this experiment has both {one} and {other}: {have}")
        elif not any(
            {one, other} <= set(question.layers(layers)) and (wanted is None or {one, other} <= wanted)
            for question in questions
            for layers in having
        ):
            errors.append(
                f"compare: no property of this experiment scores both {one} and {other} of a model (properties, layers)"
            )
    return errors


def _sources(corpus: dict, corpora: dict) -> tuple[dict[str, Source], list[str]]:
    """Where audio and alignments come from: what the configuration says, or else the catalogue.

    The alignments of a corpus that the catalogue does not have may lie beside its recordings.
    """
    name, split = corpus["name"], corpus["split"]
    entry = corpora.get(name, {}).get("splits", {}).get(split, {})
    if name not in corpora and corpus["alignments"] is None:
        corpus = corpus | {"alignments": corpus["audio"]}
    sources, errors = {}, []
    for kind in ("audio", "alignments"):
        if kind == "alignments" and corpus[kind] == AUTOMATIC:
            sources[kind] = None
        elif corpus[kind] is None and name not in corpora:
            errors += _unknown(
                "corpus.name", [name], corpora, f"in resources/corpora.yaml, and corpus.{kind} is not given"
            )
        elif corpus[kind] is None and not entry:
            errors += _unknown("corpus.split", [split], corpora[name]["splits"], f"a split of {name}")
        else:
            given = entry[kind] if corpus[kind] is None else {"source": corpus[kind]}
            source = Source(given["source"], given.get("bytes"), given.get("md5"), given.get("sha256"))
            if not source.is_url and not os.path.exists(source.path):
                errors.append(
                    f"corpus.{kind}: {source.location} does not exist; a URL, an archive or a folder is expected"
                    + f", or {AUTOMATIC}" * (kind == "alignments")
                )
            elif found := source.no_place:
                errors.append(f"corpus.{kind}: {source.location}: it is {found}; an archive or a folder is expected")
            sources[kind] = source
    return sources, list(dict.fromkeys(errors))


def _layout(corpus: dict, corpora: dict) -> tuple[dict, list[str]]:
    """How the corpus lies: what the configuration says, or else the catalogue, or else as LibriSpeech does."""
    layouts = read_catalogue("layouts.yaml")
    given = corpus["layout"]
    if given is None:
        given = corpora.get(corpus["name"], {}).get("layout", "librispeech")
    if isinstance(given, str) and given not in layouts:
        return {}, _unknown("corpus.layout", [given], layouts, "a layout of resources/layouts.yaml")
    layout = layouts[given] if isinstance(given, str) else given
    try:
        made = layout_of(layout)
    except LayoutError as error:
        return {}, [f"corpus.layout.{error}"]
    if corpus["alignments"] == AUTOMATIC:
        return layout, [
            f"corpus.alignments: automatic needs {needs} (corpus.layout)"
            for needs, given in (
                ("transcripts", made.transcripts is not None),
                ("recordings that are utterances; cut_pauses must be null", made.cut_pauses is None),
            )
            if not given
        ]
    return layout, []


def _phones(corpus: dict, layout: dict) -> tuple[PhoneSet | None, list[str]]:
    """The phone set: what the configuration says, or else the layout; an aligner's own is ARPAbet."""
    named = "arpabet" if corpus["alignments"] == AUTOMATIC else layout.get("phones", "arpabet")
    try:
        chosen = named if corpus["phones"] is None else corpus["phones"]
        return phone_set(chosen, read_catalogue("phones.yaml")), []
    except PhoneSetError as error:
        return None, [f"corpus.phones: {error}"]


def _marks(layout: dict) -> Marks:
    """The marks of the catalogue, as the layout changes them."""
    return marks_of(layout.get("marks") or {}, read_catalogue("marks.yaml"))


def _corpus_facts(name: str, corpora: dict) -> dict:
    """Layout, phones and marks of a corpus of the catalogue."""
    corpus = {"name": name, "layout": None, "phones": None, "alignments": None}
    layout, _ = _layout(corpus, corpora)
    phones, _ = _phones(corpus, layout)
    return {"layout": layout, "phones": asdict(phones), "marks": asdict(_marks(layout))}


def _word_splits(corpus: dict, corpora: dict) -> tuple[list[str] | None, list[str]]:
    """Splits to rank words by, unless the analysed one is all that counts or a list is given."""
    given = corpus["word_list"]
    if isinstance(given, str):
        there = os.path.isfile(locate(given))
        return None, [] if there else [f"corpus.word_list: {given} does not exist; a file is expected"]
    if corpus["alignments"] == AUTOMATIC:
        if given not in (None, [corpus["split"]]):
            return None, [f"corpus.word_list: found {given}; alignments of these splits are not made: name a file"]
        return None, []
    entry = corpora.get(corpus["name"], {})
    splits = given or entry.get("word_list") or [corpus["split"]]
    errors = _repeated("corpus.word_list", splits)
    if given and entry and corpus["alignments"] is None:
        errors += _unknown("corpus.word_list", splits, entry["splits"], f"a split of {corpus['name']}")
    return None if splits == [corpus["split"]] else splits, errors


def _wrong_pronunciations(corpus: dict) -> list[str]:
    given = corpus["pronunciations"]
    if given is None:
        return []
    if corpus["alignments"] != AUTOMATIC:
        return [f"corpus.pronunciations: found {given}; it is used only where corpus.alignments is {AUTOMATIC}"]
    if not os.path.isfile(locate(given)):
        return [f"corpus.pronunciations: {given} does not exist; a file is expected"]
    try:
        read_pronunciations(locate(given))
    except PronunciationError as error:
        return [f"corpus.pronunciations: {error}"]
    return []


# Downstream tasks


def _tasks(
    config: dict, corpora: dict, models: dict[str, ModelEntry]
) -> tuple[dict[str, TaskEntry], dict[str, Source], list[str]]:
    """The chosen tasks, where their data comes from, and what is wrong with either."""
    probes, catalogue = config["probes"], read_catalogue("tasks.yaml")
    known = catalogue["tasks"] | config["extra_tasks"]
    errors = [
        *_unknown("probes.tasks", probes["tasks"], known, "a name in resources/tasks.yaml or extra_tasks"),
        *_repeated("probes.tasks", probes["tasks"]),
        *_unknown("probes.recipe", [probes["recipe"]], catalogue["recipes"], "a recipe"),
        *[
            f"extra_tasks.{name}: resources/tasks.yaml has a task of this name; choose another"
            for name in config["extra_tasks"]
            if name in catalogue["tasks"]
        ],
        *_absent_heads(probes, models),
    ]
    if probes["external"] is not None and not os.path.isfile(locate(probes["external"])):
        errors.append(f"probes.external: {probes['external']} does not exist; a CSV of results is expected")
    if errors:
        return {}, {}, errors
    tasks, sources = {}, {}
    for name in probes["tasks"]:
        try:
            tasks[name] = task_entry(name, known[name], catalogue, probes["recipe"], probes["overrides"])
        except TaskError as error:
            errors.append("extra_" * (name in config["extra_tasks"]) + f"tasks.{error}")
            continue
        found, problems = _task_sources(tasks[name], probes["sources"], corpora)
        sources |= found
        errors += ["extra_" * (name in config["extra_tasks"]) + problem for problem in problems]
    known_sources = _source_names(catalogue, corpora)
    errors += _unknown("probes.sources", list(probes["sources"]), known_sources, "the name of a file of a task")
    return tasks, sources, list(dict.fromkeys(errors))


def _absent_heads(probes: dict, models: dict[str, ModelEntry]) -> list[str]:
    """Listed layers that no model has, as far as their layers are known."""
    if probes["layers"] == "all" or not models or not all(entry.is_planned for entry in models.values()):
        return []
    everywhere = {head for entry in models.values() for head in heads_of(entry.blocks, "all")}
    absent = [name for name in probes["layers"] if name not in everywhere]
    return [f"probes.layers: {', '.join(absent)} are in no model of this experiment"] if absent else []


def _source_names(catalogue: dict, corpora: dict) -> list[str]:
    """Every name that a local copy can be given for."""
    files = [f"{data}/{file}" for data, entry in catalogue["data"].items() for file in entry["files"]]
    return files + [
        f"{corpus}/{split}/{kind}"
        for corpus, entry in corpora.items()
        for split in entry["splits"]
        for kind in ("audio", "alignments")
    ]


def _task_sources(task: TaskEntry, given: dict, corpora: dict) -> tuple[dict[str, Source], list[str]]:
    """Where the files of a task come from: a local copy, or else what the catalogues say."""
    entries = {f"{task.data}/{file}": entry for file, entry in task.files.items()}
    if task.layout == "table":
        entries = {f"{task.name}/table": {"source": task.table}}
    if task.layout == "corpus":
        if task.corpus not in corpora:
            return {}, _unknown(f"tasks.{task.name}.corpus", [task.corpus], corpora, "in resources/corpora.yaml")
        splits = corpora[task.corpus]["splits"]
        if unknown := _unknown(f"tasks.{task.name}", list(task.splits), splits, f"a split of {task.corpus}"):
            return {}, unknown
        entries = {
            f"{task.corpus}/{split}/{file}": splits[split][file] for split in task.splits for file in task.corpus_files
        }
    sources, errors = {}, []
    for name, entry in entries.items():
        entry = {"source": given[name]} if name in given else entry
        sources[name] = Source(entry["source"], entry.get("bytes"), entry.get("md5"), entry.get("sha256"))
        if not sources[name].is_url and not os.path.exists(sources[name].path):
            errors.append(f"tasks.{task.name}: {name}, {entry['source']}, does not exist")
        elif found := sources[name].no_place:
            errors.append(f"tasks.{task.name}: {name}, {entry['source']}: it is {found}; a file or folder is expected")
    return sources, errors
