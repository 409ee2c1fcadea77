"""Counts of answers, and what labels have beside their accuracy."""

from __future__ import annotations

import warnings

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from layerwise.probes.grading import balanced_accuracy, count_errors, count_right, macro_f1, most_frequent
from layerwise.probes.rates import rate

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


# Labels


def test_rare_labels_count_as_much_as_others():
    said, answers = ["m"] * 6 + ["f"] * 2, ["m"] * 6 + ["m", "f"]
    assert balanced_accuracy(said, answers) == pytest.approx((1 + 1 / 2) / 2)
    assert macro_f1(said, answers) == pytest.approx((12 / 13 + 2 / 3) / 2)
    assert balanced_accuracy(said, ["m"] * 8) == 0.5
    assert macro_f1(said, ["x"] * 8) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1, max_size=40))
def test_they_are_scikit_learns(pairs):
    said, answers = zip(*pairs, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels that nobody said
        assert balanced_accuracy(said, answers) == pytest.approx(metrics.balanced_accuracy_score(said, answers))
    assert macro_f1(said, answers) == pytest.approx(metrics.f1_score(said, answers, average="macro", zero_division=0))


def test_of_equally_frequent_labels_the_first_in_order_is_taken():
    assert most_frequent([("b",), ("a",), ("c",), ("c",), ("a",)]) == ("a",)
