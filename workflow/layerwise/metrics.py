"""The registry of metrics: every number that scores and tasks give, with what a reader has to know about it.

Scoring and probes register theirs (`layerwise.scoring.metrics`, `layerwise.probes.metrics`); tables, figures, the
report and the check of a configuration ask here. Read when the workflow is planned, so nothing here imports more than
Python's own modules.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric.

    Attributes:
        name: as in tables and in the configuration.
        symbol: short, for a column or an axis: R².
        family: what goes before the name of a question: CCA of CCA-mel.
        title: the metric in words, as in plots.
        least, largest: the range of its values, infinite where there is no bound.
        higher_is_better: true of shares, correlations and accuracies, false of error rates.
        is_ranked: whether layers can be ranked by it, that is whether more, or less, of it is better throughout.
        chance: what it is where there is nothing to find, in words.
        good_for: what it is good for, one plain sentence.
    """

    name: str
    symbol: str
    family: str
    title: str
    least: float
    largest: float
    higher_is_better: bool = True
    is_ranked: bool = True
    chance: str
    good_for: str

    def performance(self, value: Value) -> Value:
        """A value whose better is more of it: that of an accuracy, 1 - that of an error rate; of arrays, each."""
        return value if self.higher_is_better else 1 - value  # type: ignore[operator, return-value]

    @property
    def range(self) -> str:
        """The range in words, after `a number`."""
        least = "" if math.isinf(self.least) else f"from {self.least:g}"
        largest = "" if math.isinf(self.largest) else f"to {self.largest:g}"
        return f"{least} {largest}".strip() if least else largest.replace("to", "of at most")

    def can_be(self, value: float, rounding: float = 0.0) -> bool:
        """Whether a value lies in the range, but for rounding."""
        return self.least - rounding <= value <= self.largest + rounding


METRICS: dict[str, Metric] = {}
Kind = TypeVar("Kind", bound=Metric)


def register(metric: Kind) -> Kind:
    """Add a metric.

    Raises:
        ValueError: there is one of this name.
    """
    if metric.name in METRICS:
        raise ValueError(f"there is a metric {metric.name} already")
    METRICS[metric.name] = metric
    return metric


def metric_of(name: str) -> Metric:
    """A metric by its name; one that a table has and the registry has not is shown by its name.

    Its range is that of a correlation.
    """
    return METRICS.get(name) or Metric(
        name=name, symbol=name, family=name, title=name, least=-1.0, largest=1.0, chance="", good_for=""
    )


class MetricsOf(Mapping[str, Kind], Generic[Kind]):
    """Those registered metrics that are of one class, by name, in the order of registration."""

    def __init__(self, kind: type[Kind]) -> None:
        self._kind = kind

    def __getitem__(self, name: str) -> Kind:
        metric = METRICS[name]
        if not isinstance(metric, self._kind):
            raise KeyError(name)
        return metric

    def __iter__(self) -> Iterator[str]:
        return (name for name, metric in METRICS.items() if isinstance(metric, self._kind))

    def __len__(self) -> int:
        return sum(1 for _ in self)
