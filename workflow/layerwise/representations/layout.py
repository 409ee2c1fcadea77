"""Where things lie inside a representation file: /<sample>/<span>/<name>, built here and nowhere else.

Beside its layers, a span has the names of its rows (`utterance_id`, `speaker_id`; segments: `row`, `label`, `start`).
Frames come on two grids: that of the transformer, and 10 ms for the early conv blocks. Each grid has a suffix, which
the attribute `grid` of a layer names, and borders of utterances and mel rows of its own.
"""

from __future__ import annotations

from layerwise.spans import FRAME, Span

TRANSFORMER, EVERY_10MS = "", "_10ms"  # suffixes of the grids
NAMES = ("utterance_id", "speaker_id")


def rows_path(sample: int | str, span: Span | str, name: str) -> str:
    """The path of a layer, or of what names its rows."""
    return f"{sample}/{span.name if isinstance(span, Span) else span}/{name}"


def borders(sample: int, grid: str = TRANSFORMER) -> str:
    """The path of the borders of utterances among the frames of a grid."""
    return rows_path(sample, FRAME, f"offsets{grid}")


def mel(sample: int, grid: str = TRANSFORMER) -> str:
    """The path of the mel rows that match the frames of a grid."""
    return f"{sample}/target/mel{grid}"
