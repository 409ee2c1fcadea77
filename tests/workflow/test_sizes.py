"""Sizes of sample sets that are left to the corpus, and what a plan says of them."""

from __future__ import annotations

import pytest
import yaml

AUTO = ["--config", "samples=auto"]
SIZES = "results/smoke/samples/sizes.yaml"
DRAWN = "results/smoke/samples/1/words.parquet"


@pytest.fixture(scope="module")
def drawn(checkout, tmp_path_factory):
    """A copy in which the first sample set has been drawn, with sizes that the demo's corpus allows."""
    copy = checkout.copy(tmp_path_factory.mktemp("drawn"))
    run = copy.snakemake("--cores", "1", *AUTO, "--", DRAWN)
    assert run.returncode == 0, run.output
    assert "WARNING: samples: auto takes utterances: " in run.output
    return copy


def test_sizes_are_chosen_only_where_the_corpus_is_asked(checkout):
    assert "choose_sizes" not in checkout.plan("scores").jobs
    plan = checkout.plan("scores", *AUTO)
    assert (plan.jobs["choose_sizes"], plan.jobs["draw_sample"]) == (1, 3)
    assert "samples: auto takes" not in plan.output  # nobody knows yet


def test_what_was_chosen_is_a_configuration_and_is_drawn(drawn):
    sizes = yaml.safe_load((drawn / SIZES).read_text())["samples"]
    assert sizes["utterances"] == 265  # ten minutes
    assert sizes["phones_per_type"] == 200
    log = (drawn / "results/smoke/logs/draw_sample/1.log").read_text()
    assert "sample 1: 265 utterances" in log


def test_nothing_is_chosen_or_drawn_again_if_nothing_changed(drawn):
    assert drawn.plan(*AUTO, "--", DRAWN).jobs == {}


def test_another_model_question_or_number_of_folds_draws_nothing_again(drawn):
    changes = ["models=[random-hubert-tiny]", "properties=[mel, word, speaker]", "cca={folds: 12}"]
    assert drawn.plan(*AUTO, *changes, "--", DRAWN).jobs == {}


def test_a_size_that_is_given_is_taken_as_it_is(drawn):
    plan = drawn.plan("--config", "samples={word_types: auto, count: 1}", "--", DRAWN)
    assert plan.jobs["choose_sizes"] == 1
    assert "samples: auto takes utterances: 30, phones_per_type: 30, word_types: 101, words_per_type: 10" in plan.output


def test_a_plan_says_sizes_and_what_is_not_enough_as_soon_as_there_are_tables(drawn):
    auto = drawn.plan("scores", *AUTO).output
    sizes = yaml.safe_load((drawn / SIZES).read_text())["samples"]
    assert f"samples: auto takes {', '.join(f'{key}: {value}' for key, value in sizes.items())}" in auto
    assert "planned, but" not in auto
    few = drawn.plan("scores", "--config", "samples={phones_per_type: 2}").output
    assert "planned, but phone: layers of 48 dimensions cannot be scored: 60 training rows" in few
    assert "What would do: samples.phones_per_type: 10" in few


def test_an_estimate_needs_no_corpus(checkout, drawn):
    for copy in (checkout, drawn):
        run = copy.snakemake("--cores", "1", "estimate", *AUTO)
        assert run.returncode == 0, run.output
