"""What a layer is compared with: each kind of target is a class, and an entry of `KINDS` by its key in YAML.

A target says how its fields are read, which rows it fits, which files it needs beside the representations, and how its
matrix comes from them. `layerwise.scoring.rows` asks it for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from layerwise.addresses import shown_address
from layerwise.errors import did_you_mean, listed_names
from layerwise.files.limits import Limit
from layerwise.layers import LAYER
from layerwise.representations import layout, store
from layerwise.representations.acoustic_measures import MEASURES
from layerwise.representations.acoustic_rows import acoustic_frames, acoustic_segments
from layerwise.scoring.references import Intervals, Items, Pairs, Ratings
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.scoring.target import Matched, Matching, Target, TargetError
from layerwise.spans import Rows
from layerwise.targets.names import (
    ATTRIBUTES,
    CASES,
    COLUMNS,
    EXACT,
    ITEMS,
    LABEL,
    OF,
    PAIRS,
    RATINGS,
    VECTORS,
)

if TYPE_CHECKING:
    from layerwise.scoring.rows import LayerRows

# Of a matrix with a row for each word and a column for each type: a million words of 8,000 types.
MAX_CELLS = Limit("LAYERWISE_MAX_LABEL_CELLS", 1 << 33, "rows times types")

# Columns that stand with the rows of a representation file, and the level at which their values are given: that of a
# speaker's name is a recording, as a speaker is found again in other recordings.
OWN_COLUMNS = {"label": "row", "utterance_id": "row", "speaker_id": "utterance"}


VECTOR_WIDTH = 300  # of vectors that nobody has opened yet: GloVe's


@dataclass(frozen=True)
class Acoustics(Matching):
    """A measure of the audio itself, frame by frame; of segments its mean over the same stretch of time."""

    measure: str
    is_first: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return self.measure

    @classmethod
    def of(cls, fields: Mapping) -> Acoustics:
        measure = fields["acoustics"]
        if measure not in MEASURES:
            raise TargetError(
                f"acoustics: found {measure!r}{did_you_mean(MEASURES, measure)}; allowed: "
                f"{listed_names(MEASURES, measure)}"
            )
        return cls(measure)

    def family(self, rows: Rows) -> str:
        # Mel rows of frames stand with the representations.
        return "" if self.measure == "mel" and not rows.of_segments else MEASURES[self.measure].family

    def match(self, asked: LayerRows) -> Matched:
        if not self.family(asked.question.rows):
            return Matched(store.rows(asked.shards, layout.mel(asked.sample, asked.grid())), unit="")
        with store.reading([asked.beside.acoustics]) as (file,):
            if asked.question.of_segments:
                values = acoustic_segments(file, self.measure, *asked.borders(), asked.question.rows.pooling)
            else:
                values = acoustic_frames(
                    file, self.measure, asked.texts("utterance_id"), asked.frames(), asked.seconds_per_row()
                )
        kept = np.flatnonzero(np.isfinite(values).all(axis=1))
        if not kept.size:
            raise RefusedScoreError(f"no row has a value of {self.measure}")
        return Matched(values[kept], kept if kept.size < len(values) else None, unit="")

    def width(self, width_of: Callable[[str], int], types: int) -> int:
        return MEASURES[self.measure].dimensions


@dataclass(frozen=True)
class Layer(Matching):
    """Another layer of the same model."""

    layer: str
    is_first: ClassVar[bool] = True
    is_use: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return self.layer

    @classmethod
    def of(cls, fields: Mapping) -> Layer:
        if not re.fullmatch(LAYER, fields["layer"]):
            raise TargetError(f"layer: found {fields['layer']!r}; a layer such as T0 is expected")
        return cls(fields["layer"])

    def require_rows(self, rows: Rows) -> None:
        if rows.of_segments and self.layer.startswith("C"):
            raise TargetError(f"layer: found {self.layer}, of {rows.called} rows; C layers have frames only")

    def match(self, asked: LayerRows) -> Matched:
        rows = asked.own_layer(self.layer)
        return Matched(rows, unit="") if asked.is_of_frames else Matched(rows[:])

    def width(self, width_of: Callable[[str], int], types: int) -> int:
        return width_of(self.layer)


@dataclass(frozen=True)
class OtherModel(Matching):
    """A layer of another model: the same one, a certain one, or each in turn."""

    other_model: str
    layer: str
    is_use: ClassVar[bool] = False
    SAME: ClassVar[str] = "same"
    ALL: ClassVar[str] = "all"

    @property
    def name(self) -> str:
        return f"{self.other_model} {self.layer}"

    @property
    def every_layer(self) -> bool:  # type: ignore[override]
        return self.layer == self.ALL

    @classmethod
    def of(cls, fields: Mapping) -> OtherModel:
        layer = fields.get("layer", cls.SAME)
        if layer not in (cls.SAME, cls.ALL) and not re.fullmatch(LAYER, layer):
            raise TargetError(f"layer: found {layer!r}; same, all, or a layer such as T9 is expected")
        return cls(fields["model"], layer)

    def require_rows(self, rows: Rows) -> None:
        if rows.of_segments and self.layer.startswith("C"):
            raise TargetError(f"layer: found {self.layer}, of {rows.called} rows; C layers have frames only")

    def match(self, asked: LayerRows) -> Matched:
        layer = asked.layer if self.layer == self.SAME else self.layer
        rows = asked.matched_layer(layer)
        return Matched(rows, unit="") if asked.is_of_frames else Matched(rows[:])

    def width(self, width_of: Callable[[str], int], types: int) -> int:
        return width_of(self.layer)


@dataclass(frozen=True)
class Label(Matching):
    """One column for each value of a column, 1 where a row has it."""

    column: str
    has_labels: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return self.column

    @property
    def looked_up(self) -> bool:  # type: ignore[override]
        return self.column not in OWN_COLUMNS

    @classmethod
    def of(cls, fields: Mapping) -> Label:
        return cls(fields["label"])

    def require_rows(self, rows: Rows) -> None:
        if rows.of == "frame" and self.column == "label":
            raise TargetError(
                "label: found label, of frame rows, which have none; rows must be phone, word, utterance or a table"
            )

    def match(self, asked: LayerRows) -> Matched:
        if self.looked_up:
            table = asked.looked_up()
            places, unit = table.type, table.unit
            types = table.names
        else:
            unit = OWN_COLUMNS[self.column]
            types, places = np.unique(asked.texts(self.column), return_inverse=True)
            if asked.is_of_frames:
                places = np.repeat(places, asked.frames())
        kept = np.flatnonzero(places >= 0)
        MAX_CELLS.require(kept.size * len(types), asked.where(), store.RepresentationError)
        matrix = (places[kept, None] == np.arange(len(types))).astype(np.uint8)
        return Matched(matrix, kept if kept.size < places.size else None, types[places[kept]], unit)

    def width(self, width_of: Callable[[str], int], types: int) -> int:
        return types


@dataclass(frozen=True)
class Valued(Matching):
    """Numbers that a table has for each row, or for its label."""

    fields: tuple[tuple[str, object], ...]
    looked_up: ClassVar[bool] = True  # type: ignore[misc]
    KEY: ClassVar[str] = ""

    @property
    def name(self) -> str:
        said = dict(self.fields)[self.KEY]
        return ", ".join(said) if isinstance(said, tuple) else shown_address(str(said))

    @classmethod
    def of(cls, fields: Mapping) -> Valued:
        if fields.get("case", EXACT) not in CASES:
            raise TargetError(f"case: found {fields['case']!r}; allowed: {', '.join(CASES)}")
        plain = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
        return cls(tuple(sorted(plain.items())))

    def require_rows(self, rows: Rows) -> None:
        if rows.of == "frame" and self.KEY != COLUMNS and dict(self.fields).get("of", OF) == OF:
            raise TargetError(
                f"{self.KEY}: found {self.name}, of frame rows, which have no label; rows must be phone, word, "
                "utterance or a table, or `of` a column of corpus.metadata"
            )

    def match(self, asked: LayerRows) -> Matched:
        table = asked.looked_up()
        kept = np.flatnonzero(table.type >= 0)
        places = table.type[kept]
        labels = table.names[places] if self.KEY != COLUMNS else None
        values = _told_apart(table.values[places])
        return Matched(values, kept if kept.size < table.type.size else None, labels, table.unit)

    def width(self, width_of: Callable[[str], int], types: int) -> int:
        said = dict(self.fields)[self.KEY]
        return len(said) if isinstance(said, tuple) else VECTOR_WIDTH


def _told_apart(values: np.ndarray) -> np.ndarray:
    """Values without the columns that are the same in all rows, such as an attribute that none of these words has.

    They say nothing, and are no dimensions that a score leaves out. If all are the same, they stay, and are refused.
    """
    differs = (values != values[:1]).any(axis=0)
    return values[:, differs] if differs.any() and not differs.all() else values


class Vectors(Valued):
    """The vector of a row's label."""

    KEY = VECTORS


