"""A corpus of another shape: long recordings at another rate, in Buckeye's files and labels, cut at pauses."""

from __future__ import annotations

import csv
import io
import tarfile
import zipfile
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr
import yaml

from layerwise.alignments.textgrids import parse_textgrid
from layerwise.demo.corpus import archive_paths

RATE = 22_050
PAUSE = 0.8  # seconds between the utterances of a recording
SPEAKERS, EACH = 6, 20


@pytest.fixture(scope="module")
def interviews(checkout, tmp_path_factory):
    """Utterances of the demo, joined: the folder, and what was said in which recording."""
    folder = tmp_path_factory.mktemp("interviews")
    audio, alignments = archive_paths(checkout / "resources/demo")
    by_speaker: dict[str, list[tuple[str, bytes]]] = {}
    with tarfile.open(audio) as tar:
        for member in tar:
            if member.name.endswith(".flac"):
                speaker = PurePosixPath(member.name).parts[2]
                by_speaker.setdefault(speaker, []).append((member.name, tar.extractfile(member).read()))
    said = {}
    with zipfile.ZipFile(alignments) as grids:
        names = {PurePosixPath(name).stem: name for name in grids.namelist()}
        for number, speaker in enumerate(sorted(by_speaker)[:SPEAKERS]):
            recording = f"s{number:02d}01a"
            waveform, words, phones = [], [], []
            for name, content in by_speaker[speaker][:EACH]:
                start = sum(map(len, waveform)) / RATE
                samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
                resampled = soxr.resample(samples, rate, RATE, quality="VHQ")
                waveform += [resampled, np.zeros(round(PAUSE * RATE), np.float32)]
                utterance = PurePosixPath(name).stem
                tiers = {tier.name: tier for tier in parse_textgrid(grids.read(names[utterance]), utterance)}
                for label, end in zip(tiers["words"].labels, tiers["words"].ends, strict=True):
                    words.append((start + end, label or "<SIL>"))
                for label, end in zip(tiers["phones"].labels, tiers["phones"].ends, strict=True):
                    phones.append((start + end, "SIL" if label == "sil" else label.rstrip("012").lower()))
                end = sum(map(len, waveform)) / RATE
                words.append((end, "<IVER>"))
                phones.append((end, "IVER"))
            (folder / recording[:3]).mkdir()
            soundfile.write(folder / recording[:3] / f"{recording}.wav", np.concatenate(waveform), RATE)
            for suffix, rows in (("words", words), ("phones", phones)):
                lines = [f"{end:12.6f}  122 {label}; x; y; z" for end, label in rows]
                header = [f"signal {recording}", "type 0", "color 122", "#"]
                (folder / recording[:3] / f"{recording}.{suffix}").write_text("\n".join(header + lines) + "\n")
            said[recording] = [label for _, label in words if not label.startswith("<")]
    return folder, said


@pytest.fixture(scope="module")
def run(checkout, interviews, tmp_path_factory):
    copy = checkout.copy(tmp_path_factory.mktemp("own"))
    smoke = yaml.safe_load((copy / "resources/experiments/smoke.yaml").read_text())
    corpus = {"name": "interviews", "split": "all", "audio": str(interviews[0]), "layout": "buckeye"}
    (copy / "own.yaml").write_text(yaml.safe_dump(smoke | {"experiment": "own", "corpus": corpus}))
    done = copy.snakemake("--cores", "2", "tables", configfile="own.yaml")
    assert done.returncode == 0, done.output
    return copy / "results/own", done


def test_recordings_become_utterances(run, interviews):
    results, done = run
    assert done.jobs["cut_recordings"] == 1
    utterances = pd.read_parquet(results / "corpus/utterances.parquet")
    assert set(utterances["sample_rate"]) == {RATE}
    assert set(utterances["speaker_id"]) == {f"s{number:02d}" for number in range(SPEAKERS)}
    assert len(utterances) == SPEAKERS * EACH
    recording = utterances["utterance_id"].str.rsplit("-", n=1).str[0]
    said = utterances.groupby(recording)["text"].agg(" ".join)
    assert {name: " ".join(words) for name, words in interviews[1].items()} == said.to_dict()
    assert pd.read_csv(results / "corpus/audio_problems.csv").empty


def test_scores_are_those_of_the_same_speech(run, smoke):
    """Other utterances of the same voices, resampled twice: near the demo's, and far above chance."""
    best = {}
    for name, table in (("own", run[0] / "tables/trends.csv"), ("smoke", smoke / "results/smoke/tables/trends.csv")):
        with table.open() as file:
            for row in csv.DictReader(file):
                if row["metric"] == "mean_cca":
                    for of in ("mean", "chance"):
                        best.setdefault((name, row["property"], of), []).append(float(row[of]))
    for name in ("mel", "phone"):
        own = max(best["own", name, "mean"])
        assert own == pytest.approx(max(best["smoke", name, "mean"]), abs=0.1)
        assert own > 2 * max(best["own", name, "chance"])
