"""Marks: labels of silence, noise and other non-speech, which are neither phones nor words.

They are listed in resources/marks.yaml, and a layout can change the list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from layerwise.files.texts import wildcard


@dataclass(frozen=True)
class Marks:
    r"""Which labels are no speech.

    In all of them `*` stands for anything and `\*` for a star, and a pattern in small letters fits any case. An empty
    label is always a mark.

    Attributes:
        phones, words: labels that are no phones, and no words.
        unspoken_words: labels that can be words as well, such as `rest`: marks where no phone is spoken in their time.
        kept_phones, kept_words: labels that are speech nevertheless.
    """

    phones: Sequence[str] = ()
    words: Sequence[str] = ()
    unspoken_words: Sequence[str] = ()
    kept_phones: Sequence[str] = ()
    kept_words: Sequence[str] = ()

    def is_phone(self, label: str) -> bool:
        """Whether the label of a phone is none of the marks."""
        return bool(label) and (_fits(self._kept_phones, label) or not _fits(self._phones, label))

    def is_word(self, label: str) -> bool:
        """Whether the label of a word is none of the marks, or one that can be a word as well."""
        return bool(label) and (_fits(self._kept_words, label) or not _fits(self._words, label))

    def needs_phones(self, label: str) -> bool:
        """Whether a label is a word only if a phone is spoken in its time."""
        return _fits(self._unspoken_words, label) and not _fits(self._kept_words, label)

    @cached_property
    def _phones(self) -> re.Pattern[str]:
        return _any_of(self.phones)

    @cached_property
    def _words(self) -> re.Pattern[str]:
        return _any_of(self.words)

    @cached_property
    def _unspoken_words(self) -> re.Pattern[str]:
        return _any_of(self.unspoken_words)

    @cached_property
    def _kept_phones(self) -> re.Pattern[str]:
        return _any_of(self.kept_phones)

    @cached_property
    def _kept_words(self) -> re.Pattern[str]:
        return _any_of(self.kept_words)


NO_MARKS = Marks()


def marks_of(changes: Mapping[str, Mapping[str, Sequence[str]]], catalogue: Mapping[str, Sequence[str]]) -> Marks:
    """The marks of the catalogue, with the changes that a layout makes: `{phone: {keep: ["#"]}, word: {drop: [uh]}}`.

    Args:
        catalogue: the content of resources/marks.yaml.
    """

    def change(tier: str, what: str) -> tuple[str, ...]:
        return tuple(changes.get(tier, {}).get(what, ()))

    return Marks(
        phones=(*catalogue["phones"], *change("phone", "drop")),
        words=(*catalogue["words"], *change("word", "drop")),
        unspoken_words=tuple(catalogue["unspoken_words"]),
        kept_phones=change("phone", "keep"),
        kept_words=change("word", "keep"),
    )


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile(
        "|".join(wildcard(pattern, any_case=pattern == pattern.lower()) for pattern in patterns) or "(?!)"
    )


def _fits(pattern: re.Pattern[str], label: str) -> bool:
    return pattern.fullmatch(label) is not None
