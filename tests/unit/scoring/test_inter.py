"""A layer beside one of another model: numbers that the published folds and CCA give on synthetic frames."""

from __future__ import annotations

import json

import numpy as np
import pytest

from layerwise.cca import cross_validate, evaluate, fold_moments
from synthetic_views import SHARED

GOLDENS = SHARED / "analyses/cca_inter"

pytestmark = pytest.mark.skipif(not GOLDENS.is_dir(), reason="the golden cases of analyses are not in this repository")


@pytest.fixture(params=["inter_small_second", "inter_tie"])
def case(request):
    arrays = np.load(GOLDENS / f"{request.param}.npz")
    published = json.loads((GOLDENS / f"{request.param}.json").read_text())
    views = (arrays[view].astype(np.float64) for view in ("view_x", "view_y"))
    return fold_moments(*views, arrays["fold"]), published


def test_scores_of_two_models_are_the_published_ones(case):
    moments, published = case
    for trial in published["trials"]:
        train = sorted(set(range(10)) - {trial["dev_fold"], trial["test_fold"]})
        for expected in trial["eps"]:
            for side in ("dev", "test"):
                found = evaluate(moments, train, [trial[f"{side}_fold"]], expected["eps_x"], expected["eps_y"])
                assert (found.kept_x, found.kept_y) == (expected["kept_x"], expected["kept_y"])
                assert found.mean_cca == pytest.approx(expected[f"{side}_mean_cca"], abs=1e-9)
                assert found.pwcca == pytest.approx(expected[f"{side}_pwcca_centred"], abs=1e-9)
                assert found.pwcca_published == pytest.approx(expected[f"{side}_pwcca_published"], abs=1e-8)
            np.testing.assert_allclose(found.correlations, expected["test_corr"], rtol=0, atol=1e-8)


def test_the_whole_published_procedure(case):
    moments, published = case
    pairs = [(trial["dev_fold"], trial["test_fold"]) for trial in published["trials"]]
    tried = [[(one["eps_x"], one["eps_y"]) for one in trial["eps"]] for trial in published["trials"]]
    found = [
        cross_validate(moments, [pair], epsilons)[0].metrics["pwcca_published"]
        for pair, epsilons in zip(pairs, tried, strict=True)
    ]
    assert np.mean(found) == pytest.approx(published["published_score"], abs=1e-8)
