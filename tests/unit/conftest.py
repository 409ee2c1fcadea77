"""What holds for every test of a unit: examples may take their time, and without torch those run that need none."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from hypothesis import settings

settings.register_profile("patient", deadline=None)  # a busy machine is no fault
settings.load_profile("patient")


@pytest.fixture
def progress(monkeypatch, caplog) -> Callable[[], list[str]]:
    """Lets long work say after each step how far it is; gives what has been said, up to the speed."""
    monkeypatch.setenv("LAYERWISE_PROGRESS_SECONDS", "0")
    caplog.set_level(logging.INFO, "layerwise.progress")

    def said() -> list[str]:
        lines = [record.getMessage() for record in caplog.records if record.name == "layerwise.progress"]
        return [line.partition("),")[0] + ")" for line in lines]

    return said


LARGE = ("torch", "transformers")  # gigabytes; on Pythons but the oldest, CI does without them


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """A module of tests that imports one of them is skipped where it is not installed."""
    report = yield
    for name in LARGE:
        if report.failed and f"ModuleNotFoundError: No module named '{name}'" in str(report.longrepr):
            report.outcome, report.longrepr = "skipped", (str(collector.path), 0, f"Skipped: {name} is not installed")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """So is a test, or its fixtures."""
    report = yield
    error = call.excinfo and call.excinfo.value
    if isinstance(error, ModuleNotFoundError) and error.name in LARGE:
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, f"Skipped: {error.name} is not installed")
    return report
