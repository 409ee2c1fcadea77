"""The properties of resources/properties.yaml, as tables and figures are given them."""

from __future__ import annotations

from collections.abc import Iterable

from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.scoring.properties import Property, read_properties

ENTRIES = read_catalogue("properties.yaml")
PROPERTIES = read_properties(ENTRIES)


def chosen(names: Iterable[str]) -> dict[str, Property]:
    """Some of them, in order."""
    return {name: PROPERTIES[name] for name in names}
