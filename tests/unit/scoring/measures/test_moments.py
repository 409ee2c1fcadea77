import threading
from operator import attrgetter

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from layerwise.scoring.measures import passes
from layerwise.scoring.measures.passes import fold_moments
from layerwise.scoring.refusals import EmptyFoldError, NonFiniteViewError, ViewLengthError
from synthetic_views import one_hot, random_folds, related


def assert_equal(left, right):
    """To the last digit."""
    for name in ("count", "xy"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    for view in "xy":
        for name in ("origin", "sums", "products"):
            np.testing.assert_array_equal(getattr(getattr(left, view), name), getattr(getattr(right, view), name))
    assert left.rounding == right.rounding


def assert_same(left, right, folds, tolerance=1e-9):
    """Means and covariances agree, relative to the largest magnitude of each."""
    ours, theirs = left.covariance(folds), right.covariance(folds)
    assert ours.n == theirs.n
    for part in ("x.mean", "y.mean", "x.matrix", "xy", "y.matrix"):
        a, b = attrgetter(part)(ours), attrgetter(part)(theirs)
        assert np.abs(a - b).max() <= tolerance * np.abs(b).max(), part


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(20, 200),
    dx=st.integers(1, 6),
    dy=st.integers(1, 6),
    folds=st.integers(2, 5),
    offset=st.sampled_from([0.0, 1e4]),
    seed=st.integers(0, 2**32),
)
def test_covariances_are_those_of_the_rows(rows, dx, dy, folds, offset, seed):
    x, y = related(rows, dx, dy, seed)
    x, y = x + offset, y - offset
    fold = random_folds(rows, folds, seed)
    some = list(range(1, folds))
    ours = fold_moments(x, y, fold).covariance(some)
    mine = np.isin(fold, some)
    expected = np.cov(np.hstack([x, y])[mine].T)
    assert ours.n == mine.sum()
    np.testing.assert_allclose(ours.x.mean, x[mine].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(ours.y.mean, y[mine].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(ours.x.matrix, expected[:dx, :dx], atol=1e-9)
    np.testing.assert_allclose(ours.xy, expected[:dx, dx:], atol=1e-9)
    np.testing.assert_allclose(ours.y.matrix, expected[dx:, dx:], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(shards=st.integers(2, 5), apart=st.sampled_from([0.0, 1.0, 1e3]), seed=st.integers(0, 2**32))
def test_moments_of_shards_add_up_to_those_of_the_whole(shards, apart, seed):
    rng = np.random.default_rng(seed)
    x, y = related(300, 5, 3, seed)
    part = np.sort(rng.integers(0, shards, 300))
    x, y = x + apart * rng.normal(size=(shards, 5))[part], y + apart * rng.normal(size=(shards, 3))[part]
    fold = random_folds(300, 4, seed)
    whole = fold_moments(x, y, fold)
    several = [fold_moments(x[part == k], y[part == k], fold[part == k], folds=4) for k in range(shards) if k in part]
    forward, backward = several[0], several[-1]
    for one in several[1:]:
        forward = forward + one
    for one in several[-2::-1]:
        backward = backward + one
    assert forward.count.tolist() == np.bincount(fold).tolist()
    for total in (forward, backward):
        assert_same(total, whole, [0, 1, 2])
        assert_same(total, whole, [3])


@pytest.mark.parametrize("moved", [(2, 0), (0, 1), (1, 1), (3, 2), (0, 0)])
def test_another_origin_changes_no_covariance(moved):
    """So many dimensions of each view are measured from elsewhere."""
    x, y = related(60, 3, 2)
    before = fold_moments(x, y, random_folds(60, 3))
    origins = before.x.origin + 5.0 * (np.arange(3) < moved[0]), before.y.origin - 3.0 * (np.arange(2) < moved[1])
    after = before.about(*origins)
    for view, origin in zip((after.x, after.y), origins, strict=True):
        np.testing.assert_array_equal(view.origin, origin)
    assert_same(after, before, [0, 2])
    np.testing.assert_allclose(after.covariance([1]).x.offset, before.covariance([1]).x.mean - origins[0], atol=1e-12)


def test_the_sum_remembers_the_coarsest_rounding():
    x, y = related(60, 3, 2)
    fold = random_folds(60, 3)
    fine = fold_moments(x, y, fold)
    coarse = fold_moments(x.astype(np.float16), y.astype(np.float16), fold)
    assert (fine.rounding.x, fine.rounding.products) == (2**-53, 2**-53)
    assert (fine + coarse).rounding == coarse.rounding == (coarse + fine).rounding
    assert (coarse.rounding.x, coarse.rounding.y, coarse.rounding.products) == (2**-11, 2**-11, 2**-24)
    mixed = (fine + fold_moments(x.astype(np.float16), y, fold)).rounding
    assert (mixed.x, mixed.y, mixed.products) == (2**-11, 2**-53, 2**-53)


def test_moments_of_other_shapes_are_not_added():
    x, y = related(60, 3, 2)
    fold = random_folds(60, 3)
    with pytest.raises(ViewLengthError, match=r"3 × 2 dimensions in 3 folds .* 2 × 3 dimensions in 3 folds"):
        fold_moments(x, y, fold) + fold_moments(y, x, fold)
    with pytest.raises(ViewLengthError, match="in 4 folds"):
        fold_moments(x, y, fold) + fold_moments(x, y, fold, folds=4)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("block_bytes", "product_rows"), [(1, 7), (5000, 64), (2**25, 33)])
def test_the_size_of_blocks_does_not_matter(monkeypatch, dtype, block_bytes, product_rows):
    x, y = (view.astype(dtype) for view in related(1000, 6, 4))
    fold = random_folds(1000, 5)
    whole = fold_moments(x, y, fold, product_dtype="float64")
    monkeypatch.setattr(passes, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(passes, "PRODUCT_ROWS", product_rows)
    pieces = fold_moments(x, y, fold, product_dtype="float64")
    assert_same(pieces, whole, [0, 1, 2])
    assert_same(pieces, whole, [4])


class Watched:
    """A view that remembers how many rows were read at a time."""

    def __init__(self, rows):
        self.rows, self.shape, self.dtype, self.reads = rows, rows.shape, rows.dtype, []

    def __getitem__(self, rows):
        self.reads.append(len(self.rows[rows]))
        return self.rows[rows]


@pytest.mark.parametrize(("block_bytes", "reads"), [(10_000, [500, 500, 500, 300]), (999, [50] * 36), (0, [50] * 36)])
def test_rows_are_read_once_and_never_all_at_a_time(monkeypatch, block_bytes, reads):
    """A block is of so many bytes as are allowed, of both views together, but of a product's rows at least."""
    monkeypatch.setattr(passes, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(passes, "PRODUCT_ROWS", 50)
    x, y = related(1800, 6, 2)
    x, y = Watched(x.astype(np.float16)), Watched(y.astype(np.float32))  # rows of 12 and 8 bytes
    fold_moments(x, y, random_folds(1800, 3))
    first, *blocks = x.reads
    assert (first, blocks) == (50, reads)  # the first rows are read for their mean
    assert y.reads == x.reads


def test_blocks_are_of_16_mib():
    x = Watched(np.zeros((2**20 + 2**19, 1)))
    fold_moments(x, x, np.zeros(2**20 + 2**19, np.int8))
    assert x.reads[-2:] == [2**19, 2**19]
    assert set(x.reads) == {2048, 2**20, 2**19}


def test_float32_products_stay_close_on_long_views_and_far_from_zero():
    x, y = (view.astype(np.float16) for view in related(40_000, 4, 3))
    fold = np.zeros(40_000, int)
    assert_same(fold_moments(x, y, fold), fold_moments(x, y, fold, product_dtype="float64"), [0], tolerance=2e-6)
    far = (x + np.float16(100)).astype(np.float16)  # without the shift, squares of 100 would swallow the variance
    assert_same(fold_moments(far, y, fold), fold_moments(far, y, fold, product_dtype="float64"), [0], tolerance=2e-5)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_datasets_and_arrays_give_the_same(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(passes, "BLOCK_BYTES", 4000)
    monkeypatch.setattr(passes, "PRODUCT_ROWS", 50)
    x, y = (view.astype(dtype) for view in related(500, 6, 4))
    fold = random_folds(500, 3)
    with h5py.File(tmp_path / "views.h5", "w") as file:
        file["x"], file["y"] = x, y
        stored = fold_moments(file["x"], file["y"], fold)
    held = fold_moments(x, y, fold)
    assert_equal(stored, held)


def test_counts_of_one_hot_labels_are_exact():
    labels = np.random.default_rng(0).integers(0, 6, 5000)
    x = related(5000, 3, 2)[0].astype(np.float16)
    fold = random_folds(5000, 4)
    ours = fold_moments(x, one_hot(labels), fold)
    for number in range(4):
        np.testing.assert_array_equal(
            ours.y.products[number], np.diag(np.bincount(labels[fold == number], minlength=6))
        )


@pytest.mark.parametrize(("dtype", "products"), [("float16", "float32"), ("float32", "float32"), ("int16", "float32")])
def test_sums_are_about_the_mean_of_the_first_rows(dtype, products):
    """To the last digit of the products, which is what is subtracted; whole numbers are moved by a whole number."""
    x = (300 * related(5000, 4, 2)[0] + 1000).astype(dtype)
    mean = x[:2048].mean(axis=0, dtype=np.float64)
    found = fold_moments(x, x, random_folds(5000, 3), product_dtype=products).x.origin
    np.testing.assert_array_equal(found, np.rint(mean) if dtype == "int16" else mean.astype(products))
    assert found.dtype == np.float64


def test_labels_are_counted_from_zero():
    labels = np.random.default_rng(0).integers(0, 30, 500) == 0  # the first class nearly always
    ours = fold_moments(related(500, 3, 2)[0].astype(np.float16), one_hot(labels.astype(int)), np.zeros(500, int))
    assert ours.y.origin.tolist() == [0, 0]
    assert ours.y.sums[0].tolist() == [500 - labels.sum(), labels.sum()]


@pytest.mark.parametrize(
    ("dtype_x", "dtype_y", "products"),
    [
        ("float16", "float16", 2**-24),
        ("float16", "uint8", 2**-24),
        ("uint8", "float16", 2**-24),
        ("float16", "bool", 2**-24),
        ("float16", "int16", 2**-53),
        ("float16", "float32", 2**-53),
        ("float32", "float32", 2**-53),
        ("float32", "uint8", 2**-53),
        ("float64", "float16", 2**-53),
    ],
)
def test_products_are_float32_only_where_the_views_are_short(dtype_x, dtype_y, products):
    x, y = related(60, 3, 3)
    assert fold_moments(x.astype(dtype_x), y.astype(dtype_y), np.zeros(60, int)).rounding.products == products


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_number_of_threads_changes_no_digit(monkeypatch, dtype):
    monkeypatch.setattr(passes, "BLOCK_BYTES", 4000)
    monkeypatch.setattr(passes, "PRODUCT_ROWS", 50)
    x, y = (view.astype(dtype) for view in related(3000, 40, 30))
    fold = random_folds(3000, 3)
    with threadpool_limits(1):
        one = fold_moments(x, y, fold)
    for threads in (2, 5):
        with threadpool_limits(threads):
            assert_equal(fold_moments(x, y, fold), one)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(30, 300),
    dx=st.integers(1, 6),
    dy=st.integers(1, 6),
    dtype=st.sampled_from(["float16", "float64"]),
    seed=st.integers(0, 2**32),
)
def test_another_partner_needs_the_moments_of_one_view_only_once(rows, dx, dy, dtype, seed):
    x, y = (view.astype(dtype) for view in related(rows, dx, dy, seed))
    other_x, other_y = np.roll(x, rows // 3, axis=0), np.roll(y, rows // 2, axis=0)
    fold = random_folds(rows, 4, seed)
    first = fold_moments(x, y, fold)
    tolerance = 1e-5 if dtype == "float16" else 1e-9
    kept_x = fold_moments(x, other_y, fold, known_x=first.x)
    kept_y = fold_moments(other_x, y, fold, known_y=first.y)
    assert kept_x.x is first.x
    assert kept_y.y is first.y
    assert_same(kept_x, fold_moments(x, other_y, fold), [0, 1, 2], tolerance)
    assert_same(kept_y, fold_moments(other_x, y, fold), [0, 1, 2], tolerance)


def test_a_new_partner_that_is_not_finite_is_refused():
    x, y = related(60, 3, 2)
    fold = random_folds(60, 3)
    known = fold_moments(x, y, fold)
    y[7, 0] = np.inf
    with pytest.raises(NonFiniteViewError, match="view y holds NaN or infinity, first in row 7 of 60"):
        fold_moments(x, y, fold, known_x=known.x)


def test_what_is_known_of_other_folds_or_dimensions_is_refused():
    x, y = related(60, 3, 2)
    known = fold_moments(x, y, random_folds(60, 3))
    with pytest.raises(ViewLengthError, match=r"3 dimensions and \[20, 20, 20\] rows per fold, the view of 3 and \[15"):
        fold_moments(x, y, random_folds(60, 4), known_x=known.x)
    with pytest.raises(ViewLengthError, match="of 2 dimensions"):
        fold_moments(y, x, random_folds(60, 3), known_y=known.y)
    with pytest.raises(ValueError, match="at most one"):
        fold_moments(x, y, random_folds(60, 3), known_x=known.x, known_y=known.y)


@pytest.mark.parametrize(("dtype", "offset"), [("int16", 5000), ("int32", 10**6), ("int64", 10**9)])
def test_large_whole_numbers_keep_their_digits(dtype, offset):
    x = related(2000, 3, 2)[0].astype(np.float16)
    y = np.rint(100 * related(2000, 3, 2)[1]).astype(dtype)
    fold = random_folds(2000, 3)
    near, far = fold_moments(x, y, fold), fold_moments(x, y + np.array(offset, dtype), fold)
    for part in ("x.matrix", "xy", "y.matrix"):
        a, b = attrgetter(part)(near.covariance([0, 1])), attrgetter(part)(far.covariance([0, 1]))
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9 * np.abs(a).max())


@pytest.mark.parametrize("failing", [1, 7])
def test_a_read_that_fails_leaves_the_threads_as_they_were(monkeypatch, failing):
    monkeypatch.setattr(passes, "BLOCK_BYTES", 1)
    monkeypatch.setattr(passes, "PRODUCT_ROWS", 10)
    x, y = related(200, 3, 2)

    class Broken:
        shape, dtype, reads = x.shape, x.dtype, 0

        def __getitem__(self, rows):
            self.reads += 1
            if self.reads > failing:
                raise OSError("the disk is gone")
            return x[rows]

    before, running = threadpool_info(), threading.active_count()
    with pytest.raises(OSError, match="the disk is gone"):
        fold_moments(Broken(), y, random_folds(200, 3))
    assert threadpool_info() == before
    assert threading.active_count() == running


def test_many_threads_hold_no_more_than_a_bounded_memory(monkeypatch):
    monkeypatch.setattr(passes, "threadpool_info", lambda: [{"user_api": "blas", "num_threads": 64}])
    for d in (128, 848, 2048, 4096):
        slots = passes._slots(d, d, np.dtype(np.float32))
        assert 2 <= len(slots) <= 65
        size = sum(slot.rows.nbytes + slot.product.nbytes for slot in slots)
        assert len(slots) == 2 or size <= 104 * 2**20
        assert len(slots) == 65 or size + size // len(slots) > 104 * 2**20  # as many as are allowed


@pytest.mark.parametrize(
    ("libraries", "slots"),
    [([("openmp", 9), ("blas", 3), ("blas", 2)], 4), ([("blas", 1)], 2), ([("openmp", 9)], 2), ([], 2)],
)
def test_there_is_one_slot_more_than_the_linear_algebra_has_threads(monkeypatch, libraries, slots):
    pools = [{"user_api": name, "num_threads": threads} for name, threads in libraries]
    monkeypatch.setattr(passes, "threadpool_info", lambda: pools)
    assert len(passes._slots(5, 3, np.dtype(np.float32))) == slots


def test_products_are_in_work_side_by_side_and_come_in_order():
    """Each waits for another one; the slot that is looked at is never written to."""
    side_by_side = threading.Barrier(2, timeout=10)

    def double(slot, value):
        side_by_side.wait()
        slot[0] = 2 * value
        return slot

    parts, slots = [(number % 3, number) for number in range(20)], [[None] for _ in range(3)]
    found = [(fold, slot[0]) for fold, slot in passes._in_order(double, parts, slots)]
    assert found == [(number % 3, 2 * number) for number in range(20)]


def test_a_shard_may_miss_the_last_folds():
    x, y = related(20, 3, 2)
    ours = fold_moments(x, y, np.arange(20) % 3, folds=10)
    assert (ours.folds, ours.dx, ours.dy) == (10, 3, 2)
    assert ours.count.tolist() == [7, 7, 6] + 7 * [0]
    assert not ours.x.products[3:].any()


def test_views_of_different_length_are_refused():
    x, y = related(40, 3, 2)
    fold = np.zeros(40, int)
    with pytest.raises(ViewLengthError, match="40 and 39 rows with 40 fold"):
        fold_moments(x, y[:-1], fold)
    with pytest.raises(ViewLengthError, match="40 and 40 rows with 38 fold"):
        fold_moments(x, y, fold[:-2])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("name", "row"), [("x", 0), ("x", 37), ("y", 99)])
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_views_that_are_not_finite_are_refused_by_name_and_row(monkeypatch, bad, name, row, dtype):
    monkeypatch.setattr(passes, "BLOCK_BYTES", 1)
    monkeypatch.setattr(passes, "PRODUCT_ROWS", 10)
    views = dict(zip("xy", (view.astype(dtype) for view in related(100, 3, 2)), strict=True))
    views[name][row, 1] = bad
    with pytest.raises(NonFiniteViewError, match=f"view {name} holds NaN or infinity, first in row {row} of 100"):
        fold_moments(views["x"], views["y"], random_folds(100, 3))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["x", "y"])
def test_values_whose_squares_overflow_are_refused(name):
    """One dimension is enough, and it is the squares alone that overflow."""
    views = dict(zip("xy", (view.astype(np.float32) for view in related(100, 3, 2)), strict=True))
    views[name][:, 1] *= 1e25
    with pytest.raises(NonFiniteViewError, match="the squares of a view's values overflow the type of the products"):
        fold_moments(views["x"], views["y"], random_folds(100, 3), product_dtype="float32")


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (("float16", "float32"), (2**-11, 2**-24)),
        (("float64", "float16"), (2**-53, 2**-11)),
        (("int16", "bool"), (0, 0)),
    ],
)
def test_each_view_is_rounded_as_it_was_stored(dtypes, expected):
    x, y = (view.astype(dtype) for view, dtype in zip(related(60, 3, 3), dtypes, strict=True))
    found = fold_moments(x, y, random_folds(60, 3))
    assert (found.rounding.x, found.rounding.y) == expected
    assert (found.covariance([0]).x.rounding, found.covariance([0]).y.rounding) == expected


