"""Forced alignment: phone and word times made from audio and transcripts, for a corpus that comes without them.

The aligner is pocketsphinx, with the acoustic model and the dictionary of US English that its wheel holds
(https://github.com/cmusphinx/pocketsphinx): times are in whole frames of 10 ms, and a phone lasts three of them at
least. It is an optional dependency, imported only where it is used. Words that the dictionary lacks get a pronunciation
from `layerwise.alignments.guessed_pronunciations`. What is made is cleaned as alignments from elsewhere are, and goes
to the same two tables.
"""

from __future__ import annotations

import logging
import multiprocessing
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import metadata
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from layerwise.alignments.cleaning import Utterance, clean
from layerwise.alignments.guessed_pronunciations import Guesser, plain_letters
from layerwise.alignments.index import write_intervals
from layerwise.alignments.phones import PhoneSet
from layerwise.alignments.pronunciations import read_pronunciations
from layerwise.alignments.tiers import Tier
from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.problems import Problem
from layerwise.corpus.waveforms import AudioError, read_waveform
from layerwise.errors import LayerwiseError, shown
from layerwise.files.tables import read_parquet
from layerwise.files.texts import composed

log = logging.getLogger(__name__)

FRAME_SECONDS = 0.01
FRAMES_PER_PHONE = 3
INSTALL = "pip install 'layerwise[align]'"

# Tried in turn. A beam is how much less likely than the best path another may be before it is given up; the first beams
# are the aligner's own. Without bestpath=False the words of many recordings come out of a lattice that holds no path of
# them: of 100 real ones 20 (tests/benchmarks/aligning.py --grid). The second beams are for noise. Much wider ones would
# align almost any audio with almost any words.
DECODERS: tuple[dict[str, object], ...] = (
    {"bestpath": False},
    {"bestpath": False, "beam": 1e-96, "pbeam": 1e-96, "wbeam": 7e-58},
)

_SPELLINGS = str.maketrans("’‘ʼ＇`´′‐‑−", "'''''''---", "\u00ad\u200b\u2060\ufeff")
_GAPS = re.compile(r"--+|[–—―…/\\]")  # what stands between words without a space
_PARTS = re.compile(r"[-.]")  # well-known, U.S.A.
_NO_WORD = re.compile(r"[<>\[\]{}]|[&%@#$€£¥+=°]")  # in marks such as <unk> and [laughter]; symbols that are spoken
_TIERS = {"word": ["words"], "phone": ["phones"]}
_LONGEST_TOKEN = 1000  # characters: of what is longer nobody knows a pronunciation
_UTTERANCES_PER_BATCH = 256
_NAMED_IN_LOG = 20
_HARD = "kept; aligned with wider beams only: noise, or another's transcript?"
_VARIANT = re.compile(r"\(\d+\)$")
_SILENT_WORDS = ("<", "[")  # <s>, </s>, <sil>, [NOISE], [SPEECH]
_SILENT_PHONES = {"SIL": "sil", "+NSN+": "spn", "+SPN+": "spn"}


class AligningError(LayerwiseError):
    """Nothing can be aligned: pocketsphinx or hama is not installed, or one of the aligner's processes died."""


class _Task(NamedTuple):
    """One utterance to align; `words` have a pronunciation and last `shortest` seconds at least."""

    utterance_id: str
    audio_path: str
    start: float
    duration: float
    words: list[str]
    shortest: float


