"""What the names of downstream tasks mean: where their utterances come from, and how heads are trained for them.

Read when the workflow is planned, so nothing here imports torch or uses the network. Heads and recipes follow SUPERB
(Yang et al. 2021, https://arxiv.org/abs/2105.01051).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from layerwise.errors import LayerwiseError, listed_names
from layerwise.layers import transformer_names

METRICS = {"phones": "per", "characters": "wer", "labels": "accuracy"}  # kind of task → what is measured
HIGHER_IS_BETTER = {"per": False, "wer": False, "accuracy": True}
WEIGHTED = "weighted"  # the head on the learned softmax-weighted sum of all T layers
PARTS = ("train", "dev", "test")

# Parts of a data set, by the files or rows that they are made of.
FLUENT_PARTS = {"train": "train", "dev": "valid", "test": "test"}
SLURP_PARTS = {"train": ("train", "train_synthetic"), "dev": ("devel",), "test": ("test",)}
TABLES = {name for names in SLURP_PARTS.values() for name in names}  # files of a data set that hold no recordings

INDEXING = ("hours", "max_seconds")  # of a recipe: which utterances there are; all else is how heads are trained


class TaskError(LayerwiseError):
    """A task says too little, or something impossible."""


@dataclass(frozen=True)
class TaskEntry:
    """A task as the catalogue or `extra_tasks` describes it, with the recipe that was chosen.

    Attributes:
        name: as in the configuration.
        title: as in plots.
        kind: `phones`, `characters` or `labels`.
        layout: how its utterances are written down: `fluent`, `slurp`, `table` or `corpus`.
        recipe: values by name (resources/tasks.yaml).
        columns: names of its labels; of other kinds none.
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
        """`per`, `wer` or `accuracy`."""
        return METRICS[self.kind]

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
    chosen = catalogue["recipes"][recipe][description["kind"]]
    own = description.get("recipes", {}).get(recipe, {})
    values = {**chosen, **own, **overrides}
    if description["kind"] == "characters" and values["hidden"] == 0:
        raise TaskError(f"{name}: hidden is 0 in its recipe or in probes.overrides; the LSTMs need at least 1")
    known: dict = {
        "name": name,
        "title": description.get("title", name),
        "kind": description["kind"],
        "recipe": values,
        "columns": list(description.get("columns", [])),
        "held_out": dict(description.get("held_out", {})),
    }
    if "data" in description:
        data = catalogue["data"][description["data"]]
        return TaskEntry(layout=data["layout"], data=description["data"], files=dict(data["files"]), **known)
    if "table" in description:
        return TaskEntry(layout="table", table=description["table"], **known)
    splits = {split: part for part, split in description.get("splits", {}).items()} or {description["split"]: None}
    return TaskEntry(layout="corpus", corpus=description["corpus"], splits=splits, **known)


def heads_of(blocks: int, layers: str | Sequence[str]) -> list[str]:
    """Heads of a model: its T layers (all, or those that are listed) in order of depth, then `weighted`."""
    return [name for name in transformer_names(blocks) if layers == "all" or name in layers] + [WEIGHTED]


def head_jobs(heads: Sequence[str], size: int | None) -> dict[str, list[str]]:
    """Heads that are trained together, by the name of the job: `T0-T4`, `T5-weighted`, …; None: all of them."""
    size = size or len(heads)
    parts = [list(heads[start : start + size]) for start in range(0, len(heads), size)]
    return {part[0] if len(part) == 1 else f"{part[0]}-{part[-1]}": part for part in parts}


def _check(name: str, description: Mapping, catalogue: Mapping) -> None:
    places = [key for key in ("data", "corpus", "table") if key in description]
    if len(places) != 1:
        raise TaskError(
            f"{name}: exactly one of data, corpus and table says where utterances come from, "
            f"found {' and '.join(places) or 'none'}"
        )
    (place,) = places
    if place == "corpus":
        _check_corpus(name, description)
    elif description["kind"] != "labels":
        raise TaskError(f"{name}.kind: found {description['kind']}; of {place} only labels can be learned")
    elif not description.get("columns"):
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
    if description["kind"] == "labels":
        raise TaskError(f"{name}.kind: found labels; of a corpus phones or characters can be learned")
    if ("splits" in description) == ("split" in description):
        raise TaskError(f"{name}: a corpus needs either splits (train, dev, test) or one split with held_out speakers")
    if "split" in description and "held_out" not in description:
        raise TaskError(f"{name}.held_out: is missing; which speakers of the split are dev and test")
    if len(set(description.get("splits", {}).values())) != len(description.get("splits", {})):
        raise TaskError(f"{name}.splits: one split is two parts; let held_out divide its speakers instead")
