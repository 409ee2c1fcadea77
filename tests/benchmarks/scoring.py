"""What a score costs: python tests/benchmarks/scoring.py speed | memory | growth | start.

speed   one score of 180,000 rows, 80 × 768, ten folds, three trials, six regularisers, from a float16 HDF5 file, beside
        the floor (reading that file and one product of its rows in float32) and the published procedure, in one run
memory  the highest resident memory of a whole score job above its imports, 80 × 768 and 1024 × 1024
growth  seconds against rows, and against dimensions
start   what a score job takes before and after its numbers: start, imports, opening and writing files
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import yaml
from threadpoolctl import threadpool_limits

import published_procedure
from layerwise.representations.store import Rearranged
from layerwise.representations.writer import CHUNK_BYTES
from layerwise.scoring.chance import frame_rows
from layerwise.scoring.folds import merged, trials
from layerwise.scoring.measures.cca import cross_validate
from layerwise.scoring.measures.passes import fold_moments
from layerwise.scoring.metrics import METRICS

PROPERTIES = Path(__file__).parents[2] / "resources/properties.yaml"
ROWS, MEL, WIDTH = 180_000, 80, 768
TARGET = "x"  # mel and layer 0 are the first view
PAIRS = trials(10, 3, 1, 1)
EPSILONS = [(1e-10, 1e-10), (1e-9, 1e-10), (1e-8, 1e-8), (1e-7, 1e-6), (1e-6, 1e-5), (1e-5, 1e-5)]


def write_views(path: Path, rows: int, dx: int, dy: int, shared: int = 32) -> None:
    """A representation file of one sample: frames of two layers, `T0` and `T1`, and mel; float16, made-up numbers.

    Utterances are of 300 to 420 rows and of 18 speakers in turn.
    """
    rng = np.random.default_rng(0)
    maps = {"target/mel": (dx, None), "frame/T1": (dy, None), "frame/T0": (dx, None)}
    maps = {name: (width, rng.normal(size=(shared, width)).astype("f4")) for name, (width, _) in maps.items()}
    with h5py.File(path, "w", libver="v110") as file:
        for name, (width, _) in maps.items():
            chunks = (min(rows, CHUNK_BYTES // (2 * width)), width)
            file.create_dataset(f"1/{name}", (rows, width), "f2", chunks=chunks)
            file[f"1/{name}"].attrs.create("grid", "", dtype=h5py.string_dtype(length=1))
        for start in range(0, rows, 20_000):
            stop = min(start + 20_000, rows)
            hidden = rng.standard_normal((stop - start, shared), "f4")
            for name, (width, mapped) in maps.items():
                file[f"1/{name}"][start:stop] = hidden @ mapped + 3 * rng.standard_normal((stop - start, width), "f4")
        utterances = max(1, rows // 360)
        borders = np.linspace(0, rows, utterances + 1) + rng.integers(-30, 31, utterances + 1)
        borders[[0, -1]] = 0, rows
        file["1/frame/offsets"] = borders.astype(np.int64)
        file["1/frame/utterance_id"] = np.arange(utterances).astype("S")
        file["1/frame/speaker_id"] = (np.arange(utterances) % 18).astype("S")
        file.attrs.update({"shard": 0, "complete": True})


def folds_of(rows: int) -> np.ndarray:
    return np.random.default_rng(1).permutation(np.arange(rows) % 10)


def read_score(path: Path, fold: np.ndarray, standardise: bool = True):
    """As a score job does it: from the file to the metrics of every trial."""
    x, y = "1/target/mel", "1/frame/T1"
    apart, pairs = merged(fold, PAIRS)
    with h5py.File(path, "r") as file:
        return cross_validate(fold_moments(file[x], file[y], apart), pairs, EPSILONS, standardise, TARGET)


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def speed(folder: Path) -> None:
    path = folder / "views.h5"
    write_views(path, ROWS, MEL, WIDTH)
    fold = folds_of(ROWS)
    product_rows = np.random.default_rng(0).standard_normal((ROWS, MEL + WIDTH), "f4")

    def read():
        with h5py.File(path, "r") as file:
            return file["1/target/mel"][:], file["1/frame/T1"][:]

    def floor():
        read()
        product_rows.T @ product_rows

    def chance():
        apart, pairs = merged(fold, PAIRS)
        with h5py.File(path, "r") as file:
            utterances, speakers = (file[f"1/frame/{name}_id"][:] for name in ("utterance", "speaker"))
            frames = np.diff(file["1/frame/offsets"][:])
            places = frame_rows(utterances, speakers, frames, frames, "mel", 1, 1)
            mel = Rearranged(file["1/target/mel"], places)
            cross_validate(fold_moments(mel, file["1/frame/T1"], apart, known_y=known), pairs, EPSILONS, True, TARGET)

    with h5py.File(path, "r") as file:
        known = fold_moments(file["1/target/mel"], file["1/frame/T1"], merged(fold, PAIRS)[0]).y
    actions = {"floor": floor, "score": lambda: read_score(path, fold), "chance": chance}
    print(f"one score of {ROWS:,} rows, {MEL} × {WIDTH}, from float16 HDF5; median of 7; {', '.join(METRICS)}")
    for threads in (1, os.cpu_count()):
        with threadpool_limits(threads, user_api="blas"):
            timed = [{name: seconds(action) for name, action in actions.items()} for _ in range(7)]
        middle = {name: statistics.median(times[name] for times in timed) for name in actions}
        shown = ", ".join(f"{name} {value:.2f} s" for name, value in middle.items())
        print(f"{threads} threads: {shown}; score / floor {middle['score'] / middle['floor']:.2f}")
    x, y = (np.ascontiguousarray(view.T.astype(np.float32)) for view in read())
    published: list = []
    own = seconds(lambda: published.extend(published_procedure.score(x, y, fold, PAIRS, EPSILONS)))
    print(f"published  {own:7.2f} s, once, from arrays in memory")
    print(f"published / score  {own / middle['score']:.0f}")
    for trial, theirs in zip(read_score(path, fold, standardise=False), published, strict=True):
        ours = {name: getattr(trial.scores["pwcca_published"], name) for name in theirs}
        print("difference of the scores:", {name: f"{abs(ours[name] - value):.1e}" for name, value in theirs.items()})


MEASURED_JOB = """
import json, sys, time
from pathlib import Path
from layerwise.scoring.properties import property_of
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings

