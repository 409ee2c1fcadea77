"""Texts that strangers wrote: none takes the square of its length, and no number, quote or mark ends in a traceback."""

from __future__ import annotations

import json
import os
import signal
import unicodedata
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from layerwise.alignments import parquet
from layerwise.alignments.cleaning import clean
from layerwise.alignments.columns import Utterance
from layerwise.alignments.label_files import parse_timit, parse_xwaves
from layerwise.alignments.parquet import find_rows
from layerwise.alignments.pronunciations import read_pronunciations
from layerwise.alignments.sources import find_alignments, read_alignments
from layerwise.alignments.textgrids import parse_textgrid
from layerwise.alignments.tiers import AlignmentError
from layerwise.alignments.transcript_words import words_of
from layerwise.errors import LayerwiseError
from layerwise.files.csv_files import CSVError, read_csv
from layerwise.files.texts import composed, on_disk
from layerwise.probes.errors import ItemError
from layerwise.probes.readers import slurp_items
from layerwise.sampling import read_word_list
from layerwise.tables.external import read_external
from tiny_corpus import LAYOUTS, MARKS, PHONE_SETS, TIERS, textgrid_long, write_aligned_table, write_zip

# Time. A pattern that looks back takes hours for these, one that does not a second.

KILLED_AFTER = 120  # seconds
LONG = textgrid_long(TIERS)
HEAD = LONG[: LONG.index("item []:")]
FILLINGS = [
    "9", "9.", ".9", "1e", "-1", " ", "\t", '"', '""', '"a" ', "'", "[", "(", "(1", "(1)", "{", "<", "!", "!a", ".",
    "-", ",", ";", ", ", "#", "a#", "a ", "é", "e\u0301", "\u0301\u0323", "\u0345\u0301\u0323", "…", "a'",
    "0 1 a\n", "1 1\n",
]  # fmt: skip


def textgrid(text: str, folder: Path) -> None:
    for start, end in (("", ""), ("", "x"), (HEAD, ""), (HEAD, "x"), (LONG, "x"), (LONG.replace("sil", "{}"), "")):
        whole = start.replace("{}", text) if "{}" in start else start + text + end
        attempt(lambda whole=whole: parse_textgrid(whole.encode(), "a"))


def timit(text: str, folder: Path) -> None:
    attempt(lambda: parse_timit(text.encode(), "a", "phones"))
    attempt(lambda: parse_timit(f"0 {text}x\n".encode(), "a", "phones"))


def xwaves(text: str, folder: Path) -> None:
    for line in (text, f"{text}x", f"1.5 {text}x", f"1.5 1 {text}", f"1.5{text}"):
        attempt(lambda line=line: parse_xwaves(f"#\n{line}\n".encode(), "a", "phones"))


def table(text: str, folder: Path) -> None:
    path = folder / "a.csv"
    for content in (
        text,
        f"word{text}\n{text}",
        f"path,word\na,{text}",
        f'path,word\na,"{text}',
        f"a,word\n{text}\n" * 3,
    ):
        path.write_text(content, encoding="utf-8")
        attempt(lambda: read_csv(path, ["word"]))
        attempt(lambda: read_word_list(path))
        attempt(lambda: read_external(path, {}))


def pronunciations(text: str, folder: Path) -> None:
    path = folder / "a.dict"
    for content in (text, f"{text}x AH\n", f"HELLO {text}\n", f"HELLO({text}) AH"):
        path.write_text(content, encoding="utf-8")
        attempt(lambda: read_pronunciations(path))


def transcript(text: str, folder: Path) -> None:
    for content in (text, f"a{text}a"):
        words_of(content, {"hello", "a"})


READERS = {
    "textgrid": textgrid, "timit": timit, "xwaves": xwaves, "csv": table, "pronunciations": pronunciations,
    "transcript": transcript,
}  # fmt: skip


def attempt(read) -> None:
    """Read, or be refused in one line that a person reads."""
    try:
        read()
    except LayerwiseError as error:
        message = str(error)
    else:
        return
    assert "\n" not in message
    assert len(message) < 1100


