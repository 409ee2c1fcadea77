"""`samples: auto`: sizes that a corpus allows, and the file that has them."""

import logging

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.cells import OK
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.samples.asked import AskedLayers
from layerwise.experiment.samples.chosen import (
    NothingToDrawError,
    choose_sizes,
    each_of,
    needed_rows,
    write_chosen_sizes,
)
from layerwise.experiment.samples.sizes import AUTO, KEYS, PAPER, expected_sizes, given_sizes, sizes_of, write_sizes
from layerwise.experiment.samples.speech import Speech
from layerwise.experiment.samples.workable import Case, Plan
from layerwise.files.catalogues import CatalogueError
from layerwise.scoring.properties import property_of
from layerwise.scoring.settings import ScoreSettings
from layerwise.spans import SampleSizes

SETTINGS = ScoreSettings(folds=10, trials=3, folds_by="row", standardise=True, epsilons=[[1e-8, 1e-8]], seed=1)
QUESTIONS = {
    "mel": {"rows": "frame", "target": {"acoustics": "mel"}},
    "phone": {"rows": "phone", "target": {"label": "label"}},
    "word": {"rows": "word", "target": {"label": "label"}},
    "speaker": {"rows": "utterance", "target": {"label": "speaker_id"}},
}
NONE = SampleSizes(1, 1, 1, 1)


def corpus(phones: list[int], words: list[int], utterances: int = 400, speakers: int = 10, seconds: float = 5.0):
    """Tables of a corpus that has phone 0, 1, … and word 0, 1, … so often."""
    names = [f"{number:05d}" for number in range(utterances)]
    table = pd.DataFrame(
        {"utterance_id": names, "speaker_id": [f"s{n % speakers}" for n in range(utterances)], "duration": seconds}
    )
    random, parts = np.random.default_rng(0), []
    for tier, counts in (("phone", phones), ("word", words)):
        labels = np.repeat([f"{tier}{number:04d}" for number in range(len(counts))], counts).astype(object)
        start = np.arange(len(labels)) * 0.001
        where = random.choice(names, len(labels))
        parts.append(
            pd.DataFrame({"utterance_id": where, "tier": tier, "label": labels, "start": start, "end": start + 0.1})
        )
    return table, pd.concat(parts, ignore_index=True)


