"""Word vectors as text, in all the ways in which people write them."""

from __future__ import annotations

import contextlib
import gzip
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.files.texts import composed
from layerwise.targets.errors import LookUpError
from layerwise.targets.text_vectors import read_text_vectors
from layerwise.targets.wanted import Wanted

GLOVE = "the 0.1 0.2\nThe 0.3 0.4\n. . . 0.5 0.6\nat name@domain.com 0.7 0.8\nété -1e-2 2\n"


def found(path, *labels, case="exact", member=None):
    wanted = Wanted.of(path, labels, case)
    read_text_vectors(path, wanted, member)
    vectors = {label: wanted.vector(label) for label in labels}
    return {label: vector.tolist() for label, vector in vectors.items() if vector is not None}


def written(folder, text, name="vectors.txt"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def refused(tmp_path):
    """What is said of a text in which `the` and `cat` are looked up."""

    def message(text, *labels):
        with pytest.raises(LookUpError) as error:
            found(written(tmp_path, text), *(labels or ("the", "cat")))
        return str(error.value).replace(str(tmp_path), "")

    return message


def test_words_with_spaces_are_split_from_the_right(tmp_path):
    path = written(tmp_path, GLOVE)
    assert found(path, ". . .", "at name@domain.com", "name@domain.com", "at") == {
        ". . .": [0.5, 0.6],
        "at name@domain.com": [0.7, 0.8],
    }


def test_case_counts_unless_it_shall_not(tmp_path):
    path = written(tmp_path, GLOVE + "Rome 1 2\nROME 3 4\nPARIS 5 6\n")
    assert found(path, "the", "THE", "rome") == {"the": [0.1, 0.2]}
    assert found(path, "the", "THE", "Rome", "paris", case="lower") == {
        "the": [0.1, 0.2],
        "THE": [0.1, 0.2],
        "Rome": [1, 2],  # the first, as neither is in lower case
        "paris": [5, 6],
    }


def test_of_words_that_differ_in_case_the_one_in_lower_case_is_used_wherever_it_stands(tmp_path):
    path = written(tmp_path, "The 1\nTHe 4\nthe 2\nTHE 3\n")
    assert found(path, "the", "tHE", case="lower") == {"the": [2], "tHE": [2]}
    assert found(path, "THE", "The", case="lower") == {"THE": [3], "The": [1]}  # as they are spelled


def test_word2vec_says_how_many_words_follow(tmp_path):
    assert found(written(tmp_path, "2 3\nthe 1 2 3 \ncat 4 5 6 \n"), "cat", "2") == {"cat": [4, 5, 6]}
    assert found(written(tmp_path, "2 3\nthe 4\n"), "2", "the") == {"2": [3], "the": [4]}  # one dimension, no header


def test_a_word_that_is_a_number_is_a_word(tmp_path):
    assert found(written(tmp_path, "1990 0.5 0.25\n1 2 3\nnan 4 5\n"), "1990", "nan") == {
        "1990": [0.5, 0.25],
        "nan": [4, 5],
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", "\n\n"])
def test_ends_of_lines_do_not_matter(tmp_path, end):
    path = written(tmp_path, GLOVE.replace("\n", end))
    assert found(path, "the", ". . .", "été") == {"the": [0.1, 0.2], ". . .": [0.5, 0.6], "été": [-0.01, 2]}
    assert found(written(tmp_path, GLOVE.rstrip("\n")), "été") == {"été": [-0.01, 2]}


def test_a_mark_at_the_beginning_is_no_part_of_the_first_word(tmp_path):
    assert found(written(tmp_path, b"\xef\xbb\xbf" + GLOVE.encode()), "the") == {"the": [0.1, 0.2]}


def test_tabs_part_values_too(tmp_path):
    assert found(written(tmp_path, "the\t0.1\t0.2\nnew york\t3\t4\n"), "the", "new york") == {
        "the": [0.1, 0.2],
        "new york": [3, 4],
    }


def test_letters_are_the_same_however_they_are_composed(tmp_path):
    assert found(written(tmp_path, "caf\u0065\u0301 1 2\n"), "caf\u00e9") == {"caf\u00e9": [1, 2]}


def test_words_that_are_no_unicode_are_passed_over(tmp_path):
    assert found(written(tmp_path, b"\xff\xfe 1 2\nthe 3 4\n\xc2\x85 5 6\n\xc2\xa0 7 8\n"), "the") == {"the": [3, 4]}


def test_packed_files_are_read_as_they_are(tmp_path):
    packed = written(tmp_path, gzip.compress(GLOVE.encode()), "vectors.gz")
    assert found(packed, "the") == {"the": [0.1, 0.2]}
    archive = tmp_path / "vectors.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("glove.txt", GLOVE)
    assert found(archive, "the") == {"the": [0.1, 0.2]}
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("README", "how to")
    assert found(archive, "the") == {"the": [0.1, 0.2]}
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("small.txt", "the 1\n")
    assert found(archive, "the", member="small.txt") == {"the": [1]}
    with pytest.raises(LookUpError, match=r"3 files, and `member` does not say .* README, glove.txt, small.txt"):
        found(archive, "the")
    with pytest.raises(LookUpError, match=r"has no file smal.txt \(did you mean small.txt\?\)"):
        found(archive, "the", member="smal.txt")


@pytest.mark.parametrize("cut", [20, 40])
def test_a_packed_file_that_is_cut_off_is_refused(tmp_path, cut):
    data = gzip.compress(("the 0.1 0.2\n" * 3 + "".join(f"w{i} {i} {i * i}\n" for i in range(200))).encode())
    with pytest.raises(LookUpError, match=r"v.gz is damaged after line \d+: Compressed file ended"):
        found(written(tmp_path, data[:-cut], "v.gz"), "the")


def test_rows_differ_in_width(refused):
    assert refused("the 1 2\ncat 3\ndog 4 5\n") == "/vectors.txt, line 2 has 1 numbers, others have 2: 'cat 3'"
    assert refused("the 1 2\ndog 3 4\ncat 4.5 5 6\n").startswith("/vectors.txt, line 3 has 3 numbers, others have 2")
    assert refused("2 3\nthe 1 2 3\ncat 4 5\n").startswith("/vectors.txt, line 3 has 2 numbers, others have 3")
    assert refused("a 1 2\nb 3 4\nother 5\n").startswith("/vectors.txt, line 3 has 1 numbers, others have 2")


def test_the_last_line_is_cut_off(refused):
    assert refused("the 1 2\ndog 3 4\ncat 5") == (
        "/vectors.txt, line 3 has 1 numbers, others have 2: the file is cut off there: 'cat 5'"
    )
    assert refused("3 2\nthe 1 2\ncat 3 4\n") == (
        "/vectors.txt: its first line says that it has 3 words, and 2 follow: it is cut off"
    )


def test_values_are_finite_numbers(refused):
    assert refused("the 1 2\ncat 3 x4\na 5 6\n") == "/vectors.txt, line 2: 'x4' is no number; 0.25 and 2.5e-1 are"
    assert refused("the 1 2\ncat 3 1_0\na 5 6\n") == "/vectors.txt, line 2: '1_0' is no number; 0.25 and 2.5e-1 are"
    assert refused("the 1 2\ncat 3 nan\n") == "/vectors.txt, line 2: value 2 is nan; a finite number is expected"
    assert refused("the 1 2\ncat 1e999 3\n") == "/vectors.txt, line 2: value 1 is inf; a finite number is expected"


def test_a_word_stands_there_twice(tmp_path, refused):
    assert refused("the 1 2\ncat 3 4\nthe 1 2.5\n") == (
        "/vectors.txt: 'the' stands there twice with different vectors, in line 1 and line 3; a word has one"
    )
    assert found(written(tmp_path, "the 1 2\nthe 1.0 2.0\na 1 2\na 3 4\n"), "the") == {"the": [1, 2]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; expected are lines of a word and its numbers"),
        ("\n \n", "is empty"),
        ("the,0.1,0.2\n", "line 1: found 'the,0.1,0.2'; expected are lines of a word and its numbers"),
        ("hello world\n", "line 1: found 'hello world'"),
        ("the 1 2\n".encode("utf-16"), "is no text in UTF-8"),
        (b"3 4\nthe \x00\x01\x02\x03\n", "Binary word2vec files are to be saved as text"),
    ],
)
def test_what_is_no_such_text_is_refused(refused, text, said):
    assert said in refused(text)


def test_a_line_without_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_MAX_VECTOR_LINE_BYTES", "1000")
    with pytest.raises(LookUpError, match=r"line 2 has 1001 bytes, and no more than 1000 are read"):
        found(written(tmp_path, "the 1\n" + "x" * 2000 + "\n"), "the")


def test_a_long_line_is_read(tmp_path):
    path = written(tmp_path, "the " + " ".join(["0.125"] * 20_000) + "\n")
    assert found(path, "the") == {"the": [0.125] * 20_000}


WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="\ufeff"),
    min_size=1,
    max_size=8,
)
TOKENS = st.lists(WORDS.filter(lambda word: not word[0].isdigit() and word[0] not in "+-.inN"), min_size=1, max_size=3)
NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(
    tokens=st.lists(TOKENS.map(" ".join), min_size=1, max_size=12, unique_by=lambda token: token.casefold()),
    width=st.integers(2, 5),
    header=st.booleans(),
    bom=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    packed=st.booleans(),
    data=st.data(),
)
def test_what_is_written_is_found(tmp_path_factory, tokens, width, header, bom, end, packed, data):
    tokens = list(dict.fromkeys(map(composed, tokens)))
    vectors = data.draw(
        st.lists(st.lists(NUMBERS, min_size=width, max_size=width), min_size=len(tokens), max_size=len(tokens))
    )
    lines = [f"{len(tokens)} {width}"] if header else []
    lines += [f"{token} {' '.join(map(repr, vector))}" for token, vector in zip(tokens, vectors, strict=True)]
    text = ("\ufeff" if bom else "") + end.join(lines) + end
    path = written(tmp_path_factory.mktemp("text"), gzip.compress(text.encode()) if packed else text)
    assert found(path, *tokens, "certainly absent") == dict(zip(tokens, vectors, strict=True))


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = written(tmp_path_factory.mktemp("bytes"), data)
    with contextlib.suppress(LookUpError):
        assert all(np.isfinite(vector).all() for vector in found(path, "the", "a").values())
