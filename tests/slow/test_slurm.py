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
# Of the profile, what a site would set: no slurmdbd here, and jobs of seconds.
PROFILE = [
    "--workflow-profile=profiles/slurm",
    "--slurm-status-command=squeue",
    "--slurm-init-seconds-before-status-checks=2",
    "--latency-wait=5",
]


@dataclass(frozen=True)
class Job:
    """What SLURM remembers of a job."""

    rule: str
    state: str
    cpus: int
    gpus: int
    in_array: bool
    seconds: float
    submitted: datetime
    ended: datetime


@dataclass(frozen=True)
class Slurm:
    """A SLURM that is up."""

    folder: Path

    def jobs(self) -> list[Job]:
        """All jobs that were ever submitted, tasks of arrays one by one."""
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
        in_array="ArrayTaskId" in facts,
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


def report(name: str, jobs: list[Job], local_seconds: float, seconds: float) -> None:
    lasting = sorted(job.seconds for job in jobs)
    print(
        f"\n{name}: {len(jobs)} jobs, {lasting[len(lasting) // 2]:.0f} s a job (median), {seconds:.0f} s in all; "
        f"local, two cores: {local_seconds:.0f} s"
    )


def timed(run) -> tuple:
    start = time.monotonic()
    done = run()
    return done, time.monotonic() - start


@pytest.mark.parametrize(
    ("configfile", "experiment", "models"),
    [
        pytest.param("resources/experiments/smoke.yaml", "smoke", 1, id="smoke"),
        pytest.param("config.yaml", "demo", 3, id="demo"),  # with three of its five models
    ],
)
def test_an_experiment_goes_through_slurm(slurm, checkout, tmp_path, configfile, experiment, models):
    local, remote = (checkout.copy(tmp_path / name) for name in ("local", "remote"))
    asked = ["--config", "models=[demo-wav2vec2,demo-hubert-2,random-demo]"] if experiment == "demo" else []
    here, local_seconds = timed(lambda: local.snakemake("--cores", "2", *asked, configfile=configfile))
    assert here.returncode == 0, here.output
    there, seconds = timed(lambda: remote.snakemake(*PROFILE, *asked, configfile=configfile))
    assert there.returncode == 0, there.output
    for name in ("scores", "trends", "best_layers", "samples", "layers_mel", "layers_phone"):
        table = f"results/{experiment}/tables/{name}.csv"
        assert (remote / table).read_bytes() == (local / table).read_bytes(), name

    jobs = slurm.jobs()
    report(experiment, jobs, local_seconds, seconds)
    assert {job.state for job in jobs} == {"COMPLETED"}
    rules = [job.rule for job in jobs]
    # What comes from elsewhere is had by the machine that submits, and Snakemake's own numbers agree with SLURM's.
    on_submitting = {"lend_audio"}
    assert {rule: rules.count(rule) for rule in set(rules)} == {
        rule: count for rule, count in there.jobs.items() if rule not in on_submitting
    }
    extractions = [job for job in jobs if job.rule == "extract_representations"]
    assert [(job.gpus, job.cpus) for job in extractions] == [(1, 4)] * models
    scored = [job for job in jobs if job.rule == "score_layers"]
    # All that are ready together; one that is ready alone is submitted alone.
    assert sum(job.in_array for job in scored) > len(scored) / 2
    assert {job.gpus for job in jobs if job.rule not in ("extract_representations", "train_probes")} == {0}
    assert remote.plan(*asked, configfile=configfile).jobs == {}


def test_a_job_that_fails_is_named_with_its_log(slurm, finished):
    with finished.appended("\nraise RuntimeError('made to fail')\n", "workflow/scripts/summarise_trends.py"):
        run = finished.snakemake(*PROFILE, "--forcerun", "summarise_trends")
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