def read_all(read, folder: Path) -> None:
    for filling in FILLINGS:
        read(filling * (300_000 // len(filling)), folder)


@pytest.mark.parametrize("reader", READERS)
def test_a_long_text_does_not_take_the_square_of_its_length(reader, tmp_path):
    process = get_context("fork").Process(target=read_all, args=(READERS[reader], tmp_path))
    process.start()
    process.join(KILLED_AFTER)
    process.kill()
    process.join()
    assert process.exitcode == 0


# Marks of Unicode


def test_marks_without_end_are_left_as_they_are():
    text = "e\u0301 a" + "\u0323\u0301" * 10**5 + " e\u0301"
    assert composed(text) == "é a" + "\u0323\u0301" * 10**5 + " é"


@pytest.mark.parametrize(
    "text", ["e\u0301" * 500, "각" * 300, "日本語、" * 100, "\u0323e\u0301" + "–" * 500, "가" * 999]
)
def test_what_people_write_is_composed_at_any_length(text):
    decomposed = unicodedata.normalize("NFD", text)
    assert composed(decomposed) == composed(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("name", ["ü" * 5000, "ü\0", "ü/" * 300 + "a", "/ü"])
def test_a_path_that_cannot_be_is_itself(name):
    assert on_disk(Path(name)) == Path(name)


# Numbers

NUMBERS = ["1e400", "nan", "-inf", "9" * 400, "9" * 5000, "-1", "٣", "1_0", "0x10", "1e", "+", ".", "1.2.3", ""]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("kind", ["textgrid", "timit", "xwaves"])
def test_a_number_of_any_kind_is_read_or_refused_and_can_be_cleaned(number, kind):
    try:
        if kind == "textgrid":
            tiers = parse_textgrid(LONG.replace("xmax = 0.25", f"xmax = {number}").encode(), "a")
            tiers += parse_textgrid(LONG.replace("size = 5", f"size = {number}").encode(), "a")
        elif kind == "timit":
            tiers = [parse_timit(f"0 {number} aa\n{number} 16000 t\n".encode(), "a", "phones")]
        else:
            tiers = [parse_xwaves(f"#\n {number} 121 aa\n 1.0 {number} t\n".encode(), "a", "phones")]
    except AlignmentError:
        return
    names = {"phone": ["phones"], "word": ["words"]}
    intervals = clean([Utterance("u", "a", 1.0, tiers)], names, PHONE_SETS["keep"], MARKS).intervals.to_pandas()
    assert (intervals["start"] < intervals["end"]).all()
    assert intervals["end"].le(1).all()


def test_counts_of_a_textgrid_by_the_billion_take_no_memory():
    for size in ("size = 5", "size = 2\n"):
        with pytest.raises(AlignmentError, match=r"(intervals|tiers), and no more than"):
            parse_textgrid(LONG.replace(size, "size = 999999999\n").encode(), "a")


def test_a_label_of_a_megabyte_is_cut_in_messages():
    label = "x" * 10**6
    text = textgrid_long([("phones", [(0.0, 0.5, label), (0.25, 1.0, label)]), (label, [(0.0, 1.0, "a")])])
    names = {"phone": ["phones"], "word": ["words"]}
    _, problems, _ = clean([Utterance("u", "a", 1.0, parse_textgrid(text.encode(), "a"))], names, PHONE_SETS["keep"])
    assert [problem.problem for problem in problems] == ["no words", "overlaps the one before"]
    assert max(len(problem.detail) for problem in problems[1:]) < 1000


# CSV


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"word\n" + b'"' + b"x" * 200_000, "field larger than field limit|unexpected end"),
        (b'word\n"open', "unexpected end of data"),
        (b"word\nx\0y\n", "characters of value 0"),
        (b"word\n\xff\n", "line 2 cannot be read as UTF-8"),
        (b"\xff\xfew\0o\0r\0d\0\n", "cannot be read as UTF-8|UTF-16"),
        (b"word,word\nx,y\n", "has two columns word"),
        (b"word\nx,y\n", "line 2 has 2 cells, the header 1"),
    ],
)
def test_a_csv_that_is_none_is_one_line(tmp_path, content, reason):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(CSVError, match=reason) as error:
        read_csv(tmp_path / "a.csv", ["word"])
    assert "\n" not in str(error.value)


def test_a_csv_of_a_million_columns_is_read(tmp_path):
    (tmp_path / "a.csv").write_text("word" + "," * 10**6 + "\nx" + "," * 10**6 + "\n")
    assert read_csv(tmp_path / "a.csv", ["word"]).rows == {2: {"word": "x"}}


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_any_end_of_line_is_one(tmp_path, end):
    (tmp_path / "a.csv").write_bytes(f"word{end}x{end}y{end}".encode())
    assert [row["word"] for row in read_csv(tmp_path / "a.csv", ["word"]).rows.values()] == ["x", "y"]


