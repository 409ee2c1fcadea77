"""Forced alignment: phone and word times made from audio and transcripts, for a corpus that comes without them.

The aligner is pocketsphinx, with the acoustic model and the dictionary of US English that its wheel holds
(https://github.com/cmusphinx/pocketsphinx): times are in whole frames of 10 ms, and a phone lasts three of them at
least. It is an optional dependency, imported only where it is used. What it makes is cleaned as alignments from
elsewhere are, and goes to the same two tables.
"""

from __future__ import annotations

import logging
import multiprocessing
import re
import tempfile
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from layerwise import SAMPLE_RATE
from layerwise.alignments import Interval, write_intervals
from layerwise.audio import AudioError, read_waveform
from layerwise.corpus import Problem
from layerwise.errors import LayerwiseError
from layerwise.pronunciations import read_pronunciations

log = logging.getLogger(__name__)

FRAME_SECONDS = 0.01
INSTALL = "pip install 'layerwise[align]'"

_APOSTROPHES = str.maketrans("’‘ʼ＇", "''''")
_GAPS = re.compile(r"--+|[–—―…/\\]")  # what stands between words without a space
_EDGES = re.compile(r"^(?:(?!')[\W_])+|(?:(?!')[\W_])+$")  # punctuation around a word, but for apostrophes
_NO_WORD = re.compile(r"[<>\[\]{}]|[&%@#$€£¥+=°]")  # in marks such as <unk> and [laughter]; symbols that are spoken
_VARIANT = re.compile(r"\(\d+\)$")
_SILENT_WORDS = ("<", "[")  # <s>, </s>, <sil>, [NOISE], [SPEECH]
_SILENT_PHONES = {"SIL": "sil", "+NSN+": "spn", "+SPN+": "spn"}


class AligningError(LayerwiseError):
    """Nothing can be aligned: pocketsphinx is not installed, or fails on every utterance."""


class _Task(NamedTuple):
    """One utterance to align; `words` are in the dictionary."""

    utterance_id: str
    audio_path: str
    words: list[str]


class _Failure(NamedTuple):
    """Why an utterance has no alignment."""

    problem: str
    detail: str


def align_utterances(
    utterances: Path,
    audio_root: Path,
    intervals_out: Path,
    problems_out: Path,
    *,
    pronunciations: Path | None = None,
    processes: int = 1,
) -> None:
    """Align every utterance with its transcript; the tables are those of `layerwise.alignments.index_alignments`.

    The tables do not depend on the number of processes: an utterance is aligned without memory of those before it. A
    row of `problems_out` names each utterance without an alignment: words that have no pronunciation, a transcript
    without a word, audio that cannot be read, or audio that the aligner cannot match with the words. A transcript that
    is wrong, but can be pronounced in the time of the recording, is aligned like a right one. Memory grows with the
    square of an utterance's length: 0.2 GB for half a minute, 0.6 GB for two minutes, 2.8 GB for five.

    Args:
        utterances: utterances.parquet; how its texts are read is said at `words_of`.
        audio_root: what the paths of the utterances are relative to.
        intervals_out: parquet with `layerwise.alignments.INTERVAL_SCHEMA`, sorted by utterance_id, tier, start; times
            in seconds. Words are in lower case; silence and noise are left out.
        problems_out: CSV of utterance_id, file, problem, detail.
        pronunciations: a file in the format of the CMU dictionary whose entries are added to those of the wheel, to a
            word that is there too as further variants.
        processes: how many utterances are aligned at a time, each by a decoder of its own.

    Raises:
        AligningError: pocketsphinx is not installed, or one of its processes died.
        PronunciationError: `pronunciations` cannot be used.
        AlignmentError: no utterance could be aligned.
    """
    pocketsphinx = _import_pocketsphinx()
    table = pd.read_parquet(utterances, columns=["utterance_id", "audio_path", "duration", "text"])
    table = table.sort_values("utterance_id")
    dictionary = _dictionary(pocketsphinx, pronunciations)
    tasks: list[_Task] = []
    problems: list[Problem] = []
    for row in table.itertuples(index=False):
        words, unknown = words_of(row.text, dictionary)
        if unknown:
            problems.append(Problem(row.utterance_id, row.audio_path, "no pronunciation", _named(unknown)))
        elif not words:
            problems.append(Problem(row.utterance_id, row.audio_path, "empty transcript", f"no word in {row.text!r}"))
        else:
            tasks.append(_Task(row.utterance_id, row.audio_path, words))
    used = {word: dictionary[word] for word in sorted({word for task in tasks for word in task.words})}
    log.info(
        "pocketsphinx %s: %d of %d utterances, %d words",
        *(metadata.version("pocketsphinx"), len(tasks), len(table), len(used)),
    )
    write_intervals(
        _aligned(tasks, used, audio_root, processes, problems),
        dict(zip(table["utterance_id"], table["duration"], strict=True)),
        problems,
        intervals_out,
        problems_out,
        nothing_left="no utterance could be aligned",
    )


