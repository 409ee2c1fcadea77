# The checked configuration, and the names that rules share.
import os
import re
import sys

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# Planning and every job use the package of this checkout, whatever copy may be installed.
PACKAGE_PARENT = os.path.join(workflow.basedir, "workflow")
sys.path.insert(0, PACKAGE_PARENT)
os.environ["PYTHONPATH"] = os.pathsep.join(
    [PACKAGE_PARENT]
    + [
        path
        for path in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if path and path != PACKAGE_PARENT
    ]
)

from layerwise.configuration import read_experiment
from layerwise.errors import LayerwiseError
from layerwise.properties import PROPERTIES
from layerwise.provenance import code_digest

try:
    EXPERIMENT = read_experiment(config)
except LayerwiseError as error:
    raise WorkflowError(str(error))

config.update(EXPERIMENT.config)  # in place: captions of the report see it too
MODELS = EXPERIMENT.models
SAMPLES = range(1, config["samples"]["count"] + 1)
SHARDS = range(config["representations"]["shards"])
TITLES = {name: entry.title for name, entry in MODELS.items()}

if not config["representations"]["keep"]:
    logger.warning(
        "representations.keep is false: they are deleted after the scores, "
        "and any later change of a property or of cca repeats the extraction"
    )


wildcard_constraints:
    model="|".join(map(re.escape, MODELS)),
    property="|".join(PROPERTIES),
    sample=r"\d+",
    shard=r"\d+",
    layers=r"[CT]\d+(-[CT]\d+)?",


def results(path):
    """A path of this experiment."""
    return f"results/{config['experiment']}/{path}"


def log_of(path):
    return results(f"logs/{path}.log")


def benchmark_of(path):
    return results(f"benchmarks/{path}.tsv")


def layer_jobs(property_name, model):
    """Score jobs of one property and model: name (T3, or T0-T6 for consecutive layers) → layers."""
    layers = EXPERIMENT.layers(property_name, model)
    size = config["cca"]["layers_per_job"]
    parts = [layers[start : start + size] for start in range(0, len(layers), size)]
    return {
        part[0] if len(part) == 1 else f"{part[0]}-{part[-1]}": part for part in parts
    }
