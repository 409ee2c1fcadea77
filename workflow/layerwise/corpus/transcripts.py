"""The transcripts of a corpus: files with a line for each utterance, or a file beside each recording."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from layerwise.corpus.archives import CorpusError
from layerwise.corpus.layouts import Layout, with_suffix, without_audio_suffixes
from layerwise.corpus.problems import Problem
from layerwise.errors import shown
from layerwise.files.folders import NOT_OF_THE_FOLDER, Folder, files_below
from layerwise.files.limits import Limit
from layerwise.files.plain_files import read_plain
from layerwise.files.texts import composed, on_disk

# All of LibriSpeech's transcripts have 50 MB, and lie in 5,800 files.
MAX_TEXT_BYTES = Limit("LAYERWISE_MAX_TRANSCRIPT_BYTES", 10**8, "bytes")

_CHAPTERS = ".trans.txt"  # LibriSpeech's: a line for each utterance of a chapter


def read_transcripts(
    folder: Path, layout: Layout, recordings: Mapping[str, Path], source: Folder
) -> tuple[dict[str, str] | None, list[Problem]]:
    """Text by utterance id, None: this corpus has none; and the files of transcripts that are not opened.

    Args:
        folder: of the split.
        recordings: utterance id → audio file.
        source: the corpus, whose files may be opened.

    Raises:
        CorpusError: a transcript cannot be read, is no text, or is one of two for an utterance.
    """
    if layout.transcripts is None:
        return None, []
    problems: list[Problem] = []

    def may_open(path: Path, utterance_id: str = "") -> bool:
        reason = source.refusal(path)
        if reason:
            problems.append(Problem(utterance_id, str(path.relative_to(folder)), NOT_OF_THE_FOLDER, reason))
        return reason is None

    if layout.transcripts == "chapters":
        return _read_chapters(filter(may_open, _chapters(folder))), problems
    found = {utterance_id: _beside(path, layout.transcripts) for utterance_id, path in recordings.items()}
    texts = {
        utterance_id: " ".join(_read_text(path).split())
        for utterance_id, path in found.items()
        if path is not None and may_open(path, utterance_id)
    }
    return texts, problems


def looked_for(layout: Layout, utterance_id: str, path: Path) -> str:
    """Where the transcript of a recording is expected, in words.

    Args:
        path: of the recording.
    """
    if layout.transcripts == "chapters":
        return f"a line that begins with {shown(utterance_id)} in a file *{_CHAPTERS}"
    return f"{shown(path.with_suffix(layout.transcripts or '').name)} beside the recording"


def _beside(path: Path, suffix: str) -> Path | None:
    """The file of the same name, in any form of Unicode, with another suffix, in capitals or not."""
    names = dict.fromkeys((str(path.with_suffix("")), without_audio_suffixes(str(path))))
    candidates = (on_disk(Path(name + form)) for name in names for form in (suffix, suffix.lower(), suffix.upper()))
    return next((candidate for candidate in candidates if os.path.exists(candidate)), None)


def _chapters(folder: Path) -> list[Path]:
    return sorted(with_suffix(files_below(folder, lambda error: None), (_CHAPTERS,)))


def _read_chapters(chapters: Iterable[Path]) -> dict[str, str]:
    """Text by utterance id, from files with a line for each."""
    texts: dict[str, str] = {}
    origin: dict[str, Path] = {}
    for path in chapters:
        for line in filter(str.strip, _read_text(path).splitlines()):
            utterance_id, _, text = line.strip().partition(" ")
            if utterance_id in texts:
                raise CorpusError(
                    f"utterance {shown(utterance_id)} has two transcripts: "
                    f"in {shown(origin[utterance_id])} and in {shown(path)}"
                )
            texts[utterance_id] = text.strip()
            origin[utterance_id] = path
    return texts


def _read_text(path: Path) -> str:
    try:
        return composed(read_plain(path, MAX_TEXT_BYTES, CorpusError).decode("utf-8-sig"))
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text: {error}") from error
