"""Cleaning: from tiers to the phones and words of the analysis."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.cleaning import Utterance, clean, clean_word
from layerwise.tiers import Tier
from tiny_corpus import PHONE_SETS

NAMES = {"phone": ["phones"], "word": ["words"]}
DURATION = 1.0


@pytest.mark.parametrize("label", ["", " ", "sp", "spn", "sil", "SIL", "<unk>", "<SIL>", "{B_TRANS}", "<LAUGH-so>"])
def test_what_is_no_word(label):
    assert clean_word(label) is None


@pytest.mark.parametrize("label", ["it's", "Silly", " a ", "a<b"])
def test_what_is_a_word(label):
    assert clean_word(label) == label.strip()


# Times that often touch, overlap, or reach past a recording of one second.
TIME = st.sampled_from([-0.25, 0.0, 0.2, 0.4, 0.400001, 0.6, 0.8, 1.0, 1.04, 1.5, float("nan")])
LABELS = {"phones": ["AA1", "T", "sil", "", None], "words": ["so", "well", "<unk>", "", None]}
TIERS = st.lists(
    st.sampled_from(list(LABELS)).flatmap(
        lambda name: st.lists(st.tuples(st.sampled_from(LABELS[name]), TIME, TIME), max_size=5).map(
            lambda rows: Tier(name, *(map(list, zip(*rows, strict=True)) if rows else ([], [], [])))
        )
    ),
    max_size=3,
)


def cleaned_one_by_one(tiers: list[Tier]) -> tuple[list[tuple], Counter[str]]:
    """The rules of cleaning, an interval after the other: rows, and how often there is which problem."""
    problems: Counter[str] = Counter()
    speech: dict[str, list[tuple[str, float, float]]] = {"phone": [], "word": []}
    for kind, name in (("phone", "phones"), ("word", "words")):
        rows = [row for tier in tiers if tier.name == name for row in zip(*tier[1:], strict=True)]
        problems[f"no {name}"] += not rows
        for label, start, end in rows:
            problems["no label"] += label is None
            if label not in (None, "", "sil", "<unk>"):
                speech[kind].append((label.rstrip("1"), start, end))
    ends = [end for tier in tiers for end in tier.ends]
    problems["shorter than the recording"] += any(end > 0 for end in ends) and not any(end >= 0.5 for end in ends)
    if any(end > DURATION + 0.05 for rows in speech.values() for _, _, end in rows):
        problems["longer than the recording"] += 1
        return [], +problems
    kept = []
    for kind, rows in speech.items():
        reached = 0.0
        for label, start, end in rows:
            if not end > start:
                problems["no length"] += 1
            elif start >= DURATION:
                problems["after the recording"] += 1
            elif start < reached - 1e-5:
                problems["overlaps the one before" if reached else "before the recording"] += 1
            else:
                kept.append((kind, label, start, min(end, DURATION)))
                reached = end
    return kept, +problems


@given(st.lists(TIERS, min_size=1, max_size=4))
def test_many_at_once_are_cleaned_as_one_interval_after_the_other(files):
    utterances = [Utterance(f"u{index}", f"f{index}", DURATION, tiers) for index, tiers in enumerate(files)]
    intervals, problems, tally = clean(utterances, NAMES, PHONE_SETS["arpabet"])
    expected = [(f"u{index}", *row) for index, tiers in enumerate(files) for row in cleaned_one_by_one(tiers)[0]]
    assert list(zip(*intervals.to_pydict().values(), strict=True)) == expected
    for index, tiers in enumerate(files):
        found = Counter(problem.problem for problem in problems if problem.utterance_id == f"u{index}")
        assert found == cleaned_one_by_one(tiers)[1]
    dropped = Counter(
        (tier.name[:-1], label)
        for tiers in files
        for tier in tiers
        for label in tier.labels
        if label in ("", "sil", "<unk>")
    )
    assert tally.dropped == dropped
    assert tally.kept.total() == len(expected)


def test_no_utterance_gives_an_empty_table():
    intervals, problems, tally = clean([], NAMES, PHONE_SETS["arpabet"])
    assert (len(intervals), problems, tally.kept.total()) == (0, [], 0)


def test_a_missing_label_is_a_problem_with_its_time():
    tiers = [Tier("phones", ["T", None], [0.0, 0.5], [0.5, 0.75]), Tier("words", ["so"], [0.0], [0.5])]
    intervals, (problem,), _ = clean([Utterance("u", "f", 1.0, tiers)], NAMES, PHONE_SETS["keep"])
    assert len(intervals) == 2
    assert (problem.problem, problem.detail) == ("no label", "phone from 0.5 to 0.75 s")


@given(duration=st.integers(200, 3_600_000), over=st.sampled_from([0, 49, 50, 51]))
def test_how_far_an_alignment_may_reach_is_counted_in_milliseconds(duration, over):
    """To 50 ms past the recording it is clipped, wherever that ends."""
    ends = [0.1, (duration + over) / 1000]
    tiers = [Tier(name, ["T", "T"], [0.0, 0.1], ends) for name in ("phones", "words")]
    intervals, problems, tally = clean([Utterance("u", "f", duration / 1000, tiers)], NAMES, PHONE_SETS["arpabet"])
    assert [problem.problem for problem in problems] == ["longer than the recording"] * (over > 50)
    assert intervals["end"].to_pylist() == ([] if over > 50 else [0.1, duration / 1000] * 2)
    assert tally.clipped == (0 if over in (0, 51) else 2)


@given(half=st.integers(1, 1_800_000), less=st.sampled_from([0, 1]))
def test_half_of_a_recording_is_enough(half, less):
    tiers = [Tier(name, ["T"], [0.0], [(half + 1 - less) / 1000]) for name in ("phones", "words")]
    _, problems, _ = clean([Utterance("u", "f", 2 * (half + 1) / 1000, tiers)], NAMES, PHONE_SETS["arpabet"])
    assert [problem.problem for problem in problems] == ["shorter than the recording"] * less


@given(border=st.integers(1, 3_600_000), noise=st.sampled_from([0.0, 1e-9, -1e-9]))
def test_what_rounding_leaves_of_an_interval_has_no_length(border, noise):
    """And what it leaves of an overlap, or of the recording, is none."""
    times = [0.0, border / 1000, border / 1000 + noise, (border + 1) / 1000]
    tiers = [Tier(name, ["T"] * 4, times, [*times[1:], times[-1] + 1e-9]) for name in ("phones", "words")]
    intervals, problems, _ = clean([Utterance("u", "f", times[-1], tiers)], NAMES, PHONE_SETS["arpabet"])
    assert [problem.problem for problem in problems] == ["no length"] * 4
    assert intervals["start"].to_pylist() == [0.0, times[2]] * 2  # as they were written
