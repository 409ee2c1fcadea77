"""The smoke experiment as a module of another workflow, as docs/another-workflow.md shows it: the same bytes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/another-workflow.md"


@pytest.fixture(scope="module")
def used(checkout, tmp_path_factory):
    """The folder of the results, and what the run said."""
    folder = tmp_path_factory.mktemp("module")
    (folder / "outer").mkdir()
    (folder / "results-go-here").mkdir()
    (snippet,) = re.findall(r"```python\n(module layerwise:.*?)```", PAGE.read_text(), re.DOTALL)
    assert snippet.count("/path/to/layerwise") == 1
    (folder / "outer/Snakefile").write_text(snippet.replace("/path/to/layerwise", str(checkout.root)))
    smoke = str(checkout / "resources/experiments/smoke.yaml")
    arguments = ["-s", "outer/Snakefile", "--directory", "results-go-here", "--cores", "2"]
    run = type(checkout)(folder).snakemake(*arguments, configfile=smoke)
    assert run.returncode == 0, run.output
    return folder / "results-go-here", run


def made(folder: Path) -> dict[str, bytes]:
    """What jobs have made, but for what says when, where and how; the report has a section of that."""
    unlike = {"logs", "benchmarks", "representations", "configuration.yaml", "versions.yaml"}
    files = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in unlike]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    found["report.html"] = re.sub(b'<section id="cite">.*?</section>', b"", found["report.html"], flags=re.DOTALL)
    return found


def test_all_results_are_the_same(used, smoke):
    found, expected = made(used[0] / "results/smoke"), made(smoke / "results/smoke")
    assert {"report.html", "tables/scores.csv", "plots/mel_depth.svg", "corpus/intervals.parquet"} < set(expected)
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


def test_its_own_rule_had_its_input(used, smoke):
    assert (used[0] / "best_layers.csv").read_bytes() == (smoke / "results/smoke/tables/best_layers.csv").read_bytes()


def test_handlers_that_it_calls_do_what_they_do(used):
    folder, _ = used
    assert "experiment: smoke" in (folder / "results/smoke/configuration.yaml").read_text()
    assert not (folder / "resources/corpora/demo/dev-clean/audio").exists()


def test_nothing_was_made_elsewhere(used, checkout):
    assert not (checkout / "results").exists()
    assert not (checkout / "resources/models").exists()
    assert sorted(path.name for path in used[0].parent.iterdir()) == ["outer", "results-go-here"]
