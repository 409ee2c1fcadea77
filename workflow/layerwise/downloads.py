"""Files from the network, and checks that they are what was meant.

Apart from what is done with them, so that a change here repeats no unpacking.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx2
from tqdm import tqdm

from layerwise.errors import LayerwiseError

log = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30
_FOR_GOOD = {400, 401, 403, 404, 410, 451}  # statuses that no further try changes


class DownloadError(LayerwiseError):
    """A file cannot be fetched, or is not what was expected."""


def fetch(
    url: str,
    destination: Path,
    sha256: str | None = None,
    md5: str | None = None,
    size: int | None = None,
    *,
    git_sha1: str | None = None,
    headers: Mapping[str, str] | None = None,
    retries: int = 3,
) -> None:
    """Download `url` to `destination`, which appears only when it is whole and as expected.

    What an interrupted download left, be it by a kill, is completed: only the bytes that lack are asked for, if the
    server says that its file is still the same (RFC 9110, If-Range). Proxies are taken from the environment.

    Args:
        sha256, md5, git_sha1: hexadecimal digests, the last as git has it; None: not checked.
        size: bytes; None: not checked.
        headers: sent with every request to the host of `url`, such as a token.
        retries: further tries after a failed or a wrong download.

    Raises:
        DownloadError: the download failed or is not what was expected, at every try.
    """
    if not re.match(r"https?://", url):
        raise DownloadError(
            f"cannot download {url!r}: expected an http:// or https:// address; a local file is used as it is"
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f".{destination.name}.download")
    log.info("downloading %s to %s", url, destination)
    tries, failure = 0, None
    # Unpacked on the way, a file would have another length than the server says.
    headers = {"Accept-Encoding": "identity", **(headers or {})}
    with httpx2.Client(headers=headers, follow_redirects=True, timeout=_TIMEOUT_SECONDS) as client:
        while tries <= retries:
            time.sleep(min(tries, 10))
            tries += 1
            try:
                _complete(client, url, part)
                verify(part, size=size, md5=md5, sha256=sha256, git_sha1=git_sha1)
            except DownloadError as error:  # whole, but another file: nothing of it can be used
                failure = error
                part.unlink(missing_ok=True)
            except (httpx2.HTTPError, OSError) as error:
                failure = error
            else:
                _validator_of(part).unlink(missing_ok=True)
                os.replace(part, destination)
                return
            log.warning("%s: %s", url, failure)
            if isinstance(failure, httpx2.HTTPStatusError) and failure.response.status_code in _FOR_GOOD:
                break
    if not part.exists():
        _validator_of(part).unlink(missing_ok=True)
    raise DownloadError(
        f"could not download {url} ({tries} {'try' if tries == 1 else 'tries'}): {failure}. "
        "Another mirror or a local copy can be named in the configuration"
    ) from failure


def _complete(client: httpx2.Client, url: str, part: Path) -> None:
    """Fetch what `part` lacks of a file, or all of it where the server has another file by now."""
    validator, start, headers = _validator_of(part), 0, {}
    if part.is_file() and validator.is_file():
        start = part.stat().st_size
        headers = {"Range": f"bytes={start}-", "If-Range": validator.read_text(encoding="ascii")}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == 416:  # nothing lies beyond `start`
            if response.headers.get("Content-Range") == f"bytes */{start}":
                return
            part.unlink()
        response.raise_for_status()
        if response.status_code != 206:
            start = 0
            part.unlink(missing_ok=True)
            validator.unlink(missing_ok=True)
            strong = [response.headers.get("ETag", "W/"), response.headers.get("Last-Modified", "W/")]
            for value in [value for value in strong if not value.startswith("W/")][:1]:
                validator.write_text(value, encoding="ascii")
        length = int(response.headers.get("Content-Length", 0)) or None
        with (
            part.open("ab") as stream,
            tqdm(total=length and start + length, initial=start, unit="B", unit_scale=True, mininterval=10) as bar,
        ):
            for block in response.iter_bytes():
                stream.write(block)
                bar.update(len(block))


def _validator_of(part: Path) -> Path:
    """Beside what has come of a file: the server's mark of that very content, by which it can be asked to go on."""
    return part.with_name(f"{part.name}.etag")


def verify(
    path: Path,
    *,
    size: int | None = None,
    md5: str | None = None,
    sha256: str | None = None,
    git_sha1: str | None = None,
) -> None:
    """Check a file's size in bytes and its digests (hexadecimal); None: not checked.

    Raises:
        DownloadError: naming the file, what was found and what was expected.
    """
    if not path.is_file():
        raise DownloadError(f"{path}: there is no such file")
    found_size = path.stat().st_size
    if size is not None and found_size != size:
        raise DownloadError(f"{path}: found {found_size} bytes, expected {size}")
    expected = {
        name: digest
        for name, digest in (("md5", md5), ("sha256", sha256), ("git_sha1", git_sha1))
        if digest is not None
    }
    for name, found in digests(path, expected).items():
        if found != expected[name].lower():
            raise DownloadError(f"{path}: found {name} {found}, expected {expected[name]}")


def digests(path: Path, names: Iterable[str]) -> dict[str, str]:
    """Digests by name, in one reading of the file: the archives are up to 30 GB.

    `git_sha1` is what git calls the file: the SHA-1 of a header with its size, and its bytes.
    """
    hashes = {name: hashlib.new(name.removeprefix("git_"), usedforsecurity=False) for name in names}
    if "git_sha1" in hashes:
        hashes["git_sha1"].update(f"blob {path.stat().st_size}\0".encode())
    if hashes:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                for digest in hashes.values():
                    digest.update(block)
    return {name: digest.hexdigest() for name, digest in hashes.items()}
