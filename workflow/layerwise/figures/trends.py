"""Pictures of tables/trends.csv: lines over the layers, heat maps of layers x models, and an overview."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from layerwise.files.atomic import replaced
from layerwise.layers import CONV, TRANSFORMER, is_conv, is_transformer, layer_key, layer_ranges
from layerwise.scoring.properties import PROPERTIES
from layerwise.tables.files import AnyPath
from layerwise.tables.trends import read_trends

STYLE = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "hatch.linewidth": 0.6,
    "hatch.color": "#999999",
    "savefig.dpi": 150,
    "text.parse_math": False,  # a title may hold dollar signs
    "svg.fonttype": "none",  # text stays text: it can be searched, and read by a screen reader
    "svg.hashsalt": "layerwise",  # without a salt of its own, matplotlib draws the ids of an SVG at random
}
# Okabe & Ito, Color Universal Design (2008); their yellow is left out, too faint for a line on white.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*"]
DASHES = ["-", (0, (5, 1.5)), (0, (1.5, 1))]  # a new one each time the colours come round
CHANCE_STYLE = {"color": "#888888", "linewidth": 0.8, "linestyle": "--"}
NOTE_STYLE = {"fontsize": 8, "color": "#444444"}
AUTOMATIC = "automatic alignments"
FLAGGED = "flagged: the fit kept too few dimensions"
NOTE_LINES = 5
EMPTY_SIZE = (9, 2.2)  # inches, of a picture that holds only words

# What goes before a property's name, and the metric in words.
METRIC_TITLES = {
    "mean_cca": ("CCA", "mean canonical correlation"),
    "pwcca": ("CCA", "projection-weighted CCA"),
    "pwcca_published": ("CCA", "projection-weighted CCA, as published"),
    "svcca": ("SVCCA", "mean canonical correlation of principal directions"),
    "cka": ("CKA", "linear centred kernel alignment"),
}


@dataclass(frozen=True)
class _Look:
    """How one model is drawn, the same in every picture of an experiment."""

    color: str
    marker: str
    linestyle: str | tuple


def title_of(property_name: str, metric: str, alignments: str = "given") -> str:
    """A property in words, such as `CCA-mel: acoustic content`; what `automatic` alignments count for says so."""
    name = f"{METRIC_TITLES.get(metric, (metric, ''))[0]}-{property_name}"
    known = PROPERTIES.get(property_name)
    title = f"{name}: {known.title}" if known else name
    needs_alignments = known is None or known.of_segments
    return f"{title} ({AUTOMATIC})" if needs_alignments and alignments == "automatic" else title


def plot_trends(
    trends: AnyPath,
    property_name: str,
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
    thin dashed grey line.

    Args:
        models: the order of the models, which also fixes how each one looks.
        titles: what to call a model; its name, where it has no title.
        groups: model → what models of one colour have in common, such as their objective; None: a colour for each.
    """
    if axis not in ("depth", "layer"):
        raise ValueError(f"axis is {axis!r}; expected 'depth' or 'layer'")
    table = _select(read_trends(trends), property_name)
    looks = _looks(models, groups)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 5), layout="constrained")
        axes = figure.add_subplot()
        # On the layer axis, room below the title for the words at the boundary.
        axes.set_title(title_of(property_name, metric, _alignments(table)), pad=18 if axis == "layer" else 6)
        axes.set_ylabel(_metric_title(metric))
        shown = table if axis == "layer" else table[table["layer"].str.startswith(TRANSFORMER)]
        positions = _positions(shown, axis)
        lines, marks = _draw_lines(axes, shown, metric, positions, models, titles, looks)
        if axis == "depth":
            axes.set_xlabel("depth (0: input of the first block, 1: last block)")
            axes.set_xlim(-0.03, 1.03)
        else:
            _label_layers(axes, shown, positions)
        note = _skip_note(shown[shown["metric"] == metric], models, titles)
        if lines:
            figure.legend(handles=_by_group(lines, marks, models, groups), loc="outside right upper")
            if note:
                figure.supxlabel(note, x=0.01, ha="left", **NOTE_STYLE)
        else:
            figure.set_size_inches(*EMPTY_SIZE)
            write_instead(axes, note or f"No layer has a score of {metric}.")
        return save(figure, out_svg, out_png)


