# The checked configuration, and what rules share: paths, and what a name stands for.
from dataclasses import asdict
import functools
import json
import os
import re
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# Planning and every job use the package of this checkout, whatever copy may be installed.
PACKAGE_PARENT = os.path.join(workflow.basedir, "workflow")
sys.path.insert(0, PACKAGE_PARENT)

from layerwise.catalogue import facts, locate, with_shape
from layerwise.cca import METRICS
from layerwise.configuration import read_experiment
from layerwise.errors import LayerwiseError
from layerwise.estimate import estimate as estimate_of
from layerwise.estimate import read_calibration, render
from layerwise.integrity import cut_off
from layerwise.journal import this_command, write_journal
from layerwise.lending import take_back_audio
from layerwise.performance import read_external
from layerwise.properties import PROPERTIES
from layerwise.provenance import code_digest, file_digest
from layerwise.run import prefer_package

prefer_package(PACKAGE_PARENT)
code_digest = functools.cache(code_digest)  # for this process, whose modules are loaded

try:
    EXPERIMENT = read_experiment(config)
except LayerwiseError as error:
    raise WorkflowError(str(error))

for line in EXPERIMENT.absent:
    logger.warning(f"planned without a model, and a run will not start: {line}")

config.update(EXPERIMENT.config)  # in place: captions of the report see it too
CORPUS = f"{config['corpus']['name']}/{config['corpus']['split']}"
MODELS = EXPERIMENT.models
UNPLANNED = [name for name, entry in MODELS.items() if not entry.is_planned]
TITLES = {name: entry.title for name, entry in MODELS.items()}
GROUPS = None  # of models that share a colour
if config["colour_by"] != "model":
    GROUPS = {name: facts(entry)[config["colour_by"]] or "not known" for name, entry in MODELS.items()}
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
    model="|".join(map(re.escape, MODELS)),
    property="|".join(PROPERTIES),
    sample=r"\d+",
    shard=r"\d+",
    layers=r"[CT]\d+(-[CT]\d+)?",
    task="|".join(map(re.escape, EXPERIMENT.tasks)) or r"(?!)",
    heads=r"(T\d+|weighted)(-(T\d+|weighted))?",


# Paths


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
    file = workflow.inputfile(path)
    return file.storage_object.exists() if file.is_storage else os.path.exists(file)


def brought(path):
    """Where this process can open what a job has made: a copy, if it lies in a storage."""
    file = workflow.inputfile(path)
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
    if not is_beside_experiment():
        write_journal(EXPERIMENT, Path(results("")), this_command())


def is_run():
    """Whether this process will run jobs: not in a plan, nor beside a run that holds the lock of this checkout."""
    settings = workflow.resource_settings
    locks = Path(".snakemake/locks")
    is_asked_to = settings.cores is not None or settings.nodes is not None
    return is_asked_to and not workflow.output_settings.dryrun and not (locks.is_dir() and any(locks.iterdir()))


def forget(path):
    """Delete an output, be it a file or a folder."""
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def is_shared(folder):
    """Whether other checkouts use a folder too: it is a link."""
    return os.path.islink(f"resources/{folder}")


def shared(path):
    """An output that Snakemake leaves to the job where other checkouts use the folder: they may be reading it."""
    return update(path) if is_shared(path.split("/")[1]) else path


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


def local_copy(source):
    """Where an archive or folder of the corpus lies, once it has been fetched."""
    if source.is_url:
        return f"resources/downloads/{re.sub('[^A-Za-z0-9._/-]', '_', source.location.split('://', 1)[1])}"
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
    if not KEEP and not EXPERIMENT.audio.is_folder:
        if take_back_audio(Path(AUDIO_FOLDER), Path("results")):
            logger.info(f"Removed {AUDIO_FOLDER}: no job needs it (corpus.keep: true keeps it).")


def is_here():
    """Which archives and checkpoints have been fetched."""
    archives = {"audio": EXPERIMENT.audio, "alignments": EXPERIMENT.alignments}
    found = {name: os.path.exists(local_copy(source)) for name, source in archives.items() if source is not None}
    found["audio"] = found["audio"] or os.path.isdir(AUDIO_FOLDER)
    for name, source in EXPERIMENT.task_sources.items():
        split, _, file = name.rpartition("/")
        unpacked = f"resources/tasks/splits/{split}" if file == "audio" else f"resources/tasks/{name}"
        found[name] = os.path.exists(task_copy(source)) or os.path.exists(unpacked)
    return found | {name: is_made(f"resources/models/{name}") for name in MODELS}


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
    return bool(targets) and targets <= {"estimate", "pretrain"}


def refuse_absent_models():
    """End a run before any job; plans and estimates can do without the files that only the user may fetch."""
    if EXPERIMENT.absent and not is_beside_experiment():
        without = f"or go on without: --config 'models=[{', '.join(EXPERIMENT.models)}]'"
        raise WorkflowError("\n".join([*EXPERIMENT.absent, without]))


def models_of(kind):
    """A wildcard constraint: the models of one kind (random, url, hub), or nothing at all."""
    names = [re.escape(name) for name, entry in MODELS.items() if entry.kind == kind]
    return "|".join(names) or r"(?!)"


def checkpoint_files(wildcards):
    """What extraction has to notice a change of: a folder that a rule makes, or the files that were given."""
    entry = MODELS[wildcards.model]
    if entry.kind != "folder":
        return f"resources/models/{wildcards.model}"
    if os.path.isfile(entry.folder):
        return given(entry.folder)
    return [given(file.path) for file in sorted(os.scandir(entry.folder), key=lambda file: file.path) if file.is_file()]


def checkpoint_folder(wildcards, input):
    """Where a job finds a model's checkpoint; one that is on this machine already is used where it is."""
    entry = MODELS[wildcards.model]
    return str(entry.folder) if entry.kind == "folder" else input.checkpoint


def shape_of(model):
    """Where the layers stand of a model of which nobody else knows them: one file, or none."""
    return [results(f"models/{model}.json")] if model in UNPLANNED else []


def entry_of(model):
    """The catalogue's entry of a model, with its layers; a rule that needs them has shape_of(model) as an input."""
    entry = MODELS[model]
    for path in shape_of(model):
        with open(brought(path), encoding="utf-8") as file:
            entry = with_shape(entry, json.load(file))
    return entry


for name in UNPLANNED:
    if not is_made(*shape_of(name)):
        logger.warning(
            f"the layers of {name} ({MODELS[name].source}) are not known before its checkpoint has been read: "
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
