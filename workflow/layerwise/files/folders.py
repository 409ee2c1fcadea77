"""Folders of files from elsewhere: what in them may be opened.

A pipe among recordings would keep a job waiting for ever, and a stranger's link may lead to files that are not theirs.
So only plain files are opened that, links followed, lie in the folder or in one that the environment names:
`LAYERWISE_LINKS_TO=/data/audio:/mnt/more`. A configuration cannot name one, because it may be a stranger's too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from layerwise.errors import LayerwiseError
from layerwise.files.plain_files import kind_of

LINKS_TO = "LAYERWISE_LINKS_TO"
NOT_OF_THE_FOLDER = "no file of the folder"  # the kind of a problem, for tables

_OUTSIDE, _AT = "it lies outside of ", ", at "


class Folder:
    """A folder from elsewhere; it may itself be a link to one."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._place = os.path.realpath(path)
        self._allowed = [os.path.realpath(place) for place in os.environ.get(LINKS_TO, "").split(os.pathsep) if place]
        self._inside: dict[str, bool] = {}  # by folder: files without a link lie where their folder does

    def refusal(self, path: str | Path, is_expected: Callable[[int], bool] = stat.S_ISREG) -> str | None:
        """Why a file is not opened; None: it may be, or there is none, which opening it tells.

        Args:
            is_expected: of the module `stat`, what tells a file of the right kind.
        """
        try:
            mode = os.lstat(path).st_mode
            parent = os.path.dirname(path)
            if parent not in self._inside:
                self._inside[parent] = self._holds(os.path.realpath(parent))
            inside, place = self._inside[parent], str(path)
            if stat.S_ISLNK(mode) or not inside:
                place = os.path.realpath(path, strict=True)
                mode, inside = os.stat(place).st_mode, self._holds(place)
        except OSError:
            return None
        except ValueError:
            return "no file can have this name"
        if not is_expected(mode):
            return f"it is {kind_of(mode)}"
        return None if inside else f"{_OUTSIDE}{self.path}{_AT}{place}"

    def require(
        self, path: str | Path, error: type[LayerwiseError], is_expected: Callable[[int], bool] = stat.S_ISREG
    ) -> None:
        """Refuse a file that is not to be opened.

        Raises:
            error: why, and what allows it.
        """
        if reason := self.refusal(path, is_expected):
            raise error(f"{path}: {'; '.join(filter(None, [reason, how_to_allow([reason])]))}")

    def _holds(self, place: str) -> bool:
        return any(
            place == folder or place.startswith(folder.rstrip("/") + "/") for folder in (self._place, *self._allowed)
        )


def how_to_allow(reasons: Iterable[str]) -> str:
    """The setting that would allow the files that were refused because they lie elsewhere; "": none were.

    Leaf folders may be thousands: what they have in common is named, for each folder at the top of the disk.
    """
    tops: dict[str, str] = {}
    for reason in reasons:
        if _OUTSIDE in reason and _AT in reason:
            place = os.path.dirname(reason.rpartition(_AT)[2])
            top = place.split(os.sep)[1] if place.startswith(os.sep) else ""
            tops[top] = os.path.commonpath([tops.get(top, place), place]) if top else place
    if not any(tops.values()):
        return ""
    several = f" (folders with {os.pathsep!r} between them)" if len(tops) > 1 else ""
    return f"where that is right: export {LINKS_TO}={os.pathsep.join(filter(None, tops.values()))}{several}"


def files_below(folder: Path, unreadable: Callable[[OSError], None]) -> Iterator[Path]:
    """Whatever is no folder in a folder or below it, in order; links to folders are not followed.

    Args:
        unreadable: is told of folders that cannot be looked into.
    """
    for where, folders, names in os.walk(folder, onerror=unreadable):
        folders.sort()
        yield from (Path(where, name) for name in sorted(names))
