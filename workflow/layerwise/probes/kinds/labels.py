"""Classification: labels of a whole utterance, in one column or several."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from layerwise.errors import first_names, shown
from layerwise.probes.errors import ItemError
from layerwise.probes.kinds.kind import Baselines, Classes, Kind, Target, register

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)


@register
class Labels(Kind):
    """Labels of columns; an answer is right when all of them are. Linear heads on the mean over time (SUPERB's IC).

    The classes of a column are the sorted labels of training. Others are -1, and never right.
    """

    name = "labels"
    metric = "accuracy"
    places = ("data", "table")
    from_columns = True
    follows_speakers = True
    nothing_to_learn = ("no label", "a cell of its columns is empty")
    head = "linear"
    loss = "cross_entropy"
    # Between a linear map, a mean over time and another linear map everything is linear: the mean is all they can use.
    pooled = True

    def require_learnable(self, targets: Mapping[str, Sequence[Target]]) -> None:
        train = targets["train"]
        if len(set(train)) < 2:
            raise ItemError(
                f"all {len(train)} training utterances have the label {shown(' / '.join(train[0]))}: "
                "there is nothing to tell apart"
            )
        for part in ("dev", "test"):
            mine = targets[part]
            unseen = unseen_labels(train, mine)
            names = first_names("/".join(target) for target in {mine[i] for i in unseen})
            if len(unseen) == len(mine):
                raise ItemError(
                    f"every {part} utterance has a label that training lacks ({names}), so none could be right: divide "
                    "them otherwise (part, held_out)"
                )
            if unseen:
                log.warning(
                    "%d of %d %s utterances have a label that training lacks, and will count as wrong: %s",
                    len(unseen), len(mine), part, names,
                )  # fmt: skip

    def classes(self, targets: Sequence[Target]) -> list[dict[str, int]]:
        columns = zip(*targets, strict=True)
        return [{label: number for number, label in enumerate(sorted(set(column)))} for column in columns]

    def outputs(self, classes: Classes) -> tuple[int, ...]:
        return tuple(map(len, classes))

    def encoded(self, target: Target, classes: Classes) -> list[int]:
        return [numbers.get(label, -1) for label, numbers in zip(target, classes, strict=True)]

    def is_known(self, target: Target, classes: Classes) -> bool:
        return -1 not in self.encoded(target, classes)

    def can_be_right(self, target: Target, classes: Classes) -> bool:
        return self.is_known(target, classes)

    def decoded(self, numbers: Sequence[int], classes: Classes) -> Target:
        return tuple(list(names)[number] for number, names in zip(numbers, classes, strict=True))

    def counts(self, said: Sequence[Target], answers: Sequence[Target]) -> np.ndarray:
        from layerwise.probes.grading import count_right

        return count_right(said, answers)

    def baselines(self, train: Sequence[Target], test: Sequence[Target], classes: Classes) -> Baselines:
        """Labels of several columns count as one: an answer is right when all of them are."""
        from layerwise.probes.grading import most_frequent

        known, constant = set(train), most_frequent(train)
        chance = sum(target in known for target in test) / len(test) / len(known)
        return Baselines(test.count(constant) / len(test), "/".join(constant), chance, len(known))

    def further_metrics(self, said: Sequence[Target], answers: Sequence[Target]) -> dict[str, float | None]:
        from layerwise.probes.grading import balanced_accuracy, macro_f1

        return {"balanced_accuracy": balanced_accuracy(said, answers), "macro_f1": macro_f1(said, answers)}


def unseen_labels(train: Sequence[Sequence[str]], others: Sequence[Sequence[str]]) -> list[int]:
    """Positions of the targets in `others` that have, in one of their columns, a label that `train` does not have."""
    known = [{target[column] for target in train} for column in range(len(others[0]) if others else 0)]
    return [i for i, target in enumerate(others) if any(label not in k for label, k in zip(target, known, strict=True))]
