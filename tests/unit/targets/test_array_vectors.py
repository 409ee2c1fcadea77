"""Word vectors in Parquet and npz."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from layerwise.targets import array_vectors
from layerwise.targets.array_vectors import read_npz_vectors, read_parquet_vectors
from layerwise.targets.errors import LookUpError
from layerwise.targets.wanted import Wanted

WORDS = ["the", "The", "new york", "été"]
VECTORS = np.arange(12.0).reshape(4, 3) / 8
READERS = {"parquet": read_parquet_vectors, "npz": read_npz_vectors}


def found(path, *labels, case="exact"):
    wanted = Wanted.of(path, labels, case)
    READERS[path.suffix[1:]](path, wanted)
    vectors = {label: wanted.vector(label) for label in labels}
    return {label: vector.tolist() for label, vector in vectors.items() if vector is not None}


def as_columns(path, words, vectors):
    pq.write_table(
        pa.table({"word": words, **{f"d{i}": column for i, column in enumerate(np.transpose(vectors))}}), path
    )


def as_lists(path, words, vectors):
    pq.write_table(pa.table({"label": words, "vector": [list(map(float, row)) for row in vectors]}), path)


def as_fixed_lists(path, words, vectors):
    flat = pa.array(np.ravel(vectors).astype(np.float32))
    lists = pa.FixedSizeListArray.from_arrays(flat, len(vectors[0]))
    pq.write_table(pa.table({"word": pa.array(words).dictionary_encode(), "count": [1] * len(words), "v": lists}), path)


def as_npz(path, words, vectors):
    np.savez(path, words=np.array(words, dtype=str), vectors=vectors)


def as_packed_npz(path, words, vectors):
    np.savez_compressed(path, vectors=vectors, words=np.array([word.encode() for word in words]))


WRITERS = [
    (as_columns, "v.parquet"),
    (as_lists, "v.parquet"),
    (as_fixed_lists, "v.parquet"),
    (as_npz, "v.npz"),
    (as_packed_npz, "v.npz"),
]


@pytest.fixture(params=WRITERS, ids=lambda param: param[0].__name__)
def written(request, tmp_path):
    write, name = request.param

    def path_of(words=WORDS, vectors=VECTORS):
        write(tmp_path / name, words, vectors)
        return tmp_path / name

    return path_of


def test_words_are_found(written):
    path = written()
    assert found(path, "the", "été", "york", "new york") == {
        "the": VECTORS[0].tolist(),
        "été": VECTORS[3].tolist(),
        "new york": VECTORS[2].tolist(),
    }
    assert found(path, "THE", case="lower") == {"THE": VECTORS[0].tolist()}


def test_a_file_is_read_some_rows_at_a_time(written, monkeypatch):
    monkeypatch.setattr(array_vectors, "_ROWS", 3)
    words = [f"w{number}" for number in range(10)]
    vectors = np.arange(20.0).reshape(10, 2)
    assert found(written(words, vectors), *words) == dict(zip(words, vectors.tolist(), strict=True))
    vectors[7, 1] = np.nan
    with pytest.raises(LookUpError, match="row 8: value 2 is nan; a finite number is expected"):
        found(written(words, vectors), *words)


def test_a_word_that_stands_there_twice_has_one_vector(written):
    assert found(written(["a", "b", "a"], VECTORS[[0, 1, 0]]), "a") == {"a": VECTORS[0].tolist()}
    with pytest.raises(LookUpError, match="'a' stands there twice with different vectors, in row 1 and row 3"):
        found(written(["a", "b", "a"], VECTORS[:3]), "a")


@given(
    vectors=arrays.arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 4)), elements=st.floats(-1e9, 1e9))
)
@pytest.mark.parametrize(("write", "name"), [WRITERS[0], WRITERS[1], WRITERS[3]])
def test_what_is_written_is_found(tmp_path_factory, write, name, vectors):
    words = [f"wörd {number}" for number in range(len(vectors))]
    path = tmp_path_factory.mktemp("arrays") / name
    write(path, words, vectors)
    assert found(path, *words) == dict(zip(words, vectors.tolist(), strict=True))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"token": ["a"], "x": [1.0]}, "one column of words is expected, word or label; it has token, x"),
        ({"word": ["a"], "label": ["a"], "x": [1.0]}, "one column of words is expected"),
        ({"word": [1], "x": [1.0]}, "the column word is of type int64; text is expected"),
        ({"word": ["a"], "x": ["1.0"]}, "the column x is of type string; beside the words, numbers are expected"),
        ({"word": ["a"]}, "it has no other column"),
        ({"word": ["a"], "x": [None]}, "is of type null"),
        ({"Word": ["b", "a"], "x": [1.0, 2.0]}, "word or label; it has Word, x (did you mean word?)"),
        ({"word": ["b", "a"], "x": [1.0, None]}, "row 2: value 1 is nan"),
        ({"word": ["b", "a"], "v": [[1.0], [1.0, 2.0]]}, "row 2 has 2 numbers, others have 1"),
        ({"word": ["b", "a"], "v": [[1.0], None]}, "row 2 has 0 numbers, others have 1"),
        ({"word": pa.array([], pa.string()), "x": pa.array([], pa.float64())}, "is empty"),
    ],
)
def test_tables_of_another_kind_are_refused(tmp_path, columns, said):
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    with pytest.raises(LookUpError) as error:
        found(tmp_path / "v.parquet", "a", "b")
    assert f"{tmp_path}/v.parquet" in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"word": ["a"], "vectors": [[1.0]]}, r"has no array words (did you mean word?); it has vectors, word"),
        ({"words": ["a"]}, "has no array vectors"),
        ({"words": ["a", "b"], "vectors": [[1.0]]}, "has 2 words and 1 vectors; each word has one"),
        ({"words": ["a"], "vectors": [1.0]}, "vectors is of type float64 and shape (1,)"),
        ({"words": [1], "vectors": [[1.0]]}, "words is of type int64 and shape (1,); expected are text"),
        ({"words": np.array(["a"], object), "vectors": [[1.0]]}, "words is of type object"),
        ({"words": ["a", "b"], "vectors": np.ones((2, 2), order="F")}, "save numpy.ascontiguousarray(vectors)"),
        ({"words": np.array([], str), "vectors": np.ones((0, 2))}, "is empty"),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path, held, said):
    np.savez(tmp_path / "v.npz", **held)
    with pytest.raises(LookUpError) as error:
        found(tmp_path / "v.npz", "a", "b")
    assert said in str(error.value)


@pytest.mark.parametrize("cut", [1, 100, 300])
def test_a_file_that_is_cut_off_is_refused(written, cut):
    path = written()
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(LookUpError, match=r"v\.\w+ cannot be read as"):
        found(path, "the")
