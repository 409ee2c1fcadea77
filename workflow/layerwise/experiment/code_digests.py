"""Which code made a result: Snakemake sees edits of a script, but not of the modules that the script imports."""

from __future__ import annotations

import ast
import functools
import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layerwise.files.plain_files import open_plain

PACKAGE = Path(__file__).resolve().parents[1]


def code_digest(*modules: str) -> str:
    """A short digest of modules of this package and of all that they import from it, in turn.

    Only what code means counts: comments, docstrings and layout do not change it.

    Args:
        modules: dotted names, such as `layerwise.scoring.measures.cca`.

    Raises:
        FileNotFoundError: there is no such module.
    """
    digest = hashlib.sha256()
    for path in sorted(_closure(modules)):
        digest.update(str(path.relative_to(PACKAGE)).encode() + _meaning(path))
    return digest.hexdigest()[:12]


def file_digest(path: Path) -> str:
    """A short digest of what is in a file that code reads, such as a template."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def folder_digest(folder: Path) -> str:
    """A short digest of the files below a folder, their sizes and ages; Snakemake sees the age of the top only."""
    found = sorted((str(path.relative_to(folder)), path.stat()) for path in Path(folder).rglob("*") if path.is_file())
    listed = [(name, status.st_size, status.st_mtime_ns) for name, status in found]
    return hashlib.sha256(repr(listed).encode()).hexdigest()[:12]


def _closure(modules: tuple[str, ...]) -> set[Path]:
    waiting, found = [_path(name) for name in modules], set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [_path(name) for name in _imports(path)]
    return found


def _path(module: str) -> Path:
    path = PACKAGE.parent / (module.replace(".", "/") + ".py")
    if not path.is_file():
        raise FileNotFoundError(f"{module} is no module of {PACKAGE}")
    return path


def _imports(path: Path) -> list[str]:
    """Modules of the package that a file imports, inside functions too."""
    names, _ = _parsed(path.read_text(encoding="utf-8"))
    return [name for name in names if (PACKAGE.parent / (name.replace(".", "/") + ".py")).is_file()]


def _meaning(path: Path) -> bytes:
    """What a file does, as text that comments, docstrings and layout leave alone."""
    _, meaning = _parsed(path.read_text(encoding="utf-8"))
    return meaning


@functools.cache  # by the text, as most modules are behind many rules
def _parsed(text: str) -> tuple[list[str], bytes]:
    """What may be imports from the package, and the meaning."""
    with _no_collections():
        tree = ast.parse(text)
    names = []
    for node in _blocks(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
        body = getattr(node, "body", None)
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            node.body = body[1:] or [ast.Pass()]
    # Unparsed: unlike a dump, the same text in every version of Python.
    return [name for name in names if name.startswith("layerwise.")], ast.unparse(tree).encode()


@contextmanager
def _no_collections() -> Iterator[None]:
    """A tree has so many objects, none of them garbage, that looking for garbage takes as long as parsing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _blocks(node: ast.AST) -> Iterator[ast.AST]:
    """A module and its statements, those inside others too; expressions, which are many, hold none."""
    yield node
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        inside = getattr(node, name, None)
        for statement in inside if isinstance(inside, list) else ():
            yield from _blocks(statement)
