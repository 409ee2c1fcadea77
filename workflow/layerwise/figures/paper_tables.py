"""What an article says of an experiment: its tables in LaTeX, its figures with captions, and a sentence to cite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from layerwise import __version__
from layerwise.errors import LINE, shown
from layerwise.figures.citing import read_run
from layerwise.figures.words import skip_note
from layerwise.files.atomic import replaced
from layerwise.layers import layer_key, layer_ranges
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables.best_layers import read_best_layers
from layerwise.tables.external import PROPERTY
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.latex import escaped, number, tabular
from layerwise.tables.recommendations import read_recommendations
from layerwise.tables.scores import COUNTS
from layerwise.tables.trends import read_trends
from layerwise.tables.written import half_width, rounded

TIED = r"$^\dagger$"
_INTERVALS = "After a score is half of its 95 % interval, or in brackets its ends where they are not alike."


@dataclass(frozen=True)
class Chosen:
    """What an article shows of an experiment.

    Attributes:
        experiment: its name. corpus: name and split.
        models, titles: in order, and what each is called.
        questions: by name, in order. metrics: the one that is shown of each.
        samples, seed: how many sets were drawn, and from which seed.
    """

    experiment: str
    corpus: str
    models: Sequence[str]
    titles: Mapping[str, str]
    questions: Mapping[str, Property]
    metrics: Mapping[str, str]
    samples: int
    seed: int

    def called(self, model: str) -> str:
        return self.titles.get(model, model)

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
    advice = read_recommendations(recommendations, properties)
    texts = {
        "best_layers": best_table(best, chosen),
        "recommendations": advice_table(advice[advice["model"].isin(chosen.models)], chosen),
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
    for row in ranked[ranked["layer"] != ""].to_dict("records"):
        model = row["model"]
        cells[row["layer"]][model] = rf"\textbf{{{cells[row['layer']][model]}}}"
        for layer in row["tied"].split():
            cells[layer][model] += TIED
    models = [model for model in chosen.models if model in set(rows["model"])]
    return tabular(
        "l" + "l" * len(models),
        ["Layer", *(escaped(chosen.called(model)) for model in models)],
        [[[layer, *(cells[layer].get(model, "") for model in models)] for layer in sorted(cells, key=layer_key)]],
        [f"{_title(question, chosen)}. {_INTERVALS} Bold: the best block; dagger: it ties with the best one."],
    )


def best_table(best: pd.DataFrame, chosen: Chosen) -> str:
    """The best block of each model for each question, with what ties with it."""
    blocks = []
    for question in chosen.questions:
        rows = of_property(best, question).set_index("model")
        block = []
        for model in chosen.models:
            if model not in rows.index:
                continue
            row = rows.loc[model]
            score = number(row["mean"], row["low"], row["high"]) if row["layer"] else escaped(row["reason"])
            block.append([escaped(chosen.called(model)), row["layer"], score, _ties(row), number(row["chance"])])
        if block:
            blocks.append([[_title(question, chosen), "", "", "", ""], *block])
    return tabular("llllr", ["Model", "Best", "Score", "Ties", "Chance"], blocks, [_INTERVALS])


def advice_table(advice: pd.DataFrame, chosen: Chosen) -> str:
    """The recommended layers, with how much each rests on; what speaks against one is a letter, explained above."""
    letters: dict[str, str] = {}
    blocks = []
    for model in chosen.models:
        block = []
        for row in advice[advice["model"] == model].to_dict("records"):
            if row["kind"] == PROPERTY and row["question"] not in chosen.questions:
                continue
            marks = [
                letters.setdefault(said, _letter(len(letters))) for said in filter(None, row["caution"].split("; "))
            ]
            layer = row["layer"] + (f"$^{{{','.join(marks)}}}$" if marks and row["layer"] else "")
            counts = [_count(row[name]) for name in [*COUNTS, "seed"]]
            score = number(row["score"], row["low"], row["high"]) if row["layer"] else escaped(row["reason"])
            metric = escaped(metric_of(row["metric"]).symbol)
            block.append([escaped(row["question"]), metric, layer, score, _ties(row), *counts])
        if block:
            blocks.append([[escaped(chosen.called(model)), *[""] * 8], *block])
    heading = ["For", "Metric", "Layer", "Score", "Ties", "Rows", "Types", "Speakers", "Seed"]
    notes = [f"{letter}: {escaped(caution)}." for caution, letter in letters.items()]
    return tabular("lllllrrrr", heading, blocks, [_INTERVALS, *notes])


def figures_with_captions(
    figures: Mapping[str, Mapping[str, str]],
    scored: pd.DataFrame,
    chosen: Chosen,
    width_cm: float,
    about: Mapping[str, str],
) -> str:
    """A figure environment for each file, with its caption: what is drawn, what was skipped, and on what it rests."""
    found = ["% \\usepackage{graphicx}; of SVG files also \\usepackage{svg}"]
    for file, figure in figures.items():
        name = figure["question"]
        skipped = skip_note(of_property(scored, name), chosen.models, chosen.titles).replace("\n", ". ")
        said = [f"{figure['alt'].format(_words(name, chosen))}.", figure["caption"], about[name]]
        said += [f"{skipped}."] if skipped else []
        stem, _, suffix = file.rpartition(".")
        command, shown_file = ("includesvg", stem) if suffix == "svg" else ("includegraphics", file)
        found += [
            *("", "\\begin{figure}", "  \\centering"),
            f"  \\{command}[width={width_cm:g}cm]{{{shown_file}}}",
            f"  \\caption{{{escaped(' '.join(filter(None, said)))}}}",
            f"  \\label{{fig:{stem.replace('_', '-')}}}",
            "\\end{figure}",
        ]
    return "\n".join([*found, ""])


def sentence(best: pd.DataFrame, chosen: Chosen, commit: str) -> str:
    """What may be cited: the experiment, what it was made with, and its numbers, in plain text."""
    parts = []
    for question in chosen.questions:
        rows = of_property(best, question).set_index("model")
        said = [_said(rows.loc[model], chosen.called(model)) for model in chosen.models if model in rows.index]
        if said:
            parts.append(
                f"{_words(question, chosen)} ({metric_of(chosen.metrics[question]).symbol}): {', '.join(said)}"
            )
    sets = f"{chosen.samples} sample set{'s' if chosen.samples > 1 else ''}, seed {chosen.seed}"
    made = f"layerwise {__version__}" + (f", commit {commit}" if commit else "")
    return shown(
        f"In experiment {chosen.experiment} ({made}; corpus {chosen.corpus}, {sets}), the best blocks are, of "
        f"{'; of '.join(parts) or 'no question, any'}.",
        100 * LINE,
    )


def _said(row: Mapping, model: str) -> str:
    if not row["layer"]:
        return f"{model} none"
    half = half_width(row["mean"], row["low"], row["high"])
    if half is not None:
        interval = f" ± {rounded(half)}"
    else:
        interval = "" if math.isnan(row["low"]) else f" [{rounded(row['low'])}, {rounded(row['high'])}]"
    ties = f"; ties {layer_ranges(row['tied'].split())}" if row["tied"] else ""
    return f"{model} {row['layer']} ({rounded(row['mean'])}{interval}{ties})"


def _words(question: str, chosen: Chosen) -> str:
    known = chosen.questions[question]
    return known.title or known.name


def _title(question: str, chosen: Chosen) -> str:
    metric = metric_of(chosen.metrics[question])
    better = "" if metric.higher_is_better else ", lower is better"
    return f"{escaped(_words(question, chosen))} ({escaped(metric.symbol)}{better})"


def _ties(row: Mapping) -> str:
    return escaped(layer_ranges(row["tied"].split())) if row["tied"] else ""


def _letter(index: int) -> str:
    """a … z, and then aa, ab …"""
    return (_letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def _count(value: object) -> str:
    return "" if pd.isna(value) else f"{value:,.0f}".replace(",", r"\,")
