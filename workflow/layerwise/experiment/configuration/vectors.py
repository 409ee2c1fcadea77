"""Where the vectors and attributes of words come from that properties name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from layerwise.errors import did_you_mean, listed_names
from layerwise.experiment.configuration.problems import in_place_of_file
from layerwise.experiment.configuration.properties import key_of
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


def chosen_word_files(config: dict, entries: Mapping[str, Mapping]) -> tuple[dict[str, WordFile], list[str]]:
    """The files that the targets of properties name, by the name of the property, and what is wrong with them.

    What is the name of an entry of resources/vectors.yaml means that; a file of this name is `./NAME`.

    Args:
        entries: of the chosen properties.
    """
    files: dict[str, WordFile] = {}
    errors = []
    for name, entry in entries.items():
        for key in WITH_FILE:
            if key in entry["target"]:
                files[name], problems = _word_file(key, entry["target"])
                errors += [f"{key_of(config, name)}.target.{key}: {problem}" for problem in problems]
    return files, errors


def _word_file(key: str, target: Mapping) -> tuple[WordFile, list[str]]:
    name, catalogue = target[key], read_catalogue("vectors.yaml")["vectors"]
    if name in catalogue:
        entry = catalogue[name]
        problems = []
        if entry["format"] != FORMATS[key]:
            (other,) = (other for other, kind in FORMATS.items() if kind == entry["format"])
            problems = [f"{name} has {other}: write {other}: {name}"]
        return WordFile(Source.of(entry), target.get("member", entry.get("member"))), problems
    source = Source.of({"source": name})
    problems = []
    if not source.is_url and (found := in_place_of_file(name)):
        problems = [
            f"{name} {found}. resources/vectors.yaml has no such entry{did_you_mean(catalogue, name)}; "
            f"it has {listed_names(catalogue, name)}"
        ]
    return WordFile(source, target.get("member")), problems
