from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

import textbook_cca
from layerwise.scoring.measures import held_out, passes, ridge
from layerwise.scoring.measures.cca import cross_validate, evaluate
from layerwise.scoring.measures.jackknife import LIGHTER, jackknife
from layerwise.scoring.measures.linear_map import LinearMap
from layerwise.scoring.measures.passes import fold_moments
from layerwise.scoring.metrics import METRICS, mapped, tuned
from layerwise.scoring.refusals import DegenerateViewError, EmptyFoldError, TooFewRowsError
from synthetic_views import golden_cca, layer_norm, mixing, one_hot, planted, random_folds, related, rotation

TRAIN, DEV, TEST = list(range(8)), 8, 9
RIDGE = 1e-10
PAPER_EPSILONS = [(1e-10, 1e-10), (1e-9, 1e-10), (1e-8, 1e-8), (1e-7, 1e-6), (1e-6, 1e-5), (1e-5, 1e-5)]


def scores_of(x, y, fold, train=TRAIN, test=TEST, epsilons=(RIDGE, RIDGE), standardise=False, **options):
    return evaluate(fold_moments(x, y, fold, **options), train, [test], *epsilons, standardise)


def textbook_of(x, y, fold, train=TRAIN, test=TEST, epsilons=(RIDGE, RIDGE), standardise=False):
    training, testing = np.isin(fold, train), fold == test
    return textbook_cca.fit(x[training], y[training], x[testing], y[testing], *epsilons, standardise)


def value_of(scores, name):
    """A field or a metric of scores, or of what a textbook gives."""
    return getattr(scores, name) if hasattr(scores, name) else scores.metrics[name]


def by_the_choice_of(trial, name, moments, standardise):
    """A metric of one fit on the folds of a trial, with the regularisers that it chose, on its test fold."""
    train = sorted(set(range(moments.folds)) - {trial.dev_fold, trial.test_fold})
    if name in mapped():
        linear_map = LinearMap(ridge.Fit(moments.covariance(train), standardise), "y")
        return METRICS[name].of_map(linear_map, moments.covariance([trial.test_fold]), trial.regularisers[name])[0]
    pair = trial.regularisers.get(name, PAPER_EPSILONS[3])  # svcca and cka have no regulariser: any pair gives them
    return value_of(evaluate(moments, train, [trial.test_fold], *pair, standardise), name)


def assert_same_scores(left, right, tolerance, names=METRICS):
    for name in names:
        assert value_of(left, name) == pytest.approx(value_of(right, name), abs=tolerance), name


# --- numbers of the published implementation ---------------------------------------------------------------------


@pytest.fixture(params=["mel", "word", "dead_dims", "intra", "rogue", "zero_mean"])
def golden(request):
    return golden_or_skip(request.param)


def golden_or_skip(name):
    case = golden_cca(name)
    if case is None:
        pytest.skip(f"the golden case {name} is not part of this repository")
    return case


def test_published_numbers_are_met_at_every_regulariser(golden):
    moments = fold_moments(golden.x, golden.y, golden.fold)
    assert len(golden.trials) == 3
    for trial in golden.trials:
        train = sorted(set(range(10)) - {trial["dev_fold"], trial["test_fold"]})
        for expected in trial["eps"]:
            for side in ("dev", "test"):
                scores = evaluate(moments, train, [trial[f"{side}_fold"]], expected["eps_x"], expected["eps_y"])
                assert (scores.kept_x, scores.kept_y) == (expected["kept_x"], expected["kept_y"])
                assert scores.mean_cca == pytest.approx(expected[f"{side}_mean_cca"], abs=1e-6)
                assert scores.pwcca == pytest.approx(expected[f"{side}_pwcca_centred"], abs=1e-6)
                assert scores.pwcca_published == pytest.approx(expected[f"{side}_pwcca_published"], abs=1e-6)
            np.testing.assert_allclose(scores.correlations, expected["test_corr"], rtol=0, atol=1e-5)


def test_published_phone_correlations_are_met_but_for_the_direction_that_is_noise():
    golden = golden_or_skip("phone")
    moments = fold_moments(golden.x, golden.y, golden.fold)
    for trial in golden.trials:
        train = sorted(set(range(10)) - {trial["dev_fold"], trial["test_fold"]})
        for expected in trial["eps"]:
            epsilons = expected["eps_x"], expected["eps_y"]
            scores = evaluate(moments, train, [trial["test_fold"]], *epsilons)
            plain = textbook_of(golden.x, golden.y, golden.fold, train, trial["test_fold"], epsilons)
            assert (scores.kept_x, scores.kept_y) == (expected["kept_x"], expected["kept_y"])
            assert (scores.rank_y, scores.correlations.size) == (38, 38)
            np.testing.assert_allclose(scores.correlations, expected["test_corr"][:38], rtol=0, atol=1e-5)
            assert scores.mean_cca == pytest.approx(np.mean(expected["test_corr"][:38]), abs=1e-6)
            assert scores.pwcca == pytest.approx(plain.pwcca, abs=1e-8)


