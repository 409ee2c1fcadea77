"""Counts, rates and intervals."""

from __future__ import annotations

import jiwer
import numpy as np
import pytest

from layerwise.grading import count_errors, count_right, interval, rate

SAID = [["a", "b", "c"], ["d"], ["e", "f"]]


def test_errors_are_substitutions_deletions_and_insertions():
    counts = count_errors(SAID, [["a", "x", "c"], [], ["e", "g", "f", "h"]])
    assert counts.tolist() == [[1, 3], [1, 1], [2, 2]]
    assert rate(counts) == pytest.approx(4 / 6)


def test_a_rate_is_jiwers_of_all_utterances():
    generator = np.random.default_rng(1)
    said = [list(generator.choice(list("abcd"), generator.integers(1, 8))) for _ in range(50)]
    answers = [list(generator.choice(list("abcd"), generator.integers(0, 8))) for _ in range(50)]
    expected = jiwer.wer([" ".join(s) for s in said], [" ".join(a) for a in answers])
    assert rate(count_errors(said, answers)) == pytest.approx(expected, abs=1e-12)


def test_every_label_has_to_be_right():
    counts = count_right([("on", "lamp"), ("on", "lamp")], [("on", "lamp"), ("on", "fan")])
    assert counts.tolist() == [[1, 1], [0, 1]]
    assert rate(counts) == 0.5


def test_intervals_hold_the_rate_and_narrow_with_utterances():
    few, many = (np.tile([[1, 1], [0, 1], [1, 1]], (n, 1)) for n in (10, 1000))
    widths = []
    for counts in (few, many):
        low, high = interval(counts, seed=1)
        assert low <= rate(counts) <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 5
    p = 2 / 3
    assert widths[1] == pytest.approx(2 * 1.96 * np.sqrt(p * (1 - p) / 3000), rel=0.15)


def test_intervals_are_seeded():
    counts = np.random.default_rng(1).integers(1, 30, size=(50, 2))
    assert interval(counts, 1) == interval(counts, 1) != interval(counts, 2)


def test_certainty_has_no_width():
    assert interval(np.array([[1, 1]] * 30), 1) == (1.0, 1.0)
