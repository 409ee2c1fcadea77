"""The figures of an experiment: what each one shows, which tables it reads, and what its files are called.

The rules and the report go through `FIGURES`. A new figure is a module with a function that makes its chart, and its
line here. Modules are named, and imported when a chart is made: so altair is not needed to plan, and the code of one
figure is no part of the others' digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Subject:
    """What a figure is drawn for: the experiment, a property, a task. Each one has a picture of its own.

    One job makes all charts of a subject, because starting a job takes longer than a chart.

    Attributes:
        name: part of the name of its rule.
        category: its place in Snakemake's own report.
        wildcard: its name in the rules; "": there is one subject of this kind.
        argument: its name among the arguments of functions that make charts.
        is_question: whether it is a property, which these functions get as a `Property`.
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
        chart: the function that makes its chart, as `module:function`. It is called with the paths of the `tables` by
            their names, the subject, what it `takes`, and `options`.
        alt: the words that stand in for it; `{}` is the title of the subject.
        caption: what a reader has to know of it, plain sentences.
        of: the kind of subject that it is drawn for.
        tables: tables of the experiment that it reads, by the names of their files.
        takes: what it needs of the `metric` of its property or the `metrics` of all, of `properties` with their words
            or their `names` alone, `models` and `titles`, and of `groups`, models of one colour. One that takes a
            `metric` is made for each metric of its property, so that a reader of the report can choose; the picture
            shows the property's own.
        options: more arguments, the same for all.
        view: figures of one view are shown in one place in the report; "": a view of its own.
        axis: which of them this is, `depth` or `layer`, if the reader chooses; "": it has no axis of layers to choose.
        stem: the name of its files in `plots/`, with `{}` for the subject; "": the subject and the figure's name.
        has_intervals: whether its caption is followed by what intervals are about.
        in_column: whether it can stand in a column of an article, as wide as `column` says, an argument of its chart.
    """

    name: str
    chart: str
    alt: str
    caption: str
    of: Subject = PROPERTY
    tables: tuple[str, ...] = ("trends",)
    takes: tuple[str, ...] = ("metric", "models", "titles")
    options: Mapping[str, object] = field(default_factory=dict)
    view: str = ""
    axis: str = ""
    stem: str = ""
    has_intervals: bool = True
    in_column: bool = False

    @property
    def module(self) -> str:
        return self.chart.split(":")[0]

    def stem_of(self, subject: str = "") -> str:
        """The name of the files that show one subject."""
        return (self.stem or (f"{{}}_{self.name}" if self.of.wildcard else self.name)).format(subject)

    def plan(self, choices: Mapping[str, Mapping], subject: str = "") -> dict[str, object]:
        """What its charts are made with: all that `layerwise.figures.rendering.draw_all` needs, as plain values.

        Args:
            choices: what an experiment says of all its figures; `questions`, `shown` and `metrics_of` by property.
        """
        about: dict[str, object] = {self.of.argument: subject} if self.of.argument else {}
        if self.of.is_question:
            about = {self.of.argument: {subject: choices["questions"][subject]}}
        by_metric = "metric" in self.takes
        found = {name: choices[name] for name in self.takes if name != "metric"} | about | dict(self.options)
        metrics = choices["metrics_of"][subject] if by_metric else [""]
        return {
            "chart": self.chart,
            "tables": self.tables,
            "arguments": {metric: found | ({"metric": metric} if by_metric else {}) for metric in metrics},
            "shown": choices["metrics"][subject] if by_metric else "",
            "about": {
                **{"figure": self.name, "of": self.of.name, "subject": subject},
                **{"alt": self.alt, "caption": self.caption, "view": self.view or self.name, "axis": self.axis},
            },
        }


_COLOURED = ("metric", "models", "titles", "groups")
_BESIDE = ("names", "metrics", "models", "titles")
_LINES = (
    "A line is the mean over sample sets and trials, its band (or bar) the 95 % interval. Grey dashed lines are chance "
    "levels: the same scores with the target shuffled, or what the measure gives where there is nothing to find. Up is "
    "better: the axis of an error rate is reversed. Hollow marks are flagged scores, which rest on too few rows "
    "or too few dimensions. Gaps are skipped ones; the note says why."
)

FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure(
            "overview",
            "layerwise.figures.overview:overview",
            "All properties over the depth of the models",
            "All properties over the depth of each model, from the input of the first block (0) to the last block (1). "
            "Each panel has a scale of its own: the level of a score depends on its target, so compare the shapes of "
            f"curves between panels, and levels only within one. {_LINES}",
            of=EXPERIMENT,
            takes=("properties", "metrics", "models", "titles", "groups"),
        ),
        Figure(
            "depth",
            "layerwise.figures.trends:trends_chart",
            "{} over depth",
            f"Scores over the depth of each model. {_LINES}",
            takes=_COLOURED,
            options={"axis": "depth"},
            view="trends",
            axis="depth",
            in_column=True,
        ),
        Figure(
            "layer",
            "layerwise.figures.trends:trends_chart",
            "{} over layers",
            f"Scores over the layers of each model. {_LINES}",
            takes=_COLOURED,
            options={"axis": "layer"},
            view="trends",
            axis="layer",
            in_column=True,
        ),
        Figure(
            "heatmap",
            "layerwise.figures.heatmap:heatmap",
            "{} as layers by models",
            "Layers × models, the input at the bottom: means over sample sets and trials. The darkest cell is the "
            "best. The colours span at least one interval, so that differences which are noise are hardly seen. Grey "
            "cells with a cross were skipped, those with a star and a frame are flagged, and blank ones are layers "
            "that a model does not have.",
            in_column=True,
        ),
        Figure(
            "pairs",
            "layerwise.figures.model_pairs:pairs",
            "{}, model against model",
            "Two models at a time, over their layers at the same depth. On the left the mean of the absolute "
            "differences of their scores, on the right the correlation of their trends: models can be alike in level"
            " or in shape. Lines are 95 % intervals. Noise alone keeps a difference above 0. Colours and shapes name"
            " the fact in which two models differ, if it is one alone; only such pairs say what that fact may do.",
            tables=("model_pairs", "models"),
            takes=("metric", "titles"),
        ),
        Figure(
            "matrix",
            "layerwise.figures.matrices:matrices",
            "{}: layers by layers of the other model",
            "Each layer of each model (upwards, from the input) and each layer of the other model (from left to "
            "right): means over sample sets and trials. Crossed cells were skipped, those with a star are flagged.",
            of=MATRIX,
            tables=("layer_matrices",),
            has_intervals=False,
        ),
        Figure(
            "task",
            "layerwise.figures.tasks:task_chart",
            "{} over the layers of each model",
            "How well a small head reads the task from each frozen layer, and from the learned sum of all layers; "
            "below, the trends of the same layers. Up is better: axes of error rates are reversed.",
            of=TASK,
            tables=("probes", "trends"),
            takes=_BESIDE,
            stem="probe_{}",
        ),
        Figure(
            "scatter",
            "layerwise.figures.scatter:scatter",
            "{} against each property, layer by layer",
            "How well a head reads the task from a layer (upwards) and the score of a property at the same layer (to"
            " the right). A mark is a layer, and the thin line goes from the input to the last block. Above each "
            "panel is Spearman's correlation over layers, of one model with its 95 % interval, of several the lowest"
            " and the highest; that of a model is shown when it is singled out. Hollow marks are flagged scores, "
            "which no correlation counts. Axes of error rates are reversed.",
            of=TASK,
            tables=("probes", "trends", "comparison"),
            takes=("properties", "metrics", "models", "titles", "groups"),
            stem="scatter_{}",
        ),
        *(
            Figure(
                name,
                "layerwise.figures.weights:weights_chart",
                f"{{}}: learned weights over {words}",
                "What the head on the learned sum of all layers gives to each of them. Weights add up to 1; drawn is"
                " how many times an equal weight a layer has (dashed line: all layers alike), so that models with "
                "more layers can be compared. A weight says what the head uses, not how much a layer holds by "
                "itself.",
                of=TASK,
                tables=("probes",),
                takes=("models", "titles", "groups"),
                options={"axis": axis},
                view="weights",
                axis=axis,
                stem=f"{name}_{{}}",
                has_intervals=False,
            )
            for name, axis, words in (("weights", "depth", "depth"), ("weights_layer", "layer", "layers"))
        ),
        Figure(
            "regret",
            "layerwise.figures.regret:regret",
            "{}: what a choice of layer costs",
            "What it costs to take the layer that a property recommends, in points of the task's performance below "
            "the best single block; beside it the layer with the largest learned weight, the last block, and the "
            "learned sum of all layers (below 0 where it beats every block). A number is bold where the chosen layer"
            " does not tie with the best one; the others cannot be told apart from it. The best block is the best on"
            " the test items, which flatters it a little.",
            of=TASK,
            tables=("comparison", "probes"),
            takes=_BESIDE,
            stem="regret_{}",
        ),
        Figure(
            "confusion",
            "layerwise.figures.confusion:confusions",
            "{}: which labels are taken for which",
            "What was said (rows) and answered (columns) on the best single block of each model, as shares of a row.",
            of=LABELS,
            tables=("confusion", "probes"),
            takes=("models", "titles"),
            stem="confusion_{}",
            has_intervals=False,
        ),
        Figure(
            "correlations",
            "layerwise.figures.correlations:correlations",
            "How properties and tasks correlate",
            "Spearman's correlation over layers of each property, and of the learned weights, with each task: right is "
            "better. Lines are 95 % intervals.",
            of=TASKS,
            tables=("comparison",),
            takes=_BESIDE,
        ),
    )
}


def figures_of(subject: Subject) -> list[Figure]:
    """The figures of which there is one for each such subject."""
    return [figure for figure in FIGURES.values() if figure.of == subject]
