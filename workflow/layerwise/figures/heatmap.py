"""One property as a heat map: layers x models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from layerwise.figures.style import EMPTY_SIZE, STYLE, save, wrapped, write_instead
from layerwise.figures.words import FLAGGED, alignments_in, skip_note, title_of
from layerwise.layers import layer_key
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.trends import read_trends

CHARACTER = 0.11  # inches of a title in bold type


def plot_heatmap(
    trends: AnyPath,
    question: Property,
    metric: str,
    models: Sequence[str],
    titles: Mapping[str, str],
    out_svg: AnyPath,
    out_png: AnyPath,
) -> Figure:
    """One property as a heat map: layers upwards from the input, a column per model, the mean written in each cell.

    A skipped score is a hatched cell, a flagged one has a frame and a star, and a layer that a model does not have
    stays blank. The brightest is the best, of an error rate the lowest. `models` and `titles` as in `plot_trends`.
    """
    table = of_property(read_trends(trends), question.name)
    table = table[table["metric"] == metric]
    models = [model for model in models if model in set(table["model"])]
    layers = sorted(table["layer"].unique(), key=layer_key)
    cells = table.set_index(["layer", "model"])
    means = cells["mean"].unstack().reindex(index=layers, columns=models).to_numpy(dtype=float)
    status = cells["status"].unstack().reindex(index=layers, columns=models).to_numpy()
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(
            figsize=(2.6 + 0.62 * max(len(models), 4), 1.9 + 0.26 * max(len(layers), 8)), layout="constrained"
        )
        axes = figure.add_subplot()
        # In the figure's corner, as few columns leave less room than the words need.
        title = title_of(question, metric, alignments_in(table))
        figure.suptitle(
            wrapped(title, int(figure.get_figwidth() / CHARACTER)), x=0.01, ha="left", fontsize=11, fontweight="bold"
        )
        if np.isfinite(means).any():
            colours = "viridis" if metric_of(metric).higher_is_better else "viridis_r"
            mesh = axes.pcolormesh(np.ma.masked_invalid(means), cmap=colours, edgecolors="white", linewidth=0.5)
            figure.colorbar(mesh, ax=axes, label=_scale_title(metric), aspect=30, pad=0.02)
            _draw_cells(axes, means, status, mesh)
            axes.set_xticks(np.arange(len(models)) + 0.5, [titles.get(m, m) for m in models])
            axes.set_yticks(np.arange(len(layers)) + 0.5, layers)
            axes.tick_params(length=0)
            for label in axes.get_xticklabels():
                label.set(rotation=40, ha="right", rotation_mode="anchor")
            axes.spines[:].set_visible(False)
            axes.set_ylabel("layer")
            marks = {
                "skipped": Patch(facecolor="#f0f0f0", hatch="////", label="skipped"),
                "flagged": Patch(fill=False, edgecolor="#D55E00", label=f"* {FLAGGED}"),
            }
            handles = [patch for name, patch in marks.items() if (status == name).any()]
            if handles:
                figure.legend(handles=handles, loc="outside lower left", ncols=1)
        else:
            figure.set_size_inches(*EMPTY_SIZE)
            write_instead(axes, skip_note(table, models, titles) or f"No layer has a score of {metric}.")
        return save(figure, out_svg, out_png)


def _scale_title(metric: str) -> str:
    known = metric_of(metric)
    lines = wrapped(known.title, 36)
    return lines if known.higher_is_better else f"{lines}\n(lower is better)"


def _draw_cells(axes: Axes, means: np.ndarray, status: np.ndarray, mesh: mpl.collections.QuadMesh) -> None:
    """Write the value in each cell (layers x models), and mark the skipped and the flagged."""
    for (row, column), mean in np.ndenumerate(means):
        if status[row, column] == "skipped":
            hatched = {"facecolor": "#f0f0f0", "edgecolor": "white", "hatch": "////"}
            axes.add_patch(Rectangle((column, row), 1, 1, linewidth=0.5, **hatched))
        if not np.isfinite(mean):
            continue
        red, green, blue, _ = to_rgba(mesh.cmap(mesh.norm(mean)))
        ink = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
        star = "*" if status[row, column] == "flagged" else ""
        axes.text(column + 0.5, row + 0.47, f"{mean:.2f}{star}", ha="center", va="center", fontsize=8, color=ink)
        if star:
            frame = {"fill": False, "edgecolor": "#D55E00", "linewidth": 1.6}
            axes.add_patch(Rectangle((column + 0.04, row + 0.06), 0.92, 0.88, **frame))
