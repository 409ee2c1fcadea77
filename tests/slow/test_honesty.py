"""What the report promises, by small versions of the simulations in tests/benchmarks/honesty.py.

Bounds are wide: 40 experiments tell a share of 0.95 from one of 0.80, no more.
"""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pytest

import honesty
from layerwise.scoring.metrics import METRICS

EXPERIMENTS = 40
# Rows of which some are alike, in both views; independent ones are the easy case.
ALIKE = [design for design in honesty.UNRELATED if design.memory or design.identity]
LEAST_COVERAGE, MOST_FALSE_CHANCE, MOST_FALSE_TIES, MOST_FALSE_ADVICE = 0.85, 0.15, 0.2, 0.05


def name(design: honesty.Design) -> str:
    return f"{design.name} by {design.folds_by}, {design.intervals}"


def simulated(experiment, count: int = EXPERIMENTS) -> list:
    return honesty.many(experiment, count, min(2, os.cpu_count()))


def is_about_all(design: honesty.Design) -> bool:
    """Whether the interval is about all that differs between corpora: other speakers too, where speakers differ."""
    return not design.range or design.folds_by == "speaker"


@pytest.mark.parametrize("design", [one for one in honesty.COVERAGE if is_about_all(one)], ids=name)
def test_the_interval_of_a_layer_holds_the_truth(design):
    found = simulated(partial(honesty.measure_layer, design))
    shares = {metric: honesty.covered(found, metric).mean() for metric in METRICS}
    assert min(shares.values()) >= LEAST_COVERAGE, shares


@pytest.mark.parametrize("design", [one for one in ALIKE if one.folds_by != "row"], ids=name)
def test_a_layer_that_knows_nothing_is_not_said_to_be_above_chance(design):
    found = simulated(partial(honesty.ask_chance, design))
    shares = {metric: np.mean([each[metric] for each in found]) for metric in METRICS}
    assert max(shares.values()) <= MOST_FALSE_CHANCE, shares


@pytest.mark.parametrize("design", [one for one in ALIKE if one.folds_by == "row"], ids=name)
def test_what_is_said_of_folds_by_row_carries_a_caution(design):
    found = simulated(partial(honesty.ask_chance, design, metrics=["pwcca"]), 10)  # all of them, and no share of them
    assert not any(each["without caution"] for each in found)


@pytest.mark.parametrize("place", range(len(honesty.SHARED_LUCK)), ids=lambda place: f"r={honesty.SHARED_LUCK[place]}")
def test_equal_layers_tie_or_a_caution_says_that_they_may_not(equal_layers, place):
    found = [each[place] for each in equal_layers]
    assert np.mean([each["tie rule"] and not each["caution"] for each in found]) <= MOST_FALSE_TIES


@pytest.fixture(scope="module")
def equal_layers():
    return simulated(honesty.equal_layers)


def test_a_paired_test_sees_what_the_rule_of_ties_does_not():
    """At three standard deviations of the difference, of layers that share nine tenths of their luck."""
    found = simulated(honesty.two_layers)
    cell = honesty.SHARED_LUCK.index(0.9) * len(honesty.DIFFERENCES) + honesty.DIFFERENCES.index(3)
    seen = {rule: np.mean([each[cell][rule] for each in found]) for rule in ("tie rule", "paired test")}
    assert seen["paired test"] > 0.5
    assert seen["tie rule"] < seen["paired test"] - 0.2


def test_the_interval_of_an_accuracy_holds_the_truth():
    found = simulated(honesty.answer)
    shares = {cell: np.mean([each[cell] for each in found]) for cell in found[0]}
    assert min(shares.values()) >= LEAST_COVERAGE, shares


def test_heads_are_advised_that_know_something_and_no_others():
    found = simulated(honesty.advise)
    advised = {kind: np.mean([each[kind][0] for each in found]) for kind in found[0]}
    for (of, known), rate in advised.items():
        if known == "is right in 95 %":
            assert rate >= 0.9, (of, known, rate)
        else:
            assert rate <= MOST_FALSE_ADVICE, (of, known, rate)