# --- a textbook's implementation on rows --------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    dx=st.integers(1, 8),
    dy=st.integers(1, 8),
    rows=st.integers(300, 800),
    seed=st.integers(0, 2**32),
    standardise=st.booleans(),
    epsilons=st.sampled_from([(1e-10, 1e-10), (1e-6, 1e-3), (1e-2, 1e-7), (0.3, 0.3)]),
)
def test_scores_are_those_of_the_textbook(dx, dy, rows, seed, standardise, epsilons):
    x, y = related(rows, dx, dy, seed)
    fold = random_folds(rows, 10, seed)
    ours = scores_of(x, y, fold, epsilons=epsilons, standardise=standardise)
    plain = textbook_of(x, y, fold, epsilons=epsilons, standardise=standardise)
    assert (ours.kept_x, ours.kept_y, ours.rank_x, ours.rank_y) == (*plain.kept, *plain.rank)
    np.testing.assert_allclose(ours.correlations, plain.correlations, rtol=0, atol=1e-8)
    assert ours.mean_cca == pytest.approx(plain.mean_cca, abs=1e-8)
    assert ours.pwcca == pytest.approx(plain.pwcca, abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(
    dx=st.integers(1, 12),
    dy=st.integers(1, 12),
    seed=st.integers(0, 2**32),
    standardise=st.booleans(),
    fall=st.floats(1, 100),
)
def test_svcca_and_cka_are_those_of_the_textbook(dx, dy, seed, standardise, fall):
    x, y = related(400, dx, dy, seed)
    x, y = x * np.geomspace(1, 1 / fall, dx), y * np.geomspace(1, 1 / fall, dy)  # some directions fall below 1 %
    fold = random_folds(400, 10, seed)
    ours = scores_of(x, y, fold, standardise=standardise)
    training, testing = np.isin(fold, TRAIN), fold == TEST
    plain, kept = textbook_cca.svcca(x[training], y[training], x[testing], y[testing], standardise)
    assert (ours.svcca_x, ours.svcca_y) == kept == ours.dimensions("svcca")
    assert ours.svcca == pytest.approx(plain, abs=1e-8)
    assert ours.metrics["cka"] == pytest.approx(textbook_cca.cka(x[testing], y[testing]), abs=1e-8)


@settings(max_examples=30, deadline=None)
@given(
    dx=st.integers(2, 5),
    dy=st.integers(2, 5),
    seed=st.integers(0, 2**32),
    epsilons=st.sampled_from([(1e-10, 1e-10), (1e-6, 1e-3)]),
)
def test_the_published_weights_are_those_of_the_textbook_for_some_signs(dx, dy, seed, epsilons):
    x, y = related(400, dx, dy, seed)
    fold = random_folds(400, 10, seed)
    ours = scores_of(x, y, fold, epsilons=epsilons)
    candidates = textbook_of(x, y, fold, epsilons=epsilons).published()
    assert np.abs(np.array(candidates) - ours.pwcca_published).min() < 1e-8


@pytest.mark.parametrize("standardise", [False, True])
def test_labels_against_a_layer_are_scored_as_the_textbook_does(standardise):
    """A one-hot view has rank classes − 1; kept, the last direction would move the score."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 12, 1500)
    x, fold = rng.normal(size=(12, 20))[labels] + rng.normal(size=(1500, 20)), random_folds(1500)
    target = one_hot(labels)
    ours = scores_of(x, target, fold, standardise=standardise)
    plain = textbook_of(x, target, fold, standardise=standardise)
    assert (ours.kept_y, ours.rank_y, ours.correlations.size) == (12, 11, 11)
    np.testing.assert_allclose(ours.correlations, plain.correlations, rtol=0, atol=1e-8)
    assert ours.pwcca == pytest.approx(plain.pwcca, abs=1e-8)


# --- known answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("standardise", [False, True])
def test_a_view_against_itself_gives_one(standardise):
    x, _ = related(800, 12, 3)
    x = x @ mixing(12, np.random.default_rng(0))
    scores = scores_of(x, x, random_folds(800), standardise=standardise)
    assert scores.metrics == pytest.approx(dict.fromkeys(METRICS, 1.0), abs=1e-6)
    np.testing.assert_allclose(scores.correlations, 1, atol=1e-6)


def test_a_target_of_noise_scores_near_zero_on_held_out_rows():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4000, 20)), rng.normal(size=(4000, 15))
    moments = fold_moments(x, y, random_folds(4000))
    held_out = np.array([list(evaluate(moments, [*range(test), *range(test + 1, 10)], [test], RIDGE, RIDGE)
                              .metrics.values()) for test in range(10)])  # fmt: skip
    assert np.abs(held_out).max() < 0.1
    mean = dict(zip(METRICS, held_out.mean(axis=0), strict=True))
    assert max(abs(value) for name, value in mean.items() if name != "cka") < 0.02
    assert mean["cka"] == pytest.approx(np.sqrt(20 * 15) / 400, rel=0.1)  # its bias: it has no fit to hold rows out of
    assert evaluate(moments, TRAIN, TRAIN, RIDGE, RIDGE).mean_cca > 0.06  # what a fit on its own rows would claim


@pytest.mark.parametrize("standardise", [False, True])
def test_planted_correlations_are_found(standardise):
    """Their population values: held-out correlations are close to these, and to 0 beyond them."""
    known = np.array([0.95, 0.8, 0.6, 0.4])
    x, y = planted(30_000, known, 9, 6)
    scores = scores_of(x, y, np.arange(30_000) % 2, [0], 1, standardise=standardise)
    np.testing.assert_allclose(scores.correlations, [*known, 0, 0], atol=0.02)
    assert scores.mean_cca == pytest.approx(known.sum() / 6, abs=0.01)


def test_a_linear_map_with_noise_is_found():
    """y = xA + e: each dimension of x is seen through noise of the same size as the signal, so every ρ is √½."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 5))
    y = x @ rotation(5, rng) + rng.normal(size=(20_000, 5))
    scores = scores_of(x, y, np.arange(20_000) % 2, [0], 1)
    np.testing.assert_allclose(scores.correlations, np.sqrt(0.5), atol=0.02)
    assert scores.pwcca == pytest.approx(np.sqrt(0.5), abs=0.01)


def test_an_orthogonal_map_is_found_whatever_the_weights():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 6)) * rng.uniform(0.5, 2, 6)
    scores = scores_of(x, x @ rotation(6, rng) - 4, random_folds(500))
    assert scores.metrics == pytest.approx(dict.fromkeys(METRICS, 1.0), abs=1e-6)


