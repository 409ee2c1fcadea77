"""The utterances of downstream tasks: every layout, and all that may be wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.probes import items as items_module
from layerwise.probes.items import Item, ItemError, index_task, read_candidates, unseen_labels
from tiny_corpus import noise, write_audio, write_utterances_table

SECONDS = 0.2


def read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path).set_index("item_id")


def index(tmp_path: Path, candidates, kind: str = "labels", **options) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of items by id, and the table of problems."""
    index_task(candidates, kind, tmp_path / "items.parquet", tmp_path / "problems.csv", **options)
    return read(tmp_path / "items.parquet"), pd.read_csv(tmp_path / "problems.csv", keep_default_na=False)


def items(folder: Path, count: int = 12, speakers: int = 4, part: str | None = None, **audio) -> list[Item]:
    path = write_audio(folder / "x.wav", noise(SECONDS), **audio)
    return [
        Item(f"item-{i:02d}", f"s{i % speakers}", part, path, (f"label {i // speakers % 2}",)) for i in range(count)
    ]


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


def corpus_inputs(folder: Path, text: dict[str, str], phones: dict[str, list[str]]) -> dict:
    folder.mkdir(parents=True)
    utterances = pd.read_parquet(write_utterances_table(folder / "u.parquet", dict.fromkeys(text, 2.0)))
    utterances["text"] = utterances["utterance_id"].map(text)
    utterances.to_parquet(folder / "u.parquet", index=False)
    rows = [
        {"utterance_id": name, "tier": "phone", "label": phone, "start": float(i), "end": i + 1.0}
        for name, labels in phones.items()
        for i, phone in enumerate(labels)
    ] + [{"utterance_id": name, "tier": "word", "label": "x", "start": 0.0, "end": 1.0} for name in text]
    pd.DataFrame(rows).iloc[::-1].to_parquet(folder / "i.parquet", index=False)
    return {"utterances": str(folder / "u.parquet"), "intervals": str(folder / "i.parquet"), "audio": "some/audio"}


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


# What can be wrong with any of them


def test_other_rates_are_counted_at_16_khz(tmp_path):
    path = write_audio(tmp_path / "low.wav", noise(SECONDS, rate=8000), rate=8000)
    table, problems = index(tmp_path, [*items(tmp_path), Item("low", "s0", None, path, ("label 0",))])
    assert table.loc["low", "num_samples"] == SECONDS * 16000
    assert problems.empty


@pytest.mark.parametrize(
    ("channels", "problem"),
    [(2, "not mono"), (0, "no audio")],
)
def test_recordings_that_cannot_be_used_are_left_out_by_name(tmp_path, channels, problem):
    found = items(tmp_path)
    path = tmp_path / "bad.wav"
    if channels:
        write_audio(path, np.stack([noise(SECONDS)] * channels, axis=1))
    bad = Item("bad", "s0", None, path, ("label 0",))
    table, problems = index(tmp_path, [*found, bad])
    assert "bad" not in table.index
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [["bad", problem]]


def test_long_audio_is_left_out_of_every_part_by_name(tmp_path):
    long = write_audio(tmp_path / "long.wav", noise(1.0))
    found = [*items(tmp_path), Item("long", "s1", None, long, ("label 0",))]
    table, problems = index(tmp_path, found, max_seconds=0.5)
    assert "long" not in table.index
    assert problems["detail"].tolist() == ["1.0 s, max_seconds is 0.5"]
    assert "long" in index(tmp_path, found, max_seconds=1.0)[0].index


@given(milliseconds=st.integers(1, 3_600_000), more=st.sampled_from([0, 1]))
def test_limits_count_samples_whatever_their_decimals(milliseconds, more):
    """4.35 s are 69,600 samples, where a product of floats is less than that."""
    assert items_module._exceeds(16 * milliseconds + more, milliseconds / 1000) == bool(more)
    hours = milliseconds / 1000
    one = [Item("a", "s", "train", Path("a.wav"), ("x",), 57_600 * milliseconds + more, 0.0)]
    assert len(items_module._cut(one, hours, seed=1)) == 1 - more


def test_one_class_is_nothing_to_tell_apart(tmp_path):
    same = [Item(i.item_id, i.speaker_id, None, i.path, ("yes",)) for i in items(tmp_path)]
    with pytest.raises(ItemError, match="have the label yes: there is nothing to tell apart"):
        index(tmp_path, same)


def test_an_empty_part_is_refused(tmp_path):
    with pytest.raises(ItemError, match="no utterance is left for dev and test"):
        index(tmp_path, items(tmp_path, part="train"))


def test_a_label_that_only_test_has_is_warned_of(tmp_path, caplog):
    path = write_audio(tmp_path / "x.wav", noise(SECONDS))
    rows = [
        ("a", "train", "yes"),
        ("b", "train", "no"),
        ("c", "dev", "yes"),
        ("d", "test", "maybe"),
        ("e", "test", "no"),
    ]
    table, _ = index(tmp_path, [Item(name, "", part, path, (label,)) for name, part, label in rows])
    assert "d" in table.index
    assert "1 of 2 test utterances have a label that training lacks, and will count as wrong: maybe" in caplog.text


@pytest.mark.parametrize("part", ["dev", "test"])
def test_a_part_of_which_training_has_no_label_is_refused(tmp_path, part):
    path = write_audio(tmp_path / "x.wav", noise(SECONDS))
    rows = [("a", "train", "yes"), ("b", "train", "no"), ("c", "dev", "yes"), ("d", "test", "no")]
    found = [Item(name, "", own, path, ("maybe" if own == part else label,)) for name, own, label in rows]
    with pytest.raises(ItemError, match=rf"every {part} utterance has a label that training lacks \(maybe\)"):
        index(tmp_path, found)


