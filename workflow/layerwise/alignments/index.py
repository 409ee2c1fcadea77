"""The alignment: who says what when, read from whatever aligned it and cleaned into the table of intervals.

The cleaning is that of the paper's analysis (Pasad, Shi and Livescu 2023) of Montreal Forced Aligner output: silence
and unknown words are dropped, phones brought to those of a set. What is dropped is counted, what is wrong is named.

Utterances are read and cleaned in batches, each a row group of the table, in any number of processes: memory does not
grow with the number of intervals, and what is written does not depend on the number of processes.
"""

from __future__ import annotations

import csv
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, TypeVar

import pyarrow.parquet as pq
from tqdm import tqdm

from layerwise.alignments.cleaning import INTERVAL_SCHEMA, TIERS, Cleaned, Tally, Utterance, clean, count_words, named
from layerwise.alignments.marks import Marks
from layerwise.alignments.phones import PhoneSet
from layerwise.alignments.sources import Aligned, Found, find_alignments, num_bytes, read_alignments
from layerwise.alignments.textgrids import read_textgrid
from layerwise.alignments.tiers import AlignmentError
from layerwise.corpus.layouts import Layout
from layerwise.corpus.problems import Problem, report_problems, summarise_problems
from layerwise.errors import escaped, shown
from layerwise.files.atomic import replaced
from layerwise.files.folders import how_to_allow

__all__ = ["AlignmentError", "index_alignments", "rank_words", "read_textgrid", "write_intervals"]

log = logging.getLogger(__name__)

# Those of LibriSpeech have 4 MB. In memory, intervals may take twenty times the bytes of their file.
_UTTERANCES_PER_BATCH, _BYTES_PER_BATCH = 256, 1 << 24
_NAMED_IN_LOG = 20

Task = TypeVar("Task")
Result = TypeVar("Result")


# Indexing


class _Wanted(NamedTuple):
    """An utterance whose alignment is to be cleaned, and its seconds."""

    utterance_id: str
    aligned: Aligned
    duration: float


def index_alignments(
    source: Path,
    split: str,
    utterances: Path,
    intervals_out: Path,
    problems_out: Path,
    *,
    layout: Layout,
    phones: PhoneSet,
    marks: Marks,
    labels_out: Path | None = None,
    processes: int = 1,
) -> None:
    """Write the table of a split's phone and word intervals, that of what was wrong, and of what became of labels.

    Marks of silence and noise are dropped, and counted. Dropped and named are: files that cannot be read, or that lie
    elsewhere than the layout says; intervals without label or length, overlapping the one before or another speaker's,
    or outside of the recording; alignments that reach more than 0.05 s past their recording (up to there they are
    clipped); alignments and utterances that have no counterpart. Kept and named are alignments that end in its first
    half.

    Args:
        source: a zip (read in place), a folder, or Parquet tables, in a format of `layerwise.alignments.sources`.
        utterances: utterances.parquet.
        intervals_out: parquet with `INTERVAL_SCHEMA`, sorted by utterance_id, tier, start; times in seconds.
        problems_out: CSV of utterance_id, file, problem, detail.
        layout: of the split: where files lie, the names of their tiers, and whether words become lower case.
        phones: what the labels of phones mean.
        marks: labels that are no speech.
        labels_out: CSV of tier, change (dropped, lower case), label (as it is in the files), intervals (how many).
        processes: that read and clean at a time; the tables do not depend on it.

    Raises:
        AlignmentError: no alignment of the split; two for one utterance; a phone outside of the set; no interval left.
    """
    found = find_alignments(source, [split], layout)[split]
    durations = _durations(utterances)
    problems = _unmatched(durations, found, layout)
    batches = _batches(
        [
            _Wanted(utterance_id, found.utterances[utterance_id], durations[utterance_id])
            for utterance_id in sorted(durations.keys() & found.utterances.keys())
        ],
        lambda wanted: num_bytes(wanted.aligned),
    )
    work = partial(
        _clean_batch,
        source=source,
        tier_names=found.tiers,
        phones=phones,
        marks=marks,
        lower_case=layout.lower_case,
    )
    cleaned = _in_order(work, batches, processes, f"reading alignments of {split}")
    nothing_left = f"{source}: no interval of split {split!r} is left"
    write_intervals(cleaned, problems, phones, intervals_out, problems_out, nothing_left, labels_out)


