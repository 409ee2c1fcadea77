"""What is known of speakers and utterances beside the corpus: which tables say what, by their headers alone.

A table is by speaker, utterance or recording: one of its columns has the ids or paths. One by utterance or recording
may have a column of speakers too, which says who speaks (`layerwise.corpus.given_speakers`). It is a CSV, TSV or
Parquet file, cells parted by `|` as LibriSpeech's SPEAKERS.TXT has them, or a file of Kaldi's such as `spk2gender`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from layerwise.corpus.headers import TableError, header_of, is_parquet
from layerwise.errors import did_you_mean, shown
from layerwise.files.csv_files import DELIMITERS, CSVTable, read_csv, read_text, require_columns
from layerwise.files.plain_files import open_plain
from layerwise.files.texts import composed

SPEAKER, UTTERANCE, RECORDING = "speaker", "utterance", "recording"
# What the column of ids may be called, in any case: LibriTTS says READER, Common Voice client_id.
KEYS = {
    SPEAKER: ("speaker_id", "speaker", "spk_id", "spk", "speakerid", "reader", "client_id"),
    UTTERANCE: ("utterance_id", "utterance", "utt_id", "utt"),
    RECORDING: ("path", "audio_path", "file_path", "filename", "file_name"),
}
_UNITS = (RECORDING, UTTERANCE, SPEAKER)  # what a row is about, if it names several
_NAMES = [names[0] for names in KEYS.values()]
# Columns of utterances.parquet, and what each is known of.
OF_CORPUS = {
    "speaker_id": SPEAKER,
    **dict.fromkeys(("utterance_id", "chapter_id", "audio_path", "sample_rate", "num_samples"), UTTERANCE),
    **dict.fromkeys(("duration", "text", "start"), UTTERANCE),
}
# Columns that rows have themselves, so that nobody could ask for another one of the name.
_OF_ROWS = ("label", "end")
# Of tables whose cells are parted by `|`, whose names are in capitals: SPEAKERS.TXT has ID and SEX.
_MEANT = {"id": "speaker_id", "sex": "gender"}
# Kaldi's, which have no header: an id, and what the name of the file says.
_MAP = re.compile(r"(spk|utt)2(?!utt$)([a-z]\w*)")
_PIPE, _COMMENT = "|", ";"
_SMALL = 1 << 20  # bytes of a table that a plan may read whole
_FIRST_LINES = 50


class MetadataError(TableError):
    """What a table says of speakers or utterances cannot be used."""


@dataclass(frozen=True)
class Header:
    """What a table says by its header.

    Attributes:
        unit: `speaker`, `utterance` or `recording`: what a row is about.
        key: the column of ids, or paths of recordings.
        columns: the others, without ids.
        speaker: the column that says who speaks; None: there is none, or the table is by speaker.
    """

    unit: str
    key: str
    columns: list[str]
    speaker: str | None = None


def metadata_columns(paths: Iterable[Path]) -> dict[str, str]:
    """Every column that a target may name beside those of the rows, and what it is known of: `speaker` or `utterance`.

    Those of the corpus's own table are among them. Of the files the beginning is read.

    Raises:
        TableError, CSVError: a file is no table, has not one column of ids, or a column that is there already.
    """
    known = dict(OF_CORPUS)
    owner = dict.fromkeys(OF_CORPUS, "the corpus itself") | dict.fromkeys(_OF_ROWS, "every table of segments")
    for path in paths:
        header = metadata_header(path)
        for name in header.columns:
            if name in owner:
                raise MetadataError(f"{path}: column {shown(name)} is one of {owner[name]} too; give it another name")
            known[name], owner[name] = UTTERANCE if header.unit == RECORDING else header.unit, str(path)
    return known


def metadata_header(path: Path) -> Header:
    """What a table is about, by its header.

    Raises:
        TableError, CSVError: it is no table, has not exactly one column of ids, or no other column.
    """
    columns = _map_columns(path) or (_pipe_header(path) if is_piped(path) else header_of(path))
    return header_among(path, columns)


def header_among(path: Path, columns: Sequence[str]) -> Header:
    """The column of ids among some columns; paths come before utterances, and these before speakers.

    Common Voice has a path and a speaker in each row.

    Raises:
        MetadataError: there are none or several of a kind, or no other column.
    """
    keys = [(unit, name) for unit in _UNITS for name in columns if name.lower() in KEYS[unit]]
    ids = [name for _, name in keys]
    for unit in _UNITS:
        if len(both := [name for of, name in keys if of == unit]) > 1:
            named = " and ".join(map(shown, both))
            raise MetadataError(f"{path} has two columns of ids, {named}: each row is about one {unit}; keep one")
    if not keys:
        meant = next(filter(None, (did_you_mean(_NAMES, name.lower()) for name in columns)), "")
        there = shown(", ".join(columns)) or "none"
        raise MetadataError(f"{path} has no column speaker_id, utterance_id or path; it has {there}{meant}")
    unit, key = keys[0]
    others = [name for name in columns if name not in ids]
    speaker = None if unit == SPEAKER else next((name for of, name in keys if of == SPEAKER), None)
    if not others and speaker is None:
        raise MetadataError(f"{path} has no column beside {shown(key)}")
    return Header(unit, key, others, speaker)


def repeated_id(path: Path) -> str | None:
    """An id that a table has twice, where it is small enough to be read at each plan; None: none was found."""
    if is_parquet(path) or path.stat().st_size > _SMALL:
        return None
    key = metadata_header(path).key
    rows = (read_text_table(path) or read_csv(path, [key])).rows.values()
    return next((name for name, count in Counter(row[key] for row in rows).items() if count > 1), None)


def read_text_table(path: Path) -> CSVTable | None:
    """A table that is no CSV: cells parted by `|`, or a file of Kaldi's; None: it is none of these."""
    if columns := _map_columns(path):
        return _read_map(path, columns)
    return read_piped(path) if is_piped(path) else None


