# What an article shows of an experiment: figures as wide as a column, tables in LaTeX, a sentence to cite.
#
# In:  results/<experiment>/tables/{trends,best_layers,recommendations}.csv
# Out: results/<experiment>/paper/<property>_<kind>.{pdf,svg,png}, paper/*.tex, paper/sentence.txt

FOR_PAPER = config["figures"]
IN_PAPER = {
    name: PROPERTIES[name].shown(FOR_PAPER["metric"] or config["metric"]) for name in EXPERIMENT.in_paper.questions
}
KINDS = [FIGURES[name] for name in FOR_PAPER["kinds"]]
PAPER_CHOICES = CHOICES | {
    "models": list(EXPERIMENT.in_paper.models),
    "metrics": IN_PAPER,
    "metrics_of": {name: [metric] for name, metric in IN_PAPER.items()},
}
PICTURES = {
    f"{kind.stem_of(name)}.{FOR_PAPER['format']}": {"question": name, "alt": kind.alt, "caption": kind.caption}
    for name in IN_PAPER
    for kind in KINDS
}


rule draw_paper:
    message:
        "Draw {wildcards.property} for an article"
    input:
        trends=rules.summarise_trends.output.trends,
    output:
        **{kind.name: results(f"paper/{kind.stem_of('{property}')}.{FOR_PAPER['format']}") for kind in KINDS},
    params:
        figures=lambda wildcards: {kind.name: kind.plan(PAPER_CHOICES, wildcards.property) for kind in KINDS},
        width_cm=FOR_PAPER["width_cm"],
        format=FOR_PAPER["format"],
        code=code_of("draw_paper", lambda wildcards: sorted({kind.module for kind in KINDS})),
    log:
        log_of("draw_paper/{property}"),
    benchmark:
        benchmark_of("draw_paper/{property}")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/draw_paper.py"


rule write_paper:
    message:
        "Write tables and a sentence for an article"
    input:
        trends=rules.summarise_trends.output.trends,
        best=rules.summarise_trends.output.best,
        recommendations=rules.recommend_layers.output.table,
    output:
        **{f"layers_{name}": results(f"paper/layers_{name}.tex") for name in IN_PAPER},
        best_layers=results("paper/best_layers.tex"),
        recommendations=results("paper/recommendations.tex"),
        figures=results("paper/figures.tex"),
        sentence=results("paper/sentence.txt"),
    params:
        experiment=config["experiment"],
        corpus=CORPUS,
        alignments=EXPERIMENT.alignments_are,
        models=list(EXPERIMENT.in_paper.models),
        titles=TITLES,
        properties=QUESTIONS,
        questions={name: QUESTIONS[name] for name in IN_PAPER},
        metrics=IN_PAPER,
        samples=config["samples"]["count"],
        seed=config["samples"]["seed"],
        figures=PICTURES,
        width_cm=FOR_PAPER["width_cm"],
        about={name: ABOUT_OF[name] for name in IN_PAPER},
        journal=results("versions.yaml"),
        code=code_of("write_paper"),
    log:
        log_of("write_paper"),
    benchmark:
        benchmark_of("write_paper")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/write_paper.py"


rule paper:
    input:
        [results(f"paper/{picture}") for picture in PICTURES],
        rules.write_paper.output,
