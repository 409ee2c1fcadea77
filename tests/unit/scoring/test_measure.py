"""The registry of measures: what a property may ask of each, and how it says no."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from contextlib import suppress

import pytest

from layerwise.scoring.measure import MEASURES, Choice, Count, MeasureError, Number, measure_of
from layerwise.scoring.properties import PropertyError, property_of
from layerwise.scoring.targets import KINDS
from synthetic_views import CHECKOUT

TARGETS = {
    "acoustics": {"acoustics": "mel"},
    "model": {"model": "hubert-base"},
    "layer": {"layer": "T0"},
    "label": {"label": "speaker_id"},
    "vectors": {"vectors": "glove"},
    "attributes": {"attributes": "ptb.pos_tags"},
    "columns": {"columns": ["f1"]},
    "intervals": {"intervals": "word"},
    "items": {"items": "a.item"},
    "ratings": {"ratings": ["men"]},
    "pairs": {"pairs": "a.csv"},
}
OPTIONS = [(name, option) for name, each in MEASURES.items() for option in each.known_options]


def test_every_kind_of_target_is_tried():
    assert set(TARGETS) == set(KINDS)


@pytest.mark.parametrize("name", MEASURES)
def test_its_module_scores_and_its_metrics_are_known(name):
    measure = MEASURES[name]
    assert list(inspect.signature(importlib.import_module(measure.module).score).parameters) == ["asked", "settings"]
    assert measure.metrics
    assert measure.shown("no-such-metric") == measure.metrics[0]
    assert measure.shown(measure.metrics[-1]) == measure.metrics[-1]


@pytest.mark.parametrize("name", MEASURES)
def test_a_name_alone_has_the_defaults(name):
    assert measure_of(name) == measure_of({name: {}}) == measure_of({name: None})
    assert measure_of(name).options == {option: kind.default for option, kind in MEASURES[name].known_options.items()}


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=map(".".join, OPTIONS))
def test_an_option_takes_what_it_can_be_and_nothing_else(name, option):
    kind = MEASURES[name].known_options[option]
    zero = ", or 0 for all," if getattr(kind, "or_all", False) else ""
    good, bad, said = {
        Choice: lambda: (kind.allowed[-1], kind.allowed[0] + "x", f"did you mean {kind.allowed[0]}?"),
        Count: lambda: (kind.least, -1 if kind.or_all else kind.least - 1, f"at least {kind.least}{zero} is expected"),
        Number: lambda: (kind.least, kind.least - 1, f"a number of at least {kind.least:g} is expected"),
    }[type(kind)]()
    assert measure_of({name: {option: good}}).options[option] == good
    for wrong in (bad, None, True, float("nan"), [good]):
        with pytest.raises(MeasureError) as error:
            measure_of({name: {option: wrong}})
        assert str(error.value).startswith(f"{name}.{option}: found {wrong!r}")
        if wrong is bad:
            assert said in str(error.value)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("mutual_informaton", "did you mean mutual_information?"),
        ("nothing-like-it", "allowed: cca, mutual_information"),
        ({}, "found nothing; one name with its options is expected"),
        ({"abx": {}, "cca": {}}, "found abx, cca; one name with its options is expected"),
        ({"abx": {"poling": "dtw"}}, "abx.poling: no option of abx (did you mean pooling?); allowed: speaker, context"),
        ({"cca": {"folds": 3}}, "cca.folds: no option of cca; it has no options"),
    ],
)
def test_what_is_no_measure_is_refused_with_the_nearest(said, message):
    with pytest.raises(MeasureError) as error:
        measure_of(said)
    assert message in str(error.value)


def entry(name: str, rows: str, target: str) -> dict:
    return {
        "rows": {"segments": "mine.csv"} if rows == "segments" else rows,
        "target": TARGETS[target],
        "measure": name,
    }


@pytest.mark.parametrize("name", MEASURES)
def test_rows_and_targets_are_taken_or_refused_by_name(name):
    measure = MEASURES[name]
    taken = set()
    for rows in ("frame", "phone", "word", "utterance", "segments"):
        for target in TARGETS:
            with suppress(PropertyError):
                property_of("mine", entry(name, rows, target))
                taken.add((rows, target))
    assert {rows for rows, _ in taken} == set(measure.rows)
    assert {target for _, target in taken} == set(measure.targets)


@pytest.mark.parametrize(
    ("name", "rows", "target", "message"),
    [
        ("abx", "phone", "items", "measure: found abx, of phone rows; its rows must be frame"),
        ("abx", "frame", "label", "measure: found abx, of a target of label; it needs intervals or items"),
        ("cca", "frame", "intervals", "measure: found cca, of a target of intervals; it needs acoustics or model"),
        (
            "word_discrimination",
            "frame",
            "label",
            "measure: found word_discrimination, of frame rows and a target of label; of frames it needs intervals",
        ),
        (
            "word_discrimination",
            "word",
            "intervals",
            "target: intervals: found word, of word rows; they are stretches of frames: rows must be frame",
        ),
        (
            "word_similarity",
            "phone",
            "ratings",
            "found word_similarity, of phone rows; its rows must be word or segments",
        ),
    ],
)
def test_what_makes_no_sense_together_is_refused(name, rows, target, message):
    with pytest.raises(PropertyError) as error:
        property_of("mine", entry(name, rows, target))
    assert message in str(error.value)


@pytest.mark.parametrize("option", ["max_size_group", "max_x_across"])
def test_no_limit_is_0_and_a_group_of_one_is_none(option):
    assert measure_of({"abx": {option: 0}}).options[option] == 0
    measure_of({"abx": {option: 2}})
    with pytest.raises(
        MeasureError, match=rf"^abx\.{option}: found -1; a whole number of at least \d, or 0 for all, is"
    ):
        measure_of({"abx": {option: -1}})
    with pytest.raises(MeasureError, match=r"abx\.max_size_group: found 1; a whole number of at least 2, or 0 for all"):
        measure_of({"abx": {"max_size_group": 1}})  # an item is never compared with itself


@pytest.mark.parametrize(
    ("rows", "target", "measure", "message"),
    [
        (
            "word",
            "label",
            {"word_discrimination": {"least_letters": 7}},
            "word_discrimination.least_letters: found 7, of a target of label; it is for targets of intervals",
        ),
        ("frame", "items", {"abx": {"span": "triphone"}}, "abx.span: found 'triphone', of a target of items"),
    ],
    ids=["words-as-they-are-drawn", "items-as-they-are-listed"],
)
def test_an_option_that_says_nothing_about_these_rows_is_refused(rows, target, measure, message):
    with pytest.raises(PropertyError) as error:
        property_of("mine", entry("", rows, target) | {"measure": measure})
    assert message in str(error.value)
    (name,) = measure
    property_of("mine", entry(name, rows, target))  # by default they say nothing either, and nobody is misled


def test_a_tier_that_there_is_not_is_refused():
    with pytest.raises(PropertyError, match=r"intervals: found 'words' \(did you mean word\?\); allowed: phone, word"):
        property_of("mine", {"rows": "frame", "target": {"intervals": "words"}, "measure": "abx"})


@pytest.mark.parametrize(
    ("measure", "target"),
    [("cca", "vectors"), ("cca", "attributes"), ("word_similarity", "ratings")],
)
def test_a_target_is_called_without_the_secret_of_its_address(measure, target):
    """Captions have its name."""
    secret = {"rows": "word", "target": {target: "https://me:s3cr3t@a.example/x?token=s3cr3t"}, "measure": measure}
    name = property_of("mine", secret).target.name
    assert "a.example/x" in name
    assert "s3cr3t" not in name


def test_planning_imports_no_measure():
    """A dry run reads the registry: nothing that compiles, fits or draws."""
    heavy = ("numba", "sklearn", "scipy.stats", "torch", "layerwise.scoring.measures.abx")
    code = f"import sys, layerwise.scoring.properties; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(CHECKOUT / "workflow")},
    )
    assert done.stdout.strip() == "[]"
