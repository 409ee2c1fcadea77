"""What the sample sets asked for and got, tables/samples.csv."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from layerwise.alignments.arpabet import PHONES
from layerwise.cells import GIVEN
from layerwise.files.own_tables import SEGMENT_COLUMNS, read_parquet
from layerwise.spans import BY_TABLE, SPANS, SampleSizes
from layerwise.tables.files import AnyPath, read_table, table_of, write_table

COLUMNS = ["sample", "span", "asked", "drawn", "types", "utterances", "hours", "alignments"]


def read_samples(path: AnyPath) -> pd.DataFrame:
    """tables/samples.csv, as `summarise_samples` writes it."""
    return read_table(path, COLUMNS, ["sample", "span"])


def summarise_samples(
    files: Iterable[AnyPath],
    sizes: SampleSizes,
    out: AnyPath,
    phone_types: int | None = len(PHONES),
    alignments: str = GIVEN,
) -> None:
    """What every sample set asked for and got, tables/samples.csv: a row per sample and span.

    Args:
        files: `<sample>/<table>.parquet` of every span, in any order.
        sizes: what the configuration asked for.
        phone_types: how many phones the phone set has; None: it keeps every label, and those that were found count.
        alignments: `given` or `automatic`, kept in every row.

    `drawn` counts utterances for frames and intervals otherwise, `types` distinct labels (of whole utterances:
    speakers), `hours` the audio in the drawn utterances or inside the drawn intervals.
    """
    rows = []
    for file in map(Path, files):
        span = BY_TABLE[file.stem]
        drawn = read_parquet(file, SEGMENT_COLUMNS if span.is_segment else ("utterance_id", "duration"))
        types = drawn["label"].nunique() if span.is_segment else None
        seconds = drawn["end"] - drawn["start"] if span.is_segment else drawn["duration"]
        rows.append(
            {
                "sample": int(file.parent.name),
                "span": span.name,
                "asked": sizes.rows(span, (phone_types if span.name == "phone" else types) or types or 0),
                "drawn": len(drawn),
                "types": types,
                "utterances": drawn["utterance_id"].nunique(),
                "hours": math.fsum(seconds) / 3600,
                "alignments": alignments,
            }
        )
    rows.sort(key=lambda row: (row["sample"], list(SPANS).index(row["span"])))
    write_table(table_of(rows, COLUMNS, ["types"]), out)
