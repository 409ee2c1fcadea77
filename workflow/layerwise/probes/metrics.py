"""The metrics of tasks by name; `grading` counts errors, `rates` divides them.

Read when the workflow is planned, so nothing here imports more than Python's own modules.
"""

from __future__ import annotations

from dataclasses import dataclass

from layerwise.metrics import Metric, MetricsOf, register


@dataclass(frozen=True, kw_only=True)
class TaskMetric(Metric):
    """A metric of a task; values are fractions.

    `largest` is what no working head exceeds; a larger value is a percentage by mistake. Error rates may exceed 1, as
    insertions count.
    """

    least: float = 0.0
    family: str = "task"


METRICS = MetricsOf(TaskMetric)

_NOTHING = "1 for an empty answer"
register(
    TaskMetric(
        name="accuracy",
        symbol="acc",
        title="accuracy",
        largest=1.0,
        chance="the share of the most frequent label, or one in as many as there are labels",
        good_for="Labels of whole utterances: the share that a head answers right.",
    )
)
register(
    TaskMetric(
        name="per",
        symbol="PER",
        title="phone error rate",
        largest=2.0,
        higher_is_better=False,
        chance=_NOTHING,
        good_for="Phones or characters in order: how many have to be put right for one that was said.",
    )
)
register(
    TaskMetric(
        name="wer",
        symbol="WER",
        title="word error rate",
        largest=2.0,
        higher_is_better=False,
        chance=_NOTHING,
        good_for="Words in order: how many have to be put right for one that was said.",
    )
)
