"""A table of rows, and the columns that its rows have: of their own, of their utterances and of their speakers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layerwise.corpus.metadata_headers import OF_CORPUS
from layerwise.errors import did_you_mean, listed_names, shown
from layerwise.files.texts import composed
from layerwise.targets.errors import LookUpError
from layerwise.targets.reading import ROW, SPEAKER, UNITS, UTTERANCE

if TYPE_CHECKING:
    from layerwise.corpus.metadata import Metadata

_IDS = {UTTERANCE: "utterance_id", SPEAKER: "speaker_id"}


@dataclass(frozen=True)
class Column:
    """A column of a table of rows.

    Attributes:
        name: as the user calls it.
        values: one for each row, as they were read; missing ones are NaN or empty.
        unit: what has a value each: a row, an utterance or a speaker.
        owners: of each row the name of what has the value: its label (its utterance, if it has none), or utterance or
            speaker.
        place: where the value of a row stands, in words.
    """

    name: str
    values: pd.Series
    unit: str
    owners: np.ndarray
    place: Callable[[int], str]

    def texts(self) -> np.ndarray:
        """The values as text, None where there is none. Whole numbers have no fraction, whatever pandas made of them.

        Raises:
            LookUpError: a value is a list or the like.
        """
        values = self.values
        missing = values.isna().to_numpy()
        if values.dtype.kind == "f" and (values[~missing] % 1 == 0).all():
            values = values.astype("Int64")
        found = np.full(len(values), None, dtype=object)
        for row, value in enumerate(values):
            if missing[row]:
                continue
            if not isinstance(value, (str, int, float, bool, np.generic)):
                raise LookUpError(f"{self.at(row)} is a {type(value).__name__}; text or a number is expected")
            found[row] = composed(str(value).strip()) or None
        return found

    def numbers(self) -> np.ndarray:
        """The values as numbers, NaN where there is none.

        Raises:
            LookUpError: one is text, or not finite.
        """
        if self.values.dtype.kind in "iufb":
            numbers = self.values.to_numpy(np.float64)
        else:
            texts = self.texts()
            numbers = np.full(len(texts), np.nan)
            for row, text in enumerate(texts):
                if text is None:
                    continue
                try:
                    numbers[row] = float(text)
                except ValueError:
                    raise LookUpError(
                        f"{self.at(row)} is {shown(text, 80)!r}; a number such as 0.5 is expected, or nothing"
                    ) from None
        if np.isinf(numbers).any():
            raise LookUpError(f"{self.at(int(np.flatnonzero(np.isinf(numbers))[0]))} is infinite; a number is expected")
        return numbers

    def at(self, row: int) -> str:
        """A cell in words."""
        return f"column {shown(self.name)}, {self.place(row)}"


@dataclass(frozen=True)
class RowTable:
    """The rows that have targets.

    Attributes:
        path: of their table, for messages.
        rows: columns by name; `utterance_id` is one.
        utterances: all utterances of the corpus.
        metadata: what else is known of utterances and speakers.
        of_frames: whether each row stands for all frames of an utterance.
    """

    path: Path
    rows: pd.DataFrame
    utterances: pd.DataFrame
    metadata: Metadata
    of_frames: bool = False

    def column(self, name: str) -> Column:
        """A column of the rows, or else of their utterances or speakers.

        Raises:
            LookUpError: there is none of this name; or rows are of an utterance that the corpus lacks.
        """
        if name in self.rows:
            unit = self._own_unit(name)
            return Column(name, self.rows[name].reset_index(drop=True), unit, self._owners(unit), self._place)
        if name not in self._of_others():
            raise LookUpError(
                f"{self.path} has no column {shown(name)}, and corpus.metadata has none either"
                f"{did_you_mean(self.names(), name)}; there are {listed_names(self.names(), name)}"
            )
        values, unit = self.metadata.column(name, self.utterances)
        by_utterance = pd.Series(values.to_numpy(), index=self.utterances["utterance_id"].to_numpy())
        places = by_utterance.index.get_indexer(self.rows["utterance_id"])
        if (places < 0).any():
            row = int(np.flatnonzero(places < 0)[0])
            raise LookUpError(
                f"{self.path}, row {row + 1}: the corpus has no utterance {shown(self.rows['utterance_id'].iloc[row])}"
            )
        owners = self._owners(unit)
        source = self.metadata.sources.get(name, "the corpus")

        def place(row: int) -> str:
            return f"{unit} {shown(owners[row])} in {source}"

        return Column(name, by_utterance.iloc[places].reset_index(drop=True), unit, owners, place)

    def unit_of_names(self, unit: str, names: np.ndarray) -> str:
        """Between what chance exchanges names: rows, utterances or speakers.

        If each name belongs to a single speaker, exchanging names between speakers asks the same question again, and
        chance would equal the score. Such names are exchanged between utterances; and those that each belong to a
        single utterance, between rows.

        Args:
            unit: what a name is given for.
            names: (rows,) None where there is none.
        """
        while unit != ROW:
            owners = self._owners(unit)
            pairs = {(name, owner) for name, owner in zip(names, owners, strict=True) if name is not None}
            if len({name for name, _ in pairs}) < len(pairs):
                return unit
            unit = UNITS[UNITS.index(unit) - 1]
        return unit

    def names(self) -> list[str]:
        """All columns that can be asked for."""
        return list(dict.fromkeys([*self.rows, *self._of_others()]))

    def _place(self, row: int) -> str:
        of = self.rows.iloc[row]
        times = f" from {of['start']:g} to {of['end']:g} s" if {"start", "end"} <= set(self.rows) else ""
        return f"row {row + 1} of {self.path} ({shown(of['utterance_id'])}{times})"

    def _of_others(self) -> list[str]:
        own = [name for name in OF_CORPUS if name in self.utterances]
        return [*self.metadata.columns, *own]

    def _own_unit(self, name: str) -> str:
        for unit, column in _IDS.items():
            if name == column or (column in self.rows and self.rows[name].equals(self.rows[column])):
                return unit
        return UTTERANCE if self.of_frames else ROW

    def _owners(self, unit: str) -> np.ndarray:
        utterances = self.rows["utterance_id"]
        if unit == SPEAKER and "speaker_id" not in self.rows:
            speakers = self.utterances.set_index("utterance_id")["speaker_id"]
            return utterances.map(speakers).to_numpy(dtype=object)
        column = _IDS.get(unit, "label")
        if column not in self.rows:
            return utterances.to_numpy(dtype=object)
        owners = self.rows[column]
        return owners.where(owners.notna() & (owners != ""), utterances).to_numpy(dtype=object)


def finest(units: Iterable[str]) -> str:
    """The unit that several columns have together."""
    return min(units, key=UNITS.index)
