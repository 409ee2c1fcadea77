"""Reports of odd experiments and of a large one, in a browser."""

from __future__ import annotations

import pandas as pd
import pytest
from headless import PHONE, Browser, draw_all, everything_fits

from made_experiment import Asked, Made, make
from report import made_page

LONG = "A model that was trained on <b>very</b> much speech of very many people, & whose name is long; 日本語 " * 2


def all_skipped(property_name: str, model: str, layer: str) -> tuple[str, str]:
    return "skipped", "fewer rows than dimensions"


ODD = {
    "one model": Asked({"hubert": 4}),
    "one layer": Asked({"hubert": 1, "random": 1}, matrix=False, tasks=()),
    "one question": Asked({"hubert": 2, "random": 2}, properties=("phone",), metrics=1, tasks=(), matrix=False),
    "all skipped": Asked({"hubert": 2, "random": 2}, status=all_skipped, tasks=()),
    "long titles": Asked({"hubert": 2, "a-b": 2}, {"hubert": LONG, "a-b": LONG}, tasks=()),
    "a single score": Asked({"hubert": 2, "random": 2}, samples=1, trials=1, tasks=()),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_experiments_have_a_page_that_works(browser, tmp_path, name):
    made = make(ODD[name], tmp_path / "made")
    works(browser, made)


def works(browser: Browser, made: Made) -> None:
    """Without a fault, on a screen and on a phone, with every question."""
    for width in (1280, PHONE):
        with browser.emulated(width, 900):
            browser.open(made.report)
            for question in made.asked.questions:
                browser.choose("question", question)
                draw_all(browser)
                everything_fits(browser, width)
            assert browser.all("svg.marks, canvas.marks")
            assert not [text for text in browser.all(".plot") if "cannot be drawn" in text.text]
            assert browser.console() == []
            assert browser.requests() == [made.report.as_uri()]


MANY = 50


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return made_page(tmp_path_factory.mktemp("large"), MANY, ("mel", "phone"))


@pytest.mark.parametrize(("question", "metric"), [("mel", "pwcca"), ("phone", "pwcca"), ("phone", "mean_cca")])
def test_fifty_models_of_49_layers_are_drawn_with_the_numbers_of_the_table(browser, large, question, metric):
    browser.open(large)
    browser.choose("question", question)
    browser.choose("metric", metric)
    table = pd.read_csv(large.parent / "tables/trends.csv")
    rows = table[(table["property"] == question) & (table["metric"] == metric) & table["layer"].str.startswith("T")]
    assert len(rows) == MANY * 49
    expected = rows.set_index(["model", "layer"])["mean"].to_dict()
    marks = [mark["datum"] for mark in browser.marks(f"depth/{question}")]
    assert {(datum["model"], datum["layer"]): datum["mean"] for datum in marks} == pytest.approx(expected, rel=1e-5)
    browser.click(browser.find("button[data-isolate=model-07]"))
    marks = browser.marks(f"depth/{question}")
    own = {mark["opacity"] for mark in marks if mark["datum"]["model"] == "model-07"}
    assert min(own) > 2 * max(mark["opacity"] for mark in marks if mark["datum"]["model"] != "model-07")
    assert browser.console() == []
