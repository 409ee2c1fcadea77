"""Praat TextGrids: a reader of all that Praat calls one, and a quick way through the form that aligners write.

praatio (6.2.2) takes ten times as long. It fails where indices of intervals are missing, a tier is empty or a label
looks like the format; it accepts wrong counts, and its errors name no line.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pandas as pd

from layerwise.alignments.tiers import MAX_INTERVALS, MAX_TIERS, AlignmentError, Tier
from layerwise.alignments.zips import MAX_FILE_BYTES
from layerwise.files.plain_files import read_plain
from layerwise.files.texts import composed

_ENCODINGS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"))


def read_textgrid(path: str | Path) -> pd.DataFrame:
    """The intervals of a TextGrid as they are in the file: no label dropped, none changed, tiers by their own names.

    Only Unicode is normalised (NFC), in labels and names. Long and short text format, UTF-8 or UTF-16, are read; point
    tiers are ignored.

    Returns:
        Columns tier, label, start, end (seconds), a row per interval, in the order of the file.

    Raises:
        AlignmentError: the file cannot be read; the message names it, the line and what was expected there.
    """
    try:
        data = read_plain(path, MAX_FILE_BYTES, AlignmentError)
    except OSError as error:
        raise AlignmentError(f"{path}: {error.strerror}") from error
    rows = [
        (tier.name, *interval)
        for tier in parse_textgrid(data, str(path))
        for interval in zip(tier.labels, tier.starts, tier.ends, strict=True)
    ]
    return pd.DataFrame(rows, columns=["tier", "label", "start", "end"]).astype(
        {"tier": "str", "label": "str", "start": float, "end": float}
    )


def parse_textgrid(data: bytes, name: str) -> list[Tier]:
    """The interval tiers of a TextGrid's bytes, as `read_textgrid`; `name` is what errors call it."""
    text = _decode(data, name)
    tiers = parse_regular(text)
    return parse_any(text, name) if tiers is None else tiers


def _decode(data: bytes, name: str) -> str:
    encoding = next(encoding for mark, encoding in _ENCODINGS if data.startswith(mark))
    if data.startswith(b"ooBinaryFile"):
        raise AlignmentError(f"{name} is a binary TextGrid; save it as a text file in Praat")
    try:
        return composed(data.decode(encoding))
    except UnicodeDecodeError as error:
        raise AlignmentError(f"{name} is neither UTF-8 nor UTF-16 text: {error}") from error


# The regular form: the long format, every word in its place, as Praat and aligners write it. One split along the
# intervals takes a tenth of the time of reading token by token.

_NUMBER = r"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"
_COUNT = "[0-9]{1,9}"
_INTERVAL = re.compile(rf'intervals \[[0-9]+\]:?\s+xmin = ({_NUMBER})\s+xmax = ({_NUMBER})\s+text = "([^"]*)"\s*')
_TIER_HEAD = re.compile(
    r'item \[[0-9]+\]:?\s+class = "IntervalTier"\s+name = "([^"]*)"\s+'
    rf"xmin = {_NUMBER}\s+xmax = {_NUMBER}\s+intervals: size = ({_COUNT})\s+"
)
_FILE_HEAD = re.compile(
    rf'File type = "ooTextFile"\s+Object class = "TextGrid"\s+xmin = {_NUMBER}\s+xmax = {_NUMBER}\s+'
    rf"tiers\? <exists>\s+size = ({_COUNT})\s+item \[\]:?\s+({_TIER_HEAD.pattern})"
)


def parse_regular(text: str) -> list[Tier] | None:
    """The interval tiers of a TextGrid in regular form; None: it is not, or its counts are not what it holds.

    What is read equals what `parse_any` reads: every character belongs to an interval, to the head of a tier or to the
    head of the file.
    """
    if text.count("intervals [") > MAX_INTERVALS.value or text.count("item [") > MAX_TIERS.value:
        return None  # where there are so many indeed, the other reader says so
    pieces = _INTERVAL.split(text)  # what stands before an interval, its start, end and label, and so on
    heads = pieces[::4]
    file_head = _FILE_HEAD.fullmatch(heads[0])
    if file_head is None or heads[-1]:
        return None
    heads[0] = file_head[2]
    labels, starts, ends = pieces[3::4], list(map(float, pieces[1::4])), list(map(float, pieces[2::4]))
    tiers = []
    for first, last in pairwise([*(index for index, head in enumerate(heads) if head), len(labels)]):
        head = _TIER_HEAD.fullmatch(heads[first])
        if head is None or int(head[2]) != last - first:
            return None
        tiers.append(Tier(head[1], labels[first:last], starts[first:last], ends[first:last]))
    return tiers if len(tiers) == int(file_head[1]) else None


