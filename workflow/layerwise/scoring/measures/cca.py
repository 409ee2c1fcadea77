"""Canonical correlation analysis from second moments: fit on some folds, measured on others.

The method is the one of Pasad, Shi and Livescu (ICASSP 2023): ridge-regularised CCA (Hotelling 1936; Vinod 1976) with
projection-weighted means (Morcos, Raghu and Bengio 2018) on held-out rows. Here every step works on covariances, so a
score's cost does not depend on the number of rows once their moments are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from layerwise.scoring.measures.moments import (
    Covariance,
    EmptyFoldError,
    Moments,
    RefusedScoreError,
    ViewCovariance,
    fold_moments,
)

__all__ = [
    "METRICS",
    "CCAScores",
    "DegenerateViewError",
    "TooFewRowsError",
    "Trial",
    "cross_validate",
    "evaluate",
    "fold_moments",
    "jackknife",
]

# Eigenvalues of a training covariance at or below this share of the largest are directions without variance: what is
# left of a one-hot view's redundant dimension, of constant and of repeated columns, is rounding noise.
RANK_TOLERANCE = 1e-12
# A LayerNorm's output has one such direction (its values, unscaled, sum to zero). Stored as float16 its variance is
# that of the stored digits' rounding, 1e-8 of the largest; summed in float32 it is that of the sums' rounding. These
# multiples of the expected rounding variance count as noise; true directions of hidden states lie far above them.
STORAGE_NOISE = 16
PRODUCT_NOISE = 4
CANCELLATION_NOISE = 32
# A standard deviation below the first share of a dimension's root mean square is rounding noise; so is a variance below
# the second share of the squared offset that was subtracted to get it (a column that is constant in training alone).
CONSTANT_TOLERANCE = 1e-12
CANCELLATION_TOLERANCE = 1e-12
# A variate whose remainder, after projection on those before it, is below this share of its variance adds no direction.
# The share is larger where float32 sums are rounded to more than that.
DEPENDENCE_TOLERANCE = 1e-10
DEPENDENCE_NOISE = 100
# SVCCA keeps the principal directions that hold this share of a view's variance.
SVCCA_VARIANCE = 0.99
# Eigenvalues that agree to this share are one subspace, of which a part would be an arbitrary choice.
EQUAL_EIGENVALUES = 1e-9


# What the rows of a group count where the jackknife takes some of its weight: `jackknife` says why it is not 0.
LIGHTER = 0.5


class TooFewRowsError(RefusedScoreError):
    """There are no more training rows than dimensions of both views: a perfect fit is certain, and means nothing."""


class DegenerateViewError(RefusedScoreError):
    """A view has no direction with variance."""


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
            dimensions after the cut (at a tie the second), centred, and Q the thin QR factor of its variates,
            wᵢ ∝ Σⱼ |⟨Qᵢ, vⱼ⟩|. Invariant to shifts and a common scale of either view, and to orthogonal maps of the
            other view; not to those of v, whose own dimensions the weights add up.
        pwcca_published: the same as the published analysis code has it: the mean of kept dimension i is added to
            variate i before the QR, and v is not centred. Depends on shifts, and on the signs that an SVD returned.
        svcca: (1/k) Σ cᵢ of a fit without ridge on the principal directions that hold 99 % of each view's training
            variance (Raghu et al. 2017). Of a subspace of equal eigenvalues all is kept. Standardised, directions and
            variance are those of the standardised dimensions, unlike Raghu's. Invariances as `mean_cca`'s. No
            regulariser, hence no choice on dev.
        cka: linear centred kernel alignment, ‖Σxy‖² / (‖Σxx‖ ‖Σyy‖) in Frobenius norms (Kornblith et al. 2019, eq. 3 in
            its feature form), of the raw held-out rows: nothing is fitted. Invariant to shifts, a common scale and
            orthogonal maps of either view, exactly, and to no other map: one large dimension decides it. Biased
            upwards where rows are few for the dimensions: compare with its chance level.
        correlations: (directions,) canonical correlations cᵢ in the order of the training fit.
        n_train, n_test: rows that were fitted on and measured on.
        dx, dy: dimensions of the views; kept_x, kept_y: those that survive the variance cut; rank_x, rank_y:
            directions with variance among them; svcca_x, svcca_y: principal directions that `svcca` keeps.
    """

    mean_cca: float
    pwcca: float
    pwcca_published: float
    svcca: float
    cka: float
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
        return {name: getattr(self, name) for name in METRICS}

    def dimensions(self, metric: str) -> tuple[int, int]:
        """Dimensions of both views that a metric is a score of, after what it leaves out."""
        if metric == "svcca":
            return self.svcca_x, self.svcca_y
        return (self.dx, self.dy) if metric == "cka" else (self.kept_x, self.kept_y)


