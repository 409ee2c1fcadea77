"""Lines over the layers: how each model is drawn, with its interval, flagged layers and chance level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from layerwise.figures.style import COLOURS, MARKERS, wrapped
from layerwise.figures.words import FLAGGED
from layerwise.layers import CONV, TRANSFORMER

DASHES = ["-", (0, (5, 1.5)), (0, (1.5, 1))]  # a new one each time the colours come round
PROPERTY_COLOURS = [colour for colour in COLOURS if colour not in (COLOURS[1], "#000000")]  # the others have a meaning
CHANCE_STYLE = {"color": "#888888", "linewidth": 0.8, "linestyle": "--"}


@dataclass(frozen=True)
class Look:
    """How one model is drawn, the same in every picture of an experiment."""

    color: str
    marker: str
    linestyle: str | tuple


def looks_of(models: Sequence[str], groups: Mapping[str, str] | None) -> dict[str, Look]:
    colours = list(dict.fromkeys(groups[model] for model in models)) if groups else list(models)
    looks = {}
    for i, model in enumerate(models):
        colour = colours.index(groups[model]) if groups else i
        looks[model] = Look(
            color=COLOURS[colour % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            linestyle=DASHES[colour // len(COLOURS) % len(DASHES)],
        )
    return looks


def by_group(
    lines: Mapping[str, Line2D], marks: Mapping[str, Line2D], models: Sequence[str], groups: Mapping[str, str] | None
) -> list[Line2D]:
    """Legend entries: the models in order, below the name of their group where there are groups; then the marks."""
    shown = [model for model in models if model in lines]
    if not groups:
        return [*(lines[model] for model in shown), *marks.values()]
    ordered = []
    for group in dict.fromkeys(groups[model] for model in shown):
        members = [lines[model] for model in shown if groups[model] == group]
        ordered += [Line2D([], [], linestyle="none", label=f"{group}:"), *members]
    return [*ordered, *marks.values()]


def positions_of(table: pd.DataFrame, axis: str) -> pd.Series:
    """Where each row of the table is on the x axis; on the `layer` axis, a free place parts C layers and T layers."""
    if axis == "depth":
        return table["depth"]
    convs = table.loc[table["layer"].str.startswith(CONV), "layer_index"].max()
    shift = 0 if pd.isna(convs) else convs + 2
    return table["layer_index"] + np.where(table["layer"].str.startswith(TRANSFORMER), shift, 0)


def draw_lines(
    axes: Axes,
    table: pd.DataFrame,
    metric: str,
    positions: pd.Series,
    models: Sequence[str],
    titles: Mapping[str, str],
    looks: Mapping[str, Look],
    markersize: float = 4.5,
) -> tuple[dict[str, Line2D], dict[str, Line2D]]:
    """Draw each model that has a score; returns for the legend a line of each by name, and the marks that occur."""
    lines: dict[str, Line2D] = {}
    flagged = chance = False
    for model in models:
        of_model = table[table["model"] == model]
        rows = of_model[of_model["metric"] == metric]
        if not rows["mean"].notna().any():
            continue
        look = looks[model]
        for kind in (CONV, TRANSFORMER):  # apart, so that no line crosses the boundary
            part = rows[rows["layer"].str.startswith(kind)]
            if part.empty:
                continue
            x = positions[part.index].to_numpy(dtype=float)
            mean = part["mean"].to_numpy(dtype=float)
            hollow = (part["status"] == "flagged").to_numpy()
            style = {"color": look.color, "marker": look.marker, "linestyle": look.linestyle, "markersize": markersize}
            (line,) = axes.plot(x, mean, markevery=np.flatnonzero(~hollow).tolist(), **style)
            line.set_label(titles.get(model, model))
            if part["low"].notna().any():
                band = (part["low"].to_numpy(dtype=float), part["high"].to_numpy(dtype=float))
                axes.fill_between(x, *band, color=look.color, alpha=0.13, linewidth=0)
            if hollow.any():
                flagged = True
                style |= {"linestyle": "none", "markerfacecolor": "white", "label": "_flagged"}
                axes.plot(x[hollow], mean[hollow], **style)
        lines[model] = line
        levels = rows[rows["chance"].notna()]
        for _, part in levels.groupby(levels["layer"].str[0]):
            chance = True
            axes.plot(positions[part.index], part["chance"], label="_chance", zorder=1, **CHANCE_STYLE)
    marks = {}
    if flagged:
        hollow_marker = {"marker": "o", "markerfacecolor": "white", "color": "#444444", "linestyle": "none"}
        marks["flagged"] = Line2D([], [], markersize=markersize, label=wrapped(FLAGGED, 26), **hollow_marker)
    if chance:
        marks["chance"] = Line2D([], [], label="chance level of each model", **CHANCE_STYLE)
    return lines, marks


def property_looks(properties: Sequence[str]) -> dict[str, dict]:
    """How each property is drawn beside a task."""
    return {
        name: {"color": PROPERTY_COLOURS[i % len(PROPERTY_COLOURS)], "marker": MARKERS[(i + 1) % len(MARKERS)]}
        for i, name in enumerate(properties)
    }
