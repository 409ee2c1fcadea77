"""Makers of tiny corpora: recordings, transcripts, archives and TextGrids, whole ones and damaged ones."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from layerwise.alignments.marks import marks_of
from layerwise.alignments.phones import phone_set
from layerwise.corpus.layouts import layout_of
from layerwise.corpus.utterances import UTTERANCE_SCHEMA
from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT

SPLIT = "dev-clean"

# (start, end, label), and a tier: its name and its intervals.
Row = tuple[float, float, str]
Tier = tuple[str, Sequence[Row]]

# What an aligner makes of an utterance of one second.
TIERS: list[Tier] = [
    ("words", [(0.0, 0.25, ""), (0.25, 1.0, "hello")]),
    ("phones", [(0.0, 0.25, "sil"), (0.25, 0.5, "HH"), (0.5, 0.625, "AH0"), (0.625, 0.75, "L"), (0.75, 1.0, "OW1")]),
]

LAYOUTS = {name: layout_of(entry) for name, entry in read_yaml(ROOT / "resources/layouts.yaml").items()}
PHONE_CATALOGUE = read_yaml(ROOT / "resources/phones.yaml")
MARK_CATALOGUE = read_yaml(ROOT / "resources/marks.yaml")
MARKS = marks_of({}, MARK_CATALOGUE)
PHONE_SETS = {name: phone_set(name, PHONE_CATALOGUE) for name in PHONE_CATALOGUE}


def noise(seconds: float = 0.5, rate: int = 16000, seed: int = 0) -> np.ndarray:
    """Noise that FLAC cannot make much smaller, so that a changed byte hits audio."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate)).astype(np.float32)


def write_audio(path: Path, samples: np.ndarray | None = None, rate: int = 16000, subtype: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise() if samples is None else samples, rate, subtype=subtype)
    return path


def chapter_folder(root: Path, utterance_id: str, split: str = SPLIT) -> Path:
    speaker, chapter = utterance_id.split("-")[:2]
    return root / "LibriSpeech" / split / speaker / chapter


def write_utterance(root: Path, utterance_id: str, text: str | None = "A WORD", suffix: str = ".flac", **audio) -> Path:
    """A recording in LibriSpeech's layout, with its line in the transcript unless `text` is None."""
    folder = chapter_folder(root, utterance_id)
    path = write_audio(folder / f"{utterance_id}{suffix}", **audio)
    if text is not None:
        speaker, chapter = utterance_id.split("-")[:2]
        with (folder / f"{speaker}-{chapter}.trans.txt").open("a", encoding="utf-8") as stream:
            stream.write(f"{utterance_id} {text}\n")
    return path


def flip_bytes(path: Path, count: int = 200) -> None:
    """Damage a file in its middle."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + count] = bytes(byte ^ 0xFF for byte in data[middle : middle + count])
    path.write_bytes(data)


def write_archive(path: Path, files: Mapping[str, bytes], members: Iterable[tarfile.TarInfo] = ()) -> Path:
    """A .tar.gz of files by name, then of `members`, which have no content."""
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for member in members:
            tar.addfile(member)
    return path


def write_utterances_table(path: Path, durations: Mapping[str, float]) -> Path:
    """utterances.parquet with utterances of the given durations in seconds."""
    rows = [
        {
            "utterance_id": name,
            "speaker_id": name.split("-")[0],
            "chapter_id": name.split("-")[1] if "-" in name else "",
            "audio_path": f"{name}.flac",
            "sample_rate": 16000,
            "num_samples": round(seconds * 16000),
            "duration": seconds,
            "text": "",
            "start": 0.0,
        }
        for name, seconds in durations.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows, UTTERANCE_SCHEMA), path)
    return path


def textgrid_long(tiers: Sequence[Tier], interval_head: str = "intervals [{}]:") -> str:
    """Praat's long text format; `interval_head` is the line above each interval."""
    end = _end(tiers)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end!r}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, rows) in enumerate(tiers, 1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(name)}"]
        lines += ["        xmin = 0", f"        xmax = {end!r}", f"        intervals: size = {len(rows)}"]
        for index, (start, stop, label) in enumerate(rows, 1):
            lines += [f"        {interval_head.format(index)}", f"            xmin = {start!r}"]
            lines += [f"            xmax = {stop!r}", f"            text = {_quoted(label)}"]
    return "\n".join(lines) + "\n"


def textgrid_short(tiers: Sequence[Tier]) -> str:
    """Praat's short text format."""
    end = _end(tiers)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", repr(end), "<exists>", str(len(tiers))]
    for name, rows in tiers:
        lines += ['"IntervalTier"', _quoted(name), "0", repr(end), str(len(rows))]
        for start, stop, label in rows:
            lines += [repr(start), repr(stop), _quoted(label)]
    return "\n".join(lines) + "\n"


def label_file_timit(rows: Sequence[Row]) -> str:
    """TIMIT's .PHN or .WRD: start and end in samples at 16 kHz."""
    return "".join(f"{round(start * 16000)} {round(end * 16000)} {label}\n" for start, end, label in rows)


def label_file_xwaves(rows: Sequence[Row], more: str = "") -> str:
    """Buckeye's .phones or .words; `more` follows each label."""
    header = "signal s0101a\ntype 0\ncolor 121\nseparator ;\nnfields 1\n#\n"
    return header + "".join(f"    {end:.6f}  121 {label}{more}\n" for _, end, label in rows)


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder of text files by path."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def write_aligned_table(
    path: Path, utterances: Mapping[str, Sequence[Tier]], group: int | None = None, **columns: Sequence[str]
) -> Path:
    """A Parquet table of alignments as Hugging Face has them; `columns`: others, a value for each utterance."""

    def intervals(tiers: Sequence[Tier], tier: str, label: str) -> list[dict[str, object]]:
        return [{"end": end, "start": start, label: text} for start, end, text in dict(tiers).get(tier, [])]

    table = {
        "id": list(utterances),
        "audio": [b"not to be read" for _ in utterances],
        "words": [intervals(tiers, "words", "word") for tiers in utterances.values()],
        "phonemes": [intervals(tiers, "phones", "phoneme") for tiers in utterances.values()],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table | columns), path, row_group_size=group)
    return path


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return path


def _end(tiers: Sequence[Tier]) -> float:
    return max((row[1] for _, rows in tiers for row in rows), default=1.0)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
