"""A task beside the properties: performance and trends over the layers of each model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D

from layerwise.figures.lines import property_looks
from layerwise.figures.style import COLOURS, EMPTY_SIZE, STYLE, WIDE, save, wrapped, write_instead
from layerwise.figures.words import as_performance, short_title
from layerwise.layers import TRANSFORMER, WEIGHTED, layer_ranges, transformer_names
from layerwise.metrics import metric_of
from layerwise.probes.metrics import METRICS
from layerwise.tables.files import AnyPath
from layerwise.tables.probes import EXTERNAL, read_probes
from layerwise.tables.trends import of_shown, read_trends

SINGLE, BEST, SUM = "head on one layer", "best single block", "head on the learned sum of all layers"
SINGLE_STYLE = {"color": "#000000", "marker": "o", "markersize": 3.5, "linewidth": 1.5}
SUM_STYLE = {"color": COLOURS[1], "linestyle": (0, (5, 1.5)), "linewidth": 1.4}
BEST_STYLE = {"color": "#000000", "marker": "*", "markersize": 11, "linestyle": "none", "markeredgecolor": "white"}
MAJORITY, GUESSING = "always the most frequent label", "guessing every label equally often"
MAJORITY_STYLE = {"color": "#555555", "linestyle": "-.", "linewidth": 1.0}
GUESSING_STYLE = {"color": "#888888", "linestyle": ":", "linewidth": 1.2}


def plot_task(
    probes: AnyPath,
    trends: AnyPath,
    task: str,
    names: Sequence[str],
    metrics: Mapping[str, str],
    models: Sequence[str],
    titles: Mapping[str, str],
    out_svg: AnyPath,
    out_png: AnyPath,
) -> Figure:
    """One task over the layers of each model, with the trends of the properties below, on the same axis.

    Up is better: the axis of an error rate is reversed, and says so; trends are those of 1 - error.

    A band is the 95 % interval over test speakers (of trends, over samples and trials, or over items), the dashed line
    the head on the learned sum of all layers, the star the best block. Of labels, two more lines are what always
    answering the most frequent one reaches, and what guessing does. Results from elsewhere have panels of their own.
    What could not be trained is named in a note.

    Args:
        probes, trends: tables of the experiment.
        names: of the properties, in order, which also fixes how each one looks.
        metrics: property → the metric of its scores.
        models: in order.
        titles: what to call a model.
    """
    heads = read_probes(probes)
    heads = heads[heads["task"] == task]
    scores = read_trends(trends)
    scores = of_shown(scores[scores["layer"].str.startswith(TRANSFORMER)], metrics)
    panels = [
        (names, group)
        for model in models
        for names, group in heads[heads["model"] == model].groupby(["source", "metric", "model"], sort=False)
        if group["value"].notna().any()
    ]
    with mpl.rc_context(STYLE | {"font.size": 9, "axes.titlesize": 9.5}):
        columns = max(min(WIDE, len(panels)), 1)
        rows = max(-(-len(panels) // columns), 1)
        figure = Figure(figsize=(max(2.9 * columns, 7) + 0.4, 4.4 * rows + 1.1), layout="constrained")
        figure.suptitle(f"{task}, and what the layers hold", x=0.01, ha="left", fontsize=11, fontweight="bold")
        note = _left_out(heads, models, titles)
        if not panels:
            figure.set_size_inches(*EMPTY_SIZE)
            write_instead(figure.add_subplot(), note or f"No head of {task} has a result.")
            return save(figure, out_svg, out_png)
        grid = GridSpec(2 * rows, columns, figure, height_ratios=[1.15, 1] * rows)
        looks = property_looks(names)
        first: dict[str, Axes] = {}  # panels of one metric share a scale
        lower: Axes | None = None
        for number, ((source, task_metric, model), group) in enumerate(panels):
            row, column = divmod(number, columns)
            axes = figure.add_subplot(grid[2 * row, column], sharey=first.get(task_metric))
            below = figure.add_subplot(grid[2 * row + 1, column], sharex=axes, sharey=lower)
            lower = lower or below
            title = titles.get(model, model) + (" (measured elsewhere)" if source == EXTERNAL else "")
            axes.set_title(wrapped(title, 32))
            _draw_task(axes, group)
            _draw_properties(below, scores[scores["model"] == model], looks)
            if task_metric not in first and not METRICS[task_metric].higher_is_better:
                axes.invert_yaxis()
            first.setdefault(task_metric, axes)
            axes.tick_params(labelbottom=False)
            if column == 0:
                axes.set_ylabel(_axis_title(task_metric))
                below.set_ylabel(wrapped(_measured(metrics[name] for name in names), 26))
            _name_layers(below, group, scores[scores["model"] == model])
        handles = [
            Line2D([], [], label=SINGLE, **SINGLE_STYLE),
            Line2D([], [], label=BEST, **BEST_STYLE),
        ]
        if (heads["layer"] == WEIGHTED).any():
            handles.append(Line2D([], [], label=SUM, **SUM_STYLE))
        if heads["chance"].notna().any():
            handles += [
                Line2D([], [], label=MAJORITY, **MAJORITY_STYLE),
                Line2D([], [], label=GUESSING, **GUESSING_STYLE),
            ]
        handles += [
            Line2D(
                [],
                [],
                label=as_performance(metrics[name], short_title(name, metrics[name])),
                markersize=3.5,
                **looks[name],
            )
            for name in names
        ]
        # The note is the legend's title, as both would else stand in one place.
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=4 if columns > 3 else 3,
            title=note or None,
            title_fontsize=8,
        )
        return save(figure, out_svg, out_png)


def _measured(metrics: Iterable[str]) -> str:
    """The metric of all properties, or that they have more than one."""
    titles = sorted({as_performance(metric, metric_of(metric).title) for metric in metrics})
    return titles[0] if len(titles) == 1 else "score"


def _axis_title(task_metric: str) -> str:
    metric = METRICS[task_metric]
    return f"{metric.title}, %" + ("" if metric.higher_is_better else "\n(reversed: lower is better)")


def _draw_task(axes: Axes, heads: pd.DataFrame) -> None:
    """One model's heads: the line of single layers with its band, the best block, the weighted sum, and guesses."""
    percent = heads.assign(**{name: 100 * heads[name] for name in ("value", "low", "high")})
    single = percent[percent["layer"] != WEIGHTED]
    axes.plot(single["layer_index"], single["value"], **SINGLE_STYLE)
    axes.fill_between(single["layer_index"], single["low"], single["high"], color="#000000", alpha=0.13, linewidth=0)
    blocks = single[(single["layer_index"] > 0) & single["value"].notna()]
    if not blocks.empty:
        metric = METRICS[blocks["metric"].iloc[0]]
        best = blocks.loc[blocks["value"].map(metric.performance).idxmax()]
        axes.plot(best["layer_index"], best["value"], zorder=4, **BEST_STYLE)
    for row in percent[(percent["layer"] == WEIGHTED) & percent["value"].notna()].itertuples():
        axes.axhline(row.value, zorder=1, **SUM_STYLE)
        if not np.isnan(row.low):
            axes.axhspan(row.low, row.high, color=SUM_STYLE["color"], alpha=0.1, linewidth=0, zorder=0)
    # An empty answer misses all that was said: a line at an error rate of 100 % would only press the others together.
    guesses = heads[heads["chance"].notna()].head(1)
    for level, style in (("majority", MAJORITY_STYLE), ("chance", GUESSING_STYLE)):
        for value in guesses[level]:
            axes.axhline(100 * value, zorder=1, **style)


