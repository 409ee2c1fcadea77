"""The figures of an experiment: what each one shows, which tables it reads, and what its files are called.

The rules and the report go through `FIGURES`. A new figure is a module with a function that draws it, and its line
here. Modules are named, and imported when a figure is drawn: so matplotlib is not needed to plan, and the code of one
figure is no part of the others' digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Subject:
    """What there is one picture of each figure of. One job draws them all: its start takes longer than a picture.

    Attributes:
        name: what the rule that draws it is called after.
        category: where Snakemake's report has it.
        wildcard: what the rules call it; "": there is only one.
        argument: what the functions that draw call it.
        is_question: whether it is a property, which they are given as such, with its words.
    """

    name: str
    category: str
    wildcard: str = ""
    argument: str = ""
    is_question: bool = False

    @property
    def pattern(self) -> str:
        """Its part of the names of files, as rules have it."""
        return f"{{{self.wildcard}}}" if self.wildcard else ""


EXPERIMENT = Subject("experiment", "overview")
PROPERTY = Subject("property", "{property}", "property", "question", is_question=True)
MATRIX = Subject("matrix", "{property}", "property", "question", is_question=True)
TASK = Subject("task", "tasks", "task", "task")
LABELS = Subject("labels", "tasks", "task", "task")
TASKS = Subject("tasks", "tasks")


@dataclass(frozen=True)
class Figure:
    """A kind of figure.

    Attributes:
        draw: the function that draws it, as `module:function`. It is called with the paths of the `tables` by their
            names, the subject, what it `takes`, `options`, and the paths `out_svg` and `out_png`.
        alt: the words that stand in for it; `{}` is the title of the subject.
        of: what there is one picture of.
        tables: tables of the experiment that it reads, by the names of their files.
        takes: what it needs of the `metric` of its property or the `metrics` of all, of `properties` with their words
            or their `names` alone, `models` and `titles`, and of `groups`, models of one colour.
        options: more arguments, the same for all.
        stem: the name of its files in `plots/`, with `{}` for the subject; "": the subject and the figure's name.
        caption: the name of its caption in `workflow/report`.
        has_intervals: whether its caption says what intervals are about.
    """

    name: str
    draw: str
    alt: str
    of: Subject = PROPERTY
    tables: tuple[str, ...] = ("trends",)
    takes: tuple[str, ...] = ("metric", "models", "titles")
    options: Mapping[str, object] = field(default_factory=dict)
    stem: str = ""
    caption: str = "figure"
    has_intervals: bool = True

    @property
    def module(self) -> str:
        return self.draw.split(":")[0]

    def stem_of(self, subject: str = "") -> str:
        """The name of the files that show one subject."""
        return (self.stem or (f"{{}}_{self.name}" if self.of.wildcard else self.name)).format(subject)

    def alt_of(self, title: str = "") -> str:
        """The words that stand in for the picture of one subject."""
        return self.alt.format(title)

    def arguments(self, choices: Mapping[str, object], subject: str = "") -> dict[str, object]:
        """What it is drawn with, beside the paths of tables and pictures.

        Args:
            choices: what an experiment says of all its figures, and the entry of every `question`.
        """
        about: dict[str, object] = {self.of.argument: subject} if self.of.argument else {}
        if self.of.is_question:
            about = {self.of.argument: {subject: choices["questions"][subject]}}  # type: ignore[index]
            choices = {**choices, "metric": choices["metrics"][subject]}  # type: ignore[index]
        return {name: choices[name] for name in self.takes} | about | dict(self.options)


_COLOURED = ("metric", "models", "titles", "groups")
_BESIDE = ("names", "metrics", "models", "titles")

FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure(
            "overview",
            "layerwise.figures.overview:plot_overview",
            "All properties over the depth of the models",
            of=EXPERIMENT,
            takes=("properties", "metrics", "models", "titles", "groups"),
            caption="overview",
        ),
        Figure(
            "depth",
            "layerwise.figures.trends:plot_trends",
            "{} over depth",
            takes=_COLOURED,
            options={"axis": "depth"},
            caption="trends",
        ),
        Figure(
            "layer",
            "layerwise.figures.trends:plot_trends",
            "{} over layers",
            takes=_COLOURED,
            options={"axis": "layer"},
            caption="trends",
        ),
        Figure("heatmap", "layerwise.figures.heatmap:plot_heatmap", "{} as layers by models", caption="heatmap"),
        Figure(
            "matrix",
            "layerwise.figures.matrices:plot_matrices",
            "{}: layers by layers of the other model",
            of=MATRIX,
            tables=("layer_matrices",),
            caption="matrix",
            has_intervals=False,
        ),
        Figure(
            "task",
            "layerwise.figures.tasks:plot_task",
            "{} over the layers of each model",
            of=TASK,
            tables=("probes", "trends"),
            takes=_BESIDE,
            stem="probe_{}",
            caption="task",
        ),
        Figure(
            "confusion",
            "layerwise.figures.confusion:plot_confusion",
            "{}: which labels are taken for which",
            of=LABELS,
            tables=("confusion", "probes"),
            takes=("models", "titles"),
            stem="confusion_{}",
            caption="confusion",
            has_intervals=False,
        ),
        Figure(
            "correlations",
            "layerwise.figures.correlations:plot_correlations",
            "How properties and tasks correlate",
            of=TASKS,
            tables=("comparison",),
            takes=_BESIDE,
            caption="correlations",
        ),
    )
}


def figures_of(subject: Subject) -> list[Figure]:
    """The figures of which there is one for each such subject."""
    return [figure for figure in FIGURES.values() if figure.of == subject]
