import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.scoring.folds import MOST_GROUPS, frame_folds, merged, segment_folds, speaker_groups, trials
from layerwise.scoring.refusals import FoldError

UTTERANCES = np.array([f"{speaker}-{chapter}" for speaker in range(10) for chapter in range(4)])
SPEAKERS = np.array([name.split("-")[0] for name in UTTERANCES])


def segments(count=400, labels=7, seed=0):
    """(labels, utterances, rows) with labels of unequal frequency, in random order."""
    rng = np.random.default_rng(seed)
    names = np.array([f"L{k}" for k in range(labels)])
    weight = rng.dirichlet(np.ones(labels))
    return rng.choice(names, count, p=weight), rng.choice(UTTERANCES, count), rng.permutation(count)


# --- the same on every machine, in every process ------------------------------------------------------------------


def test_segment_folds_are_these():
    labels, utterances, rows = np.array(list("aabbabbaab")), np.repeat(["u1", "u2"], 5), np.arange(10)
    assert segment_folds(labels, utterances, rows, None, 3, 1, 1).tolist() == [0, 2, 1, 1, 2, 0, 2, 1, 0, 0]
    assert segment_folds(labels, utterances, rows, None, 3, 1, 2).tolist() == [2, 1, 1, 2, 0, 0, 1, 1, 0, 2]
    assert segment_folds(labels, utterances, rows, None, 3, 2, 1).tolist() == [2, 1, 2, 1, 1, 1, 0, 0, 0, 0]


def test_frame_folds_are_these():
    names = np.array(["84-121123-0000", "84-121123-0001"])
    expected = [4, 7, 9, 2, 5, 5, 5, 1, 3, 1, 8, 6, 6, 8]
    assert frame_folds(names, np.array([8, 6]), None, 10, 1, 1).tolist() == expected
    expected = [1, 0, 1, 5, 9, 3, 3, 5, 3, 9, 9, 4, 8, 7]
    assert frame_folds(names, np.array([8, 6]), None, 10, 1, 2).tolist() == expected


def test_group_folds_are_these():
    names, frames = np.array([f"s{i}" for i in range(6)]), np.array([5, 1, 4, 2, 3, 6])
    per_group = [0, 1, 1, 2, 2, 0]
    expected = np.repeat(per_group, frames).tolist()
    assert frame_folds(names, frames, names, 3, 1, 1)[:5].tolist() == [0] * 5
    assert frame_folds(names, frames, names, 3, 1, 1).tolist() == expected
    assert frame_folds(names, frames, names, 3, 1, 2).tolist() == np.repeat([0, 0, 2, 2, 0, 1], frames).tolist()
    assert segment_folds(np.full(6, "a"), names, np.arange(6), names, 3, 1, 2).tolist() == [2, 0, 1, 2, 0, 1]


def test_trials_are_these():
    assert trials(10, 3, 1, 1) == [(7, 2), (4, 6), (1, 0)]
    assert trials(10, 3, 1, 2) == [(8, 5), (6, 0), (9, 1)]
    assert trials(10, 3, 2, 1) == [(0, 8), (9, 2), (3, 6)]


# --- segments by row ----------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 300), folds=st.integers(2, 10), seed=st.integers(0, 2**32), sample=st.integers(1, 5))
def test_each_label_is_spread_evenly_and_the_order_of_rows_does_not_matter(count, folds, seed, sample):
    labels, utterances, rows = segments(count, 7, seed)
    fold = segment_folds(labels, utterances, rows, None, folds, seed, sample)
    assert fold.min() >= 0
    assert fold.max() < folds
    for label in np.unique(labels):
        counts = np.bincount(fold[labels == label], minlength=folds)
        assert counts.max() - counts.min() <= 1
    order = np.random.default_rng(seed).permutation(count)
    other = segment_folds(labels[order], utterances[order], rows[order], None, folds, seed, sample)
    np.testing.assert_array_equal(other, fold[order])


def test_where_a_label_starts_depends_on_the_label():
    """200 labels of a single instance: dealt from one start they would all be in one fold."""
    labels = np.array([f"word{k}" for k in range(200)])
    fold = segment_folds(labels, np.full(200, "u"), np.arange(200), None, 10, 1, 1)
    counts = np.bincount(fold, minlength=10)
    assert counts.min() >= 8
    assert counts.max() <= 35


