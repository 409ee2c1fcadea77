"""Files from the network, and checks that they are what was meant.

Apart from what is done with them, so that a change here repeats no unpacking.
"""

from __future__ import annotations

import codecs
import hashlib
import logging
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx2

from layerwise.addresses import host_of, is_hidden, shown_address
from layerwise.errors import LayerwiseError, shown
from layerwise.files.atomic import give_name
from layerwise.files.disk_space import DISK_FULL, DiskSpaceError, readable, require_space
from layerwise.files.download_notes import is_fetched, note_of, write_note
from layerwise.files.links import opened_itself, refuse_link, refuse_links_below
from layerwise.files.locks import held
from layerwise.files.plain_files import open_plain, require_plain

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
# Slower than a modem (1 kB/s), a server holds the only connection to it for weeks: it is asked again.
_LEAST_BYTES, _LEAST_SECONDS = 60_000, 60.0
_MOST_REDIRECTS = 10  # archives and hubs need three
# What a server sends without saying how long it is ends before the disk is full, for all who share it.
_SPARE_BYTES, _CHECK_BYTES = 200 << 20, 16 << 20
# Strong validators (RFC 9110), which go back to the server; longer ones and those with other characters are not kept.
_TAG, _DATE = re.compile(r'"[!#-~]{0,200}"'), re.compile(r"[ -~]{1,64}")
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_OURS = {"Accept-Encoding": "identity"}  # unpacked on the way, a file would have another length than the server says


class DownloadError(LayerwiseError):
    """A file cannot be fetched, or is not what was expected."""


class _AnswerError(DownloadError):
    """What came is no answer with the file, such as a page for people: nothing is known of the file."""


class _RefusedError(_AnswerError):
    """The way to the file is one that is not gone, however often it is tried."""


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
    root: Path | None = None,
    note: bool = False,
) -> None:
    """Download `url` to `destination`, which appears only when it is whole and as expected, and stays if it is.

    What an interrupted download left, be it by a kill, is completed: only the bytes that lack are asked for, if the
    server says that its file is still the same (RFC 9110, If-Range). Proxies are taken from the environment. A file
    that lies there already is kept if it has the digests or a note (`is_fetched`), and else neither used nor replaced.

    Args:
        sha256, md5, git_sha1: hexadecimal digests, the last as git has it; None: not checked.
        size: bytes; None: not checked.
        headers: sent with every request to the host of `url`, such as a token, and to no other.
        retries: further tries after a failed download, with growing pauses, or those that the server asks for. A file
            that is not the expected one is tried once more.
        mirrors: as in `mirrored`; whatever comes from there must have the same size and digests.
        local_copy: for messages: the key of the configuration where a copy on this machine can be named.
        root: the folder below which `destination` has to lie, with no link between them; None: not checked.
        note: write down beside the file that it was fetched, as `is_fetched` reads it.

    Raises:
        DownloadError: the download failed or is not what was expected, at every try; or another file lies there.
        DiskSpaceError: the disk has too little room for it, or became full; what has come is kept.
        LinkError: a link lies where files of the download belong.
    """
    address, headers = mirrored(url, mirrors or {}), dict(headers or {})
    _refuse_address(address, headers)
    named, part = shown_address(address), destination.with_name(f".{destination.name}.download")
    checks = {"size": size, "md5": md5, "sha256": sha256, "git_sha1": git_sha1}
    if root is not None:
        refuse_links_below(destination, root)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"{destination.parent} cannot be made: {error.strerror}") from error
    # Before the lock: a folder that others share may take none from here, and nothing has to be written there.
    with suppress(DownloadError):
        refuse_link(destination, "file")
        if destination.exists() and _is_had(destination, checks):
            log.info("%s: it is here", destination)
            return
    log.info("downloading %s to %s", named, destination)
    # The first lock is for those who share the folder, whatever machine and temporary folder they have.
    with (
        held(destination.with_name(f".{destination.name}.lock"), f"another run has fetched {destination}"),
        _only_one(host_of(address)),
        _client() as client,
    ):
        for path in (destination, part, _validator_of(part), note_of(destination)):
            refuse_link(path, "file")
        if _bytes_of(part) and part.stat().st_nlink > 1:  # another file, to which the rest would be added
            part.unlink()
        if destination.exists() and _is_had(destination, checks):
            log.info("%s: it is here", destination)
            return
        _try_often(
            _Request(client, address, headers, size, md5 or sha256 or git_sha1), part, checks, retries, local_copy
        )
        _validator_of(part).unlink(missing_ok=True)
        if note:  # first: a note without its file says nothing, and a file without its note is taken for another's
            write_note(part, destination, named)
        give_name(part, destination)
        log.info("%s: %s, as expected", destination, readable(destination.stat().st_size))


