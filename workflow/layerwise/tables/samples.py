"""What the sample sets asked for and got, tables/samples.csv."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from layerwise.files.tables import SEGMENTS, read_parquet
from layerwise.tables.files import AnyPath, read_table, table_of, write_table

ARPABET_PHONES = 39

COLUMNS = ["sample", "span", "asked", "drawn", "types", "utterances", "hours", "alignments"]
_SPANS = {"utterances": "frame", "phones": "phone", "words": "word"}


def read_samples(path: AnyPath) -> pd.DataFrame:
    """tables/samples.csv, as `summarise_samples` writes it."""
    return read_table(path, COLUMNS, ["sample", "span"])


def summarise_samples(
    files: Iterable[AnyPath],
    utterances: int,
    phones_per_type: int,
    word_types: int,
    words_per_type: int,
    out: AnyPath,
    phone_types: int | None = ARPABET_PHONES,
    alignments: str = "given",
) -> None:
    """What every sample set asked for and got, tables/samples.csv: a row per sample and span.

    Args:
        files: `<sample>/utterances.parquet`, `<sample>/phones.parquet` and `<sample>/words.parquet`, in any order.
        utterances, phones_per_type, word_types, words_per_type: what the configuration asked for.
        phone_types: how many phones the phone set has; None: it keeps every label, and those that were found count.
        alignments: `given` or `automatic`, kept in every row.

    `drawn` counts utterances for frames and intervals otherwise, `types` distinct labels, `hours` the audio in the
    drawn utterances or inside the drawn intervals.
    """
    asked = {"frame": utterances, "word": word_types * words_per_type}
    rows = []
    for file in map(Path, files):
        span = _SPANS[file.stem]
        drawn = read_parquet(file, ("utterance_id", "duration") if span == "frame" else SEGMENTS)
        if span == "phone":
            asked["phone"] = (phone_types or drawn["label"].nunique()) * phones_per_type
        seconds = drawn["duration"] if span == "frame" else drawn["end"] - drawn["start"]
        rows.append(
            {
                "sample": int(file.parent.name),
                "span": span,
                "asked": asked[span],
                "drawn": len(drawn),
                "types": None if span == "frame" else drawn["label"].nunique(),
                "utterances": drawn["utterance_id"].nunique(),
                "hours": math.fsum(seconds) / 3600,
                "alignments": alignments,
            }
        )
    rows.sort(key=lambda row: (row["sample"], list(_SPANS.values()).index(row["span"])))
    write_table(table_of(rows, COLUMNS, ["types"]), out)
