"""Questions in words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from layerwise.figures.questions import described, rows_in_words, sentence, target_in_words
from layerwise.scoring.properties import property_of
from layerwise.scoring.targets import KINDS, target_of
from layerwise.spans import STANDARD
from package_imports import ROOT
from shipped_properties import PROPERTIES

TARGETS = {
    "acoustics": ({"acoustics": "spectral_tilt"}, "spectral tilt, measured in the audio"),
    "layer": ({"layer": "T0"}, "T0 of the same model"),
    "same": ({"model": "other", "layer": "same"}, "the same layer of other"),
    "one": ({"model": "other", "layer": "T9"}, "T9 of other"),
    "model": ({"model": "other", "layer": "all"}, "every layer of other"),
    "label": ({"label": "label"}, "which word it is"),
    "column": ({"label": "speaker_id"}, "speaker id"),
    "vectors": ({"vectors": "glove.txt"}, "the vector of its label in glove.txt"),
    "of": ({"vectors": "glove.txt", "of": "lemma"}, "the vector of its lemma in glove.txt"),
    "attributes": ({"attributes": "ptb.pos_tags"}, "shares of attributes of its label in ptb.pos_tags"),
    "columns": ({"columns": ["x", "y"]}, "numbers: x, y"),
    "intervals": ({"intervals": "word"}, "where words are in the utterances, and which"),
    "items": ({"items": "dev.item"}, "the items of dev.item"),
    "ratings": ({"ratings": ["men", "rw"]}, "how alike people rate pairs of words: men, rw"),
    "pairs": ({"pairs": "sts.csv"}, "how alike people rate pairs of recordings: sts.csv"),
}


@pytest.mark.parametrize(("target", "words"), TARGETS.values(), ids=TARGETS)
def test_every_kind_of_target_has_words(target, words):
    assert target_in_words(target_of(target), STANDARD["word"]) == words


def test_no_kind_of_target_is_left_out():
    assert set(KINDS) <= set(TARGETS)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"rows": "frame"}, "frames"),
        ({"rows": "phone"}, "each phone as the mean over the middle third of the phone"),
        ({"rows": "word", "pool": "quarter_1"}, "each word as the mean over the first quarter of the word"),
        ({"rows": "utterance"}, "each utterance as the mean over the utterance"),
        ({"rows": {"segments": "a.csv", "table": "a"}}, "each segment of the table a as the mean over the segment"),
    ],
)
def test_rows_and_pooling_have_words(fields, words):
    target = {"label": "speaker_id"}
    assert rows_in_words(property_of("mine", fields | {"target": target}).rows) == words


@pytest.mark.parametrize("question", PROPERTIES.values(), ids=PROPERTIES)
def test_every_shipped_property_says_what_it_tells_and_of_which_rows(question):
    parts = described(question, "speaker")
    assert {"tells", "rows", "target", "measure"} <= set(parts)
    assert all(parts.values())
    line = sentence(question, "speaker")
    assert line.startswith(question.tells)
    assert ".." not in line
    assert line.endswith(".")


def test_what_is_not_said_is_left_out():
    plain = described(property_of("mine", {"rows": "frame", "target": {"acoustics": "f0"}}), "speaker")
    assert list(plain) == ["rows", "target", "measure"]
    own = {"rows": "frame", "target": {"layer": "T0"}, "folds_by": "row", "layers": "all", "source": "A paper"}
    full = described(property_of("mine", own), "speaker")
    assert list(full) == ["rows", "target", "measure", "folds", "layers", "ranked", "source"]
    assert full["folds"] == "rows are parted into folds one by one"
    assert "folds" not in described(property_of("mine", own), "row")


def test_whole_utterances_lie_whole_in_one_fold_whatever_folds_are_called():
    assert described(PROPERTIES["speaker"], "speaker")["folds"] == "utterances lie whole in one fold"


def test_questions_are_put_into_words_without_plotting():
    program = "import sys, layerwise.figures.questions; print({'altair', 'pandas', 'torch'} & set(sys.modules))"
    environment = {"PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
