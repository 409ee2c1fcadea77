import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.scoring.measures import linear_map
from layerwise.scoring.measures.cca import cross_validate, evaluate
from layerwise.scoring.measures.linear_map import RIDGES, LinearMap
from layerwise.scoring.measures.passes import fold_moments
from layerwise.scoring.measures.ridge import Fit
from layerwise.scoring.refusals import DegenerateViewError
from synthetic_views import layer_norm, one_hot, random_folds, related, rotation

TRAIN, DEV, TEST = list(range(8)), 8, 9
PAIRS = [(1e-10, 1e-10), (1e-5, 1e-5)]


def r2_of(x, y, fold, ridge=1e-10, standardise=False, test=TEST):
    moments = fold_moments(x, y, fold)
    of_target = LinearMap(Fit(moments.covariance(TRAIN), standardise), "y")
    return float(of_target.explained(moments.covariance([test]), [ridge])[0])


def ordinary_r2(x, y, fold, ridge, standardise=False, test=TEST):
    """By the normal equations; the ridge is a share of the largest entry of the layer's training covariance."""
    train, held_out = np.isin(fold, TRAIN), fold == test
    mean_x, mean_y = x[train].mean(axis=0), y[train].mean(axis=0)
    scale = 1 / x[train].std(axis=0, ddof=1) if standardise else np.ones(x.shape[1])
    rows, targets = (x[train] - mean_x) * scale, y[train] - mean_y
    penalty = ridge * np.abs(rows.T @ rows).max()
    weights = np.linalg.solve(rows.T @ rows + penalty * np.eye(x.shape[1]), rows.T @ targets)
    predicted = mean_y + (x[held_out] - mean_x) * scale @ weights
    wrong = ((y[held_out] - predicted) ** 2).sum()
    return 1 - wrong / ((y[held_out] - y[held_out].mean(axis=0)) ** 2).sum()


def chosen(x, y, fold, standardise=True, predicted="y"):
    (trial,) = cross_validate(fold_moments(x, y, fold), [(DEV, TEST)], PAIRS, standardise, predicted)
    return trial


def outliers(x, seed):
    """With some dimensions a hundred times larger than others, and far from the origin."""
    rng = np.random.default_rng(seed)
    return x * rng.choice([0.1, 1, 10], x.shape[1]) + rng.normal(size=x.shape[1])


shapes = {
    "dx": st.integers(1, 12),
    "dy": st.integers(1, 12),
    "rows": st.integers(100, 600),
    "seed": st.integers(0, 2**32),
    "standardise": st.booleans(),
}


