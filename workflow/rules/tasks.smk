# What downstream tasks are made of: where their data lie, and which heads are trained together.
#
# In:  entries of tasks, as the catalogue and the configuration describe them
# Out: functions for the inputs and params of task_data.smk and probes.smk
from layerwise.probes.head_names import head_jobs, heads_of
from layerwise.probes.tasks import TABLES

TASKS = EXPERIMENT.tasks
PROBES = config["probes"]

if IS_STORED and TASKS:
    raise WorkflowError(
        "probes.tasks: heads read audio that no job hands on to them, which a storage provider cannot know of; "
        "leave them out: --config 'probes={tasks: []}'"
    )


# Where the data of tasks lies


def task_source(name):
    """A file of a task's data; of the experiment's own split what the configuration says of it."""
    return EXPERIMENT.audio if name == f"{CORPUS}/audio" else EXPERIMENT.task_sources[name]


def task_copy(source):
    """Where a file of a task lies, once it has been fetched: apart from what lending the audio fetches and deletes."""
    return local_copy(source, "resources/downloads/tasks")


DOWNLOADS |= {task_copy(source): source for source in map(task_source, EXPERIMENT.task_sources) if source.is_url}


def split_audio(split):
    """The folder with the audio of a split of a corpus; it stays, as training reads it again and again."""
    source = task_source(f"{split}/audio")
    return local_copy(source) if source.is_folder else f"resources/tasks/splits/{split}"


def split_table(split, name):
    """The table of utterances, or of intervals, of a split; the experiment has that of its own."""
    own = {"utterances": UTTERANCES, "intervals": INTERVALS}
    return own[name] if split == CORPUS else results(f"tasks/splits/{split}/{name}.parquet")


def is_unpacked(file, source):
    """Whether a file of a task's data set is an archive: recordings are, or the folder of one; a table may be."""
    return not source.is_folder and (file not in TABLES or source.is_archive)


def data_files(task):
    """The files of a task's data set by name; archives as the folders that they are unpacked to."""
    sources = {file: task_source(f"{task.data}/{file}") for file in task.files}
    return {
        file: f"resources/tasks/{task.data}/{file}" if is_unpacked(file, source) else task_copy(source)
        for file, source in sources.items()
    }


def task_inputs(wildcards):
    task = TASKS[wildcards.task]
    if task.layout == "table":
        return {"table": task_copy(EXPERIMENT.task_sources[f"{task.name}/table"])}
    if task.layout != "corpus":
        return data_files(task)
    splits = [f"{task.corpus}/{split}" for split in task.splits]
    inputs = {
        "utterances": [split_table(split, "utterances") for split in splits],
        "audio": ancient([split_audio(split) for split in splits]),
    }
    if "alignments" in task.corpus_files:
        inputs["intervals"] = [split_table(split, "intervals") for split in splits]
    return inputs


def modules_of_task(wildcards):
    """What only the kind of a task needs: an edit of one kind leaves all others alone."""
    return tuple(TASKS[wildcards.task].modules)


def layout_of_split(wildcards):
    corpus = f"{wildcards.corpus}/{wildcards.split}"
    return LAYOUT if corpus == CORPUS else EXPERIMENT.task_corpora[wildcards.corpus]["layout"]


# Heads


def head_groups(model):
    """Heads that are trained together, by the name of the job."""
    return head_jobs(heads_of(entry_of(model).blocks, PROBES["layers"]), PROBES["heads_per_job"])


def joined_heads(output, tasks=TASKS):
    """What there is of all heads of each model and task: `table`, `details` or `predictions`."""
    made = getattr(rules.join_probes.output, output)
    shared_heads = of_others("probes/{task}/{model}") + os.path.splitext(made)[1]
    heads = [(task, model) for task in tasks for model in MODELS]
    return [
        path
        for task, model in heads
        for path in (
            expand(shared_heads, task=task, model=model)
            if SHARING.has_heads(task, model)
            else every(made, task=task, model=model)
        )
    ]


def probe_parts(wildcards, output):
    """What the jobs of a model's heads write: `probes` or `predictions`."""
    if wildcards.model in UNPLANNED:
        checkpoints.describe_model.get(model=wildcards.model)
    return every(
        getattr(rules.train_probes.output, output),
        task=wildcards.task,
        model=wildcards.model,
        heads=head_groups(wildcards.model),
    )