def test_the_weights_favour_what_carries_variance():
    """Two shared directions, the strong one with ρ = 0.9 and a hundred times the spread of the one with ρ = 0.1."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(20_000, 2))
    rho = np.array([0.9, 0.1])
    y = (rho * x + np.sqrt(1 - rho**2) * rng.normal(size=x.shape)) * [100, 1]
    scores = scores_of(x, y, np.arange(20_000) % 2, [0], 1)
    assert scores.mean_cca == pytest.approx(0.5, abs=0.02)
    assert scores.pwcca == pytest.approx((100 * 0.9 + 1 * 0.1) / 101, abs=0.02)


# --- variates that depend on others -------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    dependent=st.lists(st.booleans(), min_size=1, max_size=6),
    d=st.integers(1, 5),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    seed=st.integers(0, 2**32),
)
def test_variates_that_depend_on_those_before_them_weigh_nothing(dependent, d, scale, seed):
    """As Gram and Schmidt have it on rows, whose Q has a column of zeros for each of them."""
    rng = np.random.default_rng(seed)
    rows, v = np.empty((50, len(dependent))), rng.normal(size=(50, d))
    q = np.zeros_like(rows)
    for column, depends in enumerate(dependent):
        own = rng.normal(size=50)
        rows[:, column] = scale * (rows[:, :column] @ rng.normal(size=column) / scale if depends else own)
        if not depends:
            rest = own - q @ (q.T @ own)
            q[:, column] = rest / np.linalg.norm(rest)
    if not q.any():
        return  # nothing but zeros: such variates are refused before they are weighed
    sums = np.abs(q.T @ v).sum(axis=1)
    found = held_out._projection_weights(rows.T @ rows, rows.T @ v, 0.0)
    np.testing.assert_allclose(found, sums / sums.sum(), atol=1e-6)
    assert not found[~q.any(axis=0)].any()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e12])
@pytest.mark.parametrize(("own", "weighs"), [(1e-7, False), (1e-3, True)])
def test_a_variate_that_is_nearly_another_weighs_nothing(scale, own, weighs):
    """What it has of its own is a share of its variance, whatever its unit."""
    rng = np.random.default_rng(0)
    rows, v = rng.normal(size=(50, 3)), rng.normal(size=(50, 4))
    rows[:, 1] = rows[:, 0] + own * rows[:, 1]
    found = held_out._projection_weights(scale**2 * rows.T @ rows, scale * rows.T @ v, 0.0)
    kept = [0, 1, 2] if weighs else [0, 2]
    q, sums = np.linalg.qr(rows[:, kept])[0], np.zeros(3)
    sums[kept] = np.abs(q.T @ v).sum(axis=1)
    np.testing.assert_allclose(found, sums / sums.sum(), atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize("standardise", [False, True])
def test_words_that_a_fold_of_speakers_lacks_take_no_part_in_the_weights(dtype, standardise):
    """Of ten words, speakers of the held-out fold say six: their variates have five directions, of nine."""
    rng = np.random.default_rng(4)
    fold = random_folds(1500)
    labels = np.where(fold == TEST, rng.integers(0, 6, 1500), rng.integers(0, 10, 1500))
    x = (rng.normal(size=(10, 14))[labels] + rng.normal(size=(1500, 14))).astype(dtype)
    ours = scores_of(x, one_hot(labels), fold, standardise=standardise)
    plain = textbook_of(x, one_hot(labels), fold, standardise=standardise)
    assert (ours.n_test, ours.correlations.size) == (150, 9)
    q, r = np.linalg.qr(plain.weighing)
    assert (np.abs(r.diagonal()[:5]) > 1e-2).all()
    assert np.abs(r.diagonal()[5:]).max() < 1e-9
    sums = np.abs(q[:, :5].T @ (plain.v - plain.v.mean(axis=0))).sum(axis=1)
    assert ours.pwcca == pytest.approx(
        sums @ plain.correlations[:5] / sums.sum(), abs=1e-3 if dtype == "float16" else 1e-8
    )


# --- invariances --------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shift=st.floats(-50, 50),
    scale_x=st.floats(1e-2, 1e2),
    scale_y=st.floats(-1e2, -1e-2),
    standardise=st.booleans(),
)
def test_shifts_and_a_common_scale_change_nothing(seed, shift, scale_x, scale_y, standardise):
    x, y = related(500, 6, 4, seed)
    fold = random_folds(500, 10, seed)
    moved_x = scale_x * x + shift * np.arange(6)
    moved_y = scale_y * y - shift
    before, after = (scores_of(*views, fold, standardise=standardise) for views in ((x, y), (moved_x, moved_y)))
    assert_same_scores(before, after, 1e-7, ("mean_cca", "pwcca", "svcca", "cka"))
    np.testing.assert_allclose(before.correlations, after.correlations, atol=1e-7)


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize(("scale_x", "scale_y"), [(4.0, 1.0), (1.0, 2.0**-5), (2.0**10, 8.0)])
def test_a_common_scale_changes_no_published_score(standardise, scale_x, scale_y):
    """By powers of two, so that no digit changes and the SVD returns the same signs."""
    x, y = related(500, 6, 4)
    fold = random_folds(500)
    before, after = (scores_of(*views, fold, standardise=standardise) for views in ((x, y), (scale_x * x, scale_y * y)))
    assert_same_scores(before, after, 1e-12, ("pwcca_published",))


def test_shifts_change_the_published_score():
    x, y = related(500, 6, 4)
    fold = random_folds(500)
    before, after = scores_of(x, y, fold), scores_of(x, y + 5, fold)
    assert abs(before.pwcca_published - after.pwcca_published) > 1e-3


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), wide_x=st.booleans())
def test_orthogonal_maps_of_the_view_that_gives_no_weights_change_nothing(seed, wide_x):
    wide, narrow = related(500, 7, 4, seed)
    turned = wide @ rotation(7, np.random.default_rng(seed))
    fold = random_folds(500, 10, seed)
    before, after = (
        scores_of(*((view, narrow) if wide_x else (narrow, view)), fold) for view in (wide, turned)
    )  # fmt: skip
    assert_same_scores(before, after, 1e-6, ("mean_cca", "pwcca"))
    np.testing.assert_allclose(before.correlations, after.correlations, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), dx=st.integers(2, 7), dy=st.integers(2, 7))
def test_orthogonal_maps_of_both_views_change_no_metric_without_weights(seed, dx, dy):
    rng = np.random.default_rng(seed)
    x, y = related(500, dx, dy, seed)
    fold = random_folds(500, 10, seed)
    before, after = scores_of(x, y, fold), scores_of(x @ rotation(dx, rng), y @ rotation(dy, rng), fold)
    assert_same_scores(before, after, 1e-6, ("mean_cca", "svcca"))
    assert_same_scores(before, after, 1e-12, ("cka",))
    np.testing.assert_allclose(before.correlations, after.correlations, atol=1e-6)


@pytest.mark.parametrize("narrow_first", [True, False])
def test_an_orthogonal_map_of_the_view_that_gives_the_weights_changes_the_weights_alone(narrow_first):
    wide, narrow = related(500, 7, 4)
    turned = narrow @ rotation(4, np.random.default_rng(0))
    fold = random_folds(500)
    before, after = (
        scores_of(*((view, wide) if narrow_first else (wide, view)), fold) for view in (narrow, turned)
    )  # fmt: skip
    assert_same_scores(before, after, 1e-6, ("mean_cca",))
    assert abs(before.pwcca - after.pwcca) > 1e-3


def test_at_a_tie_the_second_view_gives_the_weights():
    x, y = related(500, 5, 5)
    turn = rotation(5, np.random.default_rng(0))
    fold = random_folds(500)
    assert_same_scores(scores_of(x, y, fold), scores_of(x @ turn, y, fold), 1e-6, ("mean_cca", "pwcca"))
    assert abs(scores_of(x, y, fold).pwcca - scores_of(x, y @ turn, fold).pwcca) > 1e-3


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize(("block_bytes", "product_rows"), [(1, 7), (5000, 64), (2**25, 333)])
def test_blocks_and_threads_change_no_score(monkeypatch, standardise, block_bytes, product_rows):
    x, y = related(3000, 40, 30)
    fold = random_folds(3000)
    with threadpool_limits(1):
        whole = scores_of(x, y, fold, standardise=standardise)
    monkeypatch.setattr(passes, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(passes, "PRODUCT_ROWS", product_rows)
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            pieces = scores_of(x, y, fold, standardise=standardise)
        assert_same_scores(whole, pieces, 1e-9, ("mean_cca", "pwcca", "svcca", "cka"))
        np.testing.assert_allclose(whole.correlations, pieces.correlations, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("scale_x", "scale_y"), [(1e-100, 1.0), (1e80, 1e80), (1e-70, 1e90)])
def test_cka_survives_extreme_scales(scale_x, scale_y):
    x, y = related(500, 6, 4)
    fold = random_folds(500)
    assert scores_of(x * scale_x, y * scale_y, fold).metrics["cka"] == pytest.approx(
        scores_of(x, y, fold).metrics["cka"], abs=1e-12
    )


@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize(("dx", "classes"), [(1, 2), (5, 2), (1, 4)])
def test_the_smallest_views_are_scored(dtype, dx, classes):
    labels = np.random.default_rng(0).integers(0, classes, 1000)
    x = labels[:, None] + np.random.default_rng(1).normal(size=(1000, dx))
    scores = scores_of(x.astype(dtype), one_hot(labels), random_folds(1000))
    assert scores.correlations.size == min(dx, classes - 1)
    assert 0.2 < scores.mean_cca < 1
    assert scores.pwcca == pytest.approx(scores.mean_cca, abs=0.2)


# --- principal directions and kernels ------------------------------------------------------------------------------


def test_svcca_leaves_out_directions_that_hold_a_hundredth_of_the_variance():
    """What x and y share lies in a weak direction: CCA finds it, SVCCA never looks there."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4000, 4)), rng.normal(size=(4000, 4))
    y[:, 3] = x[:, 3]
    weak = np.array([1, 1, 1, 0.05])
    turn = rotation(4, rng)
    scores = scores_of(x * weak @ turn, y * weak, random_folds(4000))
    assert (scores.svcca_x, scores.svcca_y) == (3, 3)
    assert scores.correlations[0] == pytest.approx(1, abs=1e-6)
    assert abs(scores.svcca) < 0.1


