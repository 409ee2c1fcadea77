"""What config.yaml chooses for its own corpus alone, and what stands there for any other."""

from __future__ import annotations

from collections.abc import Mapping

from layerwise.experiment.configuration.schema import read_catalogue
from layerwise.experiment.samples.sizes import AUTO, KEYS
from layerwise.spans import TIERS


def without_its_choices(defaults: dict, asked: Mapping) -> dict:
    """The default experiment, without what was chosen for its corpus if a corpus of another name is asked for.

    Its name, models, questions and sizes of samples are for its corpus. Another corpus chooses sizes by itself, and the
    experiment has its name. Questions are `default_questions`, and no model stands in for the user's own (`no_models`).

    Args:
        defaults: config.yaml.
        asked: what is put on top of it.
    """
    if not is_for_another(defaults, asked):
        return defaults
    kept = {key: value for key, value in defaults.items() if key not in ("models", "properties")}
    own = defaults.get("samples")
    samples = {**own, **dict.fromkeys(KEYS, AUTO)} if isinstance(own, Mapping) else AUTO
    return kept | {"experiment": asked["corpus"]["name"], "samples": samples}


def no_models(asked: Mapping) -> list[str]:
    """What is wrong where a configuration for another corpus names no model."""
    if "models" in asked:
        return []
    return [
        "models: none is named, and those of config.yaml are for its own corpus; name those to compare, such as "
        "[wav2vec2-base, hubert-base] (resources/models.yaml), or your own (docs/your-model.md)"
    ]


def default_questions(names: list[str], layout: Mapping) -> list[str]:
    """Those questions that a corpus can answer whose layout may name tiers of phones or of words only."""
    if not (tiers := layout.get("tiers")):
        return names
    absent = {span.name for span in TIERS} - set(tiers)
    catalogue = read_catalogue("properties.yaml")
    return [name for name in names if catalogue[name]["rows"] not in absent]


def is_for_another(defaults: object, asked: object) -> bool:
    """Whether another name of a corpus is asked for; neither has been checked."""
    own, other = (config.get("corpus") if isinstance(config, Mapping) else None for config in (defaults, asked))
    if not isinstance(own, Mapping) or not isinstance(other, Mapping):
        return False
    return other.get("name", own.get("name")) != own.get("name")
