"""Phone sets: folding labels to phones, and saying what is allowed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.alignments.phones import PhoneSetError, UnknownPhoneError, phone_set
from layerwise.experiment.configuration.schema import check_schema
from layerwise.files.texts import composed
from tiny_corpus import MARKS, PHONE_CATALOGUE, PHONE_SETS

ARPABET, TIMIT, BUCKEYE, KEEP = (PHONE_SETS[name] for name in ("arpabet", "timit", "buckeye", "keep"))


def test_the_catalogue_is_as_its_schema_says():
    check_schema(PHONE_CATALOGUE, "phones.schema.yaml")


def test_arpabet_has_39_phones():
    assert len(ARPABET.phones) == 39
    assert ARPABET.phones == sorted(ARPABET.phones)


@pytest.mark.parametrize("phone", ARPABET.phones)
def test_stress_is_stripped(phone):
    labels = [phone + stress for stress in ("", "0", "1", "2")]
    assert {ARPABET.clean(label) for label in [*labels, *map(str.lower, labels)]} == {phone}


@pytest.mark.parametrize("label", ["", " ", "sp", "spn", "sil", "SIL"])
@pytest.mark.parametrize("phones", [ARPABET, KEEP])
def test_silence_is_dropped(phones, label):
    assert phones.clean(label, MARKS) is None


def test_a_set_comes_before_the_marks():
    phones = phone_set({"#": "A", "_": None, "b": "B"}, PHONE_CATALOGUE)
    assert [phones.clean(label, MARKS) for label in ("#", "_", "[SIL]", "b")] == ["A", None, None, "B"]
    assert ARPABET.clean("{LG}", MARKS) is None
    with pytest.raises(UnknownPhoneError):
        ARPABET.clean("{LG}")


@pytest.mark.parametrize("label", ["AX", "AH3", "AH01", "<unk>", "0", "æ"])
def test_other_phones_are_an_error(label):
    with pytest.raises(
        UnknownPhoneError, match=rf"{re.escape(repr(label))}.*; allowed are AA .* ZH, each with or without"
    ):
        ARPABET.clean(label)


def test_timit_is_folded_as_lee_and_hon_did():
    dropped = {"bcl", "dcl", "gcl", "pcl", "tcl", "kcl", "h#", "pau", "epi", "q"}
    assert all(TIMIT.clean(label) is None for label in dropped)
    assert len(dropped | set(TIMIT.labels)) == 61
    assert len(TIMIT.phones) == 38  # and silence
    folded = {frozenset(of) for of in _classes(TIMIT).values() if len(of) > 1}
    assert folded == {
        frozenset(labels.split())
        for labels in (
            "aa ao", "ah ax ax-h", "er axr", "hh hv", "ih ix", "l el", "m em", "n en nx", "ng eng", "sh zh", "uw ux",
        )
    }  # fmt: skip


def _classes(phones) -> dict[str, set[str]]:
    classes: dict[str, set[str]] = {}
    for label, phone in phones.labels.items():
        classes.setdefault(phone, set()).add(label)
    return {phone: labels for phone, labels in classes.items() if phone}


@pytest.mark.parametrize(
    ("label", "phone"),
    [
        *[("aan", "AA"), ("uwn", "UW"), ("ern", "ER"), ("hhn", "HH"), ("tq", "T"), ("nx", "N"), ("dx", "DX")],
        *[("el", "L"), ("em", "M"), ("en", "N"), ("eng", "NG"), ("zh", "ZH"), ("ao", "AO")],
        *[("SIL", None), ("VOCNOISE", None), ("IVER-LAUGH", None), ("{B_TRANS}", None), ("<EXCLUDE-name>", None)],
    ],
)
def test_buckeye(label, phone):
    assert BUCKEYE.clean(label) == phone


def test_buckeye_has_the_phones_of_arpabet_and_the_flap():
    assert set(BUCKEYE.phones) == {*ARPABET.phones, "DX"}


@given(st.text(min_size=1).map(str.strip).filter(bool))
def test_labels_are_kept_as_they_are(label):
    assert KEEP.clean(label) == label
    assert KEEP.phones is None


def test_a_mapping_is_a_set():
    phones = phone_set({"a:": "A", "A": "A2", "pause": None}, PHONE_CATALOGUE)
    assert [phones.clean(label) for label in ("a:", " A ", "pause", "")] == ["A", "A2", None, None]
    assert phones.phones == ["A", "A2"]
    with pytest.raises(UnknownPhoneError, match="'a'; allowed are A a: pause, and an empty label for silence"):
        phones.clean("a")


def test_labels_of_a_mapping_are_composed():
    phones = phone_set({"e\u0303": "a\u0303", "g": "g"}, PHONE_CATALOGUE)
    assert phones.clean("ẽ") == "ã"
    with pytest.raises(UnknownPhoneError, match=r"the phone 'ɡ' \(U\+0261\); allowed are g ẽ"):
        phones.clean("ɡ")
    with pytest.raises(PhoneSetError, match=r"stands there twice, in two forms of Unicode"):
        phone_set({"e\u0303": "a", "\u1ebd": "b"}, PHONE_CATALOGUE)


def test_a_set_that_is_not_there_or_empty_is_refused():
    with pytest.raises(PhoneSetError, match=r"no phone set 'arpa'; resources/phones.yaml has .*arpabet"):
        phone_set("arpa", PHONE_CATALOGUE)
    with pytest.raises(PhoneSetError, match="maps none of them"):
        phone_set({"a": None}, PHONE_CATALOGUE)


# Sets of other notations


IPA, MFA, SAMPA, XSAMPA, PINYIN, TONELESS = (
    PHONE_SETS[name] for name in ("ipa", "mfa", "sampa", "xsampa", "pinyin", "pinyin-toneless")
)


@pytest.mark.parametrize(
    ("phones", "labels"),
    [
        (IPA, "ɑː tʃ ẽ ŋ̊ aɪ̯ ʔ ǃ kʷʰ a˥˩ g"),
        (MFA, "aj ɝ tʃ ɲ a˥˩ d̪"),
        (SAMPA, "a: 2: 9 6 aI OY @ @U { } ? t_S E~ ts"),
        (XSAMPA, r"r\ i_^ b_< n= A_~ s_d N G\ |\ !\ {"),
    ],
)
def test_labels_of_a_notation_are_phones_as_they_are(phones, labels):
    assert [phones.clean(label, MARKS) for label in labels.split()] == labels.split()


@pytest.mark.parametrize("phones", [IPA, MFA, SAMPA, XSAMPA])
@pytest.mark.parametrize("label", ["", "<p:>", "<usb>", "[SIL]", "sil", "spn", "SIL", "_"])
def test_silence_of_a_notation_is_dropped(phones, label):
    assert phones.clean(label, MARKS) is None


@pytest.mark.parametrize(
    ("phones", "label"), [(IPA, "AA1"), (IPA, "2:"), (MFA, "tS"), (SAMPA, "ɑ"), (XSAMPA, "tʃ"), (ARPABET, "ɑː")]
)
def test_another_notation_is_an_error_that_names_the_sets_for_it(phones, label):
    with pytest.raises(
        UnknownPhoneError, match=r"phones: ipa takes labels in IPA, and phones: keep labels of any kind"
    ):
        phones.clean(label, MARKS)


def test_case_counts_in_sampa():
    assert SAMPA.clean("s") != SAMPA.clean("S")


@pytest.mark.parametrize(
    ("label", "phone", "toneless"),
    [
        *[("zh", "zh", "zh"), ("ang4", "ang4", "ang"), ("ANG4", "ang4", "ang"), ("a", "a", "a"), ("e5", "e5", "e")],
        *[("iou3", "iu3", "iu"), ("ü4", "v4", "v"), ("u:e2", "ve2", "ve"), ("ue2", "ve2", "ve"), ("r", "r", "r")],
        *[("sil", None, None), ("spn", None, None), ("iii4", "iii4", "iii"), ("u\u03084", "v4", "v")],
    ],
)
def test_pinyin_with_tones_and_without(label, phone, toneless):
    label = composed(label)  # as every file is read
    assert (PINYIN.clean(label, MARKS), TONELESS.clean(label, MARKS)) == (phone, toneless)


def test_other_labels_than_pinyin_are_an_error():
    with pytest.raises(
        UnknownPhoneError, match=r"the phone 'a6'; allowed are .* üe ün, each with or without a tone, 0 to 5"
    ):
        TONELESS.clean("a6")
    with pytest.raises(UnknownPhoneError, match="the phone '4'"):
        PINYIN.clean("4")


def test_phones_with_tones_are_too_many_to_be_missed():
    assert PINYIN.phones is None
    assert "ang" in TONELESS.phones
