"""Compiled code is kept where there is a place for it, and a package that nobody can write to works as well."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from synthetic_views import CHECKOUT

CODE = """
import numpy as np
from layerwise.scoring.measures.dtw import path_mean_distances
print(path_mean_distances([np.array([[0.0, 2.0], [2.0, 1.0]])])[0])
"""


@pytest.fixture
def package(tmp_path):
    """A package without compiled code, as it is installed."""
    shutil.copytree(
        CHECKOUT / "workflow/layerwise", tmp_path / "layerwise", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path / "layerwise"


def computed(package, home) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "XDG_", "PYTHON"))}
    environment = kept | {"PYTHONPATH": str(package.parent), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def compiled(folder) -> list:
    return list(folder.rglob("*.nbi"))


def test_compiled_code_is_kept_beside_the_package(package, tmp_path):
    assert computed(package, tmp_path / "home") == "0.5"
    assert len(compiled(package)) == 1  # of path means; sums were not asked for


def test_a_package_that_is_read_only_has_it_in_the_folder_of_the_user(package, tmp_path):
    (package / "scoring/measures/__pycache__").write_text("a file where the folder would be")
    assert computed(package, tmp_path / "home") == "0.5"
    assert not compiled(package)
    assert len(compiled(tmp_path / "home")) == 1


def test_where_nothing_can_be_written_each_process_compiles(package, tmp_path):
    (package / "scoring/measures/__pycache__").write_text("a file where the folder would be")
    (tmp_path / "home").write_text("a file where the folder would be")
    assert computed(package, tmp_path / "home") == "0.5"
    assert not compiled(tmp_path)
