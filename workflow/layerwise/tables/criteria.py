"""The criteria of the paper's findings, resources/findings.yaml: fixed before any result was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from layerwise.errors import LayerwiseError
from layerwise.files.shipped import ROOT
from layerwise.tables.files import AnyPath

CRITERIA = ROOT / "resources/findings.yaml"

CONTRASTIVE, UNIT_PREDICTORS, RANDOM = "contrastive", "unit_predictors", "random"  # kinds of models
RECOGNITION, UNDERSTANDING = "recognition", "understanding"  # kinds of tasks
_MODELS, _TASKS = {CONTRASTIVE, UNIT_PREDICTORS, RANDOM}, {RECOGNITION, UNDERSTANDING}
_THRESHOLDS = {
    1: {"margin", "flat"},
    2: {"shallowest", "deepest", "margin"},
    3: {"both", "difference"},
    4: {"below_top", "near", "margin"},
    5: {"relative"},
    6: {"difference"},
}


class CriteriaError(LayerwiseError):
    """resources/findings.yaml lacks a criterion, or has one that no finding uses."""


@dataclass(frozen=True)
class Criteria:
    """resources/findings.yaml.

    Attributes:
        models: kind of model (contrastive, unit_predictors, random) → objectives.
        tasks: kind of task (recognition, understanding) → names.
        says: finding → its sentence.
        thresholds: finding → name → number.
        means: finding → name of a threshold → its sentence.
    """

    models: Mapping[str, Sequence[str]]
    tasks: Mapping[str, Sequence[str]]
    says: Mapping[int, str]
    thresholds: Mapping[int, Mapping[str, float]]
    means: Mapping[int, Mapping[str, str]]

    def kind_of(self, objective: str) -> str:
        """The kind of model with an objective; "" if no finding names it."""
        return next((kind for kind, objectives in self.models.items() if objective in objectives), "")


def read_criteria(path: AnyPath) -> Criteria:
    """The criteria in a file such as resources/findings.yaml.

    Raises:
        CriteriaError: the file lacks a key, or has one of no use; the message names it.
    """
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    _expect(path, "", content, {"models", "tasks", "findings"})
    _expect(path, "models", content["models"], _MODELS)
    _expect(path, "tasks", content["tasks"], _TASKS)
    found = content["findings"]
    _expect(path, "findings", found, set(_THRESHOLDS))
    for number, names in _THRESHOLDS.items():
        _expect(path, f"findings.{number}", found[number], {"says", "thresholds"})
        _expect(path, f"findings.{number}.thresholds", found[number]["thresholds"], names)
        for name, entry in found[number]["thresholds"].items():
            _expect(path, f"findings.{number}.thresholds.{name}", entry, {"value", "means"})
    thresholds = {number: entry["thresholds"] for number, entry in found.items()}
    return Criteria(
        models=content["models"],
        tasks=content["tasks"],
        says={number: entry["says"] for number, entry in found.items()},
        thresholds={n: {name: float(one["value"]) for name, one in named.items()} for n, named in thresholds.items()},
        means={n: {name: one["means"] for name, one in named.items()} for n, named in thresholds.items()},
    )


def _expect(path: AnyPath, where: str, content: object, keys: set) -> None:
    found = set(content) if isinstance(content, Mapping) else set()
    if found != keys:
        wrong = [f"{key} is missing" for key in sorted(keys - found, key=str)]
        wrong += [f"{key} is of no use" for key in sorted(found - keys, key=str)]
        raise CriteriaError(f"{path}: {where or 'the file'}: {', '.join(wrong)}")
