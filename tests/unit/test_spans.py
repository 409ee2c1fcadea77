"""Spans and poolings: each is one entry, and what is drawn of it depends on no other."""

from __future__ import annotations

import pytest

from layerwise.representations import layout
from layerwise.spans import BY_TABLE, FRAME, POOLINGS, SEGMENTS, SPANS, Rows, SampleSizes

SIZES = SampleSizes(utterances=500, phones_per_type=200, word_types=500, words_per_type=15)


def test_every_span_has_a_name_a_table_and_a_generator_of_its_own():
    assert {span.table for span in SPANS.values()} == set(BY_TABLE)
    assert len(SPANS) == len(BY_TABLE) == len({span.stream for span in SPANS.values()})
    assert (FRAME, *SEGMENTS) == tuple(SPANS.values())


def test_what_a_row_averages_in_words():
    assert {span.name: span.averaged for span in SEGMENTS} == {
        "phone": "the middle third of the phone",
        "word": "the word",
        "utterance": "the utterance",
    }


@pytest.mark.parametrize(
    ("pooling", "touched", "averaged"),
    [
        ("mean", (3, 9), (3, 9)),
        ("middle_third", (3, 9), (5, 7)),
        ("middle_third", (0, 2), (1, 1)),
        ("first", (3, 9), (3, 4)),
        ("centre", (3, 9), (6, 7)),
        ("centre", (3, 8), (5, 6)),
        ("last", (3, 9), (8, 9)),
        ("quarter_1", (0, 8), (0, 2)),
        ("quarter_4", (0, 8), (6, 8)),
        # Fewer than four frames repeat some: of two, the quarters take frames 0, 0, 1, 1.
        *((f"quarter_{number}", (4, 6), (4 + frame, 5 + frame)) for number, frame in ((1, 0), (2, 0), (3, 1), (4, 1))),
    ],
)
def test_poolings(pooling, touched, averaged):
    assert POOLINGS[pooling].frames(*touched) == averaged


@pytest.mark.parametrize("frames", range(1, 40))
def test_positions_in_a_segment_stay_inside_it_and_in_order(frames):
    parts = {name: pooling.frames(10, 10 + frames) for name, pooling in POOLINGS.items()}
    quarters = [parts[f"quarter_{number}"] for number in range(1, 5)]
    if frames >= 4:
        assert [first for first, _ in quarters] == [10, *(last for _, last in quarters[:-1])]  # none overlaps
    assert quarters[0][0] == 10 == parts["first"][0]
    assert quarters[-1][1] == 10 + frames == parts["last"][1]
    for name in ("first", "centre", "last", "quarter_1", "quarter_2", "quarter_3", "quarter_4"):
        first, last = parts[name]
        assert 10 <= first < last <= 10 + frames


def test_how_many_rows_are_asked_for():
    asked = {name: (SIZES.types(span, 39), SIZES.rows(span, 39)) for name, span in SPANS.items() if span.is_segment}
    assert asked == {"phone": (39, 39 * 200), "word": (500, 500 * 15), "utterance": (39, 39 * 50)}
    assert SIZES.rows(FRAME, 39) == 500
    assert SampleSizes.of({**vars(SIZES), "count": 3, "seed": 1}) == SIZES


def test_where_rows_lie():
    given = Rows("stresses", POOLINGS["centre"], "/data/stresses.csv")
    assert layout.rows_path(2, given, "T3") == "every/stresses.centre/T3"
    assert layout.rows_path(2, SPANS["phone"], "T3") == layout.rows_path(2, "phone", "T3") == "2/phone/T3"
    assert (layout.borders(1), layout.borders(1, layout.EVERY_10MS)) == ("1/frame/offsets", "1/frame/offsets_10ms")
    assert (layout.mel(1), layout.mel(1, layout.EVERY_10MS)) == ("1/target/mel", "1/target/mel_10ms")
