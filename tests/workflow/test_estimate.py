"""The estimate of a finished experiment, beside what it left; and estimates before anything is here."""

from __future__ import annotations

import re
from collections import defaultdict

import pandas as pd
import pytest
import yaml

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.costs import costs_of, read_calibration


def bytes_below(*folders) -> int:
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())


def test_smoke_experiment_left_what_was_estimated(smoke):
    results = smoke / "results/smoke"
    config = yaml.safe_load((results / "configuration.yaml").read_text())
    found = costs_of(read_experiment(config), defaultdict(bool), read_calibration())
    assert found.representations == pytest.approx(bytes_below(results / "representations"), rel=0.05)
    assert found.weights == pytest.approx(bytes_below(smoke / "resources/models"), rel=0.1)
    left = [results / name for name in ("scores", "tables", "plots")]
    rest = bytes_below(*left) + (results / "report.html").stat().st_size
    assert found.results == pytest.approx(rest, rel=0.2)
    log = (results / "logs/extract_representations/random-wav2vec2-tiny/0.log").read_text()
    assert found.utterances == pytest.approx(int(re.search(r"(\d+) utterances, shard", log)[1]), rel=0.02)
    assert found.scores == len(pd.read_csv(results / "tables/scores.csv").groupby(["property", "layer"]))
    assert found.score_jobs == len(list((results / "scores").rglob("*.json")))


@pytest.mark.parametrize("name", ["asru2021", "base-models", "icassp2023", "tacl2024"])
def test_estimate_needs_neither_network_nor_files(fresh, no_network, name):
    run = fresh.snakemake(
        "--cores", "1", "estimate", configfile=f"resources/experiments/{name}.yaml", python_path=no_network
    )
    assert run.returncode == 0, run.output
    for words in ("623 MB", "wav2vec2-base", "to be fetched", "forward passes", "on a GPU: not measured"):
        assert words in run.output
    assert f"{name}: librispeech/dev-clean" in run.output
    assert run.jobs == {"estimate": 1}
    assert not (no_network / "used").exists()
    made = [path.name for path in (fresh / "results").rglob("*") if path.is_file() and path.name != "README.md"]
    assert made == ["estimate.log"]


def test_tasks_are_estimated_before_anything_is_here(fresh, no_network):
    tasks = "probes={tasks: [phone-recognition, speech-recognition, intent-fsc, slurp-action, slurp-scenario]}"
    run = fresh.snakemake(
        "--cores", "1", "estimate", "--config", tasks,
        configfile="resources/experiments/icassp2023.yaml", python_path=no_network,
    )  # fmt: skip
    assert run.returncode == 0, run.output
    training = run.output.split("\nTraining: ")[1]
    assert training.startswith("930 heads in 45 jobs")  # of nine models, for five tasks
    assert re.search(r"^  speech-recognition +186 +200,000 ", training, re.MULTILINE)
    assert re.search(r"^Computing in all: .* of it is training$", training, re.MULTILINE)
    assert not (no_network / "used").exists()
