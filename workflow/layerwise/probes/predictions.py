"""What heads answered to each utterance of the test part, as Parquet: the rates of tables/probes.csv add up from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from layerwise.files.atomic import replaced
from layerwise.files.own_tables import PREDICTIONS, read_parquet

SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("speaker_id", pa.string()),
        ("part", pa.string()),
        ("layer", pa.string()),
        ("said", pa.list_(pa.string())),
        ("answered", pa.list_(pa.string())),
        ("errors", pa.int64()),
        ("length", pa.int64()),
    ]
)


def write_predictions(
    items: pd.DataFrame, heads: Mapping[str, tuple[Sequence[tuple[str, ...]], Sequence[int], Sequence[int]]], out: Path
) -> None:
    """A row per head and utterance, whole or not at all.

    Args:
        items: rows of items.parquet that were answered.
        heads: layer, or `weighted` → answers, errors and lengths, in the order of `items`. Of labels an error is an
            utterance of which not every label is right, and a length is 1; else they are counted in phones or words.
    """
    known = items.rename(columns={"target": "said"})[["item_id", "speaker_id", "part", "said"]]
    tables = [
        known.assign(layer=layer, answered=[list(answer) for answer in answers], errors=errors, length=lengths)
        for layer, (answers, errors, lengths) in heads.items()
    ]
    _write(pd.concat(tables), out)


def read_predictions(path: Path) -> pd.DataFrame:
    """What `write_predictions` wrote.

    Raises:
        RereadError: it is another file.
    """
    return read_parquet(path, PREDICTIONS)


def join_predictions(parts: Sequence[Path], out: Path) -> None:
    """Those of several groups of heads in one file, in the order given."""
    _write(pd.concat([read_predictions(path) for path in parts]), out)


def _write(table: pd.DataFrame, out: Path) -> None:
    with replaced(out) as temporary:
        pq.write_table(pa.Table.from_pandas(table, SCHEMA, preserve_index=False), temporary, compression="zstd")
