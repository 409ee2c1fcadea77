"""Charts side by side, a panel for each model: panels of models that a reader does not choose are not there."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt

from layerwise.figures.look import CHOSEN, IS_CHOSEN, ISOLATED, of_models

ROOM = 1200  # pixels that panels side by side may take
LETTER = 7.0  # pixels of a letter of a panel's title
TITLE = 8.5  # pixels of a letter of the title of a chart


def in_lines(text: str, pixels: float, letter: float = LETTER) -> list[str]:
    """Text in lines of at most so many pixels, and of at least twelve letters."""
    return textwrap.wrap(text, max(12, int(pixels / letter))) or [""]


def panel_title(text: str, width: float) -> str:
    """The title of a panel, in lines."""
    return "\n".join(in_lines(text, width))


def abreast(panels: int, width: float) -> int:
    """How many panels of so many pixels there are in a row."""
    return max(1, min(panels, int(ROOM / (width + 40))))


def in_panels(chart: alt.LayerChart, titles: Sequence[str], columns: int, has_titles: bool = True) -> Any:
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
    chosen = [alt.VariableParameter(name=CHOSEN, value=[]), alt.VariableParameter(name=ISOLATED, value="")]
    return alt.vconcat(*(part.transform_filter(IS_CHOSEN) for part in parts)).properties(params=chosen)