def plot_heatmap(
    trends: AnyPath,
    property_name: str,
    metric: str,
    models: Sequence[str],
    titles: Mapping[str, str],
    out_svg: AnyPath,
    out_png: AnyPath,
) -> Figure:
    """One property as a heat map: layers upwards from the input, a column per model, the mean written in each cell.

    A skipped score is a hatched cell, a flagged one has a frame and a star, and a layer that a model does not have
    stays blank. `models` and `titles` as in `plot_trends`.
    """
    table = _select(read_trends(trends), property_name)
    table = table[table["metric"] == metric]
    models = [model for model in models if model in set(table["model"])]
    layers = sorted(table["layer"].unique(), key=layer_key)
    cells = table.set_index(["layer", "model"])
    means = cells["mean"].unstack().reindex(index=layers, columns=models).to_numpy(dtype=float)  # noqa: PD010
    status = cells["status"].unstack().reindex(index=layers, columns=models).to_numpy()  # noqa: PD010
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(
            figsize=(2.6 + 0.62 * max(len(models), 4), 1.9 + 0.26 * max(len(layers), 8)), layout="constrained"
        )
        axes = figure.add_subplot()
        # In the figure's corner, as few columns leave less room than the words need.
        title = title_of(property_name, metric, _alignments(table))
        figure.suptitle(fold(title, 60), x=0.01, ha="left", fontsize=11, fontweight="bold")
        if np.isfinite(means).any():
            mesh = axes.pcolormesh(np.ma.masked_invalid(means), cmap="viridis", edgecolors="white", linewidth=0.5)
            figure.colorbar(mesh, ax=axes, label=_metric_title(metric), aspect=30, pad=0.02)
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
            write_instead(axes, _skip_note(table, models, titles) or f"No layer has a score of {metric}.")
        return save(figure, out_svg, out_png)


