"""Pronunciations of words that no dictionary has, guessed from how they are spelled in English.

The guesses are those of hama (https://github.com/hamanlp/hama), a small neural model whose wheel holds its weights. It
is an optional dependency, imported only where it is used. A possessive (`Quilter's`) is its word and what the rule of
English adds: of possessives the model gets four phones in ten wrong, the rule two in a hundred
(tests/benchmarks/guessing.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

# Phones that are not English are there because the model takes some words for Spanish, Italian or Portuguese ones: each
# becomes the nearest of ARPAbet.
_ARPABET = {
    unicodedata.normalize("NFD", ipa): phones
    for phones, symbols in {
        "AA": "ɑ a", "AE": "æ", "AH": "ʌ ə ɐ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "t͡ʃ", "D": "d",
        "DH": "ð", "EH": "ɛ e", "ER": "ɝ ɚ ɜ ø œ", "EY": "eɪ", "F": "f", "G": "g ɡ ɣ", "HH": "h ɦ x ç", "IH": "ɪ ɨ ɪə",
        "IY": "i", "JH": "d͡ʒ", "K": "k", "L": "l ɫ", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ o", "OY": "ɔɪ", "P": "p",
        "R": "ɹ r ɾ ʁ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u y", "V": "v β", "W": "w",
        "Y": "j ʝ", "Z": "z", "ZH": "ʒ", "L Y": "ʎ", "N Y": "ɲ",
    }.items()
    for ipa in symbols.split()
}  # fmt: skip
_PHONE = re.compile("|".join(sorted(_ARPABET, key=len, reverse=True)))
_MARKS = {"Mn", "Lm", "Pc"}  # of articulation and length, and the one that links syllables
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ß": "ss", "ł": "l", "đ": "d", "ð": "th", "þ": "th", "ı": "i"}
)
_WORD = re.compile(r"[a-z]+('[a-z]+)*")
LONGEST_WORD = 100  # letters; the longest in a dictionary of English has 45
_OUTPUT_SYMBOLS = 256  # hama's default, 32, cuts off what it writes with a space after each phone

_SIBILANTS = {"S", "Z", "SH", "ZH", "CH", "JH"}
_VOICELESS = {"P", "T", "K", "F", "TH"}


class Guesser:
    """Pronunciations of words that a dictionary lacks; what was guessed once is kept.

    Args:
        dictionary: word in lower case → its pronunciations, as
            `layerwise.alignments.pronunciations.read_pronunciations` gives.

    Raises:
        ImportError: hama is not installed.
    """

    def __init__(self, dictionary: Mapping[str, Sequence[str]]) -> None:
        from hama import G2PModel

        self._model = G2PModel(max_output_len=_OUTPUT_SYMBOLS)
        self._dictionary = dictionary
        self._guesses: dict[str, list[str]] = {}

    def __call__(self, word: str) -> list[str]:
        """Pronunciations as those of the dictionary: phones with a space between; none of what has no Latin letters.

        Args:
            word: in lower case, of letters and apostrophes between them. Accents are left out, as in English (`café`).
        """
        if word not in self._guesses:
            self._guesses[word] = self._guess(plain_letters(word))
        return self._guesses[word]

    def _guess(self, word: str) -> list[str]:
        if len(word) > LONGEST_WORD or not _WORD.fullmatch(word):
            return []
        owner = word.removesuffix("'s")
        if owner != word:
            return [f"{phones} {_possessive(phones)}" for phones in self._dictionary.get(owner) or self._guess(owner)]
        return _arpabet(self._model.predict(word).ipa)


def plain_letters(word: str) -> str:
    """A word in lower case without accents: `café` is `cafe`."""
    parts = unicodedata.normalize("NFKD", word.translate(_LETTERS))
    return "".join(part for part in parts if not unicodedata.combining(part))


def _arpabet(ipa: str) -> list[str]:
    """The one pronunciation that IPA stands for; none where it has a phone that is like no English one."""
    ipa = unicodedata.normalize("NFD", ipa.replace(" ", ""))
    phones = [_ARPABET[found] for found in _PHONE.findall(ipa)]
    left = {unicodedata.category(symbol) for symbol in _PHONE.sub("", ipa)}
    return [" ".join(phones)] if phones and left <= _MARKS else []


def _possessive(phones: str) -> str:
    last = phones.split()[-1]
    return "IH Z" if last in _SIBILANTS else "S" if last in _VOICELESS else "Z"
