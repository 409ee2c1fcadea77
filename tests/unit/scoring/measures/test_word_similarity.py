"""Word similarity: published numbers, planted layers, sets that share pairs, and what is refused."""

from __future__ import annotations

import json
from collections import Counter

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT
from layerwise.scoring.measures.cosines import ZeroVectorError
from layerwise.scoring.measures.rating_sets import NoPairsError, RatedPairs, read_word_ratings, retain
from layerwise.scoring.measures.ratings import RatingChoiceError
from layerwise.scoring.measures.word_similarity import word_similarity
from layerwise.scoring.refusals import NonFiniteViewError, ViewLengthError
from synthetic_views import SHARED, rotation

GOLDENS = SHARED / "analyses/word_similarity"
SEEDS = st.integers(0, 2**32 - 1)
VOCABULARY = [f"w{number:02}" for number in range(40)]


# Published numbers


@pytest.fixture(scope="module")
def golden():
    if not GOLDENS.is_dir():
        pytest.skip("the golden cases of analyses are not in this repository")
    catalogue = read_yaml(ROOT / "resources/ratings.yaml")["ratings"]
    expected = json.loads((GOLDENS / "expected.json").read_text())
    sets = [
        read_word_ratings(GOLDENS / f"{name}.csv", suffixes=catalogue[name].get("suffixes", ()))
        for name in expected["retained"]
    ]
    counts = json.loads((GOLDENS / "training_counts.json").read_text())
    return expected, sets, counts, np.load(GOLDENS / "instances.npz")


def test_the_published_pairs_are_retained(golden):
    expected, sets, counts, _ = golden
    for pairs in sets:
        found = retain(pairs, counts)
        triples = zip(found.pairs.first, found.pairs.second, found.pairs.ratings.tolist(), strict=True)
        assert [list(triple) for triple in triples] == expected["pairs"][pairs.name]
        assert found.of == len(pairs) == len(found.pairs) + sum(found.lost.values())
        assert len(retain(pairs, counts, more_than=4).pairs) == expected["pairs_if_count_above_4"][pairs.name]


@pytest.mark.parametrize("layer", ["0", "1", "2"])
def test_correlations_and_averages_are_the_published_ones(golden, layer):
    expected, sets, counts, arrays = golden
    found = word_similarity(arrays[f"layer_{layer}"], arrays["words"], sets, counts=counts)
    published = {name: values[layer] for name, values in expected["spearman"].items()}
    assert found.macro_published == pytest.approx(published.pop("macro average"), abs=1e-9)
    assert found.micro_published == pytest.approx(published.pop("micro average"), abs=1e-9)
    assert {name: one.correlation.correlation for name, one in found.sets.items()} == pytest.approx(published, abs=1e-9)
    if layer == "1":
        for name, one in found.sets.items():
            np.testing.assert_allclose(one.similarities, expected["cosines_layer_1"][name], atol=1e-6)


# Planted data


def spoken(seed: int, noise: float = 0.0, instances: int = 3, dimensions: int = 12):
    """Instances of the words of VOCABULARY: vectors of meaning, and noise; and a set that rates all the meanings."""
    rng = np.random.default_rng(seed)
    meaning = rng.normal(size=(len(VOCABULARY), dimensions))
    words = np.repeat(VOCABULARY, instances)
    vectors = np.repeat(meaning, instances, axis=0) + noise * rng.normal(size=(words.size, dimensions))
    both = np.array([rng.choice(len(VOCABULARY), 2, replace=False) for _ in range(150)])
    unit = meaning / np.linalg.norm(meaning, axis=1, keepdims=True)
    ratings = (unit[both[:, 0]] * unit[both[:, 1]]).sum(axis=1)
    first, second = (tuple(VOCABULARY[number] for number in side) for side in both.T)
    return vectors, words, RatedPairs("planted", first, second, ratings)


