"""Recordings of people, far too few for a word score: what can be measured is, and what cannot says why."""

from __future__ import annotations

import csv
import json
import re
import tarfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml

from aligning import LAYOUT, MARKS, PHONES, border_errors, within
from layerwise.alignments.index import index_alignments

REAL_SPEECH = Path(__file__).resolve().parents[3] / "shared" / "real_speech"
WHISPER_SPEECH = REAL_SPEECH.with_name("real")  # LibriSpeech, and the encoder of a Whisper model
MODEL = "random-wav2vec2-tiny"

pytestmark = pytest.mark.skipif(not REAL_SPEECH.is_dir(), reason="no recordings in ../shared/real_speech")


@pytest.fixture(scope="module")
def real(checkout, tmp_path_factory):
    """Three properties, then `word` too, then the same in earnest: (checkout, the runs, the scores after each)."""
    copy = checkout.copy(tmp_path_factory.mktemp("real"))
    configuration = {
        "experiment": "real",
        "corpus": {
            "name": "real-mini",
            "split": "real-mini",
            "audio": str(REAL_SPEECH / "real-mini.tar.gz"),
            "alignments": str(REAL_SPEECH / "real-mini_alignments.zip"),
        },
        "models": [MODEL],
        "probes": {"tasks": []},
        "samples": {"count": 1, "utterances": 11, "phones_per_type": 30, "word_types": 20, "words_per_type": 5},
        "cca": {"trials": 2},
    }
    changes = [
        {"properties": ["intra", "mel", "phone"]},
        {"properties": ["intra", "mel", "phone", "word"]},
        {"properties": ["intra", "mel", "phone", "word"], "strict": True},
    ]
    runs, tables = [], []
    for change, target in zip(changes, ("tables", "all", "tables"), strict=True):
        (copy / "real.yaml").write_text(yaml.safe_dump(configuration | change))
        runs.append(copy.snakemake("--cores", "2", target, configfile="real.yaml"))
        table = copy / "results/real/tables/scores.csv"
        tables.append(table.read_text() if table.exists() else "")
    return copy / "results/real", runs, tables


def rows(table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(table.splitlines()))


def reason_in(results) -> str:
    (record,) = {
        (record["status"], record["reason"])
        for path in (results / "scores/word").rglob("*.json")
        for record in json.loads(path.read_text())["records"]
    }
    assert record[0] == "skipped"
    return record[1]


def test_frames_and_phones_are_scored(real):
    _, runs, tables = real
    assert runs[0].returncode == 0, runs[0].output
    scores = rows(tables[0])
    assert {row["property"] for row in scores} == {"intra", "mel", "phone"}
    assert {row["status"] for row in scores} <= {"ok", "flagged"}
    assert all(abs(float(row["score"])) <= 1 + 1e-9 for row in scores)  # not NaN either; 1 is met up to rounding
    layer_0 = [row for row in scores if (row["property"], row["layer"]) == ("intra", "T0")]
    found, by_chance = ([float(row[of]) for row in layer_0] for of in ("score", "chance"))
    assert found == pytest.approx([1.0] * len(found), abs=1e-3)
    assert max(by_chance) < 0.3


def test_adding_words_extracts_nothing_and_goes_on(real):
    _, runs, _ = real
    assert runs[1].returncode == 0, runs[1].output
    assert runs[1].jobs["score_layers"] == 1
    assert not {"extract_representations", "draw_sample", "index_alignments"} & set(runs[1].jobs)


def test_skipped_record_says_why(real):
    reason = reason_in(real[0])
    assert re.search(r"\b\d+ rows\b", reason)
    assert re.search(r"\b\d+ types\b", reason)
    assert "48" in reason  # dimensions of a layer
    assert "dimensions" in reason


def test_skipped_scores_stand_in_the_table(real):
    results, _, tables = real
    words = [row for row in rows(tables[1]) if row["property"] == "word"]
    assert {row["layer"] for row in words} == {f"T{i}" for i in range(5)}
    assert {(row["status"], row["reason"], row["score"]) for row in words} == {("skipped", reason_in(results), "")}


def test_other_rows_are_the_same(real):
    def others(table):
        return [line for line in table.splitlines() if not line.startswith("word,")]

    assert others(real[2][1]) == others(real[2][0])
    assert len(others(real[2][0])) > 50


