# Downstream tasks: their utterances, and small heads on every frozen layer. Nothing here if `probes.tasks` is empty.


rule unpack_split:
    message:
        "Unpack the audio of {wildcards.corpus}/{wildcards.split}"
    input:
        archive=lambda wildcards: task_copy(task_source(f"{wildcards.corpus}/{wildcards.split}/audio")),
    output:
        folder=directory("resources/tasks/splits/{corpus}/{split}"),
    params:
        split=lambda wildcards: (wildcards.split if "{split}" in layout_of_split(wildcards)["recordings"] else None),
        checks=lambda wildcards: task_source(f"{wildcards.corpus}/{wildcards.split}/audio").checks,
        code=code_digest("layerwise.corpus.unpacking"),
    log:
        log_of("unpack_split/{corpus}/{split}"),
    benchmark:
        benchmark_of("unpack_split/{corpus}/{split}")
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/unpack_split.py"


use rule index_utterances as index_split_utterances with:
    message:
        "List the utterances of {wildcards.corpus}/{wildcards.split}, and decode each once"
    input:
        audio=lambda wildcards: split_audio(f"{wildcards.corpus}/{wildcards.split}"),
    output:
        utterances=results("tasks/splits/{corpus}/{split}/utterances.parquet"),
        problems=results("tasks/splits/{corpus}/{split}/audio_problems.csv"),
    params:
        split="{split}",
        layout=layout_of_split,
        source=lambda wildcards: task_source(f"{wildcards.corpus}/{wildcards.split}/audio").identity,
        code=code_digest("layerwise.corpus.utterances"),
    log:
        log_of("index_utterances/{corpus}/{split}"),
    benchmark:
        benchmark_of("index_utterances/{corpus}/{split}")


rule index_split_alignments:
    message:
        "Read the phones and words of {wildcards.corpus}/{wildcards.split}"
    input:
        alignments=lambda wildcards: task_copy(task_source(f"{wildcards.corpus}/{wildcards.split}/alignments")),
        utterances=rules.index_split_utterances.output.utterances,
    output:
        intervals=results("tasks/splits/{corpus}/{split}/intervals.parquet"),
        problems=results("tasks/splits/{corpus}/{split}/alignment_problems.csv"),
        labels=results("tasks/splits/{corpus}/{split}/labels.csv"),
    params:
        split="{split}",
        layout=layout_of_split,
        phones=lambda wildcards: EXPERIMENT.task_corpora[wildcards.corpus]["phones"],
        marks=lambda wildcards: EXPERIMENT.task_corpora[wildcards.corpus]["marks"],
        checks=lambda wildcards: task_source(f"{wildcards.corpus}/{wildcards.split}/alignments").checks,
        source=lambda wildcards: task_source(f"{wildcards.corpus}/{wildcards.split}/alignments").identity,
        code=code_digest("layerwise.alignments.index"),
    log:
        log_of("index_alignments/{corpus}/{split}"),
    benchmark:
        benchmark_of("index_alignments/{corpus}/{split}")
    conda:
        "../../envs/corpus.yaml"
    threads: 4
    resources:
        mem_mb=rising(2000),
    script:
        "../scripts/index_alignments.py"


rule unpack_task:
    message:
        "Unpack {wildcards.file} of {wildcards.data}"
    input:
        archive=lambda wildcards: task_copy(task_source(f"{wildcards.data}/{wildcards.file}")),
    output:
        folder=directory("resources/tasks/{data}/{file}"),
    wildcard_constraints:
        data="[^/]+",
        file="[^/]+",
    params:
        checks=lambda wildcards: task_source(f"{wildcards.data}/{wildcards.file}").checks,
        code=code_digest("layerwise.corpus.unpacking"),
    log:
        log_of("unpack_task/{data}/{file}"),
    benchmark:
        benchmark_of("unpack_task/{data}/{file}")
    conda:
        "../../envs/corpus.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/unpack_task.py"


rule index_task:
    message:
        "List the utterances of {wildcards.task}, and what is to be learned of each"
    input:
        unpack(task_inputs),
    output:
        table=results("tasks/{task}/items.parquet"),
        problems=results("tasks/{task}/problems.csv"),
    params:
        layout=lambda wildcards: TASKS[wildcards.task].layout,
        kind=lambda wildcards: TASKS[wildcards.task].kind,
        columns=lambda wildcards: TASKS[wildcards.task].columns,
        splits=lambda wildcards: TASKS[wildcards.task].splits,
        held_out=lambda wildcards: TASKS[wildcards.task].held_out,
        hours=lambda wildcards: TASKS[wildcards.task].recipe["hours"],
        max_seconds=lambda wildcards: TASKS[wildcards.task].recipe["max_seconds"],
        seed=PROBES["seed"],
        sources=lambda wildcards: [
            task_source(f"{TASKS[wildcards.task].data}/{file}").identity for file in TASKS[wildcards.task].files
        ],
        code=lambda wildcards: code_digest(
            "layerwise.probes.index", "layerwise.probes.readers", *TASKS[wildcards.task].modules
        ),
    log:
        log_of("index_task/{task}"),
    benchmark:
        benchmark_of("index_task/{task}")
    conda:
        "../../envs/corpus.yaml"
    threads: 4
    resources:
        mem_mb=rising(4000),
    script:
        "../scripts/index_task.py"


# Heads


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
        code=lambda wildcards: code_digest("layerwise.probes.train", *TASKS[wildcards.task].modules),
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
        code=code_digest("layerwise.probes.join"),
    log:
        log_of("join_probes/{task}/{model}"),
    benchmark:
        benchmark_of("join_probes/{task}/{model}")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(500),
    script:
        "../scripts/join_probes.py"


rule probes:
    input:
        every(rules.join_probes.output, task=TASKS, model=MODELS),