def test_the_layer_that_means_what_is_rated_is_found_and_noise_is_at_chance():
    vectors, words, pairs = spoken(1, noise=3)
    layers = [vectors, spoken(1, noise=0.3)[0], spoken(1)[0]]
    found = [word_similarity(layer, words, [pairs]).sets["planted"] for layer in layers]
    values = [one.correlation.correlation for one in found]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1, abs=1e-3)
    assert values[0] > found[0].chance.high
    others = [word_similarity(spoken(seed)[0], words, [pairs]).sets["planted"] for seed in range(100, 120)]
    assert abs(np.mean([one.correlation.correlation for one in others])) < 0.06
    assert sum(one.chance.low <= one.correlation.correlation <= one.chance.high for one in others) >= 17
    assert sum(one.correlation.low <= 0 <= one.correlation.high for one in others) >= 17


@given(SEEDS)
@settings(max_examples=15)
def test_rotations_scale_and_order_change_nothing(seed):
    vectors, words, pairs = spoken(seed, noise=1)
    rng = np.random.default_rng(seed)
    before = word_similarity(vectors, words, [pairs]).sets["planted"]
    order = rng.permutation(words.size)
    turned = word_similarity(1e-3 * vectors @ rotation(12, rng), words, [pairs]).sets["planted"]
    swapped = RatedPairs("planted", pairs.second, pairs.first, pairs.ratings)
    moved = word_similarity(vectors[order], words[order], [swapped]).sets["planted"]
    for after in (turned, moved):
        np.testing.assert_allclose(after.similarities, before.similarities, atol=1e-11)
        assert after.correlation.correlation == pytest.approx(before.correlation.correlation, abs=1e-3)


def test_a_word_is_the_mean_of_its_instances_however_many(tmp_path):
    vectors, words, pairs = spoken(3, noise=1, instances=250)
    means = vectors.reshape(len(VOCABULARY), 250, -1).mean(axis=1)
    by_mean = word_similarity(means, VOCABULARY, [pairs]).sets["planted"]
    with h5py.File(tmp_path / "layer.h5", "w") as file:  # more rows than one block
        file["layer"], file["word"] = vectors, words.astype("S")
        found = word_similarity(file["layer"], file["word"][:], [pairs]).sets["planted"]
    np.testing.assert_allclose(found.similarities, by_mean.similarities, atol=1e-11)


def test_words_that_no_set_rates_may_hold_anything():
    vectors, words, pairs = spoken(4)
    more = np.vstack([vectors, np.full((1, 12), np.nan)])
    assert word_similarity(more, [*words, "unrated"], [pairs]).macro == word_similarity(vectors, words, [pairs]).macro


def test_case_counts_unless_it_does_not():
    vectors, words, pairs = spoken(5, noise=1)
    upper = [word.upper() if number % 2 else word for number, word in enumerate(words.tolist())]
    exact = word_similarity(vectors, upper, [pairs]).sets["planted"]
    lower = word_similarity(vectors, upper, [pairs], case="lower").sets["planted"]
    expected = word_similarity(vectors, words, [pairs]).sets["planted"]
    assert lower.correlation == expected.correlation
    assert exact.correlation.correlation != expected.correlation.correlation
    all_upper = [word.upper() for word in words.tolist()]
    counted = word_similarity(vectors, all_upper, [pairs], case="lower", counts=Counter(all_upper), more_than=2)
    assert counted.sets["planted"].correlation == expected.correlation


def test_letters_with_marks_are_the_same_however_they_were_typed():
    vectors, words, pairs = spoken(6)
    renamed = {"w00": "cafe\u0301", "w01": "nin\u0303o"}
    composed = {"w00": "café", "w01": "niño"}
    first, second = (tuple(composed.get(word, word) for word in side) for side in (pairs.first, pairs.second))
    found = word_similarity(
        vectors,
        [renamed.get(word, word) for word in words.tolist()],
        [RatedPairs("planted", first, second, pairs.ratings)],
    )
    assert found.sets["planted"].retained.lost == {"unknown": 0, "rare": 0, "case": 0}


# Several sets


def distinct_pairs(seed: int, number: int) -> RatedPairs:
    """No two of the same words, with ratings that say nothing."""
    rng = np.random.default_rng(seed)
    every = [(a, b) for place, a in enumerate(VOCABULARY) for b in VOCABULARY[place + 1 :]]
    first, second = zip(*(every[place] for place in rng.permutation(len(every))[:number]), strict=True)
    return RatedPairs("all", first, second, rng.normal(size=number))


