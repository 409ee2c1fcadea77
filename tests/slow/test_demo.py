"""The default experiment in full: what its tables say, that it is done once, that a kill loses nothing.

Two minutes where the demo has been run in this checkout already, else six.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

DEMO = {"configfile": None}
TABLES = "results/demo/tables"


REPOSITORY = Path(__file__).resolve().parents[2]
OF_A_RUN = ("results/demo", "resources/models", ".snakemake/metadata")


@pytest.fixture(scope="module")
def demo(checkout, tmp_path_factory):
    """A copy in which the demo has been run undisturbed, in this checkout if it lies there; not to be changed."""
    copy = checkout.copy(tmp_path_factory.mktemp("demo"))
    for folder in OF_A_RUN:
        if (REPOSITORY / folder).is_dir():
            shutil.copytree(REPOSITORY / folder, copy / folder)
    if copy.plan(**DEMO).jobs:
        for folder in OF_A_RUN:
            shutil.rmtree(copy / folder, ignore_errors=True)
    run = copy.snakemake("--cores", "2", **DEMO)
    assert run.returncode == 0, run.output
    return copy


@pytest.fixture(scope="module")
def scores(demo):
    return pd.read_csv(demo / f"{TABLES}/scores.csv")


def test_every_property_of_every_model_is_scored(scores):
    assert set(scores["status"]) == {"ok"}
    asked = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))["properties"]
    assert scores.groupby("property")["model"].nunique().to_dict() == dict.fromkeys(asked, 5)
    assert scores.loc[scores["metric"] != "r2", "score"].between(-1, 1 + 1e-9).all()
    fitted = scores["property"] != "word-discrimination"
    by = ["property", "model", "layer", "metric"]
    assert (scores[fitted].groupby(by).size() == 9).all()  # three samples, three trials
    assert (scores[~fitted].groupby(by).size() == 3).all()  # three samples: nothing is fitted


def test_measures_without_a_map_tell_trained_models_from_the_control(scores):
    """Above chance, and above the control at their best layers."""
    for metric in ("ami", "ap", "swdp_ap"):
        part = scores[scores["metric"] == metric]
        means = part.groupby(["model", "layer"])[["score", "chance"]].mean()
        assert (means["score"] > means["chance"]).all(), metric
        best = means["score"].groupby("model").max()
        assert (best.drop("random-demo") > best["random-demo"]).all(), metric


def test_layer_0_is_the_same_as_itself(scores):
    layer_0 = scores[(scores["property"] == "intra") & (scores["layer"] == "T0")]
    layer_0 = layer_0[layer_0["metric"] != "r2"]  # of likeness, which is 1 by definition
    assert len(layer_0) == 5 * 9 * 5
    assert layer_0["score"].sub(1).abs().max() < 1e-6
    assert layer_0["chance"].abs().max() < 0.4  # recordings in other places share little of it


def test_first_conv_blocks_hold_most_of_the_spectrum(scores):
    """Even random filters keep it; each further block of random weights loses some."""
    mel = scores[(scores["property"] == "mel") & (scores["metric"] == "pwcca") & (scores["model"] == "random-demo")]
    mean = mel.pivot_table(values="score", index="model", columns="layer")
    assert (mean["C1"] > 0.4).all()
    assert (mean["C1"] > mean["C4"]).all()
    assert (mean["C4"] > mean["C7"]).all()


def test_training_put_phones_into_the_layers(demo):
    """At their best layers they hold at least twice what the control does, which has the same at any depth."""
    trends = pd.read_csv(demo / f"{TABLES}/trends.csv").query("property == 'phone' and metric == 'mean_cca'")
    control, trained = trends[trends["model"] == "random-demo"], trends[trends["model"] != "random-demo"]
    assert trained["model"].nunique() == 4
    assert (trained.groupby("model")["mean"].max() >= 2 * control["mean"].max()).all()
    assert control["low"].max() < control["high"].min()


def test_second_run_does_nothing(demo):
    run = demo.snakemake("--cores", "2", **DEMO)
    assert run.returncode == 0
    assert "Nothing to be done" in run.output


# Made again, beside the tables. Kills of every later stage: test_faults, on the smoke experiment.
LOG = "logs/extract_representations/demo-hubert-1"
DELETED = ("tables", "representations/demo-hubert-1", LOG, "scores/*/demo-hubert-1")


def test_a_killed_run_goes_on_to_the_same_tables(demo, tmp_path):
    """Snakemake and all of its jobs are killed at once, as by a power cut, in the extraction of one of five models."""
    again = demo.copy(tmp_path / "again")
    for folder in [folder for pattern in DELETED for folder in (again / "results/demo").glob(pattern)]:
        shutil.rmtree(folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2"],
        cwd=again.root,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    trace = again / f"results/demo/{LOG}/0.log"
    deadline = time.monotonic() + 300
    while not trace.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1)
    killed_while_running = process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert killed_while_running
    assert trace.exists()

    locked = again.snakemake("--cores", "2", **DEMO)
    assert locked.returncode != 0
    assert "--unlock" in locked.output
    assert again.snakemake("--unlock", **DEMO).returncode == 0
    run = again.snakemake("--cores", "2", **DEMO)
    assert run.returncode == 0, run.output
    assert run.jobs
    assert not list((again / "results").rglob(".*tmp*"))  # what the killed jobs were writing
    for table in (demo / TABLES).iterdir():
        assert (again / f"{TABLES}/{table.name}").read_bytes() == table.read_bytes(), table.name
