"""The report for everybody: any experiment, dark and light, a phone, paper; and nothing comes in from outside."""

from __future__ import annotations

import json

import pytest
from headless import PHONE, draw_all, everything_fits

from made_experiment import Asked, make

LEGIBLE, LARGE = 4.5, 3.0  # contrast of text, and of text from 24 pixels (or 18.66 in bold), by WCAG 2.2, AA
PAPER = 700  # pixels between the margins of A4

# Texts that can be read, with their contrast to what is behind them: of the page, and of axes, legends and titles.
CONTRASTS = """
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const parsed = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
const light = (colour) => {
  const [r, g, b] = colour.slice(0, 3).map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const layers = [];
  for (let each = element; each; each = each.parentElement) layers.push(parsed(getComputedStyle(each).backgroundColor));
  return layers.reverse().reduce((ground, layer) => over(layer, ground), [255, 255, 255, 1]);
};
const faintness = (element) => {
  let found = 1;
  for (let each = element; each; each = each.parentElement) found *= getComputedStyle(each).opacity;
  return found;
};
const IN_CHARTS = ['axis-label', 'axis-title', 'legend-label', 'legend-title', 'title', 'header']
  .map((role) => `.role-${role}`).join();
const seen = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const drawn = element.closest('svg');
  if (!walker.currentNode.data.trim() || element.closest('script, style, template, noscript, title')) continue;
  if (drawn && !element.closest(IN_CHARTS)) continue;
  if (element.closest(':disabled, .disabled')) continue;
  if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
  const style = getComputedStyle(element);
  const ground = behind(drawn ? drawn.parentElement : element);
  const [r, g, b, a] = parsed(drawn ? style.fill : style.color);
  const ink = over([r, g, b, a * faintness(element)], ground);
  const [low, high] = [light(ink), light(ground)].sort((one, other) => one - other);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  seen.push({ text: walker.currentNode.data.trim().slice(0, 60), ratio: (high + 0.05) / (low + 0.05), large,
    place: element.tagName + '.' + (element.getAttribute('class') || ''), colours: [style.color, style.fill] });
}
return seen;
"""


def test_the_policy_keeps_everything_out(browser, made):
    browser.open(made.report)
    (policy,) = browser.all("meta[http-equiv='Content-Security-Policy']")
    allowed = dict(part.split(maxsplit=1) for part in policy.get_attribute("content").split("; "))
    assert allowed["default-src"] == "'none'"
    assert "unsafe" not in allowed["script-src"]
    refused = browser.driver.execute_async_script("""
const done = arguments[0];
const refused = new Set();
document.addEventListener('securitypolicyviolation', (event) => refused.add(event.effectiveDirective));
for (const tag of ['script', 'img', 'iframe', 'link']) {
  const element = document.createElement(tag);
  if (tag === 'link') Object.assign(element, { rel: 'stylesheet', href: 'https://example.org/style.css' });
  else element.src = 'https://example.org/thing';
  document.body.append(element);
}
const inline = document.createElement('script');
inline.textContent = 'window.ran = true';
document.body.append(inline);
fetch('https://example.org').catch(() => {}).then(() => {
  setTimeout('window.ran = true', 0);
  setTimeout(() => done([...refused].concat(window.ran ? ['ran'] : [])), 300);
});
""")
    assert set(refused) == {"script-src", "script-src-elem", "img-src", "frame-src", "style-src-elem", "connect-src"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser, made, scheme):
    with browser.emulated(prefers_color_scheme=scheme):
        browser.open(made.report, "question=phone&isolated=hubert")
        draw_all(browser)
        for details in browser.all("main details:not(.vega-embed details)"):
            browser.run("arguments[0].open = true", details)
        texts = browser.run(CONTRASTS)
        assert len(texts) > 300
        assert any("role-" in text["place"] or text["place"].startswith("text") for text in texts)
        faint = [text for text in texts if text["ratio"] < (LARGE if text["large"] else LEGIBLE)]
        assert not faint, json.dumps(faint[:12], indent=1)


def test_dark_and_light_differ(browser, made):
    def ground() -> str:
        return browser.run("return getComputedStyle(document.body).backgroundColor")

    browser.open(made.report)
    with browser.emulated(prefers_color_scheme="dark"):
        dark = ground()
        browser.show("depth/mel")
    with browser.emulated(prefers_color_scheme="light"):
        assert ground() != dark
    assert browser.console() == []


