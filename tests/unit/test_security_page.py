"""docs/security.md says every limit, as the code has it."""

import ast
import re
from pathlib import Path

from layerwise.constants import SAMPLE_RATE
from layerwise.files.shipped import ROOT


def limits_of_the_code() -> list[tuple[str, int]]:
    found = []
    for path in sorted(Path(ROOT, "workflow/layerwise").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Limit":
                name, default, _unit = (ast.unparse(argument) for argument in node.args)
                found.append((ast.literal_eval(name), eval(default, {"SAMPLE_RATE": SAMPLE_RATE})))
    return found


def test_no_two_limits_have_one_name():
    names = [name for name, _ in limits_of_the_code()]
    assert len(names) == len(set(names)) > 30


def test_the_page_has_every_limit():
    page = Path(ROOT, "docs/security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(LAYERWISE_MAX_\w+)` \| ([0-9,]+)", page, re.MULTILINE)
    assert sorted((name, int(number.replace(",", ""))) for name, number in rows) == sorted(limits_of_the_code())
