"""Who says what when: from whatever aligned a corpus to a table of intervals."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "read_textgrid":
        from layerwise.alignments.textgrids import read_textgrid

        return read_textgrid
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
