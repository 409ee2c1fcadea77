"""Files that the measures of properties read as they are: items of ABX, ratings of words, pairs of recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from layerwise.errors import did_you_mean, listed_names
from layerwise.experiment.configuration.problems import in_place_of_file
from layerwise.experiment.configuration.properties import key_of
from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.experiment.configuration.sources import Source
from layerwise.targets.names import RATINGS, READ_AS_THEY_ARE


@dataclass(frozen=True)
class NamedSource:
    """A file that a measure reads: where it comes from, and what is known of it.

    Attributes:
        name: what the property calls it, without a secret that its address may have.
        pairs: how many pairs it has, where the catalogue says so. suffixes: ends of words that are no part of them.
    """

    source: Source
    name: str
    pairs: int | None = None
    suffixes: tuple[str, ...] = ()

    @property
    def facts(self) -> dict:
        """What a job is told of it beside its path."""
        return {"name": self.name, "pairs": self.pairs, "suffixes": list(self.suffixes)}


def chosen_read_files(config: dict, entries: Mapping[str, Mapping]) -> tuple[dict[str, list[NamedSource]], list[str]]:
    """The files that the measures of properties read, by the name of the property, and what is wrong with them.

    Ratings may be names of resources/ratings.yaml; a file of such a name is `./NAME`.

    Args:
        entries: of the chosen properties.
    """
    files: dict[str, list[NamedSource]] = {}
    errors = []
    for name, entry in entries.items():
        for key in READ_AS_THEY_ARE:
            said = entry["target"].get(key, [])
            for place in said if isinstance(said, list) else [said]:
                catalogue = read_catalogue("ratings.yaml")["ratings"] if key == RATINGS else {}
                known = catalogue.get(place, {"source": place})
                source = Source.of(known)
                of_words = known.get("pairs"), tuple(known.get("suffixes", ()))
                called = place if place in catalogue else source.origin
                files.setdefault(name, []).append(NamedSource(source, called, *of_words))
                if place not in catalogue and not source.is_url and (found := in_place_of_file(place)):
                    choices = (
                        f". resources/ratings.yaml has no such entry{did_you_mean(catalogue, place)}; it has "
                        f"{listed_names(catalogue, place)}"
                        if catalogue
                        else ""
                    )
                    errors.append(f"{key_of(config, name)}.target.{key}: {place} {found}{choices}")
    return files, errors
