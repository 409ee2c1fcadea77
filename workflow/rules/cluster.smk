# On SLURM, what would never start or never be seen to end is said before the first job is submitted.
#
# In:  what the planned jobs ask for, and what SLURM says of its partitions
# Out: refusals and warnings
from layerwise.experiment.slurm import Request, check_requests, check_status_command

BEHIND_CHECKPOINTS = [
    rules.extract_representations,
    rules.score_layers,
    *([rules.train_probes] if EXPERIMENT.tasks else []),
]


def requests(qos):
    """What the jobs of this run ask for; where a checkpoint is still to be read, those behind it too."""
    asking = [(job.rule, job.wildcards_dict, job.input) for job in workflow.dag.needrun_jobs() if not job.is_local]
    if workflow.dag.checkpoint_jobs:
        asking += [(proxy.rule, {}, []) for proxy in BEHIND_CHECKPOINTS]

    def request(rule, wildcards, files, attempt=1):
        resources = dict(rule.expand_resources(wildcards, files, attempt, skip_evaluation={"tmpdir"}))
        return Request.of(rule.name, attempt, resources["_cores"], {"qos": qos} | resources)

    first = [request(*job) for job in asking]
    yield from first
    for rule, wildcards, files in dict(zip(first, asking)).values():  # jobs that ask for the same also grow alike
        for attempt in range(2, rule.restart_times + 2):
            yield request(rule, wildcards, files, attempt)


def refuse_endless_jobs():
    """End a run on SLURM that would hang."""
    if workflow.executor_plugin.name != "slurm":
        return
    settings = workflow.executor_settings
    is_routed = settings.partition_config or os.environ.get("SNAKEMAKE_SLURM_PARTITIONS")
    try:
        warnings = check_status_command(settings.status_command, settings.init_seconds_before_status_checks)
        warnings += check_requests(requests(settings.qos), in_any_partition=bool(is_routed))
    except LayerwiseError as error:
        raise WorkflowError(str(error))
    for line in warnings:
        logger.warning(line)
