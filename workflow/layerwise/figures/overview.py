"""All properties side by side, over the depth of the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from layerwise.figures.lines import by_group, draw_lines, looks_of, positions_of
from layerwise.figures.style import NOTE_STYLE, STYLE, save, wrapped, write_instead
from layerwise.figures.words import alignments_in, axis_title, skipped_models, title_of
from layerwise.layers import TRANSFORMER
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.trends import read_trends

PANEL_TITLE = 28  # characters in a line: what fits above a panel in bold type


def plot_overview(
    trends: AnyPath,
    properties: Mapping[str, Property],
    metrics: Mapping[str, str],
    models: Sequence[str],
    titles: Mapping[str, str],
    out_svg: AnyPath,
    out_png: AnyPath,
    groups: Mapping[str, str] | None = None,
) -> Figure:
    """All properties side by side over depth, four to a row, each with a scale of its own.

    Scales differ on purpose: the level of a score depends on its target (how many classes, how many dimensions), so
    only the shapes of the curves are comparable between panels. Axes of error rates are reversed: up is better.

    `metrics`: property → the metric that is shown. `models`, `titles` and `groups` as in `plot_trends`.
    """
    table = read_trends(trends)
    table = table[table["layer"].str.startswith(TRANSFORMER)]
    looks = looks_of(models, groups)
    columns = min(4, len(properties))
    rows = -(-len(properties) // columns)
    with mpl.rc_context(STYLE | {"font.size": 9, "axes.titlesize": 9.5, "lines.linewidth": 1.3}):
        figure = Figure(figsize=(max(2.7 * columns, 6), 2.6 * rows + 0.9), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        lines: dict[str, Line2D] = {}
        marks: dict[str, Line2D] = {}
        for axes, question in zip(panels, properties.values(), strict=False):
            chosen, metric = of_property(table, question.name), metrics[question.name]
            axes.set_title(_in_lines(title_of(question, metric, alignments_in(chosen))))
            axes.set_xlim(-0.04, 1.04)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            positions = positions_of(chosen, "depth")
            new, new_marks = draw_lines(axes, chosen, metric, positions, models, titles, looks, markersize=2.5)
            if not metric_of(metric).higher_is_better:
                axes.invert_yaxis()
            lines |= new
            marks |= new_marks
            absent = ", ".join(skipped_models(chosen[chosen["metric"] == metric], models, titles).values())
            if not new:
                write_instead(axes, wrapped(f"skipped: {absent}" if absent else "no scores", 36))
            else:
                note = wrapped(f"skipped: {absent}", 44) if absent else ""
                axes.set_xlabel(f"depth of the layer\n{note}".strip(), **NOTE_STYLE)
        for axes in panels[len(properties) :]:
            axes.set_visible(False)
        different = {metrics[name] for name in properties}
        if len(different) == 1:
            figure.supylabel(axis_title(*different), fontsize=9)
        else:
            for axes, name in zip(panels, properties, strict=False):
                known = metric_of(metrics[name])
                axes.set_ylabel(known.symbol if known.higher_is_better else f"{known.symbol} (reversed)")
        if lines:
            shown = by_group(lines, marks, models, groups)
            widest = 0.7 + 0.08 * max(len(handle.get_label()) for handle in shown)  # inches
            columns = max(1, min(len(shown), 5, int(figure.get_figwidth() / widest)))
            figure.legend(handles=shown, loc="outside lower center", ncols=columns)
        return save(figure, out_svg, out_png)


def _in_lines(title: str) -> str:
    """A title above a panel: its name, what it asks for, and what is in brackets each begin a line."""
    lines = title.replace(": ", "\n", 1).replace(" (", "\n(").split("\n")
    return "\n".join(wrapped(line, PANEL_TITLE) for line in lines)
