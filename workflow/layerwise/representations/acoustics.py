"""From audio and alignments to acoustic measures: one number, or a few, for every 10 ms of what was sampled.

No model is needed. A file has `utterance_id`, `offsets` (utterances + 1 borders among its rows) and a matrix for each
measure of its family, NaN where that is not defined; `acoustic_rows` reads it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from layerwise import __version__
from layerwise.alignments.batches import in_order
from layerwise.constants import MEL_SECONDS
from layerwise.corpus.waveforms import read_waveform
from layerwise.errors import LayerwiseError, did_you_mean, first_names
from layerwise.files.own_tables import INTERVALS, UTTERANCES, read_parquet
from layerwise.representations.acoustic_measures import (
    FAMILIES,
    PHONES,
    WAVEFORM,
    AcousticsError,
    Family,
    measures_of,
)
from layerwise.representations.writer import writing

log = logging.getLogger(__name__)

_BATCH_SECONDS = 60.0  # of audio that one process measures before it hands on what it found


class _Utterance(NamedTuple):
    utterance_id: str
    audio_path: str
    start: float
    duration: float
    phones: np.ndarray  # (phones × 2), when each begins and ends; none for families that take the audio


def measure_acoustics(
    family: str,
    samples: Iterable[Path],
    utterances: Path,
    out: Path,
    *,
    audio_root: Path | None = None,
    intervals: Path | None = None,
    attributes: dict | None = None,
    threads: int = 1,
) -> None:
    """Write the measures of a family for every utterance of which any table has a row.

    Args:
        samples: tables of rows: utterances or segments that were drawn, or segments of a user's.
        utterances: the corpus table, for where the audio lies below `audio_root`, and how long it is.
        intervals: the phones; only for families that take them.
        attributes: facts to keep with the file.
        threads: how many utterances are measured at a time, each in a process of its own: threads would wait for each
            other, as pYIN's path holds the interpreter's lock. No number depends on it.

    Raises:
        AcousticsError: there is no such family; an utterance cannot be measured; there are no phones to count.
    """
    if family not in FAMILIES:
        raise AcousticsError(f"there is no family of acoustic measures {family!r}{did_you_mean(FAMILIES, family)}")
    drawn = _drawn(samples, utterances)
    spoken = _phones(intervals, drawn) if FAMILIES[family].takes == PHONES else {}
    batches = _batches(drawn, spoken)
    measures = measures_of(family)
    facts = {"family": family, "hop_seconds": MEL_SECONDS, "layerwise_version": __version__, "shard": 0, "shards": 1}
    import_module(FAMILIES[family].module)  # once, before there are several processes
    rows, defined = 0, dict.fromkeys((measure.name for measure in measures), 0)
    # One thread of BLAS each: what a sum rounds to must not depend on how many there are.
    with (
        ThreadpoolController().limit(limits=1, user_api="blas"),
        writing(out, "float32", {**(attributes or {}), **facts}) as writer,
    ):
        work = partial(_measured, FAMILIES[family], audio_root)
        for batch, found in zip(batches, in_order(work, batches, threads, f"measuring {family}"), strict=True):
            for utterance, values in zip(batch, found, strict=True):
                writer.append("utterance_id", np.array([utterance.utterance_id]))
                writer.extend_borders("offsets", [len(values[measures[0].name])])
                rows += len(values[measures[0].name])
                for measure in measures:
                    facts = {"definition": measure.definition, "unit": measure.unit}
                    writer.append(measure.name, values[measure.name], facts)
                    defined[measure.name] += int(np.isfinite(values[measure.name]).all(axis=1).sum())
    for name, count in defined.items():
        log.info("%s: defined in %d of %d frames (%.1f %%)", name, count, rows, 100 * count / max(1, rows))


def _drawn(samples: Iterable[Path], utterances: Path) -> pd.DataFrame:
    """The rows of the corpus table that any table is about, in the order of their names."""
    names = set().union(*(read_parquet(table, ("utterance_id",))["utterance_id"] for table in samples))
    corpus = read_parquet(utterances, UTTERANCES)
    drawn = corpus[corpus["utterance_id"].isin(names)].sort_values("utterance_id", ignore_index=True)
    if missing := sorted(names - set(drawn["utterance_id"])):
        raise AcousticsError(f"{utterances} lacks {len(missing)} sampled utterances: {first_names(missing)}")
    if drawn.empty:
        raise AcousticsError("no table has an utterance that could be measured")
    return drawn


def _phones(intervals: Path | None, drawn: pd.DataFrame) -> dict[str, np.ndarray]:
    """Begin and end of each phone, by utterance."""
    if intervals is None:
        raise AcousticsError("speaking rate is counted in phones: the table of intervals is needed")
    table = read_parquet(intervals, INTERVALS, tier="phone")
    if table.empty:
        raise AcousticsError(
            f"{intervals} has no phones, and speaking rate is counted in phones: give alignments with a tier of phones "
            "(corpus.alignments), or leave the rate out of the properties"
        )
    table = table[table["utterance_id"].isin(drawn["utterance_id"])].sort_values(["utterance_id", "start"])
    found = {str(name): part[["start", "end"]].to_numpy(float) for name, part in table.groupby("utterance_id")}
    if silent := [name for name in drawn["utterance_id"] if name not in found]:
        log.warning("%d utterances have no phones, and no speaking rate: %s", len(silent), first_names(silent))
    return found


def _batches(drawn: pd.DataFrame, spoken: dict[str, np.ndarray]) -> list[list[_Utterance]]:
    """Consecutive utterances of about a minute together."""
    batches: list[list[_Utterance]] = []
    held = _BATCH_SECONDS
    for row in drawn.itertuples(index=False):
        if held >= _BATCH_SECONDS:
            batches.append([])
            held = 0.0
        phones = spoken.get(row.utterance_id, np.empty((0, 2)))
        batches[-1].append(_Utterance(row.utterance_id, row.audio_path, row.start, row.duration, phones))
        held += row.duration
    return batches


def _measured(family: Family, root: Path | None, batch: list[_Utterance]) -> list[dict[str, np.ndarray]]:
    measure = import_module(family.module).measure
    found = []
    for utterance in batch:
        try:
            if family.takes == WAVEFORM:
                path = Path(root or "") / utterance.audio_path
                found.append(measure(read_waveform(path, utterance.start, utterance.duration)))
            else:
                starts, ends = utterance.phones.T
                found.append(measure(starts, ends, utterance.duration))
        except LayerwiseError as error:
            raise AcousticsError(f"{utterance.utterance_id} ({utterance.audio_path}): {error}") from error
    return found
