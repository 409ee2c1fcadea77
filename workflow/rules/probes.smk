# Small heads on every frozen layer, for each downstream task. Nothing here if `probes.tasks` is empty.
#
# In:  results/<experiment>/tasks/<task>/items.parquet, checkpoints
# Out: results/<experiment>/probes/<task>/<model>/<heads>.{json,parquet}, heads that were trained together, and
#      results/<experiment>/probes/<task>/<model>.{csv,json,parquet}, all heads of a model


rule train_probes:
    message:
        "Train {wildcards.heads} of {wildcards.model} for {wildcards.task}"
    input:
        checkpoint=checkpoint_files,
        shape=lambda wildcards: shape_of(wildcards.model),
        utterances=rules.index_task.output.table,
    output:
        probes=results("probes/{task}/{model}/{heads}.json"),
        predictions=results("probes/{task}/{model}/{heads}.parquet"),
    params:
        checkpoint=checkpoint_folder,
        normalise=lambda wildcards: MODELS[wildcards.model].normalise,
        kind=lambda wildcards: TASKS[wildcards.task].kind,
        recipe=lambda wildcards: TASKS[wildcards.task].training,
        heads=lambda wildcards: head_groups(wildcards.model)[wildcards.heads],
        seed=PROBES["seed"],
        cache_gb=PROBES["cache_gb"],
        # What a killed job goes on with lies where Snakemake does not tidy it away.
        state=lambda wildcards: placed(results(f"probes/{wildcards.task}/{wildcards.model}/.{wildcards.heads}.state")),
        code=code_of("train_probes", lambda wildcards: modules_of_model(wildcards) + modules_of_task(wildcards)),
    log:
        log_of("train_probes/{task}/{model}/{heads}"),
    benchmark:
        benchmark_of("train_probes/{task}/{model}/{heads}")
    conda:
        "../../envs/probes.yaml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=rising(4000, each_thread=1500),
    script:
        "../scripts/train_probes.py"


rule join_probes:
    message:
        "Gather the heads of {wildcards.model} for {wildcards.task}"
    input:
        parts=lambda wildcards: probe_parts(wildcards, "probes"),
        predictions=lambda wildcards: probe_parts(wildcards, "predictions"),
    output:
        table=results("probes/{task}/{model}.csv"),
        details=results("probes/{task}/{model}.json"),
        predictions=results("probes/{task}/{model}.parquet"),
    params:
        code=code_of("join_probes"),
    log:
        log_of("join_probes/{task}/{model}"),
    benchmark:
        benchmark_of("join_probes/{task}/{model}")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(500),
    script:
        "../scripts/join_probes.py"


rule probes:
    input:
        joined_heads("table"),
        joined_heads("details"),
        joined_heads("predictions"),
