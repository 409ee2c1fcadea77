"""What is kept of a run beside its results."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib import metadata

import pytest
import yaml

from layerwise import __version__
from layerwise.experiment import journal
from layerwise.experiment.configuration.experiment import read_experiment


@pytest.fixture
def kept(tmp_path):
    """Keeps a journal, and gives its two files."""

    def run(config: dict, *command: str) -> tuple[dict, dict]:
        journal.write_journal(read_experiment(config), tmp_path / "new", command)
        files = [tmp_path / "new" / name for name in ("configuration.yaml", "versions.yaml")]
        assert sorted((tmp_path / "new").iterdir()) == files
        return tuple(yaml.safe_load(path.read_text(encoding="utf-8")) for path in files)

    return run


def test_configuration_is_whole_and_means_the_same(kept):
    given = {"experiment": "mine", "models": ["random-wavlm-tiny"], "cca": {"folds": 5, "trials": 2}}
    configuration, _ = kept(given)
    assert configuration == read_experiment(given).config
    assert read_experiment(configuration).config == configuration
    assert configuration["samples"]["phones_per_type"] == 200  # a default


def test_versions_name_all_that_may_touch_a_number(kept):
    _, versions = kept({"samples": {"seed": 7}, "models": ["random-wavlm-tiny"]}, "snakemake", "--cores", "2", "a b")
    assert versions["layerwise"] == __version__
    assert versions["python"] == platform.python_version()
    assert versions["command"] == "snakemake --cores 2 'a b'"
    assert versions["seeds"] == {"samples": 7, "models": {"random-wavlm-tiny": 3}}
    for name in ("torch", "numpy", "snakemake", "filelock", "soundfile"):
        assert versions["dependencies"][name] == metadata.version(name)


def test_marks_of_direction_are_escaped_and_read_back(kept, tmp_path):
    own = {"mine": {"source": "owner/name", "family": "a\u202eb\u2066é"}}
    configuration, versions = kept({"models": ["mine"], "extra_models": own}, "a\u202eb")
    assert configuration["extra_models"] == own
    assert "\u202e" in versions["command"]
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "new").iterdir())
    assert "".join(text.splitlines()).isprintable()


def test_package_that_is_not_here():
    assert journal._version("no-such-package-1") is None


def git(folder, *arguments: str) -> None:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def test_commit_and_changes(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not here")
    repository = tmp_path / "repository"
    repository.mkdir()
    assert journal._checkout(repository) is None
    git(repository, "init", "-q")
    (repository / "a").write_text("1")
    git(repository, "add", "a")
    git(repository, "commit", "-q", "-m", "first")
    found = journal._checkout(repository)
    assert len(found["commit"]) == 40
    assert found["changed"] is False
    (repository / "a").write_text("2")
    assert journal._checkout(repository) == found | {"changed": True}
    (repository / "inside").mkdir()
    assert journal._checkout(repository / "inside") is None  # a copy, of another version perhaps


def test_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert journal._checkout(tmp_path) is None
