"""How near automatic alignments are to others, and how quick: python tests/benchmarks/aligning.py [--every 4].

Takes every k-th utterance of the demo, whose times are exact (or of another corpus: --audio, --alignments, --split),
aligns it from audio and transcript alone, and prints the share of word and phone borders that lie within 10, 20 and
50 ms of the other ones. A border counts where the labels agree: of words and phones that only one of both has (another
pronunciation was chosen) the other's borders count as missed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pandas as pd

from layerwise.aligning import align_utterances
from layerwise.alignments import index_alignments
from layerwise.catalogue import ROOT, read_yaml
from layerwise.corpus import index_utterances, unpack_audio
from layerwise.layouts import layout_of
from layerwise.marks import marks_of
from layerwise.phones import phone_set

DEMO = ROOT / "resources" / "demo"
LAYOUT = layout_of(read_yaml(ROOT / "resources/layouts.yaml")["librispeech"])
PHONES = phone_set("arpabet", read_yaml(ROOT / "resources/phones.yaml"))
MARKS = marks_of({}, read_yaml(ROOT / "resources/marks.yaml"))
ROUNDING_SECONDS = 1e-6


def border_errors(made: pd.DataFrame, given: pd.DataFrame, tier: str) -> np.ndarray:
    """Made minus given time, in seconds, of the start and end of each given interval; NaN where none was made of it.

    Args:
        made, given: tables of intervals; utterances that `made` lacks are left out.
        tier: `phone` or `word`.
    """
    aligned = set(made["utterance_id"])
    chosen = given[(given["tier"] == tier) & given["utterance_id"].isin(aligned)]
    other = dict(list(made[made["tier"] == tier].groupby("utterance_id")))
    return np.array([error for name, mine in chosen.groupby("utterance_id") for error in _errors(other[name], mine)])


def _errors(made: pd.DataFrame, given: pd.DataFrame) -> Iterator[tuple[float, float]]:
    times, expected = (table[["start", "end"]].to_numpy() for table in (made, given))
    labels = [table["label"].str.lower().tolist() for table in (made, given)]
    errors = np.full(expected.shape, np.nan)
    for first, second, size in SequenceMatcher(None, *labels, autojunk=False).get_matching_blocks():
        errors[second : second + size] = times[first : first + size] - expected[second : second + size]
    return map(tuple, errors)


def within(errors: np.ndarray, seconds: float) -> float:
    """The share of borders that are at most so far away."""
    return float(np.mean(np.abs(errors) <= seconds + ROUNDING_SECONDS))  # of NaN: False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, default=DEMO / "demo-dev-clean.tar.gz")
    parser.add_argument("--alignments", type=Path, default=DEMO / "demo_alignments.zip")
    parser.add_argument("--split", default="dev-clean")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        audio, utterances = folder / "audio", folder / "utterances.parquet"
        unpack_audio(arguments.audio, arguments.split, audio)
        index_utterances(audio, arguments.split, utterances, folder / "left_out.csv", layout=LAYOUT)
        table = pd.read_parquet(utterances).iloc[:: arguments.every]
        table.to_parquet(utterances, index=False)
        index_alignments(
            arguments.alignments, arguments.split, utterances, folder / "given.parquet", folder / "unmatched.csv",
            layout=LAYOUT, phones=PHONES, marks=MARKS,
        )  # fmt: skip
        start = time.perf_counter()
        align_utterances(
            utterances, audio, folder / "made.parquet", folder / "problems.csv",
            phones=PHONES, processes=arguments.processes,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        made, given = (pd.read_parquet(folder / f"{name}.parquet") for name in ("made", "given"))
        failed = pd.read_csv(folder / "problems.csv")
    duration = table["duration"].sum()
    print(f"{len(table)} utterances, {duration:.0f} s; not aligned: {len(table) - made['utterance_id'].nunique()}")
    for row in failed.itertuples():
        print(f"  {row.utterance_id}: {row.problem}, {row.detail}")
    print(f"{seconds:.1f} s with {arguments.processes} process(es): {duration / seconds:.0f} × real time")
    for tier in ("word", "phone"):
        errors = border_errors(made, given, tier)
        shares = ", ".join(f"{within(errors, ms / 1000):.1%} within {ms} ms" for ms in (10, 20, 50))
        print(f"{tier}s: {errors.size} borders, {np.isfinite(errors).mean():.1%} with the same label; {shares}")
        print(f"  made minus given, where the label is the same: median {1000 * np.nanmedian(errors):+.1f} ms")


if __name__ == "__main__":
    main()
