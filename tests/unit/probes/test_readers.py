"""The utterances of downstream tasks in every layout."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from layerwise.probes.errors import ItemError
from layerwise.probes.readers import read_candidates
from task_items import SECONDS, corpus_inputs, index
from tiny_corpus import noise, write_audio

# Fluent Speech Commands


def fluent(root: Path, rows: dict[str, list[tuple]]) -> Path:
    """A folder in the layout of Fluent Speech Commands: part → (path, speaker, action, object, location)."""
    data = root / "fluent_speech_commands_dataset"
    for part, found in rows.items():
        lines = [",path,speakerId,transcription,action,object,location"]
        for number, (path, speaker, *labels) in enumerate(found):
            lines.append(f'{number},{path},{speaker},"Turn it on, please",{",".join(labels)}')
            write_audio(data / path, noise(SECONDS))
        (data / "data").mkdir(parents=True, exist_ok=True)
        (data / f"data/{part}_data.csv").write_text("\n".join(lines) + "\n")
    return root


FLUENT = {
    "train": [
        ("wavs/speakers/abc/1.wav", "abc", "activate", "lights", "none"),
        ("wavs/speakers/abc/2.wav", "abc", "deactivate", "music", "kitchen"),
    ],
    "valid": [("wavs/speakers/def/1.wav", "def", "activate", "lights", "none")],
    "test": [("wavs/speakers/ghi/1.wav", "ghi", "activate", "music", "kitchen")],
}


def fluent_candidates(root: Path, columns=("action", "object", "location")):
    return read_candidates("fluent", {"audio": str(root)}, kind="labels", columns=columns, splits={})


def test_fluent_speech_commands(tmp_path):
    table, problems = index(tmp_path, fluent_candidates(fluent(tmp_path / "fsc", FLUENT)))
    assert problems.empty
    assert list(table["part"]) == ["train", "train", "dev", "test"]
    assert list(table.loc["wavs/speakers/abc/2", "target"]) == ["deactivate", "music", "kitchen"]
    assert table.loc["wavs/speakers/ghi/1", "speaker_id"] == "ghi"
    assert set(table["num_samples"]) == {3200}
    assert all(Path(path).is_file() for path in table["audio_path"])


def test_one_column_can_be_learned_alone(tmp_path):
    table, _ = index(tmp_path, fluent_candidates(fluent(tmp_path / "fsc", FLUENT), ["action"]))
    assert list(map(list, table["target"])) == [["activate"], ["deactivate"], ["activate"], ["activate"]]


def test_a_missing_label_is_left_out_by_name(tmp_path):
    rows = FLUENT | {"train": [*FLUENT["train"], ("wavs/speakers/abc/3.wav", "abc", "activate", "", "none")]}
    table, problems = index(tmp_path, fluent_candidates(fluent(tmp_path / "fsc", rows)))
    assert len(table) == 4
    assert list(problems["utterance_id"]) == ["wavs/speakers/abc/3"]
    assert list(problems["problem"]) == ["no label"]


def test_a_folder_without_the_layout_is_refused(tmp_path):
    (tmp_path / "fsc").mkdir()
    with pytest.raises(ItemError, match=r"one data/train_data\.csv"):
        index(tmp_path, fluent_candidates(tmp_path / "fsc"))


def test_a_missing_column_names_those_that_are_there(tmp_path):
    with pytest.raises(ItemError, match=r"train_data\.csv has no column intent; it has .*action"):
        index(tmp_path, fluent_candidates(fluent(tmp_path / "fsc", FLUENT), ["intent"]))


# SLURP


def slurp(root: Path) -> dict[str, str]:
    """SLURP's own layout, a sentence or two a part; one recording of the training part is not there."""
    sentences = {
        "train": [
            ("audio--1-headset.flac", "audio--1.flac", "set", "alarm"),
            ("audio--2.flac", "audio--gone.flac", "query", "music"),
        ],
        "train_synthetic": [("audio-synth-3.flac", "query", "music")],
        "devel": [("audio--4.flac", "set", "alarm")],
        "test": [("audio--5.flac", "query", "alarm")],
    }
    inputs = {"real": str(root / "real"), "synth": str(root / "synth")}
    for name, found in sentences.items():
        lines = []
        for number, (*files, action, scenario) in enumerate(found):
            for file in files:
                folder = "synth/slurp_synth" if "synth" in file else "real/slurp_real"
                if "gone" not in file:
                    write_audio(root / folder / file, noise(SECONDS))
            sentence = {"slurp_id": number, "sentence": "wake me up", "intent": f"{scenario}_{action}"}
            sentence |= {"action": action, "scenario": scenario, "tokens": [], "entities": []}
            sentence["recordings"] = [{"file": file, "wer": 0.0, "ent_wer": 0.0, "status": "correct"} for file in files]
            lines.append(json.dumps(sentence))
        (root / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        inputs[name] = str(root / f"{name}.jsonl")
    return inputs


@pytest.mark.parametrize(("column", "expected"), [("action", "set"), ("scenario", "alarm")])
def test_slurp(tmp_path, column, expected):
    inputs = slurp(tmp_path / "slurp")
    candidates = read_candidates("slurp", inputs, kind="labels", columns=[column], splits={})
    table, problems = index(tmp_path, candidates)
    assert table["part"].to_dict() == {
        "audio--1": "train",
        "audio--1-headset": "train",
        "audio--2": "train",
        "audio-synth-3": "train",
        "audio--4": "dev",
        "audio--5": "test",
    }
    assert list(table.loc["audio--1-headset", "target"]) == [expected]
    assert problems[["utterance_id", "problem", "detail"]].to_numpy().tolist() == [
        ["audio--gone", "no audio", "named in train.jsonl"]
    ]


def test_slurp_tables_may_be_given_as_their_folder(tmp_path):
    inputs = slurp(tmp_path / "slurp")
    folder = {name: path if name in ("real", "synth") else str(tmp_path / "slurp") for name, path in inputs.items()}
    candidates = read_candidates("slurp", folder, kind="labels", columns=["action"], splits={})
    assert len(index(tmp_path, candidates)[0]) == 6


def test_damaged_json_names_its_line(tmp_path):
    inputs = slurp(tmp_path / "slurp")
    with Path(inputs["train"]).open("a") as stream:
        stream.write("{oops\n")
    candidates = read_candidates("slurp", inputs, kind="labels", columns=["action"], splits={})
    with pytest.raises(ItemError, match=r"train\.jsonl, line 3 is no JSON"):
        index(tmp_path, candidates)


# A table of one's own


def table_candidates(path: Path, columns=("word",)):
    return read_candidates("table", {"table": str(path)}, kind="labels", columns=columns, splits={})


def own_table(folder: Path, header: str, rows: list[str]) -> Path:
    for row in rows:
        write_audio(folder / row.split(",")[0], noise(SECONDS))
    (folder / "words.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder / "words.csv"


def test_a_table_with_parts(tmp_path):
    rows = ["a.wav,yes,train", "b.wav,no,train", "c.wav,yes,dev", "sub/d.wav,no,test"]
    table, _ = index(tmp_path, table_candidates(own_table(tmp_path / "own", "path,word,part", rows)))
    assert table["part"].to_dict() == {"a": "train", "b": "train", "c": "dev", "sub/d": "test"}
    assert set(table["speaker_id"]) == {""}


@pytest.mark.parametrize(("disk", "listed"), [("é", "e\u0301"), ("e\u0301", "é"), ("e\u0301", "e\u0301")])
def test_a_table_and_its_files_may_be_written_in_two_forms(tmp_path, disk, listed):
    rows = [f"{number}{disk}.wav,{word},{part}" for number, word, part in [(1, "é", "train"), (2, "e\u0301", "dev")]]
    rows += [f"3{disk}.wav,no,train", f"4{disk}.wav,no,test"]
    path = own_table(tmp_path / "own", "path,e\u0301,part", rows)
    path.write_text(path.read_text().replace(f"{disk}.wav", f"{listed}.wav"))
    table, problems = index(tmp_path, table_candidates(path, ["\u00e9"]))
    assert problems.empty
    assert {name: target[0] for name, target in table["target"].items()} == {
        "1é": "é",
        "2é": "é",
        "3é": "no",
        "4é": "no",
    }
    assert all(Path(path).is_file() for path in table["audio_path"])


def test_a_table_without_parts_is_divided_by_speaker(tmp_path):
    rows = [f"{i}.wav,{'yes' if i % 2 else 'no'},speaker {i // 4}" for i in range(40)]
    table, _ = index(tmp_path, table_candidates(own_table(tmp_path / "own", "path,word,speaker", rows)))
    speakers = table.groupby("part")["speaker_id"].nunique().to_dict()
    assert speakers == {"train": 7, "dev": 1, "test": 2}
    assert table.groupby("speaker_id")["part"].nunique().max() == 1


def test_a_table_without_speakers_is_divided_by_utterance(tmp_path):
    rows = [f"{i}.wav,{'yes' if i % 2 else 'no'}" for i in range(40)]
    table, _ = index(tmp_path, table_candidates(own_table(tmp_path / "own", "path,word", rows)))
    assert table["part"].value_counts().to_dict() == {"train": 28, "dev": 4, "test": 8}


def test_an_unknown_part_names_its_line(tmp_path):
    path = own_table(tmp_path / "own", "path,word,part", ["a.wav,yes,train", "b.wav,no,validation"])
    with pytest.raises(ItemError, match=r"line 3: part is 'validation'; allowed: train, dev, test"):
        index(tmp_path, table_candidates(path))


READ = {
    "a comma more in each row": "path,word,part\na.wav,yes,train,\nb.wav,no,train,,\nc.wav,yes,dev,\nd.wav,no,test,\n",
    "a comma more in the header": "path,word,part,\na.wav,yes,train\nb.wav,no,train,\nc.wav,yes,dev\nd.wav,no,test\n",
    "blank rows": "path,word,part\n\na.wav,yes,train\n,,\nb.wav,no,train\nc.wav,yes,dev\nd.wav,no,test\n,,,,\n",
    "semicolons": "path;word;part\na.wav;yes;train\nb.wav;no;train\nc.wav;yes;dev\nd.wav;no;test;\n",
    "tabs": "path\tword\tpart\na.wav\tyes\ttrain\t\nb.wav\tno\ttrain\nc.wav\tyes\tdev\nd.wav\tno\ttest\n",
    "blanks": 'path, word , part\na.wav, yes,  train\n b.wav,no ,train\nc.wav,yes,dev\nd.wav,"no",test\n',
    "quotes": '"path","word","part"\n"a.wav","yes","train"\n"b.wav", "no","train"\nc.wav,yes,dev\nd.wav,no,test\n',
    "CRLF": "path,word,part\r\na.wav,yes,train\r\nb.wav,no,train\r\nc.wav,yes,dev\r\nd.wav,no,test\r\n",
    "CR": "path,word,part\ra.wav,yes,train\rb.wav,no,train\rc.wav,yes,dev\rd.wav,no,test",
    "numbered rows": ",path,word,part\n0,a.wav,yes,train\n1,b.wav,no,train\n2,c.wav,yes,dev\n3,d.wav,no,test,\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_tables_as_programs_write_them(tmp_path, text, encoding):
    own_table(tmp_path / "own", "", [f"{name}.wav" for name in "abcd"]).write_bytes(text.encode(encoding))
    table, problems = index(tmp_path, table_candidates(tmp_path / "own/words.csv"))
    assert problems.empty
    assert table["part"].to_dict() == {"a": "train", "b": "train", "c": "dev", "d": "test"}
    assert [target[0] for target in table["target"]] == ["yes", "no", "yes", "no"]


REFUSED = {
    "a cell more": (b"path,word\na.wav,yes\nb.wav,no,extra\n", "line 3 has 3 cells, the header 2"),
    "a cell less": (b"path,word,part\na.wav,yes\n", "line 2 has 2 cells, the header 3"),
    "a cell beyond the header's comma": (b"path,word,\na.wav,yes,x\n", "line 2 has 3 cells, the header 2"),
    "after lines in a cell": (b'path,word\na.wav,"yes\nno"\nb.wav\n', "line 4 has 1 cells, the header 2"),
    "capitals": (b"Path,Word\na.wav,yes\n", r"no column path and word \(did you mean Path\?\); it has Path, Word"),
    "latin-1": (b"path,word\na.wav,yes\nb.wav,\xe9t\xe9\n", "line 3 cannot be read as UTF-8"),
    "UTF-16 without a mark": ("path,word\na.wav,yes\n".encode("utf-16-le"), "characters of value 0"),
    "a quote left open": (b'path,word\na.wav,"yes\nb.wav,no\n', "line 2 is no CSV"),
    "a column twice": (b"path,word,word\na.wav,yes,no\n", "two columns word"),
    "nothing": (b"", "no column path and word; it has none"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_tables_that_could_be_read_in_two_ways_are_refused(tmp_path, content, words):
    (tmp_path / "words.csv").write_bytes(content)
    with pytest.raises(ItemError, match=words):
        index(tmp_path, table_candidates(tmp_path / "words.csv"))


LEFT_OUT = {"backslashes": "sub\\a.wav", "no suffix": "a", "other capitals": "A.WAV"}


@pytest.mark.parametrize("path", LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_recording_that_is_not_there_by_this_name_is_left_out_by_name(tmp_path, path):
    rows = ["sub/a.wav,yes,train", "b.wav,no,train", "c.wav,yes,dev", "d.wav,no,test"]
    table = own_table(tmp_path / "own", "path,word,part", rows)
    table.write_text(table.read_text().replace("sub/a.wav", path))
    with pytest.raises(ItemError, match="nothing to tell apart"):
        index(tmp_path, table_candidates(table))
    problems = pd.read_csv(tmp_path / "problems.csv")
    assert problems[["problem", "detail"]].to_numpy().tolist() == [["no audio", "there is no such file"]]
    assert problems["audio_path"][0].endswith(path)


def test_a_recording_that_is_listed_twice_is_refused(tmp_path):
    path = own_table(tmp_path / "own", "path,word", ["a.wav,yes", "a.wav,no"])
    with pytest.raises(ItemError, match="listed more than once: a"):
        index(tmp_path, table_candidates(path))


def test_parts_for_some_are_refused(tmp_path):
    path = own_table(tmp_path / "own", "path,word,part", ["a.wav,yes,train", "b.wav,no,"])
    with pytest.raises(ItemError, match="1 of 2 utterances have a part"):
        index(tmp_path, table_candidates(path))


# A corpus


TEXT = {"1-2-0": "HE SAID", "2-2-0": "go", "3-2-0": "NO"}
PHONES = {"1-2-0": ["HH", "IY"], "2-2-0": ["G", "OW"], "3-2-0": ["N", "OW"]}
HELD_OUT = {"dev": ["2"], "test": ["3"]}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("phones", [["HH", "IY"], ["G", "OW"], ["N", "OW"]]), ("characters", [["HE", "SAID"], ["GO"], ["NO"]])],
)
def test_a_split_whose_speakers_are_divided(tmp_path, kind, expected):
    inputs = corpus_inputs(tmp_path / "c", TEXT, PHONES)
    candidates = read_candidates("corpus", inputs, kind=kind, columns=[], splits={"dev-clean": None})
    table, problems = index(tmp_path, candidates, kind, held_out=HELD_OUT)
    assert problems.empty
    assert table["part"].to_dict() == {"1-2-0": "train", "2-2-0": "dev", "3-2-0": "test"}
    assert list(map(list, table["target"])) == expected
    assert table.loc["1-2-0", "audio_path"] == "some/audio/1-2-0.flac"
    assert table.loc["1-2-0", "num_samples"] == 32000


def test_splits_are_parts(tmp_path):
    each = [corpus_inputs(tmp_path / name, {name: "A B"}, {name: ["B"]}) for name in TEXT]
    inputs = {key: [found[key] for found in each] for key in each[0]}
    splits = {"a": "train", "b": "dev", "c": "test"}
    table, _ = index(tmp_path, read_candidates("corpus", inputs, kind="phones", columns=[], splits=splits), "phones")
    assert table["part"].to_dict() == {"1-2-0": "train", "2-2-0": "dev", "3-2-0": "test"}


@pytest.mark.parametrize(("kind", "problem"), [("phones", "no phones"), ("characters", "no transcript")])
def test_an_utterance_of_which_nothing_is_known_is_left_out_by_name(tmp_path, kind, problem):
    text, phones = TEXT | {"1-2-1": "  "}, PHONES | {"1-2-1": []}
    inputs = corpus_inputs(tmp_path / "c", text, phones)
    candidates = read_candidates("corpus", inputs, kind=kind, columns=[], splits={"dev-clean": None})
    table, problems = index(tmp_path, candidates, kind, held_out=HELD_OUT)
    assert "1-2-1" not in table.index
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [["1-2-1", problem]]


def test_an_unknown_speaker_is_named(tmp_path):
    inputs = corpus_inputs(tmp_path / "c", TEXT, PHONES)
    candidates = read_candidates("corpus", inputs, kind="phones", columns=[], splits={"dev-clean": None})
    with pytest.raises(ItemError, match=r"held_out\.test: no such speaker: 99; there are 1, 2, 3"):
        index(tmp_path, candidates, "phones", held_out={"dev": ["2"], "test": ["99"]})
