"""Each trial again with the rows of one group counting less: what a jackknife over speakers is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layerwise.scoring.measures.cca import Trial, measure_unpaired
from layerwise.scoring.measures.held_out import measure
from layerwise.scoring.measures.linear_map import LinearMap
from layerwise.scoring.measures.moments import Covariance, Moments
from layerwise.scoring.measures.ridge import Fit
from layerwise.scoring.metrics import METRICS, mapped, tuned

# What the rows of a group count where the jackknife takes some of its weight: `jackknife` says why it is not 0.
LIGHTER = 0.5


@dataclass(frozen=True)
class TrialReplicates:
    """One trial, fitted and measured again for each group of rows with that group counting less.

    Attributes:
        share: (groups,) what part of the test rows is the group's; they sum to 1.
        metrics: metric → (groups,) its value where the rows of one group count `LIGHTER`.
    """

    share: np.ndarray
    metrics: dict[str, np.ndarray]


def jackknife(
    moments: Moments, fold_of: np.ndarray, trials: Sequence[Trial], standardise: bool = False
) -> list[TrialReplicates]:
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


def _run_replicates(moments: Moments, fold_of: np.ndarray, trial: Trial, standardise: bool) -> TrialReplicates:
    filled, is_test = moments.count > 0, fold_of == trial.test_fold
    test = np.flatnonzero(filled & is_test).tolist()
    train = np.flatnonzero(filled & ~is_test & (fold_of != trial.dev_fold)).tolist()
    share = np.where(is_test, moments.count, 0) / moments.count[test].sum()
    values = {name: np.full(moments.folds, value) for name, value in trial.metrics.items()}
    whole, whole_test = Fit(moments.covariance(train), standardise), moments.covariance(test)
    for group in range(moments.folds):
        if group in test and len(test) > 1:  # a fold of one group is the same, whatever its rows count
            again = _again(whole, moments.covariance(test, {group: LIGHTER}), trial)
        elif group in train and len(train) > 1:
            again = _again(Fit(moments.covariance(train, {group: LIGHTER}), standardise), whole_test, trial)
        else:
            continue
        for name, value in again.items():
            values[name][group] = value
    return TrialReplicates(share, values)


def _again(fit: Fit, test: Covariance, trial: Trial) -> dict[str, float]:
    """The metrics of a trial by another fit or on other rows, with the regularisers it chose."""
    chosen = trial.regularisers
    measured = {pair: measure(fit.project(*pair), test) for pair in {chosen[name] for name in tuned()}}
    ridges = {name: chosen[name][0] for name in mapped()}
    unpaired = measure_unpaired(fit, LinearMap(fit, trial.predicted), test, ridges)
    return {
        name: getattr(measured[chosen[name]], name) if metric.tuned_by else unpaired.metric(name)
        for name, metric in METRICS.items()
    }
