"""Making alignments: the words of transcripts, the aligner on speech whose times are known, and what it cannot do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from layerwise.alignments import aligner, forced
from layerwise.alignments.aligner import AligningError
from layerwise.alignments.cleaning import INTERVAL_SCHEMA
from layerwise.alignments.forced import align_utterances
from layerwise.alignments.index import index_alignments
from layerwise.alignments.tiers import AlignmentError
from layerwise.alignments.transcript_words import words_of
from layerwise.corpus.utterances import UTTERANCE_SCHEMA
from tiny_corpus import LAYOUTS, MARKS, PHONE_SETS, noise, write_audio

DEMO = Path(__file__).parents[3] / "resources" / "demo"
COUNT = 6


# Words

DICTIONARY = {
    *("he", "was", "a", "a.", "a.m.", "mr.", "em", "'em", "dogs", "ill", "disposed", "ad-lib", "don't", "i", "sil"),
    *("rock", "roll", "unk", "laughter", "noise", "naive", "café", "o'clock", "u", "s", "mr."),
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("HE WAS", "he was"),
        (" he\twas  \n", "he was"),
        ("He, was: (a) “he”; WAS! he?", "he was a he was he"),
        ("He was a.", "he was a"),
        ("A.M., Mr. “a.m.”", "a.m. mr. a.m."),
        ("'em ’em 'was' dogs' 'he", "'em 'em was dogs he"),
        ("don’t DON'T", "don't don't"),
        ("ill-disposed ad-lib ill- -a", "ill disposed ad-lib ill a"),
        ("he—was–a he--was he…was he/was", "he was a he was he was he was"),
        ("he - was ' \" ... — a", "he was a"),
        ("_he_ *was*", "he was"),
        ("", ""),
        (" ?! - ", ""),
        ("naïve café CAFÉ cafe\u0301", "naive café café café"),
        ("don`t don´t don′t o’clock", "don't don't don't o'clock"),
        (
            "ill\u2010disposed ill\u2011disposed dis\u00adposed \ufeffhe\u200b was",
            "ill disposed ill disposed disposed he was",
        ),
        ("U.S. u.s.a u.s.a., Mr.Dogs", "u s u s a u s a mr. dogs"),
    ],
)
def test_transcripts_become_words_of_the_dictionary(text, words):
    assert words_of(text, DICTIONARY) == (words.split(), [])


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("he zorps", ["zorps"]),
        ("HE Zorps, Zorps, was ZORPS", ["Zorps,", "ZORPS"]),
        ("1984 he", ["1984"]),
        ("rock & roll", ["&"]),
        ("50% a", ["50%"]),
        ("<unk> he [LAUGHTER] [noise]", ["<unk>", "[LAUGHTER]", "[noise]"]),
        ("<sil> (<unk>) {noise}", ["<sil>", "(<unk>)", "{noise}"]),
        ("was(2)", ["was(2)"]),
        ("ill-zorped", ["ill-zorped"]),
    ],
)
def test_what_cannot_be_pronounced_is_named_as_it_was_written(text, unknown):
    assert words_of(text, DICTIONARY)[1] == unknown


@pytest.mark.parametrize(
    ("text", "words", "unknown"),
    [
        ("HE ZORPS, Zorps' 'zorps' Zörps", "he zorps zorps zorps zörps", []),
        ("ill-zorped zorp-zorp Zorp.zorp", "ill zorped zorp zorp zorp zorp", []),
        ("well-known he’s WOT'S", "well known he's wot's", []),
        ("hm zor- uh", "hm zor uh", []),
        ("zorp 1984 & <unk> [noise] zorp2 a_b 3.5", "zorp", ["1984", "&", "<unk>", "[noise]", "zorp2", "a_b", "3.5"]),
        ("zorp 日本 zorp-日本", "zorp", ["日本", "zorp-日本"]),
    ],
)
def test_words_that_the_dictionary_lacks_are_guessed(text, words, unknown):
    def guess(word: str) -> list[str]:
        return ["Z"] if word.replace("'", "").isalpha() and word < "日" else []

    assert words_of(text, DICTIONARY, guess) == (words.split(), unknown)


# Alignment


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    """A folder with a few recordings of the demo, and texts.csv of their transcripts."""
    folder = tmp_path_factory.mktemp("speech")
    texts = {}
    with tarfile.open(DEMO / "demo-dev-clean.tar.gz") as tar:
        for member in tar:
            name = Path(member.name).name
            if name.endswith(".flac") and len(list(folder.glob("*.flac"))) < COUNT:
                (folder / name).write_bytes(tar.extractfile(member).read())
            elif name.endswith(".trans.txt"):
                lines = tar.extractfile(member).read().decode().splitlines()
                texts |= dict(line.split(" ", 1) for line in lines)
            if len(list(folder.glob("*.flac"))) == COUNT and {p.stem for p in folder.glob("*.flac")} <= set(texts):
                break
    pd.Series({path.stem: texts[path.stem] for path in sorted(folder.glob("*.flac"))}).to_csv(folder / "texts.csv")
    return folder


@pytest.fixture
def texts(speech) -> dict[str, str]:
    return pd.read_csv(speech / "texts.csv", index_col=0).iloc[:, 0].to_dict()


def write_table(path: Path, folder: Path, texts: dict[str, str]) -> Path:
    """utterances.parquet of recordings in a folder."""
    rows = []
    for name, text in texts.items():
        file = folder / f"{name}.flac"
        samples = soundfile.info(file).frames if file.exists() else 16000
        rows.append(
            {
                **{"utterance_id": name, "speaker_id": name.split("-")[0], "chapter_id": name.split("-")[1]},
                **{"audio_path": f"{name}.flac", "sample_rate": 16000, "num_samples": samples},
                **{"duration": samples / 16000, "text": text, "start": 0.0},
            }
        )
    pq.write_table(pa.Table.from_pylist(rows, UTTERANCE_SCHEMA), path)
    return path


@pytest.fixture
def align(tmp_path, speech):
    """Aligns texts with recordings; returns intervals and problems."""

    def run(texts: dict[str, str], folder: Path = speech, **options) -> tuple[pd.DataFrame, pd.DataFrame]:
        utterances = write_table(tmp_path / "u.parquet", folder, texts)
        align_utterances(
            utterances, folder, tmp_path / "i.parquet", tmp_path / "p.csv", phones=PHONE_SETS["arpabet"], **options
        )
        assert pq.read_schema(tmp_path / "i.parquet").equals(INTERVAL_SCHEMA)
        problems = pd.read_csv(tmp_path / "p.csv", keep_default_na=False)
        assert list(problems.columns) == ["utterance_id", "file", "problem", "detail"]
        return pd.read_parquet(tmp_path / "i.parquet"), problems

    return run


def words_in(intervals: pd.DataFrame, utterance_id: str) -> list[str]:
    chosen = intervals[(intervals["utterance_id"] == utterance_id) & (intervals["tier"] == "word")]
    return chosen["label"].tolist()


def test_words_and_phones_lie_where_they_were_spoken(align, texts, tmp_path):
    """The demo was synthesised: its times are exact."""
    made, problems = align(texts)
    assert problems.empty
    with zipfile.ZipFile(DEMO / "demo_alignments.zip") as archive, zipfile.ZipFile(tmp_path / "a.zip", "w") as some:
        for name in archive.namelist():
            if Path(name).stem in texts:
                some.writestr(name, archive.read(name))
    index_alignments(
        tmp_path / "a.zip", "dev-clean", tmp_path / "u.parquet", tmp_path / "e.parquet", tmp_path / "p",
        layout=LAYOUTS["librispeech"], phones=PHONE_SETS["arpabet"], marks=MARKS,
    )  # fmt: skip
    exact = pd.read_parquet(tmp_path / "e.parquet")
    assert set(made.loc[made["tier"] == "phone", "label"]) <= set(PHONE_SETS["arpabet"].phones)
    errors = []
    for name, text in texts.items():
        assert words_in(made, name) == words_in(exact, name) == text.lower().split()
        borders = [
            table[(table["utterance_id"] == name) & (table["tier"] == "word")][["start", "end"]].to_numpy()
            for table in (made, exact)
        ]
        errors += np.abs(borders[0] - borders[1]).ravel().tolist()
    assert len(errors) > 60
    assert np.mean(np.array(errors) <= 0.05) > 0.85
    assert np.median(errors) < 0.02


def test_phones_tile_their_words(align, texts):
    made, _ = align(texts)
    for _, table in made.groupby("utterance_id"):
        phones, words = (table[table["tier"] == tier] for tier in ("phone", "word"))
        assert (table["end"] > table["start"]).all()
        for word in words.itertuples():
            inside = phones[(phones["start"] >= word.start) & (phones["end"] <= word.end)]
            assert inside["start"].iloc[0] == word.start
            assert inside["end"].iloc[-1] == word.end
            assert (inside["end"].to_numpy()[:-1] == inside["start"].to_numpy()[1:]).all()
        times = table[["start", "end"]].to_numpy()
        assert (times == np.round(times, 2)).all()  # 0.58, not 0.5800000000000001


def test_rows_are_sorted(align, texts):
    made, _ = align(dict(reversed(texts.items())))
    keys = list(made[["utterance_id", "tier", "start"]].itertuples(index=False, name=None))
    assert keys == sorted(keys)


def test_bytes_depend_neither_on_processes_nor_on_neighbours(align, texts, tmp_path):
    texts |= {"0-0-0000": "1984", min(texts): f"{texts[min(texts)]} ZORP"}
    align(texts)
    written = [(tmp_path / name).read_bytes() for name in ("i.parquet", "p.csv")]
    together = pd.read_parquet(tmp_path / "i.parquet")
    align(texts, processes=3)
    assert [(tmp_path / name).read_bytes() for name in ("i.parquet", "p.csv")] == written
    last = max(texts)
    alone, _ = align({last: texts[last]})
    pd.testing.assert_frame_equal(alone, together[together["utterance_id"] == last].reset_index(drop=True))


def test_what_cannot_be_aligned_is_named_and_the_rest_kept(align, texts, speech, tmp_path):
    folder = tmp_path / "audio"
    folder.mkdir()
    for name in texts:
        os.link(speech / f"{name}.flac", folder / f"{name}.flac")
    good, *others = texts
    texts |= {
        others[0]: f"{texts[others[0]]} ZORP 日本 1984",
        others[1]: " - ",
        others[2]: " ".join([texts[others[2]]] * 20),  # more than fits
    }
    (folder / f"{others[3]}.flac").unlink()
    write_audio(folder / "0-0-0000.flac", noise(0.005))
    write_audio(folder / "0-0-0002.flac", noise(0.05))
    texts |= {"0-0-0000": "the", "0-0-0002": "some words"}
    made, problems = align(texts, folder)
    assert set(made["utterance_id"]) == {good, others[4]}
    assert words_in(made, others[4]) == texts[others[4]].lower().split()
    found = {row.utterance_id: (row.file, row.problem, row.detail) for row in problems.itertuples()}
    assert set(found) == set(texts) - {good, others[4]}
    assert all(file == f"{name}.flac" for name, (file, _, _) in found.items())
    kinds = {name: rest[1] for name, rest in found.items()}
    assert kinds == {
        **{others[0]: "no pronunciation", others[1]: "empty transcript", others[2]: "not aligned"},
        **{others[3]: "unreadable", "0-0-0000": "not aligned", "0-0-0002": "not aligned"},
    }
    assert found[others[0]][2] == "日本, 1984; numbers are to be written as words"
    assert re.fullmatch(
        r"its \d+ words take [\d.]+ s at least, the recording [\d.]+ s; do transcript and recording match\?",
        found[others[2]][2],
    )
    assert "80 samples are less than a frame" in found["0-0-0000"][2]


def test_pronunciations_are_added(align, texts, tmp_path):
    name, text = next(iter(texts.items()))
    assert text.startswith("EVERY ")
    rest = text.split()[1:]
    words = tmp_path / "words.dict"
    # A word that the dictionary lacks, and for one that it has a variant that nobody says.
    words.write_text(f"ZORP  EH1 V ER0 IY0\n{rest[-1]}  OY1 ZH OY1 ZH OY1\n")
    made, problems = align({name: " ".join(["ZORP", *rest])}, pronunciations=words)
    assert problems.empty
    assert words_in(made, name) == ["zorp", *map(str.lower, rest)]
    phones = made.loc[made["tier"] == "phone", "label"].tolist()
    assert phones[:4] == ["EH", "V", "ER", "IY"]
    assert "ZH" not in phones


def test_a_new_decoder_follows_a_failure(align, texts, monkeypatch):
    made_of = []
    new = aligner._Aligner._new_decoder

    class Failing:
        """Fails once, and cannot be used after that."""

        def __getattr__(self, name):
            def fail(*arguments):
                raise RuntimeError(f"{name} failed")

            return fail

    def first_fails(self, options):
        made_of.append(self)
        return Failing() if len(made_of) == 1 else new(self, options)

    monkeypatch.setattr(aligner._Aligner, "_new_decoder", first_fails)
    monkeypatch.setattr(aligner, "DECODERS", aligner.DECODERS[:1])
    made, problems = align(texts)
    first, *others = sorted(texts)
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [[first, "not aligned"]]
    assert "set_align_text failed" in problems["detail"][0]
    assert sorted(made["utterance_id"].unique()) == others


def test_what_one_decoder_cannot_align_the_next_one_does(align, texts, monkeypatch, tmp_path):
    assert align(texts)[1].empty
    expected = (tmp_path / "i.parquet").read_bytes()
    nothing = {"bestpath": False, "beam": 1e-1, "pbeam": 1e-1, "wbeam": 1e-1}
    monkeypatch.setattr(aligner, "DECODERS", (nothing, *aligner.DECODERS))
    _, problems = align(texts)
    assert (tmp_path / "i.parquet").read_bytes() == expected
    assert problems["utterance_id"].tolist() == sorted(texts)
    assert set(problems["problem"]) == {"hard to align"}
    assert problems["detail"].str.startswith("kept; aligned with wider beams only").all()
    monkeypatch.setattr(aligner, "DECODERS", (nothing,))
    with pytest.raises(AlignmentError, match=f"no utterance could be aligned: {COUNT} not aligned"):
        align(texts)


def test_guessed_words_are_aligned_and_named(align, texts, caplog):
    name, text = next(iter(texts.items()))
    other = sorted(texts)[-1]
    assert text.startswith("EVERY ")
    rest = text.split()[1:]
    made, problems = align({name: " ".join(["Évery's", *rest]), other: texts[other]})
    assert words_in(made, name) == ["évery's", *map(str.lower, rest)]
    assert words_in(made, other) == texts[other].lower().split()
    assert problems.to_numpy().tolist() == [
        [name, f"{name}.flac", "pronunciation guessed", "kept; évery's (EH V ER IY Z or EH V R IY Z)"]
    ]
    assert "of 1 words, 1 intervals in 1 utterances (évery's 1)" in caplog.text


def test_only_what_is_kept_is_called_guessed(align, texts):
    first, second, *_ = texts
    made, problems = align({first: texts[first], second: " ".join(["ZORP"] * 400)})
    assert set(made["utterance_id"]) == {first}
    assert problems["problem"].tolist() == ["not aligned"]


def test_words_that_the_aligner_leaves_out_are_no_alignment(align, texts, monkeypatch):
    whole = aligner._Aligner._segments
    monkeypatch.setattr(aligner._Aligner, "_segments", lambda self, *what: whole(self, *what)[:-3])
    name, text = next(iter(texts.items()))
    with pytest.raises(AlignmentError, match="no utterance could be aligned: 1 not aligned"):
        align({name: text})


def test_silence_and_noise_are_dropped(align, texts, monkeypatch):
    segments = [
        ("<s>", 0, 5, [("SIL", 0, 5)]),
        ("[NOISE]", 5, 5, [("+NSN+", 5, 5)]),
        ("the(2)", 10, 10, [("DH", 10, 4), ("IY", 14, 6)]),
        ("[SPEECH]", 20, 5, [("+SPN+", 20, 5)]),
        ("<sil>", 25, 400, [("SIL", 25, 400)]),
    ]
    monkeypatch.setattr(aligner._Aligner, "_segments", lambda self, *what: segments)
    made, problems = align({next(iter(texts)): "THE"})
    assert problems.empty
    assert made.drop(columns="utterance_id").to_numpy().tolist() == [
        ["phone", "DH", 0.1, 0.14],
        ["phone", "IY", 0.14, 0.2],
        ["word", "the", 0.1, 0.2],
    ]


def test_nothing_aligned_is_an_error_that_says_why(align, texts, tmp_path):
    with pytest.raises(AlignmentError, match=rf"no utterance could be aligned: {COUNT} no pronunciation \(first: 9"):
        align(dict.fromkeys(texts, "1984"))
    assert len(pd.read_csv(tmp_path / "p.csv")) == COUNT
    assert not (tmp_path / "i.parquet").exists()


def test_a_process_that_dies_ends_the_job_with_words(align, texts, monkeypatch):
    monkeypatch.setattr(aligner._Aligner, "align", lambda self, task: os._exit(3))
    with pytest.raises(AligningError, match=f"a process of the aligner died, at utterance {min(texts)} or soon"):
        align(texts, processes=2)


@pytest.mark.parametrize("library", ["pocketsphinx", "hama"])
def test_without_its_libraries_it_says_how_to_install(align, texts, monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(AligningError, match=rf"needs {library}; .*{re.escape(aligner.INSTALL)}"):
        align(texts)


def test_importing_the_module_imports_no_aligner():
    code = "import sys, layerwise.alignments.forced; assert not {'pocketsphinx', 'hama'} & set(sys.modules)"
    parent = str(Path(forced.__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": parent})


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_16", "PCM_24"])
def test_samples_are_the_same_in_every_format(tmp_path, subtype):
    samples = np.round(noise(0.1) * 32768) / 32768
    path = write_audio(tmp_path / "a.wav", samples.astype(np.float32), subtype=subtype)
    np.testing.assert_array_equal(aligner.read_waveform(path), samples)


def test_aligning_says_how_far_it_is(align, texts, progress):
    align(texts)
    assert progress() == [
        f"aligning: {done} of {len(texts)} utterances ({100 * done // len(texts)} %)" for done in range(1, len(texts))
    ]
