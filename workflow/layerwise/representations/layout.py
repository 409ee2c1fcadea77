"""Where things lie inside a representation file: /<sample>/<rows>/<name>, built here and nowhere else.

Beside its layers, a set of rows has their names (`utterance_id`, `speaker_id`; segments: `row`, `label`, `start`,
`end`). Segments of a user's table are the same for every sample set, and lie under `every`. Frames come on two grids:
that of the transformer, and 10 ms for the early conv blocks. Each grid has a suffix, which the attribute `grid` of a
layer names, and borders of utterances and mel rows of its own.
"""

from __future__ import annotations

from layerwise.spans import FRAME, Rows, Span

TRANSFORMER, EVERY_10MS = "", "_10ms"  # suffixes of the grids
NAMES = ("utterance_id", "speaker_id")
EVERY_SAMPLE = "every"


def rows_path(sample: int | str, rows: Rows | Span | str, name: str) -> str:
    """The path of a layer, or of what names its rows."""
    if isinstance(rows, Rows):
        return f"{EVERY_SAMPLE if rows.table else sample}/{rows.folder}/{name}"
    return f"{sample}/{rows.name if isinstance(rows, Span) else rows}/{name}"


def borders(sample: int, grid: str = TRANSFORMER) -> str:
    """The path of the borders of utterances among the frames of a grid."""
    return rows_path(sample, FRAME, f"offsets{grid}")


def mel(sample: int, grid: str = TRANSFORMER) -> str:
    """The path of the mel rows that match the frames of a grid."""
    return f"{sample}/target/mel{grid}"
