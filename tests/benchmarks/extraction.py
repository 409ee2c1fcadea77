"""How fast full-size models are extracted, and what one pass for everything saves.

    PYTHONPATH=workflow python tests/benchmarks/extraction.py [--utterances 24] [--threads 2] [--models base large]

Base (12 blocks of 768) and Large (24 of 1,024) with random weights, on utterances of the demo, in two ways:

- this workflow: one pass over the union of three sample sets, from audio to the file, one by one and in batches;
- the published procedure's passes: for every sample set one over the utterances of its frames for the conv layers, one
  for the blocks, one over the utterances of its phones and one over those of its words. Only the time of the model is
  counted, in as many threads and with the same code, and neither pooling nor files.

Sample sets have the paper's share of the corpus: 500 of 2,703 utterances for frames, 200 segments of each phone and 15
of each of 500 words for that many utterances. Peak memory is that of a process of its own.
"""

import argparse
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import soundfile
import torch
from demo_tables import SEED, Tables, demo_tables

from layerwise.checkpoints import make_random_checkpoint
from layerwise.extraction import extract
from layerwise.models import load_folder
from layerwise.sampling import SampleSizes

SETS = 3
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


def our_pass(checkpoint: Path, tables: Tables, out: Path, threads: int, batch_seconds: float) -> tuple[float, float]:
    """Seconds and peak megabytes of one extraction."""
    model = load_folder(checkpoint)  # for its layers; also, files are in memory for every way alike
    started = time.perf_counter()
    extract(
        checkpoint,
        tables.samples,
        tables.utterances,
        tables.audio,
        out,
        layers=model.layer_names,
        stride_seconds=model.stride_seconds,
        device="cpu",
        threads=threads,
        batch_seconds=batch_seconds,
    )
    return time.perf_counter() - started, peak_megabytes()


def published_passes(checkpoint: Path, tables: Tables, threads: int) -> tuple[float, float, float]:
    """Seconds, peak megabytes, and seconds of audio passed through the model."""
    torch.set_num_threads(1)
    model = load_folder(checkpoint)
    paths = pd.read_parquet(tables.utterances).set_index("utterance_id")["audio_path"]
    waveforms = {name: soundfile.read(tables.audio / path, dtype="float32")[0] for name, path in paths.items()}
    heard, started = 0, time.perf_counter()
    for sample in tables.samples:
        for table in ("utterances", "utterances", "phones", "words"):
            inputs = [waveforms[name] for name in sorted(tables.ids(sample, table))]
            with ThreadPoolExecutor(threads) as pool:
                for _ in pool.map(lambda waveform: len(model.layers(waveform)), inputs):
                    pass
            heard += sum(waveform.size for waveform in inputs)
    return time.perf_counter() - started, peak_megabytes(), heard / 16_000


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


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
        union = set().union(*(tables.ids(s, t) for s in tables.samples for t in ("utterances", "phones", "words")))
        durations = pd.read_parquet(tables.utterances).set_index("utterance_id")["duration"]
        audio = durations[list(union)].sum()
        print(f"{len(union)} utterances, {audio:.1f} s of audio, {SETS} sample sets, {given.threads} threads")
        for name in given.models:
            checkpoint = Path(folder) / name
            make_random_checkpoint(ARCHITECTURES[name], SEED, checkpoint)
            seconds = {}
            for way, batch in (("one by one", 0), ("batches", given.batch_seconds)):
                out = Path(folder) / f"{name}.h5"
                seconds[way], peak = alone(our_pass, checkpoint, tables, out, given.threads, batch)
                size = out.stat().st_size / 1e6
                print(
                    f"{name:6} {way:20} {seconds[way]:7.1f} s   real-time factor {seconds[way] / audio:.2f}   "
                    f"peak {peak:.0f} MB   file {size:.0f} MB",
                    flush=True,
                )
            taken, peak, heard = alone(published_passes, checkpoint, tables, given.threads)
            print(f"{name:6} {'published passes':20} {taken:7.1f} s   {heard:.1f} s of audio   peak {peak:.0f} MB")
            print(
                f"{name:6} published passes / one by one: {taken / seconds['one by one']:.1f}   "
                f"one by one / batches: {seconds['one by one'] / seconds['batches']:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