@pytest.mark.parametrize("kind", ["depth", "layer", "heatmap"])
def test_plot_says_why_there_is_none(real, kind):
    root = ElementTree.parse(real[0] / f"plots/word_{kind}.svg").getroot()
    texts = [" ".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    shown = re.sub(r"\s+", " ", " ".join(texts))
    assert "skipped" in shown
    assert reason_in(real[0]) in shown


def test_report_says_why(real):
    assert reason_in(real[0]) in (real[0] / "report.html").read_text().replace("&#39;", "'")


def test_strict_makes_it_an_error(real):
    results, runs, tables = real
    assert runs[2].returncode == 1
    assert reason_in(results) in runs[2].output
    assert "strict" in runs[2].output
    assert "score_layers" not in runs[2].jobs
    assert "Traceback" not in runs[2].output
    assert tables[2] in ("", tables[1])  # no other table in its place


# The same recordings without their alignments


@pytest.fixture(scope="module")
def automatic(checkout, tmp_path_factory):
    """Results of an experiment that made its alignments itself."""
    copy = checkout.copy(tmp_path_factory.mktemp("automatic"))
    configuration = {
        "experiment": "automatic",
        "corpus": {
            "name": "real-mini",
            "split": "real-mini",
            "audio": str(REAL_SPEECH / "real-mini.tar.gz"),
            "alignments": "automatic",
        },
        "models": [MODEL],
        "probes": {"tasks": []},
        "properties": ["mel", "phone"],
        "samples": {"count": 1, "utterances": 11, "phones_per_type": 30, "word_types": 20, "words_per_type": 5},
        "cca": {"trials": 2},
    }
    (copy / "automatic.yaml").write_text(yaml.safe_dump(configuration))
    targets = ["tables", "results/automatic/plots/phone_depth.svg"]
    run = copy.snakemake("--cores", "2", *targets, configfile="automatic.yaml")
    assert run.returncode == 0, run.output
    assert run.jobs["align_utterances"] == 1
    assert "index_alignments" not in run.jobs
    assert copy.plan(*targets, configfile="automatic.yaml").jobs == {}
    return copy / "results/automatic"


def test_made_borders_are_near_those_that_were_given(automatic, tmp_path):
    """The given ones come from the same aligner: this shows that nothing goes wrong on the way, not how good it is."""
    index_alignments(
        REAL_SPEECH / "real-mini_alignments.zip",
        "real-mini",
        automatic / "corpus/utterances.parquet",
        tmp_path / "given.parquet",
        tmp_path / "problems.csv",
        layout=LAYOUT,
        phones=PHONES,
        marks=MARKS,
    )
    made, given = pd.read_parquet(automatic / "corpus/intervals.parquet"), pd.read_parquet(tmp_path / "given.parquet")
    assert made["utterance_id"].nunique() == given["utterance_id"].nunique() == 11
    errors = {tier: border_errors(made, given, tier) for tier in ("word", "phone")}
    for tier, found in errors.items():
        print(f"{tier} borders within 20 ms: {within(found, 0.02):.1%} of {found.size}")
    assert errors["word"].size > 300
    assert errors["phone"].size > 1000
    for found in errors.values():
        assert within(found, 0.02) >= 0.8
        assert not np.isnan(found).any()


def test_no_utterance_is_left_out(automatic):
    assert (automatic / "corpus/alignment_problems.csv").read_text() == "utterance_id,file,problem,detail\n"


def test_every_table_says_that_alignments_are_automatic(automatic):
    names = ["scores", "trends", "best_layers", "samples", "layers_mel", "layers_phone"]
    tables = {name: rows((automatic / f"tables/{name}.csv").read_text()) for name in names}
    for name, table in tables.items():
        assert {row["alignments"] for row in table} == {"automatic"}, name
    phones = [row for row in tables["scores"] if row["property"] == "phone"]
    assert {row["layer"] for row in phones} == {f"T{i}" for i in range(5)}
    assert all(abs(float(row["score"])) <= 1 + 1e-9 for row in phones)
    drawn = {row["span"]: int(row["drawn"]) for row in tables["samples"]}
    assert drawn["phone"] > 500
    assert "(automatic alignments)" in (automatic / "plots/phone_depth.svg").read_text()


# Questions of the catalogue that need no code, of a real model


@pytest.fixture(scope="module")
def asked(checkout, tmp_path_factory):
    """The scores of a model that was trained, and of a random one, on an utterance each of 16 speakers."""
    if not WHISPER_SPEECH.is_dir():
        pytest.skip("no recordings and no model in ../shared/real")
    copy = checkout.copy(tmp_path_factory.mktemp("asked"))
    with tarfile.open(WHISPER_SPEECH / "train-clean-100-mini.tar.gz") as archive:
        few = [member for member in archive if member.name.endswith((".flac", ".trans.txt"))][:32]
        archive.extractall(copy.root, few, filter="data")
    configuration = {
        "experiment": "asked",
        "corpus": {
            "name": "few",
            "split": "train-clean-100-mini",
            "audio": "LibriSpeech",
            "alignments": str(WHISPER_SPEECH / "alignments.zip"),
        },
        "models": ["whisper", MODEL],
        "extra_models": {"whisper": {"source": str(WHISPER_SPEECH / "whisper-tiny.en-encoder")}},
        "probes": {"tasks": []},
        "properties": ["speaker", "f0", "word-quarter-1"],
        "samples": {"count": 1, "utterances": 16, "phones_per_type": 5, "word_types": 10, "words_per_type": 10},
        "cca": {"trials": 2},
    }
    (copy / "asked.yaml").write_text(yaml.safe_dump(configuration))
    run = copy.snakemake("--cores", "2", "results/asked/tables/scores.csv", configfile="asked.yaml")
    assert run.returncode == 0, run.output
    return pd.read_csv(copy / "results/asked/tables/scores.csv", keep_default_na=False)


def test_speakers_of_one_utterance_are_skipped_with_the_reason(asked):
    found = asked[asked["property"] == "speaker"]
    assert set(found["model"]) == {"whisper", MODEL}
    assert set(found["status"]) == {"skipped"}
    assert all("0 of 16 labels occur in more than one row" in reason for reason in found["reason"])


def test_pitch_is_found_above_chance_and_fades(asked):
    chosen = asked[(asked["property"] == "f0") & (asked["metric"] == "r2") & (asked["model"] == "whisper")]
    score, chance = (chosen.astype({of: float}).groupby("layer")[of].mean() for of in ("score", "chance"))
    assert (score > chance + 0.2).all()
    assert score["T1"] > 0.8
    assert score["T4"] < score["T1"] - 0.05


def test_words_are_asked_for_by_a_quarter_where_there_are_rows_enough(asked):
    words = asked[asked["property"] == "word-quarter-1"]
    assert set(words.loc[words["model"] == MODEL, "status"]) <= {"ok", "flagged"}
    skipped = words[words["model"] == "whisper"]
    assert set(skipped["status"]) == {"skipped"}
    assert all(re.search(r"\d+ training rows for 384 \+ 10 dimensions", reason) for reason in skipped["reason"])
