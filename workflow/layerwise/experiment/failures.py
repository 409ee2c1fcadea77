"""What the end of a run says of jobs that failed: a line for each, whatever --quiet left out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from layerwise.errors import LINE, shown

_SHOWN = 20  # failed jobs; more of them have failed for the same reason, mostly
_END = 100_000  # bytes of a log in which its last error is looked for
_ERROR = re.compile(r"^\S+ \S+ ERROR (.*)$", re.MULTILINE)  # as `layerwise.experiment.job.logged` writes it
_OF_A_JOB = ("CalledProcessError", "RuleException")  # errors of Snakemake that only repeat that a job failed
_TRACEBACK = "Traceback (most recent call last):"


@dataclass(frozen=True)
class Failed:
    """A job that failed: its rule and its logs."""

    rule: str
    logs: Sequence[str]

    def __str__(self) -> str:
        log = next(iter(self.logs), None)
        if log is None:
            return f"{self.rule}: it has no log"
        return f"{self.rule}: {reason_in(Path(log))} (log: {shown(log, LINE)})"


def reason_in(log: Path) -> str:
    """The last error in the log of a job, in a line; of a traceback its last line."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _END))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return "it wrote no log: perhaps it could not be started"
    errors = list(_ERROR.finditer(text))
    if not errors:
        return "its log has no error: perhaps it was killed, or needed more memory than there is"
    said = errors[-1][1]
    if said == _TRACEBACK:
        said = text[errors[-1].start() :].strip().rpartition("\n")[2]
    return shown(said, LINE)


class LastWords(logging.Handler):
    """A handler of Snakemake's log that notes which jobs fail, and says what `--quiet all` hides of errors.

    A job that failed and succeeded when it was tried again has not failed.

    Args:
        is_silent: whether Snakemake shows nothing, not even errors.
    """

    def __init__(self, is_silent: bool) -> None:
        super().__init__(logging.INFO)
        self._is_silent = is_silent
        self._failed: dict[int, Failed] = {}

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(getattr(record, "event", None), "name", "")
        said = vars(record)
        if event == "JOB_ERROR":
            self._failed[said["jobid"]] = Failed(said["rule_name"], list(said["log"] or ()))
        elif event == "JOB_FINISHED":
            self._failed.pop(said["job_id"], None)
        elif self._is_silent and event == "ERROR" and said.get("exception") not in _OF_A_JOB:
            print(record.getMessage(), file=sys.stderr)

    def say_failed(self, to: TextIO | None = None) -> None:
        """Write a line for each job that failed, to standard error if nothing else is given."""
        failed = list(self._failed.values())
        if not failed:
            return
        more = len(failed) - _SHOWN
        lines = [
            f"{len(failed)} job{'s' if len(failed) > 1 else ''} failed:",
            *(f"  - {job}" for job in failed[:_SHOWN]),
            *([f"  - and {more} more, as their logs say"] if more > 0 else []),
        ]
        print("\n".join(lines), file=to or sys.stderr)


def last_words(logger: logging.Logger, is_silent: bool) -> LastWords:
    """The handler of a logger, which has one."""
    for present in logger.handlers:
        if isinstance(present, LastWords):
            return present
    handler = LastWords(is_silent)
    logger.addHandler(handler)
    return handler
