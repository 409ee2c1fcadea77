"""Alignments with everything that can be wrong with them: what is dropped, kept or refused, and how; and any bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.alignments import index as indexing
from layerwise.alignments.cleaning import clean
from layerwise.alignments.columns import Utterance
from layerwise.alignments.label_files import parse_timit, parse_xwaves
from layerwise.alignments.sources import find_alignments
from layerwise.alignments.textgrids import parse_textgrid
from layerwise.alignments.tiers import AlignmentError
from layerwise.corpus.times import MAX_OVERRUN_SECONDS
from tiny_corpus import (
    LAYOUTS,
    MARKS,
    PHONE_SETS,
    TIERS,
    label_file_timit,
    label_file_xwaves,
    textgrid_long,
    textgrid_short,
    write_utterances_table,
    write_zip,
)

LONG = textgrid_long(TIERS)
WORDS = ("words", [(0.0, 1.0, "a")])
GOOD, BAD = "one", "two"


def index(folder: Path, content: str | bytes, seconds: float = 1.0) -> tuple[list[tuple], list[dict]]:
    """Intervals of the utterance with this alignment, beside one whose alignment is good, and all problems."""
    source = folder / "aligned" / "anna"
    source.mkdir(parents=True)
    (source / f"{GOOD}.TextGrid").write_text(LONG)
    (source / f"{BAD}.TextGrid").write_bytes(content if isinstance(content, bytes) else content.encode())
    utterances = write_utterances_table(folder / "u.parquet", {GOOD: 1.0, BAD: seconds})
    indexing.index_alignments(
        folder / "aligned", "all", utterances, folder / "i.parquet", folder / "p.csv",
        layout=LAYOUTS["flat"].of_split("all"), phones=PHONE_SETS["arpabet"], marks=MARKS,
    )  # fmt: skip
    rows = list(pd.read_parquet(folder / "i.parquet").itertuples(index=False, name=None))
    good = [row[1:] for row in rows if row[0] == GOOD]
    assert good == [
        ("phone", "HH", 0.25, 0.5),
        ("phone", "AH", 0.5, 0.625),
        ("phone", "L", 0.625, 0.75),
        ("phone", "OW", 0.75, 1.0),
        ("word", "hello", 0.25, 1.0),
    ]
    problems = pd.read_csv(folder / "p.csv", keep_default_na=False).to_dict("records")
    return [row[1:] for row in rows if row[0] == BAD], problems


def phones(*rows: tuple[float, float, str]) -> str:
    return textgrid_long([WORDS, ("phones", rows)])


UNREADABLE = {
    "no bytes": ("", "is no TextGrid: it begins with ''"),
    "a web page": ("<html><body>Not found</body></html>", "is no TextGrid: it begins with '<html>"),
    "another object of Praat": (LONG.replace('"TextGrid"', '"Sound"'), "is no TextGrid"),
    "a binary TextGrid": (b"ooBinaryFile\x08TextGrid" + bytes(40), "is a binary TextGrid; save it as a text file"),
    "Latin-1": (LONG.replace("hello", "héllo").encode("latin-1"), "is neither UTF-8 nor UTF-16 text"),
    "UTF-16 without a mark": (LONG.encode("utf-16-le"), "is no TextGrid"),
    "UTF-16 of an odd length": (LONG.encode("utf-16")[:-1], "is neither UTF-8 nor UTF-16 text"),
    "UTF-32": (LONG.encode("utf-32"), "is no TextGrid"),
    "half a file": (LONG[: len(LONG) // 2], "expected"),
    "half a short file": (textgrid_short(TIERS)[:-30], "expected"),
    "a file twice": (LONG + LONG, "expected the end of the file, as its counts say"),
    "fewer intervals than promised": (LONG.replace("size = 5", "size = 6"), "the file ends; expected a number"),
    "a time in words": (LONG.replace("xmax = 0.5\n", "xmax = half\n"), "line 36: found '\"HH\"'; expected a number"),
    "a decimal comma": (LONG.replace("0.625", "0,625"), "expected a number"),
}


@pytest.mark.parametrize(("content", "detail"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_named_and_the_others_are_kept(tmp_path, content, detail):
    kept, (problem,) = index(tmp_path, content)
    assert kept == []
    assert (problem["utterance_id"], problem["problem"]) == (BAD, "unreadable")
    assert problem["file"] == f"aligned/anna/{BAD}.TextGrid"
    assert problem["detail"].startswith(problem["file"])
    assert detail in problem["detail"]


# Phones that stay, and the problem of those that do not.
IMPOSSIBLE = {
    "no length": (phones((0.0, 0.5, "AH0"), (0.5, 0.5, "T")), ["AH"], "no length", "phone 'T' from 0.5 to 0.5 s"),
    "backwards": (phones((0.5, 0.25, "AH0"), (0.5, 1.0, "T")), ["T"], "no length", "phone 'AH' from 0.5 to 0.25 s"),
    "overlapping": (
        phones((0.0, 0.5, "AH0"), (0.375, 1.0, "T")), ["AH"], "overlaps the one before", "phone 'T' from 0.375 to 1 s"
    ),
    "within another": (
        phones((0.0, 0.5, "AH0"), (0.25, 0.375, "T"), (0.5, 1.0, "K")),
        ["AH", "K"],
        "overlaps the one before",
        "phone 'T' from 0.25 to 0.375 s",
    ),
    "twice": (
        phones((0.0, 0.5, "AH0"), (0.0, 0.5, "AH0"), (0.5, 1.0, "T")),
        ["AH", "T"],
        "overlaps the one before",
        "phone 'AH' from 0 to 0.5 s",
    ),
    "a little after the recording": (
        phones((0.0, 0.5, "AH0"), (1.0, 1.03125, "T")), ["AH"], "after the recording", "phone 'T' from 1 to 1.03125 s"
    ),
    "before the recording": (
        phones((-0.5, 0.5, "AH0"), (0.5, 1.0, "T")), ["T"], "before the recording", "phone 'AH' from -0.5 to 0.5 s"
    ),
    "from infinity": (
        phones((float("1e999"), 0.5, "AH0"), (0.5, 1.0, "T")).replace("inf", "1e999"),
        ["T"],
        "no length",
        "phone 'AH' from inf to 0.5 s",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "left", "problem", "detail"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_interval_is_named_and_the_others_are_kept(tmp_path, content, left, problem, detail):
    kept, (found,) = index(tmp_path, content)
    assert (found["utterance_id"], found["problem"], found["detail"]) == (BAD, problem, detail)
    assert [label for tier, label, _, _ in kept if tier == "phone"] == left
    assert kept[-1] == ("word", "a", 0.0, 1.0)


ALL, NOTHING = ["HH", "AH", "L", "OW", "hello"], []
WHOLE_FILES = {
    "much longer than the recording": (
        LONG, 0.9375, NOTHING, "longer than the recording", "its last interval ends at 1 s, the recording at 0.9375 s"
    ),
    "to infinity": (
        phones((0.0, 0.5, "T"), (0.5, float("1e999"), "AH0")).replace("inf", "1e999"),
        1.0,
        NOTHING,
        "longer than the recording",
        "its last interval ends at inf s, the recording at 1 s",
    ),
    "much shorter than the recording": (
        LONG,
        2.76,
        ALL,
        "shorter than the recording",
        "kept; its last interval ends at 1 s, the recording at 2.76 s",
    ),
    "without phones": (
        textgrid_long([WORDS, ("speaker", [(0.0, 1.0, "x")])]), 1.0, ["a"], "no phones", "tiers with intervals: speaker"
    ),
    "with a tier of phones that is empty": (
        textgrid_long([WORDS, ("phones", [])]), 1.0, ["a"], "no phones", "tiers with intervals: words"
    ),
    "without words": (
        textgrid_long([TIERS[1]]), 1.0, ["HH", "AH", "L", "OW"], "no words", "tiers with intervals: phones"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "seconds", "left", "problem", "detail"), WHOLE_FILES.values(), ids=WHOLE_FILES)
def test_a_file_that_does_not_fit_is_named(tmp_path, content, seconds, left, problem, detail):
    kept, (found,) = index(tmp_path, content, seconds)
    assert (found["utterance_id"], found["problem"]) == (BAD, problem)
    assert found["detail"].startswith(detail)
    assert [label for _, label, _, _ in kept] == left


@pytest.mark.parametrize("content", [textgrid_long([]), textgrid_long([("words", []), ("phones", [])])])
def test_a_textgrid_of_nothing_lacks_both_tiers(tmp_path, content):
    kept, problems = index(tmp_path, content)
    assert kept == []
    assert [(row["problem"], row["detail"]) for row in problems] == [
        ("no phones", "tiers with intervals: none"),
        ("no words", "tiers with intervals: none"),
    ]


SPEECHLESS = textgrid_long([("words", [(0.0, 1.0, "")]), ("phones", [(0.0, 1.0, "sil")])])
HARMLESS = {
    "silence alone": (SPEECHLESS, 1.0, NOTHING),
    "silence past the recording": (phones((0.0, 0.5, "AH0"), (0.5, 9.0, "sil")), 1.0, ["AH", "a"]),
    "silence up to the end": (
        textgrid_long([(name, [*rows, (1.0, 3.0, "")]) for name, rows in TIERS]), 3.0, ALL
    ),
    "a little longer than the recording": (LONG, 1.0 - MAX_OVERRUN_SECONDS / 2, ALL),
    "half as long as the recording": (LONG, 2.0, ALL),
    "out of order": (phones((0.5, 1.0, "AH0"), (0.0, 0.5, "T")), 1.0, ["T", "AH", "a"]),
    "of times that were rounded": (phones((0.0, 0.5000001, "AH0"), (0.5, 1.0, "T")), 1.0, ["AH", "T", "a"]),
    "UTF-16": (LONG.encode("utf-16"), 1.0, ALL),
    "lines of Windows": (LONG.replace("\n", "\r\n"), 1.0, ALL),
}  # fmt: skip


@pytest.mark.parametrize(("content", "seconds", "left"), HARMLESS.values(), ids=HARMLESS)
def test_what_is_unusual_but_fits_is_kept_without_a_word(tmp_path, content, seconds, left):
    kept, problems = index(tmp_path, content, seconds)
    assert [label for _, label, _, _ in kept] == left
    assert problems == []


def test_a_phone_outside_of_the_set_stops_the_run_and_names_it(tmp_path):
    """It would be another set's, in every file: nothing is left out one by one."""
    with pytest.raises(AlignmentError, match="two has the phone 'ts'; allowed are AA AE") as error:
        index(tmp_path, phones((0.0, 1.0, "ts")))
    assert "two.TextGrid. corpus.phones: keep takes labels as they are, such as IPA" in str(error.value)


