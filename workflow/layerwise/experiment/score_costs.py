"""What the scores of an experiment take: how many there are, bytes, and seconds of one core by their measure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from layerwise.experiment.configuration.experiment import Experiment
from layerwise.experiment.configuration.sharing import Sharing
from layerwise.experiment.model_costs import Encoder
from layerwise.representations.size import Drawn
from layerwise.scoring.properties import Property
from layerwise.spans import SampleSizes

# What the smoke experiment leaves: of a trial in score files, beside each correlation, and of a metric in tables.
TRIAL_BYTES, CORRELATION_BYTES, METRIC_BYTES = 2_600, 25, 370
# Of a trial by another measure: there are no folds, regularisers and dimensions of each metric.
PLAIN_TRIAL_BYTES = 700
OWN_SEGMENTS = 10_000  # assumed, of a user's table that nobody has opened yet


@dataclass(frozen=True)
class ScoreCosts:
    """What all scores take: their number, the jobs that make them, seconds of one core, and bytes with tables.

    Those that are taken from another experiment are counted apart, and take nothing.
    """

    count: int
    jobs: int
    seconds: float
    bytes: int
    taken: int


@dataclass(frozen=True)
class _Layer:
    """One layer of which a question is asked.

    Attributes:
        rows: of a sample set; speech: its seconds whose frames are stored.
        dx, dy: dimensions of the layer and its target.
        trials: on different folds. fits: trials × regularisers.
    """

    question: Property
    rows: float
    speech: float
    dx: int
    dy: int
    trials: int
    fits: int

    @property
    def options(self) -> Mapping:
        return self.question.measure.options


def _of_moments(layer: _Layer, costs: Mapping) -> float:
    fits = layer.fits / costs["fits"]
    roots = costs["seconds_per_root"] * (layer.dx**3 + layer.dy**3)
    svd = costs["seconds_per_svd"] * layer.dx * layer.dy * min(layer.dx, layer.dy)
    products = costs["seconds_per_product"] * layer.rows * (layer.dx + layer.dy) ** 2
    return costs["chance"] * (products + fits * (roots + svd))


def _of_clusters(layer: _Layer, costs: Mapping) -> float:
    distances = layer.options["batch"] * layer.options["clusters"] * layer.dx
    return layer.trials * costs["seconds_per_cluster"] * distances


def _of_pairs(layer: _Layer, costs: Mapping) -> float:
    if layer.question.of_segments:
        return costs["seconds_per_pair"] * layer.rows**2 / 2
    return costs["seconds_per_aligned_pair"] * layer.dx * layer.options["segments"] ** 2 / 2


def _of_items(layer: _Layer, costs: Mapping) -> float:
    """Scored twice, for the chance level."""
    return 2 * costs["seconds_per_abx_second"][layer.options["pooling"]] * layer.speech


def _of_means(layer: _Layer, costs: Mapping) -> float:
    return costs["seconds_per_mean"] * layer.rows * layer.dx


def _of_boundaries(layer: _Layer, costs: Mapping) -> float:
    return costs["seconds_per_neighbour"] * layer.rows * layer.dx


# By the name of the measure. Of others nothing is known but that their rows are read, as those of means are.
SECONDS: dict[str, Callable[[_Layer, Mapping], float]] = {
    "cca": _of_moments,
    "mutual_information": _of_clusters,
    "word_discrimination": _of_pairs,
    "abx": _of_items,
    "word_similarity": _of_means,
    "sentence_similarity": _of_means,
    "word_segmentation": _of_boundaries,
}


def score_costs(experiment: Experiment, drawn: Drawn, phones: int, costs: Mapping, sharing: Sharing) -> ScoreCosts:
    """What all scores of an experiment take.

    Args:
        drawn: what a sample set has. phones: how many different ones.
        costs: `scores` of resources/calibration.yaml.
        sharing: what is taken from another experiment.
    """
    config = experiment.config
    cca, count = config["cca"], config["samples"]["count"]
    number = jobs = size = taken = 0
    seconds = 0.0
    for name, question in experiment.properties.items():
        for entry in experiment.models.values():
            encoder = Encoder.of(entry)
            if encoder is None:
                continue
            layers = experiment.layers_of(name, entry)
            if sharing.has_scores(name, entry.name, question.target.other_model):
                taken += count * len(layers)
                continue
            number += count * len(layers)
            jobs += count * math.ceil(len(layers) / cca["layers_per_job"])
            for layer in layers:
                asked = _layer(question, encoder, layer, drawn, _types(experiment, question, phones), cca)
                seconds += count * SECONDS.get(question.measure.name, _of_means)(asked, costs)
                size += count * asked.trials * _trial_bytes(asked)
    return ScoreCosts(number, jobs, seconds + costs["seconds_per_job"] * jobs, size, taken)


def _types(experiment: Experiment, question: Property, phones: int) -> int:
    span = question.rows.span
    return phones if span is None else SampleSizes.of(experiment.config["samples"]).types(span, phones)


def _layer(question: Property, encoder: Encoder, layer: str, drawn: Drawn, types: int, cca: Mapping) -> _Layer:
    if question.of_segments:
        rows = float(drawn.segments.get(question.rows.of, OWN_SEGMENTS))
    else:
        rows = drawn.seconds / encoder.seconds_per_row(layer)
    trials = 1 if question.measure.resampled else cca["trials"]
    dy = question.target.width(encoder.width_of, types)
    fits = trials * len(cca["epsilons"])
    return _Layer(question, rows, drawn.seconds, encoder.width_of(layer), dy, trials, fits)


def _trial_bytes(layer: _Layer) -> int:
    measure = layer.question.measure
    rows = METRIC_BYTES * len(measure.metrics)
    if measure.name == "cca":
        return TRIAL_BYTES + CORRELATION_BYTES * min(layer.dx, layer.dy) + rows
    return PLAIN_TRIAL_BYTES + rows
