"""Score files as score jobs write them, with made-up numbers: layer i of a model is best in the middle of its depth."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path

METRICS = ("mean_cca", "pwcca")

Status = Callable[[str, str, str], tuple[str, str]]


def always_ok(property_name: str, model: str, layer: str) -> tuple[str, str]:
    return "ok", ""


def bump(property_name: str, model: str, layer: str, metric: str, sample: int, trial: int, blocks: int) -> float:
    """A curve that peaks at 0.6 of the depth, lower for later names, with a little spread over samples and trials."""
    index = int(layer[1:])
    depth = index / blocks if layer.startswith("T") else (index - 7) / 20
    level = 0.75 - 0.02 * (sum(map(ord, property_name + model)) % 12)
    level -= 0.05 * (metric != "pwcca")
    return level - 0.6 * (depth - 0.6) ** 2 + 0.004 * ((3 * sample + 5 * trial) % 7)


def bump_by_chance(trial: int) -> float:
    """A chance level, the same for all layers and metrics."""
    return 0.12 + 0.004 * trial


def record(
    property_name: str,
    model: str,
    layer: str,
    sample: int,
    scores: Sequence[Mapping[str, float]],
    status: str = "ok",
    reason: str = "",
    alignments: str = "given",
    chance: Sequence[Mapping[str, float]] = (),
) -> dict:
    """One record with a trial for each entry of `scores`, a dict from metric to value, and of `chance`, likewise."""
    trials = [
        {
            **{"trial": number, "dev_fold": 3 * number % 10, "test_fold": (3 * number + 1) % 10},
            **{
                "regularisers": {"pwcca": [1e-10, 1e-10]},
                "metrics": {name: min(value, 1.0) for name, value in values.items()},
                "chance": dict(chance[number - 1]) if chance else {},
                "correlations": [0.5],
            },
            **{"n_train": 800, "n_test": 100, "dx": 48, "dy": 39, "kept_x": 48, "kept_y": 39},
            "kept": {metric: [48, 39] for metric in values},
            **{"rank_x": 48, "rank_y": 38, "classes": 39, "classes_unseen": 0},
        }
        for number, values in enumerate(scores, start=1)
    ]
    return {
        **{"property": property_name, "model": model, "layer": layer, "sample": sample},
        **{"status": status, "reason": reason, "alignments": alignments},
        **{"n_rows": 1000, "n_missing": 0, "n_types": 39 * (property_name in ("phone", "word")), "n_speakers": 18},
        "trials": [] if status == "skipped" else trials,
    }


def with_jackknife(made: dict, share: Mapping[str, Sequence[float]], values: Mapping[str, Sequence[float]]) -> dict:
    """The record with the jackknife of `pwcca`, shares and values of each trial by group."""
    again = {
        name: {"weight": 0.5, "share": list(share[name]), "metrics": {"pwcca": list(values[name])}} for name in share
    }
    return made | {"jackknife": again}


def write_score(folder: Path, *records: dict) -> Path:
    first, last = records[0], records[-1]
    name = first["layer"] if len(records) == 1 else f"{first['layer']}-{last['layer']}"
    path = folder / first["property"] / first["model"] / str(first["sample"]) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"records": list(records)}))
    return path


def write_experiment(
    folder: Path,
    blocks: Mapping[str, int],
    properties: Sequence[str] = ("intra", "mel", "phone", "word"),
    samples: int = 2,
    trials: int = 3,
    status: Status = always_ok,
    metrics: Sequence[str] = METRICS,
    convs: int = 7,
    alignments: str = "given",
    chance: bool = False,
) -> list[Path]:
    """Every score file of an experiment, one per layer; `status` says which are skipped or flagged."""
    files = []
    for property_name in properties:
        for model, depth in blocks.items():
            names = [f"C{i}" for i in range(1, convs + 1)] if property_name == "mel" else []
            for layer in names + [f"T{i}" for i in range(depth + 1)]:
                for sample in range(1, samples + 1):
                    scores = [
                        {m: bump(property_name, model, layer, m, sample, t, depth) for m in metrics}
                        for t in range(1, trials + 1)
                    ]
                    outcome = status(property_name, model, layer)
                    levels = [dict.fromkeys(metrics, bump_by_chance(t)) for t in range(1, trials + 1)] if chance else []
                    made = record(property_name, model, layer, sample, scores, *outcome, alignments, levels)
                    files.append(write_score(folder, made))
    return files


def write_matrix(
    folder: Path,
    property_name: str,
    blocks: Mapping[str, int],
    other_blocks: int,
    samples: int = 2,
    trials: int = 3,
    status: Status = always_ok,
    alignments: str = "given",
) -> list[Path]:
    """Score files of a property that compares layers with T0…T<other_blocks> of another model: alike at equal depth.

    `status` is called with the property, the model and the layers as `T1 T2`.
    """
    files = []
    for model, depth in blocks.items():
        for sample in range(1, samples + 1):
            records = []
            for one, other in product(range(depth + 1), range(other_blocks + 1)):
                level = 0.9 - 0.5 * abs(one / depth - other / other_blocks)
                scores = [{"pwcca": level + 0.01 * trial + 0.02 * sample} for trial in range(trials)]
                by_chance = [{"pwcca": 0.1}] * trials
                outcome = status(property_name, model, f"T{one} T{other}")
                made = record(property_name, model, f"T{one}", sample, scores, *outcome, alignments, by_chance)
                records.append(made | {"other_layer": f"T{other}"})
            files.append(write_score(folder, *records))
    return files
