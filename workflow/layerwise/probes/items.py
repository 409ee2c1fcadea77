"""The utterances of a downstream task: who speaks, in which part, and what is to be learned of each.

One table for every layout. Whatever cannot be learned from or measured is left out by name, never guessed.
"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pyarrow as pa
from tqdm import tqdm

from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.layouts import AUDIO_SUFFIXES
from layerwise.corpus.problems import Problem, report_problems, summarise_problems
from layerwise.corpus.recording_checks import Fault, examine
from layerwise.corpus.times import comparable
from layerwise.errors import first_names, listed_names, shown
from layerwise.files.csv_files import CSVError, read_csv
from layerwise.files.folders import NOT_OF_THE_FOLDER, Folder, files_below
from layerwise.files.limits import Limit
from layerwise.files.own_tables import INTERVALS, UTTERANCES, read_parquet, write_parquet
from layerwise.files.plain_files import read_plain
from layerwise.files.texts import composed, is_utf8, on_disk, unusable
from layerwise.probes.tasks import FLUENT_PARTS, PARTS, SLURP_PARTS, TaskError
from layerwise.seeds import seed_of

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

# The largest table of SLURP has 40 MB.
MAX_JSON_BYTES = Limit("LAYERWISE_MAX_TASK_BYTES", 10**9, "bytes")
HELD_OUT = {"dev": 0.1, "test": 0.2}  # of a table that says nothing of parts


class ItemError(TaskError):
    """The utterances of a task cannot be read, or nothing can be learned from them."""


@dataclass(frozen=True)
class Item:
    """An utterance of a task.

    Attributes:
        part: train, dev or test; None: to be decided by its speaker.
        path: of the recording.
        target: labels in the order of the columns; or phones; or words.
        num_samples: at 16 kHz; 0: not known yet.
        start: seconds of the recording before it.
    """

    item_id: str
    speaker_id: str
    part: str | None
    path: Path
    target: tuple[str, ...]
    num_samples: int = 0
    start: float = 0.0


@dataclass(frozen=True)
class Split:
    """A split of a corpus: its tables of utterances and (for phones) intervals, the folder of its audio, its part."""

    utterances: Path
    intervals: Path | None
    audio: Path
    part: str | None


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
        candidates: what one of the readers below gives.
        kind: `phones`, `characters` or `labels`.
        out: parquet with `ITEM_SCHEMA`, by part (train, dev, test) and item_id. Paths are as the readers give them.
        problems_out: CSV of utterance_id, audio_path, problem, detail.
        held_out: part → its speakers, or the share of all speakers (of all utterances, where no speaker is known),
            drawn by `seed`; for candidates whose part is not given.
        hours: of each part at most, drawn by utterance and `seed`; None: all.
        threads: recordings decoded at a time; None: one per core.

    Raises:
        ItemError: two utterances of one id, a part without utterance, nothing to tell apart, unknown speakers.
    """
    items: list[Item] = []
    problems: list[Problem] = []
    for candidate in candidates:
        if isinstance(candidate, Problem):
            problems.append(candidate)
        elif not candidate.target or not all(candidate.target):
            problems.append(_problem(candidate, *_nothing_to_learn(kind)))
        else:
            items.append(candidate)
    _refuse_repeats(items)
    items, damaged = _measured(items, threads)
    too_long = [item for item in items if _exceeds(item.num_samples, max_seconds)]
    problems += damaged + [
        _problem(item, "too long", f"{item.num_samples / SAMPLE_RATE:.1f} s, max_seconds is {max_seconds:g}")
        for item in too_long
    ]
    items = [item for item in items if not _exceeds(item.num_samples, max_seconds)]
    report_problems(problems, problems_out, file_column="audio_path")
    items = _parted(items, kind, held_out or HELD_OUT, seed)
    items = _cut(items, hours, seed)
    _check(items, kind, problems)
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


# Readers