def is_map(path: Path) -> bool:
    """Whether a file is one of Kaldi's that say something of each speaker or utterance, by its name."""
    return _map_columns(path) is not None


def _map_columns(path: Path) -> list[str] | None:
    """What a file such as Kaldi's `spk2gender` says by its name; None: it is none."""
    match = _MAP.fullmatch(path.name)
    return match and [_NAMES[0] if match[1] == "spk" else _NAMES[1], match[2]]


def _read_map(path: Path, columns: Sequence[str]) -> CSVTable:
    rows = {}
    for number, line in enumerate(composed(read_text(path)).splitlines(), start=1):
        cells = line.split(maxsplit=1)
        if len(cells) == 1:
            raise MetadataError(f"{path}, line {number} says nothing of {shown(cells[0])}; expected an id and a value")
        if cells:
            rows[number] = dict(zip(columns, map(str.strip, cells), strict=True))
    return CSVTable(list(columns), rows, " ")


def is_piped(path: Path) -> bool:
    """Whether the cells of a table are parted by `|`, by its first line that is no comment."""
    if is_parquet(path):
        return False
    first = next((line for line in _first_lines(path) if line.strip() and not line.startswith(_COMMENT)), "")
    return first.count(_PIPE) > max(map(first.count, DELIMITERS))


def _first_lines(path: Path) -> list[str]:
    with open_plain(path) as file:
        lines = list(islice(iter(lambda: file.readline(_SMALL), b""), _FIRST_LINES))
    return [line.decode("utf-8-sig", errors="replace") for line in lines]


def _pipe_header(path: Path) -> list[str]:
    columns = _pipe_columns(_first_lines(path))
    require_columns(path, columns, [])
    return columns


def _pipe_columns(lines: Sequence[str]) -> list[str]:
    """The names in the last comment with cells that comes before the rows, or in the first line where none has any."""
    named = next((line for line in lines if _PIPE in line), "")
    for line in lines:
        if line.startswith(_COMMENT) and line.count(_PIPE) >= named.count(_PIPE):
            named = line
        elif line.strip() and not line.startswith(_COMMENT):
            break
    cells = [cell.strip() for cell in named.removeprefix(_COMMENT).split(_PIPE)]
    return [_MEANT.get(cell.lower(), cell.lower()) for cell in cells]


def read_piped(path: Path) -> CSVTable:
    """A table whose cells are parted by `|`, blanks around them left out; the last column may hold a `|` itself.

    Raises:
        CSVError, MetadataError: it is no text in UTF-8, or a row has too few cells.
    """
    lines = read_text(path).splitlines()
    columns = _pipe_columns(lines[:_FIRST_LINES])
    has_header = not any(line.startswith(_COMMENT) and _PIPE in line for line in lines[:_FIRST_LINES])
    rows: dict[int, dict[str, str]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(_COMMENT):
            continue
        if has_header:
            has_header = False
            continue
        cells = [composed(cell.strip()) for cell in line.split(_PIPE, maxsplit=len(columns) - 1)]
        if len(cells) != len(columns):
            raise MetadataError(f"{path}, line {number} has {len(cells)} cells, the header {len(columns)}")
        rows[number] = dict(zip(columns, cells, strict=True))
    return CSVTable(columns, rows, _PIPE)
