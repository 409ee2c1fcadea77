"""`figures`: the models and questions that an article shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from layerwise.experiment.configuration.problems import unknown
from layerwise.models.catalogue import ModelEntry
from layerwise.scoring.metrics import METRICS, OF_OTHERS
from layerwise.scoring.properties import Property


@dataclass(frozen=True)
class Shown:
    """What is shown of an experiment, by names and in order.

    Attributes:
        models: those whose files are here. questions: properties with a score for each layer.
    """

    models: tuple[str, ...]
    questions: tuple[str, ...]


def shown_in_paper(
    figures: Mapping, names: Mapping[str, str], models: Mapping[str, ModelEntry], properties: Mapping[str, Property]
) -> tuple[Shown, list[str]]:
    """The models and questions that `figures` chooses, and what is wrong with it.

    Args:
        names: what stands under `models` → the model's name; either is understood.
        models, properties: of the experiment.
    """
    called = {**{name: name for name in names.values()}, **names}
    curves = [name for name, question in properties.items() if not question.is_matrix]
    said = list(figures["models"] or called.values())
    asked = list(figures["questions"] or curves)
    matrices = [name for name in asked if name in properties and name not in curves]
    metrics = [] if figures["metric"] is None else [figures["metric"]]
    errors = [
        *unknown("figures.models", said, called, "a model of this experiment"),
        *unknown("figures.questions", [name for name in asked if name not in matrices], curves, "one of its questions"),
        *[
            f"figures.questions: {name!r} compares each layer with every layer of another model, and has no score of a "
            "layer by itself; plots/ has its figure"
            for name in matrices
        ],
        *unknown("figures.metric", metrics, [*METRICS, *OF_OTHERS], "a metric"),
    ]
    chosen = dict.fromkeys(called.get(name, name) for name in said)
    return Shown(tuple(name for name in chosen if name in models), tuple(asked)), errors
