# What has to be seen to when jobs are about to be planned and run, and only then: Snakemake plans and parses for summaries,
# reports, dry runs and the process of each job too. Included last: of all that is found, only what a rule makes is touched.
#
# In:  what earlier runs left here
# Out: refusals before any job; without what was cut off; results/<experiment>/{configuration,versions}.yaml
import shlex
import shutil
import sys
import time

from snakemake.exceptions import MissingInputException
from snakemake.settings.types import DeploymentMethod

from layerwise.experiment.journal import this_command, write_end, write_journal
from layerwise.experiment.leftovers import left_of_tasks
from layerwise.files.download_notes import is_fetched
from layerwise.files.integrity import cut_off
from layerwise.files.links import refuse_link


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


def keep_journal():
    """Write beside the results what this run was asked for and with which software, before any job."""
    if not (workflow.touch or is_beside_experiment()):
        write_journal(EXPERIMENT, Path(placed(results(""))), this_command())


def keep_end(executor, began):
    """Note that a run which has ended well has made all of the experiment, so that others may share it."""
    asked = workflow.dag_settings
    is_whole = set(asked.targets) <= {rules.all.rule.name} and not (asked.until or asked.omit_from or asked.batch)
    if is_whole and not (executor.dryrun_exec or executor.touch_exec):
        write_end(EXPERIMENT, Path(placed(results(""))), began)


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


def is_locked():
    """Whether another run is at work in this folder."""
    locks = Path(".snakemake/locks")
    return locks.is_dir() and any(locks.iterdir())


def name_leftovers():
    """Say which files are of tasks that were taken away; they stay, as they took long to make."""
    if left := left_of_tasks(Path(placed(results(""))), EXPERIMENT.tasks):
        logger.warning(
            f"{', '.join(map(str, left))}: of tasks that this experiment no longer has, as are pictures with these names "
            "in plots/. No table or report is made of them; delete them if you like"
        )


def forget_cut_off(is_run):
    """Delete what lost its end since it was made, as by a power cut, so that it is made again; or only say so."""
    models = [Path(placed(f"resources/models/{name}")) for name in CHECKPOINTS]
    for path in cut_off(Path(placed(results(""))), models):
        if any(made_by.is_producer(str(path)) for made_by in workflow.rules):
            again = "it is made again" if is_run else "a run makes it again"
            logger.warning(f"{path}: cut off, as by a power cut; {again}")
            if is_run:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def refuse_other_originals():
    """End a run before any job where something else than a folder has the place of a model that a rule makes.

    Or where a model that its authors give with a digest is here, and is another file. Snakemake would take it for made.
    """
    made = {name: entry for name, entry in CHECKPOINTS.items() if entry.kind != "folder"}
    try:
        for name, entry in made.items():
            folder = Path(placed(f"resources/models/{name}"))
            if not folder.is_dir():
                refuse_link(folder, "folder")
            elif entry.kind == "url" and entry.sha256:
                # Not above: it imports the client, which would slow every plan.
                from layerwise.models.fetch import require_original

                require_original(entry.source, entry.sha256, folder)
    except LayerwiseError as error:
        raise WorkflowError(str(error))


def refuse_unquoted_python():
    """End a run before any job where Snakemake cannot start one: it does not quote the path of Python."""
    has_own_python = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
    if shlex.quote(sys.executable) != sys.executable and not has_own_python:
        raise WorkflowError(
            f"Snakemake cannot start jobs with {sys.executable}: there is a space, or another character of the shell, in "
            "its path. Make the virtual environment in another folder: python3 -m venv ~/layerwise-environment"
        )


def before_planning(executor):
    """What comes before jobs are planned for an executor."""
    is_run = not (executor.dryrun_exec or executor.touch_exec)
    if is_run:
        refuse_unquoted_python()
        refuse_absent_models()
        refuse_other_originals()
    is_run = is_run and not is_locked()
    if is_run:  # what Snakemake kept of a shared folder for a job that was killed, and the scripts of such jobs
        shutil.rmtree(".snakemake/backups", ignore_errors=True)
        for script in Path(".snakemake/scripts").glob("tmp*.fetch_*.py"):  # with what it was given: a whole address
            script.unlink(missing_ok=True)
    forget_cut_off(is_run)
    refuse_strangers(is_run)
    if not is_beside_experiment():
        name_leftovers()


def prepared(execute):
    """Snakemake's `execute`, which nothing but a run, a dry run and --touch calls, with something before and after."""

    def prepare_and_execute(executor_plugin, **settings):
        began = time.time()
        before_planning(executor_plugin.common_settings)
        try:
            ended = execute(executor_plugin=executor_plugin, **settings)
        except MissingInputException as error:
            if SHARING.experiment and placed(of_others("")) in str(error):
                said = f"{SHARING.experiment}, with which this experiment shares, has not made it: run that one first, to its end"
                raise WorkflowError(str(error), said)
            raise
        keep_end(executor_plugin.common_settings, began)
        return ended

    return prepare_and_execute


if workflow.is_main_process:
    workflow.execute = prepared(workflow.execute)
