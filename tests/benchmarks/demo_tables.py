"""The demo's corpus, or every k-th of its utterances, with the tables that extraction takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from layerwise.alignments.index import index_alignments
from layerwise.alignments.marks import marks_of
from layerwise.alignments.phones import phone_set
from layerwise.corpus.layouts import layout_of
from layerwise.corpus.unpacking import unpack_audio
from layerwise.corpus.utterances import index_utterances
from layerwise.files.catalogues import read_yaml
from layerwise.sampling import draw_sample_tables
from layerwise.spans import BY_TABLE, SampleSizes

REPOSITORY = Path(__file__).resolve().parents[2]
SPLIT, SEED = "dev-clean", 1


@dataclass(frozen=True)
class Tables:
    """Where everything lies.

    Attributes:
        audio: what the paths of the utterances are relative to.
        samples: number of the sample set → its folder.
    """

    audio: Path
    utterances: Path
    samples: dict[int, Path]

    def ids(self, sample: int, table: str) -> set[str]:
        """The utterances of a table of a sample set."""
        return set(pd.read_parquet(self.samples[sample] / f"{table}.parquet")["utterance_id"])


def demo_tables(folder: Path, count: int, sets: int, sizes: SampleSizes) -> Tables:
    """`count` utterances, and `sets` sample sets of them, below an empty folder."""
    demo, audio = REPOSITORY / "resources/demo", folder / "audio"
    unpack_audio(demo / "demo-dev-clean.tar.gz", SPLIT, audio)
    utterances, intervals = folder / "utterances.parquet", folder / "intervals.parquet"
    layout = layout_of(read_yaml(REPOSITORY / "resources/layouts.yaml")["librispeech"])
    index_utterances(audio, SPLIT, utterances, folder / "problems.csv", layout=layout)
    index_alignments(
        demo / "demo_alignments.zip", SPLIT, utterances, intervals, folder / "unaligned.csv",
        layout=layout,
        phones=phone_set("arpabet", read_yaml(REPOSITORY / "resources/phones.yaml")),
        marks=marks_of({}, read_yaml(REPOSITORY / "resources/marks.yaml")),
    )  # fmt: skip
    table = pd.read_parquet(utterances)
    table = table.iloc[:: max(1, len(table) // count)][:count]
    table.to_parquet(utterances, index=False)
    labelled = pd.read_parquet(intervals)
    labelled[labelled["utterance_id"].isin(table["utterance_id"])].to_parquet(intervals, index=False)
    samples = {}
    for sample in range(1, sets + 1):
        samples[sample] = folder / "samples" / str(sample)
        samples[sample].mkdir(parents=True)
        out = {name: samples[sample] / f"{name}.parquet" for name in BY_TABLE}
        draw_sample_tables(utterances, intervals, sample, SEED, sizes, out)
    return Tables(audio, utterances, samples)