def plot_overview(
    trends: AnyPath,
    properties: Sequence[str],
    metric: str,
    models: Sequence[str],
    titles: Mapping[str, str],
    out_svg: AnyPath,
    out_png: AnyPath,
    groups: Mapping[str, str] | None = None,
) -> Figure:
    """All properties side by side over depth, four to a row, each with a scale of its own.

    Scales differ on purpose: the level of a score depends on its target (how many classes, how many dimensions), so
    only the shapes of the curves are comparable between panels. `models`, `titles` and `groups` as in `plot_trends`.
    """
    table = read_trends(trends)
    table = table[table["layer"].str.startswith(TRANSFORMER)]
    looks = _looks(models, groups)
    columns = min(4, len(properties))
    rows = -(-len(properties) // columns)
    with mpl.rc_context(STYLE | {"font.size": 9, "axes.titlesize": 9.5, "lines.linewidth": 1.3}):
        figure = Figure(figsize=(max(2.7 * columns, 6), 2.6 * rows + 0.9), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        lines: dict[str, Line2D] = {}
        marks: dict[str, Line2D] = {}
        for axes, property_name in zip(panels, properties, strict=False):
            chosen = _select(table, property_name)
            title = title_of(property_name, metric, _alignments(chosen))
            axes.set_title(title.replace(": ", "\n").replace(" (", "\n("))
            axes.set_xlim(-0.04, 1.04)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            positions = _positions(chosen, "depth")
            new, new_marks = _draw_lines(axes, chosen, metric, positions, models, titles, looks, markersize=2.5)
            lines |= new
            marks |= new_marks
            absent = ", ".join(_skipped(chosen[chosen["metric"] == metric], models, titles).values())
            if not new:
                write_instead(axes, fold(f"skipped: {absent}" if absent else "no scores", 36))
            else:
                note = fold(f"skipped: {absent}", 44) if absent else ""
                axes.set_xlabel(f"depth of the layer\n{note}".strip(), **NOTE_STYLE)
        for axes in panels[len(properties) :]:
            axes.set_visible(False)
        figure.supylabel(_metric_title(metric), fontsize=9)
        if lines:
            shown = _by_group(lines, marks, models, groups)
            widest = 0.7 + 0.08 * max(len(handle.get_label()) for handle in shown)  # inches
            columns = max(1, min(len(shown), 5, int(figure.get_figwidth() / widest)))
            figure.legend(handles=shown, loc="outside lower center", ncols=columns)
        return save(figure, out_svg, out_png)


def _select(table: pd.DataFrame, property_name: str) -> pd.DataFrame:
    return table[table["property"] == property_name]


def _alignments(table: pd.DataFrame) -> str:
    """How the alignments of an experiment were made: `given` or `automatic`."""
    return "automatic" if (table["alignments"] == "automatic").any() else "given"


def _metric_title(metric: str) -> str:
    return METRIC_TITLES.get(metric, ("", metric))[1]


def _looks(models: Sequence[str], groups: Mapping[str, str] | None) -> dict[str, _Look]:
    colours = list(dict.fromkeys(groups[model] for model in models)) if groups else list(models)
    looks = {}
    for i, model in enumerate(models):
        colour = colours.index(groups[model]) if groups else i
        looks[model] = _Look(
            color=COLOURS[colour % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            linestyle=DASHES[colour // len(COLOURS) % len(DASHES)],
        )
    return looks


def _by_group(
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


def _positions(table: pd.DataFrame, axis: str) -> pd.Series:
    """Where each row of the table is on the x axis; on the `layer` axis, a free place parts C layers and T layers."""
    if axis == "depth":
        return table["depth"]
    convs = table.loc[table["layer"].str.startswith(CONV), "layer_index"].max()
    shift = 0 if pd.isna(convs) else convs + 2
    return table["layer_index"] + np.where(table["layer"].str.startswith(TRANSFORMER), shift, 0)


def _draw_lines(
    axes: Axes,
    table: pd.DataFrame,
    metric: str,
    positions: pd.Series,
    models: Sequence[str],
    titles: Mapping[str, str],
    looks: Mapping[str, _Look],
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
        marks["flagged"] = Line2D([], [], markersize=markersize, label=fold(FLAGGED, 26), **hollow_marker)
    if chance:
        marks["chance"] = Line2D([], [], label="chance level of each model", **CHANCE_STYLE)
    return lines, marks


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


def _skipped(table: pd.DataFrame, models: Sequence[str], titles: Mapping[str, str]) -> dict[str, str]:
    """Models of which something was skipped, by name: their titles, with the layers if not all of them were."""
    found = {}
    for model in models:
        of_model = table[table["model"] == model]
        skipped = of_model[of_model["status"] == "skipped"]
        if not skipped.empty:
            layers = f" ({layer_ranges(skipped['layer'])})" if len(skipped) < len(of_model) else ""
            found[model] = titles.get(model, model) + layers
    return found


def _skip_note(table: pd.DataFrame, models: Sequence[str], titles: Mapping[str, str]) -> str:
    """Which models, or which of their layers, were skipped, and why: models with one reason share an entry."""
    who: dict[str, list[str]] = {}
    for model, name in _skipped(table, models, titles).items():
        reasons = table.loc[(table["model"] == model) & (table["status"] == "skipped"), "reason"]
        # Layers differ in their reasons at most by a number; the tables have them all.
        who.setdefault(textwrap.shorten(reasons.iloc[0], 230, placeholder=" …"), []).append(name)
    entries = [fold(f"{', '.join(names)} skipped: {reason}", 125) for reason, names in who.items()]
    more = len(entries) - NOTE_LINES
    return "\n".join([*entries[:NOTE_LINES], *([f"… and {more} more, see the tables"] if more > 0 else [])])


def write_instead(axes: Axes, text: str) -> None:
    """Words in place of a plot that has nothing to draw."""
    axes.grid(False)
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    axes.spines[:].set_visible(False)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", **NOTE_STYLE)


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


def fold(text: str, width: int) -> str:
    """Text in lines of at most so many characters."""
    return textwrap.fill(text, width)


def save(figure: Figure, out_svg: AnyPath, out_png: AnyPath) -> Figure:
    """Write both files, the same bytes each time."""
    for out, kind, metadata in ((out_svg, "svg", {"Date": None}), (out_png, "png", {})):
        with replaced(out) as temporary:
            figure.savefig(temporary, format=kind, metadata=metadata)
    return figure
