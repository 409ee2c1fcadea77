"""`shares`: what an experiment has in common with another one, whose results it takes instead of making them again.

Representations depend on the corpus, the samples, `representations` and the model, and on nothing else. So an
experiment with fewer models, or with other questions, of the same corpus and samples is another view of the same
results. It names the other one, and then

- tables of the corpus and of samples lie in the folder of the other experiment;
- representations of models that both have are read there, and no rule of this experiment can make them;
- scores of models and questions that both have are read there too, if `cca` and `layers` are alike.

All else lies in its own folder: what other models, questions or numbers of `cca` need, other poolings, heads of tasks,
tables, plots, the report. What is alike is seen in the configuration.yaml of the other experiment, which its last run
has written. Keys that have to be alike and are not are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layerwise.addresses import hidden_in
from layerwise.errors import did_you_mean
from layerwise.experiment.configuration.problems import ConfigurationError, listed
from layerwise.experiment.journal import CONFIGURATION
from layerwise.files.catalogues import CatalogueError, read_yaml

_ALIKE = ("corpus", "samples", "representations")  # sections on which representations depend
_FREE = {("corpus", "keep"), ("representations", "batch_seconds")}  # of them what no result depends on
_OF_SCORES = ("cca", "layers")


@dataclass(frozen=True)
class Sharing:
    """What is taken from another experiment.

    Attributes:
        experiment: its name; "": nothing is.
        models: names under `models` whose representations are.
        questions: properties whose scores are, of these models.
    """

    experiment: str = ""
    models: frozenset[str] = frozenset()
    questions: frozenset[str] = frozenset()


def sharing_of(config: Mapping, results: Path) -> Sharing:
    """What an experiment takes from the one that it names.

    Args:
        config: with every default.
        results: the folder of all experiments.

    Raises:
        ConfigurationError: there is no such experiment, or a key differs on which representations depend.
    """
    name = config["shares"]
    if name is None:
        return Sharing()
    if name == config["experiment"]:
        raise ConfigurationError(listed([f"shares: {name} is this experiment; name another"]))
    try:
        other = read_yaml(results / name / CONFIGURATION)
    except CatalogueError as error:
        there = sorted(path.parent.name for path in results.glob(f"*/{CONFIGURATION}"))
        raise ConfigurationError(listed([f"shares: {error}; run {name} first{did_you_mean(there, name)}"])) from error
    mine: Any = hidden_in(dict(config))
    if errors := [*_differences(mine, other, name), *_other_entries(mine, other, name)]:
        raise ConfigurationError(listed(errors))
    models = frozenset(mine["models"]) & frozenset(other["models"])
    scored = all(mine[key] == other.get(key) for key in _OF_SCORES)
    questions = frozenset(mine["properties"]) & frozenset(other["properties"]) if scored else frozenset()
    return Sharing(name, models, questions)


def _differences(mine: Mapping, other: Mapping, name: str) -> list[str]:
    """Keys that have to be alike and are not."""
    errors = []
    for section in _ALIKE:
        theirs = other.get(section, {})
        errors += [
            f"{section}.{key}: {value!r} here, {theirs.get(key)!r} in {name}: representations depend on it; make them "
            "alike, or leave out shares"
            for key, value in mine[section].items()
            if (section, key) not in _FREE and value != theirs.get(key)
        ]
    if not mine["representations"]["keep"]:
        errors.append("representations.keep: false deletes what is shared; it must be true")
    if other.get("shares"):
        errors.append(f"shares: {name} itself shares with {other['shares']}; name that one")
    return errors


def _other_entries(mine: Mapping, other: Mapping, name: str) -> list[str]:
    """Models and questions of one name that are described differently."""
    return [
        f"{section}.{key}: it is described otherwise in {name}; choose another name for it"
        for section, chosen in (("extra_models", "models"), ("extra_properties", "properties"))
        for key in mine[chosen]
        if key in other.get(chosen, []) and mine[section].get(key) != other.get(section, {}).get(key)
    ]
