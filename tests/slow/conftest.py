"""The longest of the long tests begin first."""

import pytest

# So that no process waits for another at the end. All others take less than a minute.
LONGEST = ("test_slurm", "test_faults", "test_demo", "test_honesty", "test_pretraining", "test_storage", "test_probes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))
