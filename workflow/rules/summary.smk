# From scores to tables.
#
# In:  results/<experiment>/scores/…, results/<experiment>/samples/…, what is known of each model
# Out: results/<experiment>/tables/{scores,trends,best_layers,layers_<property>,samples,models}.csv, jackknife.csv where
#      intervals are of speakers, and layer_matrices.csv where layers are compared with every layer of another model
from layerwise.scoring.properties import asked
from layerwise.tables.intervals import about_all, about_property, has_jackknife

# Properties with a score for each layer, and those with one for each layer and layer of another model.
CURVES = {name: entry for name, entry in QUESTIONS.items() if not PROPERTIES[name].is_matrix}
MATRICES = {name: entry for name, entry in QUESTIONS.items() if PROPERTIES[name].is_matrix}
METRICS_OF = {name: question.measure.metrics for name, question in PROPERTIES.items()}
# Both without the words that are shown: no number depends on them, and an edit of a title repeats no table.
ASKED_OF_LAYERS, ASKED_OF_PAIRS = (
    {name: asked(entry) for name, entry in questions.items()} for questions in (CURVES, MATRICES)
)

# What intervals are about, for captions: of scores, and of those of a property, which may have folds of its own.
ABOUT = about_all(PROPERTIES.values(), config["cca"]["intervals"], config["cca"]["folds_by"])
ABOUT_OF = {
    name: about_property(question, config["cca"]["intervals"], config["cca"]["folds_by"])
    for name, question in PROPERTIES.items()
}
# Made only where intervals are of speakers.
JACKKNIFE = results("tables/jackknife.csv") if OVER_SPEAKERS else []


rule collect_scores:
    message:
        "Gather all scores in one table"
    input:
        scores=lambda wildcards: scores_of(CURVES),
        shapes=[shape_of(model) for model in UNPLANNED],
    output:
        scores=report(
            results("tables/scores.csv"),
            caption="../report/scores.rst",
            category="tables",
        ),
        jackknife=JACKKNIFE,
    params:
        properties=list(CURVES),
        own_folds=[name for name in CURVES if not has_jackknife(PROPERTIES[name], config["cca"]["folds_by"])],
        models=list(MODELS),
        metrics=METRICS_OF,
        blocks=lambda wildcards: {name: entry_of(name).blocks for name in MODELS},
        strict=config["strict"],
        code=code_of("collect_scores"),
    log:
        log_of("collect_scores"),
    benchmark:
        benchmark_of("collect_scores")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(2000),
    script:
        "../scripts/collect_scores.py"


rule summarise_trends:
    message:
        "Average the scores of each layer, and find the best ones"
    input:
        scores=rules.collect_scores.output.scores,
        jackknife=JACKKNIFE,
    output:
        trends=results("tables/trends.csv"),
        best=results("tables/best_layers.csv"),
    params:
        questions=ASKED_OF_LAYERS,
        folds=config["cca"]["folds"],
        code=code_of("summarise_trends"),
    log:
        log_of("summarise_trends"),
    benchmark:
        benchmark_of("summarise_trends")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/summarise_trends.py"


rule tabulate_layers:
    message:
        "Tabulate each property by layer and model"
    input:
        trends=rules.summarise_trends.output.trends,
    output:
        tables=[results(f"tables/layers_{name}.csv") for name in CURVES],
    params:
        properties=list(CURVES),
        shown=SHOWN,
        code=code_of("tabulate_layers"),
    log:
        log_of("tabulate_layers"),
    benchmark:
        benchmark_of("tabulate_layers")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/tabulate_layers.py"


rule tabulate_matrices:
    message:
        "Average the scores of each pair of layers"
    input:
        scores=lambda wildcards: scores_of(MATRICES),
        shapes=[shape_of(model) for model in UNPLANNED],
    output:
        table=results("tables/layer_matrices.csv"),
    params:
        questions=ASKED_OF_PAIRS,
        models=list(MODELS),
        metrics=METRICS_OF,
        blocks=lambda wildcards: {name: entry_of(name).blocks for name in MODELS},
        folds=config["cca"]["folds"],
        folds_by=config["cca"]["folds_by"],
        intervals=config["cca"]["intervals"],
        strict=config["strict"],
        code=code_of("tabulate_matrices"),
    log:
        log_of("tabulate_matrices"),
    benchmark:
        benchmark_of("tabulate_matrices")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(2000),
    script:
        "../scripts/tabulate_matrices.py"


rule summarise_samples:
    message:
        "Count what the sample sets asked for and got"
    input:
        samples=expand(DRAWN.values(), sample=SAMPLES),
        sizes=CHOSEN_SIZES,
    output:
        table=results("tables/samples.csv"),
    params:
        sizes=SIZES,
        phone_types=EXPERIMENT.phones.phones and len(EXPERIMENT.phones.phones),
        alignments=EXPERIMENT.alignments_are,
        code=code_of("summarise_samples"),
    log:
        log_of("summarise_samples"),
    benchmark:
        benchmark_of("summarise_samples")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/summarise_samples.py"


rule tabulate_models:
    message:
        "List the models and what is known of them"
    input:
        shapes=[shape_of(model) for model in UNPLANNED],
    output:
        table=results("tables/models.csv"),
    params:
        models=lambda wildcards: [facts(entry_of(name)) for name in MODELS],
        code=code_of("tabulate_models"),
    log:
        log_of("tabulate_models"),
    benchmark:
        benchmark_of("tabulate_models")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(500),
    script:
        "../scripts/tabulate_models.py"
