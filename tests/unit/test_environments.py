"""The conda environments of the rules: the pins of pyproject.toml, and all that the scripts import."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata

import pytest
import yaml

from layerwise.figures.registry import FIGURES
from layerwise.representations.acoustic_measures import FAMILIES
from layerwise.scoring.measure import MEASURES
from package_imports import ROOT, closure, imported, module_path, rules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = PROJECT["dependencies"] + EXTRAS["align"]
DISTRIBUTIONS = metadata.packages_distributions()


def name_of(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def pins(environment) -> list[str]:
    dependencies = yaml.safe_load(environment.read_text())["dependencies"]
    (from_pip,) = [part["pip"] for part in dependencies if isinstance(part, dict)]
    return from_pip


def third_party(paths) -> set[str]:
    """Distributions that files import, by their normal names."""
    modules = {name.split(".")[0] for path in paths for name in imported(path)}
    modules -= set(sys.stdlib_module_names) | {"layerwise"}
    return {DISTRIBUTIONS.get(module, [module])[0].lower().replace("_", "-") for module in modules}


def scripts_of(environment) -> set:
    """Scripts that run in an environment, and what they import by name."""
    scripts = {rule.script for rule in rules() if rule.environment == environment}
    by_name = {
        "plot_figures": {module_path(figure.module) for figure in FIGURES.values()},
        "measure_acoustics": {module_path(family.module) for family in FAMILIES.values()},
        "score_layers": {module_path(measure.module) for measure in MEASURES.values()},
    }
    return scripts.union(*(by_name.get(path.stem, ()) for path in scripts))


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_pins_are_those_of_the_project(environment):
    found = pins(environment)
    assert found
    assert [pin for pin in found if pin not in REQUIREMENTS] == []
    assert len({name_of(pin) for pin in found}) == len(found)


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_holds_what_its_scripts_import(environment):
    scripts = scripts_of(environment)
    assert scripts, "no rule uses it"
    needed = third_party(closure(scripts))
    assert "numpy" in needed | {"numpy"}
    assert sorted(needed - {name_of(pin) for pin in pins(environment)}) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_can_read_tables_where_its_scripts_do(environment):
    """pandas imports pyarrow by itself."""
    scripts = scripts_of(environment)
    if any("_parquet(" in path.read_text() for path in closure(scripts)):
        assert "pyarrow" in {name_of(pin) for pin in pins(environment)}


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_python_is_one_that_the_project_is_for(environment):
    dependencies = yaml.safe_load(environment.read_text())["dependencies"]
    (version,) = [part.split("=")[-1] for part in dependencies if isinstance(part, str) and part.startswith("python=")]
    least, beyond = re.fullmatch(r">=([\d.]+),<([\d.]+)", PROJECT["requires-python"]).groups()
    least, version, beyond = (tuple(map(int, number.split("."))) for number in (least, version, beyond))
    assert least[:2] <= version < beyond


def test_every_rule_has_an_environment():
    assert {rule.environment for rule in rules()} == set(ENVIRONMENTS)


def test_the_project_depends_on_all_that_the_package_imports():
    needed = third_party((ROOT / "workflow/layerwise").rglob("*.py"))
    declared = {name_of(requirement) for requirement in REQUIREMENTS}
    # jsonschema brings referencing.
    assert sorted(needed - declared - {"referencing"}) == []


def test_tests_have_what_is_optional():
    assert EXTRAS["align"]
    assert set(EXTRAS["align"]) <= set(EXTRAS["test"])