def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024

started, imports = time.perf_counter(), peak()
settings = ScoreSettings(10, 3, "row", True, json.loads(sys.argv[4]), 1)
question = property_of(sys.argv[2], json.loads(sys.argv[5]))
score_layers([sys.argv[1]], question, "made-up", 1, ["T1"], settings, Path(sys.argv[3]))
print(json.dumps({"above": peak() - imports, "imports": imports, "seconds": time.perf_counter() - started}))
"""


def job(question: str, path: Path, folder: Path) -> list:
    """What scores T1 of a file in a process of its own."""
    entry = yaml.safe_load(PROPERTIES.read_text(encoding="utf-8"))[question]
    return [
        *(sys.executable, "-c", MEASURED_JOB, path, question, folder / "T1.json"),
        *map(json.dumps, (EPSILONS, entry)),
    ]


def memory(folder: Path) -> None:
    for question, dx, dy in (("mel", MEL, WIDTH), ("intra", 1024, 1024)):
        path = folder / "views.h5"
        write_views(path, ROWS, dx, dy)
        command = job(question, path, folder)
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        print(
            f"{question:6} {ROWS:,} × {dx} and {dy}: {found['above'] * 1.048576:.0f} MB above the imports, "
            f"{found['seconds']:.1f} s with its chance level"
        )


def growth(folder: Path) -> None:
    path = folder / "views.h5"
    print(f"rows, {MEL} × {WIDTH}: seconds to read and sum, and for the trials; best of 3")
    sizes, times = (125_000, 250_000, 500_000, 1_000_000, 2_000_000), []
    for rows in sizes:
        write_views(path, rows, MEL, WIDTH)
        streamed, fitted = _best(path, "1/target/mel", rows)
        times.append(streamed)
        print(f"{rows:>9,}  {streamed:7.2f}  {fitted:6.2f}")
    slope, start = np.polyfit(sizes, times, 1, w=1 / np.array(times))
    apart = np.abs(np.polyval([slope, start], sizes) / times - 1).max()
    print(f"the line {start:.2f} s + {slope * 1e6:.2f} s a million rows is at most {apart:.0%} away")
    print("dimensions, 180,000 rows: seconds to read and sum (of which 10¹² products of numbers), and for the trials")
    for dx, dy in ((80, 256), (80, 512), (80, 768), (80, 1024), (256, 256), (512, 512), (768, 768), (1024, 1024)):
        write_views(path, ROWS, dx, dy)
        streamed, fitted = _best(path, "1/target/mel", ROWS)
        print(f"{dx:>4} × {dy:<4}  {streamed:6.2f} ({streamed / (ROWS * (dx + dy) ** 2 / 1e12):.2f})  {fitted:6.2f}")


def _best(path: Path, x: str, rows: int) -> tuple[float, float]:
    fold, pairs = merged(folds_of(rows), PAIRS)
    streamed, fitted = [], []
    for _ in range(3):
        with h5py.File(path, "r") as file:
            started = time.perf_counter()
            moments = fold_moments(file[x], file["1/frame/T1"], fold)
            streamed.append(time.perf_counter() - started)
            started = time.perf_counter()
            cross_validate(moments, pairs, EPSILONS, True, TARGET)
            fitted.append(time.perf_counter() - started)
    return min(streamed), min(fitted)


def start(folder: Path) -> None:
    path = folder / "views.h5"
    write_views(path, 3_000, 8, 16)
    command = job("mel", path, folder)
    whole = [seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(7)]
    bare = [seconds(lambda: subprocess.run([sys.executable, "-c", ""], check=True)) for _ in range(7)]
    print(f"a score job of 3,000 rows, 8 × 16: {statistics.median(whole):.2f} s, median of 7")
    print(f"Python alone: {statistics.median(bare):.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "memory", "growth", "start"])
    what = parser.parse_args().what
    with tempfile.TemporaryDirectory() as folder:
        globals()[what](Path(folder))


if __name__ == "__main__":
    main()
