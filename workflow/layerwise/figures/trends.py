"""One property over the layers: a line per model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from layerwise.figures.curves import BOUNDARY, DEPTH, LAYER, by_depth, by_layer, lines, marks_in, scored
from layerwise.figures.legend import entries, legend_of
from layerwise.figures.look import (
    COLUMN_HEIGHT,
    HEIGHT,
    QUIET,
    WIDTH,
    Models,
    finished,
    parameters,
    score_scale,
    words_only,
)
from layerwise.figures.words import alignments_in, axis_title, skip_note, title_of
from layerwise.layers import is_conv, is_transformer, layer_key
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.trends import read_trends

BESIDE = 50  # pixels of a column that an axis takes beside the lines, and the legend below them has not


def trends_chart(
    trends: AnyPath,
    question: Property,
    metric: str,
    models: Sequence[str],
    titles: Mapping[str, str],
    axis: str = DEPTH,
    groups: Mapping[str, str] | None = None,
    column: int | None = None,
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
        column: the width of the whole picture, in pixels, where it stands in a column of an article; None: it stands by
            itself.

    Raises:
        ValueError: there is no such axis.
    """
    if axis not in (DEPTH, LAYER):
        raise ValueError(f"axis is {axis!r}; expected {DEPTH} or {LAYER}")
    table = of_property(read_trends(trends), question.name)
    table = table[(table["metric"] == metric) & table["model"].isin(models)]
    shown = table if axis == LAYER else table[table["layer"].map(is_transformer).astype(bool)]
    cast = Models.of(models, titles, groups)
    title, notes = title_of(question, metric, alignments_in(table)), skip_note(shown, models, cast.titles)
    rows = scored(shown, cast)
    if rows.empty:
        return finished(
            words_only(notes or f"No layer has a score of {metric}.", column or WIDTH), title, column=column
        )
    layers = sorted(shown["layer"].unique(), key=layer_key)
    x = by_depth() if axis == DEPTH else by_layer(layers)
    y = alt.Y("mean:Q", title=axis_title(metric).split("\n"), scale=score_scale(metric))
    key = legend_of(
        entries(cast, rows["model"], marks_in(rows)),
        column - BESIDE if column else WIDTH + 150,
        below=True if column else None,
    )
    parts = _boundary(layers) if axis == LAYER else []
    chart = lines(rows, x, y, cast, [*parts, key]).add_params(*parameters())
    height = round(COLUMN_HEIGHT * column) if column else HEIGHT
    return finished(chart.properties(width=WIDTH, height=height), title, notes, WIDTH + 150, column)


def _boundary(layers: Sequence[str]) -> list[alt.Chart]:
    """What parts the conv blocks from the transformer, and their names at the top."""
    if not (any(map(is_conv, layers)) and any(map(is_transformer, layers))):
        return []
    base = alt.Chart(alt.Data(values=[{}])).encode(x=alt.datum(BOUNDARY, type="nominal"))
    said = {
        words: base.mark_text(align=align, dx=shift, dy=-4, baseline="bottom", color=QUIET, fontSize=10).encode(
            y=alt.value(0), text=alt.value(words)
        )
        for words, align, shift in (("conv encoder", "right", -6), ("transformer", "left", 6))
    }
    return [base.mark_rule(color=QUIET, strokeDash=[2, 2]), *said.values()]
