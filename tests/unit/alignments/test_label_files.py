"""Label files of TIMIT and Buckeye."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.alignments.label_files import parse_timit, parse_xwaves
from layerwise.alignments.tiers import AlignmentError, Tier
from tiny_corpus import label_file_timit, label_file_xwaves

SAMPLES = st.integers(0, 10**7)
LABEL = st.from_regex(r"[!-:<-~]{1,6}", fullmatch=True)


@given(st.lists(st.tuples(SAMPLES, SAMPLES, LABEL), max_size=5))
def test_timit(rows):
    rows = [(start / 16000, end / 16000, label) for start, end, label in rows]
    read = parse_timit(label_file_timit(rows).encode(), "a.PHN", "phones")
    assert read == ("phones", [row[2] for row in rows], [row[0] for row in rows], [row[1] for row in rows])


def test_timit_with_line_ends_of_windows_and_without_a_label():
    assert parse_timit(b"0 1600 h#\r\n1600 3200\r\n\r\n", "a", "phones") == Tier(
        "phones", ["h#", None], [0, 0.1], [0.1, 0.2]
    )


@pytest.mark.parametrize("content", [b"0.5 1.0 sh\n", b"sh\n", b"0 sh 1600\n", b"-1 5 sh\n", b"0 1600 sh\nx\n"])
def test_what_is_wrong_with_a_line_of_timit_is_said(content):
    with pytest.raises(AlignmentError, match=r"FCJF0/SA1.PHN, line [12]: found '.*'; expected start, end \(samples\)"):
        parse_timit(content, "FCJF0/SA1.PHN", "phones")


def test_buckeye_words():
    content = b"""signal s0101a
nfields 1
#
    0.061000  121 {B_TRANS}; S; S; null
   32.216575  121 <IVER>; S; S; null
   32.622045  121 okay; ow k ey; k ay; NN
   32.900000  122 you know; y uw; y ix; UH

"""
    assert parse_xwaves(content, "s0101a.words", "words") == Tier(
        "words",
        ["{B_TRANS}", "<IVER>", "okay", "you know"],
        [0.0, 0.061, 32.216575, 32.622045],
        [0.061, 32.216575, 32.622045, 32.9],
    )


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("1.0 122 aa", "aa"),
        ("1.0 122 ih +1", "ih"),
        ("1.0 122 ih+1; x", "ih"),
        ("1.0 122 aa; *", "aa"),
        ("1.0 122", None),
        ("1.0 122 ", None),
        ("1.0 122 ; aa; aa; NN", None),
        ("1.0 122 <SIL>; U; 1.0 122 {B_TRANS}; S", "<SIL>"),  # two lines in one
        ("-1.0 122 {B_TRANS}", "{B_TRANS}"),
    ],
)
def test_irregular_lines_of_buckeye(line, label):
    read = parse_xwaves(f"#\n{line}\n".encode(), "a", "phones")
    assert read.labels == [label]
    assert read.ends == [float(line.split()[0])]


def test_times_of_buckeye_may_decrease():
    read = parse_xwaves(label_file_xwaves([(0, 1.5, "a"), (0, 1.0, "b"), (0, 2.0, "c")]).encode(), "a", "phones")
    assert (read.starts, read.ends) == ([0.0, 1.5, 1.0], [1.5, 1.0, 2.0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no line '#'"),
        (b"1.0 122 aa\n", "has no line '#'"),
        (b"#\naa\n", r"line 2: found 'aa'; expected end \(seconds\), colour and label"),
        (b"#\n1.0 122 \xff\n", "is no UTF-8 text"),
    ],
)
def test_what_is_wrong_with_a_file_of_buckeye_is_said(content, message):
    with pytest.raises(AlignmentError, match=rf"s0101a\.phones.*{message}"):
        parse_xwaves(content, "s0101a.phones", "phones")
