"""Downstream tasks in the workflow: what is planned, and what is made."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest
import yaml

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.costs import costs_of, read_calibration
from layerwise.probes.predictions import read_predictions

MODEL = "random-wav2vec2-tiny"
HEADS = ["T0", "T1", "T2", "T3", "T4", "weighted"]
QUICK = {"steps": 60, "evaluate_every": 20, "checkpoint_every": 20, "patience": None}
COLUMNS = (
    "task,model,layer,layer_index,depth,metric,value,low,high,balanced_accuracy,macro_f1,majority,majority_label,chance,"
    "n_train,n_dev,n_test,n_types,test_speakers,step,dev_value,status,reason"
)
TABLE = f"results/demo/probes/demo-intent/{MODEL}.csv"


def configured(models=(MODEL,), **probes) -> list[str]:
    values = {"probes": {"tasks": ["demo-intent"], **probes}, "models": list(models)}
    return ["--config", *(f"{key}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in values.items())]


def plan(checkout, *targets, configfile=None, **probes) -> dict[str, int]:
    return checkout.plan(*targets, *configured(**probes), configfile=configfile).jobs


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def probed(checkout, tmp_path_factory):
    """A copy in which heads of one model have been trained for the demo's commands; not to be changed."""
    copy = checkout.copy(tmp_path_factory.mktemp("probed"))
    run = copy.snakemake("--cores", "2", "probes", *configured(overrides=QUICK), configfile=None)
    assert run.returncode == 0, run.output
    return copy


# Plans


def test_the_demo_trains_for_its_commands(checkout):
    jobs = checkout.plan(configfile=None).jobs
    assert (jobs["index_task"], jobs["train_probes"], jobs["join_probes"]) == (1, 5, 5)
    assert (jobs["tabulate_confusions"], jobs["plot_labels"]) == (1, 1)


def test_nothing_is_trained_without_a_task(checkout):
    jobs = plan(checkout, tasks=[])
    assert not {"index_task", "train_probes", "join_probes", "unpack_task", "plot_labels"} & set(jobs)
    assert jobs["tabulate_confusions"] == 1  # a table without rows, as the others
    assert "write_report" in jobs


def test_phones_and_speech_need_one_more_key(checkout):
    run = checkout.plan("probes", *configured(tasks=["demo-intent", "demo-phones", "demo-speech"]), configfile=None)
    assert (run.jobs["index_task"], run.jobs["train_probes"]) == (3, 3)
    assert run.jobs["unpack_split"] == 1
    plots = checkout.plan("plots", *configured(tasks=["demo-intent", "demo-phones"]), configfile=None)
    assert (plots.jobs["plot_task"], plots.jobs["plot_labels"]) == (2, 1)  # phones have no labels
    assert run.jobs["index_utterances"] == run.jobs["index_alignments"] == 1  # the experiment's own tables
    assert not {"index_split_utterances", "index_split_alignments"} & set(run.jobs)


def test_splits_that_the_experiment_does_not_have_are_unpacked(checkout):
    run = checkout.plan("probes", *configured(tasks=["phone-recognition"]), configfile=None)
    assert run.jobs["unpack_split"] == run.jobs["index_split_utterances"] == 3
    assert run.jobs["fetch_archive"] == 4  # one zip of alignments for all of them


def test_heads_can_be_trained_in_several_jobs(checkout):
    assert plan(checkout, "probes", heads_per_job=2)["train_probes"] == 3
    assert plan(checkout, "probes", heads_per_job=1)["train_probes"] == 6
    assert plan(checkout, "probes", layers=["T2"], heads_per_job=1)["train_probes"] == 2


def test_finished_heads_have_nothing_to_do(probed):
    assert plan(probed, "probes", overrides=QUICK) == {}


TRAINING = {"train_probes", "join_probes", "probes"}
CHANGES = {
    "learning rate": ({"overrides": QUICK | {"learning_rate": 0.5}}, TRAINING),
    "hours": ({"overrides": QUICK | {"hours": 0.01}}, TRAINING | {"index_task"}),
    "seed": ({"overrides": QUICK, "seed": 2}, TRAINING | {"index_task"}),
}


@pytest.mark.parametrize(("changes", "repeated"), CHANGES.values(), ids=CHANGES)
def test_a_change_repeats_what_depends_on_it(probed, changes, repeated):
    assert set(plan(probed, "probes", **changes)) == repeated


