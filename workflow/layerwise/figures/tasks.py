"""A task beside the properties: performance and trends over the layers of each model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from layerwise.figures.beside import LINE, SINGLE_COLOUR, STAR, SUM_COLOUR, Look, encodings, looks_of, names_of
from layerwise.figures.look import BAND, QUIET, Models, finished, rounded, standing_out, words_only
from layerwise.figures.panels import ROOM, abreast, below_each_other, in_lines, in_panels, panel_title
from layerwise.figures.words import as_performance, by_reason
from layerwise.layers import TRANSFORMER, WEIGHTED, layer_ranges
from layerwise.metrics import metric_of
from layerwise.probes.metrics import METRICS
from layerwise.tables.files import AnyPath
from layerwise.tables.probes import EXTERNAL, read_probes
from layerwise.tables.trends import of_shown, read_trends

SINGLE, BEST, SUM = "head on one layer", "best single block", "head on the learned sum of all layers"
MAJORITY, GUESSING = "always the most frequent label", "guessing every label equally often"
LOOKS = {
    SINGLE: Look(SINGLE_COLOUR, "circle"),
    BEST: Look(SINGLE_COLOUR, STAR),
    SUM: Look(SUM_COLOUR, LINE, (6, 2)),
    MAJORITY: Look(QUIET, LINE, (8, 2, 2, 2)),
    GUESSING: Look(QUIET, LINE, (1, 3)),
}
WIDTH, HEIGHT, LOW_HEIGHT = 190, 160, 140  # pixels of a panel
PANEL = ["model", "title", "panel", "layer", "layer_index"]
HEADS = [*PANEL, "series", "value", "low", "high", "n_test", "test_speakers", "status", "reason"]
TRENDS = [*PANEL, "series", "mean", "low", "high", "rows_per_dimension", "n_rows", "status"]
OF_HEADS = {
    **{"title": "model", "series": "what", "layer": "layer", "value": "%", "low": "from", "high": "to"},
    **{"n_test": "items of test", "test_speakers": "speakers of test"},
}
OF_TRENDS = {
    **{"title": "model", "series": "property", "layer": "layer", "mean": "score", "low": "from", "high": "to"},
    **{"rows_per_dimension": "rows per dimension", "n_rows": "rows", "status": "status"},
}


def task_chart(
    probes: AnyPath,
    trends: AnyPath,
    task: str,
    names: Sequence[str],
    metrics: Mapping[str, str],
    models: Sequence[str],
    titles: Mapping[str, str],
) -> Any:
    """One task over the layers of each model, with the trends of the properties below, on the same axis.

    Up is better: the axis of an error rate is reversed, and says so; trends are those of 1 - error.

    A band is the 95 % interval over test speakers (of trends, over samples and trials, or over items), the dashed line
    the head on the learned sum of all layers, the star the best block. Of labels, two more lines are what always
    answering the most frequent one reaches, and what guessing does. Results from elsewhere have panels of their own.
    Panels of one metric share a scale. What could not be trained is named in a note.

    Args:
        probes, trends: tables of the experiment.
        names: of the properties, in order, which also fixes how each one looks.
        metrics: property → the metric of its scores.
        models: in order.
        titles: what to call a model.
    """
    cast = Models.of(models, titles)
    heads = read_probes(probes)
    heads = cast.titled(heads[heads["task"] == task])
    title, note = f"{task}, and what the layers hold", _left_out(heads)
    groups = heads.groupby(["metric", "source", "model"], sort=False)
    heads = heads[groups["value"].transform("count") > 0]
    if heads.empty:
        return finished(words_only(note or f"No head of {task} has a result."), title)
    elsewhere = np.where(heads["source"] == EXTERNAL, " (measured elsewhere)", "")
    heads["panel"] = [panel_title(words, WIDTH) for words in heads["title"] + elsewhere]
    scores = read_trends(trends)
    scores = scores[scores["layer"].str.startswith(TRANSFORMER) & scores["property"].isin(list(names))]
    scores = cast.titled(of_shown(scores, metrics))
    scores = _as_performance(scores, names_of(names, metrics))
    last = int(max(heads["layer_index"].max(), scores["layer_index"].max() if len(scores) else 0))
    measured = in_lines(_measured(metrics[name] for name in names), LOW_HEIGHT)
    marks = _marks_of(heads)
    drawn = {*marks["series"], *scores["series"]}
    looks = encodings(LOOKS | looks_of(names_of(names, metrics).values()), drawn)
    parts: list[Any] = []
    for metric, of_metric in marks.groupby("metric", sort=False):
        panels = list(dict.fromkeys(of_metric["panel"]))
        levels = _ends(of_metric[["value", "low", "high"]])
        columns = abreast(len(panels), WIDTH)
        for start in range(0, len(panels), columns):
            shown = panels[start : start + columns]
            rows = of_metric[of_metric["panel"].isin(shown)]
            of_panels = scores.merge(rows[["model", "panel"]].drop_duplicates(), on="model")
            parts.append(in_panels(_performance(rows, metric, levels, last, looks), shown, columns))
            if len(of_panels):
                below = _trends(of_panels, measured, scores, last, looks)
                parts.append(in_panels(below, shown, columns, has_titles=False))
    return finished(below_each_other(*parts), title, note, ROOM)


def _marks_of(heads: pd.DataFrame) -> pd.DataFrame:
    """A row for each mark of a panel, in per cent: `series` says of what."""
    percent = heads.assign(**{name: 100 * heads[name] for name in ("value", "low", "high", "majority", "chance")})
    found = []
    for _, group in percent.groupby(["metric", "panel"], sort=False):
        single = group[group["layer"] != WEIGHTED]
        found.append(single.assign(series=SINGLE))
        blocks = single[(single["layer_index"] > 0) & single["value"].notna()]
        if len(blocks):
            performance = METRICS[blocks["metric"].iloc[0]].performance(blocks["value"] / 100)
            found.append(blocks.loc[[performance.idxmax()]].assign(series=BEST))
        found.append(group[(group["layer"] == WEIGHTED) & group["value"].notna()].assign(series=SUM))
        # An empty answer misses all that was said: a line at an error rate of 100 % would press the others together.
        guesses = group[group["chance"].notna()].head(1)
        for series, level in ((MAJORITY, "majority"), (GUESSING, "chance")):
            found.append(guesses[["metric", *PANEL[:3]]].assign(series=series, value=guesses[level]))
    marks = pd.concat([rows for rows in found if len(rows)], ignore_index=True)
    return marks[["metric", *HEADS]]


def _performance(rows: pd.DataFrame, metric: str, levels: Sequence[float], last: int, looks: Mapping[str, Any]) -> Any:
    """Heads of single layers with their band, the best block, the learned sum, and guesses."""
    known = METRICS[metric]
    title = [f"{known.title}, %"] + ([] if known.higher_is_better else ["(reversed: lower is better)"])
    scale = alt.Scale(domain=list(levels), nice=False, zero=False, reverse=not known.higher_is_better)
    x = _layers(last, is_named=False)
    y = alt.Y("value:Q", title=title, scale=scale, axis=alt.Axis(minExtent=34))
    base = alt.Chart(rounded(rows[HEADS]), width=WIDTH, height=HEIGHT)
    single, level = (base.transform_filter(_one_of(series)) for series in (SINGLE, SUM))
    tooltip = _tooltip(OF_HEADS, ".1f")
    lines = base.transform_filter(_one_of(SUM, MAJORITY, GUESSING)).encode(y=y, tooltip=tooltip)
    marks = base.transform_filter(_one_of(SINGLE, BEST)).encode(x=x, y=y, tooltip=tooltip)
    return alt.layer(
        level.mark_rect(color=SUM_COLOUR).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q", opacity=standing_out(0.1)),
        single.mark_area(color=SINGLE_COLOUR).encode(x=x, y="low:Q", y2="high:Q", opacity=standing_out(2 * BAND)),
        # A band has no width at a layer whose neighbours have no result.
        single.transform_filter("isValid(datum.low)")
        .mark_rule(color=SINGLE_COLOUR)
        .encode(x=x, y="low:Q", y2="high:Q", opacity=standing_out(2 * BAND)),
        lines.mark_rule(strokeWidth=1.5, clip=True).encode(
            color=looks["color"], strokeDash=looks["strokeDash"], opacity=standing_out()
        ),
        single.mark_line(color=SINGLE_COLOUR).encode(x=x, y=y, opacity=standing_out()),
        marks.mark_point(filled=True).encode(
            color=looks["color"],
            shape=looks["shape"],
            size=alt.condition(f"datum.series == '{BEST}'", alt.value(110), alt.value(26)),
            opacity=standing_out(),
        ),
    )


def _trends(
    rows: pd.DataFrame, measured: Sequence[str], all_rows: pd.DataFrame, last: int, looks: Mapping[str, Any]
) -> Any:
    """Lines of properties with their bands."""
    scale = alt.Scale(domain=_ends(all_rows[["mean", "low", "high"]]), nice=False, zero=False)
    base = alt.Chart(rounded(rows[TRENDS]), width=WIDTH, height=LOW_HEIGHT).encode(
        x=_layers(last), color=looks["color"]
    )
    y = alt.Y("mean:Q", title=list(measured), scale=scale, axis=alt.Axis(minExtent=34))
    return alt.layer(
        base.mark_area().encode(y="low:Q", y2="high:Q", opacity=standing_out(BAND)),
        base.mark_line(strokeWidth=1.5).encode(y=y, strokeDash=looks["strokeDash"], opacity=standing_out()),
        base.mark_point(filled=True, size=22).encode(
            y=y, shape=looks["shape"], opacity=standing_out(), tooltip=_tooltip(OF_TRENDS, ".3f")
        ),
    )


def _ends(values: pd.DataFrame) -> list[float]:
    """Where an axis begins and ends that has room for all values."""
    low, high = np.nanmin(values.to_numpy(dtype=float)), np.nanmax(values.to_numpy(dtype=float))
    room = 0.04 * (high - low) or 0.5
    return [low - room, high + room]


def _one_of(*series: str) -> str:
    return f"indexof({list(series)}, datum.series) >= 0"


def _layers(last: int, is_named: bool = True) -> alt.X:
    """The axis that both panels have: layers by number, written as their names."""
    axis = alt.Axis(
        labelExpr=f"'{TRANSFORMER}' + datum.value", tickMinStep=1, tickCount=min(last + 1, 7), labels=is_named
    )
    scale = alt.Scale(domain=[-0.03 * last - 0.2, 1.03 * last + 0.2], nice=False, zero=False)
    return alt.X("layer_index:Q", title="layer" if is_named else None, scale=scale, axis=axis)


def _tooltip(columns: Mapping[str, str], numbers: str) -> list[alt.Tooltip]:
    whole = {"n_test", "test_speakers", "n_rows"}
    return [
        alt.Tooltip(
            name,
            title=words,
            format=alt.Undefined
            if name in {"title", "series", "layer", "status"}
            else "d"
            if name in whole
            else numbers,
        )
        for name, words in columns.items()
    ]


def _as_performance(scores: pd.DataFrame, called: Mapping[str, str]) -> pd.DataFrame:
    """Trends of which up is better, with what their property is called as `series`."""
    is_error = np.array([not metric_of(name).higher_is_better for name in scores["metric"]], dtype=bool)
    values = scores[["mean", "low", "high"]].to_numpy(dtype=float)
    mean, low, high = np.where(is_error[:, None], 1 - values, values).T
    return scores.assign(series=scores["property"].map(called), mean=mean, low=low, high=high)


def _measured(metrics: Iterable[str]) -> str:
    """The metric of all properties, or that they have more than one."""
    titles = sorted({as_performance(metric, metric_of(metric).title) for metric in metrics})
    return titles[0] if len(titles) == 1 else "score"


def _left_out(heads: pd.DataFrame) -> str:
    """Which heads have no result, and why: models with one reason share a line."""
    lacking = []
    for title, of_model in heads[heads["value"].isna()].groupby("title", sort=False):
        for reason, group in of_model.groupby("reason", sort=False):
            single = group.loc[group["layer"] != WEIGHTED, "layer"]
            names = [layer_ranges(single)] if len(single) else []
            names += ["the learned sum"] if len(single) < len(group) else []
            lacking.append((f"{title} ({', '.join(names)})", reason))
    return "\n".join(by_reason(lacking, "without a result"))