class _Alignment(NamedTuple):
    """The tiers of an utterance, and which of the decoders they are from, counted from 0."""

    tiers: list[Tier]
    decoder: int


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
    phones: PhoneSet,
    pronunciations: Path | None = None,
    processes: int = 1,
) -> None:
    """Align every utterance with its transcript; the tables are those of `layerwise.alignments.index.index_alignments`.

    The tables do not depend on the number of processes: an utterance is aligned without memory of those before it. A
    row of `problems_out` names each utterance without an alignment: words that can have no pronunciation, a transcript
    without a word, audio that cannot be read, or audio that the aligner cannot match with the words. Other rows name
    what is kept: utterances with words whose pronunciation was guessed (the log counts them), and those that only wider
    beams aligned. A transcript that is wrong, but can be pronounced in the time of the recording, may be aligned like a
    right one. Memory grows with the square of an utterance's length: 0.2 GB for half a minute, 0.6 GB for two minutes,
    2.8 GB for five.

    Args:
        utterances: utterances.parquet; how its texts are read is said at `words_of`.
        audio_root: what the paths of the utterances are relative to.
        intervals_out: parquet with `layerwise.alignments.index.INTERVAL_SCHEMA`, sorted by utterance_id, tier, start;
            times in seconds. Words are in lower case; silence and noise are left out.
        problems_out: CSV of utterance_id, file, problem, detail.
        phones: what the aligner's phones mean, which are those of ARPAbet without stress.
        pronunciations: a file in the format of the CMU dictionary whose entries are added to those of the wheel, to a
            word that is there too as further variants.
        processes: how many utterances are aligned at a time, each by a decoder of its own.

    Raises:
        AligningError: pocketsphinx or hama is not installed, or one of the aligner's processes died.
        PronunciationError: `pronunciations` cannot be used.
        AlignmentError: no utterance could be aligned.
    """
    pocketsphinx = _import_pocketsphinx()
    table = read_parquet(utterances, ("utterance_id", "audio_path", "start", "duration", "text"))
    table = table.sort_values("utterance_id")
    dictionary = _dictionary(pocketsphinx, pronunciations)
    guess = _guesser(dictionary)
    used: dict[str, list[str]] = {}
    tasks: list[_Task] = []
    problems: list[Problem] = []
    for row in table.itertuples(index=False):
        words, unknown = words_of(row.text, dictionary, guess)
        if unknown:
            problems.append(Problem(row.utterance_id, row.audio_path, "no pronunciation", _named(unknown)))
        elif not words:
            problems.append(Problem(row.utterance_id, row.audio_path, "empty transcript", f"no word in {row.text!r}"))
        else:
            used |= {word: dictionary.get(word) or guess(word) for word in words}
            shortest = _shortest(used[word] for word in words)
            tasks.append(_Task(row.utterance_id, row.audio_path, row.start, row.duration, words, shortest))
    guessed = {word: variants for word, variants in used.items() if word not in dictionary}
    log.info(
        "pocketsphinx %s: %d of %d utterances, %d words; hama %s: %d of these words have no pronunciation and get one",
        *(metadata.version("pocketsphinx"), len(tasks), len(table), len(used), metadata.version("hama"), len(guessed)),
    )
    results = _noting(guessed, _aligned(tasks, dict(sorted(used.items())), audio_root, processes, problems), problems)
    cleaned = (clean(batch, _TIERS, phones) for batch in _batches(results))
    write_intervals(cleaned, problems, phones, intervals_out, problems_out, "no utterance could be aligned")


# Words


def words_of(
    text: str, dictionary: Container[str], guess: Callable[[str], Sequence[str]] = lambda word: ()
) -> tuple[list[str], list[str]]:
    """The words of a transcript as the dictionary has them, and those that cannot be pronounced.

    Normalised are case (lower), typographic apostrophes and hyphens (plain), and punctuation: around a word it is left
    out, except for apostrophes and full stops with which the word is in the dictionary ('em, a.m.); dashes of all
    kinds, slashes and ellipses part words, and so do hyphens and full stops in what the dictionary has only in parts
    (well-known, U.S.A.). What is in the dictionary without its accents is taken so (naïve). Digits, symbols that are
    spoken (&, %) and marks in angle, square or curly brackets (<unk>, [laughter]) are never guessed: they are returned
    as unknown, as they were written, with the words that `guess` can make nothing of.

    Args:
        guess: pronunciations of a word in lower case that the dictionary lacks; none: it cannot be pronounced.
    """
    words: list[str] = []
    unknown: list[str] = []
    text = composed(text).translate(_SPELLINGS)
    for token in _GAPS.sub(" ", text).split():
        found = _look_up(token.lower(), dictionary, guess)
        if found is None:
            unknown.append(token)
        else:
            words += found
    return words, list(dict.fromkeys(unknown))


def _look_up(token: str, dictionary: Container[str], guess: Callable[[str], Sequence[str]]) -> list[str] | None:
    """The words of a token in lower case: none where it is punctuation alone; None if it cannot be pronounced."""
    if len(token) > _LONGEST_TOKEN or _NO_WORD.search(token):
        return [token] if token in dictionary else None
    core = _without_punctuation(token)
    word = core.strip("'")
    if not word:
        return []
    forms = (core, core + ".", core.rstrip("'"), core.lstrip("'"), word)
    for form in (*forms, *map(plain_letters, forms)):
        if form in dictionary:
            return [form]
    parts = _PARTS.split(core)
    if len(parts) == 1:
        return [word] if guess(word) else None
    found = [_look_up(part, dictionary, guess) for part in parts]
    return None if None in found else [word for words in found for word in words]


def _without_punctuation(token: str) -> str:
    """A word without the punctuation around it, but for apostrophes."""
    first, last = 0, len(token)
    while first < last and not _is_of_word(token[first]):
        first += 1
    while first < last and not _is_of_word(token[last - 1]):
        last -= 1
    return token[first:last]


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "'"


def _named(unknown: Sequence[str]) -> str:
    hint = "; numbers are to be written as words" if any(re.search(r"\d", token) for token in unknown) else ""
    return ", ".join(unknown) + hint


def _shortest(words: Iterable[Sequence[str]]) -> float:
    """The least number of seconds that words last, given the pronunciations of each."""
    phones = sum(min(len(variant.split()) for variant in variants) for variants in words)
    return phones * FRAMES_PER_PHONE * FRAME_SECONDS


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


