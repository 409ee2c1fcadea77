"""Readers of the layouts that a task's utterances come in: data sets, tables, and splits of a corpus."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.layouts import AUDIO_SUFFIXES
from layerwise.corpus.problems import Problem
from layerwise.errors import first_names, shown
from layerwise.files.csv_files import CSVError, read_csv
from layerwise.files.folders import NOT_OF_THE_FOLDER, Folder, files_below
from layerwise.files.limits import Limit
from layerwise.files.own_tables import INTERVALS, UTTERANCES, read_parquet
from layerwise.files.plain_files import read_plain
from layerwise.files.texts import composed, is_utf8, on_disk, unusable
from layerwise.probes.errors import ItemError
from layerwise.probes.items import Item
from layerwise.probes.kinds.kind import KINDS, Kind
from layerwise.probes.tasks import FLUENT_PARTS, PARTS, SLURP_PARTS

# The largest table of SLURP has 40 MB.
MAX_JSON_BYTES = Limit("LAYERWISE_MAX_TASK_BYTES", 10**9, "bytes")


@dataclass(frozen=True)
class Split:
    """A split of a corpus: its tables of utterances and (if needed) intervals, the folder of its audio, its part."""

    utterances: Path
    intervals: Path | None
    audio: Path
    part: str | None


def read_candidates(
    layout: str, inputs: Mapping, *, kind: str, columns: Sequence[str], splits: Mapping[str, str | None]
) -> Iterator[Item | Problem]:
    """The utterances of a task, by the layout that its data is in.

    Args:
        kind: name of the task's kind.
        inputs: file name → path, as the rule has them: files of the data set, or `table`; of a corpus the lists
            `utterances`, `audio` and (where the kind needs alignments) `intervals`, in the order of `splits`.
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
        yield from corpus_items({name: Split(*found) for name, found in zip(splits, paths, strict=True)}, KINDS[kind])


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


def corpus_items(splits: Mapping[str, Split], kind: Kind) -> Iterator[Item]:
    """Utterances of splits of a corpus, with what the kind makes of their transcripts and alignments."""
    for split in splits.values():
        labels: dict[str, list[str]] = {}
        if kind.tier is not None:
            intervals = read_parquet(split.intervals, INTERVALS, tier=kind.tier)
            ordered = intervals.sort_values(["utterance_id", "start"], kind="stable")
            labels = {name: list(group) for name, group in ordered.groupby("utterance_id")["label"]}
        for row in read_parquet(split.utterances, (*UTTERANCES, "text")).itertuples():
            target = kind.target(row.text, labels.get(row.utterance_id, []))
            path = split.audio / row.audio_path
            samples = round(row.duration * SAMPLE_RATE)
            yield Item(row.utterance_id, row.speaker_id, split.part, path, target, samples, row.start)


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
