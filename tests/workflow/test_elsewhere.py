"""The workflow from other folders, and as a module of another workflow: the same plan."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv

import pytest

SMOKE = "resources/experiments/smoke.yaml"
PLAIN = "use rule * from layerwise"
RENAMED = "use rule * from layerwise as their_*"


def module(folder, checkout, use: str = RENAMED, more: str = "", config: str = "config: config"):
    """A workflow in a folder of its own that uses the checkout as a module."""
    folder.mkdir(exist_ok=True)
    source = f'"{checkout / "Snakefile"}"'
    lines = ["module layerwise:", f"    snakefile: {source}", f"    {config}", use, more]
    (folder / "Snakefile").write_text("\n".join(lines) + "\n")
    return folder / "Snakefile"


def elsewhere(checkout, folder, *arguments: str, configfile: str | None = SMOKE):
    """A call of Snakemake in a folder that is not the checkout's."""
    folder.mkdir(exist_ok=True)
    return type(checkout)(folder).snakemake(*arguments, configfile=configfile and str(checkout / configfile))


def planned(checkout, folder, *arguments: str, **options) -> dict[str, int]:
    run = elsewhere(checkout, folder, "-n", *arguments, **options)
    assert run.returncode == 0, run.output
    return run.jobs


@pytest.fixture(scope="module")
def here(checkout):
    return checkout.plan().jobs


# From other folders. Where the experiment is finished, an empty plan says that no input and no parameter is another.


@pytest.mark.parametrize("configfile", [None, SMOKE])
def test_the_plan_is_that_of_the_checkout(checkout, tmp_path, configfile):
    snakefile = str(checkout / "Snakefile")
    there = planned(checkout, tmp_path / "a", "-s", snakefile, configfile=configfile)
    assert there == checkout.plan(configfile=configfile).jobs


def test_a_finished_experiment_is_finished_from_anywhere(smoke, tmp_path):
    arguments = ["-s", str(smoke / "Snakefile"), "--directory", str(smoke.root)]
    assert planned(smoke, tmp_path, *arguments) == {}
    assert planned(smoke, tmp_path, *arguments, "--config", "samples={utterances: 9}") != {}


def test_defaults_are_those_beside_the_snakefile(checkout, tmp_path):
    """And a config.yaml of the working directory replaces some of them, before --configfile and --config."""
    arguments = ["estimate", "--cores", "1", "--quiet", "all", "-s", str(checkout / "Snakefile")]
    said = elsewhere(checkout, tmp_path, *arguments, configfile=None).output
    assert "demo: demo/dev-clean, 5 models, 3 sample sets, intra, mel, phone, word" in said
    (tmp_path / "config.yaml").write_text("samples: {count: 2}\nproperties: [mel]\n")
    said = elsewhere(checkout, tmp_path, *arguments, configfile=None).output
    assert "demo: demo/dev-clean, 5 models, 2 sample sets, mel" in said
    said = elsewhere(checkout, tmp_path, *arguments).output
    assert "smoke: demo/dev-clean, 1 model, 1 sample set, mel, phone" in said
    (tmp_path / "config.yaml").write_text("learning_rate: 1.0e-3\n")
    run = elsewhere(checkout, tmp_path, "-n", "-s", str(checkout / "Snakefile"), configfile=None)
    assert f"{tmp_path / 'config.yaml'} replaces keys of" in run.output
    assert "learning_rate: there is no such key" in run.output


def test_empty_mappings_of_a_configuration_are_seen(checkout, tmp_path):
    """Snakemake takes {} in place of null for nothing."""
    configuration = tmp_path / "empty.yaml"
    configuration.write_text("corpus: {phones: {}}\n")
    run = checkout.snakemake("-n", configfile=str(configuration))
    assert "corpus.phones: found {}; must have at least 1 key" in run.output


# Names that look like something else


@pytest.mark.parametrize("name", ["run.svg", "results"])
def test_names_of_experiments_are_no_paths(checkout, here, name):
    assert checkout.plan("--config", f"experiment={name}").jobs == here


