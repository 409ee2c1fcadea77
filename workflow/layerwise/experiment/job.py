"""How a script runs inside a job: what it logs, and which copy of the package it may use."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from layerwise import progress
from layerwise.addresses import without_secrets
from layerwise.errors import LINE, LayerwiseError, shown, shown_lines
from layerwise.files.disk_space import DiskSpaceError
from layerwise.files.integrity import refuse_cut_off

QUIET = "LAYERWISE_QUIET"  # in the environment of jobs, where Snakemake was told to be quiet about progress


@contextmanager
def logged(snakemake: Any) -> Iterator[None]:
    """Send everything that a script says, its errors too, to the log of its rule, and end the job with them.

    An error of the input, and Ctrl-C, are one line in the log; anything else is a traceback. Warnings of the package,
    such as what was left out of a corpus, and how far long work is, are shown on the terminal too: nobody reads the log
    of a job that succeeds.

    Raises:
        SystemExit: the block failed.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file, _terminal(_name_of(snakemake)) as terminal:
        # On the level of the file descriptor, so that warnings of libraries written in C are there too.
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
        log = logging.StreamHandler(sys.stderr)
        log.setFormatter(_Shown("%(asctime)s %(levelname)s %(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[log, terminal], force=True)
        logging.captureWarnings(True)  # they hold names too
        try:
            check_copy(Path(snakemake.scriptdir).parent)
            refuse_cut_off(snakemake.input)
            yield
        except LayerwiseError as error:
            logging.error("%s: %s", type(error).__name__, error)
            if isinstance(error, DiskSpaceError):  # the log may lie on the same disk
                terminal.say(f"DiskSpaceError: {error}")
            sys.exit(1)
        except KeyboardInterrupt:
            logging.error("interrupted; the same command does this job again")
            sys.exit(1)
        except Exception:
            logging.error(traceback.format_exc())
            sys.exit(1)


class _Shown(logging.Formatter):
    """Names of files, and what libraries say of them, come from elsewhere: nothing in a log steers a terminal.

    Secrets of addresses are hidden, whoever logs them: the client of HTTP names each address that it asks for.

    A name stays in its line; only messages of errors and tracebacks have several.
    """

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.args, tuple):
            names = (str, Path)
            record.args = tuple(shown(value, LINE) if isinstance(value, names) else value for value in record.args)
        return shown_lines(super().format(record))


@contextmanager
def _terminal(job: str) -> Iterator[_Terminal]:
    copy = os.dup(sys.stderr.fileno())
    try:
        yield _Terminal(copy, job)
    finally:
        os.close(copy)


class _Terminal(logging.Handler):
    """Where Snakemake writes, or the file of a cluster's job: shown are warnings of the package, and progress.

    Each line is one write, so that lines of several jobs do not mix. A terminal that was closed ends no job.
    """

    def __init__(self, file: int, job: str) -> None:
        super().__init__()
        self._file, self._job, self._is_quiet = file, shown(job, LINE), bool(os.environ.get(QUIET))
        self.setFormatter(_Shown("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == progress.log.name:
            if not self._is_quiet:
                self.say(f"{self._job} {self.format(record)}")
        elif record.levelno == logging.WARNING and record.name.startswith("layerwise"):
            self.say(f"WARNING: {self.format(record)}")

    def say(self, line: str) -> None:
        with suppress(OSError):
            os.write(self._file, f"{line}\n".encode())


def _name_of(snakemake: Any) -> str:
    """Rule and wildcards, as in: extract_representations (model=hubert-base, shard=0)."""
    wildcards = ", ".join(f"{name}={value}" for name, value in snakemake.wildcards.items())
    return f"{snakemake.rule} ({wildcards})" if wildcards else snakemake.rule


def hush_jobs(quiet: Collection[str]) -> None:
    """Let jobs that this process starts show no progress on the terminal, where Snakemake is not to show its own.

    Args:
        quiet: what was said after --quiet.
    """
    if {"progress", "all"} & set(quiet):
        os.environ[QUIET] = "1"


def hide_secrets(logger: logging.Logger) -> None:
    """Let a logger, such as Snakemake's, which names the whole command line, hide what is secret of addresses."""
    if not any(isinstance(present, _HideSecrets) for present in logger.filters):
        logger.addFilter(_HideSecrets())


class _HideSecrets(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.__dict__.update({key: without_secrets(text) for key, text in vars(record).items() if type(text) is str})
        return True


def prefer_package(parent: str) -> None:
    """Let every job that this process starts import the package below `parent`, whatever copy may be installed."""
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", parent)]
    os.environ["PYTHONPATH"] = os.pathsep.join([parent, *others])


def check_copy(workflow: Path) -> None:
    """Refuse to run with a copy of the package that is not the one beside the scripts.

    Raises:
        LayerwiseError: another copy, such as an installed older one, was imported.
    """
    used, wanted = Path(__file__).resolve().parents[1], (workflow / "layerwise").resolve()
    if used != wanted:
        raise LayerwiseError(
            f"{used} was imported, but the workflow's own package is {wanted}: check PYTHONPATH, and that all modules "
            "of one workflow are of one clone"
        )