REGULARISED = ("mean_cca", "pwcca", "pwcca_published")
METRICS = (*REGULARISED, "svcca", "cka")


@dataclass(frozen=True)
class Trial:
    """One (dev fold, test fold) pair: regularisers chosen on dev, metrics measured on test.

    Attributes:
        regularisers: metric → the (epsilon_x, epsilon_y) that served it: `pwcca_published` chooses for itself,
            `mean_cca` takes the pair with the highest `pwcca` on dev (at a tie the first). `svcca` and `cka` have none.
        metrics: each metric on the test fold, with the pair that serves it.
        scores: metric → all that this pair gives on the test fold, with the dimensions that it kept.
    """

    dev_fold: int
    test_fold: int
    regularisers: dict[str, tuple[float, float]]
    metrics: dict[str, float]
    scores: dict[str, CCAScores]


def evaluate(
    moments: Moments,
    train: Iterable[int],
    test: Iterable[int],
    epsilon_x: float,
    epsilon_y: float,
    standardise: bool = False,
) -> CCAScores:
    """Fit on the folds in `train` with one pair of regularisers, measure on those in `test`.

    With Σ the training covariances, each view's scaled by its largest magnitude: dimensions with variance below the
    regulariser are cut, directions without variance dropped, T = Σxx^(-1/2) Σxy Σyy^(-1/2) = U S Vᵀ with ridge ε on the
    diagonals, Px = Σxx^(-1/2) U, Py = Σyy^(-1/2) V.

    Args:
        standardise: fit on dimensions scaled to unit training variance, so that neither cut nor ridge depends on the
            scale of a dimension. The projections are mapped back: metrics are of the raw dimensions either way.

    Raises:
        TooFewRowsError: no more training rows than dimensions of the two views together.
        DegenerateViewError: a view has no direction with variance.
        EmptyFoldError: a fold has no rows.
    """
    fit = _Fit(moments.covariance(_folds(train)), standardise)
    test = _held_out(moments, _folds(test))
    return fit.scores(fit.measure(fit.project(epsilon_x, epsilon_y), test), fit.measure_unregularised(test), test.n)


def cross_validate(
    moments: Moments,
    trials: Sequence[tuple[int, int]],
    epsilons: Sequence[tuple[float, float]],
    standardise: bool = False,
) -> list[Trial]:
    """For each (dev fold, test fold): train on all others, choose the regularisers on dev, measure on test.

    Args:
        trials: pairs of different folds.
        epsilons: (epsilon_x, epsilon_y) pairs to choose from.

    Raises:
        ValueError: no pair of regularisers, or a trial that tunes on the fold it is measured on.
        others: as `evaluate`.
    """
    if not epsilons:
        raise ValueError("there is no pair of regularisers to choose from")
    for dev, test in trials:
        if dev == test:
            raise ValueError(f"fold {dev} cannot both tune and measure a trial")
    return [_run_trial(moments, dev, test, epsilons, standardise) for dev, test in trials]


