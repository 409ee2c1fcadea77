"""Charts side by side, a panel for each model: panels of models that a reader does not choose are not there."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt

from layerwise.figures.look import IS_CHOSEN, of_models, parameters

ROOM = 1200  # pixels that panels side by side may take
GAP = 40  # pixels for axes, and between panels
LETTER = 7.0  # pixels of a letter of a panel's title


def in_lines(text: str, pixels: float) -> list[str]:
    """The title of an axis, a legend or a panel in lines of at most so many pixels, and of at least twelve letters."""
    return textwrap.wrap(text, max(12, int(pixels / LETTER))) or [""]


def panel_title(text: str, width: float) -> str:
    """The title of a panel, in lines."""
    return "\n".join(in_lines(text, width))


def room(panels: int, width: float) -> int:
    """Pixels that panels of so many pixels take, side by side."""
    columns = abreast(panels, width)
    return int(columns * (width + GAP))


def abreast(panels: int, width: float) -> int:
    """How many panels of so many pixels there are in a row."""
    return max(1, min(panels, int(ROOM / (width + GAP))))


def in_panels(chart: Any, titles: Sequence[str], columns: int, has_titles: bool = True) -> Any:
    """A chart for each value of the column `panel` of its rows, so many in a row.

    Args:
        titles: the panels in order, as `panel_title` breaks them into lines.
        has_titles: False: they stand below panels with the same titles.
    """
    header = alt.Header(
        title=None,
        labelAnchor="start",
        labelExpr="split(datum.label, '\\n')" if has_titles else "''",
        labelFontSize=11,
        labelFontWeight="bold",
        labelLimit=0,
    )
    return chart.facet(facet=alt.Facet("panel:N", sort=list(titles), header=header), columns=columns, spacing=18)


def below_each_other(*parts: Any) -> Any:
    """Charts in panels below each other, of which the report draws some models and isolates one, as `of_models` has it.

    The filter stands in each part, as their rows differ.
    """
    if len(parts) == 1:
        return of_models(parts[0])
    return alt.vconcat(*(part.transform_filter(IS_CHOSEN) for part in parts)).properties(
        params=[each.param for each in parameters()]
    )
