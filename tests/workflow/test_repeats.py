"""A change repeats what it invalidates, and nothing else: dry runs over the finished smoke experiment."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

PLOTS = {"plot_property", "plot_experiment", "write_report"}
COMPARED = {"compare_trends", "check_findings", "recommend_layers"}
AFTER_SCORES = {"collect_scores", "summarise_trends", "tabulate_layers", "compare_models"} | COMPARED | PLOTS
AFTER_EXTRACTION = {"score_layers"} | AFTER_SCORES
AFTER_SAMPLING = {"lend_audio", "extract_representations"} | AFTER_EXTRACTION
AFTER_INDEXING = {"draw_sample", "summarise_samples", "check_samples", "tabulate_enough"} | AFTER_SAMPLING
ALL_OF_ONE_MODEL = {"make_random_model"} | AFTER_SAMPLING


def plan(checkout, **changes):
    """Rules that would run again after a change of the smoke experiment's configuration."""
    return checkout.plan(*configured(**changes))


def configured(**changes) -> list[str]:
    return ["--config", *(f"{key}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in changes.items())]


def test_finished_experiment_has_nothing_to_do(smoke):
    run = smoke.plan()
    assert run.jobs == {}
    assert "Nothing to be done" in run.output


def test_moved_checkout_has_nothing_to_do(finished):
    assert finished.plan().jobs == {}


# Code

# Of each package what stands at its beginning, in the middle and at its end.
CHANGES = {  # what makes results, in the order of the data
    "corpus/utterances": {"index_utterances", "index_alignments"} | AFTER_INDEXING,
    "alignments/index": {"index_alignments"} | AFTER_INDEXING,
    "alignments/marks": {"index_alignments"} | AFTER_INDEXING,
    "sampling": AFTER_INDEXING,
    "models/checkpoints": ALL_OF_ONE_MODEL,
    "models/speech_model": AFTER_SAMPLING,
    "representations/features": AFTER_SAMPLING,
    "representations/extract": AFTER_SAMPLING,
    "scoring/measures/cca": AFTER_EXTRACTION,
    "scoring/scores/cca": AFTER_EXTRACTION,
    "scoring/folds": AFTER_EXTRACTION | {"tabulate_enough"},
    "scoring/enough": {"tabulate_enough"},
    "scoring/measures/abx": {"tabulate_enough"},
    "tables/files": AFTER_SCORES
    | {"summarise_samples", "tabulate_enough", "tabulate_models", "collect_probes", "tabulate_confusions"},
    "tables/scores": AFTER_SCORES,
    "tables/probes": COMPARED | {"collect_probes", "write_report"},
    "tables/models": {"tabulate_models", "check_findings", "compare_models", "plot_property", "write_report"},
    "tables/findings": {"check_findings", "write_report"},
    "figures/look": PLOTS,
    "figures/trends": {"plot_property", "write_report"},
    "figures/heatmap": {"plot_property", "write_report"},
    "figures/report": {"write_report"},
}


NOTHING = (
    # Infrastructure
    *("errors", "addresses", "files/own_tables", "files/downloads", "experiment/job"),
    *("experiment/configuration/experiment", "corpus/lending"),
    # Not of this experiment: its alignments are given, its model is of another family, and it has no task
    *("alignments/forced", "models/originals/fastvgs", "probes/heads", "figures/confusion", "demo/units"),
    # Of measures that no property of it has
    *("scoring/scores/abx", "scoring/measures/clusters", "scoring/measures/ratings"),
    *("scoring/scores/word_segmentation", "targets/locating"),
)


@pytest.mark.parametrize(("module", "repeated"), CHANGES.items(), ids=CHANGES)
def test_changed_module_repeats_what_uses_it(smoke, module, repeated):
    with smoke.appended("\nCHANGED = True\n", f"workflow/layerwise/{module}.py"):
        assert set(smoke.plan().jobs) == repeated


def test_modules_that_make_none_of_the_results_repeat_nothing(smoke):
    """All at once: what one of them repeats is repeated with the others too."""
    with smoke.appended("\nCHANGED = True\n", *(f"workflow/layerwise/{module}.py" for module in NOTHING)):
        assert smoke.plan().jobs == {}


def test_changed_plot_style_repeats_every_plot_once(smoke):
    with smoke.appended("\nBAND = 0.3\n", "workflow/layerwise/figures/look.py"):
        # Two properties: a job draws each over depth and layer, and as a heat map.
        assert smoke.plan().jobs == {"plot_property": 2, "plot_experiment": 1, "write_report": 1}


def test_changed_comments_repeat_nothing(smoke):
    modules = [str(path.relative_to(smoke.root)) for path in (smoke / "workflow/layerwise").rglob("*.py")]
    assert len(modules) > 15
    with smoke.appended("\n# A new remark.\n", *modules):
        assert smoke.plan().jobs == {}


def test_changed_script_repeats_its_rule(smoke):
    with smoke.appended("\nCHANGED = True\n", "workflow/scripts/tabulate_layers.py"):
        assert smoke.plan().jobs == {"tabulate_layers": 1}


def test_changed_template_repeats_the_report(smoke):
    with smoke.appended("<!-- changed -->\n", "workflow/report/report.html.j2"):
        assert smoke.plan().jobs == {"write_report": 1}


def test_changed_criteria_repeat_the_findings(smoke):
    with smoke.appended("# changed\n", "resources/findings.yaml"):
        assert smoke.plan().jobs == {"check_findings": 1, "write_report": 1}


# Configuration


def test_new_model_extracts_that_model_alone(smoke):
    run = plan(smoke, models=["random-wav2vec2-tiny", "random-hubert-tiny"])
    jobs = run.jobs
    assert (jobs["make_random_model"], jobs["extract_representations"], jobs["score_layers"]) == (1, 1, 2)
    assert set(jobs) == ALL_OF_ONE_MODEL | {"tabulate_models", "collect_probes", "tabulate_enough"}
    extracted = [line for line in run.messages if line.startswith("Extract")]
    assert extracted == ["Extract every layer of random-hubert-tiny, shard 0"]
    assert not any("of random-wav2vec2-tiny" in line for line in run.messages)


def test_new_property_scores_that_property_alone(smoke):
    run = plan(smoke, properties=["mel", "phone", "word"])
    assert set(run.jobs) == AFTER_EXTRACTION | {"tabulate_enough"}
    scored = [line for line in run.messages if ", layers " in line]
    assert scored == ["word of random-wav2vec2-tiny, layers T0-T4, sample 1"]


CCA = {  # a value that differs from the smoke experiment's, for every key
    "folds": 8,
    "trials": 1,
    "folds_by": "utterance",
    "intervals": "speakers",
    "standardise": False,
    "layers_per_job": 3,
    "epsilons": [[1.0e-4, 1.0e-4]],
}


def test_every_key_of_cca_is_tested(checkout):
    schema = yaml.safe_load((checkout / "workflow/schemas/config.schema.yaml").read_text())
    assert set(schema["properties"]["cca"]["properties"]) == set(CCA)


@pytest.mark.parametrize("key", CCA)
def test_cca_extracts_nothing(smoke, key):
    needed = {"folds_by": "speaker"} if key == "intervals" else {}
    jobs = plan(smoke, cca={key: CCA[key]} | needed).jobs
    assert set(jobs) == AFTER_EXTRACTION | ({"tabulate_enough"} if key != "layers_per_job" else set())
    assert jobs["score_layers"] == (6 if key == "layers_per_job" else 2)  # C1-C3 … T2-T4, and T0-T2, T3-T4


def test_the_jackknife_is_a_table_only_where_intervals_are_of_speakers(smoke):
    table = "results/smoke/tables/jackknife.csv"
    over_speakers = configured(cca={"folds_by": "speaker", "intervals": "speakers"})
    assert set(smoke.plan(table, *over_speakers).jobs) == {"score_layers", "collect_scores"}
    run = smoke.snakemake("-n", table)
    assert run.returncode != 0
    assert "jackknife.csv" in run.output


def test_automatic_alignments_repeat_all_that_depends_on_them(smoke):
    run = plan(smoke, corpus={"alignments": "automatic"})
    assert set(run.jobs) == {"align_utterances"} | AFTER_INDEXING
    assert "Align the phones and words of demo/dev-clean with its audio" in run.messages


def test_other_seed_keeps_the_corpus_index(smoke):
    assert set(plan(smoke, samples={"seed": 2}).jobs) == AFTER_INDEXING


def test_more_samples_keep_the_earlier_ones(smoke):
    run = plan(smoke, samples={"count": 3})
    assert set(run.jobs) == AFTER_INDEXING
    drawn = sorted(line for line in run.messages if line.startswith("Draw"))
    assert drawn == ["Draw sample set 2", "Draw sample set 3"]


def test_more_samples_leave_earlier_tables_as_they_were(finished):
    tables = sorted((finished / "results/smoke/samples/1").glob("*.parquet"))
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tables}
    assert len(before) == 4
    target = "results/smoke/samples/2/utterances.parquet"
    run = finished.snakemake("--cores", "1", target, *configured(samples={"count": 2}))
    assert run.returncode == 0, run.output
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tables} == before
    assert (finished / target).read_bytes() != (finished / "results/smoke/samples/1/utterances.parquet").read_bytes()


