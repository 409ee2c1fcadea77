"""Patterns of paths, and layouts made of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from layerwise.layouts import Layout, LayoutError, Pattern, layout_of
from layerwise.texts import composed

LAYOUTS = yaml.safe_load((Path(__file__).parents[2] / "resources" / "layouts.yaml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("pattern", "path", "fields"),
    [
        ("{speaker}/{utterance}", "anna/one.wav", {"speaker": "anna", "utterance": "one"}),
        ("{speaker}/{utterance}", "x/anna/one.wav", None),
        ("**/{speaker}/{utterance}", "x/y/anna/one.wav", {"speaker": "anna", "utterance": "one"}),
        ("**/{utterance}", "one.wav", {"utterance": "one"}),
        ("*/{speaker}_*/{utterance}", "x/anna_2024/one.wav", {"speaker": "anna", "utterance": "one"}),
        ("{speaker}/{speaker}_{utterance}", "anna/anna_one.wav", {"speaker": "anna", "utterance": "one"}),
        ("{speaker}/{speaker}_{utterance}", "anna/ben_one.wav", None),
        ("{utterance}", "a.b.wav", {"utterance": "a.b"}),
        ("wav(16k)/{utterance}", "wav(16k)/one.wav", {"utterance": "one"}),
        ("wav.16k/{utterance}", "wavx16k/one.wav", None),
        ("{speaker}-{utterance}", "1-2-3.flac", {"speaker": "1", "utterance": "2-3"}),
    ],
)
def test_match(pattern, path, fields):
    assert Pattern(pattern).match(path) == fields


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1).filter(
    lambda name: name.strip(".") and "\n" not in name
)


@given(speaker=NAMES, utterance=NAMES, folders=st.lists(NAMES, max_size=3))
def test_a_field_is_what_stands_in_its_place(speaker, utterance, folders):
    path = "/".join([*folders, speaker, f"{utterance}.wav"])
    assert Pattern("**/{speaker}/{utterance}").match(path) == {
        "speaker": composed(speaker),
        "utterance": composed(utterance),
    }


def test_the_split_is_put_in():
    layout = Layout(Pattern("**/{split}/{speaker}/{utterance}")).of_split("dev")
    assert layout.recordings.match("x/dev/anna/one.wav")
    assert layout.aligned.match("dev/anna/one.TextGrid")
    assert layout.recordings.match("x/test/anna/one.wav") is None


@pytest.mark.parametrize("pattern", ["{speaker/{utterance}", "speaker}/{utterance}", "{}/{utterance}"])
def test_a_pattern_that_cannot_be_meant_is_refused(pattern):
    with pytest.raises(LayoutError, match="where it means nothing"):
        Pattern(pattern).match("x")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"recordings": "**/{utterance}"}, r"speaker_id: '\{speaker\}' needs speaker.*its fields are utterance"),
        ({"recordings": "{speaker}/x"}, r"utterance_id: '\{utterance\}' needs utterance.*its fields are speaker"),
        ({"recordings": "{speaker}/{utterance}", "alignments": "**/x"}, r"needs utterance.*'\*\*/x'.*are none"),
        ({"recordings": "{speaker}/{utterance}", "chapter_id": "{day}"}, "chapter_id: .* needs day"),
        ({"recordings": "{speaker}/{utterance}", "chapter_id": "{day"}, "is no template"),
    ],
)
def test_a_layout_that_contradicts_itself_is_refused(fields, message):
    with pytest.raises(LayoutError, match=message):
        layout_of(fields)


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_the_catalogue_can_be_used(name):
    layout = layout_of(LAYOUTS[name]).of_split("dev")
    assert "{split}" not in layout.recordings.text


def test_an_id_can_be_part_of_a_name():
    layout = layout_of(LAYOUTS["buckeye"])
    fields = layout.recordings.match("s01/s0101a/s0101a.wav")
    assert layout.speaker_id.format(**fields) == "s01"
    assert layout.utterance_id.format(**fields) == "s0101a"
