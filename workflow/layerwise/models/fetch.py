"""Fetch a model in the file of its authors; check and list every file of a fetched checkpoint folder."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from layerwise.addresses import file_name, identity_of, shown_address
from layerwise.files.atomic import replaced, resumed_folder
from layerwise.files.digests import DownloadError, digests, verify
from layerwise.files.downloads import fetch
from layerwise.files.integrity import MANIFEST
from layerwise.files.links import refuse_link
from layerwise.models.checkpoints import ORIGIN

log = logging.getLogger(__name__)

_REMOVE = "Remove the folder: the same command fetches it again"
_OF_SNAKEMAKE = ".snakemake_timestamp"  # in every folder that a rule makes


def fetch_original(url: str, sha256: str | None, out: Path, mirrors: Mapping[str, str] | None = None) -> None:
    """Fetch one file of a model's authors into the folder `out`, which appears only when it is whole.

    Args:
        sha256: what the file must have; None: what came is recorded in the manifest, with a warning.
        mirrors: as in `downloads.mirrored`; the manifest names `url` all the same.

    Raises:
        DownloadError: the file cannot be fetched, or is another one; or another lies in `out`.
        LinkError: a link lies where a file or folder belongs.
    """
    name, identity = _name_of(url), identity_of(url)
    with resumed_folder(out, ORIGIN, f"{identity}\n") as folder:
        keep_expected(folder, {name: {"sha256": sha256}}, is_finished=folder == out)
        if not (folder / name).exists():
            fetch(url, folder / name, sha256=sha256, mirrors=mirrors, local_copy="extra_models: {NAME: {source: FILE}}")
        files = write_manifest(folder, identity)
    if sha256 is None:
        log.warning(
            "%s: no sha256 was given to check it by; the file that came has %s (kept in %s). Written to the "
            "catalogue, it keeps any other file out",
            shown_address(url),
            files[name]["sha256"],
            out / MANIFEST,
        )


def require_original(url: str, sha256: str, folder: Path) -> None:
    """Check a folder that exists where `fetch_original` would put a file: it would not be fetched again.

    Raises:
        DownloadError, LinkError: it is not, it lacks the file, or there is more in it.
    """
    name = _name_of(url)
    keep_expected(folder, {name: {"sha256": sha256}}, is_finished=True)
    if not (folder / name).is_file():
        raise DownloadError(f"{folder} holds no {name}, which was fetched there. {_REMOVE}")


def _name_of(url: str) -> str:
    name = file_name(url)
    return name if name.endswith((".pt", ".pth")) else "checkpoint.pt"  # only these suffixes are recognised later


def keep_expected(folder: Path, expected: Mapping[str, Mapping], is_finished: bool) -> None:
    """Check what is in a checkpoint folder before anything is fetched into it.

    From an unfinished folder, unexpected files and files without a known digest are removed.

    Args:
        expected: the names of files, each with what `downloads.verify` takes.
        is_finished: jobs may be reading it: nothing is removed.

    Raises:
        DownloadError: a finished folder holds another file than expected, or one more.
        LinkError: it holds a link.
    """
    begun = {
        f".{name}{suffix}" for name in expected for suffix in (".download", ".download.etag", ".lock", ".lock.held")
    }
    for path in sorted(folder.iterdir()):
        if path.name in (ORIGIN, MANIFEST, _OF_SNAKEMAKE) or (path.name in begun and not is_finished):
            refuse_link(path, "file")
            continue
        checks = expected.get(path.name)
        if is_finished:
            refuse_link(path)
            if checks is None:
                raise DownloadError(f"{path} does not belong to the checkpoint that was fetched there. {_REMOVE}")
            try:
                verify(path, **checks)
            except DownloadError as error:
                raise DownloadError(f"{error}. {_REMOVE}") from error
        elif checks is None or not _is_known(path, checks):
            log.warning("%s is none of the files that are expected here, or not known to be whole; it is removed", path)
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _is_known(path: Path, checks: Mapping) -> bool:
    """Whether a file has the digest that is expected of it."""
    if path.is_symlink() or not any(digest for name, digest in checks.items() if name != "size"):
        return False
    try:
        verify(path, **checks)
    except DownloadError:
        return False
    return True


def write_manifest(folder: Path, source: str, revision: str | None = None) -> dict[str, dict]:
    """Write the manifest.json of a folder and return its files: name → size and sha256."""
    files = {
        path.name: {"size": path.stat().st_size, **digests(path, ["sha256"])}
        for path in sorted(folder.iterdir())
        if path.name not in (MANIFEST, ORIGIN, _OF_SNAKEMAKE)
    }
    with replaced(folder / MANIFEST) as temporary:
        content = {"source": source, "revision": revision, "files": files}
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return files