@pytest.mark.parametrize(
    ("module", "repeated"),
    [
        ("probes/heads", TRAINING),
        ("probes/losses", TRAINING),
        ("probes/metrics", TRAINING | {"index_task"}),
        ("probes/kinds/labels", TRAINING | {"index_task"}),
        ("probes/index", TRAINING | {"index_task"}),
        ("probes/readers", TRAINING | {"index_task"}),
        ("probes/join", {"join_probes", "probes"}),
        ("probes/predictions", TRAINING),
    ],
)
def test_changed_code_repeats_what_uses_it(probed, module, repeated):
    with probed.appended("\nCHANGED = True\n", f"workflow/layerwise/{module}.py"):
        assert set(plan(probed, "probes", overrides=QUICK)) == repeated


def test_changed_code_of_other_results_repeats_nothing(probed):
    """All at once. demo-intent is of another kind than phones."""
    others = ("probes/kinds/phones", "tables/probes", "tables/confusion", "scoring/measures/cca")
    paths = [f"workflow/layerwise/{module}.py" for module in (*others, "representations/extract")]
    with probed.appended("\nCHANGED = True\n", *paths):
        assert plan(probed, "probes", overrides=QUICK) == {}


# What is made


def test_the_table_has_a_row_for_each_head(probed):
    assert (probed / TABLE).read_text().splitlines()[0] == COLUMNS
    rows = read(probed / TABLE)
    assert [row["layer"] for row in rows] == HEADS
    assert [row["layer_index"] for row in rows] == ["0", "1", "2", "3", "4", ""]
    assert [row["depth"] for row in rows] == ["0.0", "0.25", "0.5", "0.75", "1.0", ""]
    for row in rows:
        assert (row["task"], row["model"], row["metric"], row["status"]) == ("demo-intent", MODEL, "accuracy", "ok")
        assert 0 <= float(row["low"]) <= float(row["value"]) <= float(row["high"]) <= 1
        assert (row["n_train"], row["n_dev"], row["n_test"]) == ("180", "45", "45")
        assert int(row["step"]) in (20, 40, 60)
    assert len({row["value"] for row in rows} | {row["dev_value"] for row in rows}) > 2


def test_answers_are_kept_and_add_up_to_the_table(probed):
    found = read_predictions((probed / TABLE).with_suffix(".parquet"))
    assert list(found["layer"].unique()) == HEADS
    assert set(found["part"]) == {"test"}
    for row in read(probed / TABLE):
        mine = found[found["layer"] == row["layer"]]
        assert len(mine) == int(row["n_test"])
        assert mine["speaker_id"].nunique() == int(row["test_speakers"])
        assert 1 - mine["errors"].mean() == pytest.approx(float(row["value"]))


def test_details_tell_how_it_was_trained(probed):
    details = json.loads((probed / TABLE).with_suffix(".json").read_text())
    assert details["settings"]["steps"] == 60
    assert [len(names) for names in details["classes"]] == [5, 8, 4]
    assert list(details["weights"]) == HEADS[:-1]
    assert sum(details["weights"].values()) == pytest.approx(1)
    assert list(details["curves"]) == HEADS
    assert all([step for step, *_ in curve] == [20, 40, 60] for curve in details["curves"].values())
    assert details["dimensions"] == 48
    assert details["seconds"]["training"] > 0


def test_training_tells_of_its_progress(probed):
    log = (probed / f"results/demo/logs/train_probes/demo-intent/{MODEL}/T0-weighted.log").read_text()
    assert "step 20 of 60, dev accuracy: T0 0." in log
    assert "weighted 0." in log


def test_what_was_heard_and_left_was_estimated(probed):
    config = yaml.safe_load((probed / "results/demo/configuration.yaml").read_text())
    (found,) = costs_of(read_experiment(config), defaultdict(bool), read_calibration()).tasks
    assert (found.heads, found.jobs, found.steps, found.can_end) == (len(HEADS), 1, QUICK["steps"], False)
    items = pd.read_parquet(probed / "results/demo/tasks/demo-intent/items.parquet")
    assert found.heard == pytest.approx(items["num_samples"].sum() / 16_000, rel=0.01)
    left = sum(path.stat().st_size for path in (probed / "results/demo/probes").rglob("*") if path.is_file())
    assert left / 2 < found.results < 2 * left


def test_nothing_of_a_state_is_left(probed):
    assert not list((probed / "results").rglob("*.state"))