def write_intervals(
    cleaned: Iterable[Cleaned],
    problems: list[Problem],
    phones: PhoneSet,
    intervals_out: Path,
    problems_out: Path,
    nothing_left: str,
    labels_out: Path | None = None,
) -> None:
    """Write the table of intervals and that of problems from alignments that have been cleaned, wherever they are from.

    Args:
        cleaned: batches in order of the utterance id.
        problems: those found so far; what is added while `cleaned` is read counts too.
        nothing_left: begins the error when no interval is left.
        labels_out: what became of labels, as `index_alignments` says.

    Raises:
        AlignmentError: no interval is left.
    """
    tally = Tally()
    found = []
    with replaced(intervals_out) as temporary:
        with pq.ParquetWriter(temporary, INTERVAL_SCHEMA, compression="zstd") as writer:
            for batch in cleaned:
                if len(batch.intervals):
                    writer.write_table(batch.intervals)
                found += batch.problems
                tally.add(batch.tally)
        found = problems + found
        report_problems(found, problems_out, file_column="file")
        if not tally.kept.total():
            raise AlignmentError(f"{nothing_left}: {summarise_problems(found)}")
    if labels_out is not None:
        _write_labels(tally, labels_out)
    _log_tally(tally, found, phones)


def _clean_batch(
    batch: Sequence[_Wanted],
    source: Path,
    tier_names: Mapping[str, Sequence[str]],
    phones: PhoneSet,
    marks: Marks,
    lower_case: bool,
) -> Cleaned:
    read: list[Utterance] = []
    unreadable: list[Problem] = []
    for wanted, tiers in zip(batch, read_alignments(source, [wanted.aligned for wanted in batch]), strict=True):
        if isinstance(tiers, AlignmentError):
            unreadable.append(Problem(wanted.utterance_id, wanted.aligned.name, "unreadable", str(tiers)))
        else:
            read.append(Utterance(wanted.utterance_id, wanted.aligned.name, wanted.duration, tiers))
    intervals, problems, tally = clean(read, tier_names, phones, marks, lower_case=lower_case)
    return Cleaned(intervals, unreadable + problems, tally)


def _durations(utterances: Path) -> dict[str, float]:
    """Seconds of each utterance."""
    from layerwise.files.tables import read_parquet  # pandas, which workers need not import

    table = read_parquet(utterances, ("utterance_id", "duration"))
    return dict(zip(table["utterance_id"], table["duration"].tolist(), strict=True))


def _unmatched(durations: Mapping[str, float], found: Found, layout: Layout) -> list[Problem]:
    utterances = found.utterances
    expected = f"expected is a path like {layout.aligned.text}"
    return [
        *(
            Problem(utterance_id, "", "no alignment", "an utterance without an alignment")
            for utterance_id in durations.keys() - utterances.keys()
        ),
        *(
            Problem(utterance_id, utterances[utterance_id].name, "no utterance", "an alignment without an utterance")
            for utterance_id in utterances.keys() - durations.keys()
        ),
        *(Problem("", name, "not where the layout says", expected) for name in found.misplaced),
    ]