def test_svcca_keeps_all_of_a_subspace_of_equal_variance():
    """Balanced one-hot labels have equal eigenvalues: 99 % of 119 directions would be an arbitrary 118."""
    labels = np.tile(np.arange(120), 50)
    fold = np.repeat(np.arange(10), 600)  # five of each label in each fold
    x = np.random.default_rng(0).normal(size=(120, 8))[labels] + np.random.default_rng(1).normal(size=(6000, 8))
    scores = scores_of(x, one_hot(labels), fold)
    assert (scores.rank_y, scores.svcca_y, scores.svcca_x) == (119, 119, 8)


@pytest.mark.parametrize(
    ("eigenvalues", "kept"), [([1, 99], 1), ([1.01, 98.99], 2), ([1, 1, 98], 3), ([0.5, 0.5, 99], 1), ([7], 1)]
)
def test_svcca_keeps_the_fewest_directions_with_99_percent_and_their_equals(eigenvalues, kept):
    main = ridge._main(np.array(eigenvalues, float))
    assert main.tolist() == [False] * (len(eigenvalues) - kept) + [True] * kept


def test_one_large_dimension_decides_cka_and_nothing_else():
    x, y = related(2000, 6, 6)
    x[:, 0] = 1e3 * np.random.default_rng(5).normal(size=2000)
    scores = scores_of(x, y, random_folds(2000), standardise=True)
    assert scores.metrics["cka"] < 0.05
    assert scores.svcca > 0.3


@settings(max_examples=20, deadline=None)
@given(shards=st.integers(2, 6), seed=st.integers(0, 2**32), standardise=st.booleans())
def test_scores_of_summed_shards_are_those_of_the_whole(shards, seed, standardise):
    x, y = related(600, 5, 4, seed)
    rng = np.random.default_rng(seed)
    part = np.arange(600) * shards // 600
    x = x + rng.normal(size=(shards, 5))[part] * 10
    fold = random_folds(600, 10, seed)
    total = None
    for number in rng.permutation(shards):
        own = fold_moments(x[part == number], y[part == number], fold[part == number], folds=10)
        total = own if total is None else total + own
    whole = scores_of(x, y, fold, standardise=standardise)
    summed = evaluate(total, TRAIN, [TEST], RIDGE, RIDGE, standardise)
    assert_same_scores(whole, summed, 1e-9, ("mean_cca", "pwcca", "svcca", "cka"))
    np.testing.assert_allclose(whole.correlations, summed.correlations, atol=1e-9)


# --- float16 views and float32 products ---------------------------------------------------------------------------


