"""Do the tests see a fault? python tests/benchmarks/mutants.py MODULE[:FUNCTION]… [--sample N] [--seed S].

Makes one small fault (a mutant) at a time in a module of the package and runs the tests that execute its line. A mutant
that no test sees is printed: a test is missing, or the mutant changes nothing that the code promises. Those known to
change nothing stand with their reasons in mutants.yaml and are counted apart. Each mutant is one of these:

    comparisons (boundary, negation), arithmetic, signs, numbers (whole ones ± 1, others × 10 and / 10), True/False,
    and/or/not, conditions negated, filters of comprehensions dropped, statements deleted (raise and yield too), values
    of return, bounds of slices dropped, neighbouring arguments exchanged, keyword arguments dropped, min/max and the
    like.

Texts of messages and of the log, annotations and decorators are left alone.

Why not cosmic-ray or mutmut? cosmic-ray (8.7) starts a process for each mutant, which imports numpy, scipy, pandas and
pytest each time, and runs all tests up to the first that fails. mutmut (3.8) forks, but mutates only what stands in
functions without decorators, so neither the tolerances nor the properties, and deletes no statements. Here the
libraries are imported once, each mutant is a fork of that process, and only tests that execute the mutated line run,
the fastest first. Examples of hypothesis are always the same and few, and failing ones are not made smaller.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib
import io
import itertools
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: threads do not survive a fork

import pytest
import yaml
from hypothesis import Phase, settings

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "workflow" / "layerwise"
UNIT = REPOSITORY / "tests" / "unit"
EXAMPLES = 20  # of each test of hypothesis
AROUND = 30  # characters shown on either side of a change
MEMORY = 8 * 2**30  # bytes that a mutant may take
# Tests that check what a module does, beside those of its name; a module may have these alone.
MORE_TESTS = {
    "scoring/measures/cca": ["scoring/published_procedure"],
    "scoring/measures/ridge": ["scoring/measures/cca"],
    "scoring/measures/held_out": ["scoring/measures/cca"],
    "scoring/measures/jackknife": ["scoring/measures/cca"],
    "scoring/measures/passes": ["scoring/measures/moments"],
    "scoring/chance": ["scoring/score"],
    "scoring/rows": ["scoring/score"],
    "tables/curves": ["tables/comparison", "tables/model_pairs"],
    "probes/heads": ["probes/train"],
    "tables/recommendations": ["figures/report"],
    "tables/scores": ["files/own_files", "tables/comparison"],
    "tables/trends": ["tables/scores"],
    "tables/best_layers": ["tables/scores"],
    "tables/samples": ["tables/scores"],
    "tables/claims": ["tables/findings"],
}

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
SYMMETRIC = {"max", "min", "maximum", "minimum", "hypot", "logical_and", "logical_or"}
PAIRS = [("min", "max"), ("any", "all"), ("floor", "ceil"), ("argmin", "argmax"), ("logical_and", "logical_or")]
OPPOSITE = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}


@dataclass(frozen=True)
class Mutant:
    """One fault: `parent.field[index]` (or `parent.field`) becomes `node`.

    Attributes:
        where: the function or constant around it, with the name of its class; empty in none.
        line: of the file; lines: the first and the last one whose execution makes a test see it.
        change: the statement about the place that changes, `left «before → after» right`.
    """

    where: str
    line: int
    lines: tuple[int, int]
    change: str
    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST

    def apply(self) -> None:
        """Change the tree that it was made from."""
        _put(self.node, self.parent, self.field, self.index)


# --- faults --------------------------------------------------------------------------------------------------------


def mutants_of(tree: ast.Module) -> list[Mutant]:
    """All mutants of a module, in the order of its lines."""
    return list(_inside(tree, _Place("", (1, sys.maxsize), frozenset(), None)))


@dataclass(frozen=True)
class _Place:
    where: str
    lines: tuple[int, int]
    rebound: frozenset[str]  # names without one of whose statements the function goes on
    statement: ast.stmt | None


def _inside(parent: ast.AST, place: _Place) -> Iterator[Mutant]:
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list", "type_comment"):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or _is_left_alone(node):
                continue
            inner = _place_of(node, parent, place) if isinstance(node, ast.stmt) else place
            before = _line(inner.statement)
            line = getattr(node, "lineno", inner.statement.lineno)
            for other in _variants(node, parent, field, inner.rebound):
                _put(other, parent, field, index)
                after = _line(other if node is inner.statement else inner.statement)
                _put(node, parent, field, index)
                if after != before:
                    yield Mutant(inner.where, line, inner.lines, _change(before, after), parent, field, index, other)
            yield from _inside(node, inner)


def _put(node: ast.AST, parent: ast.AST, field: str, index: int | None) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _place_of(node: ast.stmt, parent: ast.AST, outer: _Place) -> _Place:
    """Where a statement is. What runs when the module is imported is seen by every test."""
    where, lines, rebound = outer.where, outer.lines, outer.rebound
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}".lstrip(".")
    elif isinstance(parent, ast.Module) and isinstance(node, ast.Assign):
        where = ast.unparse(node.targets[0])
    if isinstance(node, ast.FunctionDef):
        lines, rebound = (node.lineno, node.end_lineno), _bound_twice(node)
    elif not isinstance(parent, ast.Module | ast.ClassDef) and not isinstance(node, ast.ClassDef):
        body = getattr(node, "body", None)
        lines = node.lineno, max(node.lineno, body[0].lineno - 1 if body else node.end_lineno)
    return _Place(where, lines, rebound, node)


def _line(statement: ast.stmt) -> str:
    """A statement in one line, of a compound one its head."""
    if hasattr(statement, "body"):
        statement = copy.copy(statement)
        statement.body, statement.orelse, statement.decorator_list = [ast.Pass()], [], []
        return " ".join(ast.unparse(statement).split()).removesuffix(" pass")
    return " ".join(ast.unparse(statement).split())


def _change(before: str, after: str) -> str:
    """What differs between two lines, with some of what stands around it."""
    if after == "pass":
        return f"«{before} → deleted»"
    left = _alike(before, after)
    while left and re.match(r"[\w.]", before[left - 1]):
        left -= 1
    right = _alike(before[left:][::-1], after[left:][::-1])
    while right and re.match(r"[\w.]", before[-right]):
        right -= 1
    old, new = before[left : len(before) - right], after[left : len(after) - right]
    return f"{before[:left][-AROUND:]}«{old} → {new}»{before[len(before) - right :][:AROUND]}"


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        if isinstance(node.value, ast.Constant):  # a docstring
            return True
        call = node.value
        return isinstance(call, ast.Call) and ast.unparse(call.func).startswith("log.")
    return isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )


def _bound_twice(function: ast.FunctionDef) -> frozenset[str]:
    """Names that a function binds more than once, or takes: without one of the statements it goes on."""
    bound = [node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    taken = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
    return frozenset(taken | {name for name in bound if bound.count(name) > 1})


def _variants(node: ast.AST, parent: ast.AST, field: str, rebound: frozenset[str]) -> Iterator[ast.AST]:
    """What may stand in place of a node."""

    def changed(**fields) -> ast.AST:
        other = copy.copy(node)
        for name, value in fields.items():
            setattr(other, name, value)
        return other

    def exchanged(values: list, index: int, value) -> list:
        return [*values[:index], value, *values[index + 1 :]]

    match node:
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                for other in COMPARISONS[type(operator)]:
                    yield changed(ops=exchanged(node.ops, index, other()))
        case ast.BinOp() | ast.AugAssign() if type(node.op) in ARITHMETIC:
            yield changed(op=ARITHMETIC[type(node.op)]())
        case ast.BoolOp():
            yield changed(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.UnaryOp():
            yield node.operand
        case ast.Constant(value=bool()):
            yield changed(value=not node.value)
        case ast.Constant(value=int() | float()):
            whole = float(node.value).is_integer()
            yield from (changed(value=v) for v in _numbers(node.value, whole))
        case ast.Return(value=ast.expr()) if ast.unparse(node.value) != "None":
            yield changed(value=ast.Constant(None))
        case ast.Slice():
            for bound in ("lower", "upper", "step"):
                if getattr(node, bound) is not None:
                    yield changed(**{bound: None})
        case ast.Call():
            symmetric = ast.unparse(node.func).split(".")[-1] in SYMMETRIC
            for index in range(0 if symmetric else len(node.args) - 1):
                pair = node.args[index : index + 2]
                if not any(isinstance(argument, ast.Starred | ast.JoinedStr) for argument in pair):
                    yield changed(args=[*node.args[:index], *pair[::-1], *node.args[index + 2 :]])
            for index, keyword in enumerate(node.keywords):
                if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool):
                    continue  # it becomes the other
                yield changed(keywords=node.keywords[:index] + node.keywords[index + 1 :])
        case ast.Name(ctx=ast.Load()) if node.id in OPPOSITE:
            yield changed(id=OPPOSITE[node.id])
        case ast.Attribute(ctx=ast.Load()) if node.attr in OPPOSITE:
            yield changed(attr=OPPOSITE[node.attr])
        case ast.comprehension() if node.ifs:
            for index in range(len(node.ifs)):
                yield changed(ifs=node.ifs[:index] + node.ifs[index + 1 :])
    if field == "test" and not isinstance(node, ast.Compare | ast.UnaryOp):
        yield ast.UnaryOp(ast.Not(), node)
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Continue | ast.Break | ast.Assert):
        yield ast.Pass()
    if isinstance(node, ast.Assign) and not isinstance(parent, ast.Module | ast.ClassDef):
        targets = [name for target in node.targets for name in ast.walk(target)]
        names = {name.id for name in targets if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        if names <= rebound:
            yield ast.Pass()


def _numbers(value: float, whole: bool) -> tuple:
    return (value + 1, value - 1) if whole else (float(f"{value * 10:.12g}"), float(f"{value / 10:.12g}"))


# --- runs of the tests ----------------------------------------------------------------------------------------------


class _Mutated(SourceFileLoader):
    """Finds and loads one module of the package, from a tree in place of its file."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        super().__init__(f"layerwise.{module.replace('/', '.')}", str(PACKAGE / f"{module}.py"))
        self.tree = ast.fix_missing_locations(tree)

    def find_spec(self, name: str, path=None, target=None):
        return spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname: str):
        return compile(self.tree, self.path, "exec", dont_inherit=True)


