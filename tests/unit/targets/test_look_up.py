"""Targets of rows: columns of their own, of utterances and of speakers, and words looked up in files."""

# ruff: noqa: PD011 (values of a target are no array of pandas)
from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from layerwise.corpus.metadata import Metadata, read_metadata
from layerwise.targets.errors import LookUpError
from layerwise.targets.look_up import found_targets, look_up_targets
from layerwise.targets.reading import read_targets
from layerwise.targets.tables import RowTable

UTTERANCES = pd.DataFrame(
    {
        "utterance_id": ["u1", "u2", "u3", "u4"],
        "speaker_id": ["s1", "s1", "s2", "s3"],
        "audio_path": "x.flac",
        "duration": [1.0, 2.0, 3.5, 4.0],
        "start": 0.0,
    }
)
WORDS = pd.DataFrame(
    {
        "utterance_id": ["u1", "u1", "u2", "u3", "u4"],
        "label": ["the", "dog", "the", "Cat", "dog"],
        "start": [0.0, 0.5, 0.0, 0.0, 1.0],
        "end": [0.5, 1.0, 1.0, 2.0, 3.0],
    }
)
SPEAKERS = pd.DataFrame({"gender": ["f", "m", None], "age": [30.0, np.nan, 41]}, ["s1", "s2", "s3"])
NOISE = pd.DataFrame({"noise": [0.5, 0.25, 1, 2], "room": ["a", "b", "a", ""]}, ["u1", "u2", "u3", "u4"])


def table(rows=WORDS, of_frames=False):
    metadata = Metadata(SPEAKERS, NOISE, dict.fromkeys(["gender", "age", "noise", "room"], Path("known.csv")))
    return RowTable(Path("rows.parquet"), rows, UTTERANCES, metadata, of_frames)


def names_of(target, rows=WORDS, of_frames=False):
    found, missing = found_targets(target, table(rows, of_frames))
    named = [found.names[place] if place >= 0 else None for place in found.type]
    return named, found.unit, dict(missing)


def with_column(**columns):
    return WORDS.assign(**columns)


# labels


def test_a_label_is_a_column_of_the_rows():
    assert names_of({"label": "label"}) == (["the", "dog", "the", "Cat", "dog"], "row", {})
    stress = with_column(stress=["1", " 0 ", "", "1", None])
    assert names_of({"label": "stress"}, stress) == (["1", "0", None, "1", None], "row", {"the": 1, "dog": 1})


def test_what_lacks_a_target_is_called_by_its_label_or_else_by_its_utterance():
    rows = with_column(stress=["1", "", "", "", "1"], label=["the", "dog", "", None, "dog"])
    assert names_of({"label": "stress"}, rows)[2] == {"dog": 1, "u2": 1, "u3": 1}
    assert names_of({"label": "stress"}, rows.drop(columns="label"))[2] == {"u1": 1, "u2": 1, "u3": 1}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ([1, 2, 1, 1, 2], ["1", "2", "1", "1", "2"]),
        ([1, 2, None, 1, 2], ["1", "2", None, "1", "2"]),  # pandas has fractions there
        ([1.5, 2, None, 1.5, 2], ["1.5", "2.0", None, "1.5", "2.0"]),
        ([True, False, True, True, True], ["True", "False", "True", "True", "True"]),
    ],
)
def test_labels_may_be_numbers(values, named):
    assert names_of({"label": "kind"}, with_column(kind=values))[0] == named


def test_a_label_of_metadata_is_that_of_the_speaker_or_utterance(caplog):
    assert names_of({"label": "room"}) == (["a", "a", "b", "a", None], "utterance", {"u4": 1})
    # Each gender here is that of one speaker: which speaker is called what makes no difference
    assert names_of({"label": "gender"}) == (["f", "f", "f", "m", None], "utterance", {"s3": 1})
    two = SPEAKERS.assign(gender=["f", "m", "f"])
    metadata = Metadata(two, NOISE, {})
    found, _ = found_targets({"label": "gender"}, RowTable(Path("rows.parquet"), WORDS, UTTERANCES, metadata))
    assert found.unit == "speaker"


def test_columns_of_the_rows_go_before_those_of_the_corpus():
    assert names_of({"label": "start"})[0] == ["0.0", "0.5", "0.0", "0.0", "1.0"]
    assert names_of({"label": "duration"})[0] == ["1.0", "1.0", "2.0", "3.5", "4.0"]


