"""What a linear map reads off a layer: ridge regression from one view to the other, from second moments.

Ridge regression is Hoerl and Kennard's (Technometrics 12, 1970). With x the layer, y the target, x̄, ȳ and Σ the means
and covariances of the training rows, x's dimensions scaled for the fit as in `layerwise.scoring.measures.ridge`,

    B = (Σxx + λ)⁻¹ Σxy,   ŷ = ȳ + (x − x̄) B,

which minimises ‖y − ŷ‖² + λ(n − 1)‖B‖² over the n training rows. On held-out rows with mean m,

    R² = 1 − ‖y − ŷ‖² / ‖y − m‖²,

both summed over rows and dimensions: each direction of the target counts by its variance (the "variance-weighted" mean
of the R² of its dimensions). 1: all of the target is a linear image of the layer; 0: the map is no better than the
held-out mean; below 0: it is worse, as it was fitted to noise or the training mean is off. Unlike a correlation it
measures predictions in the target's own units, and one way only: from the layer to the target. Invariant to shifts and
a common scale of either view and to orthogonal maps of the target; to orthogonal maps of the layer where the fit is not
standardised, and to any invertible map of the layer as λ goes to 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layerwise.scoring.measures.moments import Covariance
from layerwise.scoring.measures.ridge import Fit, part

# λ to choose from, as shares of the largest entry of the layer's (scaled) training covariance: 1 is the variance of a
# standardised dimension. Hardly any, for a target that is a linear image of the layer; small ones for layers that have
# dimensions a thousand times larger than the rest, if they are not standardised; and up to what leaves a map hardly
# anything, for few rows of many dimensions, or a target that the layer does not know.
RIDGES = (1e-10, 1e-6, 1e-4, 1e-2, 1e-1, 1.0, 10.0, 100.0)
VIEWS = ("x", "y")


class LinearMap:
    """Ridge regression of one view of a fit by the other, for any number of ridges.

    In the basis W of the predictor's directions with variance, W = s V / √(largest) with V the eigenvectors and Λ the
    eigenvalues of its scaled covariance, B = W (Λ + λ)⁻¹ C with C = Wᵀ Σxy: another ridge costs no decomposition.
    """

    def __init__(self, fit: Fit, predicted: str) -> None:
        """`predicted`: the view, `x` or `y`, that is predicted from the other."""
        if predicted not in VIEWS:
            raise ValueError(f"predicted is {predicted!r}; expected one of {', '.join(VIEWS)}")
        self.predicted = predicted
        predictor, target, cross = (fit.x, fit.y, fit.xy) if predicted == "y" else (fit.y, fit.x, fit.xy.T)
        directions = predictor.directions(0.0)
        self._kept = directions.kept
        self._eigenvalues = directions.eigenvalues  # (rank,)
        scale = predictor.scale[directions.kept] / np.sqrt(predictor.largest)
        self._basis = scale[:, None] * directions.eigenvectors  # (kept, rank)
        self._cross = self._basis.T @ self._of_kept(cross)  # C, (rank, dimensions of the target)
        self._mean_x, self._mean_y = predictor.mean[directions.kept], target.mean

    def explained(self, rows: Covariance, ridges: Sequence[float]) -> np.ndarray:
        """R² on held-out rows for each ridge, (ridges,)."""
        x, y, xy = (rows.x, rows.y, rows.xy) if self.predicted == "y" else (rows.y, rows.x, rows.xy.T)
        shrunk = 1 / (self._eigenvalues + np.asarray(ridges, dtype=float)[:, None])  # (Λ + λ)⁻¹, (ridges, rank)
        total = np.trace(y.matrix)
        together = shrunk @ np.einsum("rt,rt->r", self._basis.T @ self._of_kept(xy), self._cross)  # tr(Bᵀ Σxy)
        of_predictions = self._variance(part(x.matrix, self._kept, self._kept), shrunk)  # tr(Bᵀ Σxx B)
        # Predictions of held-out rows have a mean of their own, (ridges, dimensions of the target) off the true one.
        off = (y.mean - self._mean_y) - (shrunk * ((x.mean[self._kept] - self._mean_x) @ self._basis)) @ self._cross
        off_by = rows.mass / (rows.mass - 1) * np.einsum("kt,kt->k", off, off)
        return 1 - (total - 2 * together + of_predictions + off_by) / total

    def _of_kept(self, cross: np.ndarray) -> np.ndarray:
        """The rows of a cross-covariance that are of kept dimensions; no copy where that is all of them."""
        return cross if self._kept.all() else cross[self._kept]

    def _variance(self, matrix: np.ndarray, shrunk: np.ndarray) -> np.ndarray:
        """tr(BᵀSB) of a covariance S of the predictor, (kept, kept), for each ridge.

        Either by the maps themselves, side by side, or by Σᵢⱼ dᵢ dⱼ Gᵢⱼ Kᵢⱼ with d = (Λ + λ)⁻¹, G = WᵀSW, K = CCᵀ:
        what takes fewer products. A narrow target and few ridges are for the former, which then is the smaller array.
        """
        (kept, rank), width = self._basis.shape, self._cross.shape[1]
        columns = len(shrunk) * width
        if columns * (kept + rank) <= rank * (kept + rank + width):
            maps = self._basis @ (shrunk.T[:, :, None] * self._cross[:, None, :]).reshape(rank, columns)
            return np.einsum("pc,pc->c", matrix @ maps, maps).reshape(len(shrunk), width).sum(axis=1)
        gram = self._basis.T @ (matrix @ self._basis)
        gram *= self._cross @ self._cross.T
        return np.einsum("kr,kr->k", shrunk @ gram, shrunk)