@settings(max_examples=80, deadline=None)
@given(**shapes, ridge=st.sampled_from([1e-10, 1e-4, 1e-2, 1.0, 100.0]))
def test_it_is_an_ordinary_ridge_regression_on_the_rows(dx, dy, rows, seed, standardise, ridge):
    x, y = related(rows, dx, dy, seed)
    x, fold = outliers(x, seed), random_folds(rows, 10, seed)
    assert r2_of(x, y, fold, ridge, standardise) == pytest.approx(ordinary_r2(x, y, fold, ridge, standardise), abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(**shapes)
def test_many_ridges_at_once_give_what_each_gives(dx, dy, rows, seed, standardise):
    """Whether by the maps or by their products, which the shapes decide."""
    x, y = related(rows, dx, dy, seed)
    fold = random_folds(rows, 10, seed)
    moments = fold_moments(outliers(x, seed), y, fold)
    fit, held_out = Fit(moments.covariance(TRAIN), standardise), moments.covariance([TEST])
    for predicted in ("x", "y"):
        of_view = LinearMap(fit, predicted)
        together = of_view.explained(held_out, RIDGES)
        apart = [float(of_view.explained(held_out, [ridge])[0]) for ridge in RIDGES]
        np.testing.assert_allclose(together, apart, rtol=0, atol=1e-9)


@pytest.mark.parametrize("standardise", [False, True])
def test_a_single_fit_takes_the_regulariser_of_the_layer(standardise):
    x, y = related(500, 6, 3)
    fold = random_folds(500)
    for ridge in (1e-10, 1e-2):  # the other is of the target, which linear maps do without
        scores = evaluate(fold_moments(x, y, fold), TRAIN, [TEST], ridge, 1e-4, standardise)
        assert scores.metrics["r2"] == pytest.approx(ordinary_r2(x, y, fold, ridge, standardise), abs=1e-8)


def test_it_agrees_with_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y = related(900, 10, 6)
    fold = random_folds(900)
    train, test = np.isin(fold, TRAIN), fold == TEST
    for ridge in RIDGES:
        penalty = ridge * np.abs(np.cov(x[train].T)).max() * (train.sum() - 1)
        theirs = linear_model.Ridge(alpha=penalty).fit(x[train], y[train])
        metrics = pytest.importorskip("sklearn.metrics")
        expected = metrics.r2_score(y[test], theirs.predict(x[test]), multioutput="variance_weighted")
        assert r2_of(x, y, fold, ridge) == pytest.approx(expected, abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(**shapes)
def test_a_linear_image_is_all_explained(dx, dy, rows, seed, standardise):
    rng = np.random.default_rng(seed)
    x, fold = rng.normal(size=(rows, dx)), random_folds(rows, 10, seed)
    y = x @ rng.normal(size=(dx, dy)) + rng.normal(size=dy)
    assert r2_of(x, y, fold, standardise=standardise) == pytest.approx(1, abs=1e-8)
    assert chosen(x, y, fold, standardise).metrics["r2"] == pytest.approx(1, abs=1e-6)


def test_what_a_layer_norm_leaves_out_is_no_direction_to_predict_from():
    """Its outputs sum to 0: as float16, that direction is rounding noise, which a tiny ridge would make much of."""
    rng = np.random.default_rng(0)
    x = layer_norm(rng.normal(size=(3000, 24))).astype(np.float16)
    y = x.astype(float) @ rng.normal(size=(24, 5))
    trial = chosen(x, y, random_folds(3000))
    assert trial.metrics["r2"] == pytest.approx(1, abs=1e-5)
    assert trial.scores["r2"].dimensions("r2") == (24, 5)


@settings(max_examples=25, deadline=None)
@given(dx=st.integers(1, 30), dy=st.integers(1, 30), seed=st.integers(0, 2**32), standardise=st.booleans())
def test_noise_is_not_explained_and_costs_next_to_nothing(dx, dy, seed, standardise):
    """Means of 100 rows are off by a tenth of a standard deviation, which costs 0.01 whatever is predicted."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(1000, dx)), rng.normal(size=(1000, dy))
    fold = np.arange(1000) % 10
    moments = fold_moments(x, y, fold)
    found = [
        trial.metrics["r2"]
        for trial in cross_validate(moments, [(f, (f + 1) % 10) for f in range(10)], PAIRS, standardise)
    ]
    assert -0.1 < np.mean(found) < 0.05


def test_noise_for_nearly_as_many_dimensions_as_rows_is_shrunk_to_nothing():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1000, 600)), rng.normal(size=(1000, 40))
    fold = np.arange(1000) % 10
    assert r2_of(x, y, fold) < -0.5
    trial = chosen(x, y, fold)
    assert trial.regularisers["r2"] == (100.0,)
    assert trial.metrics["r2"] == pytest.approx(0, abs=0.03)


def test_a_known_share_is_found():
    """One dimension is x and half as much noise, another one nothing but noise, and of twice the variance."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40_000, 3))
    y = np.column_stack([x[:, 0] + np.sqrt(0.5) * rng.normal(size=40_000), np.sqrt(3) * rng.normal(size=40_000)])
    assert chosen(x, y, np.arange(40_000) % 10).metrics["r2"] == pytest.approx(1 / 4.5, abs=0.02)


@settings(max_examples=40, deadline=None)
@given(**shapes, factor=st.sampled_from([1e-6, -1.0, 1e6]), ridge=st.sampled_from([1e-10, 1e-2, 1.0]))
def test_the_target_may_be_shifted_scaled_and_turned(dx, dy, rows, seed, standardise, factor, ridge):
    x, y = related(rows, dx, dy, seed)
    fold, rng = random_folds(rows, 10, seed), np.random.default_rng(seed)
    moved = factor * (y @ rotation(dy, rng)) + factor * rng.normal(size=dy)
    before, after = (r2_of(x, target, fold, ridge, standardise) for target in (y, moved))
    assert after == pytest.approx(before, abs=1e-8)
    assert chosen(x, y, fold).regularisers["r2"] == chosen(x, moved, fold).regularisers["r2"]


@settings(max_examples=25, deadline=None)
@given(**shapes, factor=st.sampled_from([1e-6, 1e6]))
def test_the_layer_may_be_shifted_and_scaled(dx, dy, rows, seed, standardise, factor):
    x, y = related(rows, dx, dy, seed)
    fold, rng = random_folds(rows, 10, seed), np.random.default_rng(seed)
    before, after = (chosen(view, y, fold, standardise) for view in (x, factor * (x + rng.normal(size=dx))))
    assert after.metrics["r2"] == pytest.approx(before.metrics["r2"], abs=1e-7)


def test_a_shift_between_training_and_test_is_a_wrong_prediction():
    """The intercept is training's, as that of any regression; correlations do not see this."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 4))
    y, fold = x @ rotation(4, rng), np.arange(2000) % 10
    shifted = y + 3.0 * (fold == TEST)[:, None]
    assert r2_of(x, shifted, fold) == pytest.approx(ordinary_r2(x, shifted, fold, 1e-10), abs=1e-8)
    assert r2_of(x, shifted, fold) < -5
    assert evaluate(fold_moments(x, shifted, fold), TRAIN, [TEST], 1e-10, 1e-10).mean_cca == pytest.approx(1, abs=1e-6)


def test_a_dimension_that_is_constant_in_training_is_not_predicted_from():
    x, y = related(500, 4, 3)
    fold = random_folds(500)
    constant = np.column_stack([x, np.where(fold == TEST, 7.0, 1.0)])
    for standardise in (False, True):
        assert r2_of(constant, y, fold, standardise=standardise) == pytest.approx(
            r2_of(x, y, fold, standardise=standardise), abs=1e-9
        )


def test_the_target_may_be_either_view():
    x, y = related(700, 9, 4)
    fold = random_folds(700)
    forwards, backwards = chosen(x, y, fold, predicted="y"), chosen(y, x, fold, predicted="x")
    assert forwards.metrics["r2"] == pytest.approx(backwards.metrics["r2"], abs=1e-12)
    assert forwards.regularisers["r2"] == backwards.regularisers["r2"]
    assert (forwards.predicted, backwards.predicted) == ("y", "x")
    other_way = evaluate(fold_moments(x, y, fold), TRAIN, [TEST], 1e-10, 1e-3, predicted="x").metrics["r2"]
    assert other_way == pytest.approx(ordinary_r2(y, x, fold, 1e-3), abs=1e-8)
    assert other_way != pytest.approx(forwards.metrics["r2"], abs=0.01)
    with pytest.raises(ValueError, match="predicted is 'z'; expected one of x, y"):
        chosen(x, y, fold, predicted="z")


def test_labels_are_read_off_a_layer_that_tells_them_apart():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 8, 2000)
    x = rng.normal(size=(8, 16))[labels] + 0.05 * rng.normal(size=(2000, 16))
    assert chosen(x, one_hot(labels), random_folds(2000)).metrics["r2"] > 0.95


@pytest.mark.parametrize("standardise", [False, True])
def test_the_ridge_is_the_best_on_dev_and_of_equal_ones_the_first(standardise, monkeypatch):
    x, y = related(200, 14, 3, noise=3.0)
    fold = random_folds(200)
    on_dev = [r2_of(x, y, fold, ridge, standardise, test=DEV) for ridge in RIDGES]
    best = RIDGES[on_dev.index(max(on_dev))]
    assert best not in (RIDGES[0], RIDGES[-1])
    trial = chosen(x, y, fold, standardise)
    assert trial.regularisers["r2"] == (best,)
    assert trial.metrics["r2"] == pytest.approx(r2_of(x, y, fold, best, standardise), abs=1e-12)
    for ridges in ((best, best * (1 + 1e-17)), (1e-30, 1e-40), (1e-40, 1e-30)):
        monkeypatch.setattr("layerwise.scoring.measures.cca.RIDGES", ridges)
        assert chosen(x, y, fold, standardise).regularisers["r2"] == (ridges[0],)


def test_a_target_that_is_constant_in_the_held_out_rows_is_refused():
    x, y = related(300, 3, 2)
    fold = random_folds(300)
    y[fold == TEST] = 4.0
    with pytest.raises(DegenerateViewError, match="view y: all 2 dimensions are constant over 30 held-out rows"):
        evaluate(fold_moments(x, y, fold), TRAIN, [TEST], 1e-10, 1e-10)


def test_ridges_go_from_hardly_any_to_what_leaves_hardly_anything():
    assert list(linear_map.RIDGES) == sorted(set(RIDGES))
    assert RIDGES[0] <= 1e-10
    assert RIDGES[-1] >= 100
