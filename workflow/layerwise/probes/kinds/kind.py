"""What a kind of task has to say: which targets it has, how heads learn them, and how answers are graded.

Read when the workflow is planned, so nothing here imports torch: heads and losses are named, not imported.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from layerwise.probes.metrics import METRICS, Metric

if TYPE_CHECKING:
    import numpy as np

Target = tuple[str, ...]  # labels in the order of the columns; or phones; or words
Classes = Sequence[Mapping[str, int]]  # for each column of outputs: class → its number


class Baselines(NamedTuple):
    """What answers that do not listen reach on test.

    Attributes:
        majority: one answer to everything: the most frequent label of training, or an empty answer.
        majority_label: that answer.
        chance: any label of training, each as often; None: that has no meaning here.
        n_types: labels (phones, characters) of training.
    """

    majority: float
    majority_label: str
    chance: float | None
    n_types: int


class Kind(ABC):
    """A kind of task.

    Attributes:
        name: as in the configuration.
        metric: name of its metric, one of `METRICS`.
        places: where its utterances can come from: `corpus`, `data` (a data set of resources/tasks.yaml), `table`.
        from_columns: whether the target is made of columns of a table.
        tier: tier of the alignments that the target is made of; None: it needs no alignments.
        follows_speakers: whether a target may follow from who speaks; held-out speakers are then chosen with care.
        nothing_to_learn: problem and detail of an utterance without a target, for the list of what was left out.
        head: what its heads look like: a name of `layerwise.probes.heads.HEADS`.
        loss: what its heads learn by: a name of `layerwise.probes.losses.LOSSES`.
        pooled: whether heads see the mean over time of each layer instead of its frames.
        trained_like: kind whose recipe serves where resources/tasks.yaml has none of its own.
    """

    name: ClassVar[str]
    metric: ClassVar[str]
    places: ClassVar[tuple[str, ...]]
    from_columns: ClassVar[bool] = False
    tier: ClassVar[str | None] = None
    follows_speakers: ClassVar[bool] = False
    nothing_to_learn: ClassVar[tuple[str, str]]
    head: ClassVar[str]
    loss: ClassVar[str]
    pooled: ClassVar[bool] = False
    trained_like: ClassVar[str | None] = None

    # Listing of utterances

    def recipe_problem(self, recipe: Mapping) -> str | None:
        """What is wrong with the values of a recipe, if anything is."""
        return None

    def target(self, text: str, labels: Sequence[str]) -> Target:
        """The target of an utterance of a corpus, from its transcript and the labels of `tier` in order of time."""
        raise NotImplementedError(f"{self.name} cannot be learned of a corpus")

    def require_learnable(self, targets: Mapping[str, Sequence[Target]]) -> None:  # noqa: B027 (most refuse nothing)
        """Refuse targets, by part, of which nothing can be learned, and warn of those that cannot be right.

        Raises:
            ItemError: no head could be right, or none could be wrong.
        """

    def can_be_answered(self, train: Sequence[Target], others: Sequence[Target]) -> bool:
        """Whether a head that knows the targets of training can be right for one of the others, at least."""
        classes = self.classes(train) if train else []
        return bool(train) and any(self.can_be_right(target, classes) for target in others)

    # Training

    @abstractmethod
    def classes(self, targets: Sequence[Target]) -> list[dict[str, int]]:
        """What the heads can answer, from the targets of training: for each column class → number of its output."""

    @abstractmethod
    def outputs(self, classes: Classes) -> tuple[int, ...]:
        """Outputs of a head, for each column."""

    @abstractmethod
    def encoded(self, target: Target, classes: Classes) -> list[int]:
        """A target in numbers."""

    @abstractmethod
    def is_known(self, target: Target, classes: Classes) -> bool:
        """Whether training has all that the target asks for."""

    @abstractmethod
    def can_be_right(self, target: Target, classes: Classes) -> bool:
        """Whether an answer to this target can be right, or a part of it."""

    def frames_needed(self, encoded: Sequence[int]) -> int:
        """Frames without which a target cannot be learned."""
        return 0

    # Answers

    @abstractmethod
    def decoded(self, numbers: Sequence[int], classes: Classes) -> Target:
        """The answer that a loss reads from the outputs of a head, in numbers, as a target."""

    @abstractmethod
    def counts(self, said: Sequence[Target], answers: Sequence[Target]) -> np.ndarray:
        """Hits or errors of each utterance, and how many there could be: (utterances, 2) int64."""

    @abstractmethod
    def baselines(self, train: Sequence[Target], test: Sequence[Target], classes: Classes) -> Baselines:
        """What answers that do not listen reach on test."""

    def further_metrics(self, said: Sequence[Target], answers: Sequence[Target]) -> dict[str, float | None]:
        """`balanced_accuracy` and `macro_f1`, which stand beside the metric where it is an accuracy."""
        return {"balanced_accuracy": None, "macro_f1": None}

    @property
    def measured(self) -> Metric:
        """What its metric means."""
        return METRICS[self.metric]


KINDS: dict[str, Kind] = {}


def register(kind: type[Kind]) -> type[Kind]:
    """A class decorator: the kind can be named in a configuration."""
    KINDS[kind.name] = kind()
    return kind
