"""Archives from servers that are busy, cut connections, lie or have moved; the servers are on this machine."""

from __future__ import annotations

import errno
import hashlib
import itertools
import logging
import multiprocessing
import re
import shutil
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from layerwise import downloads, space
from layerwise.downloads import DownloadError, fetch, mirrored
from layerwise.space import DiskSpaceError, readable, require_space
from tiny_hub import running

CONTENT = bytes(range(256)) * 40
CHECKS = {
    "size": len(CONTENT),
    "md5": hashlib.md5(CONTENT).hexdigest(),
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
}
PATH = "/resources/12/dev-clean.tar.gz"


@pytest.fixture
def server():
    with running() as web:
        web.files[PATH] = CONTENT
        yield web


@pytest.fixture
def address(server) -> str:
    return f"{server.address}{PATH}"


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """Seconds that would have been waited."""
    waited: list[float] = []
    monkeypatch.setattr(downloads.time, "sleep", waited.append)
    return waited


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "a.tar.gz"


def ranges(server) -> list[str | None]:
    return [asked.range for asked in server.asked]


# Busy servers and cut connections


def test_pauses_grow(server, address, out, pauses):
    server.answers[PATH] = itertools.repeat((500, {}, b""))
    with pytest.raises(DownloadError, match=r"\(6 tries\): status 500"):
        fetch(address, out, **CHECKS, retries=5)
    assert pauses == [1, 2, 4, 8, 16]


def test_server_that_asks_to_wait_is_given_its_time(server, address, out, pauses):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    server.answers[PATH] = iter([(503, {"Retry-After": "7"}, b""), (429, {"Retry-After": later}, b"")])
    fetch(address, out, **CHECKS)
    assert pauses == [7, pytest.approx(39, abs=2)]
    assert out.read_bytes() == CONTENT


def test_unreadable_wish_is_no_reason_to_fail(server, address, out, pauses):
    server.answers[PATH] = iter([(503, {"Retry-After": "soon"}, b"")])
    fetch(address, out, **CHECKS)
    assert pauses == [1]


def test_server_that_asks_to_wait_for_an_hour_is_left_alone(server, address, out, pauses):
    server.answers[PATH] = iter([(503, {"Retry-After": "3600"}, b"")])
    with pytest.raises(DownloadError, match=r"\(1 try\): status 503.*asks to wait 3600 s"):
        fetch(address, out, **CHECKS)
    assert pauses == []


def test_cut_connection_is_taken_up_by_a_range(server, address, out, pauses):
    server.cut_once[PATH] = 4000
    fetch(address, out, **CHECKS)
    assert ranges(server) == [None, "bytes=4000-"]
    assert out.read_bytes() == CONTENT
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_tries_that_bring_much_do_not_count(server, address, out, pauses, monkeypatch):
    monkeypatch.setattr(downloads, "_ADVANCE_BYTES", 1000)
    server.cut[PATH] = 1024
    fetch(address, out, **CHECKS, retries=1)
    assert len(server.asked) == 10
    assert set(pauses) == {1}


def test_truncated_file_of_a_server_that_states_no_length_is_completed(server, address, out, pauses):
    tag = {"ETag": f'"{hashlib.sha1(CONTENT).hexdigest()}"', "Transfer-Encoding": "chunked"}
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (3000, CONTENT[:3000])
    server.answers[PATH] = iter([(200, tag | {"Content-Length": None}, chunk)])
    fetch(address, out, **CHECKS)
    assert ranges(server) == [None, "bytes=3000-"]
    assert out.read_bytes() == CONTENT


def test_what_is_kept_is_told_of(server, address, out, pauses):
    server.cut[PATH] = 2000
    with pytest.raises(DownloadError, match=r"4 tries.*\(8 kB have come; the same command goes on there\)"):
        fetch(address, out, **CHECKS)


# Other files than expected


