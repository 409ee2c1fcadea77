"""What is known of the corpus's speakers and utterances: columns of tables that lie beside it, joined by the ids."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from layerwise.corpus.metadata_headers import (
    OF_CORPUS,
    RECORDING,
    SPEAKER,
    UTTERANCE,
    MetadataError,
    header_among,
    metadata_columns,
    metadata_header,
    read_text_table,
)
from layerwise.corpus.path_matching import matched
from layerwise.corpus.user_tables import of_csv, read_table
from layerwise.errors import did_you_mean, first_names, shown

log = logging.getLogger(__name__)

_ID = {SPEAKER: "speaker_id", UTTERANCE: "utterance_id", RECORDING: "audio_path"}


@dataclass(frozen=True)
class Metadata:
    """Tables of a corpus, by its ids: numbers, or text; NaN where nothing is known.

    Attributes:
        by_speaker, by_utterance: a row for each id, which is the index.
        by_recording: a row for each path, which is the index, as the tables have it (`layerwise.corpus.path_matching`).
        sources: the file of each column.
    """

    by_speaker: pd.DataFrame
    by_utterance: pd.DataFrame
    sources: dict[str, Path]
    by_recording: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def columns(self) -> list[str]:
        """Of all tables."""
        return [*self.by_speaker, *self.by_utterance, *self.by_recording]

    def column(self, name: str, utterances: pd.DataFrame) -> tuple[pd.Series, str]:
        """A column for rows of the corpus, and what it is known of: `speaker` or `utterance`.

        Rows of whom nothing is known are NaN; the log counts and names their speakers or utterances.

        Args:
            name: a column of one of the tables, or of `utterances` itself.
            utterances: utterances.parquet, or rows of it: utterance_id, speaker_id and more.

        Raises:
            MetadataError: no table has the column, or it says nothing of any row.
        """
        tables = {SPEAKER: self.by_speaker, UTTERANCE: self.by_utterance, RECORDING: self.by_recording}
        unit = next((unit for unit, table in tables.items() if name in table), None)
        if unit is None:
            if name in OF_CORPUS and name in utterances:
                return utterances[name], OF_CORPUS[name]
            names = [
                *self.columns,
                *(column for column in OF_CORPUS if column in utterances),
            ]
            raise MetadataError(
                f"no table of corpus.metadata has a column {shown(name)}{did_you_mean(names, name)}; "
                f"there are {shown(', '.join(names))}"
            )
        table, ids = tables[unit], utterances[_ID[unit]]
        values = table[name].reindex(matched(ids, table.index) if unit == RECORDING else ids)
        values.index = utterances.index
        self._report_missing(name, unit, table.index, ids, values.isna())
        return values, UTTERANCE if unit == RECORDING else unit

    def _report_missing(self, name: str, unit: str, known: pd.Index, ids: pd.Series, missing: pd.Series) -> None:
        """Say of whom nothing is known; refuse a column that says nothing of anybody."""
        if not missing.any():
            return
        if missing.all():
            if (unit == RECORDING and any(matched(ids, known))) or ids.isin(known).any():
                said = f"it is empty for every {unit} of the corpus"
            else:
                first = str(ids.iloc[0])
                said = (
                    f"none of its {unit}s is in the corpus, whose ids look like {shown(first)}; in the table they look "
                    f"like {shown(known[0])}{did_you_mean(known, first)}"
                )
            raise MetadataError(f"{self.sources[name]}, column {shown(name)}: {said}")
        of_whom = set(ids[missing])
        log.warning(
            "%s, column %s: nothing is said of %d of %d %ss: %s",
            self.sources[name], shown(name), len(of_whom), ids.nunique(), unit, first_names(of_whom),
        )  # fmt: skip


def read_metadata(paths: Iterable[Path]) -> Metadata:
    """Tables of speakers and utterances: CSV, TSV, Parquet, or cells parted by `|` as in LibriSpeech's SPEAKERS.TXT.

    Raises:
        TableError, CSVError: as `layerwise.corpus.metadata_headers.metadata_columns`; or an id stands there twice.
    """
    paths = [Path(path) for path in paths]
    metadata_columns(paths)
    tables: dict[str, list[pd.DataFrame]] = {SPEAKER: [], UTTERANCE: [], RECORDING: []}
    sources: dict[str, Path] = {}
    for path in paths:
        unit, table = _by_id(path)
        tables[unit].append(table)
        sources |= dict.fromkeys(table.columns, path)
    by_speaker, by_utterance, by_recording = (_joined(parts, unit) for unit, parts in tables.items())
    return Metadata(by_speaker, by_utterance, sources, by_recording)


def _by_id(path: Path) -> tuple[str, pd.DataFrame]:
    """What a table is about, and the table by its ids; empty text is NaN, as a missing number is."""
    key = metadata_header(path).key
    text = read_text_table(path)
    given = read_table(path, (key,), text=(key,)) if text is None else of_csv(path, text, (key,))
    header = header_among(path, list(given.frame.columns))
    ids = given.frame[key]
    if (ids == "").any():
        raise MetadataError(f"{given.where(np.flatnonzero(ids == '')[0])}: {shown(key)} is empty")
    if twice := next((name for name, count in Counter(ids).items() if count > 1), None):
        raise MetadataError(f"{path} has two rows of {shown(twice)}; each {header.unit} has one")
    table = given.frame.set_index(key)[header.columns]
    return header.unit, table.rename_axis(_ID[header.unit]).replace("", np.nan)


def _joined(tables: list[pd.DataFrame], unit: str) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(index=pd.Index([], dtype="str", name=_ID[unit]))
    return pd.concat(tables, axis=1, sort=True).rename_axis(_ID[unit])
