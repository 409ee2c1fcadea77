"""A target: what a layer is compared with. Its kinds are in `layerwise.scoring.targets` and `references`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from layerwise.errors import LayerwiseError
from layerwise.spans import Rows

if TYPE_CHECKING:
    from layerwise.scoring.rows import LayerRows


class TargetError(LayerwiseError):
    """A target makes no sense; the message says which field, and what would be right."""


@dataclass(frozen=True)
class Matched:
    """The target of a layer's rows.

    Attributes:
        matrix: (kept rows × dimensions).
        kept: places of the rows that have a target, in order; None: all.
        labels: (kept rows,) what folds are balanced by; None: as the rows are labelled.
        unit: what has one value as a whole, so that chance exchanges the values of whole ones: row, utterance or
            speaker; "": nothing has, as values change from frame to frame.
    """

    matrix: Any
    kept: np.ndarray | None = None
    labels: np.ndarray | None = None
    unit: str = "row"


class Target(ABC):
    """A kind of target.

    Attributes:
        name: what it is called.
        is_first: whether it is view x and the layer view y, as in the papers.
        has_labels: whether its columns are types of labels.
        is_use: whether having most of it makes a layer the one to use.
        looked_up: whether it comes from a table, which a job of its own prepares.
        layer: the layer that it is, if it is one. other_model: the model whose layer it is, if not the same.
        every_layer: whether it is each layer of another model in turn.
        files: files that the measure reads as they are: paths, or names in a catalogue.
    """

    name: str
    is_first: ClassVar[bool] = False
    has_labels: ClassVar[bool] = False
    is_use: ClassVar[bool] = True
    looked_up: bool = False
    layer: str = ""
    other_model: str = ""
    every_layer: bool = False
    files: tuple[str, ...] = ()

    @classmethod
    @abstractmethod
    def of(cls, fields: Mapping) -> Target:
        """From its fields in YAML.

        Raises:
            TargetError: they make no sense.
        """

    def require_rows(self, rows: Rows) -> None:  # noqa: B027
        """Refuse rows that it has nothing for.

        Raises:
            TargetError: the message says which would do.
        """

    def family(self, rows: Rows) -> str:
        """The family of acoustic measures whose file it comes from; "": from none."""
        return ""

    def width(self, width_of: Callable[[str], int], types: int) -> int:
        """Columns of its matrix, before there is one: `width_of` a layer of the model, number of `types` drawn.

        0 where it has none.
        """
        return 0

    def match(self, asked: LayerRows) -> Matched:
        """The target of each row of a layer; a matrix of nothing where it has none for single rows."""
        return Matched(None, unit="")

    @property
    def view(self) -> str:
        """Which view it is."""
        return "x" if self.is_first else "y"

    def views(self, target: object, layer: object) -> tuple:
        """What belongs to the target and what to the layer, in the order of the views."""
        return (target, layer) if self.is_first else (layer, target)


class Matching(Target):
    """A kind of target that has numbers for each row of a layer."""

    @abstractmethod
    def width(self, width_of: Callable[[str], int], types: int) -> int:
        """Columns of its matrix."""

    @abstractmethod
    def match(self, asked: LayerRows) -> Matched:
        """The target of each row of a layer."""
