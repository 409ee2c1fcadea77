"""What any alignment file says: tiers of labelled intervals."""

from __future__ import annotations

from typing import NamedTuple

from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit

# Of one recording. A day of speech has a million phones and 300,000 words, and no recording that is read is as long.
MAX_INTERVALS = Limit("LAYERWISE_MAX_INTERVALS", 2 * 10**6, "intervals")
# Two or three for each speaker; the largest meetings have a dozen.
MAX_TIERS = Limit("LAYERWISE_MAX_TIERS", 200, "tiers")


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
