"""The layers that questions are asked of, as far as rows have to do with them: by their sizes, not by their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class AskedLayers:
    """Layers of one size, of some models, that a question is asked of.

    Attributes:
        question: its name.
        layer: dimensions of each. other: of the layer that it is compared with; 0: of none.
        seconds_per_row: of frames.
        models: that have such layers.
    """

    question: str
    layer: int
    other: int
    seconds_per_row: float
    models: tuple[str, ...] = ()

    @classmethod
    def of(cls, said: Mapping) -> AskedLayers:
        """From its fields, as a rule hands them to a job."""
        return cls(**{**said, "models": tuple(said["models"])})
