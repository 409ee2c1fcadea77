"""Canonical correlation analysis from second moments: fit on some folds, measured on others.

The method is the one of Pasad, Shi and Livescu (ICASSP 2023): ridge-regularised CCA (Hotelling 1936; Vinod 1976) with
projection-weighted means (Morcos, Raghu and Bengio 2018) on held-out rows. Here every step works on covariances, so a
score's cost does not depend on the number of rows once their moments are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from layerwise.scoring.measures.held_out import Measured, correlate, measure
from layerwise.scoring.measures.linear_map import RIDGES, LinearMap
from layerwise.scoring.measures.moments import Covariance, Moments
from layerwise.scoring.measures.ridge import Fit, varying
from layerwise.scoring.metrics import METRICS, mapped, tuned
from layerwise.scoring.refusals import require_held_out


@dataclass(frozen=True)
class CCAScores:
    """What one fit gives on one set of held-out rows.

    aᵢ = (x − x̄) Px[:, i] and bᵢ = (y − ȳ) Py[:, i] are the canonical variates of the held-out rows, centred by their
    own means, and cᵢ = corr(aᵢ, bᵢ). Orthogonal maps, x → x Q, leave a fit unchanged where no dimension is cut and the
    fit is not standardised: both look at single dimensions.

    Attributes:
        mean_cca: (1/k) Σ cᵢ (Raghu et al. 2017, ρ̄). Invariant to shifts, to a common scale, and to orthogonal maps of
            either view; to any invertible map as the regulariser goes to 0.
        pwcca: Σ wᵢcᵢ, projection-weighted (Morcos, Raghu and Bengio 2018, eq. 3): with v the view that has fewer
            dimensions after the cut (of equally many the second), centred, and Q the thin QR factor of its variates,
            wᵢ ∝ Σⱼ |⟨Qᵢ, vⱼ⟩|. Invariant to shifts and a common scale of either view, and to orthogonal maps of the
            other view; not to those of v, whose own dimensions the weights add up.
        pwcca_published: the same as the published analysis code has it: the mean of kept dimension i is added to
            variate i before the QR, and v is not centred. Depends on shifts, and on the signs that an SVD returned.
        svcca: (1/k) Σ cᵢ of a fit without ridge on the principal directions that hold 99 % of each view's training
            variance (Raghu et al. 2017). Of a subspace of equal eigenvalues all is kept. Standardised, directions and
            variance are those of the standardised dimensions, unlike Raghu's. Invariances as `mean_cca`'s. No
            regulariser, hence no choice on dev.
        of_rows: metric → its value, of those for which nothing is fitted, such as `cka`.
        of_map: metric → its value, of those of a linear map from the layer to the target, such as `r2`
            (`layerwise.scoring.measures.linear_map`).
        correlations: (directions,) canonical correlations cᵢ in the order of the training fit.
        n_train, n_test: rows that were fitted on and measured on.
        dx, dy: dimensions of the views; kept_x, kept_y: those that survive the variance cut; rank_x, rank_y:
            directions with variance among them; svcca_x, svcca_y: principal directions that `svcca` keeps.
    """

    mean_cca: float
    pwcca: float
    pwcca_published: float
    svcca: float
    of_rows: Mapping[str, float]
    of_map: Mapping[str, float]
    correlations: np.ndarray
    n_train: int
    n_test: int
    dx: int
    dy: int
    kept_x: int
    kept_y: int
    rank_x: int
    rank_y: int
    svcca_x: int
    svcca_y: int

    @property
    def metrics(self) -> dict[str, float]:
        """Every metric by name."""
        named = {**vars(self), **self.of_rows, **self.of_map}
        return {name: named[name] for name in METRICS}

    def dimensions(self, metric: str) -> tuple[int, int]:
        """Dimensions of both views that a metric is a score of, after what it leaves out."""
        if metric == "svcca":
            return self.svcca_x, self.svcca_y
        return (self.dx, self.dy) if metric in {*self.of_rows, *self.of_map} else (self.kept_x, self.kept_y)


@dataclass(frozen=True)
class Trial:
    """One (dev fold, test fold) pair: regularisers chosen on dev, metrics measured on test.

    Attributes:
        regularisers: metric → the (epsilon_x, epsilon_y) that served it: `pwcca_published` chooses for itself,
            `mean_cca` takes the pair with the highest `pwcca` on dev (of equal ones the first); `r2` has one ridge of
            its own, (ridge,), `svcca` and `cka` have none.
        metrics: each metric on the test fold, with the pair that serves it.
        scores: metric → all that this pair gives on the test fold, with the dimensions that it kept.
        predicted: the view that linear maps predict.
    """

    dev_fold: int
    test_fold: int
    regularisers: dict[str, tuple[float, ...]]
    metrics: dict[str, float]
    scores: dict[str, CCAScores]
    predicted: str = "y"


def evaluate(
    moments: Moments,
    train: Iterable[int],
    test: Iterable[int],
    epsilon_x: float,
    epsilon_y: float,
    standardise: bool = False,
    predicted: str = "y",
) -> CCAScores:
    """Fit on the folds in `train` with one pair of regularisers, measure on those in `test`.

    With Σ the training covariances, each view's scaled by its largest magnitude: dimensions with variance below the
    regulariser are cut, directions without variance dropped, T = Σxx^(-1/2) Σxy Σyy^(-1/2) = U S Vᵀ with ridge ε on the
    diagonals, Px = Σxx^(-1/2) U, Py = Σyy^(-1/2) V.

    Args:
        standardise: fit on dimensions scaled to unit training variance, so that neither cut nor ridge depends on the
            scale of a dimension. The projections are mapped back: metrics are of the raw dimensions either way.
        predicted: the view, `x` or `y`, that linear maps (`r2`) predict from the other, the target; their ridge is the
            regulariser of the other, and cuts nothing.

    Raises:
        TooFewRowsError: no more training rows than dimensions of the two views together.
        DegenerateViewError: a view has no direction with variance.
        EmptyFoldError: a fold has no rows.
    """
    fit = Fit(moments.covariance(_folds(train)), standardise)
    rows = _held_out(moments, _folds(test))
    ridges = dict.fromkeys(mapped(), epsilon_x if predicted == "y" else epsilon_y)
    unpaired = measure_unpaired(fit, LinearMap(fit, predicted), rows, ridges)
    return _scores(fit, measure(fit.project(epsilon_x, epsilon_y), rows), unpaired, rows.n)


def cross_validate(
    moments: Moments,
    trials: Sequence[tuple[int, int]],
    epsilons: Sequence[tuple[float, float]],
    standardise: bool = False,
    predicted: str = "y",
) -> list[Trial]:
    """For each (dev fold, test fold): train on all others, choose the regularisers on dev, measure on test.

    Args:
        trials: pairs of different folds.
        epsilons: (epsilon_x, epsilon_y) pairs to choose from.
        predicted: the view that linear maps predict from the other, as in `evaluate`; their ridge is chosen from
            `layerwise.scoring.measures.linear_map.RIDGES`.

    Raises:
        ValueError: no pair of regularisers, or a trial that tunes on the fold it is measured on.
        others: as `evaluate`.
    """
    if not epsilons:
        raise ValueError("there is no pair of regularisers to choose from")
    for dev, test in trials:
        if dev == test:
            raise ValueError(f"fold {dev} cannot both tune and measure a trial")
    return [_run_trial(moments, dev, test, epsilons, standardise, predicted) for dev, test in trials]


@dataclass(frozen=True)
class Unpaired:
    """Those fields of CCAScores that no pair of regularisers changes."""

    svcca: float
    svcca_x: int
    svcca_y: int
    of_rows: Mapping[str, float]
    of_map: Mapping[str, float]

    def metric(self, name: str) -> float:
        """One of the metrics without a pair of regularisers."""
        return {**vars(self), **self.of_rows, **self.of_map}[name]


def measure_unpaired(fit: Fit, linear_map: LinearMap, rows: Covariance, ridges: Mapping[str, float]) -> Unpaired:
    """The metrics without a pair of regularisers, on held-out rows; `ridges`: metric of the linear map → its ridge."""
    projection = fit.project_principal()
    *_, correlations = correlate(projection, rows)
    of_rows = {name: metric.of_rows(rows) for name, metric in METRICS.items() if metric.of_rows}
    of_map = {name: float(METRICS[name].of_map(linear_map, rows, [ridge])[0]) for name, ridge in ridges.items()}
    return Unpaired(float(correlations.mean()), projection.rank_x, projection.rank_y, of_rows, of_map)


def _run_trial(
    moments: Moments, dev: int, test: int, epsilons: Sequence[tuple[float, float]], standardise: bool, predicted: str
) -> Trial:
    fit = Fit(moments.covariance(set(range(moments.folds)) - {dev, test}), standardise)
    dev_rows = _held_out(moments, [dev])
    on_dev = [measure(fit.project(*pair), dev_rows) for pair in epsilons]
    chosen_by = {name: METRICS[name].tuned_by for name in tuned()}
    best = {name: int(np.argmax([getattr(at, name) for at in on_dev])) for name in dict.fromkeys(chosen_by.values())}
    linear_map = LinearMap(fit, predicted)
    ridges = {name: RIDGES[int(np.argmax(METRICS[name].of_map(linear_map, dev_rows, RIDGES)))] for name in mapped()}
    del dev_rows  # of 1,024 dimensions, each set of rows takes 25 MB, and each projection 17: few are held at a time
    test_rows = _held_out(moments, [test])
    unpaired = measure_unpaired(fit, linear_map, test_rows, ridges)
    del linear_map  # it is two more matrices of that size
    of_pair = {
        index: _scores(fit, measure(fit.project(*epsilons[index]), test_rows), unpaired, test_rows.n)
        for index in set(best.values())
    }
    scores = {name: of_pair[best[chosen_by.get(name, "pwcca")]] for name in METRICS}
    return Trial(
        dev_fold=dev,
        test_fold=test,
        regularisers={
            **{name: tuple(epsilons[best[by]]) for name, by in chosen_by.items()},
            **{name: (ridge,) for name, ridge in ridges.items()},
        },
        metrics={name: scores[name].metrics[name] for name in METRICS},
        scores=scores,
        predicted=predicted,
    )


def _scores(fit: Fit, measured: Measured, unpaired: Unpaired, n_test: int) -> CCAScores:
    """All scores of one pair of regularisers."""
    dx, dy = fit.xy.shape
    return CCAScores(**vars(measured), **vars(unpaired), n_train=fit.n, n_test=n_test, dx=dx, dy=dy)


def _held_out(moments: Moments, folds: list[int]) -> Covariance:
    """Covariances to measure on; a view that does not vary there has no correlation with anything."""
    rows = moments.covariance(folds)
    require_held_out(rows.n, folds)
    for name, view in (("x", rows.x), ("y", rows.y)):
        varying(name, view, rows, "held-out")
    return rows


def _folds(folds: Iterable[int] | int) -> list[int]:
    return [folds] if np.isscalar(folds) else list(folds)
