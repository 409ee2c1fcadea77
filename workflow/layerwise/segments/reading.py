"""A table of segments that a user made, compared with the corpus: rows that cannot be used are left out, and named."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.headers import TableError
from layerwise.corpus.times import MAX_OVERRUN_SECONDS, comparable
from layerwise.corpus.user_tables import UserTable, read_table
from layerwise.errors import did_you_mean, first_names, shown
from layerwise.files.own_tables import UTTERANCES, read_parquet, write_parquet, write_rows
from layerwise.segments.chosen import REQUIRED

log = logging.getLogger(__name__)

FIRST = ("utterance_id", "speaker_id", "label", "start", "end")  # columns of the result, before the user's own
PROBLEMS = ("line", "utterance_id", "problem", "detail")

UNKNOWN, NO_NUMBER, NO_LENGTH = "unknown utterance", "no number", "no length"
BEFORE, AFTER, TWICE = "before the recording", "after the recording", "twice"
_SAME_TIME_SECONDS = 1e-5  # as of intervals: less than a sample
# What people take for seconds. Of several units by which all would fit, the first is the likeliest.
_UNITS = {"milliseconds": 1e3, f"samples at {SAMPLE_RATE} Hz": float(SAMPLE_RATE), "units of 100 ns": 1e7}
_MOSTLY = 0.9  # so many rows end after their recording where another unit was meant
_FAR = 20  # times as long as the recording: seconds are not wrong by so much
_LOGGED = 20  # rows that the log names of a problem


class SegmentsError(TableError):
    """No segment of a table can be used, or the table contradicts the corpus."""


@dataclass(frozen=True)
class _Fault:
    """Why a row is left out; `detail` says what was found."""

    row: int
    utterance_id: str
    problem: str
    detail: str


def read_segments(table: Path, utterances: Path, out: Path, problems_out: Path) -> None:
    """Write the segments of a user's table that can be used, and which rows cannot.

    Left out is a row of an utterance that the corpus lacks, without two times, with an end that is not after its start,
    outside of the recording, or the same as one before. An end up to `MAX_OVERRUN_SECONDS` after the recording is set
    to the recording's, as of intervals.

    Args:
        table: CSV, TSV or Parquet with `utterance_id`, `start`, `end` (seconds) and any columns.
        utterances: utterances.parquet.
        out: Parquet: utterance_id, speaker_id (the corpus's), label ("" where the table has none), start, end, then the
            table's own columns as text or numbers; sorted by utterance, start, end, then as in the table.
        problems_out: CSV of line (of a Parquet table, row), utterance_id, problem, detail.

    Raises:
        TableError, CSVError: it is no such table.
        SegmentsError: no row can be used, or its speakers are not the corpus's.
    """
    given = read_table(table, REQUIRED, text=("utterance_id", "speaker_id", "label"))
    corpus = read_parquet(utterances, UTTERANCES).set_index("utterance_id")
    segments, faults = _usable(given, corpus)
    named = ([given.places[fault.row], shown(fault.utterance_id), fault.problem, fault.detail] for fault in faults)
    write_rows(problems_out, PROBLEMS, named)
    _report(given, faults, problems_out)
    write_parquet(pa.Table.from_pandas(segments, preserve_index=False).replace_schema_metadata(None), out)
    used = segments["utterance_id"].nunique()
    log.info("%s: %d of %d rows, of %d utterances", table, len(segments), len(given.frame), used)


def _usable(given: UserTable, corpus: pd.DataFrame) -> tuple[pd.DataFrame, list[_Fault]]:
    """The segments that can be used, in order, and why others cannot."""
    frame = given.frame
    places = corpus.index.get_indexer(frame["utterance_id"])
    is_known = places >= 0
    if not is_known.any():
        raise SegmentsError(_all_unknown(given, corpus))
    starts, ends = comparable(given.numbers("start")), comparable(given.numbers("end"))
    durations = np.where(is_known, corpus["duration"].to_numpy()[places], np.nan)
    _require_seconds(given, ends[is_known], durations[is_known])
    _require_speakers(given, corpus, places)
    tests = {
        UNKNOWN: ~is_known,
        NO_NUMBER: np.isnan(starts) | np.isnan(ends),
        NO_LENGTH: ends <= starts,
        BEFORE: starts < -_SAME_TIME_SECONDS,
        AFTER: (starts >= comparable(durations)) | (ends > comparable(durations + MAX_OVERRUN_SECONDS)),
        TWICE: frame.duplicated().to_numpy(),
    }
    problem = np.full(len(frame), "", dtype=object)
    for name, found in reversed(tests.items()):  # of several that a row has, the first counts
        problem[found] = name
    cells = [frame[column].to_numpy() for column in REQUIRED]
    faults = [
        _Fault(
            int(row), cells[0][row], problem[row], _detail(problem[row], cells[1][row], cells[2][row], durations[row])
        )
        for row in np.flatnonzero(problem)
    ]
    kept = problem == ""
    if not kept.any():
        raise SegmentsError(f"{given.path} has no row that can be used: {_summary(given, faults)}")
    made = {
        "utterance_id": frame["utterance_id"],
        "speaker_id": corpus["speaker_id"].to_numpy()[places],
        "label": frame.get("label", ""),
        "start": np.maximum(starts, 0.0),
        "end": np.minimum(ends, durations),
    }
    own = frame.drop(columns=[name for name in FIRST if name in frame])
    segments = pd.concat([pd.DataFrame(made, index=frame.index), own], axis=1)[kept]
    return segments.sort_values(["utterance_id", "start", "end"], kind="stable", ignore_index=True), faults


def _all_unknown(given: UserTable, corpus: pd.DataFrame) -> str:
    found = given.frame["utterance_id"]
    first = next(iter(found))
    meant = did_you_mean(corpus.index, first)
    return (
        f"{given.path}: none of its {found.nunique()} utterances is in the corpus, whose ids look like "
        f"{shown(corpus.index[0])}; in the table they look like {shown(first) or 'nothing'}{meant}"
    )


def _require_seconds(given: UserTable, ends: np.ndarray, durations: np.ndarray) -> None:
    """Refuse times of which nearly all are beyond the recordings: they are not seconds."""
    there = ~np.isnan(ends)
    ends, durations = ends[there], durations[there] + MAX_OVERRUN_SECONDS
    if not len(ends) or np.mean(ends > durations) < _MOSTLY:
        return
    units = _UNITS if np.median(ends / durations) > _FAR else {}
    unit = next((name for name, of_one in units.items() if np.mean(ends / of_one <= durations) >= _MOSTLY), None)
    raise SegmentsError(
        f"{given.path}: {np.sum(ends > durations)} of {len(ends)} segments end after their recording, the first at "
        f"{ends[0]:g} s where it has {durations[0] - MAX_OVERRUN_SECONDS:g} s; times must be seconds"
        + (f", and these look like {unit}" if unit else " from the recording's beginning")
    )


def _require_speakers(given: UserTable, corpus: pd.DataFrame, places: np.ndarray) -> None:
    """Refuse speakers that are others than the corpus's: folds by speaker would go by one, the target by the other."""
    if "speaker_id" not in given.frame:
        return
    said = given.frame["speaker_id"].to_numpy()
    known = corpus["speaker_id"].to_numpy()[places]
    wrong = np.flatnonzero((places >= 0) & (said != "") & (said != known))
    if len(wrong):
        row = wrong[0]
        raise SegmentsError(
            f"{given.where(row)}: speaker_id is {shown(said[row])}, but in the corpus {shown(known[row])} speaks "
            f"{shown(given.frame['utterance_id'][row])} ({len(wrong)} rows differ): leave the column out, or give it "
            "another name"
        )


def _detail(problem: str, start: object, end: object, duration: float) -> str:
    if problem == UNKNOWN:
        return "the corpus has none of this name"
    if problem == TWICE:
        return "the same row stands above"
    if problem == NO_NUMBER:
        said = ["empty" if pd.isna(cell) or cell == "" else shown(cell) for cell in (start, end)]
        return "start is {}, end is {}".format(*said)
    return f"from {shown(start)} to {shown(end)} s" + f", of {duration:g} s" * (problem == AFTER)


def _summary(given: UserTable, faults: Sequence[_Fault]) -> str:
    counts = Counter(fault.problem for fault in faults)
    first: Mapping[str, _Fault] = {fault.problem: fault for fault in reversed(faults)}
    return ", ".join(
        f"{count} {problem} (first: {given.place} {given.places[first[problem].row]}, {first[problem].detail})"
        for problem, count in counts.most_common()
    )


def _report(given: UserTable, faults: Sequence[_Fault], where: Path) -> None:
    """Warn of rows that are left out: the first of each kind by name, and how many there are."""
    if not faults:
        return
    log.warning("%s: %d of %d rows are left out, see %s", given.path, len(faults), len(given.frame), where)
    for problem, count in Counter(fault.problem for fault in faults).most_common():
        mine = [fault for fault in faults if fault.problem == problem]
        if problem == UNKNOWN:
            ids = {fault.utterance_id for fault in mine}
            log.warning("%s: %d rows of %d utterances: %s", problem, count, len(ids), first_names(ids))
            continue
        for fault in mine[:_LOGGED]:
            log.warning("%s: %s, %s", problem, given.where(fault.row), fault.detail)
        if count > _LOGGED:
            log.warning("%s: %d more", problem, count - _LOGGED)
