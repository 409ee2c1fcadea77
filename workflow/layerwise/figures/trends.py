"""One property over the layers: a line per model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from layerwise.figures.lines import by_group, draw_lines, looks_of, positions_of
from layerwise.figures.style import EMPTY_SIZE, NOTE_STYLE, STYLE, save, wrapped, write_instead
from layerwise.figures.words import alignments_in, axis_title, skip_note, title_of
from layerwise.layers import TRANSFORMER, is_conv, is_transformer
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.trends import read_trends

LONGEST_TITLE = 75  # characters in a line, beside the legend


def plot_trends(
    trends: AnyPath,
    question: Property,
    metric: str,
    models: Sequence[str],
    titles: Mapping[str, str],
    out_svg: AnyPath,
    out_png: AnyPath,
    axis: str = "depth",
    groups: Mapping[str, str] | None = None,
) -> Figure:
    """One property over the layers: a line per model, with its interval as a band.

    On the `depth` axis (index / L, 0 to 1) are the T layers, so that models of different depth can be compared; on the
    `layer` axis the C layers too, where they were scored, left of a boundary. Hollow markers are flagged layers, gaps
    skipped ones, and a note says why; it is all there is if everything was skipped. The chance level of each model is a
    thin dashed grey line. Up is better: the axis of an error rate is reversed, and says so.

    Args:
        models: the order of the models, which also fixes how each one looks.
        titles: what to call a model; its name, where it has no title.
        groups: model → what models of one colour have in common, such as their objective; None: a colour for each.
    """
    if axis not in ("depth", "layer"):
        raise ValueError(f"axis is {axis!r}; expected 'depth' or 'layer'")
    table = of_property(read_trends(trends), question.name)
    looks = looks_of(models, groups)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 5), layout="constrained")
        axes = figure.add_subplot()
        # On the layer axis, room below the title for the words at the boundary.
        title = wrapped(title_of(question, metric, alignments_in(table)), LONGEST_TITLE)
        axes.set_title(title, pad=18 if axis == "layer" else 6)
        axes.set_ylabel(axis_title(metric))
        shown = table if axis == "layer" else table[table["layer"].str.startswith(TRANSFORMER)]
        positions = positions_of(shown, axis)
        lines, marks = draw_lines(axes, shown, metric, positions, models, titles, looks)
        if not metric_of(metric).higher_is_better:
            axes.invert_yaxis()
        if axis == "depth":
            axes.set_xlabel("depth (0: input of the first block, 1: last block)")
            axes.set_xlim(-0.03, 1.03)
        else:
            _label_layers(axes, shown, positions)
        note = skip_note(shown[shown["metric"] == metric], models, titles)
        if lines:
            figure.legend(handles=by_group(lines, marks, models, groups), loc="outside right upper")
            if note:
                figure.supxlabel(note, x=0.01, ha="left", **NOTE_STYLE)
        else:
            figure.set_size_inches(*EMPTY_SIZE)
            write_instead(axes, note or f"No layer has a score of {metric}.")
        return save(figure, out_svg, out_png)


def _label_layers(axes: Axes, table: pd.DataFrame, positions: pd.Series) -> None:
    """Name the layers on the x axis and draw the boundary between the convolutional encoder and the blocks."""
    named = sorted(set(zip(positions, table["layer"], strict=True)))
    axes.set_xticks([x for x, _ in named], [layer for _, layer in named], rotation=90 if len(named) > 16 else 0)
    axes.set_xlabel("layer")
    first_block = min((x for x, layer in named if is_transformer(layer)), default=None)
    if named and first_block is not None and is_conv(named[0][1]):
        axes.axvline(first_block - 1, color="#888888", linewidth=1, label="_boundary")
        at = {"y": 1.0, "transform": axes.get_xaxis_transform(), "va": "bottom", **NOTE_STYLE}
        axes.text(first_block - 1.2, s="conv encoder", ha="right", **at)
        axes.text(first_block - 0.8, s="transformer", ha="left", **at)
