"""What an article says of an experiment: its tables in LaTeX, its figures with captions, and a sentence to cite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from layerwise import __version__
from layerwise.errors import LINE, shown
from layerwise.figures.citing import read_run
from layerwise.figures.words import skip_note, title_of
from layerwise.files.atomic import replaced
from layerwise.layers import layer_key, layer_ranges
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables.best_layers import read_best_layers, require_layers
from layerwise.tables.external import PROPERTY
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.latex import Block, Notes, escaped, number, tabular
from layerwise.tables.recommendations import read_recommendations
from layerwise.tables.scores import COUNTS
from layerwise.tables.trends import read_trends
from layerwise.tables.written import half_width, rounded

TIED = r"\textsuperscript{$\dagger$}"
_INTERVALS = r"After a score is half of its 95 \% interval, or in brackets its ends where they are not alike."


@dataclass(frozen=True)
class Chosen:
    """What an article shows of an experiment.

    Attributes:
        experiment: its name. corpus: name and split. alignments: given or automatic.
        models, titles: in order, and what each is called.
        questions: by name, in order. metrics: the one that is shown of each.
        samples, seed: how many sets were drawn, and from which seed.
    """

    experiment: str
    corpus: str
    alignments: str
    models: Sequence[str]
    titles: Mapping[str, str]
    questions: Mapping[str, Property]
    metrics: Mapping[str, str]
    samples: int
    seed: int

    def called(self, model: str) -> str:
        return self.titles.get(model, model)

    def title(self, question: str) -> str:
        return title_of(self.questions[question], self.metrics[question], self.alignments)

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of these models and questions by the metrics that are shown."""
        rows = table[table["model"].isin(self.models) & table["property"].isin(list(self.questions))]
        return rows[rows["metric"] == rows["property"].map(self.metrics)]


def write_paper(
    trends: AnyPath,
    best_layers: AnyPath,
    recommendations: AnyPath,
    properties: Mapping[str, Property],
    chosen: Chosen,
    figures: Mapping[str, Mapping[str, str]],
    width_cm: float,
    about: Mapping[str, str],
    journal: AnyPath,
    out: Mapping[str, AnyPath],
) -> None:
    """Write the tables, the figures' captions and the sentence.

    Args:
        trends, best_layers, recommendations: tables of the experiment.
        properties: all of it.
        figures: file → its `question`, and its `alt` and `caption`, as the registry has them.
        about: property → what its intervals are about.
        journal: versions.yaml of the experiment, for the commit; it may be absent.
        out: paths: `best_layers`, `recommendations`, `figures`, `sentence`, and `layers_QUESTION` of each question.
    """
    scored, best = chosen.of(read_trends(trends)), chosen.of(read_best_layers(best_layers))
    keys = ["property", "model", "layer"]
    require_layers(best, pd.MultiIndex.from_frame(scored[keys]), best_layers, trends)
    advice = read_recommendations(recommendations, properties)
    texts = {
        "best_layers": best_table(best, chosen),
        "recommendations": advice_table(advice, chosen),
        "figures": figures_with_captions(figures, scored, chosen, width_cm, about),
        "sentence": f"{sentence(best, chosen, read_run(journal, 'configuration.yaml').commit)}\n",
        **{f"layers_{name}": layers_table(scored, best, name, chosen) for name in chosen.questions},
    }
    for name, text in texts.items():
        with replaced(out[name]) as temporary:
            temporary.write_text(text, encoding="utf-8")


def layers_table(scored: pd.DataFrame, best: pd.DataFrame, question: str, chosen: Chosen) -> str:
    """The scores of a question: a row for each layer, a column for each model, the best bold, ties with a dagger."""
    rows, ranked = of_property(scored, question), of_property(best, question)
    cells: dict[str, dict[str, str]] = {}
    for row in rows.to_dict("records"):
        cells.setdefault(row["layer"], {})[row["model"]] = number(row["mean"], row["low"], row["high"])
    ranked = ranked[ranked["layer"] != ""]
    for row in ranked.to_dict("records"):
        cells[row["layer"]][row["model"]] = rf"\textbf{{{cells[row['layer']][row['model']]}}}"
        for layer in row["tied"].split():
            cells[layer][row["model"]] += TIED
    models = [model for model in chosen.models if model in set(rows["model"])]
    marks = [] if ranked.empty else [rf"Bold: the best block. {TIED}~Ties with it."]
    skipped = skip_note(rows, chosen.models, chosen.titles)
    return tabular(
        "l" * (1 + len(models)),
        ["Layer", *(escaped(chosen.called(model)) for model in models)],
        [
            Block(
                [[layer, *(cells[layer].get(model, "") for model in models)] for layer in sorted(cells, key=layer_key)]
            )
        ],
        [f"{_title(question, chosen)}.", _INTERVALS, *marks, *(f"{escaped(note)}." for note in _lines(skipped))],
    )


def best_table(best: pd.DataFrame, chosen: Chosen) -> str:
    """The best block of each model for each question, with what ties with it."""
    blocks, notes = [], Notes()
    for question in chosen.questions:
        rows = of_property(best, question).set_index("model")
        found = [
            [
                *(escaped(chosen.called(model)), *_best_cells(rows.loc[model], "mean", [], notes)),
                number(rows.loc[model, "chance"]),
            ]
            for model in chosen.models
            if model in rows.index
        ]
        blocks += [Block(found, _title(question, chosen))] if found else []
    return tabular("llllr", ["Model", "Block", "Score", "Ties", "Chance"], blocks, [_INTERVALS, *notes.sentences])


