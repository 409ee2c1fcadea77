"""The table of intervals, from alignments of every format."""

from __future__ import annotations

import json
import logging
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from layerwise.alignments import batches
from layerwise.alignments import index as indexing
from layerwise.alignments.marks import Marks, marks_of
from layerwise.alignments.phones import PhoneSet
from layerwise.alignments.tiers import AlignmentError
from layerwise.alignments.word_ranking import rank_words
from layerwise.corpus.layouts import Layout, Pattern
from tiny_corpus import (
    LAYOUTS,
    MARK_CATALOGUE,
    MARKS,
    PHONE_SETS,
    SPLIT,
    TIERS,
    label_file_timit,
    label_file_xwaves,
    textgrid_long,
    write_aligned_table,
    write_files,
    write_utterances_table,
    write_zip,
)

REAL_SPEECH = Path(__file__).parents[4] / "shared" / "real_speech"

LONG = textgrid_long(TIERS)
LIBRISPEECH, ARPABET = LAYOUTS["librispeech"], PHONE_SETS["arpabet"]

# Indexing; what can be wrong with an alignment is in test_bad_alignments

GOOD = "1-2-0000"


def member(utterance_id: str, split: str = SPLIT, above: str = "librispeech_alignments/") -> str:
    speaker, chapter = utterance_id.split("-")[:2]
    return f"{above}{split}/{speaker}/{chapter}/{utterance_id}.TextGrid"


def rank(source: Path, folder: Path, splits: list[str], layout: Layout = LIBRISPEECH) -> str:
    rank_words(source, splits, folder / "words.csv", layout=layout, marks=MARKS)
    return (folder / "words.csv").read_text(encoding="utf-8")


def index(
    folder: Path, files: Mapping[str, str | bytes], durations: Mapping[str, float], split: str = SPLIT
) -> tuple[list[tuple], pd.DataFrame]:
    """Rows of the table of intervals, and the problems, of a zip of `files`."""
    return index_source(write_zip(folder / "alignments.zip", files), folder, durations, split)


def index_source(
    source: Path,
    folder: Path,
    durations: Mapping[str, float],
    split: str = SPLIT,
    layout: Layout = LIBRISPEECH,
    phones: PhoneSet = ARPABET,
    marks: Marks = MARKS,
    processes: int = 1,
) -> tuple[list[tuple], pd.DataFrame]:
    utterances = write_utterances_table(folder / "utterances.parquet", durations)
    indexing.index_alignments(
        source, split, utterances, folder / "i.parquet", folder / "p.csv",
        layout=layout.of_split(split), phones=phones, marks=marks,
        labels_out=folder / "labels.csv", processes=processes,
    )  # fmt: skip
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


def test_the_same_bytes_from_any_number_of_processes_and_the_same_rows_in_any_batches(tmp_path, monkeypatch):
    ids = [f"1-2-{number:04d}" for number in range(13)]
    damaged = {member("1-2-0005"): "x", member("1-2-0014"): LONG, member("1-2-0003"): phones_and((0.5, 0.25, "T"))}
    source = write_zip(tmp_path / "a.zip", {member(name): LONG for name in ids} | damaged)
    durations = dict.fromkeys([*ids, "1-2-0015"], 1.0)
    intervals, problems = index_source(source, tmp_path, durations)
    monkeypatch.setattr(batches, "_UTTERANCES_PER_BATCH", 2)
    written = []
    for processes in (1, 2, 3):
        again, problems_again = index_source(source, tmp_path, durations, processes=processes)
        assert again == intervals
        assert problems_again.equals(problems)
        written.append([(tmp_path / name).read_bytes() for name in ("i.parquet", "p.csv")])
    assert written[0] == written[1] == written[2]
    assert pq.ParquetFile(tmp_path / "i.parquet").metadata.num_row_groups == 7


def test_an_error_in_another_process_is_the_first_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "_UTTERANCES_PER_BATCH", 1)
    files = {member(f"1-2-000{number}"): phones_and((0.0, 0.5, "QQ" if number > 3 else "T")) for number in range(9)}
    source = write_zip(tmp_path / "a.zip", files)
    with pytest.raises(AlignmentError, match="1-2-0004 has the phone 'QQ'"):
        index_source(source, tmp_path, {f"1-2-000{number}": 1.0 for number in range(9)}, processes=2)
    assert not (tmp_path / "i.parquet").exists()


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


