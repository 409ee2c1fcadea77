"""Fetching a file from a server on this machine: the ordinary cases. Odd ones are in test_downloads.py."""

from __future__ import annotations

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from layerwise.files.digests import DownloadError
from layerwise.files.downloads import fetch


@pytest.fixture
def server():
    """A server on this machine: `answers` are (status, body), one a request, the last one again and again."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.requests += 1
            status, body = web.answers.pop(0) if len(web.answers) > 1 else web.answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    web = HTTPServer(("127.0.0.1", 0), Handler)
    web.answers, web.requests = [], 0
    web.url = f"http://127.0.0.1:{web.server_port}/archive.tar.gz"
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield web
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.fixture
def no_waiting(monkeypatch):
    monkeypatch.setattr("layerwise.files.downloads.time.sleep", lambda seconds: None)


def digests(data: bytes) -> dict[str, str | int]:
    return {"md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def test_fetch_writes_what_the_server_has(server, tmp_path):
    server.answers = [(200, b"some audio")]
    fetch(server.url, tmp_path / "new" / "a.tar.gz", **digests(b"some audio"))
    assert (tmp_path / "new" / "a.tar.gz").read_bytes() == b"some audio"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.tar.gz"]
    assert server.requests == 1


def test_fetch_tries_again_after_an_error_and_after_a_wrong_file(server, tmp_path, no_waiting):
    server.answers = [(503, b"busy"), (200, b"<html>sorry</html>"), (200, b"some audio")]
    fetch(server.url, tmp_path / "a.tar.gz", **digests(b"some audio"))
    assert (tmp_path / "a.tar.gz").read_bytes() == b"some audio"
    assert server.requests == 3


@pytest.mark.parametrize("check", ["md5", "sha256", "size"])
def test_fetch_leaves_nothing_when_every_try_is_wrong(server, tmp_path, no_waiting, check):
    server.answers = [(200, b"other audio")]
    expected = digests(b"some audio")[check]
    with pytest.raises(DownloadError, match=rf"(?s){re.escape(server.url)}.*2 tries.*expected {expected}"):
        fetch(server.url, tmp_path / "a.tar.gz", **{check: expected})
    assert server.requests == 2
    assert list(tmp_path.iterdir()) == []


def test_fetch_names_a_missing_page(server, tmp_path, no_waiting):
    server.answers = [(404, b"")]
    with pytest.raises(DownloadError, match=r"404.*another mirror.*or a local copy"):
        fetch(server.url, tmp_path / "a.tar.gz", retries=1)


def test_fetch_ignores_what_a_killed_job_left(server, tmp_path):
    server.answers = [(200, b"some audio")]
    (tmp_path / ".a.tar.gz.download").write_bytes(b"half")
    fetch(server.url, tmp_path / "a.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == b"some audio"


def test_fetch_refuses_a_local_path(tmp_path):
    with pytest.raises(DownloadError, match="a local file is used as it is"):
        fetch("resources/demo/a.tar.gz", tmp_path / "a.tar.gz")
