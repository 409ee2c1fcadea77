"""What a run was asked for, and with which software: kept beside its results before the first job."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import yaml

from layerwise import __version__
from layerwise.addresses import hidden_in, without_secrets
from layerwise.errors import escaped
from layerwise.experiment.configuration.experiment import Experiment
from layerwise.files.atomic import replaced
from layerwise.files.shipped import ROOT

CONFIGURATION, VERSIONS = "configuration.yaml", "versions.yaml"
FINISHED = "finished.yaml"


def write_journal(experiment: Experiment, folder: Path, command: Sequence[str]) -> None:
    """Write the configuration, with every default, and the versions of all that may touch a number.

    Args:
        folder: of the experiment.
        command: the command line of this run.
    """
    _write(
        folder / CONFIGURATION,
        "The configuration of the last run, every default included; snakemake --config from=THIS_FILE takes "
        "it. *** stands for what is secret of an address.",
        hidden_in(experiment.config),
    )
    _write(
        folder / VERSIONS,
        "What the last run was made with. Conda environments have their own versions, of the same pins.",
        versions(experiment, command),
    )


def write_end(experiment: Experiment, folder: Path, began: float) -> None:
    """Write the configuration once more when a run has made all of it.

    Until then, files of an older configuration may lie beside those of `CONFIGURATION`. The time of the file is that
    when the run began: what is changed while it lasts may be read before.

    Args:
        folder: of the experiment.
        began: when the run did, in seconds of the epoch.
    """
    _write(folder / FINISHED, "The configuration of the last run that made all of it.", hidden_in(experiment.config))
    os.utime(folder / FINISHED, (began, began))


def versions(experiment: Experiment, command: Sequence[str]) -> dict:
    """The package, the checkout, the interpreter, every dependency, the machine, the command line and the seeds."""
    drawn = {name: entry.seed for name, entry in experiment.models.items() if entry.seed is not None}
    return {
        "layerwise": __version__,
        "checkout": _checkout(ROOT),
        "command": shlex.join(map(without_secrets, command)),
        "seeds": {"samples": experiment.config["samples"]["seed"], "models": drawn},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "dependencies": {name: _version(name) for name in _dependencies()},
    }


def _dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return sorted(re.split(r"[^\w.-]", requirement)[0] for requirement in project["dependencies"])


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _checkout(root: Path) -> dict | None:
    """The commit of a git checkout, and whether its files differ from it; None where there is no git.

    Files that git does not know, such as a configuration of one's own, are no difference.
    """
    try:
        top, commit = _git(root, "rev-parse", "--show-toplevel", "HEAD").split("\n")[:2]
        if not Path(top).samefile(root):  # a copy inside of another repository
            return None
        return {"commit": commit, "changed": _git(root, "status", "--porcelain", "--untracked-files=no") != ""}
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _write(path: Path, remark: str, content: object) -> None:
    text = _yaml(content, allow_unicode=True)
    if any(line != escaped(line) for line in text.split("\n")):  # PyYAML takes marks of direction for letters
        text = _yaml(content, allow_unicode=False)
    with replaced(path) as temporary:
        temporary.write_text(f"# {remark}\n{text}", encoding="utf-8")


def _yaml(content: object, *, allow_unicode: bool) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=allow_unicode, width=120)


def this_command() -> list[str]:
    """The command line that started this process, as a person would write it."""
    return [Path(sys.argv[0]).name.replace("__main__.py", "snakemake"), *sys.argv[1:]]
