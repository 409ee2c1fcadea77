"""One try to fetch a file from a server; a part that an interrupted try left is completed."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

import httpx2

from layerwise.errors import shown
from layerwise.files.digests import DownloadError
from layerwise.files.disk_space import readable, require_space
from layerwise.files.http_requests import AnswerError, LeastRate, Request, bare
from layerwise.files.links import opened_itself
from layerwise.progress import ProgressLine

# What a server sends without saying how long it is ends before the disk is full, for all who share it.
_SPARE_BYTES, _CHECK_BYTES = 200 << 20, 16 << 20
# Strong validators (RFC 9110), which go back to the server; longer ones and those with other characters are not kept.
_TAG, _DATE = re.compile(r'"[!#-~]{0,200}"'), re.compile(r"[ -~]{1,64}")
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")


def complete(request: Request, part: Path) -> None:
    """Fetch what `part` lacks of a file, or all of it where the server has another file by now."""
    start, headers, size, remedy = 0, {}, request.size, "make room; what has come is kept"
    if part.is_file() and (validator := _read_validator(part)):
        start = part.stat().st_size
        headers = {"Range": f"bytes={start}-", "If-Range": validator}
    with LeastRate() as watch, request.answer(headers, watch) as response:
        if response.status_code == 416:  # nothing lies beyond `start`
            if start and response.headers.get("Content-Range") == f"bytes */{start}":
                return
            part.unlink(missing_ok=True)
        response.raise_for_status()
        start, total = _extent(response, part, start if headers else None)
        if None not in (size, total) and total != size:
            raise DownloadError(f"{bare(response.url)} has {total} bytes, expected {size}: it is another file")
        end = total or size
        if start == 0:
            part.unlink(missing_ok=True)
            validator_of(part).unlink(missing_ok=True)
        require_space(part.parent, (end or 0) - start, f"downloading {request.shown}", remedy)
        if start == 0:
            _keep_validator(response, part)
        progress = ProgressLine(f"downloading {request.shown}", end, done=start, shown=readable)
        with open(part, "ab", opener=opened_itself) as stream:
            for block in response.iter_raw():
                if end is not None and progress.done + len(block) > end:
                    raise DownloadError(f"{bare(response.url)} sends more than the {end} bytes that the file has")
                stream.write(block)
                progress.add(len(block))
                watch.came += len(block)
                if end is None and watch.came // _CHECK_BYTES > (watch.came - len(block)) // _CHECK_BYTES:
                    what = f"going on with {request.shown}, whose length is not known,"
                    require_space(part.parent, _SPARE_BYTES, what, remedy)
    if end is not None and start + watch.came < end:
        raise ConnectionError(f"the connection ended after {start + watch.came} of {end} bytes")


def _extent(response: httpx2.Response, part: Path, asked: int | None) -> tuple[int, int | None]:
    """Where an answer begins in its file, and how many bytes the file has, where that is said.

    Args:
        asked: the first byte that was asked for; None: for all of it.

    Raises:
        AnswerError: it is no file, not what was asked for, or packed in a way that was not.
    """
    kind = shown(response.headers.get("Content-Type", "").partition(";")[0].strip().lower())
    where = bare(response.url)
    if kind in ("text/html", "application/xhtml+xml"):
        raise AnswerError(
            f"a web page came instead of the file: status {response.status_code}, {kind}, from {where}; perhaps a "
            "login, an error or a moved file"
        )
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise AnswerError(f"{where} sends the file packed (Content-Encoding: {shown(coding)}), which was not asked for")
    stated = response.headers.get("Content-Length", "").strip()
    length = int(stated) if re.fullmatch(r"[0-9]{1,18}", stated) else None
    if response.status_code in (200, 203):  # the other by a proxy
        return 0, length or None
    given = response.headers.get("Content-Range", "").strip()
    found = _RANGE.fullmatch(given)
    if response.status_code == 206 and asked is not None and found:
        first, last = int(found[1]), int(found[2])
        total = last + 1 if found[3] == "*" else int(found[3])
        if first == asked and first <= last == total - 1 and length in (None, total - first):
            return first, total
    validator_of(part).unlink(missing_ok=True)  # the next try asks for all of it
    wanted = "the whole file" if asked is None else f"its bytes from {asked}"
    raise AnswerError(
        f"{where} was asked for {wanted} and answers with status {response.status_code}"
        + (f", Content-Range: {shown(given)}" if given else "")
    )


def refuse_page(part: Path) -> None:
    """Some servers send their error pages as if they were files."""
    with part.open("rb") as stream:
        beginning = stream.read(512).removeprefix(codecs.BOM_UTF8).lstrip()
    if beginning.lower().startswith((b"<!doctype html", b"<html")):
        raise DownloadError(f"a web page came instead of the file; it begins with {beginning[:60]!r}")


def validator_of(part: Path) -> Path:
    """Beside a partial download: the server's mark (ETag or date) of this content, needed to ask for the rest."""
    return part.with_name(f"{part.name}.etag")


def _keep_validator(response: httpx2.Response, part: Path) -> None:
    tag, date = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    value = tag if _TAG.fullmatch(tag) else date if _DATE.fullmatch(date) else ""
    if value:
        with open(validator_of(part), "w", encoding="ascii", opener=opened_itself) as stream:
            stream.write(value)


def _read_validator(part: Path) -> str | None:
    """The mark, if there is one that a header may hold."""
    try:
        with open(validator_of(part), "rb", opener=opened_itself) as stream:
            value = stream.read(300).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return value if _TAG.fullmatch(value) or _DATE.fullmatch(value) else None