def test_folds_without_rows_are_refused_with_the_counts():
    x, y = related(20, 3, 2)
    ours = fold_moments(x, y, np.array([0] * 10 + [2] * 9 + [3]), folds=5)
    with pytest.raises(EmptyFoldError, match=r"fold 1 of 5 has no rows .*\[10, 0, 9, 1, 0\]"):
        ours.covariance([0, 1])
    for number in (-1, 5, 7):
        with pytest.raises(EmptyFoldError, match=f"fold {number} of 5"):
            ours.covariance([number])
    with pytest.raises(EmptyFoldError, match="fold -1 of 3"):  # though the last one has rows
        fold_moments(x, y, np.arange(20) % 3).covariance([-1])
    with pytest.raises(EmptyFoldError, match="fewer than two rows"):
        ours.covariance([3])
    with pytest.raises(EmptyFoldError, match="fewer than two rows"):
        ours.covariance([])
    with pytest.raises(ValueError, match="twice"):
        ours.covariance([0, 2, 0])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), weight=st.sampled_from([0.25, 0.5, 1.0]))
def test_weights_count_rows_as_often(seed, weight):
    x, y = related(60, 4, 3, seed)
    fold = random_folds(60, 5, seed)
    found = fold_moments(x, y, fold).covariance([0, 2, 3], {2: weight, 4: 0.1})
    taken = np.isin(fold, [0, 2, 3])
    counts = np.where(fold == 2, weight, 1)[taken]
    both = np.hstack([x, y])[taken]
    expected = np.cov(both.T, aweights=counts, ddof=0) * counts.sum() / (counts.sum() - 1)
    assert found.n == taken.sum()
    assert found.x.matrix == pytest.approx(expected[:4, :4], abs=1e-9)
    assert found.y.matrix == pytest.approx(expected[4:, 4:], abs=1e-9)
    assert found.xy == pytest.approx(expected[:4, 4:], abs=1e-9)
    assert found.x.mean == pytest.approx(np.average(x[taken], axis=0, weights=counts))


