"""What is asked of the layers of an experiment's models, as far as a plan knows them."""

from __future__ import annotations

from dataclasses import replace

from layerwise.experiment.configuration.experiment import Experiment
from layerwise.experiment.model_costs import Encoder
from layerwise.experiment.samples.asked import AskedLayers
from layerwise.layers import is_layer
from layerwise.scoring.targets import Layer, OtherModel


def asked_layers(experiment: Experiment) -> list[AskedLayers]:
    """What is asked of the models whose layers are known before their checkpoints have been read."""
    found: dict[AskedLayers, list[str]] = {}
    for name, question in experiment.properties.items():
        for model, entry in experiment.models.items():
            encoder = Encoder.of(entry)
            theirs = encoder
            if question.target.other_model:  # of which the files may be missing
                other = experiment.models.get(question.target.other_model)
                theirs = Encoder.of(other) if other else None
            if encoder is None or theirs is None:
                continue
            for layer in experiment.layers_of(name, entry):
                compared = question.target.layer if is_layer(question.target.layer) else layer
                width = theirs.width_of(compared) if isinstance(question.target, (Layer, OtherModel)) else 0
                size = AskedLayers(name, encoder.width_of(layer), width, encoder.seconds_per_row(layer))
                if model not in found.setdefault(size, []):
                    found[size].append(model)
    return [replace(size, models=tuple(models)) for size, models in sorted(found.items())]
