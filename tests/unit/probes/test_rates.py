"""Intervals of rates, and of the differences of two."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from layerwise.probes.rates import interval, paired_interval, rate, wilson

BOUND = stats.norm.ppf(0.975)


@st.composite
def answered(draw, most=1):
    """Counts of utterances, and who spoke in each."""
    n = draw(st.integers(1, 40))
    lengths = draw(arrays(np.int64, n, elements=st.integers(1, most)))
    shares = draw(arrays(float, n, elements=st.floats(0, 1)))
    speakers = draw(st.lists(st.sampled_from("abcdef"), min_size=n, max_size=n))
    return np.stack([np.round(shares * lengths).astype(int), lengths], 1), speakers


@given(answered(), st.booleans())
def test_an_interval_of_a_share_holds_it_and_never_collapses(found, known):
    counts, speakers = found
    low, high = interval(counts, speakers if known else None)
    assert 0 <= low <= rate(counts) <= high <= 1
    assert high - low > 0.01


@given(answered(most=12), st.integers(1, 30), st.booleans())
def test_an_interval_of_an_error_rate_holds_it_and_never_collapses(found, insertions, known):
    counts, speakers = found
    for errors in (counts, counts * [0, 1], np.add(counts, [[insertions, 0]]), counts[:, [1, 1]]):
        low, high = interval(errors, speakers if known else None, can_exceed=True)
        assert 0 <= low <= rate(errors) <= high
        assert high - low > 1e-3


@given(answered(), st.booleans())
def test_it_is_never_narrower_than_if_answers_were_independent(found, can_exceed):
    counts, speakers = found
    (low, high), (least, most) = interval(counts, speakers, can_exceed), wilson(rate(counts), len(counts))
    assert high - low >= most - least - 1e-12


@given(answered())
def test_with_one_answer_of_each_speaker_it_is_wilsons_own(found):
    counts, _ = found
    n, p = len(counts), rate(counts)
    expected = np.roots([1 + BOUND**2 / n, -(2 * p + BOUND**2 / n), p * p])  # of (p̂ - p)² = z² p (1 - p) / n
    expected = [max(min(expected), 0), min(max(expected), 1)]
    assert interval(counts) == pytest.approx(expected, abs=1e-7)
    assert interval(counts, [f"speaker {i}" for i in range(n)]) == pytest.approx(interval(counts))
    assert interval(counts, ["one speaker"] * n) == interval(counts)


def test_known_numbers_of_wilsons_interval():
    """Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for right, n, expected in (
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ):
        assert wilson(right / n, n) == pytest.approx(expected, abs=1e-4)


def test_all_right_and_no_error_have_a_width():
    low, high = interval(np.array([[1, 1]] * 50))
    assert (low, high) == (pytest.approx(0.9287, abs=1e-4), 1.0)
    low, high = interval(np.array([[0, 1]] * 500), can_exceed=True)
    assert (low, high) == (0.0, pytest.approx(BOUND**2 / (500 + BOUND**2)))
    assert interval(np.array([[0, 10]] * 50), can_exceed=True) == (0.0, pytest.approx(high, rel=0.05))


@given(st.integers(2, 12), st.integers(2, 8), st.integers(1, 6))
def test_it_is_wider_where_speakers_differ_more(speakers, size, certain):
    """The same answers: spread evenly, or all of one speaker right and all of the next one wrong."""
    names = [f"{speaker}" for speaker in range(2 * speakers) for _ in range(2 * size)]
    even = np.tile([[0, 1], [1, 1]], (2 * speakers * size, 1))
    right = np.arange(len(names)) // (2 * size) % 2
    apart = np.stack([right, np.ones_like(right)], 1)
    between = apart.copy()
    between[: 2 * size * (certain % speakers + 1)] = even[: 2 * size * (certain % speakers + 1)]
    widths = [np.ptp(interval(counts, names)) for counts in (even, between, apart)]
    assert widths[0] <= widths[1] <= widths[2]
    assert widths[2] > 1.2 * widths[0]


def test_the_effective_number_is_korn_and_graubards():
    """Four speakers of three answers, 3, 3, 1 and 1 right: by hand."""
    counts = np.array([[1, 1]] * 7 + [[0, 1], [0, 1], [1, 1], [0, 1], [0, 1]])
    counts[6:] = [[1, 1], [0, 1], [0, 1], [1, 1], [0, 1], [0, 1]]
    speakers = [name for name in "abcd" for _ in range(3)]
    p = 8 / 12
    variance = 4 / 3 * 4 * 1 / 12**2  # residuals are 1, 1, -1, -1
    n = p * (1 - p) * 12 / 11 / variance  # answers that would have it
    n *= (stats.t.ppf(0.975, 11) / stats.t.ppf(0.975, 3)) ** 2
    assert interval(counts, speakers) == pytest.approx(wilson(p, n))


