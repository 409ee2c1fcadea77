"""How the tables of an experiment are read and written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from layerwise.cells import GIVEN
from layerwise.files.atomic import replaced
from layerwise.files.own_tables import read_csv_table
from layerwise.layers import is_transformer

AnyPath = str | os.PathLike[str]

# Columns of text that several tables have.
_TEXT_COLUMNS = [
    *("property", "model", "layer", "metric", "span", "alignments"),
    *("status", "reason", "runner_up", "tied", "nearly_tied", "interval"),
]


def read_table(
    path: AnyPath, columns: Sequence[str] = (), key: Sequence[str] = (), text: Sequence[str] = ()
) -> pd.DataFrame:
    """A table of an experiment, as `layerwise.files.own_tables.read_csv_table` reads it.

    Args:
        text: columns of text that are of this table alone.
    """
    return read_csv_table(path, columns, [*_TEXT_COLUMNS, *text], key)


def table_of(rows: Sequence[Mapping], columns: Sequence[str], whole: Iterable[str] = ()) -> pd.DataFrame:
    """A table from its rows; cells that a row does not name are empty.

    Args:
        whole: columns of whole numbers, which stay whole where cells are empty.
    """
    return pd.DataFrame(rows, columns=list(columns)).astype(dict.fromkeys(whole, "Int64"))


def write_table(table: pd.DataFrame, out: AnyPath) -> None:
    """As CSV, whole or not at all."""
    with replaced(out) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def alignments_of(table: pd.DataFrame) -> str:
    """`given` or `automatic`: how the alignments of an experiment were made, as any of its tables says."""
    return table["alignments"].iloc[0] if len(table) else GIVEN


def of_property(table: pd.DataFrame, property_name: str) -> pd.DataFrame:
    """The rows of one property."""
    return table[table["property"] == property_name]


def transformer_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of T layers."""
    return table[table["layer"].map(is_transformer).astype(bool)]


def joined_reasons(reasons: Iterable[str]) -> str:
    """Reasons as one text: each once, in order of first appearance, without empty ones.

    What several sample sets have for a reason stands there once, with their numbers.
    """
    samples: dict[tuple[str, str], list[str]] = {}
    for reason in dict.fromkeys(filter(None, reasons)):
        before, number, after = found.groups() if (found := _OF_SAMPLE.fullmatch(reason)) else (reason, "", "")
        samples.setdefault((before, after), []).append(number)
    return "; ".join(
        f"{before}, sample{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}{after}" if numbers[0] else before
        for (before, after), numbers in samples.items()
    )


_OF_SAMPLE = re.compile(r"([^:;]*), sample (\d+)(:.*)", re.DOTALL)
