# The checked configuration, and what rules share: paths, and what a name stands for.
from dataclasses import asdict
import functools
import os
import re
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import is_flagged
from snakemake.logging import logger

# Planning and every job use the package of this checkout, whatever copy may be installed and whoever includes this file.
PACKAGE_PARENT = os.path.dirname(workflow.current_basedir.get_path_or_uri(secret_free=True))
sys.path.insert(0, PACKAGE_PARENT)

from layerwise.addresses import place_of, shown_address
from layerwise.files.shipped import ROOT
from layerwise.models.catalogue import facts, with_outline
from layerwise.scoring.metrics import METRICS
from layerwise.experiment.configuration import base_of, read_experiment
from layerwise.errors import LayerwiseError, shown
from layerwise.experiment.estimate import estimate as estimate_of
from layerwise.experiment.estimate import read_calibration, render
from layerwise.files.download_notes import forget_notes, is_fetched
from layerwise.files.integrity import cut_off
from layerwise.tables.intervals import about
from layerwise.experiment.journal import this_command, write_journal
from layerwise.corpus.lending import take_back_audio
from layerwise.files.links import refuse_link
from layerwise.tables.external import read_external
from layerwise.scoring.properties import PROPERTIES
from layerwise.experiment.code_digests import code_digest, file_digest
from layerwise.files.reread import read_shape
from layerwise.experiment.job import check_copy, hide_secrets, prefer_package

hide_secrets(logger)


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
    own = {} if workflow.config_settings.replace_workflow_config else own_configuration()
    return [{**config, "from": None}, own, asked]  # once more, as Snakemake takes {} in place of null for nothing


prefer_package(PACKAGE_PARENT)
code_digest = functools.cache(code_digest)  # for this process, whose modules are loaded

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
LAYOUT = EXPERIMENT.layout
PHONES = asdict(EXPERIMENT.phones)
MARKS = asdict(EXPERIMENT.marks)
# Words of automatic alignments are in lower case whatever the layout says.
LOWER_CASE = EXPERIMENT.alignments is None or LAYOUT.get("lower_case", True)
SAMPLES = range(1, config["samples"]["count"] + 1)
SHARDS = range(config["representations"]["shards"])

if not config["representations"]["keep"]:
    logger.warning(
        "representations.keep is false: they are deleted after the scores, "
        "and any later change of a property or of cca repeats the extraction"
    )


wildcard_constraints:
    model="|".join(map(re.escape, CHECKPOINTS)),
    property="|".join(PROPERTIES),
    sample=r"\d+",
    shard=r"\d+",
    layers=r"[CT]\d+(-[CT]\d+)?",
    task="|".join(map(re.escape, EXPERIMENT.tasks)) or r"(?!)",
    heads=r"(T\d+|weighted)(-(T\d+|weighted))?",


# Of another workflow that uses this one as a module and has rules before it; None: `all` is the default target.
OTHERS_TARGET = workflow.default_target

# Paths. To those of rules Snakemake adds the `prefix` of a module; all others need it from placed().
MODIFIER = workflow.modifier.path_modifier


def placed(path):
    """Where a file of a rule lies, for everything that Snakemake does not know to be one."""
    return path if is_flagged(path, "local") else MODIFIER.replace_prefix(path)


def results(path):
    """A path of this experiment."""
    return f"results/{config['experiment']}/{path}"


# With --default-storage-provider, what jobs make lies in a storage, and each gets copies of what it names as input.
IS_STORED = workflow.storage_settings.default_storage_provider is not None


def every(outputs, **wildcards):
    """What expand() makes of outputs. It takes none that lie in a storage: Snakemake adds their place there later."""
    prefix = f"{str(workflow.storage_settings.default_storage_prefix).rstrip('/')}/"
    outputs = [outputs] if isinstance(outputs, str) else outputs
    plain = [path.storage_object.query.removeprefix(prefix) if path.is_storage else path for path in outputs]
    return expand(plain, **wildcards)


def given(path):
    """A file or folder of the user's: it lies on the machine that reads it, whatever lies in a storage."""
    return local(str(path))


def is_made(path):
    """Whether what a job makes is there."""
    file = workflow.inputfile(placed(path))
    return file.storage_object.exists() if file.is_storage else os.path.exists(file)