class _FewExamples:
    """A plugin of pytest: the same few examples of hypothesis in each run."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            function = getattr(item, "function", None)
            own = getattr(function, "_hypothesis_internal_use_settings", None)
            if own is not None:
                function._hypothesis_internal_use_settings = settings(
                    own,
                    max_examples=min(own.max_examples, EXAMPLES),
                    derandomize=True,
                    database=None,
                    deadline=None,
                    phases=(Phase.explicit, Phase.generate),
                )


class _Lines:
    """A plugin of pytest: which lines of one file each test executes, and how long it takes."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.tests: dict[str, dict] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        lines: set[int] = set()

        def of_line(frame, event, argument):
            if event == "line":
                lines.add(frame.f_lineno)
            return of_line

        def of_call(frame, event, argument):
            return of_line if frame.f_code.co_filename == self.path else None

        started = time.process_time()
        threading.settrace(of_call)
        sys.settrace(of_call)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            self.tests[item.nodeid] = {"lines": sorted(lines), "seconds": time.process_time() - started}


def _pytest(tests: list[str], folder: Path, *plugins) -> int:
    """Run tests in this process, in silence; the exit status."""
    options = ["-x", "-q", "-n0", "--no-header", "-p", "no:cacheprovider", "--basetemp", str(folder)]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return int(pytest.main([*options, *tests], plugins=[_FewExamples(), *plugins]))


