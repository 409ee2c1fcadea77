"""Model cards: what they say is what was done."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from huggingface_hub import ModelCard
from PIL import Image

from layerwise.demo.model_cards import write_model_card

RECIPE = {"steps": 30, "batch": 4, "crop_seconds": 1.5, "learning_rate": 0.001}


@pytest.fixture
def trained(tmp_path):
    folder = tmp_path / "trained"
    folder.mkdir()
    losses = {"step": [10, 20, 30], "train": [3.0, 2.0, 1.5], "held_out": [2.9, 1.9, 2.05], "seconds": [60, 120, 180]}
    pd.DataFrame(losses).to_csv(folder / "losses.csv", index=False)
    about = {
        "hardware": "a processor, threads: 2",
        "train_minutes": 151.6,
        "held_out_minutes": 7.44,
        "parameters": 732_128,
    }
    (folder / "training.json").write_text(json.dumps(about))
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / ".snakemake_timestamp").touch()
    return folder


@pytest.mark.parametrize(
    ("units", "objective"),
    [
        ({}, "masked contrastive"),
        ({"of": "mfcc", "count": 100}, "masked contrastive, 100 clusters of MFCCs"),
        ({"of": "first", "layer": "T3", "count": 50}, "masked contrastive, 50 clusters of layer T3 of first"),
    ],
)
def test_a_card_says_how_the_model_was_made(trained, tmp_path, units, objective):
    write_model_card(trained, "A title", "masked contrastive", units, RECIPE, 7, tmp_path / "out")
    card = ModelCard.load(tmp_path / "out/README.md")
    assert card.data.license == "mit"
    rows = [line.strip("| ").split(" | ") for line in card.text.splitlines() if line.startswith("| ")]
    said = {row[0]: row[-1] for row in rows if len(row) == 2}
    assert said["objective"] == objective
    assert said["data"].startswith("152 minutes of speech by flite, 7.4 held out")
    assert said["steps"] == "30 of 4 crops of 1.5 s (0.05 hours)"
    assert said["hardware"] == "a processor, threads: 2"
    assert said["minutes"] == "3"
    assert said["seed"] == "7"
    assert said["held-out loss"] == "2.900 after 10 steps, 2.050 after 30 (lowest: 1.900)"
    assert "0.73 million" in card.text
    assert "18 voices, with a vocabulary of 102 words" in card.text
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("README.md", "loss.png", "losses.csv", "training.json", "model.safetensors")
    }
    assert Image.open(tmp_path / "out/loss.png").size[0] > 300