class Attributes(Valued):
    """Shares of attributes of a row's label."""

    KEY = ATTRIBUTES


class Columns(Valued):
    """Columns of numbers."""

    KEY = COLUMNS


# By their keys in YAML; `model` before `layer`, which is a field of it too.
KINDS: dict[str, type[Target]] = {
    "acoustics": Acoustics,
    "model": OtherModel,
    "layer": Layer,
    LABEL: Label,
    VECTORS: Vectors,
    ATTRIBUTES: Attributes,
    COLUMNS: Columns,
    "intervals": Intervals,
    ITEMS: Items,
    RATINGS: Ratings,
    PAIRS: Pairs,
}
# Fields that go with a kind, beside its key.
_OF_WORDS = ("of", "case", "member")
OPTIONS = {"model": ("layer",), VECTORS: _OF_WORDS, ATTRIBUTES: _OF_WORDS}


def target_of(fields: Mapping) -> Target:
    """A target from its fields in YAML.

    Raises:
        TargetError: they name no kind, more than one, or a field of another kind.
    """
    kind = next((key for key in KINDS if key in fields), None)
    if kind is None:
        raise TargetError(f"found {', '.join(fields) or 'nothing'}; one of {', '.join(KINDS)} is expected")
    if strange := [key for key in fields if key != kind and key not in OPTIONS.get(kind, ())]:
        both = strange[0] in KINDS
        raise TargetError(
            f"found {kind} and {strange[0]}; "
            + ("a property has one target: leave one out" if both else f"{strange[0]} is no field of {kind}")
        )
    return KINDS[kind].of(fields)