def _fork(function, seconds: float) -> int | None:
    """The exit status of a function in a process of its own; None where it took too long."""

    def child() -> None:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os._exit(function())

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(6 * seconds)  # seconds are of computing; others may compute here too
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # and what its tests have started
    process.join()
    return None if process.exitcode in (-signal.SIGKILL, -signal.SIGXCPU) else process.exitcode


def baseline(module: str, files: list[str], folder: Path) -> dict:
    """What the tests do without a fault: the lines that each executes, its seconds, and what had to be imported."""
    told = folder / "baseline.json"

    def run() -> int:
        lines = _Lines(PACKAGE / f"{module}.py")
        status = _pytest(files, folder / "run", lines)
        own = {
            name.partition(".")[0]
            for name, known in list(sys.modules.items())
            if str(getattr(known, "__file__", None) or REPOSITORY).startswith(str(REPOSITORY))
        }
        imported = [name for name in list(sys.modules) if name.partition(".")[0] not in own]
        told.write_text(json.dumps({"tests": lines.tests, "imported": imported}), encoding="utf-8")
        return status

    if _fork(run, 600) != 0:
        raise SystemExit(f"{module}: {' '.join(files)} do not pass as they are")
    return json.loads(told.read_text(encoding="utf-8"))


def verdict(module: str, tree: ast.Module, mutant: Mutant, tests: dict[str, dict], folder: Path) -> str:
    """`killed`, `survived` or `timeout`."""
    first, last = mutant.lines
    mine = [name for name, test in tests.items() if any(first <= line <= last for line in test["lines"])]
    if not mine:
        return "survived"
    mine.sort(key=lambda name: tests[name]["seconds"])

    def run() -> int:
        mutant.apply()
        sys.meta_path.insert(0, _Mutated(module, tree))
        return _pytest(mine, folder / "run")

    status = _fork(run, 10 + 5 * sum(tests[name]["seconds"] for name in mine))
    shutil.rmtree(folder / "run", ignore_errors=True)
    return "timeout" if status is None else "survived" if status == 0 else "killed"