def parts_of(pairs: RatedPairs, *ranges: range) -> list[RatedPairs]:
    parts = [pairs.at(list(rows)) for rows in ranges]
    return [RatedPairs(f"part{n}", part.first, part.second, part.ratings) for n, part in enumerate(parts)]


def test_a_set_that_stands_there_twice_counts_once():
    vectors, words, _ = spoken(7, noise=2)
    one, other = parts_of(distinct_pairs(7, 150), range(100), range(100, 150))
    again = RatedPairs("again", other.second, other.first, other.ratings)
    before, after = (word_similarity(vectors, words, sets) for sets in ([one, other], [one, other, again]))
    assert after.macro.value == pytest.approx(before.macro.value)
    assert after.micro.value == pytest.approx(before.micro.value)
    assert (after.macro.low, after.micro.high) == pytest.approx((before.macro.low, before.micro.high))
    assert after.macro_published != pytest.approx(before.macro_published)
    assert after.micro_published != pytest.approx(before.micro_published)


def test_sets_that_share_no_pair_have_the_published_averages():
    vectors, words, _ = spoken(8, noise=2)
    found = word_similarity(vectors, words, parts_of(distinct_pairs(8, 120), range(80), range(80, 120)))
    assert found.macro.value == pytest.approx(found.macro_published)
    assert found.micro.value == pytest.approx(found.micro_published)
    assert [one.own for one in found.sets.values()] == [1, 1]


def test_an_average_of_one_set_is_its_score():
    vectors, words, _ = spoken(9, noise=2)
    found = word_similarity(vectors, words, [distinct_pairs(9, 150)])
    one = found.sets["all"].correlation
    for average in (found.macro, found.micro):
        assert (average.value, average.low, average.high) == pytest.approx((one.correlation, one.low, one.high))


def test_a_set_without_enough_pairs_is_skipped_with_its_numbers():
    vectors, words, pairs = spoken(10)
    few = RatedPairs("few", ("w00", "gone"), ("w01", "w02"), np.arange(2.0))
    flat = RatedPairs("flat", pairs.first, pairs.second, np.ones(len(pairs)))
    found = word_similarity(vectors, words, [few, pairs, flat])
    assert list(found.sets) == ["planted"]
    assert "1 of 2 pairs left" in found.skipped["few"]
    assert "all 150 ratings are 1" in found.skipped["flat"]
    with pytest.raises(NoPairsError, match=r"none of 1 sets .* few: 1 pairs"):
        word_similarity(vectors, words, [few])


# What is refused


def test_vectors_that_cannot_be_used_are_refused():
    vectors, words, pairs = spoken(11)
    broken = vectors.copy()
    broken[5, 3] = np.inf
    with pytest.raises(NonFiniteViewError, match="1 of the 120 instances"):
        word_similarity(broken, words, [pairs])
    broken[3:6] = 0
    with pytest.raises(ZeroVectorError, match=r"1 of 40 vectors are zeros, the first is the mean of 3 of w01"):
        word_similarity(broken, words, [pairs])
    with pytest.raises(ViewLengthError, match=r"\(120, 12\); \(119"):
        word_similarity(vectors, words[1:], [pairs])
    with pytest.raises(ViewLengthError, match=r"\(120,\)"):
        word_similarity(vectors[:, 0], words, [pairs])


def test_senseless_arguments_are_refused():
    vectors, words, pairs = spoken(12)
    with pytest.raises(RatingChoiceError, match=r"case is lowr; exact or lower is expected \(did you mean lower\?\)"):
        word_similarity(vectors, words, [pairs], case="lowr")
    with pytest.raises(RatingChoiceError, match="planted, planted"):
        word_similarity(vectors, words, [pairs, pairs])


def test_numbers_do_not_depend_on_threads():
    vectors, words, pairs = spoken(13, noise=1, instances=50, dimensions=64)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(word_similarity(vectors, words, [pairs]).sets["planted"].similarities)
    np.testing.assert_array_equal(*found)
