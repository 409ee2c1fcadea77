"""Guessed pronunciations: what is made of words, and of what is no word."""

from __future__ import annotations

import pytest

from layerwise.alignments import guessed_pronunciations
from layerwise.alignments.arpabet import PHONES
from layerwise.alignments.guessed_pronunciations import Guesser, plain_letters

DICTIONARY = {"dog": ["D AO G", "D AA G"], "kate": ["K EY T"], "james": ["JH EY M Z"], "judge": ["JH AH JH"]}


@pytest.fixture(scope="module")
def guess() -> Guesser:
    return Guesser(DICTIONARY)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("workhouse", "W ER K HH AW S"),
        ("wot", "W AA T"),
        ("helstone", "HH EH L S T OW N"),
        ("zorp", "Z AO R P"),
        ("zörp", "Z AO R P"),
        ("hmm", "HH M"),
        ("x", "EH K S"),
    ],
)
def test_words_sound_as_they_are_spelled(guess, word, phones):
    (found,) = guess(word)
    # The model is not ours: a phone may differ, not the word.
    differing = sum(a != b for a, b in zip(found.split(), phones.split(), strict=False))
    assert differing + abs(len(found.split()) - len(phones.split())) <= 2


@pytest.mark.parametrize(
    ("word", "variants"),
    [
        ("dog's", ["D AO G Z", "D AA G Z"]),
        ("kate's", ["K EY T S"]),
        ("james's", ["JH EY M Z IH Z"]),
        ("judge's", ["JH AH JH IH Z"]),
    ],
)
def test_possessives_follow_the_rule(guess, word, variants):
    assert guess(word) == variants


def test_a_possessive_of_an_unknown_word_is_its_guess_and_the_rest(guess):
    assert guess("zorp's") == [f"{phones} S" for phones in guess("zorp")]


@pytest.mark.parametrize("word", ["", "'", "'s", "1984", "b2b", "日本", "привет", "한국", "a_b", "he,was", "a b", "x²"])
def test_nothing_is_made_of_what_is_no_word_in_latin_letters(guess, word):
    assert guess(word) == []


@pytest.mark.parametrize(
    "word", ["casera", "neukirchen", "steigerwalt", "ibanez", "incomprehensibleness", "straße", "æon"]
)
def test_every_phone_is_one_of_the_aligner(guess, word):
    (found,) = guess(word)
    assert set(found.split()) <= set(PHONES)


def test_long_words_are_guessed_to_their_end(guess):
    (found,) = guess("incomprehensibleness")
    assert found.endswith(" N") or found.endswith(" S")
    (found,) = guess("floccinaucinihilipilification")
    assert found.split()[-1] == "N"


@pytest.mark.parametrize(
    ("ipa", "phones"),
    [
        ("wɝkhaʊs", "W ER K HH AW S"),
        ("t ͡ ʃ i d ͡ ʒ", "CH IY JH"),
        ("kɔɹtʃɪp", "K AO R T SH IH P"),  # no tie: two phones
        ("a   β ̞   ɾ   ĩ   d ̪   aː   ʝ   e   ‿   s", "AA V R IY D AA Y EH S"),
        ("fiçɲ", "F IY HH N Y"),
        ("bʙ", None),
        ("ɬa", None),
        ("ma³⁵", None),
        ("", None),
    ],
)
def test_ipa_becomes_arpabet_or_nothing(ipa, phones):
    assert guessed_pronunciations._arpabet(ipa) == ([] if phones is None else [phones])


def test_ipa_stands_for_all_phones_of_the_aligner():
    assert set(" ".join(guessed_pronunciations._ARPABET.values()).split()) == set(PHONES)


def test_a_word_is_guessed_once(monkeypatch):
    guess = Guesser(DICTIONARY)
    asked = []
    predict = guess._model.predict
    monkeypatch.setattr(guess._model, "predict", lambda word: asked.append(word) or predict(word))
    assert guess("zorp") == guess("zorp") != []
    assert asked == ["zorp"]


@pytest.mark.parametrize(
    ("word", "letters"),
    [
        ("café", "cafe"),
        ("naïve", "naive"),
        ("zoë's", "zoe's"),
        ("straße", "strasse"),
        ("øystein", "oystein"),
        ("it", "it"),
    ],
)
def test_plain_letters(word, letters):
    assert plain_letters(word) == letters
