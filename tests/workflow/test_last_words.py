"""What a run says that ends without a result, or finds more than it asks for: in words that help, and never in none."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import yaml


@pytest.fixture
def without_alignments(tmp_path):
    """A configuration whose corpus has no alignments."""
    (tmp_path / "corpus/anna").mkdir(parents=True)
    soundfile.write(tmp_path / "corpus/anna/one.wav", np.random.default_rng(1).normal(0, 0.1, 16000), 16000)
    path = tmp_path / "mine.yaml"
    corpus = {"name": "mine", "audio": str(tmp_path / "corpus"), "layout": "flat"}
    path.write_text(yaml.safe_dump({"experiment": "mine", "models": ["random-demo"], "corpus": corpus}))
    return str(path)


def test_each_failed_job_is_a_line_even_if_snakemake_is_silent(fresh, without_alignments):
    table = "results/mine/corpus/intervals.parquet"
    run = fresh.snakemake(table, "--cores", "1", "--quiet", "all", configfile=without_alignments)
    assert run.returncode == 1
    _, found, lines = run.output.partition("1 job failed:\n")
    assert found
    assert lines.startswith("  - index_alignments: AlignmentError: ")
    assert "corpus.alignments: automatic" in lines
    assert "(log: results/mine/logs/index_alignments.log)" in lines
    assert "Traceback" not in run.output


def test_what_is_wrong_with_a_configuration_is_said_even_if_snakemake_is_silent(checkout):
    run = checkout.snakemake("--cores", "1", "--quiet", "all", "--config", "strict=maybe")
    assert run.returncode == 1
    assert 'strict: found "maybe"; must be boolean' in run.output


def test_a_target_after_the_configuration_is_told_its_place(checkout):
    run = checkout.snakemake("-n", "--configfile", "resources/experiments/smoke.yaml", "tables", configfile=None)
    assert run.returncode == 1
    assert "--configfile: there is no file 'tables'." in run.output
    assert "write targets before the options, as in: snakemake tables --configfile mine.yaml" in run.output
    assert "Traceback" not in run.output


def test_files_of_a_task_that_was_taken_away_are_named(fresh):
    (fresh.root / "results/smoke/probes/demo-intent").mkdir(parents=True)
    assert "results/smoke/probes/demo-intent: of tasks that this experiment no longer has" in fresh.plan().output
