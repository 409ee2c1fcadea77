"""The alignment: who says what when, read from whatever aligned it and cleaned into the table of intervals.

The cleaning is that of the paper's analysis (Pasad, Shi and Livescu 2023) of Montreal Forced Aligner output: silence
and unknown words are dropped, phones brought to those of a set. What is dropped is counted, what is wrong is named.

Utterances are read and cleaned in batches, each a row group of the table, in any number of processes: memory does not
grow with the number of intervals, and what is written does not depend on the number of processes.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from layerwise.alignments.batches import batches_of, in_order
from layerwise.alignments.cleaning import INTERVAL_SCHEMA, Cleaned, Tally, clean
from layerwise.alignments.columns import TIERS, TIERS_ARE, Utterance
from layerwise.alignments.marks import Marks
from layerwise.alignments.phones import PhoneSet
from layerwise.alignments.sources import Aligned, Found, find_alignments, num_bytes, read_alignments, verify_source
from layerwise.alignments.tiers import AlignmentError
from layerwise.corpus.layouts import Layout
from layerwise.corpus.problems import Problem, counted, report_problems, summarise_problems
from layerwise.errors import escaped, shown
from layerwise.files.atomic import replaced
from layerwise.files.own_tables import read_parquet, write_rows

log = logging.getLogger(__name__)

_NAMED_IN_LOG = 20


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
    checks: Mapping | None = None,
    is_part: bool = False,
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
        checks: of `source`, where it is one file: `size`, `md5`, `sha256`.
        is_part: whether only a part of the recordings was taken, so that the other alignments are counted in one line.
        processes: that read and clean at a time; the tables do not depend on it.

    Raises:
        DownloadError: the file is not the one that `checks` expect.
        AlignmentError: no alignment of the split; two for one utterance; a phone outside of the set; no interval left.
    """
    verify_source(source, checks)
    found = find_alignments(source, [split], layout)[split]
    durations = _durations(utterances)
    problems = _unmatched(durations, found, layout, most_alone=0 if is_part else None)
    batches = batches_of(
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
    cleaned = in_order(work, batches, processes, f"reading alignments of {split}")
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
            tiers = next((problem.detail for problem in found if problem.detail.startswith(TIERS_ARE)), None)
            hint = f"; {tiers}; corpus.tiers names those that count" if tiers else ""
            raise AlignmentError(f"{nothing_left}: {summarise_problems(found)}{hint}")
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
    table = read_parquet(utterances, ("utterance_id", "duration"))
    return dict(zip(table["utterance_id"], table["duration"].tolist(), strict=True))


def _unmatched(durations: Mapping[str, float], found: Found, layout: Layout, most_alone: int | None) -> list[Problem]:
    utterances = found.utterances
    expected = f"expected is a path like {layout.aligned.text}"
    return [
        *(
            Problem(utterance_id, "", "no alignment", "an utterance without an alignment")
            for utterance_id in durations.keys() - utterances.keys()
        ),
        *counted(
            [
                Problem(
                    utterance_id, utterances[utterance_id].name, "no utterance", "an alignment without an utterance"
                )
                for utterance_id in utterances.keys() - durations.keys()
            ],
            "alignments without an utterance",
            most=most_alone,
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
    write_rows(path, ["tier", "change", "label", "intervals"], rows)


def _log_tally(tally: Tally, problems: list[Problem], phones: PhoneSet) -> None:
    for tier in TIERS:
        if not any(which == tier for which, _ in [*tally.kept, *tally.dropped]):
            continue  # the corpus has none of this kind
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
