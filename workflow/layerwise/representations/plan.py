"""What one pass over the audio takes from each utterance: the tables of its rows, and the utterances of its shard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from layerwise.corpus.times import steps
from layerwise.files import own_tables
from layerwise.files.own_tables import UTTERANCES, read_parquet
from layerwise.spans import POOLINGS, SPANS, Rows


@dataclass(frozen=True)
class Plan:
    """What one shard takes from each utterance: whether its frames are sampled, and its segments, per sample."""

    utterances: pd.DataFrame  # utterance_id, speaker_id, audio_path of this shard, sorted
    frames: dict[int, set[str]]
    segments: dict[tuple[int, Rows], dict[str, pd.DataFrame]]  # (sample, rows) → utterance → rows of their table
    empty: pd.DataFrame  # what an utterance without segments has


def sample_folders(tables: Iterable[str | Path]) -> dict[int, Path]:
    """Sample number → folder of its tables, which is named by it."""
    return {int(folder.name): folder for folder in sorted({Path(table).parent for table in tables})}


def rows_of_pass(folders: Iterable[str], tables: Iterable[str | Path]) -> dict:
    """The arguments `rows` and `tables` of `extract` for a pass over rows that not every experiment has.

    Args:
        folders: of the rows, such as `word.centre` or `stresses.mean`; [""]: those of every experiment.
        tables: the tables of segments among them, each named by its rows.
    """
    paths = {Path(path).stem: Path(path) for path in tables}
    split = [folder.split(".") for folder in folders if folder]
    if not split:
        return {}
    rows = [Rows(of, POOLINGS[pooling], "" if of in SPANS else str(paths[of])) for of, pooling in split]
    return {"rows": rows, "tables": paths}


def drawn_rows(samples: dict[int, Path], rows: tuple[Rows, ...], tables: Mapping[str, Path]) -> dict:
    """The table of each (sample, rows); those of a user's table are the same for every sample, and stand there once."""
    paths: dict[tuple[int, Rows], Path] = {}
    for each in rows:
        for sample, folder in samples.items():
            if each.span is None:
                paths.setdefault((min(samples), each), tables[each.of])
            else:
                paths[sample, each] = Path(folder) / f"{each.span.table}.parquet"
    return {
        key: read_parquet(path, own_tables.SEGMENT_COLUMNS if key[1].of_segments else ("utterance_id",))
        for key, path in paths.items()
    }


def plan_of(drawn: dict[tuple[int, Rows], pd.DataFrame], utterances: Path, shard: int, shards: int) -> Plan:
    corpus = read_parquet(utterances, UTTERANCES).sort_values("utterance_id", ignore_index=True)
    union = set().union(*(table["utterance_id"] for table in drawn.values()))
    mine = shard_of(corpus[corpus["utterance_id"].isin(union)], shard, shards)
    of_segments = {key: table for key, table in drawn.items() if key[1].of_segments}
    return Plan(
        utterances=mine,
        frames={sample: set(table["utterance_id"]) for (sample, rows), table in drawn.items() if not rows.of_segments},
        segments={key: dict(iter(table.groupby("utterance_id"))) for key, table in of_segments.items()},
        empty=next(iter(of_segments.values())).iloc[:0],
    )


def shard_of(utterances: pd.DataFrame, shard: int, shards: int) -> pd.DataFrame:
    """Consecutive utterances of about equal total length."""
    ends = utterances["duration"].cumsum()
    middle = steps(ends - utterances["duration"] / 2, max(1e-9, ends.max() if len(ends) else 1) / shards)
    return utterances[middle.astype(int).clip(upper=shards - 1) == shard]
