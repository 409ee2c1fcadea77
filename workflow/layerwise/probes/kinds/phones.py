"""Phone recognition: the phones of an utterance in order, without silence."""

from __future__ import annotations

from collections.abc import Sequence

from layerwise.probes.kinds.kind import Target, register
from layerwise.probes.kinds.sequences import Sequences


@register
class Phones(Sequences):
    """Phones of the alignments; linear heads on frames (SUPERB's PR)."""

    name = "phones"
    metric = "per"
    tier = "phone"
    nothing_to_learn = ("no phones", "its alignment has no phone, or it has none")
    head = "linear"

    def target(self, text: str, labels: Sequence[str]) -> Target:
        return tuple(labels)