@pytest.mark.parametrize("folder", [True, False])
def test_a_zip_in_the_source_is_what_is_to_be_named(tmp_path, folder):
    (tmp_path / "given").mkdir()
    write_zip(tmp_path / "given/inner.zip", {"dev/anna/one.TextGrid": b""})
    source = tmp_path / "given"
    if not folder:
        source = tmp_path / "outer.zip"
        write_zip(source, {"inner.zip": (tmp_path / "given/inner.zip").read_bytes()})
    with pytest.raises(AlignmentError) as error:
        find_alignments(source, ["dev"], LAYOUTS["flat"])
    named = f"name the zip itself (corpus.alignments: {source}/inner.zip)"
    assert f"{source} has no alignment; it holds 1 zip: " in str(error.value)
    assert (named if folder else "unpack it, and name the zip in it (corpus.alignments: inner.zip)") in str(error.value)


def test_where_there_are_no_alignments_automatic_ones_are_named(tmp_path):
    for name in ("one.wav", "two.wav", "README"):
        (tmp_path / name).touch()
    with pytest.raises(AlignmentError) as error:
        find_alignments(tmp_path, ["dev"], LAYOUTS["flat"])
    assert "its files by suffix: 2 .wav, 1 none; known are .textgrid .phn" in str(error.value)
    assert "corpus.alignments: automatic, which aligns audio and transcripts here (English)" in str(error.value)


