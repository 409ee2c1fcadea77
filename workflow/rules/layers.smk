# Layers: which are scored in one job, and where what is made of them lies.
#
# In:  entries of models, and the properties that are asked
# Out: functions for the inputs and params of rules that read representations or scores
import functools


@functools.cache  # each of thousands of score jobs asks
def shards_of(model):
    return every(rules.extract_representations.output.shard, model=model, shard=SHARDS)


def layer_jobs(property_name, model):
    """Score jobs of one property and model: name (T3, or T0-T6 for consecutive layers) → layers."""
    layers = EXPERIMENT.layers_of(property_name, entry_of(model))
    size = config["cca"]["layers_per_job"]
    parts = [layers[start : start + size] for start in range(0, len(layers), size)]
    return {part[0] if len(part) == 1 else f"{part[0]}-{part[-1]}": part for part in parts}


def all_scores(wildcards):
    """Every score of the experiment; where the layers of a model are not known, its checkpoint is asked first."""
    for model in UNPLANNED:
        checkpoints.describe_model.get(model=model)
    return [
        path
        for name in config["properties"]
        for model in MODELS
        for path in every(
            rules.score_layers.output.scores,
            property=name,
            model=model,
            sample=SAMPLES,
            layers=layer_jobs(name, model),
        )
    ]
