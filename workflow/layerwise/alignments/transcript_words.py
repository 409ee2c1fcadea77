"""The words of a transcript as a dictionary has them, and those that nobody can pronounce."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence

from layerwise.alignments.guessed_pronunciations import plain_letters
from layerwise.files.texts import composed

_SPELLINGS = str.maketrans("’‘ʼ＇`´′‐‑−", "'''''''---", "\u00ad\u200b\u2060\ufeff")
_GAPS = re.compile(r"--+|[–—―…/\\]")  # what stands between words without a space
_PARTS = re.compile(r"[-.]")  # well-known, U.S.A.
_NO_WORD = re.compile(r"[<>\[\]{}]|[&%@#$€£¥+=°]")  # in marks such as <unk> and [laughter]; symbols that are spoken
_LONGEST_TOKEN = 1000  # characters: of what is longer nobody knows a pronunciation


def words_of(
    text: str, dictionary: Container[str], guess: Callable[[str], Sequence[str]] = lambda word: ()
) -> tuple[list[str], list[str]]:
    """The words of a transcript as the dictionary has them, and those that cannot be pronounced.

    Normalised are case (lower), typographic apostrophes and hyphens (plain), and punctuation: around a word it is left
    out, except for apostrophes and full stops with which the word is in the dictionary ('em, a.m.); dashes of all
    kinds, slashes and ellipses part words, and so do hyphens and full stops in what the dictionary has only in parts
    (well-known, U.S.A.). What is in the dictionary without its accents is taken so (naïve). Digits, symbols that are
    spoken (&, %) and marks in angle, square or curly brackets (<unk>, [laughter]) are never guessed: they are returned
    as unknown, as they were written, with the words that `guess` can make nothing of.

    Args:
        guess: pronunciations of a word in lower case that the dictionary lacks; none: it cannot be pronounced.
    """
    words: list[str] = []
    unknown: list[str] = []
    text = composed(text).translate(_SPELLINGS)
    for token in _GAPS.sub(" ", text).split():
        found = _look_up(token.lower(), dictionary, guess)
        if found is None:
            unknown.append(token)
        else:
            words += found
    return words, list(dict.fromkeys(unknown))


def _look_up(token: str, dictionary: Container[str], guess: Callable[[str], Sequence[str]]) -> list[str] | None:
    """The words of a token in lower case: none where it is punctuation alone; None if it cannot be pronounced."""
    if len(token) > _LONGEST_TOKEN or _NO_WORD.search(token):
        return [token] if token in dictionary else None
    core = _without_punctuation(token)
    word = core.strip("'")
    if not word:
        return []
    forms = (core, core + ".", core.rstrip("'"), core.lstrip("'"), word)
    for form in (*forms, *map(plain_letters, forms)):
        if form in dictionary:
            return [form]
    parts = _PARTS.split(core)
    if len(parts) == 1:
        return [word] if guess(word) else None
    found = [_look_up(part, dictionary, guess) for part in parts]
    return None if None in found else [word for words in found for word in words]


def _without_punctuation(token: str) -> str:
    """A word without the punctuation around it, but for apostrophes."""
    first, last = 0, len(token)
    while first < last and not _is_of_word(token[first]):
        first += 1
    while first < last and not _is_of_word(token[last - 1]):
        last -= 1
    return token[first:last]


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "'"