def phones_and(*phones: tuple[float, float, str]) -> str:
    return textgrid_long([("words", [(0.0, 0.5, "a")]), ("phones", phones)])


def test_silence_may_overlap_or_reach_past_the_recording(tmp_path):
    data = phones_and((0.0, 0.5, "AH0"), (0.25, 9.0, "sil"))
    intervals, problems = index(tmp_path, {member(GOOD): data}, {GOOD: 1.0})
    assert intervals == [(GOOD, "phone", "AH", 0.0, 0.5), (GOOD, "word", "a", 0.0, 0.5)]
    assert problems.empty


def test_a_small_overrun_is_clipped(tmp_path):
    intervals, problems = index(tmp_path, {member(GOOD): LONG}, {GOOD: 0.953125})
    assert [row[-1] for row in intervals] == [0.5, 0.625, 0.75, 0.953125, 0.953125]
    assert problems.empty


def test_times_are_not_rounded(tmp_path):
    data = phones_and((0.1234567890123, 0.58, "AH0"))
    intervals, _ = index(tmp_path, {member(GOOD): data}, {GOOD: 1.0})
    assert intervals[0] == (GOOD, "phone", "AH", 0.1234567890123, 0.58)


def test_a_damaged_member_of_a_zip_is_named_and_left_out(tmp_path):
    source = write_zip(tmp_path / "a.zip", {member("1-2-0001"): LONG, member(GOOD): LONG})
    data = bytearray(source.read_bytes())
    data[100:140] = bytes(byte ^ 0xFF for byte in data[100:140])  # the first member's content
    source.write_bytes(data)
    intervals, problems = index_source(source, tmp_path, {GOOD: 1.0, "1-2-0001": 1.0})
    assert intervals == cleaned(GOOD)
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [["1-2-0001", "unreadable"]]


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


# Layouts and formats


def test_a_file_that_does_not_lie_as_the_layout_says_is_named(tmp_path):
    stray = f"r/{SPLIT}/1/2/odd.TextGrid"
    intervals, problems = index(tmp_path, {member(GOOD): LONG, stray: LONG}, {GOOD: 1.0})
    assert intervals == cleaned(GOOD)
    assert problems.to_numpy().tolist() == [
        [
            "",
            stray,
            "not where the layout says",
            "expected is a path like **/dev-clean/**/{speaker}-{chapter}-{utterance}",
        ]
    ]


def test_a_layout_of_ones_own(tmp_path):
    layout = Layout(
        Pattern("**/{speaker}/wav/{utterance}"), Pattern("**/{speaker}/aligned_{utterance}"), "{speaker}_{utterance}",
        tiers={"phone": ["MAU"], "word": ["ORT-MAU"]},
    )  # fmt: skip
    grid = textgrid_long([("ORT-MAU", TIERS[0][1]), ("mau", [(0.25, 1.0, "a:")]), ("words", [(0.0, 1.0, "not this")])])
    folder = write_files(tmp_path / "corpus", {"s1/aligned_u1.TextGrid": grid, "s2/aligned_u1.TextGrid": grid})
    intervals, problems = index_source(
        folder, tmp_path, {"s1_u1": 1.0, "s2_u1": 1.0}, layout=layout, phones=PHONE_SETS["keep"]
    )
    assert intervals == [
        row
        for name in ("s1_u1", "s2_u1")
        for row in [(name, "phone", "a:", 0.25, 1.0), (name, "word", "hello", 0.25, 1.0)]
    ]
    assert problems.empty


