"""Links where this program writes its own files: they are refused, as they would redirect what is written."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

from layerwise.errors import LayerwiseError
from layerwise.files.plain_files import kind_of


class LinkError(LayerwiseError):
    """A link, a pipe or a device lies where a file or folder of this program belongs."""


def refuse_link(path: Path, wanted: Literal["file", "folder", "file or folder"] = "file or folder") -> None:
    """Check that nothing lies at `path`, or a plain file or folder as wanted.

    Raises:
        LinkError: it is something else, such as a link, whether or not anything is behind it, or a pipe.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    kind = kind_of(mode)
    if kind.removeprefix("a ") not in wanted.split(" or "):
        kind = f"a link to {os.readlink(path)}" if stat.S_ISLNK(mode) else kind
        raise LinkError(f"{path} is {kind}, where a {wanted} of this workflow belongs: remove it")


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
