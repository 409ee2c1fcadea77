"""Archives from servers that are busy, cut connections, lie or have moved; the servers are on this machine."""

from __future__ import annotations

import base64
import codecs
import errno
import functools
import hashlib
import itertools
import logging
import multiprocessing
import os
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx2
import pytest

from layerwise.errors import LayerwiseError
from layerwise.files import downloads, http_requests, transfers
from layerwise.files.digests import DownloadError
from layerwise.files.disk_space import DiskSpaceError, readable, require_space
from layerwise.files.download_notes import forget, forget_notes, is_fetched, note_of
from layerwise.files.downloads import fetch, mirrored
from layerwise.files.links import LinkError
from layerwise.progress import INTERVAL
from small_disk import small_disk
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


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_web_page_is_known_by_its_bytes(server, address, out, pauses, mark):
    server.files[PATH] = mark + PAGE
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


# Answers that are none


def said_by(server, address, out, answer: tuple, **options) -> str:
    """What is said when the server always answers with this."""
    server.answers[PATH] = itertools.repeat(answer)
    with pytest.raises(DownloadError) as raised:
        fetch(address, out, **(CHECKS | {"retries": 0} | options))
    assert "\n" not in str(raised.value)
    return str(raised.value)


TAG = f'"{hashlib.sha1(CONTENT).hexdigest()}"'


@pytest.fixture
def half(server, address, out, pauses) -> int:
    """Half of the file has come; gives how many bytes those are."""
    server.cut_once[PATH] = 4000
    with pytest.raises(DownloadError):
        fetch(address, out, **CHECKS, retries=0)
    server.asked.clear()
    return 4000


@pytest.mark.parametrize(
    "content_range",
    [
        "bytes 0-10239/10240",
        "bytes 4001-10239/10240",
        "bytes 4000-10238/10240",
        "bytes 4000-10239/10241",
        "bytes 4000-3999/4000",
        "bytes 4000-10239",
        "bytes ٤000-10239/10240",
        "items 4000-10239/10240",
        "bytes " + "9" * 5000 + "-1/2",
        "\xe4",
        None,
    ],
)
def test_part_of_a_file_is_the_one_that_was_asked_for(server, address, out, half, content_range):
    headers = {"ETag": TAG, "Content-Range": content_range and content_range.encode().decode("latin-1")}
    server.answers[PATH] = iter([(206, headers, CONTENT[4000:])])
    fetch(address, out, **CHECKS)
    assert out.read_bytes() == CONTENT
    assert ranges(server) == ["bytes=4000-", None]  # then for all of it


def test_part_that_nobody_asked_for_is_refused(server, address, out, pauses):
    said = said_by(server, address, out, (206, {"Content-Range": "bytes 0-10239/10240"}, CONTENT))
    assert "was asked for the whole file and answers with status 206, Content-Range: bytes 0-10239/10240" in said


def test_answer_that_is_no_file_is_refused(server, address, out, pauses):
    assert "answers with status 204" in said_by(server, address, out, (204, {}, b""))


def test_answer_that_a_proxy_has_changed_is_one(server, address, out):
    server.answers[PATH] = iter([(203, {}, CONTENT)])
    fetch(address, out, **CHECKS)
    assert out.read_bytes() == CONTENT


@pytest.mark.parametrize("coding", ["gzip", "br", "x-odd", "identity, gzip"])
def test_packed_answer_is_refused(server, address, out, pauses, coding):
    said = said_by(server, address, out, (200, {"Content-Encoding": coding}, CONTENT))
    assert f"sends the file packed (Content-Encoding: {coding})" in said


def test_answer_that_is_longer_than_the_file_ends_at_once(server, address, out, pauses):
    """Without a length, as chunks are; the server has more than anybody would wait for."""
    sent = []

    def chunks():
        for _ in range(1000):
            sent.append(1)
            yield b"%x\r\n%b\r\n" % (len(CONTENT), CONTENT)

    class Endless(bytes):
        def __getitem__(self, _):
            return self

    handler = server.RequestHandlerClass
    send = handler._send

    def endless(self, status, data, headers=None, cut=None):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks():
            self.wfile.write(chunk)

    handler._send = endless
    try:
        with pytest.raises(DownloadError, match=f"sends more than the {len(CONTENT)} bytes that the file has"):
            fetch(address, out, **CHECKS)
    finally:
        handler._send = send
    assert len(sent) < 1900  # of both tries; what fits into the buffers of the sockets is sent
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ETag", '"\xe4"'),
        ("ETag", '"' + "a" * 5000 + '"'),
        ("ETag", 'W/"weak"'),
        ("ETag", '"a'),
        ("Last-Modified", "\xe4"),
    ],
)
def test_mark_that_no_header_may_have_is_not_kept(server, address, out, pauses, name, value):
    headers = {name: value, "Content-Length": str(len(CONTENT)), "Connection": "close"}
    server.answers[PATH] = iter([(200, headers, CONTENT[:3000])])
    server.cut[PATH] = 3000
    with pytest.raises(DownloadError):
        fetch(address, out, **CHECKS, retries=0)
    server.cut.clear()
    fetch(address, out, **CHECKS)
    assert out.read_bytes() == CONTENT


