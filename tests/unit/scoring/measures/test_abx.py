"""ABX: numbers of fastabx, the definition spelled out, and data whose answer is known."""

from __future__ import annotations

import csv
import json
from itertools import product

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from layerwise.scoring.measures import abx as abx_module
from layerwise.scoring.measures import abx_distances
from layerwise.scoring.measures.abx import ABXSettingError, NoCellsError, abx, abx_cells
from layerwise.scoring.measures.abx_cells import Cells
from layerwise.scoring.measures.abx_distances import MissingFeaturesError
from layerwise.scoring.measures.abx_items import NoItemsError, items_of, read_items, shuffled_phones
from layerwise.scoring.measures.cosines import ZeroVectorError
from layerwise.scoring.refusals import NonFiniteViewError, ViewLengthError
from synthetic_views import SHARED, rotation

GOLDENS = SHARED / "analyses/abx"
golden = pytest.mark.skipif(not GOLDENS.is_dir(), reason="the golden cases of analyses are not in this repository")


def path_mean(cost):
    """The sum along the best path divided by its length: backwards diagonal at ties, then one column back."""
    sums = np.full((cost.shape[0] + 1, cost.shape[1] + 1), np.inf)
    sums[0, 0] = 0
    for i, j in product(range(cost.shape[0]), range(cost.shape[1])):
        sums[i + 1, j + 1] = cost[i, j] + min(sums[i, j], sums[i, j + 1], sums[i + 1, j])
    i, j, length = *cost.shape, 1
    while i > 1 or j > 1:
        steps = [(i - 1, j - 1), (i, j - 1), (i - 1, j)]
        i, j = min(steps, key=lambda step: sums[step])
        length += 1
    return sums[-1, -1] / length


def golden_cases():
    if not GOLDENS.is_dir():
        return []
    cases = json.loads((GOLDENS / "expected.json").read_text())["error_rates"]
    names = ("item", "speaker", "context", "distance")
    return [pytest.param(case, id="-".join([*(case[n] for n in names), case["pooling"] or "dtw"])) for case in cases]


@pytest.fixture(scope="module")
def golden_features():
    arrays = np.load(GOLDENS / "features.npz")
    parts = np.split(arrays["features"], np.cumsum(arrays["n_frames"])[:-1])
    return dict(zip(map(str, arrays["utterances"]), parts, strict=True))


@golden
@pytest.mark.parametrize("case", golden_cases())
def test_error_rates_and_cells_are_those_of_fastabx(case, golden_features):
    items = read_items(GOLDENS / f"{case['item']}.item")
    settings = (case["speaker"], case["context"], case["distance"], case["pooling"])
    found = abx_cells(golden_features, items, *settings)
    assert (len(found), found.size.sum()) == (case["cells"], case["triplets"])
    assert found.error_rate == pytest.approx(case["error"], abs=2e-6)
    assert found.weighted == pytest.approx(case["weighted"], abs=2e-6)
    assert (found.left_out, found.shortened) == (0, 0)
    if "cells_file" in case:
        ours = dict(zip(names_of(found, case), zip(found.error, found.size, strict=True), strict=True))
        rows = list(csv.DictReader((GOLDENS / case["cells_file"]).read_text().splitlines()))
        theirs = {tuple(row[name] for name in row if name not in ("score", "size")): row for row in rows}
        assert ours.keys() == theirs.keys()
        for cell, (error, size) in ours.items():
            assert error == pytest.approx(float(theirs[cell]["score"]), abs=1e-5)
            assert size == int(theirs[cell]["size"])


def names_of(found, case):
    columns = [found.phone]
    columns += [found.previous, found.following] if case["context"] == "within" else []
    columns += [found.speaker, found.phone_b] + ([found.speaker_x] if case["speaker"] == "across" else [])
    return zip(*(map(str, column) for column in columns), strict=True)


@golden
@pytest.mark.parametrize("kind", ["triphone", "phoneme"])
def test_items_have_as_many_frames_as_with_fastabx(kind):
    expected = json.loads((GOLDENS / "expected.json").read_text())["lengths_in_frames"][kind]
    first, last = read_items(GOLDENS / f"{kind}.item").frames()
    assert (last - first).tolist() == expected


