# Models: where a checkpoint lies, and where its layers stand.
#
# In:  entries of models, as the catalogue and the configuration describe them
# Out: functions for the inputs, params and wildcards of rules that open a model
from layerwise.files.own_files import read_shape
from layerwise.models.catalogue import with_outline


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


def modules_of_model(wildcards):
    """What only the family of the model needs: an edit of one family leaves all others alone."""
    return CHECKPOINTS[wildcards.model].modules


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