def _write_labels(tally: Tally, path: Path) -> None:
    """By change and tier, the most frequent label first."""
    changed = {"dropped": tally.dropped, "lower case": tally.lowered}
    rows = [
        (tier, change, escaped(label), number)
        for change, counts in changed.items()
        for (tier, label), number in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    ]
    _write_csv(path, ["tier", "change", "label", "intervals"], rows)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with replaced(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _log_tally(tally: Tally, problems: list[Problem], phones: PhoneSet) -> None:
    for tier in TIERS:
        dropped = Counter({label: number for (which, label), number in tally.dropped.items() if which == tier})
        kinds = [f"{shown(label, 40) or '(empty)'} {number}" for label, number in dropped.most_common(_NAMED_IN_LOG)]
        if len(dropped) > len(kinds):
            kinds.append(f"{len(dropped) - len(kinds)} other labels")
        kept = sum(number for (which, _), number in tally.kept.items() if which == tier)
        log.info("%ss: kept %d, dropped %d (%s)", tier, kept, dropped.total(), ", ".join(sorted(kinds)) or "none")
    if tally.lowered:
        log.info("words in lower case: %d intervals, of %d labels", tally.lowered.total(), len(tally.lowered))
    log.info("ends clipped to the recording's: %d; problems: %s", tally.clipped, summarise_problems(problems))
    missing = [phone for phone in phones.phones or () if not tally.kept["phone", phone]]
    if missing:
        log.warning("%d of the %d phones do not occur: %s", len(missing), len(phones.phones), " ".join(missing))


# Ranking


def rank_words(
    source: Path, splits: Sequence[str], out: Path, *, layout: Layout, marks: Marks, processes: int = 1
) -> None:
    """Write how often each word is spoken in some splits: a CSV of word and count, most frequent first, then by word.

    Only alignments are read. Marks are dropped, and capitals go, as from the table of intervals; files that cannot be
    read, or have no words, are left out, with a warning that counts them and names the first 20.

    Args:
        source: as `index_alignments` takes it.
        layout: where files lie, in any split, the names of their tiers, and whether words become lower case.
        marks: labels that are no speech.
        processes: that read at a time.

    Raises:
        AlignmentError: a split is not there, or there is no word in all of them.
    """
    found = find_alignments(source, splits, layout)
    aligned = [where for of_split in found.values() for _, where in sorted(of_split.utterances.items())]
    counts: Counter[str] = Counter()
    wordless: list[str] = []
    work = partial(
        _count_words, source=source, tier_names=found[splits[0]].tiers, marks=marks, lower_case=layout.lower_case
    )
    for words, reasons in _in_order(
        work, _batches(aligned, num_bytes), processes, f"counting words of {', '.join(splits)}"
    ):
        counts.update(words)
        wordless += reasons
    for reason in wordless[:_NAMED_IN_LOG]:
        log.warning("no words from %s", reason)
    if wordless:
        log.warning("%d of %d alignments gave no words", len(wordless), len(aligned))
    allowing = how_to_allow(wordless)
    if allowing:
        log.warning("files that lie elsewhere are not opened; %s", allowing)
    if not counts:
        no_word = f"{source}: there is no word in {', '.join(splits)}"
        raise AlignmentError("; ".join(filter(None, [no_word, allowing])))
    _write_csv(out, ["word", "count"], sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    log.info("%d words of %d types in %s", counts.total(), len(counts), ", ".join(splits))


def _count_words(
    batch: Sequence[Aligned], source: Path, tier_names: Mapping[str, Sequence[str]], marks: Marks, lower_case: bool
) -> tuple[Counter[str], list[str]]:
    """How often each word occurs in a batch, and why some of its files have none."""
    read: list[Utterance] = []
    wordless: list[str] = []
    for aligned, tiers in zip(batch, read_alignments(source, batch), strict=True):
        if isinstance(tiers, AlignmentError):
            wordless.append(str(tiers))
        elif named(tiers, tier_names["word"]):
            read.append(Utterance("", aligned.name, 0.0, tiers))
        else:
            names = shown(", ".join(tier.name for tier in tiers)) or "none"
            wordless.append(f"{shown(aligned.name)}: its tiers are {names}")
    return count_words(read, tier_names, marks, lower_case=lower_case), wordless


# Batches


def _batches(items: Sequence[Task], size: Callable[[Task], int]) -> list[list[Task]]:
    """Items in order, in lists that have neither too many nor, unless it is one item, too many bytes."""
    batches: list[list[Task]] = []
    room = 0
    for item in items:
        room -= size(item)
        if not batches or room < 0 or len(batches[-1]) == _UTTERANCES_PER_BATCH:
            batches.append([])
            room = _BYTES_PER_BATCH - size(item)
        batches[-1].append(item)
    return batches


def _in_order(
    function: Callable[[Sequence[Task]], Result], batches: Sequence[Sequence[Task]], processes: int, progress: str
) -> Iterator[Result]:
    """The function's value of every batch, in order; only a few are waiting to be taken at any time."""
    with tqdm(total=sum(map(len, batches)), unit="file", desc=progress) as bar:
        for batch, value in zip(batches, _mapped(function, batches, min(processes, len(batches))), strict=True):
            yield value
            bar.update(len(batch))


def _mapped(function: Callable[[Task], Result], tasks: Sequence[Task], processes: int) -> Iterator[Result]:
    if processes < 2:
        yield from map(function, tasks)
        return
    # Forked: every other way imports the program that runs, a job's script, once more in each process.
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        running: deque[Future[Result]] = deque()
        for task in tasks:
            running.append(pool.submit(function, task))
            if len(running) > 2 * processes:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
