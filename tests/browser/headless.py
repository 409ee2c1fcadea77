"""A report in headless Chromium: what it shows, says on the console, asks of the network, and downloads."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

try:
    from selenium import webdriver
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.remote.webelement import WebElement
except ImportError:
    webdriver = None

T = TypeVar("T")
REQUIRED = "LAYERWISE_BROWSER"  # where it is `required`, a machine without a browser fails these tests
WIDTH, HEIGHT = 1280, 900
PHONE = 400  # pixels
PATIENCE = 60  # seconds until the page has drawn its charts; a busy machine takes its time

# Items of a chart with the data that they stand for, and where their middle lies in the window. `kind`: symbol, rect…
MARKS = """
const [key, kind] = arguments;
const view = window.layerwise.views.get(key);
const box = view.container().querySelector('canvas, svg').getBoundingClientRect();
const found = [];
function walk(mark, x, y) {
  for (const item of mark.items || []) {
    if (mark.marktype === 'group') {
      for (const child of item.items || []) walk(child, x + (item.x || 0), y + (item.y || 0));
    } else if (mark.marktype === kind && mark.role === 'mark') {
      const middle = (low, size) => (low || 0) + (size || 0) / 2;
      found.push({
        datum: item.datum, opacity: item.opacity ?? 1, fill: item.fill ?? null, stroke: item.stroke ?? null,
        text: item.text ?? null,
        x: box.left + x + middle(item.x, item.width) + view.origin()[0] + view.padding().left,
        y: box.top + y + middle(item.y, item.height) + view.origin()[1] + view.padding().top,
      });
    }
  }
}
walk(view.scenegraph().root, 0, 0);
return JSON.parse(JSON.stringify(found));
"""

# What reaches beyond the window, without what is inside of something that scrolls by itself.
TOO_WIDE = """
const width = document.documentElement.clientWidth;
const scrolls = (element) => {
  for (let each = element.parentElement; each; each = each.parentElement) {
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(each).overflowX)) return true;
  }
  return false;
};
return [...document.body.querySelectorAll('*')]
  .filter((each) => each.getBoundingClientRect().right > width + 1 && each.checkVisibility() && !scrolls(each))
  .map((each) => each.tagName + '#' + each.id + '.' + each.getAttribute('class'));
