"""The package without its workflow: installed from a wheel, and used from a folder that is no checkout."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import soundfile
import yaml

import layerwise
from layerwise.tables.trends import read_trends

PAGE = Path(__file__).resolve().parents[2] / "docs/library.md"
LARGEST_WHEEL = 1_000_000  # bytes: the demo's 25 MB are not in it


def blocks(language: str) -> list[str]:
    """The blocks of code of a language on the page, in order; of no language, those of output."""
    return [
        text for found, text in re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.M | re.S) if found == language
    ]


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory) -> Path:
    """The wheel, built by the page's first command from a copy: building leaves folders behind."""
    pytest.importorskip("setuptools")
    sources = checkout.copy(tmp_path_factory.mktemp("sources")).root
    _pip(0, sources, "--no-build-isolation")
    (built,) = (sources / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder for PYTHONPATH that holds the package, installed by the page's second command."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    _pip(1, wheel.parents[1], "--no-deps", "--no-index", "--target", str(folder))
    return folder


def _pip(number: int, folder: Path, *options: str) -> None:
    """Run a command of the page's, with options that keep it from the network and from this environment."""
    (commands,) = blocks("sh")
    name, *arguments = commands.splitlines()[number].split()
    assert name == "python"
    done = subprocess.run(
        [sys.executable, *arguments, *options], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def python(code: str, installed: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in `folder` with the installed package, offline."""
    environment = os.environ | {"PYTHONPATH": str(installed), "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def printed(code: str, installed: Path, folder: Path) -> str:
    done = python(code, installed, folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def error(code: str, installed: Path, folder: Path) -> str:
    """The last line of the traceback of code that fails."""
    done = python(code, installed, folder)
    assert done.returncode == 1, done.stdout
    return done.stderr.strip().splitlines()[-1]


def test_the_wheel_has_the_catalogues_and_no_demo(wheel, checkout):
    names = zipfile.ZipFile(wheel).namelist()
    wanted = {path.relative_to(checkout.root).as_posix() for path in (checkout / "resources").glob("*.yaml")}
    wanted |= {path.relative_to(checkout.root).as_posix() for path in (checkout / "workflow/schemas").glob("*.yaml")}
    wanted |= {"resources/experiments/smoke.yaml", "workflow/report/report.html.j2"}
    assert {f"layerwise/shipped/{path}" for path in wanted} <= set(names)
    assert not [name for name in names if "demo-" in name or name.endswith("setup.py")]
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_the_wheel_has_every_module(wheel, checkout):
    modules = {path.relative_to(checkout / "workflow").as_posix() for path in (checkout / "workflow").rglob("*.py")}
    expected = {path for path in modules if path.startswith("layerwise/")}
    assert expected == {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}


def test_it_is_the_installed_package_that_is_tested(installed, tmp_path):
    assert printed("import layerwise; print(layerwise.__file__)", installed, tmp_path).startswith(str(installed))


def test_a_name_of_the_catalogue_says_what_to_do_without_a_network(installed, tmp_path):
    said = error("import layerwise; layerwise.models.load('hubert-base')", installed, tmp_path)
    assert re.match(r"layerwise\.\S+ModelError: facebook/hubert-base-ls960 could not be fetched: ", said)
    assert said.endswith("Where there is no network, fetch it elsewhere (`hf download`) and load the folder")


def test_a_wrong_name_gets_the_nearest_one(installed, tmp_path):
    said = error("import layerwise; layerwise.models.load('huber-base')", installed, tmp_path)
    assert "did you mean hubert-base?" in said


def test_what_must_be_fetched_by_hand_belongs_into_the_working_directory(installed, tmp_path):
    said = error("import layerwise; layerwise.models.load('fast-vgs')", installed, tmp_path)
    assert "must be fetched by hand, from http" in said
    assert f"{tmp_path}/resources/models/fast-vgs/" in said


def test_the_demo_is_in_the_checkout(installed, tmp_path):
    said = error("import layerwise; layerwise.models.load('demo-hubert-1')", installed, tmp_path)
    assert said.endswith(
        "resources/demo/models/demo-hubert-1 does not exist: the demo is in a checkout of layerwise, "
        "not in the installed package"
    )


def test_random_weights_and_a_folder_load(installed, tmp_path, checkout):
    folder = checkout / "resources/demo/models/demo-hubert-1"
    code = f"""
import layerwise
import numpy as np

for source in ("random-wav2vec2-tiny", {str(folder)!r}):
    model = layerwise.models.load(source)
    layers = model.layers(np.sin(np.arange(16_000, dtype=np.float32)))
    print(model.stride_seconds, *model.layer_names, layers["T1"].dtype, len(layers["T1"]))
"""
    lines = printed(code, installed, tmp_path).splitlines()
    assert lines == [f"0.02 {' '.join(names)} float32 49" for names in (_layers(4), _layers(6))]


def _layers(blocks: int) -> list[str]:
    return [f"C{i}" for i in range(1, 8)] + [f"T{i}" for i in range(blocks + 1)]


def test_the_configuration_is_checked_by_the_shipped_schemas(installed, tmp_path):
    code = """
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.figures.page import FOLDER, SCRIPTS, STYLE, TEMPLATE
from layerwise.tables.findings import CRITERIA

print(all((FOLDER / name).is_file() for name in (TEMPLATE, STYLE, *SCRIPTS)), CRITERIA.is_file())
read_experiment({"modles": []})
"""
    done = python(code, installed, tmp_path)
    assert done.stdout.split() == ["True", "True"]
    assert "modles: there is no such key (did you mean models?)" in done.stderr


# What is asked in memory has the numbers of the workflow


@pytest.fixture(scope="module")
def settings(checkout) -> dict:
    return yaml.safe_load((checkout / "resources/experiments/smoke.yaml").read_text())


@pytest.fixture(scope="module")
def speech(smoke) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Utterances with waveforms, and intervals, of the demo corpus."""
    folder = smoke / "results/smoke/corpus"
    utterances = pd.read_parquet(folder / "utterances.parquet")
    with tarfile.open(smoke / "resources/demo/demo-dev-clean.tar.gz") as archive:
        waveforms = {
            Path(member.name).stem: soundfile.read(io.BytesIO(archive.extractfile(member).read()), dtype="float32")[0]
            for member in archive
            if member.name.endswith(".flac")
        }
    shuffled = utterances.assign(waveform=utterances["utterance_id"].map(waveforms)).sample(frac=1, random_state=0)
    return shuffled, pd.read_parquet(folder / "intervals.parquet").sample(frac=1, random_state=0)


def test_trends_are_those_of_the_workflow(smoke, settings, speech):
    (name,) = settings["models"]
    found = layerwise.analyse(
        name,
        *speech,
        settings["properties"],
        samples=settings["samples"],
        # config.yaml, which smoke.yaml changes, has the schema's defaults for what counts here
        cca=settings["cca"],
    )
    pd.testing.assert_frame_equal(found, read_trends(smoke / "results/smoke/tables/trends.csv"), rtol=0, atol=1e-9)


def test_the_examples_of_the_page_print_what_it_says(installed, fresh):
    codes, outputs = blocks("python"), blocks("")
    assert len(codes) == len(outputs) == 2
    for code, output in zip(codes, outputs, strict=True):
        assert printed(code, installed, fresh.root).split() == output.split()
