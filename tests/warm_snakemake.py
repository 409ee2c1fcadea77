"""Snakemake without its start: each call is a fork of a process that has imported what every call imports.

Starting Python and importing Snakemake takes longer than a plan does, and the tests make hundreds of plans. Nothing of
`layerwise` is imported before the fork: each call imports the package of the checkout that it plans.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

TESTS = Path(__file__).resolve().parent
NOT_ITS_OWN = {str(TESTS), str(TESTS / "unit"), str(TESTS / "benchmarks"), str(TESTS.parent / "workflow")}

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        *("snakemake.cli", "snakemake.dag", "snakemake.report", "snakemake_executor_plugin_slurm"),
        *("h5py", "jinja2", "jsonschema", "numpy", "pandas", "pyarrow.parquet", "tqdm", "yaml"),
        "pytest",  # a fork imports the main module of the process that asked for it
    ]
)


def snakemake(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float | None = None
) -> tuple[int, str]:
    """Call Snakemake in a folder: its exit status, and what it printed to standard output and error.

    Raises:
        TimeoutError: it has not ended in so many seconds, with what it printed.
    """
    with tempfile.TemporaryDirectory() as temporary:
        printed = Path(temporary) / "printed"
        process = _context.Process(target=_call, args=(list(arguments), folder, dict(environment), printed))
        process.start()
        try:
            process.join(seconds)
            if process.exitcode is None:
                raise TimeoutError(f"after {seconds} s:\n{printed.read_text(encoding='utf-8')}")
        finally:
            process.kill()  # where it has not ended, or a test was stopped while it waited
            process.join()
        return process.exitcode, printed.read_text(encoding="utf-8")


def _call(arguments: list[str], folder: Path, environment: dict[str, str], printed: Path) -> None:
    with printed.open("wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    first = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = ["", *first, *(path for path in sys.path if path not in NOT_ITS_OWN)]
    sys.argv = ["snakemake", *arguments]
    sys.modules.pop("sitecustomize", None)
    with suppress(ImportError):  # as every Python does when it starts
        importlib.import_module("sitecustomize")

    from snakemake.cli import main

    main(arguments)
