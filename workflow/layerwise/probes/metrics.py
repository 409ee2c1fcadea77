"""The metrics of tasks by name, and whether higher is better; `grading` counts errors, `rates` divides them.

Read when the workflow is planned, so nothing here imports more than Python's own modules.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A metric of a task; values are fractions.

    Attributes:
        title: as in plots.
        higher_is_better: true of accuracies, false of error rates.
        largest: what no working head exceeds; a larger value is a percentage by mistake. Error rates may exceed 1, as
            insertions count.
    """

    title: str
    higher_is_better: bool
    largest: float

    def performance(self, value: float) -> float:
        """The accuracy, or 1 - the error rate: the better of two layers has more of it."""
        return value if self.higher_is_better else 1 - value


METRICS = {
    "accuracy": Metric("accuracy", True, 1.0),
    "per": Metric("phone error rate", False, 2.0),
    "wer": Metric("word error rate", False, 2.0),
}
