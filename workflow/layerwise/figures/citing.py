"""How to cite an experiment and make it again: the run as its journal has it, and the paper whose method it is."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from layerwise.tables.files import AnyPath

# Issue and pages are left to whoever cites it.
PAPER = """@inproceedings{pasad2023comparative,
  author = {Ankita Pasad and Bowen Shi and Karen Livescu},
  title = {Comparative Layer-Wise Analysis of Self-Supervised Speech Models},
  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},
  year = {2023}
}"""


@dataclass(frozen=True)
class Run:
    """How an experiment can be made again; what is not known is "".

    The command of the last run is left to versions.yaml: a report is the same, whatever it was asked for with.

    Attributes:
        commit: of the checkout, with a remark where files differed from it.
        again: the command that makes the experiment again from its configuration.
    """

    commit: str
    again: str


def read_run(versions: AnyPath, configuration: AnyPath) -> Run:
    """What the journal of an experiment says of its run.

    Args:
        versions: its versions.yaml, as `layerwise.experiment.journal` writes it; it may be absent, as where only the
            report was made.
        configuration: the path of its configuration.yaml, for the command.
    """
    path = Path(versions)
    found = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    checkout: Mapping = found.get("checkout") or {}
    commit = checkout.get("commit", "")
    if commit and checkout.get("changed"):
        commit += " (with changes that are not committed)"
    return Run(commit, shlex.join(["snakemake", "--cores", "4", "--config", f"from={configuration}"]))