"""

SETTLE = """
const done = arguments[0];
(async () => {
  await new Promise((resolve) => setTimeout(resolve)); // tables sort in a timer of their own, set before this one
  await window.layerwise?.ready; // there may be no report yet
  await window.layerwise?.settle();
  for (const view of window.layerwise?.views.values() ?? []) await view.runAsync();
})().then(() => done());
"""


def missing() -> str:
    """Why there is no browser here; "": there is one."""
    if webdriver is None:
        return "selenium is not installed"
    lacking = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"no {' and no '.join(lacking)} (Debian: chromium chromium-driver)" if lacking else ""


def skip_without_browser() -> None:
    """Skip the test where there is no browser, or fail it where there has to be one."""
    if why := missing():
        (pytest.fail if os.environ.get(REQUIRED) == "required" else pytest.skip)(why)


class Browser:
    """One tab of a browser that shows a report; what it downloads lies in `downloads`."""

    def __init__(self, folder: Path) -> None:
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True)
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in (
            *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--force-color-profile=srgb"),
            *(f"--user-data-dir={folder / 'profile'}", f"--window-size={WIDTH},{HEIGHT}", "--lang=en"),
        ):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"download.default_directory": str(self.downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        self.driver.set_script_timeout(PATIENCE)

    def quit(self) -> None:
        self.driver.quit()

    def open(self, report: Path, state: str = "") -> None:
        """Show a report that nobody has looked at, in the state that an address has after its `#`."""
        self.driver.get("about:blank")
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(report.as_uri() + (f"#{state}" if state else ""))
        self.settle()

    def settle(self) -> None:
        """Wait until the page is ready, and what has been changed is drawn in the charts that were made."""
        self.driver.execute_async_script(SETTLE)

    def show(self, chart: str) -> None:
        """Scroll to a chart, by `figure/subject`, which is drawn when it comes near."""
        figure, subject = chart.split("/")
        element = self.find(f"figure.chart[data-figure='{figure}'][data-subject='{subject}']")
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        self.until(lambda: self.run("return window.layerwise.views.has(arguments[0])", chart))
        self.settle()

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        """The only such element."""
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} elements {selector}"
        return found[0]

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements("css selector", selector)

    def marks(self, chart: str, kind: str = "symbol") -> list[dict]:
        """The marks of a chart, by `figure/subject`: `datum`, `opacity`, `fill`, and `x` and `y` in the window."""
        self.show(chart)
        return self.run(MARKS, chart, kind)

    def state(self) -> dict[str, Any]:
        return self.run("return JSON.parse(JSON.stringify(window.layerwise.state))")

    def choose(self, name: str, value: str) -> None:
        """Choose from a list, as a person does who uses the keyboard or the mouse."""
        self.click(self.find(f"select#{name} option[value='{value}']"))

    def click(self, element: WebElement) -> None:
        """Click with the mouse, wherever on the page it is."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
        self.settle()

    def keys(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()
        self.settle()

    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    def point_at(self, x: float, y: float, click: bool = False) -> None:
        """Move the mouse to a place in the window."""
        actions = ActionChains(self.driver)
        actions.w3c_actions.pointer_action.move_to_location(round(x), round(y))
        if click:
            actions.w3c_actions.pointer_action.click()
        actions.perform()

    def until(self, found: Callable[[], T]) -> T:
        """What is found, once there is something."""
        end = time.monotonic() + PATIENCE
        while not (value := found()):
            assert time.monotonic() < end, f"in vain; the console says {self.console()}"
            time.sleep(0.02)
        return value

    def tooltip(self) -> str:
        """What is said of the mark that the mouse points at."""
        return self.until(lambda: self.run("return document.querySelector('#vg-tooltip-element.visible')?.innerText"))

    def console(self, *levels: str) -> list[str]:
        """What was said on the console since the page was opened: errors; or of the `levels` WARNING and SEVERE."""
        return [
            entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in (levels or ("SEVERE",))
        ]

    def requests(self) -> list[str]:
        """The addresses that were asked for since the page was opened, without those that lie in the page itself."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
        asked += [each["params"]["url"] for each in messages if each["method"] == "Network.webSocketCreated"]
        return [
            url for url in asked if not url.startswith(("data:", "blob:", "about:", "chrome:", "chrome-untrusted:"))
        ]

    def downloaded(self, click: WebElement) -> Path:
        """The file that a click downloads."""
        before = set(self.downloads.iterdir())
        self.click(click)

        def finished() -> list[Path]:
            new = [path for path in self.downloads.iterdir() if path not in before]
            return [path for path in new if path.suffix != ".crdownload" and not path.name.startswith(".")]

        return self.until(finished)[0]

    @contextmanager
    def emulated(self, width: int = WIDTH, height: int = HEIGHT, scale: float = 1, **media: str) -> Iterator[None]:
        """A window of another size, and other media (`media="print"`, `prefers_color_scheme="dark"`), for a while."""
        features = [
            {"name": name.replace("_", "-"), "value": value} for name, value in media.items() if name != "media"
        ]
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self._emulate(media.get("media", ""), features)
        try:
            self.settle()
            yield
        finally:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            self._emulate("", [])

    def _emulate(self, media: str, features: list[Mapping[str, str]]) -> None:
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def draw_all(page: Browser) -> list[str]:
    """Go through all charts of the page, so that they are drawn; their names."""
    names = [
        f"{figure.get_attribute('data-figure')}/{figure.get_attribute('data-subject')}"
        for figure in page.all("figure.chart")
    ]
    for name in names:
        page.show(name)
    return names


def everything_fits(page: Browser, width: int) -> None:
    assert page.run(TOO_WIDE) == []
    assert page.run("return document.documentElement.scrollWidth") <= width


__all__ = ["PHONE", "Browser", "Keys", "draw_all", "everything_fits", "missing", "skip_without_browser"]
