"""Ridge CCA, SVCCA and linear CKA on rows, as textbooks have them: slow, plain, with nothing of the package in them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Textbook:
    """One fit, measured on held-out rows.

    `a`, `b` are the held-out variates, centred; `weighing` and `v` the variates and the kept dimensions, uncentred, of
    the view that gives the weights.
    """

    correlations: np.ndarray
    mean_cca: float
    pwcca: float
    kept: tuple[int, int]
    rank: tuple[int, int]
    weighing: np.ndarray
    v: np.ndarray

    def published(self) -> list[float]:
        """`pwcca_published` for every choice of the SVD's signs, of which the data leave 2^directions open."""
        added = self.v.mean(axis=0)[: self.weighing.shape[1]]
        signs = itertools.product((1, -1), repeat=self.weighing.shape[1])
        return [float(weights(self.weighing * s + added, self.v) @ self.correlations) for s in map(np.array, signs)]


def weights(variates: np.ndarray, v: np.ndarray) -> np.ndarray:
    """wᵢ ∝ Σⱼ |⟨Qᵢ, vⱼ⟩| with Q from a QR of rows."""
    q, _ = np.linalg.qr(variates)
    sums = np.abs(q.T @ v).sum(axis=1)
    return sums / sums.sum()


def _inverse_root(rows: np.ndarray, epsilon: float) -> tuple[np.ndarray, np.ndarray, int]:
    """(kept dimensions, symmetric (Σ + ε)^(-1/2) of those, rank), Σ scaled by its largest magnitude.

    By a singular value decomposition of the rows: their covariance is only looked at for its scale.
    """
    covariance = np.cov(rows.T).reshape(rows.shape[1], -1)
    largest = np.abs(covariance).max()
    constant = rows.max(axis=0) == rows.min(axis=0)
    kept = (covariance.diagonal() / largest >= epsilon) & ~constant
    centred = rows[:, kept] - rows[:, kept].mean(axis=0)
    _, singular, vectors = np.linalg.svd(centred, full_matrices=False)
    values = singular**2 / (len(rows) - 1) / largest
    alive = values > 1e-12 * values.max()
    root = (vectors[alive].T / np.sqrt(values[alive] + epsilon)) @ vectors[alive]
    return kept, root, int(alive.sum())


def fit(x, y, test_x, test_y, epsilon_x, epsilon_y, standardise=False) -> Textbook:
    x, y, test_x, test_y = (np.asarray(rows, np.float64) for rows in (x, y, test_x, test_y))
    unit_x, unit_y = np.ones(x.shape[1]), np.ones(y.shape[1])
    if standardise:
        unit_x, unit_y = (np.where(r.std(axis=0) > 0, r.std(axis=0, ddof=1), 1.0) for r in (x, y))
    scaled_x, scaled_y = x / unit_x, y / unit_y
    kept_x, root_x, rank_x = _inverse_root(scaled_x, epsilon_x)
    kept_y, root_y, rank_y = _inverse_root(scaled_y, epsilon_y)
    centred_x, centred_y = (r[:, k] - r[:, k].mean(axis=0) for r, k in ((scaled_x, kept_x), (scaled_y, kept_y)))
    left, _, right = np.linalg.svd(root_x @ centred_x.T @ centred_y @ root_y)
    directions = min(rank_x, rank_y)
    px = root_x @ left[:, :directions] / unit_x[kept_x, None]
    py = root_y @ right[:directions].T / unit_y[kept_y, None]
    a = (test_x[:, kept_x] - test_x[:, kept_x].mean(axis=0)) @ px
    b = (test_y[:, kept_y] - test_y[:, kept_y].mean(axis=0)) @ py
    correlations = np.array([np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(directions)])
    weighing, v = (a, test_x[:, kept_x]) if kept_x.sum() < kept_y.sum() else (b, test_y[:, kept_y])
    return Textbook(
        correlations=correlations,
        mean_cca=float(correlations.mean()),
        pwcca=float(weights(weighing, v - v.mean(axis=0)) @ correlations),
        kept=(int(kept_x.sum()), int(kept_y.sum())),
        rank=(rank_x, rank_y),
        weighing=weighing,
        v=v,
    )


def svcca(x, y, test_x, test_y, standardise=False, share=0.99) -> tuple[float, tuple[int, int]]:
    """(mean correlation on held-out rows, directions kept of each view): principal components, then CCA by QR."""
    train, test = [np.asarray(v, np.float64) for v in (x, y)], [np.asarray(v, np.float64) for v in (test_x, test_y)]
    axes, scores, unseen = [], [], []
    for rows, held_out in zip(train, test, strict=True):
        unit = np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1.0) if standardise else 1.0
        centred = (rows - rows.mean(axis=0)) / unit
        _, singular, vectors = np.linalg.svd(centred, full_matrices=False)
        variance = np.cumsum(singular**2) / (singular**2).sum()
        main = vectors[: int(np.argmax(variance >= share)) + 1]
        axes.append(main)
        scores.append(centred @ main.T)
        unseen.append((held_out - held_out.mean(axis=0)) / unit @ main.T)
    (qx, rx), (qy, ry) = (np.linalg.qr(score) for score in scores)
    left, _, right = np.linalg.svd(qx.T @ qy, full_matrices=False)
    a, b = unseen[0] @ np.linalg.solve(rx, left), unseen[1] @ np.linalg.solve(ry, right.T)
    correlations = [np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(a.shape[1])]
    return float(np.mean(correlations)), (len(axes[0]), len(axes[1]))


def cka(x, y) -> float:
    """From n × n Gram matrices, as Kornblith et al. (2019) define it: HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L))."""
    grams = []
    for rows in (np.asarray(x, np.float64), np.asarray(y, np.float64)):
        centring = np.eye(len(rows)) - 1 / len(rows)
        grams.append(centring @ (rows @ rows.T) @ centring)
    k, m = grams
    return float(np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m)))
