"""Downloads: files from the network, tried until they are whole and the ones that were meant.

Unpacking is elsewhere, so a change here repeats none of it.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from layerwise.addresses import host_of, is_hidden, shown_address
from layerwise.errors import shown
from layerwise.files.atomic import give_name
from layerwise.files.digests import DownloadError, verify
from layerwise.files.disk_space import DISK_FULL, DiskSpaceError, readable
from layerwise.files.download_failures import explained, is_final, pause_before
from layerwise.files.download_notes import is_fetched, note_of, write_note
from layerwise.files.http_requests import AnswerError, Request, new_client
from layerwise.files.links import refuse_link, refuse_links_below
from layerwise.files.locks import held
from layerwise.files.transfers import complete, refuse_page, validator_of

log = logging.getLogger(__name__)

_WRONG_FILES = 2  # tries that may bring a wrong file: the first may be an error of transmission
_ADVANCE_BYTES = 16 << 20  # a try that brings so much is not counted as failed: 30 GB may be cut often


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

    A download that was interrupted, even by a kill, is completed: only the missing bytes are asked for, if the
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
        new_client() as client,
    ):
        for path in (destination, part, validator_of(part), note_of(destination)):
            refuse_link(path, "file")
        if _bytes_of(part) and part.stat().st_nlink > 1:  # another file, to which the rest would be added
            part.unlink()
        if destination.exists() and _is_had(destination, checks):
            log.info("%s: it is here", destination)
            return
        _try_often(
            Request(client, address, headers, size, md5 or sha256 or git_sha1), part, checks, retries, local_copy
        )
        validator_of(part).unlink(missing_ok=True)
        if note:  # first: a note without its file says nothing, and a file without its note is taken for another's
            write_note(part, destination, named)
        give_name(part, destination)
        log.info("%s: %s, as expected", destination, readable(destination.stat().st_size))


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
    """Whether the wanted file lies at the destination; another one that was fetched counts as missing.

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


def _try_often(request: Request, part: Path, checks: Mapping, retries: int, local_copy: str) -> None:
    """Bring a file to `part`, and see that it is the one that was meant."""
    tries = failed = wrong = 0
    failure: Exception | None = None
    while failed <= retries and wrong < _WRONG_FILES:
        if failure is not None:
            time.sleep(pause_before(failure, failed + wrong))
        tries, had = tries + 1, _bytes_of(part)
        try:
            complete(request, part)
            refuse_page(part)
            verify(part, **checks)
            return
        except DownloadError as error:
            failure = error
            if isinstance(error, AnswerError):
                failed += 1
            else:  # whole, but another file: nothing of it can be used
                wrong += 1
                part.unlink(missing_ok=True)
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, OSError) as error:
            if getattr(error, "errno", None) in DISK_FULL:
                raise _disk_full(request, part) from error
            failure = error
            failed = 1 if _bytes_of(part) - had >= _ADVANCE_BYTES else failed + 1
        log.warning("%s: %s", request.shown, shown(explained(failure)))
        if is_final(failure):
            break
    if not part.exists():
        validator_of(part).unlink(missing_ok=True)
    kept = f" ({readable(_bytes_of(part))} have come; the same command goes on there)" if _bytes_of(part) else ""
    raise DownloadError(
        f"could not download {request.shown} ({tries} {'try' if tries == 1 else 'tries'}): "
        f"{explained(failure)}{kept}. "
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


def _disk_full(request: Request, part: Path) -> DiskSpaceError:
    missing = f"; {readable(request.size - _bytes_of(part))} are missing" if request.size else ""
    return DiskSpaceError(
        f"the disk of {part.parent} is full: {readable(_bytes_of(part))} of {request.shown} have come and are kept"
        f"{missing}. Make room and run the same command again: it goes on there"
    )


def _bytes_of(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
