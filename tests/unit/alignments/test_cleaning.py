"""Cleaning: from tiers to the phones and words of the analysis."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from layerwise.alignments.cleaning import clean, count_words
from layerwise.alignments.columns import Utterance, named
from layerwise.alignments.tiers import Tier
from tiny_corpus import MARKS, PHONE_SETS

NAMES = {"phone": ["phones"], "word": ["words"]}
DURATION = 1.0


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
    speech: dict[str, list[tuple[int, str, float, float]]] = {"phone": [], "word": []}
    for kind, name in (("phone", "phones"), ("word", "words")):
        of_kind = [tier for tier in tiers if tier.name == name]
        rows = [(speaker, *row) for speaker, tier in enumerate(of_kind) for row in zip(*tier[1:], strict=True)]
        problems[f"no {name}"] += not rows
        for speaker, label, start, end in rows:
            problems["no label"] += label is None
            if label not in (None, "", "sil", "<unk>"):
                speech[kind].append((speaker, label.rstrip("1"), start, end))
    ends = [end for tier in tiers for end in tier.ends]
    problems["shorter than the recording"] += any(end > 0 for end in ends) and not any(end >= 0.5 for end in ends)
    if any(end > DURATION + 0.05 for rows in speech.values() for *_, end in rows):
        problems["longer than the recording"] += 1
        return [], +problems
    kept = []
    for kind, rows in speech.items():
        possible = []
        for speaker, label, start, end in rows:
            if not end > start:
                problems["no length"] += 1
            elif start >= DURATION:
                problems["after the recording"] += 1
            elif start < -1e-5:
                problems["before the recording"] += 1
            else:
                possible.append((speaker, label, start, end))
        possible.sort(key=lambda row: row[2])
        of_speaker: dict[int, list[tuple]] = {}
        for row in possible:
            mine = of_speaker.setdefault(row[0], [])
            if mine and row[2] < mine[-1][3] - 1e-5:
                problems["overlaps the one before"] += 1
            else:
                mine.append(row)
        stands = [row for row in possible if any(row is other for other in of_speaker[row[0]])]
        for place, row in enumerate(stands):
            others = [(stands[min(place, other)], stands[max(place, other)]) for other in range(len(stands))]
            if any(first[0] != second[0] and second[2] < first[3] - 1e-5 for first, second in others):
                problems["overlaps another tier"] += 1
            else:
                kept.append((kind, row[1], row[2], min(row[3], DURATION)))
    return kept, +problems


# Two that begin together, of which one is shorter than a sample.
@example([[Tier("phones", ["AA1"], [0.4], [0.400001]), Tier("phones", ["AA1"], [0.4], [0.6])]])
@given(st.lists(TIERS, min_size=1, max_size=4))
def test_many_at_once_are_cleaned_as_one_interval_after_the_other(files):
    utterances = [Utterance(f"u{index}", f"f{index}", DURATION, tiers) for index, tiers in enumerate(files)]
    intervals, problems, tally = clean(utterances, NAMES, PHONE_SETS["arpabet"], MARKS)
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
    intervals, problems, tally = clean(
        [Utterance("u", "f", duration / 1000, tiers)], NAMES, PHONE_SETS["arpabet"], MARKS
    )
    assert [problem.problem for problem in problems] == ["longer than the recording"] * (over > 50)
    assert intervals["end"].to_pylist() == ([] if over > 50 else [0.1, duration / 1000] * 2)
    assert tally.clipped == (0 if over in (0, 51) else 2)


@given(half=st.integers(1, 1_800_000), less=st.sampled_from([0, 1]))
def test_half_of_a_recording_is_enough(half, less):
    tiers = [Tier(name, ["T"], [0.0], [(half + 1 - less) / 1000]) for name in ("phones", "words")]
    _, problems, _ = clean([Utterance("u", "f", 2 * (half + 1) / 1000, tiers)], NAMES, PHONE_SETS["arpabet"], MARKS)
    assert [problem.problem for problem in problems] == ["shorter than the recording"] * less


@given(border=st.integers(1, 3_600_000), noise=st.sampled_from([0.0, 1e-9, -1e-9]))
def test_what_rounding_leaves_of_an_interval_has_no_length(border, noise):
    """And what it leaves of an overlap, or of the recording, is none."""
    times = [0.0, border / 1000, border / 1000 + noise, (border + 1) / 1000]
    tiers = [Tier(name, ["T"] * 4, times, [*times[1:], times[-1] + 1e-9]) for name in ("phones", "words")]
    intervals, problems, _ = clean([Utterance("u", "f", times[-1], tiers)], NAMES, PHONE_SETS["arpabet"], MARKS)
    assert [problem.problem for problem in problems] == ["no length"] * 4
    assert intervals["start"].to_pylist() == [0.0, times[2]] * 2  # as they were written


# Several speakers


def speakers(*tiers: Tier, seconds: float = 9.0) -> tuple[list[tuple], list[tuple[str, str]]]:
    """Labels and starts of what is kept, by tier, and the problems."""
    names = {"phone": ["* - phones", "phones"], "word": ["* - words", "words"]}
    cleaned = clean([Utterance("u", "f", seconds, tiers)], names, PHONE_SETS["keep"], MARKS)
    rows = [(row["tier"], row["label"], row["start"]) for row in cleaned.intervals.to_pylist()]
    return rows, [(problem.problem, problem.detail) for problem in cleaned.problems if problem.problem[:3] != "no "]


A = Tier("A - words", ["hello", "", "fine"], [0.0, 1.0, 3.0], [1.0, 3.0, 4.0])


@pytest.mark.parametrize("name", ["B - words", "A - words", "words"])
def test_speakers_take_turns_whatever_their_tiers_are_called(name):
    """Tiers of one name are two speakers' as well."""
    rows, problems = speakers(A, Tier(name, ["so", "how", "good"], [1.0, 1.5, 4.5], [1.5, 2.5, 5.5]))
    assert rows == [
        ("word", label, start) for label, start in [("hello", 0), ("so", 1), ("how", 1.5), ("fine", 3), ("good", 4.5)]
    ]
    assert problems == []


