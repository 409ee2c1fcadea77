"""Servers answer with changed bytes, and what they once gave is changed where it lies."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import socket
import threading
from pathlib import Path

import httpx2
import pytest
from fuzzing import fuzz

from layerwise.errors import LayerwiseError
from layerwise.files import downloads
from layerwise.files.atomic import resumed_folder
from layerwise.files.download_notes import is_fetched, note_of
from layerwise.files.downloads import fetch
from layerwise.files.integrity import is_whole
from layerwise.models import hub
from layerwise.models.checkpoints import ORIGIN, origin_of
from layerwise.models.fetch import MANIFEST, keep_expected, write_manifest

CONTENT = bytes(range(97, 123)) * 40
TAG = b'"0123"'
DATE = b"Tue, 01 Dec 2026 10:00:00 GMT"
TO_FETCH = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 1040\r\nETag: " + TAG + b"\r\nContent-Type: a/gzip\r\n\r\n" + CONTENT,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nLast-Modified: " + DATE + b"\r\n\r\n"
    b"200\r\n" + CONTENT[:512] + b"\r\n210\r\n" + CONTENT[512:] + b"\r\n0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nSet-Cookie: a=b; path=/; max-age=9\r\nContent-Encoding: identity\r\n\r\n" + CONTENT,
    b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1000\r\nContent-Range: bytes 40-1039/1040\r\n\r\n" + CONTENT[40:],
    b"HTTP/1.1 302 Found\r\nLocation: /elsewhere?a=b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: http://me:pw@127.0.0.1:9/elsewhere\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */40\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy",
    b"HTTP/1.1 429 Busy\r\nRetry-After: " + DATE + b"\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 9\r\n\r\n<html>no!",
]  # fmt: skip
LISTED = {
    "id": "owner/tiny", "modelId": "owner/tiny", "sha": "0123456789abcdef0123456789abcdef01234567", "private": False,
    "lastModified": "2026-11-30T00:00:00.000Z", "tags": ["a"], "downloads": 7,
    "siblings": [
        {"rfilename": "config.json", "size": 10, "blobId": "0123456789abcdef0123456789abcdef01234567"},
        {"rfilename": "model.safetensors", "size": 1000, "blobId": "0" * 40,
         "lfs": {"size": 1000, "sha256": "0" * 64, "pointerSize": 134}},
    ],
}  # fmt: skip

WITHOUT_DIGESTS = LISTED | {"siblings": [{"rfilename": "config.json"}, {"rfilename": "model.safetensors"}]}


class _Server(threading.Thread):
    """Sends the same bytes to whoever asks, and hangs up."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.answer = b""
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def run(self) -> None:
        while True:
            client, _ = self._socket.accept()
            with client:
                try:
                    client.recv(65536)
                    client.sendall(self.answer)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(65536):
                        pass
                except OSError:
                    pass  # it has seen enough


@functools.cache
def server() -> _Server:
    """In the process that reads: threads do not outlive a fork."""
    started = _Server()
    started.start()
    return started


def read_answer(file: Path) -> None:
    """What comes is the file, or is refused; a part of it has come before."""
    server().answer, out = file.read_bytes(), file.parent / "folder" / "out"
    out.parent.mkdir(exist_ok=True)
    for path in out.parent.iterdir():
        path.unlink()
    if len(server().answer) % 3:
        out.with_name(".out.download").write_bytes(CONTENT[:40])
        out.with_name(".out.download.etag").write_bytes(TAG)
    digest = hashlib.sha256(CONTENT).hexdigest() if len(server().answer) % 2 else None
    try:
        fetch(f"{server().address}/a/file.tar.gz", out, sha256=digest, retries=0)
    except LayerwiseError:
        assert not out.exists()
        raise
    assert digest is None or out.read_bytes() == CONTENT


def read_listing(file: Path) -> None:
    """And the same answer for each of the files that it lists."""
    body, out = file.read_bytes(), file.parent / "checkpoint"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    server().answer = head % len(body) + body
    hub.HfApi = functools.partial(_API, endpoint=server().address)
    hub.hf_hub_url = lambda repository, name, revision: f"{server().address}/{name}"
    shutil.rmtree(out, ignore_errors=True)
    hub.fetch_checkpoint("owner/tiny", None, out)


_API = hub.HfApi


def read_folder(name: str, file: Path) -> None:
    """A fetched folder with a changed file: its readers say what they have found, or refuse."""
    folder = file.parent / "model"
    folder.mkdir(exist_ok=True)
    (folder / "a.pt").write_bytes(b"abc")
    (folder / name).write_bytes(file.read_bytes())
    assert is_whole(folder) in (True, False)
    assert "\n" not in origin_of(folder)
    with resumed_folder(folder, ORIGIN, "http://h/a.pt\n") as filled:
        keep_expected(filled, {"a.pt": {"sha256": hashlib.sha256(b"abc").hexdigest()}}, is_finished=filled == folder)
        (filled / "a.pt").write_bytes(b"abc")
        write_manifest(filled, "http://h/a.pt")
    assert is_whole(folder)


def read_note(file: Path) -> None:
    download = file.with_name("a.zip")
    download.write_bytes(b"abc")
    note_of(download).write_bytes(file.read_bytes())
    assert is_fetched(download) in (True, False)


MANIFESTS = [json.dumps({"source": "http://h/a.pt", "files": {"a.pt": {"size": 3, "sha256": "0" * 64}}}).encode()]
READERS = {
    "answer": (read_answer, TO_FETCH),
    "listing of a hub": (read_listing, [json.dumps(listed).encode() for listed in (LISTED, WITHOUT_DIGESTS)]),
    "manifest": (functools.partial(read_folder, MANIFEST), MANIFESTS),
    "origin": (functools.partial(read_folder, ORIGIN), [b"http://h/a.pt\n", b"owner/tiny, commit 0123\n"]),
    "note": (read_note, [b'{"address": "http://h/a.zip", "bytes": 3}\n']),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_changed_answer_is_read_or_refused(reader, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(
        downloads.httpx2, "Client", functools.partial(httpx2.Client, verify=False)
    )  # certificates: 20 ms
    monkeypatch.setattr("os.fsync", lambda file: None)
    read, samples = READERS[reader]

    def quietly(file: Path) -> None:
        try:
            read(file)
        except LayerwiseError:
            if file.read_bytes() not in samples:
                raise

    assert fuzz(quietly, samples, tmp_path)