def read_candidates(
    layout: str, inputs: Mapping, *, kind: str, columns: Sequence[str], splits: Mapping[str, str | None]
) -> Iterator[Item | Problem]:
    """The utterances of a task, by the layout that its data is in.

    Args:
        inputs: file name → path, as the rule has them: files of the data set, or `table`; of a corpus the lists
            `utterances`, `audio` and (for phones) `intervals`, in the order of `splits`.
    """
    columns = [composed(column) for column in columns]
    if layout == "fluent":
        yield from fluent_items(Path(inputs["audio"]), columns)
    elif layout == "slurp":
        tables = {name: Path(inputs[name]) for names in SLURP_PARTS.values() for name in names}
        yield from slurp_items(tables, [Path(inputs[name]) for name in ("real", "synth")], columns)
    elif layout == "table":
        yield from table_items(Path(inputs["table"]), columns)
    else:
        several = {
            key: [Path(path) for path in ([value] if isinstance(value, str) else value)]
            for key, value in inputs.items()
        }
        intervals = several.get("intervals") or [None] * len(splits)
        paths = zip(several["utterances"], intervals, several["audio"], splits.values(), strict=True)
        yield from corpus_items({name: Split(*found) for name, found in zip(splits, paths, strict=True)}, kind)


def fluent_items(folder: Path, columns: Sequence[str]) -> Iterator[Item | Problem]:
    """Utterances in the layout of Fluent Speech Commands, somewhere below `folder`.

    Raises:
        ItemError: no or several train_data.csv, or a missing file or column.
    """
    source = Folder(folder)
    found = sorted(path for path in files_below(folder, _refuse) if path.parts[-2:] == ("data", "train_data.csv"))
    if len(found) != 1:
        raise ItemError(f"{folder} must have one data/train_data.csv in it, found {first_names(map(str, found))}")
    root = found[0].parents[1]
    for part, name in FLUENT_PARTS.items():
        table = root / f"data/{name}_data.csv"
        source.require(table, ItemError)
        for number, row in _read_csv(table, ("path", "speakerId", *columns)).items():
            target = tuple(row[column] for column in columns)
            yield _item(source, f"{table}, line {number}", root, row["path"], row["speakerId"], part, target)


def slurp_items(
    tables: Mapping[str, Path], folders: Sequence[Path], columns: Sequence[str]
) -> Iterator[Item | Problem]:
    """Utterances of SLURP: every recording of every sentence.

    Args:
        tables: `train`, `train_synthetic`, `devel`, `test` → the file of JSON lines of this name, or its folder.
        folders: with the recordings, at any depth; they are known by file name.

    Raises:
        ItemError: a table cannot be read, or lacks a column.
    """
    recordings = {
        composed(path.name): (source, path)
        for source in map(Folder, folders)
        for path in files_below(source.path, _refuse)
        if _is_audio(path)
    }
    for part, names in SLURP_PARTS.items():
        for name in names:
            for sentence in _json_lines(tables[name], name):
                labels = [sentence.get(column) for column in columns]
                target = tuple("" if label is None else composed(str(label)) for label in labels)
                if not all(map(is_utf8, target)):
                    raise ItemError(f"{tables[name]}: {target!a} is no text: half of a character is missing")
                for file in sentence["recordings"]:
                    if file in recordings:
                        source, path = recordings[file]
                        yield _item(source, f"{name}.jsonl", path.parent, path.name, "", part, target)
                    else:
                        yield Problem(_without_suffix(file), file, "no audio", f"named in {name}.jsonl")


def table_items(table: Path, columns: Sequence[str]) -> Iterator[Item | Problem]:
    """Utterances of a CSV: path (from the CSV's folder, and below it), the columns, and speaker and part if given.

    Raises:
        ItemError: a column is missing, or a part is none of train, dev and test.
    """
    rows = _read_csv(table, ("path", *columns))
    source = Folder(table.parent)
    for number, row in rows.items():
        part = row.get("part") or None
        if part is not None and part not in PARTS:
            raise ItemError(f"{table}, line {number}: part is {part!r}; allowed: {', '.join(PARTS)}")
        target = tuple(row[column] for column in columns)
        where = f"{table}, line {number}"
        yield _item(source, where, table.parent, row["path"], row.get("speaker", ""), part, target)


