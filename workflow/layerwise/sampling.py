"""Seeded sample sets: which utterances, phones and words an experiment looks at, and which frames a segment covers.

Sizes and pooling are those of the paper (Pasad, Shi and Livescu 2023); its draws were not seeded, these are.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from layerwise.corpus.times import steps
from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced
from layerwise.files.csv_files import CSVError, delimiter_of, read_csv, read_text
from layerwise.files.tables import INTERVALS, read_parquet
from layerwise.files.texts import composed, folded
from layerwise.seeds import generator

log = logging.getLogger(__name__)


class SamplingError(LayerwiseError):
    """A sample set cannot be drawn."""


@dataclass(frozen=True)
class SampleSizes:
    """How much one sample set asks for: utterances (frames), instances of each phone, word types, instances of each."""

    utterances: int
    phones_per_type: int
    word_types: int
    words_per_type: int


@dataclass(frozen=True)
class SampleSet:
    """One draw: `utterances` with the columns of the corpus table, `phones` and `words` of the intervals but `tier`."""

    utterances: pd.DataFrame
    phones: pd.DataFrame
    words: pd.DataFrame


def read_word_list(path: Path, *, lower_case: bool = True) -> list[str]:
    """Words, the most frequent first: a text file with a word a line, or a CSV with a column `word`.

    Args:
        lower_case: whether they become lower case, as those of the alignments do; of `The` and `the` the first stays.

    Raises:
        SamplingError: it has no word, or one of them twice.
    """
    try:
        text = composed(read_text(path))
        if delimiter_of(text, ["word"]):
            words = [row["word"] for row in read_csv(path, ["word"]).rows.values() if row["word"]]
        else:
            words = [line.strip() for line in text.splitlines() if line.strip()]
    except CSVError as error:
        raise SamplingError(f"{error} (a list of words)") from error
    twice = [word for word, count in Counter(words).items() if count > 1]
    if not words or twice:
        raise SamplingError(
            f"{path}: {f'{twice[0]!r} stands there twice' if twice else 'there is no word in it'}; expected a word a "
            "line, or a CSV with a column 'word', the most frequent first"
        )
    kept = list(dict.fromkeys(folded(word, lower_case) for word in words))
    if kept != words:
        log.info("%s: %d words put into lower case, %d are left", path, len(set(words) - set(kept)), len(kept))
    return kept


def draw_sample(
    utterances: pd.DataFrame,
    intervals: pd.DataFrame,
    sample: int,
    seed: int,
    sizes: SampleSizes,
    ranking: Sequence[str] | None = None,
) -> SampleSet:
    """Sample set number `sample`, which depends on (seed, sample) and the tables alone, not on how many are drawn.

    Utterances are drawn from all, phones and words from all intervals of the corpus; the words are the `word_types`
    first ones of `ranking`, be they in this corpus or not, as in the paper. Where there is less than asked for, all is
    taken and a warning logged. Every table is sorted by utterance, then by start.

    Args:
        utterances: utterances.parquet.
        intervals: intervals.parquet, times in seconds.
        ranking: words, the most frequent first; None: those of `intervals`, at equal counts in alphabetical order.

    Raises:
        SamplingError: none of the words is in the corpus.
    """
    utterances = utterances.sort_values("utterance_id", ignore_index=True)
    intervals = intervals.sort_values(["utterance_id", "tier", "start"], ignore_index=True)
    phones, words = (intervals[intervals["tier"] == tier].drop(columns="tier") for tier in ("phone", "word"))
    counts = words["label"].value_counts()
    if ranking is None:
        ranking = sorted(counts.index, key=lambda label: (-counts[label], label))
    frequent = [label for label in ranking[: sizes.word_types] if label in counts.index]
    if ranking and not frequent:
        raise SamplingError(
            f"none of the {min(len(ranking), sizes.word_types)} most frequent words of the word list, such as "
            f"{ranking[0]!r}, is in the alignments, which have {', '.join(map(repr, counts.index[:3])) or 'no words'}: "
            "upper and lower case count where corpus.layout.lower_case is false (corpus.word_list)"
        )
    _warn_if_short(sample, "utterances", len(utterances), sizes.utterances)
    _warn_if_short(sample, "word types", len(frequent), sizes.word_types)

    # One generator a table: changing the size of one leaves the others as they were.
    utterance_draws, phone_draws, word_draws = (generator(seed, sample, table) for table in range(3))
    chosen = np.sort(utterance_draws.permutation(len(utterances))[: sizes.utterances])
    return SampleSet(
        utterances=utterances.iloc[chosen].reset_index(drop=True),
        phones=_draw_per_label(phones, sorted(phones["label"].unique()), sizes.phones_per_type, phone_draws, sample),
        words=_draw_per_label(words, sorted(frequent), sizes.words_per_type, word_draws, sample),
    )


def _draw_per_label(
    intervals, labels: list[str], per_label: int, draws: np.random.Generator, sample: int
) -> pd.DataFrame:
    """Up to `per_label` intervals of each label."""
    rows_of = intervals.groupby("label").indices
    drawn = [draws.permutation(rows_of[label])[:per_label] for label in labels]
    short = {label: len(rows) for label, rows in zip(labels, drawn, strict=True) if len(rows) < per_label}
    if short:
        rarest = sorted(short, key=lambda label: (short[label], label))
        listed = ", ".join(f"{label} {short[label]}" for label in rarest[:10]) + (", …" if len(rarest) > 10 else "")
        log.warning(
            "sample %d: %d of %d labels have fewer than %d instances, all are taken: %s",
            sample, len(short), len(labels), per_label, listed,
        )  # fmt: skip
    rows = np.concatenate(drawn) if drawn else np.array([], dtype=int)
    return intervals.iloc[rows].sort_values(["utterance_id", "start"], ignore_index=True)


def _warn_if_short(sample: int, what: str, there: int, asked: int) -> None:
    if there < asked:
        log.warning("sample %d: %d %s asked for, the corpus has %d: all are taken", sample, asked, what, there)


def draw_sample_tables(
    utterances: Path,
    intervals: Path,
    sample: int,
    seed: int,
    sizes: SampleSizes,
    out: dict[str, Path],
    word_list: Path | None = None,
    lower_case: bool = True,
) -> None:
    """Draw one sample set from the tables of a corpus and write its three tables (keys of `out`: as in `SampleSet`).

    Args:
        word_list, lower_case: as `read_word_list` takes them; None: the words of the corpus itself are ranked.

    Raises:
        SamplingError: the corpus has no utterance, or none of the listed words.
    """
    corpus = read_parquet(utterances, ("utterance_id",))
    if corpus.empty:
        raise SamplingError(f"{utterances} holds no utterance to draw from")
    ranking = None if word_list is None else read_word_list(Path(word_list), lower_case=lower_case)
    drawn = draw_sample(corpus, read_parquet(intervals, INTERVALS), sample, seed, sizes, ranking)
    for name, path in out.items():
        table = getattr(drawn, name)
        with replaced(Path(path)) as temporary:
            table.to_parquet(temporary, index=False)
        log.info("sample %d: %d %s", sample, len(table), name)


def segment_frames(start: float, end: float, stride_seconds: float, num_frames: int, span: str) -> tuple[int, int]:
    """The frames that a segment's vector averages, as (first, last), last exclusive.

    A word takes every frame that it touches; a phone the middle third of those, so that its neighbours weigh less. Both
    are clipped to the utterance and keep at least one frame.

    Args:
        start, end: seconds, multiples of 10 ms held in floats: 0.58 / 0.02 is 28.999… and means 29, so quotients are
            rounded to six places first (the published code takes frame 28).
        stride_seconds: seconds per frame.
        num_frames: frames of the utterance.
        span: `phone` or `word`.

    Raises:
        ValueError: `span` is neither, or the utterance has no frame.
    """
    if span not in ("phone", "word"):
        raise ValueError(f"a segment is a phone or a word, not {span!r}")
    if num_frames < 1:
        raise ValueError("an utterance without frames has no segments")
    first = math.floor(steps(start, stride_seconds))
    last = math.ceil(steps(end, stride_seconds))
    if span == "phone":
        third = (last - first + 1) // 3
        first, last = first + third, last - third
    first = min(first, num_frames - 1)
    return first, max(first + 1, min(last, num_frames))