def _client() -> httpx2.Client:
    """A client that keeps no cookies: each request is one of its own, and odd ones are no errors.

    Raises:
        DownloadError: the environment names a proxy that is none.
    """
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    try:
        return httpx2.Client(headers=_OURS, timeout=_TIMEOUT_SECONDS, cookies=cookies)
    except (ValueError, httpx2.InvalidURL, ImportError):  # its text may hold a password
        raise DownloadError(
            "the environment names a proxy that cannot be used: http_proxy, https_proxy and all_proxy must be "
            "http:// or https:// addresses, and no_proxy a list of hosts"
        ) from None


def _refuse_address(address: str, headers: Mapping[str, str]) -> None:
    if not re.match(r"https?://", address, re.IGNORECASE):
        raise DownloadError(
            f"cannot download {shown_address(address)!r}: expected an http:// or https:// address; a local file is "
            "used as it is"
        )
    if is_hidden(address):
        raise DownloadError(
            f"cannot download {address}: *** stands for a user name, a password or a query that is not kept; write the "
            "whole address"
        )
    for name, value in headers.items():
        if not re.fullmatch(r"[!-~]([ -~]*[!-~])?", value):
            raise DownloadError(f"the header {name} for {host_of(address)} holds a character that no header may have")


def _is_had(destination: Path, checks: Mapping) -> bool:
    """Whether what lies at the destination is the file; what was fetched, and is another file than wanted, is replaced.

    Raises:
        DownloadError: nothing says that it is, and nothing that it came from here.
    """
    try:
        verify(destination, **checks)
        found = "nothing is known to check it by"
        if is_fetched(destination) or any(digest for name, digest in checks.items() if name != "size"):
            return True
    except DownloadError as error:
        found = str(error).removeprefix(f"{destination}: ")
        if is_fetched(destination):
            return False
    raise DownloadError(
        f"{destination} is there, but was not fetched by this workflow ({found}): it is neither used nor deleted. "
        "Move it away, or name it as the source"
    )


def _try_often(request: _Request, part: Path, checks: Mapping, retries: int, local_copy: str) -> None:
    """Bring a file to `part`, and see that it is the one that was meant."""
    tries = failed = wrong = 0
    failure: Exception | None = None
    while failed <= retries and wrong < _WRONG_FILES:
        if failure is not None:
            time.sleep(_pause(failure, failed + wrong))
        tries, had = tries + 1, _bytes_of(part)
        try:
            _complete(request, part)
            _refuse_page(part)
            verify(part, **checks)
            return
        except DownloadError as error:
            failure = error
            if isinstance(error, _AnswerError):
                failed += 1
            else:  # whole, but another file: nothing of it can be used
                wrong += 1
                part.unlink(missing_ok=True)
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, OSError) as error:
            if getattr(error, "errno", None) in DISK_FULL:
                raise _disk_full(request, part) from error
            failure = error
            failed = 1 if _bytes_of(part) - had >= _ADVANCE_BYTES else failed + 1
        log.warning("%s: %s", request.shown, shown(_explained(failure)))
        if _is_final(failure):
            break
    if not part.exists():
        _validator_of(part).unlink(missing_ok=True)
    kept = f" ({readable(_bytes_of(part))} have come; the same command goes on there)" if _bytes_of(part) else ""
    raise DownloadError(
        f"could not download {request.shown} ({tries} {'try' if tries == 1 else 'tries'}): "
        f"{_explained(failure)}{kept}. "
        f"The configuration can name another mirror (mirrors: {{ADDRESS: ADDRESS}}) or a local copy: {local_copy}"
    ) from failure


