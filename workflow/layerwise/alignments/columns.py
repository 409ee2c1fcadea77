"""Intervals of many utterances as columns of numbers, and what is wrong with a row of them in words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import NamedTuple

import numpy as np

from layerwise.alignments.tiers import Tier
from layerwise.corpus.problems import Problem
from layerwise.errors import shown
from layerwise.files.texts import wildcard

TIERS = ("phone", "word")
PLAIN_TIERS = {tier: [f"{tier}s"] for tier in TIERS}  # what files call them where no layout says otherwise
TIERS_ARE = "tiers with intervals: "  # begins the detail of the problem that one of these is missing
NO_LABEL, SILENT = -1, -2
_PROBLEMS_OF_A_KIND = 100  # so many are named of one utterance; a file may have millions
PHONE, WORD = range(len(TIERS))


class Utterance(NamedTuple):
    """What an alignment file says of an utterance, and how many seconds its recording has."""

    utterance_id: str
    file: str
    duration: float
    tiers: Sequence[Tier]


def named(tiers: Sequence[Tier], names: Sequence[str]) -> list[Tier]:
    """The tiers that have one of these names, in any case of letters; `*` stands for anything. No names: no tier."""
    pattern = _names(tuple(names))
    return [tier for tier in tiers if pattern.fullmatch(tier.name.strip())]


@cache
def _names(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(wildcard(name, any_case=True) for name in names) or "(?!)")


def problem_of(utterance: Utterance, kind: str, detail: str) -> Problem:
    return Problem(utterance.utterance_id, utterance.file, kind, detail)


@dataclass(frozen=True)
class Rows:
    """Intervals as columns of equal length.

    Attributes:
        utterance, tier, label: places in the utterances, in `TIERS` and in `labels`; a label may be `NO_LABEL`.
        speaker: the number of the file's tier, among those of its kind.
        start, end: seconds.
        labels: every label, once.
    """

    utterance: np.ndarray
    tier: np.ndarray
    speaker: np.ndarray
    label: np.ndarray
    start: np.ndarray
    end: np.ndarray
    labels: list[str | None]

    def __len__(self) -> int:
        return len(self.utterance)

    def where(self, chosen: np.ndarray) -> Rows:
        """The rows of a mask, or of places."""
        columns = (self.utterance, self.tier, self.speaker, self.label, self.start, self.end)
        return Rows(*(column[chosen] for column in columns), self.labels)

    def problems(self, faults: Iterable[tuple[int, RowFault]], utterances: Sequence[Utterance]) -> list[Problem]:
        """What is wrong with which rows: of one kind, the first ones of an utterance, and how many more there are."""
        numbers: Counter[tuple[int, str]] = Counter()
        problems = []
        for row, (kind, other) in faults:
            index = int(self.utterance[row])
            numbers[index, kind] += 1
            if numbers[index, kind] <= _PROBLEMS_OF_A_KIND:
                detail = self._named(row) + ("" if other is None else f", and {self._named(other)}")
                problems.append(problem_of(utterances[index], kind, detail))
        return problems + [
            problem_of(utterances[index], kind, f"{number - _PROBLEMS_OF_A_KIND} more intervals")
            for (index, kind), number in numbers.items()
            if number > _PROBLEMS_OF_A_KIND
        ]

    def _named(self, row: int) -> str:
        label = "" if self.label[row] == NO_LABEL else f" {shown(repr(self.labels[self.label[row]]))}"
        return f"{TIERS[self.tier[row]]}{label} from {self.start[row]:g} to {self.end[row]:g} s"


def columns_of(utterances: Sequence[Utterance], tier_names: Mapping[str, Sequence[str]]) -> tuple[Rows, list[Problem]]:
    """The intervals of all tiers that count, as they are in the files, and what tiers are missing.

    Args:
        tier_names: of phones (`phone`) and words (`word`); a kind that has no names is not looked for.
    """
    code_of: dict[str | None, int] = defaultdict(count().__next__)
    label, start, end = [], [], []
    owner, kind, speaker, size = [], [], [], []  # of each tier
    problems = []
    for index, utterance in enumerate(utterances):
        for tier, names in enumerate(tier_names.get(tier, ()) for tier in TIERS):
            found = named(utterance.tiers, names)
            if not names:
                continue
            if not any(part.labels for part in found):
                there = ", ".join(sorted({tier.name for tier in utterance.tiers if tier.labels})) or "none"
                detail = f"{TIERS_ARE}{there}"
                problems.append(problem_of(utterance, f"no {names[0]}", detail))
            for number, part in enumerate(found):
                label += map(code_of.__getitem__, part.labels)
                start += part.starts
                end += part.ends
                owner.append(index)
                kind.append(tier)
                speaker.append(number)
                size.append(len(part.labels))
    rows = Rows(
        *(np.repeat(np.array(column, np.int64), size) for column in (owner, kind, speaker)),
        np.array(label, np.int64),
        np.array(start, np.float64),
        np.array(end, np.float64),
        list(code_of),
    )
    return rows, problems


class RowFault(NamedTuple):
    """What is wrong with a row, and the row of another speaker that it overlaps."""

    kind: str
    other: int | None = None