def advice_table(advice: pd.DataFrame, chosen: Chosen) -> str:
    """The recommended layers, with how much each rests on, and what speaks against following it."""
    blocks, notes = [], Notes()
    for model in chosen.models:
        found = []
        for row in advice[advice["model"] == model].to_dict("records"):
            if row["kind"] == PROPERTY and row["question"] not in chosen.questions:
                continue
            cautions = list(filter(None, row["caution"].split("; ")))
            metric = escaped(metric_of(row["metric"]).symbol)
            counts = [_count(row[name]) for name in COUNTS]
            counts.append("" if pd.isna(row["seed"]) else f"{row['seed']:.0f}")
            found.append([escaped(row["question"]), metric, *_best_cells(row, "score", cautions, notes), *counts])
        blocks += [Block(found, escaped(chosen.called(model)))] if found else []
    heading = ["For", "Metric", "Block", "Score", "Ties", "Rows", "Types", "Speakers", "Seed"]
    return tabular("lllllrrrr", heading, blocks, [_INTERVALS, *notes.sentences])


def figures_with_captions(
    figures: Mapping[str, Mapping[str, str]],
    scored: pd.DataFrame,
    chosen: Chosen,
    width_cm: float,
    about: Mapping[str, str],
) -> str:
    """A figure environment for each file, with its caption: what is drawn, what was skipped, and on what it rests."""
    found = ["% \\usepackage{graphicx}; of SVG files \\usepackage{svg} too"]
    for file, figure in figures.items():
        name = figure["question"]
        skipped = skip_note(of_property(scored, name), chosen.models, chosen.titles)
        said = [f"{figure['alt'].format(chosen.title(name))}.", figure["caption"], about[name]]
        said += [f"{note}." for note in _lines(skipped)]
        stem, _, suffix = file.rpartition(".")
        command, named = ("includesvg", stem) if suffix == "svg" else ("includegraphics", file)
        found += [
            *("", "\\begin{figure}", "  \\centering"),
            f"  \\{command}[width={width_cm:g}cm]{{{named}}}",
            f"  \\caption{{{escaped(' '.join(filter(None, said)), 10 * LINE)}}}",
            f"  \\label{{fig:{stem.replace('_', '-')}}}",
            "\\end{figure}",
        ]
    return "\n".join([*found, ""])


def sentence(best: pd.DataFrame, chosen: Chosen, commit: str) -> str:
    """What may be cited, in plain text: a sentence on each question, and one on how its numbers were measured."""
    said = []
    for question in chosen.questions:
        rows = of_property(best, question).set_index("model")
        layers = [_said(rows.loc[model], chosen.called(model)) for model in chosen.models if model in rows.index]
        symbol = metric_of(chosen.metrics[question]).symbol
        if layers:
            said.append(f"The best blocks for {chosen.title(question)} ({symbol}) are: {', '.join(layers)}.")
    sets = f"{chosen.samples} sample set{'s' if chosen.samples > 1 else ''}, seed {chosen.seed}"
    made = f"layerwise {__version__}" + (f", commit {commit}" if commit else "")
    how = (
        f"They were measured with {made}, in experiment {chosen.experiment} (corpus {chosen.corpus}, "
        f"{chosen.alignments} alignments, {sets}); intervals are of 95 %."
    )
    return "\n".join(shown(line, 10 * LINE) for line in [*(said or ["No question is known."]), how])


def _best_cells(row: Mapping, score: str, cautions: Sequence[str], notes: Notes) -> list[str]:
    """The layer, its score and its ties; without a layer, a note says why."""
    if not row["layer"]:
        return [f"none{notes.mark([*cautions, row['reason']])}", "", ""]
    return [
        row["layer"] + notes.mark(cautions),
        number(row[score], row["low"], row["high"]),
        _ties(row).replace("-", "--"),
    ]


def _said(row: Mapping, model: str) -> str:
    if not row["layer"]:
        return f"{model} none"
    half = half_width(row["mean"], row["low"], row["high"])
    interval = "" if math.isnan(row["low"]) else f" [{rounded(row['low'])}, {rounded(row['high'])}]"
    score = rounded(row["mean"]) + (interval if half is None else f" ± {rounded(half)}")
    chance = "" if math.isnan(row["chance"]) else f", chance {rounded(row['chance'])}"
    ties = f", tied with {_ties(row)}" if row["tied"] else ""
    return f"{model} {row['layer']} ({score}{chance}{ties})"


def _ties(row: Mapping) -> str:
    return layer_ranges(row["tied"].split()) if row["tied"] else ""


def _title(question: str, chosen: Chosen) -> str:
    metric = metric_of(chosen.metrics[question])
    better = "" if metric.higher_is_better else ", lower is better"
    return f"{escaped(chosen.title(question))} ({escaped(metric.symbol)}{better})"


def _lines(text: str) -> Iterable[str]:
    return filter(None, text.split("\n"))


def _count(value: object) -> str:
    """A whole number; what has none, as acoustic measures have no types, stays empty."""
    return f"{value:,.0f}".replace(",", r"\,") if not pd.isna(value) and value else ""