def test_metric_repeats_no_score(smoke):
    assert set(plan(smoke, metric="mean_cca").jobs) == {"tabulate_layers", "check_findings", "recommend_layers"} | PLOTS


def test_pairs_of_layers_are_compared_from_the_scores(smoke):
    assert set(plan(smoke, compare=["T1", "T2"]).jobs) == {"compare_layers", "write_report"}


def test_results_from_elsewhere_repeat_what_compares_them(smoke, tmp_path):
    external = tmp_path / "external.csv"
    external.write_text("task,model,layer,metric,value\nintent,random-wav2vec2-tiny,T1,accuracy,0.5\n")
    jobs = plan(smoke, probes={"external": str(external)}).jobs
    assert set(jobs) == COMPARED | {"collect_probes", "plot_task", "plot_tasks", "write_report"}


def test_colours_repeat_the_pictures_that_have_them(smoke):
    assert set(plan(smoke, colour_by="objective").jobs) == PLOTS


def test_strict_repeats_collecting_and_what_follows(smoke):
    assert set(plan(smoke, strict=True).jobs) == AFTER_SCORES | {"tabulate_enough"}


@pytest.mark.parametrize("change", [{"dtype": "float32"}, {"shards": 2}], ids=str)
def test_other_storage_extracts_again_from_the_same_samples(smoke, change):
    jobs = plan(smoke, representations=change).jobs
    assert set(jobs) == AFTER_SAMPLING
    assert jobs["extract_representations"] == change.get("shards", 1)


