"""What word segmentation of a layer costs: PYTHONPATH=workflow python tests/benchmarks/segmentation.py [--sizes 125]

Made-up frames of a Base layer (768 dimensions, float16, in an HDF5 file as extraction writes it) with a word every 300
ms; the paper has 500 utterances. For each number of utterances, in a process of its own: the CPU seconds of the 180
settings, of the cross-fitted choice, of 20 draws of chance and of the bootstrap; the highest resident memory above that
of the imports; and what 180 separate calls of `segment` and `boundary_scores` would take, from three of them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from layerwise.representations.writer import CHUNK_BYTES
from layerwise.scoring.measures.boundaries import boundary_scores
from layerwise.scoring.measures.segmentation import Scaling, boundary_milliseconds, segment
from layerwise.scoring.measures.segmentation_chance import segmentation_chance, segmentation_interval
from layerwise.scoring.measures.segmentation_grid import GRID, cross_fitted_segmentation, segmentation_counts

STRIDE, WORD = 0.02, 15  # seconds, frames
FOLDS = 10
ALONE = GRID[32], GRID[93], GRID[98]  # settings that are timed one by one


def write_layer(path: Path, utterances: int, dimensions: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Frames of each utterance, and its word boundaries; utterances last 4 to 10 s, as LibriSpeech's do on average."""
    rng = np.random.default_rng(0)
    frames = rng.integers(200, 520, utterances)
    with h5py.File(path, "w", libver="v110") as file:
        chunks = (CHUNK_BYTES // (2 * dimensions), dimensions)
        layer = file.create_dataset("layer", (int(frames.sum()), dimensions), "f2", chunks=chunks)
        start = 0
        for count in frames.tolist():
            words = np.repeat(rng.standard_normal((count // WORD + 1, dimensions), "f4"), WORD, axis=0)[:count]
            layer[start : start + count] = words + rng.standard_normal((count, dimensions), "f4")
            start += count
    return frames, [np.arange(WORD - 1, count, WORD) * 20 for count in frames.tolist()]


def timed(seconds: dict[str, float], name: str, function: Callable[[], Any]) -> Any:
    started = time.process_time()
    found = function()
    seconds[name] = time.process_time() - started
    return found


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(utterances: int, dimensions: int, folder: Path) -> dict[str, float]:
    seconds: dict[str, float] = {}
    path = folder / f"{utterances}.h5"
    frames, reference = write_layer(path, utterances, dimensions)
    before = peak_bytes()
    with h5py.File(path, "r") as file:
        layer = file["layer"]
        grid = timed(seconds, "grid", lambda: segmentation_counts(layer, frames, reference, STRIDE))
        fitted = timed(seconds, "choice", lambda: cross_fitted_segmentation(grid, np.arange(utterances) % FOLDS))
        level = timed(seconds, "chance", lambda: segmentation_chance(grid, fitted.chosen, 1))
        low, high = timed(seconds, "interval", lambda: segmentation_interval(fitted.counts, 1))
        memory = peak_bytes() - before
        scaling = Scaling.of(layer)
        rows = np.split(layer[:], np.cumsum(frames)[:-1])

    def alone() -> None:
        for setting in ALONE:
            found = [segment(scaling(each), setting.distance, setting.window, setting.prominence) for each in rows]
            boundary_scores([boundary_milliseconds(each, STRIDE, setting.window) for each in found], reference)

    timed(seconds, "one by one", alone)
    seconds["one by one"] *= len(GRID) / len(ALONE)
    figures = {"frames": int(frames.sum()), "MB": memory / 1e6, "f1": fitted.scores.f1, "low": low, "high": high}
    return seconds | figures | {"chance f1": level.level("f1")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[125, 250, 500], help="utterances")
    parser.add_argument("--dimensions", type=int, default=768)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(arguments.one, arguments.dimensions, Path(folder))))
        return
    columns = ("frames", "grid", "choice", "chance", "interval", "one by one", "MB", "f1", "low", "high", "chance f1")
    print("utterances " + " ".join(f"{name:>10}" for name in columns))
    for size in arguments.sizes:
        command = [sys.executable, __file__, "--one", str(size), "--dimensions", str(arguments.dimensions)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        figures = json.loads(done.stdout)
        cells = (f"{figures[name]:>10}" if name == "frames" else f"{figures[name]:>10.3f}" for name in columns)
        print(f"{size:>10} " + " ".join(cells), flush=True)


if __name__ == "__main__":
    main()