def made_up(seed, tokens=60, phones=3, speakers=3, contexts=2, dimensions=4, values=None):
    """Features of a file for each speaker, and items of one to three frames; of few values, many distances are equal.

    Every phone has tokens by every speaker in every context, if there are enough.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 4, tokens)
    features, rows = {}, []
    for speaker in range(speakers):
        start = 0
        for token in range(speaker, tokens, speakers):
            phone, around = token // speakers % phones, token // speakers // phones % contexts
            stop = start + lengths[token]
            rows.append((f"f{speaker}", start / 50, stop / 50, f"p{phone}", f"c{around}", "z", f"s{speaker}"))
            start = stop
        frames = (
            rng.normal(size=(start, dimensions)) if values is None else rng.integers(1, values, (start, dimensions))
        )
        features[f"f{speaker}"] = frames.astype(float)
    names = ("#file", "onset", "offset", "#phone", "prev-phone", "next-phone", "speaker")
    return features, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def by_definition(features, items, speaker, context, distance, pooling):
    """Cell → (error, triplets), with every triplet looked at."""
    items = items_of(items)
    first, last = items.frames()
    tokens = [features[name][a:b] for name, a, b in zip(items.file, first, last, strict=True)]
    if pooling == "mean":
        tokens = [token.mean(axis=0, keepdims=True) for token in tokens]

    def between(one, other):
        if distance == "euclidean":
            return path_mean(rounded(np.linalg.norm(one[:, None] - other, axis=2)))
        one, other = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (one, other))
        return path_mean(rounded(np.arccos(np.clip(rounded(one @ other.T), -1, 1)) / np.pi))

    near = np.array([[between(one, other) for other in tokens] for one in tokens])
    around = list(zip(items.previous, items.following, strict=True)) if context == "within" else [("", "")] * len(items)
    cells = {}
    for a, b, x in product(range(len(items)), repeat=3):
        same_speaker = items.speaker[x] == items.speaker[a]
        if (
            x == a
            or not around[a] == around[b] == around[x]
            or items.speaker[a] != items.speaker[b]
            or same_speaker != (speaker == "within")
            or items.phone[a] != items.phone[x]
            or items.phone[a] == items.phone[b]
        ):
            continue
        key = (items.phone[a], items.phone[b], items.speaker[a], items.speaker[x], *around[a])
        gap = near[b, x] - near[a, x]
        cells.setdefault(key, []).append(0.5 if abs(gap) < 1e-9 else float(gap < 0))
    return {key: (np.mean(wrong), len(wrong)) for key, wrong in cells.items()}


def rounded(values):
    """So that sums along paths are exact, and paths of equal sums are known."""
    return np.rint(values * 2**36) / 2**36


def as_dict(cells):
    keys = zip(
        *(cells.phone, cells.phone_b, cells.speaker, cells.speaker_x, cells.previous, cells.following), strict=True
    )
    return dict(zip(keys, zip(cells.error, cells.size, strict=True), strict=True))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([None, 3]),
    st.sampled_from(["within", "across"]),
    st.sampled_from(["within", "any"]),
    st.sampled_from(["angular", "euclidean"]),
    st.sampled_from(["mean", "dtw"]),
)
def test_cells_are_those_of_the_definition(seed, values, speaker, context, distance, pooling):
    features, items = made_up(seed, tokens=24, values=values)
    expected = by_definition(features, items, speaker, context, distance, pooling)
    found = abx_cells(features, items, speaker, context, distance, pooling)
    assert as_dict(found).keys() == expected.keys()
    for key, (error, size) in as_dict(found).items():
        assert (error, size) == (pytest.approx(expected[key][0], abs=1e-12), expected[key][1])
    assert found.weighted == pytest.approx(np.average(found.error, weights=found.size))
    assert found.error_rate == pytest.approx(collapsed(expected))


def collapsed(cells):
    """The mean over pairs of phones of the mean over speakers of the mean of their cells."""
    nested = {}
    for (phone, phone_b, speaker, *_), (error, _) in cells.items():
        nested.setdefault((phone, phone_b), {}).setdefault(speaker, []).append(error)
    return np.mean([np.mean([np.mean(errors) for errors in of_pair.values()]) for of_pair in nested.values()])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["angular", "euclidean"]), st.sampled_from(["mean", "dtw"]))
def test_scale_and_rotation_change_nothing(seed, distance, pooling):
    features, items = made_up(seed, values=3)
    turned = rotation(4, np.random.default_rng(seed))
    expected = abx_cells(features, items, "across", "any", distance, pooling)
    for changed in (
        {name: 7.3 * frames for name, frames in features.items()},
        {name: frames @ turned for name, frames in features.items()},
    ):
        found = abx_cells(changed, items, "across", "any", distance, pooling)
        np.testing.assert_array_equal(found.error, expected.error)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["mean", "dtw"]))
def test_a_shift_does_not_change_euclidean_errors(seed, pooling):
    features, items = made_up(seed)
    moved = {name: frames + np.array([3, -1, 0, 2]) for name, frames in features.items()}
    found, expected = (abx_cells(one, items, distance="euclidean", pooling=pooling) for one in (moved, features))
    np.testing.assert_array_equal(found.error, expected.error)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["within", "across"]), st.sampled_from([None, 2]))
def test_the_order_of_items_changes_nothing(seed, speaker, most):
    features, items = made_up(seed)
    order = np.random.default_rng(seed).permutation(len(items["onset"]))
    mixed = {name: [column[place] for place in order] for name, column in items.items()}
    found, expected = (abx_cells(features, one, speaker, max_size_group=most, max_x_across=1) for one in (mixed, items))
    assert as_dict(found) == as_dict(expected)


@pytest.mark.parametrize("pooling", ["mean", "dtw"])
def test_sorting_and_blocks_change_nothing(pooling, monkeypatch):
    features, items = made_up(0, tokens=120, values=3)
    settings = ("across", "any", "euclidean", pooling)
    expected = {speaker: abx_cells(features, items, speaker, *settings[1:]) for speaker in ("within", "across")}
    monkeypatch.setattr(abx_module, "_COMPARED", 0)
    monkeypatch.setattr(abx_module, "_BLOCK", 100)
    monkeypatch.setattr(abx_distances, "_BLOCK_FRAMES", 5)
    for speaker, cells in expected.items():
        np.testing.assert_array_equal(abx_cells(features, items, speaker, *settings[1:]).error, cells.error)


def test_one_thread_multiplies(monkeypatch):
    threads = []

    def between(self, ones, others):
        threads.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return np.zeros((len(ones), len(others)))

    monkeypatch.setattr(abx_distances.Tokens, "between", between)
    with threadpool_limits(2, "blas"):
        abx(*made_up(0))
    assert set(threads) == {1}


def planted(phone_size, speaker_size, seed=0):
    """Frames of unit noise around a point for each phone and one for each speaker."""
    features, items = made_up(seed, tokens=360, dimensions=24)
    rng = np.random.default_rng(seed)
    points = {name: rng.normal(size=24) for name in sorted({*items["#phone"], *items["speaker"]})}
    first, last = items_of(items).frames()
    for name, a, b, phone, speaker in zip(items["#file"], first, last, items["#phone"], items["speaker"], strict=True):
        features[name][a:b] += phone_size * points[phone] + speaker_size * points[speaker]
    return features, items


@pytest.mark.parametrize("pooling", ["mean", "dtw"])
@pytest.mark.parametrize("distance", ["angular", "euclidean"])
def test_phones_that_are_far_apart_are_told_apart(distance, pooling):
    for speaker, context in product(["within", "across"], ["within", "any"]):
        assert abx(*planted(5, 1), speaker, context, distance, pooling) < 0.01


@pytest.mark.parametrize("speaker", ["within", "across"])
def test_noise_is_at_chance(speaker):
    assert abx(*planted(0, 0), speaker, "any") == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("context", ["within", "any"])
def test_shuffled_phones_are_at_chance(context):
    features, items = planted(5, 1)
    items = items_of(items)
    errors = [
        abx(features, shuffled_phones(items, context, draw), speaker, context)
        for draw, speaker in product(range(5), ["within", "across"])
    ]
    assert np.mean(errors) == pytest.approx(0.5, abs=0.03)
    assert max(errors) - min(errors) > 1e-4  # they are draws


def test_the_better_layer_has_fewer_errors():
    errors = [abx(*planted(size, 1), "across") for size in (0, 0.3, 0.6, 1.2)]
    assert errors == sorted(errors, reverse=True)


def test_who_speaks_is_no_matter_within_speakers():
    """Speakers that turn phones into one another are at no loss within, and worse than chance across."""
    points = np.eye(3)
    rows, features = [], {}
    for speaker in range(3):
        features[f"f{speaker}"] = np.repeat(points[[(phone + speaker) % 3 for phone in range(3)]], 2, axis=0)
        rows += [(f"f{speaker}", i / 50, (i + 1) / 50, f"p{i // 2}", "c", "c", f"s{speaker}") for i in range(6)]
    names = ("file", "onset", "offset", "phone", "prev_phone", "next_phone", "speaker")
    items = dict(zip(names, zip(*rows, strict=True), strict=True))
    assert abx(features, items) == 0
    assert abx(features, items, "across") == 0.75  # x is at b in half of the cells, and neither a nor b in the others


def test_only_paths_know_the_order_of_frames():
    """One phone is the other backwards: their means are equal, which is half an error."""
    forwards = np.array([[1.0, 0], [0, 1], [0, 1]])
    features = {"f": np.concatenate([forwards, forwards[::-1]] * 2)}
    times = np.arange(4) * 0.06
    items = {
        "#file": ["f"] * 4,
        "onset": times,
        "offset": times + 0.06,
        "#phone": ["p", "q"] * 2,
        "prev-phone": ["c"] * 4,
        "next-phone": ["c"] * 4,
        "speaker": ["s"] * 4,
    }
    for distance in ("angular", "euclidean"):
        assert abx(features, items, distance=distance, pooling="mean") == 0.5
        assert abx(features, items, distance=distance, pooling="dtw") == 0


def test_frames_that_are_alike_are_ties():
    features, items = made_up(0)
    alike = {name: np.tile([0.1, 0.7, 0.3, 1e-3], (len(frames), 1)) for name, frames in features.items()}
    for distance, pooling in product(["angular", "euclidean"], ["mean", "dtw"]):
        assert set(abx_cells(alike, items, "across", "any", distance, pooling).error) == {0.5}


@pytest.mark.parametrize("speaker", ["within", "across"])
def test_no_more_tokens_than_asked_for_are_compared(speaker):
    features, items = made_up(1, tokens=180)
    every = abx_cells(features, items, speaker)
    drawn = abx_cells(features, items, speaker, max_size_group=3)
    assert every.size.min() > 3 * 3 * 3
    assert drawn.size.max() == 3 * 3 * (2 if speaker == "within" else 3)
    assert as_dict(drawn).keys() == as_dict(every).keys()
    other = abx_cells(features, items, speaker, max_size_group=3, seed=1)
    assert (drawn.error != other.error).any()
    enough = abx_cells(features, items, speaker, max_size_group=100, max_x_across=100)
    np.testing.assert_array_equal(enough.error, every.error)


def test_no_more_speakers_of_x_than_asked_for_are_drawn():
    features, items = made_up(1, tokens=360, speakers=6)
    for most in (1, 2, 5):
        found = as_dict(abx_cells(features, items, "across", max_x_across=most))
        speakers = {}
        for phone, phone_b, speaker, speaker_x, *around in found:
            speakers.setdefault((phone, phone_b, speaker, *around), set()).add(speaker_x)
        assert {len(of_cell) for of_cell in speakers.values()} == {most}
    assert len({speaker_x for of_cell in speakers.values() for speaker_x in of_cell}) == 6


def test_a_draw_depends_on_its_own_names_alone():
    features, items = made_up(2, tokens=180)
    kept = [place for place, phone in enumerate(items["#phone"]) if phone != "p2"]
    fewer = {name: [column[place] for place in kept] for name, column in items.items()}
    every, some = (
        as_dict(abx_cells(features, one, "across", max_size_group=2, max_x_across=1)) for one in (items, fewer)
    )
    assert some == {key: value for key, value in every.items() if "p2" not in key[:2]}


def test_datasets_of_a_file_will_do(tmp_path):
    features, items = made_up(3)
    with h5py.File(tmp_path / "features.h5", "w") as file:
        for name, frames in features.items():
            file[name] = frames
        for pooling in ("mean", "dtw"):
            assert abx(file, items, pooling=pooling) == abx(features, items, pooling=pooling)


def test_half_precision_is_averaged_in_double():
    features, items = planted(1, 1)
    half = {name: (1000 * frames).astype(np.float16) for name, frames in features.items()}
    doubled = {name: frames.astype(np.float64) for name, frames in half.items()}
    for pooling in ("mean", "dtw"):
        assert abx(half, items, pooling=pooling) == abx(doubled, items, pooling=pooling)


def test_items_that_lose_their_frames_are_counted():
    features, items = made_up(4)
    items["offset"][5] = items["onset"][5] + 0.004  # no middle of a frame
    features["f0"] = features["f0"][:-1]
    found = abx_cells(features, items, "across", "any")
    last = max(place for place, name in enumerate(items["#file"]) if name == "f0")
    frames = round((items["offset"][last] - items["onset"][last]) * 50)
    assert (found.left_out, found.shortened) == ((2, 0) if frames == 1 else (1, 1))


def cells_of(errors):
    """Cells of one pair of phones: speaker → errors."""
    speakers = [name for name, values in errors.items() for _ in values]
    n = len(speakers)
    names = np.array(speakers), np.array(speakers), np.array([""] * n), np.array([""] * n)
    values = np.array([error for of_speaker in errors.values() for error in of_speaker])
    return Cells(np.array(["p"] * n), np.array(["q"] * n), *names, values, np.ones(n, int))


def test_intervals_are_over_speakers():
    rng = np.random.default_rng(0)
    means = rng.uniform(0.1, 0.3, 40)
    found = cells_of({f"s{place}": [mean] * 3 for place, mean in enumerate(means)})
    low, high = found.interval(0)
    half = 1.96 * means.std(ddof=1) / np.sqrt(40)
    assert (low, high) == (pytest.approx(means.mean() - half, abs=0.004), pytest.approx(means.mean() + half, abs=0.004))
    assert found.interval(0) == (low, high) != found.interval(1)
    assert cells_of({"s": [0.1, 0.3]}).interval(0) is None
    alike = cells_of({"s": [0.1, 0.3], "t": [0.2]}).interval(0)
    assert alike == (pytest.approx(0.2), pytest.approx(0.2))


def test_intervals_hold_the_error_rate():
    features, items = made_up(5, tokens=360, speakers=6)
    found = abx_cells(features, items, "across")
    low, high = found.interval(0)
    assert low < found.error_rate < high


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("speaker", "witin", "did you mean within"),
        ("context", "across", "allowed are within, any"),
        ("distance", "cosine", "allowed are angular, euclidean"),
        ("pooling", "max", "allowed are mean, dtw"),
        ("max_size_group", 1, "it is 2 or more"),
        ("max_x_across", 0, "it is 1 or more"),
    ],
)
def test_settings_that_there_are_not(setting, value, said):
    with pytest.raises(ABXSettingError, match=said):
        abx(*made_up(0), **{setting: value})


NOT_A_NUMBER = np.full((90, 4), 1.0)
NOT_A_NUMBER[3, 1] = np.nan


@pytest.mark.parametrize(
    ("error", "said", "changed", "settings"),
    [
        (NonFiniteViewError, "of f1 hold 1 values that are NaN", {"f1": NOT_A_NUMBER}, {}),
        (NonFiniteViewError, "no numbers but of the type", {"f1": np.full((90, 4), "a")}, {}),
        (ZeroVectorError, "are zeros", {"f1": np.zeros((90, 4))}, {}),
        (ZeroVectorError, "are zeros", {"f1": np.zeros((90, 4))}, {"pooling": "dtw"}),
        (ViewLengthError, r"of f0 they are \(\d+, 4\), of f1 \(90, 5\)", {"f1": np.ones((90, 5))}, {}),
        (ViewLengthError, r"of f1 \(90,\)", {"f1": np.ones(90)}, {}),
        (
            MissingFeaturesError,
            "f2 has 3 frames, one every 0.02 s, and an item up to frame",
            {"f2": np.ones((3, 4))},
            {},
        ),
        (MissingFeaturesError, "is it another stride", {}, {"stride_seconds": 0.01}),
        (NoItemsError, "none of 60 items has a frame", {}, {"stride_seconds": 60.0}),
    ],
)
def test_features_that_cannot_be_compared(error, said, changed, settings):
    features, items = made_up(0)
    with pytest.raises(error, match=said):
        abx(features | changed, items, **settings)


def test_a_file_without_features():
    features, items = made_up(0)
    with pytest.raises(MissingFeaturesError, match="1 of 3 files have no features: f1"):
        abx({name: frames for name, frames in features.items() if name != "f1"}, items)


def test_items_of_one_phone_or_one_speaker_fill_no_cell():
    with pytest.raises(NoCellsError, match="60 items of 1 phones by 3 speakers fill no cell: it takes two tokens"):
        abx(*made_up(0, phones=1))
    with pytest.raises(NoCellsError, match="by 1 speakers fill no cell: it takes a phone by two speakers"):
        abx(*made_up(0, speakers=1), "across")
