"""Requests for one file by HTTP: redirects give no secret away, and servers that hardly send are dropped."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from layerwise.addresses import shown_address
from layerwise.files.digests import DownloadError
from layerwise.files.disk_space import readable

_TIMEOUT_SECONDS = 30
# A server slower than a modem (1 kB/s) would hold its only connection for weeks. It is dropped and asked again.
_LEAST_BYTES, _LEAST_SECONDS = 60_000, 60.0
_MOST_REDIRECTS = 10  # archives and hubs need three
_OURS = {"Accept-Encoding": "identity"}  # unpacked on the way, a file would have another length than the server says


class AnswerError(DownloadError):
    """The answer is not the file, but for example an error page."""


class RefusedError(AnswerError):
    """A redirect that is not followed; another try would not help."""


def new_client() -> httpx2.Client:
    """A client that keeps no cookies, so that requests are independent and odd cookies raise no errors.

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


def bare(url: httpx2.URL) -> str:
    """An address as it may be shown: its query may hold a signature."""
    return shown_address(str(url)).partition("?")[0]


class Request:
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
    def answer(self, headers: Mapping[str, str], watch: LeastRate) -> Iterator[httpx2.Response]:
        """The answer at the end of all redirects, of which nothing but the head has been read.

        What the caller sends, and the name and password of the address, stay with the server that was asked first
        (httpx does so with one header only), and no cookies are kept.

        Raises:
            RefusedError: a redirect leads in a circle, or from https to http with a secret or without a digest.
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
                raise RefusedError(
                    f"{bare(address)} redirects from https to {bare(there)}, where anybody on the way may read and "
                    f"change the file, and {why}"
                )
            if not _is_of_one_server(address, there):
                own = {}
            elif not there.userinfo:
                there = there.copy_with(userinfo=address.userinfo)
            address = there
        raise RefusedError(f"the server redirects in a circle, at last to {bare(address)}")


def _is_of_one_server(address: httpx2.URL, there: httpx2.URL) -> bool:
    """Whether secrets for one are for the other: they are of one origin, or the same host says to ask it by https."""
    is_secured = (address.scheme, there.scheme) == ("http", "https") and address.port is there.port is None
    return there.origin == address.origin or (is_secured and there.host == address.host)


class LeastRate:
    """Ends the connection of a transfer that is slower than `_LEAST_BYTES` in `_LEAST_SECONDS`.

    In a thread: a client waits as long as one byte comes now and then, be it of a head that never ends.
    """

    def __init__(self) -> None:
        self.came = 0
        self.is_missed = False
        self._streams: list = []
        self._is_over = threading.Event()

    def __enter__(self) -> LeastRate:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
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
