"""What the training of tasks takes: by hand for tasks of each kind, and what changes with each choice."""

from __future__ import annotations

import io
import tarfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import yaml

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.costs import Costs, costs_of, read_calibration
from layerwise.experiment.costs_page import render
from layerwise.experiment.speech_amounts import Amount, task_parts
from layerwise.experiment.task_costs import HeadGroup, TaskCost
from layerwise.files.catalogues import read_yaml
from layerwise.probes.head_shapes import Shape
from layerwise.probes.heads import HEADS, make_heads
from layerwise.probes.kinds import KINDS

ROOT = Path(__file__).parents[3]
CALIBRATION = read_calibration()
PAPERS = ["phone-recognition", "speech-recognition", "intent-fsc", "slurp-action", "slurp-scenario"]
BASE = 13 * 768  # numbers of all layers in a row
START = CALIBRATION["training"]["seconds_per_job"]


def costs(tasks: list[str], models: list[str] | None = None, others: dict | None = None, **probes) -> Costs:
    config = {"models": models or ["hubert-base"], "probes": {"tasks": tasks} | probes} | (others or {})
    return costs_of(read_experiment(config), defaultdict(bool), CALIBRATION)


def estimated(task: str, models: list[str] | None = None, others: dict | None = None, **probes) -> TaskCost:
    (found,) = costs([task], models, others, **probes).tasks
    return found


def parts_of(task: str, others: dict | None = None, **probes) -> dict[str, Amount]:
    experiment = read_experiment({"probes": {"tasks": [task]} | probes} | (others or {}))
    return task_parts(experiment, experiment.tasks[task])


def test_labels_by_hand():
    found = estimated("intent-fsc", recipe="superb")
    hours = 14.7 + 1.9 + 2.4
    assert found.known
    assert (found.heads, found.jobs, found.steps, found.can_end) == (14, 1, 200_000, False)
    assert found.heard == pytest.approx(3600 * hours)  # one pass
    assert found.passes == pytest.approx(1)
    head = 768 * 256 + 256 * 50
    updates = 200_000 + 50 * 3118 / 32 + 3793 / 32  # looks at dev, and the test, in updates of as many utterances
    figures = CALIBRATION["training"]["updates"]["linear"]
    seconds = updates * 14 * head * (32 * figures["products"] + figures["weights"])
    assert found.cpu_seconds == pytest.approx(
        (
            START[0] + 0.12 * 3600 * hours + seconds,
            START[1] + 0.18 * 3600 * hours + CALIBRATION["training"]["busy"] * seconds,
        )
    )
    means, states = 4 * BASE * (23_132 + 3118 + 3793), 4 * 4 * 14 * head
    assert found.cache == pytest.approx(means + states)


def test_frames_that_fit_are_computed_once():
    found = estimated("phones-dev-clean", cache_gb=200, overrides={"hours": None})
    assert (found.anew, found.frames) == (0, 0)
    assert found.passes == pytest.approx(1)
    frames = 0.8 * 5.388 * 3600 / 0.02  # of training and dev
    assert found.cache == pytest.approx(4 * BASE * frames, rel=0.02)


def test_frames_that_do_not_fit_are_computed_for_every_batch():
    chosen = {"steps": 1000, "batch": 8, "evaluate_every": 300, "hours": None}
    found = estimated("phones-dev-clean", cache_gb=1, overrides=chosen)
    parts = {part: share * 5.388 * 3600 for part, share in {"train": 0.7, "dev": 0.1, "test": 0.2}.items()}
    each = 5.388 * 3600 / 2703
    assert found.anew == 1
    assert found.frames == pytest.approx(4 * BASE * (parts["train"] + parts["dev"]) / 0.02, rel=1e-2)
    # Batches, four looks (at 300, 600, 900 and the end), and the test.
    assert found.heard == pytest.approx(1000 * 8 * each + 4 * parts["dev"] + parts["test"], rel=1e-3)
    kept = estimated("phones-dev-clean", cache_gb=200, overrides=chosen)
    assert kept.cpu_seconds[0] < 0.5 * found.cpu_seconds[0]
    assert kept.cache > 10 * found.cache


@pytest.mark.parametrize("task", ["intent-fsc", "phone-recognition", "demo-speech"])
@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"overrides": {"steps": 1000}}, {"overrides": {"steps": 3000}}),
        ({"overrides": {"hours": 0.1}}, {"overrides": {"hours": 0.2}}),
        ({"layers": ["T3"]}, {"layers": "all"}),
        ({"overrides": {"projection": 64}}, {"overrides": {"projection": 128}}),
        ({"overrides": {"evaluate_every": 1000}}, {"overrides": {"evaluate_every": 20}}),
        ({"heads_per_job": None}, {"heads_per_job": 3}),  # another pass for each job
    ],
)
def test_more_takes_longer(task, less, more):
    first, second = estimated(task, **less), estimated(task, **more)
    assert first.cpu_seconds[0] < second.cpu_seconds[0]
    assert first.cpu_seconds[1] < second.cpu_seconds[1]
    assert first.operations <= second.operations


def test_twice_the_steps_are_twice_the_updates():
    one, two, four = (estimated("intent-fsc", overrides={"steps": 1000 * times}).cpu_seconds for times in (1, 2, 4))
    assert two[0] > one[0]
    assert four[0] - two[0] == pytest.approx(2 * (two[0] - one[0]))


def test_hours_limit_every_part():
    found = parts_of("phone-recognition", overrides={"hours": 2})
    assert {part: amount.seconds for part, amount in found.items()} == pytest.approx(
        dict.fromkeys(("train", "dev", "test"), 7200), rel=1e-2
    )
    everything = parts_of("phone-recognition", overrides={"hours": None})
    assert [amount.utterances for amount in everything.values()] == [28_539, 2703, 2620]


