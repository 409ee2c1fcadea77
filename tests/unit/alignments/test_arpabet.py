"""ARPAbet's phones are those of the phone set that users choose by name."""

from layerwise.alignments.arpabet import CONSONANTS, PHONES, VOWELS
from tiny_corpus import PHONE_SETS


def test_phones_are_those_of_the_phone_set():
    assert list(PHONES) == PHONE_SETS["arpabet"].phones
    assert len(PHONES) == 39


def test_a_phone_is_a_vowel_or_a_consonant():
    assert set(VOWELS).isdisjoint(CONSONANTS)
    assert len(VOWELS) + len(CONSONANTS) == len(PHONES)
