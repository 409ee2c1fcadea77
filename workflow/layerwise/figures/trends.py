"""One property over the layers: a line per model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from layerwise.figures.look import (
    BAND,
    CHANCE_DASH,
    HEIGHT,
    QUIET,
    WIDTH,
    Models,
    finished,
    of_models,
    score_scale,
    standing_out,
    words_only,
)
from layerwise.figures.words import alignments_in, axis_title, skip_note, title_of
from layerwise.layers import TRANSFORMER, layer_key
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.trends import read_trends

COLUMNS = [
    *("model", "title", "layer", "depth", "kind", "mean", "low", "high", "chance"),
    *("rows_per_dimension", "n_rows", "status"),
]
TOOLTIP = {
    **{"title": "model", "layer": "layer", "mean": "score", "low": "from", "high": "to", "chance": "by chance"},
    **{"rows_per_dimension": "rows per dimension", "n_rows": "rows", "status": "status"},
}
DEPTH, LAYER = "depth", "layer"


def trends_chart(
    trends: AnyPath,
    question: Property,
    metric: str,
    models: Sequence[str],
    titles: Mapping[str, str],
    axis: str = DEPTH,
    groups: Mapping[str, str] | None = None,
) -> Any:
    """One property over the layers: a line per model, with its interval as a band.

    On the `depth` axis (index / L, 0 to 1) are the T layers, so that models of different depth can be compared; on the
    `layer` axis the C layers too, where they were scored, left of a gap. Hollow marks are flagged layers, gaps skipped
    ones, and a note says why; it is all there is if everything was skipped. The chance level of each model is a thin
    dashed line. Up is better: the axis of an error rate is reversed, and says so.

    Args:
        models: the order of the models, which also fixes how each one looks.
        titles: what to call a model; its name, where it has no title.
        groups: model → what models of one colour have in common, such as their objective; None: a colour for each.
    """
    table = of_property(read_trends(trends), question.name)
    table = table[table["metric"] == metric]
    shown = table if axis == LAYER else table[table["layer"].str.startswith(TRANSFORMER)]
    cast = Models.of(models, titles, groups)
    title, notes = title_of(question, metric, alignments_in(table)), skip_note(shown, models, titles)
    if not shown["mean"].notna().any():
        return finished(words_only(notes or f"No layer has a score of {metric}."), title)
    rows = cast.titled(shown).assign(kind=lambda each: each["layer"].str[0])[COLUMNS]
    return finished(lines(rows, _place(rows, axis), metric, cast).properties(width=WIDTH, height=HEIGHT), title, notes)


def lines(rows: pd.DataFrame, x: alt.X, metric: str, cast: Models) -> alt.LayerChart:
    """Lines of models over x, with bands, marks and chance levels; `rows` has `COLUMNS`."""
    looks = cast.encodings(rows["model"].unique())
    base = alt.Chart(rows).encode(x=x, detail="kind:N")
    y = alt.Y("mean:Q", title=axis_title(metric).split("\n"), scale=score_scale(metric))
    chance = base.mark_line(strokeWidth=1, strokeDash=CHANCE_DASH, color=QUIET).encode(
        y="chance:Q", detail=["model:N", "kind:N"], opacity=standing_out(0.8)
    )
    band = base.mark_area().encode(y="low:Q", y2="high:Q", color=looks["color"], opacity=standing_out(BAND))
    line = base.mark_line().encode(y=y, color=looks["color"], strokeDash=looks["strokeDash"], opacity=standing_out())
    marks = base.mark_point(size=38, strokeWidth=1.5).encode(
        y=y,
        color=looks["color"],
        shape=looks["shape"],
        fill=alt.condition("datum.status == 'flagged'", alt.value("white"), looks["color"]),
        opacity=standing_out(),
        tooltip=[alt.Tooltip(name, title=words, format=_format(rows[name])) for name, words in TOOLTIP.items()],
    )
    return of_models(chance + band + line + marks)


def _place(rows: pd.DataFrame, axis: str) -> alt.X:
    if axis == DEPTH:
        title = "depth (0: input of the first block, 1: last block)"
        return alt.X("depth:Q", title=title, scale=alt.Scale(domain=[0, 1], padding=8))
    return alt.X(
        "layer:N", title="layer", sort=sorted(rows["layer"].unique(), key=layer_key), scale=alt.Scale(type="point")
    )


def _format(values: pd.Series) -> Any:
    if not pd.api.types.is_numeric_dtype(values):
        return alt.Undefined
    return "d" if pd.api.types.is_integer_dtype(values) else ".3f"
