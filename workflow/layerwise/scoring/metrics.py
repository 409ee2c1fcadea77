"""The metrics of scores: what each is called and can be; of CCA also how it is measured where no ridges are chosen.

Another metric of second moments is one entry: `register` one whose `of_rows` computes it from the covariances of
held-out rows, or whose `of_map` does from a linear map, and every score has it, with its chance level. A metric of
another measure is an entry that names it, and a number of the records that the measure's module makes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

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

    measure: ClassVar[str] = "cca"
    least: float = -1.0
    largest: float = 1.0
    tuned_by: str = ""
    of_rows: Callable[[Covariance], float] | None = None
    of_map: Callable[[LinearMap, Covariance, Sequence[float]], np.ndarray] | None = None
    weighs_the_narrower: bool = False


@dataclass(frozen=True, kw_only=True)
class MeasureMetric(Metric):
    """A metric of another measure than CCA.

    Attributes:
        measure: the name of the measure in `layerwise.scoring.measure`. Its first metric is shown by default.
    """

    measure: str
    least: float = 0.0
    largest: float = 1.0


METRICS = MetricsOf(ScoreMetric)
OF_OTHERS = MetricsOf(MeasureMetric)


def metrics_of(measure: str) -> list[str]:
    """The metrics of a measure, in the order of registration."""
    every: list[ScoreMetric | MeasureMetric] = [*METRICS.values(), *OF_OTHERS.values()]
    return [metric.name for metric in every if metric.measure == measure]


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
register(
    MeasureMetric(
        measure="mutual_information",
        name="ami",
        symbol="AMI",
        family="MI",
        title="adjusted mutual information of clusters and labels",
        least=-1.0,
        chance="0: what unrelated clusters share is taken off",
        good_for="The same without the bias of few rows, so that numbers of clusters can be compared.",
    )
)
register(
    MeasureMetric(
        measure="mutual_information",
        name="mi",
        symbol="MI",
        family="MI",
        title="mutual information of clusters and labels, of the labels' entropy",
        chance="above 0, the more so the more clusters and the fewer rows there are",
        good_for="How much a layer's clusters say of the label, with no map fitted to it.",
    )
)
register(
    MeasureMetric(
        measure="word_discrimination",
        name="ap",
        symbol="AP",
        family="AP",
        title="average precision, same against different",
        chance="the share of pairs that are the same",
        good_for="Whether two segments of one word lie nearer than any two of different words, with nothing fitted.",
    )
)
register(
    MeasureMetric(
        measure="word_discrimination",
        name="swdp_ap",
        symbol="AP (others)",
        family="AP",
        title="average precision, pairs of the same by other speakers",
        chance="the share of pairs that are the same and by other speakers",
        good_for="The same where only pairs by two speakers have to be found.",
    )
)
register(
    MeasureMetric(
        measure="word_discrimination",
        name="prb",
        symbol="PRB",
        family="AP",
        title="precision where it equals recall",
        chance="the share of pairs that are the same",
        good_for="How many of as many pairs as there are of the same are so.",
    )
)
register(
    MeasureMetric(
        measure="abx",
        name="abx_error",
        symbol="ABX",
        family="ABX",
        title="ABX error rate",
        higher_is_better=False,
        chance="0.5",
        good_for="Whether phones can be told apart by distance alone, however the layer is laid out.",
    )
)
for name, symbol, average, good_for in (
    (
        "similarity",
        "ρ",
        "macro average over sets, each pair counted once",
        "Whether words that people find alike lie in one direction.",
    ),
    (
        "similarity_micro",
        "ρ (micro)",
        "average over sets by their pairs, each pair counted once",
        "The same, where a large set counts more than a small one.",
    ),
    (
        "similarity_published",
        "ρ*",
        "macro average over sets, as published",
        "Comparison with published averages of the sets.",
    ),
):
    register(
        MeasureMetric(
            measure="word_similarity",
            name=name,
            symbol=symbol,
            family="ratings",
            title=f"rank correlation with ratings, {average}",
            least=-1.0,
            chance="0",
            good_for=good_for,
        )
    )
register(
    MeasureMetric(
        measure="sentence_similarity",
        name="sentence_similarity",
        symbol="ρ (sentences)",
        family="STS",
        title="rank correlation with ratings of sentences",
        least=-1.0,
        chance="0",
        good_for="Whether recordings of sentences that people find alike lie in one direction.",
    )
)
for name, symbol, title, good_for in (
    ("f1", "F1", "F1 of word boundaries", "Whether frames change most where words meet."),
    ("r_value", "R", "R-value of word boundaries", "The same, and too many boundaries cost as much as too few."),
    ("precision", "P", "precision of word boundaries", "How many of the boundaries found are there."),
    ("recall", "Rec.", "recall of word boundaries", "How many of the boundaries there are found."),
    ("f1_published", "F1*", "F1 of word boundaries, as published", "Comparison with the published procedure."),
):
    register(
        MeasureMetric(
            measure="word_segmentation",
            name=name,
            symbol=symbol,
            family=symbol,
            title=title,
            least=-math.inf if name == "r_value" else 0.0,  # OS has no upper limit
            chance="that of as many boundaries at random places",
            good_for=good_for,
        )
    )
register(
    MeasureMetric(
        measure="word_segmentation",
        name="os",
        symbol="OS",
        family="OS",
        title="over-segmentation",
        least=-1.0,
        largest=math.inf,
        is_ranked=False,
        chance="0 where as many boundaries are placed as there are",
        good_for="Whether there are too many boundaries (above 0) or too few.",
    )
)
