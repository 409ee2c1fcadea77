"""The questions that are asked of a layer: the registry of properties.

Read when the workflow is planned, and by every table and figure: another property is one entry of `PROPERTIES`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from layerwise.layers import FIRST, is_transformer
from layerwise.scoring.targets import Labels, Layer, Mel, Target
from layerwise.spans import SPANS


@dataclass(frozen=True)
class Property:
    """A named question.

    Attributes:
        title: what it asks for, as in plots.
        span: what a row stands for, one of `layerwise.spans.SPANS`.
        target: what the layer is compared with.
        conv: whether it is asked of C layers too.
        ranked: whether the layer with most of it is the one to use. A layer is most like itself, so that likeness to
            another layer says nothing of use.
        called: the plain word for what it asks for, as in recommendations; "": the title.
    """

    name: str
    title: str
    span: str
    target: Target
    conv: bool = False
    ranked: bool = True
    called: str = ""

    @property
    def of_segments(self) -> bool:
        """Whether a row is a segment of the alignments."""
        return SPANS[self.span].is_segment

    def layers(self, names: Sequence[str]) -> list[str]:
        """Those of a model's layers that the question is asked of, in order of depth."""
        return [name for name in names if self.conv or is_transformer(name)]

    def informative(self, names: Sequence[str]) -> list[str]:
        """Those of some layers that are not compared with themselves, which scores 1 by definition."""
        return [name for name in names if name != self.target.layer]


PROPERTIES = {
    entry.name: entry
    for entry in (
        Property("intra", "similarity to layer 0", "frame", Layer(FIRST), ranked=False),
        Property("mel", "acoustic content", "frame", Mel(), conv=True, called="acoustics"),
        Property("phone", "phonetic content", "phone", Labels(), called="phones"),
        Property("word", "word identity", "word", Labels(), called="words"),
    )
}


def is_ranked(name: str) -> bool:
    """Whether layers are ranked by a property; by one that a table has and the registry has not, they are."""
    return name not in PROPERTIES or PROPERTIES[name].ranked