@dataclass(frozen=True)
class Replicates:
    """One trial, fitted and measured again for each group of rows with that group counting less.

    Attributes:
        share: (groups,) what part of the test rows is the group's; they sum to 1.
        metrics: metric → (groups,) its value where the rows of one group count `LIGHTER`.
    """

    share: np.ndarray
    metrics: dict[str, np.ndarray]


def jackknife(
    moments: Moments, fold_of: np.ndarray, trials: Sequence[Trial], standardise: bool = False
) -> list[Replicates]:
    """Each trial of `cross_validate` again for each group, in training and test, with the regularisers it chose.

    A jackknife that leaves a group out altogether (Tukey 1958) is too wide here. A test fold often holds two speakers;
    that of one speaker alone is another quantity, not a slightly smaller sample of the same, and a fold of one speaker
    would have nothing left. Counting a group half keeps every trial and every row, and measures the same slope. (The
    infinitesimal jackknife of Jaeckel 1972 goes on to the limit, and leaves out what groups do together.)

    Args:
        moments: of each group, which is a "fold" of these moments; a group may be empty.
        fold_of: (groups,) the fold that each group lies in, numbered as in `trials`.
    """
    return [_run_replicates(moments, fold_of, trial, standardise) for trial in trials]


def _run_replicates(moments: Moments, fold_of: np.ndarray, trial: Trial, standardise: bool) -> Replicates:
    filled, is_test = moments.count > 0, fold_of == trial.test_fold
    test = np.flatnonzero(filled & is_test).tolist()
    train = np.flatnonzero(filled & ~is_test & (fold_of != trial.dev_fold)).tolist()
    share = np.where(is_test, moments.count, 0) / moments.count[test].sum()
    values = {name: np.full(moments.folds, value) for name, value in trial.metrics.items()}
    whole, whole_test = _Fit(moments.covariance(train), standardise), moments.covariance(test)
    for group in range(moments.folds):
        if group in test and len(test) > 1:  # a fold of one group is the same, whatever its rows count
            again = _again(whole, moments.covariance(test, {group: LIGHTER}), trial)
        elif group in train and len(train) > 1:
            again = _again(_Fit(moments.covariance(train, {group: LIGHTER}), standardise), whole_test, trial)
        else:
            continue
        for name, value in again.items():
            values[name][group] = value
    return Replicates(share, values)


def _again(fit: _Fit, test: Covariance, trial: Trial) -> dict[str, float]:
    """The metrics of a trial by another fit or on other rows, with the regularisers it chose."""
    pairs = set(trial.regularisers.values())
    measured = {pair: fit.measure(fit.project(*pair), test) for pair in pairs}
    shared = fit.measure_unregularised(test)
    return {name: getattr(measured[trial.regularisers[name]], name) for name in REGULARISED} | {
        name: getattr(shared, name) for name in METRICS if name not in REGULARISED
    }


def _run_trial(moments: Moments, dev: int, test: int, epsilons, standardise: bool) -> Trial:
    fit = _Fit(moments.covariance(set(range(moments.folds)) - {dev, test}), standardise)
    dev_rows = _held_out(moments, [dev])
    on_dev = [fit.measure(fit.project(*pair), dev_rows) for pair in epsilons]
    best = {name: int(np.argmax([getattr(at, name) for at in on_dev])) for name in ("pwcca", "pwcca_published")}
    del dev_rows  # of 1,024 dimensions, each set of rows takes 25 MB, and each projection 17: few are held at a time
    test_rows = _held_out(moments, [test])
    shared = fit.measure_unregularised(test_rows)
    of_pair = {
        index: fit.scores(fit.measure(fit.project(*epsilons[index]), test_rows), shared, test_rows.n)
        for index in set(best.values())
    }
    chosen = {name: best.get(name, best["pwcca"]) for name in METRICS}
    scores = {name: of_pair[index] for name, index in chosen.items()}
    return Trial(
        dev_fold=dev,
        test_fold=test,
        regularisers={name: tuple(epsilons[chosen[name]]) for name in REGULARISED},
        metrics={name: getattr(scores[name], name) for name in METRICS},
        scores=scores,
    )


