"""How near automatic alignments are to others, and how quick: python tests/benchmarks/aligning.py [--every 4] [--grid].

Takes every k-th utterance of the demo, whose times are exact (or of another corpus: --audio, --alignments, --split),
aligns it from audio and transcript alone, and prints the share of word and phone borders that lie within 10, 20 and
50 ms of the other ones. A border counts where the labels agree: of words and phones that only one of both has (another
pronunciation was chosen) the other's borders count as missed, and so do all those of utterances that were not aligned.

With --grid the decoders are compared: the lattice's best path or not, beams from narrow to wide, and wider ones for
what the first could not align; a line each.
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

from layerwise.alignments import aligner
from layerwise.alignments.forced import align_utterances
from layerwise.alignments.index import index_alignments
from layerwise.alignments.marks import marks_of
from layerwise.alignments.phones import phone_set
from layerwise.corpus.layouts import layout_of
from layerwise.corpus.unpacking import unpack_audio
from layerwise.corpus.utterances import index_utterances
from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT

DEMO = ROOT / "resources" / "demo"
LAYOUT = layout_of(read_yaml(ROOT / "resources/layouts.yaml")["librispeech"])
PHONES = phone_set("arpabet", read_yaml(ROOT / "resources/phones.yaml"))
MARKS = marks_of({}, read_yaml(ROOT / "resources/marks.yaml"))
ROUNDING_SECONDS = 1e-6


def border_errors(made: pd.DataFrame, given: pd.DataFrame, tier: str) -> np.ndarray:
    """Made minus given time, in seconds, of the start and end of each given interval; NaN where none was made of it.

    Args:
        made, given: tables of intervals.
        tier: `phone` or `word`.
    """
    chosen = given[given["tier"] == tier]
    other = dict(list(made[made["tier"] == tier].groupby("utterance_id")))
    nothing = made[:0]
    return np.array(
        [error for name, mine in chosen.groupby("utterance_id") for error in _errors(other.get(name, nothing), mine)]
    )


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


BEAMS = {
    "narrow": {"beam": 1e-24, "pbeam": 1e-24, "wbeam": 7e-15},
    "own": {},
    "wide": {"beam": 1e-96, "pbeam": 1e-96, "wbeam": 7e-58},
}


def grid() -> dict[str, tuple[dict[str, object], ...]]:
    """Decoders by what is said of them: one, or several of which each takes what the one before could not align."""
    decoders = {
        f"{beams}; {'yes' if bestpath else 'no'}": ({"bestpath": bestpath, **BEAMS[beams]},)
        for bestpath in (True, False)
        for beams in BEAMS
    }
    decoders["own, then wide; no"] = tuple({"bestpath": False, **BEAMS[name]} for name in ("own", "wide"))
    decoders["narrow, then own, then wide; no"] = tuple({"bestpath": False, **beams} for beams in BEAMS.values())
    return decoders


class Corpus:
    """Utterances, their audio, and the alignment that others are compared with, in a folder."""

    def __init__(self, folder: Path, audio: Path, alignments: Path, split: str, every: int) -> None:
        self.folder, self.audio = folder, folder / "audio"
        self.utterances = folder / "utterances.parquet"
        unpack_audio(audio, split, self.audio)
        index_utterances(self.audio, split, self.utterances, folder / "left_out.csv", layout=LAYOUT)
        self.table = pd.read_parquet(self.utterances).iloc[::every]
        self.table.to_parquet(self.utterances, index=False)
        self.seconds = self.table["duration"].sum()
        index_alignments(
            alignments, split, self.utterances, folder / "given.parquet", folder / "unmatched.csv",
            layout=LAYOUT, phones=PHONES, marks=MARKS,
        )  # fmt: skip
        self.given = pd.read_parquet(folder / "given.parquet")

    def align(self, processes: int) -> tuple[pd.DataFrame, pd.DataFrame, float]:
        """Intervals, problems, and how many seconds it took."""
        start = time.perf_counter()
        made, problems = self.folder / "made.parquet", self.folder / "problems.csv"
        align_utterances(self.utterances, self.audio, made, problems, phones=PHONES, processes=processes)
        return pd.read_parquet(made), pd.read_csv(problems), time.perf_counter() - start


def compare(corpus: Corpus, processes: int) -> None:
    """A line for each of the decoders."""
    print("| beams; best path | not aligned | words within 20 ms | phones within 20 ms | median error | × real time |")
    print("|---|---|---|---|---|---|")
    for name, aligner.DECODERS in grid().items():
        made, _, seconds = corpus.align(processes)
        missing = len(corpus.table) - made["utterance_id"].nunique()
        words, phones = (border_errors(made, corpus.given, tier) for tier in ("word", "phone"))
        median = 1000 * np.nanmedian(np.abs(np.concatenate([words, phones])))
        shares = f"{within(words, 0.02):.1%} | {within(phones, 0.02):.1%}"
        print(f"| {name} | {missing} | {shares} | {median:.0f} ms | {corpus.seconds / seconds:.0f} |", flush=True)


def describe(corpus: Corpus, processes: int) -> None:
    """What the aligner makes as it is."""
    made, problems, seconds = corpus.align(processes)
    missing = len(corpus.table) - made["utterance_id"].nunique()
    print(f"{len(corpus.table)} utterances, {corpus.seconds:.0f} s; not aligned: {missing}")
    for row in problems.itertuples():
        print(f"  {row.utterance_id}: {row.problem}, {row.detail}")
    print(f"{seconds:.1f} s with {processes} process(es): {corpus.seconds / seconds:.0f} × real time")
    for tier in ("word", "phone"):
        errors = border_errors(made, corpus.given, tier)
        shares = ", ".join(f"{within(errors, ms / 1000):.1%} within {ms} ms" for ms in (10, 20, 50))
        print(f"{tier}s: {errors.size} borders, {np.isfinite(errors).mean():.1%} with the same label; {shares}")
        print(f"  made minus given, where the label is the same: median {1000 * np.nanmedian(errors):+.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, default=DEMO / "demo-dev-clean.tar.gz")
    parser.add_argument("--alignments", type=Path, default=DEMO / "demo_alignments.zip")
    parser.add_argument("--split", default="dev-clean")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--grid", action="store_true", help="compare decoders, a line each")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus(Path(folder), arguments.audio, arguments.alignments, arguments.split, arguments.every)
        (compare if arguments.grid else describe)(corpus, arguments.processes)


if __name__ == "__main__":
    main()