# JSON

DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "line",
    [
        DEEP, '{"a":' * 100_000, "[]", "1", '"x"', "null", "NaN", "9" * 5000, '{"recordings": 1}',
        '{"recordings": [1]}',
        '{"recordings": {"file": "a"}}', '{"intent": "\\ud800", "recordings": [{"file": "a.flac"}]}',
    ],
)  # fmt: skip
def test_a_line_of_slurp_that_is_no_sentence_is_refused_by_its_number(tmp_path, line):
    path = tmp_path / "train.jsonl"
    path.write_text(f"{json.dumps({'intent': 'x', 'recordings': [{'file': 'b.flac'}]})}\n{line}\n")
    tables = dict.fromkeys(("train", "train_synthetic", "devel", "test"), path)
    with pytest.raises(ItemError, match=r"train\.jsonl(, line 2|: .*half of a character)"):
        list(slurp_items(tables, [tmp_path], ["intent"]))


@pytest.mark.parametrize(
    "recording", ["{}", '{"file": ""}', '{"file": null}', '{"file": "../../x.flac"}', '{"file": 1}']
)
def test_a_recording_of_slurp_without_a_file_is_a_problem(tmp_path, recording):
    path = tmp_path / "train.jsonl"
    path.write_text(f'{{"intent": "x", "recordings": [{recording}]}}\n')
    tables = dict.fromkeys(("train", "train_synthetic", "devel", "test"), path)
    assert {found.problem for found in slurp_items(tables, [tmp_path], ["intent"])} == {"no audio"}


# Parquet


def intervals_as(texts: list[str]) -> pa.Table:
    return pa.table({"id": ["a"] * len(texts), "words": texts, "phonemes": texts})


def read_table(path: Path) -> None:
    found = find_alignments(path, ["all"], LAYOUTS["flat"])["all"].utterances
    read_alignments(path, list(found.values()))


@pytest.mark.parametrize(
    "text",
    [DEEP, '{"a":' * 50_000, "[[1, 2], 3]", '[{"start": 1e400}]', "[" + "9" * 400 + "]", '["\\ud800"]', "9" * 5000],
)
def test_json_of_a_table_that_holds_no_intervals_is_one_line(tmp_path, text):
    pq.write_table(intervals_as([text]), tmp_path / "a.parquet")
    with pytest.raises(AlignmentError) as error:
        read_table(tmp_path / "a.parquet")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1100


@pytest.mark.parametrize(
    "features",
    [
        '"feature"', "[]", '{"feature": 1}', '{"word": {"_type": "ClassLabel", "names": 3}}',
        '{"word": {"_type": "ClassLabel"}}', '{"word": {"_type": "ClassLabel", "names": [1, null]}}', "[" * 5000,
        '{"feature":' * 5000,
    ],
)  # fmt: skip
def test_what_a_table_says_of_its_labels_may_be_anything(tmp_path, features):
    write_aligned_table(tmp_path / "a.parquet", {"a": TIERS})
    made = pq.read_table(tmp_path / "a.parquet")
    about = f'{{"info": {{"features": {{"words": {features}, "phonemes": {features}}}}}}}'
    pq.write_table(made.replace_schema_metadata({"huggingface": about}), tmp_path / "a.parquet")
    attempt(lambda: read_table(tmp_path / "a.parquet"))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("ROWS", "1", "has 2 rows"), ("VALUES", "5", "values in a group of rows"), ("BYTES", "50", "bytes in a group")],
)
def test_what_a_table_says_that_it_has_is_bounded(tmp_path, monkeypatch, name, value, reason):
    write_aligned_table(tmp_path / "a.parquet", {"a": TIERS, "b": TIERS})
    read_table(tmp_path / "a.parquet")
    monkeypatch.setenv(f"LAYERWISE_MAX_TABLE_{name}", value)
    with pytest.raises(AlignmentError, match=f"{reason}.*export LAYERWISE_MAX_TABLE_{name}"):
        read_table(tmp_path / "a.parquet")


