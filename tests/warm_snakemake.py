"""Snakemake and its scripts without their starts: each is a fork of a process that has imported what it needs.

Starting Python and importing Snakemake takes longer than a plan does, importing torch longer than most jobs, and the
tests make hundreds of plans and jobs. Nothing of `layerwise` is imported before a fork: each call and each script
imports the package of its checkout.
"""

from __future__ import annotations

import importlib
import marshal
import multiprocessing
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parent
NOT_ITS_OWN = {str(TESTS), str(TESTS / "unit"), str(TESTS / "benchmarks"), str(TESTS.parent / "workflow")}

_context = multiprocessing.get_context("forkserver")
SNAKEMAKE_NEEDS = (
    *("snakemake.cli", "snakemake.dag", "snakemake.report", "snakemake.persistence", "snakemake.script"),
    *("snakemake.sourcecache", "snakemake_executor_plugin_slurm", "snakemake_storage_plugin_fs", "smart_open"),
    *("h5py", "jinja2", "jsonschema", "numpy", "pandas", "pyarrow.parquet", "yaml"),
)
# pytest: a fork imports the main module of the process that asked for it.
_context.set_forkserver_preload([*SNAKEMAKE_NEEDS, "pytest"])
SCRIPTS_NEED = (
    *("torch", "transformers", "transformers.models.wav2vec2.modeling_wav2vec2", "altair", "vl_convert"),
    *("scipy.stats", "scipy.linalg", "sklearn.cluster", "soundfile", "soxr", "librosa", "threadpoolctl"),
)

# What Snakemake calls in place of Python: hands a script, or Snakemake in a job of its own, its environment and its
# streams to the process that forks.
# The first lines are for sh, as the kernel takes no interpreter with a space in its path.
PYTHON = """#!/bin/sh
'''exec' "{python}" -SE "$0" "$@"
' '''
import marshal, os, socket, sys
if "/.snakemake/scripts/" not in sys.argv[1] and sys.argv[1:3] != ["-m", "snakemake"]:
    os.execv("{python}", ["{python}", *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect("{server}")
    socket.send_fds(server, [b"!"], [0, 1, 2])
    server.sendall(marshal.dumps((sys.argv[1:], os.getcwd(), dict(os.environ))))
    server.shutdown(socket.SHUT_WR)
    status = server.recv(1)
sys.exit(status[0] if status else 1)
"""


def snakemake(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    seconds: float | None = None,
    *,
    warm_scripts: bool,
) -> tuple[int, str]:
    """Call Snakemake in a folder: its exit status, and what it printed to standard output and error.

    Args:
        warm_scripts: whether scripts are forks too; else they start as they do for a user.

    Raises:
        TimeoutError: it has not ended in so many seconds, with what it printed.
    """
    is_warm = warm_scripts and "-n" not in arguments
    python = _warm_python() if is_warm else sys.executable
    with tempfile.TemporaryDirectory() as temporary:
        printed = Path(temporary) / "printed"
        process = _context.Process(target=_call, args=(list(arguments), folder, dict(environment), python, printed))
        process.start()
        try:
            process.join(seconds)
            if process.exitcode is None:
                raise TimeoutError(f"after {seconds} s:\n{printed.read_text(encoding='utf-8')}")
        finally:
            process.kill()  # where it has not ended, or a test was stopped while it waited
            process.join()
        return process.exitcode, printed.read_text(encoding="utf-8")


def _call(arguments: list[str], folder: Path, environment: dict[str, str], python: str, printed: Path) -> None:
    with printed.open("wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    _enter("", folder, environment)
    _main(arguments, python)


def _main(arguments: list[str], python: str) -> None:
    """Snakemake itself, which calls this Python."""
    sys.executable = python
    sys.argv = ["snakemake", *arguments]

    from snakemake.cli import main

    main(arguments)


def _enter(first: str, folder: Path, environment: Mapping[str, str]) -> None:
    """Make this process one that was started in a folder and with an environment."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    paths = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [first, *paths, *(path for path in sys.path if path not in NOT_ITS_OWN)]
    sys.modules.pop("sitecustomize", None)
    with suppress(ImportError):  # as every Python does when it starts
        importlib.import_module("sitecustomize")


# Scripts


@cache
def _warm_python() -> str:
    """A program that runs scripts as Python does, in forks of a process that lives as long as this one."""
    folder = Path(tempfile.mkdtemp(prefix="warm"))
    python, address = folder / "python", folder / "server"
    python.write_text(PYTHON.format(python=sys.executable, server=address))
    python.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address))
        server.listen(64)
        command = [sys.executable, __file__, str(server.fileno()), str(python)]
        # It ends when this process does, as its standard input does then.
        _SERVERS.append(subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[server.fileno()]))
    return str(python)


_SERVERS: list[subprocess.Popen] = []


def _serve(server: socket.socket, python: str) -> None:
    for module in (*SCRIPTS_NEED, *SNAKEMAKE_NEEDS):
        with suppress(ImportError):  # a plugin that is not installed
            importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks that have ended are not waited for
    while sys.stdin not in (ready := select.select([server, sys.stdin], [], [])[0]):
        asked, _ = ready[0].accept()
        if os.fork() == 0:
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(asked, python)
        asked.close()


def _answer(asked: socket.socket, python: str) -> None:
    """Run a script, or Snakemake, and send its exit status."""
    status = 1
    try:
        _, streams, _, _ = socket.recv_fds(asked, 1, 3)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        with asked.makefile("rb") as message:
            arguments, folder, environment = marshal.loads(message.read())
        if arguments[0] == "-m":
            _enter("", Path(folder), environment)
            _main(arguments[2:], python)
        else:
            sys.argv = arguments
            _enter(str(Path(arguments[0]).parent), Path(folder), environment)
            _limit_threads(int(environment["OMP_NUM_THREADS"]))
            runpy.run_path(arguments[0], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        asked.send(bytes([status]))
        os._exit(status)


def _limit_threads(count: int) -> None:
    """What the libraries, when they are imported, take from the variable that Snakemake sets."""
    import threadpoolctl
    import torch

    threadpoolctl.threadpool_limits(count)
    torch.set_num_threads(count)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
