"""What a Python file imports, read from its source and without help of the package."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "workflow" / "layerwise"


@dataclass(frozen=True)
class Rule:
    """A rule of the workflow, as its file says."""

    name: str
    script: Path
    environment: Path
    digest_of: tuple[str, ...]  # modules named in code_digest


def _bodies(text: str) -> list[tuple[str, str]]:
    """Name and body of each rule, those inside a condition too."""
    found = re.findall(r"^( *)(?:rule|checkpoint) (\w+):\n((?:(?:\1 .*)?\n)+)", text, re.MULTILINE)
    return [(name, body) for _, name, body in found]


def rules() -> list[Rule]:
    found = []
    for file in [*sorted((ROOT / "workflow/rules").glob("*.smk")), ROOT / "workflow/pretraining/Snakefile"]:
        for name, body in _bodies(file.read_text()):
            script = re.search(r'script:\s+"(.+)"', body)
            if script is None:  # a target rule
                continue
            environment = re.search(r'conda:\s+"(.+)"', body)
            digest = re.search(r"code=(?:lambda wildcards: )?code_digest\(([^)]*)\)", body)
            modules = tuple(re.findall(r'"([\w.]+)"', digest[1])) if digest else ()
            folder = file.parent
            found.append(Rule(name, (folder / script[1]).resolve(), (folder / environment[1]).resolve(), modules))
    return found


def imported(path: Path) -> set[str]:
    """Dotted names of all that a file imports, inside functions too; of `from a import b` both a and a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not followed"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module_path(name: str) -> Path | None:
    path = PACKAGE.parent / (name.replace(".", "/") + ".py")
    return path if name.startswith("layerwise.") and path.is_file() else None


def closure(paths: set[Path]) -> set[Path]:
    """Files of the package that these files import, in turn; themselves too."""
    found, waiting = set(), set(paths)
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= {inside for name in imported(path) if (inside := module_path(name))} - found
    return found
