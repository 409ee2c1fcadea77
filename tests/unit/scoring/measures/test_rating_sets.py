"""Tables of rated pairs: as word-benchmarks has them, as others may, and what is lost or refused."""

import numpy as np
import pytest

from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.files.csv_files import CSVError
from layerwise.scoring.measures.rating_sets import (
    NoPairsError,
    RatedPairs,
    RatingTableError,
    read_recording_ratings,
    read_word_ratings,
    readings,
    retain,
)
from layerwise.scoring.refusals import ViewLengthError

CATALOGUE = read_catalogue("ratings.yaml")["ratings"]


@pytest.fixture
def table(tmp_path):
    def write(text: str, name: str = "set.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("text", "suffixes"),
    [
        (",word1,word2,similarity\n0,cup,mug,8.5\n1,cup,sea,1\n", ()),
        (",similarity,word1,word2,relation\n0,8.5,cup,mug,SYNONYMS\n1,1,cup,sea,NONE\n", ()),
        (",word1,word2,similarity\n0,cup-n,mug-n,8.5\n1,cup-n,sea-v,1\n", ("-n", "-v", "-j")),
        (",word1,word2,similarity\n0,cup,mug,8.5\n1,cup,sea,1\n2,,,\n", ()),
        ("word1;word2;rating\ncup;mug;8.5\n\ncup;sea;1\n", ()),
    ],
    ids=["most", "simverb", "men", "an empty row at the end", "semicolons"],
)
def test_layouts(table, text, suffixes):
    found = read_word_ratings(table(text), suffixes=suffixes)
    assert (found.name, found.first, found.second) == ("set", ("cup", "cup"), ("mug", "sea"))
    np.testing.assert_array_equal(found.ratings, [8.5, 1])


def test_a_suffix_is_cut_at_the_end_and_only_there(table):
    text = "word1,word2,similarity\nlife-n-like,x-ray-n,1\n-n,sun,2\n"
    found = read_word_ratings(table(text), "men", suffixes=CATALOGUE["men"]["suffixes"])
    assert (found.name, found.first, found.second) == ("men", ("life-n-like", "-n"), ("x-ray", "sun"))


def test_another_column_can_be_the_rating(table):
    path = table("word1,word2,similarity,relatedness\ncup,mug,8,3\n")
    assert read_word_ratings(path, rating="relatedness").ratings.tolist() == [3]
    with pytest.raises(CSVError, match="no column related"):
        read_word_ratings(path, rating="related")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("word1,word2,similarity\ncup,,3\n", "line 2: a word is missing"),
        ("word1,word2,similarity\ncup,mug,\n", "line 2: similarity is empty"),
        ("word1,word2,similarity\ncup,mug,nan\n", "line 2: similarity is nan"),
        ("word1,word2,similarity\ncup,mug,high\n", "line 2: similarity is high"),
        ("word1,word2,similarity\n", "no pair of words"),
        ("word1,word2,similarty\ncup,mug,3\n", r"no column similarity or rating \(did you mean similarty\?\)"),
    ],
)
def test_a_table_that_says_too_little_is_refused(table, text, said):
    with pytest.raises(RatingTableError, match=said):
        read_word_ratings(table(text))


def test_words_and_ratings_of_different_numbers_are_refused():
    with pytest.raises(ViewLengthError, match="set has 2 and 1 words of pairs, and 2 ratings"):
        RatedPairs("set", ("cup", "cup"), ("mug",), np.arange(2.0))


def test_pairs_are_lost_for_one_cause_each_and_counted():
    first = ("cup", "cup", "Rome", "Rome", "rare", "cup")
    second = ("mug", "gone", "mug", "gone", "mug", "zero")
    pairs = RatedPairs("set", first, second, np.arange(6.0))
    counts = {"cup": 9, "mug": 5, "rome": 7, "rare": 4, "zero": 0}
    found = retain(pairs, counts)
    assert (found.pairs.first, found.of) == (("cup", "rare"), 6)
    assert found.lost == {"unknown": 3, "rare": 0, "case": 1}
    assert found.pairs.ratings.tolist() == [0, 4]
    found = retain(pairs, counts, more_than=4)
    assert (len(found.pairs), found.lost) == (1, {"unknown": 3, "rare": 1, "case": 1})
    assert retain(pairs.folded(), counts).lost == {"unknown": 3, "rare": 0, "case": 0}


def test_rows_of_a_pair_of_recordings_are_its_readings(table):
    text = "pair,a,b,speaker,rating\np,a1,b1,x,3\nq,c1,d1,x,1.5\np,a2,b2,y,3\np,a1,b3,z,3.0\n"
    found = read_recording_ratings(table(text))
    assert found.pairs == ("p", "q")
    assert found.first == (("a1", "a2"), ("c1",))
    assert found.second == (("b1", "b2", "b3"), ("d1",))
    assert found.ratings.tolist() == [3, 1.5]
    rows = readings(found, ["d1", "b2", "a2", "b1", "other"])
    assert (rows.pairs, rows.first, rows.second) == (("p",), ((2,),), ((3, 1),))
    assert (rows.ratings.tolist(), rows.lost, rows.missing) == ([3], 1, 3)


def test_without_pairs_each_row_is_one(table):
    found = read_recording_ratings(table("a,b,similarity\nx,y,1\nx,y,2\n"))
    assert found.first == (("x",), ("x",))
    assert len(set(found.pairs)) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pair,a,b,rating\np,x,y,1\np,v,w,2\n", "pair p is rated 1 in line 2 and 2 in line 3"),
        ("pair,a,b,rating\n,x,y,1\n", "line 2: a cell is empty"),
        ("a,b,rating\nx,,1\n", "line 2: a cell is empty"),
        ("a,b,rating\nx,y,inf\n", "rating is inf"),
        ("a,b,rating\n", "no pair of recordings"),
    ],
)
def test_a_table_of_recordings_that_says_too_little_is_refused(table, text, said):
    with pytest.raises(RatingTableError, match=said):
        read_recording_ratings(table(text))


def test_recordings_that_are_not_there_or_there_twice_are_refused(table):
    found = read_recording_ratings(table("a,b,rating\nx,y,1\n"))
    with pytest.raises(NoPairsError, match=r"of 1 pairs of sentences none .* 1 recordings"):
        readings(found, ["x", "z"])
    with pytest.raises(RatingTableError, match="two of 3 rows are of the recording x"):
        readings(found, ["x", "y", "x"])


def test_the_catalogue_has_the_thirteen_sets_of_one_commit():
    assert len(CATALOGUE) == 13
    assert len({entry["source"].split("/word-similarity/")[0] for entry in CATALOGUE.values()}) == 1
    assert all(entry["source"].endswith(f"/{name}.csv") for name, entry in CATALOGUE.items())
    assert [CATALOGUE[f"wordsim353-{part}"]["pairs"] for part in ("rel", "sim")] == [252, 203]  # and an empty row each
    assert {name for name, entry in CATALOGUE.items() if "suffixes" in entry} == {"men"}
