"""What a failed download means: in words, whether another try may help, and how long to wait before it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from layerwise.addresses import host_of
from layerwise.errors import shown
from layerwise.files.http_requests import RefusedError, bare

_FOR_GOOD = {400, 401, 403, 404, 410, 451}  # statuses that no further try changes
_GONE = {404, 410}
_LONGEST_PAUSE_SECONDS = 60
_LONGEST_RETRY_AFTER_SECONDS = 300


def pause_before(failure: Exception, failures: int) -> float:
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


def is_final(failure: Exception) -> bool:
    """Whether further tries will not help."""
    if isinstance(failure, httpx2.HTTPStatusError):
        too_late = (_retry_after(failure) or 0) > _LONGEST_RETRY_AFTER_SECONDS
        return failure.response.status_code in _FOR_GOOD or too_late
    if isinstance(failure, PermissionError | IsADirectoryError | FileNotFoundError):  # of the files here
        return True
    return isinstance(failure, RefusedError | httpx2.UnsupportedProtocol | httpx2.InvalidURL | UnicodeError)


def explained(failure: Exception) -> str:
    if isinstance(failure, httpx2.HTTPStatusError):
        response = failure.response
        words = f"status {response.status_code} {shown(response.reason_phrase)} of {bare(response.url)}"
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
