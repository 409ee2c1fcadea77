"""Where the vectors and attributes of words come from that properties name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from layerwise.errors import did_you_mean, listed_names
from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.experiment.configuration.sources import Source
from layerwise.targets.names import ATTRIBUTES, VECTORS, WITH_FILE

FORMATS = {VECTORS: "text", ATTRIBUTES: "qvec"}  # of entries of the catalogue


@dataclass(frozen=True)
class WordFile:
    """A file in which words are looked up.

    Attributes:
        source: where it comes from.
        member: which file of a zip; None: its only one.
    """

    source: Source
    member: str | None = None

    @property
    def identity(self) -> list:
        """What changes when another file is named, or the file does."""
        return [*self.source.identity, self.member]


def word_files(targets: Mapping[str, Mapping]) -> tuple[dict[str, WordFile], list[str]]:
    """The files that targets name, and what is wrong with them.

    What is the name of an entry of resources/vectors.yaml means that; a file of this name is `./NAME`.

    Args:
        targets: `target` of a property by the path of its key in the configuration, such as `properties.glove.target`.
    """
    named = {(place, key): target[key] for place, target in targets.items() for key in WITH_FILE if key in target}
    if not named:
        return {}, []
    catalogue = read_catalogue("vectors.yaml")["vectors"]
    files: dict[str, WordFile] = {}
    errors = []
    for (place, key), name in named.items():
        if name in catalogue:
            entry = catalogue[name]
            if entry["format"] != FORMATS[key]:
                errors.append(f"{place}.{key}: {name} is of the other kind: write {_other(key)}: {name}")
            files[place] = WordFile(Source.of(entry), entry.get("member"))
            continue
        source = Source.of({"source": name})
        if not source.is_url and not os.path.isfile(source.path):
            found = "it is no file" if os.path.exists(source.path) else "it does not exist"
            errors.append(
                f"{place}.{key}: {name}: {found}, and resources/vectors.yaml has no such entry"
                f"{did_you_mean(catalogue, name)}; it has {listed_names(catalogue, name)}"
            )
            continue
        files[place] = WordFile(source, targets[place].get("member"))
    return files, errors


def _other(key: str) -> str:
    return next(other for other in FORMATS if other != key)