def _held_out(moments: Moments, folds: list[int]) -> Covariance:
    """Covariances to measure on; a view that does not vary there has no correlation with anything."""
    rows = moments.covariance(folds)
    if rows.n < 3:
        raise EmptyFoldError(f"{rows.n} held-out rows in folds {folds}: of two, any correlation is 1 or -1")
    for name, view in (("x", rows.x), ("y", rows.y)):
        _varies(name, view, rows, "held-out")
    return rows


def _folds(folds: Iterable[int] | int) -> list[int]:
    return [folds] if np.isscalar(folds) else list(folds)


@dataclass(frozen=True)
class _Directions:
    """One view after the cut: which dimensions are left, and the eigendecomposition of their covariance."""

    kept: np.ndarray  # (d,) bool
    eigenvalues: np.ndarray  # (rank,)
    eigenvectors: np.ndarray  # (kept, rank)


class _TrainingView:
    """The training covariance of one view, scaled for the fit; one eigendecomposition for each distinct cut."""

    def __init__(self, name: str, view: ViewCovariance, train: Covariance, standardise: bool) -> None:
        covariance, variance = view.matrix, view.matrix.diagonal()
        varies = _varies(name, view, train, "training")
        self.name = name
        # What a raw dimension is multiplied by for the fit; 0 takes a constant one out.
        self.scale = np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1)) if standardise else 1.0, 0.0)
        self.largest = np.abs(covariance * np.outer(self.scale, self.scale)).max()
        # The published fit leaves its variates in units of the scaled covariance; so does this one, standardised or not
        # (`pwcca_published` adds means to them, so their unit matters to it).
        self.unit = np.sqrt(np.abs(covariance[np.ix_(varies, varies)]).max() / self.largest)
        self.covariance = covariance
        self.noise = _noise_below(view, train.products)
        self._directions: dict[bytes, _Directions] = {}

    def directions(self, epsilon: float) -> _Directions:
        scaled_variance = self.covariance.diagonal() * self.scale**2 / self.largest
        kept = (scaled_variance >= epsilon) & (self.scale > 0)
        if not kept.any():
            raise DegenerateViewError(f"view {self.name}: no dimension has variance of at least {epsilon:g}")
        key = kept.tobytes()
        if key not in self._directions:
            scale = self.scale[kept]
            values, vectors = np.linalg.eigh(
                self.covariance[np.ix_(kept, kept)] * np.outer(scale, scale) / self.largest
            )
            noise = (self.noise[kept] * scale**2 / self.largest) @ vectors**2
            alive = values > np.maximum(RANK_TOLERANCE * values[-1], noise)
            if not alive.any():
                raise DegenerateViewError(f"view {self.name}: its variance is rounding noise of the stored numbers")
            self._directions[key] = _Directions(kept, values[alive], vectors[:, alive])
        return self._directions[key]

    def raw(self, directions: _Directions, vectors: np.ndarray) -> np.ndarray:
        """Vectors of the scaled, kept dimensions as weights of the raw ones, (kept, k)."""
        return self.unit * self.scale[directions.kept][:, None] * vectors


def _varies(name: str, view: ViewCovariance, rows: Covariance, which: str) -> np.ndarray:
    """Which dimensions of a view vary by more than rounding, (d,) bool.

    A mean costs digits when rows are rounded to their distance from the origin; an offset from it does when its
    square is taken from a sum of squares.

    Raises:
        DegenerateViewError: none does.
    """
    variance = view.matrix.diagonal()
    cancelled = max(CANCELLATION_TOLERANCE, CANCELLATION_NOISE * rows.products) * view.offset**2
    varies = variance > np.maximum(CONSTANT_TOLERANCE**2 * (variance + view.mean**2), cancelled)
    if not varies.any():
        raise DegenerateViewError(
            f"view {name}: all {variance.size} dimensions are constant over {rows.n} {which} rows"
        )
    return varies


