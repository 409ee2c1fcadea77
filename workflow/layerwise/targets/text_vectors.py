"""Word vectors as text: GloVe's, word2vec's (a line with counts before them) and all others of a word and numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np

from layerwise.errors import shown
from layerwise.targets.errors import LookUpError
from layerwise.targets.lines import Line, lines_of
from layerwise.targets.wanted import Entry, Wanted

_LOOK_LINES = 100  # by which the width is known: a word may hold spaces and numbers, most do not
_HEADER = re.compile(rb"(\d{1,12})[ \t]+(\d{1,7})")
_FRACTION = re.compile(rb"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
_EXPECTED = "expected are lines of a word and its numbers, with blanks between them"


def read_text_vectors(path: Path, wanted: Wanted, member: str | None = None) -> None:
    """Find words in a text of vectors, of which only one line at a time is in memory.

    Numbers are split off from the right, as words may hold spaces (`. . .` in glove.840B.300d). Of other words, only
    the number of values is checked.

    Raises:
        LookUpError: a line has more or fewer values than others, or one that is no finite number; a word stands there
            twice with different vectors; or the file is empty, cut off or no such text.
    """
    lines = lines_of(path, member)
    first = list(islice(lines, _LOOK_LINES))
    if not first:
        raise LookUpError(f"{path} is empty; {_EXPECTED}")
    declared = _declared(first)
    width = declared[1] if declared else _width(path, first)
    rows = 0
    for line in chain(first[1 if declared else 0 :], lines):
        rows += 1
        _read(path, line, width, wanted)
    if declared and declared[0] != rows:
        cut = ": it is cut off" if rows < declared[0] else ""
        raise LookUpError(f"{path}: its first line says that it has {declared[0]} words, and {rows} follow{cut}")


def _declared(first: Sequence[Line]) -> tuple[int, int] | None:
    """Words and dimensions, where the first line is word2vec's: two whole numbers, and as many values follow."""
    header = _HEADER.fullmatch(first[0].text)
    if header is None:
        return None
    words, width = int(header[1]), int(header[2])
    if width < 1 or (len(first) > 1 and _trailing_numbers(first[1].text) < width):
        return None
    return words, width


def _width(path: Path, first: Sequence[Line]) -> int:
    ((width, _),) = Counter(_trailing_numbers(line.text) for line in first).most_common(1)
    if width < 1:
        raise LookUpError(f"{path}, line {first[0].number}: found {_shown(first[0].text)}; {_EXPECTED}")
    return width


def _trailing_numbers(line: bytes) -> int:
    """How many fields at the end of a line are numbers; its first field is the word, whatever it looks like."""
    fields = line.split()[1:]
    return next((number for number, field in enumerate(reversed(fields)) if not _is_number(field)), len(fields))


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return b"_" not in field


def _read(path: Path, line: Line, width: int, wanted: Wanted) -> None:
    blanks = line.text.count(b" ") + line.text.count(b"\t")
    fields = line.text.split(None, 1) if blanks == width else line.text.rsplit(None, width)
    if line.text[:1].isspace():  # the word is a blank itself
        return
    if blanks < width or (blanks != width and len(fields) <= width):
        _refuse_width(path, line, len(line.text.split()) - 1, width)
    word = fields[0]
    key = wanted.key_of(word)
    if line.number <= _LOOK_LINES:
        wanted.note(word.decode(errors="replace"))
    if key is None:
        parts = word.split()
        if len(parts) > 1 and wanted.key_of(parts[0]) and all(map(_FRACTION.fullmatch, parts[1:])):
            _refuse_width(path, line, len(line.text.split()) - 1, width)
        return
    values = line.text[len(word) :].split()
    if len(values) != width:
        _refuse_width(path, line, len(values), width)
    place = f"line {line.number}"
    wanted.add(key, Entry(word.decode(), _vector(path, place, values), place))


def _refuse_width(path: Path, line: Line, found: int, width: int) -> None:
    cut = "" if line.is_whole or found > width else ": the file is cut off there"
    raise LookUpError(f"{path}, line {line.number} has {found} numbers, others have {width}{cut}: {_shown(line.text)}")


def _vector(path: Path, place: str, values: Sequence[bytes]) -> np.ndarray:
    wrong: Iterator[bytes] = (value for value in values if not _is_number(value))
    for value in wrong:
        raise LookUpError(f"{path}, {place}: {_shown(value)} is no number; 0.25 and 2.5e-1 are")
    return require_finite(np.array([float(value) for value in values]), path, place)


def require_finite(vector: np.ndarray, path: Path, place: str) -> np.ndarray:
    """The vector, if each of its values is a finite number.

    Raises:
        LookUpError: one is not.
    """
    if not np.isfinite(vector).all():
        number = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise LookUpError(f"{path}, {place}: value {number + 1} is {vector[number]}; a finite number is expected")
    return vector


def _shown(text: bytes) -> str:
    return repr(shown(text[:200].decode(errors="replace"), 80))
