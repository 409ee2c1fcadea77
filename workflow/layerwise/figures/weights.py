"""What the learned sum of all layers weighs: a line per model over the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from layerwise.figures.curves import DEPTH, by_depth, by_layer
from layerwise.figures.legend import entries, legend_of
from layerwise.figures.look import (
    CHANCE_DASH,
    HEIGHT,
    QUIET,
    WIDTH,
    Models,
    finished,
    of_models,
    rounded,
    standing_out,
    words_only,
)
from layerwise.figures.words import by_reason
from layerwise.layers import WEIGHTED, layer_key
from layerwise.probes.metrics import METRICS
from layerwise.tables.files import AnyPath
from layerwise.tables.probes import read_probes

TOOLTIP: dict[str, tuple[str, Any]] = {
    **{"title": ("model", alt.Undefined), "layer": ("layer", alt.Undefined), "weight": ("weight", ".1%")},
    **{"times": ("times an equal weight", ".2f"), "value": ("head on this layer", ".1%")},
    **{"sum": ("head on the learned sum", ".1%"), "sum_low": ("from", ".1%"), "sum_high": ("to", ".1%")},
}


def weights_chart(
    probes: AnyPath,
    task: str,
    models: Sequence[str],
    titles: Mapping[str, str],
    axis: str = DEPTH,
    groups: Mapping[str, str] | None = None,
) -> Any:
    """The weights that the head on the learned sum gave to the layers, as multiples of an equal weight.

    Weights add up to 1 over the layers, so those of a model with more layers are lower. Multiples can be compared: at
    the dashed line, 1, all layers count alike. A note says which models have no learned sum, and why.

    Args:
        probes: tables/probes.csv.
        models: the order of the models, which also fixes how each one looks.
        titles: what to call a model; its name, where it has no title.
        axis: `depth` (index / L, 0 to 1) or `layer`.
        groups: model → what models of one colour have in common, such as their objective; None: a colour for each.
    """
    heads = read_probes(probes)
    heads, cast = heads[heads["task"] == task], Models.of(models, titles, groups)
    rows, title = _rows(heads, cast), f"{task}: what the learned sum weighs"
    notes = _notes(heads, set(rows["model"]), cast)
    if rows.empty:
        return finished(words_only(notes or f"No head of {task} has learned weights."), title)
    return finished(_lines(rows, axis, cast).properties(width=WIDTH, height=HEIGHT), title, notes, WIDTH + 150)


def _rows(heads: pd.DataFrame, cast: Models) -> pd.DataFrame:
    """A row per model and layer with a learned weight."""
    sums = heads[heads["layer"] == WEIGHTED].set_index(["source", "model", "metric"])[["value", "low", "high"]]
    sums = sums.rename(columns={"value": "sum", "low": "sum_low", "high": "sum_high"})
    single = heads[heads["weight"].notna() & (heads["layer"] != WEIGHTED)]
    single = cast.titled(single.join(sums, on=["source", "model", "metric"]).drop_duplicates(["model", "layer"]))
    count = single.groupby("model")["layer"].transform("count")
    columns = ["model", "title", "layer", "depth", "metric", "weight", "times", "value", "sum", "sum_low", "sum_high"]
    return rounded(single.assign(times=single["weight"] * count)[columns])


def _lines(rows: pd.DataFrame, axis: str, cast: Models) -> Any:
    looks = cast.encodings(rows["model"].unique(), with_legend=False)
    x = by_depth() if axis == DEPTH else by_layer(sorted(rows["layer"].unique(), key=layer_key))
    y = alt.Y("times:Q", title="weight (1: all layers alike)", scale=alt.Scale(zero=False, nice=True))
    base = alt.Chart(rows).encode(x=x, y=y, color=looks["color"], opacity=standing_out())
    alike = alt.Chart(pd.DataFrame({"times": [1.0]})).mark_rule(color=QUIET, strokeDash=CHANCE_DASH).encode(y="times:Q")
    line = base.mark_line().encode(strokeDash=looks["strokeDash"])
    measured = METRICS[rows["metric"].iloc[0]].title
    marks = base.mark_point(size=38, filled=True, opacity=1).encode(
        shape=looks["shape"],
        tooltip=[
            alt.Tooltip(name, title=f"{words}: {measured}" if words.startswith("head") else words, format=form)
            for name, (words, form) in TOOLTIP.items()
        ],
    )
    key = legend_of(entries(cast, rows["model"]), WIDTH + 150)
    chart = alt.LayerChart(layer=[alike, of_models(line + marks), key])
    return chart.resolve_scale(color="independent", shape="independent", strokeDash="independent")


def _notes(heads: pd.DataFrame, weighed: set[str], cast: Models) -> str:
    """Which models have no learned weights, and why: those with one reason share a line."""
    sums = heads[(heads["layer"] == WEIGHTED) & ~heads["model"].isin(weighed)].drop_duplicates("model")
    reasons = dict(zip(sums["model"], sums["reason"], strict=True))
    absent = [name for name in cast.names if name in set(heads["model"]) - weighed]
    lacking = [(cast.titles[name], reasons.get(name) or "no learned sum was measured") for name in absent]
    return "\n".join(by_reason(lacking, "without weights"))