def test_merged_moments_are_those_of_merged_folds():
    x, y = related(80, 4, 3)
    fold, new = random_folds(80, 6), np.array([1, 0, 0, 2, 1, 1])
    merged, whole = fold_moments(x, y, fold).merged(new), fold_moments(x, y, new[fold])
    assert merged.count.tolist() == whole.count.tolist()
    for part, expected in ((merged.x, whole.x), (merged.y, whole.y)):
        assert part.sums == pytest.approx(expected.sums)
        assert part.products == pytest.approx(expected.products)
    assert merged.xy == pytest.approx(whole.xy)
    assert merged.rounding == whole.rounding


def test_two_rows_have_a_covariance():
    x, y = related(5, 3, 2)
    found = fold_moments(x, y, np.array([0, 1, 0, 2, 2])).covariance([0])
    np.testing.assert_allclose(found.x.matrix, np.cov(x[[0, 2]].T), atol=1e-12)


def test_folds_may_come_one_by_one():
    x, y = related(60, 3, 2)
    ours = fold_moments(x, y, random_folds(60, 3))
    np.testing.assert_array_equal(ours.covariance(iter([0, 2])).xy, ours.covariance([0, 2]).xy)


@pytest.mark.parametrize(
    ("fold", "message"),
    [
        ([0, 1, 2, 3], "fold numbers run from 0 to 3; with 3 folds from 0 to 2"),
        ([0, 1, 2, -1], "fold numbers run from -1 to 2; with 3 folds from 0 to 2"),
    ],
)
def test_fold_numbers_beyond_the_folds_are_refused(fold, message):
    x, y = related(4, 3, 2)
    with pytest.raises(ValueError, match=message):
        fold_moments(x, y, fold, folds=3)


@pytest.mark.parametrize(("rows", "folds", "expected"), [(0, 3, 3), (0, None, 0), (20, None, 1), (20, 4, 4)])
def test_there_are_as_many_folds_as_are_named_or_seen(rows, folds, expected):
    x, y = related(20, 3, 2)
    ours = fold_moments(x[:rows], y[:rows], np.zeros(rows, int), folds=folds)
    assert (ours.folds, ours.xy.shape) == (expected, (expected, 3, 2))
    assert ours.count.sum() == rows
    assert np.isfinite(ours.x.origin).all()


def test_what_is_not_finite_is_looked_for_in_blocks(monkeypatch):
    monkeypatch.setattr(passes, "BLOCK_BYTES", 1)
    monkeypatch.setattr(passes, "PRODUCT_ROWS", 10)
    x, y = related(100, 3, 2)
    x[99] = np.nan
    x = Watched(x)
    with pytest.raises(NonFiniteViewError, match="view x holds NaN or infinity, first in row 99 of 100"):
        fold_moments(x, y, random_folds(100, 3))
    assert set(x.reads) == {10}
