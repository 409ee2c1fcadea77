"""Archives that a configuration names by an address: fetched, and remembered by their digest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from layerwise.files.digests import note_digest
from layerwise.files.downloads import fetch


def fetch_archive(url: str, archive: Path, *, name: str, checks: Mapping, mirrors: Mapping[str, str]) -> None:
    """Fetch an archive. Where nobody says which digest it must have, its own is written down beside it.

    Args:
        name: where it lies in the folder of downloads, which no link may lead out of.
        checks: `size`, `md5`, `sha256`; None: not known.

    Raises:
        DownloadError, DiskSpaceError, LinkError: as `layerwise.files.downloads.fetch`.
    """
    fetch(
        url,
        archive,
        **checks,
        mirrors=mirrors,
        local_copy="corpus.audio, corpus.alignments, probes.sources, or the target of a property of your own",
        root=Path(str(archive).removesuffix(f"/{name}")),
        note=True,
    )
    if not (checks["md5"] or checks["sha256"]):
        note_digest(archive, url)
