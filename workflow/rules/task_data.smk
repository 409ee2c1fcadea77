# The utterances of downstream tasks. Nothing here if `probes.tasks` is empty.
#
# In:  archives, folders and tables of tasks (tasks.smk); the corpus tables, where a task is of the experiment's own split
# Out: resources/tasks/…, unpacked; results/<experiment>/tasks/splits/<corpus>/<split>/*.parquet, and
#      results/<experiment>/tasks/<task>/items.parquet beside problems.csv


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
        code=code_of("unpack_split"),
    log:
        log_of("unpack_split/{corpus}/{split}"),
    benchmark:
        benchmark_of("unpack_split/{corpus}/{split}")
    conda:
        "../../envs/corpus.yaml"
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
        part={},
        source=lambda wildcards: task_source(f"{wildcards.corpus}/{wildcards.split}/audio").identity,
        code=code_of("index_utterances"),
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
        is_part=False,
        phones=lambda wildcards: EXPERIMENT.task_corpora[wildcards.corpus]["phones"],
        marks=lambda wildcards: EXPERIMENT.task_corpora[wildcards.corpus]["marks"],
        checks=lambda wildcards: task_source(f"{wildcards.corpus}/{wildcards.split}/alignments").checks,
        source=lambda wildcards: task_source(f"{wildcards.corpus}/{wildcards.split}/alignments").identity,
        code=code_of("index_alignments"),
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
        code=code_of("unpack_task"),
    log:
        log_of("unpack_task/{data}/{file}"),
    benchmark:
        benchmark_of("unpack_task/{data}/{file}")
    conda:
        "../../envs/corpus.yaml"
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
        code=code_of("index_task", modules_of_task),
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
