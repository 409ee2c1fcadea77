"""Where resources lie, and their YAML as plain data, whoever wrote it."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import NoReturn

import yaml

from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit
from layerwise.files.plain_files import read_plain
from layerwise.files.shipped import IS_CHECKOUT, ROOT

# Limits of a YAML file, which may be a stranger's. The largest of ours has 30 kB and 1,600 values; a thousand models
# have 200 kB.
_BYTES = Limit("LAYERWISE_MAX_YAML_BYTES", 4_000_000, "bytes")
# Aliases can name one value again and again, so that ten lines mean a billion of them.
_VALUES = Limit("LAYERWISE_MAX_YAML_VALUES", 200_000, "values")
_DEEPEST = 50  # mappings and lists in one another; no key of ours is deeper than eight, Python ends at some hundreds


class CatalogueError(LayerwiseError):
    """A catalogue cannot be read, or an entry says too little or something impossible."""


def locate(path: str) -> Path:
    """A path of a configuration or catalogue: relative to the working directory.

    What begins with resources/ and is not there is what the checkout (or the wheel) ships, wherever one works.
    """
    # os.path has no errors: a name that is too long, or in a folder that may not be read, is none that exists.
    given = Path(os.path.expanduser(path))
    if given.parts[:1] != ("resources",) or os.path.exists(given):
        return given
    return ROOT / given if IS_CHECKOUT or os.path.exists(ROOT / given) else given


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # libyaml's is the same, ten times as fast
    """Plain data. `<<` cannot multiply values, and a key that stands twice is an error: YAML would take the last."""

    def __init__(self, path: Path, stream: str) -> None:
        super().__init__(stream)
        self._path = path
        self._flat: set[yaml.MappingNode] = set()
        self._merged = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if node in self._flat:
            return
        self._flat.add(node)
        known = set()
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if isinstance(part, yaml.MappingNode):
                        self.flatten_mapping(part)
                        self._merged += len(part.value)
            if isinstance(key, yaml.ScalarNode):
                if key.value in known:
                    self._refuse(f"the key {key.value} stands there twice", key)
                known.add(key.value)
        _VALUES.require(self._merged, f"{self._path}: what << merges", CatalogueError)
        super().flatten_mapping(node)

    def construct_short_int(self, node: yaml.ScalarNode) -> int:
        """Base-60 numbers (1:00:00…) take time that grows with the square of their length."""
        if len(node.value) > 100:
            self._refuse(f"a number of {len(node.value)} characters", node)
        return self.construct_yaml_int(node)

    def _refuse(self, problem: str, node: yaml.Node) -> NoReturn:
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_short_int)


def read_yaml(path: Path) -> dict:
    """A YAML file's mapping, read as plain data whoever wrote it: nothing in it is run, and it cannot take all memory.

    Raises:
        CatalogueError: it is no such file, too large, too deep, holds itself or has a key twice; the message names it.
    """
    text = _text(Path(path))
    try:
        content = yaml.load(text, functools.partial(_Loader, path))
    except LayerwiseError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        said = ", ".join(part for part in (error.problem, error.context) if part)
        raise CatalogueError(f"{path}: {place}{said}") from error
    except Exception as error:  # of a value that is not what its tag says, PyYAML raises whatever Python does
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise CatalogueError(f"{path}: a value is not what YAML takes it for ({said})") from error
    if not isinstance(content, dict):
        raise CatalogueError(f"{path}: a mapping of names is expected, not {type(content).__name__}")
    require_bounded(content, str(path), CatalogueError)
    return content


def _text(path: Path) -> str:
    """What a file holds, if it is one and not too large."""
    try:
        return read_plain(path, _BYTES, CatalogueError).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path}: byte {error.start} is not UTF-8") from error
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def require_bounded(content: object, what: str, error: type[LayerwiseError]) -> None:
    """Refuse mappings and lists that are too deep, without end, or of too many values to walk through.

    Aliases of YAML let a file of ten lines name one value again and again, and a value hold itself.
    """
    found, level, depth = 0, [content], 0
    while level:
        if depth > _DEEPEST:
            raise error(f"{what} has more than {_DEEPEST} mappings and lists in one another, or one that holds itself")
        below: list[object] = []
        for part in level:
            parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
            found += len(parts)
            _VALUES.require(found, what, error)
            below += [value for value in parts if isinstance(value, (dict, list))]
        level, depth = below, depth + 1