def test_where_two_speak_at_once_both_are_left_out_by_name():
    """A long one may overlap many, and what follows it none."""
    rows, problems = speakers(A, Tier("B - words", ["um", "how", "so"], [0.5, 2.0, 3.5], [0.75, 3.5, 5.0]))
    assert rows == []
    assert set(problems) == {
        ("overlaps another tier", "word 'hello' from 0 to 1 s, and word 'um' from 0.5 to 0.75 s"),
        ("overlaps another tier", "word 'um' from 0.5 to 0.75 s, and word 'hello' from 0 to 1 s"),
        ("overlaps another tier", "word 'how' from 2 to 3.5 s, and word 'fine' from 3 to 4 s"),
        ("overlaps another tier", "word 'fine' from 3 to 4 s, and word 'how' from 2 to 3.5 s"),
        ("overlaps another tier", "word 'so' from 3.5 to 5 s, and word 'fine' from 3 to 4 s"),
    }


def test_three_speakers_and_a_tier_out_of_order():
    tiers = [Tier("c - WORDS", ["late", "early"], [6.0, 5.0], [7.0, 6.0]), A, Tier("B - words", ["x"], [6.5], [7.5])]
    rows, problems = speakers(*tiers)
    assert [label for _, label, _ in rows] == ["hello", "fine", "early"]
    assert {kind for kind, _ in problems} == {"overlaps another tier"}


def test_names_of_tiers_are_patterns():
    tiers = [Tier(name, [], [], []) for name in ("Anna - words", "ben - Words ", "words", "Anna - phones", "a-words")]
    assert [tier.name for tier in named(tiers, ["* - words"])] == ["Anna - words", "ben - Words "]


# Marks that are words elsewhere


def spoken(words: Tier, phones: Tier | None) -> list[str]:
    rows, _ = speakers(*[tier for tier in (words, phones) if tier])
    return [label for tier, label, _ in rows if tier == "word"]


@pytest.mark.parametrize("word", ["REST", "rest", "pau", "br", "silence", "Noise"])
def test_a_word_that_may_be_a_mark_is_one_where_no_phone_is_spoken(word):
    words = Tier("words", ["so", word, word], [0.0, 1.0, 2.0], [1.0, 2.0, 3.0])
    phones = Tier("phones", ["s", "o", "r", "t", "[SIL]"], [0.0, 0.5, 1.0, 1.5, 2.0], [0.5, 1.0, 1.5, 2.01, 3.0])
    assert spoken(words, phones) == ["so", word.lower()]
    assert spoken(words, None) == ["so", word.lower(), word.lower()]  # nothing says otherwise
    assert count_words([Utterance("u", "f", 9.0, [words, phones])], NAMES, MARKS, lower_case=True) == {
        "so": 1,
        word.lower(): 1,
    }


def test_phones_of_another_speaker_make_no_word():
    tiers = [
        Tier("A - words", ["so", "REST"], [0.0, 1.0], [1.0, 2.0]),
        Tier("A - phones", ["s", "REST"], [0.0, 1.0], [1.0, 2.0]),
        Tier("B - words", ["", "well"], [0.0, 1.0], [1.0, 2.0]),
        Tier("B - phones", ["", "w"], [0.0, 1.0], [1.0, 2.0]),
    ]
    rows, problems = speakers(*tiers, seconds=3.0)
    assert [label for _, label, _ in rows] == ["s", "w", "so", "well"]
    assert problems == []


# Capitals


@pytest.mark.parametrize(("lower_case", "labels"), [(True, ["the", "the", "été"]), (False, ["The", "the", "Été"])])
def test_words_in_capitals_are_counted(lower_case, labels):
    tiers = [Tier("words", ["The", "the", "Été", "SIL"], [0, 1, 2, 3], [1, 2, 3, 4]), Tier("phones", ["A"], [0], [1])]
    cleaned = clean([Utterance("u", "f", 9.0, tiers)], NAMES, PHONE_SETS["keep"], MARKS, lower_case=lower_case)
    assert cleaned.intervals["label"].to_pylist() == ["A", *labels]
    assert cleaned.tally.lowered == ({("word", "The"): 1, ("word", "Été"): 1} if lower_case else {})
    assert cleaned.tally.dropped == {("word", "SIL"): 1}
