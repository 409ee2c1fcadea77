"""How well each property ranks the layers for each task: correlations over the layers, a panel per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from layerwise.cells import WEIGHTS
from layerwise.figures.beside import CROSS, SUM_COLOUR, Look, encodings, looks_of, names_of
from layerwise.figures.look import QUIET, Models, finished, of_models, rounded, standing_out, words_only
from layerwise.figures.panels import abreast, in_panels
from layerwise.probes.metrics import METRICS
from layerwise.tables.comparison import read_comparison
from layerwise.tables.files import AnyPath
from layerwise.tables.probes import EXTERNAL

LEARNED = "learned weights"
WIDTH, STEP = 230, 9  # pixels of a panel, and from one property to the next
APART = 0.8  # steps between two models, in which there is nothing
COLUMNS = ["model", "title", "panel", "series", "spearman", "spearman_low", "spearman_high", "layers"]
TOOLTIP = {
    **{"title": "model", "series": "property", "spearman": "correlation", "spearman_low": "from"},
    **{"spearman_high": "to", "layers": "layers"},
}


def correlations(
    comparison: AnyPath,
    names: Sequence[str],
    metrics: Mapping[str, str],
    models: Sequence[str],
    titles: Mapping[str, str],
) -> Any:
    """Spearman's correlation of each trend with each task, a panel per task: a row per model, a mark per property.

    A trend, of an error rate that of 1 - error, is correlated with accuracy, or with 1 - error rate: right is better.
    The lines are 95 % intervals; a row says so where nothing could be correlated. The cross is that of the learned
    weights. Arguments as in `layerwise.figures.tasks.task_chart`.
    """
    title = "How properties and tasks correlate"
    table = read_comparison(comparison)
    called = names_of(names, metrics)
    table = table[(table["metric"] == table["property"].map(metrics)) | (table["property"] == WEIGHTS)]
    table = table.assign(series=table["property"].map(called | {WEIGHTS: LEARNED}))
    if table.empty:
        return finished(words_only("No task was measured."), title)
    table["panel"] = [
        _panel_title(*row) for row in zip(table["task"], table["source"], table["task_metric"], strict=True)
    ]
    panels = list(dict.fromkeys(table["panel"]))
    rows = Models.of(models, titles).titled(table)
    columns = abreast(len(panels), WIDTH)
    looks = looks_of(called.values()) | {LEARNED: Look(SUM_COLOUR, CROSS)}
    return finished(of_models(in_panels(_marks(rows, looks), panels, columns)), title)


def _panel_title(task: str, source: str, task_metric: str) -> str:
    metric = METRICS[task_metric]
    elsewhere = ", measured elsewhere" if source == EXTERNAL else ""
    return f"{task}\n{'' if metric.higher_is_better else '1 - '}{metric.title}{elsewhere}"


def _marks(rows: pd.DataFrame, looks: Mapping[str, Look]) -> Any:
    shown = encodings(looks, rows["series"].unique())
    series = [name for name in looks if name in set(rows["series"])]
    known = rows.loc[rows["spearman"].notna(), COLUMNS]
    models = rows[["model", "title"]].drop_duplicates()
    everyone = models.merge(rows[["panel"]].drop_duplicates(), how="cross")
    has_number = everyone.merge(known.drop_duplicates(["model", "panel"]), how="left")["series"].notna()
    drawn = rounded(pd.concat([known, everyone[~has_number]]))
    # Of a model, not of a mark in it: the layer of words has no marks beside each other.
    step = alt.Step(STEP * (len(series) + APART), **{"for": "position"})
    base = alt.Chart(drawn, width=WIDTH, height=step)
    y = alt.Y(
        "title:N",
        title=None,
        sort=list(rows["title"].unique()),
        scale=alt.Scale(padding=0),
        axis=alt.Axis(labelLimit=180, ticks=False, domain=False, grid=True, tickBand="extent"),
    )
    offset = alt.YOffset("series:N", sort=series, scale=alt.Scale(domain=series, padding=APART))
    x = alt.X(
        "spearman:Q",
        title="Spearman's correlation over layers",
        scale=alt.Scale(domain=[-1.05, 1.05], nice=False),
        axis=alt.Axis(
            values=[-1, -0.5, 0, 0.5, 1],
            gridColor=alt.condition("datum.value == 0", alt.value(QUIET), alt.value(f"{QUIET}40")),
        ),
    )
    tooltip = [
        alt.Tooltip(name, title=words, format=".2f" if name.startswith("spearman") else alt.Undefined)
        for name, words in TOOLTIP.items()
    ]
    found, none = base.transform_filter("isValid(datum.spearman)"), base.transform_filter("!isValid(datum.spearman)")
    placed = found.encode(y=y, yOffset=offset, color=shown["color"], opacity=standing_out(), tooltip=tooltip)
    return alt.layer(
        placed.mark_rule(strokeWidth=1.3).encode(x="spearman_low:Q", x2="spearman_high:Q"),
        placed.mark_point(filled=True, size=45).encode(x=x, shape=shown["shape"]),
        none.mark_text(color=QUIET, fontSize=10, text="no number").encode(
            y=y, yOffset=offset, x=alt.datum(0), opacity=standing_out()
        ),
    )