def test_order_of_models_repeats_no_score(smoke):
    run = plan(smoke, models=["random-hubert-tiny", "random-wav2vec2-tiny"])
    assert not any(line.endswith("sample 1") and "of random-wav2vec2-tiny" in line for line in run.messages)
    assert run.jobs["score_layers"] == 2  # of the new model


def test_other_experiment_shares_corpus_audio_and_model(smoke):
    jobs = plan(smoke, experiment="another").jobs
    assert "extract_representations" in jobs
    assert "make_random_model" not in jobs


# The corpus. Its unpacked audio has been deleted, as by default.


def test_audio_is_deleted_and_archives_that_were_given_are_not(smoke):
    assert not list(smoke.root.glob("resources/corpora/*/*/audio*"))
    assert (smoke / "resources/demo/demo-dev-clean.tar.gz").is_file()
    assert (smoke / "resources/demo/demo_alignments.zip").is_file()
    assert not (smoke / "results/smoke/audio").exists()


def test_new_model_gets_the_audio_again_and_nobody_else_does(finished):
    """Run, not planned: indexing, sampling and the first model's extraction stay as they were."""
    stays = [path for path in (finished / "results/smoke").rglob("*") if path.suffix in (".parquet", ".h5")]
    before = {path: path.stat().st_mtime_ns for path in stays}
    assert len(before) == 7
    models = configured(models=["random-wav2vec2-tiny", "random-hubert-tiny"])
    run = finished.snakemake("--cores", "2", "extract", *models)
    assert run.returncode == 0, run.output
    assert run.jobs == {"make_random_model": 1, "lend_audio": 1, "extract_representations": 1, "extract": 1}
    assert {path: path.stat().st_mtime_ns for path in stays} == before
    assert (finished / "results/smoke/representations/random-hubert-tiny/0.h5").is_file()
    assert not list(finished.root.glob("resources/corpora/*/*/audio"))
    assert finished.plan("extract", *models).jobs == {}


def test_deleted_shard_is_extracted_alone(finished):
    (finished / "results/smoke/representations/random-wav2vec2-tiny/0.h5").unlink()
    assert finished.plan().jobs == {}  # no score needs it
    assert finished.plan("extract").jobs == {"lend_audio": 1, "extract_representations": 1, "extract": 1}


