"""A user's table of segments beside the corpus: what is kept, what is left out and named, what is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.errors import LayerwiseError
from layerwise.segments import reading
from layerwise.segments.reading import read_segments

SPEAKERS = {"1-2-0001": "1", "1-2-0002": "1", "3-4-0001": "3"}
DURATIONS = {"1-2-0001": 1.0, "1-2-0002": 2.0, "3-4-0001": 3.0}
HEADER = "utterance_id,start,end"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "utterances.parquet"
    columns = {"utterance_id": list(SPEAKERS), "speaker_id": list(SPEAKERS.values()), "audio_path": "x.flac"}
    pd.DataFrame(columns | {"duration": list(DURATIONS.values()), "start": 0.0}).to_parquet(path)
    return path


@pytest.fixture
def read(corpus, tmp_path):
    """Reads a table, given as text or as a frame: its segments, and the rows that are left out."""

    def call(table: str | pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        path = tmp_path / "table"
        if isinstance(table, str):
            path.write_text(table, encoding="utf-8")
        else:
            table.to_parquet(path)
        out, problems = tmp_path / "out.parquet", tmp_path / "problems.csv"
        read_segments(path, corpus, out, problems)
        return pd.read_parquet(out), pd.read_csv(problems, dtype="str")

    return call


@pytest.fixture
def refusal(read):
    def call(table: str | pd.DataFrame) -> str:
        with pytest.raises(LayerwiseError) as caught:
            read(table)
        return str(caught.value)

    return call


def test_columns_speakers_and_order(read):
    segments, problems = read("stress,end,start,utterance_id\nA,2,1,3-4-0001\nB,0.5,0,1-2-0001\nC,1.5,1,3-4-0001\n")
    assert list(segments) == ["utterance_id", "speaker_id", "label", "start", "end", "stress"]
    assert segments.to_numpy().tolist() == [
        ["1-2-0001", "1", "", 0.0, 0.5, "B"],
        ["3-4-0001", "3", "", 1.0, 1.5, "C"],
        ["3-4-0001", "3", "", 1.0, 2.0, "A"],
    ]
    assert problems.empty


def test_labels_are_text_whatever_is_in_them(read):
    assert read(f"{HEADER},label\n1-2-0001,0,1,07\n1-2-0002,0,1,\n")[0]["label"].tolist() == ["07", ""]


def test_columns_are_numbers_or_text(read):
    segments, _ = read(
        f"{HEADER},whole,holes,mixed,codes,empty,huge\n"
        "1-2-0001,0,1,3,2.5,1,007,,1\n1-2-0001,.25,1,-4,,x,008,,1e400\n1-2-0001,5e-1,1,0,NA,2,010,,2\n"
    )
    assert segments["whole"].tolist() == [3, -4, 0]
    assert segments["whole"].dtype == np.int64
    assert segments["holes"].tolist() == pytest.approx([2.5, np.nan, np.nan], nan_ok=True)
    assert segments["mixed"].tolist() == ["1", "x", "2"]
    assert segments["codes"].tolist() == ["007", "008", "010"]
    assert segments["empty"].tolist() == ["", "", ""]
    assert segments["huge"].tolist() == ["1", "1e400", "2"]


def test_decimal_commas_between_semicolons(read):
    segments, _ = read("utterance_id;start;end;f1\n1-2-0001;0,25;0,5;1,5\n")
    assert segments.iloc[0].tolist() == ["1-2-0001", "1", "", 0.25, 0.5, 1.5]


def test_parquet_of_any_types(read):
    frame = pd.DataFrame(
        {
            "utterance_id": pd.Categorical(["1-2-0001", "3-4-0001"]),
            "start": np.array([0.25, 0.5], np.float32),
            "end": [1, 2],
            "speaker_id": [1.0, 3.0],
            "label": [7, 8],
            "stressed": [True, None],
            "count": pd.array([1, None], "Int64"),
            "sound": [b"a", b"b"],
        }
    )
    segments, _ = read(frame)
    assert list(segments)[5:] == ["stressed", "count"]
    assert segments.iloc[0].tolist() == ["1-2-0001", "1", "7", 0.25, 1.0, "True", 1.0]
    assert segments["stressed"].tolist() == ["True", ""]
    assert np.isnan(segments["count"][1])


@pytest.mark.parametrize(
    ("row", "problem", "detail"),
    [
        ("9-9-0001,0,1", "unknown utterance", "none of this name"),
        (",0,1", "unknown utterance", "none of this name"),
        ("1-2-0001,0,x", "no number", "start is 0, end is x"),
        ("1-2-0001,,1", "no number", "start is empty, end is 1"),
        ("1-2-0001,0,inf", "no number", "end is inf"),
        ("1-2-0001,0.5,0.5", "no length", "from 0.5 to 0.5 s"),
        ("1-2-0001,0.5,0.4", "no length", "from 0.5 to 0.4 s"),
        ("1-2-0001,-0.1,0.4", "before the recording", "from -0.1 to 0.4 s"),
        ("1-2-0001,0.5,1.0501", "after the recording", "from 0.5 to 1.0501 s, of 1 s"),
        ("1-2-0001,1,1.01", "after the recording", "from 1 to 1.01 s, of 1 s"),
        ("1-2-0002,0,1", "twice", "the same row stands above"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_and_named(read, caplog, row, problem, detail):
    with caplog.at_level(logging.WARNING):
        segments, problems = read(f"{HEADER}\n1-2-0002,0,1\n\n{row}\n3-4-0001,0,1\n")
    assert segments["utterance_id"].tolist() == ["1-2-0002", "3-4-0001"]
    assert problems["line"].tolist() == ["4"]
    assert problems["problem"].tolist() == [problem]
    assert detail in problems["detail"][0]
    assert "1 of 3 rows are left out" in caplog.text
    assert problem in caplog.text


def test_an_end_a_little_after_the_recording_is_the_recordings(read):
    assert read(f"{HEADER}\n1-2-0001,0.5,1.05\n")[0]["end"].tolist() == [1.0]


def test_the_log_names_twenty_of_a_kind_and_counts_the_rest(read, caplog):
    rows = "".join(f"1-2-0001,0.5,0.{number:03}\n" for number in range(100, 130))
    unknown = "".join(f"u{number:02},0,1\n" for number in range(30))
    _, problems = read(f"{HEADER}\n1-2-0001,0,1\n{rows}{unknown}")
    assert len(problems) == 60
    assert caplog.text.count("no length: ") == 21
    assert "no length: 10 more" in caplog.text
    assert "unknown utterance: 30 rows of 30 utterances: u00, u01" in caplog.text


# Tables of which nothing can be used


def test_no_utterance_known(refusal):
    said = refusal(f"{HEADER}\nlibri/1-2-0002.flac,0,1\n")
    for word in ("none of its 1 utterances", "look like 1-2-0001", "libri/1-2-0002.flac (did you mean 1-2-0002?)"):
        assert word in said


def test_no_row_usable(refusal):
    said = refusal(f"{HEADER}\n1-2-0001,1,0.5\n1-2-0001,x,0.5\n1-2-0001,0.5,0.5\n9,0,1\n")
    assert (
        "has no row that can be used: 2 no length (first: line 2, from 1 to 0.5 s), 1 no number (first: line 3" in said
    )


@pytest.mark.parametrize(
    ("unit", "factor"), [("milliseconds", 1000), ("samples at 16000 Hz", 16000), ("100 ns", 10**7)]
)
def test_other_units_are_recognised(refusal, unit, factor):
    rows = [("1-2-0001", 0.1, 0.4), ("1-2-0002", 1.2, 1.9), ("3-4-0001", 2.5, 3.0)]
    said = refusal("\n".join([HEADER, *(f"{name},{s * factor:.0f},{e * factor:.0f}" for name, s, e in rows)]))
    assert f"these look like {unit}" in said or f"these look like units of {unit}" in said
    assert "3 of 3 segments end after their recording" in said


def test_times_of_a_longer_recording_are_no_other_unit(refusal):
    said = refusal(f"{HEADER}\n1-2-0001,4,4.5\n3-4-0001,20,20.5\n")
    assert "times must be seconds from the recording's beginning" in said
    assert "look like" not in said


def test_speakers_must_be_the_corpus_s(read, refusal):
    assert read(f"{HEADER},speaker_id\n1-2-0001,0,1,1\n3-4-0001,0,1,\nx,0,1,7\n")[0]["speaker_id"].tolist() == [
        "1",
        "3",
    ]
    said = refusal(f"{HEADER},speaker_id\n1-2-0001,0,1,1\n3-4-0001,0,1,4\n")
    assert "line 3: speaker_id is 4, but in the corpus 3 speaks 3-4-0001" in said


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (f"{HEADER}\n", "has no row"),
        (f"{HEADER},x\n1-2-0001,0,1\n", "line 2 has 3 cells, the header 4"),
        (f"{HEADER},x,x\n1-2-0001,0,1,2,3\n", "has two columns x"),
        ("utterance_id,start,stop\n1-2-0001,0,1\n", "has no column end"),
        (pd.DataFrame({"utterance_id": ["1-2-0001"], "start": [0.0]}), "has no column end"),
        (pd.DataFrame({"utterance_id": ["1-2-0001"], "start": [[0.0]], "end": [1]}), "has no column start"),
    ],
)
def test_no_table_of_segments(refusal, table, message):
    assert message in refusal(table)


# Any table

IDS = st.sampled_from([*SPEAKERS, "9-9-0009", ""])
TIMES = st.integers(-5, 40).map(lambda tenths: tenths / 10) | st.sampled_from(["", "x", "0.30000000000000004"])
ROWS = st.lists(st.tuples(IDS, TIMES, TIMES, st.integers(0, 2)), min_size=1, max_size=12)


@settings(max_examples=60)
@given(rows=ROWS, order=st.randoms(use_true_random=False))
def test_each_row_is_kept_or_named_and_order_does_not_matter(corpus, tmp_path_factory, rows, order):
    folder = tmp_path_factory.mktemp("any")

    def result(rows):
        lines = [",".join(map(str, row)) for row in rows]
        (folder / "t.csv").write_text("\n".join([f"{HEADER},x", *lines]) + "\n")
        try:
            read_segments(folder / "t.csv", corpus, folder / "out.parquet", folder / "problems.csv")
        except reading.SegmentsError as error:
            return str(error).split(":")[0], None
        return pd.read_parquet(folder / "out.parquet"), pd.read_csv(folder / "problems.csv", keep_default_na=False)

    segments, problems = result(rows)
    if problems is None:
        return
    assert len(segments) + len(problems) == len(rows)
    assert problems["line"].is_unique
    assert (segments["end"] > segments["start"]).all()
    assert (segments["end"] <= segments["utterance_id"].map(DURATIONS)).all()
    assert (segments["start"] >= 0).all()
    assert segments["speaker_id"].tolist() == segments["utterance_id"].map(SPEAKERS).tolist()
    shuffled = list(rows)
    order.shuffle(shuffled)
    again, _ = result(shuffled)
    keys = ["utterance_id", "start", "end"]
    assert segments[keys].equals(segments[keys].sort_values(keys, ignore_index=True))
    by = [*keys, "x"]
    assert again.sort_values(by, ignore_index=True).equals(segments.sort_values(by, ignore_index=True))


@settings(max_examples=40)
@given(values=st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=1, max_size=8))
def test_numbers_are_the_same_from_csv_and_from_parquet(corpus, tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("same")
    times = np.arange(len(values)) / 100
    frame = pd.DataFrame({"utterance_id": "3-4-0001", "start": times, "end": times + 0.5, "x": values})
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_parquet(folder / "t.parquet")
    found = []
    for name in ("t.csv", "t.parquet"):
        read_segments(folder / name, corpus, folder / f"{name}.out", folder / "problems.csv")
        found.append(pd.read_parquet(folder / f"{name}.out"))
    if any(value == value for value in values):  # a CSV of holes alone has no numbers
        np.testing.assert_array_equal(found[0]["x"], np.array(values))
    np.testing.assert_array_equal(found[1]["x"], np.array(values))
    assert found[0].drop(columns="x").equals(found[1].drop(columns="x"))


def test_equal_tables_give_equal_bytes(corpus, tmp_path):
    (tmp_path / "t.csv").write_text(f"{HEADER},x\n3-4-0001,0,1,b\n1-2-0001,0,1,a\n")
    for name in ("one", "two"):
        read_segments(tmp_path / "t.csv", corpus, tmp_path / name, tmp_path / f"{name}.csv")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
