"""The tables of segments that questions name: what each is called in paths, and its columns, before any job."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from layerwise.corpus.headers import header_of
from layerwise.files.catalogues import locate
from layerwise.spans import SPANS

REQUIRED = ("utterance_id", "start", "end")
MADE = ("utterance_id", "speaker_id", "start", "end")  # columns that every table has once it is read
_RESERVED = frozenset(SPANS) | {"utterance"}
_LONGEST = 60  # characters: a part of a path has 255 at most, and more is added to it


def columns_of(path: Path) -> list[str]:
    """The columns that a target may name: those of the file, and the speaker, who is joined to each row.

    Only the beginning of the file is read. A `label` is among them only if the file has one.

    Raises:
        TableError, CSVError: the file is no table, or lacks a column that it must have.
    """
    return list(dict.fromkeys((*MADE, *header_of(path, REQUIRED))))


def table_names(paths: Iterable[str]) -> dict[str, str]:
    """What each table is called in paths: what its file is called, without the suffix.

    Of several that would have one name the first keeps it, and the others get a digest of their path; two paths of one
    file have one name. No table is called as a span is.

    Args:
        paths: as they stand in the configuration.
    """
    names: dict[str, str] = {}
    taken = set(_RESERVED)
    of_file: dict[str, str] = {}
    for path in dict.fromkeys(paths):
        file = path if "\0" in path else os.path.realpath(locate(path))  # no disk has such a name
        if file not in of_file:
            stem, digest = _plain(Path(path).stem), hashlib.sha256(path.encode()).hexdigest()
            candidates = [stem, *(f"{stem}-{digest[:length]}" for length in range(6, len(digest)))]
            of_file[file] = next(name for name in candidates if name.lower() not in taken)
            taken.add(of_file[file].lower())  # some disks take upper and lower case for the same
        names[path] = of_file[file]
    return names


def _plain(stem: str) -> str:
    """A name of letters, digits, `_` and `-` that begins with one of the first two."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", stem).lstrip("_-")[:_LONGEST] or "segments"
