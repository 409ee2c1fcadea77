"""Kinds of task: what each says of itself, that nobody asks for their names, and one that comes from outside."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from layerwise.files.shipped import ROOT
from layerwise.layers import WEIGHTED
from layerwise.probes.errors import TaskError
from layerwise.probes.heads import HEADS
from layerwise.probes.kinds import KINDS, register
from layerwise.probes.kinds.labels import Labels, unseen_labels
from layerwise.probes.losses import LOSSES
from layerwise.probes.metrics import METRICS
from layerwise.probes.rates import rate
from layerwise.probes.readers import read_candidates
from layerwise.probes.records import content_of
from layerwise.probes.tasks import PLACES, task_entry
from planted_layers import LAYERS, labelled, settings, trained
from task_items import corpus_inputs, index

CATALOGUE = yaml.safe_load((ROOT / "resources/tasks.yaml").read_text())
PACKAGE = ROOT / "workflow/layerwise"


def test_every_file_of_the_folder_is_a_kind_or_what_kinds_share():
    files = {path.stem for path in (PACKAGE / "probes/kinds").glob("*.py")}
    assert files - set(KINDS) == {"__init__", "kind", "sequences"}


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_says_all_that_is_asked_for(name):
    kind = KINDS[name]
    assert kind.metric in METRICS
    assert kind.head in HEADS
    assert kind.loss in LOSSES
    assert set(kind.places) <= set(PLACES)
    assert kind.from_columns == ("corpus" not in kind.places)
    assert all(name in recipes or kind.trained_like in recipes for recipes in CATALOGUE["recipes"].values())


def test_the_schema_leaves_kinds_to_their_registry():
    schema = yaml.safe_load((ROOT / "workflow/schemas/tasks.schema.yaml").read_text())
    assert "enum" not in schema["$defs"]["task"]["properties"]["kind"]


@pytest.mark.parametrize("kind", ["label", "phonemes"])
def test_an_unknown_kind_is_refused_with_the_nearest(kind):
    description = {"kind": kind, "corpus": "demo", "split": "dev-clean", "held_out": {"dev": 0.2, "test": 0.2}}
    with pytest.raises(TaskError, match=r"kind: .*allowed: characters, labels, phones"):
        task_entry("mine", description, {"recipes": {"paper": {}}, "data": {}}, "paper", {})


def test_planning_reads_kinds_without_torch():
    code = "import sys, layerwise.probes.tasks as tasks; print(sorted(tasks.KINDS), 'torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == f"{sorted(KINDS)} False"


def test_nobody_asks_for_the_name_of_a_kind():
    """Not `kind == "labels"`: what depends on a kind stands in its class."""
    asked = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and any(isinstance(side, ast.Constant) and side.value in KINDS for side in (node.left, *node.comparators))
        and any("kind" in ast.unparse(side) for side in (node.left, *node.comparators))
    ]
    assert asked == []


def test_unseen_labels_are_found_in_any_column():
    train = [("on", "lamp"), ("off", "fan")]
    assert unseen_labels(train, [("on", "fan"), ("on", "door"), ("up", "lamp")]) == [1, 2]


# A fourth kind


@pytest.fixture
def first_phone():
    """The first phone of an utterance: one class, and nothing else."""

    @register
    class FirstPhone(Labels):
        name = "first_phone"
        places = ("corpus",)
        from_columns = False
        tier = "phone"
        follows_speakers = False
        nothing_to_learn = ("no phones", "its alignment has no phone")
        trained_like = "labels"

        def target(self, text, labels):
            return tuple(labels[:1])

    yield KINDS["first_phone"]
    del KINDS["first_phone"]


def test_a_new_kind_can_be_named_by_a_task(first_phone):
    description = {"kind": "first_phone", "corpus": "demo", "split": "dev", "held_out": {"dev": 0.1, "test": 0.2}}
    task = task_entry("mine", description, CATALOGUE, "small", {})
    assert (task.metric, task.corpus_files) == ("accuracy", ("audio", "alignments"))
    assert task.recipe == CATALOGUE["recipes"]["small"]["labels"]
    assert task.modules == []  # a code digest has modules of the package alone


def test_utterances_of_a_new_kind_are_listed(first_phone, tmp_path):
    names = [f"{speaker}-2-0" for speaker in range(1, 9)]
    phones = {name: ["HH" if i % 2 else "G", "OW"] for i, name in enumerate(names)} | {"9-2-0": []}
    inputs = corpus_inputs(tmp_path / "c", dict.fromkeys(phones, "x"), phones)
    found = read_candidates("corpus", inputs, kind="first_phone", columns=[], splits={"dev-clean": None})
    held_out = {"dev": ["1", "2"], "test": ["3", "4"]}
    table, problems = index(tmp_path, found, "first_phone", held_out=held_out)
    assert {name: tuple(target) for name, target in table["target"].items()} == {
        name: ("HH" if i % 2 else "G",) for i, name in enumerate(names)
    }
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [["9-2-0", "no phones"]]


@pytest.mark.usefixtures("one_thread")
def test_heads_learn_a_new_kind_as_they_learn_labels(first_phone):
    source, utterances = labelled("T2")
    utterances = replace(utterances, targets=[(name.upper(),) for (name,) in utterances.targets])
    contents = {}
    for kind in ("labels", "first_phone"):
        sweep = trained(source, utterances, [*LAYERS, WEIGHTED], settings(kind, steps=60))
        tested = sweep.test()
        contents[kind] = content_of(sweep, tested, blocks=3)
        values = {name: rate(counts) for name, counts in tested.counts.items()}
        assert max(values, key=values.get) == "T2"
        assert all(torch.isfinite(value).all() for value in sweep.progress.best["T2"]["state"].values())
    assert contents["first_phone"]["records"] == contents["labels"]["records"]
    assert np.isfinite(contents["first_phone"]["records"][0]["chance"])
