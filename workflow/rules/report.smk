# The report, and the targets that are tables, plots or the report.
#
# In:  every table and plot
# Out: results/<experiment>/report.html


rule write_report:
    message:
        "Write the report"
    input:
        charts=[f"{plot}.json" for plot in PLOTS],
        scores=rules.collect_scores.output.scores,
        best=rules.summarise_trends.output.best,
        utterances=from_corpus(RECORDINGS),
        samples=rules.summarise_samples.output.table,
        sizes=CHOSEN_SIZES,
        rare=RARE_TYPES,
        models=rules.tabulate_models.output.table,
        comparison=rules.compare_trends.output.table,
        findings=rules.check_findings.output.table,
        recommendations=rules.recommend_layers.output.table,
        model_pairs=rules.compare_models.output.table,
        layer_pairs=rules.compare_layers.output.table if EXPERIMENT.layer_pairs else [],
        matrices=rules.tabulate_matrices.output.table if MATRICES else [],
        audio_problems=from_corpus("corpus/audio_problems.csv"),
        alignment_problems=from_corpus(ALIGNMENT_PROBLEMS),
        labels=from_corpus("corpus/labels.csv") if EXPERIMENT.alignments else [],
    output:
        html=results("report.html"),
    params:
        configuration=EXPERIMENT.choices,
        sizes=SIZES,
        questions=QUESTIONS,
        metrics=SHOWN,
        titles=TITLES,
        groups=GROUPS,
        audio=EXPERIMENT.audio.origin,
        alignments=ALIGNMENTS_FROM,
        sources={name: entry.origin for name, entry in MODELS.items()},
        criteria=FINDINGS,
        journal=results("versions.yaml"),
        page=[file_digest(path) for path in sorted(Path(PACKAGE_PARENT, "report").iterdir()) if path.suffix != ".rst"],
        code=code_of("write_report"),
    log:
        log_of("write_report"),
    benchmark:
        benchmark_of("write_report")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/write_report.py"


rule tables:
    input:
        rules.collect_scores.output,
        rules.summarise_trends.output,
        rules.tabulate_enough.output,
        rules.summarise_samples.output,
        rules.tabulate_models.output,
        rules.tabulate_layers.output,
        rules.tabulate_matrices.output if MATRICES else [],
        rules.collect_probes.output,
        rules.tabulate_confusions.output,
        rules.compare_trends.output,
        rules.check_findings.output,
        rules.compare_models.output,
        rules.recommend_layers.output,
        rules.compare_layers.output if EXPERIMENT.layer_pairs else [],


rule plots:
    input:
        [f"{plot}.{kind}" for plot in PLOTS for kind in ("svg", "png", "json")],


rule report:
    input:
        rules.write_report.output,
