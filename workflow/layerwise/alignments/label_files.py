"""Label files of corpora that were aligned by hand: one file of phones and one of words beside each recording."""

from __future__ import annotations

import re
from collections.abc import Iterator

from layerwise.alignments.tiers import MAX_INTERVALS, AlignmentError, Tier
from layerwise.files.texts import composed

TIMIT_SAMPLE_RATE = 16_000  # Hz, of TIMIT's recordings, whatever the models take

_XWAVES_LINE = re.compile(r"(-?[0-9]+(?:\.[0-9]*)?)\s+[0-9]+(?:\s+(.*))?")
_LINE_ENDS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"  # as `str.splitlines` has them
_MOST_DIGITS = 15  # of a count of samples: all that a float has exactly, and a thousand years


def parse_timit(data: bytes, name: str, tier: str) -> Tier:
    """A `.PHN` or `.WRD` file of TIMIT (Garofolo et al. 1993): a line is `start end label`, in samples at 16 kHz.

    Args:
        name: what errors call the file.
        tier: the name of the tier that it becomes.

    Raises:
        AlignmentError: a line does not begin with two counts of samples.
    """
    parsed = Tier(tier, [], [], [])
    for number, line in _lines(data, name):
        start, end, label, *_ = [*line.split(maxsplit=2), "", "", ""]
        if not all(count.isdecimal() and len(count) <= _MOST_DIGITS for count in (start, end)):
            raise AlignmentError(
                f"{name}, line {number}: found {line[:40]!r}; expected start, end (samples) and a label"
            )
        parsed.starts.append(int(start) / TIMIT_SAMPLE_RATE)
        parsed.ends.append(int(end) / TIMIT_SAMPLE_RATE)
        parsed.labels.append(label or None)
    return parsed


def parse_xwaves(data: bytes, name: str, tier: str) -> Tier:
    """A `.phones` or `.words` file of the Buckeye corpus, as xwaves wrote it (Kiesling, Dilley and Raymond 2006).

    After a header up to a line `#`, a line is `end colour label; more`, in seconds; an interval begins where the one
    before ends. In some files labels are missing or times decrease: what comes of it is for the cleaning to judge.

    Args:
        name: what errors call the file.
        tier: the name of the tier that it becomes.

    Raises:
        AlignmentError: there is no header's end, or a line does not begin with a time and a colour.
    """
    parsed = Tier(tier, [], [], [])
    lines = _lines(data, name)
    if not any(line.startswith("#") for _, line in lines):  # which reads up to there
        raise AlignmentError(f"{name} is no label file of xwaves: it has no line '#' that ends a header")
    start = 0.0
    for number, line in lines:
        match = _XWAVES_LINE.fullmatch(line)
        if not match:
            raise AlignmentError(
                f"{name}, line {number}: found {line[:40]!r}; expected end (seconds), colour and label"
            )
        end = float(match[1])
        # A few phones carry the mark "+1".
        label = (match[2] or "").partition(";")[0].replace("+1", "").strip()
        parsed.starts.append(start)
        parsed.ends.append(end)
        parsed.labels.append(label or None)
        start = end
    return parsed


def _lines(data: bytes, name: str) -> Iterator[tuple[int, str]]:
    """Lines that hold something, stripped, with their numbers."""
    try:
        text = composed(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise AlignmentError(f"{name} is no UTF-8 text: {error}") from error
    MAX_INTERVALS.require(sum(map(text.count, _LINE_ENDS)), name, AlignmentError)
    return ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip())