def _preload(names: list[str]) -> None:
    """Import libraries, so that no fork has to."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        for name in names:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _equivalent(module: str) -> set[tuple[str, str]]:
    """(where, change) of the mutants that change nothing, as mutants.yaml has them: reason → where → changes."""
    known = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")).get(module, {})
    return {(where, change) for places in known.values() for where, changes in places.items() for change in changes}


def run_module(name: str, sample: int | None, seed: int) -> None:
    """Print the survivors of a module, or of one function of it, and the counts."""
    module, _, function = name.partition(":")
    source = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    mutants = [m for m in mutants_of(tree) if not function or m.where.split(".")[-1] == function]
    if sample and sample < len(mutants):
        mutants = [mutants[i] for i in sorted(random.Random(seed).sample(range(len(mutants)), sample))]
    equivalent = _equivalent(module)
    paths = [Path(name) for name in (module, *MORE_TESTS.get(module, []))]
    files = [str(UNIT / path.with_name(f"test_{path.name}.py")) for path in paths]
    if len(files) > 1 and not Path(files[0]).exists():
        files = files[1:]
    if missing := [file for file in files if not Path(file).exists()]:
        raise SystemExit(f"{module}: there is no {', '.join(missing)} (MORE_TESTS)")
    counts = dict.fromkeys(("killed", "survived", "timeout", "equivalent"), 0)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        known = baseline(module, files, Path(folder))
        _preload(known["imported"])
        for mutant in mutants:
            if (mutant.where, mutant.change) in equivalent:
                counts["equivalent"] += 1
                continue
            found = verdict(module, tree, mutant, known["tests"], Path(folder))
            counts[found] += 1
            if found == "survived":
                print(f"{module}.py:{mutant.line}: {mutant.where}: {mutant.change}", flush=True)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    print(f"{name}: {len(mutants)} mutants: {told} ({time.monotonic() - started:.0f} s)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="+", metavar="MODULE[:FUNCTION]")
    parser.add_argument("--sample", type=int, help="mutants of each module, drawn at random (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    os.chdir(REPOSITORY)
    for name in arguments.modules:
        run_module(name, arguments.sample, arguments.seed)


if __name__ == "__main__":
    main()
