"""What word discrimination costs: PYTHONPATH=workflow python tests/benchmarks/discrimination.py vectors | frames.

vectors  a Base layer's mean vectors (768 dimensions): seconds of CPU and highest memory above imports, against the
         number of segments. 4,167 segments with 7,344 same-word pairs are LibriSpeech's dev-clean set; 14,143 make 10⁸
         pairs. --types sets the number of words: few words make many same-word pairs
frames   warped frames, 15 to 60 a word: microseconds of CPU a pair for the frames' distances and for each reduction,
         what loading and compiling takes, and what 8.7 million pairs would

Each size is a process of its own, so that memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

WIDTH = 768
PAIRS = 8_679_861  # of dev-clean
REDUCTIONS = ("sum over frames", "path mean")


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def vectors(segments: int, types: int) -> dict[str, float]:
    from layerwise.scoring import confidence  # noqa: F401 (imported where an interval is computed)
    from layerwise.scoring.measures.discrimination import same_different_of_vectors

    random = np.random.default_rng(0)
    labels = random.integers(0, types, segments)
    rows = random.normal(size=(segments, WIDTH)).astype("f4")
    rows += 0.35 * random.normal(size=(types, WIDTH)).astype("f4")[labels]
    before, started = megabytes(), time.process_time()
    found = same_different_of_vectors(rows, labels, random.integers(0, 40, segments))
    seconds = time.process_time() - started
    return {
        "segments": segments,
        "pairs": found.pairs,
        "same-word": found.same_word,
        "seconds": round(seconds, 2),
        "MB": round(megabytes() - before),
        "ap": round(found.ap, 4),
        "±": round(found.uncertainty.standard_error, 4),
    }


def frames(segments: int, types: int) -> dict[str, float]:
    started = time.process_time()
    from layerwise.scoring.measures.dtw import frame_distances, pair_distances

    loaded = time.process_time() - started
    random = np.random.default_rng(0)
    words = [random.normal(size=(length, WIDTH)).astype("f4") for length in random.integers(15, 61, segments)]
    started = time.process_time()
    for reduction in REDUCTIONS:
        pair_distances(words[:2], reduction=reduction)
    row = {"segments": segments, "import s": round(loaded, 2), "compile s": round(time.process_time() - started, 2)}
    pairs = segments * (segments - 1) / 2
    some = np.concatenate(words)[:2048]
    started = time.process_time()
    frame_distances(some, some, "cosine")
    row["ns a frame pair"] = round((time.process_time() - started) / some.shape[0] ** 2 * 1e9, 1)
    before = megabytes()
    for reduction in REDUCTIONS:
        started = time.process_time()
        pair_distances(words, reduction=reduction)
        row[f"{reduction}: µs a pair"] = round((time.process_time() - started) / pairs * 1e6, 1)
    row["min for dev-clean"] = round(row[f"{REDUCTIONS[0]}: µs a pair"] * PAIRS / 60e6, 1)
    row["MB"] = round(megabytes() - before)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("vectors", "frames"))
    parser.add_argument("--segments", type=int, nargs="+", help="default: 1,000 to 14,143 vectors, or 200 words")
    parser.add_argument("--types", type=int, help="number of words (default: about as LibriSpeech's)")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    measure = {"vectors": vectors, "frames": frames}[arguments.what]
    if arguments.one:
        types = arguments.types or max(2, round(arguments.one / 3.5))
        print(json.dumps(measure(arguments.one, types)))
        return
    sizes = arguments.segments or {"vectors": [1000, 2000, 4167, 14143], "frames": [200]}[arguments.what]
    again = [sys.executable, __file__, arguments.what, *(["--types", str(arguments.types)] if arguments.types else [])]
    for number, size in enumerate(sizes):
        row = json.loads(
            subprocess.run([*again, "--one", str(size)], check=True, capture_output=True, text=True).stdout
        )
        if number == 0:
            print("  ".join(f"{name:>12}" for name in row))
        print("  ".join(f"{row[name]:>{max(12, len(name))}}" for name in row), flush=True)


if __name__ == "__main__":
    main()
