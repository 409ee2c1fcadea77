"""Pictures of tables/confusion.csv: which labels the best layer of each model takes for which others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from layerwise.errors import shown
from layerwise.figures.style import EMPTY_SIZE, NOTE_STYLE, STYLE, WIDE, save, wrapped, write_instead
from layerwise.layers import WEIGHTED
from layerwise.probes.metrics import METRICS
from layerwise.tables.confusion import read_confusions
from layerwise.tables.files import AnyPath
from layerwise.tables.probes import PROBES, read_probes

MOST = 40  # labels that a picture has room for
WRITTEN = 12  # up to so many labels, each cell has its number
LONGEST = 18  # letters of a label


def plot_confusion(
    confusion: AnyPath,
    probes: AnyPath,
    task: str,
    models: Sequence[str],
    titles: Mapping[str, str],
    out_svg: AnyPath,
    out_png: AnyPath,
) -> Figure:
    """What was said (rows) and answered (columns) on the best single block: a panel per column of labels and model.

    The colour is the share of a row, so that the diagonal shows how often each label is recognised. Of more than `MOST`
    labels those are drawn that were confused most often, and a note says so.

    Args:
        confusion, probes: tables of the experiment.
        models: in order.
        titles: what to call a model.
    """
    heads = read_probes(probes)
    best = _best_blocks(heads[(heads["task"] == task) & (heads["source"] == PROBES)])
    table = read_confusions(confusion)
    table = table[table["task"] == task]
    table = table[table["layer"] == table["model"].map(best)]
    chosen = {model: table[table["model"] == model] for model in models if model in set(table["model"])}
    columns = list(dict.fromkeys(table["column"]))
    with mpl.rc_context(STYLE | {"font.size": 8, "axes.titlesize": 9, "axes.grid": False}):
        figure = Figure(layout="constrained")
        title = f"{task}: said and answered, on the best block"
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        if not chosen:
            figure.set_size_inches(*EMPTY_SIZE)
            write_instead(figure.add_subplot(), f"No head of {task} has a result.")
            return save(figure, out_svg, out_png)
        labels = {column: _shown_labels(table[table["column"] == column]) for column in columns}
        side, down = min(WIDE, len(chosen)), -(-len(chosen) // WIDE)  # models in a row, and rows of them
        heights = [max(1.6, 0.17 * len(labels[column])) for column in columns for _ in range(down)]
        figure.set_size_inches((max(heights) + 1.2) * side + 0.9, sum(heights) + 1.2 * len(heights) + 0.6)
        panels = figure.subplots(len(heights), side, squeeze=False, height_ratios=heights)
        for axes in panels.ravel():
            axes.set_visible(False)
        for number, column in enumerate(columns):
            block = panels[number * down : (number + 1) * down].ravel()
            for axes, (model, rows) in zip(block, chosen.items(), strict=False):
                axes.set_visible(True)
                mesh = _draw(axes, rows[rows["column"] == column], labels[column])
                axes.set_title(wrapped(f"{titles.get(model, model)}, {best[model]}: {column}", 28))
                axes.set(xlabel="answered", ylabel="said")
        figure.colorbar(mesh, ax=panels, label="share of what was said", aspect=25, pad=0.01, shrink=0.4)
        if many := [column for column in columns if len(_labels(table[table["column"] == column])) > MOST]:
            note = f"{', '.join(many)}: of more labels, the {MOST} that are confused most; tables/confusion.csv has all"
            figure.supxlabel(wrapped(note, 125), x=0.01, ha="left", **NOTE_STYLE)
        return save(figure, out_svg, out_png)


def _best_blocks(heads: pd.DataFrame) -> dict[str, str]:
    """The block of each model that reached most; of equal ones the lowest."""
    blocks = heads[(heads["layer"] != WEIGHTED) & (heads["layer_index"] > 0) & heads["value"].notna()]
    blocks = blocks.assign(reached=[METRICS[row.metric].performance(row.value) for row in blocks.itertuples()])
    return {
        model: group.loc[group["reached"].idxmax(), "layer"] for model, group in blocks.groupby("model", sort=False)
    }


def _shown_labels(rows: pd.DataFrame) -> list[str]:
    """The labels of a column in order; of too many those that stand most often in a wrong answer, on either side."""
    labels = _labels(rows)
    if len(labels) <= MOST:
        return labels
    wrong = rows[rows["said"] != rows["answered"]]
    times = wrong.groupby("said")["n"].sum().add(wrong.groupby("answered")["n"].sum(), fill_value=0)
    return sorted(sorted(labels, key=lambda label: (-times.get(label, 0), label))[:MOST])


def _labels(rows: pd.DataFrame) -> list[str]:
    return sorted(set(rows["said"]) | set(rows["answered"]))


def _draw(axes: Axes, rows: pd.DataFrame, labels: Sequence[str]) -> Any:
    """Said × answered, as shares of all that was said of a label, those answers too that are not drawn."""
    counts = np.zeros((len(labels), len(labels)))
    place = {label: number for number, label in enumerate(labels)}
    for found in rows.itertuples():
        if found.said in place and found.answered in place:
            counts[place[found.said], place[found.answered]] = found.n
    said = rows.groupby("said")["n"].sum().reindex(labels).to_numpy(dtype=float)
    mesh = axes.imshow(counts / said[:, None], cmap="Blues", vmin=0, vmax=1, aspect="auto")
    names = [_short(label) for label in labels]
    axes.set_xticks(range(len(labels)), names, rotation=90)
    axes.set_yticks(range(len(labels)), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(labels) <= WRITTEN:
        for (i, j), count in np.ndenumerate(counts):
            if count:
                colour = "white" if count / said[i] > 0.6 else "black"
                axes.text(j, i, f"{count:.0f}", ha="center", va="center", fontsize=7, color=colour)
    return mesh


def _short(label: str) -> str:
    label = shown(label)
    return label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"
