"""The figures of an experiment: what each one shows, which tables it reads, and what its files are called.

The report and the rules go through `FIGURES`. Another figure is a module with a function that draws it, and one entry.
Read when the workflow is planned, so nothing here imports matplotlib: a figure's module is imported when it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

EXPERIMENT, PROPERTY, TASK, LABELS = "experiment", "property", "task", "labels"


@dataclass(frozen=True)
class Figure:
    """A kind of figure.

    Attributes:
        draw: the function that draws it, as `module:function`. Its arguments are `tables` by their names, the subject,
            what it `takes`, `options`, and the paths `out_svg` and `out_png`.
        tables: tables of the experiment that it reads, by the names of their files.
        of: what there is one of it for: a `property`, a `task`, a task of `labels`, or the `experiment`.
        stem: the name of its files in `plots/`; `{}` is the subject.
        alt: the words that stand in for it; `{}` is the title of the subject.
        caption: the name of its caption in `workflow/report`.
        takes: what it needs of `Choices`.
        options: more arguments, the same for all.
    """

    name: str
    draw: str
    tables: tuple[str, ...]
    of: str
    stem: str
    alt: str
    caption: str
    takes: tuple[str, ...] = ("metric", "models", "titles")
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def argument(self) -> str:
        """What the subject is called among the arguments of `draw`; "": it has none."""
        return {PROPERTY: "property_name", TASK: "task", LABELS: "task", EXPERIMENT: ""}[self.of]

    def stem_of(self, subject: str = "") -> str:
        """The name of the files that show one subject."""
        return self.stem.format(subject)

    def alt_of(self, title: str = "") -> str:
        """The words that stand in for the figure of one subject."""
        return self.alt.format(title)


@dataclass(frozen=True)
class Choices:
    """What an experiment says of all its figures.

    Attributes:
        metric: of the scores.
        properties, models: in order, which also fixes how each one looks.
        titles: what to call a model.
        groups: model → what models of one colour have in common; None: a colour for each.
    """

    metric: str
    properties: Sequence[str]
    models: Sequence[str]
    titles: Mapping[str, str]
    groups: Mapping[str, str] | None = None


_LINES = {"draw": "layerwise.figures.trends:plot_trends", "tables": ("trends",), "of": PROPERTY, "caption": "trends"}
_LINES |= {"takes": ("metric", "models", "titles", "groups")}
FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure(
            "overview",
            draw="layerwise.figures.overview:plot_overview",
            tables=("trends",),
            of=EXPERIMENT,
            stem="overview",
            alt="All properties over the depth of the models",
            caption="overview",
            takes=("properties", "metric", "models", "titles", "groups"),
        ),
        Figure("depth", stem="{}_depth", alt="{} over depth", options={"axis": "depth"}, **_LINES),
        Figure("layer", stem="{}_layer", alt="{} over layers", options={"axis": "layer"}, **_LINES),
        Figure(
            "heatmap",
            draw="layerwise.figures.heatmap:plot_heatmap",
            tables=("trends",),
            of=PROPERTY,
            stem="{}_heatmap",
            alt="{} as layers by models",
            caption="heatmap",
        ),
        Figure(
            "task",
            draw="layerwise.figures.tasks:plot_task",
            tables=("probes", "trends"),
            of=TASK,
            stem="probe_{}",
            alt="{} over the layers of each model",
            caption="task",
            takes=("properties", "metric", "models", "titles"),
        ),
        Figure(
            "confusion",
            draw="layerwise.figures.confusion:plot_confusion",
            tables=("confusion", "probes"),
            of=LABELS,
            stem="confusion_{}",
            alt="{}: which labels are taken for which",
            caption="confusion",
            takes=("models", "titles"),
        ),
        Figure(
            "correlations",
            draw="layerwise.figures.correlations:plot_correlations",
            tables=("comparison",),
            of=EXPERIMENT,
            stem="correlations",
            alt="How properties and tasks correlate",
            caption="correlations",
            takes=("properties", "metric", "models", "titles"),
        ),
    )
}


def register(figure: Figure) -> Figure:
    """Add a figure to those of every experiment.

    Raises:
        ValueError: there is one of this name.
    """
    if figure.name in FIGURES:
        raise ValueError(f"there is a figure {figure.name} already")
    FIGURES[figure.name] = figure
    return figure


def figures_of(kind: str) -> list[Figure]:
    """The figures of which there is one for each property, or task, or task of labels, or for the experiment."""
    return [figure for figure in FIGURES.values() if figure.of == kind]


def stems(kind: str, subjects: Iterable[str] = ("",)) -> dict[str, list[str]]:
    """Subject → the names of its files in `plots/`, without suffix."""
    return {subject: [figure.stem_of(subject) for figure in figures_of(kind)] for subject in subjects}


def draw(
    name: str,
    tables: Mapping[str, str | Path],
    choices: Choices,
    out_svg: str | Path,
    out_png: str | Path,
    subject: str = "",
) -> object:
    """Draw a figure by its name, for one property or task where there is one for each.

    Args:
        tables: paths by the names that the figure has for its tables.
    """
    figure = FIGURES[name]
    module, function = figure.draw.split(":")
    about = {figure.argument: subject} if figure.argument else {}
    given = {table: tables[table] for table in figure.tables}
    given |= {chosen: getattr(choices, chosen) for chosen in figure.takes}
    return getattr(import_module(module), function)(
        **given, **about, **figure.options, out_svg=out_svg, out_png=out_png
    )
