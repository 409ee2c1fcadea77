"""`corpus.metadata`: tables of speakers and utterances."""

from __future__ import annotations

import os
from pathlib import Path

from layerwise.corpus.metadata_headers import OF_CORPUS, metadata_columns, repeated_id
from layerwise.errors import LayerwiseError
from layerwise.experiment.configuration.problems import repeated
from layerwise.files.catalogues import locate


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
