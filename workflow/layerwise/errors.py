"""The one base class of every error that a user can cause or mend, and how its message lists what is allowed."""

import difflib
from collections.abc import Iterable

_LONGEST, _NEAREST = 10, 5  # names that a message lists, and those that it lists of a longer list


class LayerwiseError(Exception):
    """Something is wrong with the input or the configuration; the message says what, where and what would be right."""


def listed_names(names: Iterable[object], found: str) -> str:
    """The names that something may have, for a message: all of them, or of many the nearest ones and their number.

    Args:
        found: what stands there instead.
    """
    names = list(dict.fromkeys(map(str, names)))
    if len(names) <= _LONGEST:
        return ", ".join(names)
    nearest = difflib.get_close_matches(found, names, n=_NEAREST, cutoff=0)
    return f"{len(names)} names, of which the nearest are {', '.join(nearest)}"


def did_you_mean(names: Iterable[object], found: str) -> str:
    """The name that was probably meant, in brackets; nothing where none is like what was found."""
    match = difflib.get_close_matches(found, list(map(str, names)), n=1, cutoff=0.5)
    return f" (did you mean {match[0]}?)" if match else ""