def half_precision_views(kind):
    rng = np.random.default_rng(3)
    hidden, other = related(3000, 48, 24, 3)
    if kind == "plain":
        return hidden.astype(np.float16), other.astype(np.float16)
    if kind == "far from zero":
        return (hidden + 30).astype(np.float16), other.astype(np.float16)
    if kind == "LayerNorm":
        return layer_norm(hidden), other.astype(np.float16)
    if kind == "two LayerNorms":
        return layer_norm(hidden), layer_norm(other)
    labels = rng.integers(0, 20, 3000)
    return layer_norm(hidden + 2 * rng.normal(size=(20, 48))[labels]), one_hot(labels)


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("kind", ["plain", "far from zero", "LayerNorm", "two LayerNorms", "LayerNorm and labels"])
def test_float32_products_are_close_to_float64(kind, standardise):
    x, y = half_precision_views(kind)
    fold = random_folds(3000)
    moments, exact = fold_moments(x, y, fold), fold_moments(x, y, fold, product_dtype="float64")
    assert moments.rounding.products > exact.rounding.products  # the two differ in how they were made
    for epsilons in PAPER_EPSILONS:
        ours = evaluate(moments, TRAIN, [TEST], *epsilons, standardise)
        theirs = evaluate(exact, TRAIN, [TEST], *epsilons, standardise)
        assert (ours.rank_x, ours.rank_y) == (theirs.rank_x, theirs.rank_y)
        # The signs of the SVD, which `pwcca_published` depends on, survive no rounding: the next test is about that.
        assert_same_scores(ours, theirs, 1e-4, ("mean_cca", "pwcca", "svcca", "cka"))
        np.testing.assert_allclose(ours.correlations, theirs.correlations, rtol=0, atol=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_float32_products_give_a_published_score_of_float64_for_some_signs(seed):
    x, y = (view.astype(np.float16) for view in related(2000, 6, 5, seed))
    fold = random_folds(2000)
    candidates = textbook_of(x, y, fold).published()
    assert np.abs(np.array(candidates) - scores_of(x, y, fold).pwcca_published).min() < 1e-4


@pytest.mark.parametrize(("dtype", "products"), [("float16", None), ("float32", None), ("float32", "float32")])
@pytest.mark.parametrize("standardise", [False, True])
def test_the_direction_that_a_layer_norm_leaves_without_variance_is_dropped(dtype, products, standardise):
    x = layer_norm(related(3000, 48, 3)[0], dtype)
    fold = random_folds(3000)
    for epsilons in [(1e-10, 1e-10), (1e-5, 1e-5)]:
        scores = scores_of(x, x, fold, epsilons=epsilons, standardise=standardise, product_dtype=products)
        assert (scores.kept_x, scores.kept_y, scores.rank_x, scores.rank_y) == (48, 48, 47, 47)
        assert scores.mean_cca == pytest.approx(1, abs=1e-6)
        assert scores.pwcca == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("scale", [2.0**-9, 2.0**9])
def test_the_unit_of_a_layer_norm_does_not_bring_its_direction_back(scale):
    """By a power of two, so that the digits stay: rounding is a share of each dimension."""
    x = layer_norm(related(3000, 48, 3)[0])
    moments = fold_moments(x * np.float16(scale), x, random_folds(3000), product_dtype="float64")
    scores = evaluate(moments, TRAIN, [TEST], RIDGE, RIDGE, standardise=True)
    assert (scores.kept_x, scores.rank_x, scores.rank_y) == (48, 47, 47)
    assert scores.mean_cca == pytest.approx(1, abs=1e-6)


def test_weak_directions_of_a_float16_view_are_kept():
    """Only rounding noise is dropped: a direction of a ten-thousandth of the variance carries meaning."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(4000, 16)) * np.geomspace(1, 0.01, 16)
    scores = scores_of((hidden @ rotation(16, rng)).astype(np.float16), hidden.astype(np.float16), random_folds(4000))
    assert (scores.rank_x, scores.rank_y) == (16, 16)
    assert scores.mean_cca > 0.99


@pytest.mark.parametrize("standardise", [False, True])
def test_weak_directions_far_from_zero_are_kept(standardise):
    """About 10, float16 has steps of 1/128: what varies by four of them is no rounding."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(4000, 16)) * [*[1] * 15, 1 / 32]
    x = (10 + hidden @ rotation(16, rng)).astype(np.float16)
    scores = scores_of(x, hidden, random_folds(4000), standardise=standardise)
    assert (scores.rank_x, scores.rank_y) == (16, 16)
    assert scores.mean_cca > 0.99


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_one_hot_targets_have_one_direction_less_than_classes(dtype):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 9, 2000)
    scores = scores_of(rng.normal(size=(2000, 20)).astype(dtype), one_hot(labels), random_folds(2000))
    assert (scores.kept_y, scores.rank_y, scores.rank_x, scores.correlations.size) == (9, 8, 20, 8)


# --- standardised fits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1e-6, 1e3])
def test_standardised_the_scale_of_a_dimension_moves_the_weights_alone(factor):
    """The weights are sums over raw dimensions, so a dimension that is scaled up pulls them to what it holds: `pwcca`
    and `pwcca_published` follow a scaling of the view that gives them, and of no other. The fit follows none.
    """
    wide, narrow = related(1000, 7, 4)
    fold = random_folds(1000)
    scaled_wide, scaled_narrow = wide.copy(), narrow.copy()
    scaled_wide[:, 2] *= factor
    scaled_narrow[:, 1] *= factor
    for epsilons in [(1e-10, 1e-10), (1e-3, 1e-3)]:
        before, other, own = (
            scores_of(*views, fold, epsilons=epsilons, standardise=True)
            for views in ((wide, narrow), (scaled_wide, narrow), (wide, scaled_narrow))
        )
        assert_same_scores(before, other, 1e-8, ("mean_cca", "pwcca"))
        assert_same_scores(before, own, 1e-8, ("mean_cca",))
        np.testing.assert_allclose(before.correlations, own.correlations, atol=1e-8)
        assert abs(before.pwcca - own.pwcca) > 1e-3
        assert abs(before.pwcca_published - own.pwcca_published) > 1e-3
        assert own.kept_y == other.kept_x - 3 == 4


def test_unstandardised_one_large_dimension_takes_the_others_place():
    wide, narrow = related(1000, 7, 4)
    wide[:, 2] *= 1e3
    fold = random_folds(1000)
    assert scores_of(wide, narrow, fold, epsilons=(1e-4, 1e-4)).kept_x == 1
    assert scores_of(wide, narrow, fold, epsilons=(1e-4, 1e-4), standardise=True).kept_x == 7


def test_standardised_a_rogue_dimension_costs_no_other():
    golden = golden_or_skip("rogue")
    moments = fold_moments(golden.x, golden.y, golden.fold)
    trials = [(trial["dev_fold"], trial["test_fold"]) for trial in golden.trials]
    published, ours = (cross_validate(moments, trials, PAPER_EPSILONS, standardise) for standardise in (False, True))
    assert min(evaluate(moments, TRAIN, [TEST], *pair).kept_x for pair in PAPER_EPSILONS) == 1
    for pair in PAPER_EPSILONS:
        scores = evaluate(moments, TRAIN, [TEST], *pair, standardise=True)
        assert (scores.kept_x, scores.kept_y) == (48, 32)
    # tuned on dev, the published fit prefers the collapse
    assert max(trial.scores["pwcca"].kept_x for trial in published) < 24
    assert {trial.scores["pwcca"].kept_x for trial in ours} == {48}
    # the figures of docs/measuring.md
    assert {trial.scores["pwcca"].kept_x for trial in published} == {6}
    for fit, expected in ((published, 0.950), (ours, 0.688)):
        assert np.mean([trial.metrics["pwcca"] for trial in fit]) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("dx", "dy"), [(6, 4), (4, 6)])
