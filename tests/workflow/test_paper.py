"""The target `paper`: it makes what an article shows, and touches nothing else."""

from __future__ import annotations

import yaml

PAPER = {"draw_paper", "write_paper", "paper"}
DEPTH = {"phone_depth.pdf", "mel_depth.pdf"}
TABLES = {"best_layers.tex", "recommendations.tex", "figures.tex", "sentence.txt", "layers_mel.tex", "layers_phone.tex"}


def figures(**choices):
    return ["--config", f"figures={yaml.safe_dump(choices, default_flow_style=True)}"]


def test_of_a_finished_experiment_it_is_all_that_is_planned(smoke):
    assert smoke.plan("paper").jobs == {"draw_paper": 2, "write_paper": 1, "paper": 1}


def test_its_choices_repeat_nothing_of_the_experiment(smoke):
    asked = {
        "questions": ["phone"],
        "width_cm": 17,
        "format": "png",
        "metric": "mean_cca",
        "kinds": ["heatmap", "layer"],
    }
    assert smoke.plan(*figures(**asked)).jobs == {}
    assert smoke.plan("paper", *figures(**asked)).jobs == {"draw_paper": 1, "write_paper": 1, "paper": 1}


def test_it_is_no_part_of_all(checkout):
    assert not set(checkout.plan().jobs) & PAPER


def test_wrong_names_are_refused_before_any_job(checkout):
    run = checkout.snakemake("-n", "paper", *figures(questions=["phones"]))
    assert run.returncode != 0
    assert "figures.questions: 'phones' is not one of its questions" in run.output
    assert "Traceback" not in run.output


def test_it_makes_what_it_says_and_leaves_the_rest_as_it_was(finished):
    results = finished / "results/smoke"
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*") if path.is_file()}
    run = finished.snakemake("--cores", "1", "paper")
    assert run.returncode == 0, run.output
    assert {path.name for path in (results / "paper").iterdir()} == DEPTH | TABLES
    changed = {path.name for path, time in before.items() if path.stat().st_mtime_ns != time}
    assert changed <= {"configuration.yaml", "versions.yaml"}
    assert finished.plan("paper").jobs == {}
    run = finished.snakemake(
        "--cores", "1", "paper", *figures(models=["random-wav2vec2-tiny"], questions=["mel"], format="svg")
    )
    assert run.returncode == 0, run.output
    assert "mel_depth.svg" in {path.name for path in (results / "paper").iterdir()}
    assert "phone" not in (results / "paper/sentence.txt").read_text()
    assert finished.plan().jobs == {}
