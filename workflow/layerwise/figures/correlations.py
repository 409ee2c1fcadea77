"""How well each property ranks the layers for each task: correlations over the layers, a panel per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from layerwise.cells import WEIGHTS
from layerwise.figures.lines import property_looks
from layerwise.figures.style import EMPTY_SIZE, NOTE_STYLE, STYLE, WIDE, save, wrapped, write_instead
from layerwise.figures.words import as_performance, short_title
from layerwise.probes.metrics import METRICS
from layerwise.tables.comparison import read_comparison
from layerwise.tables.files import AnyPath
from layerwise.tables.probes import EXTERNAL

WEIGHTS_STYLE = {"color": "#000000", "marker": "X", "markersize": 5.5}


def plot_correlations(
    comparison: AnyPath,
    names: Sequence[str],
    metrics: Mapping[str, str],
    models: Sequence[str],
    titles: Mapping[str, str],
    out_svg: AnyPath,
    out_png: AnyPath,
) -> Figure:
    """Spearman's correlation of each trend with each task, a panel per task: a row per model, a mark per property.

    A trend, of an error rate that of 1 - error, is correlated with accuracy, or with 1 - error rate: right is better.
    The lines are 95 % intervals; a row says so where nothing could be correlated. The cross is that of the learned
    weights. Arguments as in `plot_task`.
    """
    table = read_comparison(comparison)
    table = table[(table["metric"] == table["property"].map(metrics)) | (table["property"] == WEIGHTS)]
    panels = list(table.groupby(["task", "source", "task_metric"], sort=False))
    models = [model for model in models if model in set(table["model"])]
    marks = property_looks(names) | {WEIGHTS: WEIGHTS_STYLE}
    shown = [name for name in marks if name in set(table["property"])]
    with mpl.rc_context(STYLE | {"font.size": 9, "axes.titlesize": 9.5}):
        columns = max(min(WIDE, len(panels)), 1)
        rows = max(-(-len(panels) // columns), 1)
        height = 0.13 * len(models) * (len(shown) + 1)
        figure = Figure(figsize=(3.1 * columns + 2.2, rows * (height + 0.8) + 1.1), layout="constrained")
        if not panels:
            figure.set_size_inches(*EMPTY_SIZE)
            write_instead(figure.add_subplot(), "No task was measured.")
            return save(figure, out_svg, out_png)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes, ((task, source, task_metric), group) in zip(grid.ravel(), panels, strict=False):
            compared = "" if METRICS[task_metric].higher_is_better else "1 - "
            elsewhere = ", measured elsewhere" if source == EXTERNAL else ""
            axes.set_title(f"{task}\n{compared}{METRICS[task_metric].title}{elsewhere}")
            axes.axvline(0, color="#888888", linewidth=0.8)
            for row, model in enumerate(models):
                _draw_correlations(axes, row, group[group["model"] == model], shown, marks)
            axes.set_xlim(-1.05, 1.05)
            axes.set_xticks([-1, -0.5, 0, 0.5, 1])
            axes.set_xlabel("Spearman's correlation over layers")
            axes.tick_params(labelbottom=True)
            axes.set_ylim(len(models) - 0.5, -0.5)
            axes.set_yticks(range(len(models)), [wrapped(titles.get(model, model), 24) for model in models])
            axes.tick_params(axis="y", length=0)
            axes.grid(False, axis="y")
            for edge in range(1, len(models)):
                axes.axhline(edge - 0.5, color="#e4e4e4", linewidth=0.6)
        for axes in grid.ravel()[len(panels) :]:
            axes.set_visible(False)
        handles = [
            Line2D(
                [],
                [],
                label="learned weights"
                if name == WEIGHTS
                else as_performance(metrics[name], short_title(name, metrics[name])),
                **_mark(marks[name]),
            )
            for name in shown
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5 if columns > 1 else 3))
        return save(figure, out_svg, out_png)


def _mark(look: Mapping) -> dict:
    return {"markersize": 5, "linestyle": "none", **look}


def _draw_correlations(
    axes: Axes, row: int, group: pd.DataFrame, shown: Sequence[str], marks: Mapping[str, Mapping]
) -> None:
    if not group["spearman"].notna().any():
        axes.text(0, row, "no number", ha="center", va="center", backgroundcolor="white", **NOTE_STYLE)
    for found in group[group["spearman"].notna()].itertuples():
        if found.property in marks:
            y = row + 0.8 * ((shown.index(found.property) + 0.5) / len(shown) - 0.5)
            look = marks[found.property]
            axes.plot([found.spearman_low, found.spearman_high], [y, y], color=look["color"], linewidth=1.2)
            axes.plot(found.spearman, y, **_mark(look))