@pytest.mark.parametrize("mark", [b"\xff", b'"a"\r\nX: y', b"", b'"' + b"a" * 10_000, "ä".encode()])
def test_mark_that_somebody_put_there_is_not_sent(server, address, out, pauses, mark):
    out.with_name(f".{out.name}.download").write_bytes(b"half")
    out.with_name(f".{out.name}.download.etag").write_bytes(mark)
    fetch(address, out, **CHECKS)
    assert ranges(server) == [None]
    assert out.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "wish", ["²", "9" * 5000, "-1", "nan", "1e9", "Sun, 99 Nov 99999 99:99:99 GMT", "\xe4", "", "Ù£"]
)
def test_odd_wishes_to_wait(server, address, out, pauses, wish):
    said = said_by(server, address, out, (503, {"Retry-After": wish}, b""), retries=1)
    assert "status 503" in said


@pytest.mark.parametrize(
    "place", ["ftp://elsewhere/a", "http://[::1", "http://h:port/", "http://a..b/", "//", "\xe4", "file:///etc/passwd"]
)
def test_redirect_to_what_is_no_address(server, address, out, pauses, place):
    assert "could not download" in said_by(server, address, out, (302, {"Location": place}, b""))


@pytest.mark.parametrize(
    "cookie", ["a=\xe4", "a=\x01", "=", "a=b; expires=99999999", "a=b; path=/\xe4", "a=" + "b" * 5000]
)
def test_cookies_are_not_kept(server, address, out, pauses, cookie):
    server.answers[PATH] = iter([(302, {"Location": PATH, "Set-Cookie": cookie}, b"")])
    fetch(address, out, **CHECKS)
    assert "cookie" not in server.asked[-1].headers


def test_transfer_that_hardly_moves_ends_and_goes_on(server, address, out, pauses, monkeypatch):
    """One byte now and then is no silence: the client itself would wait for as long as they come."""
    monkeypatch.setattr(http_requests, "_LEAST_SECONDS", 0.2)
    handler = server.RequestHandlerClass
    send, dribbled = handler._send, []

    def dribble(self, status, data, headers=None, cut=None):
        if dribbled:
            return send(self, status, data, headers, cut)
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        while len(dribbled) < 1000:
            self.wfile.write(data[len(dribbled) : len(dribbled) + 1])
            dribbled.append(1)
            multiprocessing.Event().wait(0.02)

    handler._send = dribble
    try:
        fetch(address, out, **CHECKS)
    finally:
        handler._send = send
    assert out.read_bytes() == CONTENT
    first, second = ranges(server)
    assert first is None
    assert re.fullmatch(r"bytes=[1-9][0-9]?-", second)


def test_head_that_never_ends(server, address, out, pauses, monkeypatch):
    monkeypatch.setattr(http_requests, "_LEAST_SECONDS", 0.2)
    handler = server.RequestHandlerClass
    send, lines = handler._send, []

    def dribble(self, *_, **__):
        self.send_response(200)
        while len(lines) < 1000:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n" if not lines else b"X: y\r\n")
            lines.append(1)
            multiprocessing.Event().wait(0.02)

    handler._send = dribble
    try:
        with pytest.raises(DownloadError, match=r"fewer than 60 kB came in 0 s"):
            fetch(address, out, **CHECKS, retries=0)
    finally:
        handler._send = send
    assert len(lines) < 100


# Who else may have been there

LINKED = ["a.tar.gz", ".a.tar.gz.download", ".a.tar.gz.download.etag", ".a.tar.gz.lock", ".a.tar.gz.lock.held"]


