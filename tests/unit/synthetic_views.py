"""Pairs of views with known relations, their folds, and the golden cases."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).parents[2]
DATA = CHECKOUT / "tests" / "data"
SHARED = CHECKOUT.parent / "shared" / "goldens"


def related(rows: int, dx: int, dy: int, seed: int = 0, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Two well-conditioned views that share half of the smaller one's directions; their means are not zero."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(rows, max(1, min(dx, dy) // 2)))
    x, y = (
        shared @ rng.normal(size=(shared.shape[1], d)) + noise * rng.normal(size=(rows, d)) + rng.normal(size=d)
        for d in (dx, dy)
    )
    return x, y


def planted(rows: int, correlations: np.ndarray, dx: int, dy: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two mixed views whose population canonical correlations are `correlations`, and 0 for all further directions."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(rows, dx)), rng.normal(size=(rows, dy))
    k = len(correlations)
    y[:, :k] = correlations * x[:, :k] + np.sqrt(1 - correlations**2) * y[:, :k]
    return x @ mixing(dx, rng) + 3, y @ mixing(dy, rng) - 5


def mixing(d: int, rng: np.random.Generator) -> np.ndarray:
    """A well-conditioned map, (d, d)."""
    return rotation(d, rng) * rng.uniform(0.5, 2, d) @ rotation(d, rng)


def rotation(d: int, rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def layer_norm(rows: np.ndarray, dtype: str = "float16") -> np.ndarray:
    """The output of a LayerNorm without scale and shift: each row has mean 0 and variance 1, up to rounding."""
    return ((rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)).astype(dtype)


def one_hot(labels: np.ndarray, classes: int | None = None) -> np.ndarray:
    return (labels[:, None] == np.arange(classes or labels.max() + 1)).astype(np.uint8)


def random_folds(rows: int, folds: int = 10, seed: int = 0) -> np.ndarray:
    """Each fold has its share, in random order."""
    return np.random.default_rng([seed, 7]).permutation(np.arange(rows) % folds)


@dataclass(frozen=True)
class GoldenCase:
    x: np.ndarray
    y: np.ndarray
    fold: np.ndarray
    trials: list[dict]


def golden_cca(name: str) -> GoldenCase | None:
    """A case from this repository, or from the folder beside it; None where neither has it."""
    for folder in (DATA / "cca", SHARED / "cca"):
        if (folder / f"{name}.npz").exists():
            arrays = np.load(folder / f"{name}.npz")
            trials = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["trials"]
            return GoldenCase(arrays["view_x"], arrays["view_y"], arrays["fold"], trials)
    return None
