"""What a chart has: its rows, its layers, and the words of its picture."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import pandas as pd
import vl_convert


def rows_of(chart: Any, column: str = "model") -> pd.DataFrame:
    """The rows of the first data that have a column."""
    for rows in chart.to_dict()["datasets"].values():
        if rows and column in rows[0]:
            return pd.DataFrame(rows)
    raise AssertionError(f"no data have {column}")


def views(spec: dict) -> Iterator[dict]:
    """All views of a specification, from the outermost."""
    yield spec
    for part in [*spec.get("layer", []), *spec.get("vconcat", []), *([spec["spec"]] if "spec" in spec else [])]:
        yield from views(part)


def encodings_of(chart: Any, channel: str) -> list[dict]:
    """What each view of a chart says of a channel."""
    found = (view.get("encoding", {}).get(channel) for view in views(chart.to_dict()))
    return [each for each in found if each]


def words_of(chart: Any, **parameters: Any) -> str:
    """The words of its picture, where a reader has set parameters."""
    spec = chart.to_dict()
    for parameter in spec.get("params", []):
        parameter["value"] = parameters.get(parameter["name"], parameter["value"])
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec))
    texts = (" ".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))
    return " ".join(text for text in texts if text)
