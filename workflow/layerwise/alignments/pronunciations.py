"""Pronunciations of words, as the CMU dictionary writes them: `WORD  P1 P2 …`, a line each.

Planning reads such a file to refuse a wrong one before any job, so this module imports nothing slow.
"""

from __future__ import annotations

import re
from pathlib import Path

from layerwise.alignments.arpabet import PHONES
from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit
from layerwise.files.plain_files import read_plain
from layerwise.files.texts import composed

_PHONES = frozenset(PHONES)  # those of the aligner's acoustic model
_COMMENT = ";;;"
# The CMU dictionary of 135,000 words has 4 MB.
MAX_BYTES = Limit("LAYERWISE_MAX_PRONUNCIATIONS_BYTES", 10**8, "bytes")
_VARIANT = re.compile(r"\(\d+\)$")
_RESERVED = re.compile(r"[<>()\[\]{}]")  # of names that are no words, such as <sil>, and of variants


class PronunciationError(LayerwiseError):
    """A file of pronunciations cannot be used; the message names it and the line."""


def read_pronunciations(path: Path) -> dict[str, list[str]]:
    """The pronunciations of each word of a file in the format of the CMU dictionary, in the order of the file.

    Words become lower case, variants (`WORD(2)`) further pronunciations of their word, and phones lose their stress
    digit. Empty lines, lines that begin with `;;;` and what follows a `#` after a space are comments.

    Returns:
        word → its pronunciations, each as phones with a space between: `{"hello": ["HH AH L OW"]}`.

    Raises:
        PronunciationError: there is no such file, it is not UTF-8, a line is no pronunciation, or none of them is.
    """
    try:
        lines = composed(read_plain(path, MAX_BYTES, PronunciationError).decode("utf-8-sig")).splitlines()
    except OSError as error:
        raise PronunciationError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PronunciationError(f"{path} is not UTF-8 text: {error}") from error
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        entry = "" if line.startswith(_COMMENT) else re.split(r"\s#", line, maxsplit=1)[0]
        if not entry.strip():
            continue
        try:
            word, phones = _entry(entry)
        except ValueError as error:
            raise PronunciationError(f"{path}, line {number}: {error}") from None
        if phones not in found.setdefault(word, []):
            found[word].append(phones)
    if not found:
        raise PronunciationError(f"{path} has no pronunciation; lines such as 'HELLO  HH AH0 L OW1' are expected")
    return found


def _entry(line: str) -> tuple[str, str]:
    """Word and phones of a line, or ValueError."""
    name, *phones = line.split()
    word = composed(_VARIANT.sub("", name).lower())
    if not word or _RESERVED.search(word):
        raise ValueError(f"{name!r} is no word; brackets stand only around the number of a variant, as in HELLO(2)")
    if not phones:
        raise ValueError(f"{name!r} has no phones; WORD  P1 P2 … is expected")
    plain = [phone[:-1] if phone[-1] in "012" else phone for phone in phones]
    if wrong := [phone for phone, bare in zip(phones, plain, strict=True) if bare not in _PHONES]:
        raise ValueError(
            f"{wrong[0]!r} of {name!r} is no phone; allowed are {' '.join(PHONES)}, "
            "each with or without a stress digit 0, 1 or 2"
        )
    return word, " ".join(plain)
