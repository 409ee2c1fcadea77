"""Checkpoints as they come from the network: each file checked, and all of them listed with their digests."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from layerwise.checkpoints import ORIGIN
from layerwise.downloads import digests, fetch
from layerwise.files import replaced, resumed_folder

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"  # in a fetched checkpoint folder: source, revision, and size and sha256 of each file


def fetch_original(url: str, sha256: str | None, out: Path, mirrors: Mapping[str, str] | None = None) -> None:
    """Fetch one file of a model's authors into the folder `out`, which appears only when it is whole.

    Args:
        sha256: what the file must have; None: what came is recorded in the manifest, with a warning.
        mirrors: as in `downloads.mirrored`; the manifest names `url` all the same.

    Raises:
        DownloadError: the file cannot be fetched, or is another one.
    """
    name = Path(unquote(urlsplit(url).path)).name
    if not name.endswith((".pt", ".pth")):
        name = "checkpoint.pt"  # by another name it would not be looked for
    with resumed_folder(out, ORIGIN, f"{url}\n") as folder:
        if not (folder / name).exists():
            fetch(url, folder / name, sha256=sha256, mirrors=mirrors, local_copy="extra_models: {NAME: {source: FILE}}")
        files = write_manifest(folder, url)
    if sha256 is None:
        log.warning(
            "%s: no sha256 was given to check it by; the file that came has %s (kept in %s). Written to the "
            "catalogue, it keeps any other file out",
            url,
            files[name]["sha256"],
            out / MANIFEST,
        )


def write_manifest(folder: Path, source: str, revision: str | None = None) -> dict[str, dict]:
    """Write what lies in a folder to its manifest.json, and give it: file name → size and sha256."""
    files = {
        path.name: {"size": path.stat().st_size, **digests(path, ["sha256"])}
        for path in sorted(folder.iterdir())
        if path.name not in (MANIFEST, ORIGIN)
    }
    with replaced(folder / MANIFEST) as temporary:
        content = {"source": source, "revision": revision, "files": files}
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return files
