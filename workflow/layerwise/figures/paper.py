"""Figures for an article: the charts of plots/, as wide as a column, with text of 7 to 8 points.

A chart is laid out as for a screen, in a width of so many pixels that its letters have `POINTS` when the picture is as
wide as was asked for. So lines, marks and letters keep their proportions, and text stays text in PDF and SVG.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import vl_convert

from layerwise.figures.rendering import numbered, specification
from layerwise.files.atomic import replaced
from layerwise.tables.files import AnyPath

POINTS_PER_CM = 72 / 2.54
POINTS = 7.4 / 11  # of a pixel: labels have 11 pixels, titles of axes 12, numbers in cells 10
PIXELS_PER_INCH = 600  # of a PNG

_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')


def draw_paper(
    figures: Mapping[str, Mapping],
    tables: Mapping[str, AnyPath],
    width_cm: float,
    format: str,
    out: Mapping[str, AnyPath],
) -> None:
    """Draw figures as wide as a column.

    Args:
        figures: by name, as `layerwise.figures.rendering.draw_all` takes them: of each, its chart of the metric that is
            `shown` is drawn.
        tables: paths by the names of tables.
        width_cm: of each picture, to the outermost letter.
        format: pdf, svg or png.
        out: paths by the names of figures.
    """
    column = pixels_of(width_cm)
    for name, figure in figures.items():
        read = {table: tables[table] for table in figure["tables"]}
        arguments = {**figure["arguments"][figure["shown"]], "column": column}
        chart = specification(figure["chart"], read, arguments)
        picture = _FORMATS[format](numbered(vl_convert.vegalite_to_svg(chart)), width_cm)
        with replaced(out[name]) as temporary:
            temporary.write_bytes(picture)


def pixels_of(width_cm: float) -> int:
    """How many pixels a chart is wide whose picture has so many centimetres."""
    return round(width_cm * POINTS_PER_CM / POINTS)


def _pdf(svg: str, width_cm: float) -> bytes:
    return vl_convert.svg_to_pdf(_resized(svg, width_cm * POINTS_PER_CM))


def _svg(svg: str, width_cm: float) -> bytes:
    return f"{_resized(svg, width_cm, 'cm')}\n".encode()


def _png(svg: str, width_cm: float) -> bytes:
    return vl_convert.svg_to_png(_resized(svg, width_cm * POINTS_PER_CM), ppi=PIXELS_PER_INCH)


_FORMATS = {"pdf": _pdf, "svg": _svg, "png": _png}


def _resized(svg: str, width: float, unit: str = "") -> str:
    """The same picture with another width: what is drawn keeps its coordinates (viewBox)."""

    def size(found: re.Match) -> str:
        height = float(found[2]) * width / float(found[1])
        return f'width="{width:.4f}{unit}" height="{height:.4f}{unit}"'

    return _SIZE.sub(size, svg, count=1)
