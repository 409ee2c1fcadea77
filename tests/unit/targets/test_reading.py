"""Target files: what is written is read, and nothing else; score jobs can read them without pandas."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.files.shipped import ROOT
from layerwise.representations.store import RepresentationError
from layerwise.targets.reading import TargetTable, read_targets
from layerwise.targets.writing import write_missing, write_targets

VECTORS = TargetTable(
    np.array([1, -1, 0]), np.array(["été", "a b"]), np.array([[0.1, 2.0], [3e-9, 4]]), ("x", "y"), "row", 1
)
LABELS = TargetTable(np.array([0, 1, 0]), np.array(["f", "m"]), None, None, "speaker", 0)


def as_tuple(table):
    values = None if table.values is None else table.values.tolist()
    return table.type.tolist(), table.names.tolist(), values, table.columns, table.unit, table.missing


@pytest.mark.parametrize("table", [VECTORS, LABELS], ids=["vectors", "labels"])
def test_what_is_written_is_read(tmp_path, table):
    write_targets(tmp_path / "t.h5", table)
    found = read_targets(tmp_path / "t.h5")
    assert as_tuple(found) == as_tuple(table)
    assert found.type.dtype == np.int64


@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, unique=True),
    seed=st.integers(0, 2**32),
    rows=st.integers(1, 30),
)
def test_any_names_are_read(tmp_path_factory, names, seed, rows):
    random = np.random.default_rng(seed)
    types = random.integers(-1, len(names), rows)
    values = random.normal(size=(len(names), 3))
    table = TargetTable(types, np.array(names), values, None, "utterance", int((types < 0).sum()))
    path = tmp_path_factory.mktemp("targets") / "t.h5"
    write_targets(path, table)
    assert as_tuple(read_targets(path)) == as_tuple(table)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file["type"].write_direct(np.array([2, -1, 0])), "a row is of type 2; there are 2 types"),
        (lambda file: file["type"].write_direct(np.array([1, -2, 0])), "a row is of type -2"),
        (lambda file: file["values"].write_direct(np.full((2, 2), np.nan)), "a value is no finite number"),
        (lambda file: file["values"].resize((1, 2)), "2 types and values of 1"),
        (lambda file: file["columns"].resize((1,)), "it names 1 columns, and its values have 2"),
        (lambda file: file.attrs.modify("missing", 2), "it says that 2 rows have no target; it has 1"),
        (lambda file: file.attrs.modify("unit", np.bytes_("day")), "given for each 'day'; expected row, utterance"),
        (lambda file: file.attrs.pop("complete"), "was not completed"),
    ],
)
def test_files_that_contradict_themselves_are_refused(tmp_path, change, said):
    write_targets(tmp_path / "t.h5", VECTORS)
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        change(file)
    with pytest.raises(RepresentationError) as error:
        read_targets(tmp_path / "t.h5")
    assert said in str(error.value)


def test_what_is_missing_is_listed_with_the_most_frequent_first(tmp_path):
    write_missing(tmp_path / "missing.csv", Counter({"b": 1, "a,": 1, "dog": 4}))
    assert (tmp_path / "missing.csv").read_text() == 'label,count\ndog,4\n"a,",1\nb,1\n'


def test_reading_needs_no_pandas():
    code = "import sys, layerwise.targets.reading; print({'pandas', 'pyarrow', 'torch'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "workflow", capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
