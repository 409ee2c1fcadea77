"""Charts of pairs of models: their order, what differs, and which of many are drawn."""

from __future__ import annotations

import itertools
import re

import pandas as pd
import pytest
import vl_convert

from layerwise.figures.model_pairs import DRAWN, KEPT, pairs
from layerwise.tables.model_pairs import COLUMNS
from shipped_properties import PROPERTIES

FACTS = {"objective": "contrastive", "iteration": 1, "modality": "audio", "size": "Base"}
FACTS |= {"training_data": "speech", "blocks": 4, "width": 96, "normalise": False}


@pytest.fixture
def made(tmp_path):
    """Makes the chart of `phone` of some models and pairs; returns its specification, its rows, and the picture."""

    def make(models, rows, isolated="", chosen=(), titles=None):
        pd.DataFrame([{"model": name} | FACTS | facts for name, facts in models.items()]).to_csv(
            tmp_path / "models.csv", index=False
        )
        known = {"property": "phone", "metric": "pwcca", "layers": "T1-T4", "other_layers": "T1-T4", "n_layers": 4}
        table = pd.DataFrame([known | row for row in rows], columns=COLUMNS).assign(alignments="given")
        table.to_csv(tmp_path / "model_pairs.csv", index=False)
        chart = pairs(
            tmp_path / "model_pairs.csv", tmp_path / "models.csv", PROPERTIES["phone"], "pwcca", titles or {}
        ).to_dict()
        values = {"isolated": isolated, "chosen": list(chosen)}
        chart["params"] = [each | {"value": values[each["name"]]} for each in chart.get("params", [])]
        picture = vl_convert.vegalite_to_svg(chart)
        return chart, pd.DataFrame(next(iter(chart["datasets"].values()))), picture

    return make


def pair(model, other, difference, differ="", **cells):
    ends = {"difference_low": difference - 0.01, "difference_high": difference + 0.02}
    rest = {"spearman": 0.5, "spearman_low": 0.1, "spearman_high": 0.8}
    return {"model": model, "other": other, "differ": differ, "difference": difference} | ends | rest | cells


THREE = {"a": {}, "b": {"size": "Large"}, "c": {"objective": "masked unit", "iteration": 2}}
PAIRS = [
    pair("a", "b", 0.1, "size"),
    pair("a", "c", 0.3, "objective; iteration"),
    pair("b", "c", 0.2, "objective; iteration; size"),
]


TWO_LINES = r"<tspan>([\w.-]+)</tspan><tspan[^>]*>([\w.-]+)</tspan></text>"


def names(picture):
    """The pairs on the axis, whose models stand below each other, in the order of the picture."""
    return [f"{one} / {other}" for one, other in re.findall(TWO_LINES, picture)]


def test_pairs_are_sorted_by_how_far_they_lie_apart(made):
    _, rows, picture = made(THREE, PAIRS)
    labels = sorted(names(picture), key=lambda words: rows.set_index("pair").loc[words, "difference"], reverse=True)
    assert labels == ["a / c", "b / c", "a / b"]
    found = re.findall(rf"translate\([\d.-]+,([\d.]+)\)[^>]*>{TWO_LINES}", picture)
    heights = {f"{one} / {other}": float(y) for y, one, other in found}
    assert heights["a / c"] < heights["b / c"] < heights["a / b"]
    found = rows.set_index("pair").loc["a / b"]
    assert found[["difference", "difference_low", "difference_high"]].tolist() == pytest.approx([0.1, 0.09, 0.12])


def test_a_fact_that_alone_differs_is_named_with_its_values(made):
    _, rows, picture = made(THREE, PAIRS)
    facts = rows.set_index("pair")[["fact", "differ"]]
    assert facts.loc["a / b"].tolist() == ["size", "size: Base / Large"]
    assert facts.loc["a / c"].tolist() == ["several facts", "objective, iteration"]
    assert "size: Base / Large" in picture
    models = {"a": {"iteration": 1}, "b": {"iteration": None}, "c": {"normalise": True}}
    _, rows, _ = made(models, [pair("a", "b", 0.1, "iteration"), pair("a", "c", 0.1, "normalise"), pair("b", "c", 0.1)])
    assert rows["differ"].tolist() == ["no known fact", "iteration: 1 / not known", "normalise: no / yes"]


def test_what_differs_is_not_cut(made):
    models = {"a": {"objective": "masked contrastive"}, "b": {"objective": "masked unit prediction"}}
    _, _, picture = made(models, [pair("a", "b", 0.1, "objective")])
    assert "objective: masked contrastive / masked unit prediction" in picture


def test_a_reader_sees_the_pairs_of_chosen_models(made):
    assert names(made(THREE, PAIRS, chosen=["a", "b"])[2]) == ["a / b"]
    assert set(names(made(THREE, PAIRS, isolated="b")[2])) == {"a / b", "b / c"}


def test_of_many_pairs_those_are_drawn_that_differ_least(made):
    models = {f"m{number}": {} for number in range(30)}
    found = [
        pair(one, other, 0.001 * number, "size" if number % 2 else "size; objective")
        for number, (one, other) in enumerate(itertools.combinations(models, 2))
    ]
    chart, rows, picture = made(models, found)
    assert len(rows) == KEPT
    assert len(names(picture)) == DRAWN
    assert f"{DRAWN} of {len(found)} pairs are drawn" in " ".join(chart["title"]["subtitle"])
    assert set(rows["fact"].head(DRAWN)) == {"size"}
    assert "several facts" in set(rows["fact"])
    assert {words.split(" / ")[0] for words in names(made(models, found, isolated="m29")[2])} <= set(models) - {"m29"}


def test_a_long_title_gives_way_to_the_name(made):
    titles = {"a": "A title that is far too long to stand beside another", "b": "B"}
    _, rows, _ = made({"a": {}, "b": {"size": "Large"}}, [pair("a", "b", 0.1, "size")], titles=titles)
    assert rows["pair"].tolist() == ["a / B"]


@pytest.mark.parametrize(
    ("models", "found", "words"),
    [
        ({"a": {}}, [], "There is one model: nothing to compare."),
        (THREE, [pair("a", "b", float("nan"))], "No two models have scores to compare."),
    ],
)
def test_nothing_to_compare_is_said(made, models, found, words):
    assert words in made(models, found)[2]
