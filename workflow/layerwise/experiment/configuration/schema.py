"""The shape of configurations and catalogues, as the schemas of workflow/schemas have it."""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import jsonschema
import referencing
import yaml

from layerwise.errors import did_you_mean, listed_names, shown
from layerwise.experiment.configuration.problems import HINTED, ConfigurationError, hint, listed
from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT
from layerwise.files.texts import is_utf8

SCHEMAS = ROOT / "workflow/schemas"
_LONGEST = 10_000  # characters of a text, of which a path has 4,096 at most; or items of a list or mapping
_MOST_ERRORS = 1000  # that are collected; a person reads fewer
_LARGEST = 1 << 63  # of whole numbers, for which numpy and tables have no type

_ANY = {"type": ["boolean", "integer", "null", "number"]}  # of keys that a mapping may have beside those that are named
_WORDS = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
    **dict.fromkeys(("null", "none", "~"), None),
}
_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII)

# JSON Schema takes 7.0 for an integer; nothing that counts does.
_TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
)


def _matches(_validator: object, pattern: str, text: object, _schema: dict) -> Iterator[jsonschema.ValidationError]:
    """As JSON Schema means it: $ is the end, where Python's is also before a last line feed."""
    if isinstance(text, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), text):
        yield jsonschema.ValidationError(f"must match {pattern}")


_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _matches}, type_checker=_TYPES)


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


def check_schema(content: dict, schema: str) -> None:
    """Compare a configuration or catalogue with a schema of workflow/schemas.

    Raises:
        ConfigurationError: a line for each wrong key: its path, what was found, what is allowed, the nearest match.
    """
    if strange := list(itertools.islice(_no_json(content, ()), _MOST_ERRORS)):
        raise ConfigurationError(listed(strange))
    validator = _Validator(schema_of(schema), registry=_registry())
    found = itertools.islice(validator.iter_errors(content), _MOST_ERRORS)
    errors = sorted(found, key=lambda error: [str(part) for part in error.absolute_path])
    if errors:
        lines: dict[str, None] = {}
        for error in errors:
            lines |= dict.fromkeys(_explained(error, max(0, HINTED - len(lines))))
        raise ConfigurationError(listed(lines))


def from_command_line(value: object, schema: dict) -> object:
    """Numbers, booleans and null where the schema wants no text: `--config` hands nested values over as text.

    Where it wants a number or text, what reads as a number is one; where it says nothing, what YAML would make of it.
    """
    if "$ref" in schema:
        schema = _registry().resolver().lookup(schema["$ref"]).contents
    types = schema.get("type", "string")
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        others = schema.get("additionalProperties", _ANY if parts or schema is _ANY else {}) or {}
        return {key: from_command_line(part, parts.get(key, others)) for key, part in value.items()}
    if isinstance(value, list):
        return [from_command_line(item, schema.get("items", schema if schema is _ANY else {})) for item in value]
    if not isinstance(value, str):
        return value
    read = _plain(value)
    if isinstance(read, str):
        return value
    is_number = isinstance(read, int | float) and not isinstance(read, bool)
    wanted = (
        "string" not in types
        or ("null" in types and read is None)
        or (is_number and ("number" in types or "integer" in types))
    )
    return read if wanted else value


def _plain(text: str) -> object:
    """A number, a boolean or null, in any spelling of YAML or Python; else the text."""
    word = text.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    if not _NUMBER.fullmatch(word):
        return text
    try:
        return int(word)
    except ValueError:
        return float(word)


def with_defaults(config: dict, schema: dict) -> dict:
    """The configuration with the defaults of the schema where a key is missing, and in its order, at every level."""
    parts = schema.get("properties", {})
    filled = {key: part.get("default") for key, part in parts.items() if "default" in part or key in config} | config
    return {
        key: with_defaults(value, parts[key]) if key in parts and isinstance(value, dict) else value
        for key, value in filled.items()
    }


def schema_of(name: str) -> dict:
    return read_yaml(SCHEMAS / name)


@functools.cache
def _registry() -> referencing.Registry:
    """So that one schema may refer to another by its file name."""
    resources = [
        (path.name, referencing.Resource.from_contents(read_yaml(path))) for path in SCHEMAS.glob("*.schema.yaml")
    ]
    return referencing.Registry().with_resources(resources)


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
            f"{'.'.join([*path, key])}: there is no such key{hint(allowed, key) if number < hints else ''}"
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
        "type": lambda value: (
            f"must be {' or '.join([value] if isinstance(value, str) else value)}"
            + (_such_as(error.schema) if "object" in value and isinstance(error.instance, str) else "")
        ),
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
        "uniqueItems": lambda value: "must have nothing twice",
        "maxItems": lambda value: f"must have at most {value} items",
        "pattern": lambda value: _allowed(value, error.schema),
        "oneOf": lambda value: error.schema.get("description", ""),
    }
    rule = rules.get(error.validator, lambda value: error.message)(error.validator_value)
    return [f"{where}: found {found}; {rule}"]


def _such_as(schema: Mapping) -> str:
    """What a mapping looks like: the first of the schema's examples."""
    (example,) = schema.get("examples", [{"key": "value"}])[:1]
    return f", such as {yaml.safe_dump(example, default_flow_style=True).strip()}"


def _allowed(pattern: str, schema: Mapping) -> str:
    """A pattern that one word alone matches is that word, beside what else may stand there."""
    word = pattern[1:-1]
    if pattern != f"^{word}$" or not word.isalpha():
        return f"must match {pattern}"
    types = schema.get("type", "string")
    others = [f"{kind}{_such_as(schema) if kind == 'object' else ''}" for kind in types if kind != "string"]
    return f"must be {' or '.join([*others, word])}"


def _purpose(error: jsonschema.ValidationError, key: str) -> str:
    return error.schema.get("properties", {}).get(key, {}).get("description", "it must be given")
