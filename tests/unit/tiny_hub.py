"""A hub on this machine: what a client asks of one, with interruptions and lies on demand."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OLDER = "89abcdef0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    range: str | None
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)


class Hub(ThreadingHTTPServer):
    """Repositories and single files, and what has been asked of them.

    Attributes:
        repositories: name → files of the newest commit; `older` those of a commit before.
        files: path → content, at addresses of their own.
        announced: file → content whose digest the hub states, where that is not what it sends.
        stored_at: file → address where its content is, as hubs keep large files with others.
        answers: path → (status, headers, content) that are sent first, one a request.
        cut: file → bytes after which an answer ends; with `stall` its connection stays open, and nothing comes.
        cut_once: the same for the next answer only.
        digests: whether the hub states digests at all.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.older: dict[str, dict[str, bytes]] = {}
        self.files: dict[str, bytes] = {}
        self.announced: dict[str, bytes] = {}
        self.stored_at: dict[str, str] = {}
        self.answers: dict[str, Iterator[tuple[int, dict[str, str | None], bytes]]] = {}
        self.cut: dict[str, int] = {}
        self.cut_once: dict[str, int] = {}
        self.stall = False
        self.digests = True
        self.asked: list[Asked] = []

    def handle_error(self, request, client_address) -> None:
        pass  # a client that was killed, or that has seen enough, hangs up

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def asked_of(self, name: str) -> list[Asked]:
        """Requests for the content of a file."""
        return [asked for asked in self.asked if asked.path.endswith(f"/{name}")]


@contextmanager
def running() -> Iterator[Hub]:
    hub = Hub()
    threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        sent = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked("GET", path, sent.get("range"), sent.get("authorization"), sent))
        if answer := next(self.server.answers.get(path, iter(())), None):
            status, headers, data = answer
            return self._send(status, data, headers)
        if path in self.server.files:
            return self._send_file(path, self.server.files[path])
        for name in self.server.repositories:
            for revision, commit, files in (
                ("main", COMMIT, self.server.repositories[name]),
                (COMMIT, COMMIT, self.server.repositories[name]),
                (OLDER, OLDER, self.server.older.get(name, {})),
            ):
                if files and path in {f"/api/models/{name}/revision/{revision}", f"/api/models/{name}"}:
                    return self._send_facts(name, commit, files, "blobs" in parse_qs(url.query))
                for file, data in files.items():
                    if path == f"/{name}/resolve/{revision}/{file}":
                        if file in self.server.stored_at:
                            return self._send(302, b"", {"Location": self.server.stored_at[file]})
                        return self._send_file(file, data)
            if path.startswith((f"/api/models/{name}/", f"/{name}/resolve/")):
                return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        return self._send(404, b"", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET

    def _send_facts(self, name: str, commit: str, files: dict[str, bytes], digests: bool) -> None:
        siblings = []
        for file, data in files.items():
            data = self.server.announced.get(file, data)
            sibling = {"rfilename": file}
            if digests and self.server.digests:
                blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
                sibling |= {"size": len(data), "blobId": blob}
                if file.endswith((".safetensors", ".bin")):
                    digest = hashlib.sha256(data).hexdigest()
                    sibling["lfs"] = {"size": len(data), "sha256": digest, "pointerSize": 134}
            siblings.append(sibling)
        facts = {"id": name, "modelId": name, "sha": commit, "siblings": siblings, "private": False, "tags": []}
        self._send(200, json.dumps(facts).encode())

    def _send_file(self, name: str, data: bytes) -> None:
        tag = f'"{hashlib.sha1(data).hexdigest()}"'
        cut = self.server.cut_once.pop(name, self.server.cut.get(name))
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if not wanted or self.headers.get("If-Range", tag) != tag:
            return self._send(200, data, {"ETag": tag}, cut=cut)
        start = int(wanted[1])
        if start >= len(data):
            return self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        headers = {"ETag": tag, "Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        return self._send(206, data[start:], headers, cut=cut)

    def _send(self, status: int, data: bytes, headers: dict | None = None, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | (headers or {})).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(data[:cut])
        if cut is not None:
            self.wfile.flush()
            while self.server.stall:  # until whoever waits has been killed
                time.sleep(0.02)
            self.close_connection = True

    def log_message(self, *_) -> None:
        pass
