"""Marks: which labels are no speech, and how a layout changes that."""

from __future__ import annotations

import pytest

from layerwise.alignments.marks import NO_MARKS, marks_of
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.experiment.configuration.schema import check_schema
from tiny_corpus import MARK_CATALOGUE, MARKS

EVERYWHERE = [
    *["", "sil", "SIL", "sp", "spn", "[SIL]", "[UNK]", "[noise]", "_", "+", "!SIL", "NSN", "silB", "silE", "+SPN+"],
    *[
        "++BREATH++",
        "<usb>",
        "<nib>",
        "<p:>",
        "<p>",
        "<eps>",
        "<s>",
        "{LG}",
        "{NS}",
        "#",
        "h#",
        "@sil",
        "...",
        "*",
        "_SIL_",
    ],
]
IN_WORDS_WITHOUT_PHONES = ["LAU", "REST", "rest", "SILENCE", "ns", "lg", "br", "pau", "epi", "noise", "laughter"]


@pytest.mark.parametrize("label", [*EVERYWHERE, *IN_WORDS_WITHOUT_PHONES, "SIL_S", "spn_B", "LAUGH-so"])
def test_what_is_no_phone(label):
    assert not MARKS.is_phone(label)


# X-SAMPA, DISC, IPA and ARPAbet; gb, ts and lau are phones or syllables somewhere.
PHONES = [
    "@",
    "{",
    "}",
    "?",
    "&",
    "!",
    "2",
    "a:",
    "t_h",
    "@U",
    "ɡ",
    "gb",
    "ts",
    "lau",
    "s",
    "SH",
    "i+",
    "~a",
    "$",
    "|\\",
]


@pytest.mark.parametrize("label", PHONES)
def test_what_is_a_phone(label):
    assert MARKS.is_phone(label)


@pytest.mark.parametrize("label", [*EVERYWHERE, "<unk>", "{B_TRANS}", "<LAUGH-so>", "(coughs)", "-", "?"])
def test_what_is_no_word(label):
    assert not MARKS.is_word(label)


WORDS = [
    "it's",
    "Silly",
    "um",
    "a<b",
    "REST IN",
    "l'air",
    "3",
    "été",
    "silt",
    "spa",
    "silent",
    "basil",
    "lau",
    "&",
    "re-st",
]


@pytest.mark.parametrize("label", WORDS)
def test_what_is_a_word_whatever_the_phones_are(label):
    assert MARKS.is_word(label)
    assert not MARKS.needs_phones(label)


@pytest.mark.parametrize("label", IN_WORDS_WITHOUT_PHONES)
def test_what_is_a_word_or_a_mark(label):
    assert MARKS.is_word(label)
    assert MARKS.needs_phones(label)


def test_a_layout_keeps_and_drops():
    marks = marks_of({"phone": {"keep": ["#", "_"], "drop": ["x*"]}, "word": {"keep": ["br", "sp"]}}, MARK_CATALOGUE)
    assert [marks.is_phone(label) for label in ("#", "_", "+", "xx", "a")] == [True, True, False, False, True]
    assert [marks.is_word(label) for label in ("#", "br", "sp", "xx")] == [False, True, True, True]
    assert not marks.needs_phones("br")
    assert marks_of({"word": {"drop": ["uhm"]}}, MARK_CATALOGUE).is_word("UHM") is False


def test_capitals_of_a_mark_count_and_small_letters_fit_any():
    marks = marks_of({"phone": {"drop": ["AP", "exh"]}}, MARK_CATALOGUE)
    assert [marks.is_phone(label) for label in ("AP", "ap", "exh", "EXH")] == [False, True, False, False]


def test_without_marks_every_label_is_speech_but_an_empty_one():
    assert [NO_MARKS.is_phone(label) for label in ("sil", "")] == [True, False]
    assert [NO_MARKS.is_word(label) for label in ("<unk>", "")] == [True, False]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": {}}, "there is no such key"),
        ({"phone": {"add": ["a"]}}, r"add: there is no such key.*allowed: drop, keep"),
        ({"phone": {"keep": "#"}}, "must be array"),
    ],
)
def test_wrong_changes_are_refused(changes, message):
    config = {"corpus": {"layout": {"recordings": "**/{speaker}/{utterance}", "marks": changes}}}
    with pytest.raises(ConfigurationError, match=message):
        check_schema(config, "config.schema.yaml")
