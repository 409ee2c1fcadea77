"""Corpora as others made them, in small: each is planned and read, or the line that helps is said."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from tiny_corpus import TIERS, noise, textgrid_long, write_audio, write_files, write_utterance

# As WebMAUS writes them: phones in SAMPA, and words twice.
WEBMAUS = textgrid_long(
    [
        ("ORT-MAU", [(0.0, 0.25, "<p:>"), (0.25, 1.0, "author")]),
        ("KAN-MAU", [(0.0, 0.25, "<p:>"), (0.25, 1.0, "O:T@")]),
        ("MAU", [(0.0, 0.25, "<p:>"), (0.25, 0.5, "O:"), (0.5, 0.75, "T"), (0.75, 1.0, "@")]),
    ]
)
IPA = textgrid_long([("word", [(0.0, 1.0, "mɨ")]), ("phone", [(0.0, 0.4, "m̥"), (0.4, 1.0, "ɨː")])])


def recordings(folder: Path, names: list[str], grid: str | None = None) -> Path:
    """Recordings of a second each, with a TextGrid beside them."""
    for seed, name in enumerate(names):
        write_audio(folder / f"{name}.wav", noise(1.0, seed=seed))
        if grid is not None:
            write_files(folder, {f"{name}.TextGrid": grid})
    return folder


def arctic(folder: Path) -> Path:
    return recordings(folder, [f"wav/arctic_a{number:04}" for number in range(4)], WEBMAUS)


def voxangeles(folder: Path) -> Path:
    return recordings(folder, [f"{language}/{language}_word_{n}" for language in ("abk", "ace") for n in (1, 2)], IPA)


def digits(folder: Path) -> Path:
    return recordings(folder, [f"{digit}_{who}_{n}" for digit in (0, 1) for who in ("jackson", "theo") for n in (0, 1)])


def speechocean(folder: Path) -> Path:
    """Kaldi's files, paths as they were on another machine's data folder, alignments by utterance."""
    names = ["000010011", "000010012", "000020011"]
    recordings(folder, [f"WAVE/SPEAKER{name[:5]}/{name}" for name in names])
    lines = {name: f"WAVE/SPEAKER{name[:5]}/{name}.wav" for name in names}
    kaldi = {
        "wav.scp": "".join(f"{name}\t{path}\n" for name, path in lines.items()),
        "text": "".join(f"{name}\tHELLO\n" for name in names),
        "utt2spk": "".join(f"{name}\t{name[:5]}\n" for name in names),
        "spk2gender": "00001 m\n00002 f\n",
    }
    write_files(folder / "train", kaldi)
    return write_files(folder, {f"grids/{name}.TextGrid": textgrid_long(TIERS) for name in names})


def librispeech(folder: Path) -> Path:
    for number in range(3):
        path = write_utterance(folder, f"1-2-000{number}", samples=noise(1.0, seed=number))
        write_files(path.parent, {f"1-2-000{number}.TextGrid": textgrid_long(TIERS)})
    (folder / "LibriSpeech/dev-clean").rename(folder / "LibriSpeech/my-part")
    return folder


SIZES = {"count": 3, "utterances": 80, "phones_per_type": 60, "word_types": 70, "words_per_type": 15}
SAMPLES = ("results/own/samples/1/words.parquet", "results/own/samples/enough.csv")
DIGITS = {"layout": {"recordings": "**/{digit}_{speaker}_{n}", "utterance_id": "{digit}_{speaker}_{n}"}}
PHONES = {"properties": ["mel", "phone"]}
ARCTIC = {"layout": {"recordings": "**/{utterance}"}, "tiers": {"phone": "MAU"}, "phones": "sampa"}


@pytest.fixture
def written(tmp_path):
    """Writes a configuration as somebody would for a first look: a corpus, a model, questions."""

    def write(make, keys: dict, more: dict | None = None) -> str:
        corpus = {"name": "mine", "split": "all", "audio": str(make(tmp_path / "mine"))} | keys
        configuration = {"experiment": "own", "corpus": corpus, "models": ["random-wav2vec2-tiny"]}
        configuration["samples"] = SIZES
        path = tmp_path / "own.yaml"
        path.write_text(yaml.safe_dump(configuration | (PHONES if more is None else more)))
        return str(path)

    return write


def read(checkout, tmp_path, configuration: str, *targets: str):
    """Plan everything, then read the corpus in a copy: the copy, and what was said."""
    assert checkout.plan(configfile=configuration).jobs["draw_sample"] == 3
    copy = checkout.copy(tmp_path / "copy")
    targets = targets or ("results/own/corpus/intervals.parquet",)
    run = copy.snakemake("--cores", "1", *targets, configfile=configuration)
    return copy / "results/own", run


# What works: (maker, corpus, more, intervals of phones, of words, speakers)
WORKS = {
    "ARCTIC": (arctic, ARCTIC, None, 12, 0, {"one"}),
    "ARCTIC, tiers in other case, in a list": (
        arctic, ARCTIC | {"tiers": {"phone": ["phones", "mau"]}}, None, 12, 0, {"one"},
    ),
    "ARCTIC, a pattern": (arctic, ARCTIC | {"tiers": {"phone": "MAU*"}}, None, 12, 0, {"one"}),
    "ARCTIC, no tier for words": (
        arctic, ARCTIC | {"tiers": {"phone": "MAU", "word": None}}, None, 12, 0, {"one"},
    ),
    "ARCTIC, a pattern with a suffix": (
        arctic, ARCTIC | {"layout": {"recordings": "**/{utterance}.wav", "speaker_id": "awb"}}, None, 12, 0, {"awb"},
    ),
    "ARCTIC, flat": (arctic, ARCTIC | {"layout": "flat"}, None, 12, 0, {"wav"}),
    "ARCTIC, with words": (
        arctic, ARCTIC | {"tiers": {"phone": "MAU", "word": "ORT-MAU"}}, {"properties": ["word"]}, 12, 4, {"one"},
    ),
    "VoxAngeles": (voxangeles, {"layout": "flat", "phones": "ipa"}, None, 8, 4, {"abk", "ace"}),
    "VoxAngeles, labels as they are": (voxangeles, {"layout": "flat", "phones": "keep"}, None, 8, 4, {"abk", "ace"}),
    "speechocean762": (
        speechocean, {"layout": "kaldi", "split": "train"}, {"properties": ["phone", "word", "gender"]}, 12, 3,
        {"00001", "00002"},
    ),
    "LibriSpeech, a split of one's own": (
        librispeech, {"name": "librispeech", "split": "my-part"}, {"properties": ["phone"]}, 12, 3, {"1"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "keys", "more", "phones", "words", "speakers"), WORKS.values(), ids=WORKS)
def test_it_is_read(checkout, tmp_path, written, make, keys, more, phones, words, speakers):
    if keys.get("name") == "librispeech":
        keys = keys | {"alignments": str(tmp_path / "mine")}
    results, run = read(checkout, tmp_path, written(make, keys, more))
    assert run.returncode == 0, run.output
    tiers = pd.read_parquet(results / "corpus/intervals.parquet")["tier"].value_counts()
    assert (tiers.get("phone", 0), tiers.get("word", 0)) == (phones, words)
    assert set(pd.read_parquet(results / "corpus/utterances.parquet")["speaker_id"]) == speakers
    for problems in ("audio", "alignment"):
        assert pd.read_csv(results / f"corpus/{problems}_problems.csv").empty


def test_digits_without_alignments(checkout, tmp_path, written):
    """Who speaks stands in the names; questions about frames and speakers need no alignment."""
    configuration = written(digits, DIGITS | {"alignments": "absent"}, {"properties": ["mel", "speaker"]})
    results, run = read(checkout, tmp_path, configuration, *SAMPLES)
    assert run.returncode == 0, run.output
    assert "write_no_intervals" in run.jobs
    assert pd.read_parquet(results / "corpus/intervals.parquet").empty
    assert len(pd.read_parquet(results / "samples/1/utterances.parquet")) == 8
    utterances = pd.read_parquet(results / "corpus/utterances.parquet")
    assert utterances.groupby("speaker_id").size().to_dict() == {"jackson": 4, "theo": 4}
    assert set(pd.read_csv(results / "samples/enough.csv")["property"]) == {"mel", "speaker"}


def test_nothing_is_said_of_words_that_nobody_asks_about(checkout, tmp_path, written):
    (tmp_path / "words.txt").write_text("a list of\nother words\n")
    configuration = written(arctic, ARCTIC | {"word_list": str(tmp_path / "words.txt")})
    results, run = read(checkout, tmp_path, configuration, *SAMPLES)
    assert run.returncode == 0, run.output
    assert pd.read_parquet(results / "samples/1/words.parquet").empty
    warned = [line for path in (results / "logs").rglob("*.log") for line in path.read_text().splitlines()]
    assert any("WARNING" in line and "phone" in line for line in warned)  # of four recordings
    assert not [line for line in warned if "WARNING" in line and "word" in line and "samples: auto" not in line]


def test_who_speaks_may_stand_in_a_table(checkout, tmp_path, written):
    table = tmp_path / "who.csv"
    table.write_text("path,speaker_id\n" + "".join(f"arctic_a{n:04}.wav,s{n % 2}\n" for n in range(4)))
    results, run = read(checkout, tmp_path, written(arctic, ARCTIC | {"metadata": str(table)}))
    assert run.returncode == 0, run.output
    assert set(pd.read_parquet(results / "corpus/utterances.parquet")["speaker_id"]) == {"s0", "s1"}


# What is wrong already in the plan: (maker, corpus, more, words)
REFUSED = {
    "a question about words": (
        arctic, ARCTIC, {"properties": ["phone", "word"]}, "word is about words, and corpus.tiers names no tier",
    ),
    "another question about words": (
        arctic, ARCTIC, {"properties": ["word-discrimination"]}, "about words, and corpus.tiers names no tier of words",
    ),
    "a question about phones of a corpus without alignments": (
        digits, DIGITS | {"alignments": "absent"}, None, "phone is about phones, and corpus.alignments is absent",
    ),
    "phones in place of phone": (
        arctic, ARCTIC | {"tiers": {"phones": "MAU"}}, None, "corpus.tiers.phones: there is no such key (did you mean",
    ),
    "no tier at all": (arctic, ARCTIC | {"tiers": {"phone": None}}, None, "layout.tiers: neither phones nor words"),
    "a pattern in place of fields": (
        arctic, ARCTIC | {"layout": "**/{utterance}"}, None, "several fields: {recordings: '**/{utterance}'}",
    ),
    "automatic without transcripts": (
        digits, DIGITS | {"alignments": "automatic"}, None, "corpus.alignments: automatic needs transcripts",
    ),
    "LibriSpeech, a split of one's own without alignments": (
        librispeech, {"name": "librispeech", "split": "my-part"}, None,
        "for a split of your own, name corpus.alignments too",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "keys", "more", "words"), REFUSED.values(), ids=REFUSED)
def test_the_plan_says_what_is_wrong(checkout, written, make, keys, more, words):
    run = checkout.snakemake("-n", configfile=written(make, keys, more))
    assert run.returncode == 1
    assert words in run.output
    assert "Traceback" not in run.output


# What a job says: (maker, corpus, words)
STOPS = {
    "no tiers named": (
        arctic, {"layout": "flat"}, ["tiers with intervals: KAN-MAU, MAU, ORT-MAU", "corpus.tiers"],
    ),
    "labels of another set": (arctic, ARCTIC | {"phones": None}, ["corpus.phones", "keep"]),
    "IPA against ARPAbet": (voxangeles, {"layout": "flat"}, ["corpus.phones", "keep"]),
    "LibriSpeech's layout": (arctic, ARCTIC | {"layout": None}, ["name the layout", "flat"]),
    "no alignments": (digits, DIGITS, ["automatic", "or absent, if nothing that you ask is about phones or words"]),
}  # fmt: skip


@pytest.mark.parametrize(("make", "keys", "words"), STOPS.values(), ids=STOPS)
def test_a_job_says_what_helps(checkout, tmp_path, written, make, keys, words):
    _, run = read(checkout, tmp_path, written(make, keys))
    assert run.returncode == 1
    for word in words:
        assert word in run.output
    assert "Traceback" not in run.output
