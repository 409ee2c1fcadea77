"""How a script runs inside a job. Each runs in a process of its own, as `logged` redirects what the process says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import layerwise.experiment.job
from layerwise.errors import LayerwiseError
from layerwise.experiment.job import QUIET, check_copy, hush_jobs, prefer_package

WORKFLOW = Path(layerwise.experiment.job.__file__).resolve().parents[2]

HEAD = """
import logging, os, sys, warnings
from types import SimpleNamespace
from layerwise.errors import LayerwiseError
from layerwise.experiment.job import logged

class BadAudioError(LayerwiseError):
    pass

snakemake = SimpleNamespace(
    input=[], log=[sys.argv[1]], scriptdir=sys.argv[2], rule="listen", wildcards=dict(model="hubert", shard="0")
)
with logged(snakemake):
    {block}
print("after the block")
"""


@pytest.fixture
def job(tmp_path):
    """Runs a block inside `logged`; gives exit code, terminal and log."""

    def start(block: str, scripts: Path = WORKFLOW / "scripts"):
        log = tmp_path / "logs/rule/1.log"
        done = subprocess.run(
            [sys.executable, "-c", HEAD.format(block=block), str(log), str(scripts)],
            env=os.environ | {"PYTHONPATH": str(WORKFLOW)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout, log.read_text()

    return start


def test_all_that_is_said_goes_to_the_log(job):
    code, terminal, log = job(
        "print('printed', flush=True); logging.getLogger('layerwise.x').info('informed'); "
        "warnings.warn('warned'); os.write(1, b'written in C\\n'); os.write(2, b'and to stderr\\n')"
    )
    assert code == 0
    assert terminal == ""
    for word in ("printed", "INFO informed", "warned", "written in C", "and to stderr"):
        assert word in log


def test_warnings_of_the_package_are_seen_on_the_terminal_too(job):
    code, terminal, log = job(
        "logging.getLogger('layerwise.corpus.utterances').warning('left out')\n"
        "logging.getLogger('other').warning('elsewhere')"
    )
    assert code == 0
    assert terminal == "WARNING: left out\n"
    assert "WARNING left out" in log
    assert "WARNING elsewhere" in log


def test_log_of_an_earlier_run_is_replaced(job):
    job("print('first')")
    assert "first" not in job("print('second')")[2]


def test_error_of_the_input_is_a_sentence(job):
    code, _, log = job("raise BadAudioError('84-1-0001.flac holds no audio')")
    assert code == 1
    assert "ERROR BadAudioError: 84-1-0001.flac holds no audio" in log
    assert "Traceback" not in log
    assert "after the block" not in log


def test_any_other_error_is_a_traceback(job):
    code, _, log = job("{}['missing']")
    assert code == 1
    assert "Traceback (most recent call last)" in log
    assert "KeyError: 'missing'" in log
    assert log.count("Traceback") == 1
    assert "after the block" not in log


def test_an_interrupted_job_says_so_in_a_line(job):
    code, _, log = job("import signal; signal.raise_signal(signal.SIGINT)")
    assert code == 1
    assert log.strip().endswith("ERROR interrupted; the same command does this job again")
    assert "Traceback" not in log


def test_names_in_logs_steer_no_terminal(job):
    name = r"'a\x1b[2J\nERROR: no line of its own\udce9.wav'"
    code, terminal, log = job(f"logging.getLogger('layerwise.x').warning('%s: left out', {name})")
    assert code == 0
    assert terminal == "WARNING: " + name.strip("'") + ": left out\n"
    assert name.strip("'") in log
    assert "\x1b" not in log


@pytest.mark.parametrize("kind", ["BadAudioError", "RuntimeError"])
def test_what_an_error_holds_is_shown_and_cut(job, kind):
    code, _, log = job(f"raise {kind}('\\x1b]0;title\\x07' + 'x' * 10_000_000 + 'end')")
    assert code == 1
    assert "\x1b" not in log
    assert r"\x1b]0;title\x07xxx" in log
    assert len(log) < 20_000
    assert log.rstrip().endswith("end")  # what it says at last is kept


def test_exit_code_of_a_script_is_kept(job):
    assert job("sys.exit(7)")[0] == 7


def test_job_with_another_copy_of_the_package_is_refused(job, tmp_path):
    elsewhere = tmp_path / "checkout/workflow"
    (elsewhere / "layerwise").mkdir(parents=True)
    code, _, log = job("print('the block ran')", scripts=elsewhere / "scripts")
    assert code == 1
    assert f"{WORKFLOW / 'layerwise'} was imported" in log
    assert str(elsewhere / "layerwise") in log
    assert "the block ran" not in log
    assert "Traceback" not in log


def test_link_to_the_checkout_is_the_same_copy(tmp_path):
    (tmp_path / "link").symlink_to(WORKFLOW)
    check_copy(tmp_path / "link")
    with pytest.raises(LayerwiseError):
        check_copy(tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "/here"),
        ("", "/here"),
        ("/stale", "/here:/stale"),
        ("/stale:/here", "/here:/stale"),
        ("/here:/stale", "/here:/stale"),
    ],
)
def test_package_of_the_checkout_comes_first(monkeypatch, before, after):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONPATH", before)
    prefer_package("/here")
    assert os.environ["PYTHONPATH"] == after.replace(":", os.pathsep)


# Progress

LINES = """from layerwise.progress import ProgressLine
    line = ProgressLine('reading', 3, 'files')
    for _ in range(3):
        line.add()"""
WARNED = "logging.getLogger('layerwise.x').warning('left out')"
SAID = [
    r"listen \(model=hubert, shard=0\) reading: 1 of 3 files \(33 %\), .*/s, 0 s left",
    r".* reading: 2 of 3 files .*",
]


@pytest.fixture
def at_each_step(monkeypatch):
    monkeypatch.setenv("LAYERWISE_PROGRESS_SECONDS", "0")


def test_progress_is_on_the_terminal_and_in_the_log(job, at_each_step):
    code, terminal, log = job(LINES)
    assert code == 0
    assert len(terminal.splitlines()) == 2
    for line, form in zip(terminal.splitlines(), SAID, strict=True):
        assert re.fullmatch(form, line)
    assert re.findall("INFO reading: (.) of 3 files", log) == ["1", "2"]
    assert "hubert" not in log


def test_a_quiet_terminal_shows_no_progress_but_warnings(job, at_each_step, monkeypatch):
    monkeypatch.setenv("LAYERWISE_QUIET", "1")
    code, terminal, log = job(f"{WARNED}\n    {LINES}")
    assert code == 0
    assert terminal == "WARNING: left out\n"
    assert len(re.findall("INFO reading", log)) == 2


@pytest.mark.parametrize(
    ("quiet", "is_hushed"),
    [((), False), (("rules",), False), (("host", "reason"), False), (("progress",), True), (("all",), True)],
)
def test_jobs_are_as_quiet_about_progress_as_snakemake(monkeypatch, quiet, is_hushed):
    monkeypatch.setenv(QUIET, "")
    hush_jobs(quiet)
    assert bool(os.environ[QUIET]) == is_hushed


def test_a_terminal_that_was_closed_ends_no_job(tmp_path, at_each_step):
    log, (reading, writing) = tmp_path / "1.log", os.pipe()
    os.close(reading)
    block = f"{WARNED}\n    {LINES}"
    done = subprocess.run(
        [sys.executable, "-c", HEAD.format(block=block), str(log), str(WORKFLOW / "scripts")],
        env=os.environ | {"PYTHONPATH": str(WORKFLOW)},
        stdout=subprocess.PIPE,
        stderr=writing,
    )
    os.close(writing)
    assert done.returncode == 0
    assert "WARNING left out" in log.read_text()
    assert len(re.findall("INFO reading", log.read_text())) == 2
    assert "Error" not in log.read_text()
