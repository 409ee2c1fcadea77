"""How far the workflow goes: python tests/benchmarks/scale.py plan [--layers-per-job 1 7 49] | librilight.

plan        seconds and peak memory of `snakemake -n` for 50 models × 49 layers × 4 properties × 10 sample sets: as many
            scores as 8 properties × 5 sample sets have, of which only four properties exist. Nothing is fetched or run
librilight  what 60,000 hours would cost a model, calculated from resources/calibration.yaml and the sizes of arrays
"""

from __future__ import annotations

import argparse
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import get_context
from resource import RUSAGE_CHILDREN, getrusage

import yaml

from layerwise.alignments.arpabet import PHONES
from layerwise.constants import MEL_SECONDS
from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.experiment.costs import read_calibration
from layerwise.experiment.speech_amounts import BYTES_PER_SECOND
from layerwise.files.shipped import ROOT
from layerwise.layers import is_conv, layer_names
from layerwise.representations.size import Drawn, layer_sizes, representation_bytes
from layerwise.scoring.properties import read_properties

ENTRIES = read_catalogue("properties.yaml")
PROPERTIES = read_properties({name: ENTRIES[name] for name in ("intra", "mel", "phone", "word")})
MODELS, BLOCKS, SAMPLES, LIMIT_SECONDS = 50, 48, 10, 240

HOURS, FOLDS, WORD_TYPES, CONV_WIDTH = 60_000, 10, 500, 512
SEGMENTS_PER_SECOND = {"phone": 10.0, "word": 2.7}  # assumed, for read English
BLOCKS_WIDTH = {"Base": (12, 768), "Large": (24, 1024)}
CONV_AT_10_MS = [f"C{number}" for number in range(1, 7)]
SHARD_JOB_HOURS = 4  # extraction jobs of profiles/slurm end after so long


def plan(layers_per_job: list[int]) -> None:
    print(f"{MODELS} models × {BLOCKS + 1} layers × {len(PROPERTIES)} properties × {SAMPLES} sample sets")
    print(f"{'layers a job':>12} {'score jobs':>11} {'all jobs':>9} {'seconds':>8} {'peak MB':>8}")
    for size in layers_per_job:
        with get_context("spawn").Pool(1) as pool:  # the peak of children is one of all so far
            jobs, seconds, peak = pool.apply(planned, (size,))
        shown = (
            f"{jobs['score_layers']:>11,} {jobs['total']:>9,} {seconds:>8.1f}" if jobs else f"over {LIMIT_SECONDS} s"
        )
        print(f"{size:>12} {shown} {peak / 1e6:>8,.0f}", flush=True)


def planned(layers_per_job: int) -> tuple[dict[str, int], float, int]:
    """Jobs of each rule (none: it took too long), seconds and peak bytes of one dry run."""
    names = [f"model-{number:02}" for number in range(1, MODELS + 1)]
    shape = {"conv_layers": 7, "blocks": BLOCKS, "stride_seconds": 0.02}
    experiment = {
        "experiment": "scale",
        "models": names,
        "extra_models": {name: {"source": f"owner/{name}", **shape} for name in names},
        "properties": list(PROPERTIES),
        "layers": [f"T{number}" for number in range(BLOCKS + 1)],
        "samples": {"count": SAMPLES},
        "cca": {"layers_per_job": layers_per_job},
        "probes": {"tasks": []},
    }
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(experiment, file)
        file.flush()
        command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--configfile", file.name]
        started = time.perf_counter()
        try:
            done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=LIMIT_SECONDS)
            jobs = dict(re.findall(r"^(score_layers|total) +(\d+)$", done.stdout + done.stderr, re.MULTILINE))
        except subprocess.TimeoutExpired:
            jobs = {}
        seconds = time.perf_counter() - started
    peak = getrusage(RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {rule: int(count) for rule, count in jobs.items()}, seconds, peak


def librilight() -> None:
    calibration = read_calibration()
    extraction, costs = calibration["extraction"], calibration["scores"]
    seconds = 3600 * HOURS
    print(f"{HOURS:,} h of audio, about {seconds * BYTES_PER_SECOND / 1e12:.1f} TB as FLAC; one pass, every layer kept")
    for size, (blocks, width) in BLOCKS_WIDTH.items():
        low, high = (HOURS * each for each in extraction["cpu_seconds"][size])
        jobs = math.ceil(high / SHARD_JOB_HOURS)
        layers = layer_names(7, blocks)
        drawn = Drawn(seconds, {span: round(seconds * each) for span, each in SEGMENTS_PER_SECOND.items()})
        stored = representation_bytes(layer_sizes(layers, width, CONV_WIDTH, 0.02), [drawn], 0.02, "float16")
        pairs = list(views(layers, width))
        products = costs["seconds_per_product"] * sum(rows * (dx + dy) ** 2 for rows, dx, dy in pairs) / 3600
        kept = sum(moment_bytes(dx, dy) for _, dx, dy in pairs)
        print(f"\n{size}: {len(layers)} layers, {len(pairs)} scores, {drawn.seconds / 0.02:.2e} frames of 20 ms")
        print(f"  forward pass  {low:>9,.0f} to {high:,.0f} h on {extraction['cpu_threads']} CPU threads, measured")
        print(
            f"                {low / HOURS:.2f} to {high / HOURS:.2f} × {HOURS:,} / N h on GPUs of N times that speed"
        )
        chance = products * costs["chance"]
        print(f"  moments       {chance:>9,.0f} h of one core, with the chance level (without: {products:,.0f})")
        print(f"  jobs          {jobs:>9,} shards of {HOURS / jobs:.1f} h, each {SHARD_JOB_HOURS} h on these threads")
        print(f"  stored rows   {stored / 1e12:>9,.1f} TB; {stored / jobs / 1e9:,.0f} GB a shard while it is computed")
        print(f"  moments kept  {kept / 1e9:>9,.1f} GB as one sum; {kept * jobs / 1e12:,.0f} TB if shards keep theirs")


def views(layers: list[str], width: int) -> Iterator[tuple[float, int, int]]:
    """Rows, and dimensions of both views, of each score over all audio."""

    def width_of(layer: str) -> int:
        return CONV_WIDTH if is_conv(layer) else width

    for question in PROPERTIES.values():
        types = len(PHONES) if question.rows.of == "phone" else WORD_TYPES
        for layer in question.layers(layers):
            seconds_per_row = MEL_SECONDS if layer in CONV_AT_10_MS else 0.02
            rate = SEGMENTS_PER_SECOND.get(question.rows.of, 1 / seconds_per_row)
            yield 3600 * HOURS * rate, width_of(layer), question.target.width(width_of, types)


def moment_bytes(dx: int, dy: int) -> int:
    """Of (n, Σx, Σy, Σxxᵀ, Σxyᵀ, Σyyᵀ) in every fold, as float64, and Σxyᵀ of the chance level; nothing is shared."""
    return 8 * FOLDS * (1 + dx + dy + dx * dx + 2 * dx * dy + dy * dy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["plan", "librilight"])
    parser.add_argument("--layers-per-job", type=int, nargs="+", default=[1, 7, 49])
    given = parser.parse_args()
    if given.what == "plan":
        plan(given.layers_per_job)
    else:
        librilight()


if __name__ == "__main__":
    main()
