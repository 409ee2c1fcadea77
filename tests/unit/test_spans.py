"""Spans and poolings: each is one entry, and what is drawn of it depends on no other."""

from __future__ import annotations

import pytest

from layerwise.representations import layout
from layerwise.spans import BY_TABLE, FRAME, POOLINGS, SEGMENTS, SPANS, SampleSizes

SIZES = SampleSizes(utterances=500, phones_per_type=200, word_types=500, words_per_type=15)


def test_every_span_has_a_name_a_table_and_a_generator_of_its_own():
    assert {span.table for span in SPANS.values()} == set(BY_TABLE)
    assert len(SPANS) == len(BY_TABLE) == len({span.stream for span in SPANS.values()})
    assert (FRAME, *SEGMENTS) == tuple(SPANS.values())


def test_what_a_row_averages_in_words():
    assert {span.name: span.averaged for span in SEGMENTS} == {
        "phone": "the middle third of the phone",
        "word": "the word",
    }


@pytest.mark.parametrize(
    ("pooling", "touched", "averaged"),
    [("mean", (3, 9), (3, 9)), ("middle_third", (3, 9), (5, 7)), ("middle_third", (0, 2), (1, 1))],
)
def test_poolings(pooling, touched, averaged):
    assert POOLINGS[pooling].frames(*touched) == averaged


def test_how_many_rows_are_asked_for():
    asked = {name: (SIZES.types(span, 39), SIZES.rows(span, 39)) for name, span in SPANS.items() if span.is_segment}
    assert asked == {"phone": (39, 39 * 200), "word": (500, 500 * 15)}
    assert SIZES.rows(FRAME, 39) == 500
    assert SampleSizes.of({**vars(SIZES), "count": 3, "seed": 1}) == SIZES


def test_where_rows_lie():
    assert layout.rows_path(2, SPANS["phone"], "T3") == layout.rows_path(2, "phone", "T3") == "2/phone/T3"
    assert (layout.borders(1), layout.borders(1, layout.EVERY_10MS)) == ("1/frame/offsets", "1/frame/offsets_10ms")
    assert (layout.mel(1), layout.mel(1, layout.EVERY_10MS)) == ("1/target/mel", "1/target/mel_10ms")
