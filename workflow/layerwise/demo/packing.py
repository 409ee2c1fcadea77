"""Archives that depend on nothing but their contents, and the demo corpus in LibriSpeech's layout."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import numpy as np
import soundfile

from layerwise.constants import SAMPLE_RATE
from layerwise.demo.flite import Segment, SynthesisError
from layerwise.demo.synthesis import Utterance


@contextmanager
def timeless_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """A tar.gz to be written that says nothing of when it was made."""
    with (
        path.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        yield tar


def add_to_tar(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file that says nothing of who made it, or when."""
    # A new TarInfo has mtime 0, uid and gid 0, mode 644.
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _add_to_zip(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # A new ZipInfo is dated 1980-01-01, the first day that the format knows, and its system depends on the platform.
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = 0o100644 << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, content, compresslevel=9)


def flac(samples: np.ndarray) -> bytes:
    """Samples (n,) int16 at 16 kHz as a FLAC file, compressed as far as FLAC goes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)
    return buffer.getvalue()


def write_archives(utterances: Iterable[Utterance], split: str, audio: Path, alignments: Path) -> None:
    """Pack utterances as openslr.org ships a split of LibriSpeech, and their times as its alignments are shipped.

    The bytes depend on nothing but the utterances: members are in order, belong to root, and have no date.

    Args:
        utterances: ordered by identifier; may be a generator, one utterance is held at a time.
        split: name of the split folder.
        audio: the tar.gz to write, `LibriSpeech/<split>/SPEAKER/CHAPTER/UTTERANCE.flac` and a transcript per chapter.
        alignments: the zip to write, `librispeech_alignments/<split>/SPEAKER/CHAPTER/UTTERANCE.TextGrid`.

    Raises:
        SynthesisError: utterances are not in order, which would scatter a chapter over the archive.
    """
    with timeless_tar(audio) as tar, zipfile.ZipFile(alignments, "w") as grids:
        for (speaker, chapter), chapter_utterances in groupby(_in_order(utterances), key=_chapter):
            folder = f"{split}/{speaker}/{chapter}"
            transcript = []
            for utterance in chapter_utterances:
                name = f"{folder}/{utterance.identifier}"
                add_to_tar(tar, f"LibriSpeech/{name}.flac", flac(utterance.samples))
                _add_to_zip(grids, f"librispeech_alignments/{name}.TextGrid", _aligned(utterance))
                transcript.append(f"{utterance.identifier} {utterance.text}\n")
            add_to_tar(tar, f"LibriSpeech/{folder}/{speaker}-{chapter}.trans.txt", "".join(transcript).encode())


def _in_order(utterances: Iterable[Utterance]) -> Iterator[Utterance]:
    last = ""
    for utterance in utterances:
        if utterance.identifier <= last:
            raise SynthesisError(f"utterance {utterance.identifier} comes after {last}: order them by identifier")
        last = utterance.identifier
        yield utterance


def _chapter(utterance: Utterance) -> tuple[str, str]:
    speaker, chapter, _ = utterance.identifier.split("-")
    return speaker, chapter


def _aligned(utterance: Utterance) -> bytes:
    tiers = {"words": utterance.words, "phones": utterance.phones}
    return text_grid(tiers, utterance.samples.size / SAMPLE_RATE).encode()


def text_grid(tiers: Mapping[str, Sequence[Segment]], duration: float) -> str:
    """Interval tiers in Praat's long text format, as the Montreal Forced Aligner writes it. Times in seconds."""
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_decimal(duration)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, segments) in enumerate(tiers.items(), start=1):
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f'        name = "{name}"',
            "        xmin = 0",
            f"        xmax = {_decimal(duration)}",
            f"        intervals: size = {len(segments)}",
        ]
        for index, segment in enumerate(segments, start=1):
            label = segment.label.replace('"', '""')
            lines += [
                f"        intervals [{index}]:",
                f"            xmin = {_decimal(segment.start)}",
                f"            xmax = {_decimal(segment.end)}",
                f'            text = "{label}"',
            ]
    return "\n".join(lines) + "\n"


def _decimal(seconds: float) -> str:
    return f"{seconds:.4f}".rstrip("0").rstrip(".")
