"""What ABX costs: python tests/benchmarks/abx.py [--hours H] [--dimensions D] [--all] [--fastabx].

A layer of made-up speech in the proportions of LibriSpeech's dev-clean (5.4 hours, 40 speakers, 2,703 utterances of 90
phones) is scored for each setting: seconds of CPU, cells, triplets, and the highest resident memory above the features.
Fewer hours have fewer utterances of the same speakers. `--all` leaves out the limits of ZeroSpeech (10 tokens, 5
speakers of X). `--fastabx` times fastabx beside it, where it is installed, without limits, on the same features and
items.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np

from layerwise.scoring.measures.abx import abx_cells
from layerwise.scoring.measures.abx_items import COLUMNS, Items, items_of_phones

SPEAKERS, FRAMES, FRAMES_OF_PHONE = 40, 360, 4
PHONES = [f"P{number:02}" for number in range(39)]
LIMITS = {"max_size_group": 10, "max_x_across": 5}
SETTINGS = [
    ("triphone", "within", "within"),
    ("triphone", "across", "within"),
    ("phoneme", "within", "any"),
    ("phoneme", "across", "any"),
]


def layer(hours: float, dimensions: int) -> tuple[dict[str, np.ndarray], dict[str, Items]]:
    """Features of each utterance, and items of both spans; some phones are ten times as frequent as others."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(len(PHONES), dimensions)).astype("f4")
    frequency = 1 / (np.arange(len(PHONES)) + 3)
    features, rows, speakers = {}, [], {}
    for number in range(max(SPEAKERS, round(hours * 3600 * 50 / FRAMES))):
        name = f"u{number:05}"
        speakers[name] = f"s{number % SPEAKERS}"
        said = rng.choice(len(PHONES), FRAMES // FRAMES_OF_PHONE, p=frequency / frequency.sum())
        features[name] = np.repeat(points[said], FRAMES_OF_PHONE, axis=0) / 4
        features[name] += rng.standard_normal((FRAMES, dimensions), "f4")
        starts = np.arange(len(said)) * FRAMES_OF_PHONE / 50
        rows += [
            (name, PHONES[phone], start, start + FRAMES_OF_PHONE / 50)
            for phone, start in zip(said, starts, strict=True)
        ]
    columns = list(zip(*rows, strict=True))
    return features, {span: items_of_phones(*columns, speakers, span) for span in ("triphone", "phoneme")}


def resident(key: str) -> float:
    """MB of this process: VmRSS now, VmHWM at most since it was forgotten."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024 / 1e6


def measure(features: Mapping[str, np.ndarray], items: Mapping[str, Items], limits: Mapping[str, int]) -> None:
    print(f"{'items':9} {'speaker':7} {'context':7} {'distance':9} pooling       CPU s      cells     triplets    MB")
    for (span, speaker, context), distance, pooling in product(SETTINGS, ("angular", "euclidean"), ("mean", "dtw")):
        Path("/proc/self/clear_refs").write_text("5")  # the highest memory is forgotten
        before, started = resident("VmRSS"), time.process_time()
        cells = abx_cells(features, items[span], speaker, context, distance, pooling, **limits)
        seconds = time.process_time() - started
        print(
            f"{span:9} {speaker:7} {context:7} {distance:9} {pooling:7} {seconds:11.2f} {len(cells):10,} "
            f"{cells.size.sum():12,} {resident('VmHWM') - before:5.0f}",
            flush=True,
        )


def beside_fastabx(features: Mapping[str, np.ndarray], items: Mapping[str, Items]) -> None:
    import torch
    from fastabx import zerospeech_abx

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for name, frames in features.items():
            torch.save(torch.from_numpy(frames), Path(folder) / f"{name}.pt")
        for span, of_span in items.items():
            lines = (" ".join(map(str, row)) for row in zip(*vars(of_span).values(), strict=True))
            (Path(folder) / f"{span}.item").write_text("\n".join([" ".join(COLUMNS), *lines]) + "\n")
        print("without limits, one thread: error rates and seconds of ours and of fastabx (DTW, angular)")
        for span, speaker, context in SETTINGS[:2]:
            started = time.process_time()
            ours = abx_cells(features, items[span], speaker, context, "angular", "dtw").error_rate
            between = time.process_time()
            theirs = zerospeech_abx(
                Path(folder) / f"{span}.item",
                folder,
                max_size_group=None,
                max_x_across=None,
                speaker=speaker,
                context=context,
                distance="angular",
                frequency=50,
                feature_maker=torch.load,
                extension=".pt",
                progress=False,
            )
            ended = time.process_time()
            print(
                f"{span:9} {speaker:7} {context:7} {ours:.6f} {between - started:8.2f}   {theirs:.6f} "
                f"{ended - between:8.2f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=5.4)
    parser.add_argument("--dimensions", type=int, default=768)
    parser.add_argument("--all", action="store_true", help="without the limits of ZeroSpeech")
    parser.add_argument("--fastabx", action="store_true")
    given = parser.parse_args()
    features, items = layer(given.hours, given.dimensions)
    frames = sum(map(len, features.values()))
    print(f"{given.hours:g} hours, {frames:,} × {given.dimensions}, {len(items['triphone']):,} items")
    if given.fastabx:
        beside_fastabx(features, items)
    else:
        measure(features, items, {} if given.all else LIMITS)


if __name__ == "__main__":
    main()
