"""What figures of scores say in words: titles of properties and metrics, and what was skipped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from layerwise.errors import LINE, shown
from layerwise.layers import layer_ranges
from layerwise.metrics import metric_of
from layerwise.scoring.properties import Property
from layerwise.spans import TIERS

AUTOMATIC = "automatic alignments"
# Of any of the reasons of `layerwise.scoring.scores.cca`; tables and what is said of a mark have the one.
FLAGGED = "flagged: too few rows or dimensions"
NOTE_LINES = 5


def wrapped(text: str, width: int) -> str:
    """Text in lines of at most so many characters."""
    return textwrap.fill(text, width)


def title_of(question: Property, metric: str, alignments: str = "given") -> str:
    """A property in words, such as `CCA-mel: acoustic content`; what `automatic` alignments count for says so."""
    name = short_title(question.name, metric)
    title = name if question.title in ("", question.name) else f"{name}: {shown(question.title, LINE)}"
    return f"{title} ({AUTOMATIC})" if question.rows.span in TIERS and alignments == "automatic" else title


def short_title(property_name: str, metric: str) -> str:
    """A property by its name, such as `CCA-mel`; one whose name begins with its family, `mi-phone`, is `MI-phone`."""
    family = metric_of(metric).family
    rest = property_name[len(family) + 1 :] if property_name.lower().startswith(f"{family.lower()}-") else property_name
    return f"{family}-{rest}"


def axis_title(metric: str) -> str:
    """A metric on an axis on which up is better."""
    known = metric_of(metric)
    return known.title if known.higher_is_better else f"{known.title}\n(reversed: lower is better)"


def as_performance(metric: str, words: str) -> str:
    """What stands for a metric where all curves are drawn so that more is better."""
    return words if metric_of(metric).higher_is_better else f"1 - {words}"


def alignments_in(table: pd.DataFrame) -> str:
    """How the alignments of an experiment were made: `given` or `automatic`."""
    return "automatic" if (table["alignments"] == "automatic").any() else "given"


def skipped_models(table: pd.DataFrame, models: Sequence[str], titles: Mapping[str, str]) -> dict[str, str]:
    """Models of which something was skipped, by name: their titles, with the layers if not all of them were."""
    found = {}
    for model in models:
        of_model = table[table["model"] == model]
        skipped = of_model[of_model["status"] == "skipped"]
        if not skipped.empty:
            layers = f" ({layer_ranges(skipped['layer'])})" if len(skipped) < len(of_model) else ""
            found[model] = titles.get(model, model) + layers
    return found


def skip_note(table: pd.DataFrame, models: Sequence[str], titles: Mapping[str, str]) -> str:
    """Which models, or which of their layers, were skipped, and why: models with one reason share an entry."""
    lacking = []
    for model, name in skipped_models(table, models, titles).items():
        reasons = table.loc[(table["model"] == model) & (table["status"] == "skipped"), "reason"]
        # Layers differ in their reasons at most by a number; the tables have them all.
        lacking.append((name, textwrap.shorten(reasons.iloc[0], 230, placeholder=" …")))
    entries = by_reason(lacking, "skipped")
    more = len(entries) - NOTE_LINES
    return "\n".join([*entries[:NOTE_LINES], *([f"… and {more} more, see the tables"] if more > 0 else [])])


def by_reason(lacking: Iterable[tuple[str, str]], what: str) -> list[str]:
    """Who lacks something, and why: a line for each reason, such as `A, B skipped: fewer rows than dimensions`.

    Args:
        lacking: names with their reasons.
        what: stands between both.
    """
    who: dict[str, list[str]] = {}
    for name, reason in lacking:
        who.setdefault(reason, []).append(name)
    return [f"{', '.join(names)} {what}: {reason}" for reason, names in who.items()]
