"""Items of ABX: files, columns, frames, and phones of alignments."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.scoring.measures.abx_items import (
    COLUMNS,
    Items,
    ItemsError,
    NoItemsError,
    items_of,
    items_of_phones,
    read_items,
    shuffled_phones,
)

HEADER = " ".join(COLUMNS)
LINES = [
    HEADER,
    "200-1-0000 0.0000 0.3100 B AA EH 200",
    "200-1-0000 0.1100 0.3900 EH B D 200",
    "",
    "201-1-0000 0.1100 0.3900 EH B D 201",
]


def written(tmp_path, lines):
    path = tmp_path / "made.item"
    path.write_text("\n".join(lines) + "\n")
    return path


def same(one, other):
    return all((a == b).all() for a, b in zip(vars(one).values(), vars(other).values(), strict=True))


def test_an_item_file(tmp_path):
    items = read_items(written(tmp_path, LINES))
    assert len(items) == 3
    assert items.file.tolist() == ["200-1-0000", "200-1-0000", "201-1-0000"]
    assert (items.onset.tolist(), items.offset.tolist()) == ([0, 0.11, 0.11], [0.31, 0.39, 0.39])
    assert (items.previous[0], items.phone[0], items.following[0]) == ("AA", "B", "EH")
    assert items.speaker.tolist() == ["200", "200", "201"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["file onset"], "made.item: the first line of an item file is '#file onset .* not 'file onset'"),
        ([HEADER, "a 0 1 B"], "line 2 has 4 cells, an item has 7"),
        ([HEADER, "a 0 one B A E 1"], "made.item: the offset of an item is no number"),
    ],
)
def test_files_that_are_no_item_files(tmp_path, lines, said):
    with pytest.raises(ItemsError, match=said):
        read_items(written(tmp_path, lines))


def test_a_file_without_items(tmp_path):
    with pytest.raises(NoItemsError, match=r"made.item: there are 0 items"):
        read_items(written(tmp_path, [HEADER]))


def columns(**changed):
    made = {
        "#file": ["f", "g"],
        "onset": [0.1, 0.2],
        "offset": [0.2, 0.3],
        "#phone": ["P", "T"],
        "prev-phone": ["A", "A"],
        "next-phone": ["E", "E"],
        "speaker": [1, 2],
    }
    return made | changed


def test_columns_by_any_of_their_names():
    expected = items_of(columns())
    plain = {name.lstrip("#").replace("-", "_"): column for name, column in columns().items()}
    assert same(items_of(plain), expected)
    assert same(items_of(pd.DataFrame(columns())), expected)
    assert items_of(expected) is expected
    assert expected.speaker.tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"speaker": [1]}, "differ in length: .*speaker 1"),
        ({"onset": [0.1, float("nan")]}, "the onset of 1 of 2 items is no finite number"),
        ({"onset": [0.1, 0.3]}, "1 of 2 items do not end after they begin.* g, goes from 0.3 to 0.3 s"),
        ({"onset": [-0.1, 0.1]}, "1 of 2 items .* f, goes from -0.1 to 0.2 s"),
    ],
)
def test_columns_that_are_no_items(changed, said):
    with pytest.raises(ItemsError, match=said):
        items_of(columns(**changed))


def test_a_missing_column():
    without = {name: column for name, column in columns().items() if name != "prev-phone"}
    with pytest.raises(ItemsError, match="items lack the column prev-phone; they have #file, #phone"):
        items_of(without)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from(["0.02", "0.01", "0.04", "0.025"]))
def test_frames_by_decimals(onset, length, stride):
    """Times of a whole number of 10 µs, as item files have at most; many lie at the middle of a frame."""
    times = [Decimal(onset) / 10**5, Decimal(onset + length) / 10**5]
    low, high = (time / Decimal(stride) - Decimal("0.5") for time in times)
    expected = int(low.to_integral_value(ROUND_CEILING)), int(high.to_integral_value(ROUND_FLOOR)) + 1
    items = Items(np.array(["f"]), *(np.array([float(time)]) for time in times), *(np.array(["P"]) for _ in range(4)))
    first, last = items.frames(float(stride))
    assert (int(first[0]), int(last[0])) == (max(expected[0], 0), expected[1])


def test_both_borders_of_an_item_count():
    items = items_of(columns(onset=[0.03, 0.031], offset=[0.07, 0.069]))
    first, last = items.frames()
    assert (first.tolist(), last.tolist()) == ([1, 2], [4, 3])


def test_frames_without_a_stride():
    with pytest.raises(ItemsError, match="frames every 0 s"):
        items_of(columns()).frames(0.0)


PHONES = [
    ("u", "A", 0.0, 0.1),
    ("u", "B", 0.1, 0.15),
    ("u", "C", 0.15, 0.3),
    ("u", "D", 0.3, 0.4),
    ("u", "E", 0.5, 0.6),  # after a pause
    ("u", "F", 0.6, 0.7),
    ("v", "A", 0.7, 0.8),
    ("v", "B", 0.8, 0.1 + 0.8),  # 0.9000000000000001
    ("v", "A", 0.9, 1.0),
]
SPEAKERS = {"u": "s", "v": "t"}


@pytest.mark.parametrize(
    ("span", "times"),
    [("triphone", [(0, 0.3), (0.1, 0.4), (0.7, 1.0)]), ("phoneme", [(0.1, 0.15), (0.15, 0.3), (0.8, 0.9)])],
)
def test_phones_between_two_others_are_items(span, times):
    mixed = [PHONES[place] for place in np.random.default_rng(0).permutation(len(PHONES))]
    items = items_of_phones(*zip(*mixed, strict=True), SPEAKERS, span)
    assert list(zip(items.file, items.previous, items.phone, items.following, items.speaker, strict=True)) == [
        ("u", "A", "B", "C", "s"),
        ("u", "B", "C", "D", "s"),
        ("v", "A", "B", "A", "t"),
    ]
    assert list(zip(items.onset, items.offset, strict=True)) == times


def test_phones_that_make_no_items():
    with pytest.raises(NoItemsError, match="none of 2 phones has a neighbour on both sides"):
        items_of_phones(*zip(*PHONES[:2], strict=True), SPEAKERS)
    with pytest.raises(NoItemsError, match="the speakers of 1 utterances are not known: v"):
        items_of_phones(*zip(*PHONES, strict=True), {"u": "s"})
    with pytest.raises(ItemsError, match=r"did you mean triphone.*allowed are triphone, phoneme"):
        items_of_phones(*zip(*PHONES, strict=True), SPEAKERS, "triphon")
    with pytest.raises(ItemsError, match=r"differ in length: \[1, 2, 1, 1\]"):
        items_of_phones(["u"], ["A", "B"], [0.0], [0.1], SPEAKERS)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["within", "any"]))
def test_shuffled_phones_stay_with_their_speaker_and_context(seed, context):
    rng = np.random.default_rng(seed)
    names = [rng.choice(list("abc"), 50) for _ in range(4)]
    times = np.arange(50.0)
    items = Items(np.array(["f"] * 50), times, times + 1, *names)
    shuffled = shuffled_phones(items, context, seed)

    def counted(one):
        around = (one.previous, one.following) if context == "within" else ()
        return sorted(zip(one.phone, one.speaker, *around, strict=True))

    assert counted(shuffled) == counted(items)
    assert same(shuffled.where(np.arange(50)), shuffled_phones(items, context, seed))
    order = rng.permutation(50)
    assert same(shuffled_phones(items.where(order), context, seed), shuffled.where(order))


def test_shuffled_phones_are_others():
    times = np.arange(50.0)
    one = np.array(["x"] * 50)
    items = Items(one, times, times + 1, np.array(["p", "q"] * 25), one, one, one)
    assert 10 < np.sum(shuffled_phones(items, "within", 0).phone != items.phone) < 40
