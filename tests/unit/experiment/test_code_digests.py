"""Which edits a rule notices."""

from __future__ import annotations

import ast

import pytest

from layerwise.experiment import code_digests
from layerwise.experiment.code_digests import code_digest
from package_imports import PACKAGE, closure, imported, module_path, rules

# How a script talks to its log is no part of a result, nor is a check of what was fetched.
FILES = ("downloads", "download_notes", "integrity", "links", "locks", "disk_space")
APART = ("errors", "addresses", "experiment/job", *(f"files/{name}" for name in FILES))
NO_RESULT = {PACKAGE / f"{name}.py" for name in APART}
# What they fetch is fixed by address, revision and checksum: an edit of the code is no reason to fetch it again.
FETCHING = {"fetch_archive", "lend_audio", "fetch_model", "fetch_original"}

RULES = {rule.name: rule for rule in rules()}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `layerwise` of four modules: top imports middle, which imports bottom in a function; other is apart."""
    folder = tmp_path / "layerwise"
    folder.mkdir()
    monkeypatch.setattr(code_digests, "PACKAGE", folder)
    (folder / "__init__.py").write_text("")
    (folder / "top.py").write_text("from layerwise.middle import f\nimport os\n")
    (folder / "middle.py").write_text('"""Words."""\n\ndef f():\n    import layerwise.bottom\n    return 1\n')
    (folder / "bottom.py").write_text("x = 1\n")
    (folder / "other.py").write_text("x = 1\n")
    return folder


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("top", "import os", "import os, sys"),
        ("middle", "return 1", "return 2"),
        ("bottom", "x = 1", "x = 2"),
        ("bottom", "x = 1", "x = 1.0"),
        ("bottom", "x = 1", "y = 1"),
    ],
)
def test_code_counts_directly_and_through_imports(package, module, before, after):
    first = code_digest("layerwise.top")
    path = package / f"{module}.py"
    changed = path.read_text().replace(before, after)
    assert changed != path.read_text()
    path.write_text(changed)
    assert code_digest("layerwise.top") != first


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return 1", "return 1  # one"),
        ('"""Words."""', '"""Other words,\n\nand more.\n"""'),
        ("def f():\n", "\n\ndef f():\n\n"),
        ("return 1", "return (\n        1\n    )"),
    ],
)
def test_words_and_layout_do_not_count(package, before, after):
    first = code_digest("layerwise.top")
    path = package / "middle.py"
    changed = path.read_text().replace(before, after)
    assert changed != path.read_text()
    path.write_text(changed)
    assert code_digest("layerwise.top") == first


def test_new_docstring_does_not_count(package):
    first = code_digest("layerwise.top")
    path = package / "middle.py"
    path.write_text(path.read_text().replace("def f():\n", 'def f():\n    """One."""\n'))
    assert '"""One."""' in path.read_text()
    assert code_digest("layerwise.top") == first


def test_module_that_is_not_imported_does_not_count(package):
    first = code_digest("layerwise.top")
    (package / "other.py").write_text("x = 2\n")
    assert code_digest("layerwise.top") == first
    assert code_digest("layerwise.top", "layerwise.other") != first


@pytest.mark.parametrize(
    "line", ["from layerwise import other", "import layerwise.other", "from layerwise.other import x"]
)
def test_every_way_to_import_is_followed(package, line):
    (package / "top.py").write_text(f"{line}\n")
    first = code_digest("layerwise.top")
    (package / "other.py").write_text("x = 2\n")
    assert code_digest("layerwise.top") != first


def test_circles_end(package):
    (package / "bottom.py").write_text("from layerwise import top\n")
    assert code_digest("layerwise.top") == code_digest("layerwise.bottom")


def test_order_and_repetition_do_not_count(package):
    assert code_digest("layerwise.top", "layerwise.other") == code_digest(*["layerwise.other", "layerwise.top"] * 2)


def test_unknown_module_is_refused(package):
    with pytest.raises(FileNotFoundError, match=r"layerwise\.nothing"):
        code_digest("layerwise.nothing")


def test_a_digest_is_short_and_stable():
    assert code_digest("layerwise.scoring.measures.cca") == code_digest("layerwise.scoring.measures.cca")
    assert len(code_digest("layerwise.scoring.measures.cca")) == 12


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_package_has_no_relative_import(path):
    """Neither the digest nor these tests would follow them."""
    nodes = ast.walk(ast.parse(path.read_text()))
    assert [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level] == []


def test_rules_are_found():
    assert len(RULES) >= 15
    scripts = {path.stem for path in (PACKAGE.parent / "scripts").glob("*.py")}
    assert {rule.script.stem for rule in RULES.values()} == scripts


@pytest.mark.parametrize("name", RULES)
def test_rule_and_script_share_their_name(name):
    assert RULES[name].script.stem == name.replace("_split_", "_")  # splits that tasks use are indexed likewise


@pytest.mark.parametrize("name", sorted(set(RULES) - FETCHING))
def test_digest_of_a_rule_covers_what_its_script_imports(name):
    rule = RULES[name]
    used = closure({rule.script}) - {rule.script} - NO_RESULT
    covered = closure({module_path(module) for module in rule.digest_of})
    assert used
    assert sorted(path.stem for path in used - covered) == []


def test_score_jobs_import_little():
    """A start costs more than most scores."""
    used = {name.split(".")[0] for path in closure({RULES["score_layers"].script}) for name in imported(path)}
    assert not used & {"pandas", "torch", "transformers", "scipy", "matplotlib"}


def test_folder_digest_sees_files_at_any_depth(tmp_path):
    """Snakemake sees the age of the top folder only."""
    folder = tmp_path / "audio"
    deep = folder / "84" / "121123"
    deep.mkdir(parents=True)
    (deep / "84-121123-0000.flac").write_bytes(b"one")
    before = code_digests.folder_digest(folder)
    assert code_digests.folder_digest(folder) == before
    (deep / "84-121123-0001.flac").write_bytes(b"two")
    added = code_digests.folder_digest(folder)
    (deep / "84-121123-0000.flac").write_bytes(b"another")
    assert len({before, added, code_digests.folder_digest(folder)}) == 3
