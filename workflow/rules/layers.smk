# Layers and rows: which files hold them, which layers are scored in one job, and where what is made of them lies.
#
# In:  entries of models, and the properties that are asked
# Out: functions for the inputs and params of rules that read representations or scores
import functools

LONGEST_PASS = 180  # characters of the name of a pass: it is part of paths


@functools.cache  # each of thousands of score jobs asks
def shards_of(model):
    """The files of a model with the rows that every extraction writes."""
    if model in SHARING.models:
        return [of_others(f"representations/{model}/{shard}.h5") for shard in SHARDS]
    return every(rules.extract_representations.output.shard, model=model, shard=SHARDS)


@functools.cache
def passes_of(model):
    """Rows that not every extraction writes → the pass over the audio that does: those that are there stay there.

    All that are new go into one pass together, which is named by its rows. So the name says what a pass has, the
    processes of jobs find the same passes, and a property that is added repeats none. Rows that are shared have none.
    """
    asked = dict.fromkeys(each.rows.folder for each in PROPERTIES.values() if not each.rows.is_standard)
    wanted = [rows for rows in asked if rows not in SHARING.passes.get(model, {})]
    folder = placed(results(f"representations/{model}"))
    there = {}
    if not IS_STORED and os.path.isdir(folder):
        made = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
        there = {rows: name for name in reversed(made) for rows in name.split("+")}
    new = []
    for rows in wanted:
        if rows in there:
            continue
        if not new or len("+".join([*new[-1], rows])) > LONGEST_PASS:
            new.append([])
        new[-1].append(rows)
    return {rows: there[rows] for rows in wanted if rows in there} | {
        rows: "+".join(names) for names in new for rows in names
    }


def rows_of(model, property_name):
    """The files of a model that have the rows of a property."""
    rows = PROPERTIES[property_name].rows
    if rows.is_standard:
        return shards_of(model)
    if rows.folder in SHARING.passes.get(model, {}):
        made = SHARING.passes[model][rows.folder]
        return [of_others(f"representations/{model}/{made}/{shard}.h5") for shard in SHARDS]
    return every(rules.extract_rows.output.shard, model=model, rows=passes_of(model)[rows.folder], shard=SHARDS)


def other_rows_of(property_name):
    """The files of the other model that a property compares with."""
    other = PROPERTIES[property_name].target.other_model
    return rows_of(other, property_name) if other else []


def other_layers_of(property_name):
    """The layers of the other model, where a property compares with each of them."""
    target = PROPERTIES[property_name].target
    return EXPERIMENT.layers_of(property_name, entry_of(target.other_model)) if target.every_layer else []


def layer_jobs(property_name, model):
    """Score jobs of one property and model: name (T3, or T0-T6 for consecutive layers) → layers."""
    layers = EXPERIMENT.layers_of(property_name, entry_of(model))
    size = config["cca"]["layers_per_job"]
    parts = [layers[start : start + size] for start in range(0, len(layers), size)]
    return {part[0] if len(part) == 1 else f"{part[0]}-{part[-1]}": part for part in parts}


def scores_of(properties):
    """Every score of some properties; where the layers of a model are not known, its checkpoint is asked first."""
    for model in UNPLANNED:
        checkpoints.describe_model.get(model=model)
    return [path for name in properties for model in MODELS for path in scores_of_model(name, model)]


def scores_of_model(name, model):
    """The scores of a property and a model, which another experiment may have."""
    wildcards = {"property": [name], "model": [model], "sample": SAMPLES, "layers": layer_jobs(name, model)}
    if SHARING.has_scores(name, model, PROPERTIES[name].target.other_model):
        return expand(of_others("scores/{property}/{model}/{sample}/{layers}.json"), **wildcards)
    return every(rules.score_layers.output.scores, **wildcards)


def all_scores(wildcards):
    """Every score of the experiment."""
    return scores_of(PROPERTIES)
