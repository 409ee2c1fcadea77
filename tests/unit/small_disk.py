"""A disk with little room on it."""

from __future__ import annotations

import shutil

from layerwise.files import disk_space


def small_disk(monkeypatch, free: int) -> None:
    """Let every disk have so many bytes free."""
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda path: usage._replace(free=free))
