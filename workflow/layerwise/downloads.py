"""Archives from the network, and checks that they are what was meant.

Apart from what is done with them, so that a change here repeats no unpacking.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path

import pooch

from layerwise.errors import LayerwiseError

log = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 20


class DownloadError(LayerwiseError):
    """An archive cannot be fetched, or is not what was expected."""


def fetch(
    url: str,
    destination: Path,
    sha256: str | None = None,
    md5: str | None = None,
    size: int | None = None,
    *,
    retries: int = 3,
) -> None:
    """Download `url` to `destination`, which appears only when it is whole and as expected.

    Args:
        sha256, md5: hexadecimal digests; None: not checked.
        size: bytes; None: not checked.
        retries: further tries after a failed or a wrong download.

    Raises:
        DownloadError: the download failed or is not what was expected, at every try.
    """
    if not re.match(r"https?://", url):
        raise DownloadError(
            f"cannot download {url!r}: expected an http:// or https:// address; a local file is used as it is"
        )
    http = pooch.HTTPDownloader(progressbar=True, chunk_size=_BLOCK_BYTES)

    def download_checked(address: str, output_file: str, pooch_: pooch.Pooch) -> None:
        http(address, output_file, pooch_)
        try:
            verify(Path(output_file), size=size, md5=md5, sha256=sha256)
        except DownloadError as error:
            log.warning("%s: %s", address, error)
            raise ValueError(str(error)) from error  # the one kind of error, with HTTP's, that pooch tries again on

    downloaded = destination.with_name(f".{destination.name}.download")
    downloaded.unlink(missing_ok=True)
    store = pooch.create(
        path=destination.parent,
        base_url="",
        registry={downloaded.name: None},
        urls={downloaded.name: url},
        retry_if_failed=retries,
    )
    log.info("downloading %s to %s", url, destination)
    try:
        store.fetch(downloaded.name, downloader=download_checked)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        raise DownloadError(
            f"could not download {url} ({retries + 1} tries): {error}. "
            "Another mirror or a local copy can be named in the configuration"
        ) from error
    os.replace(downloaded, destination)


def verify(path: Path, *, size: int | None = None, md5: str | None = None, sha256: str | None = None) -> None:
    """Check a file's size in bytes and its digests (hexadecimal); None: not checked.

    Raises:
        DownloadError: naming the file, what was found and what was expected.
    """
    if not path.is_file():
        raise DownloadError(f"{path}: there is no such file")
    found_size = path.stat().st_size
    if size is not None and found_size != size:
        raise DownloadError(f"{path}: found {found_size} bytes, expected {size}")
    expected = {name: digest for name, digest in (("md5", md5), ("sha256", sha256)) if digest is not None}
    for name, found in _digests(path, expected).items():
        if found != expected[name].lower():
            raise DownloadError(f"{path}: found {name} {found}, expected {expected[name]}")


def _digests(path: Path, names: Iterable[str]) -> dict[str, str]:
    """Digests by name, in one reading of the file: the archives are up to 30 GB."""
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    if hashes:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                for digest in hashes.values():
                    digest.update(block)
    return {name: digest.hexdigest() for name, digest in hashes.items()}
