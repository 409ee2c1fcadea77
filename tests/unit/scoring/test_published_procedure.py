"""The benchmark's yardstick is what it says: the published numbers come out of it."""

import numpy as np
import pytest

import published_procedure
from layerwise.scoring.measures.cca import cross_validate
from layerwise.scoring.measures.passes import fold_moments
from synthetic_views import golden_cca, random_folds, related

EPSILONS = [(1e-10, 1e-10), (1e-8, 1e-8), (1e-5, 1e-5)]


@pytest.mark.parametrize("name", ["mel", "word", "rogue", "intra", "zero_mean", "dead_dims"])
def test_it_gives_the_published_numbers(name):
    golden = golden_cca(name)
    if golden is None:
        pytest.skip(f"the golden case {name} is not part of this repository")
    for trial in golden.trials:
        epsilons = [(pair["eps_x"], pair["eps_y"]) for pair in trial["eps"]]
        pairs = [(trial["dev_fold"], trial["test_fold"])]
        (found,) = published_procedure.score(golden.x.T, golden.y.T, golden.fold, pairs, epsilons)
        best = max(trial["eps"], key=lambda pair: pair["dev_pwcca_published"])
        assert found["mean_cca"] == pytest.approx(best["test_mean_cca"], abs=1e-5)
        assert found["pwcca_published"] == pytest.approx(best["test_pwcca_published"], abs=1e-5)


def test_the_engine_gives_what_it_gives():
    x, y = (view.astype(np.float32) for view in related(2000, 8, 12))
    fold = random_folds(2000)
    pairs = [(0, 1), (2, 3)]
    published = published_procedure.score(x.T, y.T, fold, pairs, EPSILONS)
    for ours, theirs in zip(cross_validate(fold_moments(x, y, fold), pairs, EPSILONS), published, strict=True):
        assert ours.metrics["pwcca_published"] == pytest.approx(theirs["pwcca_published"], abs=1e-5)
        assert ours.scores["pwcca_published"].mean_cca == pytest.approx(theirs["mean_cca"], abs=1e-5)