def _noise_below(view: ViewCovariance, products: float) -> np.ndarray:
    """The variance of each dimension, (d,), below which a direction is taken for rounding noise.

    Rounding to half a unit in the last place, relative to a power of two, has variance rounding² v² / 6 on average over
    mantissas. The rounding errors of d × d sums form a random symmetric matrix, whose spectral norm grows with √d.
    """
    variance = view.matrix.diagonal()
    by_storage = STORAGE_NOISE * view.rounding**2 / 6 * (variance + view.mean**2)
    return np.maximum(by_storage, PRODUCT_NOISE * products * np.sqrt(variance.size) * variance)


@dataclass(frozen=True)
class _Projection:
    """Canonical directions in raw dimensions: variates of centred rows are x[:, kept_x] @ px and y[:, kept_y] @ py."""

    kept_x: np.ndarray
    kept_y: np.ndarray
    px: np.ndarray  # (kept_x, directions)
    py: np.ndarray  # (kept_y, directions)
    rank_x: int
    rank_y: int


@dataclass(frozen=True)
class _Measured:
    """What a projection gives on held-out rows: those fields of CCAScores that depend on the regulariser."""

    mean_cca: float
    pwcca: float
    pwcca_published: float
    correlations: np.ndarray
    kept_x: int
    kept_y: int
    rank_x: int
    rank_y: int


@dataclass(frozen=True)
class _Unregularised:
    """Those fields of CCAScores that no regulariser changes."""

    svcca: float
    cka: float
    svcca_x: int
    svcca_y: int


class _Fit:
    """Ridge CCA on one training covariance, for any number of regularisers."""

    def __init__(self, train: Covariance, standardise: bool):
        dx, dy = train.xy.shape
        if train.n <= dx + dy:
            # The views' column spaces then meet whatever the data are, and training correlations of 1 are certain.
            raise TooFewRowsError(
                f"{train.n} training rows for {dx} + {dy} dimensions: more rows than dimensions are needed"
            )
        self.n = train.n
        self.xy = train.xy
        self.x = _TrainingView("x", train.x, train, standardise)
        self.y = _TrainingView("y", train.y, train, standardise)
        self._rotated: tuple = (None, None)

    def project(self, epsilon_x: float, epsilon_y: float) -> _Projection:
        x, y = self.x.directions(epsilon_x), self.y.directions(epsilon_y)
        directions = min(x.eigenvalues.size, y.eigenvalues.size)  # the rest of T is null: no correlation is defined
        ridge_x, ridge_y = (1 / np.sqrt(v.eigenvalues + e) for v, e in ((x, epsilon_x), (y, epsilon_y)))
        cross = ridge_x[:, None] * self._cross(x, y) * ridge_y
        # T itself, not its form between eigenvectors: symmetric roots and this SVD return the signs that the published
        # scores depend on.
        left, _, right = np.linalg.svd(x.eigenvectors @ cross @ y.eigenvectors.T, full_matrices=False)
        left, right = left[:, :directions], right[:directions].T
        return _Projection(
            kept_x=x.kept,
            kept_y=y.kept,
            px=self.x.raw(x, x.eigenvectors @ (ridge_x[:, None] * (x.eigenvectors.T @ left))),
            py=self.y.raw(y, y.eigenvectors @ (ridge_y[:, None] * (y.eigenvectors.T @ right))),
            rank_x=x.eigenvalues.size,
            rank_y=y.eigenvalues.size,
        )

    def _cross(self, x: _Directions, y: _Directions) -> np.ndarray:
        """Scaled Σxy between the eigenvectors of both views, (rank_x, rank_y); kept while the cut stays the same."""
        if self._rotated[0] != (id(x), id(y)):
            scale = (
                np.outer(self.x.scale[x.kept], self.y.scale[y.kept]) / np.sqrt(self.x.largest) / np.sqrt(self.y.largest)
            )
            cross = x.eigenvectors.T @ (_part(self.xy, x.kept, y.kept) * scale) @ y.eigenvectors
            self._rotated = (id(x), id(y)), cross
        return self._rotated[1]

    def measure(self, projection: _Projection, test: Covariance) -> _Measured:
        """Metrics on held-out rows, centred by their own means."""
        kept_x, kept_y, px, py = projection.kept_x, projection.kept_y, projection.px, projection.py
        x_variates, y_variates, correlations = _correlate(projection, test)
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
        return _Measured(
            mean_cca=float(correlations.mean()),
            pwcca=float(weights @ correlations),
            pwcca_published=float(published @ correlations),
            correlations=correlations,
            kept_x=int(kept_x.sum()),
            kept_y=int(kept_y.sum()),
            rank_x=projection.rank_x,
            rank_y=projection.rank_y,
        )

    def measure_unregularised(self, test: Covariance) -> _Unregularised:
        """The metrics without regularisers. SVCCA: no ridge, between the principal directions of each view."""
        x, y = self.x.directions(0.0), self.y.directions(0.0)
        main_x, main_y = _main(x.eigenvalues), _main(y.eigenvalues)
        white_x, white_y = (v.eigenvectors[:, m] / np.sqrt(v.eigenvalues[m]) for v, m in ((x, main_x), (y, main_y)))
        roots_x, roots_y = np.sqrt(x.eigenvalues[main_x]), np.sqrt(y.eigenvalues[main_y])
        cross = self._cross(x, y)[np.ix_(main_x, main_y)] / roots_x[:, None] / roots_y
        left, _, right = np.linalg.svd(cross, full_matrices=False)
        projection = _Projection(
            kept_x=x.kept,
            kept_y=y.kept,
            px=self.x.raw(x, white_x @ left),
            py=self.y.raw(y, white_y @ right.T),
            rank_x=int(main_x.sum()),
            rank_y=int(main_y.sum()),
        )
        *_, correlations = _correlate(projection, test)
        return _Unregularised(float(correlations.mean()), _cka(test), projection.rank_x, projection.rank_y)

    def scores(self, measured: _Measured, shared: _Unregularised, n_test: int) -> CCAScores:
        """All scores of one pair of regularisers."""
        dx, dy = self.xy.shape
        return CCAScores(**vars(measured), **vars(shared), n_train=self.n, n_test=n_test, dx=dx, dy=dy)


