"""Whether a file is the one that was meant: its size and its digests."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path

from layerwise.addresses import shown_address
from layerwise.errors import LayerwiseError
from layerwise.files.disk_space import readable
from layerwise.files.links import refuse_link
from layerwise.files.plain_files import open_plain, require_plain
from layerwise.progress import ProgressLine

log = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 20


class DownloadError(LayerwiseError):
    """A file cannot be fetched, or is not what was expected."""


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
        progress = ProgressLine(f"checking {path.name}", path.stat().st_size, shown=readable)
        with open_plain(path) as stream:
            while block := stream.read(_BLOCK_BYTES):
                for digest in hashes.values():
                    digest.update(block)
                progress.add(len(block))
    return {name: digest.hexdigest() for name, digest in hashes.items()}


def note_digest(path: Path, url: str) -> Path:
    """Write the digest of a download that came without one to `NAME.sha256` beside it, as sha256sum does."""
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
