"""The aligner, pocketsphinx (https://github.com/cmusphinx/pocketsphinx), as processes that align an utterance each.

Its times are in whole frames of 10 ms, and a phone lasts three of them at least. It is an optional dependency, imported
only where it is used.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from layerwise.alignments.tiers import Tier
from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.waveforms import AudioError, read_waveform
from layerwise.errors import LayerwiseError
from layerwise.progress import ProgressLine

FRAME_SECONDS = 0.01
FRAMES_PER_PHONE = 3
INSTALL = "pip install -e '.[align]'"
# Tried in turn. A beam is how much less likely than the best path another may be before it is given up; the first beams
# are the aligner's own. Without bestpath=False, 20 of 100 real recordings fail, because the aligner's lattice holds no
# path through their words (tests/benchmarks/aligning.py --grid). The second beams are for noise. Much wider ones would
# align almost any audio with almost any words.
DECODERS: tuple[dict[str, object], ...] = (
    {"bestpath": False},
    {"bestpath": False, "beam": 1e-96, "pbeam": 1e-96, "wbeam": 7e-58},
)
_VARIANT = re.compile(r"\(\d+\)$")
_SILENT_WORDS = ("<", "[")  # <s>, </s>, <sil>, [NOISE], [SPEECH]
_SILENT_PHONES = {"SIL": "sil", "+NSN+": "spn", "+SPN+": "spn"}


class AligningError(LayerwiseError):
    """Nothing can be aligned: pocketsphinx or hama is not installed, or one of the aligner's processes died."""


class Task(NamedTuple):
    """One utterance to align; `words` have a pronunciation and last `shortest` seconds at least."""

    utterance_id: str
    audio_path: str
    start: float
    duration: float
    words: list[str]
    shortest: float


class Alignment(NamedTuple):
    """The tiers of an utterance, and which of the decoders they are from, counted from 0."""

    tiers: list[Tier]
    decoder: int


class Failure(NamedTuple):
    """Why an utterance has no alignment."""

    problem: str
    detail: str


def shortest_seconds(words: Iterable[Sequence[str]]) -> float:
    """The least number of seconds that words last, given the pronunciations of each."""
    phones = sum(min(len(variant.split()) for variant in variants) for variants in words)
    return phones * FRAMES_PER_PHONE * FRAME_SECONDS


def write_dictionary(dictionary: Mapping[str, Sequence[str]], path: Path) -> None:
    lines = [
        f"{word if number == 1 else f'{word}({number})'} {phones}\n"
        for word, variants in dictionary.items()
        for number, phones in enumerate(variants, start=1)
    ]
    path.write_text("".join(lines), encoding="utf-8")


def results_of(
    tasks: Sequence[Task], dictionary: Path, audio_root: Path, processes: int
) -> Iterator[tuple[Task, Alignment | Failure]]:
    progress = ProgressLine("aligning", len(tasks), "utterances")
    with _pool(min(processes, len(tasks)), dictionary, audio_root) as pool:
        try:
            for task, result in zip(tasks, pool.map(_work, tasks), strict=True):
                yield task, result
                progress.add()
        except BrokenProcessPool as error:
            lost = tasks[int(progress.done)]
            raise AligningError(
                f"a process of the aligner died, at utterance {lost.utterance_id} or soon after it; "
                "is there memory enough?"
            ) from error


@contextmanager
def _pool(processes: int, dictionary: Path, audio_root: Path) -> Iterator[ProcessPoolExecutor]:
    # Processes, because pocketsphinx holds the interpreter's lock while it works. They are forked: others import the
    # main module again, and a script of Snakemake would then run again.
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


def _work(task: Task) -> Alignment | Failure:
    return _aligner.align(task)