def _draw_properties(axes: Axes, scores: pd.DataFrame, looks: Mapping[str, Mapping]) -> None:
    for name, look in looks.items():
        rows = scores[scores["property"] == name]
        if rows.empty:
            continue
        metric = metric_of(rows["metric"].iloc[0])
        rows = rows.assign(**{end: metric.performance(rows[end]) for end in ("mean", "low", "high")})
        axes.plot(rows["layer_index"], rows["mean"], markersize=2.5, linewidth=1.3, **look)
        axes.fill_between(rows["layer_index"], rows["low"], rows["high"], color=look["color"], alpha=0.13, linewidth=0)


def _name_layers(axes: Axes, heads: pd.DataFrame, scores: pd.DataFrame) -> None:
    last = int(max(heads["layer_index"].max(), scores["layer_index"].max() if len(scores) else 0))
    step = -(-last // 6) or 1
    axes.set_xticks(range(0, last + 1, step), transformer_names(last)[::step])
    axes.set_xlim(-0.03 * last - 0.2, 1.03 * last + 0.2)
    axes.set_xlabel("layer")


def _left_out(heads: pd.DataFrame, models: Sequence[str], titles: Mapping[str, str]) -> str:
    """Which heads have no result, and why: models with one reason share a line."""
    who: dict[str, list[str]] = {}
    for model in models:
        missing = heads[(heads["model"] == model) & heads["value"].isna()]
        for reason, group in missing.groupby("reason", sort=False):
            single = group.loc[group["layer"] != WEIGHTED, "layer"]
            names = [layer_ranges(single)] if len(single) else []
            names += ["the learned sum"] if len(single) < len(group) else []
            who.setdefault(reason, []).append(f"{titles.get(model, model)} ({', '.join(names)})")
    return "\n".join(wrapped(f"{', '.join(names)} without a result: {reason}", 125) for reason, names in who.items())
