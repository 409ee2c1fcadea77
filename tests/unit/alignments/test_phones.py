"""Phone sets: folding labels to phones, and saying what is allowed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.alignments.phones import PhoneSetError, UnknownPhoneError, phone_set
from layerwise.experiment.configuration.schema import check_schema
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
    with pytest.raises(
        PhoneSetError, match=r"no phone set 'arpa'; resources/phones.yaml has arpabet, buckeye, keep, timit"
    ):
        phone_set("arpa", PHONE_CATALOGUE)
    with pytest.raises(PhoneSetError, match="maps none of them"):
        phone_set({"a": None}, PHONE_CATALOGUE)
