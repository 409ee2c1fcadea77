"""`snakemake pretrain` from scratch, in its setting of minutes, and after a kill. Needs flite; takes two minutes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from layerwise.demo.flite import Flite, MissingEngineError
from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.files.shipped import ROOT
from layerwise.models.by_name import load
from tiny_models import speech

ASKED = ["pretrain", "--cores", "2", "--config", "pretrain={setting: minutes}"]
MADE = "results/pretrain/minutes"
MODELS = list(read_catalogue("pretraining.yaml")["models"])


@pytest.fixture(scope="module", autouse=True)
def _flite():
    try:
        Flite()
    except MissingEngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def trained(checkout, tmp_path_factory):
    """A copy in which every model was trained, after a kill in the middle of the first training."""
    copy = checkout.copy(tmp_path_factory.mktemp("pretrain"))
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *ASKED],
        cwd=copy.root,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not list((copy / MADE).glob("states/[!.]*.pt")) and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert copy.snakemake("--unlock", configfile=None).returncode == 0
    run = copy.snakemake(*ASKED, configfile=None)
    assert run.returncode == 0, run.output
    logs = "".join(path.read_text() for path in (copy / MADE / "logs/pretrain_model").iterdir())
    assert "goes on after step" in logs
    return copy


def test_every_model_is_trained_and_described(trained):
    recipe = read_catalogue("pretraining.yaml")["settings"]["minutes"]
    for name in MODELS:
        folder = trained / MADE / "models" / name
        assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
            *("README.md", "config.json", "loss.png", "losses.csv", "model.safetensors", "origin.txt"),
            *("preprocessor_config.json", "training.json"),
        }
        losses = pd.read_csv(folder / "losses.csv")
        assert losses["step"].iloc[-1] == recipe["steps"]
        assert losses["held_out"].iloc[-1] < losses["held_out"].iloc[0]
        assert list(load(str(folder)).layers(speech(1.0)))[-1] == "T6"
    assert not list((trained / MADE / "states").iterdir())


def test_what_is_shipped_has_the_same_files_and_shape(trained):
    for name in MODELS:
        made, shipped = trained / MADE / "models" / name, ROOT / "resources/demo/models" / name
        names = {path.name for path in shipped.iterdir()}
        assert {path.name for path in made.iterdir() if not path.name.startswith(".")} == names
        assert (made / "config.json").read_bytes() == (shipped / "config.json").read_bytes()


def test_nothing_of_it_belongs_to_all(trained):
    plan = trained.plan(configfile=None)
    assert not {"pretrain_model", "make_practice_speech", "cluster_frames", "write_model_card"} & set(plan.jobs)
    assert trained.plan(*ASKED, configfile=None).jobs == {}
    assert not (trained / "results/demo").exists()


def test_an_unknown_setting_is_refused(trained):
    run = trained.snakemake("-n", "pretrain", "--config", "pretrain={setting: minute}", configfile=None)
    assert "pretrain.setting: 'minute' is not a setting" in run.output
    assert "did you mean minutes?" in run.output
