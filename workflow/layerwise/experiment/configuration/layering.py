"""Configurations on top of each other: files that a configuration changes, and changes key by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from layerwise.experiment.configuration.problems import ConfigurationError, listed
from layerwise.files.catalogues import CatalogueError, locate, read_yaml

FROM = "from"  # key of a configuration: a file that it changes, which is read as plain data
_EXPRESSIONS = "as it holds expressions of YTE, which --configfile would run; they are not run here, and mean nothing"
_NOT_FROM_A_FILE = {
    **dict.fromkeys(("__use_yte__", "__definitions__", "__variables__"), _EXPRESSIONS),
    FROM: "and what it names would be read too; name one file that has every key",
}


def merged(config: Mapping, changes: Mapping) -> dict:
    """The configuration with changes: mappings are merged key by key, all else is replaced."""
    return {**config} | {
        key: merged(config[key], value)
        if isinstance(value, Mapping) and isinstance(config.get(key), Mapping)
        else value
        for key, value in changes.items()
    }


def on_top_of_each_other(configs: Iterable[Any]) -> Any:
    """Configurations, each changed by the next. One that is no mapping replaces those before; the schema refuses it."""
    config: Any = {}
    for changes in configs:
        config = merged(config, changes) if isinstance(changes, dict) and isinstance(config, dict) else changes
    return config


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
        raise ConfigurationError(listed([f"{FROM}: {error}"])) from error
    if refused := [
        f"{FROM}: {config[FROM]} has {key}, {why}" for key, why in _NOT_FROM_A_FILE.items() if base.get(key) is not None
    ]:
        raise ConfigurationError(listed(refused))
    return merged(base, {key: value for key, value in config.items() if key != FROM})


def base_of(config: dict) -> str | None:
    """What its `from` names, if anything: `--config` hands null over as text."""
    return None if config.get(FROM) == "null" else config.get(FROM)
