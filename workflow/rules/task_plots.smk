# Tasks over the layers, and beside the properties.
#
# In:  results/<experiment>/tables/{probes,confusion,comparison,trends}.csv
# Out: results/<experiment>/plots/{probe_<task>,confusion_<task>,correlations}.{svg,png}


rule plot_task:
    message:
        "Plot {wildcards.task} over the layers"
    input:
        probes=rules.collect_probes.output.table,
        trends=rules.summarise_trends.output.trends,
    output:
        svg=report(
            results("plots/probe_{task}.svg"),
            caption="../report/task.rst",
            category="tasks",
        ),
        png=results("plots/probe_{task}.png"),
    wildcard_constraints:
        task="|".join(map(re.escape, COMPARED)) or "(?!)",
    params:
        properties=config["properties"],
        metric=config["metric"],
        titles=TITLES,
        about=ABOUT,
        code=code_of("plot_task"),
    log:
        log_of("plot_task/{task}"),
    benchmark:
        benchmark_of("plot_task/{task}")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/plot_task.py"


rule plot_confusion:
    message:
        "Plot which labels of {wildcards.task} are taken for which others"
    input:
        confusion=rules.tabulate_confusions.output.table,
        probes=rules.collect_probes.output.table,
    output:
        svg=report(
            results("plots/confusion_{task}.svg"),
            caption="../report/confusion.rst",
            category="tasks",
        ),
        png=results("plots/confusion_{task}.png"),
    wildcard_constraints:
        task="|".join(map(re.escape, LABELLED)) or "(?!)",
    params:
        titles=TITLES,
        code=code_of("plot_confusion"),
    log:
        log_of("plot_confusion/{task}"),
    benchmark:
        benchmark_of("plot_confusion/{task}")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/plot_confusion.py"


rule plot_correlations:
    message:
        "Plot how properties and tasks correlate"
    input:
        comparison=rules.compare_trends.output.table,
    output:
        svg=report(
            results("plots/correlations.svg"),
            caption="../report/correlations.rst",
            category="tasks",
        ),
        png=results("plots/correlations.png"),
    params:
        properties=config["properties"],
        metric=config["metric"],
        titles=TITLES,
        code=code_of("plot_correlations"),
    log:
        log_of("plot_correlations"),
    benchmark:
        benchmark_of("plot_correlations")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/plot_correlations.py"


TASK_PLOTS = {task: every(rules.plot_task.output.svg, task=task)[0] for task in COMPARED}
CONFUSIONS = {task: every(rules.plot_confusion.output.svg, task=task)[0] for task in LABELLED}
CORRELATIONS = rules.plot_correlations.output.svg if COMPARED else []
