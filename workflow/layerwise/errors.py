"""The one base class of every error that a user can cause or mend, and how messages show what comes from elsewhere."""

import difflib
from collections.abc import Iterable

from layerwise.addresses import without_secrets

_LONGEST, _NEAREST = 10, 5  # names that a message lists, and those that it lists of a longer list
LINE, _LINES = 1000, 60  # characters and lines of a message that a person reads
_WRITING = "\u00a0\u200c\u200d\u3000"  # spaces and joiners that Python does not count as printable; names have them
_COMPARED = 500  # names that are compared with what was found: configurations may have thousands
_NAME = 200  # characters of a name that are compared with others: comparing takes the product of both lengths


class LayerwiseError(Exception):
    """Something is wrong with the input or the configuration; the message says what, where and what would be right.

    It is one line, whatever the names in it hold. Of errors that list what is wrong, each line is.
    """

    is_list = False

    def __str__(self) -> str:
        text = super().__str__()
        lines = text.split("\n") if self.is_list else [text]
        more = [f"… and {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
        return "\n".join([*(shown(line, LINE) for line in lines[:_LINES]), *more])


def shown_lines(text: object) -> str:
    """A text of several lines, such as a traceback: each is shown, and of very many the first and the last ones."""
    lines = str(text).split("\n")
    left_out = len(lines) - 2 * _LINES
    if left_out > 0:
        lines = [*lines[:_LINES], f"… {left_out} lines …", *lines[-_LINES:]]
    return "\n".join(shown(line, LINE) for line in lines)


def shown(text: object, longest: int = 200) -> str:
    r"""A text from elsewhere as a terminal may have it: in one line, not too long, and with nothing that steers it.

    What is secret of addresses is hidden. Control characters, line ends, marks of direction and halves of surrogate
    pairs are written as in Python: `\x1b`.
    """
    # Cut before the work on each character, and after, as escapes are longer.
    return _cut(escaped(_cut(without_secrets(str(text)), longest)), longest)


def escaped(text: str) -> str:
    r"""A text whose control characters, line ends, marks of direction and surrogates are written as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in _WRITING
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    head = longest * 3 // 4
    return f"{text[:head]} … {text[head - longest :]}"


def listed_names(names: Iterable[object], found: str) -> str:
    """The names that something may have, for a message: all of them, or of many the nearest ones and their number.

    Args:
        found: what stands there instead.
    """
    names = list(dict.fromkeys(map(str, names)))
    if len(names) <= _LONGEST:
        return ", ".join(map(shown, names))
    nearest = difflib.get_close_matches(found[:_NAME], names[:_COMPARED], n=_NEAREST, cutoff=0)
    return f"{len(names)} names, of which the nearest are {', '.join(map(shown, nearest))}"


def first_names(names: Iterable[str]) -> str:
    """The names that were found, for a message: the first ten of them, sorted."""
    names = sorted(map(shown, names))
    more = f" and {len(names) - _LONGEST} more" if len(names) > _LONGEST else ""
    return (", ".join(names[:_LONGEST]) + more) if names else "none"


def did_you_mean(names: Iterable[object], found: str) -> str:
    """The name that was probably meant, in brackets; nothing where none is like what was found."""
    match = difflib.get_close_matches(found[:_NAME], list(map(str, names))[:_COMPARED], n=1, cutoff=0.5)
    return f" (did you mean {shown(match[0])}?)" if match else ""
