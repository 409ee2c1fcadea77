"""Files of charts: pictures in SVG and PNG, and the charts themselves, for the report and for Vega's editor.

vl-convert renders as Vega does in a browser, without one, and with fonts of its own: the same chart gives the same
picture on every machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced
from layerwise.files.json_files import read_json
from layerwise.scoring.properties import Property, read_properties
from layerwise.tables.files import AnyPath

PIXELS_PER_INCH = 144  # of a PNG; charts are laid out at 96

alt.data_transformers.disable_max_rows()  # data that a chart has are in its file, however many
_ID = re.compile(r'(\bid="|url\(#)((gradient_|clip)\d+)\b')


def _only(entries: Mapping[str, Mapping]) -> Property:
    (question,) = read_properties(entries).values()
    return question


# Arguments that stand in the plan as plain values.
_MEANT: dict[str, Callable] = {"properties": read_properties, "question": _only}


class MalformedChartsError(LayerwiseError):
    """A file of charts cannot be read; the message names it."""


@dataclass(frozen=True)
class Charts:
    """The charts of a figure and a subject, as its file has them.

    Attributes:
        about: what the registry says of it: `figure`, `of`, `subject`, `alt`, `caption`, `view`, `axis`.
        charts: metric → Vega-Lite specification, whose data are named; the metric is "" where there is no choice.
        data: name → rows.
    """

    about: Mapping[str, str]
    charts: Mapping[str, Mapping]
    data: Mapping[str, list]


def chart_of(function: str, tables: Mapping[str, AnyPath], arguments: Mapping[str, object]) -> Any:
    """The chart that a function makes.

    Args:
        function: `chart` of an entry of `layerwise.figures.registry`: `module:function`, imported here and not before.
        tables: paths by the names of tables.
        arguments: what else it is made with; `properties`, and the one that is the `question`, as entries by name.
    """
    module, name = function.split(":")
    meant = {key: _MEANT[key](value) if key in _MEANT else value for key, value in arguments.items()}
    return getattr(import_module(module), name)(**tables, **meant)


def specification(function: str, tables: Mapping[str, AnyPath], arguments: Mapping[str, object]) -> dict[str, Any]:
    """The chart of `chart_of` as Vega-Lite has it.

    Altair does not check it against its schema, which takes longer than all the rest: tests do, for every figure.
    """
    with debug_mode(False):
        return chart_of(function, tables, arguments).to_dict(validate=False)


def draw_all(figures: Mapping[str, Mapping], tables: Mapping[str, AnyPath], out: Mapping[str, AnyPath]) -> None:
    """Make the charts of a subject, and their pictures.

    Args:
        figures: by name: what `chart_of` calls, the names of its tables, its arguments by metric, the metric whose
            chart is drawn (`shown`), and what there is to say `about` it.
        tables: paths by the names of tables.
        out: paths: NAME_svg, NAME_png and NAME_json.
    """
    for name, figure in figures.items():
        read = {table: tables[table] for table in figure["tables"]}
        charts = {
            metric: specification(figure["chart"], read, arguments) for metric, arguments in figure["arguments"].items()
        }
        draw(charts[figure["shown"]], out[f"{name}_svg"], out[f"{name}_png"])
        write_charts(charts, figure["about"], out[f"{name}_json"])


def draw(chart: dict[str, Any], out_svg: AnyPath, out_png: AnyPath) -> None:
    """Write a chart as a picture, whose text stays text, and as pixels."""
    svg = numbered(vl_convert.vegalite_to_svg(chart)) + "\n"
    with replaced(out_svg) as temporary:
        temporary.write_text(svg, encoding="utf-8")
    with replaced(out_png) as temporary:
        temporary.write_bytes(vl_convert.svg_to_png(svg, ppi=PIXELS_PER_INCH))


def numbered(svg: str) -> str:
    """The same with ids that count from 0: Vega goes on counting through all that a process draws."""
    ids: dict[str, str] = {}
    return _ID.sub(lambda found: found[1] + ids.setdefault(found[2], f"{found[3]}{len(ids)}"), svg)


def write_charts(charts: Mapping[str, Mapping], about: Mapping[str, str], out: AnyPath) -> None:
    """Write the charts of a figure, whose data are named and stand there once."""
    data: dict[str, list] = {}
    specs = {}
    for metric, chart in charts.items():
        data |= chart.get("datasets", {})
        specs[metric] = {key: value for key, value in chart.items() if key != "datasets"}
    found = json.dumps({"about": about, "charts": specs, "data": data}, ensure_ascii=False, separators=(",", ":"))
    with replaced(out) as temporary:
        temporary.write_text(f"{found}\n", encoding="utf-8")


def read_charts(path: AnyPath) -> Charts:
    """The charts of a figure, as `write_charts` writes them.

    Raises:
        MalformedChartsError: the file is truncated or no such file.
    """
    found: Any = read_json(Path(path), MalformedChartsError, "file of charts")
    return Charts(found["about"], found["charts"], found["data"])
