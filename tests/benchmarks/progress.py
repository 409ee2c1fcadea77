"""What it costs an extraction to say how far it is.

    PYTHONPATH=workflow python tests/benchmarks/progress.py [--utterances 30] [--rounds 5]

The tiny random model of the smoke experiment, whose utterances come faster than those of any model that one would ask
about: without progress, with it, and with a line after each utterance, in turn. Seconds are of all cores.
"""

import argparse
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path
from unittest import mock

from demo_tables import REPOSITORY, SEED, Tables, demo_tables
from layerwise.files.catalogues import read_yaml
from layerwise.layers import layer_names
from layerwise.models.random_weights import make_random_checkpoint
from layerwise.progress import INTERVAL, ProgressLine
from layerwise.representations import extract
from layerwise.spans import SampleSizes

MODEL = "random-wav2vec2-tiny"


class Silent:
    """Counts, and neither looks at a clock nor says anything."""

    def __init__(self, *_: object) -> None:
        self.done = 0.0

    def add(self, units: float) -> None:
        self.done += units


def extraction(checkpoint: Path, tables: Tables, blocks: int, line: type, interval: str) -> float:
    """Seconds of cores."""
    with mock.patch.object(extract, "ProgressLine", line), mock.patch.dict(os.environ, {INTERVAL: interval}):
        started = time.process_time()
        extract.extract(
            checkpoint,
            tables.samples,
            tables.utterances,
            tables.audio,
            checkpoint.parent / "0.h5",
            layers=layer_names(7, blocks),
            stride_seconds=0.02,
            device="cpu",
            batch_seconds=0,
        )
        return time.process_time() - started


def nanoseconds_of_a_step(count: int = 1_000_000) -> float:
    line = ProgressLine("counting", None)
    started = time.perf_counter_ns()
    for _ in range(count):
        line.add()
    return (time.perf_counter_ns() - started) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    entry = read_yaml(REPOSITORY / "resources/models.yaml")[MODEL]
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w", encoding="utf-8") as nowhere:
        logging.basicConfig(level=logging.INFO, stream=nowhere)
        (corpus := Path(folder) / "corpus").mkdir()
        sizes = SampleSizes(given.utterances, phones_per_type=30, word_types=20, words_per_type=10)
        tables = demo_tables(corpus, given.utterances, 1, sizes)
        checkpoint = Path(folder) / MODEL
        make_random_checkpoint(entry["architecture"], SEED, checkpoint)
        ways = {"without": (Silent, "30"), "as it is": (ProgressLine, "30"), "at each step": (ProgressLine, "0")}
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(given.rounds + 1):
            for way, (line, interval) in ways.items():
                taken = extraction(checkpoint, tables, entry["architecture"]["num_hidden_layers"], line, interval)
                if number:  # the first round warms up
                    seconds[way].append(taken)
        for way, each in seconds.items():
            shares = [one / other for one, other in zip(each, seconds["without"], strict=True)]
            print(
                f"{way:12} {statistics.median(each):6.2f} s ({min(each):.2f} to {max(each):.2f}), "
                f"{statistics.median(shares):.3f} of that without ({min(shares):.3f} to {max(shares):.3f})"
            )
    step = nanoseconds_of_a_step()
    share = given.utterances * step / 1e9 / statistics.median(seconds["without"])
    print(f"a step: {step:.0f} ns, all steps: {share:.6f} of the extraction")


if __name__ == "__main__":
    main()
