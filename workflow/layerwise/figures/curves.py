"""Curves of models over layers: lines with intervals, marks and chance levels, and what is said of a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from layerwise.cells import FLAGGED as IS_FLAGGED
from layerwise.figures.legend import CHANCE
from layerwise.figures.look import BAND, CHANCE_DASH, IS_CHOSEN, QUIET, Models, rounded, standing_out
from layerwise.figures.words import FLAGGED
from layerwise.layers import is_conv, is_transformer, layer_key

COLUMNS = [
    *("model", "title", "layer", "depth", "run", "mean", "low", "high", "chance"),
    *("rows_per_dimension", "n_rows", "kept_x", "kept_y", "status", "reason"),
]
DEPTH, LAYER = "depth", "layer"  # axes
BOUNDARY = " "  # the place on the axis of layers between conv blocks and the transformer
MANY = 12  # models; of more the lines are thin

# What is said of a mark: a column, or an expression. An empty cell is 0 to Vega's `format`, so it is asked for.
_SAID = {
    "score": "isValid(datum.mean) ? format(datum.mean, '.3f') : 'none'",
    "interval": "isValid(datum.low) ? format(datum.low, '.3f') + ' to ' + format(datum.high, '.3f') : 'none'",
    "by chance": "isValid(datum.chance) ? format(datum.chance, '.3f') : 'unknown'",
    "rows": "isValid(datum.n_rows) ? format(datum.n_rows, ',') : 'unknown'",
    "rows per dimension": "isValid(datum.rows_per_dimension) ? format(datum.rows_per_dimension, '.1f') : 'none'",
    "dimensions kept": "isValid(datum.kept_x) ? datum.kept_x + ' and ' + datum.kept_y : 'none'",
    "state": "datum.reason ? datum.status + ': ' + datum.reason : datum.status",
}
TOOLTIP = ["model", "layer", *_SAID]


def scored(table: pd.DataFrame, cast: Models) -> pd.DataFrame:
    """The rows that have a score, with `COLUMNS`.

    Rows of one `run`, its first layer, are joined by a line: those of a model without a skipped layer between them, and
    either conv blocks or layers of the transformer.
    """
    rows = cast.titled(table.sort_values("layer", key=lambda names: names.map(layer_key), kind="stable"))
    has = rows["mean"].notna()
    part = rows["model"] + rows["layer"].str[:1]
    begins = has & ~(has.shift(fill_value=False) & (part == part.shift()))
    run = rows["layer"].where(begins).ffill()
    return rounded(rows.assign(run=run)[has][COLUMNS])


def marks_in(rows: pd.DataFrame) -> list[str]:
    """What a legend has to explain besides the models."""
    found = {CHANCE: rows["chance"].notna().any(), FLAGGED: (rows["status"] == IS_FLAGGED).any()}
    return [mark for mark, occurs in found.items() if occurs]


def lines(
    rows: pd.DataFrame, x: alt.X, y: alt.Y, cast: Models, others: Sequence[Any] = (), size: float = 38
) -> alt.LayerChart:
    """Lines of models over x, with bands, marks and chance levels; `rows` has `COLUMNS`.

    Args:
        others: more layers, with data of their own.
        size: of a mark, square pixels; where there are many models, marks are smaller.
    """
    drawn = rows["model"].unique()
    crowd = min(1.0, MANY / len(drawn))
    looks = cast.encodings(cast.names, with_legend=False)  # of all, as panels of one figure share a scale
    base = alt.Chart().encode(x=x, detail=["model:N", "run:N"])
    of_run = {"color": looks["color"], "detail": ["model:N", "run:N"]}
    chance = base.mark_line(strokeWidth=1, strokeDash=CHANCE_DASH, color=QUIET).encode(
        y=alt.Y("chance:Q"), opacity=standing_out(0.8 * crowd, 0.8)
    )
    band = base.mark_area().encode(y=alt.Y("low:Q"), y2="high:Q", opacity=standing_out(BAND * crowd**2, BAND), **of_run)
    line = base.mark_line(strokeWidth=1 + crowd).encode(
        y=y, strokeDash=looks["strokeDash"], opacity=standing_out(), **of_run
    )
    marks = base.mark_point(size=size * crowd, strokeWidth=0.7 + 0.8 * crowd).encode(
        y=y,
        color=looks["color"],
        shape=looks["shape"],
        fill=alt.condition(f"datum.status == '{IS_FLAGGED}'", alt.value("white"), looks["color"]),
        opacity=standing_out(),
        tooltip=tooltips(),
    )
    layers = [chance, band, *_alone(rows, base, looks, crowd), line, marks, *others]
    chart = said_of(alt.layer(*layers, data=rows).transform_filter(IS_CHOSEN))
    return chart.resolve_scale(color="independent", fill="independent", shape="independent", strokeDash="independent")


def by_depth() -> alt.X:
    """Layers by index / L, so that models of different depth can be compared."""
    title = "depth (0: input of the first block, 1: last block)"
    return alt.X("depth:Q", title=title, scale=alt.Scale(domain=[0, 1], padding=8))


def by_layer(layers: Sequence[str]) -> alt.X:
    """Layers by name, in order; between conv blocks and the transformer is a gap, `BOUNDARY`."""
    convs = [layer for layer in layers if is_conv(layer)]
    blocks = [layer for layer in layers if is_transformer(layer)]
    places = [*convs, BOUNDARY, *blocks] if convs and blocks else layers
    axis = alt.Axis(values=list(layers), labelAngle=0, labelOverlap=True, labelSeparation=8)
    return alt.X("layer:N", title="layer", axis=axis, scale=alt.Scale(type="point", domain=list(places), padding=0.5))


def said_of(chart: Any) -> Any:
    """A chart of `COLUMNS` with the columns that `tooltips` show."""
    return chart.transform_calculate(**{_column(name): said for name, said in _SAID.items()})


def tooltips() -> list[alt.Tooltip]:
    """What is said of a layer of a model where a reader points at it."""
    return [alt.Tooltip(f"{_column(name)}:N", title=name) for name in TOOLTIP]


def _alone(rows: pd.DataFrame, base: alt.Chart, looks: Mapping[str, Any], crowd: float) -> list[alt.Chart]:
    """Intervals and chance levels of layers that no line leads to, which an area and a line would not show."""
    length = rows.groupby(["model", "run"])["layer"].transform("size")
    alone = rows[length == 1]
    if alone.empty:
        return []
    of_one = base.transform_joinaggregate(length="count()", groupby=["model", "run"]).transform_filter(
        "datum.length == 1"
    )
    bar = of_one.mark_rule(strokeWidth=4).encode(
        y=alt.Y("low:Q"), y2="high:Q", color=looks["color"], opacity=standing_out(2 * BAND * crowd**2, 2 * BAND)
    )
    tick = of_one.mark_tick(orient="horizontal", size=24, thickness=1, color=QUIET).encode(
        y=alt.Y("chance:Q"), opacity=standing_out(0.8 * crowd, 0.8)
    )
    return [bar, tick]


def _column(name: str) -> str:
    """The column of what is said in a tooltip."""
    return {"model": "title"}.get(name, f"said {name}" if name in _SAID else name).replace(" ", "_")
