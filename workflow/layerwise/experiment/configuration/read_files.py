"""Files that the measures of properties read as they are: items of ABX, ratings of words, pairs of recordings."""

from __future__ import annotations

from collections.abc import Mapping

from layerwise.errors import did_you_mean, listed_names
from layerwise.experiment.configuration.problems import in_place_of_file
from layerwise.experiment.configuration.properties import key_of
from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.experiment.configuration.sources import Source
from layerwise.targets.names import RATINGS, READ_AS_THEY_ARE


def chosen_read_files(config: dict, entries: Mapping[str, Mapping]) -> tuple[dict[str, list[Source]], list[str]]:
    """The files that the measures of properties read, by the name of the property, and what is wrong with them.

    Ratings may be names of resources/ratings.yaml; a file of such a name is `./NAME`.

    Args:
        entries: of the chosen properties.
    """
    files: dict[str, list[Source]] = {}
    errors = []
    for name, entry in entries.items():
        for key in READ_AS_THEY_ARE:
            said = entry["target"].get(key, [])
            for place in said if isinstance(said, list) else [said]:
                catalogue = read_catalogue("ratings.yaml")["ratings"] if key == RATINGS else {}
                source = Source.of(catalogue.get(place, {"source": place}))
                files.setdefault(name, []).append(source)
                if place not in catalogue and not source.is_url and (found := in_place_of_file(place)):
                    known = (
                        f". resources/ratings.yaml has no such entry{did_you_mean(catalogue, place)}; it has "
                        f"{listed_names(catalogue, place)}"
                        if catalogue
                        else ""
                    )
                    errors.append(f"{key_of(config, name)}.target.{key}: {place} {found}{known}")
    return files, errors
