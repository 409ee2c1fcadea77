"""The metrics of a score: what each is called and can be, and how it is measured where no pair of ridges is chosen.

Another metric is one entry: `register` one whose `of_rows` computes it from the covariances of held-out rows, or whose
`of_map` does from a linear map, and every score has it, with its chance level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from layerwise.metrics import Metric, MetricsOf, register
from layerwise.scoring.measures.cka import cka
from layerwise.scoring.measures.linear_map import LinearMap
from layerwise.scoring.measures.moments import Covariance


@dataclass(frozen=True, kw_only=True)
class ScoreMetric(Metric):
    """A metric of a score, from second moments. One without `of_rows` and `of_map` is measured with the fit of CCA.

    Attributes:
        tuned_by: the metric whose value on dev chooses the pair of regularisers; "": it has none.
        of_rows: the metric of held-out rows, by their covariances.
        of_map: the metric of a linear map from the layer to the target on held-out rows, for each of some ridges,
            (ridges,). The ridge with the highest value on dev is taken.
        weighs_the_narrower: whether it weighs directions by the view that has fewer dimensions, and so means another
            thing where the layer is narrower than the target.
    """

    least: float = -1.0
    largest: float = 1.0
    tuned_by: str = ""
    of_rows: Callable[[Covariance], float] | None = None
    of_map: Callable[[LinearMap, Covariance, Sequence[float]], np.ndarray] | None = None
    weighs_the_narrower: bool = False


METRICS = MetricsOf(ScoreMetric)


def tuned() -> list[str]:
    """The metrics of a fit with a pair of regularisers."""
    return [name for name, metric in METRICS.items() if metric.tuned_by]


def mapped() -> list[str]:
    """The metrics of a linear map."""
    return [name for name, metric in METRICS.items() if metric.of_map]


# Means of correlations on held-out rows may be negative; linear CKA is a share.
NEAR_ZERO = "near 0 for unrelated views"
register(
    ScoreMetric(
        name="mean_cca",
        symbol="ρ̄",
        family="CCA",
        title="mean canonical correlation",
        tuned_by="pwcca",
        chance=NEAR_ZERO,
        good_for="How many directions of the narrower view are found in the other, each counted alike, however small.",
    )
)
register(
    ScoreMetric(
        name="pwcca",
        symbol="PWCCA",
        family="CCA",
        title="projection-weighted CCA",
        tuned_by="pwcca",
        weighs_the_narrower=True,
        chance=NEAR_ZERO,
        good_for="The paper's measure: shared directions, weighted by how much of the narrower view each accounts for.",
    )
)
register(
    ScoreMetric(
        name="pwcca_published",
        symbol="PWCCA*",
        family="CCA",
        title="projection-weighted CCA, as published",
        tuned_by="pwcca_published",
        weighs_the_narrower=True,
        chance=NEAR_ZERO,
        good_for="Comparison with numbers that the published code gave.",
    )
)
register(
    ScoreMetric(
        name="svcca",
        symbol="SVCCA",
        family="SVCCA",
        title="mean canonical correlation of principal directions",
        chance=NEAR_ZERO,
        good_for="Shared directions among those with most variance, without a regulariser to choose.",
    )
)
register(
    ScoreMetric(
        name="cka",
        symbol="CKA",
        family="CKA",
        title="linear centred kernel alignment",
        least=0.0,
        of_rows=cka,
        chance="above 0, by about √(dx·dy)/n for n held-out rows",
        good_for="Likeness of two views as they stand, with nothing fitted; the largest dimensions decide it.",
    )
)
register(
    ScoreMetric(
        name="r2",
        symbol="R²",
        family="R²",
        title="variance explained by a linear map",
        least=-math.inf,
        of_map=LinearMap.explained,
        chance="0 or just below: no better than the target's mean",
        good_for="How much of the target can be read off the layer: the share of its variance that a linear map finds.",
    )
)
