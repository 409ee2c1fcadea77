"""Heads trained in several jobs, and heads whose training is killed, become the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

MODEL = "random-wav2vec2-tiny"
QUICK = {"steps": 60, "evaluate_every": 20, "checkpoint_every": 20, "patience": None}
TABLE = f"results/demo/probes/demo-intent/{MODEL}.csv"


def configured(**probes) -> list[str]:
    values = {"probes": {"tasks": ["demo-intent"], **probes}, "models": [MODEL]}
    return ["--config", *(f"{key}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in values.items())]


@pytest.fixture(scope="module")
def probed(checkout, tmp_path_factory):
    """A copy in which heads of one model have been trained for the demo's commands; not to be changed."""
    copy = checkout.copy(tmp_path_factory.mktemp("probed"))
    run = copy.snakemake("--cores", "2", "probes", *configured(overrides=QUICK), configfile=None)
    assert run.returncode == 0, run.output
    return copy


def test_heads_in_several_jobs_become_the_same(probed, tmp_path):
    copy = probed.copy(tmp_path / "copy")
    whole = (copy / TABLE).read_bytes()
    chosen = configured(overrides=QUICK, heads_per_job=4)
    run = copy.snakemake("--cores", "2", "probes", *chosen, configfile=None)
    assert run.returncode == 0, run.output
    assert run.jobs["train_probes"] == 2
    assert (copy / TABLE).read_bytes() == whole


def test_a_killed_training_goes_on_to_the_same_table(probed, tmp_path):
    """Snakemake and its jobs are killed at once, as by a power cut, when the first checkpoint is there."""
    long = QUICK | {"steps": 3000, "checkpoint_every": 100, "evaluate_every": 500}
    undisturbed, killed = probed.copy(tmp_path / "undisturbed"), probed.copy(tmp_path / "killed")
    command = ["--cores", "2", "probes", *configured(overrides=long)]
    assert undisturbed.snakemake(*command, configfile=None).returncode == 0

    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *command],
        cwd=killed.root,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    state = killed / f"results/demo/probes/demo-intent/{MODEL}/.T0-weighted.state"
    deadline = time.monotonic() + 200
    while not list(state.glob("*/training.pt")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    running = process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert running
    assert list(state.glob("*/training.pt"))

    assert killed.snakemake("--unlock", configfile=None).returncode == 0
    run = killed.snakemake(*command, configfile=None)
    assert run.returncode == 0, run.output
    log = (killed / f"results/demo/logs/train_probes/demo-intent/{MODEL}/T0-weighted.log").read_text()
    assert "going on at step" in log
    assert "270 of 270 utterances are there from an interrupted run" in log
    assert not state.exists()
    assert (killed / TABLE).read_bytes() == (undisturbed / TABLE).read_bytes()
    curves = [json.loads((copy / TABLE).with_suffix(".json").read_text())["curves"] for copy in (killed, undisturbed)]
    assert curves[0] == curves[1]