def corpus_items(splits: Mapping[str, Split], kind: str) -> Iterator[Item]:
    """Utterances of splits of a corpus, with their phones (of the alignments, without silence) or words."""
    for split in splits.values():
        phones: dict[str, list[str]] = {}
        if kind == "phones":
            intervals = read_parquet(split.intervals, INTERVALS, tier="phone")
            ordered = intervals.sort_values(["utterance_id", "start"], kind="stable")
            phones = {name: list(group) for name, group in ordered.groupby("utterance_id")["label"]}
        for row in read_parquet(split.utterances, (*UTTERANCES, "text")).itertuples():
            target = phones.get(row.utterance_id, []) if kind == "phones" else row.text.upper().split()
            path = split.audio / row.audio_path
            samples = round(row.duration * SAMPLE_RATE)
            yield Item(row.utterance_id, row.speaker_id, split.part, path, tuple(target), samples, row.start)


# What the readers share


def _item(
    source: Folder, where: str, root: Path, name: str, speaker: str, part: str | None, target: tuple[str, ...]
) -> Item | Problem:
    """An utterance whose recording has the path `name` from `root`, or why it has none that may be opened.

    Args:
        where: what names the recording, for messages.
    """
    if wrong := unusable(name):
        return Problem("", ascii(name), "bad name", wrong)
    if not PurePosixPath(name).name:
        return Problem("", name, "no audio", f"{where}: the path {name!r} names no file")
    path = on_disk(root / name)
    if reason := source.refusal(path):
        return Problem(_without_suffix(name), path.as_posix(), NOT_OF_THE_FOLDER, f"{where}: {reason}")
    return Item(_without_suffix(name), speaker, part, path, target)


def _refuse(error: OSError) -> None:
    raise ItemError(f"{shown(error.filename)} cannot be looked into: {error.strerror}") from error


def _read_csv(path: Path, columns: Sequence[str]) -> dict[int, dict[str, str]]:
    """The rows of a CSV by line."""
    try:
        return read_csv(path, columns).rows
    except CSVError as error:
        raise ItemError(str(error)) from error


