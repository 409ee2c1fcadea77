"""Numbers that are said to work do, and what is said of samples is what is drawn."""

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from layerwise.cells import FLAGGED, OK, SKIPPED
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.samples.asked import AskedLayers
from layerwise.experiment.samples.check import NotEnoughError, answers, check_samples, in_words
from layerwise.experiment.samples.planned import asked_layers
from layerwise.experiment.samples.speech import Speech
from layerwise.experiment.samples.workable import Case, Plan, most, suggestions
from layerwise.files.catalogues import read_yaml
from layerwise.sampling import draw_sample
from layerwise.scoring.properties import property_of
from layerwise.scoring.settings import ScoreSettings
from layerwise.spans import SampleSizes
from synthetic_views import CHECKOUT

SHIPPED = read_yaml(CHECKOUT / "resources/properties.yaml")
QUESTIONS = {name: property_of(name, SHIPPED[name]) for name in ("phone", "word", "mel")} | {
    "mi": property_of("mi", SHIPPED["phone"] | {"measure": {"mutual_information": {"clusters": 90}}}),
    "speaker": property_of("speaker", {"rows": "utterance", "target": {"label": "speaker_id"}}),
}
SETTINGS = ScoreSettings(folds=10, trials=3, folds_by="row", standardise=True, epsilons=[[1e-8, 1e-8]], seed=1)


def speech(words=60, phones=20, utterances=200, speakers=6, segments=4000, seed=0):
    """A corpus whose words and phones are as rare as those of a language: the n-th has a share of about 1 / n."""
    random = np.random.default_rng(seed)
    names = [f"{number % speakers}-1-{number:04d}" for number in range(utterances)]
    table = pd.DataFrame({"utterance_id": names, "speaker_id": [name.split("-")[0] for name in names], "duration": 4.0})
    parts = []
    for tier, types in (("word", words), ("phone", phones)):
        share = 1 / np.arange(1, types + 1)
        labels = np.array([f"{tier}{number:03d}" for number in range(types)])
        parts.append(
            pd.DataFrame(
                {
                    "utterance_id": random.choice(names, segments),
                    "tier": tier,
                    "label": random.choice(labels, segments, p=share / share.sum()),
                    "start": np.round(np.arange(segments) * 0.001, 3),
                    "end": np.round(np.arange(segments) * 0.001 + 0.1, 3),
                }
            )
        )
    return Speech(table, pd.concat(parts, ignore_index=True), seed=1)


SPEECH = speech()


def case(name, layer=40, corpus=SPEECH):
    return Case(AskedLayers(name, layer, layer, 0.02, ("a-model",)), QUESTIONS[name], corpus)


def plan(folds_by="row", folds=10, samples=2, **sizes):
    given = {"utterances": 20, "phones_per_type": 5, "word_types": 20, "words_per_type": 3, "utterances_per_speaker": 9}
    how = ScoreSettings(**(vars(SETTINGS) | {"folds_by": folds_by, "folds": folds}))
    return Plan(SampleSizes(**(given | sizes)), how, samples)


@pytest.mark.parametrize("name", QUESTIONS)
@given(
    layer=st.sampled_from([4, 40, 150]),
    by=st.sampled_from(["row", "utterance"]),
    folds=st.sampled_from([6, 10]),
    each=st.sampled_from([1, 4, 30]),
    types=st.sampled_from([2, 15, 60]),
    utterances=st.sampled_from([1, 12]),
)
@settings(max_examples=12, deadline=None)
def test_what_is_said_to_work_works(name, layer, by, folds, each, types, utterances):
    asked = case(name, layer)
    now = plan(
        by, folds, utterances=utterances, phones_per_type=each, word_types=types, words_per_type=each,
        utterances_per_speaker=each,
    )  # fmt: skip
    before = asked.status(now)
    assume(before != OK)
    found = suggestions(asked, now)
    reached = {asked.status(now.changed(changes)) for changes in found}
    assert reached <= {OK, FLAGGED}
    assert len(reached) <= 1
    if before == FLAGGED:
        assert FLAGGED not in reached
    for changes in found:
        assert all(now.number(key) != value for key, value in changes.items())


def test_nothing_is_said_where_a_corpus_has_too_little():
    asked = case("word", 4000)
    assert suggestions(asked, plan()) == []
    assert "too little" in in_words([])


@pytest.mark.parametrize("name", ["word", "mel"])
def test_one_speaker_cannot_fill_folds_by_speaker(tmp_path, caplog, name):
    """Nothing is tried, which would take minutes."""
    alone = speech(speakers=1)
    assert suggestions(case(name, corpus=alone), plan("speaker")) == []
    with caplog.at_level(logging.WARNING):
        checked(tmp_path, plan("speaker"), [name], corpus=alone)
    assert "The corpus has 1 speaker, and folds by speaker need 6: another folds_by would do (row)" in caplog.text
    caplog.clear()
    checked(tmp_path, plan("utterance"), [name], corpus=alone)
    assert "another folds_by" not in caplog.text


