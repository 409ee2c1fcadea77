"""The legend of lines of models: each as it is drawn, with its colour, its mark and its dashes, and what marks mean.

Vega's own legend has a symbol for each line, without its dashes. So the symbols are shapes of our own, drawn as SVG
paths whose unit is half a symbol.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from layerwise.figures.look import CHANCE_DASH, LABEL_OF_MODEL, QUIET, Models
from layerwise.figures.words import FLAGGED

CHANCE = "chance level of each model"
LABEL_LIMIT = 300  # pixels of a label
_HALF, _THICK = 3.2, 0.17  # half the length of a line, and half its thickness
_PIXELS = 5  # of a unit: half the root of the size of a symbol
_CHARACTER = 6.2  # pixels, of a label
_SYMBOL = int(2 * _HALF * _PIXELS) + 8  # pixels of a symbol and what parts it from its label
_PADDING = 24  # pixels between columns
_MANY = 20  # entries; more of them stand below the chart

_BOX = "M-0.75,-0.75L0.75,-0.75L0.75,0.75L-0.75,0.75Z"
_CIRCLE = "M-0.85,0A0.85,0.85,0,1,1,0.85,0A0.85,0.85,0,1,1,-0.85,0Z"
_HOLE = "M-0.5,0A0.5,0.5,0,1,0,0.5,0A0.5,0.5,0,1,0,-0.5,0Z"  # turns in the other direction, so that it stays empty
# These paths turn in the direction of `line_of`: where areas of opposite directions overlap, nothing is painted.
MARKS = {
    "circle": _CIRCLE,
    "square": _BOX,
    "triangle-up": "M0,-0.9L0.95,0.75L-0.95,0.75Z",
    "triangle-down": "M0,0.9L-0.95,-0.75L0.95,-0.75Z",
    "triangle-right": "M0.9,0L-0.75,0.95L-0.75,-0.95Z",
    "triangle-left": "M-0.9,0L0.75,-0.95L0.75,0.95Z",
    "diamond": "M0,-1L0.8,0L0,1L-0.8,0Z",
    "cross": "M-0.9,-0.3L-0.3,-0.3L-0.3,-0.9L0.3,-0.9L0.3,-0.3L0.9,-0.3"
    "L0.9,0.3L0.3,0.3L0.3,0.9L-0.3,0.9L-0.3,0.3L-0.9,0.3Z",
}
_NOTHING = "M0,0Z"


@dataclass(frozen=True)
class Entry:
    """A line of a legend: its words, a colour, and an SVG path."""

    label: str
    colour: str
    path: str


def entries(cast: Models, drawn: Iterable[str], marks: Collection[str] = ()) -> list[Entry]:
    """The models that are drawn, in order, below the name of their group where there are groups; then the marks.

    Args:
        drawn: names of models.
        marks: of `CHANCE` and `FLAGGED` those that occur.
    """
    shown = set(drawn)
    names = [name for name in cast.names if name in shown]
    found = []
    for group in dict.fromkeys(cast.groups.get(name, "") for name in names):
        found += [Entry(f"{group}:", QUIET, _NOTHING)] if cast.groups else []
        found += [
            Entry(cast.titles[name], cast.colours[name], line_of(cast.dashes[name]) + MARKS[cast.shapes[name]])
            for name in names
            if cast.groups.get(name, "") == group
        ]
    found += [Entry(CHANCE, QUIET, line_of(CHANCE_DASH))] if CHANCE in marks else []
    found += [Entry(FLAGGED, QUIET, _CIRCLE + _HOLE)] if FLAGGED in marks else []
    return found


def legend_of(shown: Sequence[Entry], width: int, below: bool | None = None) -> Any:
    """A chart that has nothing but a legend, to be laid over others.

    Its scales have to be its own: `resolve_scale(color="independent", shape="independent")`.

    Args:
        width: pixels that it may take below the chart.
        below: where it stands; None: beside the chart, as long as it is short.
    """
    below = len(shown) > _MANY if below is None else below
    columns = _columns(shown, width) if below else 1
    shown = _told_apart([*shown, *[Entry("", QUIET, _NOTHING)] * (-len(shown) % columns)])
    labels = [entry.label for entry in shown]
    legend = alt.Legend(
        title=None,
        orient="bottom" if below else "right",
        direction="vertical",
        columns=columns,
        columnPadding=_PADDING,
        symbolSize=(2 * _PIXELS) ** 2,
        symbolStrokeWidth=0,
        symbolOffset=8,
        labelOffset=16,
        labelExpr=LABEL_OF_MODEL,
        labelLimit=min(LABEL_LIMIT, width - _SYMBOL) if below else LABEL_LIMIT,
        symbolLimit=0,
    )
    scales = {
        "color": alt.Scale(domain=labels, range=[entry.colour for entry in shown]),
        "shape": alt.Scale(domain=labels, range=[entry.path for entry in shown]),
    }
    nothing = alt.Chart(alt.Data(values=[])).mark_point(filled=True, opacity=1)
    return nothing.encode(
        color=alt.Color("entry:N", scale=scales["color"], legend=legend),
        shape=alt.Shape("entry:N", scale=scales["shape"], legend=legend),
    )


def _columns(shown: Sequence[Entry], width: int) -> int:
    """How many columns have room, each as wide as its longest label; Vega fills them from above if all are full."""
    widths = [_SYMBOL + min(LABEL_LIMIT, _CHARACTER * len(entry.label)) for entry in shown]
    for columns in range(len(widths), 1, -1):
        rows = -(-len(widths) // columns)
        parts = [widths[start : start + rows] for start in range(0, len(widths), rows)]
        if sum(map(max, parts)) + _PADDING * (columns - 1) <= width:
            return columns
    return 1


def line_of(dashes: Sequence[int]) -> str:
    """A line through a mark, in dashes of so many pixels; it is an area, as symbols have no outline."""
    if not all(dashes[1::2]):
        return _piece(-_HALF, _HALF)
    pattern = [length / _PIXELS for length in dashes]
    path, at, number = "", -_HALF, 0
    while at < _HALF:
        length = pattern[number % len(pattern)]
        path += _piece(at, min(at + length, _HALF)) if number % 2 == 0 else ""
        at, number = at + length, number + 1
    return path


def _piece(start: float, end: float) -> str:
    return f"M{start:.2f},{-_THICK}L{end:.2f},{-_THICK}L{end:.2f},{_THICK}L{start:.2f},{_THICK}Z"


def _told_apart(found: Sequence[Entry]) -> list[Entry]:
    """Entries no two of which have the same words, as a legend has one line for each: spaces tell them apart."""
    seen: set[str] = set()
    apart = []
    for entry in found:
        label = entry.label
        while label in seen:
            label += "\u00a0"
        seen.add(label)
        apart.append(Entry(label, entry.colour, entry.path))
    return apart
