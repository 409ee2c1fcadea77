"""The order of the packages: data flows down the list, and no module imports from below itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from package_imports import Arrow, arrows, circles, modules

# DESIGN's layout. Names of one line stand on one level, where only circles are forbidden.
ORDER = (
    ("errors", "addresses", "cells", "constants", "layers", "metrics", "progress", "seeds", "spans", "workers"),
    ("files",),
    ("corpus",),
    ("alignments",),
    ("sampling",),
    ("segments",),
    ("models",),
    ("representations",),
    ("targets",),
    ("scoring",),
    ("probes",),
    ("tables",),
    ("figures",),
    ("experiment",),
    ("demo",),
)
LEVELS = {name: level for level, names in enumerate(ORDER) for name in names}
# The public ways in, which hand on what lies anywhere, and only when it is asked for.
SEAMS = {"layerwise", "layerwise.cca", "layerwise.features", "layerwise.measures"}

# What only these packages import.
USERS_OF_TORCH = frozenset({"models", "representations", "probes", "demo"})
ONLY_IN = {
    **dict.fromkeys(("torch", "transformers", "safetensors"), USERS_OF_TORCH),
    **dict.fromkeys(("altair", "vl_convert"), frozenset({"figures", "demo"})),
    "itables": frozenset(),  # only the files that it brings are used
}
NEVER_IN_SCORING = ("pandas", "torch", "transformers")


def package_of(module: str) -> str:
    """Of layerwise.files.locks: files."""
    return [*module.split("."), ""][1]


def against_the_order(found: list[Arrow]) -> list[str]:
    """Arrows from a package to one that comes after it."""
    return [
        str(arrow)
        for arrow in found
        if arrow.source not in SEAMS
        and arrow.target.split(".")[0] == "layerwise"
        and arrow.target not in SEAMS
        and LEVELS[package_of(arrow.source)] < LEVELS[package_of(arrow.target)]
    ]


def from_elsewhere(found: list[Arrow]) -> list[str]:
    """Arrows to libraries that have no business where they start."""
    wrong = []
    for arrow in found:
        library, package = arrow.target.split(".")[0], package_of(arrow.source)
        if (
            library == "snakemake"
            or package not in ONLY_IN.get(library, {package})
            or (package == "scoring" and library in NEVER_IN_SCORING)
        ):
            wrong.append(str(arrow))
    return wrong


def written(folder: Path, files: dict[str, str]) -> list[Arrow]:
    """The arrows of a package `layerwise` of these files."""
    for name, text in files.items():
        path = folder / "layerwise" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return arrows(folder / "layerwise")


def test_every_package_has_its_place():
    assert sorted({package_of(name) for name in modules() if name not in SEAMS} - set(LEVELS)) == []


def test_no_package_imports_one_that_comes_after_it():
    found = arrows()
    assert len(found) > 500
    assert against_the_order(found) == []


def test_nothing_outside_demo_imports_demo():
    found = [arrow for arrow in arrows() if package_of(arrow.target) == "demo" and package_of(arrow.source) != "demo"]
    assert [str(arrow) for arrow in found if arrow.target.startswith("layerwise.")] == []


def test_libraries_stay_where_they_belong():
    assert from_elsewhere(arrows()) == []


def test_no_modules_import_each_other():
    assert circles(arrows()) == []


# A test of the tests

GOOD = {"errors.py": "", "files/locks.py": "from layerwise.errors import shown\n", "scoring/folds.py": "import numpy\n"}


def test_a_package_in_order_has_nothing_wrong(tmp_path):
    found = written(tmp_path, GOOD)
    assert {(arrow.source, arrow.target) for arrow in found} >= {("layerwise.files.locks", "layerwise.errors")}
    assert (against_the_order(found), from_elsewhere(found), circles(found)) == ([], [], [])


@pytest.mark.parametrize(
    "line",
    [
        "from layerwise.scoring.folds import fold",
        "from layerwise.scoring import folds",
        "import layerwise.scoring.folds",
        "def late():\n    from layerwise.scoring import folds",
        "if True:\n    import layerwise.scoring.folds as folds",
    ],
)
def test_an_arrow_against_the_order_is_named(tmp_path, line):
    found = written(tmp_path, GOOD | {"files/locks.py": f"import os\n{line}\n"})
    (wrong,) = against_the_order(found)
    number = 3 if line[:2] in ("de", "if") else 2
    assert wrong == f"layerwise/files/locks.py:{number} layerwise.files.locks -> layerwise.scoring.folds"


@pytest.mark.parametrize(
    ("file", "library"),
    [
        ("scoring/folds.py", "pandas"),
        ("scoring/folds.py", "torch"),
        ("tables/scores.py", "transformers"),
        ("files/locks.py", "torch"),
        ("tables/scores.py", "altair"),
        ("scoring/folds.py", "vl_convert"),
        ("figures/report.py", "itables"),
        ("demo/units.py", "snakemake"),
    ],
)
def test_a_library_out_of_place_is_named(tmp_path, file, library):
    (wrong,) = from_elsewhere(written(tmp_path, GOOD | {file: f"def late():\n    import {library}\n"}))
    assert wrong == f"layerwise/{file}:2 layerwise.{file[:-3].replace('/', '.')} -> {library}"


def test_a_circle_is_named(tmp_path):
    files = {"files/one.py": "from layerwise.files import two\n", "files/two.py": "import layerwise.files.three\n"}
    found = written(tmp_path, GOOD | files | {"files/three.py": "def late():\n    from layerwise.files.one import x\n"})
    one, two, three = (f"layerwise.files.{name}" for name in ("one", "two", "three"))
    assert circles(found) == [" -> ".join([one, two, three, one])]


def test_types_may_refer_to_each_other(tmp_path):
    lines = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from layerwise.files.two import Two\n"
    found = written(tmp_path, GOOD | {"files/one.py": lines, "files/two.py": "from layerwise.files.one import One\n"})
    assert circles(found) == []


def test_each_import_of_the_package_is_of_something_that_is_there():
    """Lazily imported names too: an edit of a name would show only when the line runs."""
    there = set(modules()) | {"layerwise"}
    packages = {name.rpartition(".")[0] for name in there}
    wanted = {arrow.target for arrow in arrows() if arrow.target.startswith("layerwise")}
    assert sorted(wanted - there - packages) == []
