"""Speech recognition: the characters of an utterance in order, graded by words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from layerwise.probes.kinds.kind import Target, register
from layerwise.probes.kinds.sequences import Sequences


@register
class Characters(Sequences):
    """Characters of the transcripts, and spaces; LSTM heads, greedy, without a language model (SUPERB's ASR)."""

    name = "characters"
    metric = "wer"
    nothing_to_learn = ("no transcript", "its transcript is empty")
    head = "recurrent"

    def recipe_problem(self, recipe: Mapping) -> str | None:
        if recipe["hidden"] == 0:
            return "hidden is 0 in its recipe or in probes.overrides; the LSTMs need at least 1"
        return None

    def target(self, text: str, labels: Sequence[str]) -> Target:
        return tuple(text.upper().split())

    def symbols(self, target: Target) -> str:
        return " ".join(target)

    def spoken(self, symbols: Sequence[str]) -> Target:
        return tuple("".join(symbols).split())
