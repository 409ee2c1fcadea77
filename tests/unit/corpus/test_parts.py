"""A part of a corpus."""

from __future__ import annotations

import logging
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.corpus import problems
from layerwise.corpus.archives import CorpusError
from layerwise.corpus.parts import Part
from layerwise.corpus.problems import Problem, counted
from layerwise.corpus.utterances import index_utterances
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from tiny_corpus import LAYOUTS, SPLIT, write_utterance

SPEAKER_OF = {
    f"{speaker}-{number}": speaker for speaker, count in (("a", 5), ("b", 1), ("c", 4)) for number in range(count)
}


def test_all_of_it_where_nothing_is_said():
    assert Part().of(SPEAKER_OF) == set(SPEAKER_OF)


@pytest.mark.parametrize(
    ("number", "of_each"), [(3, [1, 1, 1]), (5, [2, 1, 2]), (9, [4, 1, 4]), (10, [5, 1, 4]), (99, [5, 1, 4])]
)
def test_so_many_utterances_are_spread_over_the_speakers(number, of_each):
    taken = Counter(SPEAKER_OF[name] for name in Part(max_utterances=number).of(SPEAKER_OF))
    assert [taken[speaker] for speaker in "abc"] == of_each


@given(st.dictionaries(st.text(min_size=1), st.sampled_from("abcd"), min_size=1, max_size=30), st.integers(1, 30))
def test_a_larger_part_holds_the_smaller_whatever_the_order(speaker_of, number):
    small, large = (Part(max_utterances=size).of(speaker_of) for size in (number, number + 1))
    assert small <= large
    assert len(small) == min(number, len(speaker_of))
    assert Part(max_utterances=number).of(dict(reversed(speaker_of.items()))) == small


def test_speakers_and_utterances_by_name_or_from_a_file(tmp_path):
    (tmp_path / "list.txt").write_text("b\n\nc \n")
    assert Part(speakers=["b"]).of(SPEAKER_OF) == {"b-0"}
    assert Part(speakers=str(tmp_path / "list.txt")).of(SPEAKER_OF) == {"b-0", *(f"c-{number}" for number in range(4))}
    assert Part(utterances=["a-1", "c-2"]).of(SPEAKER_OF) == {"a-1", "c-2"}
    assert Part(utterances=["a-1", "c-2"], speakers=["c"]).of(SPEAKER_OF) == {"c-2"}


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Part(speakers=["a", "d"]), r"corpus\.speakers: d is not in the corpus.*ids look like a"),
        (Part(speakers=["x", "y"]), r"corpus\.speakers: x is not .*\(2 of the 2 are not\)"),
        (Part(utterances=["a_1"]), r"corpus\.utterances: a_1 is not in the corpus \(did you mean a-1\?"),
        (Part(utterances=["a-1"], speakers=["b"]), "no recording is by one of corpus.speakers and among"),
    ],
)
def test_who_is_not_there_is_an_error(part, message):
    with pytest.raises(CorpusError, match=message):
        part.of(SPEAKER_OF)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\xff"])
def test_an_empty_list_is_refused(content, tmp_path):
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(CorpusError, match=r"corpus\.speakers: .*list\.txt"):
        Part(speakers=str(tmp_path / "list.txt")).of(SPEAKER_OF)


def test_what_is_not_taken_is_not_read_and_no_problem(tmp_path, caplog):
    for name in ("1-2-0000", "1-2-0001", "2-3-0000"):
        write_utterance(tmp_path, name)
    next(tmp_path.rglob("2-3-0000.flac")).write_bytes(b"damaged")
    with caplog.at_level(logging.INFO):
        index_utterances(
            tmp_path, SPLIT, tmp_path / "u.parquet", tmp_path / "p.csv",
            layout=LAYOUTS["librispeech"], part=Part(speakers=["1"]), threads=1,
        )  # fmt: skip
    assert list(pd.read_parquet(tmp_path / "u.parquet")["utterance_id"]) == ["1-2-0000", "1-2-0001"]
    assert pd.read_csv(tmp_path / "p.csv").empty
    assert "a part is taken: 2 of 3 recordings" in caplog.messages


def test_very_many_problems_of_a_kind_are_one_line(monkeypatch):
    monkeypatch.setattr(problems, "MOST_NAMED", 3)
    alone = [Problem(f"u{number}", f"u{number}.TextGrid", "no utterance", "alone") for number in range(4)]
    assert counted(alone[:3], "alignments") == alone[:3]
    (line,) = counted(alone, "alignments without an utterance")
    assert (line.utterance_id, line.file, line.problem) == ("", "", "no utterance")
    assert line.detail.startswith("4 alignments without an utterance: u0, u1, ")


# In a configuration


def corpus(**keys: object) -> dict:
    return {"corpus": {"name": "librispeech", "split": "dev-clean"} | keys, "properties": ["mel"]}


def test_a_configuration_names_a_part(tmp_path):
    path = tmp_path / "speakers.txt"
    path.write_text("84\n")
    experiment = read_experiment(corpus(max_utterances=5, speakers=str(path)))
    assert experiment.part == {"max_utterances": 5, "speakers": str(path), "utterances": None}
    assert experiment.part_lists == [path]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"max_utterances": 0}, r"corpus\.max_utterances"),
        ({"speakers": "nowhere.txt"}, r"corpus\.speakers: nowhere\.txt does not exist; a file is expected"),
        ({"utterances": ["a", "a"]}, r"corpus\.utterances: 'a' stands there 2 times"),
        ({"speakers": []}, r"corpus\.speakers"),
    ],
)
def test_other_parts_are_refused(keys, message):
    with pytest.raises(ConfigurationError, match=message):
        read_experiment(corpus(**keys))
