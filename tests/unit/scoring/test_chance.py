import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.scoring import chance
from layerwise.scoring.measures.cca import cross_validate
from layerwise.scoring.measures.passes import fold_moments
from synthetic_views import one_hot, random_folds

KEYS = {"property_name": st.sampled_from(["mel", "intra"]), "seed": st.integers(0, 99), "sample": st.integers(1, 9)}


@st.composite
def corpora(draw, most_speakers=9, least_utterances=1):
    """Ids, speakers, and frames every 20 ms and every 10 ms of each utterance, in no order."""
    speakers = [
        f"{number:03}"
        for number, count in enumerate(
            draw(st.lists(st.integers(least_utterances, 12), min_size=1, max_size=most_speakers))
        )
        for _ in range(count)
    ]
    random = np.random.default_rng(draw(st.integers(0, 999)))
    order = random.permutation(len(speakers))
    names = np.array([f"{speaker}-{number:04}" for number, speaker in enumerate(speakers)])
    frames = random.integers(1, draw(st.sampled_from([3, 60])), len(speakers))
    fine = 2 * frames + random.integers(0, 2, len(speakers))
    return names[order], np.array(speakers)[order], frames, fine


@given(corpus=corpora(), **KEYS)
def test_no_utterance_and_no_speaker_keeps_its_place(corpus, property_name, seed, sample):
    names, speakers, frames, _ = corpus
    source = chance.exchange(names, speakers, frames, property_name, seed, sample)
    if len(names) > 1:
        assert (source != np.arange(len(names))).all()
    serves = dict(zip(speakers, speakers[source], strict=True))
    if len(serves) == 1:
        assert sorted(source) == list(range(len(names)))
        return
    assert all(serves[mine] == other != mine for mine, other in zip(speakers, speakers[source], strict=True))
    assert len(set(serves.values())) == len(serves)
    for mine, other in serves.items():
        taken = np.bincount(source[speakers == mine], minlength=len(names))[speakers == other]
        assert taken.max() <= -(-(speakers == mine).sum() // (speakers == other).sum())


@given(corpus=corpora(), order=st.integers(0, 999), **KEYS)
def test_neither_the_order_of_utterances_nor_the_frame_rate_decides(corpus, order, property_name, seed, sample):
    names, speakers, frames, fine = corpus
    key = (property_name, seed, sample)
    source = chance.exchange(names, speakers, frames, *key)
    shuffled = np.random.default_rng(order).permutation(len(names))
    again = chance.exchange(names[shuffled], speakers[shuffled], frames[shuffled], *key)
    np.testing.assert_array_equal(names[shuffled][again], names[source][shuffled])
    if len(names) > 1:
        for rate in (frames, fine):
            owner = np.repeat(np.arange(len(names)), rate)
            rows = chance.frame_rows(names, speakers, frames, rate, *key)
            np.testing.assert_array_equal(owner[rows], source[owner])


@given(corpus=corpora(least_utterances=2), **KEYS)
def test_the_first_row_meets_the_first_and_the_last_the_last(corpus, property_name, seed, sample):
    names, speakers, frames, fine = corpus
    rows = chance.frame_rows(names, speakers, frames, fine, property_name, seed, sample)
    source = chance.exchange(names, speakers, frames, property_name, seed, sample)
    starts = np.cumsum(fine) - fine
    for mine, other in enumerate(source):
        places = rows[starts[mine] : starts[mine] + fine[mine]] - starts[other]
        assert (places[0], places[-1]) == (0, fine[other] - 1)
        ideal = np.linspace(0, fine[other] - 1, fine[mine])
        assert np.abs(places - ideal).max() <= 0.5
        assert (np.diff(places) >= 0).all()


@given(
    wanted=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    offered=st.lists(st.integers(1, 40), min_size=1, max_size=5),
)
def test_no_other_match_of_two_speakers_is_nearer_in_length(wanted, offered):
    names = np.array([f"a{n}" for n in range(len(wanted))] + [f"b{n}" for n in range(len(offered))])
    speakers = np.array(["a"] * len(wanted) + ["b"] * len(offered))
    source = chance.exchange(names, speakers, np.array(wanted + offered), "mel", 1, 1)
    found = sum(np.log(wanted[mine] / (wanted + offered)[source[mine]]) ** 2 for mine in range(len(wanted)))
    candidates = np.repeat(offered, -(-len(wanted) // len(offered)))
    best = min(
        (np.log(np.array(wanted) / np.array(chosen)) ** 2).sum()
        for chosen in set(itertools.permutations(candidates.tolist(), len(wanted)))
    )
    assert found == pytest.approx(best, abs=1e-9)


def test_speakers_change_places_with_those_who_speak_about_as_much():
    """Of twelve speakers, six of 1 and six of 100 utterances each: nobody of many gets the rows of one of few."""
    speakers = np.repeat([f"{n:02}" for n in range(12)], [1] * 6 + [100] * 6)
    names = np.array([f"{speaker}-{n:04}" for n, speaker in enumerate(speakers)])
    source = chance.exchange(names, speakers, np.full(len(names), 50), "mel", 1, 1)
    assert sorted(source) == list(range(len(names)))


def test_property_seed_and_sample_draw_apart():
    names = np.array([f"{n % 18:02}-{n}" for n in range(180)])
    speakers = np.array([name[:2] for name in names])
    frames = np.random.default_rng(0).integers(50, 500, 180)
    draws = {
        chance.exchange(names, speakers, frames, name, seed, sample).tobytes()
        for name in ("mel", "intra")
        for seed in (1, 2)
        for sample in (1, 2)
    }
    assert len(draws) == 8


@given(rows=st.integers(10, 3000), silent=st.integers(0, 2), **KEYS)
def test_one_utterance_alone_is_rolled_by_ten_to_ninety_percent(rows, silent, property_name, seed, sample):
    names = np.array([f"1-{n}" for n in range(silent + 1)])
    frames = np.array([rows] + [0] * silent)
    key = (property_name, seed, sample)
    found = chance.frame_rows(names, names, frames, frames, *key)
    assert 0.1 * rows <= found[0] <= 0.9 * rows
    np.testing.assert_array_equal(found, np.roll(np.arange(rows), -found[0]))
    fine = chance.frame_rows(names, names, frames, 2 * frames, *key)
    assert abs(fine[0] - 2 * found[0]) <= 3  # the same share of another frame rate


def test_every_roll_of_ten_to_ninety_percent_happens():
    names, frames = np.array(["1-1"]), np.array([11])
    rolls = {int(chance.frame_rows(names, names, frames, frames, "mel", seed, 1)[0]) for seed in range(300)}
    assert rolls == set(range(2, 10))  # of 1.1 to 9.9 rows


def test_an_utterance_without_frames_serves_nobody():
    names, speakers = np.array(["a1", "a2", "b1", "b2", "b3"]), np.array(["a", "a", "b", "b", "b"])
    frames = np.array([4, 0, 3, 5, 0])
    rows = chance.frame_rows(names, speakers, frames, frames, "mel", 1, 1)
    owner = np.repeat(np.arange(5), frames)
    assert set(zip(owner, owner[rows], strict=True)) <= {(0, 2), (0, 3), (2, 0), (3, 0)}


def test_an_utterance_keeps_its_own_rows_where_the_other_one_has_none_at_this_frame_rate():
    names = np.array(["a1", "b1"])
    rows = chance.frame_rows(names, names, np.array([3, 1]), np.array([3, 0]), "mel", 1, 1)
    assert rows.tolist() == [0, 1, 2]


def test_fewer_than_two_bands_change_places_all_with_each_other():
    names, lengths = np.array([f"{n:02}" for n in range(2 * chance.BAND - 1)]), np.arange(1, 2 * chance.BAND)
    whose = {chance.exchange(names, names, lengths, "mel", seed, 1)[0] for seed in range(100)}
    assert chance.BAND == 6
    assert whose == set(range(1, 11))


@given(segments=st.integers(1, 200), folds=st.integers(1, 7), order=st.integers(0, 999), **KEYS)
def test_labels_change_places_within_their_fold(segments, folds, order, property_name, seed, sample):
    rows, fold = np.arange(segments) * 3, random_folds(segments, folds, seed)
    source = chance.permutation(rows, fold, property_name, seed, sample)
    assert sorted(source) == list(range(segments))
    np.testing.assert_array_equal(fold[source], fold)
    # segments that come in another order get the labels of the same rows
    shuffled = np.random.default_rng(order).permutation(segments)
    again = chance.permutation(rows[shuffled], fold[shuffled], property_name, seed, sample)
    np.testing.assert_array_equal(rows[shuffled][again], rows[source][shuffled])


def test_the_labels_really_move():
    fold = random_folds(1000, 10)
    assert (chance.permutation(np.arange(1000), fold, "phone", 1, 1) == np.arange(1000)).sum() < 30


def smooth(rng, rows, dimensions, length):
    """Independent slow processes, as frames of speech are: each row is a mean of `length` random ones."""
    noise = rng.normal(size=(rows + length - 1, dimensions))
    sums = np.cumsum(np.vstack([np.zeros(dimensions), noise]), axis=0)
    return (sums[length:] - sums[:-length]) / np.sqrt(length)


def corpus_of(rng, utterances=120, speakers=12):
    frames = rng.integers(30, 60, utterances)
    owners = np.array([f"{number % speakers:02}" for number in range(utterances)])
    return np.array([f"{owner}-{number}" for number, owner in enumerate(owners)]), owners, frames


def score(target, layer, fold):
    (trial,) = cross_validate(fold_moments(target, layer, fold), [(8, 9)], [(1e-10, 1e-10)])
    return trial.metrics["pwcca"]


def test_exchanged_utterances_show_what_slow_processes_share():
    """Two unrelated slow processes: with neighbours in training and test, their score is far above zero. Whole
    utterances in other places keep that; shuffled rows would call it a finding.
    """
    rng = np.random.default_rng(0)
    names, speakers, frames = corpus_of(rng, utterances=60)
    x, y = (np.vstack([smooth(rng, n, d, 30) for n in frames]) for d in (8, 12))
    fold = random_folds(len(x))
    found = score(x, y, fold)
    rows = chance.frame_rows(names, speakers, frames, frames, "mel", 1, 1)
    assert found > 0.15
    assert score(x[rows], y, fold) == pytest.approx(found, abs=0.06)
    assert score(rng.permutation(x), y, fold) < 0.05


def test_exchanged_speakers_show_what_views_share_that_tell_speakers_apart():
    """Two views that have nothing in common but who speaks. Utterances that were exchanged without regard to speakers
    would call it a finding.
    """
    rng = np.random.default_rng(0)
    names, speakers, frames = corpus_of(rng)
    owner = np.repeat(speakers, frames).astype(int)
    x, y = (rng.normal(size=(12, d))[owner] + rng.normal(size=(owner.size, d)) for d in (8, 12))
    fold = random_folds(len(x))
    found = score(x, y, fold)
    rows = chance.frame_rows(names, speakers, frames, frames, "mel", 1, 1)
    nobody = chance.frame_rows(names, np.full(len(names), ""), frames, frames, "mel", 1, 1)
    assert found > 0.3
    assert score(x[rows], y, fold) == pytest.approx(found, abs=0.1)
    assert score(x[nobody], y, fold) < found - 0.1


def test_permuted_labels_score_nothing():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, 3000)
    x = rng.normal(size=(6, 10))[labels] + rng.normal(size=(3000, 10))
    fold = random_folds(3000)
    target = one_hot(labels)
    for order, low, high in [
        (np.arange(3000), 0.5, 1),
        (chance.permutation(np.arange(3000), fold, "phone", 1, 1), -0.1, 0.1),
    ]:
        (trial,) = cross_validate(fold_moments(x, target[order], fold), [(8, 9)], [(1e-10, 1e-10)])
        assert low < trial.metrics["pwcca"] < high
