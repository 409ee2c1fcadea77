# Do the trends tell which layer to use? Tasks beside properties, the paper's findings as checks, recommendations.

# Results from elsewhere are checked before any job; of models whose layers are not known yet, again when they are.
ELSEWHERE = config["probes"]["external"]
PLANNED_LAYERS = {name: entry.layers if entry.is_planned else None for name, entry in MODELS.items()}
# As they are shown: a table from elsewhere need not have the password of an address.
NAMES = {shown_address(said): name for said, name in EXPERIMENT.names.items()}
try:
    RESULTS = read_external(locate(ELSEWHERE), PLANNED_LAYERS, NAMES) if ELSEWHERE else []
except LayerwiseError as error:
    raise WorkflowError(f"probes.external: {error}")

COMPARED = list(dict.fromkeys([*TASKS, *(result.task for result in RESULTS)]))  # tasks of both
LABELLED = {name: task.columns for name, task in TASKS.items() if task.columns}
FINDINGS = file_digest(ROOT / "resources/findings.yaml")
CONTROLS = [name for name, entry in MODELS.items() if entry.kind == "random"]


rule collect_probes:
    message:
        "Gather what all heads reached in one table"
    input:
        tables=every(rules.join_probes.output.table, task=TASKS, model=MODELS),
        weights=every(rules.join_probes.output.details, task=TASKS, model=MODELS),
        external=given(locate(ELSEWHERE)) if ELSEWHERE else [],
        shapes=[shape_of(model) for model in UNPLANNED],
    output:
        table=report(
            results("tables/probes.csv"),
            caption="../report/probes.rst",
            category="tables",
        ),
    params:
        tasks=list(TASKS),
        models=list(MODELS),
        names=NAMES,
        layers=lambda wildcards: {name: entry_of(name).layers for name in MODELS},
        code=code_digest("layerwise.tables.probes"),
    log:
        log_of("collect_probes"),
    benchmark:
        benchmark_of("collect_probes")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/collect_probes.py"


rule tabulate_confusions:
    message:
        "Count which labels heads take for which others"
    input:
        predictions=every(rules.join_probes.output.predictions, task=LABELLED, model=MODELS),
    output:
        table=report(
            results("tables/confusion.csv"),
            caption="../report/confusion_table.rst",
            category="tables",
        ),
    params:
        heads=[(task, model) for task in LABELLED for model in MODELS],
        columns=LABELLED,
        code=code_digest("layerwise.tables.confusion"),
    log:
        log_of("tabulate_confusions"),
    benchmark:
        benchmark_of("tabulate_confusions")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/tabulate_confusions.py"


rule compare_trends:
    message:
        "Compare the trends of properties with the performance of tasks"
    input:
        scores=rules.collect_scores.output.scores,
        probes=rules.collect_probes.output.table,
        jackknife=JACKKNIFE,
    output:
        table=report(
            results("tables/comparison.csv"),
            caption="../report/comparison.rst",
            category="tables",
        ),
    params:
        folds=config["cca"]["folds"],
        seed=config["samples"]["seed"],
        about=ABOUT,
        code=code_digest("layerwise.tables.comparison"),
    log:
        log_of("compare_trends"),
    benchmark:
        benchmark_of("compare_trends")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/compare_trends.py"


rule compare_layers:
    message:
        "Compare layers, two by two"
    input:
        scores=rules.collect_scores.output.scores,
        jackknife=JACKKNIFE,
        predictions=every(rules.join_probes.output.predictions, task=TASKS, model=MODELS),
    output:
        table=report(
            results("tables/layer_pairs.csv"),
            caption="../report/layer_pairs.rst",
            category="tables",
        ),
    params:
        pairs=EXPERIMENT.layer_pairs,
        heads=[(task, model) for task in TASKS for model in MODELS],
        metrics={name: task.metric for name, task in TASKS.items()},
        folds=config["cca"]["folds"],
        about=ABOUT,
        code=code_digest("layerwise.tables.layer_pairs"),
    log:
        log_of("compare_layers"),
    benchmark:
        benchmark_of("compare_layers")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/compare_layers.py"


rule check_findings:
    message:
        "Check the findings of the paper"
    input:
        scores=rules.collect_scores.output.scores,
        probes=rules.collect_probes.output.table,
        models=rules.tabulate_models.output.table,
        jackknife=JACKKNIFE,
    output:
        table=report(
            results("tables/findings.csv"),
            caption="../report/findings.rst",
            category="tables",
        ),
    params:
        metric=config["metric"],
        folds=config["cca"]["folds"],
        seed=config["samples"]["seed"],
        criteria=FINDINGS,
        about=ABOUT,
        code=code_digest("layerwise.tables.findings"),
    log:
        log_of("check_findings"),
    benchmark:
        benchmark_of("check_findings")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/check_findings.py"


rule compare_models:
    message:
        "Compare the trends of models, two by two"
    input:
        scores=rules.collect_scores.output.scores,
        models=rules.tabulate_models.output.table,
        jackknife=JACKKNIFE,
    output:
        table=report(
            results("tables/model_pairs.csv"),
            caption="../report/model_pairs.rst",
            category="tables",
        ),
    params:
        folds=config["cca"]["folds"],
        seed=config["samples"]["seed"],
        about=ABOUT,
        code=code_digest("layerwise.tables.model_pairs"),
    log:
        log_of("compare_models"),
    benchmark:
        benchmark_of("compare_models")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/compare_models.py"


rule recommend_layers:
    message:
        "Recommend layers"
    input:
        trends=rules.summarise_trends.output.trends,
        best=rules.summarise_trends.output.best,
        probes=rules.collect_probes.output.table,
        comparison=rules.compare_trends.output.table,
    output:
        table=report(
            results("tables/recommendations.csv"),
            caption="../report/recommendations.rst",
            category="tables",
        ),
    params:
        models=list(MODELS),
        controls=CONTROLS,
        metric=config["metric"],
        folds_by=config["cca"]["folds_by"],
        seed=config["samples"]["seed"],
        about=ABOUT,
        code=code_digest("layerwise.tables.recommendations"),
    log:
        log_of("recommend_layers"),
    benchmark:
        benchmark_of("recommend_layers")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/recommend_layers.py"


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
        code=code_digest("layerwise.figures.tasks"),
    log:
        log_of("plot_task/{task}"),
    benchmark:
        benchmark_of("plot_task/{task}")
    conda:
        "../../envs/summary.yaml"
    threads: 1
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
        code=code_digest("layerwise.figures.confusion"),
    log:
        log_of("plot_confusion/{task}"),
    benchmark:
        benchmark_of("plot_confusion/{task}")
    conda:
        "../../envs/summary.yaml"
    threads: 1
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
        code=code_digest("layerwise.figures.correlations"),
    log:
        log_of("plot_correlations"),
    benchmark:
        benchmark_of("plot_correlations")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/plot_correlations.py"


TASK_PLOTS = {task: every(rules.plot_task.output.svg, task=task)[0] for task in COMPARED}
CONFUSIONS = {task: every(rules.plot_confusion.output.svg, task=task)[0] for task in LABELLED}
CORRELATIONS = rules.plot_correlations.output.svg if COMPARED else []
