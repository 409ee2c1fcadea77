"""Speech that a program holds in memory, as the tables and recordings that the stages of an experiment read."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import soundfile

from layerwise.alignments.cleaning import clean
from layerwise.alignments.columns import TIERS, Utterance, named
from layerwise.alignments.marks import Marks
from layerwise.alignments.phones import PhoneSet
from layerwise.alignments.tiers import Tier
from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.problems import summarise_problems
from layerwise.corpus.times import MAX_OVERRUN_SECONDS, comparable
from layerwise.errors import LayerwiseError, did_you_mean, listed_names, shown

log = logging.getLogger(__name__)

_INTERVAL_COLUMNS = ("utterance_id", "tier", "label", "start", "end")
_LOUDEST = 2  # a resampled recording may pass 1 by a little; whole numbers of 16 bits pass it by far


class SpeechError(LayerwiseError):
    """Utterances or intervals are not as expected; the message names the first that is wrong."""


@dataclass(frozen=True)
class Speech:
    """Where utterances and intervals lie: two Parquet tables, and recordings whose paths are relative to `audio`."""

    utterances: Path
    intervals: Path
    audio: Path


def write_speech(
    utterances: Mapping[str, np.ndarray] | pd.DataFrame,
    intervals: pd.DataFrame | None,
    folder: Path,
    *,
    tier_names: Mapping[str, list[str]],
    phones: PhoneSet,
    marks: Marks,
    sample_rate: int = SAMPLE_RATE,
) -> Speech:
    """Write what a program holds, checked and cleaned as the files of a corpus are.

    Args:
        utterances, intervals, sample_rate: as `layerwise.analyse` takes them.
        folder: an empty one.
        tier_names: what tiers are called, beside `phone` and `word`.
        phones, marks: what labels of phones mean, and which labels are no speech.

    Raises:
        SpeechError: a column is missing, a waveform is none, an interval is of no utterance or ends after it.
        AlignmentError: a phone that is not in the set.
    """
    speech = Speech(folder / "utterances.parquet", folder / "intervals.parquet", folder / "audio")
    speech.audio.mkdir()
    rows = []
    for number, (utterance_id, speaker_id, waveform) in enumerate(sorted(_utterances(utterances))):
        samples = _samples(utterance_id, waveform)
        path = f"{number}.wav"
        # Whole numbers would round; W64 is a WAV of any length.
        soundfile.write(speech.audio / path, samples, sample_rate, format="W64", subtype="FLOAT")
        rows.append(
            {
                "utterance_id": utterance_id,
                "speaker_id": speaker_id,
                "audio_path": path,
                "duration": samples.size / sample_rate,
                "start": 0.0,
            }
        )
    table = pd.DataFrame(rows)
    table.to_parquet(speech.utterances, index=False)
    durations = dict(zip(table["utterance_id"], table["duration"].tolist(), strict=True))
    aligned = _aligned(_checked(intervals, durations), durations)
    names = {tier: [tier, *tier_names[tier]] for tier in TIERS}
    _require_tiers(aligned, names)
    cleaned = clean(aligned, names, phones, marks)
    if faults := [problem for problem in cleaned.problems if not problem.problem.startswith("no ")]:
        log.warning("intervals: %s", summarise_problems(faults))
    pq.write_table(cleaned.intervals, speech.intervals)
    return speech


def _utterances(utterances: Mapping[str, np.ndarray] | pd.DataFrame) -> list[tuple[str, str, np.ndarray]]:
    """(id, speaker, waveform) of each."""
    if isinstance(utterances, pd.DataFrame):
        _require_columns("utterances", utterances, ("utterance_id", "waveform"))
        speakers = utterances["speaker_id"] if "speaker_id" in utterances else [""] * len(utterances)
        found = list(zip(utterances["utterance_id"], speakers, utterances["waveform"], strict=True))
    elif isinstance(utterances, Mapping):
        found = [(utterance_id, "", waveform) for utterance_id, waveform in utterances.items()]
    else:
        raise SpeechError(
            "utterances: a mapping from id to waveform is expected, or a DataFrame with the columns utterance_id, "
            f"waveform and, where speakers are known, speaker_id; not {type(utterances).__name__}"
        )
    if not found:
        raise SpeechError("utterances: there are none")
    known = set()
    for utterance_id, speaker_id, _ in found:
        for name, value in (("an id", utterance_id), ("a speaker_id", speaker_id)):
            if not isinstance(value, str):
                raise SpeechError(f"utterances: {name} is text, not {shown(repr(value))}")
        if utterance_id in known:
            raise SpeechError(f"utterances: two are called {shown(utterance_id)}")
        known.add(utterance_id)
    return found


def _samples(utterance_id: str, waveform: object) -> np.ndarray:
    """The waveform as float32."""
    what = f"utterances: the waveform of {shown(utterance_id)}"
    samples = np.asarray(waveform)
    if samples.ndim != 1:
        raise SpeechError(f"{what} has the shape {samples.shape}; one channel, (samples,), is expected")
    if samples.dtype.kind != "f":
        raise SpeechError(
            f"{what} holds {samples.dtype}; floats from -1 to 1 are expected (divide int16 samples by 32768)"
        )
    if not samples.size:
        raise SpeechError(f"{what} is empty")
    if not np.isfinite(samples).all():
        raise SpeechError(f"{what} holds NaN or infinity")
    if (peak := np.abs(samples).max()) > _LOUDEST:
        raise SpeechError(f"{what} reaches {peak:g}; floats from -1 to 1 are expected")
    return samples.astype(np.float32)


def _require_columns(what: str, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    if missing := [column for column in columns if column not in table]:
        hint = did_you_mean(table.columns, missing[0])
        found = listed_names(table.columns, missing[0]) or "none"
        raise SpeechError(f"{what}: the column {missing[0]} is missing{hint}; there are {found}")


def _checked(intervals: pd.DataFrame | None, durations: Mapping[str, float]) -> pd.DataFrame:
    """The intervals, if each lies inside of an utterance."""
    if intervals is None:
        return pd.DataFrame({column: [] for column in _INTERVAL_COLUMNS})
    if not isinstance(intervals, pd.DataFrame):
        raise SpeechError(
            f"intervals: a DataFrame with the columns {', '.join(_INTERVAL_COLUMNS)} is expected, not "
            f"{type(intervals).__name__}"
        )
    _require_columns("intervals", intervals, _INTERVAL_COLUMNS)
    for column in ("start", "end"):
        if intervals[column].dtype.kind not in "iuf" or not np.isfinite(intervals[column]).all():
            raise SpeechError(f"intervals: the column {column} must hold seconds, and in every row")
    for column in ("utterance_id", "tier", "label"):
        for value in intervals[column].unique():
            if not isinstance(value, str):
                raise SpeechError(f"intervals: the column {column} holds {shown(repr(value))}, which is no text")
    strangers = [name for name in intervals["utterance_id"].unique() if name not in durations]
    if strangers:
        hint = did_you_mean(durations, strangers[0])
        raise SpeechError(f"intervals: {shown(strangers[0])} is none of the {len(durations)} utterances{hint}")
    ends = intervals["utterance_id"].map(durations)
    late = comparable(intervals["end"]) > comparable(ends + MAX_OVERRUN_SECONDS)
    if late.any():
        row = intervals[late].iloc[0]
        raise SpeechError(
            f"intervals: {shown(row['label'])!r} of {shown(row['utterance_id'])} ends at {row['end']:g} s, its "
            f"waveform at {durations[row['utterance_id']]:g} s; times are seconds from its beginning, and "
            "sample_rate is that of the waveforms"
        )
    return intervals


def _aligned(intervals: pd.DataFrame, durations: Mapping[str, float]) -> list[Utterance]:
    """Each utterance with its tiers."""
    tiers: dict[str, list[Tier]] = {name: [] for name in durations}
    for (utterance_id, tier), rows in intervals.groupby(["utterance_id", "tier"], sort=False):
        tiers[utterance_id].append(Tier(tier, *(rows[column].tolist() for column in ("label", "start", "end"))))
    return [Utterance(name, "", duration, tiers[name]) for name, duration in durations.items()]


def _require_tiers(aligned: list[Utterance], names: Mapping[str, list[str]]) -> None:
    tiers = {tier.name for utterance in aligned for tier in utterance.tiers}
    known = [name for kind in names.values() for name in kind]
    if tiers and not any(named(utterance.tiers, known) for utterance in aligned):
        raise SpeechError(
            f"intervals: no tier is called phone or word; there are {listed_names(sorted(tiers), 'phone')}"
        )
