"""Notes beside downloads, by which they are told from files that somebody else put there.

Imported when the workflow is planned, so nothing here imports a client.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from layerwise.files.links import opened_itself

_NOTE_BYTES = 10_000  # of which a note has some hundreds


def note_of(path: Path) -> Path:
    """Beside a download: where it came from, and what the file was like then."""
    return path.with_name(f"{path.name}.fetched")


def write_note(file: Path, path: Path, address: str) -> None:
    """Note that `file`, which is given the name `path` next, was fetched.

    With its size, not its age: copies of a checkout and `snakemake --touch` change that.

    Args:
        address: as it may be shown.
    """
    note = note_of(path)
    note.unlink(missing_ok=True)
    with open(note, "w", encoding="utf-8", opener=opened_itself) as stream:
        json.dump({"address": address, "bytes": file.stat().st_size}, stream)
        stream.write("\n")


def is_fetched(path: Path) -> bool:
    """Whether a file was fetched by this workflow, and is still as long; a link was not."""
    try:
        with open(note_of(path), "rb", opener=opened_itself) as stream:
            noted = json.loads(stream.read(_NOTE_BYTES))
        return not path.is_symlink() and isinstance(noted, dict) and noted.get("bytes") == path.stat().st_size
    except (OSError, ValueError, RecursionError):
        return False


def forget(path: Path) -> bool:
    """Delete a download and its note, if it is one; whether it was."""
    if not is_fetched(path):
        return False
    path.unlink()
    note_of(path).unlink()
    return True


def forget_notes(folder: Path) -> None:
    """Delete the notes below a folder whose downloads are gone: Snakemake, which deletes those, does not know them."""
    for note in folder.rglob("*.fetched"):
        if not os.path.lexists(note.with_suffix("")):
            note.unlink(missing_ok=True)
