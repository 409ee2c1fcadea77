"""One property that compares each layer with every layer of another model: a heat map for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from layerwise.figures.style import EMPTY_SIZE, STYLE, save, wrapped, write_instead
from layerwise.figures.words import FLAGGED, alignments_in, skip_note, title_of
from layerwise.layers import layer_key
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.matrices import read_matrices

ABREAST = 3  # models side by side
CELL, SMALL_CELL = 0.24, 0.15  # inches
WRITTEN = 14  # up to so many layers on a side, each cell has its number
NAMED = 16  # up to so many, each layer has its name; of more every second one, or third
HATCHED: dict = {"facecolor": "#f0f0f0", "edgecolor": "#999999", "hatch": "////"}


def plot_matrices(
    layer_matrices: AnyPath,
    question: Property,
    metric: str,
    models: Sequence[str],
    titles: Mapping[str, str],
    out_svg: AnyPath,
    out_png: AnyPath,
) -> Figure:
    """Layers of each model upwards, from the input, and those of the other model from left to right; one scale for all.

    A skipped cell is hatched, a flagged one has a star. `models` and `titles` as in `plot_trends`.
    """
    table = of_property(read_matrices(layer_matrices), question.name)
    table = table[table["metric"] == metric]
    shown = [model for model in models if table.loc[table["model"] == model, "mean"].notna().any()]
    with mpl.rc_context(STYLE | {"font.size": 8, "axes.titlesize": 9, "axes.grid": False}):
        figure = Figure(layout="constrained")
        columns, rows = max(min(ABREAST, len(shown)), 1), max(-(-len(shown) // ABREAST), 1)
        title = title_of(question, metric, alignments_in(table))
        if not shown:
            figure.set_size_inches(*EMPTY_SIZE)
            _put_title(figure, title)
            write_instead(
                figure.add_subplot(), skip_note(table, models, titles) or f"No layer has a score of {metric}."
            )
            return save(figure, out_svg, out_png)
        layers = {model: _layers(table[table["model"] == model]) for model in shown}
        longest = max(len(names) for both in layers.values() for names in both)
        cell = CELL if longest <= WRITTEN else SMALL_CELL
        width = max(len(across) for _, across in layers.values()) * cell + 1.0
        tall = [len(layers[model][0]) * cell for model in shown]
        heights = [max(tall[row * ABREAST : (row + 1) * ABREAST]) + 1.0 for row in range(rows)]
        figure.set_size_inches(max(width * columns, 3.6) + 1.1, sum(heights) + 0.8)
        _put_title(figure, title)
        panels = figure.subplots(rows, columns, squeeze=False, height_ratios=heights).ravel()
        known = table.loc[table["model"].isin(shown), "mean"]
        scale = Normalize(known.min(), known.max())
        marks: set[str] = set()
        for axes, model in zip(panels, shown, strict=False):
            cells = table[table["model"] == model]
            mesh = _draw(axes, cells, *layers[model], scale)
            other = cells["other_model"].iloc[0]
            axes.set_title(wrapped(titles.get(model, model), 28))
            axes.set(xlabel=wrapped(f"layer of {titles.get(other, other)}", 40), ylabel="layer")
            marks |= set(cells["status"])
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        figure.colorbar(mesh, ax=list(panels), label=metric_of(metric).title, aspect=30, pad=0.02, shrink=1 / rows)
        legend = {
            "skipped": Patch(label="skipped", **HATCHED),
            "flagged": Patch(fill=False, linewidth=0, label=f"* {FLAGGED}"),
        }
        if handles := [patch for name, patch in legend.items() if name in marks]:
            figure.legend(handles=handles, loc="outside lower left")
        return save(figure, out_svg, out_png)


def _put_title(figure: Figure, title: str) -> None:
    wide = int(10 * figure.get_figwidth())
    figure.suptitle(wrapped(title, wide), x=0.01, ha="left", fontsize=11, fontweight="bold")


def _layers(cells: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The layers of a model and of the other one, in order of depth."""
    up, across = (sorted(cells[name].unique(), key=layer_key) for name in ("layer", "other_layer"))
    return up, across


def _draw(
    axes: Axes, cells: pd.DataFrame, up: list[str], across: list[str], scale: Normalize
) -> mpl.collections.QuadMesh:
    by_pair = cells.set_index(["layer", "other_layer"])
    means, status = (
        by_pair[name].unstack().reindex(index=up, columns=across)  # noqa: PD010 (a cell has one value)
        for name in ("mean", "status")
    )
    values = means.to_numpy(dtype=float)
    mesh = axes.pcolormesh(np.ma.masked_invalid(values), cmap="viridis", norm=scale)
    is_small = max(values.shape) <= WRITTEN
    for (row, column), value in np.ndenumerate(values):
        state = status.iloc[row, column]
        if state == "skipped":
            axes.add_patch(Rectangle((column, row), 1, 1, linewidth=0, **HATCHED))
        star = "*" if state == "flagged" else ""
        if np.isfinite(value) and (is_small or star):
            red, green, blue, _ = mesh.cmap(scale(value))
            ink = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
            text = f"{value:.2f}".replace("0.", ".", 1) + star if is_small else star
            axes.text(column + 0.5, row + 0.47, text, ha="center", va="center", fontsize=5.5, color=ink)
    for axis, names in ((axes.xaxis, across), (axes.yaxis, up)):
        step = -(-len(names) // NAMED)
        axis.set_ticks(np.arange(0, len(names), step) + 0.5, names[::step])
    axes.tick_params(length=0)
    axes.tick_params(axis="x", rotation=90)
    axes.spines[:].set_visible(False)
    axes.set_aspect("equal", anchor="SW")
    return mesh