@pytest.mark.parametrize("capitals", [True, False])
def test_timit(tmp_path, capitals):
    phones = [(0.0, 0.125, "h#"), (0.125, 0.25, "tcl"), (0.25, 0.5, "t"), (0.5, 0.75, "ux"), (0.75, 1.0, "q")]
    files = {
        "TRAIN/DR1/FCJF0/SA1.PHN": label_file_timit(phones),
        "TRAIN/DR1/FCJF0/SA1.WRD": label_file_timit([(0.125, 0.75, "too")]),
        "TRAIN/DR1/FCJF0/SA1.TXT": "0 16000 Too.\n",
        "TEST/DR1/FAKS0/SA1.PHN": label_file_timit(phones),
    }
    split = "TRAIN" if capitals else "train"
    if not capitals:
        files = {name.lower(): text for name, text in files.items()}
    name = "FCJF0-SA1" if capitals else "fcjf0-sa1"
    source = write_files(tmp_path / "timit", files)
    layout, phones = LAYOUTS["timit"], PHONE_SETS["timit"]
    intervals, problems = index_source(source, tmp_path, {name: 1.0}, split, layout, phones)
    assert intervals == [
        (name, "phone", "T", 0.25, 0.5),
        (name, "phone", "UW", 0.5, 0.75),
        (name, "word", "too", 0.125, 0.75),
    ]
    assert problems.empty


def test_an_utterance_of_timit_without_its_words(tmp_path):
    source = write_files(tmp_path / "timit", {"TRAIN/DR1/FCJF0/SA1.PHN": label_file_timit([(0.0, 1.0, "aa")])})
    layout, phones = LAYOUTS["timit"], PHONE_SETS["timit"]
    intervals, problems = index_source(source, tmp_path, {"FCJF0-SA1": 1.0}, "TRAIN", layout, phones)
    assert intervals == [("FCJF0-SA1", "phone", "AA", 0.0, 1.0)]
    assert problems[["problem", "detail"]].to_numpy().tolist() == [["no words", "tiers with intervals: phones"]]


def test_buckeye_with_its_irregularities(tmp_path):
    phones = [
        (0, 0.25, "SIL"),
        (0, 0.5, "aan"),
        (0, 0.75, ""),
        (0, 0.625, "tq"),
        (0, 1.0, "en +1"),
        (0, 1.25, "VOCNOISE"),
    ]
    words = [(0, 0.25, "<SIL>"), (0, 1.0, "aunt"), (0, 1.25, "{E_TRANS}")]
    files = {
        "s01/s0101a.phones": label_file_xwaves(phones, "; *"),
        "s01/s0101a.words": label_file_xwaves(words, "; x; y"),
    }
    source = write_files(tmp_path / "buckeye", files | {"s01/s0101b.phones": "#\n1.0\n"})
    durations, damaged = {"s0101a": 1.25, "s0101b": 1.0}, "buckeye/s01/s0101b.phones"
    intervals, problems = index_source(source, tmp_path, durations, "all", LAYOUTS["buckeye"], PHONE_SETS["buckeye"])
    assert intervals == [
        ("s0101a", "phone", "AA", 0.25, 0.5),
        ("s0101a", "phone", "N", 0.625, 1.0),
        ("s0101a", "word", "aunt", 0.25, 1.0),
    ]
    assert problems[["utterance_id", "problem", "detail"]].to_numpy().tolist() == [
        ["s0101a", "no label", "phone from 0.5 to 0.75 s"],
        ["s0101a", "no length", "phone 'T' from 0.75 to 0.625 s"],
        ["s0101b", "unreadable", f"{damaged}, line 2: found '1.0'; expected end (seconds), colour and label"],
    ]


IDS = ["1-2-0000", "1-2-0001", "10-2-0000", "2-2-0000", "3-2-0000"]


@pytest.mark.parametrize(
    ("name", "group"),
    [("dev_clean.parquet", None), ("dev_clean.parquet", 1), ("dev_clean.PARQUET", 2), ("a.parquet_download_1", None)],
)
def test_a_table_of_hugging_face(tmp_path, monkeypatch, name, group):
    monkeypatch.setattr(batches, "_UTTERANCES_PER_BATCH", 3)
    source = write_aligned_table(tmp_path / name, dict.fromkeys(reversed(IDS), TIERS), group)
    intervals, problems = index_source(source, tmp_path, dict.fromkeys(IDS, 1.0))
    assert intervals == [row for name in IDS for row in cleaned(name)]
    assert problems.empty


