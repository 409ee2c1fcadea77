"""What the end of a run says of jobs that failed."""

from __future__ import annotations

import io
import logging
from enum import Enum

import pytest

from layerwise.experiment.failures import last_words, reason_in


class Event(Enum):
    """As Snakemake names what it logs."""

    JOB_ERROR = 1
    JOB_FINISHED = 2
    ERROR = 3
    JOB_INFO = 4


LOGS = {
    "an error of the input": (
        "2026-01-01 00:00:00,1 INFO begins\n2026-01-01 00:00:01,1 ERROR BadError: c is bad\n",
        "BadError: c is bad",
    ),
    "a list": ("2026-01-01 00:00:01,1 ERROR BadError: two are bad:\n  - one\n  - two\n", "BadError: two are bad:"),
    "a traceback": (
        "2026-01-01 00:00:01,1 ERROR Traceback (most recent call last):\n  File 'x', line 1\nKeyError: 'x'\n",
        "KeyError: 'x'",
    ),
    "two errors": ("2026-01-01 00:00:01,1 ERROR first\n2026-01-01 00:00:01,1 ERROR last\n", "last"),
    "no error": ("2026-01-01 00:00:01,1 INFO begins\n", "its log has no error: perhaps it was killed"),
    "bytes that steer": ("2026-01-01 00:00:01,1 ERROR a\x1b]0;b\n", r"a\x1b]0;b"),
}


@pytest.fixture
def snakemake(request):
    """A logger like Snakemake's, and its handler."""
    logger = logging.Logger("snakemake.test")
    return logger, last_words(logger, is_silent=getattr(request, "param", False))


def job_fails(logger, number, log, rule="index_alignments"):
    logger.error("Error in rule", extra={"event": Event.JOB_ERROR, "jobid": number, "rule_name": rule, "log": log})


def said(handler) -> str:
    stream = io.StringIO()
    handler.say_failed(stream)
    return stream.getvalue()


@pytest.mark.parametrize(("content", "reason"), LOGS.values(), ids=LOGS)
def test_the_reason_is_the_last_error_of_the_log(tmp_path, content, reason):
    (tmp_path / "job.log").write_text(content)
    assert reason_in(tmp_path / "job.log").startswith(reason)
    assert "\n" not in reason_in(tmp_path / "job.log")


def test_a_failed_job_is_a_line_of_rule_reason_and_log(snakemake, tmp_path):
    logger, handler = snakemake
    log = tmp_path / "1.log"
    log.write_text("2026-01-01 00:00:00,1 ERROR AlignmentError: c has no alignment\n")
    job_fails(logger, 1, [str(log)])
    job_fails(logger, 2, [str(tmp_path / "none.log")], rule="score_layers")
    job_fails(logger, 3, [])
    assert said(handler).splitlines() == [
        "3 jobs failed:",
        f"  - index_alignments: AlignmentError: c has no alignment (log: {log})",
        f"  - score_layers: it wrote no log: perhaps it could not be started (log: {tmp_path / 'none.log'})",
        "  - index_alignments: it has no log",
    ]


def test_a_job_that_succeeds_when_it_is_tried_again_has_not_failed(snakemake):
    logger, handler = snakemake
    job_fails(logger, 1, [])
    logger.info("Finished", extra={"event": Event.JOB_FINISHED, "job_id": 1})
    assert said(handler) == ""
    job_fails(logger, 1, [])
    job_fails(logger, 1, [])
    assert said(handler).startswith("1 job failed:\n")


def test_of_very_many_the_first_are_named_and_the_rest_counted(snakemake):
    logger, handler = snakemake
    for number in range(45):
        job_fails(logger, number, [])
    lines = said(handler).splitlines()
    assert lines[0] == "45 jobs failed:"
    assert lines[-1] == "  - and 25 more, as their logs say"
    assert len(lines) == 22


@pytest.mark.parametrize("snakemake", [True, False], indirect=True)
def test_what_quiet_all_hides_of_errors_is_said(snakemake, request, capsys):
    logger, _ = snakemake
    logger.error("WorkflowError: wrong", extra={"event": Event.ERROR, "exception": "WorkflowError"})
    logger.error("command failed", extra={"event": Event.ERROR, "exception": "CalledProcessError"})
    logger.info("Job 1", extra={"event": Event.JOB_INFO})
    silent = request.node.callspec.params["snakemake"]
    assert capsys.readouterr().err == ("WorkflowError: wrong\n" if silent else "")


def test_a_logger_has_one_handler():
    logger = logging.Logger("snakemake.test")
    assert last_words(logger, is_silent=False) is last_words(logger, is_silent=True)
