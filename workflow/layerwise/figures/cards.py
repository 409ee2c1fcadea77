"""A card for each model: what it is, which of its layers to use for what, and what to mind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from layerwise.errors import LINE, shown
from layerwise.figures.page_tables import Table, as_shown
from layerwise.figures.words import short_title
from layerwise.scoring.properties import Property
from layerwise.tables.advice import cautions, sentences

_UNITS = {"hours": "hours", "stride_seconds": "seconds"}


@dataclass(frozen=True)
class Card:
    """What the report says of one model.

    Attributes:
        facts: what is known of it, by name.
        advice: which layer to use for what, a paragraph; "": nothing was ranked.
        cautions: what speaks against following it.
        best: its best layer for each question, with the layers that tie with it.
    """

    name: str
    title: str
    facts: Mapping[str, str]
    advice: str
    cautions: list[str]
    best: Table


def model_cards(
    models: pd.DataFrame,
    titles: Mapping[str, str],
    best: pd.DataFrame,
    advice: pd.DataFrame,
    properties: Mapping[str, Property],
    metrics: Mapping[str, str],
) -> list[Card]:
    """A card for each model, in order.

    Args:
        models, best, advice: tables/models.csv, best_layers.csv and recommendations.csv.
        metrics: property → the metric whose best layers are shown.
    """
    shown_best = best[best["metric"] == best["property"].map(metrics)]
    cards = []
    for facts in models.to_dict("records"):
        name = facts["model"]
        advised = (advice["model"] == name).any()
        cards.append(
            Card(
                name,
                titles[name],
                _facts(facts),
                sentences(advice, name, properties) if advised else "",
                cautions(advice, name, properties),
                _best(shown_best[shown_best["model"] == name], metrics),
            )
        )
    return cards


def _facts(row: Mapping[str, object]) -> dict[str, str]:
    known = {key: value for key, value in row.items() if key not in ("title",) and not pd.isna(value) and value != ""}
    return {key.replace("_", " "): f"{_text(value)} {_UNITS.get(key, '')}".strip() for key, value in known.items()}


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else shown(value, LINE)


def _best(rows: pd.DataFrame, metrics: Mapping[str, str]) -> Table:
    table = rows.assign(question=[short_title(name, metrics[name]) for name in rows["property"]])
    columns = ["question", "layer", "tied", "metric", "mean", "low", "high", "chance"]
    return as_shown(table[columns + (["reason"] if table["reason"].any() else [])])
