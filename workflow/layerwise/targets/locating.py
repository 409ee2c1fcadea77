"""Write where the phones and words of the utterances of a sample lie, for measures of frames."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from layerwise.files.own_tables import INTERVALS, read_parquet
from layerwise.representations.writer import writing
from layerwise.spans import TIERS
from layerwise.targets.located import END, LABEL, OF, SPEAKERS, START, UTTERANCES

log = logging.getLogger(__name__)


def locate_intervals(sample: Path, intervals: Path, out: Path) -> None:
    """Write the phones and words of the utterances of a sample, as `layerwise.targets.located` reads them.

    Args:
        sample: samples/<sample>/utterances.parquet.
        intervals: corpus/intervals.parquet.
    """
    utterances = read_parquet(sample, ("utterance_id", "speaker_id")).sort_values("utterance_id")
    names = pd.Index(utterances["utterance_id"])
    table = read_parquet(intervals, INTERVALS)
    table = table.assign(utterance=names.get_indexer(table["utterance_id"]))
    table = table[table["utterance"] >= 0].sort_values(["utterance", "start", "end"], kind="stable")
    with writing(out, "float64", {"shard": 0}) as writer:
        writer.append(UTTERANCES, names.to_numpy(dtype=str))
        writer.append(SPEAKERS, utterances["speaker_id"].to_numpy(dtype=str))
        for tier in (span.name for span in TIERS):
            of_tier = table[table["tier"] == tier]
            log.info("%d %ss in %d utterances", len(of_tier), tier, of_tier["utterance"].nunique())
            writer.append(f"{tier}/{OF}", of_tier["utterance"].to_numpy(np.int64))
            writer.append(f"{tier}/{LABEL}", of_tier["label"].to_numpy(dtype=str))
            for name in (START, END):
                writer.append(f"{tier}/{name}", of_tier[name].to_numpy(np.float64))
