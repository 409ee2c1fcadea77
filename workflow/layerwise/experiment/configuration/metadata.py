"""`corpus.metadata`: tables of speakers and utterances, and the tables of segments that questions name."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from layerwise.corpus.metadata_headers import OF_CORPUS, metadata_columns, repeated_id
from layerwise.errors import LayerwiseError
from layerwise.experiment.configuration.problems import repeated, unknown
from layerwise.files.catalogues import locate
from layerwise.segments.chosen import columns_of, table_names


def metadata_of_corpus(corpus: dict, corpora: dict) -> tuple[list[Path], dict[str, str], list[str]]:
    """The tables: what the configuration says, or else the catalogue; their columns; and what is wrong with them.

    Each column has what it is known of, `speaker` or `utterance`; those of the corpus's own table are among them.
    """
    given = corpus["metadata"]
    if given is None:
        given = corpora.get(corpus["name"], {}).get("metadata", [])
    given = [given] if isinstance(given, str) else given
    errors = repeated("corpus.metadata", given)
    errors += [
        f"corpus.metadata: {path} does not exist; a file is expected"
        for path in given
        if not os.path.isfile(locate(path))
    ]
    if errors:
        return [], dict(OF_CORPUS), errors
    paths = [locate(path) for path in given]
    try:
        columns = metadata_columns(paths)
        twice = [(path, name) for path in paths if (name := repeated_id(path)) is not None]
    except LayerwiseError as error:
        return [], dict(OF_CORPUS), [f"corpus.metadata: {error}"]
    return paths, columns, [f"corpus.metadata: {path} has two rows of {name}; each has one" for path, name in twice]


def chosen_segments(properties: Mapping[str, Mapping]) -> dict[str, Path]:
    """The tables of segments that some questions are about, by what they are called in paths.

    Args:
        properties: entries of questions; those whose rows are `{segments: table}` count.
    """
    rows = [entry.get("rows") for entry in properties.values()]
    paths = [of_one["segments"] for of_one in rows if isinstance(of_one, Mapping) and "segments" in of_one]
    return {name: locate(path) for path, name in table_names(paths).items()}


def wrong_segments(key: str, path: str, wanted: Sequence[str], joined: Collection[str] = ()) -> list[str]:
    """What is wrong with a table of segments of a question, and with the columns of it that the question names.

    Args:
        key: of the configuration, such as `extra_properties.stress.rows.segments`.
        path: the table, as it stands there.
        wanted: the columns that the target names.
        joined: columns that every row has beside the table's own, such as those of `metadata_of_corpus`.
    """
    if not os.path.isfile(locate(path)):
        return [f"{key}: {path} does not exist; a CSV, TSV or Parquet file is expected"]
    try:
        there: Iterable[str] = columns_of(locate(path))
    except LayerwiseError as error:
        return [f"{key}: {error}"]
    return unknown(key, wanted, dict.fromkeys((*there, *joined)), f"a column of {path}")
