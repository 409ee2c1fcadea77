"""`layers` and `compare`: layers that models have and properties are asked of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from layerwise.experiment.configuration.problems import repeated
from layerwise.models.catalogue import ModelEntry
from layerwise.scoring.properties import Property


def absent_layers(config: dict, models: dict[str, ModelEntry], properties: Mapping[str, Property]) -> list[str]:
    """A listed layer may be missing in a smaller model, but not in all; and every property needs one of them.

    Nothing is said of models whose layers are not known yet.
    """
    listed = config["layers"]
    if listed == "all" or not models or not all(entry.is_planned for entry in models.values()):
        return []
    everywhere = list(dict.fromkeys(layer for entry in models.values() for layer in entry.layers))
    absent = [name for name in listed if name not in everywhere]
    if absent:
        return [f"layers: {', '.join(absent)} are in no model of this experiment; there are {ranges(everywhere)}"]
    return repeated("layers", listed) + [
        f"layers: none of {', '.join(listed)} is a layer of {model} that {name!r} is asked of"
        for name, question in properties.items()
        for model, entry in models.items()
        if not set(question.layers(entry.layers)) & set(listed)
    ]


def ranges(layers: Iterable[str]) -> str:
    """C1 to C7 and T0 to T12."""
    numbers = {kind: [int(name[1:]) for name in layers if name[0] == kind] for kind in "CT"}
    return " and ".join(f"{kind}{min(of)} to {kind}{max(of)}" for kind, of in numbers.items() if of)


def layer_pairs_of(compare: list | None) -> list[list[str]]:
    """What `compare` says, as a list of pairs."""
    pairs = compare or []
    return [pairs] if pairs and isinstance(pairs[0], str) else pairs


def impossible_pairs(config: dict, models: dict[str, ModelEntry], properties: Mapping[str, Property]) -> list[str]:
    """Pairs of one layer, pairs that stand there twice, and pairs of which no model has both layers, or scores both.

    Nothing is said where the layers of a model are not known yet.
    """
    pairs = layer_pairs_of(config["compare"])
    errors = [f"compare: found {one} and {other}; two layers are expected" for one, other in pairs if one == other]
    errors += repeated("compare", [" and ".join(sorted(pair)) for pair in pairs])
    if not all(entry.is_planned for entry in models.values()):
        return errors
    wanted = None if config["layers"] == "all" else set(config["layers"])
    for one, other in pairs:
        having = [entry.layers for entry in models.values() if {one, other} <= set(entry.layers)]
        if not having:
            have = "; ".join(f"{model} has {ranges(entry.layers)}" for model, entry in models.items())
            errors.append(f"compare: no model of this experiment has both {one} and {other}: {have}")
        elif not any(
            {one, other} <= set(question.layers(layers)) and (wanted is None or {one, other} <= wanted)
            for question in properties.values()
            for layers in having
        ):
            errors.append(
                f"compare: no property of this experiment scores both {one} and {other} of a model (properties, layers)"
            )
    return errors
