"""What task names mean, and what is wrong with a task before anything runs."""

from __future__ import annotations

import pytest
import yaml

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.problems import ConfigurationError
from layerwise.files.shipped import ROOT
from layerwise.probes.errors import TaskError
from layerwise.probes.head_names import head_jobs, heads_of
from layerwise.probes.kinds import KINDS
from layerwise.probes.tasks import INDEXING, task_entry

CATALOGUE = yaml.safe_load((ROOT / "resources/tasks.yaml").read_text())
OWN = {"kind": "labels", "table": "config.yaml", "columns": ["word"]}  # a file that is there


def entry(**description):
    return task_entry("mine", description, CATALOGUE, "small", {})


def lines(probes: dict, **others) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        read_experiment({"probes": probes, **others})
    return [line.removeprefix("  - ") for line in str(error.value).splitlines()[1:]]


@pytest.mark.parametrize("recipe", CATALOGUE["recipes"])
@pytest.mark.parametrize("name", CATALOGUE["tasks"])
def test_every_task_of_the_catalogue_can_be_chosen(name, recipe):
    experiment = read_experiment({"probes": {"tasks": [name], "recipe": recipe}})
    task = experiment.tasks[name]
    assert task.metric == KINDS[task.kind].metric
    assert task.recipe["steps"] >= task.recipe["evaluate_every"]
    assert not set(task.training) & set(INDEXING)
    assert experiment.task_sources
    assert all(source.is_url or source.path.exists() for source in experiment.task_sources.values())


def test_recipes_follow_superb():
    superb = CATALOGUE["recipes"]["superb"]
    assert (superb["phones"]["projection"], superb["labels"]["projection"]) == (256, 256)
    assert (superb["characters"]["projection"], superb["characters"]["hidden"]) == (1024, 1024)
    assert [superb[kind]["steps"] for kind in ("phones", "characters", "labels")] == [100_000, 200_000, 200_000]


def test_what_is_chosen_has_the_last_word():
    chosen = {"tasks": ["demo-speech"], "overrides": {"steps": 7, "batch": 3}}
    task = read_experiment({"probes": chosen}).tasks["demo-speech"]
    assert (task.recipe["steps"], task.recipe["batch"]) == (7, 3)
    assert task.recipe["hidden"] == 64  # the task's own
    assert task.recipe["dropout"] == CATALOGUE["recipes"]["small"]["characters"]["dropout"]
    superb = read_experiment({"probes": {"tasks": ["demo-speech"], "recipe": "superb"}}).tasks["demo-speech"]
    assert superb.recipe["hidden"] == 1024


def test_no_task_is_no_task():
    assert read_experiment({"probes": {"tasks": []}}).tasks == {}


def test_own_tasks_are_read(tmp_path):
    (tmp_path / "words.csv").write_text("path,word\na.wav,yes\n")
    own = OWN | {"table": str(tmp_path / "words.csv")}
    experiment = read_experiment({"probes": {"tasks": ["words"]}, "extra_tasks": {"words": own}})
    assert experiment.tasks["words"].layout == "table"
    assert experiment.task_sources["words/table"].path == tmp_path / "words.csv"


def test_a_table_without_a_column_is_refused_before_any_job(tmp_path):
    (tmp_path / "words.csv").write_text("path,label\na.wav,yes\n")
    own = OWN | {"table": str(tmp_path / "words.csv")}
    with pytest.raises(
        ConfigurationError, match=r"tasks\.words\.table: .*words\.csv has no column word; it has path, label"
    ):
        read_experiment({"probes": {"tasks": ["words"]}, "extra_tasks": {"words": own}})


def test_local_copies_replace_addresses(tmp_path):
    name = "fluent-speech-commands/audio"
    probes = {"tasks": ["intent-fsc"], "sources": {name: str(tmp_path)}}
    source = read_experiment({"probes": probes}).task_sources[name]
    assert source.is_folder
    assert source.checks == {"size": None, "md5": None, "sha256": None}


