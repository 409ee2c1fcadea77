"""The alignment: who says what when, read from Praat TextGrids and cleaned into the table of intervals.

The cleaning is that of the paper's analysis (Pasad, Shi and Livescu 2023) of Montreal Forced Aligner output: silence
and unknown words are dropped, stress is stripped off phones. What is dropped is counted, what is wrong is named.
"""

from __future__ import annotations

import logging
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from layerwise.corpus import Problem, listed, report_problems, summarise_problems, write_parquet
from layerwise.errors import LayerwiseError

log = logging.getLogger(__name__)

# The 39 phones of the CMU dictionary, in ARPAbet, without stress.
# fmt: off
PHONES = (
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY",
    "F", "G", "HH", "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY",
    "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)
# fmt: on
_PHONE_SET = frozenset(PHONES)
SILENCE = frozenset({"", "sp", "spn", "sil"})
DROPPED_LABELS = {"phone": SILENCE, "word": SILENCE | {"<unk>"}}
# How far an alignment may reach past its recording, in seconds; aligners round up to whole frames.
MAX_OVERRUN_SECONDS = 0.05

INTERVAL_SCHEMA = pa.schema(
    [
        ("utterance_id", pa.string()),
        ("tier", pa.string()),
        ("label", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
    ]
)

_TIER_NAMES = {"phone": ("phones", "phone"), "word": ("words", "word")}
# Less than a sample: boundaries that only a writer's rounding makes overlap.
_SAME_TIME_SECONDS = 1e-5
_ROWS_PER_BATCH = 100_000


class AlignmentError(LayerwiseError):
    """The alignment cannot be read or does not belong to the corpus."""


class Interval(NamedTuple):
    """A labelled stretch of a tier; start and end in seconds."""

    tier: str
    label: str
    start: float
    end: float


# TextGrids

# Praat reads a text file as a sequence of free-standing numbers, quoted texts and flags such as <exists>; all other
# words ("xmin =", "intervals [3]:") are there for people, and "!" starts a comment (Praat manual, "TextGrid file
# formats"). Reading as Praat does, one reader serves both formats, and a missing interval index is nothing to it.
_TOKEN = re.compile(
    r"""  "(?P<text>[^"]*(?:""[^"]*)*)"
        | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)
        | <(?P<flag>\w+)>(?!\S)
        | (?P<unclosed>")
        | ![^\r\n]*
        | [^\s"]+ """,
    re.VERBOSE,
)
_ENCODINGS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"))


def read_textgrid(path: str | Path) -> pd.DataFrame:
    """The intervals of a TextGrid as they are in the file: no label dropped, none changed, tiers by their own names.

    Long and short text format, UTF-8 or UTF-16, are read; point tiers are ignored.

    Returns:
        Columns tier, label, start, end (seconds), a row per interval, in the order of the file.

    Raises:
        AlignmentError: the file cannot be read; the message names it, the line and what was expected there.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise AlignmentError(f"{path}: {error.strerror}") from error
    return pd.DataFrame(parse_textgrid(data, str(path)), columns=list(Interval._fields)).astype(
        {"tier": "str", "label": "str", "start": float, "end": float}
    )


def parse_textgrid(data: bytes, name: str) -> list[Interval]:
    """The intervals of a TextGrid's bytes, as `read_textgrid`; `name` is what errors call it."""
    tokens = _Tokens(_decode(data, name), name)
    tokens.header()
    tokens.numbers(2)  # start and end of the whole
    intervals: list[Interval] = []
    if tokens.take("flag", "<exists>") == "exists":
        for _ in range(tokens.count()):
            intervals += _read_tier(tokens)
    tokens.end()
    return intervals


def _read_tier(tokens: _Tokens) -> list[Interval]:
    kind = tokens.take("text", "the class of a tier")
    tier = tokens.take("text", "the name of a tier")
    tokens.numbers(2)  # start and end of the tier
    size = tokens.count()
    if kind == "IntervalTier":
        return [
            Interval(tier, label=label, start=start, end=end)
            for (start, end), label in ((tokens.numbers(2), tokens.take("text", "a label")) for _ in range(size))
        ]
    if kind != "TextTier":
        raise tokens.error(f"a tier of class {kind!r}; expected IntervalTier or TextTier")
    for _ in range(size):
        tokens.numbers(1)
        tokens.take("text", "the label of a point")
    return []


def _decode(data: bytes, name: str) -> str:
    encoding = next(encoding for mark, encoding in _ENCODINGS if data.startswith(mark))
    if data.startswith(b"ooBinaryFile"):
        raise AlignmentError(f"{name} is a binary TextGrid; save it as a text file in Praat")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise AlignmentError(f"{name} is neither UTF-8 nor UTF-16 text: {error}") from error


class _Tokens:
    """The data of a Praat text file, in order; what comes next is taken by kind."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.position = 0
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
        if not value.isdecimal():
            raise self.error(f"{value}; expected a count")
        return int(value)

    def end(self) -> None:
        if match := next(self.matches, None):
            self.position = match.start()
            raise self.error(f"{match[0][:40]!r}; expected the end of the file, as its counts say")

    def error(self, found: str) -> AlignmentError:
        line = len(self.text[: self.position].splitlines()) or 1
        return AlignmentError(f"{self.name}, line {line}: found {found}")


# Cleaning


@dataclass
class _Tally:
    """What happened to the intervals: (tier, label) dropped, phones kept, ends clipped."""

    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    clipped: int = 0


def clean_label(tier: str, label: str, utterance_id: str) -> str | None:
    """The label that the analysis uses, or None for silence and unknown words; `tier` is `phone` or `word`.

    Raises:
        AlignmentError: a phone that is none of the 39 of ARPAbet.
    """
    label = label.strip()
    if label.lower() in DROPPED_LABELS[tier]:
        return None
    if tier == "word":
        return label
    phone = label[:-1] if label[-1] in "012" else label
    if phone not in _PHONE_SET:
        raise AlignmentError(
            f"utterance {utterance_id} has the phone {label!r}; allowed are {' '.join(PHONES)}, each with or without a "
            f"stress digit 0, 1 or 2, and {', '.join(sorted(SILENCE - {''}))} or an empty label for silence"
        )
    return phone


def _clean_utterance(
    utterance_id: str, file: str, raw: list[Interval], duration: float, tally: _Tally
) -> tuple[list[Interval], list[Problem]]:
    """Intervals of the tiers `phone` and `word`, in this order, each by start; and what was wrong with them."""
    intervals: list[Interval] = []
    problems: list[Problem] = []
    for tier, names in _TIER_NAMES.items():
        labelled = [interval._replace(tier=tier) for interval in raw if interval.tier.strip().lower() in names]
        if not labelled:
            found = ", ".join(sorted({interval.tier for interval in raw})) or "none"
            problems.append(Problem(utterance_id, file, f"no {names[0]}", f"tiers with intervals: {found}"))
        intervals += _speech(labelled, utterance_id, tally)
    last = max((interval.end for interval in intervals), default=0.0)
    if last > duration + MAX_OVERRUN_SECONDS:
        detail = f"its last interval ends at {last:g} s, the recording at {duration:g} s"
        return [], [*problems, Problem(utterance_id, file, "longer than the recording", detail)]
    kept: list[Interval] = []
    for interval in intervals:
        previous_end = kept[-1].end if kept and kept[-1].tier == interval.tier else 0.0
        if fault := _fault(interval, previous_end, duration):
            detail = f"{interval.tier} {interval.label!r} from {interval.start:g} to {interval.end:g} s"
            problems.append(Problem(utterance_id, file, fault, detail))
            continue
        tally.clipped += interval.end > duration
        tally.kept[interval.tier, interval.label if interval.tier == "phone" else ""] += 1
        kept.append(interval._replace(end=min(interval.end, duration)))
    return kept, problems


def _speech(labelled: list[Interval], utterance_id: str, tally: _Tally) -> Iterator[Interval]:
    """Intervals with a label that counts."""
    for interval in labelled:
        label = clean_label(interval.tier, interval.label, utterance_id)
        if label is None:
            tally.dropped[interval.tier, interval.label.strip().lower()] += 1
        else:
            yield interval._replace(label=label)


def _fault(interval: Interval, previous_end: float, duration: float) -> str | None:
    if interval.end <= interval.start:
        return "no length"
    if interval.start >= duration:
        return "after the recording"
    if interval.start < previous_end - _SAME_TIME_SECONDS:
        return "overlaps the one before" if previous_end else "before the recording"
    return None


# Indexing


def index_alignments(source: Path, split: str, utterances: Path, intervals_out: Path, problems_out: Path) -> None:
    """Write the table of a split's phone and word intervals, and the table of what was wrong.

    Silence and unknown words are dropped, and counted in the log. Dropped and named are: files that cannot be read;
    intervals without length, overlapping the one before or outside of the recording; alignments that reach more than
    0.05 s past their recording (up to there they are clipped); alignments and utterances that have no counterpart.

    Args:
        source: a zip (read in place) or a folder, with `…/<split>/SPEAKER/CHAPTER/UTTERANCE.TextGrid` in it.
        utterances: utterances.parquet.
        intervals_out: parquet with `INTERVAL_SCHEMA`, sorted by utterance_id, tier, start; times in seconds.
        problems_out: CSV of utterance_id, file, problem, detail.

    Raises:
        AlignmentError: no TextGrid of the split; two for one utterance; a phone outside of ARPAbet; no interval left.
    """
    table = pd.read_parquet(utterances, columns=["utterance_id", "duration"]).sort_values("utterance_id")
    durations = dict(zip(table["utterance_id"], table["duration"], strict=True))
    with _opened(source, split) as textgrids:
        problems = _unmatched(durations, textgrids)
        matched = {utterance_id: textgrids[utterance_id] for utterance_id in durations if utterance_id in textgrids}
        write_intervals(
            _parsed(matched, problems, split),
            durations,
            problems,
            intervals_out,
            problems_out,
            nothing_left=f"{source}: no interval of split {split!r} is left",
        )


def _parsed(
    textgrids: Mapping[str, _Source], problems: list[Problem], split: str
) -> Iterator[tuple[str, str, list[Interval]]]:
    """Utterance, file and raw intervals of each TextGrid that can be read; `problems` get the others."""
    for utterance_id, file in tqdm(textgrids.items(), unit="file", desc=f"reading alignments of {split}"):
        try:
            yield utterance_id, file.name, parse_textgrid(file.read(), file.name)
        except (AlignmentError, zipfile.BadZipFile, zlib.error, OSError, RuntimeError) as error:
            problems.append(Problem(utterance_id, file.name, "unreadable", str(error)))


def write_intervals(
    aligned: Iterable[tuple[str, str, list[Interval]]],
    durations: Mapping[str, float],
    problems: list[Problem],
    intervals_out: Path,
    problems_out: Path,
    nothing_left: str,
) -> None:
    """Clean alignments, wherever they come from, and write the table of intervals and that of problems.

    Args:
        aligned: utterance id, file and uncleaned intervals, tiers `words` and `phones`, in order of the id.
        durations: of the recordings, in seconds.
        problems: those found so far; what `aligned` adds while it is read counts too.
        nothing_left: begins the error when no interval is left.

    Raises:
        AlignmentError: a phone outside of ARPAbet; no interval left.
    """
    tally = _Tally()
    batches: list[pa.Table] = []
    batch: list[dict[str, object]] = []
    for utterance_id, file, raw in aligned:
        kept, found = _clean_utterance(utterance_id, file, raw, durations[utterance_id], tally)
        problems += found
        batch += [{"utterance_id": utterance_id, **interval._asdict()} for interval in kept]
        # Tens of millions of rows in the largest split: as Arrow columns they take a tenth of the memory.
        if len(batch) > _ROWS_PER_BATCH:
            batches.append(pa.Table.from_pylist(batch, INTERVAL_SCHEMA))
            batch = []
    intervals = pa.concat_tables([*batches, pa.Table.from_pylist(batch, INTERVAL_SCHEMA)])
    report_problems(problems, problems_out, file_column="file")
    if not len(intervals):
        raise AlignmentError(f"{nothing_left}: {summarise_problems(problems)}")
    write_parquet(intervals.combine_chunks(), intervals_out)
    _log_tally(tally, problems)


class _Source(NamedTuple):
    """A TextGrid in a folder or a zip."""

    name: str
    read: Callable[[], bytes]


@contextmanager
def _opened(source: Path, split: str) -> Iterator[dict[str, _Source]]:
    """The TextGrids of a split by utterance id."""
    if source.is_dir():
        # With the folder's own name first, so that it may be the split's folder.
        found = [
            ((source.resolve().name, *path.relative_to(source).parts), path.read_bytes)
            for path in sorted(source.rglob("*"))
            if path.is_file()
        ]
        yield _of_split(source, split, found)
    elif not source.exists():
        raise AlignmentError(f"{source}: there is no such file or folder")
    else:
        try:
            archive = zipfile.ZipFile(source)
        except zipfile.BadZipFile as error:
            raise AlignmentError(
                f"{source} is no zip, or a truncated one ({error}); expected a zip or a folder"
            ) from error
        with archive:
            members = [
                (PurePosixPath(member.filename).parts, partial(archive.read, member)) for member in archive.infolist()
            ]
            yield _of_split(source, split, members)


def _of_split(
    source: Path, split: str, files: Iterable[tuple[tuple[str, ...], Callable[[], bytes]]]
) -> dict[str, _Source]:
    """The TextGrids with the split's folder in their path, at any depth: the folders above differ between mirrors."""
    found: dict[str, _Source] = {}
    others: set[str] = set()
    for parts, read in files:
        if not parts or not parts[-1].lower().endswith(".textgrid") or parts[-1].startswith("."):
            continue
        if split not in parts[:-1]:
            others.add(parts[-4] if len(parts) > 3 else "/".join(parts[:-1]) or "TextGrids outside of any folder")
            continue
        utterance_id = PurePosixPath(parts[-1]).stem
        name = "/".join(parts)
        if utterance_id in found:
            raise AlignmentError(
                f"{source} has two alignments of {utterance_id}: {found[utterance_id].name} and {name}"
            )
        found[utterance_id] = _Source(name, read)
    if not found:
        raise AlignmentError(f"{source} has no TextGrid of split {split!r}; it has {listed(others)}")
    return found


def _unmatched(durations: dict[str, float], textgrids: dict[str, _Source]) -> list[Problem]:
    return [
        Problem(utterance_id, "", "no alignment", "an utterance without a TextGrid")
        for utterance_id in durations.keys() - textgrids.keys()
    ] + [
        Problem(utterance_id, textgrids[utterance_id].name, "no utterance", "a TextGrid without an utterance")
        for utterance_id in textgrids.keys() - durations.keys()
    ]


def _log_tally(tally: _Tally, problems: list[Problem]) -> None:
    for tier in _TIER_NAMES:
        dropped = {label: count for (which, label), count in sorted(tally.dropped.items()) if which == tier}
        kinds = ", ".join(f"{label or '(empty)'} {count}" for label, count in dropped.items())
        kept = sum(count for (which, _), count in tally.kept.items() if which == tier)
        log.info("%ss: kept %d, dropped %d (%s)", tier, kept, sum(dropped.values()), kinds or "none")
    log.info("ends clipped to the recording's: %d; problems: %s", tally.clipped, summarise_problems(problems))
    if missing := [phone for phone in PHONES if not tally.kept["phone", phone]]:
        log.warning("%d of the %d phones do not occur: %s", len(missing), len(PHONES), " ".join(missing))
