"""What a sweep over all layers costs against the training of one layer.

    PYTHONPATH=workflow python tests/benchmarks/probes.py [--threads 2] [--steps 3] [--kinds labels phones characters]

A model of Base size (12 blocks of 768) with random weights, on utterances of the demo: 13 layers and the weighted sum,
14 heads, beside one head on the middle layer, in turn in one run, with the recipe of SUPERB. Times are from the first
forward pass to the last update, without loading the model, looks at dev and the test. Two ways:

- phones, characters: frames are computed for every batch, as with data that does not fit `probes.cache_gb`;
- labels: one pass over the audio, then as many updates for each utterance as the recipe has on Fluent Speech Commands:
  200,000 for 23,132 training utterances.

Few steps are enough, as every step does the same.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

from demo_tables import demo_tables
from extraction import ARCHITECTURES, paper_sizes
from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT
from layerwise.layers import WEIGHTED
from layerwise.models.loading import load_folder
from layerwise.models.random_weights import make_random_checkpoint
from layerwise.probes.answers import Utterances
from layerwise.probes.heads import HEADS
from layerwise.probes.kinds import KINDS
from layerwise.probes.layers import FrozenLayers, KeptLayers
from layerwise.probes.sweep import Settings, Sweep
from layerwise.probes.tasks import INDEXING

SEED = 1
MIDDLE = "T6"
STEPS_PER_UTTERANCE = 200_000 / 23_132
LETTERS = [chr(ord("a") + i) for i in range(26)]
BOUND = {"labels": "at most 2", "phones": "at most 2", "characters": "at most 0.7 x heads"}


def utterances_of(audio: list[Path], kind: str) -> Utterances:
    """Targets of the length that speech has: 12 phones, 3 words of 5 letters a second; 64 labels."""
    generator = np.random.default_rng(SEED)
    samples = np.array([soundfile.info(path).frames for path in audio])
    targets = []
    for seconds in samples / 16_000:
        if kind == "labels":
            targets.append((str(generator.integers(64)),))
        elif kind == "phones":
            targets.append(tuple(f"P{i}" for i in generator.integers(39, size=round(12 * seconds))))
        else:
            words = generator.choice(LETTERS, size=(max(1, round(3 * seconds)), 5))
            targets.append(tuple("".join(word) for word in words))
    parts = np.array(["train"] * (len(audio) - 2) + ["dev", "test"])
    return Utterances(parts, targets, samples)


def seconds_of(model, layers, heads, kind: str, audio, given) -> tuple[float, float]:
    """Of the forward passes alone (where they come first), and of all."""
    utterances = utterances_of(audio, kind)
    superb = read_yaml(ROOT / "resources/tasks.yaml")["recipes"]["superb"][kind]
    recipe = {key: value for key, value in superb.items() if key not in INDEXING}
    steps = round(STEPS_PER_UTTERANCE * len(audio)) if KINDS[kind].pooled else given.steps
    recipe |= {"steps": steps, "evaluate_every": steps, "checkpoint_every": steps, "batch": given.batch}
    settings = Settings(task="benchmark", model="base", kind=kind, seed=SEED, **recipe)
    started = time.perf_counter()
    pooled = KINDS[kind].pooled
    source = FrozenLayers(model, layers, audio, utterances.num_samples, pooled=pooled, threads=given.threads)
    with tempfile.TemporaryDirectory() as folder:
        if pooled:
            source = KeptLayers(source, range(len(audio)), Path(folder))
        computed = time.perf_counter() - started if pooled else 0.0
        torch.set_num_threads(given.threads if HEADS[KINDS[kind].head].gains_from_threads and not pooled else 1)
        sweep = Sweep(source, utterances, heads, settings, threads=given.threads)
        sweep._look = lambda: None
        sweep.train()
    return computed, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=34)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--kinds", nargs="+", default=list(BOUND), choices=BOUND)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        tables = demo_tables(corpus, given.utterances, 1, paper_sizes(given.utterances))
        audio = sorted(Path(tables.audio).rglob("*.flac"))[: given.utterances]
        checkpoint = Path(folder) / "base"
        make_random_checkpoint(ARCHITECTURES["base"], SEED, checkpoint)
        model = load_folder(checkpoint)
        layers = [name for name in model.layer_names if name.startswith("T")]
        all_heads = [*layers, WEIGHTED]
        seconds = sum(soundfile.info(path).duration for path in audio)
        print(f"{len(audio)} utterances, {seconds:.0f} s of audio, batches of {given.batch}, {given.threads} threads")
        for kind in given.kinds:
            found: dict[str, list] = {"one": [], "all": []}
            for _ in range(given.repeats):  # in turn, so that a busy machine slows both
                found["one"].append(seconds_of(model, [MIDDLE], [MIDDLE], kind, audio, given))
                found["all"].append(seconds_of(model, layers, all_heads, kind, audio, given))
            best = {name: min(times, key=lambda pair: pair[1]) for name, times in found.items()}
            ratio = best["all"][1] / best["one"][1]
            print(
                f"{kind:10} one head {best['one'][1]:6.1f} s, {len(all_heads)} heads {best['all'][1]:6.1f} s: "
                f"{ratio:.2f} x ({BOUND[kind]}; 0.7 x heads is {0.7 * len(all_heads):.1f})"
                + (f"; of these the pass over the audio {best['all'][0]:.1f} s" if KINDS[kind].pooled else ""),
                flush=True,
            )


if __name__ == "__main__":
    main()