class _Aligner:
    """Decoders, and how to ask them."""

    def __init__(self, dictionary: Path, audio_root: Path) -> None:
        self.dictionary = dictionary
        self.audio_root = audio_root
        self.decoders: dict[int, object] = {}  # by place in DECODERS; made when the one before has failed

    def align(self, task: Task) -> Alignment | Failure:
        try:
            waveform = read_waveform(self.audio_root / task.audio_path, task.start, task.duration)
        except AudioError as error:
            return Failure("unreadable", str(error))
        seconds = len(waveform) / SAMPLE_RATE
        if seconds < FRAME_SECONDS:
            return Failure("not aligned", f"{len(waveform)} samples are less than a frame")
        if task.shortest > seconds + FRAME_SECONDS:
            took = f"its {len(task.words)} words take {task.shortest:.2f} s at least, the recording {seconds:.2f} s"
            return Failure("not aligned", f"{took}; do transcript and recording match?")
        pcm = np.clip(np.rint(waveform * 32768), -32768, 32767).astype("<i2").tobytes()
        for number in range(len(DECODERS)):
            result = self._try(number, pcm, task.words)
            if not isinstance(result, Failure):
                break
        return result

    def _try(self, number: int, pcm: bytes, words: Sequence[str]) -> Alignment | Failure:
        """The alignment by one of the decoders."""
        try:
            if number not in self.decoders:
                self.decoders[number] = self._new_decoder(DECODERS[number])
            segments = self._segments(self.decoders[number], pcm, " ".join(words))
        except RuntimeError as error:
            self.decoders.pop(number, None)  # it may be unusable now
            return Failure("not aligned", f"pocketsphinx: {error}; do transcript and recording match?")
        spoken = [_VARIANT.sub("", name) for name, *_ in segments if not name.startswith(_SILENT_WORDS)]
        if spoken != words:
            return Failure("not aligned", f"the aligner found {len(spoken)} of {len(words)} words")
        return Alignment(_tiers(segments), number)

    def _new_decoder(self, options: Mapping[str, object]) -> Any:
        return import_pocketsphinx().Decoder(dict=str(self.dictionary), lm=None, loglevel="FATAL", **options)

    def _segments(self, decoder: Any, pcm: bytes, text: str) -> list[tuple]:
        """Name, start and length in frames of each word, silence too, and the same of its phones."""
        decoder.set_align_text(text)
        self._pass(decoder, pcm)  # the words
        decoder.set_alignment()
        self._pass(decoder, pcm)  # the phones in them
        # In one expression: entries die with the iterator that gave them.
        return [
            (word.name, word.start, word.duration, [(phone.name, phone.start, phone.duration) for phone in word])
            for word in decoder.get_alignment()
        ]

    def _pass(self, decoder: Any, pcm: bytes) -> None:
        decoder.start_stream()  # forgets what noise there was in the recordings before
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()


def _tiers(segments: Sequence[tuple]) -> list[Tier]:
    """Words and phones; silence and noise as alignments from elsewhere name them."""
    words = [
        ("" if name.startswith(_SILENT_WORDS) else _VARIANT.sub("", name), start, frames)
        for name, start, frames, _ in segments
    ]
    phones = [
        (_SILENT_PHONES.get(name, name), start, frames) for *_, inside in segments for name, start, frames in inside
    ]
    return [_tier("words", words), _tier("phones", phones)]


def _tier(name: str, rows: Sequence[tuple[str, int, int]]) -> Tier:
    # A division is the number nearest to the decimal one: 58 * 0.01 is 0.58 less a bit, 58 / 100 is 0.58.
    rate = round(1 / FRAME_SECONDS)
    return Tier(
        name,
        [label for label, *_ in rows],
        [start / rate for _, start, _ in rows],
        [(start + frames) / rate for _, start, frames in rows],
    )


def import_pocketsphinx() -> ModuleType:
    try:
        import pocketsphinx
    except ImportError as error:
        raise missing_library("pocketsphinx", error) from error
    return pocketsphinx


def missing_library(library: str, error: ImportError) -> AligningError:
    return AligningError(
        f"corpus.alignments is automatic, which needs {library}; it cannot be imported ({error}): {INSTALL}"
    )
