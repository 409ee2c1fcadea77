"""How fast full-size models are extracted, and what one pass for everything saves.

    PYTHONPATH=workflow python tests/benchmarks/extraction.py [--utterances 24] [--threads 2] [--models base large]

Base (12 blocks of 768) and Large (24 of 1,024) with random weights, on utterances of the demo, in two ways:

- this workflow: one pass over the union of three sample sets, from audio to the file, one by one and in batches;
- the published procedure's passes, with the same code: for every sample set one over the utterances of its frames for
  the conv layers, one for the blocks, one over the utterances of its phones and one over those of its words.

Sample sets have the paper's share of the corpus: 500 of 2,703 utterances for frames, 200 segments of each phone and 15
of each of 500 words for that many utterances. Peak memory is that of a process of its own.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from demo_tables import SEED, Tables, demo_tables
from layerwise.layers import layer_names
from layerwise.models.random_weights import make_random_checkpoint
from layerwise.representations.extract import extract
from layerwise.spans import BY_TABLE, SampleSizes

SETS = 3
TABLES = ("utterances", "phones", "words")
PAPER_UTTERANCES = 2703
CONV = {
    "conv_dim": [512] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
}
ARCHITECTURES = {
    "base": {"model_type": "wav2vec2", "feat_extract_norm": "group", "hidden_size": 768, "num_hidden_layers": 12}
    | {"num_attention_heads": 12, "intermediate_size": 3072, **CONV},
    "large": {"model_type": "wav2vec2", "feat_extract_norm": "layer", "hidden_size": 1024, "num_hidden_layers": 24}
    | {"num_attention_heads": 16, "intermediate_size": 4096, "do_stable_layer_norm": True, "conv_bias": True, **CONV},
}


def paper_sizes(utterances: int) -> SampleSizes:
    share = utterances / PAPER_UTTERANCES
    words = round(500 * 15 * share)
    return SampleSizes(
        utterances=max(1, round(500 * share)),
        phones_per_type=max(1, round(200 * share)),
        word_types=max(2, words // 3),
        words_per_type=3,
    )


@dataclass(frozen=True)
class Cost:
    """Of one way, from loading the model on: seconds by the clock and of all cores, peak megabytes."""

    wall: float
    cores: float
    peak: float

    def __str__(self) -> str:
        return f"{self.wall:7.1f} s, {self.cores:7.1f} s of cores, peak {self.peak:.0f} MB"


class Stopwatch:
    def __init__(self) -> None:
        self.started = time.perf_counter(), time.process_time()

    def cost(self) -> Cost:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
        return Cost(time.perf_counter() - self.started[0], time.process_time() - self.started[1], peak)


def our_pass(checkpoint: Path, tables: Tables, out: Path, threads: int, batch_seconds: float) -> Cost:
    """One extraction for all sample sets."""
    watch = Stopwatch()
    one_extraction(checkpoint, tables, tables.samples, out, threads, batch_seconds)
    return watch.cost()


def published_passes(checkpoint: Path, tables: Tables, folder: Path, threads: int) -> Cost:
    """For each sample set, one extraction for each of its tables; for that of frames two."""
    passes = []
    for sample, drawn in tables.samples.items():
        for number, wanted in enumerate(("utterances", *TABLES)):
            part = folder / f"{sample}-{number}"
            part.mkdir(parents=True)
            for name in BY_TABLE:
                table = pd.read_parquet(drawn / f"{name}.parquet")
                table[: len(table) if name == wanted else 0].to_parquet(part / f"{name}.parquet", index=False)
            passes.append({sample: part})
    watch = Stopwatch()
    for samples in passes:
        one_extraction(checkpoint, tables, samples, folder / "pass.h5", threads, batch_seconds=0)
    return watch.cost()


def one_extraction(checkpoint, tables, samples, out, threads, batch_seconds) -> None:
    blocks = json.loads((checkpoint / "config.json").read_text())["num_hidden_layers"]
    extract(
        checkpoint,
        samples,
        tables.utterances,
        tables.audio,
        out,
        layers=layer_names(7, blocks),
        stride_seconds=0.02,
        device="cpu",
        threads=threads,
        batch_seconds=batch_seconds,
    )


def alone(function, *arguments):
    """In a fresh process, whose peak memory is its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=24)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-seconds", type=float, default=20)
    parser.add_argument("--models", nargs="+", default=list(ARCHITECTURES), choices=ARCHITECTURES)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        tables = demo_tables(corpus, given.utterances, SETS, paper_sizes(given.utterances))
        union = set().union(*(tables.ids(s, t) for s in tables.samples for t in TABLES))
        durations = pd.read_parquet(tables.utterances).set_index("utterance_id")["duration"]
        audio = durations[list(union)].sum()
        passed = sum(durations[list(tables.ids(s, t))].sum() for s in tables.samples for t in ("utterances", *TABLES))
        print(
            f"{len(union)} utterances, {audio:.1f} s of audio, {passed:.1f} s in the published passes, "
            f"{SETS} sample sets, {given.threads} threads"
        )
        for name in given.models:
            checkpoint = Path(folder) / name
            make_random_checkpoint(ARCHITECTURES[name], SEED, checkpoint)
            ours = {}
            for way, batch in (("one by one", 0), ("batches", given.batch_seconds)):
                out = Path(folder) / f"{name}.h5"
                ours[way] = cost = alone(our_pass, checkpoint, tables, out, given.threads, batch)
                print(f"{name:5} {way:16} {cost}, real-time factor {cost.wall / audio:.2f}", flush=True)
            passes = alone(published_passes, checkpoint, tables, Path(folder) / f"{name}-passes", given.threads)
            print(f"{name:5} {'published passes':16} {passes.wall:7.1f} s, {passes.cores:7.1f} s of cores")
            once = ours["one by one"]
            compared = {"passes / one by one": (passes, once), "one by one / batches": (once, ours["batches"])}
            for what, (one, other) in compared.items():
                clock, cores = one.wall / other.wall, one.cores / other.cores
                print(f"{name:5} {what}: {clock:.2f} by the clock, {cores:.2f} of cores", flush=True)


if __name__ == "__main__":
    main()
