"""Tables as the report shows them: which rows and columns, and how a number reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from layerwise.cells import WEIGHTS
from layerwise.errors import LINE, shown
from layerwise.files.own_tables import NUMBERED, read_csv_table
from layerwise.layers import layer_ranges
from layerwise.tables.criteria import CRITERIA, read_criteria
from layerwise.tables.external import TASK
from layerwise.tables.files import AnyPath
from layerwise.tables.findings import spoken_of
from layerwise.tables.scores import COUNTS, MISSING

LONGEST = 1000  # rows of a table that grows with the data; its file has them all


@dataclass(frozen=True)
class Table:
    """A table as it is shown: cells are text, `numeric` says which columns stand right-aligned."""

    columns: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    left_out: int = 0


def as_shown(table: pd.DataFrame, limit: int | None = None) -> Table:
    """Three decimals for fractions, one digit for tiny ones, nothing for a missing value; names as `shown` has them."""

    def text(value: object, counts: bool) -> str:
        if pd.isna(value):
            return ""
        if isinstance(value, float):
            if counts or (value.is_integer() and abs(value) >= 2):
                return str(int(value))
            return f"{value:z.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:.0e}"  # z: no minus before 0
        return shown(value, LINE)

    counting = [column in NUMBERED for column in table]  # numbers, where an empty cell makes fractions of them
    rows = [list(map(text, row, counting)) for row in table.head(limit or len(table)).itertuples(index=False)]
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    return Table([str(column).replace("_", " ") for column in table.columns], rows, numeric, len(table) - len(rows))


def titled(table: pd.DataFrame, titles: Mapping[str, str], *columns: str) -> pd.DataFrame:
    """The table with titles in place of the names of models."""
    return table.assign(**{name: table[name].map(lambda model: titles.get(model, model)) for name in columns})


def best_of(best: pd.DataFrame, property_name: str, titles: Mapping[str, str]) -> Table:
    """The best layers for one question, by every metric that ranks them."""
    chosen = titled(best[best["property"] == property_name], titles, "model")
    return as_shown(_without_idle(chosen.drop(columns=["property", "kept_x", "kept_y"])))


def recommended(table: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Which layer to use for what, with what that costs on tasks; cautions are long, and stand in the cards."""
    left_out = ("kind", "source", "alignments", "majority", "majority_label", "caution")
    columns = [name for name in table if name not in left_out]
    return as_shown(_without_idle(titled(table, titles, "model")[columns]), LONGEST)


def comparison(table: pd.DataFrame, metrics: Mapping[str, str], titles: Mapping[str, str]) -> Table:
    """What is correlated and recommended, by the metric shown of each property and by the learned weights."""
    chosen = table[(table["metric"] == table["property"].map(metrics)) | (table["property"] == WEIGHTS)]
    columns = [
        *("model", "task", "source", "property", "spearman", "spearman_low", "spearman_high", "pearson"),
        *("recommended", "best", "regret", "against_weighted", "against_last", "best_against_weighted", "reason"),
    ]
    return as_shown(titled(chosen, titles, "model")[columns], LONGEST)


def model_pairs(table: pd.DataFrame, metrics: Mapping[str, str], titles: Mapping[str, str]) -> Table:
    """Pairs of models, by the metric shown of each property: which facts differ, and how far trends are apart."""
    chosen = table[table["metric"] == table["property"].map(metrics)]
    return as_shown(_without_idle(titled(chosen, titles, "model", "other").drop(columns="alignments")), LONGEST)


def layer_pairs(table: pd.DataFrame, metrics: Mapping[str, str], titles: Mapping[str, str]) -> Table:
    """The paired tests of layers, by the metric shown of each property, and of tasks."""
    chosen = table[(table["metric"] == table["question"].map(metrics)) | (table["kind"] == TASK)]
    return as_shown(_without_idle(titled(chosen, titles, "model").drop(columns=["kind", "alignments"])), LONGEST)


def findings(table: pd.DataFrame, titles: Mapping[str, str]) -> list[dict]:
    """Each finding: its sentence, the criteria, how many verdicts there are of each kind, and the table of them.

    Without those that the experiment did not ask about.
    """
    criteria = read_criteria(CRITERIA)
    sections = []
    for number in spoken_of(table):
        says = criteria.says[number]
        chosen = titled(table[table["finding"] == number], titles, "model", "other").drop(columns="finding")
        columns = [name for name in chosen if (chosen[name] != "").any()]
        counts = chosen["verdict"].value_counts()
        sections.append(
            {
                "number": number,
                "says": says,
                "thresholds": {
                    f"{name} = {value:g}": criteria.means[number][name]
                    for name, value in criteria.thresholds[number].items()
                },
                "verdicts": ", ".join(f"{verdict}: {count}" for verdict, count in counts.items()),
                "table": as_shown(chosen[columns]),
            }
        )
    return sections


def missing(table: pd.DataFrame | None, property_name: str) -> str:
    """How many rows had no target, of the sample set that lacks most; "": all had one."""
    if table is None:
        return ""
    chosen = table[table["property"] == property_name]
    if not (chosen[MISSING] > 0).any():
        return ""
    worst = chosen.loc[chosen[MISSING].idxmax()]
    without, rows = int(worst[MISSING]), int(worst[MISSING] + worst[COUNTS[0]])
    return f"{without:,} of {rows:,} rows of a sample set ({without / rows:.1%}) have no target and are left out."


def incomplete(scores: pd.DataFrame, pairs: pd.DataFrame | None, status: str, titles: Mapping[str, str]) -> Table:
    """Skipped or flagged scores: a row per property, model and reason, its layers in short."""
    columns = ["property", "model", "layer", "status", "reason"]
    chosen = pd.concat([table[columns] for table in (scores, pairs) if table is not None])
    chosen = chosen[chosen["status"] == status]
    rows = [
        {"property": name, "model": titles.get(model, model), "layers": layer_ranges(group["layer"]), "reason": reason}
        for (name, model, reason), group in chosen.groupby(["property", "model", "reason"], sort=False)
    ]
    return as_shown(pd.DataFrame(rows, columns=["property", "model", "layers", "reason"]), LONGEST)


def problems(path: AnyPath) -> Table:
    """A CSV file with any columns; one without a byte is a table without rows."""
    if Path(path).stat().st_size == 0:
        return as_shown(pd.DataFrame())
    return as_shown(read_csv_table(path), LONGEST)


def changed_labels(path: AnyPath) -> list[str]:
    """How many labels of each tier were dropped, or put into lower case."""
    table = read_csv_table(path, ["tier", "change", "label", "intervals"], ["tier", "change", "label"])
    return [
        f"{tier}: {change} {group['intervals'].sum():,} intervals, {len(group):,} labels"
        for (tier, change), group in table.groupby(["tier", "change"], sort=False)
    ]


def left_out(path: AnyPath) -> list[str]:
    """How many types of each tier are too rare, and how many segments these have."""
    table = read_csv_table(path, ["span", "label", "n"], ["span", "label"])
    return [
        f"{len(group):,} {span} types with {group['n'].sum():,} segments"
        for span, group in table.groupby("span", sort=False)
    ]


def _without_idle(table: pd.DataFrame) -> pd.DataFrame:
    """The table without reasons and alignments, where there are none to tell."""
    idle = [name for name in ("reason", "alignments") if name in table and not table[name].any()]
    return table.drop(columns=idle)