@pytest.mark.parametrize("named", ["data/dev_clean-0000{}-of-00002.parquet", "default/dev_clean/{}.parquet"])
def test_a_folder_of_tables_with_a_split_in_their_names(tmp_path, named):
    for number, ids in enumerate([IDS[:2], IDS[2:]]):
        write_aligned_table(tmp_path / "hub" / named.format(number), dict.fromkeys(ids, TIERS))
    other = named.replace("dev_clean", "train_clean_100").format(0)
    write_aligned_table(tmp_path / "hub" / other, {"9-9-0000": TIERS})
    intervals, problems = index_source(tmp_path / "hub", tmp_path, dict.fromkeys(IDS, 1.0), processes=2)
    assert intervals == [row for name in IDS for row in cleaned(name)]
    assert problems.empty


def test_a_table_with_a_column_of_splits(tmp_path):
    subset = ["dev_clean", "train.clean.100", "dev-clean", "test-clean", "dev.clean"]
    source = write_aligned_table(tmp_path / "a.parquet", dict.fromkeys(IDS, TIERS), subset=subset)
    _, problems = index_source(source, tmp_path, {IDS[0]: 1.0})
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [
        [IDS[2], "no utterance"],
        [IDS[4], "no utterance"],
    ]
    with pytest.raises(AlignmentError, match=r"no row of split 'dev-other'; it has dev-clean, dev\.clean, dev_clean, "):
        index_source(source, tmp_path, {IDS[0]: 1.0}, "dev-other")


def test_a_table_with_odd_rows(tmp_path):
    rows = [[("words", [(0.0, 0.5, "a")]), ("phones", [(0.0, 0.5, "AH0"), (None, 1.0, "T"), (0.5, 1.0, None)])], []]
    source = write_aligned_table(tmp_path / "a.parquet", dict(zip(IDS, rows, strict=False)))
    intervals, problems = index_source(source, tmp_path, dict.fromkeys(IDS[:2], 1.0))
    assert intervals == [(IDS[0], "phone", "AH", 0.0, 0.5), (IDS[0], "word", "a", 0.0, 0.5)]
    assert problems["problem"].tolist() == ["no label", "no length", "no phones", "no words"]


def test_a_table_named_after_its_split_has_all_its_rows(tmp_path):
    source = write_aligned_table(tmp_path / "dev-clean.parquet", dict.fromkeys(IDS, TIERS), subset=["clean"] * len(IDS))
    _, problems = index_source(source, tmp_path, dict.fromkeys(IDS, 1.0))
    assert problems.empty


def test_rows_of_a_table_that_are_not_aligned(tmp_path):
    source = write_aligned_table(tmp_path / "a.parquet", dict.fromkeys(IDS[:2], TIERS))
    table = pq.read_table(source).to_pylist()
    table[0] |= {"words": None, "phonemes": None}
    pq.write_table(pa.Table.from_pylist(table, pq.read_schema(source)), source)
    intervals, problems = index_source(source, tmp_path, dict.fromkeys(IDS[:2], 1.0))
    assert intervals == cleaned(IDS[1])
    assert problems["problem"].tolist() == ["no phones", "no words"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "name"}, r"no column of ids \(utterance_id or id or utt_id or identifier\); found are name, audio, "),
        ({"phonemes": "segments"}, r"no column of phones \(phonemes or phones\); found are id, audio, words, segments"),
        ({"words": "text"}, r"no column of words \(words\)"),
    ],
)
def test_a_table_that_lacks_a_column(tmp_path, change, message):
    source = write_aligned_table(tmp_path / "a.parquet", {GOOD: TIERS})
    table = pq.read_table(source)
    pq.write_table(table.rename_columns([change.get(name, name) for name in table.column_names]), source)
    with pytest.raises(AlignmentError, match=rf"a\.parquet has {message}"):
        index_source(source, tmp_path, {GOOD: 1.0})


def test_intervals_of_a_table_without_their_fields(tmp_path):
    source = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [GOOD], "words": [["a"]], "phones": [[{"phone": "T", "start": 1.0}]]}), source)
    with pytest.raises(AlignmentError, match=r"phones have no field \(end\); found are phone, start"):
        index_source(source, tmp_path, {GOOD: 1.0})
    pq.write_table(pa.table({"id": [GOOD], "words": [["a"]], "phones": [[]]}), source)
    with pytest.raises(AlignmentError, match=r"a\.parquet, column words holds list<.*: string>; expected is a list of"):
        rank(source, tmp_path, [SPLIT])


