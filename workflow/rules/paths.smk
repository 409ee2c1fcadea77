# Where files lie: of the experiment, of the user, and of what other checkouts share.
#
# In:  the name of the experiment, and how Snakemake was told to store what jobs make
# Out: functions that rules call for their paths, logs and benchmarks
import os

from snakemake.io import is_flagged

from layerwise.experiment.configuration.sharing import sharing_of

# To paths of rules Snakemake adds the `prefix` of a module; all other paths need it from placed().
MODIFIER = workflow.modifier.path_modifier


def placed(path):
    """Where a file of a rule lies, for everything that Snakemake does not know to be one."""
    return path if is_flagged(path, "local") else MODIFIER.replace_prefix(path)


try:
    SHARING = sharing_of(EXPERIMENT, Path(placed("results")))
except LayerwiseError as error:
    raise WorkflowError(str(error))


def results(path):
    """A path of this experiment: where its rules write."""
    return f"results/{config['experiment']}/{path}"


def of_others(path):
    """A path of the experiment with which this one shares. No rule of this one writes there."""
    return f"results/{SHARING.experiment}/{path}"


def from_corpus(path):
    """Where a table of the corpus or of samples is read."""
    return of_others(path) if SHARING.experiment else results(path)


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


def log_of(path):
    return results(f"logs/{path}.log")


def benchmark_of(path):
    return results(f"benchmarks/{path}.tsv")


def is_shared(folder):
    """Whether other checkouts use a folder too: it is a link."""
    return os.path.islink(placed(f"resources/{folder}"))


def shared(folder, path):
    """An output in a folder of resources/, left to the job where other checkouts use it: they may be reading it."""
    return update(path) if is_shared(folder) else path


def by_name(pictures, paths):
    """Pictures by figure and subject, each at the path where a job finds it."""
    found = iter(paths)
    return {name: {subject: next(found) for subject in subjects} for name, subjects in pictures.items()}
