"""Pictures of tables/confusion.csv: which labels the best layer of each model takes for which others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from layerwise.errors import shown
from layerwise.figures.look import Models, finished, rounded, standing_out, words_only
from layerwise.figures.panels import ROOM, abreast, below_each_other, in_panels, panel_title
from layerwise.layers import WEIGHTED
from layerwise.probes.metrics import METRICS
from layerwise.tables.confusion import read_confusions
from layerwise.tables.files import AnyPath
from layerwise.tables.probes import PROBES, read_probes

MOST = 40  # labels that a picture has room for
WRITTEN = 12  # up to so many labels, each cell has its number
CELL, SMALL_CELL, LEAST = 24, 13, 130  # pixels, and how wide a panel is at least
LABEL = 110  # pixels of a label
DARK = 0.6  # the share from which on words on a cell are white
COLUMNS = ["model", "panel", "layer", "said", "answered", "n", "share"]
TOOLTIP = {"panel": "model", "said": "said", "answered": "answered", "n": "times", "share": "share of what was said"}


def confusions(confusion: AnyPath, probes: AnyPath, task: str, models: Sequence[str], titles: Mapping[str, str]) -> Any:
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
    table = Models.of(models, titles).titled(table[table["layer"] == table["model"].map(best)])
    title = f"{task}: said and answered, on the best block"
    if table.empty:
        return finished(words_only(f"No head of {task} has a result."), title)
    parts, many = [], []
    for column, rows in table.groupby("column", sort=False):
        labels = _shown_labels(rows)
        if len(labels) < len(_labels(rows)):
            many.append(column)
        parts.append(_panels_of(rows, column, labels))
    note = f"{', '.join(many)}: of more labels, the {MOST} that are confused most; tables/confusion.csv has all"
    return finished(below_each_other(*parts), title, note if many else "", ROOM)


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


def _panels_of(rows: pd.DataFrame, column: str, labels: Sequence[str]) -> Any:
    """Said × answered, as shares of all that was said of a label, those answers too that are not drawn."""
    cell = CELL if len(labels) <= WRITTEN else SMALL_CELL
    size = max(LEAST, cell * len(labels))
    said = rows.groupby(["model", "said"])["n"].transform("sum")
    rows = rows.assign(
        share=rows["n"] / said,
        panel=[panel_title(f"{row.title}, {row.layer}: {column}", size) for row in rows.itertuples()],
    )
    panels = list(dict.fromkeys(rows["panel"]))
    names = {label: shown(label) for label in labels}
    cells = rows[rows["said"].isin(labels) & rows["answered"].isin(labels)]
    cells = rounded(cells.assign(said=cells["said"].map(names), answered=cells["answered"].map(names))[COLUMNS])
    scale = alt.Scale(domain=list(names.values()))
    axis = alt.Axis(ticks=False, domain=False, labelLimit=LABEL, labelOverlap=False)
    base = alt.Chart(cells, width=size, height=size).encode(
        x=alt.X("answered:O", scale=scale, axis=axis),
        y=alt.Y("said:O", scale=scale, axis=axis),
        opacity=standing_out(),
    )
    coloured = base.mark_rect().encode(
        color=alt.Color(
            "share:Q", scale=alt.Scale(scheme="blues", domain=[0, 1]), legend=alt.Legend(title="share of what was said")
        ),
        tooltip=[
            alt.Tooltip(name, title=words, format=".0%" if name == "share" else alt.Undefined)
            for name, words in TOOLTIP.items()
        ],
    )
    if len(labels) <= WRITTEN:
        ink = alt.condition(f"datum.share > {DARK}", alt.value("white"), alt.value("black"))
        coloured += base.mark_text(fontSize=10).encode(text="n:Q", color=ink)
    return in_panels(coloured, panels, abreast(len(panels), size))