def brought(path):
    """Where this process can open what a job has made: a copy, if it lies in a storage."""
    file = workflow.inputfile(placed(path))
    if file.is_storage and not os.path.exists(file) and is_made(path):
        os.makedirs(os.path.dirname(file), exist_ok=True)
        file.storage_object.retrieve_object()
    return file


def by_name(pictures, paths):
    """Pictures by name, each at the path where a job finds it."""
    found = iter(paths)
    return {name: [next(found) for _ in group] for name, group in pictures.items()}


def log_of(path):
    return results(f"logs/{path}.log")


def benchmark_of(path):
    return results(f"benchmarks/{path}.tsv")


def keep_journal():
    """Write beside the results what this run was asked for and with which software, before any job."""
    if not (workflow.touch or is_beside_experiment()):
        write_journal(EXPERIMENT, Path(placed(results(""))), this_command())


def is_shared(folder):
    """Whether other checkouts use a folder too: it is a link."""
    return os.path.islink(placed(f"resources/{folder}"))


def shared(folder, path):
    """An output in a folder of resources/, left to the job where other checkouts use it: they may be reading it."""
    return update(path) if is_shared(folder) else path


# The corpus

UTTERANCES = results("corpus/utterances.parquet")
INTERVALS = results("corpus/intervals.parquet")
CUT_PAUSES = LAYOUT.get("cut_pauses")
# Recordings that are to be cut are listed, with their intervals, before they are.
RECORDINGS = results("corpus/recordings.parquet") if CUT_PAUSES else UTTERANCES
RECORDING_INTERVALS = results("corpus/recording_intervals.parquet") if CUT_PAUSES else INTERVALS
ALIGNMENT_PROBLEMS = results("corpus/alignment_problems.csv")
# The words that are drawn, the most frequent first; none: those of the analysed split are ranked.
WORD_LIST = [given(EXPERIMENT.word_list)] if EXPERIMENT.word_list else []
if EXPERIMENT.word_splits:
    WORD_LIST = [results("corpus/word_ranking.csv")]


def local_copy(source, downloads="resources/downloads"):
    """Where an archive, folder or file lies, once it has been fetched."""
    if source.is_url:
        return f"{downloads}/{place_of(source.location)}"
    return given(source.path)


# What other checkouts may still need stays.
KEEP = config["corpus"]["keep"] or is_shared("downloads") or is_shared("corpora")
AUDIO_FOLDER = f"resources/corpora/{CORPUS}/audio"
SOURCES = [source for source in (EXPERIMENT.audio, EXPERIMENT.alignments) if source is not None]
DOWNLOADS = {local_copy(source): source for source in SOURCES if source.is_url}


def lent_audio(reader):
    """Where a job finds the audio, what the paths of utterances.parquet are relative to: a link, or the given folder."""
    if EXPERIMENT.audio.is_folder:
        return local_copy(EXPERIMENT.audio)
    return results(f"audio/{reader}")


def forget_audio():
    """Delete the unpacked audio at the end of a run, unless it shall be kept or somebody needs it."""
    if not (KEEP or EXPERIMENT.audio.is_folder or workflow.touch):
        if take_back_audio(Path(placed(AUDIO_FOLDER)), Path(placed("results/"))):
            logger.info(f"Removed {AUDIO_FOLDER}: no job needs it (corpus.keep: true keeps it).")


def refuse_strangers(is_run):
    """End a run before any job where a file lies at the place of a download and was not fetched; or only say so.

    Snakemake takes it for the download, and deletes it when no job needs it any more.
    """
    for path in sorted(map(placed, DOWNLOADS)):
        if os.path.lexists(path) and not is_fetched(Path(path)):
            said = (
                f"{path} is there, but was not fetched by this workflow: it is neither used nor deleted. Move it away, "
                "or name it as the source (corpus.audio, corpus.alignments, probes.sources)"
            )
            if is_run:
                raise WorkflowError(said)
            logger.warning(said)


def forget_downloads():
    """Delete what was noted of downloads that Snakemake has deleted."""
    if not (KEEP or workflow.touch):
        forget_notes(Path(placed("resources/downloads")))


