"""Files of results that are not as they were written: refused by name, in a line, whatever is wrong with them."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from layerwise.demo.practice_speech import Speech
from layerwise.errors import LayerwiseError
from layerwise.files.own_arrays import read_array, read_arrays
from layerwise.files.own_files import RereadError, read_own_json, read_shape
from layerwise.files.own_tables import ITEMS, SEGMENT_COLUMNS, UTTERANCES, read_csv_table, read_parquet
from layerwise.tables.models import read_models
from layerwise.tables.recommendations import COLUMNS as ADVICE
from layerwise.tables.recommendations import read_recommendations
from shipped_properties import PROPERTIES

AGAIN = r"is not as this workflow writes it: .*\. Delete it and run the same command again"


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_named_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "a")
    for read in (
        read_own_json,
        read_csv_table,
        lambda path: read_parquet(path, ()),
        lambda path: read_array(path, "i2"),
    ):
        with pytest.raises(RereadError, match=r"a is not as .*: it is a pipe"):
            read(tmp_path / "a")


# JSON


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "3", "null", '"text"', "[" * 100_000, '{"a":' * 100_000, '{"a": ' + "9" * 5000 + "}",
     b'{"a": "\xff"}', b'{"a": "\xed\xb3\xa9"}', r'{"a": "\ud800"}', b"\xff\xfe{\0}\0\0"],
)  # fmt: skip
def test_what_is_no_object_of_json_is_refused(tmp_path, content):
    with pytest.raises(RereadError, match=AGAIN):
        read_own_json(written(tmp_path / "a.json", content))


def test_pairs_of_halves_are_characters(tmp_path):
    assert read_own_json(written(tmp_path / "a.json", json.dumps({"model": "\N{MUSICAL SYMBOL G CLEF}"}))) == {
        "model": "\N{MUSICAL SYMBOL G CLEF}"
    }


def test_files_of_gigabytes_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_MAX_RESULT_BYTES", "10")
    path = written(tmp_path / "a.json", '{"a": "long"}')
    for read in (read_own_json, read_csv_table):
        with pytest.raises(LayerwiseError, match="export LAYERWISE_MAX_RESULT_BYTES=13"):
            read(path)


SHAPE = {"conv_layers": 7, "blocks": 12, "stride_seconds": 0.02, "width": 768}


def test_the_shape_of_a_model_is_read(tmp_path):
    assert read_shape(written(tmp_path / "a.json", json.dumps(SHAPE))) == SHAPE


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("blocks", 10**9),
        ("blocks", 0),
        ("blocks", "12"),
        ("blocks", 12.0),
        ("blocks", True),
        ("conv_layers", -1),
        ("width", None),
        ("stride_seconds", 0),
        ("stride_seconds", float("nan")),
        ("stride_seconds", float("inf")),
        ("stride_seconds", "0.02"),
    ],
)
def test_a_shape_of_no_model_is_refused(tmp_path, key, value):
    with pytest.raises(RereadError, match=rf"{key} is .*{AGAIN[-30:]}"):
        read_shape(written(tmp_path / "a.json", json.dumps(SHAPE | {key: value})))


def test_a_shape_that_is_not_known_yet_is_missing_and_not_wrong(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_shape(tmp_path / "a.json")


# CSV

TABLE = "model,layer,status,score\na,T1,ok,0.5\nb,,skipped,\n"
TEXT = ["model", "layer", "status"]


def table(tmp_path: Path, content: str | bytes) -> pd.DataFrame:
    path = written(tmp_path / "t.csv", content)
    return read_csv_table(path, [*TEXT, "score"], TEXT, ["model", "layer"])


def test_a_table_is_read_as_it_was_written(tmp_path):
    found = table(tmp_path, TABLE)
    assert found["layer"].tolist() == ["T1", ""]
    assert found["score"].tolist()[0] == 0.5
    assert np.isnan(found["score"].tolist()[1])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (TABLE, "", "EmptyDataError"),
        ("score\n", "scare\n", "it lacks the column score"),
        ("0.5", "high", "no number in column score, such as 'high'"),
        ("0.5", "1e400", "a number beyond"),
        ("0.5", "inf", "a number beyond"),
        ("0.5", "9" * 5000, "column score"),
        ("0.5", "True", "no number in column score"),
        ("T1", "T" + "9" * 5000, "in column layer"),
        ("T1", "T٣", "in column layer"),
        ("T1", "T1\n", "column"),
        (",ok,", ",fine,", "'fine' in column status"),
        ("b,,", "a,T1,", "two rows of a, T1"),
        ("a,T1", '"a,T1', "ParserError|lacks|column"),
        ("a,T1", "\x00a\xff", "column|Error"),
    ],
)
def test_a_table_with_something_else_in_it_is_refused(tmp_path, old, new, message):
    assert old in TABLE
    with pytest.raises(RereadError, match=message):
        table(tmp_path, TABLE.replace(old, new, 1).encode("latin-1" if "\xff" in new else "utf-8"))


def test_a_number_of_blocks_is_bounded(tmp_path):
    for blocks in ("", "0", "1e15", "-3"):
        path = written(tmp_path / "models.csv", f"model,objective,size,blocks\na,contrastive,Base,{blocks}\n")
        with pytest.raises(RereadError, match=r"models\.csv .* blocks"):
            read_models(path)


@pytest.mark.parametrize(
    ("column", "value"),
    [("kind", "wish"), ("question", "taste"), ("costs", "a=b"), ("costs", "a"), ("tied", "T1 x"), ("score", "much")],
)
def test_advice_that_no_sentence_can_be_made_of_is_refused(tmp_path, column, value):
    row = dict.fromkeys(ADVICE, "") | {"model": "m", "question": "phone", "kind": "property", "layer": "T1"}
    row |= {"costs": "ic=0.1 external:asr=-1e-05", "tied": "T2 T3", "alignments": "given", "score": 0.5}
    path = tmp_path / "recommendations.csv"
    pd.DataFrame([row]).to_csv(path, index=False)
    assert len(read_recommendations(path, PROPERTIES)) == 1
    pd.DataFrame([row | {column: value}]).to_csv(path, index=False)
    with pytest.raises(RereadError, match=rf"in column {column}"):
        read_recommendations(path, PROPERTIES)


# Parquet

UTTERANCE = {"utterance_id": ["u1"], "speaker_id": ["s"], "audio_path": ["a"], "duration": [1.0], "start": [0.0]}


def test_what_is_no_parquet_is_refused(tmp_path):
    for content in (b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"<html></html>"):
        with pytest.raises(RereadError, match=AGAIN):
            read_parquet(written(tmp_path / "u.parquet", content), UTTERANCES)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("duration", None, "it lacks the column duration"),
        ("duration", ["1.0"], "column duration is of type"),
        ("duration", [float("nan")], "an empty cell in column duration"),
        ("duration", [float("inf")], "a number below 0 or beyond"),
        ("start", [-0.5], "a number below 0"),
        ("utterance_id", [3], "column utterance_id is of type int64"),
        ("audio_path", [None], "column audio_path is of type|an empty cell in column audio_path"),
    ],
)
def test_a_table_of_utterances_has_their_columns(tmp_path, column, values, message):
    rows = {name: cells for name, cells in (UTTERANCE | {column: values}).items() if cells is not None}
    pd.DataFrame(rows).to_parquet(tmp_path / "u.parquet", index=False)
    with pytest.raises(RereadError, match=message):
        read_parquet(tmp_path / "u.parquet", UTTERANCES)


def test_text_that_is_none_is_refused(tmp_path):
    binary = pa.array([b"\xff\xfe"]).view(pa.binary())
    text = pa.Array.from_buffers(pa.string(), 1, binary.buffers())
    pq.write_table(pa.table({"utterance_id": text}), tmp_path / "u.parquet")
    with pytest.raises(RereadError, match=AGAIN):
        read_parquet(tmp_path / "u.parquet", ("utterance_id",))


def test_rows_and_bytes_that_a_small_file_declares_are_bounded(tmp_path, monkeypatch):
    path = tmp_path / "i.parquet"
    rows = 1_000_000
    pq.write_table(
        pa.table({name: pa.repeat(value, rows) for name, value in zip(SEGMENT_COLUMNS, "ab12", strict=True)}), path
    )
    assert path.stat().st_size < 100_000
    for limit in ("RESULT_ROWS", "UNPACKED_RESULT_BYTES"):
        monkeypatch.setenv(f"LAYERWISE_MAX_{limit}", "1000")
        with pytest.raises(LayerwiseError, match=rf"i\.parquet has .*export LAYERWISE_MAX_{limit}="):
            read_parquet(path, SEGMENT_COLUMNS)
        monkeypatch.delenv(f"LAYERWISE_MAX_{limit}")


@pytest.mark.parametrize("target", [["x"], [["x"], [3]], [[1]]])
def test_targets_of_items_are_lists_of_texts(tmp_path, target):
    row = {"item_id": "i", "speaker_id": "", "part": "train", "audio_path": "a", "num_samples": 5, "start": 0.0}
    cells = target if isinstance(target[0], list) else [target[0]]
    if target == [["x"], [3]]:
        cells = [["x"], None]
    pd.DataFrame([row | {"target": cell} for cell in cells]).to_parquet(tmp_path / "i.parquet")
    with pytest.raises(RereadError, match="column target"):
        read_parquet(tmp_path / "i.parquet", ITEMS)


# Arrays and states


def npz(path: Path, compressed: bool = False, **arrays) -> Path:
    with path.open("wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return path


def test_arrays_are_no_pickles_and_not_compressed(tmp_path):
    held = np.arange(5, dtype=np.int16)
    assert read_arrays(npz(tmp_path / "a.npz", a=held), {"a": "int16"})["a"].tolist() == held.tolist()
    for path, message in (
        (npz(tmp_path / "b.npz", a=np.array([{}], object)), "allow_pickle|pickle"),
        (npz(tmp_path / "c.npz", compressed=True, a=np.zeros(10_000_000, np.int16)), "it is compressed"),
        (npz(tmp_path / "d.npz", a=held.astype(np.int64)), "type int64 .* where int16 is expected"),
        (npz(tmp_path / "e.npz", a=held[None]), r"shape \(1, 5\)"),
        (npz(tmp_path / "f.npz", b=held), "KeyError"),
        (written(tmp_path / "g.npz", pickle.dumps([1])), "BadZipFile"),
    ):
        with pytest.raises(RereadError, match=message):
            read_arrays(path, {"a": "int16"})


def test_a_member_that_is_no_array_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", b"not an array")
    with pytest.raises(RereadError, match="bytes where an array is expected"):
        read_arrays(tmp_path / "a.npz", {"a": "int16"})


def test_an_array_that_is_longer_than_its_file_is_refused(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.arange(5, dtype=np.int16))
    assert read_array(written(tmp_path / "a.npy", buffer.getvalue()), "int16").tolist() == [0, 1, 2, 3, 4]
    declared = buffer.getvalue().replace(b"(5,), }" + b" " * 11, b"(500000000000,), }")
    assert declared != buffer.getvalue()
    for data in (declared, buffer.getvalue()[:-2], buffer.getvalue().replace(b"'<i2'", b"'|O' ")):
        with pytest.raises(RereadError, match=r"a\.npy"):
            read_array(written(tmp_path / "a.npy", data), "int16")


@pytest.mark.parametrize("dtype", ["<U0", "<U1", "<i2"])
def test_an_array_in_a_zip_that_is_longer_than_the_zip_is_refused(tmp_path, dtype):
    """Of nothing there may be any number in no bytes."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": dtype, "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", header.getvalue())
    with pytest.raises(
        RereadError, match=r"a\.npz is not as .*: a\.npy says it has the shape \(10{12},\), and has too few"
    ):
        read_arrays(tmp_path / "a.npz", {"a": "U"})
    for kind in ("U", "int16"):
        with pytest.raises(RereadError, match=r"a\.npy is not as"):
            read_array(written(tmp_path / "a.npy", header.getvalue()), kind)


def test_utterances_of_practice_speech_add_up(tmp_path):
    samples, texts = np.arange(640, dtype=np.int16), np.array(["a", "b"])
    for ends in ([320, 700], [320, 320], [640, 320], [-5, 640], [640]):
        path = npz(tmp_path / "s.npz", samples=samples, ends=np.array(ends), texts=texts)
        with pytest.raises(RereadError, match=r"s\.npz is not as .*utterance"):
            Speech.read(path)


def test_a_zip_that_says_more_than_it_has_is_refused(tmp_path):
    from layerwise.files.own_arrays import require_stored

    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", bytes(100))
    data = path.read_bytes()
    require_stored(path)
    path.write_bytes(data.replace((100).to_bytes(4, "little"), (2**31).to_bytes(4, "little")))
    with pytest.raises(RereadError, match="more bytes than it has"):
        require_stored(path)
