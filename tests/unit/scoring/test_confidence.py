import math

import numpy as np
import pytest
from scipy import stats

from layerwise.scoring.confidence import CONFIDENCE, IN_WORDS, corrected_half, normal_quantile, overlap_of, t_quantile


def test_quantiles_are_those_of_the_interval():
    assert IN_WORDS == "95 %"
    assert stats.norm.cdf(normal_quantile()) - stats.norm.cdf(-normal_quantile()) == pytest.approx(CONFIDENCE)
    assert stats.t.cdf(t_quantile(8), 8) - stats.t.cdf(-t_quantile(8), 8) == pytest.approx(CONFIDENCE)
    assert math.isnan(t_quantile(0))


def test_without_overlap_it_is_the_t_interval_and_with_overlap_wider():
    scores = np.array([0.4, 0.5, 0.6, 0.55])
    low, high = stats.ttest_1samp(scores, 0).confidence_interval(CONFIDENCE)
    half = corrected_half(scores.std(ddof=1), len(scores), 0)
    assert [scores.mean() - half, scores.mean() + half] == pytest.approx([low, high])
    assert corrected_half(scores.std(ddof=1), len(scores), overlap_of(10)) == pytest.approx(half * math.sqrt(1 + 4 / 8))


def test_one_score_has_no_interval():
    with np.errstate(invalid="ignore"):
        assert np.isnan(corrected_half(np.array([math.nan, 0.1]), np.array([1, 2]), 0.125)).tolist() == [True, False]
