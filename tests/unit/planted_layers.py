"""Layers of utterances that were made up: what they hold is known, so what heads must find is known too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from layerwise.layers import WEIGHTED
from layerwise.probes.answers import Utterances
from layerwise.probes.kinds import KINDS
from layerwise.probes.sweep import Settings, Sweep

LAYERS = ("T0", "T1", "T2", "T3")
WIDTH = 12
HEADS = [*LAYERS, WEIGHTED]
PARTS = {"train": 60, "dev": 24, "test": 40}

RECIPE = {
    "steps": 60,
    "batch": 16,
    "learning_rate": 1e-2,
    "clip": 1.0,
    "projection": 8,
    "evaluate_every": 20,
    "patience": None,
    "checkpoint_every": 10,
    "standardise": True,
    "hidden": 6,
    "dropout": 0.2,
}


class PlantedLayers:
    """A source of layers as `layerwise.probes.layers.FrozenLayers` is one; `asked` counts utterances that it
    gave."""

    device = "cpu"

    def __init__(self, values: Sequence[torch.Tensor], pooled: bool, layers: Sequence[str] = LAYERS) -> None:
        self._values, self.pooled, self.layers = list(values), pooled, tuple(layers)
        self.width = self._values[0].shape[-1]
        self.asked = 0

    def of(self, rows: Sequence[int]) -> list[torch.Tensor]:
        self.asked += len(rows)
        return [self._values[row] for row in rows]

    def only(self, layer: str) -> PlantedLayers:
        """The same utterances, with one of their layers."""
        index = self.layers.index(layer)
        return PlantedLayers([values[index : index + 1] for values in self._values], self.pooled, [layer])


def settings(kind: str, **changes) -> Settings:
    return Settings(task="a-task", model="a-model", kind=kind, seed=3, **(RECIPE | changes))


def parts() -> np.ndarray:
    return np.repeat(list(PARTS), list(PARTS.values()))


def labelled(informative: str = "T2", classes: int = 4, signal: float = 4.0) -> tuple[PlantedLayers, Utterances]:
    """Means over time: noise in every layer, and in one of them the label as a direction of its own."""
    generator = np.random.default_rng(5)
    names = np.array([f"class {number}" for number in range(classes)])
    labels = generator.integers(classes, size=parts().size)
    values = generator.normal(size=(labels.size, len(LAYERS), WIDTH)).astype(np.float32)
    values[:, LAYERS.index(informative), :classes] += signal * np.eye(classes, dtype=np.float32)[labels]
    targets = [(name,) for name in names[labels]]
    utterances = Utterances(parts(), targets, np.full(labels.size, 16_000))
    return PlantedLayers(list(torch.from_numpy(values)), pooled=True), utterances


def spoken(
    kind: str, informative: str = "T1", per_symbol: int = 3, signal: float = 5.0
) -> tuple[PlantedLayers, Utterances]:
    """Frames: noise in every layer, and in one of them the symbol that is being said, with silence after it."""
    generator = np.random.default_rng(7)
    alphabet = ["AA", "B", "CH", "D"] if kind == "phones" else ["ab", "ba", "cab"]
    values, targets, samples = [], [], []
    for _ in parts():
        target = tuple(generator.choice(alphabet, size=generator.integers(2, 5)))
        symbols = target if kind == "phones" else " ".join(target)
        known = sorted(set(alphabet)) if kind == "phones" else sorted(set(" ".join(alphabet)))
        frames = np.array([[known.index(symbol)] * per_symbol + [WIDTH - 1] for symbol in symbols]).ravel()
        noise = generator.normal(size=(len(LAYERS), frames.size, WIDTH)).astype(np.float32)
        noise[LAYERS.index(informative), np.arange(frames.size), frames] += signal
        values.append(torch.from_numpy(noise))
        targets.append(target)
        samples.append(frames.size * 320)
    return PlantedLayers(values, pooled=False), Utterances(parts(), targets, np.array(samples))


def planted(kind: str, **changes) -> tuple[PlantedLayers, Utterances]:
    return labelled(**changes) if KINDS[kind].from_columns else spoken(kind, **changes)


def trained(source, utterances, names, chosen, **options) -> Sweep:
    sweep = Sweep(source, utterances, names, chosen, **options)
    sweep.train()
    return sweep


def states(sweep: Sweep) -> dict[str, dict[str, torch.Tensor]]:
    return {name: best["state"] for name, best in sweep.progress.best.items()}


def assert_same_weights(one: dict, other: dict, tolerance: float) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        torch.testing.assert_close(
            value, other[key], rtol=0, atol=tolerance, msg=lambda text, key=key: f"{key}: {text}"
        )
