"""Configurations of strangers: nothing in them is run, in no process, and what is wrong with them is one line."""

from __future__ import annotations

import re

import pytest
import yaml

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.files.shipped import ROOT

SMOKE = yaml.safe_load((ROOT / "resources/experiments/smoke.yaml").read_text())
SAVED = yaml.safe_dump(read_experiment(yaml.safe_load((ROOT / "config.yaml").read_text()), SMOKE).config)
RUN = "?__import__('pathlib').Path('ran').touch() or 1"
EXPRESSIONS = {
    "a value": f'__use_yte__: true\nstrict: "{RUN}"\n',
    "a key": f'__use_yte__: true\n"?if {RUN[1:]}":\n  strict: true\n',
    "definitions": f"__use_yte__: true\n__definitions__:\n  - {RUN[1:]}\n",
    "variables": f'__use_yte__: true\n__variables__: {{x: "{RUN}"}}\n',
    "without a switch": f'__definitions__:\n  - "{RUN[1:]}"\n',
}
WRONG = {
    "an object": ("x: !!python/object/apply:os.system [touch ran]", "could not determine a constructor for the tag"),
    "one in itself": ("corpus: &a {layout: *a}", "or one that holds itself"),
    "deep": ("x: " + "[" * 900 + "]" * 900, "more than 50 mappings and lists in one another"),
    "a pattern": (
        "corpus: {layout: {recordings: '" + "{speaker}/{utterance}" + "-*" * 20 + "'}}",
        "can be read in too many ways",
    ),
    "a template": (
        "corpus: {layout: {recordings: '{speaker}/{utterance}', utterance_id: '{utterance:>1000000000}'}}",
        "'>1000000000' is neither a field",
    ),
    "a billion": ("samples: {count: 1000000000}", "samples.count: found 1000000000; must be at most 1000"),
    "a terminal": ('models: ["\\e]0;x\\a"]', r"models.0: found \x1b]0;x\x07; control characters"),
}


def changed(more: str) -> str:
    """The saved configuration of a run, with something more in place of a key."""
    keys = re.findall(r"^\w+", more, re.MULTILINE)
    return more + "\n" + yaml.safe_dump({key: value for key, value in yaml.safe_load(SAVED).items() if key not in keys})


@pytest.fixture
def theirs(tmp_path):
    def write(more: str, name: str = "configuration.yaml"):
        (tmp_path / name).write_text(changed(more))
        return tmp_path / name

    return write


def test_a_saved_configuration_gives_the_same_plan(smoke):
    saved = "from=results/smoke/configuration.yaml"
    assert smoke.plan("--config", saved, configfile=None).jobs == {}
    more = smoke.plan("--config", saved, "properties=[mel, phone, word]", configfile=None).jobs
    assert more == smoke.plan("--config", "properties=[mel, phone, word]").jobs != {}


@pytest.mark.parametrize("expressions", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_expressions_are_refused_and_not_run(checkout, theirs, expressions):
    run = checkout.snakemake("-n", "--config", f"from={theirs(expressions)}", configfile=None)
    assert run.returncode == 1
    assert "configuration.yaml has __" in run.output
    assert "as it holds expressions of YTE" in run.output
    assert "Traceback" not in run.output
    assert not (checkout / "ran").exists()


def test_the_trap_is_one(checkout, theirs, tmp_path):
    """What --configfile does with the same file, which is Snakemake's to decide."""
    copy = checkout.copy(tmp_path / "copy")
    copy.snakemake("-n", configfile=str(theirs(EXPRESSIONS["a value"])))
    assert (copy / "ran").exists()


@pytest.mark.parametrize(("more", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_one_line(checkout, theirs, more, words):
    run = checkout.snakemake("-n", "--config", f"from={theirs(more)}", configfile=None, seconds=60)
    assert run.returncode == 1
    assert words in run.output
    assert "\x1b]" not in run.output
    assert "Traceback" not in run.output
    assert not (checkout / "ran").exists()


@pytest.mark.parametrize(
    "arguments", [["-n"], ["estimate", "--cores", "1"], ["--report", "page.html"], ["--summary"], ["--lint"]], ids=str
)
def test_it_is_not_run_whatever_is_asked_for(checkout, theirs, arguments):
    file = theirs(EXPRESSIONS["a value"])
    run = checkout.snakemake(*arguments, "--config", f"from={file}", configfile=None)
    assert "as it holds expressions of YTE" in run.output
    assert not (checkout / "ran").exists()


def test_a_config_yaml_of_the_working_directory_is_not_run_either(checkout, theirs, tmp_path):
    file = theirs(EXPRESSIONS["a value"], "config.yaml")
    there = type(checkout)(file.parent)
    run = there.snakemake("-n", "-s", str(checkout / "Snakefile"), configfile=None)
    assert run.returncode == 1
    assert "__use_yte__: there is no such key" in run.output
    assert not (file.parent / "ran").exists()


def test_a_module_reads_it_in_the_same_way(checkout, theirs, tmp_path):
    outer = tmp_path / "outer"
    outer.mkdir()
    for config in ("config: config", f'config: {{"from": "{theirs("strict: true")}"}}\n    prefix: "pre/fix"'):
        snakefile = (
            f'module layerwise:\n    snakefile: "{checkout / "Snakefile"}"\n    {config}\nuse rule * from layerwise\n'
        )
        (outer / "Snakefile").write_text(snakefile)
        given = ["--config", f"from={theirs('strict: true')}"] if config.endswith("config") else []
        run = type(checkout)(outer).snakemake("-n", *given, configfile=None)
        assert run.returncode == 0, run.output
        assert "results/smoke/report.html" in run.output


NOTES = """
import os, pathlib, yte
process = yte.process_yaml
def noted(file, *args, **kwargs):
    with pathlib.Path(__file__).with_name("read").open("a") as notes:
        notes.write(f"{os.getpid()} {getattr(file, 'name', file)}\\n")
    return process(file, *args, **kwargs)
yte.process_yaml = noted
"""


def test_no_process_of_a_run_hands_it_to_yte(checkout, theirs, tmp_path):
    """Jobs that are submitted read the configuration again."""
    pytest.importorskip("snakemake_executor_plugin_cluster_generic")
    copy, notes = checkout.copy(tmp_path / "copy"), tmp_path / "notes"
    notes.mkdir()
    (notes / "sitecustomize.py").write_text(NOTES)
    submit = ["--workflow-profile=none", "--executor=cluster-generic", "--cluster-generic-submit-cmd=sh", "--jobs=1"]
    table = "results/smoke/tables/models.csv"
    file = theirs("strict: true")
    run = copy.snakemake(table, *submit, "--config", f"from={file}", configfile=None, python_path=notes)
    assert run.returncode == 0, run.output
    assert (copy / table).exists()
    read = [line.split(" ", 1) for line in (notes / "read").read_text().splitlines()]
    assert len({process for process, name in read if name.endswith("config.yaml")}) > 1
    assert not [name for _, name in read if name == str(file)]
    saved = yaml.safe_load((copy / "results/smoke/configuration.yaml").read_text())
    assert saved["strict"] is True
    assert saved["from"] is None
