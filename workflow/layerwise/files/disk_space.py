"""Room on the disk: asked for before it is needed, not when hours of work are lost."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from layerwise.errors import LayerwiseError

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}  # quotas end in the same way


class DiskSpaceError(LayerwiseError):
    """There is too little room on a disk; the message says how much is needed, how much is free, and where."""


def require_space(folder: Path, needed: int, what: str, remedy: str) -> None:
    """Check that `needed` bytes can be written below a folder, which need not exist yet.

    Args:
        what: what needs them, such as `downloading https://…`.
        remedy: what a person can do about it.

    Raises:
        DiskSpaceError: less is free.
    """
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise DiskSpaceError(
            f"{what} needs {readable(needed)}, but {readable(free)} are free on the disk of {folder}: {remedy}"
        )


def readable(size: float) -> str:
    """A number of bytes in decimal units, as files are listed on the web: 338 MB, 55.3 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
