"""What updates of heads take: the figures of `snakemake estimate` for the training of tasks.

    PYTHONPATH=workflow python tests/benchmarks/training.py [--threads 2] [--repeats 2]

Heads of several kinds and sizes are trained for a few steps on made-up layers, which lie in a file as the kept layers
of a task do: times are of reading, updates and losses, without any pass of audio. Figures (`training.updates` in
resources/calibration.yaml) are fitted to these times by least squares of relative errors, none below zero, and
printed with what they say of each, as a share of what was measured.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import nnls

from layerwise.experiment.task_costs import SYMBOLS_PER_SECOND, HeadGroup, Work
from layerwise.layers import WEIGHTED
from layerwise.probes.answers import Utterances
from layerwise.probes.heads import HEADS
from layerwise.probes.kinds import KINDS
from layerwise.probes.layers import KeptLayers, Layers
from layerwise.probes.sweep import Settings, Sweep
from layerwise.probes.train import WIDE

SEED, STRIDE, RATE = 1, 0.02, 16_000
LETTERS = [chr(ord("a") + i) for i in range(26)]


@dataclass(frozen=True)
class Case:
    """Heads to be timed: on `layers` of `width` dimensions and their weighted sum, batches of utterances of so long."""

    kind: str
    layers: int
    width: int
    seconds: float
    batch: int
    projection: int
    hidden: int
    steps: int


CASES = (
    Case("labels", 7, 96, 2, 32, 256, 0, 100),  # the demo
    Case("labels", 13, 768, 2, 32, 256, 0, 20),
    Case("labels", 25, 1024, 2, 32, 256, 0, 10),
    Case("labels", 13, 768, 2, 256, 256, 0, 10),
    Case("phones", 7, 96, 2.3, 16, 256, 0, 10),  # the demo
    Case("phones", 7, 96, 12, 8, 256, 0, 3),
    Case("phones", 13, 768, 2.3, 16, 256, 0, 2),
    Case("phones", 5, 768, 12, 4, 64, 0, 2),
    Case("characters", 7, 96, 2.3, 8, 64, 64, 3),  # the demo
    Case("characters", 7, 96, 2.3, 16, 128, 128, 2),
    Case("characters", 3, 768, 2.3, 8, 512, 512, 1),
    Case("characters", 1, 768, 4, 8, 1024, 1024, 1),
    Case("characters", 3, 96, 12, 4, 128, 128, 1),
)


class MadeUp(Layers):
    """Layers of noise."""

    def __init__(self, case: Case) -> None:
        self.layers, self.width = tuple(f"T{i}" for i in range(case.layers)), case.width
        self.pooled, self.device = KINDS[case.kind].pooled, "cpu"
        self._frames = round(case.seconds / STRIDE)

    def of(self, rows: Sequence[int]) -> list[torch.Tensor]:
        between = () if self.pooled else (self._frames,)
        return [torch.randn(len(self.layers), *between, self.width) for _ in rows]


def utterances_of(case: Case) -> Utterances:
    generator, count = np.random.default_rng(SEED), case.batch + 2
    symbols = round(SYMBOLS_PER_SECOND * case.seconds)
    targets = {
        "labels": lambda: (str(generator.integers(8)),),
        "phones": lambda: tuple(f"P{i}" for i in generator.integers(39, size=symbols)),
        "characters": lambda: ("".join(generator.choice(LETTERS, size=symbols)),),
    }[case.kind]
    parts = np.array(["train"] * case.batch + ["dev", "test"])
    return Utterances(parts, [targets() for _ in range(count)], np.full(count, round(case.seconds * RATE)))


def seconds_of(case: Case, threads: int) -> float:
    """Of an update, after a first one."""
    kind = KINDS[case.kind]
    settings = Settings(
        task="benchmark", model="made-up", kind=case.kind, seed=SEED, steps=1 + case.steps, batch=case.batch,
        learning_rate=1e-4, clip=1.0, projection=case.projection, evaluate_every=10**9, patience=None,
        checkpoint_every=10**9, standardise=True, hidden=case.hidden, dropout=0.2 if case.hidden else 0.0,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        source = KeptLayers(MadeUp(case), range(case.batch + 2), Path(folder))
        # As layerwise.probes.train has it.
        large = HEADS[kind.head].gains_from_threads and not kind.pooled and case.width >= WIDE
        torch.set_num_threads(threads if large else 1)
        heads = [*source.layers, WEIGHTED]
        sweep = Sweep(source, utterances_of(case), heads, settings, threads=threads)
        ends: list[float] = []  # of the updates before
        sweep._look = lambda: None
        sweep._save = lambda: None
        update = sweep._update

        def timed(rows: np.ndarray) -> None:
            ends.append(sweep.progress.seconds)
            update(rows)

        sweep._update = timed
        sweep.train()
        return (sweep.progress.seconds - ends[1]) / case.steps


def work_of(case: Case) -> Work:
    recipe = {"projection": case.projection, "hidden": case.hidden}
    group = HeadGroup(KINDS[case.kind], recipe, case.layers + 1, case.layers, case.width, STRIDE)
    return group.work(case.seconds, case.batch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=2)
    given = parser.parse_args()
    names = [each.name for each in fields(Work)]
    found = {case: min(seconds_of(case, given.threads) for _ in range(given.repeats)) for case in CASES}
    for head in HEADS:
        mine = {case: seconds for case, seconds in found.items() if KINDS[case.kind].head == head}
        seconds = np.array(list(mine.values()))
        table = np.array([[getattr(work_of(case), name) for name in names] for case in mine])
        scale = table.max(0).clip(1e-30)
        figures = nnls(table / scale / seconds[:, None], np.ones(len(mine)))[0] / scale
        print(f"{head}: " + ", ".join(f"{name}: {figure:.1e}" for name, figure in zip(names, figures, strict=True)))
        for case, taken, said in zip(mine, seconds, table @ figures, strict=True):
            print(f"  {said / taken:.2f} × {taken:8.4f} s  {case}", flush=True)


if __name__ == "__main__":
    main()