def test_names_of_models_and_tasks_are_no_paths(checkout, here, tmp_path):
    table = tmp_path / "results/resources/downloads/my words.tar.gz.csv"
    table.parent.mkdir(parents=True)
    table.write_text("path,word\na.wav,yes\n")
    tiny = "source: random-init, like: random-wav2vec2-tiny, seed: 1"
    (tmp_path / "odd.yaml").write_text(
        f"models: [results, m.svg, a.0]\nextra_models: {{results: {{{tiny}}}, m.svg: {{{tiny}}}, a.0: {{{tiny}}}}}\n"
        f"probes: {{tasks: [t.svg]}}\nextra_tasks: {{t.svg: {{kind: labels, table: '{table}', columns: [word]}}}}\n"
        "properties: [mel]\nsamples: {count: 1}\n"
    )
    plan = checkout.plan("all", "results/demo/probes/t.svg/a.0.csv", configfile=str(tmp_path / "odd.yaml"))
    assert plan.jobs["extract_representations"] == plan.jobs["make_random_model"] == 3
    assert plan.jobs["plot_task"] == 1
    assert plan.jobs["index_task"] == 1


SOURCES = "probes={{tasks: [demo-intent], sources: {{demo-commands/audio: '{}'}}}}"


@pytest.mark.parametrize(
    ("source", "jobs"),
    [
        ("https://a.org/commands.tar.gz?download=1", {"fetch_archive": 1, "unpack_task": 1}),
        ("https://a.org/download?id=7", {"fetch_archive": 1, "unpack_task": 1}),
        ("https://a.org/COMMANDS.TGZ#1", {"fetch_archive": 1, "unpack_task": 1}),
        ("{}/resources/downloads/commands", {"unpack_task": 1}),
        ("{}/folder.tar.gz", {}),
    ],
)
def test_recordings_of_a_task_are_unpacked_whatever_they_are_called(checkout, tmp_path, source, jobs):
    (tmp_path / "resources/downloads").mkdir(parents=True)
    (tmp_path / "folder.tar.gz").mkdir()
    shutil.copy(checkout / "resources/demo/demo_commands.tar.gz", tmp_path / "resources/downloads/commands")
    plan = checkout.plan("probes", "--config", SOURCES.format(source.format(tmp_path)))
    fetching = {rule: count for rule, count in plan.jobs.items() if rule in ("fetch_archive", "unpack_task")}
    assert fetching == jobs


# As a module


@pytest.mark.parametrize("use", [PLAIN, RENAMED])
def test_as_a_module_a_finished_experiment_is_finished(smoke, tmp_path, use):
    snakefile = module(tmp_path / "outer", smoke, use)
    arguments = ["-s", str(snakefile), "--directory", str(smoke.root)]
    assert planned(smoke, tmp_path, *arguments) == {}
    repeated = planned(smoke, tmp_path, *arguments, "--config", "cca={trials: 1}")
    assert repeated["their_score_layers" if use == RENAMED else "score_layers"] == 2


def test_the_default_target_is_that_of_the_first_rule(checkout, tmp_path):
    snakefile = module(tmp_path / "first", checkout)
    text = snakefile.read_text()
    assert "their_write_report" in planned(checkout, tmp_path, "-s", str(snakefile))
    snakefile.write_text("rule mine:\n    output: 'mine.txt'\n    shell: 'touch {output}'\n" + text)
    run = elsewhere(checkout, tmp_path, "-n", "-s", str(snakefile))
    assert run.jobs == {"mine": 1}


