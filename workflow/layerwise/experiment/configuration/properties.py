"""`properties` and `extra_properties`: the questions that names stand for, and what they need."""

from __future__ import annotations

import re
from collections.abc import Mapping

from layerwise.cells import WEIGHTS
from layerwise.errors import did_you_mean, escaped, listed_names
from layerwise.experiment.configuration.layers import ranges
from layerwise.experiment.configuration.problems import repeated, unknown
from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.experiment.configuration.segments import resolved_entries
from layerwise.layers import LAYER
from layerwise.models.catalogue import ModelEntry
from layerwise.scoring.properties import Property, PropertyError, property_of


def chosen_properties(config: dict) -> tuple[dict[str, dict], dict[str, Property], list[str]]:
    """The entries of the chosen properties, what they mean, and what is wrong with them."""
    catalogue, own = read_catalogue("properties.yaml"), config["extra_properties"]
    known: dict[str, dict] = catalogue | own
    errors = [
        *unknown("properties", config["properties"], known, "a property"),
        *repeated("properties", config["properties"]),
        *[
            f"extra_properties.{name}: resources/properties.yaml has a property of this name; choose another"
            for name in own
            if name in catalogue
        ],
        *[
            f"extra_properties.{name}: tables have a row of this name, of learned weights; choose another"
            for name in own
            if name == WEIGHTS
        ],
        *_alike(own, catalogue),
        *_unreadable_words(own),
    ]
    known = resolved_entries(known)
    entries, properties = {}, {}
    for name in dict.fromkeys([*config["properties"], *own]):
        if name not in known:
            continue
        try:
            question = property_of(name, known[name])
        except PropertyError as error:
            errors.append(f"extra_properties.{name}.{error}")
            continue
        if name in config["properties"]:
            entries[name], properties[name] = known[name], question
    return entries, properties, errors


def _alike(own: Mapping[str, dict], catalogue: Mapping[str, dict]) -> list[str]:
    """Names that differ in case alone, which some disks take for one: a folder of scores would hold two questions."""
    first = {name.lower(): name for name in catalogue}
    errors = []
    for name in own:
        other = first.setdefault(name.lower(), name)
        if other != name and name not in catalogue:
            errors.append(f"extra_properties.{name}: it differs from {other} in case alone; choose another name")
    return errors


def _unreadable_words(own: Mapping[str, dict]) -> list[str]:
    """Titles that are empty or no line: they stand in plots and tables."""
    return [
        f"extra_properties.{name}.{key}: found {entry[key]!r}; a line of text is expected"
        for name, entry in own.items()
        for key in ("title", "called")
        if key in entry and (not entry[key].strip() or escaped(entry[key]) != entry[key])
    ]


def impossible_properties(
    config: dict, properties: Mapping[str, Property], models: Mapping[str, ModelEntry]
) -> list[str]:
    """Properties that compare with a model that is not chosen, has no such layer or other frames."""
    errors = []
    for name, question in properties.items():
        other = question.target.other_model
        where = f"{key_of(config, name)}.target"
        if other and other not in models:
            errors.append(
                f"{where}.model: {other!r} is not among the models of this experiment{did_you_mean(models, other)}; "
                f"models: {listed_names(models, other)}"
            )
        elif other:
            errors += _frames_apart(where, question, models[other], models)
        if all(entry.is_planned for entry in models.values()) and other in ("", *models):
            errors += _asked_of_nothing(where, question, models)
    return list(dict.fromkeys(errors))


def _asked_of_nothing(where: str, question: Property, models: Mapping[str, ModelEntry]) -> list[str]:
    """A property that no layer of any model has an answer to."""
    layer, other = question.target.layer, question.target.other_model
    if any(layers_asked(question, entry, models.get(other)) for entry in models.values()):
        return []
    if not other:
        have = "; ".join(f"{name} has {ranges(entry.layers)}" for name, entry in models.items())
        return [f"{where}.layer: no model of this experiment has {layer}: {have}"]
    return [
        f"{where}.model: {other} would be compared with itself only, which tells nothing: add another to models, or "
        "ask for layer: all"
    ]


def key_of(config: dict, name: str) -> str:
    """The key of a property in the configuration, for messages."""
    return f"extra_properties.{name}" if name in config["extra_properties"] else f"properties.{name}"


def _frames_apart(where: str, question: Property, other: ModelEntry, models: Mapping[str, ModelEntry]) -> list[str]:
    """Models whose frames are not those of the other one; nothing is said of those that are not known yet."""
    layer = question.target.layer
    if other.is_planned and re.fullmatch(LAYER, layer) and layer not in other.layers:
        return [f"{where}.layer: {other.name} has no {layer}; it has {ranges(other.layers)}"]
    if question.of_segments or not other.is_planned:
        return []
    return [
        f"{where}.model: frames of {name} are {entry.stride_seconds:g} s apart, those of {other.name} "
        f"{other.stride_seconds:g} s: only equal ones can be compared; rows of phones, words and utterances can be"
        for name, entry in models.items()
        if entry.is_planned and entry.stride_seconds != other.stride_seconds
    ]


def layers_asked(question: Property, entry: ModelEntry, other: ModelEntry | None) -> list[str]:
    """The layers of a model that a property is asked of: of two models the common ones, of a model with itself none.

    A model that lacks the layer which is the target has none either.
    """
    names = question.layers(entry.layers)
    if other is None:
        return names if question.target.layer in ("", *entry.layers) else []
    if other.name == entry.name and not question.is_matrix:
        return []
    return [name for name in names if question.target.layer != "same" or name in other.layers]
