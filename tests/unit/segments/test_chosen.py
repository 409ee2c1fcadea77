"""What tables of segments are called in paths, and their columns by the header alone."""

from __future__ import annotations

import os
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.errors import LayerwiseError
from layerwise.segments.chosen import columns_of, table_names
from layerwise.spans import SPANS

PATHS = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12), max_size=6)


@given(paths=PATHS | st.lists(st.sampled_from(["a/x.csv", "b/x.csv", "c/X.tsv", "x", "word.csv", "a/../a/x.csv"])))
def test_names_are_of_paths_and_each_file_has_its_own(paths):
    names = table_names(paths)
    assert set(names) == set(paths)
    assert all(re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name) for name in names.values())
    assert not {name.lower() for name in names.values()} & {*SPANS, "utterance"}
    files = {path: os.path.realpath(path) for path in names}
    assert len({name.lower() for name in names.values()}) == len(set(files.values()))


@given(paths=PATHS, more=PATHS)
def test_another_table_renames_none(paths, more):
    before, after = table_names(paths), table_names([*paths, *more])
    assert {path: after[path] for path in before} == before


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("stresses.csv", "stresses"),
        ("/data/my vowels.2.parquet", "my_vowels_2"),
        ("-_x.csv", "x"),
        ("日本.csv", "segments"),
        ("a" * 200 + ".csv", "a" * 60),
    ],
)
def test_a_table_is_called_as_its_file(path, name):
    assert table_names([path]) == {path: name}


def test_of_two_files_of_one_name_the_first_keeps_it():
    names = table_names(["a/x.csv", "b/x.csv", "./a/x.csv"])
    assert names["a/x.csv"] == names["./a/x.csv"] == "x"
    assert re.fullmatch("x-[0-9a-f]{6}", names["b/x.csv"])
    assert table_names(["b/x.csv", "a/x.csv"])["b/x.csv"] == "x"


@pytest.mark.parametrize("span", ["word", "Frame", "utterance"])
def test_no_table_is_called_as_a_span(span):
    assert re.fullmatch(rf"{span}-[0-9a-f]{{6}}", table_names([f"{span}.csv"])[f"{span}.csv"])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_columns_are_those_of_the_header_and_the_speaker(tmp_path, delimiter, encoding):
    path = tmp_path / "x.csv"
    lines = [["utterance_id", "start", "stress", "end", "the f1"], ["é", "0", "1", "2", "x\ny"]]
    path.write_text("\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines), encoding=encoding)
    assert columns_of(path) == ["utterance_id", "speaker_id", "start", "end", "stress", "the f1"]


def test_only_the_beginning_is_read(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"utterance_id,start,end,label\n" + "é".encode() * 600_000 + b'\n"')  # not even a CSV
    assert columns_of(path)[-1] == "label"


def test_columns_of_a_parquet_table_that_hold_no_text_or_numbers_are_none(tmp_path):
    frame = pd.DataFrame({"utterance_id": ["a"], "start": [0], "end": [1.5], "f1": [3], "audio": [b"x"], "l": [[1]]})
    frame.to_parquet(tmp_path / "x.parquet")
    assert columns_of(tmp_path / "x.parquet") == ["utterance_id", "speaker_id", "start", "end", "f1"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("utterance_id,start,ende\n", r"has no column end \(did you mean ende\?\); it has utterance_id, start, ende"),
        ("utterance;start;end\n", r"has no column utterance_id \(did you mean utterance\?\); it has utterance, start"),
        ("utterance_id,start,end,x,x\n", "has two columns x"),
        ("", "has no column utterance_id and start and end; it has none"),
        (b"PAR1 and no more", "cannot be read as a Parquet table"),
        (b"\xff\xfe\x00", "cannot be read|has no column"),
        (None, "No such file"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, content, message):
    path = tmp_path / "x.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(LayerwiseError, match=message) as caught:
        columns_of(path)
    assert str(path) in str(caught.value)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(LayerwiseError, match="it is a folder"):
        columns_of(tmp_path)
