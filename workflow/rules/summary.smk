# From scores to tables and plots.

# What intervals are about, for captions.
ABOUT = about(config["cca"]["intervals"], config["cca"]["folds_by"])
# Made only where intervals are of speakers.
JACKKNIFE = results("tables/jackknife.csv") if config["cca"]["intervals"] == "speakers" else []


rule collect_scores:
    message:
        "Gather all scores in one table"
    input:
        scores=all_scores,
        shapes=[shape_of(model) for model in UNPLANNED],
    output:
        scores=report(
            results("tables/scores.csv"),
            caption="../report/scores.rst",
            category="tables",
        ),
        jackknife=JACKKNIFE,
    params:
        properties=config["properties"],
        models=list(MODELS),
        metrics=list(METRICS),
        blocks=lambda wildcards: {name: entry_of(name).blocks for name in MODELS},
        strict=config["strict"],
        code=code_digest("layerwise.tables.scores"),
    log:
        log_of("collect_scores"),
    benchmark:
        benchmark_of("collect_scores")
    conda:
        "../../envs/summary.yaml"
    threads: 1
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
        folds=config["cca"]["folds"],
        code=code_digest("layerwise.tables.trends", "layerwise.tables.best_layers"),
    log:
        log_of("summarise_trends"),
    benchmark:
        benchmark_of("summarise_trends")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/summarise_trends.py"


rule tabulate_layers:
    message:
        "Tabulate {wildcards.property} by layer and model"
    input:
        trends=rules.summarise_trends.output.trends,
    output:
        table=results("tables/layers_{property}.csv"),
    params:
        metric=config["metric"],
        code=code_digest("layerwise.tables.trends"),
    log:
        log_of("tabulate_layers/{property}"),
    benchmark:
        benchmark_of("tabulate_layers/{property}")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/tabulate_layers.py"


rule summarise_samples:
    message:
        "Count what the sample sets asked for and got"
    input:
        samples=every(rules.draw_sample.output, sample=SAMPLES),
    output:
        table=results("tables/samples.csv"),
    params:
        utterances=config["samples"]["utterances"],
        phones_per_type=config["samples"]["phones_per_type"],
        word_types=config["samples"]["word_types"],
        words_per_type=config["samples"]["words_per_type"],
        phone_types=EXPERIMENT.phones.phones and len(EXPERIMENT.phones.phones),
        alignments=EXPERIMENT.alignments_are,
        code=code_digest("layerwise.tables.samples"),
    log:
        log_of("summarise_samples"),
    benchmark:
        benchmark_of("summarise_samples")
    conda:
        "../../envs/summary.yaml"
    threads: 1
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
        code=code_digest("layerwise.tables.models"),
    log:
        log_of("tabulate_models"),
    benchmark:
        benchmark_of("tabulate_models")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(500),
    script:
        "../scripts/tabulate_models.py"


rule plot_trends:
    message:
        "Plot {wildcards.property} over {wildcards.axis}"
    input:
        trends=rules.summarise_trends.output.trends,
    output:
        svg=report(
            results("plots/{property}_{axis}.svg"),
            caption="../report/trends.rst",
            category="{property}",
        ),
        png=results("plots/{property}_{axis}.png"),
    wildcard_constraints:
        axis="depth|layer",
    params:
        metric=config["metric"],
        titles=TITLES,
        groups=GROUPS,
        about=ABOUT,
        code=code_digest("layerwise.figures.trends"),
    log:
        log_of("plot_trends/{property}_{axis}"),
    benchmark:
        benchmark_of("plot_trends/{property}_{axis}")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/plot_trends.py"


rule plot_heatmap:
    message:
        "Plot {wildcards.property} as layers by models"
    input:
        trends=rules.summarise_trends.output.trends,
    output:
        svg=report(
            results("plots/{property}_heatmap.svg"),
            caption="../report/heatmap.rst",
            category="{property}",
        ),
        png=results("plots/{property}_heatmap.png"),
    params:
        metric=config["metric"],
        titles=TITLES,
        code=code_digest("layerwise.figures.heatmap"),
    log:
        log_of("plot_heatmap/{property}"),
    benchmark:
        benchmark_of("plot_heatmap/{property}")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/plot_heatmap.py"


rule plot_overview:
    message:
        "Plot all properties side by side"
    input:
        trends=rules.summarise_trends.output.trends,
    output:
        svg=report(
            results("plots/overview.svg"),
            caption="../report/overview.rst",
            category="overview",
        ),
        png=results("plots/overview.png"),
    params:
        properties=config["properties"],
        metric=config["metric"],
        titles=TITLES,
        groups=GROUPS,
        about=ABOUT,
        code=code_digest("layerwise.figures.overview"),
    log:
        log_of("plot_overview"),
    benchmark:
        benchmark_of("plot_overview")
    conda:
        "../../envs/summary.yaml"
    threads: 1
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/plot_overview.py"


PLOTS = {
    name: expand(
        results("plots/{property}_{kind}.svg"),
        property=name,
        kind=["depth", "layer", "heatmap"],
    )
    for name in config["properties"]
}
