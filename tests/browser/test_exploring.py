"""The report in a browser: each control does what it says, and what is shown equals the tables' numbers."""

from __future__ import annotations

import codecs
import csv
import io
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest
from headless import Browser, Keys

from made_experiment import Made

NUMBERS = ["mean", "low", "high", "chance"]


@pytest.fixture
def page(browser, made) -> Browser:
    """The report as it is opened first."""
    browser.open(made.report)
    return browser


def drawn(page: Browser, chart: str) -> dict[tuple[str, str], dict]:
    """(model, layer) → the marks of a chart of trends."""
    return {(mark["datum"]["model"], mark["datum"]["layer"]): mark for mark in page.marks(chart)}


def rows_of(made: Made, question: str, metric: str, axis: str = "depth") -> pd.DataFrame:
    """The rows of tables/trends.csv that a chart shows, by model and layer."""
    table = made.table("trends")
    table = table[(table["property"] == question) & (table["metric"] == metric) & table["mean"].notna()]
    if axis == "depth":
        table = table[table["layer"].str.startswith("T")]
    return table.set_index(["model", "layer"])


def assert_shows(page: Browser, chart: str, rows: pd.DataFrame) -> None:
    marks = drawn(page, chart)
    assert marks.keys() == set(rows.index)
    for key, mark in marks.items():
        assert [mark["datum"][name] for name in NUMBERS] == pytest.approx(list(rows.loc[key, NUMBERS]), rel=1e-5)


def test_it_loads_without_a_fault_and_asks_for_nothing_but_itself(page, made):
    for chart in page.all("figure.chart"):
        page.show(f"{chart.get_attribute('data-figure')}/{chart.get_attribute('data-subject')}")
    assert page.console("WARNING", "SEVERE") == []
    assert page.requests() == [made.report.as_uri()]


def test_every_question_metric_and_axis_shows_the_numbers_of_the_table(page, made):
    for question, metrics in made.asked.metrics_of.items():
        page.choose("question", question)
        if made.asked.questions[question].is_matrix:
            continue
        assert page.state()["metric"] == made.asked.shown[question]
        for metric in metrics:
            page.choose("metric", metric)
            for axis in ("layer", "depth"):
                page.choose("axis", axis)
                rows = rows_of(made, question, metric, axis)
                assert len(rows) > 0
                assert_shows(page, f"{axis}/{question}", rows)
    assert page.console() == []


def test_the_heat_map_has_the_means(page, made):
    page.choose("question", "phone")
    cells = {
        (mark["datum"]["model"], mark["datum"]["layer"]): mark["datum"]["mean"]
        for mark in page.marks("heatmap/phone", "rect")
        if {"model", "layer", "mean"} <= mark["datum"].keys() and mark["datum"]["mean"] is not None
    }
    rows = rows_of(made, "phone", "pwcca")["mean"]
    assert cells == pytest.approx(rows.to_dict(), rel=1e-5)


def test_a_question_begins_with_the_metric_that_is_shown_of_it(page):
    page.choose("question", "phone")
    page.choose("metric", "mean_cca")
    page.choose("question", "mel")
    assert page.state()["metric"] == "pwcca"
    page.choose("question", "abx-within")
    assert page.state()["metric"] == "abx_error"
    assert [option.get_attribute("value") for option in page.all("#metric option")] == ["abx_error"]


def test_models_that_are_not_chosen_are_not_drawn(page):
    page.choose("question", "phone")
    everyone = {model for model, _ in drawn(page, "depth/phone")}
    page.click(page.find("#models input[value=random]"))
    assert {model for model, _ in drawn(page, "depth/phone")} == everyone - {"random"}
    assert {mark["datum"].get("model") for mark in page.marks("overview/")} == everyone - {"random"}
    page.click(page.find("#models input[value=random]"))
    assert {model for model, _ in drawn(page, "depth/phone")} == everyone


def test_no_model_at_all_can_be_chosen(page):
    for box in page.all("#models input[name=model]"):
        page.click(box)
    assert page.state()["models"] == []
    assert page.marks("depth/mel") == []
    page.click(page.find("#models [data-all]"))
    assert len({model for model, _ in drawn(page, "depth/mel")}) == 3
    assert page.console() == []