def test_who_speaks_is_asked_of_utterances():
    """That of a speaker's name is a recording: names exchanged between speakers are the same question."""
    named, unit, _ = names_of({"label": "speaker_id"})
    assert (named, unit) == (["s1", "s1", "s1", "s2", "s3"], "utterance")
    whole = UTTERANCES.assign(label=UTTERANCES["speaker_id"], end=UTTERANCES["duration"])
    assert names_of({"label": "label"}, whole)[1] == "utterance"
    assert names_of({"label": "utterance_id"})[1] == "row"


def test_the_rows_of_frames_are_utterances():
    assert names_of({"label": "room"}, UTTERANCES.iloc[[0, 2, 3]], of_frames=True) == (
        ["a", "a", None],
        "utterance",
        {"u4": 1},
    )
    assert found_targets({"columns": ["duration"]}, table(UTTERANCES, True))[0].unit == "utterance"


# numbers


def test_columns_are_numbers():
    found, missing = found_targets({"columns": ["start", "age", "noise"]}, table())
    assert found.columns == ("start", "age", "noise")
    assert found.values[found.type[[0, 1, 2]]].tolist() == [[0, 30, 0.5], [0.5, 30, 0.5], [0, 30, 0.25]]
    assert found.type.tolist() == [1, 2, 0, -1, 3]
    assert (found.unit, found.missing, dict(missing)) == ("row", 1, {"age": 1})
    assert found_targets({"columns": ["age", "noise"]}, table())[0].unit == "utterance"
    assert found_targets({"columns": ["age"]}, table())[0].unit == "speaker"


def test_numbers_may_be_written_as_text():
    rating = with_column(rating=["1", "2.5", "", " 4e-1 ", None])
    found, missing = found_targets({"columns": ["rating"]}, table(rating))
    assert found.values.tolist() == [[0.4], [1], [2.5]]
    assert dict(missing) == {"rating": 2}


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (
            ["1", "2", "high", "4", "5"],
            "column rating, row 3 of rows.parquet (u2 from 0 to 1 s) is 'high'; a number such as 0.5 is expected",
        ),
        (
            ["1", "2,5", "3", "4", "5"],
            "column rating, row 2 of rows.parquet (u1 from 0.5 to 1 s) is '2,5'; a number such as 0.5",
        ),
        ([1, 2, 3, np.inf, 5], "column rating, row 4 of rows.parquet (u3 from 0 to 2 s) is infinite"),
        (
            ["1", "2", "3", "4", "1e999"],
            "column rating, row 5 of rows.parquet (u4 from 1 to 3 s) is infinite; a number is expected",
        ),
        (
            [[1], [2], [3], [4], [5]],
            "column rating, row 1 of rows.parquet (u1 from 0 to 0.5 s) is a list; text or a number is expected",
        ),
    ],
)
def test_text_is_no_number(column, said):
    with pytest.raises(LookUpError) as error:
        found_targets({"columns": ["rating"]}, table(with_column(rating=column)))
    assert said in str(error.value)


def test_text_of_metadata_is_no_number():
    with pytest.raises(LookUpError, match=r"column room, utterance u1 in known\.csv is 'a'; a number such as 0.5"):
        found_targets({"columns": ["room"]}, table())


def test_a_column_that_nobody_has_is_named_with_the_nearest():
    with pytest.raises(LookUpError) as error:
        found_targets({"label": "gendr"}, table())
    assert str(error.value) == (
        "rows.parquet has no column gendr, and corpus.metadata has none either (did you mean gender?); there are 11 "
        "names, of which the nearest are gender, end, age, duration, speaker_id"
    )


def test_rows_of_an_utterance_that_the_corpus_lacks_are_refused():
    with pytest.raises(LookUpError, match=r"rows\.parquet, row 2: the corpus has no utterance u9"):
        found_targets({"label": "room"}, table(with_column(utterance_id=["u1", "u9", "u2", "u3", "u4"])))


def test_a_column_without_a_single_value_is_refused():
    empty = with_column(tone=[None] * 5)
    with pytest.raises(LookUpError) as error:
        found_targets({"label": "tone"}, table(empty))
    assert str(error.value) == "label: none of the 5 rows of rows.parquet has a target: missing are the 2, dog 2, Cat 1"


# words


