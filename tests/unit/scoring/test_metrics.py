import numpy as np
import pytest

from layerwise.metrics import METRICS as REGISTERED
from layerwise.metrics import register
from layerwise.scoring.measures.cca import cross_validate, evaluate
from layerwise.scoring.measures.linear_map import RIDGES
from layerwise.scoring.measures.passes import fold_moments
from layerwise.scoring.metrics import METRICS, ScoreMetric, mapped, tuned
from synthetic_views import related


def test_every_metric_is_measured_in_one_way():
    for name, metric in METRICS.items():
        assert not metric.tuned_by or METRICS[metric.tuned_by].tuned_by == metric.tuned_by
        assert sum(map(bool, (metric.tuned_by, metric.of_rows, metric.of_map))) <= 1, name
    assert set(tuned()) == {"mean_cca", "pwcca", "pwcca_published"}
    assert mapped() == ["r2"]


@pytest.fixture
def another():
    """Registers a metric while a test runs."""
    names = []

    def add(name, **how):
        names.append(name)
        words = {"symbol": "S", "family": name, "title": name, "chance": "0", "good_for": "A test."}
        return register(ScoreMetric(name=name, **words, **how))

    yield add
    for name in names:
        REGISTERED.pop(name)


@pytest.fixture
def moments():
    x, y = related(400, 4, 3)
    return fold_moments(x, y, np.arange(400) % 5)


def test_another_metric_of_rows_is_one_entry(another, moments):
    """The share of both views' variance that is of view x: a number that needs no fit."""
    share = another(
        "share",
        least=0,
        of_rows=lambda rows: float(np.trace(rows.x.matrix) / (np.trace(rows.x.matrix) + np.trace(rows.y.matrix))),
    )
    scores = evaluate(moments, [0, 1, 2], [4], 1e-10, 1e-10)
    held_out = moments.covariance([4])
    assert scores.metrics["share"] == share.of_rows(held_out)
    assert scores.dimensions("share") == (4, 3)
    (trial,) = cross_validate(moments, [(3, 4)], [(1e-10, 1e-10)])
    assert trial.metrics["share"] == share.of_rows(held_out)


def test_another_metric_of_a_linear_map_is_one_entry(another, moments):
    """One that is best where the ridge is strongest, as `r2` is not here."""
    another("shrunk", of_map=lambda linear_map, rows, ridges: np.tanh(np.asarray(ridges)))
    (trial,) = cross_validate(moments, [(3, 4)], [(1e-10, 1e-10)])
    assert trial.regularisers["shrunk"] == (RIDGES[-1],)
    assert trial.regularisers["r2"] < (RIDGES[-1],)
    assert trial.metrics["shrunk"] == np.tanh(RIDGES[-1])
    assert trial.metrics["r2"] == pytest.approx(trial.scores["r2"].metrics["r2"], abs=0)
    assert evaluate(moments, [0, 1, 2], [4], 1e-3, 1e-10).metrics["shrunk"] == np.tanh(1e-3)
