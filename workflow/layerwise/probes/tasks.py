"""What the names of downstream tasks mean: where their utterances come from, and how heads are trained for them.

Read when the workflow is planned, so nothing here imports torch or uses the network. Heads and recipes follow SUPERB
(Yang et al. 2021, https://arxiv.org/abs/2105.01051).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from layerwise.errors import did_you_mean, listed_names, shown
from layerwise.probes.errors import TaskError
from layerwise.probes.kinds.kind import KINDS, Kind

PARTS = ("train", "dev", "test")
PLACES = {"data": "data", "corpus": "a corpus", "table": "a table"}  # keys of a task, and what messages call them

# Parts of a data set, by the files or rows that they are made of.
FLUENT_PARTS = {"train": "train", "dev": "valid", "test": "test"}
SLURP_PARTS = {"train": ("train", "train_synthetic"), "dev": ("devel",), "test": ("test",)}
TABLES = {name for names in SLURP_PARTS.values() for name in names}  # files of a data set that hold no recordings

INDEXING = ("hours", "max_seconds")  # of a recipe: which utterances there are; all else is how heads are trained


@dataclass(frozen=True)
class TaskEntry:
    """A task as the catalogue or `extra_tasks` describes it, with the recipe that was chosen.

    Attributes:
        name: as in the configuration.
        title: as in plots.
        kind: name of its kind, one of `KINDS`.
        layout: how its utterances are written down: `fluent`, `slurp`, `table` or `corpus`.
        recipe: values by name (resources/tasks.yaml).
        columns: names of its labels; none where the target is not made of columns.
        data: name of the data set.
        files: of the data set: name → source, bytes, md5, sha256.
        corpus: name of the corpus.
        splits: split of the corpus → part, or None where speakers are divided.
        held_out: part → speakers, or the share of them.
        table: path of the CSV.
    """

    name: str
    title: str
    kind: str
    layout: str
    recipe: dict
    columns: list[str] = field(default_factory=list)
    data: str | None = None
    files: dict[str, dict] = field(default_factory=dict)
    corpus: str | None = None
    splits: dict[str, str | None] = field(default_factory=dict)
    held_out: dict = field(default_factory=dict)
    table: str | None = None

    @property
    def metric(self) -> str:
        """Name of its metric, one of `layerwise.probes.metrics.METRICS`."""
        return KINDS[self.kind].metric

    @property
    def corpus_files(self) -> tuple[str, ...]:
        """What is needed of each split of its corpus: audio, and alignments where the target is made of them."""
        return ("audio",) if KINDS[self.kind].tier is None else ("audio", "alignments")

    @property
    def modules(self) -> list[str]:
        """Modules of this package that the task needs, and tasks of other kinds do not (for code digests)."""
        module = type(KINDS[self.kind]).__module__
        return [module] if module.startswith("layerwise.") else []

    @property
    def training(self) -> dict:
        """The recipe, without what decides about utterances."""
        return {key: value for key, value in self.recipe.items() if key not in INDEXING}


def task_entry(name: str, description: Mapping, catalogue: Mapping, recipe: str, overrides: Mapping) -> TaskEntry:
    """A task with its data and recipe filled in.

    Args:
        description: its entry.
        catalogue: resources/tasks.yaml.
        recipe: name of a recipe.
        overrides: what the configuration says otherwise.

    Raises:
        TaskError: the entry does not say where utterances come from, or what is learned of them.
    """
    _check(name, description, catalogue)
    kind = KINDS[description["kind"]]
    values = {**_recipe_of(kind, catalogue["recipes"][recipe]), **description.get("recipes", {}).get(recipe, {})}
    values |= overrides
    if problem := kind.recipe_problem(values):
        raise TaskError(f"{name}: {problem}")
    known: dict = {
        "name": name,
        "title": description.get("title", name),
        "kind": description["kind"],
        "recipe": values,
        "columns": list(description.get("columns", [])) if kind.from_columns else [],
        "held_out": dict(description.get("held_out", {})),
    }
    if "data" in description:
        data = catalogue["data"][description["data"]]
        return TaskEntry(layout=data["layout"], data=description["data"], files=dict(data["files"]), **known)
    if "table" in description:
        return TaskEntry(layout="table", table=description["table"], **known)
    splits = {split: part for part, split in description.get("splits", {}).items()} or {description["split"]: None}
    return TaskEntry(layout="corpus", corpus=description["corpus"], splits=splits, **known)


def _recipe_of(kind: Kind, recipes: Mapping[str, Mapping]) -> Mapping:
    """The recipe of a kind, or of the kind that it is trained like."""
    return recipes[kind.name if kind.name in recipes or kind.trained_like is None else kind.trained_like]


def _check(name: str, description: Mapping, catalogue: Mapping) -> None:
    said = description["kind"]
    if said not in KINDS:
        raise TaskError(
            f"{name}.kind: found {shown(said)}; allowed: {listed_names(KINDS, said)}{did_you_mean(KINDS, said)}"
        )
    places = [key for key in PLACES if key in description]
    if len(places) != 1:
        raise TaskError(
            f"{name}: exactly one of data, corpus and table says where utterances come from, "
            f"found {' and '.join(places) or 'none'}"
        )
    (place,) = places
    kind = KINDS[description["kind"]]
    if place not in kind.places:
        allowed = [other.name for other in KINDS.values() if place in other.places]
        raise TaskError(
            f"{name}.kind: found {kind.name}; of {PLACES[place]} only {' or '.join(allowed)} can be learned"
        )
    if place == "corpus":
        _check_corpus(name, description)
    if kind.from_columns and not description.get("columns"):
        raise TaskError(f"{name}.columns: is missing; which labels of an utterance are learned")
    if unknown := [recipe for recipe in description.get("recipes", {}) if recipe not in catalogue["recipes"]]:
        raise TaskError(
            f"{name}.recipes.{unknown[0]}: is not a recipe; allowed: {listed_names(catalogue['recipes'], unknown[0])}"
        )
    if place == "data" and description["data"] not in catalogue["data"]:
        raise TaskError(
            f"{name}.data: {description['data']!r} is not in resources/tasks.yaml; "
            f"allowed: {listed_names(catalogue['data'], description['data'])}"
        )


def _check_corpus(name: str, description: Mapping) -> None:
    if ("splits" in description) == ("split" in description):
        raise TaskError(f"{name}: a corpus needs either splits (train, dev, test) or one split with held_out speakers")
    if "split" in description and "held_out" not in description:
        raise TaskError(f"{name}.held_out: is missing; which speakers of the split are dev and test")
    if len(set(description.get("splits", {}).values())) != len(description.get("splits", {})):
        raise TaskError(f"{name}.splits: one split is two parts; let held_out divide its speakers instead")