@pytest.fixture
def vectors(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("the 1 2\nDog 3 4\ncat 5 6\nf 7 8\n")
    return path


def test_vectors_are_those_of_labels(vectors, caplog):
    found, missing = found_targets({"vectors": "vectors.txt"}, table(), vectors)
    assert found.names.tolist() == ["the"]
    assert found.type.tolist() == [0, -1, 0, -1, -1]
    assert found.values.tolist() == [[1, 2]]
    assert (found.columns, found.unit, found.missing) == (None, "row", 3)
    assert dict(missing) == {"dog": 2, "Cat": 1}
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warning == "3 of 5 rows have no target and are left out: dog 2, Cat 1"


def test_case_can_be_left_out_of_account(vectors):
    found, missing = found_targets({"vectors": "vectors.txt", "case": "lower"}, table(), vectors)
    assert found.values[found.type].tolist() == [[1, 2], [3, 4], [1, 2], [5, 6], [3, 4]]
    assert found.names.tolist() == ["Cat", "dog", "the"]
    assert not missing


def test_vectors_of_another_column(vectors):
    found, missing = found_targets({"vectors": "vectors.txt", "of": "gender"}, table(), vectors)
    assert found.type.tolist() == [0, 0, 0, -1, -1]
    assert (found.values.tolist(), found.unit, dict(missing)) == ([[7, 8]], "speaker", {"m": 1, "s3": 1})


def test_attributes_have_their_names(tmp_path):
    (tmp_path / "o").write_text('dog\t{"nn": 0.75, "vb": 0.25}\nthe\t{"dt": 1.0}\nrun\t{"vbd": 1}\n')
    found, missing = found_targets({"attributes": "o"}, table(), tmp_path / "o")
    assert found.columns == ("nn", "vb", "dt", "vbd")
    assert found.values[found.type[[0, 1]]].tolist() == [[0, 0, 1, 0], [0.75, 0.25, 0, 0]]
    assert dict(missing) == {"Cat": 1}


def test_a_file_without_a_single_label_is_refused(vectors):
    capitals = with_column(label=WORDS["label"].str.upper())
    with pytest.raises(LookUpError) as error:
        found_targets({"vectors": "vectors.txt"}, table(capitals), vectors)
    assert str(error.value) == (
        f"{vectors} has none of the 3 labels, such as CAT, DOG, THE; it has words such as the, Dog, cat; upper and "
        "lower case count, unless `case: lower` says otherwise"
    )


def test_impossible_targets_are_refused(vectors):
    with pytest.raises(LookUpError, match=r"case is Lower; exact or lower is expected \(did you mean lower\?\)"):
        found_targets({"vectors": "v", "case": "Lower"}, table(), vectors)
    with pytest.raises(LookUpError, match="vectors: no file is given"):
        found_targets({"vectors": "v"}, table())
    with pytest.raises(LookUpError, match="the target has the keys layer; one of label, vectors, attributes, columns"):
        found_targets({"layer": "T0"}, table())


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.npz", "vectors.parquet"])
def test_only_a_zip_of_texts_has_members(tmp_path, name):
    path = tmp_path / name
    if name.endswith("txt"):
        path.write_text("the 1 2\ndog 3 4\n")
    elif name.endswith("npz"):
        np.savez(path, words=np.array(["the"]), vectors=np.ones((1, 2)))
    else:
        pd.DataFrame({"word": ["the"], "x": [1.0]}).to_parquet(path)
    with pytest.raises(LookUpError) as error:
        found_targets({"vectors": "v", "member": "a.txt"}, table(), path)
    assert str(error.value) == f"member: found a.txt, but {path} is no zip of texts: leave it out"


# the job


def test_the_job_writes_targets_and_what_is_missing(tmp_path, vectors):
    UTTERANCES.to_parquet(tmp_path / "utterances.parquet")
    WORDS.to_parquet(tmp_path / "words.parquet")
    (tmp_path / "speakers.csv").write_text("speaker_id,gender\ns1,f\ns2,m\ns3,f\n")
    paths = [tmp_path / name for name in ("words.parquet", "utterances.parquet", "t.h5", "missing.csv")]
    look_up_targets(*paths, target={"vectors": "v"}, rows="word", metadata=[tmp_path / "speakers.csv"], file=vectors)
    assert read_targets(tmp_path / "t.h5").type.tolist() == [0, -1, 0, -1, -1]
    assert (tmp_path / "missing.csv").read_text() == "label,count\ndog,2\nCat,1\n"
    look_up_targets(*paths, target={"label": "gender"}, rows="word", metadata=[tmp_path / "speakers.csv"])
    found = read_targets(tmp_path / "t.h5")
    assert found.names[found.type].tolist() == ["f", "f", "f", "m", "f"]
    assert (found.unit, found.values) == ("speaker", None)
    assert (tmp_path / "missing.csv").read_text() == "label,count\n"


def test_nothing_need_be_known_of_speakers():
    assert list(read_metadata([]).by_speaker) == []