def test_splits_of_a_corpus_are_downloaded_as_needed():
    phones = read_experiment({"probes": {"tasks": ["phone-recognition"]}}).task_sources
    speech = read_experiment({"probes": {"tasks": ["speech-recognition"]}}).task_sources
    assert set(speech) == {f"librispeech/{split}/audio" for split in ("train-clean-100", "dev-clean", "test-clean")}
    assert set(phones) == {f"{name.rsplit('/', 1)[0]}/{kind}" for name in speech for kind in ("audio", "alignments")}
    assert phones["librispeech/train-clean-100/audio"].checks["md5"] == "2a93770f6d5c6c964bc36631d331a522"


WRONG = {
    "unknown task": ({"tasks": ["demo-intend"]}, {}, "did you mean demo-intent?"),
    "twice": ({"tasks": ["demo-intent"] * 2}, {}, "stands there 2 times"),
    "unknown recipe": ({"recipe": "smal"}, {}, "did you mean small?"),
    "unknown value": (
        {"overrides": {"step": 3}},
        {},
        "probes.overrides.step: there is no such key (did you mean steps?)",
    ),
    "absent layer": ({"layers": ["T9"]}, {}, "probes.layers: T9 are in no model"),
    "absent copy": (
        {"tasks": ["intent-fsc"], "sources": {"fluent-speech-commands/audio": "nowhere.tar.gz"}},
        {},
        "tasks.intent-fsc: fluent-speech-commands/audio, nowhere.tar.gz, does not exist",
    ),
    "unknown copy": (
        {"sources": {"fluent/audio": "x"}},
        {},
        "probes.sources: 'fluent/audio' is not the name of a file",
    ),
    "absent external": ({"external": "nowhere.csv"}, {}, "probes.external: nowhere.csv does not exist"),
    "taken name": ({}, {"extra_tasks": {"demo-intent": OWN}}, "choose another"),
    "unknown corpus": (
        {"tasks": ["x"]},
        {
            "extra_tasks": {
                "x": {"kind": "phones", "corpus": "libri", "splits": {"train": "a", "dev": "b", "test": "c"}}
            }
        },
        "tasks.x.corpus: 'libri' is not in resources/corpora.yaml",
    ),
    "unknown split": (
        {"tasks": ["x"]},
        {
            "extra_tasks": {
                "x": {
                    "kind": "phones",
                    "corpus": "librispeech",
                    "splits": {"train": "train-clean-10", "dev": "dev-clean", "test": "test-clean"},
                }
            }
        },
        "did you mean train-clean-100?",
    ),
}


@pytest.mark.parametrize(("probes", "others", "words"), WRONG.values(), ids=WRONG)
def test_wrong_choices_are_explained(probes, others, words):
    assert words in "\n".join(lines(probes, **others))


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({"kind": "labels", "columns": ["a"]}, "exactly one of data, corpus and table"),
        ({"kind": "labels", "columns": ["a"], "data": "slurp", "table": "x.csv"}, "found data and table"),
        ({"kind": "labels", "data": "slurp"}, "columns: is missing"),
        ({"kind": "labels", "data": "slurpp", "columns": ["a"]}, "is not in resources/tasks.yaml"),
        ({"kind": "phones", "data": "slurp", "columns": ["a"]}, "of data only labels can be learned"),
        ({"kind": "labels", "corpus": "demo", "split": "dev-clean"}, "of a corpus only characters or phones"),
        ({"kind": "phones", "corpus": "demo"}, "either splits"),
        ({"kind": "phones", "corpus": "demo", "split": "dev-clean"}, "held_out: is missing"),
        (
            {"kind": "phones", "corpus": "librispeech", "splits": {"train": "a", "dev": "b", "test": "a"}},
            "one split is two parts",
        ),
    ],
)
def test_tasks_that_say_too_little_are_refused(description, words):
    with pytest.raises(TaskError, match=words):
        entry(**description)


def test_heads_are_t_layers_and_the_weighted_sum():
    assert heads_of(3, "all") == ["T0", "T1", "T2", "T3", "weighted"]
    assert heads_of(3, ["T3", "T1", "T7"]) == ["T1", "T3", "weighted"]


def test_heads_are_divided_into_jobs():
    heads = heads_of(4, "all")
    assert head_jobs(heads, None) == {"T0-weighted": heads}
    assert head_jobs(heads, 2) == {"T0-T1": ["T0", "T1"], "T2-T3": ["T2", "T3"], "T4-weighted": ["T4", "weighted"]}
    assert head_jobs(heads, 5) == {"T0-T4": heads[:5], "weighted": ["weighted"]}
