"""Tables of speakers and utterances beside the corpus, in their formats, and how their columns meet the rows."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.corpus.metadata import Metadata, read_metadata
from layerwise.corpus.metadata_headers import OF_CORPUS, is_piped, metadata_columns, repeated_id
from layerwise.corpus.utterances import UTTERANCE_SCHEMA
from layerwise.errors import LayerwiseError

SPEAKERS_TXT = """\
; Some pipe(|) separated metadata about all LibriSpeech speakers
; The meaning of the fields in left-to-right order is as follows:
; ID: the ID of the speaker in the LibriVox's database
;
;ID  |SEX| SUBSET           |MINUTES| NAME
14   | F | train-clean-360  | 25.03 | Kristin LeMoine
60   | M | train-clean-100  | 20.18 | | CBW | Simon
"""
UTTERANCES = pd.DataFrame(
    {"utterance_id": ["60-1-0", "14-1-0", "60-1-1"], "speaker_id": ["60", "14", "60"], "duration": [1.0, 2.5, 3.0]},
    index=[7, 3, 5],
)


@pytest.fixture
def table(tmp_path):
    def write(content: str | pd.DataFrame, name: str = "table.csv") -> Path:
        path = tmp_path / name
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            content.to_parquet(path)
        return path

    return write


def values(metadata: Metadata, name: str, utterances: pd.DataFrame = UTTERANCES) -> tuple[list, str]:
    series, unit = metadata.column(name, utterances)
    assert list(series.index) == list(utterances.index)
    return [None if value != value else value for value in series], unit


# Formats


def test_speakers_of_librispeech(table):
    path = table(SPEAKERS_TXT, "SPEAKERS.TXT")
    assert metadata_columns([path]) == OF_CORPUS | dict.fromkeys(("gender", "subset", "minutes", "name"), "speaker")
    metadata = read_metadata([path])
    assert values(metadata, "gender") == (["M", "F", "M"], "speaker")
    assert values(metadata, "minutes") == ([20.18, 25.03, 20.18], "speaker")
    assert metadata.by_speaker["name"].tolist() == ["Kristin LeMoine", "| CBW | Simon"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("speaker_id,gender\n14,F\n60,M\n", "gender"),
        ("gender;Speaker;x\nF;14;1\nM;60;2\n", "gender"),
        ("READER\tGENDER\tSUBSET\tNAME\n14\tF\tdev\tA, B\n60\tM\tdev\tC, D\n", "GENDER"),  # as in LibriTTS
        (" SPEAKER   |   GENDER   | MINUTES\n 14 | F | 2\n 60 | M | 3\n", "gender"),  # as in MLS
        (pd.DataFrame({"spk": [14, 60], "gender": pd.Categorical(["F", "M"])}), "gender"),
        (pd.DataFrame({"speaker_id": [14.0, 60.0], "gender": ["F", "M"]}), "gender"),
    ],
)
def test_tables_of_speakers(table, content, name):
    path = table(content)
    assert metadata_columns([path])[name] == "speaker"
    assert values(read_metadata([path]), name) == (["M", "F", "M"], "speaker")


def test_a_table_with_names_that_hold_a_pipe_is_no_table_of_pipes(table):
    assert not is_piped(table("speaker_id,a|b\n14,x|y\n"))


def test_tables_of_both_kinds_together(table):
    paths = [
        table("speaker_id,gender\n14,F\n60,M\n", "a.csv"),
        table("speaker_id,age\n60,33\n", "b.csv"),
        table("utterance_id,noise\n60-1-1,0.5\n14-1-0,2\n60-1-0,\n", "c.csv"),
    ]
    metadata = read_metadata(paths)
    assert values(metadata, "gender") == (["M", "F", "M"], "speaker")
    assert values(metadata, "age") == ([33.0, None, 33.0], "speaker")
    assert values(metadata, "noise") == ([None, 2.0, 0.5], "utterance")
    assert metadata.sources == {"gender": paths[0], "age": paths[1], "noise": paths[2]}


def test_columns_of_the_corpus_itself():
    metadata = read_metadata([])
    assert values(metadata, "duration") == ([1.0, 2.5, 3.0], "utterance")
    assert values(metadata, "speaker_id") == (["60", "14", "60"], "speaker")
    assert metadata_columns([]) == OF_CORPUS
    assert set(OF_CORPUS) == set(UTTERANCE_SCHEMA.names)


# Who is missing


def test_who_is_missing_is_counted_and_named(table, caplog):
    metadata = read_metadata([table("speaker_id,gender,age\n14,,3\n60,M,NA\n1,F,5\n")])
    with caplog.at_level(logging.WARNING):
        assert values(metadata, "gender") == (["M", None, "M"], "speaker")
    assert "column gender: nothing is said of 1 of 2 speakers: 14" in caplog.text
    assert values(metadata, "age") == ([None, 3.0, None], "speaker")
    assert "column age: nothing is said of 1 of 2 speakers: 60" in caplog.text


def test_nobody_is_there(table):
    metadata = read_metadata([table("speaker_id,gender,age\n0014,F,\n0060,M,3\n")])
    with pytest.raises(
        LayerwiseError, match="none of its speakers is in the corpus, whose ids look like 60; in the ta"
    ):
        metadata.column("gender", UTTERANCES)
    metadata = read_metadata([table("utterance_id,noise,x\n60-1-0,,2\n14-1-0,,3\nq,1,2\n")])
    with pytest.raises(LayerwiseError, match="column noise: it is empty for every utterance of the corpus"):
        metadata.column("noise", UTTERANCES)


def test_an_unknown_column(table):
    metadata = read_metadata([table("speaker_id,gender\n14,F\n")])
    with pytest.raises(LayerwiseError, match=r"column gendr \(did you mean gender\?\); there are gender, speaker_id"):
        metadata.column("gendr", UTTERANCES)


# Tables that cannot be used


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (["speaker,gender,spk\n1,F,2\n"], "has two columns of ids, speaker and spk: each row is about one speaker"),
        (["spk,speaker,path\n1,F,2\n"], "has two columns of ids, spk and speaker"),
        (
            ["speker_id,gender\n1,F\n"],
            r"no column speaker_id, utterance_id or path; it has speker_id, gender \(did you mean sp",
        ),
        (["name|sex\n1|F\n"], "no column speaker_id, utterance_id or path; it has name, gender"),
        (["speaker_id\n1\n"], "has no column beside speaker_id"),
        (["speaker_id,duration\n1,2\n"], "column duration is one of the corpus itself too; give it another name"),
        (["speaker_id,label\n1,2\n"], "column label is one of every table of segments too; give it another name"),
        (["utterance_id,end\n1,2\n"], "column end is one of every table of segments too"),
        (["speaker_id,x\n1,2\n", "utterance_id,x\n1,2\n"], "column x is one of .*0.csv too"),
        (["speaker_id,x,x\n1,2,3\n"], "has two columns x"),
        (["id|sex|gender\n1|F|F\n"], "has two columns gender"),
        ([""], "no column speaker_id, utterance_id or path; it has none"),
        ([pd.DataFrame({"speaker_id": ["1"], "x": [[1]]})], "has no column beside speaker_id"),
    ],
)
def test_headers_that_are_refused(table, contents, message):
    paths = [table(content, f"{number}.csv") for number, content in enumerate(contents)]
    for call in (metadata_columns, read_metadata):
        with pytest.raises(LayerwiseError, match=message) as caught:
            call(paths)
        assert str(paths[-1]) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("speaker_id,x\n1,2\n2,3\n1,4\n", "has two rows of 1; each speaker has one"),
        ("utterance_id,x\n1,2\n1,2\n", "has two rows of 1; each utterance has one"),
        ("speaker_id,x\n1,2\n,3\n", "line 3: speaker_id is empty"),
        ("speaker_id,x\n", "has no row"),
        ("speaker|x\n1|2\n2\n", "line 3 has 1 cells, the header 2"),
    ],
)
def test_rows_that_are_refused(table, content, message):
    with pytest.raises(LayerwiseError, match=message):
        read_metadata([table(content)])


def test_a_plan_finds_ids_that_stand_twice(table):
    assert repeated_id(table("speaker_id,x\n1,2\n2,3\n1,4\n")) == "1"
    assert repeated_id(table(SPEAKERS_TXT)) is None
    assert repeated_id(table(SPEAKERS_TXT + "14 | F | x | 1 | y\n")) == "14"
    assert repeated_id(table("speaker_id,x\n1,2\n1,4\n" + "\n" * (1 << 20))) is None  # left to the job


# Any table

NAMES = st.text("abc123-é", min_size=1, max_size=3)


@given(
    said=st.dictionaries(NAMES, st.text("xyz ", min_size=1).map(str.strip) | st.just(""), min_size=1),
    speakers=st.lists(NAMES, min_size=1, max_size=8),
)
def test_each_row_has_what_is_said_of_its_speaker(tmp_path_factory, said, speakers):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_text("speaker_id,what\n" + "".join(f"{speaker},{word}\n" for speaker, word in said.items()))
    utterances = pd.DataFrame(
        {"utterance_id": [f"u{number}" for number in range(len(speakers))], "speaker_id": speakers}
    )
    expected = [said.get(speaker) or np.nan for speaker in speakers]
    if all(value != value for value in expected):
        with pytest.raises(LayerwiseError):
            read_metadata([path]).column("what", utterances)
        return
    found, unit = read_metadata([path]).column("what", utterances)
    assert unit == "speaker"
    pd.testing.assert_series_equal(found, pd.Series(expected, name="what"), check_dtype=False)


# Files of Kaldi's, and tables by recording


def test_kaldis_files_say_something_of_each_speaker_or_utterance(table):
    paths = [table("60 m\n14\tf\n\n", "spk2gender"), table("60-1-0 a b\n14-1-0 c\n", "utt2where")]
    assert metadata_columns(paths) == OF_CORPUS | {"gender": "speaker", "where": "utterance"}
    metadata = read_metadata(paths)
    assert values(metadata, "gender") == (["m", "f", "m"], "speaker")
    assert values(metadata, "where") == (["a b", "c", None], "utterance")


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("60 m\n14\n", "spk2gender", "spk2gender, line 2 says nothing of 14; expected an id and a value"),
        ("60 m\n60 f\n", "spk2gender", "two rows of 60"),
        ("60 60-1-0\n", "spk2utt", "no column speaker_id, utterance_id or path"),
    ],
)
def test_other_files_of_kaldis_are_refused(content, name, message, table):
    with pytest.raises(LayerwiseError, match=message):
        read_metadata([table(content, name)])


RECORDINGS = UTTERANCES.assign(audio_path=["S60/1/a.flac", "S14/1/a.flac", "S60/1/b.flac"])


@pytest.mark.parametrize(
    "paths",
    [
        ["S60/1/a.flac", "S14/1/a.flac", "S60/1/b.flac"],
        ["S60/1/a.wav", "S14/1/a", "S60/1/b.WAV.wav"],
        ["/data/wav/S60/1/a.wav", "/data/wav/S14/1/a.wav", "./S60/1/b.wav"],
        ["1/S60/1/a.wav", "../S14/1/a.wav", "b.wav"],
        ["X\\S60\\1\\a.wav", "X\\S14\\1\\a.wav", "1\\b.wav"],
    ],
)
def test_a_table_by_recording_has_paths_that_start_anywhere(paths, table):
    rows = "".join(f"{path},{number}\n" for number, path in enumerate(paths))
    path = table(f"path,noise\n{rows}")
    assert metadata_columns([path])["noise"] == "utterance"
    assert values(read_metadata([path]), "noise", RECORDINGS) == ([0, 1, 2], "utterance")


def test_a_file_of_another_folder_is_another(table):
    metadata = read_metadata([table("path,noise\nS15/1/a.wav,1\nS60/1/b.wav,2\n")])
    assert values(metadata, "noise", RECORDINGS)[0] == [None, None, 2]


def test_a_name_that_two_rows_end_in_is_nobodys(table):
    metadata = read_metadata([table("path,noise\nx/S60/1/a.wav,1\ny/S60/1/a.wav,2\nS60/1/b.wav,3\n")])
    assert values(metadata, "noise", RECORDINGS)[0] == [None, None, 3]


def test_tables_with_ids_and_paths_are_by_path(table):
    path = table("client_id\tpath\tgender\nabc\ta.mp3\tF\nabd\tb.mp3\tM\n", "validated.tsv")
    assert "client_id" not in metadata_columns([path])
    recordings = UTTERANCES.assign(audio_path=["clips/a.mp3", "clips/c.mp3", "clips/b.mp3"])
    assert values(read_metadata([path]), "gender", recordings) == (["F", None, "M"], "utterance")


def test_a_table_of_other_recordings_is_an_error_that_shows_both_paths(table):
    metadata = read_metadata([table("path,noise\nx/y.wav,1\n")])
    with pytest.raises(LayerwiseError, match=r"none of its recordings is in the corpus.*S60/1/a\.flac.*x/y\.wav"):
        metadata.column("noise", RECORDINGS)
