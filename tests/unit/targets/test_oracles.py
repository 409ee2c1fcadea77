"""Attributes of words, as qvec writes them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.targets.errors import LookUpError
from layerwise.targets.oracles import read_oracle
from layerwise.targets.wanted import Wanted

ORACLE = 'cat\t{"nn": 1.0}\nsaw\t{"vbd": 0.75, "nn": 0.25}\nold\t{"jj": 1}\n'


def looked_up(folder, text, *labels):
    path = folder / "oracle.txt"
    path.write_bytes(text.encode())
    wanted = Wanted.of(path, labels)
    read_oracle(path, wanted)
    return wanted


def test_each_attribute_is_a_dimension_in_the_order_of_the_file(tmp_path):
    wanted = looked_up(tmp_path, ORACLE, "saw", "cat", "dog")
    assert wanted.columns == ("nn", "vbd", "jj")  # jj too, which no wanted word has
    assert wanted.vector("saw").tolist() == [0.25, 0.75, 0]
    assert wanted.vector("cat").tolist() == [1, 0, 0]
    assert wanted.vector("dog") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no attribute; expected is: word TAB"),
        ("cat\t{}\n", "names no attribute"),
        ("cat 1 2 3\n", "line 1: found 'cat 1 2 3'; expected is: word TAB"),
        ('\t{"nn": 1}\n', "expected is: word TAB"),
        (ORACLE + "dog\t[1, 2]\n", "line 4: found '[1, 2]'"),
        (ORACLE + 'dog\t{"nn": "1"}\n', "line 4: nn is '1'; a finite number is expected"),
        (ORACLE + 'dog\t{"nn": NaN}\n', "line 4: nn is 'nan'; a finite number"),
        (ORACLE + f'dog\t{{"nn": 1{"0" * 400}}}\n', "a finite number is expected"),
        (ORACLE + 'dog\t{"nn": true}\n', "line 4: nn is 'True'; a finite number"),
        (ORACLE + 'dog\t{"nn": 1, "nn": 2}\n', "line 4: the attribute nn stands there twice"),
        (ORACLE + 'dog\t{"nn": 0.', "the file is cut off there"),
        (ORACLE + 'cat\t{"vbd": 1.0}\n', "'cat' stands there twice with different vectors, in line 1 and line 4"),
    ],
)
def test_what_is_no_oracle_is_refused(tmp_path, text, said):
    with pytest.raises(LookUpError) as error:
        looked_up(tmp_path, text, "cat", "dog")
    assert f"{tmp_path}/oracle.txt" in str(error.value)
    assert said in str(error.value)


SHARES = st.dictionaries(st.text(max_size=4), st.floats(0, 1), min_size=1, max_size=4)


@given(st.dictionaries(st.from_regex(r"[a-z' 0]{1,6}", fullmatch=True).map(str.strip).filter(bool), SHARES, min_size=1))
def test_what_is_written_is_found(tmp_path_factory, words):
    text = "".join(f"{word}\t{json.dumps(shares)}\n" for word, shares in words.items())
    wanted = looked_up(tmp_path_factory.mktemp("oracle"), text, *words)
    assert list(wanted.columns) == list(dict.fromkeys(name for shares in words.values() for name in shares))
    for word, shares in words.items():
        assert dict(zip(wanted.columns, wanted.vector(word), strict=True)) == dict.fromkeys(wanted.columns, 0) | shares
