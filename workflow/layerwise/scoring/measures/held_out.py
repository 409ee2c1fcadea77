"""What canonical directions are worth on held-out rows: the metrics of a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise.scoring.measures.moments import Covariance
from layerwise.scoring.measures.ridge import Projection, part
from layerwise.scoring.refusals import DegenerateViewError

# A variate whose remainder, after projection on those before it, is below this share of its variance adds no direction.
# The share is larger where float32 sums are rounded to more than that.
DEPENDENCE_TOLERANCE = 1e-10
DEPENDENCE_NOISE = 100


@dataclass(frozen=True)
class Measured:
    """What a projection gives on held-out rows: those fields of CCAScores that depend on the regulariser."""

    mean_cca: float
    pwcca: float
    pwcca_published: float
    correlations: np.ndarray
    kept_x: int
    kept_y: int
    rank_x: int
    rank_y: int


def measure(projection: Projection, test: Covariance) -> Measured:
    """The metrics of a fit with regularisers, on held-out rows that are centred by their own means."""
    kept_x, kept_y, px, py = projection.kept_x, projection.kept_y, projection.px, projection.py
    x_variates, y_variates, correlations = correlate(projection, test)
    if kept_x.sum() < kept_y.sum():
        p, v_variates, mean = px, x_variates, test.x.mean[kept_x]
    else:
        p, v_variates, mean = py, y_variates, test.y.mean[kept_y]
    gram, cross = p.T @ v_variates, v_variates.T  # of the variates, and of the variates with v; (k, k), (k, kept)
    weights = _projection_weights(gram, cross, test.products)
    # (n − 1)/n turns the sample covariance into the mean product that the uncentred terms are added to.
    ratio = (test.n - 1) / test.n
    added = mean[: p.shape[1]]
    gram, cross = ratio * gram, ratio * cross
    gram += np.outer(added, added)
    cross += np.outer(added, mean)
    published = _projection_weights(gram, cross, test.products)
    return Measured(
        mean_cca=float(correlations.mean()),
        pwcca=float(weights @ correlations),
        pwcca_published=float(published @ correlations),
        correlations=correlations,
        kept_x=int(kept_x.sum()),
        kept_y=int(kept_y.sum()),
        rank_x=projection.rank_x,
        rank_y=projection.rank_y,
    )


def correlate(projection: Projection, test: Covariance) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariances of x with its variates (kept_x, k), of y with its own (kept_y, k), and the correlations (k,)."""
    kept_x, kept_y, px, py = projection.kept_x, projection.kept_y, projection.px, projection.py
    x_variates = part(test.x.matrix, kept_x, kept_x) @ px
    y_variates = part(test.y.matrix, kept_y, kept_y) @ py
    together = np.einsum("ik,ik->k", px, part(test.xy, kept_x, kept_y) @ py)
    variances = [np.einsum("ik,ik->k", p, own) for p, own in ((px, x_variates), (py, y_variates))]
    alive = np.logical_and(*(variance > 0 for variance in variances))
    if not alive.all():
        raise DegenerateViewError(
            f"{int((~alive).sum())} of {alive.size} variates are constant over the {test.n} held-out rows"
        )
    return x_variates, y_variates, together / np.sqrt(variances[0]) / np.sqrt(variances[1])


def _projection_weights(gram: np.ndarray, cross: np.ndarray, products: float) -> np.ndarray:
    """Normalised weights wᵢ ∝ Σⱼ |⟨Qᵢ, vⱼ⟩|, Q the thin QR factor of the variates A, from AᵀA (k, k) and Aᵀv (k, d).

    AᵀA = RᵀR, so Qᵀv = R⁻ᵀ Aᵀv. A variate that depends on those before it (a test fold with fewer rows or classes than
    directions) has no Qᵢ of its own and weight 0.

    Args:
        products: rounding of the sums behind the matrices, which decides what depends on what.
    """
    tolerance = max(DEPENDENCE_TOLERANCE, DEPENDENCE_NOISE * products)
    try:
        root = np.linalg.cholesky(gram)  # lower: Rᵀ
        independent = bool((root.diagonal() ** 2 > tolerance * gram.diagonal()).all())
    except np.linalg.LinAlgError:
        independent = False
    inner = np.linalg.solve(root, cross) if independent else _orthogonalise(gram, cross, tolerance)
    weights = np.abs(inner).sum(axis=1)
    return weights / weights.sum()


def _orthogonalise(gram: np.ndarray, cross: np.ndarray, tolerance: float) -> np.ndarray:
    """Qᵀv as in `_projection_weights`, by Cholesky steps that leave out dependent variates; their rows are 0."""
    rest, inner = gram.copy(), np.zeros_like(cross)  # what the steps so far leave of AᵀA, and of Aᵀv
    left = cross.copy()
    for column in range(gram.shape[0]):
        if rest[column, column] > tolerance * gram[column, column]:
            factor = rest[:, column] / np.sqrt(rest[column, column])  # ⟨Q_column, A⟩
            inner[column] = left[column] / factor[column]
            rest -= np.outer(factor, factor)
            left -= np.outer(factor, inner[column])
    return inner
