"""Tables of rated pairs: two words, or two recordings, and how alike people found them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from layerwise.errors import did_you_mean, listed_names, shown
from layerwise.files.csv_files import CSVError, CSVTable, read_csv, read_header
from layerwise.files.texts import folded
from layerwise.scoring.refusals import RefusedScoreError, ViewLengthError

WORDS, RECORDINGS = ("word1", "word2"), ("a", "b")
RATINGS = ("similarity", "rating")  # the column of the rating, unless another is named
PAIR = "pair"  # the column of recordings that says which pair they are readings of
UNKNOWN, RARE, CASE = CAUSES = ("unknown", "rare", "case")


class RatingTableError(CSVError):
    """A table of ratings cannot be used; the message names file and line, and says what would be right."""


class NoPairsError(RefusedScoreError):
    """Of a table's pairs, none is left to score."""


@dataclass(frozen=True)
class RatedPairs:
    """Pairs of words with their ratings, in the order of the table.

    Attributes:
        name: of the set.
        first, second: (pairs,) words.
        ratings: (pairs,) float64; higher is more alike, in whatever unit.

    Raises:
        ViewLengthError: their numbers differ.
    """

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    ratings: np.ndarray

    def __post_init__(self) -> None:
        if not len(self.first) == len(self.second) == len(self.ratings):
            raise ViewLengthError(
                f"{shown(self.name)} has {len(self.first)} and {len(self.second)} words of pairs, and "
                f"{len(self.ratings)} ratings; each pair has one"
            )

    def __len__(self) -> int:
        return len(self.first)

    def at(self, rows: Sequence[int]) -> RatedPairs:
        """Some of the pairs."""
        first, second = ([words[row] for row in rows] for words in (self.first, self.second))
        return RatedPairs(self.name, tuple(first), tuple(second), self.ratings[list(rows)])

    def folded(self) -> RatedPairs:
        """The same in lower case, as words are compared where case does not count."""
        first, second = ([folded(word, True) for word in words] for words in (self.first, self.second))
        return RatedPairs(self.name, tuple(first), tuple(second), self.ratings)


@dataclass(frozen=True)
class Retained:
    """The pairs of a set whose two words are known, and why others were lost.

    Attributes:
        pairs: those that stay.
        of: how many there were.
        lost: pairs by cause, each under its first: `unknown` (a word that never occurs), `rare` (too few times),
            `case` (in other letters only: `Arafat`, where labels have `arafat`).
    """

    pairs: RatedPairs
    of: int
    lost: dict[str, int]


@dataclass(frozen=True)
class RatedRecordings:
    """Pairs of sentences with their ratings; each sentence was read once or by several people.

    Attributes:
        pairs: (pairs,) names.
        first, second: (pairs,) names of recordings that read the pair's first and second sentence.
        ratings: (pairs,) float64.
    """

    pairs: tuple[str, ...]
    first: tuple[tuple[str, ...], ...]
    second: tuple[tuple[str, ...], ...]
    ratings: np.ndarray


@dataclass(frozen=True)
class Readings:
    """The rows that read the sentences of each pair.

    Attributes:
        pairs, first, second, ratings: as of `RatedRecordings`, with numbers of rows for names of recordings.
        lost: pairs of which a sentence has no reading.
        missing: recordings that have no row, in pairs that stay or are lost.
    """

    pairs: tuple[str, ...]
    first: tuple[tuple[int, ...], ...]
    second: tuple[tuple[int, ...], ...]
    ratings: np.ndarray
    lost: int
    missing: int


def read_word_ratings(
    path: Path,
    name: str | None = None,
    *,
    rating: str | None = None,
    suffixes: Iterable[str] = (),
) -> RatedPairs:
    """A table with the columns word1, word2 and a rating, in any order and with any others.

    A row without words and rating is none: two of the published tables end in one.

    Args:
        name: of the set; the file's, where it is not given.
        rating: the column of the rating; where it is not given, `similarity` or `rating`.
        suffixes: ends that are no part of a word; `men` marks parts of speech by -n, -v and -j.

    Raises:
        RatingTableError: a row lacks a word, or has no number as rating; there is no row, or no such column.
        CSVError: the file is no table.
    """
    path, suffixes = Path(path), tuple(suffixes)
    table, column = _table(path, WORDS, rating)
    first: list[str] = []
    second: list[str] = []
    ratings = []
    for line, row in table.rows.items():
        words = [row[side] for side in WORDS]
        if not any(words) and not row[column]:
            continue
        if not all(words):
            raise RatingTableError(f"{path}, line {line}: a word is missing; {WORDS[0]} and {WORDS[1]} are expected")
        ratings.append(_number(path, line, row, column))
        for words_of_side, word in zip((first, second), words, strict=True):
            words_of_side.append(_without_suffix(word, suffixes))
    if not ratings:
        raise RatingTableError(f"{path} has no pair of words")
    return RatedPairs(name or path.stem, tuple(first), tuple(second), np.array(ratings))


