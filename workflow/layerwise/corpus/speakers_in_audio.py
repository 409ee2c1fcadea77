"""A table of speakers that a corpus's archives of audio have beside the splits, as LibriSpeech's SPEAKERS.TXT."""

from __future__ import annotations

import os
from pathlib import Path

from layerwise.corpus.archives import CorpusError
from layerwise.files.atomic import replaced
from layerwise.files.csv_files import MAX_BYTES
from layerwise.files.folders import Folder
from layerwise.files.plain_files import read_plain


def take_speakers(root: Path, name: str, out: Path) -> None:
    """Copy a table that lies in the folder of the audio, or in a folder of it.

    Raises:
        CorpusError: there is none, or it is no file of that folder.
    """
    source = Folder(root)
    path = next((path for path in (root / name, *sorted(root.glob(f"*/{name}"))) if os.path.lexists(path)), None)
    if path is None:
        raise CorpusError(
            f"{root} has no {name} in it or in a folder of it, where the archives of this corpus have it; name yours "
            "(corpus.metadata)"
        )
    source.require(path, CorpusError)
    content = read_plain(path, MAX_BYTES, CorpusError)
    with replaced(out) as temporary:
        temporary.write_bytes(content)