def test_named_speakers_and_shares_are_parts_of_their_split():
    demo = parts_of("demo-phones")
    assert {part: amount.utterances for part, amount in demo.items()} == {"train": 260, "dev": 65, "test": 65}
    shares = parts_of("phones-dev-clean", overrides={"hours": None})
    assert shares["test"].seconds == pytest.approx(0.2 * 5.388 * 3600, rel=1e-2)


def test_demos_parts_are_those_of_its_archive():
    found: dict[str, list[float]] = defaultdict(list)
    with tarfile.open(ROOT / "resources/demo/demo_commands.tar.gz") as archive:
        files = {
            member.name.split("/", 1)[1]: archive.extractfile(member).read() for member in archive if member.isfile()
        }
    for part, name in {"train": "train", "dev": "valid", "test": "test"}.items():
        for line in files[f"data/{name}_data.csv"].decode().splitlines()[1:]:
            path = next(cell for cell in line.split(",") if cell.startswith("wavs/"))
            found[part].append(soundfile.info(io.BytesIO(files[path])).duration)
    said = read_yaml(ROOT / "resources/tasks.yaml")["data"]["demo-commands"]["parts"]
    assert {part: len(seconds) for part, seconds in found.items()} == {
        part: amount["utterances"] for part, amount in said.items()
    }
    assert {part: sum(seconds) / 3600 for part, seconds in found.items()} == pytest.approx(
        {part: amount["hours"] for part, amount in said.items()}, rel=0.01
    )


def test_table_of_ones_own_is_assumed_from_its_lines(tmp_path):
    table = tmp_path / "words.csv"
    table.write_text("path,word\n" + "".join(f"{i}.wav,w{i % 3}\n" for i in range(500)))
    own = {"extra_tasks": {"words": {"kind": "labels", "table": str(table), "columns": ["word"]}}}
    assert sum(amount.utterances for amount in parts_of("words", own).values()) == 500
    found = estimated("words", others=own)
    assert not found.known
    assert "the length of its audio is assumed" in render(costs(["words"], others=own))


def test_own_audio_under_the_name_of_a_split_is_not_that_split(tmp_path):
    (tmp_path / "a.flac").write_bytes(bytes(17_422))
    (tmp_path / "alignments").mkdir()
    corpus = {"name": "librispeech", "audio": str(tmp_path), "alignments": str(tmp_path / "alignments")}
    amounts = parts_of("phones-dev-clean", {"corpus": corpus})
    assert not any(amount.known for amount in amounts.values())
    assert sum(amount.seconds for amount in amounts.values()) < 10


def test_model_whose_layers_are_not_known_is_named():
    others = {"extra_models": {"mine": {"source": "owner/name"}}}
    found = costs(["demo-intent"], ["mine", "hubert-base"], others)
    assert (found.tasks[0].models, found.tasks[0].unknown) == (1, 1)
    assert replace(found.tasks[0], unknown=0) == estimated("demo-intent")
    assert "without 1 model whose checkpoint has not been read" in render(found)
    assert "Training: 0 heads" in render(costs(["demo-intent"], ["mine"], others))


@pytest.mark.parametrize("recipe", ["small", "superb"])
@pytest.mark.parametrize("preset", ["asru2021", "icassp2023", "tacl2024", "base-models"])
def test_presets_with_the_papers_tasks(preset, recipe):
    config = yaml.safe_load((ROOT / f"resources/experiments/{preset}.yaml").read_text())
    plain = costs_of(read_experiment(config), defaultdict(bool), CALIBRATION)
    assert plain.tasks == ()
    assert "Training" not in render(plain)
    found = costs_of(
        read_experiment(config | {"probes": {"tasks": PAPERS, "recipe": recipe}}), defaultdict(bool), CALIBRATION
    )
    assert [task.name for task in found.tasks] == PAPERS
    assert all(task.known for task in found.tasks)
    assert found.cpu_seconds == plain.cpu_seconds
    assert found.disk > plain.disk
    page = render(found)
    assert all(f"  {name}" in page for name in [*PAPERS, "data of tasks", "layers for tasks", "answers of heads"])
    assert "at least" in page  # of archives whose size is not known
    largest = max(found.computing, key=lambda item: found.computing[item][1])
    assert f"of it is {largest}" in page
    assert ("at most" in page.split("Training")[1]) == (recipe == "small")


def test_largest_item_is_named():
    extraction = costs(["demo-intent"], others={"properties": ["phone"], "corpus": {"name": "librispeech"}})
    assert "of it is extraction" in render(extraction)
    training = costs(["demo-speech"], overrides={"steps": 100_000, "hidden": 512})
    assert "of it is training" in render(training)


@pytest.mark.parametrize("kind", ["labels", "phones", "characters"])
def test_weights_are_those_of_the_heads(kind):
    recipe = {"projection": 240, "hidden": 160}
    group = HeadGroup(KINDS[kind], recipe, heads=1, layers=1, width=320, stride_seconds=0.02)
    outputs = 50 if kind == "labels" else 40
    heads = make_heads(Shape(kind, ("T0",), 320, (outputs,), 240, 160), ["T0"], "task", 1, 1e-3)
    weights = sum(value.numel() for value in heads.state_of("T0").values())
    assert group.weights == pytest.approx(weights, rel=0.03)  # biases are not counted


def test_every_shape_of_head_has_its_figures():
    assert CALIBRATION["training"]["updates"].keys() == HEADS.keys()
