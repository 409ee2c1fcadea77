"""Files of pronunciations, right ones and wrong ones."""

from __future__ import annotations

import pytest

from layerwise.alignments.pronunciations import PronunciationError, read_pronunciations


@pytest.fixture
def read(tmp_path):
    def run(text: str, encoding: str = "utf-8") -> dict[str, list[str]]:
        (tmp_path / "words.dict").write_text(text, encoding=encoding)
        return read_pronunciations(tmp_path / "words.dict")

    return run


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_words_variants_stress_and_comments(read, encoding):
    text = (
        ";;; a comment\n\nHELLO  HH AH0 L OW1\nHELLO(2)  HH EH0 L OW1 # as in a song\nhello(3) HH AH2 L OW0\n"
        "'em\tAH0 M\r\nÉtude  EY1 T UW2 D\nE\u0301TUDE  EY0 T UW0 D\nA.M.  EY2 EH1 M\n  INDENTED  IH0 N\n"
    )
    assert read(text, encoding) == {
        "hello": ["HH AH L OW", "HH EH L OW"],  # the third differs in stress alone
        "'em": ["AH M"],
        "étude": ["EY T UW D"],
        "a.m.": ["EY EH M"],
        "indented": ["IH N"],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A  AH0\nHELLO\n", "line 2: 'HELLO' has no phones"),
        ("A  AH0\n\n;;;\nHELLO  HH QQ1 L OW1\n", "line 4: 'QQ1' of 'HELLO' is no phone; allowed are AA AE"),
        ("HELLO  hh ah0\n", "line 1: 'hh' of 'HELLO' is no phone"),
        ("HELLO  HH AH3\n", "line 1: 'AH3' of 'HELLO' is no phone"),
        ("HELLO  SIL\n", "line 1: 'SIL' of 'HELLO' is no phone"),
        ("<sil>  AH0\n", "line 1: '<sil>' is no word"),
        ("(2)  AH0\n", r"line 1: '\(2\)' is no word"),
        ("HELLO(two)  AH0\n", r"line 1: 'HELLO\(two\)' is no word"),
        ("", "has no pronunciation"),
        (";;; nothing\n", "has no pronunciation"),
    ],
)
def test_wrong_lines_are_named(read, text, message):
    with pytest.raises(PronunciationError, match=message) as error:
        read(text)
    assert "words.dict" in str(error.value)


def test_files_that_cannot_be_read_are_named(read, tmp_path):
    with pytest.raises(PronunciationError, match=r"none\.dict: No such file"):
        read_pronunciations(tmp_path / "none.dict")
    with pytest.raises(PronunciationError, match="Is a directory"):
        read_pronunciations(tmp_path)
    with pytest.raises(PronunciationError, match=r"words\.dict is not UTF-8 text"):
        read("DÉJÀ  D EY2 ZH AA1\n", "latin-1")
