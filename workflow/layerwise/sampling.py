"""Seeded sample sets: which utterances, phones and words an experiment looks at, and which frames a segment averages.

Sizes and pooling are those of the paper (Pasad, Shi and Livescu 2023); its draws were not seeded, these are.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from layerwise.corpus.times import steps
from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced
from layerwise.files.csv_files import CSVError, delimiter_of, read_csv, read_text
from layerwise.files.own_tables import INTERVALS, read_parquet
from layerwise.files.texts import composed, folded
from layerwise.seeds import generator
from layerwise.spans import BY_TABLE, FRAME, POOLINGS, SEGMENTS, SPANS, TIERS, SampleSizes, Span

log = logging.getLogger(__name__)


class SamplingError(LayerwiseError):
    """A sample set cannot be drawn."""


@dataclass(frozen=True)
class SampleSet:
    """One draw, a table for each span; `utterances` has the columns of the corpus table, others those of intervals.

    `whole_utterances` are utterances as segments, from 0 to their duration, labelled by their speaker.
    """

    utterances: pd.DataFrame
    phones: pd.DataFrame
    words: pd.DataFrame
    whole_utterances: pd.DataFrame


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
    wanted: Collection[str] = tuple(SPANS),
) -> SampleSet:
    """Sample set number `sample`, which depends on (seed, sample) and the tables alone, not on how many are drawn.

    Utterances are drawn from all, phones and words from all intervals of the corpus; the words are the `word_types`
    first ones of `ranking`, whether or not this corpus has them, as in the paper. Whole utterances are drawn from all,
    for each speaker. Where there is less than asked for, all is taken and a warning logged. Every table is sorted by
    utterance, then by start.

    Args:
        utterances: utterances.parquet.
        intervals: intervals.parquet, times in seconds.
        ranking: words, the most frequent first; None: those of `intervals`, at equal counts in alphabetical order.
        wanted: names of the spans that are asked about; a shortage of others is no warning.

    Raises:
        SamplingError: none of the words is in the corpus.
    """
    utterances = utterances.sort_values("utterance_id", ignore_index=True)
    _say_if_short(_level(FRAME, wanted), sample, FRAME.table, len(utterances), sizes.utterances)
    drawn = {FRAME.table: draw_utterances(utterances, sample, seed, sizes)}
    for span in SEGMENTS:
        drawn[span.table] = draw_segments(
            segments_of(span, utterances, intervals), span, sample, seed, sizes, ranking, wanted
        )
    return SampleSet(**drawn)


def draw_utterances(utterances: pd.DataFrame, sample: int, seed: int, sizes: SampleSizes) -> pd.DataFrame:
    """The utterances of a sample set whose frames are taken, of those of the corpus in order of their names."""
    # One generator a span: changing the size of one leaves the others as they were.
    draws = generator(seed, sample, FRAME.stream)
    return utterances.iloc[np.sort(draws.permutation(len(utterances))[: sizes.utterances])].reset_index(drop=True)


def segments_of(span: Span, utterances: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """All that a corpus has of a span: utterance_id, label, start, end; sorted by utterance and start."""
    if span not in TIERS:
        return whole_utterances(utterances.sort_values("utterance_id", ignore_index=True))
    mine = intervals[intervals["tier"] == span.name].drop(columns="tier")
    return mine.sort_values(["utterance_id", "start"], ignore_index=True)


def draw_segments(
    segments: pd.DataFrame,
    span: Span,
    sample: int,
    seed: int,
    sizes: SampleSizes,
    ranking: Sequence[str] | None = None,
    wanted: Collection[str] = tuple(SPANS),
) -> pd.DataFrame:
    """The segments of a sample set, of those that `segments_of` gives; `ranking` and `wanted` as in `draw_sample`.

    Raises:
        SamplingError: none of the words is in the corpus.
    """
    level = _level(span, wanted)
    labels = _labels(segments["label"], span, sizes, ranking, sample, level)
    each = getattr(sizes, span.rows_key)
    return _draw_per_label(segments, labels, each, generator(seed, sample, span.stream), sample, span, level)


def rare_types(
    segments: pd.DataFrame, span: Span, sizes: SampleSizes, ranking: Sequence[str] | None = None
) -> tuple[pd.Series, int]:
    """The labels that `min_per_type` leaves out, and how often each occurs: by label, the rarest first.

    Speakers are no types: those with few recordings stay. Nor do words count that are not asked for anyway.

    Args:
        ranking: as `draw_sample` takes it.

    Returns:
        The counts, and the number of all labels of which they are left out.
    """
    counts = _candidates(segments["label"].value_counts(), span, sizes, ranking)
    rare = counts[counts < sizes.min_per_type] if span in TIERS else counts[:0]
    return rare.sort_index().sort_values(kind="stable"), len(counts)


def _candidates(counts: pd.Series, span: Span, sizes: SampleSizes, ranking: Sequence[str] | None) -> pd.Series:
    """The counts of those labels that are asked for: all, or the most frequent ones."""
    if span.types_key is None:
        return counts
    wanted = (ranked_words(counts) if ranking is None else list(ranking))[: sizes.types(span, 0)]
    return counts[[label for label in wanted if label in counts.index]]


def ranked_words(counts: pd.Series) -> list[str]:
    """Words by how often they occur, at equal counts in alphabetical order; `counts`: by word."""
    return counts.sort_index().sort_values(ascending=False, kind="stable").index.tolist()


def whole_utterances(utterances: pd.DataFrame) -> pd.DataFrame:
    """Utterances as segments: utterance_id, label (the speaker), start (0), end (the duration)."""
    return pd.DataFrame(
        {
            "utterance_id": utterances["utterance_id"],
            "label": utterances["speaker_id"],
            "start": 0.0,
            "end": utterances["duration"],
        }
    )


def _level(span: Span, wanted: Collection[str]) -> int:
    """How loudly a shortage of a span is told."""
    return logging.WARNING if span.name in wanted else logging.INFO


def _labels(
    labels: pd.Series, span: Span, sizes: SampleSizes, ranking: Sequence[str] | None, sample: int, level: int
) -> list[str]:
    """The labels that are drawn: all, or the most frequent ones; without those that are too rare."""
    counts, least = labels.value_counts(), sizes.min_per_type if span in TIERS else 1
    asked = _candidates(counts, span, sizes, ranking)
    if span.types_key is not None:
        if ranking and asked.empty:
            there = ", ".join(map(repr, counts.index[:3])) or "no words"
            raise SamplingError(
                f"none of the {min(len(ranking), sizes.types(span, 0))} most frequent words of the word list, such as "
                f"{ranking[0]!r}, is in the alignments, which have {there}: upper and lower case count where "
                "corpus.layout.lower_case is false (corpus.word_list)"
            )
        _say_if_short(level, sample, f"{span.name} types", len(asked), sizes.types(span, 0))
    common = asked[asked >= least]
    if len(common) < len(asked):
        log.log(
            logging.INFO if len(common) else level,
            "sample %d: %d of %d %s types occur fewer than %d times, and are left out (samples.min_per_type)",
            sample, len(asked) - len(common), len(asked), span.name, least,
        )  # fmt: skip
    return sorted(common.index)


def _draw_per_label(
    intervals: pd.DataFrame,
    labels: list[str],
    per_label: int,
    draws: np.random.Generator,
    sample: int,
    span: Span,
    level: int,
) -> pd.DataFrame:
    """Up to `per_label` intervals of each label."""
    places = np.flatnonzero(intervals["label"].isin(labels))  # of most corpora's words a few are drawn
    rows_of = {label: places[rows] for label, rows in intervals.iloc[places].groupby("label").indices.items()}
    drawn = [draws.permutation(rows_of[label])[:per_label] for label in labels]
    short = {label: len(rows) for label, rows in zip(labels, drawn, strict=True) if len(rows) < per_label}
    if short:
        rarest = sorted(short, key=lambda label: (short[label], label))
        listed = ", ".join(f"{label} {short[label]}" for label in rarest[:10]) + (", …" if len(rarest) > 10 else "")
        log.log(
            level,
            "sample %d: %d of %d %s have fewer than %d %s, all are taken: %s",
            sample, len(short), len(labels), span.labels, per_label, span.instances, listed,
        )  # fmt: skip
    rows = np.concatenate(drawn) if drawn else np.array([], dtype=int)
    return intervals.iloc[rows].sort_values(["utterance_id", "start"], ignore_index=True)


def _say_if_short(level: int, sample: int, what: str, there: int, asked: int) -> None:
    if there < asked:
        log.log(level, "sample %d: %d %s asked for, the corpus has %d: all are taken", sample, asked, what, there)


def draw_sample_tables(
    utterances: Path,
    intervals: Path,
    sample: int,
    seed: int,
    sizes: SampleSizes,
    out: dict[str, Path],
    word_list: Path | None = None,
    lower_case: bool = True,
    wanted: Collection[str] = tuple(SPANS),
) -> None:
    """Draw one sample set from the tables of a corpus and write its tables (keys of `out`: as in `SampleSet`).

    Args:
        word_list, lower_case: as `read_word_list` takes them; None: the words of the corpus itself are ranked.
        wanted: as `draw_sample` takes it.

    Raises:
        SamplingError: the corpus has no utterance, or none of the listed words.
    """
    corpus = read_parquet(utterances, ("utterance_id", "speaker_id", "duration"))
    if corpus.empty:
        raise SamplingError(f"{utterances} holds no utterance to draw from")
    ranking = None if word_list is None else read_word_list(Path(word_list), lower_case=lower_case)
    drawn = draw_sample(corpus, read_parquet(intervals, INTERVALS), sample, seed, sizes, ranking, wanted)
    for name, path in out.items():
        table = getattr(drawn, BY_TABLE[name].table)
        with replaced(Path(path)) as temporary:
            table.to_parquet(temporary, index=False)
        log.info("sample %d: %d %s", sample, len(table), name)


def segment_frames(start: float, end: float, stride_seconds: float, num_frames: int, span: str) -> tuple[int, int]:
    """The frames that a segment's vector averages, as (first, last), last exclusive.

    Of the frames that it touches, its pooling says which: a word's all, a phone's middle third. They are clipped to the
    utterance, and at least one is kept.

    Args:
        start, end: seconds, multiples of 10 ms held in floats: 0.58 / 0.02 is 28.999… and means 29, so quotients are
            rounded to six places first (the published code takes frame 28).
        stride_seconds: seconds per frame.
        num_frames: frames of the utterance.
        span: name of a segment in `SPANS`, whose own pooling is taken, such as `phone` or `word`; or of a pooling.

    Raises:
        ValueError: `span` is none of them, or the utterance has no frame.
    """
    pooling = POOLINGS.get(span) or (SPANS[span].pooling if span in SPANS else None)
    if pooling is None:
        names = [*(known.name for known in SEGMENTS), *POOLINGS]
        raise ValueError(f"{span!r} is neither a segment nor a pooling; expected one of {', '.join(names)}")
    if num_frames < 1:
        raise ValueError("an utterance without frames has no segments")
    touched = math.floor(steps(start, stride_seconds)), math.ceil(steps(end, stride_seconds))
    first, last = pooling.frames(*touched)
    first = min(first, num_frames - 1)
    return first, max(first + 1, min(last, num_frames))
