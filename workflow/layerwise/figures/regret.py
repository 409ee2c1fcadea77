"""What a choice of layer costs on a task: a row per model, a column per way to choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from layerwise.cells import WEIGHTS
from layerwise.figures.look import LABEL_OF_MODEL, Models, finished, of_models, rounded, standing_out, words_only
from layerwise.figures.words import by_reason, short_title
from layerwise.layers import WEIGHTED
from layerwise.probes.metrics import METRICS
from layerwise.tables.comparison import Outcome, outcomes, read_comparison
from layerwise.tables.curves import Number
from layerwise.tables.files import AnyPath
from layerwise.tables.probes import EXTERNAL, read_probes

BY_WEIGHT, LAST, SUM = "largest weight", "last block", "learned sum"
ALL_LAYERS = "all"  # in place of a layer: what the learned sum takes
CELL, HIGH = 74, 24  # pixels of a cell
TOOLTIP: dict[str, tuple[str, Any]] = {
    **{"title": ("model", alt.Undefined), "way": ("chosen by", alt.Undefined), "layer": ("layer", alt.Undefined)},
    **{"reached": ("its {}", ".1%"), "low": ("from", ".1%"), "high": ("to", ".1%")},
    **{"best": ("best block", alt.Undefined), "most": ("{} of the best", ".1%"), "least_most": ("at least", ".1%")},
    **{"points": ("costs, points", ".1f"), "ties": ("ties with the best", alt.Undefined)},
}


def regret(
    comparison: AnyPath,
    probes: AnyPath,
    task: str,
    names: Sequence[str],
    metrics: Mapping[str, str],
    models: Sequence[str],
    titles: Mapping[str, str],
) -> Any:
    """What each way to choose a layer costs against the best single block, in points of the task's performance.

    Columns are the properties that recommend a layer (tables/comparison.csv), then the layer with the largest learned
    weight, the last block, and the learned sum of all layers, which is no choice; it costs less than nothing where it
    beats every block. A number is bold where the chosen layer does not tie with the best block
    (`layerwise.tables.ties`): only there can the two be told apart. Results from elsewhere have a table of their own.

    Args:
        comparison, probes: tables of the experiment.
        names: of the properties, in order. metrics: property → the metric of its scores.
        models: in order.
        titles: what to call a model; its name, where it has no title.
    """
    table, heads, cast = read_comparison(comparison), read_probes(probes), Models.of(models, titles)
    shown = table["property"].map({**metrics, WEIGHTS: None})
    table = table[(table["task"] == task) & ((table["metric"] == shown) | (table["property"] == WEIGHTS))]
    heads = heads[heads["task"] == task]
    ways = {name: short_title(name, metrics[name]) for name in names} | {WEIGHTS: BY_WEIGHT}
    # Draws, and so the seed, move neither intervals nor ties.
    rows = [row for outcome in outcomes(heads, seed=0) for row in _of_model(outcome, table, ways)]
    title, notes = f"{task}: what a choice of layer costs", _notes(heads, {row["model"] for row in rows}, cast)
    if not rows:
        return finished(words_only(notes or f"No head of {task} on a single block has a result."), title)
    groups = cast.titled(rounded(pd.DataFrame(rows))).groupby(["source", "metric"], sort=False)
    order = [*ways.values(), LAST, SUM]
    tables = [_cells(group, [way for way in order if way in set(group["way"])], cast) for _, group in groups]
    chart = alt.vconcat(*tables).resolve_scale(color="independent") if len(tables) > 1 else tables[0]
    return finished(chart, title, notes)


def _of_model(outcome: Outcome, comparison: pd.DataFrame, ways: Mapping[str, str]) -> Iterator[dict]:
    """A row per way to choose whose layer was measured."""
    single = outcome.single.blocks()
    if not single.layers:
        return
    most, tied = single.number(single.best), set(single.tied())
    known = comparison[(comparison["source"] == outcome.source) & (comparison["task_metric"] == outcome.metric)]
    known = known[known["model"] == outcome.model].set_index("property")["recommended"]
    chosen = {way: known.get(name, "") for name, way in ways.items()} | {LAST: outcome.last}
    found: dict[str, tuple[str, Number]] = {
        way: (layer, single.number(layer)) for way, layer in chosen.items() if layer in single.layers
    }
    if outcome.weighted.is_known:
        found[SUM] = ALL_LAYERS, outcome.weighted
    for way, (layer, number) in found.items():
        ties = "no interval" if pd.isna(most.low) else "yes" if layer in tied else "no"
        yield {
            **{"source": outcome.source, "metric": outcome.metric, "model": outcome.model, "way": way, "layer": layer},
            **{"reached": number.value, "low": number.low, "high": number.high},
            **{"best": single.best, "most": most.value, "least_most": most.low},
            "points": 100 * (most.value - number.value),
            "ties": "" if layer == ALL_LAYERS else ties,
        }


def _cells(rows: pd.DataFrame, order: Sequence[str], cast: Models) -> Any:
    """A cell per model and way to choose: the darker, the more it costs."""
    metric = METRICS[rows["metric"].iloc[0]]
    performance = metric.title if metric.higher_is_better else f"1 - {metric.title}"
    elsewhere = ", measured elsewhere" if (rows["source"] == EXTERNAL).all() else ""
    dearest = max(rows["points"].max(), 1.0)  # so that less than a point is pale
    named = [cast.titles[name] for name in cast.names if name in set(rows["model"])]
    base = alt.Chart(rows, width=alt.Step(CELL), height=alt.Step(HIGH)).encode(
        x=alt.X("way:N", sort=list(order), title=None).axis(orient="top", labelAngle=-30, labelLimit=200, domain=False),
        y=alt.Y("title:N", sort=named, title=None).axis(labelExpr=LABEL_OF_MODEL, labelLimit=300, domain=False),
        opacity=standing_out(),
        tooltip=[
            alt.Tooltip(name, title=words.format(performance), format=form) for name, (words, form) in TOOLTIP.items()
        ],
    )
    cells = base.mark_rect(stroke="white").encode(
        color=alt.Color(
            "points:Q",
            title=f"costs, points of {performance}{elsewhere}",
            scale=alt.Scale(scheme="oranges", domain=[0, dearest], clamp=True),
            legend=alt.Legend(orient="bottom", gradientLength=200, titleLimit=400),
        )
    )
    ink = alt.condition(f"datum.points > {0.6 * dearest}", alt.value("white"), alt.value("black"))
    words = base.transform_calculate(
        words="format(datum.points, '.1f') + (datum.layer == 'all' ? '' : ' ' + datum.layer)"
    )
    bold = words.transform_filter("datum.ties == 'no'").mark_text(fontSize=11, fontWeight="bold")
    plain = words.transform_filter("datum.ties != 'no'").mark_text(fontSize=11)
    return of_models(cells + bold.encode(text="words:N", color=ink) + plain.encode(text="words:N", color=ink))


def _notes(heads: pd.DataFrame, drawn: set[str], cast: Models) -> str:
    """Which models have no head on a single block, and why: those with one reason share a line."""
    missing = heads[(heads["layer"] != WEIGHTED) & ~heads["model"].isin(drawn)].drop_duplicates("model")
    reasons = dict(zip(missing["model"], missing["reason"], strict=True))
    absent = [name for name in cast.names if name in set(heads["model"]) - drawn]
    lacking = [(cast.titles[name], reasons.get(name) or "no head on a single layer") for name in absent]
    return "\n".join(by_reason(lacking, "without a choice"))