# Labels that follow from the speaker


def spoken(folder: Path, speakers: dict[str, tuple[str, ...]], each: int) -> list[Item]:
    """Recordings of each speaker, all with the same labels."""
    path = write_audio(folder / "x.wav", noise(SECONDS))
    return [
        Item(f"{speaker}-{i}", speaker, None, path, labels) for speaker, labels in speakers.items() for i in range(each)
    ]


def parts_by_speaker(table: pd.DataFrame) -> dict[str, set[str]]:
    return table.groupby("speaker_id")["part"].agg(set).to_dict()


@pytest.mark.parametrize("labels", [lambda name: (name,), lambda name: (name, "same"), lambda name: (name[0],)])
def test_speakers_as_labels_are_divided_by_recording(tmp_path, labels, caplog):
    """The speaker, also beside another label; and one that two of ten share, which is too few for three parts."""
    names = ["ann", "abe", "bob", "cat", "dan", "eve", "fay", "gil", "hal", "ida"]
    table, _ = index(tmp_path, spoken(tmp_path, {name: labels(name) for name in names}, each=5))
    assert parts_by_speaker(table) == {name: {"train", "dev", "test"} for name in names}
    assert "each speaker's recordings are divided" in caplog.text
    assert "that training lacks" not in caplog.text
    again, _ = index(tmp_path, spoken(tmp_path, {name: labels(name) for name in reversed(names)}, each=5))
    assert again["part"].equals(table["part"])


def test_of_two_recordings_of_a_speaker_one_is_trained_on(tmp_path):
    names = [f"s{i}" for i in range(12)]
    table, _ = index(tmp_path, spoken(tmp_path, {name: (name,) for name in names}, each=2))
    assert all("train" in parts for parts in parts_by_speaker(table).values())
    assert set(table["part"]) == {"train", "dev", "test"}


def test_one_recording_of_each_speaker_is_too_few_to_know_them_by(tmp_path):
    with pytest.raises(ItemError, match="no utterance is left for dev and test"):
        index(tmp_path, spoken(tmp_path, {f"s{i}": (f"s{i}",) for i in range(12)}, each=1))


def test_sessions_of_single_speakers_are_divided_by_recording(tmp_path):
    path = write_audio(tmp_path / "x.wav", noise(SECONDS))
    found = [Item(f"{s}-{i}", f"s{s}", None, path, (f"session {s}{i % 2}",)) for s in range(6) for i in range(12)]
    table, _ = index(tmp_path, found)
    assert parts_by_speaker(table) == {f"s{s}": {"train", "dev", "test"} for s in range(6)}


@pytest.mark.parametrize("seed", range(8))
def test_labels_that_several_speakers_have_are_divided_by_speaker_and_stay_in_training(tmp_path, seed):
    """Gender and accent follow from the speaker too; the one Scot trains, as nobody could learn from others."""
    accents = {f"s{i}": ("fm"[i % 2], ["us", "uk", "in"][i % 3]) for i in range(18)} | {"s18": ("f", "scot")}
    table, _ = index(tmp_path, spoken(tmp_path, accents, each=2), seed=seed)
    assert {len(parts) for parts in parts_by_speaker(table).values()} == {1}
    counts = table.groupby("part")["speaker_id"].nunique().to_dict()
    assert counts == {"train": 13, "dev": 2, "test": 4}
    for column in (0, 1):
        has = {part: {target[column] for target in rows["target"]} for part, rows in table.groupby("part")}
        assert has["dev"] | has["test"] <= has["train"]


def test_speakers_that_were_named_are_held_out_or_refused(tmp_path):
    found = spoken(tmp_path, {name: (name,) for name in "abcde"}, each=4)
    with pytest.raises(ItemError, match="every dev utterance has a label that training lacks"):
        index(tmp_path, found, held_out={"dev": ["a"], "test": ["b"]})


def test_words_of_few_speakers_are_not_divided_within_speakers(tmp_path):
    with pytest.raises(ItemError, match="no utterance is left for train"):
        index(tmp_path, items(tmp_path, speakers=2))


def test_unseen_labels_are_found_in_any_column():
    train = [("on", "lamp"), ("off", "fan")]
    assert unseen_labels(train, [("on", "fan"), ("on", "door"), ("up", "lamp")]) == [1, 2]


def test_repeated_ids_are_refused(tmp_path):
    found = items(tmp_path)
    with pytest.raises(ItemError, match="more than once: item-00"):
        index(tmp_path, [*found, found[0]])


# Draws


def test_hours_are_cut_by_a_seeded_draw(tmp_path):
    found = items(tmp_path, count=60, speakers=10)
    whole, _ = index(tmp_path, found)
    hours = 15 * SECONDS / 3600
    first, _ = index(tmp_path, found, hours=hours)
    again, _ = index(tmp_path, found, hours=hours)
    more, _ = index(tmp_path, found, hours=1.6 * hours)
    other, _ = index(tmp_path, found, hours=hours, seed=9)
    assert first["part"].value_counts().to_dict() == {"train": 15, "dev": 6, "test": 12}
    assert list(first.index) == list(again.index) != list(other.index)
    assert set(first.index) < set(more.index) < set(whole.index)


def test_the_order_of_candidates_does_not_matter(tmp_path):
    found = items(tmp_path, count=40)
    index(tmp_path, found, hours=0.001)
    before = (tmp_path / "items.parquet").read_bytes()
    index(tmp_path, found[::-1], hours=0.001)
    assert (tmp_path / "items.parquet").read_bytes() == before
