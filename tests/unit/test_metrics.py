import math
from dataclasses import replace

import pytest

import layerwise.probes.metrics
import layerwise.scoring.metrics
from layerwise.metrics import METRICS, Metric, metric_of, register

OF_SCORES, OF_TASKS = layerwise.scoring.metrics.METRICS, layerwise.probes.metrics.METRICS
OF_OTHERS = layerwise.scoring.metrics.OF_OTHERS
CAPITALS = ("ABX", "F1", "R-value")  # names of measures, that titles may begin with


@pytest.fixture
def metric():
    """One that is registered while the test runs."""
    made = Metric(
        name="eer",
        symbol="EER",
        family="task",
        title="equal error rate",
        least=0,
        largest=1,
        higher_is_better=False,
        chance="one half",
        good_for="Verification.",
    )
    yield register(made)
    METRICS.pop("eer")


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_is(name):
    metric = METRICS[name]
    assert metric.name == name == metric_of(name).name
    assert metric.title.split()[0] in CAPITALS or metric.title[0].islower()
    assert metric.symbol
    assert metric.family
    assert metric.chance
    assert metric.least < metric.largest
    assert metric.good_for[0].isupper()
    assert metric.good_for.endswith(".")
    assert len(metric.good_for) <= 120


def test_what_tells_metrics_apart_is_of_one_each():
    for facts in ("title", "symbol", "good_for"):
        assert len({getattr(metric, facts) for metric in METRICS.values()}) == len(METRICS)


def test_scores_and_tasks_share_the_registry():
    assert {*OF_SCORES, *OF_OTHERS, *OF_TASKS} == set(METRICS)
    assert len(OF_SCORES) + len(OF_OTHERS) + len(OF_TASKS) == len(METRICS)
    assert "wer" in OF_TASKS
    assert "wer" not in OF_SCORES
    assert OF_SCORES.get("wer") is None
    assert all(OF_SCORES[name] is METRICS[name] for name in OF_SCORES)


def test_a_metric_is_registered_once(metric):
    assert METRICS["eer"] is metric
    with pytest.raises(ValueError, match="there is a metric eer already"):
        register(metric)
    assert "eer" not in OF_SCORES
    assert "eer" not in OF_TASKS


def test_a_metric_that_is_not_known_is_shown_by_its_name():
    unknown = metric_of("rv")
    assert (unknown.family, unknown.title, unknown.symbol) == ("rv", "rv", "rv")
    assert (unknown.can_be(-1), unknown.can_be(1.1)) == (True, False)


def test_more_performance_is_better(metric):
    assert metric.performance(0.2) > metric.performance(0.3)
    assert METRICS["accuracy"].performance(0.3) > METRICS["accuracy"].performance(0.2)


def test_a_value_is_in_the_range_or_is_not():
    r2 = METRICS["r2"]
    assert r2.least == -math.inf
    assert (r2.range, METRICS["cka"].range, METRICS["wer"].range) == ("of at most 1", "from 0 to 1", "from 0 to 2")
    assert replace(r2, least=0.0, largest=math.inf).range == "from 0"
    assert [r2.can_be(value) for value in (-1e9, 0.5, 1.0, 1.01)] == [True, True, True, False]
    assert [METRICS["cka"].can_be(value, 1e-6) for value in (-1e-7, -0.1, 1 + 1e-7)] == [True, False, True]
    assert not METRICS["pwcca"].can_be(math.nan)