def _noting(
    guessed: Mapping[str, Sequence[str]], utterances: Iterable[Utterance], problems: list[Problem]
) -> Iterator[Utterance]:
    """The utterances as they are; `problems` and the log get what was guessed in them."""
    intervals: Counter[str] = Counter()
    noted = 0
    for utterance in utterances:
        words = utterance.tiers[0].labels
        if found := Counter(word for word in words if word in guessed):
            named = ", ".join(f"{word} ({' or '.join(guessed[word])})" for word in found)
            problems.append(Problem(utterance.utterance_id, utterance.file, "pronunciation guessed", f"kept; {named}"))
            intervals += found
            noted += 1
        yield utterance
    if intervals:
        counts = [f"{shown(word, 40)} {count}" for word, count in intervals.most_common(_NAMED_IN_LOG)]
        if len(intervals) > len(counts):
            counts.append(f"{len(intervals) - len(counts)} other words")
        log.warning(
            "pronunciations guessed: of %d words, %d intervals in %d utterances (%s)",
            *(len(intervals), intervals.total(), noted, ", ".join(counts)),
        )


def _aligned(
    tasks: Sequence[_Task],
    dictionary: Mapping[str, Sequence[str]],
    audio_root: Path,
    processes: int,
    problems: list[Problem],
) -> Iterator[Utterance]:
    """The alignment of each task that succeeds, in their order; `problems` get the others."""
    with tempfile.TemporaryDirectory() as folder:
        # The words in use alone, so that a decoder starts in no time after a failure.
        path = Path(folder) / "words.dict"
        _write_dictionary(dictionary, path)
        for task, result in _results(tasks, path, audio_root, processes):
            if isinstance(result, _Failure):
                problems.append(Problem(task.utterance_id, task.audio_path, *result))
                continue
            if result.decoder > 0:
                problems.append(Problem(task.utterance_id, task.audio_path, "hard to align", _HARD))
            yield Utterance(task.utterance_id, task.audio_path, task.duration, result.tiers)


def _results(
    tasks: Sequence[_Task], dictionary: Path, audio_root: Path, processes: int
) -> Iterator[tuple[_Task, _Alignment | _Failure]]:
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


def _work(task: _Task) -> _Alignment | _Failure:
    return _aligner.align(task)


class _Aligner:
    """Decoders, and how to ask them."""

    def __init__(self, dictionary: Path, audio_root: Path) -> None:
        self.dictionary = dictionary
        self.audio_root = audio_root
        self.decoders: dict[int, object] = {}  # by place in DECODERS; made when the one before has failed

    def align(self, task: _Task) -> _Alignment | _Failure:
        try:
            waveform = read_waveform(self.audio_root / task.audio_path, task.start, task.duration)
        except AudioError as error:
            return _Failure("unreadable", str(error))
        seconds = len(waveform) / SAMPLE_RATE
        if seconds < FRAME_SECONDS:
            return _Failure("not aligned", f"{len(waveform)} samples are less than a frame")
        if task.shortest > seconds + FRAME_SECONDS:
            took = f"its {len(task.words)} words take {task.shortest:.2f} s at least, the recording {seconds:.2f} s"
            return _Failure("not aligned", f"{took}; do transcript and recording match?")
        pcm = np.clip(np.rint(waveform * 32768), -32768, 32767).astype("<i2").tobytes()
        for number in range(len(DECODERS)):
            result = self._try(number, pcm, task.words)
            if not isinstance(result, _Failure):
                break
        return result

    def _try(self, number: int, pcm: bytes, words: Sequence[str]) -> _Alignment | _Failure:
        """The alignment by one of the decoders."""
        try:
            if number not in self.decoders:
                self.decoders[number] = self._new_decoder(DECODERS[number])
            segments = self._segments(self.decoders[number], pcm, " ".join(words))
        except RuntimeError as error:
            self.decoders.pop(number, None)  # it may be unusable now
            return _Failure("not aligned", f"pocketsphinx: {error}; do transcript and recording match?")
        spoken = [_VARIANT.sub("", name) for name, *_ in segments if not name.startswith(_SILENT_WORDS)]
        if spoken != words:
            return _Failure("not aligned", f"the aligner found {len(spoken)} of {len(words)} words")
        return _Alignment(_tiers(segments), number)

    def _new_decoder(self, options: Mapping[str, object]):
        return _import_pocketsphinx().Decoder(dict=str(self.dictionary), lm=None, loglevel="FATAL", **options)

    def _segments(self, decoder, pcm: bytes, text: str) -> list[tuple]:
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

    def _pass(self, decoder, pcm: bytes) -> None:
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


def _batches(utterances: Iterator[Utterance]) -> Iterator[list[Utterance]]:
    while batch := list(islice(utterances, _UTTERANCES_PER_BATCH)):
        yield batch


def _import_pocketsphinx() -> ModuleType:
    try:
        import pocketsphinx
    except ImportError as error:
        raise _missing("pocketsphinx", error) from error
    return pocketsphinx


def _guesser(dictionary: Mapping[str, Sequence[str]]) -> Guesser:
    try:
        return Guesser(dictionary)
    except ImportError as error:
        raise _missing("hama", error) from error


def _missing(library: str, error: ImportError) -> AligningError:
    return AligningError(
        f"corpus.alignments is automatic, which needs {library}; it cannot be imported ({error}): {INSTALL}"
    )
