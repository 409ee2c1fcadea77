"""Spans and poolings: what a row of a representation stands for, and which frames it averages.

Sampling, extraction, scoring and the tables iterate over `SPANS`. A new span is an entry here, with a table of that
name in `layerwise.sampling.SampleSet` and the numbers that it asks for in `SampleSizes`. Rows may also be segments of a
table of the user's: `Rows` is either.
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


def _frame_at(halves: int) -> Callable[[int, int], tuple[int, int]]:
    """The frame at 0, 1 or 2 halves of a segment: of n frames that of number floor(q · (n − 1) + ½)."""

    def frames(first: int, last: int) -> tuple[int, int]:
        place = first + (halves * max(last - first - 1, 0) + 1) // 2
        return place, place + 1

    return frames


def _quarter(number: int) -> Callable[[int, int], tuple[int, int]]:
    """A quarter of a segment, 1 to 4; of fewer than four frames, quarters share them."""

    def frames(first: int, last: int) -> tuple[int, int]:
        n = max(last - first, 1)
        begin = (number - 1) * n // 4
        return first + begin, first + max(begin + 1, number * n // 4)

    return frames


POOLINGS = {
    pooling.name: pooling
    for pooling in (
        Pooling("mean", "the {}", lambda first, last: (first, last)),
        Pooling("middle_third", "the middle third of the {}", _middle_third),  # neighbours weigh less
        # Where in a word is it known? Positions as Pasad, Chien, Settle and Livescu (TACL 2024) name them.
        Pooling("first", "the first frame of the {}", _frame_at(0)),
        Pooling("centre", "the centre frame of the {}", _frame_at(1)),
        Pooling("last", "the last frame of the {}", _frame_at(2)),
        *(
            Pooling(f"quarter_{number}", f"the {place} quarter of the {{}}", _quarter(number))
            for number, place in enumerate(("first", "second", "third", "last"), start=1)
        ),
    )
}
MEAN = POOLINGS["mean"]


@dataclass(frozen=True)
class Span:
    """What a row stands for: a frame, a segment of the alignments, or a whole utterance.

    Attributes:
        name: the folder of its rows in a representation file; of a segment also its tier in the alignments.
        table: name of its table in a sample set.
        stream: number of the random generator that draws its rows. Another number is another draw.
        pooling: which frames of a segment are averaged; None: the rows are frames.
        rows_key: the number under `samples` that says how many are drawn: utterances for frames, else instances of each
            label.
        types_key: the number under `samples` that says how many labels are drawn, the most frequent ones first; None:
            all.
        labels, instances: what its labels and their rows are called, for messages.
    """

    name: str
    table: str
    stream: int
    rows_key: str
    pooling: Pooling | None = None
    types_key: str | None = None
    labels: str = "labels"
    instances: str = "instances"

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
        Span("word", "words", 2, "words_per_type", MEAN, "word_types"),
        Span("utterance", "whole_utterances", 3, "utterances_per_speaker", MEAN, None, "speakers", "utterances"),
    )
}
FRAME = next(span for span in SPANS.values() if not span.is_segment)
SEGMENTS = tuple(span for span in SPANS.values() if span.is_segment)
TIERS = tuple(span for span in SEGMENTS if span.name in ("phone", "word"))  # whose segments are intervals
BY_TABLE = {span.table: span for span in SPANS.values()}


@dataclass(frozen=True)
class Rows:
    """What the rows of a matrix stand for: a span or a table of the user's, and how its frames are pooled.

    Attributes:
        of: name of a span, or of a table of segments.
        pooling: which frames of a segment are averaged; None: the rows are frames.
        table: path of the table of segments; "": `of` is a span.
    """

    of: str
    pooling: Pooling | None
    table: str = ""

    @property
    def of_segments(self) -> bool:
        return self.pooling is not None

    @property
    def span(self) -> Span | None:
        """The span; None: the rows are those of the user's table."""
        return None if self.table else SPANS[self.of]

    @property
    def is_standard(self) -> bool:
        """Whether every extraction writes them."""
        return self.span is not None and self.pooling == self.span.pooling

    @property
    def folder(self) -> str:
        """The folder of the rows in a representation file: `word`, `word.centre`, `stresses.mean`."""
        return self.of if self.is_standard or self.pooling is None else f"{self.of}.{self.pooling.name}"

    @property
    def called(self) -> str:
        """What a row is called, in words."""
        return self.of if self.span else "segment"

    @property
    def averaged(self) -> str:
        """What a row of a segment averages, in words."""
        return (self.pooling or MEAN).part.format(self.called)


STANDARD = {span.name: Rows(span.name, span.pooling) for span in SPANS.values()}


@dataclass(frozen=True)
class SampleSizes:
    """How much one sample set asks for: utterances (frames), instances of each phone, word types, instances of each,
    and whole utterances of each speaker. Phones and words that a corpus has fewer than `min_per_type` of are left out.
    """

    utterances: int
    phones_per_type: int
    word_types: int
    words_per_type: int
    utterances_per_speaker: int = 50
    min_per_type: int = 1

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