def test_a_label_s_folds_do_not_depend_on_other_labels():
    labels, utterances, rows = segments()
    fold = segment_folds(labels, utterances, rows, None, 10, 1, 1)
    mine = labels == "L2"
    alone = segment_folds(labels[mine], utterances[mine], rows[mine], None, 10, 1, 1)
    np.testing.assert_array_equal(alone, fold[mine])


def test_segment_folds_depend_on_seed_and_sample():
    table = segments()
    first, *others = (segment_folds(*table, None, 10, *key).tolist() for key in ((1, 1), (2, 1), (1, 2)))
    assert first not in others
    assert others[0] != others[1]


# --- frames by row ------------------------------------------------------------------------------------------------


def test_frames_are_spread_about_evenly_and_neighbours_are_unrelated():
    frames = np.full(40, 500)
    fold = frame_folds(UTTERANCES, frames, None, 10, 1, 1)
    counts = np.bincount(fold, minlength=10)
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(2000 * 0.9)
    joint = np.histogram2d(fold[:-1], fold[1:], bins=10)[0]
    assert np.abs(joint - 200).max() < 6 * np.sqrt(200)
    per_utterance = np.array([np.bincount(part, minlength=10) for part in fold.reshape(40, 500)])
    assert np.abs(per_utterance - 50).max() < 6 * np.sqrt(50)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32), folds=st.integers(2, 10))
def test_an_utterance_s_frames_keep_their_folds_wherever_it_stands(data, seed, folds):
    frames = np.array(data.draw(st.lists(st.integers(0, 30), min_size=4, max_size=4)))
    order = np.array(data.draw(st.permutations(range(4))))
    names = UTTERANCES[:4]
    parts = np.split(frame_folds(names, frames, None, folds, seed, 1), np.cumsum(frames)[:-1])
    shuffled = np.split(
        frame_folds(names[order], frames[order], None, folds, seed, 1), np.cumsum(frames[order])[:-1]
    )  # fmt: skip
    for place, index in enumerate(order):
        np.testing.assert_array_equal(shuffled[place], parts[index])
    longer = frame_folds(names[:1], frames[:1] + 7, None, folds, seed, 1)
    np.testing.assert_array_equal(longer[: frames[0]], parts[0])


def test_frame_folds_depend_on_seed_and_sample():
    first, *others = (
        frame_folds(UTTERANCES, np.full(40, 20), None, 10, *key).tolist() for key in ((1, 1), (2, 1), (1, 2))
    )  # fmt: skip
    assert first not in others
    assert others[0] != others[1]


def test_no_frames_have_no_folds():
    assert frame_folds(np.array([], str), np.array([], int), None, 10, 1, 1).size == 0


# --- groups -------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(folds=st.integers(2, 10), seed=st.integers(0, 2**32), by_speaker=st.booleans())
def test_groups_are_never_split_and_fill_every_fold(folds, seed, by_speaker):
    frames = np.random.default_rng(seed).integers(1, 60, 40)
    groups = SPEAKERS if by_speaker else UTTERANCES
    fold = frame_folds(UTTERANCES, frames, groups, folds, seed, 1)
    member = np.repeat(groups, frames)
    assert all(np.unique(fold[member == group]).size == 1 for group in np.unique(groups))
    counts = np.bincount(fold, minlength=folds)
    largest = max(frames[groups == group].sum() for group in np.unique(groups))
    assert counts.size == folds
    assert counts.min() > 0
    assert counts.max() - counts.min() <= largest  # each group goes to the fold with fewest rows
    order = np.random.default_rng(seed).permutation(40)
    other = frame_folds(UTTERANCES[order], frames[order], groups[order], folds, seed, 1)
    assert dict(zip(member, fold, strict=True)) == dict(
        zip(np.repeat(groups[order], frames[order]), other, strict=True)
    )


