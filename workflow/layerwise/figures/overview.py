"""All properties side by side, over the depth of the models."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from layerwise.figures.curves import lines, marks_in, scored
from layerwise.figures.legend import entries, legend_of
from layerwise.figures.look import Models, finished, parameters, score_scale, words_only
from layerwise.figures.words import alignments_in, skipped_models, title_of, wrapped
from layerwise.layers import is_transformer
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.trends import read_trends

PANELS = 4  # in a row
WIDTH, HEIGHT = 190, 150  # pixels of a panel
TITLE, NOTE = 30, 38  # characters in a line above a panel
MOST = 110  # characters of a note
SMALL = 14  # square pixels of a mark


def overview(
    trends: AnyPath,
    properties: Mapping[str, Property],
    metrics: Mapping[str, str],
    models: Sequence[str],
    titles: Mapping[str, str],
    groups: Mapping[str, str] | None = None,
) -> Any:
    """All properties side by side over depth, four to a row, each with a scale of its own.

    Scales differ on purpose: the level of a score depends on its target (how many classes, how many dimensions), so
    only the shapes of the curves are comparable between panels. Axes of error rates are reversed: up is better.

    Args:
        metrics: property → the metric that is shown.
        models, titles, groups: as of `layerwise.figures.trends.trends_chart`.
    """
    table = read_trends(trends)
    table = table[table["layer"].map(is_transformer).astype(bool)]
    cast = Models.of(models, titles, groups)
    panels, drawn = [], []
    for name, question in properties.items():
        of_metric = of_property(table, name)
        of_metric = of_metric[of_metric["metric"] == metrics[name]]
        rows = scored(of_metric, cast)
        absent = ", ".join(skipped_models(of_metric, models, cast.titles).values())
        panels.append(_panel(question, metrics[name], rows, absent, alignments_in(of_metric), cast))
        drawn.append(rows)
    chart = alt.concat(*panels, columns=PANELS, spacing={"row": 24, "column": 28})
    width = (WIDTH + 60) * min(PANELS, len(panels))
    everything = pd.concat(drawn)
    if not everything.empty:
        key = legend_of(entries(cast, everything["model"], marks_in(everything)), width, below=True)
        chart = alt.vconcat(chart, key.properties(width=width, height=1), spacing=4)
        chart = chart.resolve_scale(color="independent", shape="independent")
    return finished(chart.add_params(*parameters()), "All properties over depth", width=width)


def _panel(question: Property, metric: str, rows: pd.DataFrame, absent: str, alignments: str, cast: Models) -> Any:
    """The curves of one property, small, below its title and the names of what was skipped."""
    skipped = textwrap.shorten(f"skipped: {absent}", MOST, placeholder=" … (see the tables)") if absent else ""
    if rows.empty:
        chart, notes = words_only(skipped or "no scores", WIDTH, HEIGHT), ""
    else:
        known = metric_of(metric)
        said = known.symbol if known.higher_is_better else f"{known.symbol} (reversed)"
        x = alt.X(
            "depth:Q", title="depth", scale=alt.Scale(domain=[0, 1], padding=5), axis=alt.Axis(values=[0, 0.5, 1])
        )
        y = alt.Y("mean:Q", title=said, scale=score_scale(metric), axis=alt.Axis(tickCount=5))
        chart = lines(rows, x, y, cast, size=SMALL).properties(width=WIDTH, height=HEIGHT)
        notes = skipped
    title = alt.TitleParams(
        _in_lines(title_of(question, metric, alignments)),
        fontSize=11,
        subtitle=wrapped(notes, NOTE).split("\n") if notes else alt.Undefined,
        subtitleFontSize=10,
        offset=6,
    )
    return chart.properties(title=title)


def _in_lines(title: str) -> list[str]:
    """A title above a panel: its name, what it asks for, and what is in brackets each begin a line."""
    lines = title.replace(": ", "\n", 1).replace(" (", "\n(").split("\n")
    return [part for line in lines for part in wrapped(line, TITLE).split("\n")]