# One connection a host, however many jobs and workflows run on this machine: openslr.org drops clients with more than
# five, and others count too. The lock is the operating system's: a killed process leaves none behind.
@contextmanager
def _only_one(host: str) -> Iterator[None]:
    """Hold the only connection of this user and machine to a host.

    Raises:
        DownloadError: the folder of the locks is another user's, or a link: whoever made it chooses what is written.
    """
    folder = Path(tempfile.gettempdir()) / f"layerwise-downloads-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    refuse_link(folder)
    status = folder.stat()
    if not folder.is_dir() or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise DownloadError(
            f"{folder} must be a folder of yours into which nobody else writes: remove it, or name another folder for "
            "temporary files: export TMPDIR=FOLDER"
        )
    name = re.sub("[^A-Za-z0-9.-]", "_", host)[-100:]
    with held(folder / f"{name}.lock", f"another download from {shown(host)} has ended"):
        yield


# Tries


def _pause(failure: Exception, failures: int) -> float:
    """Seconds to wait before the next try: what the server asks for, or else longer every time."""
    asked = _retry_after(failure)
    return min(2.0 ** (failures - 1), _LONGEST_PAUSE_SECONDS) if asked is None else asked


def _retry_after(failure: Exception) -> float | None:
    """Seconds that a busy server asks to wait (RFC 9110: a number, or a date)."""
    value = failure.response.headers.get("Retry-After") if isinstance(failure, httpx2.HTTPStatusError) else None
    if value is None:
        return None
    if re.fullmatch(r"[0-9]+", value.strip()):
        return min(float(value), 1e9)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _is_final(failure: Exception) -> bool:
    """Whether no further try, or none within reason, will change it."""
    if isinstance(failure, httpx2.HTTPStatusError):
        too_late = (_retry_after(failure) or 0) > _LONGEST_RETRY_AFTER_SECONDS
        return failure.response.status_code in _FOR_GOOD or too_late
    if isinstance(failure, PermissionError | IsADirectoryError | FileNotFoundError):  # of the files here
        return True
    return isinstance(failure, _RefusedError | httpx2.UnsupportedProtocol | httpx2.InvalidURL | UnicodeError)


def _explained(failure: Exception) -> str:
    if isinstance(failure, httpx2.HTTPStatusError):
        response = failure.response
        words = f"status {response.status_code} {shown(response.reason_phrase)} of {_bare(response.url)}"
        if response.status_code in _GONE:
            words += ", the file is not there, or not any more"
        seconds = _retry_after(failure)
        return words if seconds is None else f"{words}, it asks to wait {seconds:.0f} s"
    # Of names of hosts, too, that no resolver takes. The text may hold a part of a password.
    if isinstance(failure, httpx2.InvalidURL | UnicodeError):
        return "this is no address that can be asked"
    if isinstance(failure, httpx2.ProtocolError):
        return malformed(failure)
    words = str(failure) or type(failure).__name__
    return f"{words} ({_asked(failure)})" if isinstance(failure, httpx2.TransportError) else words


def malformed(failure: httpx2.ProtocolError) -> str:
    """What is wrong with an answer, without the lines of its head: they may hold secrets."""
    words = str(failure)
    ended = words.startswith(("peer closed connection", "Server disconnected"))
    return words if ended else f"the answer of {_asked(failure)} is malformed"


def _asked(failure: httpx2.RequestError) -> str:
    """The host that was asked, perhaps after redirects."""
    try:
        return shown(host_of(str(failure.request.url)))
    except RuntimeError:  # of failures that have none
        return "the server"


def _bare(url: httpx2.URL) -> str:
    """An address as it may be shown: its query may hold a signature."""
    return shown_address(str(url)).partition("?")[0]


def _disk_full(request: _Request, part: Path) -> DiskSpaceError:
    missing = f"; {readable(request.size - _bytes_of(part))} are missing" if request.size else ""
    return DiskSpaceError(
        f"the disk of {part.parent} is full: {readable(_bytes_of(part))} of {request.shown} have come and are kept"
        f"{missing}. Make room and run the same command again: it goes on there"
    )


