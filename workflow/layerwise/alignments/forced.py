"""Forced alignment: phone and word times made from audio and transcripts, for a corpus that comes without them.

The aligner is pocketsphinx (`layerwise.alignments.aligner`), with the acoustic model and the dictionary of US English
that its wheel holds. Words that the dictionary lacks get a pronunciation from
`layerwise.alignments.guessed_pronunciations`. What is made is cleaned as alignments from elsewhere are, and goes to the
same two tables.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from itertools import islice
from pathlib import Path
from types import ModuleType

from layerwise.alignments.aligner import (
    Failure,
    Task,
    import_pocketsphinx,
    missing_library,
    results_of,
    shortest_seconds,
    write_dictionary,
)
from layerwise.alignments.cleaning import clean
from layerwise.alignments.columns import PLAIN_TIERS, Utterance
from layerwise.alignments.guessed_pronunciations import Guesser
from layerwise.alignments.index import write_intervals
from layerwise.alignments.phones import PhoneSet
from layerwise.alignments.pronunciations import read_pronunciations
from layerwise.alignments.transcript_words import words_of
from layerwise.corpus.problems import Problem
from layerwise.errors import shown
from layerwise.files.own_tables import read_parquet

log = logging.getLogger(__name__)

_UTTERANCES_PER_BATCH = 256
_NAMED_IN_LOG = 20
_HARD = "kept; aligned with wider beams only: noise, or another's transcript?"


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
    pocketsphinx = import_pocketsphinx()
    table = read_parquet(utterances, ("utterance_id", "audio_path", "start", "duration", "text"))
    table = table.sort_values("utterance_id")
    dictionary = _dictionary(pocketsphinx, pronunciations)
    guess = _guesser(dictionary)
    used: dict[str, list[str]] = {}
    tasks: list[Task] = []
    problems: list[Problem] = []
    for row in table.itertuples(index=False):
        words, unknown = words_of(row.text, dictionary, guess)
        if unknown:
            problems.append(Problem(row.utterance_id, row.audio_path, "no pronunciation", _named(unknown)))
        elif not words:
            problems.append(Problem(row.utterance_id, row.audio_path, "empty transcript", f"no word in {row.text!r}"))
        else:
            used |= {word: dictionary.get(word) or guess(word) for word in words}
            shortest = shortest_seconds(used[word] for word in words)
            tasks.append(Task(row.utterance_id, row.audio_path, row.start, row.duration, words, shortest))
    guessed = {word: variants for word, variants in used.items() if word not in dictionary}
    log.info(
        "pocketsphinx %s: %d of %d utterances, %d words; hama %s: %d of these words have no pronunciation and get one",
        *(metadata.version("pocketsphinx"), len(tasks), len(table), len(used), metadata.version("hama"), len(guessed)),
    )
    results = _noting(guessed, _aligned(tasks, dict(sorted(used.items())), audio_root, processes, problems), problems)
    cleaned = (clean(batch, PLAIN_TIERS, phones) for batch in _batches(results))
    write_intervals(cleaned, problems, phones, intervals_out, problems_out, "no utterance could be aligned")


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


def _noting(
    guessed: Mapping[str, Sequence[str]], utterances: Iterable[Utterance], problems: list[Problem]
) -> Iterator[Utterance]:
    """The utterances as they are; `problems` and the log get what was guessed in them."""
    intervals: Counter[str] = Counter()
    noted = 0
    for utterance in utterances:
        words = utterance.tiers[0].labels
        if found := Counter(word for word in words if word is not None and word in guessed):
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
    tasks: Sequence[Task],
    dictionary: Mapping[str, Sequence[str]],
    audio_root: Path,
    processes: int,
    problems: list[Problem],
) -> Iterator[Utterance]:
    """The alignment of each task that succeeds, in their order; `problems` get the others."""
    with tempfile.TemporaryDirectory() as folder:
        # The words in use alone, so that a decoder starts in no time after a failure.
        path = Path(folder) / "words.dict"
        write_dictionary(dictionary, path)
        for task, result in results_of(tasks, path, audio_root, processes):
            if isinstance(result, Failure):
                problems.append(Problem(task.utterance_id, task.audio_path, *result))
                continue
            if result.decoder > 0:
                problems.append(Problem(task.utterance_id, task.audio_path, "hard to align", _HARD))
            yield Utterance(task.utterance_id, task.audio_path, task.duration, result.tiers)


def _batches(utterances: Iterator[Utterance]) -> Iterator[list[Utterance]]:
    while batch := list(islice(utterances, _UTTERANCES_PER_BATCH)):
        yield batch


def _guesser(dictionary: Mapping[str, Sequence[str]]) -> Guesser:
    try:
        return Guesser(dictionary)
    except ImportError as error:
        raise missing_library("hama", error) from error
