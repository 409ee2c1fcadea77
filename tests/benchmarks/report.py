"""How large a report is and how fast it answers, in headless Chromium:

    PYTHONPATH=workflow:tests/unit:tests/browser python tests/benchmarks/report.py [--models 50] [--report FILE …]

Without --report, of a made-up experiment of so many models × 49 layers × 8 questions × all of their metrics. Its page
is written first, which takes three minutes for 50 models (--keep FOLDER: it stays there). Else of the pages that are
named, such as results/demo/report.html. Seconds are measured in the page: from the beginning of its loading until a
chart has been painted, and from a choice until the charts near the window have been painted. Medians, and the longest
of them, in Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from headless import SETTLE, Browser, missing

from made_experiment import Asked, write_all_charts, write_page, write_tables

QUESTIONS = ("intra", "mel", "phone", "word", "speaker", "f0", "mi-phone", "word-discrimination")
BLOCKS = 48
MOVED = ("score", "mean", "low", "high", "spearman", "difference")  # numbers that differ between copies of a model
SWITCHES = ("question", "metric", "axis", "isolated", "models")

# When the first chart, a drawing of Vega's, has been painted.
FIRST_CHART = """
new MutationObserver((_, observer) => {
  if (window.firstChart !== undefined || !document.querySelector("svg.marks, canvas.marks")) return;
  window.firstChart = 0;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.firstChart = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
# Milliseconds that a change takes, until it is painted.
CHANGE = """
const [change, done] = arguments;
const frame = () => new Promise(requestAnimationFrame);
(async () => {
  await window.layerwise.ready;
  const before = performance.now();
  await window.layerwise.set(change);
  await frame();
  await frame();
  return performance.now() - before;
})().then(done);
"""


def copies(paths: dict[str, Path], models: Sequence[str]) -> None:
    """Write tables of two models as those of many: each is a copy of the first or the second, moved a little."""
    one, other = pd.read_csv(paths["models"])["model"]
    for path in paths.values():
        if path.suffix != ".csv" or not path.exists():
            continue
        table = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"reason": str, "tied": str})
        if "model" not in table:
            continue
        if "differ" in table:  # pairs of models
            parts = [
                _moved(table, 0.001 * (first - second)).assign(model=models[first], other=models[second])
                for first in range(len(models))
                for second in range(first + 1, len(models))
            ]
        else:
            parts = [
                _moved(table[table["model"] == (one, other)[number % 2]], 0.002 * number).assign(model=name)
                for number, name in enumerate(models)
            ]
        pd.concat(parts).to_csv(path, index=False)


def _moved(table: pd.DataFrame, by: float) -> pd.DataFrame:
    return table.assign(**{column: table[column] - by for column in MOVED if column in table})


def made_page(folder: Path, models: int, questions: Sequence[str] = QUESTIONS) -> Path:
    """The report of a made-up experiment."""
    names = [f"model-{number:02}" for number in range(models)]
    two = Asked(dict.fromkeys(names[:2], BLOCKS), properties=questions, metrics=9, matrix=False, samples=1, trials=2)
    paths = write_tables(two, folder)
    copies(paths, names)
    asked = Asked(dict.fromkeys(names, BLOCKS), properties=questions, metrics=9, matrix=False)
    return write_page(asked, paths, write_all_charts(asked, paths, folder / "plots"), folder)


def measured(browser: Browser, report: Path, repeats: int) -> dict[str, list[float]]:
    """Seconds, a value each time, of what is done to a page."""
    seconds: dict[str, list[float]] = {name: [] for name in ("load", *SWITCHES)}
    for _ in range(repeats):
        browser.open(report)
        seconds["load"].append(browser.run("return window.firstChart") / 1000)
    browser.driver.execute_async_script(SETTLE)
    questions = browser.run("return [...document.querySelectorAll('#question option')].map((each) => each.value)")
    models = browser.run("return [...document.querySelectorAll('#models input')].map((each) => each.value)")
    changes = [("question", name) for name in [*questions[1:], questions[0]]]
    metrics = browser.run("return [...document.querySelectorAll('#metric option')].map((each) => each.value)")
    changes += [("metric", name) for name in [*metrics[1:], metrics[0]]]
    changes += [("axis", name) for name in ("layer", "depth")]
    changes += [("isolated", name) for name in (models[0], models[-1], "")]
    changes += [("models", chosen) for chosen in (models[::2], models[:1], models)]
    for name, value in changes:
        seconds[name].append(browser.driver.execute_async_script(CHANGE, {name: value}) / 1000)
    return seconds


def row(report: Path, seconds: dict[str, list[float]]) -> str:
    cells = [f"{statistics.median(values):.2f} ({max(values):.2f})" for values in seconds.values()]
    return " | ".join(
        ["", f"{report.parent.name}/{report.name}", f"{report.stat().st_size / 1e6:.1f}", *cells, ""]
    ).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, nargs="+")
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    if why := missing():
        parser.exit(1, f"{why}\n")
    with tempfile.TemporaryDirectory() as folder:
        reports = arguments.report or [made_page(arguments.keep or Path(folder) / "made", arguments.models)]
        browser = Browser(Path(folder) / "browser")
        try:
            browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": FIRST_CHART})
            print("| page | MB | first chart, s | question, s | metric, s | axis, s | isolate, s | models, s |")
            print("| --- | --- | --- | --- | --- | --- | --- | --- |")
            for report in reports:
                print(row(report, measured(browser, report.resolve(), arguments.repeats)), flush=True)
        finally:
            browser.quit()


if __name__ == "__main__":
    main()