def test_one_number_is_changed_where_one_is_enough():
    found = suggestions(case("phone", 40), plan())
    assert {"samples.phones_per_type"} in [set(changes) for changes in found]
    (more,) = (changes["samples.phones_per_type"] for changes in found if set(changes) == {"samples.phones_per_type"})
    half = plan(phones_per_type=5 + (more - 5) // 2)
    assert case("phone", 40).status(half) != OK


def test_several_numbers_are_changed_where_one_is_not_enough():
    found = suggestions(case("word", 1400), plan(words_per_type=2, word_types=3))
    assert len(found) >= 1
    assert any(len(changes) > 1 for changes in found)
    assert case("word", 1400).status(plan(words_per_type=2, word_types=3).changed(found[0])) == OK


def test_the_rows_are_those_of_the_sample_tables():
    sizes = plan().sizes
    for sample in (1, 2):
        drawn = draw_sample(SPEECH.utterances, SPEECH.intervals, sample, 1, sizes)
        for name, table in (("phone", drawn.phones), ("word", drawn.words), ("speaker", drawn.whole_utterances)):
            rows = SPEECH.drawn(QUESTIONS[name].rows, sizes, sample, 0.02)
            assert rows.utterances.tolist() == table["utterance_id"].tolist()
            assert rows.labels.tolist() == table["label"].tolist()
        rows = SPEECH.drawn(QUESTIONS["mel"].rows, sizes, sample, 0.02)
        assert rows.utterances.tolist() == drawn.utterances["utterance_id"].tolist()
        assert set(rows.frames.tolist()) == {200}


def test_most_is_what_the_corpus_has():
    counts = SPEECH.intervals[SPEECH.intervals["tier"] == "word"]["label"].value_counts()
    assert most(case("word"), "samples.words_per_type") == counts.max()
    assert most(case("word"), "samples.word_types") == len(counts)
    assert most(case("mel"), "samples.utterances") == len(SPEECH.utterances)


def checked(tmp_path, how, names, layer=40, strict=False, corpus=SPEECH):
    asked = [AskedLayers(name, layer, layer, 0.02, ("a-model", "another")) for name in names]
    out, rare = tmp_path / "enough.csv", tmp_path / "rare_types.csv"
    questions = {name: QUESTIONS[name] for name in names}
    try:
        check_samples(asked, questions, corpus, how, out, rare, strict)
    finally:
        tables = pd.read_csv(out), pd.read_csv(rare)
    return tables


def test_each_question_is_warned_of_with_numbers_that_would_do(tmp_path, caplog):
    table, rare = checked(tmp_path, plan(phones_per_type=2), ["phone", "mel"])
    (said,) = (record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)
    assert said.startswith("phone: layers of 40 dimensions cannot be scored in 2 of 2 sample sets: ")
    assert "training rows for 40 + 20 dimensions" in said
    assert "What would do: samples.phones_per_type: " in said
    assert table["status"].tolist() == [SKIPPED, SKIPPED, OK, OK]
    assert table["models"].unique().tolist() == ["a-model another"]
    assert table.loc[0, "workable"].startswith("samples.phones_per_type: ")
    assert rare.empty


def test_a_strict_experiment_refuses_only_what_has_no_score_at_all(tmp_path):
    with pytest.raises(NotEnoughError, match="phone: layers of 40 dimensions cannot be scored") as error:
        checked(tmp_path, plan(phones_per_type=2), ["phone", "mel"], strict=True)
    assert "mel" not in str(error.value)
    table, _ = checked(tmp_path, plan(phones_per_type=200), ["phone", "mel"], strict=True)
    assert set(table["status"]) == {OK}


def test_labels_that_outnumber_dimensions_are_warned_of(tmp_path, caplog):
    checked(tmp_path, plan(phones_per_type=200, min_per_type=20), ["phone"], layer=8)
    said = [record.getMessage() for record in caplog.records]
    assert any("20 labels, more than the 8 dimensions of the layer" in line for line in said)


def test_types_that_are_left_out_are_counted(tmp_path, caplog):
    counts = SPEECH.intervals[SPEECH.intervals["tier"] == "word"]["label"].value_counts()
    least = int(counts.iloc[-5]) + 1
    _, rare = checked(tmp_path, plan(min_per_type=least, word_types=60, words_per_type=40), ["word"])
    words = rare[rare["span"] == "word"]
    assert dict(zip(words["label"], words["n"], strict=True)) == counts[counts < least].to_dict()
    assert words["n"].is_monotonic_increasing
    assert any(f"{len(words)} of 60 word types" in record.getMessage() for record in caplog.records)


def test_words_that_are_not_asked_for_are_not_left_out(tmp_path, caplog):
    least = int(SPEECH.intervals[SPEECH.intervals["tier"] == "word"]["label"].value_counts().iloc[-5]) + 1
    _, rare = checked(tmp_path, plan(min_per_type=least, word_types=10, words_per_type=40), ["word"])
    assert rare[rare["span"] == "word"].empty
    assert "word types, with" not in caplog.text


def test_measures_of_which_nothing_is_known_have_no_row():
    of_items = {"rows": "frame", "target": {"items": "mine.item"}, "measure": "abx"}
    question = property_of("abx", of_items)
    asked = AskedLayers("abx", 40, 0, 0.02)
    (answer,) = answers([asked], {"abx": question}, SPEECH, plan())
    assert (answer.verdicts, answer.said, answer.is_hopeless) == ({}, "", False)


def aligned(*labels, speakers=1, length=0.6, each=2):
    """A corpus whose utterances are these labels, one after the other."""
    names = [f"u{number}" for number in range(each * speakers)]
    table = pd.DataFrame({"utterance_id": names, "speaker_id": [f"s{n % speakers}" for n in range(len(names))]})
    rows = [
        (name, tier, label, place * length, (place + 1) * length)
        for tier in ("phone", "word")
        for name in names
        for place, label in enumerate(labels)
    ]
    intervals = pd.DataFrame(rows, columns=["utterance_id", "tier", "label", "start", "end"])
    return Speech(table.assign(duration=len(labels) * length), intervals, seed=1)


@pytest.mark.parametrize(
    ("speakers", "speaker", "context", "status"),
    [
        *((1, "within", "any", OK), (1, "across", "any", SKIPPED)),
        *((2, "across", "any", OK), (2, "within", "within", SKIPPED)),
    ],
)
def test_phones_that_abx_cannot_compare_are_seen_in_the_alignments(speakers, speaker, context, status):
    measure = {"abx": {"speaker": speaker, "context": context}}
    question = property_of("abx", {"rows": "frame", "target": {"intervals": "phone"}, "measure": measure})
    (answer,) = answers(
        [AskedLayers("abx", 40, 0, 0.02)], {"abx": question}, aligned("a", "b", "c", "d", speakers=speakers), plan()
    )
    assert {verdict.status for verdict in answer.verdicts.values()} == {status}
    assert answer.verdicts[1].rows == 2 * 2 * speakers  # those that have neighbours
    assert (status == OK) == (answer.said == "")


def test_words_that_are_too_short_to_be_told_apart_are_seen_in_the_alignments():
    question = property_of(
        "same-word", {"rows": "frame", "target": {"intervals": "word"}, "measure": "word_discrimination"}
    )
    asked = [AskedLayers("same-word", 40, 0, 0.02)]
    (long,) = answers(asked, {"same-word": question}, aligned("garden", "measure"), plan())
    assert (long.said, long.verdicts[1].rows, long.verdicts[1].types) == ("", 4, 2)
    (short,) = answers(asked, {"same-word": question}, aligned("garden", "measure", length=0.3), plan())
    assert "no label has two segments of " in short.said
    assert "among 4 words of 2 utterances" in short.said


def test_what_was_said_before_is_not_said_on_the_terminal_again(tmp_path, caplog):
    how = plan(phones_per_type=2)
    checked(tmp_path, how, ["phone"])
    caplog.clear()
    asked, out = [AskedLayers("phone", 40, 40, 0.02), AskedLayers("word", 40, 40, 0.02)], tmp_path / "now.csv"
    check_samples(asked, QUESTIONS, SPEECH, how, out, said=tmp_path / "enough.csv")
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [line.split(":")[0] for line in warned] == ["word"]
    assert set(pd.read_csv(out)["property"]) == {"phone", "word"}


def test_segments_of_a_table_that_is_not_there_yet_have_no_row():
    question = property_of("stress", {"rows": {"segments": "s.csv", "table": "s"}, "target": {"label": "label"}})
    asked = [AskedLayers("stress", 40, 0, 0.02)]
    assert answers(asked, {"stress": question}, SPEECH, plan()) == []
    words = SPEECH.intervals[SPEECH.intervals["tier"] == "word"].drop(columns="tier")
    there = Speech(SPEECH.utterances, SPEECH.intervals, 1, tables={"s": words})
    (answer,) = answers(asked, {"stress": question}, there, plan())
    assert answer.verdicts[1].rows == len(words)


def test_layers_of_one_size_are_asked_about_once():
    config = read_yaml(CHECKOUT / "config.yaml") | {
        "models": ["random-wav2vec2-tiny", "random-hubert-tiny"],
        "properties": ["intra", "mel", "phone"],
    }
    found = asked_layers(read_experiment(config))
    assert {each.models for each in found} == {("random-wav2vec2-tiny", "random-hubert-tiny")}
    sizes = {(each.question, each.layer, each.other, each.seconds_per_row) for each in found}
    assert sizes == {
        ("intra", 48, 48, 0.02),
        ("mel", 32, 0, 0.01),
        ("mel", 32, 0, 0.02),
        ("mel", 48, 0, 0.02),
        ("phone", 48, 0, 0.02),
    }
    assert len(found) == len(sizes)
