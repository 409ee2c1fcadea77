"""Outputs that lost their ends: an execution deletes them, a plan says so, and nothing else is touched."""

from __future__ import annotations

import os

import pytest

TABLE = "results/smoke/tables/samples.csv"
CUT = f"{TABLE}: cut off, as by a power cut; "

# What Snakemake does other than run jobs; each is called with `--cores 1`, as people have it in their shell's history.
LOOKS = {
    "plan": ["-n"],
    "summary": ["--summary"],
    "detailed summary": ["--detailed-summary"],
    "rules": ["--list-rules"],
    "target rules": ["--list-target-rules"],
    "lint": ["--lint"],
    "graph of jobs": ["--dag"],
    "graph of rules": ["--rulegraph"],
    "graph of files": ["--filegraph"],
    "graph for d3": ["--d3dag"],
    "report": ["--report", "page.html"],
    "container": ["--containerize"],
    "unit tests": ["--generate-unit-tests", "generated"],
    "archive": ["--archive", "archive.tar.gz"],
    "input changes": ["--list-input-changes"],
    "parameter changes": ["--list-params-changes"],
    "untracked files": ["--list-untracked"],
    "unlock": ["--unlock"],
    "metadata": ["--cleanup-metadata", "results/smoke/tables/scores.csv"],
    "touch": ["--touch"],
    "inner process of a job": ["--nolock", "--mode", "subprocess", "--target-jobs", "tabulate_models:"],
}


def cut_off(checkout) -> bytes:
    """What is left of the table, which is as old as before."""
    left, status = (checkout / TABLE).read_bytes()[:-5], (checkout / TABLE).stat()
    (checkout / TABLE).write_bytes(left)
    os.utime(checkout / TABLE, ns=(status.st_atime_ns, status.st_mtime_ns))
    return left


@pytest.fixture(scope="module")
def looked_at(smoke, tmp_path_factory):
    """A finished experiment with a table that lost its end, and what is left of the table."""
    copy = smoke.copy(tmp_path_factory.mktemp("looked-at"))
    return copy, cut_off(copy)


@pytest.mark.parametrize("arguments", LOOKS.values(), ids=LOOKS)
def test_only_an_execution_deletes(looked_at, arguments):
    checkout, left = looked_at
    backup = checkout / ".snakemake/backups/of-a-killed-job"
    backup.mkdir(parents=True, exist_ok=True)
    run = checkout.snakemake("--cores", "1", *arguments)
    assert "made again" not in run.output
    assert "error: unrecognized arguments" not in run.output
    assert (checkout / TABLE).read_bytes() == left
    assert backup.is_dir()


def test_touch_neither_deletes_the_audio_nor_writes_the_journal(finished):
    """Although Snakemake calls it a run that has succeeded."""
    audio = finished / "resources/corpora/demo/dev-clean/audio"
    audio.mkdir(parents=True)
    (finished / "results/smoke/versions.yaml").write_text("as it was")
    run = finished.snakemake("--cores", "1", "--touch", "--forceall")
    assert "(100%) done" in run.output
    assert audio.is_dir()
    assert (finished / "results/smoke/versions.yaml").read_text() == "as it was"


def test_a_run_makes_it_again(finished):
    whole = (finished / TABLE).read_bytes()
    left = cut_off(finished)
    notes = finished / "results/smoke/tables/my-notes.csv"
    notes.write_text("no rule makes this")
    script = finished / ".snakemake/scripts/tmpabc.fetch_archive.py"  # of a job that was killed
    script.parent.mkdir(exist_ok=True)
    script.write_text("https://me:s3cr3t@host/a.zip")

    assert CUT + "a run makes it again" in finished.plan().output
    assert (finished / TABLE).read_bytes() == left

    # As while another run is at work.
    lock = finished / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(f"{TABLE}\n")
    assert CUT + "a run makes it again" in finished.snakemake("--cores", "1", TABLE).output
    assert (finished / TABLE).read_bytes() == left
    assert script.exists()
    assert finished.snakemake("--unlock").returncode == 0

    run = finished.snakemake("--cores", "1", TABLE)
    assert run.returncode == 0, run.output
    assert run.output.count(CUT + "it is made again") == 1
    assert run.jobs == {"summarise_samples": 1}
    assert (finished / TABLE).read_bytes() == whole
    assert notes.read_text() == "no rule makes this"
    assert not script.exists()