def test_a_phone_shows_everything_without_scrolling_sideways(browser, made):
    with browser.emulated(PHONE, 800):
        browser.open(made.report)
        for question in made.asked.questions:
            browser.choose("question", question)
            draw_all(browser)
            everything_fits(browser, PHONE)
        for details in browser.all("main details:not(.vega-embed details)"):
            browser.run("arguments[0].open = true", details)
        everything_fits(browser, PHONE)


def test_paper_has_the_charts_and_all_that_is_folded_up(browser, made):
    with browser.emulated(PAPER, 1000, media="print"):
        browser.open(made.report)
        names = draw_all(browser)
        browser.run("window.dispatchEvent(new Event('beforeprint'))")
        assert not browser.find("nav").is_displayed()
        assert not browser.find("#models").is_displayed()
        assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.find("#table-card-hubert").is_displayed()
        assert len(browser.all("svg.marks, canvas.marks")) == len(names)
        assert browser.find("#status").is_displayed()  # it says what the charts show
        everything_fits(browser, PAPER)
        faint = [text for text in browser.run(CONTRASTS) if text["ratio"] < LARGE]
        assert not faint, json.dumps(faint[:12], indent=1)
        browser.run("window.dispatchEvent(new Event('afterprint'))")


def test_paper_is_light_also_from_a_dark_screen(browser, made):
    with browser.emulated(prefers_color_scheme="dark"):
        browser.open(made.report)
        draw_all(browser)
        browser.run("window.dispatchEvent(new Event('beforeprint'))")
        with browser.emulated(media="print", prefers_color_scheme="dark"):
            assert browser.all(".in-dark svg.marks")  # as they were on the screen
            assert browser.run("return getComputedStyle(document.querySelector('svg.marks')).backgroundColor") == (
                "rgb(255, 255, 255)"
            )
            faint = [text for text in browser.run(CONTRASTS) if text["ratio"] < LARGE]
            assert not faint, json.dumps(faint[:12], indent=1)
        browser.run("window.dispatchEvent(new Event('afterprint'))")


def test_no_title_is_cut_on_a_phone(browser, made):
    with browser.emulated(PHONE, 800):
        browser.open(made.report, "question=phone")
        draw_all(browser)
        titles = browser.run(
            "return [...document.querySelectorAll('.role-axis-title text')].map((text) => text.textContent)"
        )
        assert len(titles) > 5
        assert not [title for title in titles if title.endswith("…")]


# What has a name for those who hear the page, by its role, and headings that skip a level.
NAMED = ("button", "link", "combobox", "checkbox", "searchbox", "img", "image", "table", "form")
SKIPPED_LEVELS = """
const headings = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter((each) => each.checkVisibility());
const levels = headings.map((each) => Number(each.tagName[1]));
return headings.filter((each, place) => levels[place] > (levels[place - 1] ?? 0) + 1).map((each) => each.textContent);
"""


def test_everything_has_a_name_for_those_who_hear_the_page(browser, made):
    browser.open(made.report, "question=phone")
    draw_all(browser)
    for details in browser.all("main details:not(.vega-embed details)"):
        browser.run("arguments[0].open = true", details)
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert {"banner", "navigation", "form", "main", "table", "image", "heading"} <= set(roles)
    unnamed = [
        node["role"]["value"]
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in NAMED and not node["name"]["value"]
    ]
    assert unnamed == []
    assert browser.run(SKIPPED_LEVELS) == []


def test_the_first_question_is_one_whose_best_layers_are_ranked(browser, tmp_path):
    asked = Asked({"hubert": 2, "random": 2}, properties=("intra", "phone"), metrics=1, tasks=(), matrix=False)
    made = make(asked, tmp_path / "made")
    browser.open(made.report)
    assert browser.state()["question"] == "phone"
    browser.open(made.report, "question=intra")
    assert browser.state()["question"] == "intra"


def test_markup_in_a_title_stays_text(browser, tmp_path):
    titles = {"hubert": "<img src=x onerror=window.ran=true>", "random": "</script><script>window.ran=true</script>"}
    made = make(Asked({"hubert": 2, "random": 2}, titles, tasks=(), matrix=False, metrics=1), tmp_path / "made")
    browser.open(made.report)
    draw_all(browser)
    mark = browser.marks("depth/mel")[0]
    browser.point_at(mark["x"], mark["y"])
    assert titles["hubert"] in browser.tooltip()
    for details in browser.all("main details:not(.vega-embed details)"):
        browser.run("arguments[0].open = true", details)
    assert browser.run("return window.ran === undefined")
    assert browser.run("return document.querySelectorAll('img').length") == 0
    assert browser.console() == []
