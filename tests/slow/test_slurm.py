"""The profile for SLURM against a real one: one node, with GPUs that are only files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("one_node_slurm.sh")
PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch"]
# A run that hangs ends here: several times what the longest takes on two cores that do other work too.
LIMIT = 900
# Of the profile, what a site would set: no slurmdbd here, and jobs of seconds.
PROFILE = [
    "--workflow-profile=profiles/slurm",
    "--slurm-status-command=squeue",
    "--slurm-init-seconds-before-status-checks=2",
    "--latency-wait=5",
]
DEMO = "models=[demo-hubert-2]"  # one of its five
QUICK = "{steps: 60, evaluate_every: 20, checkpoint_every: 20, patience: null}"
WITH_TASK = ["--config", f"probes={{tasks: [demo-intent], overrides: {QUICK}}}", "samples={count: 2}"]


@dataclass(frozen=True)
class Job:
    """What SLURM remembers of a job."""

    rule: str
    state: str
    cpus: int
    gpus: int
    seconds: float
    submitted: datetime
    ended: datetime


@dataclass(frozen=True)
class Slurm:
    """A SLURM that is up."""

    folder: Path

    def jobs(self) -> list[Job]:
        """All jobs that were ever submitted."""
        return [
            _job(line) for line in self.run("scontrol", "show", "job", "--oneliner").splitlines() if "JobId=" in line
        ]

    def run(self, *command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _job(line: str) -> Job:
    facts = dict(fact.split("=", 1) for fact in line.split() if "=" in fact)
    submitted, started, ended = (
        datetime.fromisoformat(facts[name]) if facts[name] != "Unknown" else datetime.max
        for name in ("SubmitTime", "StartTime", "EndTime")
    )
    gpus = re.search(r"TresPer(?:Job|Node)=gres:gpu:(\d+)", line)
    return Job(
        rule=re.sub(r"^rule_|_wildcards_.*$", "", facts.get("Comment", "")),
        state=facts["JobState"],
        cpus=int(facts["NumCPUs"]),
        gpus=int(gpus[1]) if gpus else 0,
        seconds=(ended - started).total_seconds(),
        submitted=submitted,
        ended=ended,
    )


@pytest.fixture
def slurm(monkeypatch):
    if os.geteuid() != 0:
        pytest.skip("a SLURM of one's own needs root")
    path = os.environ["PATH"] + ":/usr/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge")
    folder = Path(
        tempfile.mkdtemp(prefix="slurm-")
    )  # munge wants all folders above open to everybody; pytest's are not
    started = subprocess.run([SCRIPT, "start", folder, "16", "2"], capture_output=True, text=True)
    try:
        assert started.returncode == 0, started.stderr
        monkeypatch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        monkeypatch.setenv("PATH", f"{folder}/bin:{path}")
        yield Slurm(folder)
    finally:
        subprocess.run([SCRIPT, "stop", folder], check=True)
        shutil.rmtree(folder)


def report(jobs: list[Job], seconds: float) -> None:
    lasting = sorted(job.seconds for job in jobs)
    print(f"\n{len(jobs)} jobs, {lasting[len(lasting) // 2]:.0f} s a job (median), {seconds:.0f} s in all")


def test_an_experiment_goes_through_slurm(slurm, checkout, tmp_path):
    """Each rule of the smoke experiment, and of a task beside it."""
    local, remote = (checkout.copy(tmp_path / name) for name in ("local", "remote"))
    here = local.snakemake("--cores", "2", *WITH_TASK)
    assert here.returncode == 0, here.output
    began = time.monotonic()
    there = remote.snakemake(*PROFILE, *WITH_TASK, seconds=LIMIT, warm=False)
    assert there.returncode == 0, there.output
    for name in ("scores", "trends", "best_layers", "samples", "layers_mel", "layers_phone"):
        table = f"results/smoke/tables/{name}.csv"
        assert (remote / table).read_bytes() == (local / table).read_bytes(), name

    jobs = slurm.jobs()
    report(jobs, time.monotonic() - began)
    assert {job.state for job in jobs} == {"COMPLETED"}
    rules = [job.rule for job in jobs]
    # What comes from elsewhere is had by the machine that submits, and Snakemake's own numbers agree with SLURM's.
    on_submitting = {"lend_audio"}
    assert {rule: rules.count(rule) for rule in set(rules)} == {
        rule: count for rule, count in there.jobs.items() if rule not in on_submitting
    }
    trained = [job for job in jobs if job.rule in ("extract_representations", "train_probes")]
    assert [(job.gpus, job.cpus) for job in trained] == [(1, 4)] * 2
    assert {job.gpus for job in jobs if job not in trained} == {0}
    assert remote.plan(*WITH_TASK).jobs == {}


def test_more_ready_jobs_than_may_be_submitted_do_not_hang(slurm, fresh):
    cut = [
        DEMO,
        "samples={count: 1}",
        "cca={layers_per_job: 1}",
        "layers=[T0, T1]",
        "properties=[intra, mel, phone, word]",
    ]
    run = fresh.snakemake(
        "scores", *PROFILE, "--jobs=3", "--config", *cut, configfile="config.yaml", seconds=LIMIT, warm=False
    )
    assert run.returncode == 0, run.output
    submitted = slurm.jobs()
    assert {job.state for job in submitted} == {"COMPLETED"}
    assert [job.rule for job in submitted].count("score_layers") == run.jobs["score_layers"] == 8


def test_what_slurm_would_never_end_is_said_before_the_first_submission(slurm, fresh):
    without_accounting = fresh.snakemake("--workflow-profile=profiles/slurm", seconds=LIMIT, warm=False)
    assert without_accounting.returncode == 1
    assert "accounting storage is disabled" in without_accounting.output
    assert "slurm-status-command: squeue" in without_accounting.output

    slurm.run("scontrol", "update", "PartitionName=test", "MaxTime=45")
    asked = ["--retries=1", "--set-resources", "extract_representations:gpu=3", "draw_sample:mem_mb=256001*attempt"]
    asked += ["--set-threads", "index_utterances=17"]
    too_much = fresh.snakemake(*PROFILE, *asked, seconds=LIMIT, warm=False)
    assert too_much.returncode == 1
    for rule, what, setting in [
        ("extract_representations", "3 × gpu", "{gpu: 2}"),
        ("draw_sample", "256,001 MB", "{mem_mb: 256000}"),
        ("index_utterances", "17 cores", "{index_utterances: 16}"),
        ("score_layers", "60 minutes", "{runtime: 45}}; or retries: 0"),  # its second attempt
    ]:
        (line,) = (line for line in too_much.output.splitlines() if line.startswith(f"{rule} ("))
        assert what in line, line
        assert setting in line, line
    assert slurm.jobs() == []


def test_a_job_that_fails_is_named_with_its_log(slurm, finished):
    with finished.appended("\nraise RuntimeError('made to fail')\n", "workflow/scripts/summarise_trends.py"):
        run = finished.snakemake(*PROFILE, "--forcerun", "summarise_trends", warm=False)
    assert run.returncode == 1
    assert "summarise_trends" in run.output
    assert "results/smoke/logs/summarise_trends.log" in run.output
    assert "RuntimeError: made to fail" in run.output
    assert [job.state for job in slurm.jobs() if job.rule == "summarise_trends"] == ["FAILED"] * 2  # retries: 1


def test_a_job_that_is_cancelled_is_noticed(slurm, finished):
    with finished.appended("\nimport time; time.sleep(600)\n", "workflow/scripts/summarise_trends.py"):
        command = ["snakemake", "--configfile=resources/experiments/smoke.yaml", *PROFILE, "--retries=0"]
        command += ["--forcerun", "summarise_trends"]
        run = subprocess.Popen(
            command, cwd=finished.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean()
        )
        while not any(job.rule == "summarise_trends" and job.state == "RUNNING" for job in slurm.jobs()):
            assert run.poll() is None, run.stdout.read()
            time.sleep(0.5)
        slurm.run("scancel", "--state=RUNNING", "--me")
        output, _ = run.communicate(timeout=120)
    assert run.returncode == 1
    assert "Error in rule summarise_trends" in output
    assert "CANCELLED" in output
    # Nothing of it is left in the way.
    again = finished.snakemake("--cores", "2")
    assert again.returncode == 0, again.output
    assert finished.plan().jobs == {}


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and "SNAKEMAKE_" not in name}