# Any bytes

PARSERS = {
    "TextGrid": (parse_textgrid, [LONG, textgrid_short(TIERS)]),
    "TIMIT": (lambda data, name: [parse_timit(data, name, "phones")], [label_file_timit(TIERS[1][1])]),
    "Buckeye": (lambda data, name: [parse_xwaves(data, name, "phones")], [label_file_xwaves(TIERS[1][1], "; x")]),
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]


@st.composite
def mutated(draw, texts: list[str]) -> bytes:
    """A good file, cut, with lines that are swapped, doubled or gone, and with other bytes."""
    lines = draw(st.sampled_from(texts)).splitlines(keepends=True)
    place = st.integers(0, len(lines) - 1)
    for change in draw(st.lists(st.sampled_from(["swap", "double", "drop"]), max_size=3)):
        first, second = draw(place) % len(lines), draw(place) % len(lines)
        if change == "swap":
            lines[first], lines[second] = lines[second], lines[first]
        elif change == "double":
            lines.insert(first, lines[second])
        elif len(lines) > 1:
            del lines[first]
    data = bytearray("".join(lines).encode(draw(st.sampled_from(ENCODINGS))))
    for _ in range(draw(st.integers(0, 3))):
        data[draw(st.integers(0, len(data) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(data[: draw(st.one_of(st.none(), st.integers(0, len(data))))])


def assert_intervals_or_an_error_of_its_name(kind: str, data: bytes) -> None:
    """And what is read can be cleaned: whatever is left lies in the recording, in order, and has a label."""
    try:
        tiers = PARSERS[kind][0](data, "a/name")
    except AlignmentError as error:
        message = str(error)
        assert message.startswith("a/name")
        return
    for tier in tiers:
        assert len(tier.labels) == len(tier.starts) == len(tier.ends)
        assert all(type(time) is float for time in (*tier.starts, *tier.ends))
    names = {"phone": ["phones"], "word": ["words"]}
    intervals, _, _ = clean([Utterance("u", "a/name", 1.0, tiers)], names, PHONE_SETS["keep"])
    for tier in ("phone", "word"):
        rows = [row for row in intervals.to_pylist() if row["tier"] == tier]
        times = np.array([(row["start"], row["end"]) for row in rows]).reshape(-1, 2)
        assert all(row["label"].strip() for row in rows)
        assert (times >= -1e-5).all()
        assert (times <= 1).all()
        assert (np.diff(times) > 0).all()
        assert len(tiers) > 2 or (times[1:, 0] >= times[:-1, 1] - 1e-5).all()


@pytest.mark.parametrize("kind", PARSERS)
@given(data=st.data())
@settings(max_examples=250, deadline=2000)
def test_a_damaged_file_is_intervals_or_an_error_that_names_it(kind, data):
    assert_intervals_or_an_error_of_its_name(kind, data.draw(mutated(PARSERS[kind][1])))


@pytest.mark.parametrize("kind", PARSERS)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore")))
@settings(max_examples=100, deadline=2000)
def test_any_bytes_are_intervals_or_an_error_that_names_them(kind, data):
    assert_intervals_or_an_error_of_its_name(kind, data)


HEAD = LONG[: LONG.index("item []:")]


@pytest.mark.parametrize(
    "filling", ['"', '""', " ", "\n", "!", "intervals [1]:\n", "0 ", '"a" ', "<exists>", "item [1]:"]
)
@pytest.mark.parametrize("head", ["", HEAD, LONG])
def test_a_long_file_takes_no_longer_than_its_length(head, filling):
    """A pattern that looked back would take hours for these."""
    data = (head + filling * (1_000_000 // len(filling))).encode()
    assert_intervals_or_an_error_of_its_name("TextGrid", data)