def read_recording_ratings(path: Path, *, rating: str | None = None) -> RatedRecordings:
    """A table of pairs of recordings: the columns a, b and a rating; rows of one `pair` are its readings.

    Row by row, `a` reads the first sentence of the pair and `b` the second. Without a column `pair`, each row is one.
    A recording that stands in several rows of a pair is one reading.

    Args:
        rating: the column of the rating; where it is not given, `similarity` or `rating`.

    Raises:
        RatingTableError: a cell is missing, a rating is no number, or rows of one pair have different ratings.
        CSVError: the file is no table.
    """
    path = Path(path)
    table, column = _table(path, RECORDINGS, rating)
    sides: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    ratings: dict[str, tuple[float, int]] = {}
    for line, row in table.rows.items():
        pair = row[PAIR] if PAIR in table.columns else str(line)
        if not (pair and row[RECORDINGS[0]] and row[RECORDINGS[1]]):
            raise RatingTableError(f"{path}, line {line}: a cell is empty; a pair has two recordings and a rating")
        number = _number(path, line, row, column)
        before, where = ratings.setdefault(pair, (number, line))
        if before != number:
            raise RatingTableError(
                f"{path}: the pair {shown(pair)} is rated {before:g} in line {where} and {number:g} in line {line}; "
                "a pair has one rating"
            )
        for side, recording in zip(sides.setdefault(pair, ({}, {})), RECORDINGS, strict=True):
            side[row[recording]] = None
    if not sides:
        raise RatingTableError(f"{path} has no pair of recordings")
    first, second = (tuple(tuple(both[number]) for both in sides.values()) for number in (0, 1))
    return RatedRecordings(tuple(sides), first, second, np.array([number for number, _ in ratings.values()]))


def retain(pairs: RatedPairs, counts: Mapping[str, int], more_than: int = 0) -> Retained:
    """The pairs of which both words occur more than so many times, with exactly these letters.

    Args:
        counts: how often each word occurs.
    """
    known = {word for word, count in counts.items() if count > 0}
    enough = {word for word, count in counts.items() if count > more_than}
    in_any_case = {folded(word, True) for word in known}
    rows, lost = [], Counter(dict.fromkeys(CAUSES, 0))
    for row, words in enumerate(zip(pairs.first, pairs.second, strict=True)):
        causes = {_cause(word, known, in_any_case) for word in words if word not in enough}
        if causes:
            lost[min(causes, key=CAUSES.index)] += 1
        else:
            rows.append(row)
    return Retained(pairs.at(rows), len(pairs), dict(lost))


def readings(recordings: RatedRecordings, names: Sequence[str]) -> Readings:
    """Where the recordings of each pair are among rows.

    Args:
        names: (rows,) the recording that each row is of, no two of the same.

    Raises:
        NoPairsError: no pair has a reading of both sentences.
        RatingTableError: two rows are of the same recording.
    """
    row_of = {name: row for row, name in enumerate(names)}
    if len(row_of) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise RatingTableError(
            f"two of {len(names)} rows are of the recording {shown(twice)}; each has a row of its own"
        )
    missing = {name for side in (recordings.first, recordings.second) for found in side for name in found} - set(row_of)
    found = [
        [tuple(row_of[name] for name in readers if name in row_of) for readers in side]
        for side in (recordings.first, recordings.second)
    ]
    kept = [number for number, both in enumerate(zip(*found, strict=True)) if all(both)]
    if not kept:
        raise NoPairsError(
            f"of {len(recordings.pairs)} pairs of sentences none has a recording of both: {len(missing)} recordings of "
            f"the table are not among the {len(names)} that are there"
        )
    first, second = (tuple(side[number] for number in kept) for side in found)
    return Readings(
        tuple(recordings.pairs[number] for number in kept),
        first,
        second,
        recordings.ratings[kept],
        len(recordings.pairs) - len(kept),
        len(missing),
    )


def _cause(word: str, known: Container[str], in_any_case: Container[str]) -> str:
    if word in known:
        return RARE
    return CASE if folded(word, True) in in_any_case else UNKNOWN


def _table(path: Path, sides: Sequence[str], rating: str | None) -> tuple[CSVTable, str]:
    """A table of these columns, and the name of that of the ratings."""
    if rating is None:
        columns = read_header(path, sides)
        rating = next((name for name in RATINGS if name in columns), None)
        if rating is None:
            meant = did_you_mean(columns, RATINGS[0])
            raise RatingTableError(
                f"{path} has no column {' or '.join(RATINGS)}{meant}; it has {listed_names(columns, RATINGS[0])}"
            )
    return read_csv(path, [*sides, rating]), rating


def _number(path: Path, line: int, row: Mapping[str, str], column: str) -> float:
    try:
        number = float(row[column])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise RatingTableError(
            f"{path}, line {line}: {column} is {shown(row[column]) or 'empty'}; a number is expected"
        )
    return number


def _without_suffix(word: str, suffixes: Iterable[str]) -> str:
    end = next((suffix for suffix in suffixes if word.endswith(suffix) and word != suffix), "")
    return word.removesuffix(end)
