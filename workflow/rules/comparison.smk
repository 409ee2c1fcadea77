# Do the trends tell which layer to use? Tasks beside properties, layers and models in pairs, the paper's findings as
# checks, recommendations.
#
# In:  results/<experiment>/tables/{scores,trends,best_layers,probes,models}.csv
# Out: results/<experiment>/tables/{comparison,layer_pairs,findings,model_pairs,recommendations}.csv


FINDINGS = file_digest(ROOT / "resources/findings.yaml")
CONTROLS = [name for name, entry in MODELS.items() if entry.kind == "random"]


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
        questions=ASKED_OF_LAYERS,
        folds=config["cca"]["folds"],
        seed=config["samples"]["seed"],
        about=ABOUT,
        code=code_of("compare_trends"),
    log:
        log_of("compare_trends"),
    benchmark:
        benchmark_of("compare_trends")
    conda:
        "../../envs/summary.yaml"
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
        predictions=joined_heads("predictions"),
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
        code=code_of("compare_layers"),
    log:
        log_of("compare_layers"),
    benchmark:
        benchmark_of("compare_layers")
    conda:
        "../../envs/summary.yaml"
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
        code=code_of("check_findings"),
    log:
        log_of("check_findings"),
    benchmark:
        benchmark_of("check_findings")
    conda:
        "../../envs/summary.yaml"
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
        code=code_of("compare_models"),
    log:
        log_of("compare_models"),
    benchmark:
        benchmark_of("compare_models")
    conda:
        "../../envs/summary.yaml"
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
        questions=ASKED_OF_LAYERS,
        models=list(MODELS),
        controls=CONTROLS,
        shown=SHOWN,
        folds_by=config["cca"]["folds_by"],
        seed=config["samples"]["seed"],
        seed_of_heads=config["probes"]["seed"],
        about=ABOUT,
        code=code_of("recommend_layers"),
    log:
        log_of("recommend_layers"),
    benchmark:
        benchmark_of("recommend_layers")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/recommend_layers.py"
