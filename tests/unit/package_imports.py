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
    digest_of: str | None  # the script that its digest begins with; None: it has no digest


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
            digest = re.search(r'code=.*(?:code_of|code_digest)\(\s*"(\w+)"', body)
            folder = file.parent
            script, environment = (folder / script[1]).resolve(), (folder / environment[1]).resolve()
            found.append(Rule(name, script, environment, digest and digest[1]))
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


@dataclass(frozen=True, order=True)
class Arrow:
    """One import: a module, a line of it, and what it imports."""

    source: str
    file: str
    line: int
    target: str
    is_for_types: bool = False  # below `if TYPE_CHECKING`, and never run

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.source} -> {self.target}"


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Each module of the package by its dotted name; of a package, its __init__.py."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows(package: Path = PACKAGE) -> list[Arrow]:
    """Every import of every module, inside functions too. Of `from a import b`: a.b if that is a module, else a."""
    there = modules(package)
    found = []
    for name, path in there.items():
        file = str(path.relative_to(package.parent))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        checks = [
            node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ]
        for_types = {id(inside) for check in checks for inside in ast.walk(check)}
        for node in ast.walk(tree):
            targets = []
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}:{node.lineno}: relative imports are not followed"
                parts = [f"{node.module}.{alias.name}" for alias in node.names]
                targets = [part if part in there else node.module for part in parts]
            found += [
                Arrow(name, file, node.lineno, target, id(node) in for_types) for target in dict.fromkeys(targets)
            ]
    return found


def circles(found: list[Arrow]) -> list[str]:
    """Modules that import each other in turn, one line a circle. Types may refer to each other."""
    after: dict[str, list[str]] = {}
    for arrow in sorted(arrow for arrow in found if not arrow.is_for_types):
        after.setdefault(arrow.source, []).append(arrow.target)
    done: set[str] = set()
    lines = []

    def visit(name: str, behind: list[str]) -> None:
        if name in behind:
            lines.append(" -> ".join([*behind[behind.index(name) :], name]))
        elif name not in done:
            for target in after.get(name, []):
                visit(target, [*behind, name])
            done.add(name)

    for name in sorted(after):
        visit(name, [])
    return lines


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
