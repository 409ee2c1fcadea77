"""The table of a task's utterances, items.parquet: one for every layout.

What cannot be learned or measured is left out by name; nothing is guessed.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.problems import Problem, report_problems, summarise_problems
from layerwise.corpus.recording_checks import Fault, examine
from layerwise.errors import first_names
from layerwise.files.own_tables import write_parquet
from layerwise.probes.errors import ItemError
from layerwise.probes.items import Item, exceeds
from layerwise.probes.kinds.kind import KINDS, Kind
from layerwise.probes.parts import HELD_OUT, cut_to_hours, divided, targets_of
from layerwise.probes.tasks import PARTS
from layerwise.progress import ProgressLine

log = logging.getLogger(__name__)

ITEM_SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("speaker_id", pa.string()),
        ("part", pa.string()),
        ("audio_path", pa.string()),
        ("start", pa.float64()),
        ("num_samples", pa.int64()),
        ("target", pa.list_(pa.string())),
    ]
)


def index_task(
    candidates: Iterable[Item | Problem],
    kind: str,
    out: Path,
    problems_out: Path,
    *,
    held_out: Mapping[str, Sequence[str] | float] | None = None,
    hours: float | None = None,
    max_seconds: float = float("inf"),
    seed: int = 1,
    threads: int | None = None,
) -> None:
    """Write the table of a task's utterances, and that of those left out.

    Left out are recordings that are missing or cannot be used (as `layerwise.corpus.utterances.index_utterances`), that
    are longer than `max_seconds`, in every part, and utterances without a label, transcript or phone.

    Args:
        candidates: what a reader gives (`layerwise.probes.readers`).
        kind: name of the task's kind.
        out: parquet with `ITEM_SCHEMA`, by part (train, dev, test) and item_id. Paths are as the readers give them.
        problems_out: CSV of utterance_id, audio_path, problem, detail.
        held_out: part → its speakers, or the share of all speakers (of all utterances, where no speaker is known),
            drawn by `seed`; for candidates whose part is not given.
        hours: of each part at most, drawn by utterance and `seed`; None: all.
        threads: recordings decoded at a time; None: one per core.

    Raises:
        ItemError: two utterances of one id, a part without utterance, nothing to tell apart, unknown speakers.
    """
    learned = KINDS[kind]
    items: list[Item] = []
    problems: list[Problem] = []
    for candidate in candidates:
        if isinstance(candidate, Problem):
            problems.append(candidate)
        elif not candidate.target or not all(candidate.target):
            problems.append(candidate.problem(*learned.nothing_to_learn))
        else:
            items.append(candidate)
    _refuse_repeats(items)
    items, damaged = _measured(items, threads)
    too_long = [item for item in items if exceeds(item.num_samples, max_seconds)]
    problems += damaged + [
        item.problem("too long", f"{item.num_samples / SAMPLE_RATE:.1f} s, max_seconds is {max_seconds:g}")
        for item in too_long
    ]
    items = [item for item in items if not exceeds(item.num_samples, max_seconds)]
    report_problems(problems, problems_out, file_column="audio_path")
    items = divided(items, learned, held_out or HELD_OUT, seed)
    items = cut_to_hours(items, hours, seed)
    _check(items, learned, problems)
    rows = [
        {
            "item_id": item.item_id,
            "speaker_id": item.speaker_id,
            "part": item.part,
            "audio_path": item.path.as_posix(),
            "start": item.start,
            "num_samples": item.num_samples,
            "target": list(item.target),
        }
        for item in sorted(items, key=lambda item: (PARTS.index(item.part), item.item_id))
    ]
    write_parquet(pa.Table.from_pylist(rows, ITEM_SCHEMA), out)
    for part in PARTS:
        mine = [item for item in items if item.part == part]
        hour = sum(item.num_samples for item in mine) / SAMPLE_RATE / 3600
        speakers = {item.speaker_id for item in mine} - {""}
        log.info("%s: %d utterances, %.2f h, %s speakers", part, len(mine), hour, len(speakers) or "unknown")
    log.info("left out: %s", summarise_problems(problems))


def _refuse_repeats(items: Sequence[Item]) -> None:
    repeated = [name for name, count in Counter(item.item_id for item in items).items() if count > 1]
    if repeated:
        raise ItemError(f"utterances are listed more than once: {first_names(repeated)}")


def _measured(items: Sequence[Item], threads: int | None) -> tuple[list[Item], list[Problem]]:
    """The items with their number of samples, each recording decoded once; and what cannot be used, or is doubtful."""
    unknown = [item for item in items if not item.num_samples]
    kept = [item for item in items if item.num_samples]
    problems = []
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        results = pool.map(lambda item: examine(item.path) if os.path.isfile(item.path) else None, unknown)
        progress = ProgressLine("reading", len(unknown), "files")
        for item, result in zip(unknown, results, strict=True):
            progress.add()
            if result is None:
                problems.append(item.problem("no audio", "there is no such file"))
            elif isinstance(result, Fault):
                problems.append(item.problem(*result))
            else:
                kept.append(replace(item, num_samples=round(result.duration * SAMPLE_RATE)))
                problems += [item.problem(*found) for found in result.doubts]
    return kept, problems


def _check(items: Sequence[Item], kind: Kind, problems: list[Problem]) -> None:
    counts = Counter(item.part for item in items)
    if empty := [part for part in PARTS if not counts[part]]:
        raise ItemError(
            f"no utterance is left for {' and '.join(empty)} (left out: {summarise_problems(problems)}); "
            "every part needs some"
        )
    kind.require_learnable({part: targets_of(items, part) for part in PARTS})
