"""One property that compares each layer with every layer of another model: a heat map for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from layerwise.cells import FLAGGED, OK, SKIPPED
from layerwise.figures.look import QUIET, Models, finished, of_models, rounded, standing_out, words_only
from layerwise.figures.panels import abreast, in_lines, in_panels, panel_title, room
from layerwise.figures.words import FLAGGED as WHY_FLAGGED
from layerwise.figures.words import alignments_in, skip_note, title_of
from layerwise.layers import layer_key
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.matrices import read_matrices

CELL, SMALL_CELL = 25, 13  # pixels
WRITTEN = 14  # up to so many layers on a side, each cell has its number
NAMED = 16  # up to so many, each layer has its name; of more every second one, or third
DARK = 0.42  # from here on, between the worst score and the best, words on a cell are white
MARKS = {SKIPPED: "× skipped", FLAGGED: f"* {WHY_FLAGGED}"}
COLUMNS = ["model", "panel", "layer", "other_layer", "mean", "low", "high", "chance", "status"]
TOOLTIP = {
    **{"panel": "model", "layer": "layer", "other_layer": "layer of the other model", "mean": "score", "low": "from"},
    **{"high": "to", "chance": "by chance", "status": "status"},
}


def matrices(
    layer_matrices: AnyPath, question: Property, metric: str, models: Sequence[str], titles: Mapping[str, str]
) -> Any:
    """Layers of each model upwards, from the input, and those of the other model from left to right; one scale for all.

    The darkest cell is the best. A skipped cell is crossed, a flagged one has a star, and layers that a model does not
    have are blank. A model of which nothing was scored has no panel; a note says why. `models` and `titles` as in
    `layerwise.figures.trends.trends_chart`.
    """
    table = of_property(read_matrices(layer_matrices), question.name)
    table = table[table["metric"] == metric]
    cast = Models.of(models, titles)
    has_score = table["mean"].notna().groupby(table["model"]).transform("any")
    cells, notes = table[has_score], skip_note(table[~has_score], models, cast.titles)
    title = title_of(question, metric, alignments_in(table))
    if cells.empty:
        return finished(words_only(notes or f"No layer has a score of {metric}."), title)
    up, across = (sorted(cells[name].unique(), key=layer_key) for name in ("layer", "other_layer"))
    cell = CELL if max(len(up), len(across)) <= WRITTEN else SMALL_CELL
    width, height = len(across) * cell, len(up) * cell
    rows = rounded(cast.titled(cells))
    rows["panel"] = [panel_title(words, width) for words in rows["title"]]
    panels = list(dict.fromkeys(rows["panel"]))
    other = cells["other_model"].iloc[0]
    base = alt.Chart(rows[COLUMNS], width=width, height=height).encode(
        x=alt.X(
            "other_layer:O",
            sort=across,
            title=in_lines(f"layer of {titles.get(other, other)}", width),
            axis=_named(across, labelAngle=-90),
        ),
        y=alt.Y("layer:O", sort=up[::-1], title="layer", axis=_named(up)),
    )
    chart = in_panels(
        alt.layer(_coloured(base, rows, metric), _written(base, rows, metric)), panels, abreast(len(panels), width)
    )
    marks = [words for status, words in MARKS.items() if (rows["status"] == status).any()]
    notes = "\n".join(filter(None, ["   ".join(marks), notes]))
    return finished(of_models(chart), title, notes, max(room(len(panels), width), 420))


def _named(layers: Sequence[str], **options: Any) -> alt.Axis:
    """An axis with the names of all layers, or of every second, or third."""
    step = -(-len(layers) // NAMED)
    return alt.Axis(values=list(layers[::step]), ticks=False, domain=False, labelOverlap=False, **options)


def _coloured(base: alt.Chart, rows: pd.DataFrame, metric: str) -> alt.Chart:
    known = metric_of(metric)
    ends = [rows["mean"].min(), rows["mean"].max()]
    colour = alt.Color(
        "mean:Q",
        scale=alt.Scale(scheme="viridis", domain=ends, reverse=known.higher_is_better),
        legend=alt.Legend(title=in_lines(known.title, 180), gradientLength=140, format=".2f"),
    )
    return base.mark_rect().encode(
        color=alt.condition("isValid(datum.mean)", colour, alt.value(f"{QUIET}20")),
        opacity=standing_out(),
        tooltip=[
            alt.Tooltip(name, title=words, format=".3f" if pd.api.types.is_numeric_dtype(rows[name]) else alt.Undefined)
            for name, words in TOOLTIP.items()
        ],
    )


def _written(base: alt.Chart, rows: pd.DataFrame, metric: str) -> alt.Chart:
    """The number of each cell, where there is room, and marks of those that were skipped or flagged."""
    has_room = len(rows["layer"].unique()) <= WRITTEN and len(rows["other_layer"].unique()) <= WRITTEN
    low, high = rows["mean"].min(), rows["mean"].max()
    is_better = metric_of(metric).higher_is_better
    limit = low + (DARK if is_better else 1 - DARK) * (high - low)
    number = "format(datum.mean, '.2f')" if has_room else "''"
    words = f"datum.status == '{SKIPPED}' ? '×' : {number} + (datum.status == '{FLAGGED}' ? '*' : '')"
    ink = alt.when("!isValid(datum.mean)").then(alt.value(QUIET))
    ink = ink.when(f"datum.mean {'>' if is_better else '<'} {limit:.6g}").then(alt.value("white"))
    texts = base if has_room else base.transform_filter(f"datum.status != '{OK}'")
    return (
        texts.transform_calculate(words=words)
        .mark_text(fontSize=8.5)
        .encode(text="words:N", color=ink.otherwise(alt.value("black")), opacity=standing_out())
    )