def test_a_file_that_is_no_table(tmp_path):
    (tmp_path / "a.parquet").write_text("<html></html>")
    with pytest.raises(AlignmentError, match=r"a\.parquet cannot be read as a Parquet table"):
        index_source(tmp_path / "a.parquet", tmp_path, {GOOD: 1.0})


# What `datasets`, polars and others make of "phones": label, start and end of two intervals, and of none.
PHONE_ROWS = [{"phone": "AH0", "start": 0.0, "end": 0.5}, {"phone": "T", "start": 0.5, "end": 1.0}]
COLUMNS = {name: [row[name] for row in PHONE_ROWS] for name in PHONE_ROWS[0]}
STRUCT = pa.struct({"phone": pa.string(), "start": pa.float64(), "end": pa.float64()})


def nested(rows: list, label: pa.DataType = STRUCT["phone"].type, time: pa.DataType = STRUCT["end"].type) -> pa.Array:
    return pa.array(rows, pa.list_(pa.struct({"phone": label, "start": time, "end": time})))


def with_times(rows: list[dict], form: Callable[[float], object]) -> list[dict]:
    return [row | {name: form(row[name]) for name in ("start", "end")} for row in rows]


SHAPES = {
    "list of structs": nested([PHONE_ROWS, []]),
    "with nulls": nested([[*PHONE_ROWS, None], None]),
    "large list": pa.array([PHONE_ROWS, []], pa.large_list(STRUCT)),
    "list view": pa.array([PHONE_ROWS, []], pa.list_view(STRUCT)),
    "list of fixed size": pa.array([PHONE_ROWS, None], pa.list_(STRUCT, 2)),
    "struct of lists": pa.array([COLUMNS, {"phone": [], "start": [], "end": []}]),
    "struct of lists with nulls": pa.array([COLUMNS | {"note": "x", "speakers": ["anna"]}, None]),
    "struct of large lists": pa.array(
        [COLUMNS, None],
        pa.struct(
            {"phone": pa.large_list(pa.large_string()), **dict.fromkeys(["start", "end"], pa.list_(pa.float32()))}
        ),
    ),
    "JSON of a list": pa.array([json.dumps(PHONE_ROWS), "[]"]),
    "JSON of lists": pa.array([json.dumps(COLUMNS), None], pa.string_view()),
    "JSON in bytes": pa.array([json.dumps(PHONE_ROWS).encode(), b"null"]),
    "map of lists of text": pa.array(
        [[(name, list(map(str, values))) for name, values in COLUMNS.items()], None],
        pa.map_(pa.string(), pa.list_(pa.string())),
    ),
    "labels in a dictionary": nested([PHONE_ROWS, []], pa.dictionary(pa.int32(), pa.string())),
    "times as text": nested([with_times(PHONE_ROWS, str), []], time=pa.string()),
    "times as decimals": nested([with_times(PHONE_ROWS, Decimal), []], time=pa.decimal128(9, 3)),
    "times as float32": nested([PHONE_ROWS, []], time=pa.float32()),
    "durations": nested([with_times(PHONE_ROWS, lambda time: int(time * 1000)), []], time=pa.duration("ms")),
    "times of a day": nested([with_times(PHONE_ROWS, lambda time: int(time * 10**6)), []], time=pa.time64("us")),
}  # fmt: skip


def write_phones(path: Path, phones: pa.Array, metadata: dict | None = None) -> Path:
    """A table of two utterances with a column of phones."""
    words = [[{"word": "a", "start": 0.0, "end": 1.0}], []]
    table = pa.table({"id": pa.array(IDS[:2]).dictionary_encode(), "words": words, "phones": phones})
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


@pytest.mark.parametrize("phones", SHAPES.values(), ids=SHAPES)
def test_intervals_of_a_table_in_any_shape(tmp_path, phones):
    source = write_phones(tmp_path / "a.parquet", phones)
    intervals, _ = index_source(source, tmp_path, dict.fromkeys(IDS[:2], 1.0))
    assert intervals == [
        (IDS[0], "phone", "AH", 0.0, 0.5),
        (IDS[0], "phone", "T", 0.5, 1.0),
        (IDS[0], "word", "a", 0.0, 1.0),
    ]