# Any form

# Praat reads a text file as a sequence of free-standing numbers, quoted texts and flags such as <exists>; all other
# words ("xmin =", "intervals [3]:") are there for people, and "!" starts a comment (Praat manual, "TextGrid file
# formats"). Reading as Praat does, one reader serves both formats, and a missing interval index is nothing to it.
_TOKEN = re.compile(
    r"""  "(?P<text>[^"]*(?:""[^"]*)*)"
        | (?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)
        | <(?P<flag>\w+)>(?!\S)
        | (?P<unclosed>")
        | ![^\r\n]*
        | [^\s"]+ """,
    re.VERBOSE,
)


def parse_any(text: str, name: str) -> list[Tier]:
    """The interval tiers of a TextGrid in any form that Praat reads; `name` is what errors call it."""
    tokens = _Tokens(text, name)
    tokens.header()
    tokens.numbers(2)  # start and end of the whole
    tiers: list[Tier] = []
    if tokens.take("flag", "<exists>") == "exists":
        count = tokens.count()
        MAX_TIERS.require(count, name, AlignmentError)
        for _ in range(count):
            tiers += _read_tier(tokens)
    tokens.end()
    return tiers


def _read_tier(tokens: _Tokens) -> list[Tier]:
    """The next tier; a point tier is read and left out."""
    kind = tokens.take("text", "the class of a tier")
    tier = Tier(tokens.take("text", "the name of a tier"), [], [], [])
    tokens.numbers(2)  # start and end of the tier
    size = tokens.count()
    tokens.intervals += size
    MAX_INTERVALS.require(tokens.intervals, tokens.name, AlignmentError)
    if kind == "IntervalTier":
        for _ in range(size):
            start, end = tokens.numbers(2)
            tier.starts.append(start)
            tier.ends.append(end)
            tier.labels.append(tokens.take("text", "a label"))
        return [tier]
    if kind != "TextTier":
        raise tokens.error(f"a tier of class {kind!r}; expected IntervalTier or TextTier")
    for _ in range(size):
        tokens.numbers(1)
        tokens.take("text", "the label of a point")
    return []


class _Tokens:
    """The data of a Praat text file, in order; what comes next is taken by kind."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.position = 0
        self.intervals = 0  # and points, as the counts of the tiers so far say
        self.matches = (match for match in _TOKEN.finditer(text) if match.lastgroup)

    def header(self) -> None:
        found = [next(self.matches, None) for _ in range(2)]
        texts = [match["text"] if match else None for match in found]
        if not (texts[0] or "").startswith("ooTextFile") or texts[1] != "TextGrid":
            raise AlignmentError(f"{self.name} is no TextGrid: it begins with {self.text[:40]!r}")

    def take(self, kind: str, what: str) -> str:
        match = next(self.matches, None)
        if match is None:
            self.position = len(self.text)
            raise self.error(f"the file ends; expected {what}")
        self.position = match.start()
        if match.lastgroup != kind:
            raise self.error(f"{match[0][:40]!r}; expected {what}")
        value = match[kind]
        return value.replace('""', '"') if kind == "text" else value

    def numbers(self, how_many: int) -> list[float]:
        return [float(self.take("number", "a number")) for _ in range(how_many)]

    def count(self) -> int:
        value = self.take("number", "a count")
        if not value.isdecimal() or len(value) > 9:
            raise self.error(f"{value}; expected a count")
        return int(value)

    def end(self) -> None:
        if match := next(self.matches, None):
            self.position = match.start()
            raise self.error(f"{match[0][:40]!r}; expected the end of the file, as its counts say")

    def error(self, found: str) -> AlignmentError:
        line = len(self.text[: self.position].splitlines()) or 1
        return AlignmentError(f"{self.name}, line {line}: found {found}")
