"""What any alignment file says: tiers of labelled intervals."""

from __future__ import annotations

from typing import NamedTuple

from layerwise.errors import LayerwiseError


class AlignmentError(LayerwiseError):
    """The alignment cannot be read or does not belong to the corpus."""


class Tier(NamedTuple):
    """The intervals of a tier, in the order of the file, as they are there.

    Attributes:
        name: as in the file, or `phones` and `words` where the format has no names.
        labels: a label of each interval; None: the file has none where its format asks for one.
        starts, ends: seconds.
    """

    name: str
    labels: list[str | None]
    starts: list[float]
    ends: list[float]