@pytest.mark.parametrize("name", LINKED)
@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_links_in_the_way_are_refused(server, address, out, tmp_path_factory, name, there):
    victim = tmp_path_factory.mktemp("elsewhere") / "victim"
    if there:
        victim.write_bytes(CONTENT)
    out.with_name(name).symlink_to(victim)
    with pytest.raises(LinkError, match=f"{name} is a link to {victim}"):
        fetch(address, out, **CHECKS)
    assert server.asked == []
    assert victim.exists() == there
    assert not there or victim.read_bytes() == CONTENT


@pytest.mark.parametrize("name", [*LINKED, "a.tar.gz.fetched"])
def test_folders_in_the_way_are_refused(server, address, out, name):
    out.with_name(name).mkdir()
    with pytest.raises(LinkError, match=f"/{name} is a folder, where a file of this workflow belongs: remove it"):
        fetch(address, out, **CHECKS, note=True)
    assert server.asked == []


def test_file_that_may_not_be_written_is_tried_once(address, out, pauses, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(transfers, "open", refuse, raising=False)
    with pytest.raises(DownloadError, match=rf"\(1 try\): \[Errno 13\] Permission denied: '{out.parent}"):
        fetch(address, out, **CHECKS)


def test_nothing_is_added_to_another_file(server, address, out, half, tmp_path_factory):
    """Which somebody has linked to where the download goes on, with the server's own mark beside it."""
    victim = tmp_path_factory.mktemp("elsewhere") / "victim"
    part = out.with_name(f".{out.name}.download")
    part.rename(victim)
    os.link(victim, part)
    fetch(address, out, **CHECKS)
    assert victim.read_bytes() == CONTENT[:half]
    assert out.read_bytes() == CONTENT


def test_file_in_a_folder_that_is_only_read_is_used(server, address, out, monkeypatch):
    """As downloads that others share."""
    out.write_bytes(CONTENT)

    def refuse(path, _):
        raise AssertionError(path)

    monkeypatch.setattr(downloads, "held", refuse)
    fetch(address, out, **CHECKS)
    assert server.asked == []


def test_pipe_in_the_way_is_refused(address, out):
    os.mkfifo(out.with_name(f".{out.name}.download"))
    with pytest.raises(LinkError, match="is a pipe"):
        fetch(address, out, **CHECKS)


def test_folder_of_a_host_is_no_link(address, tmp_path, server):
    """That of all downloads may be one."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "downloads").symlink_to(tmp_path / "elsewhere")
    root = tmp_path / "downloads"
    fetch(address, root / "host/a.tar.gz", **CHECKS, root=root)
    assert (tmp_path / "elsewhere/host/a.tar.gz").read_bytes() == CONTENT
    (root / "other").symlink_to(tmp_path)
    with pytest.raises(LinkError, match="other is a link"):
        fetch(address, root / "other/a.tar.gz", **CHECKS, root=root)
    with pytest.raises(LinkError, match="does not lie below"):
        fetch(address, root / "host/../../a.tar.gz", **CHECKS, root=root)
    assert not (tmp_path / "a.tar.gz").exists()


@pytest.mark.parametrize("plant", ["link", "file", "open to others"])
def test_folder_of_locks_that_somebody_made(address, out, tmp_path_factory, monkeypatch, plant):
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(downloads.tempfile, "gettempdir", lambda: str(temporary))
    folder = temporary / f"layerwise-downloads-{os.getuid()}"
    if plant == "link":
        folder.symlink_to(tmp_path_factory.mktemp("elsewhere"))
    elif plant == "file":
        folder.write_text("")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with pytest.raises(LayerwiseError, match=r"is a link to|must be a folder of yours.*TMPDIR"):
        fetch(address, out, **CHECKS)


@pytest.mark.parametrize("known", [CHECKS, {}], ids=["with digests", "without"])
def test_file_that_was_put_there_is_neither_used_nor_replaced(server, address, out, known):
    out.write_bytes(b"mine")
    with pytest.raises(DownloadError, match=r"is there, but was not fetched by this workflow.*Move it away"):
        fetch(address, out, **known, note=True)
    assert out.read_bytes() == b"mine"
    assert server.asked == []


def test_file_that_was_fetched_is_used_and_replaced_when_another_is_wanted(server, address, out):
    fetch(address, out, note=True)
    assert is_fetched(out)
    fetch(address, out, note=True)
    assert len(server.asked) == 1
    server.files[PATH] = CONTENT[::-1]
    fetch(address, out, sha256=hashlib.sha256(CONTENT[::-1]).hexdigest(), note=True)
    assert out.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize(
    "note", [b"", b"[]", b"null", b'{"bytes": "x"}', b"\xff", b"[" * 9000, b'{"bytes": ' + b"9" * 5000]
)
def test_damaged_note_is_none(out, note):
    out.write_bytes(CONTENT)
    note_of(out).write_bytes(note)
    assert not is_fetched(out)
    assert not forget(out)
    assert out.exists()


def test_notes_of_downloads_that_are_gone_go_too(server, address, tmp_path):
    for name in ("one", "two"):
        fetch(address, tmp_path / "host" / name, note=True)
    (tmp_path / "host/one").unlink()
    forget_notes(tmp_path)
    assert sorted(path.name for path in (tmp_path / "host").iterdir()) == ["two", "two.fetched"]
    assert forget(tmp_path / "host/two")
    assert list((tmp_path / "host").iterdir()) == []


# Secrets

SECRET = "s3cr3t"


def test_secrets_of_an_address_are_used_and_not_shown(server, out, pauses, caplog):
    """Of the address, of a mirror, and of what a server redirects to."""
    server.answers[PATH] = iter([(302, {"Location": f"{server.address}/there?X-Amz-Signature={SECRET}"}, b"")])
    server.files["/there"] = CONTENT
    address = server.address.replace("//", f"//me:{SECRET}@") + f"{PATH}?token={SECRET}#{SECRET}"
    with caplog.at_level(logging.INFO, "layerwise"):
        fetch(address, out, **CHECKS, note=True)
    assert server.asked[0].token == "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert SECRET not in caplog.text
    assert SECRET not in note_of(out).read_text()
    out.unlink()
    server.answers[PATH] = itertools.repeat((404, {}, b""))
    with pytest.raises(DownloadError, match="status 404") as raised:
        fetch("https://a.org/x.zip", out, **CHECKS, mirrors={"https://a.org/x.zip": address})
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("part", [f"me:{SECRET}/x@h", f"me:x?{SECRET}@h", f"me:{SECRET} x@h", f"{SECRET}\n@h:port"])
def test_address_that_is_none_is_not_shown_either(out, pauses, part):
    with pytest.raises(DownloadError) as raised:
        fetch(f"http://{part}/a.zip", out)
    assert SECRET not in str(raised.value)


def test_address_that_was_copied_from_a_log_is_refused(out):
    with pytest.raises(
        DownloadError, match=r"\*\*\* stands for a user name, a password or a query.*write the whole address"
    ):
        fetch("https://***@h/a.zip?***", out)


def test_headers_stay_with_the_host_that_was_asked(server, address, out):
    with running() as other:
        other.files["/there"] = CONTENT
        server.answers[PATH] = iter([(302, {"Location": f"{other.address}/there", "Set-Cookie": f"a={SECRET}"}, b"")])
        secrets = {"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET, "Cookie": f"b={SECRET}"}
        fetch(address, out, **CHECKS, headers=secrets)
        assert SECRET not in str(other.asked[0].headers)
        assert {name.lower(): value for name, value in secrets.items()}.items() <= server.asked[0].headers.items()
        other.answers["/back"] = iter([(302, {"Location": address}, b"")])
        server.answers[PATH] = iter([(302, {"Location": f"{other.address}/back"}, b"")])
        out.unlink()
        server.asked.clear()
        fetch(address, out, **CHECKS, headers=secrets)
        assert ["x-api-key" in asked.headers for asked in server.asked] == [True, False]


@pytest.mark.parametrize(
    ("address", "there", "is_sent"),
    [
        ("http://me:pw@h/a", "http://h/b", True),
        ("http://me:pw@h/a", "/b", True),
        ("http://me:pw@h/a", "https://h/b", True),
        ("http://me:pw@h:80/a", "https://h:443/b", True),
        ("http://me:pw@h/a", "https://h:444/b", False),
        ("http://me:pw@h/a", "http://h:81/b", False),
        ("http://me:pw@h/a", "https://other/b", False),
    ],
)
def test_password_stays_with_the_server_that_was_asked(monkeypatch, out, pauses, address, there, is_sent):
    sent = []

    def answer(request):
        sent.append((request.headers.get("Authorization"), request.headers.get("X-Api-Key")))
        if request.url.path == "/a":
            return httpx2.Response(302, headers={"Location": there})
        return httpx2.Response(200, stream=httpx2.ByteStream(CONTENT))

    client = functools.partial(httpx2.Client, transport=httpx2.MockTransport(answer))
    monkeypatch.setattr(downloads.httpx2, "Client", client)
    fetch(address, out, **CHECKS, headers={"X-Api-Key": SECRET})
    assert sent[0] == ("Basic " + base64.b64encode(b"me:pw").decode(), SECRET)
    assert sent[1:] == [sent[0] if is_sent else (None, None)]


@pytest.mark.parametrize("head", ["Location: //{}\x00", "Set-Cookie {}: x", "Content-Length: {}"])
def test_lines_of_a_malformed_answer_are_not_shown(server, address, out, pauses, caplog, head):
    def send(self, *_, **__):
        self.wfile.write(f"HTTP/1.1 302 Found\r\n{head.format(SECRET)}\r\n\r\n".encode())

    server.RequestHandlerClass = type("Odd", (server.RequestHandlerClass,), {"do_GET": send})
    with pytest.raises(DownloadError, match="could not download") as raised:
        fetch(address, out, retries=0)
    assert SECRET not in str(raised.value) + caplog.text
    assert "is malformed" in str(raised.value)


@pytest.mark.parametrize("proxy", [f"foo://me:{SECRET}@h", f"http://me:{SECRET}@h:port", f"socks5://me:{SECRET}@h"])
def test_proxy_that_is_none_is_not_shown(address, out, monkeypatch, proxy):
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(DownloadError, match="names a proxy that cannot be used: http_proxy") as raised:
        fetch(address, out)
    assert SECRET not in str(raised.value)


def test_host_that_refuses_is_named(server, address, out, pauses):
    said = said_by(server, address, out, (302, {"Location": f"http://127.0.0.1:9/{SECRET}"}, b""))
    assert "Connection refused (127.0.0.1:9)" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("address", "options", "refused"),
    [
        ("https://h/a", CHECKS | {"headers": {"Authorization": "x"}}, "a token was sent"),
        ("https://me:pw@h/a", CHECKS, "a token was sent"),
        ("https://h/a", {}, "no digest is known"),
        ("https://h/a", {"size": len(CONTENT)}, "no digest is known"),
        ("https://h/a", CHECKS, None),
    ],
)
def test_redirect_from_https_to_http(monkeypatch, out, pauses, address, options, refused):
    def answer(request):
        if request.url.scheme == "https":
            return httpx2.Response(302, headers={"Location": "http://h/b"})
        return httpx2.Response(200, stream=httpx2.ByteStream(CONTENT))

    client = functools.partial(httpx2.Client, transport=httpx2.MockTransport(answer))
    monkeypatch.setattr(downloads.httpx2, "Client", client)
    if refused is None:
        fetch(address, out, **options)
        assert out.read_bytes() == CONTENT
    else:
        with pytest.raises(DownloadError, match=rf"\(1 try\): https://.*h/a redirects from https to http.*{refused}"):
            fetch(address, out, **options)


@pytest.mark.parametrize("value", [f"{SECRET}\n", f"{SECRET}\r\nX: y", f"{SECRET}ä", ""])
def test_header_that_cannot_be_sent_is_not_shown(address, out, value):
    with pytest.raises(DownloadError, match=r"the header Authorization for .* holds a character") as raised:
        fetch(address, out, headers={"Authorization": value})
    assert SECRET not in str(raised.value)


# Disk


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


def test_file_of_unknown_length_ends_before_the_disk_is_full(server, address, out, monkeypatch, pauses):
    monkeypatch.setattr(transfers, "_CHECK_BYTES", 1000)
    chunks = b"".join(b"%x\r\n%b\r\n" % (1024, CONTENT[:1024]) for _ in range(10)) + b"0\r\n\r\n"
    server.answers[PATH] = itertools.repeat((200, {"Content-Length": None, "Transfer-Encoding": "chunked"}, chunks))
    small_disk(monkeypatch, transfers._SPARE_BYTES - 1)
    with pytest.raises(DiskSpaceError, match="whose length is not known, needs 210 MB, but 210 MB are free"):
        fetch(address, out)
    small_disk(monkeypatch, transfers._SPARE_BYTES)
    fetch(address, out)
    assert out.stat().st_size == 10 * 1024


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
        patch.setattr(transfers, "open", opened, raising=False)
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


def test_progress_is_said(server, address, out, monkeypatch, caplog):
    monkeypatch.setenv(INTERVAL, "0")
    server.files[PATH] = CONTENT * 100
    with caplog.at_level(logging.INFO, "layerwise"):
        fetch(address, out)
    lines = [record.getMessage() for record in caplog.records if record.name == "layerwise.progress"]
    one = re.compile(rf"downloading {re.escape(address)}: [\d.]+ kB of 1\.02 MB \(\d+ %\), [\d.]+ .?B/s, [\d.]+ s left")
    assert one.fullmatch(lines[0])


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
