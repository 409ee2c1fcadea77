"""Model against model: how far apart two trends lie, and whether they rise and fall alike, a row per pair."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from layerwise.figures.look import (
    CHOSEN,
    COLOURS,
    ISOLATED,
    QUIET,
    SHAPES,
    Models,
    finished,
    parameters,
    rounded,
    words_only,
)
from layerwise.figures.words import alignments_in, title_of
from layerwise.scoring.properties import Property
from layerwise.tables.files import AnyPath, of_property
from layerwise.tables.model_pairs import COMPARED, read_model_pairs
from layerwise.tables.models import read_models

DRAWN, KEPT = 70, 300  # pairs: those at once, and those that a reader of the report can choose from
ROW, LINE = 27, 10  # pixels of a pair, and of each of its two models, which stand below each other
CHARACTER, WORDS = 5.6, (120, 520)  # pixels of a letter of what differs, and of all of it, at least and at most
LONGEST = 40  # characters of a title that fits beside the marks; in place of a longer one stands the name of the model
BAR = "M-0.3,-1H0.3V1H-0.3Z"  # the mark of pairs that differ in several facts
BETWEEN = " / "  # two models
SEVERAL, NOTHING = "several facts", "no known fact"
# Pairs whose models are both chosen, and of an isolated model its own.
SHOWN = (
    f"(!length({CHOSEN}) || (indexof({CHOSEN}, datum.model) >= 0 && indexof({CHOSEN}, datum.other) >= 0)) && "
    f"({ISOLATED} == '' || {ISOLATED} == datum.model || {ISOLATED} == datum.other)"
)
TOOLTIP = {
    **{"pair": "models", "differ": "differ in", "layers": "layers", "other_layers": "of the other"},
    **{"difference": "difference", "difference_low": "from", "difference_high": "to"},
    **{"spearman": "Spearman", "spearman_low": "Spearman from", "spearman_high": "Spearman to", "reason": "note"},
}
NUMBERS = [key for key in TOOLTIP if key.startswith(("difference", "spearman"))]


def pairs(model_pairs: AnyPath, models: AnyPath, question: Property, metric: str, titles: Mapping[str, str]) -> Any:
    """Each pair of models: the difference of their scores and the correlation of their trends, with intervals.

    The difference is the mean over layers at the same depth of the absolute difference, so it has no sign. Rows are
    sorted by it. Colour and shape say in which fact the two differ, if it is one alone; the words beside a row say what
    differs. If there are many pairs, drawn are those that differ in the fewest facts.

    Args:
        model_pairs, models: tables of the experiment; the latter fixes the order of the models.
        titles: what to call a model; its name, where it has no title.
    """
    table = read_model_pairs(model_pairs)
    alone = table["differ"].map(_alone)
    looks = _looks(set(alone))  # of all questions, so that a fact looks the same in each
    table = of_property(table.assign(fact=alone), question.name)
    table = table[table["metric"] == metric]
    facts = read_models(models, COMPARED).set_index("model")
    title = title_of(question, metric, alignments_in(table))
    rows = _rows(table[table["difference"].notna()], facts, Models.of(list(facts.index), titles))
    if rows.empty:
        why = "There is one model: nothing to compare." if len(facts) == 1 else "No two models have scores to compare."
        return finished(words_only(why), title)
    few = f"{DRAWN} of {len(rows)} pairs are drawn, those that differ in the fewest facts; model_pairs.csv has all."
    chart = alt.hconcat(*_sides(rounded(rows[:KEPT]), looks)).add_params(*parameters())
    return finished(chart, title, few if len(rows) > DRAWN else "", width=800)


def _alone(differ: str) -> str:
    """The fact in which alone two models differ; else that there are several, or none."""
    found = differ.split("; ")
    return SEVERAL if len(found) > 1 else found[0].replace("_", " ") or NOTHING


def _rows(table: pd.DataFrame, facts: pd.DataFrame, cast: Models) -> pd.DataFrame:
    """A row per pair, those that differ in the fewest facts first, and of these the ones furthest apart."""
    differ = [[fact for fact in found.split("; ") if fact] for found in table["differ"]]
    called = {name: title if len(title) <= LONGEST else name for name, title in cast.titles.items()}
    named = list(zip(differ, table["model"], table["other"], strict=True))
    table = table.assign(
        pair=[f"{called[one]}{BETWEEN}{called[other]}" for _, one, other in named],
        differ=[_in_words(found, facts.loc[one], facts.loc[other]) for found, one, other in named],
        n_facts=[len(found) for found in differ],
    )
    table = table.sort_values(["n_facts", "difference"], ascending=[True, False], kind="stable")
    return table[["model", "other", "fact", "n_facts", *TOOLTIP]]


def _in_words(found: list[str], one: pd.Series, other: pd.Series) -> str:
    """In which facts two models differ; the values of a single one."""
    words = ", ".join(found).replace("_", " ") or NOTHING
    return f"{words}: {_value(one[found[0]])} / {_value(other[found[0]])}" if len(found) == 1 else words


def _value(fact: Any) -> str:
    if pd.isna(fact):
        return "not known"
    if isinstance(fact, bool | np.bool_):
        return "yes" if fact else "no"
    return f"{fact:g}" if isinstance(fact, float) else str(fact)


def _sides(rows: pd.DataFrame, looks: Mapping[str, Any]) -> list[alt.Chart]:
    """The differences, the correlations, and the words, side by side; the rows of all three are the same."""
    base = (
        alt.Chart(rows, height=alt.Step(ROW))
        .transform_filter(SHOWN)
        .transform_window(
            place="row_number()", sort=[alt.SortField("n_facts"), alt.SortField("difference", "descending")]
        )
        .transform_filter(f"datum.place <= {DRAWN}")
    )
    names = alt.Axis(
        title=None,
        labelLimit=240,
        labelFontSize=9.5,
        labelLineHeight=LINE,
        labelOffset=-LINE / 2,
        labelExpr=f"split(datum.label, '{BETWEEN}')",
    )
    room = max(WORDS[0], min(WORDS[1], int(CHARACTER * rows["differ"].str.len().max())))
    apart = _interval(base, "difference", alt.Scale(zero=True), "difference of scores (mean over layers)", names, looks)
    alike = _interval(base, "spearman", alt.Scale(domain=[-1, 1]), "Spearman's correlation of trends", None, looks)
    words = base.mark_text(align="left", fontSize=11, limit=room).encode(
        y=_place(None), text="differ:N", x=alt.value(0), tooltip=tooltips()
    )
    return [
        apart.properties(width=240),
        alike.properties(width=170),
        words.properties(width=room, title=_head("differ in")),
    ]


def tooltips() -> list[alt.Tooltip]:
    """What is said of a pair where a reader points at it."""
    return [
        alt.Tooltip(f"{key}:Q", title=words, format=".3f") if key in NUMBERS else alt.Tooltip(f"{key}:N", title=words)
        for key, words in TOOLTIP.items()
    ]


def _head(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, fontSize=12, fontWeight="normal", anchor="start")


def _place(axis: alt.Axis | None) -> alt.Y:
    return alt.Y("pair:N", sort=alt.EncodingSortField("difference", "max", "descending"), axis=axis)


def _interval(base: alt.Chart, name: str, scale: alt.Scale, title: str, axis: alt.Axis | None, looks: Mapping) -> Any:
    x = alt.X(f"{name}:Q", title=title, scale=scale)
    rule = base.mark_rule(strokeWidth=1.5).encode(
        x=alt.X(f"{name}_low:Q", title=title, scale=scale), x2=f"{name}_high:Q"
    )
    point = base.mark_point(filled=True, size=45, opacity=1).encode(
        x=x,
        shape=looks["shape"],
        tooltip=tooltips(),
    )
    return alt.layer(*(mark.encode(y=_place(axis), color=looks["color"]) for mark in (rule, point)))


def _looks(found: set[str]) -> dict[str, Any]:
    """Colour and shape of the fact that alone differs; a grey bar where several do, or none."""
    facts = [fact for fact in [*(name.replace("_", " ") for name in COMPARED), NOTHING, SEVERAL] if fact in found]
    alone = [fact for fact in facts if fact not in (NOTHING, SEVERAL)]
    colours = dict(zip(alone, itertools.cycle(COLOURS[:-1]), strict=False))  # the last one is grey
    shapes = dict(zip(alone, SHAPES, strict=False))
    legend = alt.Legend(title="differ in", symbolLimit=0, orient="bottom", columns=4)
    return {
        name: kind(
            "fact:N", scale=alt.Scale(domain=facts, range=[of.get(fact, other) for fact in facts]), legend=legend
        )
        for name, kind, of, other in (("color", alt.Color, colours, QUIET), ("shape", alt.Shape, shapes, BAR))
    }
