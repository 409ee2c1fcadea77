import numpy as np
import pytest

from layerwise.scoring.measures.cca import cross_validate, evaluate
from layerwise.scoring.measures.passes import fold_moments
from layerwise.scoring.metrics import METRICS, Metric, metric_of, register
from synthetic_views import related


def test_every_metric_says_what_it_is():
    for name, metric in METRICS.items():
        assert metric.name == name == metric_of(name).name
        assert metric.title
        assert metric.least < metric.largest
        assert not metric.tuned_by or METRICS[metric.tuned_by].tuned_by == metric.tuned_by


def test_a_metric_that_is_not_known_is_shown_by_its_name():
    assert (metric_of("rv").family, metric_of("rv").title) == ("rv", "rv")


def test_another_metric_is_one_entry():
    """The share of both views' variance that is of view x: a number that needs no fit."""
    share = Metric(
        "share",
        "share",
        "share of variance",
        least=0,
        of_rows=lambda rows: float(np.trace(rows.x.matrix) / (np.trace(rows.x.matrix) + np.trace(rows.y.matrix))),
    )
    try:
        register(share)
        x, y = related(400, 4, 3)
        moments = fold_moments(x, y, np.arange(400) % 5)
        scores = evaluate(moments, [0, 1, 2], [4], 1e-10, 1e-10)
        held_out = moments.covariance([4])
        assert scores.metrics["share"] == share.of_rows(held_out)
        assert scores.dimensions("share") == (4, 3)
        (trial,) = cross_validate(moments, [(3, 4)], [(1e-10, 1e-10)])
        assert trial.metrics["share"] == share.of_rows(held_out)
        with pytest.raises(ValueError, match="there is a metric share already"):
            register(share)
    finally:
        METRICS.pop("share", None)
