"""What an entry of a property means, and which entries make no sense."""

from __future__ import annotations

import pytest

from layerwise.experiment.configuration.schema import check_schema
from layerwise.files.catalogues import read_yaml
from layerwise.scoring.properties import PropertyError, property_of, read_properties
from layerwise.scoring.targets import KINDS
from layerwise.spans import POOLINGS, SPANS, STANDARD
from synthetic_views import CHECKOUT

ENTRIES = read_yaml(CHECKOUT / "resources/properties.yaml")
SHIPPED = read_properties(ENTRIES)
LABELS = {"rows": "word", "target": {"label": "label"}}


def test_the_four_of_the_paper_are_asked_of_these_layers():
    names = ["C1", "C7", "T0", "T1", "T2"]
    assert {name: SHIPPED[name].layers(names) for name in ("intra", "mel", "phone", "word")} == {
        "intra": names[2:],
        "mel": names,
        "phone": names[2:],
        "word": names[2:],
    }


def test_a_layer_is_ranked_by_all_but_likeness_to_another():
    assert [name for name, each in SHIPPED.items() if not each.ranked] == ["intra", "inter"]
    assert not property_of("mine", {"rows": "frame", "target": {"layer": "T3"}}).ranked
    assert property_of("mine", {"rows": "frame", "target": {"layer": "T3"}, "ranked": True}).ranked


def test_a_layer_that_is_compared_with_itself_is_not_informative():
    assert SHIPPED["intra"].informative(["T0", "T1"]) == ["T1"]
    assert SHIPPED["mel"].informative(["T0", "T1"]) == ["T0", "T1"]
    assert property_of("x", {"rows": "frame", "target": {"model": "m", "layer": "T1"}}).informative(["T1"]) == ["T1"]


def test_every_shipped_property_says_what_it_asks():
    check_schema(ENTRIES, "properties.schema.yaml")
    for name, each in SHIPPED.items():
        assert each.title, name
        assert each.tells.endswith("."), name
    assert len({each.title for each in SHIPPED.values()}) == len(SHIPPED)


@pytest.mark.parametrize(
    ("entry", "folder"),
    [
        ({"rows": "frame", "target": {"acoustics": "mel"}}, "frame"),
        ({"rows": "phone", "target": {"label": "label"}}, "phone"),
        ({"rows": "phone", "pool": "middle_third", "target": {"label": "label"}}, "phone"),
        ({"rows": "phone", "pool": "mean", "target": {"label": "label"}}, "phone.mean"),
        (LABELS | {"pool": "quarter_2"}, "word.quarter_2"),
        ({"rows": "utterance", "pool": "mean", "target": {"label": "speaker_id"}}, "utterance"),
        ({"rows": {"segments": "/a/b.csv", "table": "b"}, "target": {"label": "stress"}}, "b.mean"),
    ],
)
def test_rows_have_a_folder_by_what_they_are_and_how_they_are_pooled(entry, folder):
    rows = property_of("mine", entry).rows
    assert rows.folder == folder
    assert rows.is_standard == (folder in STANDARD)
    assert property_of("mine", entry).of_segments == (folder != "frame")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"rows": "wrod", "target": {"label": "label"}}, r"rows: found 'wrod' \(did you mean word\?\)"),
        (LABELS | {"pool": "quarter_5"}, r"pool: found 'quarter_5' \(did you mean quarter_\d\?\)"),
        ({"rows": "utterance", "pool": "middle_third", "target": {"label": "speaker_id"}}, "pool must be mean"),
        ({"rows": "frame", "pool": "mean", "target": {"acoustics": "mel"}}, "a frame is one row: leave it out"),
        (LABELS | {"layers": "all"}, "C layers have frames only"),
        (LABELS | {"measure": "ccaa"}, r"measure: found 'ccaa' \(did you mean cca\?\)"),
        ({"rows": "frame", "target": {"acoustics": "mell"}}, r"acoustics: found 'mell' \(did you mean mel\?\)"),
        ({"rows": "frame", "target": {"layer": "12"}}, "a layer such as T0 is expected"),
        ({"rows": "word", "target": {"layer": "C3"}}, "C layers have frames only"),
        ({"rows": "frame", "target": {"model": "m", "layer": "last"}}, "same, all, or a layer such as T9"),
        ({"rows": "frame", "target": {"label": "label"}}, "frame rows, which have none"),
        ({"rows": "frame", "target": {"vectors": "glove"}}, "frame rows, which have no label"),
        ({"rows": "word", "target": {"vectors": "glove", "case": "upper"}}, "allowed: exact, lower"),
        ({"rows": "word", "target": {"of": "label"}}, "one of acoustics, model, layer, label"),
        ({"rows": "word", "target": {"label": "label", "vectors": "x"}}, "a property has one target"),
        ({"rows": "word", "target": {"label": "label", "case": "lower"}}, "case is no field of label"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(entry, said):
    with pytest.raises(PropertyError, match=said):
        property_of("mine", entry)


def test_the_schema_names_every_kind_of_target_and_pooling():
    fields = read_yaml(CHECKOUT / "workflow/schemas/properties.schema.yaml")["$defs"]["property"]["properties"]
    assert set(KINDS) <= set(fields["target"]["properties"])
    for pooling in POOLINGS:
        assert pooling in fields["pool"]["description"] or pooling.startswith("quarter_")
    assert all(name in fields["rows"]["description"] for name in SPANS)