def _cka(rows: Covariance) -> float:
    """‖Σxy‖² / (‖Σxx‖ ‖Σyy‖), the views brought to a scale whose squares neither vanish nor overflow."""
    scale_x, scale_y = (np.abs(view.matrix).max() for view in (rows.x, rows.y))
    cross = np.linalg.norm(rows.xy / np.sqrt(scale_x) / np.sqrt(scale_y))
    own = np.linalg.norm(rows.x.matrix / scale_x) * np.linalg.norm(rows.y.matrix / scale_y)
    return float(cross**2 / own)


def _part(matrix: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Rows and columns of a matrix by boolean masks; no copy where that is all of them."""
    return matrix if rows.all() and columns.all() else matrix[np.ix_(rows, columns)]


def _main(eigenvalues: np.ndarray) -> np.ndarray:
    """Which of ascending eigenvalues SVCCA keeps, bool: the fewest with 99 % of their sum, and their equals."""
    falling = eigenvalues[::-1]
    share = np.cumsum(falling) / falling.sum()
    last = falling[(share < SVCCA_VARIANCE).sum()]
    return eigenvalues >= last * (1 - EQUAL_EIGENVALUES)


def _correlate(projection: _Projection, test: Covariance) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariances of x with its variates (kept_x, k), of y with its own (kept_y, k), and the correlations (k,)."""
    kept_x, kept_y, px, py = projection.kept_x, projection.kept_y, projection.px, projection.py
    x_variates = _part(test.x.matrix, kept_x, kept_x) @ px
    y_variates = _part(test.y.matrix, kept_y, kept_y) @ py
    together = np.einsum("ik,ik->k", px, _part(test.xy, kept_x, kept_y) @ py)
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
