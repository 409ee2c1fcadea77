"""What is written of each head: values with intervals, what guessing reaches, and remarks."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from layerwise.probes.predictions import read_predictions, write_predictions
from layerwise.probes.records import content_of, predictions_of
from layerwise.probes.sweep import Sweep
from planted_layers import HEADS, PARTS, labelled, planted, settings, spoken, trained

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_record_for_each_head(tmp_path):
    source, utterances = labelled()
    sweep = trained(source, utterances, HEADS, settings("labels", steps=40))
    content = json.loads(json.dumps(content_of(sweep, sweep.test(), blocks=3)))
    records = {record["layer"]: record for record in content["records"]}
    assert list(records) == HEADS
    assert [records[name]["layer_index"] for name in HEADS] == [0, 1, 2, 3, None]
    assert [records[name]["depth"] for name in HEADS] == [0, 1 / 3, 2 / 3, 1, None]
    for record in records.values():
        assert record["low"] <= record["value"] <= record["high"]
        assert (record["n_train"], record["n_dev"], record["n_test"]) == tuple(PARTS.values())
        assert record["metric"] == "accuracy"
        assert record["status"] == "ok"


def test_what_guessing_reaches_stands_beside_each_head():
    source, utterances = labelled(signal=0.0)
    targets = [("on", "lamp")] * 40 + [("on", "fan")] * 15 + [("off", "fan")] * 5  # of training
    targets += [("on", "lamp")] * 24  # of dev
    targets += [("on", "lamp")] * 10 + [("on", "fan")] * 26 + [("off", "lamp")] * 4  # of test
    utterances = replace(utterances, targets=targets)
    sweep = trained(source, utterances, HEADS, settings("labels", steps=20))
    for record in content_of(sweep, sweep.test(), 3)["records"]:
        assert record["majority"] == 10 / 40
        assert record["majority_label"] == "on/lamp"
        assert record["chance"] == pytest.approx(36 / 40 / 3)  # no head can be asked for off/lamp
        assert record["n_types"] == 3
        assert 0 <= record["macro_f1"] <= 1


def test_balanced_accuracy_is_of_what_was_answered():
    source, utterances = labelled()
    sweep = trained(source, utterances, HEADS, settings("labels", steps=60))
    tested, said = sweep.test(), utterances.targets_of("test")
    for record in content_of(sweep, tested, 3)["records"]:
        answers = tested.answers[record["layer"]]
        shares = [
            np.mean([answer == label for asked, answer in zip(said, answers, strict=True) if asked == label])
            for label in set(said)
        ]
        assert record["balanced_accuracy"] == pytest.approx(np.mean(shares))


def test_an_empty_answer_to_phones_misses_all():
    source, utterances = spoken("phones")
    sweep = trained(source, utterances, ["T1"], settings("phones", steps=20))
    (record,) = content_of(sweep, sweep.test(), 3)["records"]
    assert (record["majority"], record["majority_label"], record["chance"]) == (1.0, "", None)
    assert (record["balanced_accuracy"], record["macro_f1"], record["n_types"]) == (None, None, 4)


def remarks(sweep: Sweep) -> dict[str, str]:
    return {record["layer"]: record["reason"] for record in content_of(sweep, sweep.test(), 3)["records"]}


def test_intervals_are_of_speakers_and_say_whose():
    source, utterances = labelled()
    found = {}
    for name, speakers in (
        ("none", None),
        ("some", ["a", "b", "c", ""] * 31),
        ("one", ["a"] * 124),
        ("four", ["a", "b", "c", "d"] * 31),
    ):
        sweep = trained(source, replace(utterances, speakers=speakers), ["T2"], settings("labels", steps=40))
        (found[name],) = content_of(sweep, sweep.test(), 3)["records"]
    assert [found[name]["test_speakers"] for name in found] == [None, None, 1, 4]
    assert "speakers are not known: the interval takes utterances for independent" in found["some"]["reason"]
    assert "one test speaker: the interval is about utterances of this speaker alone" in found["one"]["reason"]
    assert "speaker" not in found["four"]["reason"]
    widths = {name: record["high"] - record["low"] for name, record in found.items()}
    assert widths["none"] == widths["some"] == widths["one"] < widths["four"]


def test_what_is_perfect_on_dev_is_not_getting_better():
    """Its loss still falls, so its best state is the last one."""
    source, utterances = labelled("T2", signal=30.0)
    sweep = trained(source, utterances, ["T1", "T2"], settings("labels", steps=40))
    assert sweep.progress.best["T2"]["value"] == 1
    assert sweep.progress.best["T2"]["step"] == 40
    assert "still getting better" not in remarks(sweep)["T2"]
    sweep.progress.best["T2"]["value"] = 0.99
    assert "still getting better when the 40 steps were over" in remarks(sweep)["T2"]
    source, utterances = spoken("phones")
    sweep = trained(source, utterances, ["T1"], settings("phones", steps=20))
    sweep.progress.best["T1"] |= {"step": 20, "value": 0.0}
    assert "still getting better" not in remarks(sweep)["T1"]


@pytest.mark.parametrize("kind", ["phones", "characters", "labels"])
def test_kept_answers_add_up_to_the_rates(kind, tmp_path):
    source, utterances = planted(kind)
    sweep = trained(source, utterances, HEADS, settings(kind, steps=40))
    tested, rows = sweep.test(), utterances.rows("test")
    items = pd.DataFrame({"part": "test", "target": [list(utterances.targets[row]) for row in rows]})
    items = items.assign(item_id=[f"u{row}" for row in rows], speaker_id="s")
    write_predictions(items, predictions_of(sweep.settings, tested), tmp_path / "p.parquet")
    found = read_predictions(tmp_path / "p.parquet")
    assert list(found["layer"].unique()) == HEADS
    for record in content_of(sweep, tested, 3)["records"]:
        mine = found[found["layer"] == record["layer"]]
        assert list(mine["item_id"]) == list(items["item_id"])
        share = mine["errors"].sum() / mine["length"].sum()
        assert record["value"] == pytest.approx(1 - share if kind == "labels" else share, abs=1e-12)
        said, answered = ([tuple(text) for text in mine[side]] for side in ("said", "answered"))
        assert said == utterances.targets_of("test")
        assert answered == tested.answers[record["layer"]]