def test_standardised_without_ridge_and_cut_is_the_published_fit(seed, dx, dy):
    x, y = related(800, dx, dy, seed)
    x, y = x * np.geomspace(0.1, 10, dx), y * np.geomspace(5, 0.2, dy)
    fold = random_folds(800)
    published, ours = (scores_of(x, y, fold, epsilons=(1e-14, 1e-14), standardise=s) for s in (False, True))
    assert_same_scores(published, ours, 1e-8, ("mean_cca", "pwcca"))
    np.testing.assert_allclose(published.correlations, ours.correlations, atol=1e-8)
    # An SVD is free to return other signs for the rescaled matrix: one choice of them meets the score.
    candidates = textbook_of(x, y, fold, epsilons=(1e-14, 1e-14)).published()
    assert np.abs(np.array(candidates) - ours.pwcca_published).min() < 1e-7


# --- dimensions without variance ----------------------------------------------------------------------------------


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1234.5678])
@pytest.mark.parametrize("ridge", [RIDGE, 0.0])
def test_constant_columns_are_dropped(standardise, value, ridge):
    x, y = related(600, 6, 4)
    fold = random_folds(600)
    padded = np.insert(x, [0, 3, 6], value, axis=1)
    before, after = (scores_of(view, y, fold, epsilons=(ridge, ridge), standardise=standardise) for view in (x, padded))
    assert (after.dx, after.kept_x, after.rank_x) == (9, 6, 6)
    assert_same_scores(before, after, 1e-9, ("mean_cca", "pwcca", "svcca", "cka"))


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_columns_that_are_constant_in_training_alone_are_dropped(standardise, dtype):
    """A unit that fires in the held-out fold only: about the mean of all rows, its training sums are not zero."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x, y = related(600, 6, 4, seed)
        fold = random_folds(600)
        column = np.where(fold == TEST, rng.normal(size=600), rng.normal())
        padded = np.insert(x, 3, column, axis=1)
        before, after = (
            scores_of(v.astype(dtype), y.astype(dtype), fold, standardise=standardise) for v in (x, padded)
        )
        assert after.rank_x == 6
        # float32 products are taken about origins that differ by rounding.
        assert_same_scores(before, after, 1e-4 if dtype == "float16" else 1e-8, ("mean_cca", "pwcca"))


@pytest.mark.parametrize("standardise", [False, True])
def test_a_column_that_is_huge_in_held_out_rows_alone_is_dropped(standardise):
    """Its training variance is what rounding leaves of the squares of 1e10: more than that of true columns."""
    x, y = related(600, 6, 4)
    fold, rng = random_folds(600), np.random.default_rng(0)
    padded = np.insert(x, 3, np.where(fold == TEST, 1e10, 1e-3) * rng.normal(size=600), axis=1)
    before, after = (scores_of(v, y, fold, epsilons=(1e-3, 1e-3), standardise=standardise) for v in (x, padded))
    assert (after.dx, after.kept_x, after.rank_x) == (7, 6, 6)
    assert_same_scores(before, after, 1e-8, ("mean_cca", "pwcca", "svcca"))


@pytest.mark.parametrize(("deviation", "kept"), [(1e-5, 7), (1e-7, 6)])
def test_a_column_that_varies_by_a_share_of_its_mean_is_kept_if_that_is_above_rounding(deviation, kept):
    """About 1e6, the last digit of a float64 is 1e-10."""
    x, y = related(600, 6, 4)
    padded = np.insert(x, 3, 1e6 + deviation * np.random.default_rng(0).normal(size=600), axis=1)
    scores = scores_of(padded, y, random_folds(600), standardise=True)
    assert (scores.kept_x, scores.rank_x) == (kept, kept)


def test_a_view_of_nothing_but_rounding_is_refused():
    """About 1000, float16 has steps of a half: what falls on one side or the other carries no meaning."""
    _, y = related(600, 2, 3)
    x = (1000 + 0.5 * np.random.default_rng(0).integers(0, 2, (600, 2))).astype(np.float16)
    with pytest.raises(DegenerateViewError, match="view x: its variance is rounding noise of the stored numbers"):
        scores_of(x, y.astype(np.float16), random_folds(600))


@pytest.mark.parametrize("standardise", [False, True])
def test_a_view_of_few_directions_in_many_dimensions_has_their_rank(standardise):
    """An eigenvalue is as exact as the largest one allows, which is hundreds of times a dimension's variance here."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(1200, 2))
    x = latent[:, :1] @ rng.normal(size=(1, 400)) + 0.1 * latent[:, 1:] @ rng.normal(size=(1, 400))
    scores = scores_of(x, latent, random_folds(1200), standardise=standardise)
    assert (scores.kept_x, scores.rank_x) == (400, 2)
    assert scores.mean_cca == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("standardise", [False, True])
def test_repeated_columns_add_no_direction(standardise):
    x, y = related(600, 6, 4)
    scores = scores_of(np.hstack([x, x[:, :2], x[:, :1] - x[:, 1:2]]), y, random_folds(600), standardise=standardise)
    assert (scores.kept_x, scores.rank_x) == (9, 6)


@pytest.mark.parametrize("standardise", [False, True])
def test_a_class_that_training_never_saw_is_dropped(standardise):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 800)
    fold = random_folds(800)
    labels[(labels == 3) & (fold != TEST)] = 0
    assert (labels[fold == TEST] == 3).sum() > 3
    x = rng.normal(size=(5, 10))[labels] + rng.normal(size=(800, 10))
    scores = scores_of(x, one_hot(labels), fold, standardise=standardise)
    assert (scores.dy, scores.kept_y, scores.rank_y) == (5, 4, 3)
    assert scores.pwcca > 0.4


def test_a_dimension_below_the_regulariser_is_cut():
    x, y = related(600, 4, 3)
    x[:, 1] *= 1e-3
    scores = [scores_of(x, y, random_folds(600), epsilons=(epsilon, RIDGE)) for epsilon in (1e-9, 1e-4)]
    assert [s.kept_x for s in scores] == [4, 3]
    assert [s.kept_y for s in scores] == [3, 3]


@pytest.mark.parametrize(("epsilon", "kept"), [(0.25, 2), (0.2500001, 1)])
def test_what_is_cut_lies_below_the_regulariser(epsilon, kept):
    """Exact variances: the second dimension has a quarter of the first one's."""
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]] * 50) * [2.0, 1.0]
    y = np.random.default_rng(0).normal(size=(200, 2))
    scores = scores_of(signs, y, np.repeat([0, 1], 100), [0], 1, epsilons=(epsilon, RIDGE))
    assert scores.kept_x == kept


