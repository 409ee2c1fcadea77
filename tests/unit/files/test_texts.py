"""Text in one form of Unicode, files in any, and patterns with a star."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.files.texts import code_points, composed, folded, on_disk, wildcard

FORMS = {form: unicodedata.normalize(form, "ẽ/café") for form in ("NFC", "NFD")}


@given(st.text())
def test_all_forms_of_a_text_are_composed_alike(text):
    assert composed(text) == composed(unicodedata.normalize("NFD", text)) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("word", "lower"),
    [
        ("The", "the"),
        ("STRASSE", "strasse"),
        ("Straße", "straße"),
        ("I", "i"),
        ("İ", "i̇"),
        ("ÉTÉ", "été"),
        ("ΟΔΟΣ", "οδος"),
    ],
)
def test_lower_case_is_the_same_everywhere(word, lower):
    assert folded(word, True) == lower
    assert folded(unicodedata.normalize("NFD", word), True) == lower
    assert folded(word, False) == word


def test_what_looks_alike_is_told_apart():
    assert [code_points(text) for text in ("e", "é", "e\u0301", "ɡ")] == ["", " (U+00E9)", " (U+0301)", " (U+0261)"]


@pytest.mark.parametrize("asked", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("there", FORMS.values(), ids=FORMS)
def test_a_file_is_found_in_whatever_form_the_disk_has_it(tmp_path, asked, there):
    path = tmp_path / there
    path.parent.mkdir()
    path.touch()
    assert on_disk(tmp_path / asked) == path
    assert on_disk(tmp_path / "été") == tmp_path / "été"


def test_of_two_forms_on_the_disk_each_is_itself(tmp_path):
    both = [tmp_path / form for form in FORMS.values()]
    for path in both:
        path.parent.mkdir()
        path.touch()
    assert [on_disk(path) for path in both] == both


@pytest.mark.parametrize(
    ("pattern", "fits", "others"),
    [
        ("* - words", ["A - words", "ä - WORDS", " - words"], ["words", "A - words 2"]),
        ("[SIL]", ["[SIL]", "[sil]"], ["S", "SIL"]),
        (r"\*", ["*"], ["", "a", "**"]),
        (r"\**", ["*", "*a"], ["a", "\\*"]),
        ("a?c", ["a?c"], ["abc"]),
        ("e\u0301", ["é"], ["e"]),
    ],
)
def test_only_a_star_stands_for_anything(pattern, fits, others):
    regex = re.compile(wildcard(pattern, any_case=True))
    assert all(map(regex.fullmatch, fits))
    assert not any(map(regex.fullmatch, others))


@given(pattern=st.text("ab*\\", max_size=8), text=st.text("abA*\\", max_size=12), any_case=st.booleans())
def test_a_pattern_means_what_its_plain_regular_expression_does(pattern, text, any_case):
    plain = "".join({"*": ".*", r"\*": r"\*"}.get(part) or re.escape(part) for part in re.split(r"(\\\*|\*)", pattern))
    expected = re.fullmatch(plain, text, re.IGNORECASE if any_case else 0) is not None
    assert (re.fullmatch(wildcard(pattern, any_case=any_case), text) is not None) == expected


@pytest.mark.parametrize("pattern", ["*a" * 30 + "!", "*" * 5000 + "!", "*aaa*" * 100 + "!"], ids=len)
def test_no_pattern_takes_long(pattern):
    """A process that hangs here is a failure."""
    for label in ("a" * 5000, "a" * 5000 + "?"):
        assert not re.fullmatch(wildcard(pattern, any_case=False), label)