def _bytes_of(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


# Requests and answers


class _Request:
    """Asks for one file, and goes where the server says that it is.

    Attributes:
        shown: the address as it may be shown.
        size: bytes that the file has; None: not known.
    """

    def __init__(
        self, client: httpx2.Client, address: str, headers: Mapping[str, str], size: int | None, digest: str | None
    ) -> None:
        self.shown, self.size = shown_address(address), size
        self._client, self._address, self._headers, self._digest = client, address, headers, digest

    @contextmanager
    def answer(self, headers: Mapping[str, str], watch: _LeastRate) -> Iterator[httpx2.Response]:
        """The answer at the end of all redirects, of which nothing but the head has been read.

        What the caller sends, and the name and password of the address, stay with the server that was asked first
        (httpx does so with one header only), and no cookies are kept.

        Raises:
            _RefusedError: a redirect leads in a circle, or from https to http with a secret or without a digest.
        """
        address, own = httpx2.URL(self._address), self._headers
        is_secret = bool(own or address.userinfo)
        for _ in range(_MOST_REDIRECTS + 1):
            request = self._client.build_request(
                "GET", address, headers={**own, **headers, **_OURS}, extensions={"trace": watch.note}
            )
            response = self._client.send(request, stream=True)
            try:
                if response.next_request is None:
                    yield response
                    return
                there = response.next_request.url
            finally:
                response.close()
            if address.scheme == "https" and there.scheme == "http" and (is_secret or not self._digest):
                why = "a name, a password or a token was sent" if is_secret else "no digest is known to check it by"
                raise _RefusedError(
                    f"{_bare(address)} redirects from https to {_bare(there)}, where anybody on the way may read and "
                    f"change the file, and {why}"
                )
            if not _is_of_one_server(address, there):
                own = {}
            elif not there.userinfo:
                there = there.copy_with(userinfo=address.userinfo)
            address = there
        raise _RefusedError(f"the server redirects in a circle, at last to {_bare(address)}")


def _is_of_one_server(address: httpx2.URL, there: httpx2.URL) -> bool:
    """Whether secrets for one are for the other: they are of one origin, or the same host says to ask it by https."""
    is_secured = (address.scheme, there.scheme) == ("http", "https") and address.port is there.port is None
    return there.origin == address.origin or (is_secured and there.host == address.host)


class _LeastRate:
    """Ends the connection of a transfer that is slower than `_LEAST_BYTES` in `_LEAST_SECONDS`.

    In a thread: a client waits as long as one byte comes now and then, be it of a head that never ends.
    """

    def __init__(self) -> None:
        self.came = 0
        self.is_missed = False
        self._streams: list = []
        self._is_over = threading.Event()

    def __enter__(self) -> _LeastRate:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._is_over.set()
        if self.is_missed:
            raise ConnectionError(f"fewer than {readable(_LEAST_BYTES)} came in {_LEAST_SECONDS:.0f} s") from error

    def note(self, event: str, info: Mapping) -> None:
        """Told by the client what it does (httpcore's trace)."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._streams.append(info["return_value"])

    def _watch(self) -> None:
        before = 0
        while not self._is_over.wait(_LEAST_SECONDS):
            if self.came - before < _LEAST_BYTES:
                self.is_missed = True
                for stream in self._streams:
                    with suppress(OSError):
                        # Not the method of a TLS socket, which takes its state away from whoever reads.
                        socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)
                return
            before = self.came


def _complete(request: _Request, part: Path) -> None:
    """Fetch what `part` lacks of a file, or all of it where the server has another file by now."""
    start, headers, size, remedy = 0, {}, request.size, "make room; what has come is kept"
    if part.is_file() and (validator := _read_validator(part)):
        start = part.stat().st_size
        headers = {"Range": f"bytes={start}-", "If-Range": validator}
    with _LeastRate() as watch, request.answer(headers, watch) as response:
        if response.status_code == 416:  # nothing lies beyond `start`
            if start and response.headers.get("Content-Range") == f"bytes */{start}":
                return
            part.unlink(missing_ok=True)
        response.raise_for_status()
        start, total = _extent(response, part, start if headers else None)
        if None not in (size, total) and total != size:
            raise DownloadError(f"{_bare(response.url)} has {total} bytes, expected {size}: it is another file")
        end = total or size
        if start == 0:
            part.unlink(missing_ok=True)
            _validator_of(part).unlink(missing_ok=True)
        require_space(
            part.parent, (end or 0) - start, f"downloading {request.shown}", "make room; what has come is kept"
        )
        if start == 0:
            _keep_validator(response, part)
        progress = _Progress(start, end)
        with open(part, "ab", opener=opened_itself) as stream:
            for block in response.iter_raw():
                if end is not None and start + progress.came + len(block) > end:
                    raise DownloadError(f"{_bare(response.url)} sends more than the {end} bytes that the file has")
                stream.write(block)
                progress.add(len(block))
                watch.came = progress.came
                if end is None and progress.came // _CHECK_BYTES > (progress.came - len(block)) // _CHECK_BYTES:
                    what = f"going on with {request.shown}, whose length is not known,"
                    require_space(part.parent, _SPARE_BYTES, what, remedy)
    if end is not None and start + progress.came < end:
        raise ConnectionError(f"the connection ended after {start + progress.came} of {end} bytes")


def _extent(response: httpx2.Response, part: Path, asked: int | None) -> tuple[int, int | None]:
    """Where an answer begins in its file, and how many bytes the file has, where that is said.

    Args:
        asked: the first byte that was asked for; None: for all of it.

    Raises:
        _AnswerError: it is no file, not what was asked for, or packed in a way that was not.
    """
    kind = shown(response.headers.get("Content-Type", "").partition(";")[0].strip().lower())
    where = _bare(response.url)
    if kind in ("text/html", "application/xhtml+xml"):
        raise _AnswerError(
            f"a web page came instead of the file: status {response.status_code}, {kind}, from {where}; perhaps a "
            "login, an error or a moved file"
        )
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise _AnswerError(
            f"{where} sends the file packed (Content-Encoding: {shown(coding)}), which was not asked for"
        )
    length = response.headers.get("Content-Length", "").strip()
    length = int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
    if response.status_code in (200, 203):  # the other by a proxy
        return 0, length or None
    given = response.headers.get("Content-Range", "").strip()
    found = _RANGE.fullmatch(given)
    if response.status_code == 206 and asked is not None and found:
        first, last = int(found[1]), int(found[2])
        total = last + 1 if found[3] == "*" else int(found[3])
        if first == asked and first <= last == total - 1 and length in (None, total - first):
            return first, total
    _validator_of(part).unlink(missing_ok=True)  # the next try asks for all of it
    wanted = "the whole file" if asked is None else f"its bytes from {asked}"
    raise _AnswerError(
        f"{where} was asked for {wanted} and answers with status {response.status_code}"
        + (f", Content-Range: {shown(given)}" if given else "")
    )


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
        beginning = stream.read(512).removeprefix(codecs.BOM_UTF8).lstrip()
    if beginning.lower().startswith((b"<!doctype html", b"<html")):
        raise DownloadError(f"a web page came instead of the file; it begins with {beginning[:60]!r}")


def _validator_of(part: Path) -> Path:
    """Beside what has come of a file: the server's mark of that very content, by which it can be asked to go on."""
    return part.with_name(f"{part.name}.etag")


def _keep_validator(response: httpx2.Response, part: Path) -> None:
    tag, date = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    value = tag if _TAG.fullmatch(tag) else date if _DATE.fullmatch(date) else ""
    if value:
        with open(_validator_of(part), "w", encoding="ascii", opener=opened_itself) as stream:
            stream.write(value)


def _read_validator(part: Path) -> str | None:
    """The mark, if there is one that a header may hold."""
    try:
        with open(_validator_of(part), "rb", opener=opened_itself) as stream:
            value = stream.read(300).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return value if _TAG.fullmatch(value) or _DATE.fullmatch(value) else None


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
    try:
        require_plain(path, lambda found: DownloadError(f"{path}: {found}"))
        found_size = path.stat().st_size
    except OSError as error:
        raise DownloadError(f"{path}: there is no such file ({error.strerror})") from error
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
        with open_plain(path) as stream:
            while block := stream.read(_BLOCK_BYTES):
                for digest in hashes.values():
                    digest.update(block)
    return {name: digest.hexdigest() for name, digest in hashes.items()}


def note_digest(path: Path, url: str) -> Path:
    """Write down, beside a download that nothing could be checked by, what came: `NAME.sha256`, as sha256sum has it."""
    digest = digests(path, ["sha256"])["sha256"]
    note = path.with_name(f"{path.name}.sha256")
    line = f"{digest}  {path.name}\n"
    if not note.is_symlink():
        refuse_link(note, "file")
    try:
        if note.is_symlink() or not (note.exists() and note.read_bytes() == line.encode()):
            note.unlink(missing_ok=True)  # it may be a link
            note.write_text(line, encoding="utf-8")
    except OSError as error:
        raise DownloadError(f"{note} cannot be written: {error.strerror}") from error
    log.warning(
        "%s: no digest is known to check it by; the file that came has sha256 %s (kept in %s). Written to the "
        "catalogue, it keeps any other file out",
        shown_address(url),
        digest,
        note,
    )
    return note
