"""What lies in the folder of an experiment and is of nothing that it still asks for."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

_OF_TASKS = ("probes", "tasks")  # folders with a folder for each task
_SPLITS = "splits"  # of corpora, beside those of tasks


def left_of_tasks(results: Path, tasks: Collection[str]) -> list[Path]:
    """Folders of tasks that the experiment no longer has: no job makes, reads or deletes what lies in them.

    Args:
        results: results/<experiment>.
        tasks: that the experiment has.
    """
    return [
        folder
        for kind in _OF_TASKS
        for folder in sorted((results / kind).glob("*/"))
        if folder.name not in tasks and (kind, folder.name) != ("tasks", _SPLITS)
    ]
