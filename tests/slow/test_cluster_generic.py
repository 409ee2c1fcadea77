"""The profile for other schedulers against commands that behave as Grid Engine's do: no such scheduler is at hand."""

from __future__ import annotations

import re

import pytest

QSUB = """#!/bin/bash
echo "$*" >> "$GRID/submitted"
number=$(wc -l < "$GRID/submitted")
touch "$GRID/running.$number"
script="${@: -1}"
run() { bash "$script"; echo "exit_status $?" > "$GRID/ended.$number"; rm "$GRID/running.$number"; }
run > /dev/null 2>&1 &
echo "$number"
"""
QSTAT = """#!/bin/bash
[ -e "$GRID/running.$2" ]
"""
QACCT = """#!/bin/bash
[ -e "$GRID/ended.$2" ] && echo "failed 0" && cat "$GRID/ended.$2"
"""


@pytest.fixture
def grid(tmp_path, monkeypatch):
    folder = tmp_path / "grid"
    folder.mkdir()
    for name, text in (("qsub", QSUB), ("qstat", QSTAT), ("qacct", QACCT), ("qdel", "#!/bin/sh\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("GRID", str(folder))
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def submitted(grid) -> list[str]:
    return (grid / "submitted").read_text().splitlines()


def test_jobs_are_submitted_with_what_they_need(grid, finished):
    (finished / "results/smoke/representations/random-wav2vec2-tiny/0.h5").unlink()
    scores = "results/smoke/scores/mel/random-wav2vec2-tiny"
    options = ["--workflow-profile=profiles/cluster-generic", "--latency-wait=5"]
    run = finished.snakemake("extract", "results/smoke/tables/trends.csv", *options)
    assert run.returncode == 0, run.output
    calls = {re.search(r"-N (\w+)", call)[1]: call for call in submitted(grid)}
    assert set(calls) >= {"extract_representations", "score_layers"}
    assert "-pe smp 4 -l mem_free=8000M,h_rt=14400,gpu=1" in calls["extract_representations"]
    assert "-pe smp 1 -l mem_free=2000M,h_rt=1800,gpu=0" in calls["score_layers"]
    assert (finished / scores).is_dir()
    assert finished.plan("extract", "results/smoke/tables/trends.csv").jobs == {}


def test_a_job_that_fails_is_tried_again_and_named(grid, finished):
    options = ["--workflow-profile=profiles/cluster-generic", "--latency-wait=5"]
    with finished.appended("\nraise RuntimeError('made to fail')\n", "workflow/scripts/summarise_trends.py"):
        run = finished.snakemake("results/smoke/tables/trends.csv", *options)
    assert run.returncode == 1
    assert "RuntimeError: made to fail" in run.output
    assert [re.search(r"h_rt=(\d+)", call)[1] for call in submitted(grid)] == ["1800", "3600"]
