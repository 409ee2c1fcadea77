"""The advice of tables/recommendations.csv in words: a paragraph for each model, and what speaks against it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pandas as pd

from layerwise.errors import LINE, shown
from layerwise.layers import layer_ranges
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.tables.external import PROPERTY, TASK
from layerwise.tables.probes import EXTERNAL
from layerwise.tables.recommendations import AT_CHANCE, AT_MAJORITY, CONTROL, NO_INTERVAL
from layerwise.tables.scores import COUNTS
from layerwise.tables.written import half_width, rounded

_POINTS = "z.1f"  # z: no minus before a zero
_IN_THE_SENTENCE = {CONTROL, AT_CHANCE, AT_MAJORITY, NO_INTERVAL}  # cautions that the paragraph says in its own words


def sentences(recommendations: pd.DataFrame, model: str, properties: Mapping[str, Property]) -> str:
    """What the table recommends for one model, as a paragraph."""
    rows = recommendations[recommendations["model"] == model]
    is_named = len(set(rows.loc[rows["kind"] == PROPERTY, "metric"])) > 1
    parts = [_sentence(row, properties, is_named) for row in rows.to_dict("records")]
    if rows["caution"].str.contains(CONTROL, regex=False).any():
        parts.insert(0, "Its weights are random: a control, of which no layer is to be used.")
    return " ".join(parts) or "Nothing was ranked."


def cautions(recommendations: pd.DataFrame, model: str, properties: Mapping[str, Property]) -> list[str]:
    """What speaks against following that paragraph and is not said in it: each caution, after what it concerns."""
    concerned: dict[str, list[str]] = {}
    for row in recommendations[recommendations["model"] == model].to_dict("records"):
        for caution in filter(None, row["caution"].split("; ")):
            concerned.setdefault(caution, []).append(_question(row, properties))
    return [f"{', '.join(of)}: {caution}" for caution, of in concerned.items() if caution not in _IN_THE_SENTENCE]


def _question(row: Mapping, properties: Mapping[str, Property]) -> str:
    if row["kind"] == PROPERTY:
        question = properties[row["question"]]
        return shown(question.called or question.title or question.name, LINE)
    return f"{row['question']} (measured elsewhere)" if row["source"] == EXTERNAL else row["question"]


def _sentence(row: Mapping, properties: Mapping[str, Property], is_named: bool) -> str:
    """`is_named`: whether numbers of properties are preceded by their metrics, as there are several."""
    question = _question(row, properties)
    if not row["layer"]:
        return f"For {question}, no layer can be recommended: {row['reason']}."
    number = "; ".join([*_score(row, is_named), *_ties(row), *_worth(row), *_behind(row)])
    end = "highest" if metric_of(row["metric"]).higher_is_better else "lowest"
    if AT_CHANCE in row["caution"]:
        return f"For {question}, no layer is clearly above chance; {row['layer']} is {end} ({number})."
    if AT_MAJORITY in row["caution"]:
        return f"For {question}, {row['layer']} is best ({number}), but not clearly better than {_without_speech(row)}."
    if CONTROL in row["caution"]:
        return f"For {question}, {row['layer']} is {end} ({number})."
    return f"For {question} use {row['layer']} ({number})."


def _without_speech(row: Mapping) -> str:
    """The better of two answers that need no speech, the most frequent label and a guess, and what it reaches."""
    if row["chance"] > row["majority"]:
        return f"guessing ({100 * row['chance']:.1f} %)"
    answer = f"always answering {shown(row['majority_label'])!r}" if row["majority_label"] else "an empty answer"
    return f"{answer} ({100 * row['majority']:.1f} %)"


def _score(row: Mapping, is_named: bool) -> Iterator[str]:
    metric = metric_of(row["metric"])
    better = "" if metric.higher_is_better else ", lower is better"
    if row["kind"] == TASK:
        interval = "" if math.isnan(row["low"]) else f", {100 * row['low']:.1f} to {100 * row['high']:.1f}"
        yield f"{metric.title} {100 * row['score']:.1f} %{interval}{better}"
        if row["majority_label"] and AT_MAJORITY not in row["caution"]:
            yield _without_speech(row)
    else:
        yield (f"{metric.symbol} " if is_named else "") + rounded(row["score"]) + _interval(row) + better
        if not math.isnan(row["chance"]):
            yield f"chance {rounded(row['chance'])}"


def _interval(row: Mapping) -> str:
    if math.isnan(row["low"]):
        return ""
    half = half_width(row["score"], row["low"], row["high"])
    return f", {rounded(row['low'])} to {rounded(row['high'])}" if half is None else f" ± {rounded(half)}"


def _ties(row: Mapping) -> Iterator[str]:
    if math.isnan(row["low"]):
        yield "no interval, so neighbours may be as good"
    elif row["tied"]:
        layers = row["tied"].split()
        yield f"{layer_ranges(layers)} {'tie' if len(layers) > 1 else 'ties'}"


def _worth(row: Mapping) -> Iterator[str]:
    """What the layer costs on tasks, or gains over the weighted sum, in points of accuracy or error rate."""
    costs = [cost.rpartition("=") for cost in row["costs"].split()]
    if costs:
        points = ", ".join(f"{100 * float(cost):{_POINTS}} on {task}" for task, _, cost in costs)
        yield f"points lost against the best layer: {points}"
    if row["kind"] == TASK and not math.isnan(row["against_weighted"]):
        yield f"{100 * row['against_weighted']:+{_POINTS}} points against the learned sum of all layers"


def _behind(row: Mapping) -> Iterator[str]:
    """How much the score was measured on."""
    names = ("test utterances", "labels", "speakers") if row["kind"] == TASK else ("rows", "types", "speakers")
    known = {name: row[key] for key, name in zip(COUNTS, names, strict=True) if row[key] > 0}
    counts = [f"{count:,.0f} {name if count > 1 else name.removesuffix('s')}" for name, count in known.items()]
    if counts:
        yield f"from {', '.join(counts)}"
