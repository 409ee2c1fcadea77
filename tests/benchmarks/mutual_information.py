"""What mutual information with clusters costs: a Base layer (768 dimensions, float16 HDF5) at the paper's sizes.

    PYTHONPATH=workflow python tests/benchmarks/mutual_information.py [--share S]

Clusters are fitted to 273,000 phone rows (500 clusters) and 600,000 word rows (5,000 clusters), and scored on 7,800
and 7,500 others: the largest sizes of the paper. --share takes so much of the training rows and of the clusters, and
half of that before, which shows how cost grows. Prints, of each size in a process of its own, seconds of CPU of the
fit, its batches, seconds of the assignment, of the score with its level by chance, and of the standard errors; and the
highest memory above the imports.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from layerwise.scoring.measures.clusters import PUBLISHED, ClusterSettings, fit_clusters, nearest_clusters
from layerwise.scoring.measures.mutual_information import jackknifed_information, mutual_information

WIDTH, UTTERANCES = 768, 500
BLOCK = 10_000  # rows that are written at a time
SIZES = {"phone": (273_000, 39, 200), "word": (600_000, 500, 15)}  # training rows, labels, and scored rows of each


def write(path: Path, train: int, labels: int, scored: int) -> None:
    """Rows of labels in turn: the label's place, and noise."""
    rng = np.random.default_rng(0)
    middles = rng.standard_normal((labels, WIDTH), "f4")
    with h5py.File(path, "w") as file:
        for name, rows in (("train", train), ("scored", scored)):
            data = file.create_dataset(name, (rows, WIDTH), "f2", chunks=(min(rows, 300), WIDTH))
            for start in range(0, rows, BLOCK):
                label = np.arange(start, min(start + BLOCK, rows)) % labels
                data[start : start + BLOCK] = middles[label] + 2 * rng.standard_normal((label.size, WIDTH), "f4")


def peak() -> float:
    """The highest memory of this process so far, MB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def measure(path: Path, labels: int, asked: ClusterSettings) -> dict:
    fit_clusters(np.eye(3), ClusterSettings(2, 2), 1)  # imports
    imports, found = peak(), {}

    def timed(name, action):
        started = time.process_time()
        result = action()
        found[name] = time.process_time() - started
        return result

    with h5py.File(path) as file:
        clusters = timed("fit", lambda: fit_clusters(file["train"], asked, 1))
        assigned = timed("assign", lambda: nearest_clusters(file["scored"], clusters))
    label = np.arange(assigned.size) % labels
    utterance = np.random.default_rng(1).integers(0, UTTERANCES, assigned.size)
    score = timed("score", lambda: mutual_information(assigned, label))
    timed("errors", lambda: jackknifed_information(assigned, label, utterance))
    found |= {"batches": clusters.batches, "fitted": clusters.rows, "MB": peak() - imports}
    return found | {"mi": score.score, "chance": score.chance, "adjusted": score.adjusted}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)  # file, labels, settings: in a process of its own
    asked = parser.parse_args()
    if asked.measure:
        path, labels, chosen = asked.measure
        print(json.dumps(measure(Path(path), int(labels), ClusterSettings(**json.loads(chosen)))))
        return
    print("question    rows clusters batches   fit s assign s score s errors s      MB  score chance adjusted")
    for name, (rows, labels, each) in SIZES.items():
        for share in (asked.share / 2, asked.share):
            train, published = round(share * rows), PUBLISHED[name]
            chosen = {"clusters": max(2, round(share * published.clusters)), "batch_size": published.batch_size}
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "rows.h5"
                write(path, train, labels, labels * each)
                job = [sys.executable, __file__, "--measure", str(path), str(labels), json.dumps(chosen)]
                found = json.loads(subprocess.run(job, capture_output=True, text=True, check=True).stdout)
            print(
                f"{name:8} {found['fitted']:7} {chosen['clusters']:8} {found['batches']:7} {found['fit']:7.1f} "
                f"{found['assign']:8.2f} {found['score']:7.3f} {found['errors']:8.2f} {found['MB']:7.0f} "
                f"{found['mi']:6.3f} {found['chance']:6.3f} {found['adjusted']:8.3f}"
            )


if __name__ == "__main__":
    main()
