# Figures: a rule for each subject of layerwise/figures/registry.py, which draws all figures of it.
#
# In:  results/<experiment>/tables/*.csv
# Out: results/<experiment>/plots/*.{svg,png,json}: pictures, and the charts that they are of
from layerwise.figures import registry
from layerwise.figures.questions import sentence
from layerwise.figures.registry import FIGURES

# Of what there are pictures: names of properties or tasks; "" where there is one picture for all.
SUBJECTS = {
    registry.EXPERIMENT: [""] if CURVES else [],
    registry.PROPERTY: list(CURVES),
    registry.MATRIX: list(MATRICES),
    registry.TASK: COMPARED,
    registry.LABELS: list(LABELLED),
    registry.TASKS: [""] if COMPARED else [],
}
CHOICES = {
    "metrics": SHOWN,
    "metrics_of": METRICS_OF,
    "properties": CURVES,
    "names": list(CURVES),
    "questions": QUESTIONS,
    "models": list(MODELS),
    "titles": TITLES,
    "groups": GROUPS,
}


for subject in SUBJECTS:
    figures = registry.figures_of(subject)

    rule plot_figures:
        name:
            f"plot_{subject.name}"
        message:
            "Plot {params.named}"
        input:
            **{table: results(f"tables/{table}.csv") for figure in figures for table in figure.tables},
        output:
            **{
                f"{figure.name}_svg": report(
                    results(f"plots/{figure.stem_of(subject.pattern)}.svg"),
                    caption="../report/figure.rst",
                    category=subject.category,
                )
                for figure in figures
            },
            **{
                f"{figure.name}_{kind}": results(f"plots/{figure.stem_of(subject.pattern)}.{kind}")
                for figure in figures
                for kind in ("png", "json")
            },
        wildcard_constraints:
            **({subject.wildcard: "|".join(map(re.escape, SUBJECTS[subject])) or "(?!)"} if subject.wildcard else {}),
        params:
            named=lambda wildcards, figures=figures: ": ".join(
                [*wildcards, ", ".join(figure.name for figure in figures)]
            ),
            figures=lambda wildcards, figures=figures: {
                figure.name: figure.plan(CHOICES, *wildcards) for figure in figures
            },
            captions={figure.name: figure.caption for figure in figures},
            asked=lambda wildcards, subject=subject: (
                sentence(PROPERTIES[wildcards.property], config["cca"]["folds_by"]) if subject.is_question else ""
            ),
            metric=lambda wildcards: SHOWN.get(wildcards.get("property")) or ", ".join(dict.fromkeys(SHOWN.values())),
            about=lambda wildcards, figures=figures: (
                ABOUT_OF.get(wildcards.get("property"), ABOUT) if any(each.has_intervals for each in figures) else ""
            ),
            code=code_of("plot_figures", lambda wildcards, figures=figures: sorted({each.module for each in figures})),
        log:
            log_of(f"plot_{subject.name}/{subject.pattern}".rstrip("/")),
        benchmark:
            benchmark_of(f"plot_{subject.name}/{subject.pattern}".rstrip("/"))
        conda:
            "../../envs/summary.yaml"
        resources:
            mem_mb=rising(1000),
        script:
            "../scripts/plot_figures.py"


PLOTS = [results(f"plots/{figure.stem_of(subject)}") for figure in FIGURES.values() for subject in SUBJECTS[figure.of]]