@pytest.mark.parametrize("config", ["config: config", "config: config['layerwise']", ""])
def test_a_module_has_the_same_defaults_and_leaves_the_configuration_alone(checkout, tmp_path, config):
    more = "print('left:', sorted(config))"
    snakefile = module(tmp_path / "outer", checkout, PLAIN, more, config)
    inner = "{strict: true}"
    given = ["--config", f"layerwise={inner}"] if "layerwise" in config else ["--config", "strict=true"]
    run = elsewhere(checkout, tmp_path, "-n", "--quiet", "all", "-s", str(snakefile), *given, configfile=None)
    assert run.returncode == 0, run.output
    assert f"left: {['layerwise'] if 'layerwise' in config else ['strict']}" in run.output
    said = elsewhere(
        checkout, tmp_path, "estimate", "--cores", "1", "--quiet", "all", "-s", str(snakefile), *given, configfile=None
    ).output
    assert "demo: demo/dev-clean, 5 models, 3 sample sets, intra, mel, phone, word" in said


def test_a_prefix_comes_before_every_path(checkout, tmp_path):
    folder = tmp_path / "outer"
    snakefile = module(folder, checkout, RENAMED, config="config: config\n    prefix: 'pre/fix'")
    run = elsewhere(checkout, folder, "-n", "-s", str(snakefile))
    assert run.returncode == 0, run.output
    assert "pre/fix/results/smoke/report.html" in run.output
    assert " results/" not in run.output
    assert " resources/models" not in run.output


def test_jobs_on_this_machine_stay_there_under_another_name(checkout, tmp_path):
    """Snakemake knows `localrules` by their first names only."""
    snakefile = module(tmp_path / "outer", checkout)
    run = elsewhere(checkout, tmp_path, "-n", "-s", str(snakefile))
    assert "localrules" not in run.output


def test_a_module_refuses_absent_models_too(checkout, tmp_path):
    """Its handlers are not called, and need not be."""
    snakefile = module(tmp_path / "outer", checkout)
    preset = "resources/experiments/icassp2023.yaml"
    run = elsewhere(checkout, tmp_path, "--cores", "1", "-s", str(snakefile), configfile=preset)
    assert run.returncode == 1
    assert "or go on without: --config 'models=[" in run.output
    assert run.jobs == {}


def test_a_snakefile_without_its_clone_is_refused(checkout, tmp_path):
    clone = tmp_path / "clone"
    shutil.copytree(checkout.root, clone, ignore=shutil.ignore_patterns("demo"))
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "all"]):
        if subprocess.run(["git", *command], cwd=clone).returncode:
            pytest.skip("needs git")
    snakefile = module(tmp_path / "outer", checkout)
    remote = f'gitfile("{clone}", path="Snakefile", ref="HEAD")'
    snakefile.write_text(snakefile.read_text().replace(f'"{checkout / "Snakefile"}"', remote))
    run = elsewhere(checkout, tmp_path, "-n", "-s", str(snakefile), configfile=None)
    assert run.returncode == 1
    assert "clone the repository, and name the Snakefile of the clone" in run.output


def test_two_clones_in_one_workflow_are_refused(checkout, tmp_path):
    """Python has one package of a name; the second clone would be run with the catalogues of the first."""
    other = checkout.copy(tmp_path / "other")
    one, two = module(tmp_path / "one", checkout), module(tmp_path / "two", other, "use rule * from layerwise as b_*")
    (tmp_path / "Snakefile").write_text(
        one.read_text() + two.read_text().replace("layerwise:", "b:").replace("from layerwise", "from b")
    )
    run = elsewhere(checkout, tmp_path, "-n")
    assert run.returncode == 1
    assert "all modules of one workflow are of one clone" in run.output


# An environment elsewhere


def test_a_python_that_snakemake_cannot_start_is_told_of_before_any_job(checkout, tmp_path):
    """Snakemake does not quote its path."""
    venv.create(tmp_path / "my environment", symlinks=True)
    environment = os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")}
    arguments = ["-m", "snakemake", "--cores", "1", "--configfile", SMOKE]
    python = tmp_path / "my environment/bin" / os.path.basename(sys.executable)
    for more, status in (["-n"], 0), ([], 1):
        run = subprocess.run(
            [python, *arguments, *more], cwd=checkout.root, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == status, run.stderr
        assert ("python3 -m venv ~/layerwise-environment" in run.stderr) == bool(status)
        assert "Traceback" not in run.stderr
        assert "Error in rule" not in run.stderr
