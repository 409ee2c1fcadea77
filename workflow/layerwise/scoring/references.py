"""Targets that have no number for each row: what a measure reads beside the rows as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from layerwise.addresses import shown_address
from layerwise.errors import did_you_mean
from layerwise.scoring.target import Target, TargetError
from layerwise.spans import TIERS, Rows
from layerwise.targets.names import ITEMS, PAIRS, RATINGS


@dataclass(frozen=True)
class Intervals(Target):
    """Where the phones or words of utterances lie, and between which speakers: for measures of frames."""

    tier: str

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"{self.tier}s"

    @classmethod
    def of(cls, fields: Mapping) -> Intervals:
        if fields["intervals"] not in (tiers := [span.name for span in TIERS]):
            found = fields["intervals"]
            raise TargetError(
                f"intervals: found {found!r}{did_you_mean(tiers, str(found))}; allowed: {', '.join(tiers)}"
            )
        return cls(fields["intervals"])

    def require_rows(self, rows: Rows) -> None:
        if rows.of_segments:
            raise TargetError(
                f"intervals: found {self.tier}, of {rows.called} rows; they are stretches of frames: rows must be frame"
            )


@dataclass(frozen=True)
class Files(Target):
    """Files that a measure reads as they are: each a path, or a name in a catalogue."""

    files: tuple[str, ...]
    KEY: ClassVar[str] = ""

    @property
    def name(self) -> str:  # type: ignore[override]
        return ", ".join(map(shown_address, self.files))

    @classmethod
    def of(cls, fields: Mapping) -> Files:
        said = fields[cls.KEY]
        return cls(tuple(said) if isinstance(said, list) else (said,))


class Items(Files):
    """Items of ABX, as files of Libri-light and ZeroSpeech list them."""

    KEY = ITEMS


class Ratings(Files):
    """How alike people rate pairs of words."""

    KEY = RATINGS


class Pairs(Files):
    """How alike people rate pairs of recordings."""

    KEY = PAIRS
