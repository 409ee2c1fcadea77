"""What a layer is compared with: each kind of target is a class that reads its matrix from the shards of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import h5py
import numpy as np

from layerwise.constants import MEL_BANDS
from layerwise.files.limits import Limit
from layerwise.representations import layout, store

# Of a matrix with a row for each word and a column for each type: a million words of 8,000 types.
MAX_CELLS = Limit("LAYERWISE_MAX_LABEL_CELLS", 1 << 33, "rows times types")


class Target(ABC):
    """A kind of target.

    Attributes:
        name: what it is called.
        is_first: whether it is view x and the layer view y, as in the paper; labels are the second view.
        has_labels: whether its columns are types of labels.
        layer: the layer that it is, if it is one.
    """

    name: str
    is_first: ClassVar[bool] = True
    has_labels: ClassVar[bool] = False
    layer: str = ""

    @abstractmethod
    def rows(self, shards: list[h5py.File], sample: int, span: str, layer: str) -> store.Rows | np.ndarray:
        """The target of each row of `layer`, (rows × dimensions)."""

    @abstractmethod
    def width(self, width_of: Callable[[str], int], types: int) -> int:
        """Columns of its matrix, before there is one: `width_of` a layer of the model, number of `types` drawn."""

    @property
    def view(self) -> str:
        """Which view it is."""
        return "x" if self.is_first else "y"

    def views(self, target: object, layer: object) -> tuple:
        """What belongs to the target and what to the layer, in the order of the views."""
        return (target, layer) if self.is_first else (layer, target)


@dataclass(frozen=True)
class Layer(Target):
    """Another layer of the same model."""

    layer: str

    @property
    def name(self) -> str:
        return self.layer

    def rows(self, shards: list[h5py.File], sample: int, span: str, layer: str) -> store.Rows:
        return store.rows(shards, layout.rows_path(sample, span, self.layer))

    def width(self, width_of: Callable[[str], int], types: int) -> int:
        return width_of(self.layer)


class Mel(Target):
    """Log mel spectra."""

    name = "mel"

    def rows(self, shards: list[h5py.File], sample: int, span: str, layer: str) -> store.Rows:
        return store.rows(shards, layout.mel(sample, grid(shards[0], sample, span, layer)))

    def width(self, width_of: Callable[[str], int], types: int) -> int:
        return MEL_BANDS


class Labels(Target):
    """One column for each type of label, 1 where a row has it."""

    name = "label"
    is_first = False
    has_labels = True

    def rows(self, shards: list[h5py.File], sample: int, span: str, layer: str) -> np.ndarray:
        path = layout.rows_path(sample, span, "label")
        labels = store.joined_strings(shards, path)
        types = np.unique(labels)
        MAX_CELLS.require(len(labels) * len(types), f"{shards[0].filename}: {path}", store.RepresentationError)
        return (labels[:, None] == types).astype(np.uint8)

    def width(self, width_of: Callable[[str], int], types: int) -> int:
        return types


def grid(shard: h5py.File, sample: int, span: str, layer: str) -> str:
    """Which mel rows and borders go with a frame layer."""
    return str(store.fact(store.dataset(shard, layout.rows_path(sample, span, layer)), "grid"))
