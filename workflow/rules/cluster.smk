# On SLURM, what would never start or never be seen to end is said before the first job is submitted.
from layerwise.slurm import Request, check_requests, check_status_command


def requests(qos):
    """What the jobs of this run ask for, at each attempt; where a checkpoint is still to be read, those behind it too."""
    asking = [(job.rule, job.wildcards_dict, job.input) for job in workflow.dag.needrun_jobs() if not job.is_local]
    if workflow.dag.checkpoint_jobs:
        asking += [(workflow.get_rule(name), {}, []) for name in ("extract_representations", "score_layers")]
    for rule, wildcards, files in asking:
        for attempt in range(1, rule.restart_times + 2):
            resources = dict(rule.expand_resources(wildcards, files, attempt, skip_evaluation={"tmpdir"}))
            yield Request.of(rule.name, attempt, resources["_cores"], {"qos": qos} | resources)


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