@pytest.mark.parametrize(
    "feature",
    [
        lambda label: {"feature": {"phone": label}, "_type": "Sequence"},
        lambda label: {"phone": {"feature": label, "_type": "Sequence"}},
        lambda label: [{"phone": label}],
        lambda label: {"feature": {"phone": label}, "_type": "List"},
    ],
)
def test_labels_that_datasets_writes_as_numbers_have_their_names(tmp_path, feature):
    features = {"phones": feature({"names": ["T", "AH0"], "_type": "ClassLabel"})}
    numbers = [[row | {"phone": ["T", "AH0"].index(row["phone"])} for row in PHONE_ROWS], []]
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    source = write_phones(tmp_path / "a.parquet", nested(numbers, pa.int64()), metadata)
    intervals, _ = index_source(source, tmp_path, dict.fromkeys(IDS[:2], 1.0))
    assert [row[2] for row in intervals] == ["AH", "T", "a"]
    write_phones(
        source, nested([[PHONE_ROWS[0] | {"phone": -1}, PHONE_ROWS[1] | {"phone": 0}], []], pa.int64()), metadata
    )
    intervals, problems = index_source(source, tmp_path, dict.fromkeys(IDS[:2], 1.0))
    assert [row[2] for row in intervals] == ["T", "a"]
    assert "no label" in problems["problem"].tolist()
    write_phones(source, nested([[PHONE_ROWS[0] | {"phone": 2}], []], pa.int64()), metadata)
    with pytest.raises(AlignmentError, match=r"a\.parquet, column phones\.phone holds 2, but its table names 2 labels"):
        index_source(source, tmp_path, dict.fromkeys(IDS[:2], 1.0))
    write_phones(source, nested(numbers, pa.int64()))
    with pytest.raises(AlignmentError, match=r"a\.parquet, column phones\.phone holds int64; expected is text"):
        index_source(source, tmp_path, dict.fromkeys(IDS[:2], 1.0))


@pytest.mark.parametrize(
    ("phones", "message"),
    [
        (pa.array([["AH0"], []]), "holds list<.*string>; expected is a list of intervals, each with a label"),
        (pa.array([1, 2]), "holds int64; expected is a list of intervals"),
        (pa.array(["AH0 T", ""]), "holds text that is no JSON .*'AH0 T'"),
        (pa.array(['[{"phone": "T", "start": 0, "end": 1}, 2]', ""]), "intervals are not all of one shape"),
        (pa.array([{"phone": "T", "start": 0.0, "end": 1.0}] * 2), "holds struct<.*or a struct of lists"),
        (pa.array([COLUMNS | {"end": [0.5]}] * 2), "row have different lengths: 2 of phone, 2 of start, 1 of end"),
        (pa.array([{"AH0": [0.0, 0.5]}] * 2), r"phones have no field \(phoneme or phone or label\); found are AH0"),
        (pa.array([[{"phone": "T", "start": 0.0}], []]), r"phones have no field \(end\); found are phone, start"),
        (nested([with_times(PHONE_ROWS, int), []], time=pa.timestamp("s")), r"\.start holds timestamp.*are seconds"),
        (nested([[PHONE_ROWS[0] | {"start": "half", "end": "1"}], []], time=pa.string()), "no number of seconds"),
        (nested([[PHONE_ROWS[0] | {"start": False, "end": True}], []], time=pa.bool_()), "holds bool; expected are"),
    ],
)  # fmt: skip
def test_a_column_that_holds_no_intervals_is_named(tmp_path, phones, message):
    source = write_phones(tmp_path / "a.parquet", phones)
    with pytest.raises(AlignmentError, match=rf"a\.parquet, column phones.*{message}"):
        index_source(source, tmp_path, dict.fromkeys(IDS[:2], 1.0))


def test_a_row_without_an_id_is_an_error(tmp_path):
    source = write_phones(tmp_path / "a.parquet", nested([PHONE_ROWS, []]))
    table = pq.read_table(source)
    pq.write_table(table.set_column(0, "id", pa.array([IDS[0], None])), source)
    with pytest.raises(AlignmentError, match=r"a\.parquet: row 1 of group 0 has no id"):
        index_source(source, tmp_path, dict.fromkeys(IDS[:2], 1.0))