def test_each_metric_is_of_dimensions_of_its_own():
    x, y = related(600, 6, 4)
    x[:, 1] *= 1e-3
    scores = scores_of(x, y, random_folds(600), epsilons=(1e-4, RIDGE))
    assert scores.dimensions("cka") == (6, 4)
    for metric in ("mean_cca", "pwcca", "pwcca_published"):
        assert scores.dimensions(metric) == (scores.kept_x, scores.kept_y) == (5, 4)
    assert scores.dimensions("svcca") == (scores.svcca_x, scores.svcca_y)


# --- refusals -----------------------------------------------------------------------------------------------------


def test_as_many_dimensions_as_training_rows_are_refused():
    x, y = related(60, 8, 4)
    fold = np.repeat([0, 1], [12, 48])
    with pytest.raises(TooFewRowsError, match=r"12 training rows for 8 \+ 4 dimensions"):
        scores_of(x, y, fold, [0], 1)
    fold[12] = 0
    assert scores_of(x, y, fold, [0], 1).n_train == 13


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_a_constant_view_is_refused_by_name(standardise, value):
    x, y = related(100, 3, 2)
    with pytest.raises(DegenerateViewError, match="view y: all 2 dimensions are constant over 80 training rows"):
        scores_of(x, np.full_like(y, value), random_folds(100), standardise=standardise)
    with pytest.raises(DegenerateViewError, match="view x: all 3 dimensions are constant over 80 training rows"):
        scores_of(np.full_like(x, value), y, random_folds(100), standardise=standardise)


def test_a_regulariser_above_every_variance_is_refused():
    x, y = related(100, 3, 2)
    with pytest.raises(DegenerateViewError, match="view y: no dimension has variance of at least 2"):
        scores_of(x, y, random_folds(100), epsilons=(RIDGE, 2.0))


@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize(("held_out", "value"), [(DEV, 1.0), (TEST, 0.1), (TEST, 0.0)])
def test_held_out_rows_that_are_all_the_same_are_refused(dtype, held_out, value):
    x, y = (view.astype(dtype) for view in related(100, 3, 2))
    fold = random_folds(100)
    x[fold == held_out] = value
    with pytest.raises(DegenerateViewError, match="view x: all 3 dimensions are constant over 10 held-out rows"):
        cross_validate(fold_moments(x, y, fold), [(DEV, TEST)], PAPER_EPSILONS)
    y[fold == held_out] = value
    with pytest.raises(DegenerateViewError, match="constant over 10 held-out rows"):
        scores_of(x, y, fold, test=held_out, train=list(range(8)))


@pytest.mark.parametrize("rows", [2, 3])
def test_two_held_out_rows_are_refused(rows):
    x, y = related(100, 3, 2)
    fold = np.where(np.arange(100) < rows, 1, 0)
    if rows == 2:
        with pytest.raises(EmptyFoldError, match="2 held-out rows"):
            scores_of(x, y, fold, [0], 1)
    else:
        assert abs(scores_of(x, y, fold, [0], 1).mean_cca) < 1


@pytest.mark.parametrize("view", ["x", "y"])
def test_a_variate_that_is_constant_over_held_out_rows_has_no_correlation(view):
    views = dict(zip("xy", related(50, 2, 2), strict=True))
    views[view][:, 1] = 0
    rows = fold_moments(views["x"], views["y"], np.zeros(50, int)).covariance([0])
    both = np.array([True, True])
    projection = ridge.Projection(both, both, np.eye(2), np.eye(2), 2, 2)
    with pytest.raises(DegenerateViewError, match="1 of 2 variates are constant over the 50 held-out rows"):
        held_out.correlate(projection, rows)


def test_a_fold_that_tunes_and_measures_is_refused():
    x, y = related(100, 3, 2)
    moments = fold_moments(x, y, random_folds(100))
    with pytest.raises(ValueError, match="fold 3 cannot both tune and measure"):
        cross_validate(moments, [(1, 2), (3, 3)], PAPER_EPSILONS)
    with pytest.raises(ValueError, match="no pair of regularisers"):
        cross_validate(moments, [(1, 2)], [])


def test_a_fold_without_rows_is_refused():
    x, y = related(100, 3, 2)
    with pytest.raises(EmptyFoldError, match="fold 9 of 10 has no rows"):
        scores_of(x, y, random_folds(100, 9), folds=10)


# --- cross-validation ---------------------------------------------------------------------------------------------


@pytest.fixture
def rogue_moments():
    golden = golden_or_skip("rogue")
    return fold_moments(golden.x, golden.y, golden.fold)


@pytest.mark.parametrize("standardise", [False, True])
def test_each_trial_takes_what_is_best_on_dev_and_reports_it_on_test(rogue_moments, standardise):
    pairs = [(8, 9), (3, 0)]
    trials = cross_validate(rogue_moments, pairs, PAPER_EPSILONS, standardise)
    assert [(trial.dev_fold, trial.test_fold) for trial in trials] == pairs
    for trial in trials:
        train = sorted(set(range(10)) - {trial.dev_fold, trial.test_fold})
        best = {}
        for metric in ("pwcca", "pwcca_published"):
            on_dev = [
                value_of(evaluate(rogue_moments, train, [trial.dev_fold], *pair, standardise), metric)
                for pair in PAPER_EPSILONS
            ]
            best[metric] = PAPER_EPSILONS[on_dev.index(max(on_dev))]
        of_pairs = {name: trial.regularisers[name] for name in tuned()}
        assert of_pairs == {**best, "mean_cca": best["pwcca"]}
        assert trial.regularisers.keys() == {*tuned(), *mapped()}
        for metric in METRICS:
            expected = by_the_choice_of(trial, metric, rogue_moments, standardise)
            assert trial.metrics[metric] == pytest.approx(expected, abs=1e-12)
        assert trial.scores["pwcca"].pwcca == trial.metrics["pwcca"]
        assert trial.scores["pwcca"].n_train == 2400
        assert trial.scores["pwcca"].n_test == 300


