# What is trained and how, and paths.
from layerwise.files.catalogues import locate
from layerwise.experiment.configuration.schema import read_catalogue

CATALOGUE, KNOWN = read_catalogue("pretraining.yaml"), read_catalogue("models.yaml")
SEED = CATALOGUE["seed"]
MODELS = {name: KNOWN[name] | special for name, special in CATALOGUE["models"].items()}
SETTING = CATALOGUE["settings"][config["setting"]]
RECIPE = {key: value for key, value in SETTING.items() if key not in ("utterances", "held_out")}


wildcard_constraints:
    model="|".join(MODELS),


def made(path):
    """A path of this setting."""
    return f"results/pretrain/{config['setting']}/{path}"


def units_of(model):
    """What a model learns to predict; nothing for the contrastive objective."""
    return MODELS[model].get("units", {})


def clustered(wildcards):
    """The model whose layer is clustered, where it is not MFCCs."""
    source = units_of(wildcards.model)["of"]
    return [] if source == "mfcc" else made(f"trained/{source}")


def units_files(wildcards):
    """Units of both parts of the speech, where a model predicts some."""
    parts = ("train", "held_out") if units_of(wildcards.model) else ()
    return [made(f"units/{wildcards.model}/{part}.npy") for part in parts]
