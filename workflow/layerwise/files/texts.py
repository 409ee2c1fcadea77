"""Text from files and configurations: one Unicode form of what looks the same, and patterns with a star."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

_MOST_MARKS = 200  # Unicode's own bound for those after a letter is 30 (UAX #15, stream-safe text)
_LONG_RUN = re.compile(r"[^\x00-\x7f]{200}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NO_LETTERS = re.compile(r"(?<![^\w\s\x00-\x7f])([^\w\s\x00-\x7f]{200,})")


def composed(text: str) -> str:
    """The text in Unicode's form NFC: `é` is one character, however it was typed, and whatever disk its file lay on.

    Whatever names something, or is compared with something, goes through here where it is read: labels, words, ids.
    Paths that are opened do not, as a disk may have them in any form; see `on_disk`.
    """
    if text.isascii():
        return text
    parts = _NO_LETTERS.split(text) if _LONG_RUN.search(text) else [text]
    if not any(sum(map(bool, map(unicodedata.combining, run))) > _MOST_MARKS for run in parts[1::2]):
        return unicodedata.normalize("NFC", text)
    # Marks of which no letter has so many stay as they are: to bring them into order takes the square of their number.
    parts[::2] = [unicodedata.normalize("NFC", part) for part in parts[::2]]
    return "".join(parts)


def folded(word: str, lower_case: bool) -> str:
    """A word as words are compared. Lower case is Unicode's in any language: ß stays, I is i, and İ is i with a dot."""
    return composed(word.lower()) if lower_case else word


def code_points(text: object) -> str:
    """What to put after a text on the screen, so that it is told from another that looks alike: ` (U+00E9)`."""
    points = [f"U+{ord(character):04X}" for character in str(text) if not character.isascii()]
    return f" ({' '.join(points)})" if points else ""


def is_utf8(path: str) -> bool:
    """Whether the name of a file is text; a disk may hold any bytes, such as names in Latin-1."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def unusable(path: str) -> str | None:
    """Why the name of a file can be in no table, and on no screen; None: it can be."""
    if not is_utf8(path):
        return "its name is not UTF-8, and no table can hold it; rename it"
    if _CONTROL.search(path):
        return "its name has control characters; rename it"
    return None


def on_disk(path: Path) -> Path:
    """The file or folder that `path` names, in whatever form of Unicode the disk has its parts; else `path` itself."""
    if os.path.exists(path) or str(path).isascii() or path.parent == path:
        return path
    parent = on_disk(path.parent)
    try:
        found = [name for name in os.listdir(parent) if composed(name) == composed(path.name)]
    except (OSError, ValueError):  # it is not there, is no folder, or no folder can have its name
        return path
    return parent / found[0] if len(found) == 1 else path


def wildcard(pattern: str, *, any_case: bool) -> str:
    r"""A regular expression for a pattern in which `*` stands for anything and `\*` for a star; to be matched in full.

    A text between two stars is taken where it is first found (an atomic group), as no later place would leave more room
    for the rest: so that many stars don't take time without end.
    """
    first, *others = re.split(r"(?<!\\)\*", composed(pattern))
    texts = [re.escape(text.replace(r"\*", "*")) for text in (first, *others)]
    parts = [texts[0], *(f"(?>.*?{text})" for text in texts[1:-1]), *(f".*{text}" for text in texts[1:][-1:])]
    return f"(?{'i' * any_case}s:{''.join(parts)})"
