# The checked configuration, and what it says.
#
# In:  config.yaml beside the Snakefile, what the command line puts on top of it, the catalogues of resources/
# Out: EXPERIMENT, a checked configuration with what its names mean, and constants that rules read
import os
import re
from dataclasses import asdict
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from layerwise.addresses import hidden_in
from layerwise.cells import SPEAKERS
from layerwise.errors import LayerwiseError, shown
from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.experiment.configuration.layering import base_of
from layerwise.experiment.failures import last_words
from layerwise.experiment.job import check_copy, hide_secrets, hush_jobs, prefer_package
from layerwise.experiment.samples.sizes import KEYS, given_sizes
from layerwise.files.catalogues import locate, read_yaml
from layerwise.files.shipped import ROOT
from layerwise.layers import SPAN_OF_HEADS, SPAN_OF_LAYERS
from layerwise.models.catalogue import facts
from layerwise.spans import SPANS

hide_secrets(logger)
QUIET = {about.name.lower() for about in workflow.output_settings.quiet or ()}
LAST_WORDS = last_words(logger, "all" in QUIET and not workflow.output_settings.dryrun)


# The defaults are those beside the Snakefile. Elsewhere, a config.yaml of the working directory replaces some of them.
configfile: str(ROOT / "config.yaml")


IS_MAIN = os.path.samefile(workflow.main_snakefile, ROOT / "Snakefile")

if IS_MAIN:

    report: "../report/workflow.rst"


def own_configuration():
    """The config.yaml of the working directory, which may come from anywhere: Snakemake would run expressions in it."""
    if not IS_MAIN or not os.path.exists("config.yaml") or os.path.samefile("config.yaml", ROOT / "config.yaml"):
        return {}
    logger.info(f"{shown(os.path.abspath('config.yaml'))} replaces keys of {ROOT / 'config.yaml'}")
    workflow.configfiles.append("config.yaml")
    return read_yaml(Path("config.yaml"))


def configurations():
    """What is asked for, each on top of those before. What `from` names comes right before what names it."""
    if workflow.modifier.skip_configfile:  # of a module that is given its configuration
        return [read_yaml(ROOT / "config.yaml"), config]
    asked = workflow.config_settings.overwrite_config
    if workflow.config_settings.replace_workflow_config:
        return [asked]
    # Read anew: `config` has what was asked for in it already.
    return [read_yaml(ROOT / "config.yaml"), own_configuration(), asked]


prefer_package(PACKAGE_PARENT)
if workflow.is_main_process:  # the process of a single job is always quiet
    hush_jobs(QUIET)

try:
    check_copy(Path(PACKAGE_PARENT))
    ASKED = configurations()
    EXPERIMENT = read_experiment(*ASKED)
except LayerwiseError as error:
    raise WorkflowError(str(error))

for line in EXPERIMENT.absent:
    logger.warning(f"planned without a model, and a run will not start: {shown(line, 1000)}")

# Jobs on machines that share no disk with this one get these files too.
workflow.configfiles.extend(str(locate(base_of(asked))) for asked in ASKED if base_of(asked))

config = EXPERIMENT.config  # captions of the report see it too
CORPUS = f"{config['corpus']['name']}/{config['corpus']['split']}"
MODELS = EXPERIMENT.models
CHECKPOINTS = EXPERIMENT.parents | MODELS  # random weights are like one that need not be chosen itself
UNPLANNED = [name for name, entry in MODELS.items() if not entry.is_planned]
TITLES = {name: entry.title for name, entry in MODELS.items()}
GROUPS = None  # of models that share a colour
if config["colour_by"] != "model":
    GROUPS = {name: shown(facts(entry)[config["colour_by"]] or "not known") for name, entry in MODELS.items()}
QUESTIONS = hidden_in(EXPERIMENT.entries)  # what jobs are given of the chosen properties, and Snakemake keeps
PROPERTIES = EXPERIMENT.properties
# What plots and rankings show of each of them.
SHOWN = {name: question.shown(config["metric"]) for name, question in PROPERTIES.items()}
# Name of each table of segments → its path.
SEGMENT_TABLES = {each.rows.of: each.rows.table for each in PROPERTIES.values() if each.rows.table}
LAYOUT = EXPERIMENT.layout
PHONES = asdict(EXPERIMENT.phones)
MARKS = asdict(EXPERIMENT.marks)
# Words of automatic alignments are in lower case whatever the layout says.
LOWER_CASE = EXPERIMENT.alignments is None or LAYOUT.get("lower_case", True)
SIZES = {key: config["samples"][key] for key in KEYS}  # numbers, or `auto`
SAMPLES = range(1, config["samples"]["count"] + 1)
OVER_SPEAKERS = config["cca"]["intervals"] == SPEAKERS
PASS = r"[A-Za-z0-9][A-Za-z0-9_+.-]*"  # rows that are extracted together
SHARDS = range(config["representations"]["shards"])

if not config["representations"]["keep"]:
    logger.warning(
        "representations.keep is false: they are deleted after the scores, "
        "and any later change of a property or of cca repeats the extraction"
    )


wildcard_constraints:
    model="|".join(map(re.escape, CHECKPOINTS)),
    property="|".join(map(re.escape, PROPERTIES)),
    sample=r"\d+",
    shard=r"\d+",
    rows=PASS,
    layers=SPAN_OF_LAYERS,
    task="|".join(map(re.escape, EXPERIMENT.tasks)) or r"(?!)",
    heads=SPAN_OF_HEADS,


# Of another workflow that uses this one as a module and has rules before it; None: `all` is the default target.
OTHERS_TARGET = workflow.default_target
