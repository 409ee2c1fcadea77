"""What stands beside tasks: what properties are called there, and how each series looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt

from layerwise.figures.look import COLOURS, DASHES, SHAPES
from layerwise.figures.words import as_performance, short_title

SUM_COLOUR = COLOURS[1]  # of the learned sum of all layers, and of its weights
SINGLE_COLOUR = COLOURS[6]  # of heads on single layers
PROPERTY_COLOURS = [colour for colour in COLOURS if colour not in (SUM_COLOUR, SINGLE_COLOUR)]
LINE = "stroke"  # the shape of what is only a line
# Shapes that no property has, as paths.
STAR = "M0,-1L.24,-.32L.95,-.31L.38,.12L.59,.81L0,.4L-.59,.81L-.38,.12L-.95,-.31L-.24,-.32Z"
CROSS = "M-.9,-.5L-.5,-.9L0,-.4L.5,-.9L.9,-.5L.4,0L.9,.5L.5,.9L0,.4L-.5,.9L-.9,.5L-.4,0Z"


class Look(NamedTuple):
    """How a series is drawn, in every panel."""

    color: str
    shape: str
    strokeDash: Sequence[int] = (1, 0)


def names_of(names: Sequence[str], metrics: Mapping[str, str]) -> dict[str, str]:
    """Property → what it is called where more is better."""
    return {name: as_performance(metrics[name], short_title(name, metrics[name])) for name in names}


def looks_of(called: Iterable[str]) -> dict[str, Look]:
    """The looks of properties by what they are called.

    Args:
        called: all those of the experiment, in order, so that each looks the same in every chart.
    """
    return {
        name: Look(
            PROPERTY_COLOURS[number % len(PROPERTY_COLOURS)],
            SHAPES[number % len(SHAPES)],
            DASHES[number // len(PROPERTY_COLOURS) % len(DASHES)],
        )
        for number, name in enumerate(called)
    }


def encodings(looks: Mapping[str, Look], drawn: Iterable[str]) -> dict[str, Any]:
    """Colour, shape and dash by the column `series`, with one legend for all three.

    Args:
        looks: of all series, in the order of the legend.
        drawn: the series that the chart has.
    """
    names = [name for name in looks if name in set(drawn)]
    legend = alt.Legend(title=None, labelLimit=260, symbolLimit=0, symbolSize=110)
    return {
        name: channel(
            "series:N",
            scale=alt.Scale(domain=names, range=[getattr(looks[each], name) for each in names]),
            legend=legend,
        )
        for name, channel in (("color", alt.Color), ("shape", alt.Shape), ("strokeDash", alt.StrokeDash))
    }
