"""One property as a heat map: layers × models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from layerwise.cells import FLAGGED as IS_FLAGGED
from layerwise.cells import SKIPPED
from layerwise.figures.curves import COLUMNS, said_of, tooltips
from layerwise.figures.legend import LABEL_LIMIT
from layerwise.figures.look import LABEL_OF_MODEL, QUIET, Models, finished, of_models, rounded, standing_out, words_only
from layerwise.figures.words import FLAGGED, alignments_in, skip_note, title_of, wrapped
from layerwise.layers import layer_key
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.trends import read_trends

WIDTHS = (13, 46)  # pixels of a column, at least and at most
HEIGHTS = (13, 22)  # of a row
ACROSS, UPWARDS = 760, 560  # pixels that all should have, as far as that can be
ROOM = 34  # pixels that a number needs
_BESIDE = 50  # pixels of a column beside the cells: names of layers
MOST_EQUAL = 0.02  # scores that differ by less have one colour: they look alike as numbers
STAR, CROSS = "*", "×"
_MIDDLE = 0.575  # of the scale of colours, from where white is easier to read than black


def heatmap(
    trends: AnyPath,
    question: Property,
    metric: str,
    models: Sequence[str],
    titles: Mapping[str, str],
    column: int | None = None,
) -> Any:
    """One property as a heat map: layers upwards from the input, a column per model.

    The mean is written in each cell while there is room. A skipped score is a grey cell with a cross, a flagged one has
    a frame and a star, and a layer that a model does not have stays blank. The darkest is the best, of an error rate
    the lowest. Differences as small as an interval are hardly seen: the colours span at least one.

    Args:
        models, titles, column: as of `layerwise.figures.trends.trends_chart`.
    """
    table = of_property(read_trends(trends), question.name)
    table = table[(table["metric"] == metric) & table["model"].isin(models)]
    cast = Models.of(models, titles)
    title = title_of(question, metric, alignments_in(table))
    notes = skip_note(table, models, cast.titles)
    if not table["mean"].notna().any():
        return finished(
            words_only(notes or f"No layer has a score of {metric}.", column or ACROSS), title, column=column
        )
    rows = rounded(cast.titled(table)[[column for column in COLUMNS if column != "run"]])
    layers = sorted(rows["layer"].unique(), key=layer_key)
    columns = [cast.titles[name] for name in dict.fromkeys(rows["model"])]
    across, upwards = (column - _BESIDE, column) if column else (ACROSS, UPWARDS)
    width, height = _step(WIDTHS, across, len(columns)), _step(HEIGHTS, upwards, len(layers))
    notes = "\n".join(
        [
            *([f"{STAR} {FLAGGED}"] if (rows["status"] == IS_FLAGGED).any() else []),
            *([f"{CROSS} {note}" for note in notes.split("\n")] if notes else []),
        ]
    )
    base = alt.Chart().encode(
        x=alt.X(
            "title:N",
            sort=columns,
            title=None,
            axis=alt.Axis(
                labelAngle=-40,
                labelExpr=LABEL_OF_MODEL,
                labelLimit=LABEL_LIMIT,
                labelOverlap=False,
                ticks=False,
                domain=False,
            ),
            scale=alt.Scale(paddingInner=0),
        ),
        y=alt.Y(
            "layer:N",
            sort=layers[::-1],
            title="layer",
            axis=alt.Axis(ticks=False, domain=False, labelOverlap=False, labelFontSize=min(11, height - 2)),
            scale=alt.Scale(paddingInner=0),
        ),
        tooltip=tooltips(),
    )
    cells = _cells(base, rows, metric, width >= ROOM, column is not None)
    chart = of_models(said_of(alt.layer(*cells, data=rows)))
    chart = chart.properties(width=width * len(columns), height=height * len(layers))
    return finished(chart, title, notes, max(width * len(columns) + 100, 420), column)


def _step(pixels: tuple[int, int], altogether: int, number: int) -> int:
    least, most = pixels
    return max(least, min(most, altogether // number))


def _cells(base: alt.Chart, rows: pd.DataFrame, metric: str, numbers: bool, legend_below: bool) -> list[alt.Chart]:
    """The cells, and what is written in them."""
    up = metric_of(metric).higher_is_better
    low, high = span_of(rows)
    middle = low + (high - low) * (_MIDDLE if up else 1 - _MIDDLE)
    scale = alt.Scale(
        domain=[low, high], scheme=alt.SchemeParams("viridis", extent=[1, 0] if up else [0, 1]), nice=False
    )
    words = [*wrapped(metric_of(metric).title, 30).split("\n"), *([] if up else ["(lower is better)"])]
    legend = alt.Legend(
        title=words,
        format=".2f",
        gradientLength=150,
        tickCount=4,
        orient="bottom" if legend_below else "right",
        direction="horizontal" if legend_below else "vertical",
    )
    scored = base.transform_filter("isValid(datum.mean)")
    flagged = scored.transform_filter(f"datum.status == '{IS_FLAGGED}'")
    skipped = base.transform_filter(f"datum.status == '{SKIPPED}'")
    dark = f"datum.mean {'>' if up else '<'} {middle:.6g}"
    ink = alt.when(dark).then(alt.value("white")).otherwise(alt.value("black"))
    written = f"format(datum.mean, '.2f') + (datum.status == '{IS_FLAGGED}' ? '{STAR}' : '')"
    text = scored if numbers else flagged
    return [
        scored.mark_rect().encode(color=alt.Color("mean:Q", scale=scale, legend=legend), opacity=standing_out()),
        skipped.mark_rect(color=QUIET).encode(opacity=standing_out(0.25)),
        skipped.mark_text(text=CROSS, fontSize=11).encode(color=alt.value(QUIET), opacity=standing_out()),
        flagged.mark_rect(filled=False, stroke="#D55E00", strokeWidth=1.5).encode(opacity=standing_out()),
        text.transform_calculate(written=written if numbers else f"'{STAR}'")
        .mark_text(fontSize=10)
        .encode(text="written:N", color=ink, opacity=standing_out()),
    ]


def span_of(rows: pd.DataFrame) -> tuple[float, float]:
    """From which score to which the colours go: over all, but no less than a usual interval is wide.

    So layers whose scores are equal but for noise have one colour.
    """
    low, high = rows["mean"].min(), rows["mean"].max()
    usual = (rows["high"] - rows["low"]).median()
    lacking = max(MOST_EQUAL, 0 if pd.isna(usual) else usual) - (high - low)
    if lacking <= 0:
        return float(low), float(high)
    return float(low - lacking / 2), float(high + lacking / 2)