def is_here():
    """Which archives and checkpoints have been fetched."""
    archives = {"audio": EXPERIMENT.audio, "alignments": EXPERIMENT.alignments}
    found = {
        name: os.path.exists(placed(local_copy(source))) for name, source in archives.items() if source is not None
    }
    found["audio"] = found["audio"] or os.path.isdir(placed(AUDIO_FOLDER))
    for name, source in EXPERIMENT.task_sources.items():
        split, _, file = name.rpartition("/")
        unpacked = f"resources/tasks/splits/{split}" if file == "audio" else f"resources/tasks/{name}"
        found[name] = any(os.path.exists(placed(path)) for path in (task_copy(source), unpacked))
    return found | {name: is_made(f"resources/models/{name}") for name in CHECKPOINTS}


def print_estimate(log):
    """Say what the experiment takes; to standard output, where nothing else of Snakemake's goes, and in a log."""
    page = render(estimate_of(EXPERIMENT, is_here(), read_calibration()))
    Path(log).write_text(page, encoding="utf-8")
    print(page)


def kept(path):
    """An output that is deleted once no job needs it, unless it shall be kept."""
    return path if KEEP else temp(path)


def mirrors(wildcards, output):
    """Where else to ask for a file. It takes `output` so that Snakemake sees no reason to repeat what has been fetched."""
    return config["mirrors"]


def alignments_path(reader):
    """Where a job finds the alignments: an archive, a folder or a file; or with the audio."""
    if EXPERIMENT.alignments == EXPERIMENT.audio:
        return lent_audio(reader)
    return local_copy(EXPERIMENT.alignments)


# Models


def is_beside_experiment():
    """Whether this run makes nothing of the experiment; known when it starts."""
    targets = set(workflow.dag_settings.targets)
    return bool(targets) and targets <= {rules.estimate.rule.name, rules.pretrain.rule.name}


def refuse_absent_models():
    """End a run before any job; plans and estimates can do without the files that only the user may fetch."""
    if EXPERIMENT.absent and not is_beside_experiment():
        others = [shown(said) for said, name in EXPERIMENT.names.items() if name in EXPERIMENT.models]
        without = f"or go on without: --config 'models=[{', '.join(others)}]'"
        raise WorkflowError("\n".join([*EXPERIMENT.absent, without]))


def models_of(kind):
    """A wildcard constraint: the models of one kind (random, url, hub), or nothing at all."""
    names = [re.escape(name) for name, entry in CHECKPOINTS.items() if entry.kind == kind]
    return "|".join(names) or r"(?!)"


def files_of(model):
    """What has to be noticed a change of: a folder that a rule makes, or the files that were given."""
    entry = CHECKPOINTS[model]
    if entry.kind != "folder":
        return f"resources/models/{model}"
    if os.path.isfile(entry.folder):
        return given(entry.folder)
    files = sorted(os.scandir(entry.folder), key=lambda file: file.path)
    # No checkpoint has files of other names, which rules cannot have as inputs.
    return [given(file.path) for file in files if file.is_file() and re.fullmatch(r"[ -z|~]+", file.name)]


def folder_of(model, checkpoint):
    """Where a job finds a model's checkpoint; one that is on this machine already is used where it is."""
    entry = CHECKPOINTS[model]
    return str(entry.folder) if entry.kind == "folder" else checkpoint


def checkpoint_files(wildcards):
    return files_of(wildcards.model)


def checkpoint_folder(wildcards, input):
    return folder_of(wildcards.model, input.checkpoint)


def shape_of(model):
    """Where the layers stand of a model of which nobody else knows them: one file, or none."""
    return [results(f"models/{model}.json")] if model in UNPLANNED else []


def entry_of(model):
    """The catalogue's entry of a model, with its layers; a rule that needs them has shape_of(model) as an input."""
    entry = MODELS[model]
    for path in shape_of(model):
        try:
            entry = with_outline(entry, read_shape(Path(brought(path))))
        except LayerwiseError as error:
            raise WorkflowError(str(error))
    return entry


for name in UNPLANNED:
    if not is_made(*shape_of(name)):
        logger.warning(
            f"the layers of {name} ({shown(MODELS[name].origin)}) are not known before its checkpoint has been read: "
            "its scores join the plan then"
        )


# Representations and scores


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
