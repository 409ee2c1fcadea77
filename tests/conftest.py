"""Copies of this checkout, and the smoke experiment, run once a session: workflow and end-to-end tests look at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from headless import Browser, skip_without_browser

import warm_snakemake

REPOSITORY = Path(__file__).resolve().parents[1]
NOT_COPIED = {".git", ".ci", ".snakemake", "results", "tests"}
SMOKE = "resources/experiments/smoke.yaml"


@dataclass(frozen=True)
class Run:
    """What a call of Snakemake gave."""

    returncode: int
    output: str

    @property
    def jobs(self) -> dict[str, int]:
        """Rule → number of jobs, as the table of job statistics says; without `all`."""
        table = re.search(r"^Job stats:\njob +count\n[- ]+\n(.*?)^total ", self.output, re.MULTILINE | re.DOTALL)
        if table is None:
            return {}
        counts = dict(re.findall(r"^(\S+) +(\d+)", table[1], re.MULTILINE))
        return {rule: int(count) for rule, count in counts.items() if rule != "all"}

    @property
    def messages(self) -> list[str]:
        """What the planned jobs say that they will do."""
        return re.findall(r"^Job \d+: (.+)$", self.output, re.MULTILINE)


@dataclass(frozen=True)
class Checkout:
    """A copy of this checkout that tests may change."""

    root: Path

    def __truediv__(self, path: str) -> Path:
        return self.root / path

    def copy(self, to: Path) -> Checkout:
        """Another copy, whose files are as old as these."""
        shutil.copytree(self.root, to, symlinks=True, dirs_exist_ok=True)
        return Checkout(to)

    @contextmanager
    def appended(self, text: str, *paths: str) -> Iterator[None]:
        """Files with something more at their end, for a while."""
        before = {path: ((self.root / path).read_bytes(), (self.root / path).stat()) for path in paths}
        try:
            for path, (content, _) in before.items():
                (self.root / path).write_bytes(content + text.encode())
            yield
        finally:
            for path, (content, status) in before.items():
                (self.root / path).write_bytes(content)
                os.utime(self.root / path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def snakemake(
        self,
        *arguments: str,
        configfile: str | None = SMOKE,
        python_path: Path | None = None,
        seconds: float | None = None,
        warm: bool | None = None,
    ) -> Run:
        """Call Snakemake in the copy, for at most so many seconds; `python_path` stands first on PYTHONPATH.

        `warm`: whether scripts are forks of a process that has imported what they need; None: without `python_path`.
        Where jobs are submitted, they should start as they do for a user.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
        environment.pop("PYTHONPATH", None)
        if python_path is not None:
            environment["PYTHONPATH"] = str(python_path)
        files = [f"--configfile={configfile}"] if configfile is not None else []
        warm = python_path is None if warm is None else warm
        return Run(*warm_snakemake.snakemake([*files, *arguments], self.root, environment, seconds, warm_scripts=warm))

    def plan(self, *arguments: str, **options) -> Run:
        """A dry run that succeeds."""
        run = self.snakemake("-n", *arguments, **options)
        assert run.returncode == 0, run.output
        return run


def _files() -> Iterable[Path]:
    """The files of this checkout, changed and new ones too, without what the workflow has made."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if listed.returncode == 0:
        found = [Path(name) for name in listed.stdout.split("\0") if name]
    else:  # an archive of the sources, without git
        made = {"resources/corpora", "resources/models", "resources/downloads", "resources/tasks", "resources/vectors"}
        found = [path.relative_to(REPOSITORY) for path in REPOSITORY.rglob("*") if path.is_file()]
        found = [path for path in found if "/".join(path.parts[:2]) not in made and "__pycache__" not in path.parts]
    return [path for path in found if path.parts[0] not in NOT_COPIED and (REPOSITORY / path).is_file()]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory) -> Checkout:
    """A fresh copy in which nothing has been made; not to be changed."""
    root = tmp_path_factory.mktemp("checkout")
    for path in _files():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / path, root / path)
    return Checkout(root)


@pytest.fixture(scope="session")
def smoke(checkout, tmp_path_factory) -> Checkout:
    """A copy in which the smoke experiment has been run; to be left as it was found."""
    if (of_all := of_all_workers(tmp_path_factory)) is None:
        return smoke_experiment(checkout, tmp_path_factory.mktemp("smoke"))
    with FileLock(of_all / "smoke.lock"):
        finished = Checkout(of_all / "smoke")
        if not finished.root.exists():
            smoke_experiment(checkout, of_all / "smoke.new").root.rename(finished.root)
    return finished.copy(tmp_path_factory.mktemp("smoke"))  # each worker has its own: tests change it for a while


def of_all_workers(tmp_path_factory) -> Path | None:
    """A folder that all processes of this test run share; None if it is one process."""
    return tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else None


def smoke_experiment(checkout: Checkout, to: Path) -> Checkout:
    finished = checkout.copy(to)
    run = finished.snakemake("--cores", "2")
    assert run.returncode == 0, run.output
    return finished


@pytest.fixture
def fresh(checkout, tmp_path) -> Checkout:
    """A copy of one's own in which nothing has been made."""
    return checkout.copy(tmp_path / "fresh")


@pytest.fixture
def finished(smoke, tmp_path) -> Checkout:
    """A copy of one's own in which the smoke experiment has been run."""
    return smoke.copy(tmp_path / "finished")


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    """One browser for all tests of this process: its start takes longer than most of them."""
    skip_without_browser()
    started = Browser(tmp_path_factory.mktemp("browser"))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def one_thread():
    """As in extraction: several threads for one utterance would be slower for models this small."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def no_network(tmp_path):
    """A folder for PYTHONPATH in which every connection of a Python process is refused and noted."""
    folder = tmp_path / "no-network"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import pathlib, socket\n"
        "def refuse(*args, **kwargs):\n"
        "    pathlib.Path(__file__).with_name('used').touch()\n"
        "    raise OSError('the network was used')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse\n"
    )
    return folder