@pytest.mark.parametrize("archive", ["demo-dev-clean.tar.gz", "demo_alignments.zip"])
def test_changed_archive_repeats_the_index_and_what_follows(finished, archive):
    with (finished / "resources/demo" / archive).open("ab") as stream:
        stream.write(b"changed")
    jobs = finished.plan().jobs
    audio = archive == "demo-dev-clean.tar.gz"
    assert set(jobs) == AFTER_INDEXING | {"index_alignments"} | ({"index_utterances"} if audio else set())
    assert jobs["lend_audio"] == (2 if audio else 1)  # index and extraction, or extraction alone


def test_archive_named_elsewhere_repeats_the_index(finished, tmp_path):
    shutil.copy(finished / "resources/demo/demo_alignments.zip", tmp_path / "mine.zip")
    jobs = plan(finished, corpus={"alignments": str(tmp_path / "mine.zip")}).jobs
    assert set(jobs) == AFTER_INDEXING | {"index_alignments"}


TABLE = "results/smoke/corpus/utterances.parquet"  # reads the audio


def test_folders_of_the_user_are_neither_lent_nor_deleted(finished, tmp_path):
    folder = tmp_path / "mine"
    shutil.unpack_archive(finished / "resources/demo/demo-dev-clean.tar.gz", folder)
    files = sorted(folder.rglob("*"))
    audio = configured(corpus={"audio": str(folder)})
    run = finished.snakemake("--cores", "2", TABLE, *audio)
    assert run.returncode == 0, run.output
    assert run.jobs == {"index_utterances": 1}
    assert sorted(folder.rglob("*")) == files
    assert finished.plan(TABLE, *audio).jobs == {}
    next(folder.rglob("*.flac")).write_bytes(b"changed")
    assert set(finished.plan(*audio).jobs) == AFTER_INDEXING - {"lend_audio"} | {"index_utterances", "index_alignments"}


@pytest.mark.parametrize(
    "change",
    [{"mirrors": {"https://www.openslr.org/": "https://openslr.elda.org/"}}, {"corpus": {"keep": True}}],
    ids=str,
)
def test_how_files_are_had_repeats_nothing(smoke, change):
    assert plan(smoke, **change).jobs == {}


def test_audio_is_kept_where_that_is_asked_for(finished):
    again = ("--cores", "2", "--forcerun", "index_utterances", "--", TABLE)
    audio = finished / "resources/corpora/demo/dev-clean/audio/LibriSpeech/dev-clean"
    for keep in (True, False):
        run = finished.snakemake(*configured(corpus={"keep": keep}), *again)
        assert run.returncode == 0, run.output
        assert run.jobs == {"lend_audio": 1, "index_utterances": 1}
        assert audio.exists() == keep


# An older copy of the package, as an installed one could be


@pytest.fixture
def stale(tmp_path) -> Path:
    """A folder with a package `layerwise` of another time: whatever imports it fails or does something else."""
    folder = tmp_path / "site-packages"
    package = folder / "layerwise"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "0.0.0"\n')
    for module in (
        "errors",
        "tables/scores",
        "experiment/job",
        "experiment/configuration/experiment",
        "scoring/properties",
    ):
        (package / f"{module}.py").parent.mkdir(parents=True, exist_ok=True)
        (package / f"{module}.py").write_text(f'raise RuntimeError("the stale {module} was imported")\n')
    return folder


def test_stale_copy_is_not_used_in_planning(smoke, stale):
    assert smoke.plan(python_path=stale).jobs == {}


def test_stale_copy_is_not_used_in_jobs(finished, stale):
    table = finished / "results/smoke/tables/layers_mel.csv"
    before = table.read_bytes()
    table.unlink()
    run = finished.snakemake("--cores", "1", "results/smoke/tables/layers_mel.csv", python_path=stale)
    assert run.returncode == 0, run.output
    assert table.read_bytes() == before


def test_jobs_that_import_another_copy_are_refused(finished, tmp_path):
    """Where something puts another copy before the checkout's after all, the job says so instead of using it."""
    shutil.copytree(finished / "workflow/layerwise", tmp_path / "elsewhere/layerwise")
    script = finished / "workflow/scripts/tabulate_layers.py"
    first = f"import sys\nsys.path.insert(0, {str(tmp_path / 'elsewhere')!r})\n"
    script.write_text(first + script.read_text())
    run = finished.snakemake("--cores", "1", "results/smoke/tables/layers_mel.csv")
    assert run.returncode != 0
    assert f"{tmp_path / 'elsewhere/layerwise'} was imported" in run.output