def test_a_table_of_a_billion_intervals_in_a_kilobyte_is_refused(tmp_path):
    """As runs of equal values take no room."""
    number = 150_000_000
    words = pa.ListArray.from_arrays(pa.array([0, number], pa.int32()), pa.nulls(number, pa.null()))
    made = pa.table({"id": ["a"], "words": words, "phonemes": pa.array([[]], pa.list_(pa.null()))})
    pq.write_table(made, tmp_path / "a.parquet", compression="zstd")
    assert (tmp_path / "a.parquet").stat().st_size < 10**5
    with pytest.raises(AlignmentError, match="has 150000000 values in a group of rows"):
        read_table(tmp_path / "a.parquet")


def test_two_columns_of_one_name_are_refused(tmp_path):
    text = pa.array(["[]"])
    pq.write_table(pa.table([text] * 4, names=["id", "words", "words", "phonemes"]), tmp_path / "a.parquet")
    with pytest.raises(AlignmentError, match="cannot be read as a Parquet table"):
        read_table(tmp_path / "a.parquet")


def test_text_that_is_no_utf8_is_refused(tmp_path):
    ids = pa.array([b"\xff"], pa.binary()).view(pa.string())
    write_aligned_table(tmp_path / "a.parquet", {"a": TIERS})
    made = pq.read_table(tmp_path / "a.parquet").set_column(0, "id", ids)
    pq.write_table(made, tmp_path / "a.parquet")
    with pytest.raises(AlignmentError, match="cannot be read as a Parquet table"):
        read_table(tmp_path / "a.parquet")


def test_a_table_that_ends_the_process_that_looks_at_it_is_refused(tmp_path, monkeypatch):
    """Where the numbers in its end contradict each other, pyarrow calls std::terminate."""
    write_aligned_table(tmp_path / "a.parquet", {"a": TIERS})
    monkeypatch.setattr(parquet, "_send_sizes", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(AlignmentError, match="its end contradicts itself"):
        read_table(tmp_path / "a.parquet")


def test_a_changed_end_of_a_table_ends_nobody_else(tmp_path):
    write_aligned_table(tmp_path / "a.parquet", {"a": TIERS})
    data = (tmp_path / "a.parquet").read_bytes()
    for place in range(len(data) - 2060, len(data) - 2000, 2):  # where counts of values are
        (tmp_path / "a.parquet").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        attempt(lambda: read_table(tmp_path / "a.parquet"))


def test_cells_that_are_no_numbers_are_refused(tmp_path):
    frame = pd.DataFrame({"id": ["a"], "words": [[{"word": "x", "start": "soon", "end": 1.0}]]})
    frame["phonemes"] = frame["words"]
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(AlignmentError):
        read_table(tmp_path / "a.parquet")


LINES = "a\nWARNING all is well\x1b[2J"


def in_a_header(folder: Path) -> None:
    (folder / "a.csv").write_text(f'"{LINES}",b\n1,2\n')
    read_csv(folder / "a.csv", ["path"])


def in_a_header_twice(folder: Path) -> None:
    (folder / "a.csv").write_text(f'path,"{LINES}","{LINES}"\n1,2,3\n')
    read_csv(folder / "a.csv", ["path"])


def in_the_name_of_a_column(folder: Path) -> None:
    pq.write_table(pa.table({"id": ["x"], LINES: [1]}), folder / "a.parquet")
    find_rows(folder, [str(folder / "a.parquet")], "x")


def in_the_id_of_a_row(folder: Path) -> None:
    pq.write_table(pa.table({"id": [LINES] * 2, "words": [[], []], "phones": [[], []]}), folder / "a.parquet")
    find_rows(folder, [str(folder / "a.parquet")], "x")


def in_a_name_in_a_zip(folder: Path) -> None:
    write_zip(folder / "a.zip", {f"{LINES}.TextGrid": "", f"{LINES}.phn": ""})
    find_alignments(folder / "a.zip", ["x"], LAYOUTS["flat"])


@pytest.mark.parametrize(
    "read", [in_a_header, in_a_header_twice, in_the_name_of_a_column, in_the_id_of_a_row, in_a_name_in_a_zip]
)
def test_a_name_makes_no_line_of_its_own(tmp_path, read):
    with pytest.raises(LayerwiseError) as error:
        read(tmp_path)
    assert "\n" not in str(error.value)
    assert r"a\nWARNING all is well\x1b[2J" in str(error.value)
