"""Label files, of one tier each: phones or words beside each recording."""

from __future__ import annotations

import re
from collections.abc import Iterator

from layerwise.alignments.tiers import MAX_INTERVALS, AlignmentError, Tier
from layerwise.files.texts import composed

TIMIT_SAMPLE_RATE = 16_000  # Hz, of TIMIT's recordings, whatever the models take

HTK_UNIT = 1e-7  # seconds
_TIME = r"([0-9]{1,15}(?:\.[0-9]*)?)"
_TIMED_LINE = re.compile(rf"{_TIME}\s+{_TIME}(?:\s+(\S+).*)?")
_WITH_CONTEXT = re.compile(r"[^-+]+\^[^-+]+-([^+]+)\+")
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


def parse_lab(data: bytes, name: str, tier: str) -> Tier:
    """A `.lab` file in any of its three forms.

    - As xwaves and Festival write it, with a line `#`: see `parse_xwaves`.
    - HTK's: a line is `start end label`, in whole steps of 100 ns (Young et al., The HTK Book, section 6.2.1); what
      follows the label is a score, or a word. Of a label of HTS with its context, `a^b-c+d=e@…`, the phone is `c`.
    - The same in seconds, where any time has a decimal point, as Audacity writes it.

    Args:
        name: what errors call the file.
        tier: the name of the tier that it becomes.

    Raises:
        AlignmentError: a line does not begin with two times; the file may be a transcript, which MFA calls `.lab` too.
    """
    lines = list(_lines(data, name))
    if any(line.startswith("#") for _, line in lines):
        return parse_xwaves(data, name, tier)
    rows = []
    for number, line in lines:
        match = _TIMED_LINE.fullmatch(line)
        if not match:
            raise AlignmentError(
                f"{name}, line {number}: found {line[:40]!r}; expected start, end (100 ns or seconds) and a label; if "
                "these files are transcripts: corpus.layout.transcripts: .lab"
            )
        rows.append(match.groups())
    unit = 1.0 if any("." in time for *times, _ in rows for time in times) else HTK_UNIT
    labels = [context[1] if (context := _WITH_CONTEXT.match(label or "")) else label for *_, label in rows]
    return Tier(tier, labels, [float(start) * unit for start, *_ in rows], [float(end) * unit for _, end, _ in rows])


def _lines(data: bytes, name: str) -> Iterator[tuple[int, str]]:
    """Lines that hold something, stripped, with their numbers."""
    try:
        text = composed(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise AlignmentError(f"{name} is no UTF-8 text: {error}") from error
    MAX_INTERVALS.require(sum(map(text.count, _LINE_ENDS)), name, AlignmentError)
    return ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip())
