"""The sizes of sample sets: numbers of the configuration, and those that `auto` leaves to the corpus.

`samples: auto` stands for `auto` at each of the sizes. What the corpus then said lies in a YAML file that is a
configuration itself, so that its numbers can be copied, or the file be named after --configfile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

from layerwise.files.atomic import replaced
from layerwise.files.catalogues import CatalogueError, read_yaml
from layerwise.spans import SampleSizes

AUTO = "auto"
PAPER = SampleSizes(utterances=500, phones_per_type=200, word_types=500, words_per_type=15)
KEYS = tuple(field.name for field in fields(SampleSizes))


def spelled_out(config: Mapping) -> dict:
    """A configuration in which `samples: auto` has become `auto` for every size; `count` and `seed` are as ever."""
    samples = config.get("samples")
    return {**config, "samples": dict.fromkeys(KEYS, AUTO)} if samples == AUTO else dict(config)


def given_sizes(samples: Mapping) -> dict[str, int]:
    """The sizes that are numbers."""
    return {key: samples[key] for key in KEYS if samples[key] != AUTO}


def sizes_of(samples: Mapping, chosen: Path | None) -> SampleSizes:
    """The numbers of `samples` and, for those that are `auto`, the ones of a file that `write_sizes` has made.

    Raises:
        CatalogueError: a size is `auto`, and the file lacks it.
    """
    given = given_sizes(samples)
    if len(given) == len(KEYS):
        return SampleSizes(**given)
    found = (read_yaml(chosen) if chosen else {}).get("samples", {})
    if missing := [key for key in KEYS if key not in given and not isinstance(found.get(key), int)]:
        raise CatalogueError(f"{chosen}: samples.{missing[0]} is missing; delete the file, and the run makes it again")
    return SampleSizes(**{key: given.get(key, found.get(key)) for key in KEYS})


def expected_sizes(samples: Mapping) -> SampleSizes:
    """The numbers of `samples`, with those of the paper for what no corpus has been asked yet."""
    return SampleSizes(**(asdict(PAPER) | given_sizes(samples)))


def in_a_line(sizes: SampleSizes) -> str:
    """As a configuration could have them."""
    return ", ".join(f"{key}: {value}" for key, value in asdict(sizes).items())


def write_sizes(sizes: SampleSizes, beside: Mapping[str, str], out: Path) -> None:
    """A configuration with these sizes alone.

    Args:
        beside: a remark for each size, such as how many rows that makes.
    """
    lines = [f"  {key}: {value} # {beside[key]}" for key, value in asdict(sizes).items()]
    with replaced(out) as temporary:
        temporary.write_text("\n".join([HEAD, "samples:", *lines, ""]), encoding="utf-8")


HEAD = """\
# Sizes of sample sets that this corpus allows (samples: auto). They follow from its tables alone: another model or
# question changes none. Copy them to fix them."""