def test_pointing_at_a_mark_tells_its_numbers(page, made):
    page.choose("question", "phone")
    mark = drawn(page, "depth/phone")["wav2vec2", "T2"]
    page.point_at(mark["x"], mark["y"])
    said = page.tooltip()
    row = rows_of(made, "phone", "pwcca").loc[("wav2vec2", "T2")]
    assert {"wav2vec2", "T2"} <= set(said.split())
    for name in NUMBERS:
        assert f"{row[name]:.3f}" in said, name
    assert f"{row['rows_per_dimension']:.1f}" in said
    for name in ("kept_x", "kept_y"):
        assert f"{row[name]:.0f}" in said


def test_a_click_on_a_model_isolates_it_in_every_chart(page):
    page.choose("question", "phone")
    charts = ["depth/phone", "overview/"]
    mark = drawn(page, charts[0])["hubert", "T1"]
    page.point_at(mark["x"], mark["y"], click=True)
    page.until(lambda: page.state()["isolated"] == "hubert")
    assert page.find("button[data-isolate=hubert]").get_attribute("aria-pressed") == "true"
    for chart in charts:
        marks = page.marks(chart)
        own = {mark["opacity"] for mark in marks if mark["datum"]["model"] == "hubert"}
        others = {mark["opacity"] for mark in marks if mark["datum"]["model"] != "hubert"}
        assert min(own) > 2 * max(others), chart
    mark = drawn(page, charts[0])["hubert", "T1"]
    page.point_at(mark["x"], mark["y"], click=True)
    page.until(lambda: page.state()["isolated"] == "")
    assert len({mark["opacity"] for mark in page.marks(charts[0])}) == 1


def test_buttons_isolate_and_escape_undoes_it(page):
    page.click(page.find("button[data-isolate=random]"))
    assert page.state()["isolated"] == "random"
    page.keys(Keys.ESCAPE)
    assert page.state()["isolated"] == ""


STATE = "question=phone&metric=mean_cca&axis=layer&models=hubert,wav2vec2&isolated=hubert"


def test_the_address_keeps_the_state(page, made):
    page.choose("question", "phone")
    page.choose("metric", "mean_cca")
    page.choose("axis", "layer")
    page.click(page.find("#models input[value=random]"))
    page.click(page.find("button[data-isolate=hubert]"))
    assert page.driver.current_url == f"{made.report.as_uri()}#{STATE}"
    before, marks = page.state(), page.marks("layer/phone")
    page.driver.refresh()
    page.settle()
    assert page.state() == before
    assert page.find("#metric").get_property("value") == "mean_cca"
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    try:
        page.open(made.report, STATE)
        assert page.state() == before
        assert [mark["datum"] for mark in page.marks("layer/phone")] == [mark["datum"] for mark in marks]
    finally:
        page.driver.close()
        page.driver.switch_to.window(first)


def test_a_view_as_it_was_first_needs_no_address(page, made):
    page.choose("question", "phone")
    page.choose("question", "mel")
    assert page.driver.current_url == made.report.as_uri()


@pytest.mark.parametrize(
    "address",
    ["question=nothing&metric=x&axis=up&models=nobody&isolated=ghost", "metric=%E0%A4%A&&=&question", "<script>"],
)
def test_addresses_that_nobody_wrote_are_no_fault(browser, made, address):
    browser.open(made.report, address)
    assert browser.state()["question"] == "mel"
    assert browser.state()["metric"] == "pwcca"
    assert browser.state()["models"] == made.asked.models
    assert browser.console() == []


def test_back_leads_to_the_question_before(page):
    page.choose("question", "phone")
    page.choose("axis", "layer")
    page.choose("question", "abx-within")
    page.driver.back()
    page.until(lambda: page.state()["question"] == "phone")
    assert page.state()["axis"] == "layer"
    assert page.find("#question").get_property("value") == "phone"
    page.driver.back()
    page.until(lambda: page.state()["question"] == "mel")
    assert page.state()["axis"] == "depth"


def cells(page: Browser, table: str) -> list[list[str]]:
    """What a table shows, its header first."""
    return page.run(
        "return [...document.querySelectorAll(`#${arguments[0]} thead tr, #${arguments[0]} tbody tr`)]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent.trim()))",
        table,
    )


