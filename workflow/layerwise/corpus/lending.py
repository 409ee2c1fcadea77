"""The audio of a corpus, unpacked once and lent to one job after another, then deleted.

Each job that reads the audio gets its own link to the one folder. If the folder itself were the input of all these
jobs, Snakemake would repeat all of them as soon as one needed it again after it was deleted.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from layerwise.files.atomic import room_for
from layerwise.files.disk_space import require_space
from layerwise.files.download_notes import forget
from layerwise.files.locks import held

log = logging.getLogger(__name__)

# Bytes on the disk for a byte of the archive. gzip does not shrink FLAC (0.997 for the demo's files); the rest is for
# folders and half-filled blocks.
UNPACKED = 1.1


def lend_audio(
    url: str | None,
    archive: Path,
    split: str,
    audio: Path,
    link: Path,
    *,
    checks: Mapping,
    made_from: object,
    mirrors: Mapping[str, str],
    keep: bool,
) -> None:
    """Make `link` one to the folder `audio`, which is fetched and unpacked first if it is not here.

    Args:
        url: where the archive comes from; None: it lies on this machine, and is left there.
        archive: the archive, or where it is downloaded to.
        audio: the folder of the unpacked split.
        checks: `size`, `md5` and `sha256` of the archive, None where not known.
        made_from: whatever the unpacked files depend on; kept beside the folder, which is made anew when it differs.
        mirrors: as in `downloads.mirrored`.
        keep: leave a downloaded archive where it is, once it is unpacked.

    Raises:
        DownloadError, CorpusError, DiskSpaceError: it cannot be had, is not what was expected, or does not fit.
    """
    label, content = _label(audio), json.dumps(made_from, sort_keys=True) + "\n"
    audio.parent.mkdir(parents=True, exist_ok=True)
    with _alone(audio):
        if not (audio.is_dir() and label.is_file() and label.read_bytes() == content.encode()):
            label.unlink(missing_ok=True)
            shutil.rmtree(audio, ignore_errors=True)
            _have(url, archive, checks, mirrors)
            _unpack(archive, split, audio)
            label.write_text(content, encoding="utf-8")
            if url is not None and not keep and not forget(archive):
                log.info("%s was not fetched here, and stays", archive)
        else:
            log.info("%s is here", audio)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)  # one whose folder is gone
        link.symlink_to(os.path.relpath(audio, link.parent), target_is_directory=True)


def take_back_audio(audio: Path, links: Path) -> bool:
    """Delete the unpacked audio, unless a job that has not succeeded still holds it; whether it was deleted.

    Args:
        links: the folder of all experiments, EXPERIMENT/audio/….
    """
    if not audio.is_dir():
        return False
    with _alone(audio):
        lent = [link for link in links.glob("*/audio/*") if link.is_symlink() and link.resolve() == audio.resolve()]
        if lent:
            return False
        _label(audio).unlink(missing_ok=True)
        shutil.rmtree(audio)
    return True


def _label(audio: Path) -> Path:
    return audio.with_name(f"{audio.name}.json")


def _alone(audio: Path) -> AbstractContextManager:
    """So that jobs which begin together do not unpack together."""
    return held(audio.with_name(f".{audio.name}.lock"), f"another job has {audio} ready")


def _have(url: str | None, archive: Path, checks: Mapping, mirrors: Mapping[str, str]) -> None:
    """Fetch the archive if it is not here, and check that it is the right one."""
    # Imported here because the Snakefile imports this module: every plan would be slower.
    from layerwise.files.digests import verify
    from layerwise.files.downloads import fetch

    if url is None:
        verify(archive, **checks)
    else:
        root = archive.parents[1]  # of HOST/NAME
        fetch(url, archive, **checks, mirrors=mirrors, local_copy="corpus.audio", root=root, note=True)


def _unpack(archive: Path, split: str, audio: Path) -> None:
    from layerwise.corpus.unpacking import unpack_audio

    needed = round(UNPACKED * archive.stat().st_size)
    require_space(audio, needed, f"unpacking {archive} ({UNPACKED} times its size)", "make room and run again")
    with room_for(audio):
        unpack_audio(archive, split, audio)
