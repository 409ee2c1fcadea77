"""`samples: auto`: sizes of sample sets that a corpus allows, chosen from its tables alone.

Neither models nor questions nor `cca` have a say, as a change of them must not draw other samples, and so extract every
layer again. Instead a sample set shall do for the widest of layers. CCA needs more training rows than both views have
dimensions, and its held-out folds more rows than directions; of ten folds, eight train and one is held out (the
defaults of `cca`). Whether that is enough for what is asked is then said by `layerwise.experiment.samples.check`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from layerwise.errors import LayerwiseError
from layerwise.experiment.samples.sizes import PAPER, in_a_line, write_sizes
from layerwise.files.own_tables import INTERVALS, read_parquet
from layerwise.sampling import ranked_words, read_word_list, segments_of
from layerwise.spans import TIERS, SampleSizes

log = logging.getLogger(__name__)

SECONDS = 3600  # of frames, as in the paper: 500 utterances of LibriSpeech
FEWEST_SECONDS = 600  # of which a tenth has 3,000 frames of 20 ms, more than any layer has dimensions
FEWEST_UTTERANCES = 50  # of frames, however long they are: other recordings are another chance level
ROWS = 8000  # of phones and of words, about as many as in the paper: more types are drawn less often than there
SPEAKER_ROWS = 2000  # whole utterances: each is a pass over all of its audio
FEWEST = (15, 10, 5, 3)  # of each word; of three, one is left to train on when two folds are taken away
FEWEST_PHONES = (10, 5, 3)
KEPT = 0.95  # of all phones, at least, are of types that are not left out
WIDEST = 1280  # dimensions of the widest layers that are in use
_TRAIN, _TEST = 0.8, 0.1
_SPREAD = 1.5  # rows by which a held-out fold may be smaller than the mean, for the root of the types


class NothingToDrawError(LayerwiseError):
    """A corpus has no utterances, so that no size fits."""


@dataclass(frozen=True)
class Chosen:
    """Sizes, and of each what it gives, in words."""

    sizes: SampleSizes
    gives: Mapping[str, str]


def choose_sizes(
    utterances: pd.DataFrame,
    intervals: pd.DataFrame,
    ranking: Sequence[str] | None = None,
    given: Mapping[str, int] | None = None,
) -> Chosen:
    """Sizes that fit a corpus.

    Args:
        utterances, intervals: as utterances.parquet and intervals.parquet have them.
        ranking: words, the most frequent first; None: those of `intervals`.
        given: sizes that are fixed; the others are chosen with them.

    Raises:
        NothingToDrawError: there is no utterance.
    """
    if utterances.empty:
        raise NothingToDrawError("samples: auto: the corpus has no utterance to draw from (corpus/audio_problems.csv)")
    given = dict(given or {})
    phones, words = (segments_of(span, utterances, intervals)["label"].value_counts() for span in TIERS)
    frequent = words.reindex((ranked_words(words) if ranking is None else list(ranking))[: PAPER.word_types]).dropna()
    phone_least, (word_types, word_least) = _fewest_phones(phones), _word_types(frequent)
    known = [least for counts, least in ((phones, phone_least), (frequent, word_least)) if len(counts)]
    least = given.get("min_per_type", min(known, default=1))
    drawn_words = frequent[: given.get("word_types", word_types)]
    counts = {
        "phones_per_type": phones[phones >= least],
        "words_per_type": drawn_words[drawn_words >= least],
        "utterances_per_speaker": utterances["speaker_id"].value_counts(),
    }
    rows = {"utterances_per_speaker": SPEAKER_ROWS}
    found = {
        "utterances": _utterances(utterances["duration"].to_numpy(float)),
        **{key: each_of(of.to_numpy(), getattr(PAPER, key), rows.get(key, ROWS)) for key, of in counts.items()},
        "word_types": word_types,
        "min_per_type": least,
    }
    sizes = SampleSizes(**(found | given))
    return Chosen(sizes, _gives(sizes, utterances, phones, drawn_words, counts))


def each_of(counts: np.ndarray, usual: int, rows: int) -> int:
    """How many of each type: as usual, or less if so many rows are had with less, or more if layers need more rows.

    All types have the same number, as far as they have it, and sample sets differ, as far as there is a choice.

    Args:
        counts: (types,) how often each occurs.
    """
    if not counts.size:
        return usual
    return max(_each_for(counts, needed_rows(len(counts))), min(usual, _each_for(counts, rows)))


def needed_rows(types: int) -> int:
    """The rows that the widest layers need, of so many types."""
    return max(math.floor((WIDEST + types) / _TRAIN) + 1, math.ceil(_fair_rows(types)))


def _fair_rows(types: int) -> float:
    """The rows of so many types whose smallest held-out fold has as many rows as there are types.

    Folds share each type evenly, but for a remainder of less than one row. Over all types these remainders have a
    standard deviation of at most half a row for the root of the types; three of it are allowed for.
    """
    return (types + _SPREAD * math.sqrt(types)) / _TEST


def _each_for(counts: np.ndarray, rows: int) -> int:
    """The fewest of each type that make so many rows, with two digits; all, if the types have fewer."""
    low, high = 1, int(counts.max())
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if np.minimum(counts, middle).sum() >= rows else (middle + 1, high)
    step = 10 ** max(0, int(math.log10(low)) - 1)
    return min(int(counts.max()), -(-low // step) * step)


def _utterances(durations: np.ndarray) -> int:
    """As many as an hour has, or half of a smaller corpus, so that sample sets differ; but not too few."""
    mean = max(float(durations.mean()), 1e-3)
    few = max(FEWEST_UTTERANCES, math.ceil(FEWEST_SECONDS / mean))
    return min(len(durations), max(few, min(len(durations) // 2, math.ceil(SECONDS / mean))))


def _fewest_phones(counts: pd.Series) -> int:
    """How often a phone has to occur, if nearly all segments are to stay."""
    for least in FEWEST_PHONES:
        if counts[counts >= least].sum() >= KEPT * counts.sum():
            return least
    return FEWEST_PHONES[-1] if (counts >= FEWEST_PHONES[-1]).sum() > 1 else 1


def _word_types(counts: pd.Series) -> tuple[int, int]:
    """How many words to take, and how often each has to occur: many words, but frequent ones if they give rows enough.

    Args:
        counts: of words of the ranking that the corpus has, in its order.
    """
    best, most = (max(2, min(PAPER.word_types, len(counts))), 1), 0
    for least in FEWEST:
        places = 1 + np.flatnonzero(counts.to_numpy() >= least)
        rows = np.cumsum(counts.to_numpy()[places - 1])
        types = np.arange(1, len(rows) + 1)
        if enough := [n for n in types[1:] if rows[n - 1] >= needed_rows(n)]:
            return int(places[enough[-1] - 1]), least
        # Too few for the widest layers: as many rows as there are, if not more directions than held-out rows.
        fair = [n for n in types[1:] if rows[n - 1] >= _fair_rows(n)]
        if fair and rows[fair[-1] - 1] > most:
            best, most = (int(places[fair[-1] - 1]), least), rows[fair[-1] - 1]
    return best


def _gives(
    sizes: SampleSizes,
    utterances: pd.DataFrame,
    phones: pd.Series,
    words: pd.Series,
    counts: Mapping[str, pd.Series],
) -> dict[str, str]:
    drawn = {key: int(np.minimum(of, getattr(sizes, key)).sum()) for key, of in counts.items()}
    hours = sizes.utterances * float(utterances["duration"].mean()) / 3600
    rare = sum(int((of < sizes.min_per_type).sum()) for of in (phones, words))
    of_phones, of_words, speakers = map(len, counts.values())
    return {
        "utterances": f"of {len(utterances)}: about {hours:.2g} hours of frames",
        "phones_per_type": f"{drawn['phones_per_type']} segments of {of_phones} phones",
        "word_types": f"the most frequent ones, {of_words} of which are frequent enough",
        "words_per_type": f"{drawn['words_per_type']} segments of {of_words} words",
        "utterances_per_speaker": f"{drawn['utterances_per_speaker']} recordings of {speakers} speakers",
        "min_per_type": f"leaves out {rare} phones and words (corpus/rare_types.csv)",
    }


def write_chosen_sizes(
    utterances: Path,
    intervals: Path,
    given: Mapping[str, int],
    out: Path,
    word_list: Path | None = None,
    lower_case: bool = True,
) -> None:
    """Choose sizes from the tables of a corpus, and say which on the terminal and in a file.

    Args:
        word_list, lower_case: as `layerwise.sampling.read_word_list` takes them.

    Raises:
        NothingToDrawError: there is no utterance.
    """
    chosen = read_and_choose(utterances, intervals, given, word_list, lower_case)
    write_sizes(chosen.sizes, chosen.gives, out)
    # A warning is what reaches the terminal.
    log.warning("samples: auto takes %s (%s)", in_a_line(chosen.sizes), out)
    for key, gives in chosen.gives.items():
        log.info("samples.%s: %d: %s", key, getattr(chosen.sizes, key), gives)


def read_and_choose(
    utterances: Path,
    intervals: Path,
    given: Mapping[str, int],
    word_list: Path | None = None,
    lower_case: bool = True,
) -> Chosen:
    """The same, without saying so."""
    return choose_sizes(
        read_parquet(utterances, ("utterance_id", "speaker_id", "duration")),
        read_parquet(intervals, INTERVALS),
        None if word_list is None else read_word_list(word_list, lower_case=lower_case),
        given,
    )
