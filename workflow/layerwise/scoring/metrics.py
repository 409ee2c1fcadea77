"""The metrics of a score: what each is called, what it can be, and how it is measured where nothing is fitted.

Tables, figures and the check of a configuration go through `METRICS`. Another metric is one entry: `register` one whose
`of_rows` computes it from the covariances of held-out rows, and every score has it, with its chance level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from layerwise.scoring.measures.cka import cka
from layerwise.scoring.measures.moments import Covariance


@dataclass(frozen=True)
class Metric:
    """A metric of a score.

    Attributes:
        family: what goes before the name of a property: CCA of CCA-mel.
        title: the metric in words.
        least, largest: the range of its values.
        tuned_by: the metric whose value on dev chooses the regularisers; "": it has none.
        of_rows: the metric of held-out rows, by their covariances; None: `layerwise.scoring.measures.cca` measures it
            with its fit.
    """

    name: str
    family: str
    title: str
    least: float = -1.0
    largest: float = 1.0
    tuned_by: str = ""
    of_rows: Callable[[Covariance], float] | None = None


METRICS: dict[str, Metric] = {}


def register(metric: Metric) -> Metric:
    """Add a metric to those of every score.

    Raises:
        ValueError: there is one of this name.
    """
    if metric.name in METRICS:
        raise ValueError(f"there is a metric {metric.name} already")
    METRICS[metric.name] = metric
    return metric


def metric_of(name: str) -> Metric:
    """A metric by its name; one that a table has and the registry has not is shown by its name."""
    return METRICS.get(name) or Metric(name, family=name, title=name)


def tuned() -> list[str]:
    """The metrics of a fit with regularisers."""
    return [name for name, metric in METRICS.items() if metric.tuned_by]


# Means of correlations on held-out rows may be negative; linear CKA is a share.
register(Metric("mean_cca", "CCA", "mean canonical correlation", tuned_by="pwcca"))
register(Metric("pwcca", "CCA", "projection-weighted CCA", tuned_by="pwcca"))
register(Metric("pwcca_published", "CCA", "projection-weighted CCA, as published", tuned_by="pwcca_published"))
register(Metric("svcca", "SVCCA", "mean canonical correlation of principal directions"))
register(Metric("cka", "CKA", "linear centred kernel alignment", least=0.0, of_rows=cka))
