"""How every chart looks: colours, shapes and dashes of models, and what a page may change in a chart.

A chart is declared once, in Vega-Altair. `layerwise.figures.rendering` makes pictures of it, for papers, and the report
shows the same chart, in which a reader can point, choose and search. What the report changes are parameters of the
chart: `CHOSEN`, the models that are drawn, and `ISOLATED`, the one that stands out. Pictures have their first values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from layerwise.errors import LINE, shown
from layerwise.figures.words import wrapped
from layerwise.metrics import metric_of

# Okabe & Ito, Color Universal Design (2008), without yellow, too faint on white, and with grey in place of black, which
# would not be seen on a dark page.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7F7F7F"]
SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left"]
DASHES = [[1, 0], [6, 2], [2, 2], [8, 2, 2, 2]]  # a new one each time the colours come round
FAINT = 0.12  # opacity of the models that are not the isolated one
BAND = 0.15  # opacity of an interval
QUIET = "#8a8a8a"  # of chance levels, rules and notes: seen on white and on black
CHANCE_DASH = [4, 3]
WIDTH, HEIGHT = 560, 340  # pixels of a chart by itself; a picture has 96 to an inch
COLUMN_HEIGHT = 0.6  # of the lines of a chart in a column, as a share of the column's width
DIGITS = 6  # of numbers in the data of a chart
_TITLE, _NOTE = 8.2, 6.0  # pixels of a character of a title and of a note, at most on average

# Parameters of a chart, which the report sets.
CHOSEN = "chosen"  # names of models; of none at all, all are drawn
ISOLATED = "isolated"  # the name of a model; "": none
IS_CHOSEN = f"!length({CHOSEN}) || indexof({CHOSEN}, datum.model) >= 0"


# The label of a model in a legend or on an axis: of a long one, such as a path, the beginning and the end are kept, as
# what tells two checkpoints apart stands there.
LONGEST_LABEL = 44  # characters
LABEL_OF_MODEL = (
    f"length(datum.label) <= {LONGEST_LABEL} ? datum.label : slice(datum.label, 0, 18) + '…' + slice(datum.label, -25)"
)


@dataclass(frozen=True)
class Models:
    """The models of an experiment, each with a look that is the same in every chart.

    Attributes:
        names: in order. titles: what each is called, no two alike.
        groups: model → what models of its colour have in common; empty: each has its own.
    """

    names: tuple[str, ...]
    titles: Mapping[str, str]
    colours: Mapping[str, str]
    shapes: Mapping[str, str]
    dashes: Mapping[str, list[int]]
    groups: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Sequence[str], titles: Mapping[str, str], groups: Mapping[str, str] | None = None) -> Models:
        """The looks of all models.

        Args:
            titles: what to call a model; its name, where it has no title.
            groups: model → what models of one colour have in common, such as their objective; None: a colour for each.
        """
        called = {name: shown(titles.get(name, name), LINE) for name in names}
        alike = {title for title in called.values() if list(called.values()).count(title) > 1}
        called = {name: f"{title} ({name})" if title in alike else title for name, title in called.items()}
        of_colour = {name: groups[name] if groups else name for name in names}
        numbers = {key: number for number, key in enumerate(dict.fromkeys(of_colour.values()))}
        rounds = {name: numbers[of_colour[name]] for name in names}
        return cls(
            tuple(names),
            called,
            {name: COLOURS[number % len(COLOURS)] for name, number in rounds.items()},
            {name: SHAPES[number % len(SHAPES)] for number, name in enumerate(names)},
            {name: DASHES[number // len(COLOURS) % len(DASHES)] for name, number in rounds.items()},
            {name: groups[name] for name in names} if groups else {},
        )

    def titled(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of these models in their order, with a column `title`."""
        place = {name: number for number, name in enumerate(self.names)}
        rows = table[table["model"].isin(place)]
        rows = rows.iloc[rows["model"].map(place).argsort(kind="stable")]
        return rows.assign(title=rows["model"].map(self.titles))

    def encodings(self, drawn: Iterable[str], with_legend: bool = True) -> dict[str, Any]:
        """Colour, shape and dash of each model by the column `title`.

        Args:
            drawn: names of the models that the chart has.
            with_legend: one legend for all three; False: the chart has that of `layerwise.figures.legend`.
        """
        names = [name for name in self.names if name in set(drawn)]
        domain = [self.titles[name] for name in names]

        def scale(of: Mapping[str, Any]) -> alt.Scale:
            return alt.Scale(domain=domain, range=[of[name] for name in names])

        columns = -(-len(names) // 24)
        legend = (
            alt.Legend(title=None, labelExpr=LABEL_OF_MODEL, labelLimit=300, symbolLimit=0, columns=columns)
            if with_legend
            else None
        )
        return {
            "color": alt.Color("title:N", scale=scale(self.colours), legend=legend),
            "shape": alt.Shape("title:N", scale=scale(self.shapes), legend=legend),
            "strokeDash": alt.StrokeDash("title:N", scale=scale(self.dashes), legend=legend),
        }


def standing_out(opacity: float = 1.0, isolated: float | None = None) -> Any:
    """The opacity of a mark of a model: faint where another model is isolated.

    Args:
        isolated: what it is of the isolated model; None: the same.
    """
    at_most = opacity if isolated is None else isolated
    of_none = alt.when(f"{ISOLATED} == ''").then(alt.value(opacity))
    return of_none.when(f"{ISOLATED} == datum.model").then(alt.value(at_most)).otherwise(alt.value(FAINT * opacity))


def parameters() -> list[Any]:
    """What the report sets of a chart, with the values that pictures have."""
    return [alt.param(name=CHOSEN, value=[]), alt.param(name=ISOLATED, value="")]


def of_models(chart: alt.LayerChart | alt.Chart) -> Any:
    """A chart whose rows have a column `model`, of which the report draws some and isolates one."""
    return chart.transform_filter(IS_CHOSEN).add_params(*parameters())


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """The same with `DIGITS` significant digits, more than anybody can see: rows of charts are most of a page."""
    floats = table.select_dtypes("floating")
    with np.errstate(divide="ignore"):
        places = DIGITS - 1 - np.floor(np.log10(floats.abs().replace(0, 1)))
    scale = 10.0**places
    return table.assign(**(floats * scale).round().div(scale))


def score_scale(metric: str, **options: Any) -> alt.Scale:
    """The scale of a metric, on which up is better: that of an error rate is reversed."""
    return alt.Scale(zero=False, nice=True, reverse=not metric_of(metric).higher_is_better, **options)


def finished(
    chart: Any, title: str | Sequence[str], notes: str = "", width: int = WIDTH, column: int | None = None
) -> Any:
    """A chart with its title, what is to be said below it, and the common look.

    Args:
        title: a line, or several; long ones are broken.
        notes: what was skipped and why, lines; "": nothing is to be said.
        width: of the chart, which lines of the title and of notes do not exceed by much.
        column: the width of the whole picture, in pixels, where it stands in a column of an article, whose caption has
            title and notes; None: it stands by itself.
    """
    if column is not None:
        fitted = alt.AutoSizeParams(type="fit-x", contains="padding")
        return _looking(chart.properties(width=column, autosize=fitted, padding=4))
    lines = [title] if isinstance(title, str) else list(title)
    said = alt.TitleParams(
        _broken(lines, int(width / _TITLE)),
        subtitle=_broken(notes.split("\n"), int(width / _NOTE)) if notes else alt.Undefined,
    )
    return _looking(chart.properties(title=said))


def _looking(chart: Any) -> Any:
    """With the common look."""
    return chart.configure(
        background="white",
        font="sans-serif",
        title=alt.TitleConfig(anchor="start", fontSize=14, subtitleColor=QUIET, subtitleFontSize=11, offset=10),
        axis=alt.AxisConfig(
            gridColor="#8a8a8a40", domainColor=QUIET, tickColor=QUIET, labelFontSize=11, titleFontSize=12
        ),
        legend=alt.LegendConfig(labelFontSize=11, titleFontSize=11),
        view=alt.ViewConfig(stroke=None),
    )


def words_only(text: str, width: int = WIDTH, height: int = 0) -> alt.Chart:
    """Words in place of a chart that has nothing to draw; `text` may have several lines, and long ones are broken.

    Args:
        height: 0: what the words need.
    """
    lines = _broken(text.split("\n"), int(width / _NOTE))
    rows = pd.DataFrame({"text": ["\n".join(lines)]})
    mark = alt.Chart(rows, width=width, height=height or 30 + 15 * len(lines))
    return mark.mark_text(lineBreak="\n", fontSize=11, baseline="middle", dy=-15 * (len(lines) - 1) / 2).encode(
        text="text:N"
    )


def _broken(lines: Iterable[str], characters: int) -> list[str]:
    """Lines of at most so many characters."""
    return [part for line in lines for part in wrapped(line, characters).split("\n")]