def test_corrupted_file_is_tried_once_more_and_named_with_both_digests(server, address, out, pauses):
    corrupted = CONTENT[:-1] + b"?"
    server.files[PATH] = corrupted
    found = hashlib.sha256(corrupted).hexdigest()
    with pytest.raises(DownloadError, match=rf"2 tries.*sha256 {found}, expected {CHECKS['sha256']}"):
        fetch(address, out, size=CHECKS["size"], sha256=CHECKS["sha256"])
    assert list(out.parent.iterdir()) == []


def test_file_of_another_size_is_refused_before_it_comes(server, address, out, pauses):
    server.files[PATH] = CONTENT * 1000
    with pytest.raises(DownloadError, match=f"has {1000 * len(CONTENT)} bytes, expected {len(CONTENT)}"):
        fetch(address, out, **CHECKS)
    assert list(out.parent.iterdir()) == []


PAGE = b"\n <!DOCTYPE html><html><body>Please log in</body></html>"


def test_web_page_is_named_with_where_it_came_from(server, address, out, pauses):
    server.answers[PATH] = itertools.repeat((302, {"Location": "/login?token=secret"}, b""))
    server.answers["/login"] = itertools.repeat((200, {"Content-Type": "text/html; charset=utf-8"}, PAGE))
    with pytest.raises(DownloadError, match="web page") as raised:
        fetch(address, out, **CHECKS, retries=1)
    assert f"status 200, text/html, from {server.address}/login" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_web_page_is_known_by_its_bytes(server, address, out, pauses):
    server.files[PATH] = PAGE
    with pytest.raises(DownloadError, match=r"a web page came instead of the file; it begins with b'<!DOCTYPE html>"):
        fetch(address, out)
    assert list(out.parent.iterdir()) == []


def test_web_page_in_between_does_not_cost_what_has_come(server, address, out, pauses):
    server.cut_once[PATH] = 4000
    with pytest.raises(DownloadError):
        fetch(address, out, **CHECKS, retries=0)
    server.answers[PATH] = iter([(200, {"Content-Type": "text/html"}, PAGE)])
    fetch(address, out, **CHECKS)
    assert ranges(server) == [None, "bytes=4000-", "bytes=4000-"]


@pytest.mark.parametrize("status", [404, 410])
def test_moved_file_says_what_to_configure(server, address, out, pauses, status):
    server.answers[PATH] = itertools.repeat((status, {}, b""))
    with pytest.raises(DownloadError, match=rf"\(1 try\): status {status} .*not any more") as raised:
        fetch(address, out, local_copy="corpus.audio")
    assert "mirrors: {ADDRESS: ADDRESS}" in str(raised.value)
    assert str(raised.value).endswith("corpus.audio")


def test_circle_of_redirects(server, address, out, pauses):
    server.answers[PATH] = itertools.repeat((302, {"Location": "/there"}, b""))
    server.answers["/there"] = itertools.repeat((302, {"Location": PATH}, b""))
    with pytest.raises(DownloadError, match=r"\(1 try\): the server redirects in a circle"):
        fetch(address, out)


# Disk


def small_disk(monkeypatch, free: int) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(space.shutil, "disk_usage", lambda path: usage._replace(free=free))


def test_download_that_does_not_fit_is_refused_before_it_comes(server, address, out, monkeypatch):
    small_disk(monkeypatch, 1500)
    with pytest.raises(DiskSpaceError, match=rf"needs 10\.2 kB, but 1\.5 kB are free on the disk of {out.parent}"):
        fetch(address, out, **CHECKS)
    assert not list(out.parent.glob("*.gz"))


def test_only_what_is_missing_must_fit(server, address, out, monkeypatch, pauses):
    server.cut_once[PATH] = 9000
    with pytest.raises(DownloadError):
        fetch(address, out, **CHECKS, retries=0)
    small_disk(monkeypatch, 1500)
    fetch(address, out, **CHECKS)
    assert out.read_bytes() == CONTENT


