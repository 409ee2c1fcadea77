"""Files from the network, and checks that they are what was meant.

Apart from what is done with them, so that a change here repeats no unpacking.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from layerwise.errors import LayerwiseError
from layerwise.files import give_name
from layerwise.locks import held
from layerwise.space import DISK_FULL, DiskSpaceError, readable, require_space

log = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30
_FOR_GOOD = {400, 401, 403, 404, 410, 451}  # statuses that no further try changes
_GONE = {404, 410}
_WRONG_FILES = 2  # tries that may bring another file than expected: once it may have been the transmission
_ADVANCE_BYTES = 16 << 20  # a try that brings as much is no failure: 30 GB may be cut more often than a few times
_LONGEST_PAUSE_SECONDS = 60
_LONGEST_RETRY_AFTER_SECONDS = 300
_SECONDS_BETWEEN_REPORTS = 30


class DownloadError(LayerwiseError):
    """A file cannot be fetched, or is not what was expected."""


class _WebPageError(DownloadError):
    """A page for people came, of the server or of a proxy before it: nothing is known of the file."""


def mirrored(url: str, mirrors: Mapping[str, str]) -> str:
    """The address to ask for a file that the catalogue knows as `url`.

    Args:
        mirrors: beginnings of addresses, each with what stands there instead; the longest that fits is used.
    """
    fitting = [prefix for prefix in mirrors if url.startswith(prefix)]
    if not fitting:
        return url
    prefix = max(fitting, key=len)
    return mirrors[prefix] + url.removeprefix(prefix)


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
    mirrors: Mapping[str, str] | None = None,
    local_copy: str = "a file or folder on this machine",
) -> None:
    """Download `url` to `destination`, which appears only when it is whole and as expected, and stays if it is.

    What an interrupted download left, be it by a kill, is completed: only the bytes that lack are asked for, if the
    server says that its file is still the same (RFC 9110, If-Range). Proxies are taken from the environment.

    Args:
        sha256, md5, git_sha1: hexadecimal digests, the last as git has it; None: not checked.
        size: bytes; None: not checked.
        headers: sent with every request to the host of `url`, such as a token.
        retries: further tries after a failed download, with growing pauses, or those that the server asks for. A file
            that is not the expected one is tried once more.
        mirrors: as in `mirrored`; whatever comes from there must have the same size and digests.
        local_copy: for messages: the key of the configuration where a copy on this machine can be named.

    Raises:
        DownloadError: the download failed or is not what was expected, at every try.
        DiskSpaceError: the disk has too little room for it, or became full; what has come is kept.
    """
    address = mirrored(url, mirrors or {})
    if not re.match(r"https?://", address, re.IGNORECASE):
        raise DownloadError(
            f"cannot download {address!r}: expected an http:// or https:// address; a local file is used as it is"
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f".{destination.name}.download")
    log.info("downloading %s to %s", address, destination)
    tries = failed = wrong = 0
    failure: Exception | None = None
    # Unpacked on the way, a file would have another length than the server says.
    headers = {"Accept-Encoding": "identity", **(headers or {})}
    with (
        _only_one(urlsplit(address).netloc),
        httpx2.Client(headers=headers, follow_redirects=True, timeout=_TIMEOUT_SECONDS) as client,
    ):
        if _is_expected(destination, size=size, md5=md5, sha256=sha256, git_sha1=git_sha1):
            log.info("%s: another run has fetched it", destination)
            return
        while failed <= retries and wrong < _WRONG_FILES:
            if failure is not None:
                time.sleep(_pause(failure, failed + wrong))
            tries, had = tries + 1, _bytes_of(part)
            try:
                _complete(client, address, part, size)
                _refuse_page(part)
                verify(part, size=size, md5=md5, sha256=sha256, git_sha1=git_sha1)
            except DownloadError as error:
                failure = error
                if isinstance(error, _WebPageError):
                    failed += 1
                else:  # whole, but another file: nothing of it can be used
                    wrong += 1
                    part.unlink(missing_ok=True)
            except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
                if getattr(error, "errno", None) in DISK_FULL:
                    raise _disk_full(address, part, size) from error
                failure = error
                failed = 1 if _bytes_of(part) - had >= _ADVANCE_BYTES else failed + 1
            else:
                _validator_of(part).unlink(missing_ok=True)
                give_name(part, destination)
                log.info("%s: %s, as expected", destination, readable(destination.stat().st_size))
                return
            log.warning("%s: %s", address, _explained(failure))
            if _is_final(failure):
                break
    if not part.exists():
        _validator_of(part).unlink(missing_ok=True)
    kept = f" ({readable(_bytes_of(part))} have come; the same command goes on there)" if _bytes_of(part) else ""
    raise DownloadError(
        f"could not download {address} ({tries} {'try' if tries == 1 else 'tries'}): {_explained(failure)}{kept}. "
        f"The configuration can name another mirror (mirrors: {{ADDRESS: ADDRESS}}) or a local copy: {local_copy}"
    ) from failure


# One connection a host, however many jobs and workflows run on this machine: openslr.org drops clients with more than
# five, and others count too. The lock is the operating system's: a killed process leaves none behind.
@contextmanager
def _only_one(host: str) -> Iterator[None]:
    """Hold the only connection of this user and machine to a host."""
    folder = Path(tempfile.gettempdir()) / f"layerwise-downloads-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with held(folder / f"{re.sub('[^A-Za-z0-9.-]', '_', host)}.lock", f"another download from {host} has ended"):
        yield


def _is_expected(path: Path, **checks: int | str | None) -> bool:
    """Whether a file is there, and as `verify` wants it."""
    try:
        verify(path, **checks)
    except DownloadError:
        return False
    return True


def _pause(failure: Exception, failures: int) -> float:
    """Seconds to wait before the next try: what the server asks for, or else longer every time."""
    asked = _retry_after(failure)
    return min(2.0 ** (failures - 1), _LONGEST_PAUSE_SECONDS) if asked is None else asked


def _retry_after(failure: Exception) -> float | None:
    """Seconds that a busy server asks to wait (RFC 9110: a number, or a date)."""
    value = failure.response.headers.get("Retry-After") if isinstance(failure, httpx2.HTTPStatusError) else None
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _is_final(failure: Exception) -> bool:
    """Whether no further try, or none within reason, will change it."""
    if isinstance(failure, httpx2.HTTPStatusError):
        too_late = (_retry_after(failure) or 0) > _LONGEST_RETRY_AFTER_SECONDS
        return failure.response.status_code in _FOR_GOOD or too_late
    return isinstance(failure, httpx2.TooManyRedirects | httpx2.UnsupportedProtocol | httpx2.InvalidURL)


def _explained(failure: Exception) -> str:
    if isinstance(failure, httpx2.HTTPStatusError):
        response = failure.response
        words = f"status {response.status_code} {response.reason_phrase} of {_bare(response.url)}"
        if response.status_code in _GONE:
            words += ", the file is not there, or not any more"
        seconds = _retry_after(failure)
        return words if seconds is None else f"{words}, it asks to wait {seconds:.0f} s"
    if isinstance(failure, httpx2.TooManyRedirects):
        return f"the server redirects in a circle, at last to {_bare(failure.request.url)}"
    return str(failure) or type(failure).__name__


def _bare(url: httpx2.URL) -> str:
    """An address without its query, which may hold a signature."""
    return str(url).partition("?")[0]


def _disk_full(address: str, part: Path, size: int | None) -> DiskSpaceError:
    missing = f"; {readable(size - _bytes_of(part))} are missing" if size else ""
    return DiskSpaceError(
        f"the disk of {part.parent} is full: {readable(_bytes_of(part))} of {address} have come and are kept"
        f"{missing}. Make room and run the same command again: it goes on there"
    )


def _bytes_of(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _complete(client: httpx2.Client, url: str, part: Path, size: int | None) -> None:
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
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml"):
            raise _WebPageError(
                f"a web page came instead of the file: status {response.status_code}, {kind}, from "
                f"{_bare(response.url)}; perhaps a login, an error or a moved file"
            )
        if response.status_code != 206:
            start = 0
        length = int(response.headers.get("Content-Length", 0)) or None
        total = length and start + length
        if None not in (size, total) and total != size:
            raise DownloadError(f"{_bare(response.url)} has {total} bytes, expected {size}: it is another file")
        if start == 0:
            part.unlink(missing_ok=True)
            validator.unlink(missing_ok=True)
        require_space(
            part.parent, (total or size or 0) - start, f"downloading {url}", "make room; what has come is kept"
        )
        if start == 0:
            strong = [response.headers.get("ETag", "W/"), response.headers.get("Last-Modified", "W/")]
            for value in [value for value in strong if not value.startswith("W/")][:1]:
                validator.write_text(value, encoding="ascii")
        progress = _Progress(start, total or size)
        with part.open("ab") as stream:
            for block in response.iter_bytes():
                stream.write(block)
                progress.add(len(block))
    if size is not None and start + progress.came < size:
        raise ConnectionError(f"the connection ended after {start + progress.came} of {size} bytes")


class _Progress:
    """Says now and then in the log how much of a file is here."""

    def __init__(self, start: int, total: int | None) -> None:
        self.came = 0
        self._start, self._total = start, total
        self._began = self._said = time.monotonic()

    def add(self, size: int) -> None:
        self.came += size
        now = time.monotonic()
        if now - self._said >= _SECONDS_BETWEEN_REPORTS:
            self._said = now
            of = f" of {readable(self._total)}" if self._total else ""
            speed = readable(self.came / (now - self._began))
            log.info("%s%s, %s/s", readable(self._start + self.came), of, speed)


def _refuse_page(part: Path) -> None:
    """Some servers send their error pages as if they were files."""
    with part.open("rb") as stream:
        beginning = stream.read(512).lstrip()
    if beginning.lower().startswith((b"<!doctype html", b"<html")):
        raise DownloadError(f"a web page came instead of the file; it begins with {beginning[:60]!r}")


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


def note_digest(path: Path, url: str) -> Path:
    """Write down, beside a download that nothing could be checked by, what came: `NAME.sha256`, as sha256sum has it."""
    digest = digests(path, ["sha256"])["sha256"]
    note = path.with_name(f"{path.name}.sha256")
    note.write_text(f"{digest}  {path.name}\n", encoding="ascii")
    log.warning(
        "%s: no digest is known to check it by; the file that came has sha256 %s (kept in %s). Written to the "
        "catalogue, it keeps any other file out",
        url,
        digest,
        note,
    )
    return note
