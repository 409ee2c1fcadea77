"""Values in the configuration of an original checkpoint, each checked and taken out of what it is wrapped in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Integral
from pathlib import Path
from reprlib import Repr

import numpy as np

from layerwise.models.originals.family import OriginalError
from layerwise.models.originals.pickled_values import Record
from layerwise.models.sizes import LAYERS, SIZE

_WRAPPED = 10  # nodes of omegaconf around a value: one or two
_SCALARS = (str, int, float)
_SHOWN = Repr()  # of values: a pickle may hold one that contains itself, or is endless by what it repeats
_SHOWN.maxlevel = 3
_SHOWN.maxstring = _SHOWN.maxother = 200


class Settings:
    """Values of a configuration, each of which must be there and of the type that it has in the original."""

    def __init__(self, path: Path, values: Mapping | None) -> None:
        self.path = path
        self.values = values or {}

    def number(self, name: str, least: int = 1) -> int:
        value = self._value(name)
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise self._wrong(name, f"a whole number from {least} is expected")
        SIZE.require(value, f"{self.path}: {name}", OriginalError)
        return int(value)

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false is expected")
        return value

    def choice(self, name: str, meanings: Mapping[str, str]) -> str:
        value = self._value(name)
        if not isinstance(value, str) or value not in meanings:
            raise self._wrong(name, f"{', '.join(meanings)} can be read")
        return meanings[value]

    def only(self, name: str, value: object) -> None:
        """Refuse a variant of the model that changes its layers; versions before it existed don't have the setting."""
        found = self.values.get(name)
        if found is not None and not (isinstance(found, _SCALARS) and found == value):
            raise self._wrong(name, f"only {value!r} can be read")

    def _value(self, name: str) -> object:
        if self.values.get(name) is None:
            raise OriginalError(
                f"{self.path}: its configuration lacks {name}, without which its layers are not defined"
            )
        return self.values[name]

    def _wrong(self, name: str, wanted: str) -> OriginalError:
        return OriginalError(f"{self.path}: {name} is {shown_value(self.values[name])} in its configuration; {wanted}")


class _Values(Mapping):
    """A section of a configuration; a value is taken out of what it is wrapped in when it is asked for."""

    def __init__(self, written: dict) -> None:
        self._written = written

    def __getitem__(self, name: str) -> object:
        return _plain(self._written[name])

    def __iter__(self) -> Iterator:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)


def as_values(section: object) -> _Values | None:
    """A section of a configuration by its names: from a dict, an argparse.Namespace, or omegaconf's dict."""
    section = _plain(section)
    if isinstance(section, Record) and isinstance(section.state, dict):
        section = section.state
    return _Values(section) if isinstance(section, dict) else None


def _plain(value: object, depth: int = 0) -> object:
    """What omegaconf wraps in nodes, and what an enumeration is made from; what numpy has, as Python has it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist() if value.size <= 3 * LAYERS.value else shown_value(value)
    if isinstance(value, Record) and depth < _WRAPPED:
        state = value.state if isinstance(value.state, dict) else {}
        for content in ("_content", "_val"):
            if content in state:
                content = state[content]
                if isinstance(content, list):
                    most = 3 if depth else LAYERS.value  # conv_feature_layers is a list of lists of three numbers
                    return [_plain(item, depth + _WRAPPED // 2) for item in content[: most + 1]]
                return _plain(content, depth + 1)
        if value.items:
            return value.items
        if value.state is None and len(value.args) == 1:
            return value.args[0]
    return value


def shown_value(value: object) -> str:
    """A value for a message, however large it is, or deep, or in itself."""
    return _SHOWN.repr(value)
