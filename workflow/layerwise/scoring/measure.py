"""The registry of measures: how rows and their target become numbers, and what each of them asks for.

A new measure is an entry of `MEASURES`, a module of `layerwise.scoring.scores` whose function `score` takes the rows of
a layer and gives its record, and its metrics in `layerwise.scoring.metrics`. Read when the workflow is planned, so
modules are named here, and imported by the jobs that need them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from layerwise.errors import LayerwiseError, did_you_mean, listed_names
from layerwise.scoring.metrics import metrics_of
from layerwise.scoring.target import Matching, Target
from layerwise.scoring.targets import KINDS
from layerwise.spans import Rows


class MeasureError(LayerwiseError):
    """A measure makes no sense with these rows, this target or these options; the message says what would."""


@dataclass(frozen=True)
class Choice:
    """An option that is one of some words, of properties with some kind of target alone (`of`; "": with any)."""

    default: str
    allowed: tuple[str, ...]
    of: str = ""

    def require(self, found: object) -> None:
        if found not in self.allowed:
            raise MeasureError(
                f"found {found!r}{did_you_mean(self.allowed, str(found))}; allowed: {', '.join(self.allowed)}"
            )


@dataclass(frozen=True)
class Count:
    """An option that is a whole number of at least `least`, or 0 for no limit (`or_all`); `of` as of `Choice`."""

    default: int
    least: int = 1
    or_all: bool = False
    of: str = ""

    def require(self, found: object) -> None:
        if type(found) is int and (found >= self.least or (self.or_all and found == 0)):
            return
        zero = ", or 0 for all," if self.or_all else ""
        raise MeasureError(f"found {found!r}; a whole number of at least {self.least}{zero} is expected")


@dataclass(frozen=True)
class Number:
    """An option that is a finite number of at least `least`; `of` as of `Choice`."""

    default: float
    least: float = 0.0
    of: str = ""

    def require(self, found: object) -> None:
        if type(found) not in (int, float) or not self.least <= found < math.inf:  # type: ignore[operator]
            raise MeasureError(f"found {found!r}; a number of at least {self.least:g} is expected")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A measure, with the options that a property gave it.

    Attributes:
        name: as in YAML.
        words: what it is, for captions and the report.
        module: the module whose `score` makes the record of a layer.
        targets: the kinds of target that it takes, by their keys in YAML.
        rows: the spans that its rows can be; segments of a table count as `segments`.
        of_frames: the kinds of target that frame rows can have, where they are fewer; (): all.
        folds_by: what stays together in a fold where the property says nothing; "": as `cca.folds_by` says.
        resampled: of a measure that fits nothing, what its intervals are about: it is scored on other draws of these.
        has_jackknife: whether its records have a jackknife over speakers, where intervals are about them.
        known_options: name → kind and default.
        options: name → value, of this property.
        given: names of those that it says itself, and does not leave as they are by default.
    """

    name: str
    words: str
    module: str
    targets: tuple[str, ...]
    rows: tuple[str, ...]
    of_frames: tuple[str, ...] = ()
    folds_by: str = ""
    resampled: str = ""
    has_jackknife: bool = False
    known_options: Mapping[str, Choice | Count | Number] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    given: tuple[str, ...] = ()

    @property
    def metrics(self) -> list[str]:
        """The names of its metrics. The first is shown where the configuration names none of them."""
        return metrics_of(self.name)

    def shown(self, metric: str) -> str:
        """The metric that plots and rankings show, where the configuration names one."""
        return metric if metric in self.metrics else self.metrics[0]

    def require(self, rows: Rows, target: Target) -> None:
        """Refuse rows or a target that it can make nothing of, and options that say nothing about them.

        Raises:
            MeasureError: the message says what would do.
        """
        kind = next(key for key, each in KINDS.items() if type(target) is each)
        if kind not in self.targets:
            raise MeasureError(f"found {self.name}, of a target of {kind}; it needs {' or '.join(self.targets)}")
        span = rows.span.name if rows.span else "segments"
        if span not in self.rows:
            raise MeasureError(f"found {self.name}, of {rows.called} rows; its rows must be {' or '.join(self.rows)}")
        if span == "frame" and self.of_frames and kind not in self.of_frames:
            raise MeasureError(
                f"found {self.name}, of frame rows and a target of {kind}; of frames it needs "
                f"{' or '.join(self.of_frames)}"
            )
        for option in self.given:
            if (of := self.known_options[option].of) not in ("", kind):
                raise MeasureError(
                    f"{self.name}.{option}: found {self.options[option]!r}, of a target of {kind}; it is for targets "
                    f"of {of}: leave it out"
                )


