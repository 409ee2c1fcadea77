"""Text from files and configurations: one form of what looks the same, and patterns with a star."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path


def composed(text: str) -> str:
    """The text in Unicode's form NFC: `é` is one character, however it was typed, and whatever disk its file lay on.

    Whatever names something, or is compared with something, goes through here where it is read: labels, words, ids.
    Paths that are opened do not, as a disk may have them in any form; see `on_disk`.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


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


def on_disk(path: Path) -> Path:
    """The file or folder that `path` names, in whatever form of Unicode the disk has its parts; else `path` itself."""
    if path.exists() or str(path).isascii():
        return path
    parent = on_disk(path.parent)
    if not parent.is_dir():
        return path
    found = [entry for entry in parent.iterdir() if composed(entry.name) == composed(path.name)]
    return found[0] if len(found) == 1 else path


def wildcard(pattern: str, *, any_case: bool) -> str:
    r"""A regular expression for a pattern in which `*` stands for anything and `\*` for a star; to be matched in full.

    A text between two stars is taken where it is first found (an atomic group), as no later place would leave more room
    for the rest: so that many stars don't take time without end.
    """
    first, *others = re.split(r"(?<!\\)\*", composed(pattern))
    texts = [re.escape(text.replace(r"\*", "*")) for text in (first, *others)]
    parts = [texts[0], *(f"(?>.*?{text})" for text in texts[1:-1]), *(f".*{text}" for text in texts[1:][-1:])]
    return f"(?{'i' * any_case}s:{''.join(parts)})"
