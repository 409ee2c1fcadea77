"""`probes` and `extra_tasks`: the entries of tasks, and where their data comes from."""

from __future__ import annotations

import os

from layerwise.corpus.headers import header_of
from layerwise.errors import LayerwiseError
from layerwise.experiment.configuration.problems import no_file, repeated, unknown
from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.experiment.configuration.sources import Source
from layerwise.models.catalogue import ModelEntry
from layerwise.probes.errors import TaskError
from layerwise.probes.head_names import heads_of
from layerwise.probes.tasks import TaskEntry, task_entry


def chosen_tasks(
    config: dict, corpora: dict, models: dict[str, ModelEntry]
) -> tuple[dict[str, TaskEntry], dict[str, Source], list[str]]:
    """The chosen tasks, where their data comes from, and what is wrong with either."""
    probes, catalogue = config["probes"], read_catalogue("tasks.yaml")
    names = asked_tasks(config, corpora)
    known = catalogue["tasks"] | config["extra_tasks"]
    errors = [
        *unknown("probes.tasks", names, known, "a name in resources/tasks.yaml or extra_tasks"),
        *repeated("probes.tasks", names),
        *unknown("probes.recipe", [probes["recipe"]], catalogue["recipes"], "a recipe"),
        *[
            f"extra_tasks.{name}: resources/tasks.yaml has a task of this name; choose another"
            for name in config["extra_tasks"]
            if name in catalogue["tasks"]
        ],
        *_absent_heads(probes, models),
    ]
    if probes["external"] is not None:
        errors += no_file("probes.external", probes["external"])
    if errors:
        return {}, {}, errors
    tasks: dict[str, TaskEntry] = {}
    sources: dict[str, Source] = {}
    for name in names:
        try:
            tasks[name] = task_entry(name, known[name], catalogue, probes["recipe"], probes["overrides"])
        except TaskError as error:
            errors.append("extra_" * (name in config["extra_tasks"]) + f"tasks.{error}")
            continue
        found, problems = _task_sources(tasks[name], probes["sources"], corpora)
        problems = problems or _absent_columns(tasks[name], found)
        sources |= found
        errors += ["extra_" * (name in config["extra_tasks"]) + problem for problem in problems]
    known_sources = _source_names(catalogue, corpora)
    errors += unknown("probes.sources", list(probes["sources"]), known_sources, "the name of a file of a task")
    return tasks, sources, list(dict.fromkeys(errors))


def asked_tasks(config: dict, corpora: dict) -> list[str]:
    """The names of the tasks: what the configuration says, or else the catalogue of its own corpus."""
    asked, corpus = config["probes"]["tasks"], config["corpus"]
    if asked is not None:
        return asked
    return corpora.get(corpus["name"], {}).get("tasks", []) if corpus["audio"] is None else []


def _absent_heads(probes: dict, models: dict[str, ModelEntry]) -> list[str]:
    """Listed layers that no model has, as far as their layers are known."""
    blocks = [entry.blocks for entry in models.values() if entry.is_planned and entry.blocks is not None]
    if probes["layers"] == "all" or not models or len(blocks) < len(models):
        return []
    everywhere = {head for count in blocks for head in heads_of(count, "all")}
    absent = [name for name in probes["layers"] if name not in everywhere]
    return [f"probes.layers: {', '.join(absent)} are in no model of this experiment"] if absent else []


def _absent_columns(task: TaskEntry, sources: dict[str, Source]) -> list[str]:
    """Of a table of the user's that is here, the columns that a task needs and it lacks."""
    source = sources.get(f"{task.name}/table")
    if source is None or source.is_url:
        return []
    try:
        header_of(source.path, ("path", *task.columns))
    except LayerwiseError as error:
        return [f"tasks.{task.name}.table: {error}"]
    return []


def _source_names(catalogue: dict, corpora: dict) -> list[str]:
    """Every name that a local copy can be given for."""
    files = [f"{data}/{file}" for data, entry in catalogue["data"].items() for file in entry["files"]]
    return files + [
        f"{corpus}/{split}/{kind}"
        for corpus, entry in corpora.items()
        for split in entry["splits"]
        for kind in ("audio", "alignments")
    ]


def _task_sources(task: TaskEntry, given: dict, corpora: dict) -> tuple[dict[str, Source], list[str]]:
    """Where the files of a task come from: a local copy, or else what the catalogues say."""
    entries = {f"{task.data}/{file}": entry for file, entry in task.files.items()}
    if task.layout == "table":
        entries = {f"{task.name}/table": {"source": task.table}}
    if task.layout == "corpus":
        if task.corpus not in corpora:
            return {}, unknown(f"tasks.{task.name}.corpus", [str(task.corpus)], corpora, "in resources/corpora.yaml")
        splits = corpora[task.corpus]["splits"]
        if errors := unknown(f"tasks.{task.name}", list(task.splits), splits, f"a split of {task.corpus}"):
            return {}, errors
        entries = {
            f"{task.corpus}/{split}/{file}": splits[split][file] for split in task.splits for file in task.corpus_files
        }
    sources, errors = {}, []
    for name, entry in entries.items():
        entry = {"source": given[name]} if name in given else entry
        sources[name] = Source.of(entry)
        if not sources[name].is_url and not os.path.exists(sources[name].path):
            errors.append(f"tasks.{task.name}: {name}, {entry['source']}, does not exist")
        elif found := sources[name].no_place:
            errors.append(f"tasks.{task.name}: {name}, {entry['source']}: it is {found}; a file or folder is expected")
    return sources, errors