# Words


def words_of(text: str, dictionary: Container[str]) -> tuple[list[str], list[str]]:
    """The words of a transcript as the dictionary has them, and what it does not have.

    Normalised are case (lower), typographic apostrophes (plain), and punctuation: around a word it is left out, except
    for apostrophes and full stops with which the word is in the dictionary ('em, a.m.); dashes of all kinds, slashes
    and ellipses part words, and so does a hyphen in what the dictionary has only in parts. Nothing is guessed: digits,
    symbols that are spoken (&, %), marks in angle, square or curly brackets (<unk>, [laughter]) and words without a
    pronunciation are returned as unknown, as they were written.
    """
    words: list[str] = []
    unknown: list[str] = []
    for token in _GAPS.sub(" ", text.translate(_APOSTROPHES)).split():
        found = _look_up(token.lower(), dictionary)
        if found is None:
            unknown.append(token)
        else:
            words += found
    return words, list(dict.fromkeys(unknown))


def _look_up(token: str, dictionary: Container[str]) -> list[str] | None:
    """Dictionary words of a token in lower case: none where it is punctuation alone; None if it is not known."""
    if _NO_WORD.search(token):
        return [token] if token in dictionary else None
    core = _EDGES.sub("", token)
    if not core.strip("'"):
        return []
    for form in (core, core + ".", core.rstrip("'"), core.lstrip("'"), core.strip("'")):
        if form in dictionary:
            return [form]
    parts = [_look_up(part, dictionary) for part in core.split("-")] if "-" in core else [None]
    return None if None in parts else [word for part in parts for word in part]


def _named(unknown: Sequence[str]) -> str:
    hint = "; numbers are to be written as words" if any(re.search(r"\d", token) for token in unknown) else ""
    return ", ".join(unknown) + hint


def _dictionary(pocketsphinx: ModuleType, pronunciations: Path | None) -> dict[str, list[str]]:
    """Pronunciations by word: those of the wheel, then those of the file."""
    dictionary = read_pronunciations(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))
    if pronunciations is not None:
        for word, variants in read_pronunciations(pronunciations).items():
            known = dictionary.setdefault(word, [])
            known += [phones for phones in variants if phones not in known]
    return dictionary


def _write_dictionary(dictionary: Mapping[str, Sequence[str]], path: Path) -> None:
    lines = [
        f"{word if number == 1 else f'{word}({number})'} {phones}\n"
        for word, variants in dictionary.items()
        for number, phones in enumerate(variants, start=1)
    ]
    path.write_text("".join(lines), encoding="utf-8")


# Alignment


def _aligned(
    tasks: Sequence[_Task],
    dictionary: Mapping[str, Sequence[str]],
    audio_root: Path,
    processes: int,
    problems: list[Problem],
) -> Iterator[tuple[str, str, list[Interval]]]:
    """Utterance, audio file and raw intervals of each task that succeeds, in their order; `problems` get the others."""
    with tempfile.TemporaryDirectory() as folder:
        # The words in use alone, so that a decoder starts in no time after a failure.
        path = Path(folder) / "words.dict"
        _write_dictionary(dictionary, path)
        for task, result in _results(tasks, path, audio_root, processes):
            if isinstance(result, _Failure):
                problems.append(Problem(task.utterance_id, task.audio_path, *result))
            else:
                yield task.utterance_id, task.audio_path, result


def _results(
    tasks: Sequence[_Task], dictionary: Path, audio_root: Path, processes: int
) -> Iterator[tuple[_Task, list[Interval] | _Failure]]:
    done = 0
    with (
        _pool(min(processes, len(tasks)), dictionary, audio_root) as pool,
        tqdm(total=len(tasks), unit="utterance", desc="aligning") as bar,
    ):
        try:
            for task, result in zip(tasks, pool.map(_work, tasks), strict=True):
                yield task, result
                done += 1
                bar.update()
        except BrokenProcessPool as error:
            raise AligningError(
                f"a process of the aligner died, at utterance {tasks[done].utterance_id} or soon after it; "
                "is there memory enough?"
            ) from error


