"""Kaldi's data folders: `wav.scp`, and beside it `segments`, `utt2spk`, `text` (https://kaldi-asr.org/doc/data_prep.html).

A line of each file is a key, blanks, and what is said of it. Commands in `wav.scp` are never run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from layerwise.corpus.archives import CorpusError
from layerwise.corpus.layouts import AUDIO_SUFFIXES
from layerwise.errors import first_names, shown
from layerwise.files.folders import Folder
from layerwise.files.limits import Limit
from layerwise.files.plain_files import read_plain
from layerwise.files.texts import composed, on_disk

WAV_SCP, SEGMENTS, UTT2SPK, TEXT = "wav.scp", "segments", "utt2spk", "text"
# GigaSpeech has 8 million utterances, and 1 GB of text.
MAX_TABLE_BYTES = Limit("LAYERWISE_MAX_KALDI_BYTES", 4 * 10**9, "bytes")

# What only decodes the file that it names, as libsndfile does.
_DECODERS = ("flac", "sph2pipe", "cat")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]*)?")

Value = TypeVar("Value")


@dataclass(frozen=True)
class Stretch:
    """Where an utterance is: in which recording, and from when to when in seconds; end None: to the recording's end."""

    recording: str
    start: float = 0.0
    end: float | None = None


@dataclass(frozen=True)
class DataFolder:
    """What the files of a data folder say.

    Attributes:
        files: by recording, its file as `wav.scp` has it; None: that names none that can be read as it is.
        utterances: without `segments`, each recording is one.
        speakers: by utterance; without `utt2spk`, each is its own speaker's, as Kaldi has it.
        texts: by utterance; None: there is no `text`.
    """

    path: Path
    files: Mapping[str, str | None]
    utterances: Mapping[str, Stretch]
    speakers: Mapping[str, str]
    texts: Mapping[str, str] | None

    def audio(self, recording: str, root: Path) -> Path | None:
        """The file of a recording; None: `wav.scp` names none.

        Its path starts in the corpus's folder, or in the folder of `wav.scp`, or in one between them: the first where
        it is there.
        """
        name = self.files[recording]
        if name is None:
            return None
        between = [parent for parent in self.path.parents if parent.is_relative_to(root)]
        places = [on_disk(start / name) for start in dict.fromkeys([root, self.path, *between])]
        return next((place for place in places if os.path.lexists(place)), places[0])


def data_folder(root: Path, split: str) -> Path:
    """The folder of a split that holds `wav.scp`: below `root`, or `root` itself.

    Raises:
        CorpusError: there is none; the message names those of other splits.
    """
    if not root.is_dir():
        raise CorpusError(f"{root}: there is no such folder")
    for candidate in (root / split, root / "data" / split, root):
        if (candidate / WAV_SCP).is_file():
            return candidate
    found = sorted(Path(where) for where, _, names in os.walk(root) if WAV_SCP in names)
    if deeper := [folder for folder in found if folder.name == split]:
        return deeper[0]
    there = first_names(folder.name for folder in found) if found else "no folder with one"
    raise CorpusError(f"{root} has no {WAV_SCP} of split {split!r}; it has {there} (corpus.split)")


def read_data_folder(path: Path, source: Folder) -> DataFolder:
    """What a data folder says.

    Args:
        source: the corpus, whose files may be opened.

    Raises:
        CorpusError: a file cannot be read, has a key twice, or a line that means nothing; the message names the line.
    """
    files = _table(path / WAV_SCP, source, _file_of)
    recordings = files or {}
    if files is None or not recordings:
        raise CorpusError(f"{path / WAV_SCP} names no recording")
    utterances = _table(path / SEGMENTS, source, _stretch_of)
    if utterances is None:
        utterances = {name: Stretch(name) for name in recordings}
    elif absent := [stretch.recording for stretch in utterances.values() if stretch.recording not in recordings]:
        raise CorpusError(f"{path / SEGMENTS} has a part of {shown(absent[0])}, which is not in {WAV_SCP}")
    speakers = _table(path / UTT2SPK, source, str)
    if speakers is None:
        speakers = {name: name for name in utterances}
    elif unknown := [name for name in utterances if not speakers.get(name)]:
        raise CorpusError(f"{path / UTT2SPK} says of {len(unknown)} utterances not who speaks: {first_names(unknown)}")
    return DataFolder(path, recordings, utterances, speakers, _table(path / TEXT, source, str))


def _table(path: Path, source: Folder, value_of: Callable[[str], Value]) -> dict[str, Value] | None:
    """By key, what the rest of each line means; None: there is no such file."""
    if not os.path.lexists(path):
        return None
    source.require(path, CorpusError)
    try:
        text = composed(read_plain(path, MAX_TABLE_BYTES, CorpusError).decode("utf-8-sig"))
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text: {error}") from error
    table: dict[str, Value] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        key, *rest = line.split(maxsplit=1)
        if key in table:
            raise CorpusError(f"{path}, line {number}: {shown(key)} stands there twice")
        try:
            table[key] = value_of(" ".join(rest).strip())
        except ValueError as error:
            raise CorpusError(f"{path}, line {number}: found {shown(line.strip())}; {error}") from error
    return table


def _file_of(rest: str) -> str | None:
    """The file that a line of `wav.scp` names: by itself, or in a command that only decodes it."""
    if not rest:
        raise ValueError("expected a recording's id and its file")
    if not rest.endswith("|"):
        return None if re.search(r"\.ark:[0-9]+$", rest) else rest
    words = rest.removesuffix("|").split()
    files = [word for word in words[1:] if word.lower().endswith(AUDIO_SUFFIXES)]
    is_decoder = bool(words) and os.path.basename(words[0]) in _DECODERS and "|" not in words
    return files[0] if is_decoder and len(files) == 1 else None


def _stretch_of(rest: str) -> Stretch:
    cells = rest.split()
    is_open = len(cells) == 3 and cells[2] in ("-1", "-1.0")
    if len(cells) < 3 or not _SECONDS.fullmatch(cells[1]) or not (is_open or _SECONDS.fullmatch(cells[2])):
        raise ValueError("expected an utterance, its recording, start and end (seconds)")
    return Stretch(cells[0], float(cells[1]), None if is_open else float(cells[2]))