def as_csv(page: Browser, table: str) -> list[list[str]]:
    button = page.run(
        "return document.getElementById(arguments[0]).closest('.dt-container').querySelector('.buttons-csv')", table
    )
    written = page.downloaded(button).read_bytes()
    assert written.startswith(codecs.BOM_UTF8)  # without it, Excel garbles all but ASCII
    rows = csv.reader(io.StringIO(written.decode("utf-8-sig")))
    return [row for row in rows if row]


def test_tables_are_sorted_and_searched_and_given_as_they_are_shown(page, made):
    table = "table-recommendations"
    header, *before = cells(page, table)
    assert len(before) == min(25, len(made.table("recommendations")))
    assert as_csv(page, table) == [header, *before]
    column = header.index("score")
    page.click(page.all(f"#{table} thead th")[column])
    numbers = [float(row[column]) for row in cells(page, table)[1:] if row[column]]
    assert numbers == sorted(numbers)
    page.click(page.all(f"#{table} thead th")[column])
    numbers = [float(row[column]) for row in cells(page, table)[1:] if row[column]]
    assert numbers == sorted(numbers, reverse=True)
    page.run("document.getElementById(arguments[0]).closest('.dt-container').querySelector('input').focus()", table)
    page.keys("H", "u", "B")
    found = cells(page, table)
    assert 0 < len(found) - 1 < len(before)
    assert all("HuBERT" in " ".join(row) for row in found[1:])
    assert as_csv(page, table) == found


def test_the_data_of_a_chart_are_a_table_too(page, made):
    page.choose("question", "phone")
    page.show("depth/phone")
    page.click(page.find("figure[data-figure=depth] details.chart-data summary"))
    page.until(lambda: page.all("#table-data-depth-phone tbody tr"))
    header, *rows = as_csv(page, "table-data-depth-phone")
    shown = {(row[header.index("model")], row[header.index("layer")]): row for row in rows}
    expected = rows_of(made, "phone", "pwcca")
    assert shown.keys() >= set(expected.index)
    for key in expected.index:
        assert float(shown[key][header.index("mean")]) == pytest.approx(expected.loc[key, "mean"], rel=1e-5)


@pytest.mark.parametrize(("kind", "first"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_charts_are_given_as_pictures(page, kind, first):
    page.choose("question", "phone")
    page.show("depth/phone")
    figure = "figure[data-figure=depth]"
    page.click(page.find(f"{figure} .vega-embed summary"))
    links = f"{figure} .vega-actions a"
    (link,) = page.until(lambda: [each for each in page.all(links) if kind in each.text.lower()])
    path = page.downloaded(link)
    assert path.suffix == f".{kind}"
    assert "phone" in path.name
    assert path.read_bytes().startswith(first)
    if kind == "svg":
        words = " ".join(ElementTree.parse(path).getroot().itertext())
        assert "HuBERT" in words
    assert page.console() == []


def test_everything_can_be_reached_and_chosen_by_keyboard(page):
    page.run("document.activeElement.blur()")
    reached = []
    for _ in range(400):
        page.keys(Keys.TAB)
        element = page.focused()
        if element.tag_name == "body":
            break
        reached.append(
            page.run(
                "const e = arguments[0]; return e.id || e.dataset.isolate || e.value || e.className || e.tagName",
                element,
            )
        )
    controls = {"question", "metric", "axis", "hubert", "random", "wav2vec2"}
    assert controls <= set(reached)
    assert reached.count("hubert") == 2  # to choose it, and to isolate it
    assert any("buttons-csv" in name for name in reached)
    assert any(name == "SUMMARY" for name in reached)


def test_keys_choose(page):
    page.run("document.getElementById('question').focus()")
    page.keys(Keys.ARROW_DOWN)
    assert page.state()["question"] == "phone"
    page.keys(Keys.TAB, Keys.ARROW_DOWN)
    assert page.state()["metric"] == "mean_cca"
    page.keys(Keys.TAB, Keys.ARROW_DOWN)
    assert page.state()["axis"] == "layer"
    page.run("document.querySelector('#models input[value=random]').focus()")
    page.keys(Keys.SPACE)
    assert page.state()["models"] == ["hubert", "wav2vec2"]
    page.run("document.querySelector('#models button[data-isolate=hubert]').focus()")
    page.keys(Keys.ENTER)
    assert page.state()["isolated"] == "hubert"
    page.keys(Keys.ESCAPE)
    assert page.state()["isolated"] == ""
