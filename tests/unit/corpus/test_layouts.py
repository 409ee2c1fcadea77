"""Patterns of paths, and layouts made of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from layerwise.corpus.layouts import Layout, LayoutError, Pattern, layout_of
from layerwise.files.texts import composed

PACKAGE = Path(__file__).parents[3] / "workflow"
LAYOUTS = yaml.safe_load((Path(__file__).parents[3] / "resources" / "layouts.yaml").read_text("utf-8"))


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


def matched(pattern: str, path: str) -> dict[str, str] | str | None:
    """What a pattern says of a path, or the words that refuse the pattern."""
    try:
        return Pattern(pattern).match(path)
    except LayoutError as error:
        return re.search("too many ways|more than 2 times|means nothing", str(error))[0]


def naive(pattern: str, path: str) -> dict[str, str] | None:
    """What a pattern means, as a regular expression that may take for ever."""
    seen, regex = set(), ""
    for token in re.findall(r"\*\*/|\*|\{\w+\}|[^*{}]", pattern):
        if token[0] == "{":
            regex += f"(?P={token[1:-1]})" if token in seen else f"(?P<{token[1:-1]}>[^/]+?)"
            seen.add(token)
        else:
            regex += {"**/": "(?:[^/]+/)*", "*": "[^/]*"}.get(token) or re.escape(token)
    found = re.fullmatch(regex, path)
    return found and found.groupdict()


TOKENS = st.sampled_from(["{a}", "{b}", "{c}", "{d}", "*", "-", "x", "y-", "/", "/**/", "{a}-{b}", "{a}/"])


@given(pattern=st.lists(TOKENS, min_size=1, max_size=9).map("".join), path=st.text("-xyz/", min_size=1, max_size=14))
@settings(max_examples=1000)
def test_a_pattern_means_what_its_plain_regular_expression_does(pattern, path):
    path = re.sub("/+", "/", path).strip("/") or "x"
    pattern = re.sub("/+", "/", pattern).strip("/") or "x"
    found = matched(pattern, path)
    assume(not isinstance(found, str))
    assert found == naive(pattern, path)


LONG = ["a" * 4000, "-" * 4000, "/".join("-" * 15), "/".join(["-" * 250] * 16), "/".join("a" * 2000), "a-" * 2000 + "!"]


@pytest.mark.parametrize("path", LONG, ids=lambda path: path[:8])
@pytest.mark.parametrize(
    "pattern",
    [
        "{a}{b}{c}{d}{e}{f}{g}{h}!",
        "{a}-{b}-{c}-{d}-{e}-{f}-{g}-{h}!",
        "**/" * 8 + "{utterance}!",
        "**/{a}/**/{b}/{a}!",
        "*" * 20 + "!",
        "*-" * 20 + "!",
        "*-*-{a}!",
        "*-{a}-{b}-{c}-{d}!/*-{e}-{f}-{g}!",
        "{a}-{b}-{c}/{a}-{c}-{b}!",
        "**/{a}-{b}/**/{b}-{c}-{a}!",
        "{a}-*/" * 8 + "!",
        "{a}-{b}/{c}-{d}/{e}-{f}/{g}-{h}/{i}-{j}!",
        "{a}" * 300 + "!",
    ],
)
def test_no_pattern_takes_long(pattern, path):
    """Each ran for hours, or more; a process that hangs here is a failure."""
    assert not isinstance(matched(pattern, path), dict)


SEARCH = """
import random, re
from layerwise.corpus.layouts import LayoutError, Pattern

random.seed(8)
tokens = ["{a}", "{b}", "{c}", "*", "*", "a", "!", "/", "/", "{b}", "*{b}", "{b}*"]
paths = ["/".join(["a" * length] * (4090 // (length + 1)))[:4090] + "b" for length in (1, 4, 16, 62, 254)]
read = 0
for _ in range(1500):
    pattern = Pattern(random.choice(["", "**/", "**/**/"]) + re.sub("/+", "/", "".join(random.choices(tokens, k=7))))
    try:
        pattern.match("x")
    except LayoutError:
        continue
    read += 1
    for path in paths:
        pattern.match(path)
assert read > 200
"""


def test_small_patterns_take_no_time_on_the_worst_paths():
    """A second or two; before, one of them took minutes, and was killed."""
    subprocess.run([sys.executable, "-c", SEARCH], check=True, timeout=60, env={"PYTHONPATH": str(PACKAGE)})


@pytest.mark.parametrize(
    "pattern",
    [
        "**/**/{b}a*{c}/*{b}{c}",
        "**/**/*{b}*/*{b}/*{b}!",
        "**/{a}*{b}/**/*{b}!",
        "**/**/a*aa{b}*/a*{b}",
        "{b}{c}{d}/" + "".join(f"{{b}}{{x{i}}}a/" for i in range(14)) + "!",
        "a" * 4097,
    ],
)
def test_a_pattern_that_takes_long_is_refused(pattern):
    with pytest.raises(LayoutError, match=r"too many ways|no path has more"):
        Pattern(pattern).match("x")


def test_what_people_name_again_is_read():
    path = "corpus/north/anna/s1/s1_anna_north-one.wav"
    found = Pattern("**/{region}/{speaker}/{session}/{session}_{speaker}_{region}-{utterance}").match(path)
    assert found == {"region": "north", "speaker": "anna", "session": "s1", "utterance": "one"}


@pytest.mark.parametrize("pattern", ["{²}/{utterance}", "a**/{utterance}", "{utterance}/**", "***/{utterance}"])
def test_a_pattern_that_no_regular_expression_is_made_of_is_refused(pattern):
    with pytest.raises(LayoutError, match="where it means nothing"):
        Pattern(pattern).match("x")


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
        (
            {"recordings": "**/{utterance}", "speaker_id": "{speaker}"},
            r"speaker_id: '\{speaker\}' needs speaker.*its fields are utterance",
        ),
        ({"recordings": "{speaker}/x"}, r"utterance_id: '\{utterance\}' needs utterance.*its fields are speaker"),
        ({"recordings": "{speaker}/{utterance}", "alignments": "**/x"}, r"needs utterance.*'\*\*/x'.*are none"),
        ({"recordings": "{speaker}/{utterance}", "chapter_id": "{day}"}, "chapter_id: .* needs day"),
        ({"recordings": "{speaker}/{utterance}", "chapter_id": "{day"}, "is no template"),
    ],
)
def test_a_layout_that_contradicts_itself_is_refused(fields, message):
    with pytest.raises(LayoutError, match=message):
        layout_of(fields)


@pytest.mark.parametrize(
    "template",
    [
        "{utterance:>1000000000}",
        "{utterance:{speaker}}",
        "{utterance:.9999}",
        "{utterance!r}",
        "{utterance.__class__}",
        "{utterance[0]}",
        "{}",
        "{0}",
        "{utterance",
    ],
)
def test_a_template_names_fields_and_nothing_else(template):
    with pytest.raises(LayoutError, match=r"utterance_id: .* is no template: "):
        layout_of({"recordings": "{speaker}/{utterance}", "utterance_id": template})


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_the_catalogue_can_be_used(name):
    layout = layout_of(LAYOUTS[name]).of_split("dev")
    assert "{split}" not in layout.recordings.text


def test_an_id_can_be_part_of_a_name():
    layout = layout_of(LAYOUTS["buckeye"])
    fields = layout.recordings.match("s01/s0101a/s0101a.wav")
    assert layout.speaker_id.format(**fields) == "s01"
    assert layout.utterance_id.format(**fields) == "s0101a"
