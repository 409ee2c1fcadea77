"""Spans and poolings: what a row of a representation stands for, and which frames it averages.

Sampling, extraction, scoring and the tables iterate over `SPANS`. A new span is an entry here, with a table of that
name in `layerwise.sampling.SampleSet` and the numbers that it asks for in `SampleSizes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Pooling:
    """How the frames of a segment become one row: the mean of all of them, or of a part.

    Attributes:
        part: what is averaged, in words; `{}` is the span.
        frames: (first, last) of the frames that a segment touches to those that are averaged; last exclusive.
    """

    name: str
    part: str
    frames: Callable[[int, int], tuple[int, int]]


def _middle_third(first: int, last: int) -> tuple[int, int]:
    third = (last - first + 1) // 3
    return first + third, last - third


POOLINGS = {
    pooling.name: pooling
    for pooling in (
        Pooling("mean", "the {}", lambda first, last: (first, last)),
        Pooling("middle_third", "the middle third of the {}", _middle_third),  # neighbours weigh less
    )
}


@dataclass(frozen=True)
class Span:
    """What a row stands for: a frame, or a segment of the alignments.

    Attributes:
        name: the folder of its rows in a representation file; of a segment also its tier in the alignments.
        table: name of its table in a sample set.
        stream: number of the random generator that draws its rows. Another number is another draw.
        pooling: which frames of a segment are averaged; None: the rows are frames.
        rows_key: the number under `samples` that says how many are drawn: utterances for frames, else instances of each
            label.
        types_key: the number under `samples` that says how many labels are drawn, the most frequent ones first; None:
            all.
    """

    name: str
    table: str
    stream: int
    rows_key: str
    pooling: Pooling | None = None
    types_key: str | None = None

    @property
    def is_segment(self) -> bool:
        return self.pooling is not None

    @property
    def averaged(self) -> str:
        """What a row of a segment averages, in words."""
        return self.pooling.part.format(self.name)


SPANS = {
    span.name: span
    for span in (
        Span("frame", "utterances", 0, "utterances"),
        Span("phone", "phones", 1, "phones_per_type", POOLINGS["middle_third"]),
        Span("word", "words", 2, "words_per_type", POOLINGS["mean"], "word_types"),
    )
}
FRAME = next(span for span in SPANS.values() if not span.is_segment)
SEGMENTS = tuple(span for span in SPANS.values() if span.is_segment)
BY_TABLE = {span.table: span for span in SPANS.values()}


@dataclass(frozen=True)
class SampleSizes:
    """How much one sample set asks for: utterances (frames), instances of each phone, word types, instances of each."""

    utterances: int
    phones_per_type: int
    word_types: int
    words_per_type: int

    @classmethod
    def of(cls, samples: Mapping) -> SampleSizes:
        """The sizes among the keys of `samples` in the configuration."""
        return cls(**{field.name: samples[field.name] for field in fields(cls)})

    def types(self, span: Span, there: int) -> int:
        """How many labels of a segment are asked for; `there`: how many there are, where all are."""
        return there if span.types_key is None else getattr(self, span.types_key)

    def rows(self, span: Span, there: int) -> int:
        """How many rows of a span are asked for; `there` as `types` takes it."""
        each = getattr(self, span.rows_key)
        return each * self.types(span, there) if span.is_segment else each
