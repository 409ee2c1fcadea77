"""The configurations of the page on a first study read the corpora that it describes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

import pages
from tiny_corpus import TIERS, noise, textgrid_long, write_audio, write_files, write_zip

STUDIES = {
    study["experiment"]: study
    for block in pages.blocks(pages.REPOSITORY / "docs/first-study.md")
    if block.language == "yaml"
    for study in [yaml.safe_load(block.text)]
}
RECORDINGS = ("anna/one", "anna/two", "ben/three")
MAU = textgrid_long([("MAU", [(0.0, 0.25, "<p:>"), (0.25, 0.5, "O:"), (0.5, 1.0, "@")])])
ENGLISH = {"hello", "HH", "AH", "L", "OW"}  # of TIERS, without stress and silence
GERMAN = textgrid_long([("words", [(0.0, 1.0, "Öl")]), ("phones", [(0.0, 0.5, "øː"), (0.5, 1.0, "l")])])


def beside(data: Path) -> None:
    write_files(data / "mine", {f"{name}.TextGrid": MAU for name in RECORDINGS})


def in_a_zip(grid: str):
    def write(data: Path) -> None:
        write_zip(data / "my-textgrids.zip", {f"{name}.TextGrid": grid for name in RECORDINGS})

    return write


def kaldi(data: Path) -> None:
    lists = {
        "wav.scp": "".join(f"{Path(name).name} {name}.wav\n" for name in RECORDINGS),
        "utt2spk": "".join(f"{Path(name).name} {Path(name).parent}\n" for name in RECORDINGS),
    }
    write_files(data / "mine/data/train", lists)
    grid = textgrid_long(TIERS)
    write_zip(data / "my-textgrids.zip", {f"{Path(name).name}.TextGrid": grid for name in RECORDINGS})


# What is written beside the recordings, and the labels that are read from it.
WRITTEN = {
    "my-phones": (beside, {"O:", "@"}),
    "my-words": (in_a_zip(textgrid_long(TIERS)), ENGLISH),
    "my-kaldi": (kaldi, ENGLISH),
    "my-german": (in_a_zip(GERMAN), {"øː", "l", "öl"}),
}


def test_each_configuration_of_the_page_has_a_corpus_here():
    assert STUDIES.keys() == WRITTEN.keys()


@pytest.mark.parametrize("name", WRITTEN)
def test_it_plans_everything_and_reads_the_corpus(checkout, tmp_path, name):
    write, labels = WRITTEN[name]
    for seed, recording in enumerate(RECORDINGS):
        write_audio(tmp_path / f"data/mine/{recording}.wav", noise(1.0, seed=seed))
    write(tmp_path / "data")
    study = STUDIES[name] | {"models": ["random-wav2vec2-tiny"], "extra_models": {}}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(study).replace("/data/", f"{tmp_path}/data/"))
    assert checkout.plan(configfile=str(path)).jobs["draw_sample"] == 3
    copy = checkout.copy(tmp_path / "copy")
    copy.snakemake("--cores", "1", f"results/{name}/corpus/intervals.parquet", configfile=str(path))
    found = pd.read_parquet(copy / f"results/{name}/corpus/intervals.parquet")
    assert set(found["utterance_id"]) == {"one", "two", "three"}
    assert set(found["label"]) == labels
    speakers = pd.read_parquet(copy / f"results/{name}/corpus/utterances.parquet")["speaker_id"]
    assert set(speakers) == {"anna", "ben"}
