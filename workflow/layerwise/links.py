"""Links where this program makes files of its own: what somebody put there would lead elsewhere what is written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from layerwise.errors import LayerwiseError
from layerwise.plain_files import kind_of


class LinkError(LayerwiseError):
    """A link, a pipe or a device lies where a file or folder of this program belongs."""


def refuse_link(path: Path) -> None:
    """Check that nothing lies at `path`, or a file or folder itself.

    Raises:
        LinkError: it is a link, whether or not anything is behind it, a pipe, a socket or a device.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        kind = f"a link to {os.readlink(path)}" if stat.S_ISLNK(mode) else kind_of(mode)
        raise LinkError(f"{path} is {kind}, where a file or folder of this workflow belongs: remove it")


def refuse_links_below(path: Path, root: Path) -> None:
    """Check every folder between `root`, which may be a link itself, and `path`, and that too.

    Raises:
        LinkError: one is a link, or `path` does not lie below `root`.
    """
    if ".." in path.parts or not path.is_relative_to(root) or path == root:
        raise LinkError(f"{path} does not lie below {root}")
    for part in [*reversed(path.relative_to(root).parents[:-1]), path.relative_to(root)]:
        refuse_link(root / part)


def opened_itself(path: str, flags: int) -> int:
    """An `opener` of open() that follows no link at the path itself, and waits for nobody at a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
