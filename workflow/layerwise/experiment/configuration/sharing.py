"""`shares`: what an experiment has in common with another one, whose results it takes instead of making them again.

Representations depend on the corpus, the samples, `representations` and the model, and on nothing else. So an
experiment with fewer models, or with other questions, of the same corpus and samples is another view of the same
results. It names the other one, and then these are read in the folder of the other experiment:

- tables of the corpus and of samples;
- representations of models that both have, and other poolings and segments of tables as far as they are there;
- scores of models and questions that both have, if `cca` and `layers` are alike;
- heads of models and tasks that both have, if `probes` is alike.

No rule of this experiment can make them. All else lies in its own folder. What is alike is seen in the
configuration.yaml of the other experiment, which its last run has written, and in finished.yaml, written by a run that
has made all of it. Where the two differ in a key on which files depend, files of before the change may still lie there,
and nothing is shared. A model, table or vectors of the user's that was changed since then is another one: what is made
of it is not shared. Keys that have to be alike and are not are refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from layerwise.addresses import hidden_in
from layerwise.errors import did_you_mean, shown
from layerwise.experiment.configuration.experiment import Experiment
from layerwise.experiment.configuration.problems import ConfigurationError, listed
from layerwise.experiment.configuration.properties import chosen_properties
from layerwise.experiment.configuration.schema import read_catalogue, schema_of, with_defaults
from layerwise.experiment.configuration.tasks import asked_tasks
from layerwise.experiment.journal import CONFIGURATION, FINISHED
from layerwise.files.catalogues import CatalogueError, locate, read_yaml
from layerwise.spans import SPANS

_ALIKE = ("corpus", "samples", "representations")  # sections on which representations depend
_FREE = {("corpus", "keep"), ("representations", "batch_seconds")}  # of them what no result depends on
_OF_SCORES = ("cca", "layers")
_FREE_OF_HEADS = ("tasks", "external", "heads_per_job", "cache_gb")  # keys of `probes` on which no head depends
_NAMED = (("extra_models", "models"), ("extra_properties", "properties"), ("extra_tasks", "tasks"))


@dataclass(frozen=True)
class Sharing:
    """What is taken from another experiment.

    Attributes:
        experiment: its name; "": nothing is.
        models: whose representations are.
        tables: of segments, by their names in paths.
        passes: model → rows that not every extraction writes → the pass of the other experiment that has them.
        questions: properties whose scores are, of these models.
        tasks: whose heads are, of these models.
    """

    experiment: str = ""
    models: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    passes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    questions: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()

    def has_scores(self, question: str, model: str, other: str | None) -> bool:
        """Whether the scores of a model are shared; `other`: the model that the question compares with."""
        return question in self.questions and {model, other or model} <= self.models

    def has_heads(self, task: str, model: str) -> bool:
        """Whether the heads of a model are shared."""
        return task in self.tasks and model in self.models


NOTHING_SHARED = Sharing()


def sharing_of(experiment: Experiment, results: Path) -> Sharing:
    """What an experiment takes from the one that it names.

    Args:
        results: the folder of all experiments.

    Raises:
        ConfigurationError: there is no such experiment, or a key differs on which representations depend.
    """
    name = experiment.config["shares"]
    if name is None:
        return NOTHING_SHARED
    if name == experiment.config["experiment"]:
        raise ConfigurationError(listed([f"shares: {name} is this experiment; name another"]))
    theirs = _finished(results, name)
    corpora = read_catalogue("corpora.yaml")
    mine: Any = hidden_in(experiment.config)
    chosen = {
        "models": list(mine["models"]),
        "properties": list(mine["properties"]),
        "tasks": list(experiment.tasks),
    }
    others = {
        "models": theirs["models"],
        "properties": theirs["properties"],
        "tasks": asked_tasks(theirs, corpora),
    }
    both = {kind: [one for one in names if one in others[kind]] for kind, names in chosen.items()}
    errors = [*_differences(mine, theirs, name), *_other_entries(mine, theirs, both, name)]
    if (experiment.word_splits or experiment.word_list) and not _asks_about_words(theirs):
        errors.append(
            f"shares: {name} has no question about words, so that its words are not the frequent ones of "
            f"{experiment.word_list or ', '.join(experiment.word_splits or [])}; ask one there and run it again, or "
            "leave out shares"
        )
    errors += [
        f"shares: {shown(file)} was changed since the last run of {name}; run that one again, or leave out shares"
        for file in _files_of_corpus(experiment)
        if not _is_older([file], _last_run(results / name))
    ]
    if errors:
        raise ConfigurationError(listed(errors))
    return _alike(experiment, theirs, both, _tables(chosen_properties(dict(theirs))[0]), results / name)


def _finished(results: Path, name: str) -> dict:
    """The configuration of an experiment that was made to its end, and maybe got more questions since.

    Raises:
        ConfigurationError: there is none, or a later run has changed what files depend on, and not ended.
    """
    schema = schema_of("config.schema.yaml")
    first = f"run {name} first, to its end (target all)"
    if not (results / name / CONFIGURATION).is_file():
        there = sorted(path.parent.name for path in results.glob(f"*/{CONFIGURATION}"))
        missing = f"shares: {results / name / CONFIGURATION} does not exist"
        raise ConfigurationError(listed([f"{missing}; {first}{did_you_mean(there, name)}"]))
    if not (results / name / FINISHED).is_file():
        raise ConfigurationError(listed([f"shares: no run of {name} has made all of it; {first}"]))
    try:
        begun, ended = (with_defaults(read_yaml(results / name / file), schema) for file in (CONFIGURATION, FINISHED))
    except CatalogueError as error:
        raise ConfigurationError(listed([f"shares: {error}; {first}"])) from error
    before, now = _of_results(ended), _of_results(begun)
    changed = [key for key in before if key in now and now[key] != before[key]]
    if changed:
        said = f"shares: the last run of {name} had another {changed[0]} and did not make all of it; {first}"
        raise ConfigurationError(listed([said]))
    return begun


def _of_results(config: Mapping) -> dict[str, Any]:
    """What files that are shared depend on, by key. More models, questions or tasks change none that are there."""
    found = _of_representations(config) | {key: config[key] for key in _OF_SCORES} | _of_heads(config)
    found["corpus.word_list"] = (config["corpus"]["word_list"], _asks_about_words(config))  # which else is not read
    return found | {f"{section}.{name}": entry for section, _ in _NAMED for name, entry in config[section].items()}


def _of_representations(config: Mapping) -> dict[str, Any]:
    return {
        f"{section}.{key}": value
        for section in _ALIKE
        for key, value in config[section].items()
        if (section, key) not in _FREE
    }


def _of_heads(config: Mapping) -> dict[str, Any]:
    return {f"probes.{key}": value for key, value in config["probes"].items() if key not in _FREE_OF_HEADS}


def _asks_about_words(config: Mapping) -> bool:
    _, properties, _ = chosen_properties(dict(config))
    return any(question.rows.span is SPANS["word"] for question in properties.values())


def _alike(
    experiment: Experiment, theirs: Mapping, both: Mapping[str, list[str]], tables: Mapping[str, str], folder: Path
) -> Sharing:
    """What is the same in both.

    Args:
        both: models, properties and tasks that both name. tables: of the other one's segments, name → file.
        folder: of the other experiment.
    """
    last_run = _last_run(folder)
    config = experiment.config
    models = [experiment.names[said] for said in both["models"] if experiment.names[said] in experiment.models]
    models = [name for name in models if _is_older(_files_of_model(experiment, name), last_run)]
    same = frozenset(
        name
        for name, file in _tables(experiment.entries).items()
        if tables.get(name) == file and _is_older([file], last_run)
    )
    scored = both["properties"] if all(config[key] == theirs[key] for key in _OF_SCORES) else []
    trained = both["tasks"] if _of_heads(config) == _of_heads(theirs) else []
    return Sharing(
        experiment=folder.name,
        models=frozenset(models),
        tables=same,
        passes={
            model: _passes(folder / "representations" / model, config["representations"]["shards"], same)
            for model in models
        },
        questions=frozenset(name for name in scored if _is_question_alike(experiment, name, same, last_run)),
        tasks=frozenset(name for name in trained if _is_older(_files_of_task(experiment, name), last_run)),
    )


def _differences(mine: Mapping, other: Mapping, name: str) -> list[str]:
    """Keys that have to be alike and are not."""
    there = _of_representations(other)
    errors = [
        f"{key}: {value!r} here, {there.get(key)!r} in {name}: representations depend on it; make them alike, or leave "
        "out shares"
        for key, value in _of_representations(mine).items()
        if value != there.get(key)
    ]
    if not mine["representations"]["keep"]:
        errors.append("representations.keep: false deletes what is shared; it must be true")
    if other["shares"]:
        errors.append(f"shares: {name} itself shares with {other['shares']}; name that one")
    return errors


def _other_entries(mine: Mapping, other: Mapping, both: Mapping[str, list[str]], name: str) -> list[str]:
    """Models, questions and tasks of one name that are described differently."""
    return [
        f"{section}.{key}: it is described otherwise in {name}; choose another name for it"
        for section, kind in _NAMED
        for key in both[kind]
        if mine[section].get(key) != other[section].get(key)
    ]


def _tables(entries: Mapping[str, Mapping]) -> dict[str, str]:
    """The tables of segments that questions name: name in paths → file."""
    rows = [entry["rows"] for entry in entries.values() if isinstance(entry["rows"], Mapping)]
    return {each["table"]: os.path.realpath(locate(each["segments"])) for each in rows}


def _passes(folder: Path, shards: int, tables: Iterable[str]) -> dict[str, str]:
    """Rows → the finished pass that has them, of those on spans and on some tables of segments.

    Args:
        folder: of a model's representations, with a folder for each pass (rules/layers.smk).
    """
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*/")):
        if all((path / f"{shard}.h5").is_file() for shard in range(shards)):
            rows = [each for each in path.name.split("+") if each.split(".")[0] in {*SPANS, *tables}]
            found |= dict.fromkeys(rows, path.name)
    return found


def _is_question_alike(experiment: Experiment, name: str, tables: Iterable[str], last_run: float) -> bool:
    """Whether the files that a question names are those of the last run."""
    rows = experiment.properties[name].rows
    sources = [file.source for file in experiment.read_files.get(name, [])]
    if name in experiment.word_files:
        sources.append(experiment.word_files[name].source)
    files = [source.path for source in sources if not source.is_url]
    if experiment.needs_metadata(name):
        files += experiment.metadata.paths
    return (not rows.table or rows.of in tables) and _is_older(files, last_run)


def _last_run(folder: Path) -> float:
    """When the last run began that made all of an experiment."""
    return (folder / FINISHED).stat().st_mtime


def _files_of_corpus(experiment: Experiment) -> list[Path]:
    """Lists and tables that say what of the corpus is taken, and how; audio and alignments are not looked at."""
    files = [experiment.word_list, experiment.pronunciations, *experiment.part_lists, *experiment.metadata.of_speakers]
    return [file for file in files if file is not None]


def _files_of_model(experiment: Experiment, name: str) -> list[Path]:
    entry = experiment.models[name]
    if entry.kind != "folder":
        return []
    return [entry.folder] if entry.folder.is_file() else list(entry.folder.iterdir())


def _files_of_task(experiment: Experiment, name: str) -> list[Path]:
    table = experiment.tasks[name].table
    return [] if table is None else [experiment.task_sources[f"{name}/table"].path]


def _is_older(files: Iterable[str | Path], last_run: float) -> bool:
    """Whether no file was changed since."""
    return all(os.path.getmtime(file) <= last_run for file in files)
