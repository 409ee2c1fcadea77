"""What is wrong with which utterance: a table for people, a summary for errors, warnings for the log."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import astuple, dataclass
from pathlib import Path

import pandas as pd

from layerwise.errors import first_names, shown
from layerwise.files.atomic import replaced
from layerwise.files.folders import how_to_allow

log = logging.getLogger(__name__)


MOST_NAMED = 100  # of those that `counted` counts
_LOGGED_PER_PROBLEM = 20
_LONGEST_CELL = 1000  # characters that a person reads of a name or a detail


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with one utterance; `problem` is its kind, `detail` says what was found."""

    utterance_id: str
    file: str
    problem: str
    detail: str


def counted(problems: list[Problem], what: str, *, most: int | None = None) -> list[Problem]:
    """Problems of one kind as they are, or, where there are more than `most`, one that says how many `what` there are.

    That is so where a part of a corpus was taken, and its alignments are those of all of it.
    """
    if len(problems) <= (MOST_NAMED if most is None else most):
        return problems
    names = first_names(problem.utterance_id for problem in problems)
    return [Problem("", "", problems[0].problem, f"{len(problems)} {what}: {names}")]


def report_problems(problems: list[Problem], path: Path, file_column: str) -> None:
    """Write the problems as CSV, sorted (utterance_id, `file_column`, problem, detail), and warn of each in the log.

    The log names the first 20 of a kind and counts the rest.
    """
    rows = [[shown(text, _LONGEST_CELL) for text in astuple(problem)] for problem in sorted(problems)]
    table = pd.DataFrame(rows, columns=["utterance_id", "file", "problem", "detail"])
    with replaced(path) as temporary:
        table.rename(columns={"file": file_column}).to_csv(temporary, index=False, lineterminator="\n")
    for kind, group in table.groupby("problem"):
        for row in group.head(_LOGGED_PER_PROBLEM).itertuples():
            log.warning("%s: %s (%s) %s", kind, row.utterance_id, row.detail, row.file)
        if len(group) > _LOGGED_PER_PROBLEM:
            log.warning("%s: %d more, see %s", kind, len(group) - _LOGGED_PER_PROBLEM, path)
    if allowing := how_to_allow(problem.detail for problem in problems):
        log.warning("files that lie elsewhere are not opened; %s", allowing)


def summarise_problems(problems: list[Problem]) -> str:
    """How many there are of each kind, with the first of each by name: '2 empty (first: 1-2-0003), 1 …'."""
    counts = Counter(problem.problem for problem in problems)
    first: dict[str, str] = {}
    for problem in sorted(problems):
        first.setdefault(problem.problem, problem.utterance_id or problem.file)
    kinds = ", ".join(f"{count} {kind} (first: {shown(first[kind])})" for kind, count in counts.most_common())
    allowing = how_to_allow(problem.detail for problem in problems)
    return "; ".join(filter(None, [kinds, allowing])) or "no problem found"
