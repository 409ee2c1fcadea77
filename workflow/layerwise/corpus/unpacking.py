"""Unpacking a corpus, or one split of it, whole or not at all."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from layerwise.corpus.archives import CorpusError, unpack
from layerwise.corpus.layouts import AUDIO_SUFFIXES
from layerwise.errors import first_names
from layerwise.files.atomic import replaced_folder
from layerwise.files.digests import verify

log = logging.getLogger(__name__)


def unpack_audio(archive: Path, split: str | None, destination: Path, checks: Mapping | None = None) -> None:
    """Unpack one split of a .tar.gz, such as LibriSpeech's, which then lies in `destination/LibriSpeech/<split>`.

    A split is what lies in a folder of its name; None: the corpus has no such folders, and all of it is unpacked. The
    files at the archive's top (licence, speakers) come along, other splits do not. Everything is unpacked beside
    `destination` and takes its name at the end: what a killed job leaves is not taken for a corpus, and the next one
    removes it.

    Args:
        checks: of the archive: `size`, `md5`, `sha256`.

    Raises:
        DownloadError: the archive is not the one that `checks` expect.
        CorpusError: as `layerwise.corpus.archives.unpack`; or the archive lacks the split, or `destination` holds
            something already.
    """
    if checks is not None:
        verify(archive, **checks)
    if destination.exists() and any(destination.iterdir()):
        raise CorpusError(f"{destination} is not empty; remove it to unpack {archive} again")
    splits: Counter[str] = Counter()  # recordings that the archive has of each

    def wanted(path: PurePosixPath, is_file: bool) -> bool:
        if is_file and path.suffix.lower() in AUDIO_SUFFIXES:
            splits[_split_of(path.parts, split)] += 1
        return split is None or split in path.parts or (is_file and len(path.parts) <= 2)

    with replaced_folder(destination) as partial:
        unpack(archive, partial, wanted)
        if not splits:
            raise CorpusError(f"{archive} has no audio file ({', '.join(AUDIO_SUFFIXES)})")
        if split is not None and split not in splits:
            raise CorpusError(f"{archive} has no audio of split {split!r}; it has {first_names(splits)}")
    log.info("unpacked %d recordings to %s", splits[split] if split else splits.total(), destination)


def unpack_all(archive: Path, destination: Path, checks: Mapping | None = None) -> None:
    """Unpack a whole .tar.gz, as safely and as wholly as `unpack_audio`, whatever its layout.

    Raises:
        DownloadError, CorpusError: as `unpack_audio`.
    """
    if checks is not None:
        verify(archive, **checks)
    with replaced_folder(destination) as partial:
        unpack(archive, partial, lambda path, is_file: True)


def _split_of(parts: tuple[str, ...], split: str | None) -> str:
    """The split of a recording: `split` if it lies in a folder of that name, else as in LibriSpeech's layout."""
    if split in parts[:-1]:
        return split
    return parts[-4] if len(parts) > 3 else "(no split folder)"