@contextmanager
def _pool(processes: int, dictionary: Path, audio_root: Path) -> Iterator[ProcessPoolExecutor]:
    # Processes, as pocketsphinx holds the interpreter's lock while it works. Forked ones: the others import the main
    # module again, and where that is a script of Snakemake, it would run again.
    with ProcessPoolExecutor(
        max(1, processes), multiprocessing.get_context("fork"), initializer=_start, initargs=(dictionary, audio_root)
    ) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


_aligner: _Aligner | None = None  # of this process


def _start(dictionary: Path, audio_root: Path) -> None:
    global _aligner
    _aligner = _Aligner(dictionary, audio_root)


def _work(task: _Task) -> list[Interval] | _Failure:
    return _aligner.align(task)


class _Aligner:
    """A decoder, and how to ask it."""

    def __init__(self, dictionary: Path, audio_root: Path) -> None:
        self.dictionary = dictionary
        self.audio_root = audio_root
        self.decoder = None

    def align(self, task: _Task) -> list[Interval] | _Failure:
        try:
            waveform = read_waveform(self.audio_root / task.audio_path)
        except AudioError as error:
            return _Failure("unreadable", str(error))
        if len(waveform) < FRAME_SECONDS * SAMPLE_RATE:
            return _Failure("not aligned", f"{len(waveform)} samples are less than a frame")
        pcm = np.clip(np.rint(waveform * 32768), -32768, 32767).astype("<i2").tobytes()
        try:
            self.decoder = self.decoder or self._new_decoder()
            segments = self._segments(pcm, " ".join(task.words))
        except RuntimeError as error:
            self.decoder = None  # it may be unusable now
            detail = f"pocketsphinx: {error}; do transcript and recording match?"
            return _Failure("not aligned", detail)
        spoken = [_VARIANT.sub("", name) for name, *_ in segments if not name.startswith(_SILENT_WORDS)]
        if spoken != task.words:
            return _Failure("not aligned", f"the aligner found {len(spoken)} of {len(task.words)} words")
        return list(_intervals(segments))

    def _new_decoder(self):
        # Without bestpath=False the words of a quarter of recordings come out of a lattice that holds no path of them.
        options = {"dict": str(self.dictionary), "lm": None, "bestpath": False, "loglevel": "FATAL"}
        return _import_pocketsphinx().Decoder(**options)

    def _segments(self, pcm: bytes, text: str) -> list[tuple]:
        """Name, start and length in frames of each word, silence too, and the same of its phones."""
        self.decoder.set_align_text(text)
        self._pass(pcm)  # the words
        self.decoder.set_alignment()
        self._pass(pcm)  # the phones in them
        # In one expression: entries die with the iterator that gave them.
        return [
            (word.name, word.start, word.duration, [(phone.name, phone.start, phone.duration) for phone in word])
            for word in self.decoder.get_alignment()
        ]

    def _pass(self, pcm: bytes) -> None:
        self.decoder.start_stream()  # forgets what noise there was in the recordings before
        self.decoder.start_utt()
        self.decoder.process_raw(pcm, full_utt=True)
        self.decoder.end_utt()


def _intervals(segments: Sequence[tuple]) -> Iterator[Interval]:
    """Raw intervals: words, then phones; silence and noise as alignments from elsewhere name them."""
    for name, start, frames, _ in segments:
        label = "" if name.startswith(_SILENT_WORDS) else _VARIANT.sub("", name)
        yield _interval("words", label, start, frames)
    for *_, phones in segments:
        for name, start, frames in phones:
            yield _interval("phones", _SILENT_PHONES.get(name, name), start, frames)


def _interval(tier: str, label: str, start: int, frames: int) -> Interval:
    # A division is the number nearest to the decimal one: 58 * 0.01 is 0.58 less a bit, 58 / 100 is 0.58.
    rate = round(1 / FRAME_SECONDS)
    return Interval(tier, label, start / rate, (start + frames) / rate)


def _import_pocketsphinx() -> ModuleType:
    try:
        import pocketsphinx
    except ImportError as error:
        raise AligningError(
            f"corpus.alignments is automatic, which needs pocketsphinx; it cannot be imported ({error}): {INSTALL}"
        ) from error
    return pocketsphinx
