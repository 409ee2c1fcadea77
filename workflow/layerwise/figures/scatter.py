"""A task against each property: performance over score, a mark per layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from layerwise.cells import FLAGGED
from layerwise.figures.legend import entries, legend_of
from layerwise.figures.look import ISOLATED, Models, finished, of_models, rounded, score_scale, standing_out, words_only
from layerwise.figures.words import FLAGGED as FLAGGED_WORDS
from layerwise.figures.words import short_title
from layerwise.layers import WEIGHTED
from layerwise.metrics import metric_of
from layerwise.probes.metrics import METRICS
from layerwise.scoring.properties import Property
from layerwise.tables.comparison import read_comparison
from layerwise.tables.files import AnyPath, transformer_rows
from layerwise.tables.probes import EXTERNAL, read_probes
from layerwise.tables.trends import of_shown, read_trends

COLUMNS = 3  # panels in a row
WIDTH, HEIGHT = 230, 180  # of a panel
PATH = 0.3  # opacity of the line from layer to layer
TICK = ".3~g"  # of an axis with one value too
MINUS = "\N{MINUS SIGN}"  # as axes have it
OF_SCORE = ["mean", "low", "high", "status"]


def scatter(
    probes: AnyPath,
    trends: AnyPath,
    comparison: AnyPath,
    task: str,
    properties: Mapping[str, Property],
    metrics: Mapping[str, str],
    models: Sequence[str],
    titles: Mapping[str, str],
    groups: Mapping[str, str] | None = None,
) -> Any:
    """What the heads of a task reached over the scores of the same layers: a panel per property.

    A mark is a T layer of a model that has both numbers; a thin line goes from layer to layer. Right and up are better:
    axes of error rates are reversed. Each panel says which correlations over layers tables/comparison.csv has, those of
    several models by their range. Layers that the correlation leaves out are not drawn, or hollow where a score is
    flagged. Results from elsewhere have panels of their own.

    Args:
        probes, trends, comparison: tables of the experiment.
        properties: in order. metrics: property → the metric of its scores.
        models: the order of the models, which also fixes how each one looks.
        titles: what to call a model; its name, where it has no title.
        groups: model → what models of one colour have in common, such as their objective; None: a colour for each.
    """
    heads = read_probes(probes)
    heads = heads[(heads["task"] == task) & (heads["layer"] != WEIGHTED) & heads["value"].notna()]
    scores = of_shown(transformer_rows(read_trends(trends)), metrics)
    correlations = of_shown(read_comparison(comparison), metrics)
    correlations = correlations[correlations["task"] == task]
    cast, title = Models.of(models, titles, groups), f"{task} against what the layers hold"
    rows, panels, without, drawn, has_flagged = [], [], [], set(), False
    for (source, task_metric), measured in heads.groupby(["source", "metric"], sort=False):
        table = _beside(cast.titled(measured), scores, properties)
        of_panel = correlations[(correlations["source"] == source) & (correlations["task_metric"] == task_metric)]
        for number, name in enumerate(properties):
            found = table[table[f"mean_{number}"].notna()]
            words = short_title(name, metrics[name]) + (" (measured elsewhere)" if source == EXTERNAL else "")
            if found.empty:
                without.append(words)
                continue
            drawn |= set(found["model"])
            has_flagged = has_flagged or (found[f"status_{number}"] == FLAGGED).any()
            known = _spoken(cast.titled(of_panel[of_panel["property"] == name]))
            panel = _panel(table, number, metrics[name], task_metric, cast, known)
            headed = alt.TitleParams(words, subtitle=_correlation(known), fontSize=12)
            panels.append(of_models(panel.properties(width=WIDTH, height=HEIGHT, title=headed)))
        if panels:
            rows.append(
                alt.concat(*panels, columns=COLUMNS).resolve_scale(y="shared", color="independent", shape="independent")
            )
            panels = []
    note = f"No layer has both numbers: {', '.join(without)}." if without else ""
    if not rows:
        return finished(words_only(note or f"No head of {task} on a single layer has a result."), title)
    width = COLUMNS * (WIDTH + 60)
    key = legend_of(entries(cast, drawn, [FLAGGED_WORDS] if has_flagged else []), width, below=True)
    chart = alt.vconcat(*rows, key.properties(width=width, height=1))
    return finished(chart.resolve_scale(color="independent", shape="independent"), title, note, width=width)


def _beside(heads: pd.DataFrame, scores: pd.DataFrame, properties: Mapping[str, Property]) -> pd.DataFrame:
    """A row per model and layer, with the score of each property: `mean_0` is that of the first one.

    One table serves all panels, so that a page has it once.
    """
    table = heads[["model", "title", "layer", "layer_index", "value", "low", "high"]].copy()
    table[["value", "low", "high"]] *= 100
    for number, question in enumerate(properties.values()):
        of_one = scores[scores["property"] == question.name]
        of_one = of_one[of_one["layer"].isin(question.informative(of_one["layer"]))]
        named = {name: f"{name}_{number}" for name in OF_SCORE}
        table = table.merge(
            of_one[["model", "layer", *OF_SCORE]].rename(columns=named), on=["model", "layer"], how="left"
        )
    return rounded(table)


def _panel(
    table: pd.DataFrame, number: int, metric: str, task_metric: str, cast: Models, known: pd.DataFrame
) -> alt.LayerChart:
    """The layers over the score of one property, and the correlation of the model that is isolated, in a corner."""
    looks = cast.encodings(table["model"].unique(), with_legend=False)
    scored, measured = metric_of(metric), METRICS[task_metric]
    x = alt.X(
        f"mean_{number}:Q",
        title=scored.symbol + ("" if scored.higher_is_better else " (reversed)"),
        scale=score_scale(metric),
        axis=alt.Axis(tickCount=4, labelOverlap=True, format=TICK),
    )
    base = (
        alt.Chart(table)
        .transform_filter(f"isValid(datum.mean_{number})")
        .transform_lookup("model", alt.LookupData(known, "model", ["correlation"]))
        .encode(
            x=x,
            y=alt.Y(
                "value:Q",
                title=f"{measured.title}, %" + ("" if measured.higher_is_better else " (reversed)"),
                scale=score_scale(task_metric),
                axis=alt.Axis(tickCount=5, format=TICK),
            ),
        )
    )
    path = base.mark_line(strokeWidth=1, strokeOpacity=PATH).encode(
        color=looks["color"], order="layer_index:Q", opacity=standing_out()
    )
    marks = base.mark_point(size=34, strokeWidth=1.2).encode(
        color=looks["color"],
        shape=looks["shape"],
        fill=alt.condition(f"datum.status_{number} == '{FLAGGED}'", alt.value("white"), looks["color"]),
        opacity=standing_out(),
        tooltip=[
            alt.Tooltip("title:N", title="model"),
            alt.Tooltip("layer:N"),
            alt.Tooltip("value:Q", title=f"{measured.title}, %", format=".1f"),
            *(alt.Tooltip(f"{end}:Q", title=words, format=".1f") for end, words in (("low", "from"), ("high", "to"))),
            alt.Tooltip(f"mean_{number}:Q", title=scored.symbol, format=".3f"),
            alt.Tooltip(f"low_{number}:Q", title=f"{scored.symbol} from", format=".3f"),
            alt.Tooltip(f"high_{number}:Q", title=f"{scored.symbol} to", format=".3f"),
            alt.Tooltip("correlation:N", title="over its layers"),
        ],
    )
    alone = base.transform_filter(f"{ISOLATED} == datum.model").transform_aggregate(groupby=["correlation"])
    words = alone.mark_text(align="left", baseline="top", fontSize=11).encode(
        x=alt.value(4), y=alt.value(4), text="correlation:N"
    )
    return path + marks + words


def _spoken(correlations: pd.DataFrame) -> pd.DataFrame:
    """The correlation of each model in words, with its interval."""
    found = [
        row.reason if math.isnan(row.spearman) else _in_words(row.spearman, row.spearman_low, row.spearman_high)
        for row in correlations.itertuples()
    ]
    return correlations[["model", "spearman"]].assign(correlation=found)


def _correlation(known: pd.DataFrame) -> str:
    """Of one model its correlation with the interval, of several the lowest and the highest."""
    numbers = known["spearman"].dropna()
    if numbers.empty:
        return "nothing to correlate"
    if len(known) == 1:
        return known["correlation"].iloc[0]
    return f"Spearman {numbers.min():z.2f} to {numbers.max():z.2f} in {len(numbers)} models".replace("-", MINUS)


def _in_words(number: float, low: float, high: float) -> str:
    interval = "" if math.isnan(low) else f" ({low:z.2f} to {high:z.2f})"
    return f"Spearman {number:z.2f}{interval}".replace("-", MINUS)