def test_two_formats_in_one_folder_are_refused(tmp_path):
    files = {member(GOOD): LONG, member("1-2-0001").replace("TextGrid", "phn"): "0 1 aa"}
    source = write_files(tmp_path / "mixed", files)
    with pytest.raises(AlignmentError, match=r"in several formats, \w+ \(mixed/.*\), \w+ \(mixed/.*\); give"):
        index_source(source, tmp_path, {GOOD: 1.0})


# Marks, capitals, forms of Unicode


def changed(folder: Path) -> list[list]:
    return pd.read_csv(folder / "labels.csv", keep_default_na=False).to_numpy().tolist()


def test_what_became_of_labels_is_counted(tmp_path):
    words = [(0.0, 0.25, "[SIL]"), (0.25, 0.5, "The"), (0.5, 0.75, "the"), (0.75, 1.0, "")]
    phones = [(0.0, 0.25, "[SIL]"), (0.25, 0.5, "#"), (0.5, 0.75, "{"), (0.75, 1.0, "[SIL]")]
    source = write_zip(tmp_path / "a.zip", {member(GOOD): textgrid_long([("words", words), ("phones", phones)])})
    intervals, _ = index_source(source, tmp_path, {GOOD: 1.0}, phones=PHONE_SETS["keep"])
    assert [row[2] for row in intervals] == ["{", "the", "the"]
    assert changed(tmp_path) == [
        ["phone", "dropped", "[SIL]", 2],
        ["phone", "dropped", "#", 1],
        ["word", "dropped", "", 1],
        ["word", "dropped", "[SIL]", 1],
        ["word", "lower case", "The", 1],
    ]
    layout, marks = replace(LIBRISPEECH, lower_case=False), marks_of({"phone": {"keep": ["#"]}}, MARK_CATALOGUE)
    intervals, _ = index_source(source, tmp_path, {GOOD: 1.0}, layout=layout, phones=PHONE_SETS["keep"], marks=marks)
    assert [row[2] for row in intervals] == ["#", "{", "The", "the"]
    assert rank(source, tmp_path, [SPLIT]) == "word,count\nthe,2\n"
    assert rank(source, tmp_path, [SPLIT], layout) == "word,count\nThe,1\nthe,1\n"


def test_labels_that_steer_a_terminal_are_written_as_escapes(tmp_path):
    words = [(0.0, 0.5, "The\x1b[2J\u202e"), (0.5, 1.0, "Caf\u00e9 \\x")]
    phones = [(0.0, 1.0, "AH")]
    source = write_zip(tmp_path / "a.zip", {member(GOOD): textgrid_long([("words", words), ("phones", phones)])})
    index_source(source, tmp_path, {GOOD: 1.0})
    text = (tmp_path / "labels.csv").read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert [row[2] for row in changed(tmp_path)] == ["Caf\u00e9 \\x", r"The\x1b[2J\u202e"]


NFC, NFD = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize("file", [NFC, NFD])
@pytest.mark.parametrize("kind", ["TextGrid", "TIMIT", "Parquet"])
def test_both_forms_of_a_label_or_a_file_name_are_one(tmp_path, kind, file):
    rows = [(0.0, 0.5, NFC), (0.5, 1.0, NFD)]
    if kind == "Parquet":
        source = write_aligned_table(tmp_path / "all.parquet", {file: [("words", rows), ("phones", rows)]})
    elif kind == "TIMIT":
        files = {f"anna/{file}.{suffix}": label_file_timit(rows) for suffix in ("phn", "wrd")}
        source = write_files(tmp_path / "aligned", files)
    else:
        source = write_files(
            tmp_path / "aligned", {f"anna/{file}.TextGrid": textgrid_long([("words", rows), ("phones", rows)])}
        )
    intervals, problems = index_source(source, tmp_path, {NFC: 1.0}, "all", LAYOUTS["flat"], PHONE_SETS["keep"])
    assert intervals == [(NFC, tier, NFC, start, start + 0.5) for tier in ("phone", "word") for start in (0.0, 0.5)]
    assert problems.empty


