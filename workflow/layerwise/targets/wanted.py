"""The words that are looked up in a file, and what has been found of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from layerwise.errors import shown
from layerwise.files.texts import composed, folded
from layerwise.targets.errors import LookUpError
from layerwise.targets.names import EXACT, LOWER

_SHOWN = 3  # words of a file that a message names


@dataclass(frozen=True)
class Entry:
    """A word of a file, as it is spelled there, with its vector and where it stands (`line 7`)."""

    spelling: str
    vector: np.ndarray
    place: str


@dataclass
class Wanted:
    """Labels, compared with the words of a file as they are, or both in lower case.

    Where case does not count, a word that is spelled as the label goes before one in lower case, and that before the
    first of all others. So it is with letters that are written in several forms of Unicode.

    Attributes:
        path: of the file, for messages.
        labels: those that are looked up.
        lower_case: whether case does not count.
        found: entry by label, in lower case where case does not count. spelled: entry by label that is spelled so.
        columns: names of the dimensions, where the file has them.
        seen: the first words of the file, for messages.
    """

    path: Path
    labels: frozenset[str]
    lower_case: bool = False
    found: dict[str, Entry] = field(default_factory=dict)
    spelled: dict[str, Entry] = field(default_factory=dict)
    columns: tuple[str, ...] | None = None
    seen: list[str] = field(default_factory=list)
    _keys: dict[bytes, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, labels: Iterable[str], case: str = EXACT) -> Wanted:
        labels = frozenset(labels)
        wanted = cls(path, labels, case == LOWER)
        wanted._keys = {wanted.key(label).encode(): wanted.key(label) for label in labels}
        return wanted

    def key(self, word: str) -> str:
        """What two words have in common that are taken for the same."""
        return folded(word, True) if self.lower_case else composed(word)

    def key_of(self, word: bytes) -> str | None:
        """The key of a word of a file, in UTF-8; None: nobody wants it. It is asked millions of times."""
        if word.isascii():
            return self._keys.get(word.lower() if self.lower_case else word)
        try:
            return self._keys.get(self.key(word.decode()).encode())
        except UnicodeDecodeError:
            return None

    def add(self, key: str, entry: Entry) -> None:
        """Keep what a file says of a word.

        Raises:
            LookUpError: it said something else before, of the same spelling.
        """
        before = self.spelled.get(entry.spelling) or self.found.get(key)
        if before and before.spelling == entry.spelling and not np.array_equal(entry.vector, before.vector):
            raise LookUpError(
                f"{self.path}: {shown(entry.spelling)!r} stands there twice with different vectors, in {before.place} "
                f"and {entry.place}; a word has one"
            )
        if entry.spelling in self.labels:
            self.spelled.setdefault(entry.spelling, entry)
        if key not in self.found or (entry.spelling == key and self.found[key].spelling != key):
            self.found[key] = entry

    def note(self, word: str) -> None:
        """Remember the first words of a file."""
        if len(self.seen) < _SHOWN:
            self.seen.append(word)

    def vector(self, label: str) -> np.ndarray | None:
        """What stands for a label; None: the file lacks it."""
        entry = self.spelled.get(label) or self.found.get(self.key(label))
        return None if entry is None else entry.vector
