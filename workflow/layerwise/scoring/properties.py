"""A property is a question to a layer: what its rows are, what they are compared with, and how that becomes numbers.

Entries come from resources/properties.yaml and from `extra_properties` of a configuration. Planning, score jobs, tables
and figures all read them by `read_properties`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layerwise.errors import LayerwiseError, did_you_mean, listed_names
from layerwise.layers import is_transformer
from layerwise.scoring.measure import MEASURES, Measure, MeasureError, measure_of
from layerwise.scoring.target import Target, TargetError
from layerwise.scoring.targets import target_of
from layerwise.spans import MEAN, POOLINGS, SPANS, STANDARD, Rows

# Fields that no score depends on: words, and how scores are read.
WORDS = ("title", "called", "tells", "source", "ranked")


class PropertyError(LayerwiseError):
    """An entry of a property makes no sense; the message says which field, and what would be right."""


@dataclass(frozen=True)
class Property:
    """A named question.

    Attributes:
        title: what it asks for, as in plots.
        rows: what a row stands for, and which frames it averages.
        target: what the layer is compared with.
        measure: how rows and target become numbers, with its options.
        conv: whether it is asked of C layers too.
        ranked: whether the layer with most of it is the one to use. A layer is most like itself, so that likeness to
            another layer says nothing of use.
        folds_by: what stays together in a fold; "": as its measure or `cca.folds_by` says.
        called: the plain word for what it asks for, as in recommendations.
        tells: what it tells, in a sentence; "": not said. source: where it comes from.
    """

    name: str
    title: str
    rows: Rows
    target: Target
    measure: Measure = MEASURES["cca"]
    conv: bool = False
    ranked: bool = True
    folds_by: str = ""
    called: str = ""
    tells: str = ""
    source: str = ""

    @property
    def of_segments(self) -> bool:
        """Whether a row is a segment and not a frame."""
        return self.rows.of_segments

    @property
    def is_matrix(self) -> bool:
        """Whether each layer is compared with every layer of another model, so that it has no score of its own."""
        return self.target.every_layer

    def folds(self, folds_by: str) -> str:
        """What stays together in a fold, where the configuration says `folds_by`."""
        if self.folds_by:
            return self.folds_by
        return self.measure.folds_by if folds_by == "row" and self.measure.folds_by else folds_by

    def shown(self, metric: str) -> str:
        """The metric that plots and rankings show of it, where the configuration says `metric`."""
        return self.measure.shown(metric)

    def layers(self, names: Sequence[str]) -> list[str]:
        """Those of a model's layers that the question is asked of, in order of depth."""
        return [name for name in names if self.conv or is_transformer(name)]

    def informative(self, names: Sequence[str]) -> list[str]:
        """Those of some layers that are not compared with themselves, which scores 1 by definition."""
        return [name for name in names if self.target.other_model or name != self.target.layer]


def read_properties(entries: Mapping[str, Mapping]) -> dict[str, Property]:
    """Properties by name, from entries as resources/properties.yaml has them.

    Raises:
        PropertyError: as `property_of`.
    """
    return {name: property_of(name, entry) for name, entry in entries.items()}


def property_of(name: str, entry: Mapping) -> Property:
    """A property from its entry, whose fields the schema has checked one by one.

    Raises:
        PropertyError: fields that make no sense, or none together.
    """
    rows = _rows_of(entry)
    try:
        target = target_of(entry["target"])
        target.require_rows(rows)
    except TargetError as error:
        raise PropertyError(f"target: {error}") from error
    try:
        measure = measure_of(entry.get("measure", "cca"))
        measure.require(rows, target)
    except MeasureError as error:
        raise PropertyError(f"measure: {error}") from error
    conv = entry.get("layers", "blocks") == "all"
    if conv and rows.of_segments:
        raise PropertyError(f"layers: found all, of {rows.called} rows; C layers have frames only: rows must be frame")
    title = entry.get("title", name)
    return Property(
        name=name,
        title=title,
        rows=rows,
        target=target,
        measure=measure,
        conv=conv,
        ranked=entry.get("ranked", target.is_use),
        folds_by=entry.get("folds_by", ""),
        called=entry.get("called", title),
        tells=entry.get("tells", ""),
        source=entry.get("source", ""),
    )


def asked(entry: Mapping) -> dict:
    """What of an entry a score depends on: an edit of its title repeats no score."""
    return {key: value for key, value in entry.items() if key not in WORDS}


def _rows_of(entry: Mapping) -> Rows:
    said, pool = entry["rows"], entry.get("pool")
    if pool is not None and pool not in POOLINGS:
        raise PropertyError(f"pool: found {pool!r}{_allowed(POOLINGS, pool)}")
    if isinstance(said, Mapping):
        return Rows(said.get("table", said["segments"]), POOLINGS[pool] if pool else MEAN, said["segments"])
    if said not in SPANS:
        raise PropertyError(
            f"rows: found {said!r}{_allowed(SPANS, said)}; or {{segments: table}} with a table of your own"
        )
    if pool is None:
        return STANDARD[said]
    if said == "frame":
        raise PropertyError(f"pool: found {pool}, of frame rows; a frame is one row: leave it out")
    if said == "utterance" and pool != MEAN.name:
        raise PropertyError(f"pool: found {pool}, of utterance rows; they are means over all frames: pool must be mean")
    return Rows(said, POOLINGS[pool])


def _allowed(names: Mapping, found: str) -> str:
    return f"{did_you_mean(names, found)}; allowed: {listed_names(names, found)}"
