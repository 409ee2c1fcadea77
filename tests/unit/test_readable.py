"""What a stranger can read at one go: short modules, rule files that say what comes in and goes out, plain scripts."""

from __future__ import annotations

import ast
import re

import pytest

from package_imports import PACKAGE, ROOT

WORKFLOW = ROOT / "workflow"
MODULES = sorted(PACKAGE.rglob("*.py"))
RULE_FILES = sorted([*WORKFLOW.glob("*/*.smk"), WORKFLOW / "pretraining/Snakefile"])
SCRIPTS = sorted((WORKFLOW / "scripts").glob("*.py"))
LOGIC = (ast.If, ast.For, ast.While, ast.Try, ast.FunctionDef, ast.ClassDef, ast.Lambda)


def name(path) -> str:
    return str(path.relative_to(WORKFLOW))


def lines(path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_has_at_most_400_lines_and_says_what_it_holds(path):
    assert lines(path) <= 400
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", RULE_FILES, ids=name)
def test_a_rule_file_has_at_most_200_lines(path):
    assert lines(path) <= 200


@pytest.mark.parametrize("path", [path for path in RULE_FILES if path.parent.name == "rules"], ids=name)
def test_a_rule_file_begins_with_what_comes_in_and_what_goes_out(path):
    (head,) = re.findall(r"\A((?:#.*\n)+)", path.read_text(encoding="utf-8"))
    assert re.search(r"^# In:  \S", head, re.MULTILINE)
    assert re.search(r"^# Out: \S", head, re.MULTILINE)


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_calls_the_package_and_computes_nothing(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, LOGIC)] == []
    (block,) = [node for node in tree.body if isinstance(node, ast.With)]
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) for node in block.body)
