"""Plain files only: a pipe in their place would keep its reader waiting, a device may have no end."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}


def kind_of(mode: int) -> str:
    """What a thing is that has this mode (`st_mode`), in words."""
    return _KINDS.get(stat.S_IFMT(mode), "no plain file")


def require_plain(path: Path, error: Callable[[str], Exception]) -> None:
    """Refuse anything but a plain file, links followed.

    Args:
        error: makes the error of what was found, in words.

    Raises:
        OSError: there is nothing.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise error(f"it is {kind_of(mode)}; a file is expected")


def open_plain(path: str | Path) -> BinaryIO:
    """A plain file for reading, links followed.

    Raises:
        OSError: there is none, it may not be read, or it is something else.
    """
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    mode = os.fstat(file.fileno()).st_mode
    if not stat.S_ISREG(mode):
        file.close()
        raise OSError(0, f"it is {kind_of(mode)}; a file is expected")
    return file


def read_plain(path: str | Path, limit: Limit, error: type[LayerwiseError]) -> bytes:
    """The content of a plain file, links followed.

    Raises:
        OSError: as `open_plain`.
        error: it is larger than the limit.
    """
    with open_plain(path) as file:
        limit.require(os.fstat(file.fileno()).st_size, str(path), error)
        return file.read()