def _json_lines(path: Path, name: str) -> Iterator[dict]:
    """The sentences of a table of SLURP, each with the names of its recordings."""
    if path.is_dir():
        folder, path = Folder(path), path / f"{name}.jsonl"
        folder.require(path, ItemError)
    try:
        lines = read_plain(path, MAX_JSON_BYTES, ItemError).decode("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ItemError(f"{path} cannot be read: {error}; SLURP's {name}.jsonl is expected") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                sentence = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ItemError(f"{path}, line {number} is no JSON: {error}") from error
            yield _sentence(sentence, f"{path}, line {number}")


def _sentence(sentence: object, where: str) -> dict:
    """A sentence with the names of its recordings in place of all that is said of them."""
    recordings = sentence.get("recordings", []) if isinstance(sentence, dict) else None
    if not isinstance(recordings, list) or not all(isinstance(recording, dict) for recording in recordings):
        raise ItemError(f'{where}: expected is a sentence with its recordings, {{"recordings": [{{"file": …}}, …], …}}')
    return sentence | {"recordings": [composed(str(recording.get("file", ""))) for recording in recordings]}


def _is_audio(path: Path) -> bool:
    return path.name.lower().endswith(AUDIO_SUFFIXES) and not path.name.startswith(".")


def _without_suffix(path: str) -> str:
    return composed(Path(path).with_suffix("").as_posix()) if Path(path).name else path


def _nothing_to_learn(kind: str) -> tuple[str, str]:
    return {
        "labels": ("no label", "a cell of its columns is empty"),
        "phones": ("no phones", "its alignment has no phone, or it has none"),
        "characters": ("no transcript", "its transcript is empty"),
    }[kind]


def _problem(item: Item, problem: str, detail: str) -> Problem:
    return Problem(item.item_id, item.path.as_posix(), problem, detail)


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
        for item, result in zip(
            unknown, tqdm(results, total=len(unknown), unit="file", mininterval=10, ascii=True), strict=True
        ):
            if result is None:
                problems.append(_problem(item, "no audio", "there is no such file"))
            elif isinstance(result, Fault):
                problems.append(_problem(item, *result))
            else:
                kept.append(replace(item, num_samples=round(result.duration * SAMPLE_RATE)))
                problems += [_problem(item, *found) for found in result.doubts]
    return kept, problems


# Parts


def _parted(items: list[Item], kind: str, held_out: Mapping[str, Sequence[str] | float], seed: int) -> list[Item]:
    """The items with a part each: as given, or else by speaker, so that no voice of the test is known.

    Where labels are the speakers, or belong to one speaker each, such a test would ask for nothing that was learned: if
    dev or test come out empty or with new labels alone, each speaker's recordings are divided instead.
    """
    open_items = [item for item in items if item.part is None]
    if not open_items:
        return items
    if len(open_items) < len(items):
        raise ItemError(
            f"{len(items) - len(open_items)} of {len(items)} utterances have a part: give one to all or to none"
        )
    named = all(item.speaker_id for item in items)
    group = {item.item_id: item.speaker_id if named else item.item_id for item in items}
    followed = _Followed.by(items) if named and kind == "labels" else _Followed({}, False)
    part_of = _parts_of_groups(sorted(set(group.values())), followed.labels, held_out, seed)
    parted = [replace(item, part=part_of.get(group[item.item_id], "train")) for item in items]
    shares = all(isinstance(wanted, (int, float)) for wanted in held_out.values())
    if followed.anything and shares and not all(_can_be_answered(parted, part) for part in held_out):
        log.warning(
            "labels belong to single speakers: each speaker's recordings are divided, so that every voice is trained on"
        )
        return _within_speakers(items, held_out, seed)
    return parted


@dataclass(frozen=True)
class _Followed:
    """What follows from who speaks.

    Attributes:
        labels: speaker → (column, label) of columns in which each speaker has just one label: gender, accent, a name.
        anything: whether there is such a column, or one in which each label has just one speaker, as sessions have.
    """

    labels: Mapping[str, set[tuple[int, str]]]
    anything: bool

    @classmethod
    def by(cls, items: Sequence[Item]) -> _Followed:
        pairs = {(column, label, item.speaker_id) for item in items for column, label in enumerate(item.target)}
        labels_of = Counter((column, speaker) for column, _, speaker in pairs)
        speakers_of = Counter((column, label) for column, label, _ in pairs)
        columns = range(len(items[0].target))
        known = {c for c in columns if all(count == 1 for (column, _), count in labels_of.items() if column == c)}
        telling = {c for c in columns if all(count == 1 for (column, _), count in speakers_of.items() if column == c)}
        labels: dict[str, set[tuple[int, str]]] = {speaker: set() for _, _, speaker in pairs}
        for column, label, speaker in pairs:
            if column in known:
                labels[speaker].add((column, label))
        return cls(labels, bool(known | telling))


def _parts_of_groups(
    groups: Sequence[str],
    labels: Mapping[str, set[tuple[int, str]]],
    held_out: Mapping[str, Sequence[str] | float],
    seed: int,
) -> dict[str, str]:
    """The part of each group that does not train.

    Of a share, groups are passed over whose labels no group in training would have any more: held out, a label would be
    asked for that nobody could learn. Groups that are named are held out whatever their labels.
    """
    groups = sorted(groups, key=lambda name: seed_of(seed, "part", name))
    trained = Counter(label for own in labels.values() for label in own)  # groups in training by label
    part_of: dict[str, str] = {}
    for part, wanted in held_out.items():
        if isinstance(wanted, (int, float)):
            number, wanted = max(1, round(wanted * len(groups))), []
            for name in groups:
                own = labels.get(name, ())
                if len(wanted) < number and name not in part_of and all(trained[label] > 1 for label in own):
                    wanted.append(name)
                    trained.subtract(own)
        wanted = [composed(name) for name in wanted]
        absent = [name for name in wanted if name not in groups]
        if absent:
            there = listed_names(sorted(groups), absent[0])
            raise ItemError(f"held_out.{part}: no such speaker: {shown(', '.join(absent))}; there are {there}")
        twice = [name for name in wanted if name in part_of]
        if twice:
            raise ItemError(f"held_out: {shown(', '.join(twice))} would be in two parts")
        part_of |= dict.fromkeys(wanted, part)
    return part_of


def _within_speakers(items: Sequence[Item], held_out: Mapping[str, float], seed: int) -> list[Item]:
    """Shares of each speaker's recordings, at least one for every part, training first; of two, one is held out."""
    mine: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda item: seed_of(seed, "part", item.item_id)):
        mine.setdefault(item.speaker_id, []).append(item)
    parted = []
    for turn, own in enumerate(mine.values()):
        free = list(own)
        # Where the recordings are too few for all parts, these take turns.
        for part in sorted(held_out, reverse=turn % 3 > 0):
            number = min(max(1, round(held_out[part] * len(own))), len(free) - 1)
            parted += [replace(item, part=part) for item in free[:number]]
            free = free[number:]
        parted += [replace(item, part="train") for item in free]
    return parted


