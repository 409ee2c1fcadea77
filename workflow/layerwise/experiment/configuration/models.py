"""`models` and `extra_models`: the entries that names stand for."""

from __future__ import annotations

from collections.abc import Iterable

from layerwise.errors import LayerwiseError
from layerwise.files.catalogues import CatalogueError
from layerwise.files.limits import Limit
from layerwise.models.catalogue import BY_HAND, ModelEntry
from layerwise.models.names import Models, told_apart
from layerwise.models.weights import require_files

COLUMNS = ("layer", "alignments")  # of tables that have a column for each model

# Models that are chosen or described. The catalogue has fifty; a table of a thousand columns is read by nobody.
MODELS = Limit("LAYERWISE_MAX_MODELS", 1000, "models")


def clashing(key: str, names: Iterable[str], catalogue: dict) -> list[str]:
    return [
        f"{key}.{name}: resources/models.yaml has a model of this name; choose another"
        for name in names
        if name in catalogue
    ] + [f"{key}.{name}: tables have a column of this name; choose another" for name in names if name in COLUMNS]


def chosen_models(
    config: dict, catalogue: dict
) -> tuple[dict[str, ModelEntry], dict[str, ModelEntry], dict[str, str], list[str]]:
    """The chosen models, those that random ones are like, the name of each, and what is wrong with them."""
    known = Models(catalogue, config["extra_models"])
    models: dict[str, ModelEntry] = {}
    names: dict[str, str] = {}
    first: dict[str, str] = {}
    errors = []
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
        errors += _no_weights(said, entry)
        models[entry.name] = entry
    return told_apart(models), known.parents, names, errors


def _no_weights(said: str, entry: ModelEntry) -> list[str]:
    """A checkpoint folder of transformers without weights, which a job would find long after."""
    if entry.kind != "folder" or entry.original or entry.source == BY_HAND:
        return []
    try:
        require_files(entry.folder)
    except LayerwiseError as error:
        return [f"models: {said}: {error}"]
    return []