def zipf(types: int, most: int) -> list[int]:
    return [max(1, most // rank) for rank in range(1, types + 1)]


def test_the_papers_sizes_are_chosen_for_its_corpus():
    sizes = choose_sizes(*corpus([3000] * 39, zipf(4000, 9000), 2703, 40, 7.2)).sizes
    assert sizes == SampleSizes(500, 200, 500, 15, 50, 10)


SHAPES = {  # phones, words: how often each occurs; utterances, speakers, seconds of each
    "read speech": ([3000] * 39, zipf(4000, 9000), 2703, 40, 7.2),
    "few words, often": ([400] * 20, [250] * 10, 3000, 6, 0.4),
    "many rare phones": (zipf(300, 3000), zipf(200, 600), 1977, 20, 0.5),
    "small": ([100] * 30, zipf(400, 900), 3000, 4, 3.0),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_chosen_sizes_are_enough_for_wide_layers(shape):
    utterances, intervals = corpus(*shape)
    chosen = choose_sizes(utterances, intervals)
    speech = Speech(utterances, intervals, seed=1)
    for name, entry in QUESTIONS.items():
        asked = Case(AskedLayers(name, 1024, 0, 0.02), property_of(name, entry | {"measure": "cca"}), speech)
        assert asked.status(Plan(chosen.sizes, SETTINGS, 2)) == OK, (name, chosen)


def test_small_corpora_leave_something_to_draw_and_large_ones_are_not_heard_whole():
    hour = choose_sizes(*corpus([9], [9], 9000, 9, 4.0)).sizes
    assert hour.utterances == 900
    half = choose_sizes(*corpus([9], [9], 600, 9, 3.0)).sizes
    assert half.utterances == 300
    tiny = choose_sizes(*corpus([9], [9], 60, 9, 3.0)).sizes
    assert tiny.utterances == 60


def test_rare_types_are_left_out_as_far_as_few_segments_go_with_them():
    many, few = [500] * 20, [4] * 30
    assert choose_sizes(*corpus(many + few, [])).sizes.min_per_type == 10
    assert choose_sizes(*corpus([7] * 20 + few, [])).sizes.min_per_type == 3
    gives = choose_sizes(*corpus(many + few, [])).gives
    assert gives["min_per_type"].startswith("leaves out 30 phones and words")
    assert gives["phones_per_type"].endswith("of 20 phones")


def test_words_are_those_that_occur_often_enough():
    counts = [100] * 30 + [2] * 800
    sizes = choose_sizes(*corpus([], counts)).sizes
    assert sizes.word_types == 30
    assert 30 * sizes.words_per_type >= needed_rows(30)
    rarer = choose_sizes(*corpus([], [300] * 5 + [6] * 400)).sizes
    assert rarer.min_per_type == 5
    assert rarer.word_types == 302  # 3,282 rows; a tenth of them leaves 26 for folds that are not even
    too_few = choose_sizes(*corpus([], [100] * 5 + [6] * 400)).sizes
    assert too_few.word_types == 83


def test_held_out_folds_have_more_rows_than_directions_though_they_are_not_even():
    """As in a quarter of an hour of read speech: few words, most said three times."""
    utterances, intervals = corpus([100] * 39, [110, 68, 50, 40, 30] + [15] * 20 + [7] * 40 + [3] * 60, 100, 10, 7.7)
    sizes = choose_sizes(utterances, intervals).sizes
    word = property_of("word", QUESTIONS["word"] | {"measure": "cca"})
    for seed in range(3):
        asked = Case(AskedLayers("word", 384, 0, 0.02), word, Speech(utterances, intervals, seed=seed))
        assert asked.status(Plan(sizes, SETTINGS, 3)) == OK, sizes


def test_a_list_of_words_is_taken_in_its_order():
    utterances, intervals = corpus([], [200] * 20)
    listed = ["unheard", *(f"word{number:04d}" for number in (3, 1, 4))]
    chosen = choose_sizes(utterances, intervals, listed)
    assert chosen.gives["words_per_type"].endswith("of 3 words")
    assert chosen.sizes.word_types <= len(listed)


def test_sizes_that_are_given_stay():
    fixed = {"utterances": 7, "word_types": 12, "min_per_type": 40}
    sizes = choose_sizes(*corpus(zipf(50, 900), zipf(500, 900)), given=fixed).sizes
    assert {key: getattr(sizes, key) for key in fixed} == fixed
    assert sizes.words_per_type * 12 >= needed_rows(12)


def test_a_corpus_without_phones_or_words_has_the_usual_sizes_of_them():
    sizes = choose_sizes(*corpus([], [])).sizes
    assert (sizes.phones_per_type, sizes.words_per_type, sizes.min_per_type) == (200, 15, 1)
    with pytest.raises(NothingToDrawError, match="no utterance"):
        choose_sizes(*(table.iloc[:0] for table in corpus([3], [3])))


def test_the_order_of_tables_does_not_count():
    utterances, intervals = corpus(zipf(60, 700), zipf(300, 900))
    shuffled = [table.sample(frac=1, random_state=3) for table in (utterances, intervals)]
    assert choose_sizes(*shuffled) == choose_sizes(utterances, intervals)


@given(
    counts=st.lists(st.integers(1, 3000), min_size=1, max_size=60),
    usual=st.integers(1, 300),
    rows=st.sampled_from([100, 2000, 8000]),
)
@settings(deadline=None)
def test_each_is_no_more_than_there_are_and_as_many_as_needed(counts, usual, rows):
    counts = np.array(counts)
    each = each_of(counts, usual, rows)
    assert 1 <= each <= counts.max()
    drawn = np.minimum(counts, each).sum()
    assert drawn >= min(needed_rows(counts.size), counts.sum())
    if each > usual:  # then, but for rounding, no more than needed
        assert np.minimum(counts, each * 9 // 10).sum() < max(needed_rows(counts.size), 10 * counts.size)


def test_the_file_is_a_configuration_with_the_same_sizes(tmp_path, caplog):
    utterances, intervals = corpus(zipf(60, 700), zipf(300, 900))
    utterances.to_parquet(tmp_path / "u.parquet")
    intervals.to_parquet(tmp_path / "i.parquet")
    out = tmp_path / "sizes.yaml"
    with caplog.at_level(logging.INFO):
        write_chosen_sizes(tmp_path / "u.parquet", tmp_path / "i.parquet", {"utterances": 33}, out)
    sizes = choose_sizes(utterances, intervals, given={"utterances": 33}).sizes
    assert read_experiment(yaml.safe_load(out.read_text())).config["samples"] == vars(sizes) | {"count": 3, "seed": 1}
    (said,) = (record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)
    assert said.startswith("samples: auto takes utterances: 33, phones_per_type: ")
    auto = dict.fromkeys(KEYS, AUTO)
    assert sizes_of(auto, out) == sizes
    assert sizes_of(auto | {"word_types": 9}, out) == SampleSizes(**(vars(sizes) | {"word_types": 9}))


def test_a_file_that_lacks_a_size_is_named(tmp_path):
    out = tmp_path / "sizes.yaml"
    write_sizes(PAPER, dict.fromkeys(KEYS, "so many"), out)
    out.write_text(out.read_text().replace("word_types", "word_kinds"))
    with pytest.raises(CatalogueError, match=r"sizes.yaml: samples.word_types is missing; delete the file"):
        sizes_of(dict.fromkeys(KEYS, AUTO), out)


def test_auto_stands_for_every_size_and_leaves_count_and_seed():
    short = read_experiment({"samples": "auto"}).config["samples"]
    assert short == dict.fromkeys(KEYS, AUTO) | {"count": 3, "seed": 1}
    part = read_experiment({"samples": {"count": 1, "word_types": "auto", "utterances": "60"}}).config["samples"]
    assert (part["word_types"], part["utterances"], part["phones_per_type"]) == (AUTO, 60, 200)
    assert given_sizes(short) == {}
    assert expected_sizes(short) == PAPER
    assert expected_sizes(part).utterances == 60
