"""Long recordings, such as interviews, cut into utterances where nobody speaks.

Attention over ten minutes takes too much memory, and no model was trained on that. A cut at a pause loses least.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from layerwise.alignments.cleaning import INTERVAL_SCHEMA
from layerwise.corpus.times import comparable, steps
from layerwise.corpus.utterances import UTTERANCE_SCHEMA
from layerwise.errors import LayerwiseError, first_names
from layerwise.files.own_tables import INTERVALS, UTTERANCES, read_parquet, write_parquet

log = logging.getLogger(__name__)

LONG_SECONDS = 35.0  # the longest utterance of LibriSpeech; what is longer is cut no further, and counted


class CuttingError(LayerwiseError):
    """Recordings cannot be cut into utterances."""


def cut_recordings(recordings: Path, intervals: Path, pause: float, utterances_out: Path, intervals_out: Path) -> None:
    """Write the tables of utterances and of their intervals for recordings that are cut at pauses.

    An utterance is a series of words, or of phones where no recording has words, with less than `pause` seconds between
    each and the next; up to half a `pause` of audio on either side belongs to it. It starts at a multiple of 10 ms, so
    pooling rounds times as it does elsewhere. Its id is that of the recording and a number, its text the words, its
    `start` the seconds of the recording before it.

    Args:
        recordings: a table of utterances, each a whole recording.
        intervals: theirs, times in seconds from the recording's start.

    Raises:
        CuttingError: no recording has a word or phone.
    """
    whole = read_parquet(recordings, (*UTTERANCES, "chapter_id", "sample_rate")).sort_values("utterance_id")
    spoken = dict(iter(read_parquet(intervals, INTERVALS).groupby("utterance_id")))
    tier = "word" if any("word" in set(rows["tier"]) for rows in spoken.values()) else "phone"
    silent = [name for name in whole["utterance_id"] if name not in spoken or tier not in set(spoken[name]["tier"])]
    if len(silent) == len(whole):
        raise CuttingError(f"{intervals} has no word and no phone: recordings can only be cut between them")
    if silent:
        log.warning("%d recordings have no %s and are left out: %s", len(silent), tier, first_names(silent))
    pieces = [
        _cut(recording, spoken[recording.utterance_id], pause, tier)
        for recording in whole.itertuples(index=False)
        if recording.utterance_id not in silent
    ]
    utterances = pd.concat([rows for rows, _ in pieces], ignore_index=True)
    kept = pd.concat([rows for _, rows in pieces], ignore_index=True)
    lost = sum(map(len, spoken.values())) - len(kept)
    long = utterances[comparable(utterances["duration"]) > LONG_SECONDS]
    log.info("%d recordings cut into %d utterances; %d phones outside of them", len(pieces), len(utterances), lost)
    if len(long):
        log.warning(
            "%d utterances are longer than %g s, the longest %s of %.0f s: shorter corpus.layout.cut_pauses cut more",
            len(long), LONG_SECONDS, long.loc[long["duration"].idxmax(), "utterance_id"], long["duration"].max(),
        )  # fmt: skip
    write_parquet(pa.Table.from_pandas(utterances, UTTERANCE_SCHEMA, preserve_index=False), utterances_out)
    write_parquet(pa.Table.from_pandas(kept, INTERVAL_SCHEMA, preserve_index=False), intervals_out)


def _cut(recording: Any, intervals: pd.DataFrame, pause: float, tier: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The utterances of one recording, and their intervals with times from each utterance's start."""
    spoken = intervals[intervals["tier"] == tier].sort_values("start")
    texts = spoken["label"] if tier == "word" else pd.Series("", spoken.index)
    starts, ends = spoken["start"].to_numpy(), spoken["end"].to_numpy()
    pauses = comparable(starts[1:] - ends[:-1]) >= comparable(pause)
    first = np.flatnonzero(np.append(True, pauses))  # of each utterance, in the words
    last = np.append(first[1:], len(spoken)) - 1
    gaps = np.concatenate([[starts[0]], starts[first[1:]] - ends[last[:-1]], [recording.duration - ends[last[-1]]]])
    around = np.minimum(pause, gaps) / 2
    around[[0, -1]] = np.minimum(pause / 2, gaps[[0, -1]])  # nobody else needs what is at the edges
    begins = np.ceil(steps(starts[first] - around[:-1], 0.01)) / 100
    begins = np.minimum(begins, starts[first])  # a word that starts off the grid keeps its first milliseconds
    stops = np.minimum(ends[last] + around[1:], recording.duration)
    utterances = pd.DataFrame(
        {
            **{name: getattr(recording, name) for name in ("speaker_id", "chapter_id", "audio_path", "sample_rate")},
            "utterance_id": [f"{recording.utterance_id}-{number:04d}" for number in range(len(first))],
            "num_samples": np.round((stops - begins) * recording.sample_rate).astype(np.int64),
            "text": [" ".join(texts.iloc[a : b + 1]).strip() for a, b in zip(first, last, strict=True)],
            "start": begins,
        }
    )
    utterances["duration"] = utterances["num_samples"] / recording.sample_rate
    # An interval belongs to the utterance that holds all of it; phones between utterances belong to none.
    owner = np.searchsorted(comparable(begins), comparable(intervals["start"].to_numpy()), side="right") - 1
    inside = (owner >= 0) & (comparable(intervals["end"].to_numpy()) <= comparable(stops[np.maximum(owner, 0)]))
    kept, owner = intervals[inside], owner[inside]
    kept = kept.assign(
        utterance_id=utterances["utterance_id"].to_numpy()[owner],
        start=np.maximum(0.0, comparable(kept["start"].to_numpy() - begins[owner])),
        end=np.minimum(comparable(kept["end"].to_numpy() - begins[owner]), utterances["duration"].to_numpy()[owner]),
    )
    return utterances, kept.sort_values(["utterance_id", "tier", "start"])