def test_an_error_rate_beyond_one_half_has_a_symmetric_interval():
    counts = np.array([[12, 10], [9, 10], [15, 10], [8, 10]])
    variance = 4 / 3 * (1 + 2**2 + 4**2 + 3**2) / 40**2
    half = stats.t.ppf(0.975, 3) * np.sqrt(variance)
    assert interval(counts, list("abcd"), can_exceed=True) == pytest.approx((1.1 - half, 1.1 + half))
    same = np.array([[10, 10]] * 4)
    half = stats.t.ppf(0.975, 3) * np.sqrt(1 / 160)
    assert interval(same, list("abcd"), can_exceed=True) == pytest.approx((1 - half, 1 + half))


@given(answered(most=12), st.booleans())
def test_an_error_rate_up_to_one_half_has_the_interval_of_a_share(found, known):
    counts, speakers = found
    counts[:, 0] = np.minimum(counts[:, 0], counts[:, 1] // 2)
    speakers = speakers if known else None
    assert interval(counts, speakers, can_exceed=True) == interval(counts, speakers)


def test_one_utterance_alone_has_an_interval_of_its_difference():
    low, high = paired_interval(np.array([[3, 10]]), np.array([[1, 10]]))
    assert (low, high) == pytest.approx((0.2 - BOUND / 10, 0.2 + BOUND / 10))


def test_other_speakers_are_covered():
    """Twelve speakers of six utterances, whose rates differ: nominally in 95 of 100, here of 400 in 90 at least."""
    random = np.random.default_rng(3)
    speakers, covered = np.repeat(np.arange(12), 6), {"known": 0, "not known": 0}
    levels = 0.75 + 0.2 * random.choice([-1, 1], (400, 12))
    for level in levels:
        right = random.random(72) < level[speakers]
        counts = np.stack([right, np.ones(72, int)], 1).astype(int)
        for name, low_high in (("known", interval(counts, speakers)), ("not known", interval(counts))):
            covered[name] += low_high[0] <= 0.75 <= low_high[1]
    assert covered["known"] / 400 > 0.9 > 0.88 > covered["not known"] / 400


# Differences


def speakers_and_heads(draw):
    n = draw(st.integers(2, 60))
    right = [np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))) for _ in range(2)]
    speakers = draw(st.lists(st.sampled_from("abcdef"), min_size=n, max_size=n))
    one, other = (np.column_stack([values, np.ones(n, int)]) for values in right)
    return one, other, speakers


@given(st.composite(speakers_and_heads)())
def test_a_difference_lies_in_its_interval_which_turns_round_with_it(found):
    one, other, speakers = found
    low, high = paired_interval(one, other, speakers)
    assert low < rate(one) - rate(other) < high
    assert paired_interval(other, one, speakers) == pytest.approx((-high, -low))
    # The same head twice: nothing differs, and yet it is not known to the last digit.
    low, high = paired_interval(one, one, speakers)
    assert low == -high < 0


def test_of_independent_utterances_it_is_nearly_the_paired_t_test():
    generator = np.random.default_rng(0)
    one, other = (np.column_stack([generator.random(400) < p, np.ones(400)]).astype(int) for p in (0.8, 0.7))
    expected = stats.ttest_rel(one[:, 0], other[:, 0]).confidence_interval(0.95)
    assert paired_interval(one, other) == pytest.approx((expected.low, expected.high), rel=0.02)


def test_utterances_of_one_speaker_count_together():
    """All of a speaker's utterances differ alike: two speakers say far less than twenty utterances."""
    one, other = np.array([[1, 1]] * 10 + [[0, 1]] * 10), np.array([[0, 1]] * 20)
    apart, together = paired_interval(one, other), paired_interval(one, other, ["a"] * 10 + ["b"] * 10)
    assert apart[0] > 0 > together[0]
    assert together[1] - together[0] == pytest.approx(2 * stats.t.ppf(0.975, 1) * np.sqrt(2 * 50) / 20)


def test_other_speakers_are_covered_by_differences():
    generator, hits, tests = np.random.default_rng(3), 0, 300
    for _ in range(tests):
        own = np.repeat(generator.normal(0.1, 0.15, 12), 6)  # how much better one head is, by speaker
        speakers = [f"s{number // 6}" for number in range(72)]
        luck = generator.random(72)
        one, other = (
            np.column_stack([luck < 0.5 + own / 2, np.ones(72)]),
            np.column_stack([luck < 0.5 - own / 2, np.ones(72)]),
        )
        low, high = paired_interval(one.astype(int), other.astype(int), speakers)
        hits += low <= 0.1 <= high
    assert 0.9 <= hits / tests <= 0.995
