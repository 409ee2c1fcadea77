"""The published scoring procedure as a plain program on rows, to measure against: its steps, in its order.

For every trial the training rows are gathered. For every pair of regularisers their covariance is computed again; each
view's is inverted by its pseudo-inverse, whose root comes from an eigendecomposition; a full SVD gives the directions;
the training rows are projected and scored; then the rows of the dev fold are. The pair that is best on dev scores the
test fold. Views are held as dimensions × rows in float32, weights are computed for both views, as there.
"""

from __future__ import annotations

import numpy as np


def score(x, y, fold, trials, epsilons) -> list[dict[str, float]]:
    """For each (dev fold, test fold): `mean_cca` and `pwcca_published` on test, with the pair that is best on dev.

    Args:
        x, y: dimensions × rows.
    """
    found = []
    for dev, test in trials:
        train = np.flatnonzero((fold != dev) & (fold != test))
        train_x, train_y = (view.T[train].T for view in (x, y))
        fits = []
        for pair in epsilons:
            fits.append(_fit(train_x, train_y, *pair))
            _measure(fits[-1], train_x, train_y)
        on_dev = [_measure(fit, *(view.T[fold == dev].T for view in (x, y)))["pwcca_published"] for fit in fits]
        best = fits[int(np.argmax(on_dev))]
        found.append(_measure(best, *(view.T[fold == test].T for view in (x, y))))
    return found


def _fit(x, y, epsilon_x, epsilon_y):
    covariance = np.cov(x, y)
    dx = len(x)
    xx, xy, yy = covariance[:dx, :dx], covariance[:dx, dx:], covariance[dx:, dx:]
    scale_x, scale_y = np.abs(xx).max(), np.abs(yy).max()
    xx, yy, xy = xx / scale_x, yy / scale_y, xy / np.sqrt(scale_x * scale_y)
    kept_x, kept_y = xx.diagonal() >= epsilon_x, yy.diagonal() >= epsilon_y
    root_x, root_y = _inverse_root(xx, kept_x, epsilon_x), _inverse_root(yy, kept_y, epsilon_y)
    left, _, right = np.linalg.svd(root_x @ xy[kept_x][:, kept_y] @ root_y)
    return kept_x, kept_y, left.T @ root_x, right @ root_y


def _inverse_root(matrix, kept, epsilon):
    inverse = np.linalg.pinv(matrix[kept][:, kept] + epsilon * np.eye(kept.sum()))
    values, vectors = np.linalg.eigh(inverse)
    return vectors @ np.diag(np.sqrt(values)) @ vectors.T


def _measure(fit, x, y) -> dict[str, float]:
    kept_x, kept_y, px, py = fit
    k = min(len(px), len(py))
    means_x, means_y = x.mean(axis=1, keepdims=True), y.mean(axis=1, keepdims=True)
    a, b = px[:k] @ (x - means_x)[kept_x], py[:k] @ (y - means_y)[kept_y]
    correlations = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    weights_x = _weights(a + means_x[kept_x][:k], x[kept_x][:k])
    weights_y = _weights(b + means_y[kept_y][:k], y[kept_y][:k])
    weights = weights_x if len(px) < len(py) else weights_y
    return {"mean_cca": float(correlations.mean()), "pwcca_published": float(weights @ correlations)}


def _weights(variates, v):
    q, _ = np.linalg.qr(variates.T)
    weights = np.abs(q.T @ v.T).sum(axis=1)
    return weights / weights.sum()
