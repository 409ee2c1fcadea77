"""The table of models."""

from __future__ import annotations

import pandas as pd
import pytest

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.models.catalogue import facts, model_entry
from layerwise.tables.models import write_models

SHAPE = {"conv_layers": 7, "blocks": 12, "stride_seconds": 0.02}


def test_what_a_stranger_says_of_a_model_is_text(tmp_path):
    said = "\x1b[2J\u202e https://me:secret@a.org/x?token=secret"
    texts = dict.fromkeys(("title", "family", "objective", "modality", "size", "training_data", "licence"), said)
    entry = read_experiment({"models": ["a"], "extra_models": {"a": {"source": "owner/a"} | texts}}).models["a"]
    write_models([facts(entry)], tmp_path / "models.csv")
    text = (tmp_path / "models.csv").read_text()
    assert "secret" not in f"{text}{entry}"
    assert text.replace("\n", "").isprintable()
    assert r"\x1b[2J\u202e" in entry.licence


def test_a_row_per_model_in_order(tmp_path):
    known = {"title": "B, the second", "objective": "masked", "modality": "audio", "size": "Base", "hours": 960}
    entries = [
        model_entry("b", {"source": "owner/b", "normalise": False, "width": 768} | SHAPE | known),
        model_entry("a", {"source": "owner/a"} | SHAPE),
    ]
    write_models([facts(entry) for entry in entries], tmp_path / "models.csv")
    table = pd.read_csv(tmp_path / "models.csv", index_col="model")
    assert list(table.index) == ["b", "a"]
    row = table.loc["b"]
    assert (row["title"], row["objective"], row["hours"], row["blocks"]) == ("B, the second", "masked", 960, 12)
    assert str(row["normalise"]) == "False"
    unknown = set(table.columns[table.loc["a"].isna()])
    assert {"objective", "modality", "size", "hours", "width", "normalise", "revision"} <= unknown
    assert table.loc["a", "stride_seconds"] == pytest.approx(0.02)