def test_groups_of_segments_are_never_split():
    labels, utterances, rows = segments()
    speakers = np.array([name.split("-")[0] for name in utterances])
    fold = segment_folds(labels, utterances, rows, speakers, 5, 1, 1)
    assert all(np.unique(fold[speakers == speaker]).size == 1 for speaker in np.unique(speakers))
    assert np.unique(fold).size == 5


def test_group_folds_depend_on_seed_and_sample():
    frames = np.full(40, 3)
    first, *others = (
        frame_folds(UTTERANCES, frames, UTTERANCES, 10, *key).tolist() for key in ((1, 1), (2, 1), (1, 2))
    )  # fmt: skip
    assert first not in others
    assert others[0] != others[1]


def test_fewer_groups_than_folds_are_refused():
    with pytest.raises(FoldError, match=r"10 groups \(cca\.folds_by\) cannot fill 11 folds \(cca\.folds\)"):
        frame_folds(UTTERANCES, np.full(40, 9), SPEAKERS, 11, 1, 1)
    labels, utterances, rows = segments(50)
    with pytest.raises(FoldError, match=r"1 groups .* cannot fill 2 folds"):
        segment_folds(labels, utterances, rows, np.full(50, "84"), 2, 1, 1)
    assert np.unique(frame_folds(UTTERANCES, np.full(40, 9), SPEAKERS, 10, 1, 1)).size == 10


# --- trials -------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(folds=st.integers(2, 20), seed=st.integers(0, 2**32), sample=st.integers(1, 9), data=st.data())
def test_trials_are_disjoint_and_more_of_them_begin_with_the_same(folds, seed, sample, data):
    count = data.draw(st.integers(1, folds // 2))
    pairs = trials(folds, count, seed, sample)
    flat = [fold for pair in pairs for fold in pair]
    assert len(pairs) == count
    assert len(set(flat)) == 2 * count
    assert set(flat) <= set(range(folds))
    assert trials(folds, folds // 2, seed, sample)[:count] == pairs


def test_more_trials_than_pairs_of_folds_are_refused():
    with pytest.raises(FoldError, match="6 trials need 12 folds, a dev and a test fold each; there are 10"):
        trials(10, 6, 1, 1)


# --- folds that no trial holds out ---------------------------------------------------------------------------------


@given(folds=st.integers(2, 12), seed=st.integers(0, 99), data=st.data())
def test_what_is_only_trained_on_becomes_one_fold(folds, seed, data):
    count = data.draw(st.integers(1, folds // 2))
    fold = np.random.default_rng(seed).integers(0, folds, 300)
    fold[:folds] = np.arange(folds)
    pairs = trials(folds, count, seed, 1)
    fewer, renumbered = merged(fold, pairs)
    assert fewer.max() + 1 == min(folds, 2 * count + 1)
    for before, after in zip(pairs, renumbered, strict=True):
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(fewer == new, fold == old)
    rest = ~np.isin(fold, np.ravel(pairs))
    assert set(fewer[rest]) <= {2 * count}


def test_no_rows_are_merged_to_none():
    fold, pairs = merged(np.array([], np.int64), [(3, 1), (7, 4)])
    assert (fold.size, pairs) == (0, [(1, 0), (3, 2)])


# --- groups of speakers -------------------------------------------------------------------------------------------


@given(count=st.integers(1, 70), folds=st.integers(3, 30), seed=st.integers(0, 99))
def test_few_speakers_are_groups_and_many_are_bundled_evenly(count, folds, seed):
    speakers = [f"s{number}" for number in range(count)]
    groups = speaker_groups(speakers, folds, seed)
    most = max(MOST_GROUPS, folds)
    if count <= most:
        assert groups == {name: name for name in speakers}
    else:
        sizes = np.unique(list(groups.values()), return_counts=True)[1]
        assert len(sizes) == most
        assert np.ptp(sizes) <= 1
    assert groups == speaker_groups([*reversed(speakers), *speakers], folds, seed)  # whatever order, however often


def test_bundles_are_other_ones_with_another_seed():
    speakers = [f"s{number}" for number in range(40)]
    assert speaker_groups(speakers, 10, 1) != speaker_groups(speakers, 10, 2)
    assert speaker_groups(["84", "174", *speakers], 10, 1)["84"] == "bundle-5"
