"""Without torch the tests run that need none: for other Pythons than the oldest, torch may be gigabytes."""

from __future__ import annotations

import pytest

LARGE = ("torch", "transformers")


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
