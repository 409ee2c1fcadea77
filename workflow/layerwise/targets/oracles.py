"""Attributes of words, as qvec's oracles list them: `word TAB {"attribute": share, …}` in each line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from layerwise.errors import shown
from layerwise.targets.errors import LookUpError
from layerwise.targets.lines import Line, lines_of
from layerwise.targets.wanted import Entry, Wanted

_EXPECTED = 'expected is: word TAB {"attribute": share, …}'


def read_oracle(path: Path, wanted: Wanted, member: str | None = None) -> None:
    """Find words in an oracle: a dimension for each attribute, in the order in which the file first names them.

    A word has the share of each of its attributes, and 0 of all others (layerwise-analysis, Pasad et al. 2024).

    Raises:
        LookUpError: a line is no such pair, a share is no finite number, or a word stands there twice with different
            attributes.
    """
    order: dict[str, int] = {}
    shares: list[tuple[str, str, dict[str, float], str]] = []
    for line in lines_of(path, member):
        word, attributes = _parsed(path, line)
        wanted.note(word)
        for name in attributes:
            order.setdefault(name, len(order))
        if key := wanted.key_of(word.encode()):
            shares.append((key, word, attributes, f"line {line.number}"))
    if not order:
        raise LookUpError(f"{path} names no attribute; {_EXPECTED}")
    for key, word, attributes, place in shares:
        vector = np.zeros(len(order))
        vector[[order[name] for name in attributes]] = list(attributes.values())
        wanted.add(key, Entry(word, vector, place))
    wanted.columns = tuple(order)


def _parsed(path: Path, line: Line) -> tuple[str, dict[str, float]]:
    where = f"{path}, line {line.number}"
    try:
        text = line.text.decode()
    except UnicodeDecodeError as error:
        raise LookUpError(f"{where} is not UTF-8") from error
    word, tab, said = text.partition("\t")
    if not tab or not word:
        raise LookUpError(f"{where}: found {shown(text, 80)!r}; {_EXPECTED}")
    try:
        attributes = json.loads(said, object_pairs_hook=lambda pairs: _without_twice(pairs, where))
    except (ValueError, RecursionError) as error:
        cut = "" if line.is_whole else ", the file is cut off there"
        raise LookUpError(f"{where}: {shown(said, 80)!r} is no JSON ({error}{cut}); {_EXPECTED}") from error
    if not isinstance(attributes, dict):
        raise LookUpError(f"{where}: found {shown(said, 80)!r}; {_EXPECTED}")
    for name, share in attributes.items():
        if type(share) not in (int, float) or not abs(share) <= sys.float_info.max:
            raise LookUpError(f"{where}: {shown(name)} is {shown(share)!r}; a finite number is expected")
    return word, attributes


def _without_twice(pairs: list[tuple[str, float]], where: str) -> dict[str, float]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise LookUpError(f"{where}: the attribute {shown(twice)} stands there twice")
    return found
