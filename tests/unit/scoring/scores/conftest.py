from __future__ import annotations

import json

import pytest

from layerwise.scoring.properties import property_of
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings
from planted_recordings import write_intervals, write_planted

SETTINGS = {"folds": 4, "trials": 2, "folds_by": "row", "standardise": True, "epsilons": [[1e-8, 1e-8]], "seed": 1}


@pytest.fixture(scope="session")
def shards(tmp_path_factory):
    return write_planted(tmp_path_factory.mktemp("planted"), shards=3)


@pytest.fixture(scope="session")
def intervals(tmp_path_factory):
    return write_intervals(tmp_path_factory.mktemp("intervals"))


@pytest.fixture
def score(tmp_path):
    """Scores layers of files by an entry of a property and returns their records."""

    def run(paths, entry, layers=("T1", "T2"), sample=1, beside=None, **changes):
        out = tmp_path / "scores" / "T.json"
        question = property_of("asked", entry)
        settings = ScoreSettings(**(SETTINGS | changes))
        score_layers(paths, question, "tiny", sample, list(layers), settings, out, **(beside or {}))
        return json.loads(out.read_text(encoding="utf-8"))["records"]

    return run
