"""Label files of TIMIT and Buckeye."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.alignments.label_files import parse_lab, parse_timit, parse_xwaves
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


@pytest.mark.parametrize(
    "content",
    [
        b"0 2500000 sil\n2500000 5000000 a\n5000000 10000000 b\n",
        b"0 2500000 sil -81.5\r\n2500000 5000000 a -20.25 hello\r\n\r\n5000000 10000000 b\r\n",
        b"0.0\t0.25\tsil\n0.25\t0.5\ta\n0.5\t1\tb\n",
        b"separator ;\nnfields 1\n#\n 0.25 125 sil\n 0.5 125 a\n 1.0 125 b\n",
        b"0 2500000 x^x-sil+a=b@x_x/A:0\n2500000 5000000 x^sil-a+b=x@1_1/A:1\n5000000 10000000 sil^a-b+x=x@1_2/A:1\n",
    ],
    ids=["HTK", "HTK with scores", "seconds", "xwaves", "HTS"],
)
def test_lab_in_any_of_its_forms(content):
    tier = parse_lab(content, "a.lab", "labels")
    assert tier.labels == ["sil", "a", "b"]
    assert (tier.starts, tier.ends) == (pytest.approx([0.0, 0.25, 0.5]), pytest.approx([0.25, 0.5, 1.0]))


@pytest.mark.parametrize("label", ["-", "+", "a-b", "a+b", "^", "a^b", "e_^"])
def test_labels_of_lab_that_are_no_context(label):
    assert parse_lab(f"0 1 {label}".encode(), "a", "labels").labels == [label]


def test_a_line_of_lab_without_a_label():
    assert parse_lab(b"0 10000000\n", "a", "labels") == Tier("labels", [None], [0.0], [pytest.approx(1.0)])


@pytest.mark.parametrize("content", [b"please call Stella\n", b"0 a b\n", b"sil\n", b"-1 5 a\n", b"1e3 2e3 a\n"])
def test_a_lab_that_is_a_transcript_is_an_error_that_says_so(content):
    with pytest.raises(AlignmentError, match=r"a\.lab, line 1: found '.*corpus\.layout\.transcripts: \.lab"):
        parse_lab(content, "a.lab", "labels")
