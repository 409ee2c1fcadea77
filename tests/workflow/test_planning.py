"""What is planned before anything has been made."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import yaml

PRESETS = ["asru2021", "asru2021-clusters", "base-models", "controls", "icassp2023", "smoke", "tacl2024"]


def test_no_network_guard_works(no_network):
    code = "import socket; socket.create_connection(('127.0.0.1', 9))"
    environment = os.environ | {"PYTHONPATH": str(no_network)}
    tried = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "the network was used" in tried.stderr
    assert (no_network / "used").exists()


def test_every_preset_is_tested(checkout):
    assert sorted(path.stem for path in (checkout / "resources/experiments").glob("*.yaml")) == PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_planned_offline(checkout, no_network, name):
    preset = f"resources/experiments/{name}.yaml"
    chosen = yaml.safe_load((checkout / preset).read_text())
    plan = checkout.plan(configfile=preset, python_path=no_network)
    by_hand = [name for name in chosen["models"] if name.startswith("fast-vgs")]
    assert plan.output.count("planned without a model") == len(by_hand)
    models, samples = len(chosen["models"]) - len(by_hand), chosen["samples"]["count"]
    assert plan.jobs["extract_representations"] == models
    assert plan.jobs["draw_sample"] == samples
    assert plan.jobs["score_layers"] >= models * samples * len(chosen["properties"])
    assert sum(plan.jobs.get(rule, 0) for rule in ("fetch_model", "fetch_original", "make_random_model")) == models
    assert not (no_network / "used").exists()


def test_the_papers_preset_has_its_eleven_models_and_stops_for_two(checkout):
    preset = "resources/experiments/icassp2023.yaml"
    assert len(yaml.safe_load((checkout / preset).read_text())["models"]) == 11
    run = checkout.snakemake("--cores", "1", configfile=preset)
    assert run.returncode != 0
    assert run.messages == []  # no job was begun
    assert (
        run.output.split("Building DAG")[0].count("must be fetched by hand") == 2 * 2
    )  # a warning each, and the error
    without = re.search(r"--config '(models=\[.*\])'", run.output)[1]
    assert checkout.plan("--config", without, configfile=preset).jobs["extract_representations"] == 9


def test_demo_stays_at_a_hundred_and_twenty_score_jobs(checkout):
    plan = checkout.plan(configfile=None)
    assert plan.jobs["score_layers"] == 8 * 5 * 3  # questions, models, sample sets
    assert plan.jobs["extract_representations"] == 5


@pytest.mark.parametrize(
    ("target", "last", "beyond"),
    [
        ("extract", "extract_representations", "score_layers"),
        ("scores", "score_layers", "collect_scores"),
        ("tables", "tabulate_layers", "plot_property"),
        ("plots", "plot_experiment", "write_report"),
        ("report", "write_report", "nothing"),
        ("paper", "write_paper", "plot_property"),
    ],
)
def test_targets_end_where_they_say(checkout, target, last, beyond):
    jobs = checkout.plan(target).jobs
    assert last in jobs
    assert beyond not in jobs


def test_score_jobs_are_batched_by_consecutive_layers(checkout, tmp_path):
    configuration = tmp_path / "batches.yaml"
    configuration.write_text("properties: [mel]\nmodels: [random-wav2vec2-tiny]\nsamples: {count: 1}\n")
    jobs = {}
    for size in (1, 5):
        arguments = ["scores", "--config", f"cca={{layers_per_job: {size}}}"]
        jobs[size] = checkout.plan(*arguments, configfile=str(configuration)).jobs["score_layers"]
    assert jobs == {1: 12, 5: 3}  # C1…C7, T0…T4


def test_giving_up_representations_is_warned_of(checkout):
    warning = "representations.keep is false"
    assert warning in checkout.plan("extract", "--config", "representations={keep: false}").output
    assert warning not in checkout.plan("extract").output


def test_acoustic_measures_need_no_model_and_only_those_of_the_audio_need_it(checkout):
    wanted = {"pitch": 2, "rate": 1}  # how often audio is lent: to the list of utterances, and to who hears it
    for family, lent in wanted.items():
        jobs = checkout.plan(f"results/demo/acoustics/{family}.h5", configfile=None).jobs
        assert jobs["measure_acoustics"] == 1
        assert jobs["draw_sample"] == 3
        assert jobs["lend_audio"] == lent
        assert set(jobs) <= {
            *("measure_acoustics", "draw_sample", "lend_audio", "index_utterances", "index_alignments", "total")
        }