def test_the_published_metric_chooses_for_itself():
    epsilons = [(1e-10, 1e-10), (1e-1, 1e-1)]
    disagreements = 0
    for seed in range(40):
        x, y = related(300, 8, 6, seed=seed, noise=2.0)
        (trial,) = cross_validate(fold_moments(x, y, random_folds(300)), [(DEV, TEST)], epsilons)
        chosen = trial.regularisers
        assert chosen["mean_cca"] == chosen["pwcca"]
        differs = chosen["pwcca_published"] != chosen["pwcca"]
        assert (trial.metrics["pwcca_published"] != trial.scores["pwcca"].pwcca_published) == differs
        disagreements += differs
    assert 0 < disagreements < 40


def test_of_equally_good_pairs_the_first_is_taken():
    """Far below the eigenvalues, ridges give the same numbers to the last digit."""
    x, y = related(600, 5, 3)
    moments = fold_moments(x, y, random_folds(600))
    for epsilons in ([(1e-30, 1e-30), (1e-40, 1e-40)], [(1e-40, 1e-40), (1e-30, 1e-30)]):
        first, second = (evaluate(moments, TRAIN, [DEV], *pair) for pair in epsilons)
        assert first.metrics == second.metrics
        (trial,) = cross_validate(moments, [(DEV, TEST)], epsilons)
        assert {trial.regularisers[name] for name in tuned()} == {epsilons[0]}


@pytest.mark.parametrize("standardise", [False, True])
def test_the_test_fold_never_influences_the_choice(standardise):
    x, y = related(400, 12, 8, noise=2.0)
    fold = random_folds(400)
    rng = np.random.default_rng(5)
    other_x, other_y = x.copy(), y.copy()
    other_x[fold == TEST] = 100 * rng.normal(size=(40, 12))
    other_y[fold == TEST] = -rng.exponential(size=(40, 8))
    epsilons = [*PAPER_EPSILONS, (1e-3, 1e-3), (1e-2, 1e-2), (1e-1, 1e-1)]
    (before,), (after,) = (
        cross_validate(fold_moments(*views, fold), [(DEV, TEST)], epsilons, standardise)
        for views in ((x, y), (other_x, other_y))
    )
    assert before.regularisers == after.regularisers
    assert before.scores["pwcca"].n_train == after.scores["pwcca"].n_train == 320
    assert abs(before.metrics["pwcca"] - after.metrics["pwcca"]) > 1e-3


def test_the_dev_fold_decides():
    """The check above means something: what lies in the other held-out fold moves the choice."""
    x, y = related(400, 12, 8, noise=2.0)
    fold = random_folds(400)
    epsilons = [*PAPER_EPSILONS, (1e-3, 1e-3), (1e-2, 1e-2), (1e-1, 1e-1)]
    chosen = set()
    for seed in range(8):
        other = y.copy()
        other[fold == DEV] = np.random.default_rng(seed).permutation(y[fold == DEV])
        (trial,) = cross_validate(fold_moments(x, other, fold), [(DEV, TEST)], epsilons)
        chosen.add(trial.regularisers["pwcca"])
    assert len(chosen) > 1


def test_a_set_of_folds_may_be_given_in_any_form():
    x, y = related(300, 4, 3)
    moments = fold_moments(x, y, random_folds(300))
    as_list, as_range = (evaluate(moments, train, [TEST], RIDGE, RIDGE) for train in (TRAIN, range(8)))
    assert as_list.metrics == as_range.metrics == evaluate(moments, TRAIN, TEST, RIDGE, RIDGE).metrics
    assert replace(as_list, correlations=0) == replace(as_range, correlations=0)


# --- the jackknife over groups of rows ----------------------------------------------------------------------------


def grouped(seed, groups=9, folds=5, dx=5, dy=3):
    """Two views whose relation differs from group to group, the group of each row, and the fold of each group."""
    rng = np.random.default_rng(seed)
    x, y = related(int(rng.integers(120, 200)), dx, dy, seed)
    group = rng.permutation(np.arange(len(x)) % groups)
    x, y = x + rng.normal(size=(groups, dx))[group], y + rng.normal(size=(groups, dy))[group]
    return x, y, group, rng.permutation(np.arange(groups) % folds)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), standardise=st.booleans())
def test_the_jackknife_is_the_fit_on_rows_of_which_some_count_less(seed, standardise):
    """By brute force: every row stands there 1 / LIGHTER times, those of the group once."""
    x, y, group, fold_of = grouped(seed)
    fold = fold_of[group]
    trials = cross_validate(fold_moments(x, y, fold), [(0, 1), (2, 3)], PAPER_EPSILONS, standardise)
    found = jackknife(fold_moments(x, y, group), fold_of, trials, standardise)
    times = round(1 / LIGHTER)
    for trial, again in zip(trials, found, strict=True):
        for number in range(len(fold_of)):
            rows = np.repeat(np.arange(len(x)), np.where(group == number, 1, times))
            repeated = fold_moments(x[rows], y[rows], fold[rows])
            for name in METRICS:
                expected = by_the_choice_of(trial, name, repeated, standardise)
                # the published weights depend on how often rows are repeated
                tolerance = 0.02 if name == "pwcca_published" else 1e-8
                assert again.metrics[name][number] == pytest.approx(expected, abs=tolerance), name


def test_groups_share_the_test_rows_and_one_of_dev_changes_nothing():
    x, y, group, fold_of = grouped(3)
    (trial,) = cross_validate(fold_moments(x, y, fold_of[group]), [(0, 1)], PAPER_EPSILONS, True)
    (again,) = jackknife(fold_moments(x, y, group), fold_of, [trial], True)
    test = fold_of[group] == 1
    assert again.share == pytest.approx(np.bincount(group[test], minlength=9) / test.sum())
    for name in METRICS:
        changed = np.abs(again.metrics[name] - trial.metrics[name]) > 1e-9
        assert not changed[fold_of == 0].any()
        assert changed[fold_of == 1].all()
        # what nothing is fitted for does not depend on training
        assert changed[fold_of > 1].any() == (name != "cka")


def test_a_fold_of_one_group_and_a_group_without_rows_are_as_they_were():
    x, y, group, fold_of = grouped(4, groups=5)
    moments = fold_moments(x, y, group, folds=6)
    (trial,) = cross_validate(fold_moments(x, y, fold_of[group]), [(0, 1)], PAPER_EPSILONS, True)
    (again,) = jackknife(moments, np.append(fold_of, -1), [trial], True)
    alone = int(np.flatnonzero(fold_of == 1)[0])
    for name in tuned():
        assert again.metrics[name][[alone, 5]] == pytest.approx([trial.metrics[name]] * 2, abs=0)
    assert again.share == pytest.approx(np.eye(6)[alone])