def _cut(items: list[Item], hours: float | None, seed: int) -> list[Item]:
    """At most so many hours of each part: utterances in an order that `seed` decides, as long as they fit."""
    if hours is None:
        return items
    kept = []
    for part in PARTS:
        samples = 0
        for item in sorted((i for i in items if i.part == part), key=lambda i: seed_of(seed, "hours", i.item_id)):
            samples += item.num_samples
            if _exceeds(samples, hours * 3600):
                break
            kept.append(item)
    return kept


def _exceeds(num_samples: int, seconds: float) -> bool:
    return bool(comparable(num_samples / SAMPLE_RATE) > comparable(seconds))


# What cannot be learned


def _check(items: Sequence[Item], kind: str, problems: list[Problem]) -> None:
    counts = Counter(item.part for item in items)
    if empty := [part for part in PARTS if not counts[part]]:
        raise ItemError(
            f"no utterance is left for {' and '.join(empty)} (left out: {summarise_problems(problems)}); "
            "every part needs some"
        )
    if kind == "labels":
        train = _targets(items, "train")
        if len(set(train)) < 2:
            raise ItemError(
                f"all {len(train)} training utterances have the label {shown(' / '.join(train[0]))}: "
                "there is nothing to tell apart"
            )
        for part in ("dev", "test"):
            mine = _targets(items, part)
            unseen = unseen_labels(train, mine)
            names = first_names("/".join(target) for target in {mine[i] for i in unseen})
            if not _can_be_answered(items, part):
                raise ItemError(
                    f"every {part} utterance has a label that training lacks ({names}), so none could be right: divide "
                    "them otherwise (part, held_out)"
                )
            if unseen:
                log.warning(
                    "%d of %d %s utterances have a label that training lacks, and will count as wrong: %s",
                    len(unseen), len(mine), part, names,
                )  # fmt: skip


def _targets(items: Sequence[Item], part: str) -> list[tuple[str, ...]]:
    return [item.target for item in items if item.part == part]


def _can_be_answered(items: Sequence[Item], part: str) -> bool:
    """Whether all labels of one utterance of a part, at least, are in training."""
    mine = _targets(items, part)
    return len(unseen_labels(_targets(items, "train"), mine)) < len(mine)


def unseen_labels(train: Sequence[Sequence[str]], others: Sequence[Sequence[str]]) -> list[int]:
    """Positions of the targets in `others` that have, in one of their columns, a label that `train` does not have."""
    known = [{target[column] for target in train} for column in range(len(others[0]) if others else 0)]
    return [i for i, target in enumerate(others) if any(label not in k for label, k in zip(target, known, strict=True))]
