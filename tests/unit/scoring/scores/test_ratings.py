"""Likeness of words and of sentences that people rated: from representation files and tables to records."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from layerwise.scoring.measures.rating_sets import RatingTableError
from layerwise.scoring.rows import ReadFile
from planted_recordings import SENTENCES, WORDS, of_sentences, of_words, write_planted
from tiny_representations import UTTERANCES

OF_WORDS = {"rows": "word", "target": {"ratings": ["mine.csv"]}, "measure": "word_similarity"}
OF_SENTENCES = {"rows": "utterance", "target": {"pairs": "mine.csv"}, "measure": "sentence_similarity"}


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def table(path, columns, rows, **facts):
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return ReadFile(path, facts.pop("name", path.name), **facts)


def word_pairs(words=WORDS, write=str):
    """Pairs that are rated by how alike the planted points are."""
    points = of_words()
    return [(write(a), write(b), f"{cosine(points[a], points[b]):.6f}") for a, b in itertools.combinations(words, 2)]


def word_set(path, rows=None, **facts):
    return table(path, ("word1", "word2", "similarity"), word_pairs() if rows is None else rows, **facts)


def sentence_set(path):
    """A pair of sentences has a row for each reader of both."""
    points = of_sentences()
    rows = []
    for a, b in itertools.combinations(range(SENTENCES), 2):
        rating = f"{cosine(points[str(a)], points[str(b)]):.6f}"
        for reader in range(4):
            names = [UTTERANCES[6 * reader + sentence] for sentence in (a, b)]
            rows.append((f"{a}-{b}", *names, rating))
    return table(path, ("pair", "a", "b", "rating"), rows)


def test_planted_likeness_of_words_is_found_and_noise_has_none(tmp_path, shards, score):
    beside = {"files": [word_set(tmp_path / "mine.csv", pairs=15)]}
    planted, noise = (record["trials"][0] for record in score(shards, OF_WORDS, beside=beside))
    for name in ("similarity", "similarity_micro", "similarity_published"):
        assert planted["metrics"][name] > 0.8
        assert abs(noise["metrics"][name]) < 0.65  # of 15 pairs
        assert planted["chance"][name] == pytest.approx(0, abs=0.15)
    low, high = noise["intervals"]["similarity"]
    assert low < 0 < high
    low, high = planted["intervals"]["similarity"]
    assert 0 < low < planted["metrics"]["similarity"] < high
    assert (planted["n_train"], planted["n_test"]) == (0, 15)
    assert planted["sets"]["mine.csv"]["lost"] == {"unknown": 0, "rare": 0, "case": 0}


def test_planted_likeness_of_sentences_is_found_and_noise_has_none(tmp_path, shards, score):
    beside = {"files": [sentence_set(tmp_path / "mine.csv")]}
    planted, noise = (record["trials"][0] for record in score(shards, OF_SENTENCES, beside=beside))
    assert planted["metrics"]["sentence_similarity"] > 0.8
    assert abs(noise["metrics"]["sentence_similarity"]) < 0.6
    assert planted["chance"]["sentence_similarity"] == pytest.approx(0, abs=0.15)
    low, high = planted["intervals"]["sentence_similarity"]
    assert 0 < low < planted["metrics"]["sentence_similarity"] < high
    assert (planted["n_test"], planted["lost"], planted["missing"]) == (15, 0, 0)


@pytest.mark.parametrize(
    ("entry", "write"), [(OF_WORDS, word_set), (OF_SENTENCES, sentence_set)], ids=["words", "sentences"]
)
def test_neither_the_order_nor_the_number_of_shards_matters(tmp_path, shards, score, entry, write):
    beside = {"files": [write(tmp_path / "mine.csv")]}
    found = score(shards, entry, beside=beside)
    for other in (shards[::-1], write_planted(tmp_path / "one", order=UTTERANCES[::-1])):
        again = score(other, entry, beside=beside)
        for record, expected in zip(again, found, strict=True):
            # Sums over instances round in their order; ranks do not change.
            (trial,), (wanted,) = record.pop("trials"), expected["trials"]
            assert trial["metrics"] == wanted["metrics"]
            assert record == {name: value for name, value in expected.items() if name != "trials"}


def test_several_sets_count_a_pair_once(tmp_path, shards, score):
    half = word_pairs()[:8]
    files = [word_set(tmp_path / "all.csv"), word_set(tmp_path / "half.csv", half)]
    (record,) = score(shards, OF_WORDS, ["T1"], beside={"files": files})
    trial = record["trials"][0]
    assert {name: each["pairs"] for name, each in trial["sets"].items()} == {"all.csv": 15, "half.csv": 8}
    assert trial["metrics"]["similarity_published"] == pytest.approx(
        np.mean([each["correlation"] for each in trial["sets"].values()])
    )
    assert trial["metrics"]["similarity"] != trial["metrics"]["similarity_published"]


def test_losses_are_counted_by_cause(tmp_path, shards, score):
    rows = [*word_pairs(), ("apple", "zebra", 1), ("Apple", "bread", 2)]
    exact = OF_WORDS | {"measure": {"word_similarity": {"case": "exact"}}}
    (record,) = score(shards, exact, ["T1"], beside={"files": [word_set(tmp_path / "mine.csv", rows)]})
    found = record["trials"][0]["sets"]["mine.csv"]
    assert (found["pairs"], found["of"]) == (15, 17)
    assert found["lost"] == {"unknown": 1, "rare": 0, "case": 1}


def test_a_set_without_enough_pairs_is_left_out_and_named(tmp_path, shards, score):
    files = [word_set(tmp_path / "mine.csv"), word_set(tmp_path / "few.csv", [("zebra", "apple", 1)])]
    (record,) = score(shards, OF_WORDS, ["T1"], beside={"files": files})
    assert record["status"] == "ok"
    assert list(record["trials"][0]["skipped_sets"]) == ["few.csv"]


def test_ends_of_words_are_no_part_of_them(tmp_path, shards, score):
    rows = word_pairs(write=lambda word: f"{word}-n")
    beside = {"files": [word_set(tmp_path / "mine.csv", rows, suffixes=("-n",))]}
    assert score(shards, OF_WORDS, ["T1"], beside=beside)[0]["trials"][0]["n_test"] == 15


def test_a_download_that_is_not_whole_is_an_error(tmp_path, shards, score):
    beside = {"files": [word_set(tmp_path / "mine.csv", word_pairs()[:9], name="rg-65", pairs=65)]}
    with pytest.raises(RatingTableError, match=r"it has 9 pairs, and resources/ratings\.yaml says that rg-65 has 65"):
        score(shards, OF_WORDS, ["T1"], beside=beside)


def test_a_table_without_ratings_is_an_error(tmp_path, shards, score):
    beside = {"files": [table(tmp_path / "mine.csv", ("word1", "word2"), [("apple", "bread")])]}
    with pytest.raises(RatingTableError, match=r"has no column similarity or rating"):
        score(shards, OF_WORDS, ["T1"], beside=beside)


def test_words_that_nobody_says_are_skipped(tmp_path, shards, score):
    beside = {"files": [word_set(tmp_path / "mine.csv", [("zebra", "yak", 1), ("gnu", "yak", 2)])]}
    (record,) = score(shards, OF_WORDS, ["T1"], beside=beside)
    assert (record["status"], record["trials"]) == ("skipped", [])
    assert "none of 1 sets of ratings has a score" in record["reason"]


def test_recordings_that_are_not_there_are_skipped(tmp_path, shards, score):
    beside = {"files": [table(tmp_path / "mine.csv", ("a", "b", "rating"), [("x", "y", 1), ("x", "z", 2)])]}
    (record,) = score(shards, OF_SENTENCES, ["T1"], beside=beside)
    assert record["status"] == "skipped"
    assert "of 2 pairs of sentences none has a recording of both: 3 recordings" in record["reason"]


def nan(utterance: str, arrays: dict) -> None:
    arrays["word/T1"][0, 0] = arrays["utterance/T1"][0, 0] = np.nan


@pytest.mark.parametrize(
    ("entry", "write"), [(OF_WORDS, word_set), (OF_SENTENCES, sentence_set)], ids=["words", "sentences"]
)
def test_nan_is_skipped(tmp_path, score, entry, write):
    paths = write_planted(tmp_path / "nan", change=nan)
    (record,) = score(paths, entry, ["T1"], beside={"files": [write(tmp_path / "mine.csv")]})
    assert record["status"] == "skipped"
    assert "NaN" in record["reason"]
