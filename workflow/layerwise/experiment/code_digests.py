"""Which code made a result: Snakemake sees edits of a script, but not of the modules that the script imports."""

from __future__ import annotations

import ast
import functools
import gc
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from layerwise.files.plain_files import open_plain

PACKAGE = Path(__file__).resolve().parents[1]

# What makes no result: how errors read, how far a job is, where files lie and how they get there, how a job starts.
INFRASTRUCTURE = (
    *("layerwise.errors", "layerwise.progress", "layerwise.addresses", "layerwise.files", "layerwise.experiment.job"),
    "layerwise.models.families",  # a list of names: a model counts the module of its own family
)


def code_digest(script: str, modules: Iterable[str] = ()) -> str:
    """A short digest of all that a script of workflow/scripts imports from this package, directly and in turn.

    Only what code means counts: comments, docstrings and layout do not change it. Infrastructure does not count, and
    neither does the script itself: Snakemake sees its edits.

    Args:
        script: its name, which is that of its rule, such as `score_layers`.
        modules: dotted names of more modules, such as those of a model's family, which are imported by name.

    Raises:
        FileNotFoundError: there is no such script or module.
    """
    digest = hashlib.sha256()
    for name, path in sorted(code_behind(script, modules).items()):
        digest.update(name.encode() + _parsed(path.read_text(encoding="utf-8")).meaning)
    return digest.hexdigest()[:12]


def code_behind(script: str, modules: Iterable[str] = ()) -> dict[str, Path]:
    """The modules that count in a digest, by their dotted names."""
    waiting = _imported(PACKAGE.parent / "scripts" / f"{script}.py")
    for name in modules:
        if _path(name) is None:
            raise FileNotFoundError(f"{name} is no module of {PACKAGE}")
        waiting.append(name)
    found: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if path is not None and name not in found and not _is_infrastructure(name):
            found[name] = path
            waiting += _imported(path)
    return {name: path for name, path in found.items() if not _is_empty(path)}


def file_digest(path: Path) -> str:
    """A short digest of what is in a file that code reads, such as a template."""
    with open_plain(path) as file:
        return hashlib.sha256(file.read()).hexdigest()[:12]


def folder_digest(folder: Path) -> str:
    """A short digest of the files below a folder, their sizes and ages; Snakemake sees the age of the top only."""
    found = sorted((str(path.relative_to(folder)), path.stat()) for path in Path(folder).rglob("*") if path.is_file())
    listed = [(name, status.st_size, status.st_mtime_ns) for name, status in found]
    return hashlib.sha256(repr(listed).encode()).hexdigest()[:12]


def _is_infrastructure(name: str) -> bool:
    # The package itself holds its version, and names that it hands on to whoever imports it as a library.
    return name == "layerwise" or any(name == part or name.startswith(f"{part}.") for part in INFRASTRUCTURE)


def _is_empty(path: Path) -> bool:
    """Whether it is the mark of a package, with nothing in it but words."""
    return path.name == "__init__.py" and _parsed(path.read_text(encoding="utf-8")).meaning in (b"", b"pass")


def _path(name: str) -> Path | None:
    """The file of a module, or of a package; None: it is neither."""
    path = PACKAGE.parent / name.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _imported(path: Path) -> list[str]:
    """What may be modules among all that a file imports, and the packages that they are in.

    A package is asked only for what it imports by itself, and not for what it hands on when somebody asks for a name.
    """
    parsed = _parsed(path.read_text(encoding="utf-8"))
    return list(parsed.at_once if path.name == "__init__.py" else parsed.at_once + parsed.later)


@dataclass(frozen=True)
class _Parsed:
    """What a file imports when it is imported itself, what its functions import, and what it does.

    The last is text that comments, docstrings and layout leave alone.
    """

    at_once: tuple[str, ...]
    later: tuple[str, ...]
    meaning: bytes


@functools.cache  # by the text, as most modules are behind many rules
def _parsed(text: str) -> _Parsed:
    with _no_collections():
        tree = ast.parse(text)
    names: dict[bool, list[str]] = {False: [], True: []}
    for node, is_later in _blocks(tree, False):
        if isinstance(node, ast.Import):
            names[is_later] += [part for alias in node.names for part in _with_packages(alias.name)]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names[is_later] += [f"{node.module}.{alias.name}" for alias in node.names] + _with_packages(node.module)
        body: list[ast.stmt] | None = getattr(node, "body", None)
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body[:] = body[1:] or [ast.Pass()]
    at_once, later = (tuple(n for n in names[key] if n.startswith("layerwise.")) for key in (False, True))
    # Unparsed: unlike a dump, the same text in every version of Python.
    return _Parsed(at_once, later, ast.unparse(tree).encode())


def _with_packages(name: str) -> list[str]:
    """layerwise.files.locks, layerwise.files, layerwise."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


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


def _blocks(node: ast.AST, is_later: bool) -> Iterator[tuple[ast.AST, bool]]:
    """A module and its statements, those inside others too, and whether they are a function's.

    Expressions, which are many, hold none; and what is there for a type checker alone is never run.
    """
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node, is_later
    is_later = is_later or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        inside = getattr(node, name, None)
        for statement in inside if isinstance(inside, list) else ():
            yield from _blocks(statement, is_later)