_SEGMENTS = ("phone", "word", "utterance", "segments")

MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            name="cca",
            words="canonical correlation analysis and a linear map, from second moments",
            module="layerwise.scoring.scores.cca",
            targets=tuple(key for key, kind in KINDS.items() if issubclass(kind, Matching)),
            rows=("frame", *_SEGMENTS),
            has_jackknife=True,
        ),
        Measure(
            name="mutual_information",
            words="mutual information of the layer's clusters and the labels",
            module="layerwise.scoring.scores.mutual_information",
            targets=("label",),
            rows=("frame", *_SEGMENTS),
            folds_by="utterance",
            known_options={"clusters": Count(100, 2), "batch": Count(1500), "iterations": Count(500)},
        ),
        Measure(
            name="word_discrimination",
            words="average precision of telling segments of one label from those of others by their distance",
            module="layerwise.scoring.scores.word_discrimination",
            targets=("label", "intervals"),
            rows=("frame", *_SEGMENTS),
            of_frames=("intervals",),
            resampled="words",
            known_options={
                "segments": Count(300, 2, of="intervals"),
                "least_letters": Count(5, of="intervals"),
                "least_seconds": Number(0.5, of="intervals"),
                "normalise": Choice("length", ("length", "none"), of="intervals"),
            },
        ),
        Measure(
            name="abx",
            words="ABX: how often X lies nearer to one of another label than to one of its own",
            module="layerwise.scoring.scores.abx",
            targets=("intervals", "items"),
            rows=("frame",),
            resampled="speakers",
            known_options={
                "speaker": Choice("within", ("within", "across")),
                "context": Choice("within", ("within", "any")),
                "distance": Choice("angular", ("angular", "euclidean")),
                "pooling": Choice("mean", ("mean", "dtw")),
                "span": Choice("phone", ("phone", "triphone"), of="intervals"),
                "max_size_group": Count(10, 2, or_all=True),
                "max_x_across": Count(5, or_all=True),
            },
        ),
        Measure(
            name="word_similarity",
            words="rank correlation of the cosine of two words' mean vectors with how alike people rate them",
            module="layerwise.scoring.scores.word_similarity",
            targets=("ratings",),
            rows=("word", "segments"),
            resampled="words",
            known_options={"case": Choice("lower", ("lower", "exact")), "more_than": Count(0, 0)},
        ),
        Measure(
            name="sentence_similarity",
            words="rank correlation of the cosine of two recordings with how alike people rate them",
            module="layerwise.scoring.scores.sentence_similarity",
            targets=("pairs",),
            rows=("utterance", "segments"),
            resampled="sentences",
            known_options={"combined": Choice("mean", ("mean", "each"))},
        ),
        Measure(
            name="word_segmentation",
            words="word boundaries at peaks of the distance of neighbouring frames, chosen on other utterances",
            module="layerwise.scoring.scores.word_segmentation",
            targets=("intervals",),
            rows=("frame",),
            folds_by="utterance",
            resampled="utterances",
            known_options={"tolerance": Number(0.02)},
        ),
    )
}


def measure_of(said: object) -> Measure:
    """A measure from what a property says: its name, or {name: options}.

    Raises:
        MeasureError: no such measure or option, or a value that the option cannot have.
    """
    if isinstance(said, Mapping):
        if len(said) != 1:
            raise MeasureError(f"found {', '.join(map(str, said)) or 'nothing'}; one name with its options is expected")
        ((name, given),) = said.items()
    else:
        name, given = said, {}
    if name not in MEASURES:
        raise MeasureError(
            f"found {name!r}{did_you_mean(MEASURES, str(name))}; allowed: {listed_names(MEASURES, str(name))}"
        )
    measure = MEASURES[name]
    for option, value in (given or {}).items():
        if option not in measure.known_options:
            known = measure.known_options
            what = f"allowed: {', '.join(known)}" if known else "it has no options"
            raise MeasureError(f"{name}.{option}: no option of {name}{did_you_mean(known, str(option))}; {what}")
        try:
            measure.known_options[option].require(value)
        except MeasureError as error:
            raise MeasureError(f"{name}.{option}: {error}") from None
    defaults = {option: kind.default for option, kind in measure.known_options.items()}
    return replace(measure, options=defaults | dict(given or {}), given=tuple(given or ()))