def test_disk_that_becomes_full_keeps_what_has_come(server, address, out, monkeypatch, pauses):
    class Full:
        """A file that takes 4000 bytes."""

        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def write(self, block):
            self.stream.write(block[:4000])
            raise OSError(errno.ENOSPC, "No space left on device")

    def opened(path, mode, **options):
        return Full(open(path, mode)) if "a" in mode else open(path, mode, **options)

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "open", opened, raising=False)
        with pytest.raises(DiskSpaceError, match=r"is full: 4 kB of .* are kept; 6\.24 kB are missing") as raised:
            fetch(address, out, **CHECKS)
    assert len(server.asked) == 1
    assert "run the same command again" in str(raised.value)
    fetch(address, out, **CHECKS)
    assert ranges(server)[1:] == ["bytes=4000-"]
    assert out.read_bytes() == CONTENT


def test_room_of_a_folder_that_is_not_there_yet(tmp_path):
    require_space(tmp_path / "a/b/c", 1, "a test", "none")
    with pytest.raises(DiskSpaceError, match=r"a test needs 1e\+12 TB|a test needs .* TB"):
        require_space(tmp_path / "a/b/c", 10**18, "a test", "none")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (13621157, "13.6 MB"),
        (337926286, "338 MB"),
        (55.3e9, "55.3 GB"),
        (2e12, "2 TB"),
    ],
)
def test_sizes_are_readable(size, words):
    assert readable(size) == words


# Progress, mirrors, one at a time


def test_progress_is_in_the_log(server, address, out, monkeypatch, caplog):
    monkeypatch.setattr(downloads, "_SECONDS_BETWEEN_REPORTS", 0)
    with caplog.at_level(logging.INFO, "layerwise"):
        fetch(address, out, **CHECKS)
    assert re.search(r"\d+(\.\d+)? kB of 10\.2 kB, .*B/s", caplog.text)


MIRRORS = {
    "https://www.openslr.org/": "https://a.example/",
    "https://www.openslr.org/resources/12/": "http://b.example/l/",
}


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://www.openslr.org/resources/12/x.tar.gz", "http://b.example/l/x.tar.gz"),
        ("https://www.openslr.org/resources/60/x.tar.gz", "https://a.example/resources/60/x.tar.gz"),
        ("https://zenodo.org/x.zip", "https://zenodo.org/x.zip"),
    ],
)
def test_longest_mirror_wins(url, asked):
    assert mirrored(url, MIRRORS) == asked
    assert mirrored(url, {}) == url


def test_mirror_must_have_the_same_file(server, out, pauses):
    mirrors = {"https://www.openslr.org/": f"{server.address}/"}
    fetch(f"https://www.openslr.org{PATH}", out, **CHECKS, mirrors=mirrors)
    assert out.read_bytes() == CONTENT
    out.unlink()
    server.files[PATH] = CONTENT[::-1]
    with pytest.raises(DownloadError, match=f"could not download {server.address}.*expected {CHECKS['md5']}"):
        fetch(f"https://www.openslr.org{PATH}", out, **CHECKS, mirrors=mirrors)


def test_one_connection_a_host_across_processes(server, tmp_path):
    """Four processes; a server that is slow and counts who is there."""
    there, most = [], []
    send = server.RequestHandlerClass._send_file

    def counted(handler, name, data):
        there.append(name)
        most.append(len(there))
        multiprocessing.Event().wait(0.1)
        send(handler, name, data)
        there.remove(name)

    server.RequestHandlerClass._send_file = counted
    try:
        processes = [
            multiprocessing.get_context("fork").Process(
                target=fetch, args=(f"{server.address}{PATH}", tmp_path / str(number)), kwargs=CHECKS
            )
            for number in range(4)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(30)
    finally:
        server.RequestHandlerClass._send_file = send
    assert [process.exitcode for process in processes] == [0] * 4
    assert most == [1] * 4