def test_two_files_whose_names_differ_in_their_form_alone_are_told_apart(tmp_path):
    source = write_files(tmp_path / "aligned", {f"anna/{name}.TextGrid": LONG for name in (NFC, NFD)})
    message = rf"two alignments of {NFC}: .*\.TextGrid \(U\+0301\) and .*\.TextGrid \(U\+00E9\)"
    with pytest.raises(AlignmentError, match=message):
        index_source(source, tmp_path, {NFC: 1.0}, "all", LAYOUTS["flat"], PHONE_SETS["keep"])


def test_a_file_whose_name_is_no_text_is_refused(tmp_path):
    source = write_files(tmp_path / "aligned", {"anna/one.TextGrid": LONG})
    (source / "anna/one.TextGrid").rename(os.fsdecode(os.fsencode(source) + b"/anna/caf\xe9.TextGrid"))
    with pytest.raises(AlignmentError, match=r"'aligned/anna/caf\\udce9\.TextGrid', whose name is not UTF-8"):
        index_source(source, tmp_path, {NFC: 1.0}, "all", LAYOUTS["flat"])


# Zips


@pytest.mark.parametrize("name", [NFC, NFD])
@pytest.mark.parametrize("flagged", [True, False])
def test_a_name_in_utf_8_is_read_with_and_without_its_flag(tmp_path, name, flagged):
    source = write_zip(tmp_path / "a.zip", {f"a/anna/{name}.TextGrid": LONG})
    if not flagged:
        data = source.read_bytes()
        for header, place in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
            at = data.index(header) + place
            data = data[:at] + bytes([data[at] & ~0x08]) + data[at + 1 :]
        source.write_bytes(data)
    intervals, problems = index_source(source, tmp_path, {NFC: 1.0}, "all", LAYOUTS["flat"])
    assert intervals == cleaned(NFC)
    assert problems.empty


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_of_a_zip_with_something_before_it_and_headers_that_differ(tmp_path, compression):
    source = tmp_path / "a.zip"
    with zipfile.ZipFile(source, "w", compression) as archive:
        for number in range(3):
            with archive.open(zipfile.ZipInfo(member(f"1-2-000{number}")), "w", force_zip64=True) as stream:
                stream.write(LONG.encode())
    source.write_bytes(b"a program that unpacks itself" + source.read_bytes())
    ids = [f"1-2-000{number}" for number in range(3)]
    intervals, problems = index_source(source, tmp_path, dict.fromkeys(ids, 1.0))
    assert intervals == [row for name in ids for row in cleaned(name)]
    assert problems.empty


def test_a_member_whose_checksum_differs_is_named(tmp_path):
    source = tmp_path / "a.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(member(GOOD), LONG)
        archive.writestr(member("1-2-0001"), LONG)
    source.write_bytes(source.read_bytes().replace(b"hello", b"hullo", 1))
    intervals, problems = index_source(source, tmp_path, {GOOD: 1.0, "1-2-0001": 1.0})
    assert intervals == cleaned("1-2-0001")
    assert problems["detail"].tolist() == [f"{member(GOOD)}: the zip is damaged: a checksum differs"]


def test_a_member_that_cannot_be_unpacked_is_named(tmp_path):
    source = write_zip(tmp_path / "a.zip", {member(GOOD): LONG})
    with zipfile.ZipFile(source, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr(member("1-2-0001"), LONG)
    intervals, problems = index_source(source, tmp_path, {GOOD: 1.0, "1-2-0001": 1.0})
    assert intervals == cleaned(GOOD)
    assert problems["detail"].tolist() == [
        f"{member('1-2-0001')}: it is packed by method 14; pack the zip again with deflate"
    ]


# Real speech


@pytest.mark.skipif(not REAL_SPEECH.is_dir(), reason="no real speech beside the checkout")
def test_alignments_of_real_speech(tmp_path):
    durations = {"1001-1-0000": 7.1, "61-70968-0000": 4.905}
    source = REAL_SPEECH / "real-mini_alignments.zip"
    intervals, problems = index_source(source, tmp_path, durations, split="real-mini")
    assert {row[0] for row in intervals} == set(durations)
    assert {row[2] for row in intervals if row[1] == "phone"} <= set(ARPABET.phones)
    assert set(problems["problem"]) == {"no utterance"}
