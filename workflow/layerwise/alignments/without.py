"""A corpus without alignments: its tables of intervals and of what is wrong with them are empty."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from layerwise.alignments.cleaning import INTERVAL_SCHEMA
from layerwise.corpus.problems import report_problems
from layerwise.files.atomic import replaced


def write_without(intervals_out: Path, problems_out: Path) -> None:
    """Write both tables, as `layerwise.alignments.index.index_alignments` writes them of alignments."""
    with replaced(intervals_out) as temporary:
        pq.write_table(INTERVAL_SCHEMA.empty_table(), temporary, compression="zstd")
    report_problems([], problems_out, file_column="file")
